#!/usr/bin/env python3
"""Bad input costs nothing: real nodes under floods of what nobody should send.

Two clusters of two. "self" and "bob" take anybody (plain, and every compressor of ours accepted);
"eve" and "fay" have a label and a key. Strangers throw every shape of the fuzz corpus at one of
each, and more that need a real socket. After each shape the node answers; in the end nobody was
declared dead, the memory stayed small, every drop has its reason, and the log is short. Every
wait is for an event: a batch is over when the node has answered after it.
"""

import json
import os
import random
import socket
import struct
import subprocess
import sys

import checks
from checks import DIR, KITH, check, clean_up, finish, running

sys.dont_write_bytecode = True
HERE = os.path.join(os.environ["srcdir"], "tests")
sys.path.insert(0, os.path.join(HERE, "fuzz"))
import make_corpus as shapes  # noqa: E402

# A sanitizer keeps what was freed: not the node's memory.
ENV = dict(
    checks.ENV,
    ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1",
    FLOOD_KEY=bytes(range(16)).hex(),
)  # that of the vectors
PATIENCE = 120
MEMBERS_MAX = 60
MEMORY_MAX = 64 << 10  # KiB that a node may grow under all of it: twice what its streams may hold
STRANGER = "127.0.0.2"  # a source of its own for connections
FORGED = "2026-01-01T00:00:00.000Z ERROR forged"
NODES = {}
sent = 0


# -------------------------------------------------------------------------------------------- nodes


