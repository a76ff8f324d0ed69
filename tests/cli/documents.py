#!/usr/bin/env python3
"""What is documented is what there is: `kith --help`, the help of each command, its options in the
source, kith(1), the control socket's table of requests, and docs/CONTROL.md say the same."""

import glob
import json
import os
import re
import subprocess
import sys

KITH = os.environ["KITH"]
TOP = os.environ["srcdir"]
failures = passed = 0


def check(what, ok, detail=""):
    global failures, passed
    passed, failures = passed + bool(ok), failures + (not ok)
    if not ok:
        print("FAILED  %s: %s" % (what, detail))


def same(what, one, other):
    """Both sets hold the same, and something."""
    check(what, one and set(one) == set(other), "only one has %s" % sorted(set(one) ^ set(other)))


def read(*path):
    with open(os.path.join(TOP, *path)) as f:
        return f.read()


def help_of(*command):
    return subprocess.run(
        [KITH, *command, "--help"], capture_output=True, text=True, check=True
    ).stdout


# --------------------------------------------------------------------------------------- the manual

MANUAL = read("docs", "man", "kith.1.pod")
PLAIN = re.sub(r"[A-Z]<([^<>]*)>", r"\1", MANUAL.replace("\n", " "))


def option_names(text):
    return set(re.findall(r"(?<![\w-])(--[a-z][a-z0-9-]*)", text))


def sections():
    """{heading: [(what stands before the items), (item, its text)...]}"""
    out = {}
    for part in re.split(r"^=head1 ", MANUAL, flags=re.M)[1:]:
        heading, _, text = part.partition("\n")
        items = re.split(r"^=item ", text, flags=re.M)
        out[heading] = items
    return out


def man_items():
    """{command: text of all its items}"""
    commands = {}
    for items in sections().values():
        for item in items[1:]:
            name = re.match(r"B<kith ([a-z]+)", item)
            if name:
                commands[name.group(1)] = commands.get(name.group(1), "") + item
    return commands


COMMON = option_names(sections()["TALKING TO A NODE"][0])
ITEMS = man_items()


# ----------------------------------------------------------------------------------------- commands


def own_options(command):
    """The options in the source of a command, and whether it takes those of all clients."""
    text = read("tools", "cmd_%s.c" % command)
    names = re.findall(r'\{"([a-z0-9-]+)",\s*(?:no|required)_argument', text)
    return {"--" + n for n in names}, "KITH_ASK_OPTIONS" in text


def test_commands():
    listed = re.findall(r"^  ([a-z]+) ", help_of(), flags=re.M)
    table = re.findall(r'\{"([a-z]+)", "[^"]*", kith_cmd_\w+\}', read("tools", "main.c"))
    same("kith --help and the table", listed, table)
    same("kith --help and the manual's items", listed, ITEMS)
    files = [os.path.basename(f)[4:-2] for f in glob.glob(os.path.join(TOP, "tools", "cmd_*.c"))]
    same("kith --help and the files", listed, files)
    synopsis = set(
        re.findall(r"\b[a-z]+\b", PLAIN[PLAIN.index("SYNOPSIS") : PLAIN.index("DESCRIPTION")])
    )
    check("the synopsis has all", set(listed) <= synopsis, set(listed) - synopsis)
    return listed


def test_options(command):
    shown = option_names(help_of(command))
    own, client = own_options(command)
    common = set(re.findall(r'^\s+\{"([a-z-]+)", ', read("tools", "ask.h"), flags=re.M))
    common = {"--" + n for n in common}
    same("ask.h and the manual's common options", common - {"--help"}, COMMON)
    same(
        "%s: source and --help" % command,
        own | (common if client else set()) | {"--help"},
        shown | {"--help"},
    )
    check("%s: its help says --help" % command, "--help" in shown)
    described = option_names(ITEMS.get(command, ""))
    wanted = own - {"--help"}
    check("%s: the manual has all options" % command, wanted <= described, wanted - described)
    check("%s: the manual has no others" % command, described <= shown, described - shown)


def operands(line):
    """What a usage line takes besides options: {("use", "FINGERPRINT"), ...}, `a|b ARG` as two."""
    line = re.sub(r"\[(?:--|OPTIONS)[^]]*\](?:\.\.\.)?|--[a-z-]+ \S+", " ", line)
    found = set()
    for one in line.split(" | "):
        first, *rest = one.split() or [""]
        first = first.split("|") if re.match(r"[a-z|]+$", first) else [first]
        found |= {" ".join([verb, *rest]).strip() for verb in first}
    return found - {""}


def test_operands(command):
    """Verbs and arguments: of the help's usage, and of the titles of the manual's items."""
    usage = help_of(command).partition("\n\n")[0].replace("Usage:", " ")
    shown = set()
    for line in re.findall(r"\bkith %s\b(.*)" % command, usage):
        shown |= operands(line)
    titles = re.findall(r"^=item (B<kith %s\b.*?)\n\n" % command, MANUAL, flags=re.M | re.S)
    told = set()
    for title in titles:
        plain = re.sub(r"[A-Z]<([^<>]*)>", r"\1", " ".join(title.split()))
        for line in re.split(r"\bkith %s\b" % command, plain)[1:]:
            told |= operands(line.strip(" ,"))
    check(
        "%s: arguments in --help and in the manual" % command,
        shown == told,
        "%s and %s" % (sorted(shown - told), sorted(told - shown)),
    )


