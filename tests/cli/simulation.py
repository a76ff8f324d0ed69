#!/usr/bin/env python3
"""docs/SIMULATION.md says what there is: the keys of `kith sim --format json`, and the numbers of
the runs whose rows lie beside it; and run.py, which makes those, says what it wants.
"""
import json
import os
import re
import shutil
import subprocess
import sys

from checks import DIR, KITH, check, tests

DOCS = os.path.join(os.environ["srcdir"], "docs")
HERE = os.path.join(DOCS, "simulation")

sys.path.insert(0, HERE)
import tables  # noqa: E402


with open(os.path.join(DOCS, "SIMULATION.md"), encoding="utf-8") as f:
    PAGE = f.read()
PROGRAMS = PAGE.split("## For programs")[1].split("\n# ")[0]


# ---------------------------------------------------------------------------------------- keys


def paths(value, at=""):
    """"happenings[].told"; a spread is one, a curve has any name."""
    if isinstance(value, dict) and "percentiles" not in value:
        names = value if at != "curves" else {"NAME": c for c in value.values()}
        return set().union(*(paths(v, at + "." * bool(at) + k) for k, v in names.items()))
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return set().union(*(paths(v, at + "[]") for v in value))
    return {at}


def spreads(value):
    if isinstance(value, list):
        return [s for v in value for s in spreads(v)]
    if not isinstance(value, dict):
        return []
    return [value] if "percentiles" in value else [s for v in value.values() for s in spreads(v)]


def test_keys():
    node = os.path.join(DIR, "node.yaml")
    with open(node, "w") as f:
        f.write("node: { name: n, profile: local }\n"
                "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n")
    p = subprocess.run([KITH, "sim", node, "--nodes", "12", "--time", "1m", "--format", "json",
                        "-q"], capture_output=True, text=True)
    check("kith sim", p.returncode == 0, p)
    result = json.loads(p.stdout)
    rows = re.findall(r"^\| (`[^|]*) \|", PROGRAMS, re.M)
    said = {key for row in rows for key in re.findall(r"`([^`]+)`", row)}
    there = paths(result)
    check("keys", said == there, "only one has %s" % sorted(said ^ there))
    words = set(re.findall(r"`([a-z_0-9]+)`", PROGRAMS.split("A spread has")[1]))
    parts = set().union(*(set(s) for s in spreads(result))) | set(result["curves"])
    check("spreads and curves", words == parts, "only one has %s" % sorted(words ^ parts))


# ------------------------------------------------------------------------------------- numbers


def test_numbers():
    filled = tables.filled(HERE, PAGE)
    for wanted, line in zip(filled.splitlines(), PAGE.splitlines()):
        check("a row of a table", wanted == line, "%s, but %s" % (line, wanted))
    check("all rows", filled == PAGE)
    said = " ".join(PAGE.split())
    for words in tables.sentences(HERE):
        check("the page does not say", words in said, words)


# -------------------------------------------------------------------------------------- run.py


def run(*args, **env):
    """In a copy of the page, whose CSV files have a row or two."""
    return subprocess.run([sys.executable, os.path.join(DIR, "docs", "simulation", "run.py"),
                           *args], capture_output=True, text=True, env=dict(os.environ, **env))


def test_run():
    check("a program", os.access(os.path.join(HERE, "run.py"), os.X_OK))
    shutil.copytree(HERE, os.path.join(DIR, "docs", "simulation"))
    shutil.copy(os.path.join(DOCS, "SIMULATION.md"), os.path.join(DIR, "docs"))
    subprocess.run(["chmod", "-R", "u+w", DIR], check=True)
    got = run("loss", "--kith", "no-such-kith")
    check("no program", got.returncode == 1 and "--kith" in got.stderr and
          "Traceback" not in got.stderr, got)
    keep = os.path.join(DIR, "a", "b")
    got = run("loss", "--kith", KITH, "--keep", keep)
    check("nothing to run", got.returncode == 0 and "--again" in got.stderr and
          os.listdir(keep) == [], got)
    path = os.path.join(DIR, "docs", "simulation", "loss.csv")
    with open(path) as f:
        lines = f.read().splitlines(True)
    with open(path, "w") as f:
        f.writelines(lines[:-1])
    got = run("loss", "--kith", KITH, "--keep", keep)
    check("one to run", got.returncode == 0 and len(os.listdir(keep)) == 3, got)
    with open(path) as f:
        check("its row", len(f.readlines()) == len(lines))


tests(globals())