class Node:
    def __init__(self, name, config):
        path = os.path.join(DIR, name + ".yaml")
        with open(path, "w") as f:
            f.write(
                "node: { name: %s, tcp_timeout: 4s, log: { to: stderr, level: info }%s }\n"
                % (name, config[0])
                + COMMON
                + config[1]
            )
        self.name, self.log = name, os.path.join(DIR, name + ".log")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([KITH, "run", path], env=ENV, stderr=log)
        NODES[name] = self
        running.append(self.process)

    def wait(self, alive):
        p = subprocess.run(
            [
                KITH,
                "members",
                "--node",
                self.name,
                "--wait",
                "alive=%d" % alive,
                "--timeout",
                "60s",
            ],
            env=ENV,
            capture_output=True,
            text=True,
        )
        check(
            "%s sees %d alive" % (self.name, alive),
            p.returncode == 0,
            p.stderr + open(self.log).read(),
        )

    def begin(self):
        self.control = self.connect()
        self.events = self.connect()
        self.events.write(b'{"cmd":"monitor","events":["leave"]}\n')
        self.events.readline()
        i = self.info()
        self.addr = (i["addr"], i["port"])

    def connect(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(PATIENCE)
        s.connect(os.path.join(ENV["KITH_RUN_DIR"], self.name + ".sock"))
        return s.makefile("rwb", 0)

    def ask(self, **request):
        self.control.write(json.dumps(request).encode() + b"\n")
        return json.loads(self.control.readline() or b"{}")

    def info(self):
        p = subprocess.run(
            [KITH, "info", "--node", self.name, "--format", "json"],
            env=ENV,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        return json.loads(p.stdout)

    def counts(self):
        """Everything that counts, by one name each."""
        i = self.info()
        out = {"refused." + why: n for why, n in i["refused"].items()}
        for c in i["codecs"]:
            out.update(
                {"%s.%s" % (c["name"], k): n for k, n in c.items() if k.startswith("failed")}
            )
        for s in i["stats"]:
            if s["kind"] != "histogram":
                reason = s.get("labels", {}).get("reason")
                key = s["name"] + ("." + reason if reason else "")
                out[key] = out.get(key, 0) + s["value"]
        return out

    def memory(self, which):
        for line in open("/proc/%d/status" % self.process.pid):
            if line.startswith(which):
                return int(line.split()[1])
        return 0

    def settle(self):
        """What came before the first request is read at the latest in the turn of the second."""
        self.ask(cmd="meta")
        self.ask(cmd="meta")


COMMON = """
limits: { max_members: %d, max_streams: 96, max_stream_memory: 20MiB, max_stream_size: 4MiB,
          max_push_pulls: 16, max_pending: 64 }
probe: { interval: 1s, timeout: 900ms }
suspicion: { mult: 6 }
gossip: { interval: 100ms }
transport: { use: udp_tcp, bind: 127.0.0.1:0, max_per_source: 32 }
""" % MEMBERS_MAX
PLAIN = (
    ", cidrs_allowed: [ 127.0.0.1/32 ]",
    "pipeline: { send: [ { use: lzw }, { use: crc32 } ], "
    "accept: [ { use: lzw }, { use: crc32 }, { use: zstd }, { use: lz4 } ] }\n",
)
CLOSED = (
    ", label: prod",
    "keyring: [ { env: FLOOD_KEY } ]\n"
    "pipeline: { send: [ { use: lzw }, { use: crc32 }, { use: aes_gcm } ] }\n",
)


def alive_and_well(what, node, peer):
    node.settle()
    for a, b in ((peer, node), (node, peer)):
        got = a.ask(cmd="ping", name=b.name)
        check("%s: %s answers %s" % (what, b.name, a.name), got.get("ok"), got)
    check("%s: it runs" % what, node.process.poll() is None, open(node.log).read()[-3000:])


def grew(what, node, before, *reasons):
    after = node.counts()
    for reason in reasons:
        check(
            "%s is counted as %s" % (what, reason),
            after.get(reason, 0) > before.get(reason, 0),
            {
                k: v - before.get(k, 0)
                for k, v in after.items()
                if ("dropped" in k or "." in k) and v != before.get(k, 0)
            },
        )
    return after


# ----------------------------------------------------------------------------------------- throwing

udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
udp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)


def throw(node, packets):
    """All of them arrive: never more at a time than the receive buffer holds."""
    global sent
    size = 0
    for p in packets:
        p = p[:65000]
        size += len(p) + 1000
        if size > 100000:
            node.settle()
            size = len(p)
        udp.sendto(p, node.addr)
        sent += 1
    node.settle()


def dial(node, source=STRANGER):
    s = socket.socket()
    s.settimeout(PATIENCE)
    s.bind((source, 0))
    try:
        s.connect(node.addr)
    except ConnectionResetError:  # refused as soon as it was there
        pass
    return s


def gone(s):
    """The node has ended the connection; what it said before."""
    said = b""
    try:
        while True:
            piece = s.recv(65536)
            if not piece:
                break
            said += piece
    except OSError:
        pass
    s.close()
    return said


def pour(node, data, end=True):
    """A stream, whole; the node answers, or ends it, or both."""
    global sent
    s = dial(node)
    sent += 1
    try:
        s.sendall(data)
        if end:
            s.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    return gone(s)


def here(data):
    """Members of the shapes live where nobody listens and nothing else runs."""
    return data.replace(b"\x7f\0\0\x05", b"\x7f\0\0\x01").replace(b"\xcd\x1f\x0a", b"\xcd\0\x01")


def packets_of(records):
    while len(records) > 3:
        n = struct.unpack(">H", records[1:3])[0]
        yield here(records[3 : 3 + n])
        records = records[3 + n :]


def fake(name, inc=1, **more):
    return shapes.alive(name, inc, addr=b"\x7f\0\0\x01", port=1, **more)


def zstd_bomb(size):
    """A frame that says how long it is, and blocks of one byte repeated 128 KiB times."""
    frame, left = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", size), size
    while left:
        n = min(left, 128 << 10)
        left -= n
        frame += struct.pack("<I", n << 3 | 2 | (not left))[:3] + b"x"
    return frame


def leb128(n):
    return (bytes([n & 127 | 128]) + leb128(n >> 7)) if n > 127 else bytes([n])


def lz4_bomb(size):
    """One literal, then a match of all the rest."""
    n = size - 1 - 5 - 19
    return leb128(size) + b"\x1fx\x01\0" + b"\xff" * (n // 255) + bytes([n % 255]) + b"\x50xxxxx"


def framed(layer, data):
    return bytes([layer]) + struct.pack(">I", len(data)) + data


# -------------------------------------------------------------------------------- the plain cluster


def test_one_state_of_many_names(node, peer):
    """Many names in one state, each with everything it may have."""
    before = node.counts()
    states = [
        shapes.state("state-%d" % i, addr=b"\x7f\0\0\x01", port=1, meta=bytes(500))
        for i in range(5000)
    ]
    pour(node, shapes.push_pull(states, b"u" * 1000, join=False))
    alive_and_well("a state of 5,000 strangers", node, peer)
    after = grew("a stranger too many", node, before, "dropped.max_members")
    total = sum(v for k, v in after.items() if k == "members")
    check("no more members than allowed", total <= MEMBERS_MAX, total)


def test_shapes_of_packets(node, peer):
    before = node.counts()
    for name, records in shapes.hostile_packets():
        packets = [p for p in packets_of(records) if p]
        throw(node, packets * (1 if sum(map(len, packets)) > 100000 else 20))
        alive_and_well(name, node, peer)
    after = grew(
        "the corpus",
        node,
        before,
        *(
            "dropped." + why
            for why in (
                "malformed",
                "unknown_type",
                "truncated_part",
                "nested_too_deep",
                "address_not_allowed",
                "bad_name",
                "bad_address",
                "meta_too_long",
                "bad_versions",
                "ping_for_another",
                "ack_not_expected",
                "empty_message",
                "max_replies",
                "nack_not_expected",
                "stranger_answers",
                "stranger_indirect_pings",
            )
        ),
        *(
            "refused." + why
            for why in ("checksum", "malformed", "too_big", "layers", "label", "policy")
        ),
    )
    check("conflicting claims are counted", after["conflicts"] > before["conflicts"])


def test_every_byte_less(node, peer):
    before = node.counts()
    for _, v in shapes.vectors():
        v = here(v)
        throw(node, [v[:n] for n in range(1, min(len(v), 300))])
    alive_and_well("truncated vectors", node, peer)
    grew("truncation", node, before, "dropped.malformed", "refused.malformed", "refused.checksum")


def test_garbage(node, peer):
    before = node.counts()
    throw(node, (random.randbytes(random.randrange(1, 1500)) for _ in range(3000)))
    throw(
        node,
        (
            random.choice(vectors)[:-1] + b"?"
            for vectors in [[here(v) for _, v in shapes.vectors()]]
            for _ in range(2000)
        ),
    )
    alive_and_well("garbage", node, peer)
    grew("garbage", node, before, "dropped.unknown_type", "refused.malformed", "refused.policy")


def test_bombs_in_packets(node, peer):
    before = node.counts()
    for layer, bomb in (
        (b"\x88", zstd_bomb(100 << 20)),
        (b"\x88", zstd_bomb(60000)),
        (b"\x89", lz4_bomb(14 << 20)),
        (b"\x88", zstd_bomb(1 << 31)),
        (b"\x89", leb128(1 << 34) + bytes(50)),
    ):
        throw(node, [layer + bomb] * 200)
    alive_and_well("bombs", node, peer)
    grew(
        "a bomb",
        node,
        before,
        "zstd.failed_size",
        "lz4.failed_size",
        "refused.too_big",
        "refused.malformed",
    )


def test_shapes_of_streams(node, peer):
    before = node.counts()
    for name, stream in shapes.hostile_streams():
        for _ in range(3):
            pour(node, here(stream))
        alive_and_well("stream " + name, node, peer)
    after = grew(
        "the corpus",
        node,
        before,
        *(
            "dropped." + why
            for why in (
                "stream_malformed",
                "stream_unknown_type",
                "stream_truncated",
                "max_stream_size",
            )
        ),
        "refused.malformed",
        "refused.too_big",
        "refused.label",
        "refused.policy",
        "merges_refused",
    )
    check("peers were told", after["stream_errors_sent"] > before["stream_errors_sent"])


def test_bombs_in_streams(node, peer):
    before = node.counts()
    for bomb in (
        framed(0x88, zstd_bomb(1 << 30)),
        framed(0x88, zstd_bomb(7 << 20)),
        framed(0x89, lz4_bomb(20 << 20)),
        framed(0x88, zstd_bomb(5 << 20)) * 3,
        framed(0x88, b"\xff" * 3000000),
        b"\x88\xff\xff\xff\xff" + bytes(1000),
        framed(0x88, framed(0x88, framed(0x88, zstd_bomb(1 << 20)))),
    ):
        for _ in range(5):
            pour(node, bomb)
    alive_and_well("bombs in streams", node, peer)
    grew("a bomb in a stream", node, before, "refused.too_big", "refused.malformed")


def test_fresh_names(node, peer):
    before = node.counts()
    throw(
        node,
        (
            shapes.compound([fake("fresh-%d-%d" % (i, k), meta=bytes(i % 100)) for k in range(10)])
            for i in range(2000)
        ),
    )
    throw(
        node,
        (
            shapes.compound(
                [shapes.accuse(k, "fresh-%d" % i, 1) for k in (shapes.SUSPECT, shapes.DEAD)]
            )
            for i in range(1000)
        ),
    )
    alive_and_well("fresh names", node, peer)
    grew("a fresh name too many", node, before, "dropped.max_members")


def test_the_highest_incarnation(node, peer):
    before, top = node.counts(), (1 << 32) - 1
    throw(
        node,
        [
            shapes.accuse(k, n, top, who)
            for k in (shapes.SUSPECT, shapes.DEAD)
            for n in ("self", "bob")
            for who in ("x", "self", "bob")
        ]
        * 20,
    )
    alive_and_well("accusations at 2^32-1", node, peer)
    grew("an accusation at 2^32-1", node, before, "dropped.max_incarnation")


def test_forged_lines(node, peer):
    evil = "x\n" + FORGED + "\r\n"
    throw(
        node,
        [
            shapes.alive(evil, addr=b"\1\2\3\4"),
            shapes.accuse(shapes.SUSPECT, "self", 0, evil),
            fake(evil, vsn=bytes(6)),
            shapes.accuse(shapes.SUSPECT, "self", (1 << 32) - 2, evil),
            shapes.msg(shapes.PING, Node=evil, SeqNo=1),
        ]
        * 20,
    )
    pour(node, shapes.msg(shapes.PING, Node=evil, SeqNo=1))
    alive_and_well("names with line ends", node, peer)


def test_too_many_connections(node, peer):
    """Half of them say nothing, half drip; more than one source may have. Others are served."""
    before = node.counts()
    whole = shapes.push_pull(
        [shapes.state("drip-%d" % i, addr=b"\x7f\0\0\x01", port=1) for i in range(50)]
    )
    crowd = [dial(node) for _ in range(100)]
    for at in range(60):
        for s in crowd[::2]:
            try:
                s.send(whole[at : at + 1])
            except OSError:
                pass
        if at % 20 == 0:
            alive_and_well("dripping", node, peer)
            got = peer.ask(cmd="send", name=node.name, text="hello", reliable=True)
            check("another source's stream is served", got.get("ok"), got)
    grew("one source's crowd", node, before, "streams_refused_per_source")
    crowd += [
        dial(node, "127.0.0.%d" % (3 + i // 30)) for i in range(200)
    ]  # of many sources: over max_streams
    alive_and_well("a crowd", node, peer)
    for s in crowd:  # none is ever finished: the node ends each
        check("a stream that said nothing whole got nothing", gone(s) == b"")
    alive_and_well("after the crowd", node, peer)
    after = grew(
        "a crowd of many sources", node, before, "streams_refused_by_node", "dropped.stream_timeout"
    )
    check("all are gone", after["streams_open"] == 0, after["streams_open"])


def test_many_states_at_once(node, peer):
    """Nearly whole states on every stream: their memory is one limit."""
    before = node.counts()
    big = (
        bytes([shapes.PUSH_PULL])
        + shapes.pack(dict(Join=False, Nodes=0, UserStateLen=4 << 20))
        + bytes(3 << 20)
    )
    crowd = []
    for i in range(12):
        s = dial(node)
        s.setblocking(False)
        crowd.append([s, big])
    while any(left for s, left in crowd):  # the node reads all, or ends what is over
        for c in crowd:
            try:
                c[1] = c[1][c[0].send(c[1][: 1 << 18]) :] if c[1] else c[1]
            except BlockingIOError:
                pass
            except OSError:
                c[1] = b""
        alive = node.ask(cmd="meta")
    alive_and_well("states that never end", node, peer)
    check("the node answers meanwhile", alive.get("ok"), alive)
    grew("memory of streams", node, before, "dropped.max_stream_memory")
    for s, _ in crowd:
        s.close()


# ------------------------------------------------------------------------------- the closed cluster

LABEL = b"\xf4\x04prod"


def test_packets_of_strangers(node, peer):
    before = node.counts()
    ping = shapes.msg(shapes.PING, Node=node.name, SeqNo=1)
    dead = shapes.accuse(shapes.DEAD, peer.name, 1 << 20)
    wrong = [
        b"\xf4\x04test" + ping,
        dead,
        b"\xf4",
        b"\xf4\0" + dead,
        b"\xf4\xff" + dead,
        LABEL * 2 + dead,
        b"\xf4\x03pro" + dead,
    ]
    plain = [
        LABEL + p
        for p in (
            ping,
            dead,
            fake("x"),
            shapes.compound([dead] * 20),
            shapes.compress(dead),
            shapes.crc(dead),
        )
    ]
    keyless = [LABEL + b"\x0a" + random.randbytes(n) for n in list(range(0, 80)) + [1400, 60000]]
    keyless += [
        LABEL + bytes([v]) + random.randbytes(n)
        for v in (0, 1, 2)
        for n in (11, 12, 27, 28, 29, 100)
    ]
    vectors = [
        LABEL + v for n, v in shapes.vectors() if n.startswith("enc_")
    ]  # the right key, another label or none
    nested = [LABEL + b"\x0a" * n + bytes(100) for n in (8, 9, 1000)]
    throw(node, (wrong + plain + keyless + vectors + nested) * 20)
    for _, records in shapes.hostile_packets():
        throw(node, [LABEL + p for p in packets_of(records) if p])
    alive_and_well("strangers", node, peer)
    grew(
        "a stranger",
        node,
        before,
        "refused.label",
        "refused.auth",
        "refused.policy",
        "aes_gcm.failed_auth",
    )


def test_streams_of_strangers(node, peer):
    before = node.counts()
    state = shapes.push_pull([shapes.state("x")])
    for _ in range(5):
        for label in (b"\xf4\x04test", b"\xf4\x04pr", b"\xf4\0", b""):
            got = pour(node, label + state if label[:4] != b"\xf4\x04pr" else label)
            check("another label gets no answer", got == b"", (label, got))
        for data in (
            state,
            LABEL + state,
            LABEL + shapes.compress(state),
            LABEL + b"\x0a\0\0\0\x50" + bytes(80),
            LABEL + b"\x0a\xff\xff\xff\xff" + bytes(80),
            LABEL + b"\x0a\0\x40\0\0" + bytes(5000),
            LABEL + framed(0x0A, b"\1" + random.randbytes(100000)),
        ):
            got = pour(node, data)
            check("no name leaks", node.name.encode() not in got and b"Incarnation" not in got, got)
    for _, stream in shapes.hostile_streams():
        pour(node, LABEL + stream)
    alive_and_well("streams of strangers", node, peer)
    grew(
        "a stranger's stream",
        node,
        before,
        "refused.label",
        "refused.auth",
        "refused.policy",
        "refused.too_big",
    )


# --------------------------------------------------------------------------------------- in the end


def test_end(nodes, before):
    for node in nodes:
        peak = node.memory("VmHWM")
        check(
            "%s stays small" % node.name,
            before[node.name] and peak - before[node.name] < MEMORY_MAX,
            "%d KiB, before %d" % (peak, before[node.name]),
        )
        lines = open(node.log).read().splitlines()
        check(
            "the log of %s is not flooded" % node.name,
            len(lines) < sent // 10,
            "%d lines, %d sent" % (len(lines), sent),
        )
        check("no line of it is forged", not any(line.startswith(FORGED) for line in lines))
        node.process.terminate()
        gone_ones = [json.loads(e) for e in node.events]
        names = [e.get("name") for e in gone_ones if e.get("state") == "dead"]
        check("%s declared no member dead" % node.name, not set(names) & set(NODES), names)
    for node in nodes:
        check(
            "%s ends well" % node.name,
            node.process.wait(PATIENCE) == 0,
            open(node.log).read()[-3000:],
        )


def main():
    random.seed(1)
    plain, closed = [Node(n, PLAIN) for n in ("self", "bob")], [
        Node(n, CLOSED) for n in ("eve", "fay")
    ]
    for pair in (plain, closed):
        for node in pair:
            node.wait(1)
            node.begin()
        got = pair[1].ask(cmd="join", where=["%s:%d" % pair[0].addr])
        check("they join", got.get("joined"), got)
        for node in pair:
            node.wait(2)
    before = {n.name: n.memory("VmRSS") for n in NODES.values()}
    for name, test in list(globals().items()):
        if (
            name.startswith("test_")
            and name != "test_end"
            and (len(sys.argv) < 2 or sys.argv[1] in name)
        ):
            test(*(closed if name.endswith("strangers") else plain))
    test_end(plain + closed, before)


try:
    main()
finally:
    clean_up()
print("%d packets and streams" % sent)
finish()
