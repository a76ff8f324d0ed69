#!/usr/bin/env python3
"""A join that fails says why: the command, or the log of one of both nodes at its default level.

Pairs of nodes that do not fit each other; joins that lead back to the one who asks; a member who is
not behind its address. Of each text only the telling words are looked for. Ports are the system's
choice, every wait is for an event."""

import json
import os
import re
import socket
import subprocess
import threading

from checks import DIR, ENV, KITH, check, tests

PATIENCE = 60

OK, FAILED = range(2)


def kith(*args):
    p = subprocess.run([KITH, *args], capture_output=True, text=True, env=ENV, timeout=PATIENCE)
    return p.returncode, p.stdout + p.stderr


def write(name, text):
    path = os.path.join(DIR, name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o600)
    return path


class Node:
    """A node that runs, with its log at the default level. It probes nobody, so nobody dies while
    we look, and waits long, so that a slow machine is no reason of a failure."""

    def __init__(
        self, name, node="", tail="", bind="127.0.0.1:0", transport="", tcp_timeout="50s"
    ):
        self.name, self.tail, self.log, self.news = name, tail, "", threading.Condition()
        self.head = (
            "node: { name: %s, profile: local, tcp_timeout: %s%s }\n"
            "transport: { use: udp_tcp, bind: '%s'%s }\n"
            "probe: { interval: 1h, timeout: 30m }\n" % (name, tcp_timeout, node, bind, transport)
        )
        self.process = subprocess.Popen(
            [KITH, "run", self.configure("")], env=ENV, stderr=subprocess.PIPE, text=True
        )
        threading.Thread(target=self.listen, daemon=True).start()
        code, said = self.ask("members", "--wait", "alive=1", "--timeout", "30s")
        check("%s is up" % name, code == OK, said + self.log)
        info = json.loads(self.ask("info", "--format", "json")[1])
        self.host, self.port = info["addr"], info["port"]
        self.place = "%s:%d" % (self.host, self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def configure(self, more):
        return write(self.name + ".yaml", self.head + self.tail + more)

    def listen(self):
        for line in self.process.stderr:
            with self.news:
                self.log += line
                self.news.notify_all()

    def ask(self, command, *args):
        return kith(command, "--node", self.name, *args)

    def tells(self, words, before=0):
        """Does its log tell that, now or soon?"""
        found = lambda: re.search(words, self.log[before:])
        with self.news:
            return bool(self.news.wait_for(found, PATIENCE))

    def members(self):
        listed = json.loads(self.ask("members", "--format", "json")[1])
        return sorted(member["name"] for member in listed["members"])


class Balancer:
    """Passes connections on to where it is turned; one that comes earlier waits. A join sends it
    no datagram, and members are told each other's own addresses."""

    def __init__(self):
        self.turned, self.target = threading.Event(), None
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.place = "127.0.0.1:%d" % self.tcp.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def turn(self, node):
        self.target = node.host, node.port
        self.turned.set()

    def accept(self):
        while True:
            near, _ = self.tcp.accept()
            self.turned.wait()
            try:
                far = socket.create_connection(self.target, PATIENCE)
            except OSError:
                near.close()
                continue
            for way in (near, far), (far, near):
                threading.Thread(target=self.pump, args=way, daemon=True).start()

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def fails(what, node, words, *where):
    code, said = node.ask("join", *where)
    check("%s: `kith join` fails" % what, code == FAILED, (code, said))
    check("%s: it says why" % what, re.search(words, said), (words, said))


def key(name, text):
    path = write(name, text + "\n")
    return (
        "keyring: [ { file: '%s' } ]\n"
        "pipeline: { send: [ { use: lzw }, { use: crc32 }, { use: aes_gcm } ] }\n" % path
    )


PLAIN, BLUE, GREEN = {}, {"node": ", label: blue"}, {"node": ", label: green"}
ONE = {"tail": key("one", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")}
TWO = {"tail": key("two", "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=")}
LATER = {"node": ", delegate_protocol: { min: 4, max: 5, version: 4 }"}
DENSE = {
    "tail": "pipeline: { send: [ { use: zstd } ], accept: [ { use: zstd } ],\n"
    "  require: [ compress ] }\n"
}
CLOSED = {"node": ", cidrs_allowed: [ 127.0.0.2/32 ]", "bind": "127.0.0.2:0"}

# Who asks, who is asked; what the command says, what the log of each tells.
LABEL = "without a word.* label.*log there", "", "stream from .* refused: .*label is not ours"
CIPHER = "Encryption is configured but .* not encrypted"
NO_CIPHER = "is encrypted and encryption is not configured"
NO_KEY = "No installed keys? could decrypt"
DENSITY = "Compression is required but .* not compressed"
FAIL = [
    (PLAIN, BLUE, *LABEL),
    (BLUE, PLAIN, *LABEL),
    (BLUE, GREEN, *LABEL),
    (BLUE, ONE, *LABEL),
    (ONE, PLAIN, CIPHER, CIPHER, NO_CIPHER),
    (PLAIN, ONE, NO_CIPHER, NO_CIPHER, CIPHER),
    (ONE, TWO, NO_KEY, NO_KEY, NO_KEY),
    (PLAIN, LATER, "'asked'.* delegate protocol .*4 of .4, 5.*incompatible.* 0 of",
     "'asked'.* delegate protocol", "'asker'.* delegate protocol .*0 of .*incompatible.* 4 of"),
    (LATER, PLAIN, "'asked'.* delegate protocol .*0 of .0, 0.*incompatible.* 4 of",
     "'asked'.* delegate protocol", "'asker'.* delegate protocol .*4 of .*incompatible.* 0 of"),
    (PLAIN, DENSE, DENSITY, DENSITY, DENSITY),
    # The one asked has taken the other in, and its gossip is refused.
    (DENSE, PLAIN, DENSITY, "packet from .* refused: .*lacks a layer that `require` asks for", ""),
]  # fmt: skip


def test_nodes_that_do_not_fit():
    for asker, asked, said, log, log_there in FAIL:
        what = "%s joins %s" % (asker or "a plain one", asked or "a plain one")
        with Node("asker", **asker) as a, Node("asked", **asked) as b:
            fails(what, a, said, b.place)
            for node, words in (a, log), (b, log_there):
                if words:
                    check("%s: the log of %s" % (what, node.name), node.tells(words), node.log)
            check(what + ": nobody new", a.members() == ["asker"], a.members())


def test_no_place_for_it():
    """One connection of ours is open already, and only one of a source may be."""
    with Node("asker") as a, Node("asked", transport=", max_per_source: 1") as b:
        with socket.create_connection((b.host, b.port), PATIENCE):
            fails("no place", a, "without a word.* no place for it.*log there", b.place)
            check("whose limit it is", b.tells(r"of one source \(1\), max_per_source"), b.log)


def raw(text):
    return b"\xda" + len(text).to_bytes(2, "big") + text


def fixmap(**values):
    return bytes([0x80 + len(values)]) + b"".join(raw(k.encode()) + v for k, v in values.items())


def crowd(node, count):
    """Tell it of members with much meta, as somebody's push/pull would."""
    meta, port = raw(4000 * b"m"), b"\xcd\x00\x09"
    entries = (
        fixmap(Addr=raw(b"\x7f\x00\x01" + bytes([i])), Incarnation=b"\x01", Meta=meta,
               Name=raw(b"m%d" % i), Port=port, State=b"\x00", Vsn=raw(b"\1\5\2\0\0\0"))
        for i in range(1, count + 1)
    )  # fmt: skip
    head = fixmap(Join=b"\xc2", Nodes=bytes([count]), UserStateLen=b"\x00")
    with socket.create_connection((node.host, node.port), PATIENCE) as stream:
        stream.sendall(b"\6" + head + b"".join(entries))
        while stream.recv(65536):
            pass


def test_states_that_are_too_big():
    """Either way it is the small node's limit, and both say so."""
    limit = r"larger than %s limit \(65536\), max_stream_size"
    with Node("big") as a, Node("small", tail="limits: { max_stream_size: 64KiB }\n") as b:
        crowd(a, 20)
        fails("the big one joins", a, "remote error: Remote node state is larger than limit "
              r"\(65536\), max_stream_size", b.place)
        check("the small one tells", b.tells(limit.replace("%s ", "")), b.log)
        fails("the small one joins", b, limit % "our", a.place)
        check("and its log", b.tells(limit % "our"), b.log)


def test_networks_that_are_not_allowed():
    refused = "Rejected node (asker|asked): address not in cidrs_allowed"
    for asker, asked in (PLAIN, CLOSED), (CLOSED, PLAIN):
        with Node("asker", **asker) as a, Node("asked", **asked) as b:
            a.ask("join", b.place)
            strict = a if asker is CLOSED else b
            check("who is not allowed is named", strict.tells(refused), strict.log)
            check("and not taken in", strict.members() == [strict.name], strict.members())


def test_nobody_answers():
    with socket.socket() as deaf, Node("ada") as a:
        deaf.bind(("127.0.0.1", 0))
        fails("nobody listens", a, "nobody listens", "127.0.0.1:%d" % deaf.getsockname()[1])
    silent = Balancer()  # it takes what comes, and is never turned
    with Node("ada", tcp_timeout="300ms") as a:
        fails("nobody speaks", a, "no answer in time", silent.place)


def test_oneself():
    back = Balancer()
    with Node("ada", bind="0.0.0.0:0", transport=", advertise: 127.0.0.1") as a:
        back.turn(a)
        fails("the own address", a, "is this node itself", a.place)
        fails("no port at all", a, "is this node itself", a.host + ":0")  # so it is its own
        fails("another own address", a, "back to this node itself", "127.0.1.1:%d" % a.port)
        fails("a balancer that leads back", a, "back to this node itself", back.place)
        check("nobody was met", a.members() == ["ada"], a.members())
        before = len(a.log)
        a.configure("join: [ '%s' ]\n" % a.place)
        code, said = a.ask("reload")
        check("the list is read anew", code == OK, said)
        check("the list names only itself",
              a.tells("join list names this node only", before), a.log)


def test_the_list_finds_itself_and_goes_on():
    way = Balancer()
    with Node("ada", tail="join: [ '%s' ]\n" % way.place) as a, Node("bob") as b:
        way.turn(a)
        place = re.escape(way.place)
        check("where it leads", a.tells("join of %s failed: .*to this node itself" % place), a.log)
        check("and that it goes on", a.tells("no seed of the join list .*next try in [0-9]"), a.log)
        check("nobody was met", a.members() == ["ada"], a.members())
        way.turn(b)
        for node in a, b:
            code, said = node.ask("members", "--wait", "alive=2", "--timeout", "50s")
            check("they meet when it is turned", code == OK, said + a.log + b.log)
        check("and it says so", a.tells("joined: 1 seed"), a.log)


def test_another_member_is_there():
    with Node("ada") as a, Node("bob") as b:
        fails("eve is not there", a, "not 'eve'", "eve/" + b.place)
        fails("eve is not there, named apart", a, "not 'eve'", "--name", "eve", b.place)
        check("the log, too", a.tells("not 'eve'"), a.log)
        check("neither list has grown", a.members() + b.members() == ["ada", "bob"],
              a.members() + b.members())
        code, said = a.ask("join", "bob/" + b.place)
        check("who is there joins", code == OK and "joined" in said, said)
        check("both lists have grown", a.members() == b.members() == ["ada", "bob"], b.members())


tests(globals())
