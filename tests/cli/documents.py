#!/usr/bin/env python3
"""What is documented is what there is: `kith --help`, the help of each command, its options in the
source, kith(1), the control socket's table of requests, and docs/CONTROL.md say the same."""

import glob
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
    """{command: text of all its items}, [every `kith COMMAND VERB` that has an item]."""
    commands, verbs = {}, set()
    for items in sections().values():
        for item in items[1:]:
            title = item.partition("\n\n")[0].replace("\n", " ")
            for name, verb in re.findall(r"B<kith ([a-z]+)(?: ([a-z]+))?>", title):
                if re.match(r"B<kith " + name, title):
                    commands[name] = commands.get(name, "") + item
                if verb:
                    verbs.add((name, verb))
    return commands, verbs


COMMON = option_names(sections()["TALKING TO A NODE"][0])
ITEMS, VERBS = man_items()


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


def test_verbs():
    for command in ("config", "plugin"):
        usage = re.findall(r"kith %s ([a-z]+)" % command, help_of(command))
        same("%s: verbs" % command, usage, [v for c, v in VERBS if c == command])


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


def test_requests():
    page = read("docs", "CONTROL.md")
    sources = "".join(
        open(f).read() for f in sorted(glob.glob(os.path.join(TOP, "runtime", "control", "*.c")))
    )
    table = re.search(r"\} commands\[\] = \{(.*?)\n\};", sources, flags=re.S).group(1)
    requests = re.findall(r'\{"([a-z_]+)", \w+\}', table)
    same("requests: the table and CONTROL.md", requests, re.findall(r"^### (\w+)$", page, re.M))
    kinds = re.search(r"\} kinds\[\] = \{(.*?)\n\};", sources, flags=re.S).group(1)
    kinds = re.findall(r'\{"([a-z]+)", \w+\}', kinds)
    told = page[page.index("\n## Events") :]
    shown = re.findall(r'"event":"([\w.]+)"', told)
    shown = {"emitted" if "." in event else event for event in shown}
    # Two can't be made to happen in a test, so no example shows them.
    shown |= set(re.findall(r"`(started|lost)`", told))
    same("events: the table and CONTROL.md", kinds + ["refute", "dropped"], shown)
    listed = re.search(r"--events LIST[^:]*:(.*?);", help_of("monitor"), flags=re.S).group(1)
    same("events: the table and --help", kinds, re.findall(r"([a-z]+)(?=,|$)", listed))
    names = re.findall(r'= \{"(\w+)", "', read("runtime", "node", "codes.c"))
    text = page[page.index("`code` is one of") :]
    text = text[: text.index(". The exit codes")]
    same(
        "codes: codes.c and CONTROL.md",
        set(names) - {"ok"},
        set(re.findall(r"`(\w+)`", text)) - {"code"},
    )


for one in test_commands():
    test_options(one)
test_verbs()
test_exit_codes()
test_requests()
print("%d passed, %d failed, 0 skipped" % (passed, failures))
sys.exit(failures > 0)
