#!/usr/bin/env python3
"""tests/bench/leave.py [GO KITH LEAVES]: who has not heard of a leave that has returned.

GO (60) memberlist nodes, a process each, and KITH (60) Kith nodes on one loop, all of profile
local, in one cluster over loopback sockets. LEAVES (10) of the Kith nodes leave and end, one after
the other; each time all others are asked at once whether they still hold it alive. Done once as
Kith does it and once as memberlist does (gossip.leave_direct: 0). Run it from the build folder,
after ../tests/interop/build-peers tests/interop/peers, or with PEER naming a Go peer.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

KITH = os.environ.get("KITH", "./kith")
PEER = os.environ.get("PEER", "tests/interop/peers/peer-v0.7.0")
PATIENCE = 120


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Go:
    def __init__(self, i, seed):
        env = dict(os.environ, PEER_QUIET="1")
        argv = [PEER, "-name", "go%d" % i, "-profile", "local"]
        pipe = subprocess.PIPE
        self.proc = subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, env=env)
        self.answer("event", "ready")
        self.ask(cmd="join", addr="127.0.0.1:%d" % seed)
        self.answer("answer", "join")

    def ask(self, **command):
        self.proc.stdin.write(json.dumps(command) + "\n")
        self.proc.stdin.flush()

    def answer(self, key, value):
        while True:
            line = json.loads(self.proc.stdout.readline())
            if line.get(key) == value:
                return line

    def ask_members(self):
        self.ask(cmd="members")

    def alive(self):
        return {m["name"] for m in self.answer("answer", "members")["members"]}


class Kith:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r")

    def ask(self, **command):
        self.socket.sendall(json.dumps(command).encode() + b"\n")

    def answer(self):
        return json.loads(self.lines.readline())

    def ask_members(self):
        self.ask(cmd="members")

    def alive(self):
        members = self.answer()["members"]
        return {m["name"] for m in members if m["state"] in ("alive", "suspect")}


def write_files(folder, n, seed, direct):
    for i in range(n):
        with open(os.path.join(folder, "k%d.yaml" % i), "w") as f:
            f.write(
                "node: { name: k%d, profile: local, control: %s/%d.sock, log: { level: error } }\n"
                "transport: { use: udp_tcp, bind: 127.0.0.1:%d }\n"
                "gossip: { leave_direct: %s }\n" % (i, folder, i, 0 if i else seed, direct)
            )
            f.write("join: [ 127.0.0.1:%d ]\n" % seed if i else "")
            yield f.name


def connect(path):
    for _ in range(PATIENCE * 10):
        try:
            return Kith(path)
        except OSError:
            time.sleep(0.1)
    sys.exit("no node at " + path)


def views(nodes):
    for n in nodes:
        n.ask_members()
    return [n.alive() for n in nodes]


def measure(folder, go, kith, leaves, direct, started):
    seed = free_port()
    files = list(write_files(folder, kith, seed, direct))
    started.append(subprocess.Popen([KITH, "run", "--together", *files]))
    nodes = [connect("%s/%d.sock" % (folder, i)) for i in range(kith)]
    peers = [Go(i, seed) for i in range(go)]
    started += [p.proc for p in peers]
    end = time.monotonic() + PATIENCE
    while any(len(v) < go + kith for v in views(nodes + peers)):
        if time.monotonic() > end:
            sys.exit("not all know all")
        time.sleep(1)
    unheard = asked = 0
    took = []
    for i in range(leaves):
        who = nodes.pop()
        begun = time.monotonic()
        who.ask(cmd="leave", timeout=5, stop=True)
        who.answer()
        took.append(time.monotonic() - begun)
        seen = views(nodes + peers)
        unheard += sum("k%d" % (kith - 1 - i) in v for v in seen)
        asked += len(seen)
        time.sleep(2)
    return unheard, asked, sum(took) / leaves


def main():
    go, kith, leaves = (int(a) for a in sys.argv[1:4] or (60, 60, 10))
    for direct in ("all", "0"):
        folder, started = tempfile.mkdtemp(), []
        try:
            unheard, asked, took = measure(folder, go, kith, leaves, direct, started)
        finally:
            for p in started:
                p.kill()
                p.wait()
            shutil.rmtree(folder)
        print(
            "leave_direct: %s: %d of %d had not heard when the leave returned, after %.0f ms"
            % (direct, unheard, asked, 1000 * took),
            flush=True,
        )


if __name__ == "__main__":
    main()
