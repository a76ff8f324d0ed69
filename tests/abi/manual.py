#!/usr/bin/env python3
"""The manual of the plugin ABI says what the header says.

  pages   kith-plugin(3), kith-transport(3), kith-codec(3), kith-delegate(3): every struct, enum,
          typedef, function and macro of include/kith/plugin.h is on one of them, each member with
          its whole declaration, and nothing that the header does not have
  life    LIFE of kith-plugin(3) is that of the header, word for word: one rule, written once
  words   every kith_... and KITH_... that the pages and docs/PLUGINS.md mention is in the header
  guide   the C blocks of docs/PLUGINS.md compile without a warning, and those that are whole files
          make plugins that Kith loads and that its YAML blocks configure

A page names a struct by `=head2 struct NAME` and its members by `=item B<DECLARATION>`. A block of
the guide that is part of a file says so behind its language (```c hello.c); blocks of one name are
one file. Usage: manual.py [pages|life|words|guide]...
"""
import itertools
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.environ.get("srcdir", ".")
PAGES = ["docs/man/kith-%s.3.pod" % p for p in ("plugin", "transport", "codec", "delegate")]
GUIDE = "docs/PLUGINS.md"
INSIDE = {"KITH_PLUGIN_H", "KITH_EXTERN"}  # the header's own means
SIZE = "uint32_t size"  # of every struct, so the pages say it once
# Words with our prefix that are no part of the header.
OTHER = {"KITH_PLUGIN_PATH", "KITH_STATIC_PLUGINS", "KITH_E", "kith_plugin_v1"}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def plain(text):
    """One blank where there are several, none at brackets: what two ways to set a line share."""
    text = re.sub(r"KITH_PRINTF\(\d[^)]*\)", "", text)
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r" ?([()\[\],*]) ?", r"\1", text)


def strip(header):
    return re.sub(r"//[^\n]*|/\*.*?\*/", " ", header, flags=re.S)


def facts(header):
    """{heading: set of declarations}, headings as the pages have them."""
    text = strip(header)
    c_part = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.S)
    found = {}
    for name, body in re.findall(r"\bstruct (kith_\w+) \{(.*?)\n\}", c_part, flags=re.S):
        found["struct " + name] = {plain(m) for m in body.split(";") if m.strip()} - {SIZE}
    for name, body in re.findall(r"\benum (kith_\w+) \{(.*?)\}", c_part, flags=re.S):
        found["enum " + name] = {m.split("=")[0].strip() for m in body.split(",") if m.strip()}
    flat = {plain(t) for t in re.findall(r"\btypedef ([^;]*)", c_part)}
    flat |= {plain(f) for f in re.findall(r"static inline ([^;{]*?\))\s*\{", c_part, flags=re.S)}
    for name, args in re.findall(r"#define (KITH_\w+)(\([^)]*\))?", text):
        if name not in INSIDE:
            flat.add(name + plain(args))
    flat |= {plain(f).replace("constexpr ", "") for f in re.findall(
        r"constexpr (?:T|kith_plugin) kith_\w+\([^)]*\)", text)}
    return found, flat


def unpod(text):
    text = re.sub(r"\b[BICF]<<* ?(.*?) ?>", r"\1", text, flags=re.S)
    return text.replace("E<gt>", ">").replace("E<lt>", "<")


def items(path):
    """(heading, declaration) of all items below a heading of level 1 or 2."""
    heading = None
    for part in re.split(r"\n{2,}", read(path)):
        m = re.match(r"=head[12]\s+(.*)", part, flags=re.S)
        if m:
            heading = unpod(m.group(1)).strip()
        m = re.match(r"=item\s+B<(.*)>\s*$", part, flags=re.S)
        if m:
            yield heading, plain(m.group(1))


def check_pages():
    found, flat = facts(read("include/kith/plugin.h"))
    said, loose = {}, []
    for path in PAGES:
        for heading, item in items(path):
            if heading in found:
                said.setdefault(heading, []).append(item)
            elif re.match(r"(struct|enum) kith_", heading):
                yield "%s: the header has no %s" % (path, heading)
            elif re.search(r"\b(kith|KITH)_", item):
                loose.append(item)
    for heading in sorted(found):
        items_of = said.get(heading, [])
        for item in sorted(found[heading] - set(items_of)):
            yield "%s: `%s` is on no page" % (heading, item)
        for item in sorted(set(items_of) - found[heading]):
            yield "%s: the header has no `%s`" % (heading, item)
        if len(items_of) != len(set(items_of)):
            yield "%s: something is there twice" % heading
    for item in sorted(flat - set(loose)):
        yield "`%s` is on no page" % item
    for item in sorted(set(loose) - flat):
        yield "the header has no `%s`" % item
    if len(loose) != len(set(loose)):
        yield "there twice: %s" % sorted(i for i in set(loose) if loose.count(i) > 1)
    for path in PAGES:
        try:
            done = subprocess.run(["podchecker", os.path.join(ROOT, path)], capture_output=True,
                                  text=True)
        except OSError:
            continue
        if done.returncode or "WARNING" in done.stderr:
            yield done.stderr.strip()


