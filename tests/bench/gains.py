#!/usr/bin/env python3
"""What Kith's own rules are worth beside memberlist's, in virtual time: runs the simulations whose
figures docs/WIRE.md quotes, prints them as a table, and draws docs/gains.svg.

    tests/bench/gains.py BUILD          some minutes; the same figures each time
"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DOCS = os.path.join(HERE, "..", "..", "docs")
sys.path.insert(0, os.path.join(DOCS, "simulation"))
import draw  # noqa: E402

# What is shown, its unit, the test and its environment, and where its output has the two numbers:
# Kith's, memberlist's.
GAINS = (
    (
        "1,000 nodes join one seed: all know all after", "s",
        "figures, when asked for", {"KITH_JOINS": "1000 3"},
        r"Kith's +\d+ nodes.*?: [\d.]+ / ([\d.]+)",
        r"memberlist's +\d+ nodes.*?: [\d.]+ / ([\d.]+)",
    ),
    (
        "A broadcast, 30 % of packets lost: members of 99 that miss it", "",
        "it reaches more", {}, r"heard by (\d+) of 99", r"memberlist's by (\d+)",
    ),
    (
        "Ten leaves of 120 nodes, 20 % lost: have not heard at its end, of 1,145", "",
        "nearly all where", {}, r"not heard at 20 % loss: (\d+)", r"by gossip (\d+)",
    ),
    (
        "Ten nodes, 30 % of packets lost, 150 times 120 s: false deaths", "",
        "nobody dies of a lost", {}, r"loss: (\d+)", r"memberlist's rules (\d+)",
    ),
    (
        "Two of ten stopped at any time, 30 times 120 s: false deaths", "",
        "who stood still", {}, r"by who was stopped: (\d+)", r"believes its backlog (\d+)",
    ),
    (
        "Back under another port, 12 times: taken for dead by", "",
        "not killed by who heard of no return", {}, r"had it: (\d+)",
        r"memberlist's rules (\d+)",
    ),
)


def figures(build, test, env, patterns):
    program = os.path.join(build, "tests", "sim", "test")
    out = subprocess.run([program, test], env=dict(os.environ, **env), capture_output=True,
                         text=True, check=False).stdout
    found = [re.search(p, out, re.S) for p in patterns]
    if not all(found):
        sys.exit("%s: no figures:\n%s" % (test, out))
    return [float(f.group(1)) for f in found]


def bar(picture, y, value, most, cls, label):
    x = 20
    width = max(2, 520 * value / most)
    picture.path([(x, y), (x + width, y)], "l %s bar" % cls)
    picture.text(x + width + 10, y + 4, label, "n")


def picture(rows):
    p = draw.Picture(760, 50 + 74 * len(rows), "What Kith's rules are worth beside memberlist's")
    p.legend(20, 26, (("b", "memberlist's rules"), ("a", "Kith's")))
    for i, (what, unit, kith, theirs) in enumerate(rows):
        y = 62 + 74 * i
        most = max(kith, theirs)
        p.text(20, y, what, "t")
        bar(p, y + 18, theirs, most, "b", ("%g %s" % (theirs, unit)).strip())
        bar(p, y + 38, kith, most, "a", ("%g %s" % (kith, unit)).strip())
    p.parts.append("<style>.bar{stroke-width:12;stroke-linecap:butt}</style>")
    p.save(os.path.join(DOCS, "gains.svg"))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    rows = []
    for what, unit, test, env, *patterns in GAINS:
        kith, theirs = figures(sys.argv[1], test, env, patterns)
        if "that miss it" in what:
            kith, theirs = 99 - kith, 99 - theirs
        rows.append((what, unit, kith, theirs))
        print("%-66s memberlist %8g   Kith %8g %s" % (what, theirs, kith, unit), flush=True)
    picture(rows)


if __name__ == "__main__":
    main()
