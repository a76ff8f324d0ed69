#!/usr/bin/env python3
"""`kith run --together`: several nodes in one process, each with its control socket. Signals go to
all of them, one that ends leaves the others alone, and every log line says whose it is.

Ports are the system's choice, every wait is for an event.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

KITH = os.environ["KITH"]
ORACLE = os.path.join(os.environ["builddir"], "tests", "cli", ".libs", "oracle.so")
DIR = os.path.realpath(tempfile.mkdtemp(prefix="kith-together-"))
ENV = dict(os.environ, KITH_RUN_DIR=os.path.join(DIR, "run"))
ENV.pop("KITH_SOCKET", None)
ENV.pop("NOTIFY_SOCKET", None)
PATIENCE = 60
running = []
failures = passed = 0

OK, FAILED, USAGE, UNREACHABLE = range(4)


def check(what, ok, detail=""):
    global failures, passed
    passed, failures = passed + bool(ok), failures + (not ok)
    if not ok:
        print("FAILED  %s: %s" % (what, detail))


def kith(*args):
    p = subprocess.run([KITH, *args], capture_output=True, text=True, env=ENV, timeout=PATIENCE)
    return p.returncode, p.stdout, p.stderr


def expect(code, *args):
    got = kith(*args)
    check("kith %s exits %d" % (" ".join(args), code), got[0] == code, got)
    return got[1]


def write(name, text):
    path = os.path.join(DIR, name + ".yaml")
    with open(path, "w") as f:
        f.write(text)
    return path


def config(name, extra="", interval="100ms"):
    return write(
        name,
        "node: { name: %s, profile: local, log: { level: info } }\n"
        "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n"
        "gossip: { interval: %s }\n"
        "delegates: [ { use: %s } ]\n%s" % (name, interval, ORACLE, extra),
    )


def start(*files):
    """All of them, up, with what they log in a file."""
    log = open(os.path.join(DIR, "log"), "w")
    p = subprocess.Popen([KITH, "run", "--together", *files], env=ENV, stderr=log)
    running.append(p)
    for file in files:
        wait(name_of(file), "alive=1")
    return p


def name_of(file):
    return os.path.basename(file)[: -len(".yaml")]


def wait(name, state):
    expect(OK, "members", "--node", name, "--wait", state, "--timeout", "30s")


def logged():
    return open(os.path.join(DIR, "log")).read().splitlines()


def place(name):
    i = json.loads(expect(OK, "info", "--node", name, "--format", "json"))
    return "%s:%d" % (i["addr"], i["port"])


def ended(p):
    try:
        return p.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        return "runs on"


def sockets():
    return sorted(os.listdir(ENV["KITH_RUN_DIR"]))


def gather(*names):
    for name in names[1:]:
        expect(OK, "join", "--node", name, place(names[0]))
    for name in names:
        wait(name, "alive=%d" % len(names))


def test_a_life_together():
    files = [config(n) for n in ("ada", "bob", "cy")]
    p = start(*files)
    gather("ada", "bob", "cy")
    check("each has its socket", sockets() == ["ada.sock", "bob.sock", "cy.sock"], sockets())
    for node, peer in (("ada", "bob"), ("bob", "cy"), ("cy", "ada")):
        expect(OK, "send", "--node", node, peer, "hello")

    # SIGHUP reloads all of them, those that changed and those that did not.
    config("ada", interval="150ms")
    config("cy", interval="150ms")
    p.send_signal(signal.SIGHUP)
    for name in ("ada", "bob", "cy"):
        said = reloaded(name)
        check("%s reloads" % name, said, logged())
    lines = [line for line in logged() if "gossip.interval: 100ms -> 150ms" in line]
    check("whose line it is", sorted(who(line) for line in lines) == ["ada", "cy"], lines)
    check("no line is nobody's", all(who(line) in ("ada", "bob", "cy") for line in logged()))

    # One leaves on its own; the others see it, and run on.
    expect(OK, "leave", "--node", "bob")
    wait("ada", "left=1")
    wait("cy", "left=1")
    check("its socket is gone", sockets() == ["ada.sock", "cy.sock"], sockets())
    expect(OK, "send", "--node", "ada", "cy", "still here")
    p.send_signal(signal.SIGTERM)
    check("SIGTERM ends all, and well", ended(p) == OK, logged())
    check("nothing is left", sockets() == [], sockets())


def who(line):
    """TIME LEVEL NODE: or NODE/ENTRY: ..."""
    return line.split()[2].split("/")[0].rstrip(":")


def reloaded(name):
    """An answered command comes after the signal, which the loop reads first or in a turn after."""
    for _ in range(1000):
        expect(OK, "members", "--node", name)
        if any("reload:" in line and who(line) == name for line in logged()):
            return True
    return False


def test_one_that_fails_leaves_the_others():
    p = start(config("ada"), config("bob"), config("cy"))
    gather("ada", "bob", "cy")
    kith("command", "--node", "bob", "oracle", "stop")
    wait("ada", "alive==2")
    check("its socket is gone", sockets() == ["ada.sock", "cy.sock"], sockets())
    lines = [line for line in logged() if "the oracle has spoken" in line]
    check("it said why", [who(line) for line in lines] == ["bob"], lines)
    expect(OK, "leave", "--node", "ada")
    expect(OK, "leave", "--node", "cy")
    check("the last one ends it, with the failure", ended(p) == FAILED, logged())


def test_signals():
    p = start(config("ada"), config("bob"))
    gather("ada", "bob")
    p.send_signal(signal.SIGTERM)
    p.send_signal(signal.SIGTERM)
    check("a second signal stops all at once", ended(p) == OK, logged())
    check("nothing is left", sockets() == [], sockets())


def test_nothing_is_started_by_halves():
    good, bad = config("ada"), write("bad", "node: { nam: bad }\n")
    worse = write("worse", "transport: { use: udp_tcp, bind: nowhere }\n")
    code, out, err = kith("run", "--together", good, bad, worse)
    check("files with errors", code == USAGE, (code, err))
    check("all of them are told", "bad.yaml:" in err and "worse.yaml:" in err, err)
    twin = write("twin", open(good).read())
    code, out, err = kith("run", "--together", good, twin)
    check("two of one name", code == FAILED, (code, err))
    check("it says which", twin in err and "ada.sock" in err, err)
    check("nothing is left", sockets() == [], sockets())
    for wrong in (
        ["run", good, twin],
        ["run", "--together"],
        ["run", "--together", "--name", "x", good, twin],
        ["run", "--together", "--socket", os.path.join(DIR, "s"), good, twin],
    ):
        expect(USAGE, *wrong)


def test_one_alone():
    p = start(config("ada"))
    p.send_signal(signal.SIGINT)
    check("one file is as well", ended(p) == OK, logged())


try:
    for name, test in list(globals().items()):
        if name.startswith("test_") and (len(sys.argv) < 2 or sys.argv[1] in name):
            test()
finally:
    for p in running:
        if p.poll() is None:
            p.kill()
        p.wait()
    shutil.rmtree(DIR, ignore_errors=True)
print("%d checks passed, %d failed" % (passed, failures))
sys.exit(1 if failures else 0)