def words_of(text):
    """Only what is said: no means to set it."""
    text = re.sub(r"^=(over|back|item)\b", " ", unpod(text), flags=re.M)
    return text.replace("`", "").split()


def check_life():
    header = re.search(r"^ \* LIFE\. (.*?)^ \*$", read("include/kith/plugin.h"), re.M | re.S)
    page = re.search(r"^=head1 LIFE\n(.*?)^=head1 ", read(PAGES[0]), re.M | re.S)
    if not header or not page:
        yield "no LIFE in the header, or not in %s" % PAGES[0]
        return
    ours, said = words_of(re.sub(r"^ \*", "", header.group(1), flags=re.M)), words_of(page.group(1))
    for a, b in itertools.zip_longest(ours, said):
        if a != b:
            yield "%s, LIFE: '%s' where the header has '%s'" % (PAGES[0], b, a)
            return


def check_words():
    header = set(re.findall(r"\b(?:kith|KITH)_\w+", strip(read("include/kith/plugin.h"))))
    for path in PAGES + [GUIDE]:
        for word in sorted(set(re.findall(r"\b(?:kith|KITH)_\w+", read(path))) - header - OTHER):
            if not word.endswith("_"):  # KITH_E, KITH_EVENT_: all that begin so
                yield "%s: the header has no %s" % (path, word)


# --------------------------------------------------------------------------------------- the guide


def blocks():
    """{file name: its text} of the blocks of the guide; a block without a name gets one."""
    files = {}
    found = re.findall(r"^```(c|yaml)(?: +(\S+))?\n(.*?)^```$", read(GUIDE), flags=re.M | re.S)
    for number, (language, name, text) in enumerate(found):
        name = name or "block%d.%s" % (number, language)
        files[name] = files.get(name, "") + text
    return files


FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror",
         "-Wno-unused-parameter", "-Wno-unused-function",
         "-Wno-unused-const-variable", "-fPIC", "-fvisibility=hidden"]


def run(folder, *command):
    env = dict(os.environ, PKG_CONFIG="false")
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=env)
    return done.returncode, done.stdout + done.stderr


def check_guide():
    include = "-I" + os.path.abspath(os.path.join(ROOT, "include"))
    kith = os.environ.get("KITH")
    files = blocks()
    plugins = [n for n in files if "KITH_PLUGIN(" in files[n]]
    if len(plugins) < 3:
        yield "%s: a plugin of each kind is led through; found %s" % (GUIDE, plugins)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write(text)
        for name in sorted(n for n in files if n.endswith(".c")):
            whole = ["-shared", "-Wl,-z,defs", "-o", name[:-2] + ".so"] if name in plugins else \
                ["-fsyntax-only"]
            alone = [] if "#include <kith/plugin.h>" in files[name] else \
                ["-include", "kith/plugin.h"]
            compiler = os.environ.get("CC", "cc").split()
            status, said = run(folder, *compiler, *FLAGS, include, *alone, *whole, name)
            if status:
                yield "%s: %s does not compile:\n%s" % (GUIDE, name, said)
            elif kith and name in plugins:
                status, said = run(folder, kith, "plugin", "inspect", "./" + name[:-2] + ".so")
                if status:
                    yield "%s: %s does not load:\n%s" % (GUIDE, name, said)
        for name in sorted(n for n in files if n.endswith(".yaml") and kith):
            status, said = run(folder, kith, "config", "check", name)
            if status:
                yield "%s: %s is refused:\n%s" % (GUIDE, name, said)


CHECKS = {"pages": check_pages, "life": check_life, "words": check_words, "guide": check_guide}


def main():
    status = 0
    for name in sys.argv[1:] or CHECKS:
        for problem in CHECKS[name]():
            print("%s: %s" % (name, problem))
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