def test_exit_codes():
    codes = dict(re.findall(r"(KITH_EXIT_\w+) = (\d)", read("tools", "fail.h")))
    items = re.findall(r"^=item B<(\d)>", MANUAL, flags=re.M)
    same("exit codes: fail.h and the manual", codes.values(), items)
    same(
        "exit codes: fail.h and --help",
        codes.values(),
        re.findall(r"\b(\d) [a-z]", help_of()[help_of().index("Exit codes") :]),
    )


# ----------------------------------------------------------------------------------- control socket


PAGE = read("docs", "CONTROL.md")
SOURCES = "".join(
    open(f).read() for f in sorted(glob.glob(os.path.join(TOP, "runtime", "control", "*.c")))
)
# {function: its body}
FUNCTIONS = dict(re.findall(r"^\w[^;{}=]*?\b(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", SOURCES, re.M | re.S))
# What a request, or an object in it, is called where it is read.
READ = r"\b\w+_(?:get|of|in)\((?:c, )?(?:request|item|w|p->where), \"(\w+)\""


def fields_read(function, seen):
    """The fields that this function and those it calls read of a request."""
    if function in seen or function not in FUNCTIONS:
        return set()
    seen.add(function)
    body = FUNCTIONS[function]
    found = set(re.findall(READ, body))
    if "kith_client_key(" in body:  # taken out of the request before it is read
        found.add("key")
    for other in re.findall(r"\b\w+\b", body):
        found |= fields_read(other, seen)
    return found


def keys_of(value):
    """All keys of an object and of those in it."""
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set()


def test_fields(request, function):
    """A section of CONTROL.md says in a line "Takes ..." which fields the code reads."""
    section = PAGE[PAGE.index("\n### %s\n" % request) :].split("\n#", 2)[1]
    takes = re.search(r"^Takes (.*?)\.", section, flags=re.M | re.S)
    told = set(re.findall(r"`(\w+)`", takes.group(1))) if takes else set()
    read_fields = fields_read(function, set())
    if "wait" in read_fields:
        same("wait: its fields", read_fields & {"what", "count", "exactly"},
             {"what", "count", "exactly"})
        read_fields -= {"what", "count", "exactly"}
    check("%s: fields that are read and those told" % request, read_fields == told,
          sorted(read_fields ^ told))
    shown = set()
    for line in re.findall(r"^> (.*)$", section, flags=re.M):
        example = json.loads(line)
        check("%s: an example of its own" % request, example.pop("cmd") == request, line)
        shown |= keys_of(example)
    known = read_fields | ({"what", "count", "exactly"} if "wait" in read_fields else set())
    check("%s: examples have known fields" % request, shown <= known, sorted(shown - known))


def test_key_verbs():
    """`do` of a request for the keyring: the code, the text, the examples."""
    wanted = set(re.findall(r'strcmp\(verb, "(\w+)"\)', FUNCTIONS["carry_out"]))
    section = PAGE[PAGE.index("\n### keys\n") :].split("\n#", 2)[1]
    text = section[section.index("`do` is") :].partition(".")[0]
    told = set(re.findall(r"`(\w+)`", text)) - {"do", "key", "fingerprint"}
    same("keys: verbs in the text", wanted, told)
    same("keys: verbs in the examples", wanted, re.findall(r'"do":"(\w+)"', section))
    verbs = re.search(r"verbs\[\] = \{(.*?)\}", read("tools", "cmd_keys.c")).group(1)
    same("keys: verbs of the command", wanted, re.findall(r'"(\w+)"', verbs))


def test_requests():
    page, sources = PAGE, SOURCES
    table = re.search(r"\} commands\[\] = \{(.*?)\n\};", sources, flags=re.S).group(1)
    requests = dict(re.findall(r'\{"([a-z_]+)", (\w+)(?:, true)?\}', table))
    same("requests: the table and CONTROL.md", requests, re.findall(r"^### (\w+)$", page, re.M))
    for request, function in requests.items():
        test_fields(request, function)
    kinds = re.search(r"\} kinds\[\] = \{(.*?)\n\};", sources, flags=re.S).group(1)
    kinds = re.findall(r'\{"([a-z]+)", \w+\}', kinds)
    told = page[page.index("\n## Events") :]
    shown = re.findall(r'"event":"([\w.]+)"', told)
    shown = {"emitted" if "." in event else event for event in shown}
    # It can't be made to happen in a test, so no example shows it.
    shown |= set(re.findall(r"`(started)`", told))
    same("events: the table and CONTROL.md", kinds + ["cleared", "dropped"], shown)
    listed = re.search(r"--events LIST[^:]*:(.*?);", help_of("monitor"), flags=re.S).group(1)
    same("events: the table and --help", kinds, re.findall(r"([a-z]+)(?=,|$)", listed))
    names = re.findall(r'= \{"(\w+)", "', read("plugins", "codes.c"))
    text = page[page.index("`code` is one of") :]
    text = text[: text.index(". The exit codes")]
    same(
        "codes: codes.c and CONTROL.md",
        set(names) - {"ok"},
        set(re.findall(r"`(\w+)`", text)) - {"code"},
    )


for one in test_commands():
    test_options(one)
    test_operands(one)
test_exit_codes()
test_requests()
test_key_verbs()
print("%d passed, %d failed, 0 skipped" % (passed, failures))
sys.exit(failures > 0)
