#!/usr/bin/env python3
"""What `kith sim` tells, of results that were made by hand (reports.c): text and JSON to the byte;
the page as a browser, a reader of another language and somebody who means harm would take it.

Usage: reports.py [--write]   (--write: what is said now is right)
"""
import html.parser
import json
import math
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

PROGRAM = os.path.join(os.environ["builddir"], "tests", "cli", "reports")
DATA = os.path.join(os.environ["srcdir"], "tests", "data")
RESULTS = ("empty", "plain", "hostile", "huge", "long")
VOID = {"meta", "br", "link", "img", "hr", "input"}
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
passed = failed = 0


def tell(which, form):
    p = subprocess.run([PROGRAM, which, form], capture_output=True, text=True, check=True)
    return p.stdout


def check(what, ok, detail=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print("FAILED  %s: %s" % (what, detail))


def golden(form, name):
    said, path = tell("plain", form), os.path.join(DATA, name)
    if "--write" in sys.argv[1:]:
        with open(path, "w", encoding="utf-8") as f:
            f.write(said)
    with open(path, encoding="utf-8") as f:
        wanted = f.read()
    check("%s as in %s" % (form, name), said == wanted, "it says\n" + said)


class Page(html.parser.HTMLParser):
    """All elements with their attributes; complains of what does not close."""

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong, self.elements, self.texts = [], [], [], []
        self.feed(text)
        self.close()
        self.wrong += ["%s never closes" % tag for tag in self.open]

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append("line %d: </%s>" % (self.getpos()[0], tag))

    def handle_data(self, data):
        self.texts.append(data)


def finite(text):
    return all(math.isfinite(float(n)) and abs(float(n)) < 1e5 for n in NUMBER.findall(text))


def check_plot(which, svg):
    plot = ET.fromstring(svg)
    width, height = [float(n) for n in plot.get("viewBox").split()[2:]]
    named = plot.get("aria-labelledby").split()
    ids = {e.get("id") for e in plot.iter() if e.get("id")}
    check("%s: a plot has its title" % which, plot.find("title").text and set(named) <= ids, named)
    for e in plot.iter():
        for key, value in e.attrib.items():
            if key in ("d", "x", "y", "width", "height", "viewBox"):
                check("%s: numbers" % which, finite(value) and "n" not in value, (e.tag, value))
        if e.tag in ("text", "rect"):
            x, y = float(e.get("x")), float(e.get("y"))
            check("%s: inside" % which, 0 <= x <= width and -1 <= y <= height, e.attrib)


def check_overlaps(which, svg):
    """Words of a plot keep apart, were each letter as wide as 6 px."""
    boxes = []
    for e in ET.fromstring(svg).iter("text"):
        wide = 6 * len(e.text or "")
        x, y, anchor = float(e.get("x")), float(e.get("y")), e.get("text-anchor")
        left = x - wide if anchor == "end" else x - wide / 2 if anchor == "middle" else x
        for other in boxes:
            apart = left >= other[1] or left + wide <= other[0] or abs(y - other[2]) >= 10
            check("%s: words apart" % which, apart, (e.text, other[3]))
        boxes.append((left, left + wide, y, e.text))


def check_page(which):
    text = tell(which, "html")
    page = Page(text)
    check("%s: well-formed" % which, not page.wrong, page.wrong[:5])
    check("%s: nothing from elsewhere" % which,
          not re.search(r"https?:|//|url\(|@import|src=", text), "")
    check("%s: no scripts" % which, all(tag != "script" and not any(
        a.startswith("on") for a in attrs) for tag, attrs in page.elements), "")
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    check("%s: each id once" % which, len(ids) == len(set(ids)), "")
    words = " ".join(page.texts)
    check("%s: no broken numbers" % which,
          not re.search(r"\b(nan|inf|infinity|null)\b", words, re.I), "")
    check("%s: nothing that can't be shown" % which,
          not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text), "")
    check("%s: words are no markup" % which, not re.search(r"<(?![a-zA-Z/!])", text))
    plots = re.findall(r"<svg.*?</svg>", text, re.S)
    for svg in plots:
        check_plot(which, svg)
        check_overlaps(which, svg)
    return text, words, plots


def test_texts():
    golden("text", "report.txt")
    golden("json", "report.json")
    for which in RESULTS:
        said = tell(which, "text")
        check("%s: lines end on words" % which, not re.search(r"[ \t]$", said, re.M), said)
        check("%s: nothing for a terminal" % which, not re.search(r"[\x00-\x09\x0b-\x1f]", said))


def refuse(constant):
    raise ValueError(constant)


def test_json():
    keys = {}
    for which in RESULTS:
        said = json.loads(tell(which, "json"), parse_constant=refuse)
        keys[which] = list(said)
        check("%s: the same keys" % which, keys[which] == keys["empty"], keys[which])
        for h in said["happenings"]:
            n = len(h["told"]["percentiles"])
            check("%s: percentiles" % which, n == (101 if h["told"]["count"] else 0), n)
    check("a file's name", said["file"] == "node.yaml", said["file"])


def test_pages():
    _, words, plots = check_page("empty")
    check("empty: says so", "Nothing was done" in words, words)
    text, words, plots = check_page("plain")
    check("plain: its plots", len(plots) == 3 + 1 + 3 + 2 + 2 + 4, len(plots))
    tiles = dict(re.findall(r'<dt>([^<]*)</dt><dd class="big ([a-z]*)">', text))
    check("plain: a broadcast that misses some is no fault",
          tiles.get("Broadcasts reached") == "" and tiles.get("Messages arrived") == "good", tiles)
    check("plain: not all know all", tiles.get("Know all at the end") == "bad", tiles)
    for said in ("10 nodes for 1 min", "kill n7", "broadcast n1", "push_pull", "delegate exec",
                 "All knew all after 2.75 s half after 1.75 s", "some times, to nodes drawn",
                 "Know all at the end 8 of 9 a node knows 8 at least, 9 at most; 9 nodes run",
                 "suspected by 7, declared dead: none",
                 "kith sim node.yaml --nodes 10 --time 1m --seed 7"):
        check("plain: says %r" % said, said in re.sub(r"\s+", " ", words), words)
    check("plain: light and dark", "prefers-color-scheme:dark" in text, "")
    check("plain: on paper", "@media print{" in text and "print-color-adjust:exact" in text, "")
    check("plain: what is dropped", "0.12 packets/s dropped" in words, words)
    text, words, plots = check_page("long")
    ticks = [re.findall(r'class="tick"[^>]*>([^<]*)', svg) for svg in plots]
    minutes = [t for t in ticks if any(word.endswith(" min") for word in t)]
    for t in minutes:
        whole = [int(word.split()[0]) for word in t[-4:]]
        check("long: whole minutes", whole == sorted(whole), t)
    check("long: an axis of minutes", len(minutes) == 3 + 4, ticks)
    check("long: to the microsecond", "--time 1h30m500us --seed 7" in words, words)
    text, words, _ = check_page("hostile")
    check("hostile: as text", "<script>alert(1)</script>" in words and "<script" not in text, "")
    check("hostile: all know all", '"big good">all<' in text, "")
    check("hostile: the command", "kith sim 'a '\\''b'\\''.yaml'" in words, words)
    text, _, plots = check_page("huge")
    check("huge: not too large", len(text) < 1500000 and len(plots) < 60, (len(text), len(plots)))


for test in (test_texts, test_json, test_pages):
    test()
print("%d passed, %d failed, 0 skipped" % (passed, failed))
sys.exit(1 if failed else 0)
