#!/usr/bin/env python3
"""`kith sim`: a node's file on many nodes in virtual time. The same seed repeats a run exactly;
what was asked for is what happens; what can't be is said.

Nothing here depends on how long anything takes.
"""

import glob
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile

KITH = os.environ["KITH"]
EXAMPLES = os.path.join(os.environ["srcdir"], "examples", "sim")
DIR = os.path.realpath(tempfile.mkdtemp(prefix="kith-sim-"))
PATIENCE = 300
failures = passed = 0

OK, FAILED, USAGE = range(3)
# What the machine decides, not the seed.
COST = ("cpu", "wall", "memory")


def check(what, ok, detail=""):
    global failures, passed
    passed, failures = passed + bool(ok), failures + (not ok)
    if not ok:
        print("FAILED  %s: %s" % (what, detail))


def write(name, text):
    path = os.path.join(DIR, name + ".yaml")
    with open(path, "w") as f:
        f.write(text)
    return path


def read(path):
    with open(path) as f:
        return f.read()


NODE = write(
    "node",
    "node: { name: web, profile: local, control: %s/socket }\n"
    "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n"
    "delegates: [ { use: log } ]\n"
    "join: [ 127.0.0.1:7946 ]\n" % DIR,
)


def sim(*args):
    p = subprocess.run([KITH, "sim", *args], capture_output=True, text=True, timeout=PATIENCE)
    return p.returncode, p.stdout, p.stderr


def run(code, scenario, *args):
    """The result of a scenario, and what was said."""
    path = write("scenario", scenario)
    got = sim(NODE, "--scenario", path, "--format", "json", "--quiet", *args)
    check("exit %d of %s" % (code, scenario), got[0] == code, got)
    return (json.loads(got[1]) if got[1] else {}), got[2]


def without_cost(text):
    return {k: v for k, v in json.loads(text).items() if k not in COST}


# --------------------------------------------------------------------------------------- repeats


def test_repeats():
    runs = []
    for i, seed in enumerate(["7", "7", "8"]):
        trace = os.path.join(DIR, "trace%d" % i)
        got = sim(NODE, "--nodes", "15", "--time", "2m", "--seed", seed, "--format", "json",
                  "--trace", trace)
        check("the built-in scenario, seed %s" % seed, got[0] == OK, got)
        runs.append((without_cost(got[1]), read(trace)))
    check("the same seed: the same numbers", runs[0][0] == runs[1][0])
    check("the same seed: the same trace", runs[0][1] == runs[1][1])
    check("another seed: another trace", runs[0][1] != runs[2][1])
    result = runs[0][0]
    asked = (result["nodes"], result["seed"], result["time"])
    check("what was asked for", asked == (15, 7, 120),
          result)
    kinds = [h["kind"] for h in result["happenings"]]
    all_kinds = ["join", "meta", "kill", "stop", "continue", "partition", "heal", "leave"]
    check("all that it does", kinds == all_kinds, kinds)
    check("its messages", len(result["messages"]) == 2, result["messages"])
    check("all knew all", result["full_view"]["count"] >= 15, result["full_view"])


def test_lots_are_of_their_event():
    """Another event beside it changes no lot of it."""
    events = "nodes: 12\ntime: 20s\nevents:\n  - { at: 10s, kill: 3 }\n"
    alone, _ = run(OK, events)
    beside, _ = run(OK, events + "  - { at: 12s, stop: 2, for: 1s }\n")
    texts = [[h["text"] for h in r["happenings"] if h["kind"] == "kill"] for r in (alone, beside)]
    check("lots", len(texts[0]) == 1 and texts[0] == texts[1], texts)


# ----------------------------------------------------------------------------------------- deeds


def happenings(scenario, *args):
    result, said = run(OK, scenario, *args)
    check("nothing is said of %s" % scenario, said == "", said)
    return [(h["at"], h["kind"], h["text"], h["about"]) for h in result["happenings"]], result


def test_for_gives_back_what_was_there():
    """Also where the event is about the same sets as the scenario's links, or the usual ones."""
    for links, slow in (("links: [ { delay: 30ms } ]\n", 0.03), ("", 0)):
        _, result = happenings(
            "nodes: 4\ntime: 40s\n" + links + "events:\n"
            "  - { at: 10s, set: all, delay: 80ms, jitter: 0s, for: 5s }\n"
            "  - { at: 12s, send: n1, to: n2 }\n"
            "  - { at: 20s, send: n1, to: n2 }\n"
        )
        during, after = [m["got"]["max"] for m in result["messages"]]
        check("the delay for a time", during >= 0.08, during)
        check("the delay from before", slow <= after < 0.08 and after > 0, after)


