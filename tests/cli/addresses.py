#!/usr/bin/env python3
"""Nodes on machines whose addresses change, or can't be reached: each machine is a network
namespace, so this needs root and ip(8), and is skipped without.
"""

import json
import os
import select
import shutil
import subprocess
import sys
import time

from checks import DIR, ENV, KITH, check, clean_up, finish, running

PATIENCE = 120
spaces = []


def ip(*args):
    subprocess.run(["ip", *args], check=True, capture_output=True)


class Machine:
    """A network namespace, on a bridge that has one of its own."""

    def __init__(self, name, address=None):
        self.space = "kith%d%s" % (os.getpid(), name)
        self.link = "k%d%s" % (os.getpid() % 100000, name)
        ip("netns", "add", self.space)
        spaces.append(self.space)
        self.ip("link", "set", "lo", "up")
        if address:
            ip("-n", bridge.space, "link", "add", self.link, "type", "veth",
               "peer", "name", "eth0", "netns", self.space)
            bridge.ip("link", "set", self.link, "master", "br0", "up")
            self.ip("link", "set", "eth0", "up")
            self.ip("addr", "add", address, "dev", "eth0")

    def ip(self, *args):
        ip("-n", self.space, *args)


class Node:
    def __init__(self, name, machine, transport="", join="", bind="0.0.0.0:7946"):
        self.name, self.machine = name, machine
        self.log = os.path.join(DIR, name + ".log")
        path = os.path.join(DIR, name + ".yaml")
        with open(path, "w") as f:
            f.write(
                "node: { name: %s, profile: local }\n"
                "transport: { use: udp_tcp, bind: '%s'%s }\njoin: [ %s ]\n"
                % (name, bind, transport, join)
            )
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", machine.space, KITH, "run", path],
                stdin=subprocess.DEVNULL,
                stderr=log,
                env=ENV,
            )
        running.append(self.process)

    def kith(self, *args):
        p = subprocess.run(
            [KITH, args[0], "--node", self.name, *args[1:]],
            capture_output=True,
            text=True,
            env=ENV,
            timeout=PATIENCE,
        )
        return p.returncode, p.stdout + p.stderr

    def sees(self, what):
        got = self.kith("members", "--wait", what, "--timeout", "60s")
        check("%s sees %s" % (self.name, what), got[0] == 0, (got, self.said()))

    def said(self):
        with open(self.log) as f:
            return f.read()

    def member(self, name):
        text = self.kith("members", "--format", "json")[1]
        return next((m for m in json.loads(text)["members"] if m["name"] == name), {})

    def watch(self):
        """Events and log lines from here on: whatever happens, one of them comes."""
        self.lines = subprocess.Popen(
            [KITH, "monitor", "--node", self.name, "--log-level", "info"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=ENV,
        )
        running.append(self.lines)
        self.kith("info", "--wait", "monitors=1", "--timeout", "60s")

    def until(self, what, fact):
        """Looked at again with each thing that happens."""
        end = time.monotonic() + PATIENCE
        while not fact() and time.monotonic() < end:
            if select.select([self.lines.stdout], [], [], end - time.monotonic())[0]:
                if not os.read(self.lines.stdout.fileno(), 1 << 16):
                    break
        check(what, fact(), self.said())


def has(node, about, state, address):
    member = node.member(about)
    return member.get("state") == state and member.get("address") == address


def test_the_address_changes():
    """With follow_address all know it under the new one; without it is said what is wrong."""
    m = [Machine("m%d" % i, "10.77.0.%d/24" % i) for i in (1, 2, 3)]
    ada = Node("ada", m[0])
    ada.sees("alive=1")
    bob = Node("bob", m[1], ", follow_address: true", "10.77.0.1")
    cat = Node("cat", m[2], "", "10.77.0.1")
    for node in (ada, bob, cat):
        node.sees("alive=3")
        node.watch()
    m[1].ip("addr", "add", "10.77.0.22/24", "dev", "eth0")
    m[1].ip("addr", "del", "10.77.0.2/24", "dev", "eth0")
    m[1].ip("addr", "replace", "10.77.0.22/24", "dev", "eth0")  # it may have gone with the other
    for node in (ada, bob, cat):
        node.until(
            "%s knows it under its new address" % node.name,
            lambda: has(node, "bob", "alive", "10.77.0.22:7946"),
        )
    check("nobody saw a conflict", "onflict" not in ada.said() + cat.said(), ada.said())

    m[2].ip("addr", "flush", "dev", "eth0", "scope", "global")
    m[2].ip("addr", "add", "10.77.0.33/24", "dev", "eth0")
    cat.until("it says what is wrong", lambda: "10.77.0.3:7946 is gone" in cat.said())
    check("and what to do", "follow_address" in cat.said(), cat.said())
    got = cat.kith("info")
    check("kith info says it, too", "the advertised address is gone" in got[1], got)


def test_nothing_gets_out():
    """No route at all: whoever asked is told, and so is who reads the log."""
    lone = Machine("lone")
    node = Node("lone", lone, ", advertise: 10.77.0.9")
    node.sees("alive=1")
    got = node.kith("join", "10.77.9.9")
    check("a join that can't be says why", got[0] != 0 and "unreachable" in got[1], got)
    words = "no connection to 10.77.9.9:7946: Network is unreachable"
    check("and so does the log", words in node.said(), node.said())
    got = node.kith("join", "bob.example")
    check("nor does a question for a name", got[0] != 0 and "no name server" in got[1], got)


def test_an_ipv6_network_is_one_source():
    """Who has a /64 has all of its addresses: max_per_source counts them together."""
    one = Machine("v6")
    for address in "fd00::1", "fd00::2", "fd00::3", "fd00::4", "fd00:0:0:1::1":
        one.ip("addr", "add", address + "/64", "dev", "lo", "nodad")
    node = Node("v6", one, ", max_per_source: 2, advertise: 'fd00::1'", bind="[::]:7946")
    node.sees("alive=1")
    dial = """if True:
        import socket, sys
        def dial(source):
            try:
                return socket.create_connection(("fd00::1", 7946), 60, (source, 0))
            except ConnectionResetError:  # so soon that connecting hears of it
                return None
        first, second = dial("fd00::2"), dial("fd00::3")
        third, apart, fourth = dial("fd00::4"), dial("fd00:0:0:1::1"), dial("fd00::4")
        def refused(s):
            try:
                return s is None or s.recv(1) == b""
            except ConnectionResetError:
                return True
        ends = [refused(third), refused(fourth)]  # and what came between was looked at
        for s in first, second, apart:
            s.setblocking(False)
            try:
                ends.append(s.recv(1))
            except BlockingIOError:
                ends.append("open")
        print(*ends)
    """
    p = subprocess.run(
        ["ip", "netns", "exec", one.space, sys.executable, "-c", dial],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    check("two of one /64, and one of another", p.stdout == "True True open open open\n", p)


try:
    if os.getuid() or not shutil.which("ip"):
        print("SKIP  network namespaces need root and ip(8)")
        sys.exit(77)
    try:
        bridge = None
        bridge = Machine("br")
        bridge.ip("link", "add", "br0", "type", "bridge")
        bridge.ip("link", "set", "br0", "up")
    except subprocess.CalledProcessError as e:
        print("SKIP  no network namespaces here: %s" % e.stderr.decode().strip())
        sys.exit(77)
    test_the_address_changes()
    test_nothing_gets_out()
    test_an_ipv6_network_is_one_source()
finally:
    clean_up()
    for space in spaces:
        subprocess.run(["ip", "netns", "del", space], stderr=subprocess.DEVNULL)
finish()
