#!/usr/bin/env python3
"""The style that can be measured: C as clang-format 14 sets it (.clang-format), code at 100 columns
and prose at 90, no tab or blank at the end of a line, a banner on one line.

Another version of clang-format sets some lines otherwise, so 14 alone decides; without it that part
is skipped, or fails with KITH_STYLE=require as in .ci/run. Free of the limit is what can't be
broken (a row of a table, one long word in prose) and data in the folders of NOT_OURS.

Usage: style.py [--fix]   (--fix: run clang-format over the files that need it)
"""
import os
import re
import shutil
import subprocess
import sys

ROOT = os.environ.get("srcdir", ".")
CODE, PROSE = 100, 90
C_ENDS = (".c", ".h", ".cc", ".cpp", ".hpp", ".inc")
CODE_ENDS = C_ENDS + (".sh", ".py", ".mk", ".ac", ".am", ".go", ".yaml", ".yml", ".in", ".pc",
                      ".supp", ".cfg")
PROSE_ENDS = (".md", ".pod")
BANNER = re.compile(r"/\* ?-----")
NOT_OURS = re.compile(r"(\.git|m4|build-aux|autom4te\.cache|tests/data|tests/config/data"
                      r"|tests/fuzz/corpus)(/|$)|.*/__pycache__$"
                      r"|(Makefile\.in|aclocal\.m4|configure~?)$")


def files():
    """Those git knows; in an unpacked archive, all but what was generated."""
    git = shutil.which("git") and subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z"], capture_output=True)
    if git and git.returncode == 0 and git.stdout:
        found = os.fsdecode(git.stdout).split("\0")
    else:
        found = []
        for folder, folders, names in os.walk(ROOT):
            below = os.path.relpath(folder, ROOT)
            folders[:] = [d for d in folders if not NOT_OURS.match(os.path.normpath(
                os.path.join(below, d))) and not d.startswith("_") and not os.path.exists(
                    os.path.join(folder, d, "config.status"))]
            found += [os.path.normpath(os.path.join(below, n)) for n in names]
    return sorted(f for f in found if f and not NOT_OURS.match(f)
                  and os.path.isfile(os.path.join(ROOT, f)))


def is_script(path):
    if "." in os.path.basename(path):
        return False
    with open(os.path.join(ROOT, path), "rb") as f:
        return f.read(2) == b"#!"


def unbreakable(line):
    """A row of a table, or one long word."""
    text = line.strip()
    return text.startswith("|") or " " not in text.lstrip("-*>[ ")


def widths(path):
    prose = path.endswith(PROSE_ENDS)
    if not prose and not path.endswith(CODE_ENDS + ("Makefile",)) and not is_script(path):
        return
    most = PROSE if prose else CODE
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip("\n")
            if len(line) > most and not (prose and unbreakable(line)):
                yield "%s:%d: %d columns, at most %d" % (path, number, len(line), most)
            if line != line.rstrip():
                yield "%s:%d: blanks at the end" % (path, number)
            if "\t" in line and path.endswith(C_ENDS + (".py",)):
                yield "%s:%d: a tab" % (path, number)
            if BANNER.match(line) and not line.endswith(" */"):  # clang-format breaks long ones
                yield "%s:%d: a banner that does not end on its line" % (path, number)


def clang_format():
    """The program of version 14, or None and why."""
    for name in ("clang-format-14", "clang-format"):
        try:
            said = subprocess.run([name, "--version"], capture_output=True, text=True).stdout
        except OSError:
            continue
        if re.search(r"version 14\.", said):
            return name, ""
    return None, "no clang-format 14 here; on Debian 12: apt-get install clang-format-14"


def main():
    all_files = files()
    problems = [p for f in all_files for p in widths(f)]
    program, why = clang_format()
    sources = [os.path.join(ROOT, f) for f in all_files if f.endswith(C_ENDS)]
    if program and "--fix" in sys.argv[1:]:
        subprocess.run([program, "-i", *sources], check=True)
    elif program:
        said = subprocess.run([program, "--dry-run", "-Werror", *sources], capture_output=True,
                              text=True)
        lines = [line for line in said.stderr.splitlines() if "error:" in line]
        problems += lines or ([said.stderr] if said.returncode else [])
    for problem in problems:
        print(problem)
    if not program:
        print(why)
        if os.environ.get("KITH_STYLE") == "require":
            return 1
    if problems:
        print("%d lines to mend; `make fix-style` does what clang-format can" % len(problems))
    return 1 if problems or not all_files else 0 if program else 77


if __name__ == "__main__":
    sys.exit(main())
