#!/usr/bin/env python3
"""Every rule that is cited exists.

Code, tests and docs cite docs/PROTOCOL.md by number: "PROTOCOL.md 2.3.4", "PROTOCOL.md T18".
Each number must be a heading or a numbered rule of that page, no rule may be there twice, and
what the page itself refers to must be there too. A citation that does not name the file, a bare
"T" and number or "memberlist" and number, leads a reader nowhere and is refused.
"""
import os
import re
import sys

FOLDERS = ("codecs", "config", "core", "docs", "examples", "include", "plugins", "runtime",
           "tests", "tools", "transports", "packaging")
ENDINGS = (".c", ".h", ".py", ".sh", ".go", ".md", ".pod")
PAGE = "docs/PROTOCOL.md"
WIRE = "docs/WIRE.md"

RULE = re.compile(r"^(?:#{2,4} (\d+(?:\.\d+)?) |- \*\*(\d(?:\.\w+)+|T\d+)\*\*)", re.M)
NUMBER = r"(?:T\d+|\d+(?:\.\d+)*(?:\.[a-z])?)\b"
LIST = re.compile(rf"PROTOCOL\.md((?:,? (?:and |to |or )?{NUMBER})+)")
INNER = re.compile(r"(?<![\w.])(?:T\d{1,2}|[1-6]\.\d{1,2}(?:\.(?:\d{1,2}|[a-e]))?)\b(?!\.\d)")
STEP = re.compile(r"(?:/\*|//) ?(\d\.\d+(?:\.\d+|\.[a-z])?)\b(?!\.)")
HEADING = re.compile(r'WIRE\.md, "([^"]+)"')
BARE = (re.compile(r"\bT\d{1,2}\b"), re.compile(r"\b(?:the|memberlist's) sheet\b", re.I),
        re.compile(r"\bmemberlist(?:'s)? [1-9]\.\d+(?:\.\w+)?\b"),
        re.compile(r"\bmemberlist [1-9]\b(?! (?:members|nodes)|\.)"))


def one_line(text):
    """The text with every run of blanks, line ends and comment leaders as one blank, since a
    citation may be broken over two lines; and where each of its characters was."""
    line, places, end = [], [], 0
    for m in re.finditer(r"\n[ \t]*(?:\*(?!/)|//|#)?\s*|[ \t]+", text):
        line.append(text[end:m.start()] + " ")
        places.extend(range(end, m.start() + 1))
        end = m.end()
    line.append(text[end:])
    places.extend(range(end, len(text)))
    return "".join(line), places


def rules(page):
    """The numbers that the page has, and complaints about those that it has twice."""
    known, twice = set(), []
    for m in RULE.finditer(page):
        number = m.group(1) or m.group(2)
        if number in known:
            twice.append((m.start(), f"rule {number} is there twice"))
        known.add(number)
    return known, twice


def check(name, text, known, headings):
    """Complaints, each with its place in the text."""
    found = []
    cited = set()
    line, places = one_line(text)
    for m in LIST.finditer(line):
        for n in re.finditer(NUMBER, m.group(1)):
            cited.add(m.start(1) + n.start())
            if n.group() not in known:
                found.append((places[m.start()], f"{PAGE} has no rule {n.group()}"))
    for m in HEADING.finditer(line):
        if m.group(1) not in headings:
            found.append((places[m.start()], f'{WIRE} has no section "{m.group(1)}"'))
    if name == PAGE:
        for m in INNER.finditer(line):
            if m.group() not in known:
                found.append((places[m.start()], f"refers to {m.group()}, which is not there"))
        return found
    for m in STEP.finditer(line):
        if m.group(1) not in known:
            found.append((places[m.start()], f"{PAGE} has no rule {m.group(1)}"))
    for bare in BARE:
        for m in bare.finditer(line):
            if m.start() not in cited:
                found.append((places[m.start()], f'"{m.group()}" cites no file: say PROTOCOL.md'))
    return found


def planted():
    """The checks find what they are for, and nothing else."""
    known, twice = rules("## 2 A\n### 2.3 B\n- **2.3.4** c\n- **2.3.4** d\n- **2.8.a** e\n"
                         "- **T18** f\n")
    assert known == {"2", "2.3", "2.3.4", "2.8.a", "T18"} and len(twice) == 1
    good = ("PROTOCOL.md 2.3.4, T18 and 2", "PROTOCOL.md 2.3).", "(PROTOCOL.md 2.8.a: x)",
            "/* PROTOCOL.md\n * 2.3.4 */", "hashicorp/memberlist 0.1.5", "docs/PROTOCOL.md says",
            "/* 2.3.4; NULL: dropped. */", "PROTOCOL.md 2.3 to\n# 2.3.4", "memberlist 2 members")
    bad = ("PROTOCOL.md 2.3.5", "PROTOCOL.md 2.3, T19", "PROTOCOL.md\n * 2.9", "/* (T18) */",
           "memberlist 2.3.4", "memberlist\n * 2.3", "as The sheet says", "/* 2.3.7 */",
           '"T18: a refutation"', 'WIRE.md, "Nowhere"', "PROTOCOL.md 2.3 and T9")
    for text in good:
        assert not check("a.c", text, known, {"Maps"}), text
    for text in bad:
        assert len(check("a.c", text, known, {"Maps"})) == 1, text
    assert check(PAGE, "see 2.9.1", known, set()) and not check(PAGE, "see 2.3.4", known, set())


def files(top):
    for folder in FOLDERS:
        for path, _, names in os.walk(os.path.join(top, folder)):
            for name in sorted(names):
                if name.endswith(ENDINGS) and name != os.path.basename(__file__):
                    yield os.path.relpath(os.path.join(path, name), top)
    yield "README.md"


def main():
    top = os.environ.get("srcdir", ".")
    planted()

    def read(name):
        with open(os.path.join(top, name), encoding="utf-8") as f:
            return f.read()

    page = read(PAGE)
    known, twice = rules(page)
    headings = set(re.findall(r"^#+ (.+)$", read(WIRE), re.M))
    if len(known) < 200 or not {"2.3.10", "2.8.e", "T1", "T28"} <= known:
        print(f"{PAGE} has {len(known)} rules only: is its form another one now?")
        return 1
    total = 0
    for name in files(top):
        text = page if name == PAGE else read(name)
        complaints = check(name, text, known, headings) + (twice if name == PAGE else [])
        for at, what in sorted(complaints):
            print(f"{name}:{text.count(chr(10), 0, at) + 1}: {what}")
        total += len(complaints)
    return 1 if total else 0


sys.exit(main())
