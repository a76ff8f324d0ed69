#!/usr/bin/env python3
"""docs/ARCHITECTURE.md, the map, shows what is there.

  paths    every file and folder that it, another page or the manual names in `quotes` or F<>
           exists; a name without a folder is that of some file
  house    each folder that layers.py has a row for stands in the table, and no other
  ways     the ways of a packet, a broadcast and a setting are there, each of them one paragraph
           that names its files

Usage: map.py [CHECK...]. It reads the pages and looks for files; what they mean is not its matter.
"""
import glob
import os
import re
import sys

from layers import MAY_SEE

ROOT = os.environ.get("srcdir", ".")
MAP = "docs/ARCHITECTURE.md"
PAGES = [MAP, "docs/PLUGINS.md", "docs/CODECS.md", "README.md", "CONTRIBUTING.md"]
MANUAL = "docs/man/*.pod"
TOPS = sorted({f.split("/")[0] for f in MAY_SEE} | {"docs", "examples", "tests"})
PATH = re.compile(r"(?:`|F<)((?:%s)/[\w./*-]*)[`>]" % "|".join(TOPS))
FILE = re.compile(r"`([\w-]+\.(?:c|h|cc|py|mk))`")
MADE = {"tests/bench/codecs"}  # by the build
AUTHORS = {"hello.c", "x.c"}  # what a reader is told to write
LEAST = {"packet": 15, "broadcast": 12, "YAML setting": 15}  # files each way leads through


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def prose(page):
    """Without the blocks of code."""
    return re.sub(r"^```.*?^```$", "", read(page), flags=re.M | re.S)


def check_paths():
    names = {os.path.basename(f) for top in TOPS
             for f in glob.glob(os.path.join(ROOT, top, "**", "*"), recursive=True)}
    manual = glob.glob(os.path.join(ROOT, MANUAL))
    for page in PAGES + sorted(os.path.relpath(m, ROOT) for m in manual):
        text = prose(page)
        found = PATH.findall(text)
        if page == MAP and len(set(found)) < 50:
            yield "%s names %d paths: is it still a map?" % (page, len(set(found)))
        for path in sorted(set(found) - MADE):
            if not re.search("NAME|FOLDER", path) and not glob.glob(os.path.join(ROOT, path)):
                yield "%s: there is no %s" % (page, path)
        for name in sorted(set(FILE.findall(text)) - names - AUTHORS):
            yield "%s: no file is called %s" % (page, name)


def check_house():
    table = prose(MAP).split("## The house")[1].split("\n\n")[1]
    rows = set()
    for line in table.splitlines()[2:]:
        rows |= {p.rstrip("/") for p in re.findall(r"`([\w/]+/)`", line.split("|")[1])}
    for folder in sorted(set(MAY_SEE) - rows):
        yield "%s: the table has no row for %s/" % (MAP, folder)
    for folder in sorted(rows - set(MAY_SEE) - {"tests", "examples"}):
        yield "%s: layers.py has no row for %s/" % (MAP, folder)


def check_ways():
    for what, least in LEAST.items():
        m = re.search(r"^### The way of an? %s\n\n(.*?)\n\n(?=##)" % what, read(MAP), re.M | re.S)
        if not m:
            yield "%s: the way of a %s is not there" % (MAP, what)
            continue
        if "\n\n" in m.group(1):
            yield "%s: the way of a %s is more than a paragraph" % (MAP, what)
        files = set(PATH.findall(m.group(1)))
        if len(files) < least:
            yield "%s: the way of a %s names %d files" % (MAP, what, len(files))


CHECKS = {"paths": check_paths, "house": check_house, "ways": check_ways}


def main():
    status = 0
    for name in sys.argv[1:] or CHECKS:
        for problem in CHECKS[name]():
            print("%s: %s" % (name, problem))
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