def test_an_undo_of_what_no_longer_stands():
    """Is done."""
    happenings(
        "nodes: 4\ntime: 60s\nevents:\n"
        "  - { at: 10s, cut: n0, to: n1, for: 20s }\n"
        "  - { at: 15s, heal: all }\n"
        "  - { at: 31s, set: n0, loss: 10%, for: 20s }\n"
        "  - { at: 35s, set: n0, loss: 0% }\n"
    )
    # Nobody runs when it is undone: whoever comes later is told the same.
    happenings(
        "nodes: 2\ntime: 60s\nevents:\n"
        "  - { at: 0s, join: all }\n"
        "  - { at: 10s, cut: n0, to: n1, for: 20s }\n"
        "  - { at: 15s, heal: all }\n"
        "  - { at: 20s, kill: all, for: 20s }\n"
    )


def test_a_partition_of_many_sets():
    sets = ", ".join("n%d" % i for i in range(70))
    result, _ = run(OK, "nodes: 70\ntime: 10s\nevents:\n"
                    "  - { at: 5s, partition: [ %s ] }\n"
                    "  - { at: 8s, send: n68, to: n69 }\n" % sets)
    check("the last two are apart", result["messages"][0]["got"]["count"] == 0, result["messages"])


def test_who_sends_is_not_drawn_to_be_sent_to():
    for seed in range(1, 9):
        _, result = happenings("nodes: 2\ntime: 20s\nevents:\n  - { at: 15s, send: 1, to: 1 }\n",
                               "--seed", str(seed))
        check("somebody else, seed %d" % seed, result["messages"][0]["to_get"] == 1, result)
    _, said = run(FAILED, "nodes: 1\ntime: 9s\nevents:\n  - { at: 5s, send: 1, to: 1 }\n")
    check("nobody else", "nobody else to send to" in said, said)
    _, said = run(USAGE, "time: 9s\nevents:\n  - { at: 5s, send: n1, to: n1 }\n")
    check("to itself", "n1 can't send to itself" in said, said)


