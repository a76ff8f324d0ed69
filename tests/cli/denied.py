#!/usr/bin/env python3
"""A node whose system denies the calls that its transport likes best joins, is seen, and says once
what is missing. Ports are the system's choice.
"""

import os
import re
import subprocess
import sys
import time

from checks import DIR, ENV, KITH, check, clean_up, finish, running

DENY = os.path.join(os.environ["builddir"], "tests", "cli", "deny")
PATIENCE = 120


def kith(node, *args):
    p = subprocess.run(
        [KITH, args[0], "--node", node, *args[1:]],
        capture_output=True,
        text=True,
        env=ENV,
        timeout=PATIENCE,
    )
    return p.returncode, p.stdout + p.stderr


class Node:
    def __init__(self, name, command=(), join=""):
        self.name, self.log = name, os.path.join(DIR, name + ".log")
        path = os.path.join(DIR, name + ".yaml")
        with open(path, "w") as f:
            f.write(
                "node: { name: %s, profile: local }\n"
                "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\njoin: [ %s ]\n" % (name, join)
            )
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [*command, KITH, "run", path], stdin=subprocess.DEVNULL, stderr=log, env=ENV
            )
        running.append(self.process)

    def sees(self, what):
        return kith(self.name, "members", "--wait", what, "--timeout", "60s")

    def said(self):
        with open(self.log) as f:
            return f.read()

    def address(self):
        return re.search(r"listening on (\S+)", self.said()).group(1)

    def end(self):
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "runs on"


def attempt(call, why, words, ada):
    """Once it joins, once it is joined: connections and packets go both ways."""
    case = "%s=%s" % (call, why)
    bob = Node("bob", (DENY, case), ada.address())
    got = bob.sees("alive=2")
    check(case + ": it joins", got[0] == 0, (got, bob.said()))
    got = ada.sees("alive=2")
    check(case + ": it is seen", got[0] == 0, got)
    cat = Node("cat", join=bob.address())
    for node in (ada, bob, cat):
        got = node.sees("alive=3")
        check("%s: %s sees all" % (case, node.name), got[0] == 0, (got, bob.said()))
    until = time.monotonic() + PATIENCE  # news goes to both in one turn, and so in one call
    while words and words not in bob.said() and time.monotonic() < until:
        kith("bob", "meta", "at %f" % time.monotonic())
    check(case + ": cat ends", cat.end() == 0)
    got = kith("bob", "send", "ada", "hello")
    check(case + ": it sends", got[0] == 0, got)
    said = bob.said()
    if words:
        check(case + ": it is said once", said.count(words) == 1, said)
    check(case + ": it ends", bob.end() == 0)
    got = ada.sees("alive==1")
    check(case + ": the leave is seen", got[0] == 0, got)


def main():
    probe = subprocess.run([DENY, "recvmmsg", "true"], capture_output=True, text=True)
    if probe.returncode == 77:
        print("SKIP  %s" % probe.stderr.strip())
        sys.exit(77)
    ada = Node("ada")
    ada.sees("alive=1")
    for call in ("recvmmsg", "sendmmsg", "accept4"):
        attempt(call, "ENOSYS", "denies %s (Function not implemented)" % call, ada)
    attempt("sendmmsg", "EPERM", "denies sendmmsg (Operation not permitted)", ada)
    attempt("accept4", "EPERM", "", ada)  # too few connections to be sure of it
    check("ada ends", ada.end() == 0)


try:
    main()
finally:
    clean_up()
finish()