def test_limit_of_links():
    links = "".join("  - { from: n%d, to: n%d, delay: 1ms }\n" % (i // 40, i % 40)
                    for i in range(1001))
    _, said = run(USAGE, "nodes: 40\ntime: 2s\nlinks:\n" + links)
    check("too many links", "'links' has 1001 items, at most 1000" in said, said)


def test_deeds():
    trace = os.path.join(DIR, "deeds")
    told, result = happenings(
        "nodes: 6\ntime: 100s\nseeds: 1\n"
        "events:\n"
        "  - { at: 0s, join: n0..n4 }\n"
        "  - { at: 10s, join: n5, to: n3 }\n"
        "  - { at: 20s, kill: n1, for: 5s }\n"
        "  - { at: 30s, stop: n2 }\n"
        "  - { at: 31s, continue: n2 }\n"
        "  - { at: 40s, restart: n3 }\n"
        "  - { at: 50s, cut: n0, to: n4, both: true, for: 1s }\n"
        "  - { at: 52s, partition: [ n0..n2, n3 ] }\n"
        "  - { at: 53s, heal: all }\n"
        "  - { at: 55s, set: all, to: n4, loss: 5%, for: 2s }\n"
        "  - { at: 60s, meta: n4, value: hello }\n"
        "  - { at: 70s, send: n1, to: n2, bytes: 100, reliable: true }\n"
        "  - { at: 71s, broadcast: [ n1, n3 ], count: 4, every: 100ms }\n"
        "  - { at: 80s, leave: n5 }\n",
        "--trace", trace,
    )
    check("each at its time", [(t[0], t[1]) for t in told] == [
        (0, "join"), (10, "join"), (20, "kill"), (25, "restart"), (30, "stop"), (31, "continue"),
        (40, "restart"), (50, "cut"), (51, "heal"), (52, "partition"), (53, "heal"), (55, "set"),
        (57, "heal"), (60, "meta"), (80, "leave")], told)
    messages = [(m["messages"], m["bytes"], m["to_get"]) for m in result["messages"]]
    check("messages", messages == [(1, 100, 1), (8, 64, 40)], messages)
    # Seconds, node, what, words. The events of nodes have other words than what is done.
    lines = [line.split(" ", 3) for line in read(trace).splitlines()]
    acts = {what: [line for line in lines if line[2] == what]
            for what in ("start", "kill", "pause", "resume", "leave", "meta")}
    starts = [line[1] for line in acts["start"]]
    check("starts", starts == ["n0", "n1", "n2", "n3", "n4", "n5", "n1", "n3"], starts)
    check("kills", [line[1] for line in acts["kill"]] == ["n1", "n3"], acts["kill"])
    check("n5 joined by n3", any(line[1] == "n5" and float(line[0]) < 11 and line[2] == "joined"
                                 and line[3].startswith("n0") for line in lines))
    check("the goodbye", [line[1] for line in acts["leave"]] == ["n5"], acts["leave"])
    network = [line[3] for line in lines if line[2] == "network"]
    check("the network", network[1:] == [
        "cut n0 n4 --both --keep", "heal 2", "partition n0,n1,n2 n3", "heal",
        "set all n4 loss=0.05 --keep", "heal 4"], network)


def test_spread_and_again():
    trace = os.path.join(DIR, "spread")
    happenings("nodes: 10\ntime: 60s\nevents:\n  - { at: 20s, kill: all, over: 20s, for: 1s }\n",
               "--trace", trace)
    times = [float(line.split()[0]) for line in read(trace).splitlines()
             if line.split()[2] == "kill"]
    check("a rolling restart", times == [20.0 + 2 * i for i in range(10)], times)
    told, _ = happenings(
        "nodes: 10\ntime: 60s\nevents:\n  - { at: 20s, kill: 2, for: 4s, every: 10s, count: 3 }\n")
    kills = [t for t in told if t[1] == "kill"]
    check("again", [(t[0], t[3]) for t in kills] == [(20, 2), (30, 2), (40, 2)], told)
    check("drawn again", len({t[2] for t in kills}) > 1, kills)


def test_many_rows():
    path = write("many", "nodes: 3\ntime: 300s\nevents:\n"
                 "  - { at: 1s, meta: n1, value: x, every: 1s, count: 250 }\n")
    got = sim(NODE, "--scenario", path, "-q")
    check("not all are shown", got[0] == OK and got[1].count("  meta n1") == 199 and
          "and 51 more, which --format json" in got[1], got)


def test_shares():
    told, result = happenings("nodes: 20\ntime: 30s\nevents:\n"
                              "  - { at: 20s, partition: [ 50%, 50% ], for: 5s }\n"
                              "  - { at: 28s, leave: 10% }\n")
    check("a share", told[-1][3] == 2, told)
    check("deaths are those of the partition", result["false_deaths"] <= result["deaths"])


# ------------------------------------------------------------------------------- what is not done


def test_what_is_refused_later():
    """Taken at first, and answered with a no."""
    result, said = run(FAILED, "nodes: 6\ntime: 60s\nlinks: [ { delay: 1ms } ]\nevents:\n"
                       "  - { at: 0s, join: all }\n"
                       "  - { at: 10s, send: n1, to: n2, bytes: 5000 }\n"
                       "  - { at: 11s, broadcast: n1, bytes: 5000 }\n"
                       "  - { at: 12s, send: n1, to: n2, bytes: 5000, reliable: true }\n"
                       "  - { at: 13s, send: n1, to: n2, bytes: 500 }\n"
                       "  - { at: 20s, kill: n3 }\n"
                       "  - { at: 21s, join: n1, to: n3 }\n"
                       "  - { at: 22s, broadcast: n4, bytes: 100 }\n"
                       "  - { at: 22s, kill: n4 }\n")
    lines = said.splitlines()
    check("a packet", lines[:2] == [
        "kith sim: at 10.000s: send n1 to n2: n1: too big for a packet; with `reliable: true` it "
        "has a stream", "kith sim: at 11.000s: broadcast n1: n1: too big for a packet"], said)
    check("a join", len(lines) == 3 and "join n1 to n3: n1: " in lines[2], said)
    texts = [(m["text"], m["got"]["count"]) for m in result["messages"]][:4]
    check("what came", texts == [("send n1 to n2", 0), ("broadcast n1", 0),
                                 ("send n1 to n2, reliable", 1), ("send n1 to n2", 1)], texts)


def test_an_interrupt():
    """Is looked at in the turn. The trace is a pipe that is full early, so nothing runs ahead."""
    path = os.path.join(DIR, "pipe")
    os.mkfifo(path)
    p = subprocess.Popen([KITH, "sim", NODE, "--nodes", "1500", "--time", "10m", "--format", "json",
                          "--quiet", "--trace", path], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    with open(path, "rb") as trace:
        trace.read(1)
        p.send_signal(signal.SIGINT)
        while trace.read(1 << 16):
            pass
    out, said = p.communicate(timeout=PATIENCE)
    check("interrupted", p.returncode == FAILED and b"interrupted" in said, said)
    check("at once", json.loads(out)["time"] < 0.2, json.loads(out)["time"])


def test_what_can_not_be_done():
    _, said = run(FAILED, "nodes: 3\ntime: 20s\nevents:\n"
                          "  - { at: 5s, kill: 3 }\n"
                          "  - { at: 10s, stop: 1 }\n"
                          "  - { at: 11s, meta: n1, value: x }\n")
    _, gone = run(FAILED, "nodes: 3\ntime: 20s\nevents:\n"
                          "  - { at: 5s, stop: n1, for: 9s }\n"
                          "  - { at: 6s, kill: all }\n"
                          "  - { at: 7s, cut: n1, to: n2, for: 1s }\n"
                          "  - { at: 9s, restart: all }\n")
    check("there is no network", gone == "kith sim: at 7.000s: cut n1 to n2 for 1s: "
          "nobody runs, so there is no network\n", gone)
    words = "there is nobody that it can be done to"
    check("it is said", said == "kith sim: at 10.000s: stop 1: %s\n"
          "kith sim: at 11.000s: meta n1: %s\n" % (words, words), said)


def test_left_out():
    file = write("left_out", read(NODE) + "node_is: wrong\n")
    check("a wrong file", sim(file)[0] == USAGE)
    got = sim(NODE, "--nodes", "10", "--time", "20s", "--format", "json")
    for what in ("transport udp_tcp", "node.control", "join"):
        check("without %s, on stderr" % what, "kith sim: without %s: " % what in got[2], got[2])
        check("without %s, as JSON" % what,
              what in [l["what"] for l in json.loads(got[1])["left_out"]], got[1])
    check("no control socket was made", not os.path.exists(os.path.join(DIR, "socket")))
    quiet = sim(NODE, "--nodes", "10", "--time", "20s", "--quiet")
    check("quiet", quiet[2] == "" and quiet[0] == OK, quiet)
    check("as text", "10 nodes" in quiet[1] and "transport udp_tcp" in quiet[1], quiet[1])


SHORT = ("--nodes", "10", "--time", "20s", "-q")
WRITTEN = ("--report", "--trace")


def test_files():
    page, trace = os.path.join(DIR, "page.html"), os.path.join(DIR, "t")
    for again in ("a page", "another in its place"):
        got = sim(NODE, *SHORT, "--report", page, "--trace", trace)
        check(again, got[0] == OK and read(page).lower().startswith("<!doctype html>"), got)
    check("nothing is left beside it", glob.glob(page + "?*") == [], os.listdir(DIR))
    os.chmod(page, 0o600)
    os.symlink(page, page + ".link")
    got = sim(NODE, *SHORT, "--report", page + ".link")
    check("by a link, with its rights", got[0] == OK and os.path.islink(page + ".link") and
          os.stat(page).st_mode & 0o777 == 0o600, got)
    for option in WRITTEN:
        check("a full disk", sim(NODE, *SHORT, option, "/dev/full")[0] == FAILED)
        got = sim(NODE, *SHORT, option, os.path.join(DIR, "no", "such"))
        check("%s nowhere" % option, got[0] == FAILED and got[1] == "", got)
        got = sim(NODE, *SHORT, option, "-")
        check("%s -" % option, got[0] == USAGE and "a file of its own" in got[2], got)
    for other in (page, os.path.join(DIR, ".", "page.html")):
        got = sim(NODE, *SHORT, "--report", page, "--trace", other)
        check("a page and a trace in one file", got[0] == USAGE and "another use" in got[2], got)
        os.path.exists(page) and os.unlink(page)


def test_nothing_is_written_over():
    """Neither what a run reads, by whatever key, nor anything else that is no page or trace."""
    key, meta = os.path.join(DIR, "cluster.key"), os.path.join(DIR, "meta.txt")
    with open(key, "w") as f:
        f.write("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n")
    os.chmod(key, 0o600)
    with open(meta, "w") as f:
        f.write("<!DOCTYPE html>\n0.5 what somebody wrote\n")
    node = write("with_files",
                 "node: { name: web, profile: local, meta: { file: %s } }\n"
                 "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n"
                 "keyring: [ { file: %s } ]\n"
                 "pipeline: { send: [ { use: aes_gcm } ] }\n" % (meta, key))
    scenario = write("short", "time: 20s\n")
    check("it runs", sim(node, "--scenario", scenario, *SHORT)[0] == OK)
    page, trace = os.path.join(DIR, "p.html"), os.path.join(DIR, "p.trace")
    check("with files", sim(node, *SHORT, "--report", page, "--trace", trace)[0] == OK)
    for option, other in zip(WRITTEN, (trace, page)):
        for path in (node, scenario, key, meta, other):
            before = read(path)
            got = sim(node, "--scenario", scenario, *SHORT, option, path)
            check("%s over %s" % (option, path), got[0] == USAGE and got[1] == "" and
                  path in got[2] and read(path) == before, got)
    printed = os.path.join(DIR, "printed")
    with open(printed, "w") as f:
        p = subprocess.run([KITH, "sim", node, *SHORT, "--report", printed], stdout=f,
                           stderr=subprocess.DEVNULL)
    check("a page over what is printed", p.returncode == USAGE and read(printed) == "", printed)


def test_without_descriptors():
    """Nothing that is said goes into a file that was opened in the place of a standard one."""
    page, trace = os.path.join(DIR, "alone.html"), os.path.join(DIR, "alone.trace")
    scenario = write("complains", "nodes: 3\ntime: 9s\nevents:\n"
                     "  - { at: 5s, kill: 3 }\n  - { at: 6s, stop: 1 }\n")
    for closed in ((1,), (2,), (0, 1, 2)):
        p = subprocess.run([KITH, "sim", NODE, "--scenario", scenario, "--report", page,
                            "--trace", trace], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=PATIENCE,
                           preexec_fn=lambda: [os.close(fd) for fd in closed])
        check("its exit without %s" % (closed,), p.returncode == FAILED, p)
        text, lines = read(page), read(trace).splitlines()
        check("a page alone without %s" % (closed,), text.startswith("<!DOCTYPE html>") and
              text.endswith("</html>\n") and "\nmembers\n" not in text, text[:400])
        check("a trace alone without %s" % (closed,), lines and
              all(line[0].isdigit() for line in lines), lines)


def test_who_stops_reading():
    """The page is there all the same, and whole."""
    page, trace = os.path.join(DIR, "unread.html"), os.path.join(DIR, "unread.trace")
    reading, writing = os.pipe()
    os.close(reading)
    p = subprocess.run([KITH, "sim", NODE, *SHORT, "--report", page, "--trace", trace],
                       stdout=writing, stderr=subprocess.PIPE, timeout=PATIENCE)
    os.close(writing)
    check("nobody reads", p.returncode != OK, p)
    check("the page", read(page).endswith("</html>\n"), page)
    check("the trace", read(trace).endswith("\n"), trace)


# ------------------------------------------------------------------------------------------ usage


def test_usage():
    for args, words in [
        ([], "which file?"),
        ([NODE, NODE], "one file only"),
        ([NODE, "--nodes", "0"], "--nodes: 'nodes': 0 is out of range, 1 to 65536 are possible"),
        ([NODE, "--nodes", "many"], "--nodes: 'nodes' is a whole number, not 'many'"),
        ([NODE, "--time", "10"], "--time: 'time' is a duration and needs a unit: 10"),
        ([NODE, "--seed", "-1"], "--seed: 'seed' is a whole number, not '-1'"),
        ([NODE, "--format", "yaml"], "--format is text or json"),
        ([NODE, "--no-such"], "--no-such"),
    ]:
        got = sim(*args)
        check("kith sim %s" % args, got[0] == USAGE and words in got[2] and got[1] == "", got)
    got = sim(NODE, "--scenario", os.path.join(DIR, "none.yaml"))
    check("no such scenario", got[0] == USAGE and "can't read the file" in got[2], got)


def test_both_files_are_read():
    page = os.path.join(DIR, "never.html")
    bad_node, bad = write("bad_node", "nod: {}\n"), write("bad", "evnts: []\n")
    got = sim(bad_node, "--scenario", bad, "--report", page)
    check("two wrong files", got[0] == USAGE and "'node'" in got[2] and "'events'" in got[2], got)
    check("nothing was written", not os.path.exists(page))
    late = write("late", "time: 1m\nevents: [ { at: 30s, kill: n1 } ]\n")
    check("fine alone", sim(NODE, "--scenario", late, "--nodes", "3", "-q")[0] == OK)
    got = sim(NODE, "--scenario", late, "--time", "20s")
    check("an option can make it wrong", got[0] == USAGE and "beyond the end" in got[2], got)


def test_config_commands():
    def config(*args):
        return subprocess.run([KITH, "config", *args], capture_output=True, text=True)

    files = sorted(set(glob.glob(os.path.join(EXAMPLES, "*.yaml"))) -
                   {os.path.join(EXAMPLES, "node.yaml")})
    check("there are examples", len(files) >= 3, files)
    got = config("check", "--scenario", *files)
    check("the examples are right", got.returncode == OK and got.stderr == "", got)
    builtin = write("builtin", sim("--builtin")[1])
    check("the built-in one, as a file", config("check", "--scenario", builtin).returncode == OK)
    check("a wrong one", config("check", "--scenario", NODE).returncode == USAGE)
    schema = json.loads(config("schema", "--scenario").stdout)
    check("schema", "events" in schema["properties"], schema)
    check("doc", "kith-scenario - " in config("doc", "--scenario").stdout)
    check("show", config("show", "--scenario", files[0]).returncode == USAGE)
    for file in files:
        got = sim(os.path.join(EXAMPLES, "node.yaml"), "--scenario", file, "--nodes", "60", "-q")
        if "nodes: 100" in read(file):
            got = sim(os.path.join(EXAMPLES, "node.yaml"), "--scenario", file, "-q")
        check("%s runs" % file, got[0] == OK and got[2] == "", got)
        whole = "58 of 58 nodes know all" in got[1]
        check("%s mends its split" % file, whole or "two-sites" not in file, got[1])


# --------------------------------------------------------------------------------------- terminal


def test_terminal(number):
    """A bar on a terminal; a signal ends it early, and what there is by then is told."""
    master, slave = pty.openpty()
    page = os.path.join(DIR, "part.html")
    args = [NODE, "--nodes", "10", "--time", "1000h", "--format", "json", "--report", page]
    p = subprocess.Popen([KITH, "sim", *args], stdout=subprocess.PIPE, stderr=slave,
                         text=True)
    os.close(slave)
    shown = b""
    while b"10 nodes" not in shown:
        shown += os.read(master, 4096)
    p.send_signal(number)
    while True:
        try:
            more = os.read(master, 4096)
        except OSError:  # nobody has the other end any more
            more = b""
        if not more:
            break
        shown += more
    out = p.stdout.read()
    check("the exit of one that was interrupted", p.wait(PATIENCE) == FAILED)
    check("a bar", b"\r[" in shown and b"10 nodes" in shown, shown[:400])
    check("and it goes", shown.rstrip().endswith(b"this is the part until then"), shown[-200:])
    check("the part until then", 0 < json.loads(out)["time"] < 3600000, out[:200])
    check("and what was asked for", json.loads(out)["asked"] == 3600000, out[:200])
    check("on the page, too", "(interrupted)" in read(page), page)
    os.close(master)


def main():
    try:
        test_repeats()
        test_lots_are_of_their_event()
        test_for_gives_back_what_was_there()
        test_an_undo_of_what_no_longer_stands()
        test_a_partition_of_many_sets()
        test_who_sends_is_not_drawn_to_be_sent_to()
        test_limit_of_links()
        test_deeds()
        test_spread_and_again()
        test_many_rows()
        test_shares()
        test_what_can_not_be_done()
        test_what_is_refused_later()
        test_an_interrupt()
        test_left_out()
        test_files()
        test_nothing_is_written_over()
        test_without_descriptors()
        test_who_stops_reading()
        test_usage()
        test_both_files_are_read()
        test_config_commands()
        test_terminal(signal.SIGINT)
        test_terminal(signal.SIGTERM)
    finally:
        shutil.rmtree(DIR)
    print("%d passed, %d failed" % (passed, failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
