#!/usr/bin/env python3
"""Every kind of stranger at once, against a node with 100 members.

"self" is a node of its own; its 99 members run together in a second process. Its log goes into a
pipe that nobody reads. One process throws packets, 50 at a time, the next when an answer says that
they were read; one holds connections of peers, one those of the control socket. Meanwhile the
operator asks, and members and self ping each other. In the end nobody has lost anybody, and self
has stayed small.

The flood is over when each kind of stranger has been counted and the operator has had his rounds,
but lasts for STRANGERS_SECONDS (10) at least. With the argument "sealed" the cluster has a label
and a key. KITH_FIGURES=1 prints what was measured. Ports are the system's choice.
"""

import base64
import itertools
import json
import os
import random
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ["srcdir"], "tests", "fuzz"))
import checks  # noqa: E402
import make_corpus as shapes  # noqa: E402
from checks import DIR, ENV, KITH, check, clean_up, finish, running  # noqa: E402

SEALED = "sealed" in sys.argv[1:]
LABEL = b"\xf4\x04prod"
ENV.update(
    STRANGERS_KEY=bytes(range(16)).hex(),
    # What a sanitizer has to say does not go where nobody reads.
    ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":log_path=%s/fault" % DIR,
    UBSAN_OPTIONS=os.environ.get("UBSAN_OPTIONS", "") + ":log_path=%s/fault" % DIR,
    TSAN_OPTIONS=os.environ.get("TSAN_OPTIONS", "") + ":log_path=%s/fault" % DIR,
)
SECONDS = float(os.environ.get("STRANGERS_SECONDS", 10))
PATIENCE = 240
OTHERS = 99
ROUNDS = 5
MEMBERS_MAX = 400
STREAM_MEMORY = 40  # MiB
MEMORY_MAX = STREAM_MEMORY + 64  # MiB, all that the process has in memory
TOP = (1 << 32) - 1
NOWHERE = b"\x7f\3\0\1"  # where forged members live: nobody listens at port 1
BEGUN = time.monotonic()


def note(what):
    if os.environ.get("KITH_FIGURES"):
        print("%6.1f s  %s" % (time.monotonic() - BEGUN, what), flush=True)


# -------------------------------------------------------------------------------------- the cluster

COMMON = """
transport: { use: udp_tcp, bind: %s:0 }
probe: { interval: 2s, timeout: 1800ms }
suspicion: { mult: 6 }
push_pull: { interval: 10s }
limits: { max_members: %d, max_streams: 256, max_stream_memory: %dMiB, max_stream_size: 8MiB }
"""
KEYS = """
keyring: [ { env: STRANGERS_KEY } ]
pipeline: { send: [ { use: lzw }, { use: aes_gcm } ] }
"""


def config(name, host, level, more):
    path = os.path.join(DIR, name + ".yaml")
    with open(path, "w") as f:
        label = ", label: prod" if SEALED else ""
        f.write(
            "node: { name: %s, cidrs_allowed: [ 127.0.0.0/8 ], log: { to: stderr, level: %s }%s }\n"
            % (name, level, label)
            + COMMON % (host, MEMBERS_MAX, STREAM_MEMORY)
            + (KEYS if SEALED else "")
            + more
        )
    return path


def connect(node):
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.path.join(DIR, "run", node + ".sock"))
    s.settimeout(PATIENCE)  # not before: it would not wait for its place in a full backlog
    return s


def ask(node, cmd, **request):
    """As a client does that has just begun, while strangers hold what they can hold."""
    begun = time.monotonic()
    while True:
        try:
            with connect(node) as s, s.makefile("rb", 1 << 18) as f:
                s.sendall(json.dumps(dict(request, cmd=cmd)).encode() + b"\n")
                got = json.loads(f.readline() or b"{}")
        except (BrokenPipeError, ConnectionResetError):
            got = {}  # let go before it asked: another one came
        if got or time.monotonic() - begun > PATIENCE:
            return got


def wait_for(node, count):
    p = subprocess.run(
        [KITH, "members", "--node", node, "--wait", "alive=%d" % count, "--timeout", "120s"],
        env=ENV,
        capture_output=True,
        text=True,
    )
    check("%s sees %d alive" % (node, count), p.returncode == 0, p.stderr)


def counts(node):
    info = ask(node, "info")
    out = {"refused." + why: n for why, n in info.get("refused", {}).items()}
    for stat in info.get("stats", []):
        if stat["kind"] != "histogram":
            why = stat.get("labels", {}).get("reason")
            key = stat["name"] + ("." + why if why else "")
            out[key] = out.get(key, 0) + stat["value"]
    out["clients_dropped"] = info.get("clients_dropped", 0)
    out["clients_refused"] = info.get("clients_refused", 0)
    return out


class Watch(threading.Thread):
    """What all nodes hear of members that go: a real one that was lost is noted."""

    def __init__(self, names):
        super().__init__(daemon=True)
        self.names, self.lost, self.suspected, self.missed = set(names), [], 0, 0
        self.of = {}
        for name in names:
            s = connect(name)
            s.sendall(b'{"cmd":"monitor","events":["leave","suspect"]}\n')
            self.of[s.fileno()] = [name, s, b""]
        self.start()

    def run(self):
        poll = select.poll()
        for fd in self.of:
            poll.register(fd, select.POLLIN)
        while self.of:
            for fd, _ in poll.poll():
                name, s, rest = self.of[fd]
                data = s.recv(1 << 18)
                if not data:
                    poll.unregister(fd)
                    del self.of[fd]
                    continue
                *lines, self.of[fd][2] = (rest + data).split(b"\n")
                for line in lines:
                    self.hear(name, json.loads(line))

    def hear(self, at, e):
        self.missed += e["event"] == "dropped"
        if e.get("name") in self.names:
            self.suspected += e["event"] == "suspect"
            if e["event"] == "leave" and e["state"] == "dead":
                self.lost.append((at, e["name"]))


# ------------------------------------------------------------------------------------- who throws


def here(data):
    """Members of the shapes live where nobody listens."""
    return data.replace(b"\x7f\0\0\x05", NOWHERE).replace(b"\xcd\x1f\x0a", b"\xcd\0\x01")


def fake(name, inc=1, **more):
    return shapes.alive(name, inc, **dict(dict(addr=NOWHERE, port=1), **more))


def colliding(i):
    """Names with one hash where a hash takes words of 8 bytes, multiplies, and folds the halves:
    what the highest bit of a word did is taken back by the next."""
    words, carry = [struct.unpack("<Q", b"node-%03d" % k)[0] for k in range(31)], 0
    for k in range(31):
        flip = 1 << 63 if k < 30 and i >> k & 1 else 0
        words[k] ^= carry ^ flip
        carry = 1 << 63 | 1 << 31 if flip else 0
    return shapes.Raw(shapes.raw(struct.pack("<31Q", *words)))


def junk_names():
    odd = [b"nul\0nul", b"\0", b"\xff\xfe", b"\x1b[2J", b"a\nb", "\u202e\u2028".encode(), b"\x9b1m"]
    return [shapes.Raw(shapes.raw(n + b"%d" % i)) for n in odd for i in range(20)]


def packets(members):
    """By kind: what a burst is made of."""
    place = [dict(SourceAddr=socket.inet_aton(m[1]), SourcePort=m[2]) for m in members]
    ping = [shapes.msg(shapes.PING, Node="self", SeqNo=i) for i in range(100)]
    relay = dict(Nack=True, Node="x", Port=1, Target=NOWHERE)
    odd_versions = [bytes(n) for n in range(9)] + [b"\5\1\2\0\0\0", b"\1\5\xf2\0\0\0"]
    yield "new names, large", [fake("large-%d" % i, meta=bytes(4000)) for i in range(300)]
    yield "new names", [
        shapes.compound([fake("new-%d-%d" % (i, k)) for k in range(12)]) for i in range(200)
    ]
    yield "pings", ping
    yield "pings for others", [
        shapes.compound(
            [shapes.msg(shapes.PING, Node="x-%d" % k, SeqNo=i, SourceNode=members[i][0], **place[i])
             for k in range(40)]
        )
        for i in range(OTHERS)
    ]
    yield "pings that members sent", [
        shapes.compound([shapes.msg(shapes.PING, Node="self", SeqNo=k, **p) for k in range(60)])
        for p in place
    ]
    yield "indirect pings", [shapes.msg(shapes.INDIRECT, SeqNo=i, **relay) for i in range(100)]
    yield "indirect pings of members", [  # 8 of a packet are relayed, 32 of a member at a time
        shapes.compound([shapes.msg(shapes.INDIRECT, SeqNo=k, **relay, **p) for k in range(8)])
        for p in place[:10]
        for _ in range(10)
    ]
    yield "alives of members", [
        fake(name, inc, addr=socket.inet_aton(host), port=port, meta=b"forged %d" % inc)
        for name, host, port in members
        for inc in (2, 1000)
    ] + [fake(m[0], 5000) for m in members]
    yield "the highest incarnations", [
        message
        for name in ["self"] + [m[0] for m in members]
        for inc in (TOP, TOP - 1)
        for message in (
            shapes.accuse(shapes.SUSPECT, name, inc, "x"),
            shapes.accuse(shapes.DEAD, name, inc, name),
            fake(name, inc),
        )
    ]
    yield "unsound versions", [
        fake("v-%d" % i, vsn=v) for i, v in enumerate(odd_versions * 10)
    ] + [fake(m[0], 3, vsn=b"\1\5\xf2\0\0\0") for m in members]
    yield "names with one hash", [
        shapes.compound([fake(colliding(i * 4 + k)) for k in range(4)]) for i in range(100)
    ]
    yield "junk names", [fake(n) for n in junk_names()] + [
        shapes.msg(shapes.PING, Node=n, SeqNo=1) for n in junk_names()
    ]
    yield "channel frames", [
        b"\x08\xf2kc1\x01\xff" + os.urandom(8) + b"\x01z" + bytes(1000) for _ in range(300)
    ]
    yield "user messages", [b"\x08" + bytes(1000)] * 100
    yield "garbage", [random.randbytes(random.randrange(1, 1400)) for _ in range(200)]
    for name, records in shapes.hostile_packets():
        yield "corpus " + name, [p for p in records_of(records) if p]


def records_of(records):
    while len(records) > 3:
        n = struct.unpack(">H", records[1:3])[0]
        yield here(records[3 : 3 + n])[:65000]
        records = records[3 + n :]


def throw_packets(stop, addr, members):
    sources = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(20)]
    for i, s in enumerate(sources):
        s.bind(("127.4.0.%d" % (1 + i), 0))
        s.setblocking(False)
    kinds = [burst for _, burst in packets(members)]
    if SEALED:
        kinds += [[LABEL + p for p in burst] for burst in kinds]
        kinds += [[LABEL + bytes([v]) + p for v in (0, 1, 10) for p in kinds[0]]]
    sent, last = 0, shapes.msg(shapes.PING, Node="self", SeqNo=1)
    for burst, s in zip(itertools.cycle(kinds), itertools.cycle(sources)):
        for at in range(0, len(burst), 50):
            for p in burst[at : at + 50] + [last]:
                try:
                    s.sendto(p, addr)
                    sent += 1
                except OSError:
                    pass
            # On with its answer, or soon without: what a full buffer loses was no load.
            if stop in select.select([stop, s], [], [], 0.05)[0]:
                return sent
            try:
                while s.recv(2048):
                    pass
            except OSError:
                pass


class Dialer:
    """Connections that are opened again when they end, at once or when all is quiet."""

    def __init__(self, stop, at_once=True):
        self.poll, self.of, self.made, self.at_once = select.epoll(), {}, 0, at_once
        self.poll.register(stop, select.EPOLLIN)
        self.stop = stop.fileno()

    def open(self, kind):
        make, first, on = kind
        try:
            s = make()
        except OSError:  # no place, no descriptor: at the next turn again
            self.of[-1 - len(self.of)] = (None, kind)
            return
        self.made += 1
        self.of[s.fileno()] = (s, kind)
        try:
            s.send(first)
        except OSError:
            pass
        events = 0 if on == "blind" else select.EPOLLIN
        self.poll.register(s, events | (select.EPOLLOUT if on == "endless" else 0))

    def close(self, fd):
        s, kind = self.of.pop(fd)
        if s:
            self.poll.unregister(fd)
            s.close()
        return kind

    def run(self):
        more, again = bytes(1 << 16), []
        while True:
            again += [self.close(fd) for fd in [fd for fd in self.of if fd < 0]]
            ready = self.poll.poll(0.1)
            for fd, events in ready:
                if fd == self.stop:
                    return self.made
                s, (_, _, on) = self.of[fd]
                try:
                    if events & (select.EPOLLHUP | select.EPOLLERR):
                        raise OSError
                    if events & select.EPOLLIN and not s.recv(4096):
                        raise OSError
                    if events & select.EPOLLOUT:
                        s.send(more)
                except BlockingIOError:
                    pass
                except OSError:
                    again.append(self.close(fd))
            if self.at_once or not ready:
                while again:
                    self.open(again.pop())


def hold_streams(stop, addr):
    """From 60 sources, more than there are slots."""
    dialer, source = Dialer(stop), itertools.cycle(range(60))

    def peer():
        s = socket.socket()
        s.bind(("127.2.0.%d" % (1 + next(source)), 0))
        s.setblocking(False)
        try:
            s.connect(addr)
        except BlockingIOError:
            pass
        return s

    head = LABEL if SEALED else b""
    user = bytes([shapes.USER]) + shapes.pack(dict(UserMsgLen=7 << 20))
    state = bytes([shapes.PUSH_PULL])
    state += shapes.pack(dict(Join=False, Nodes=0, UserStateLen=7 << 20))
    hashes = [shapes.state(colliding(i), addr=NOWHERE, port=1) for i in range(2000)]
    kinds = [
        (200, b"", "silent"),
        (60, shapes.push_pull([], join=False), "read"),
        (60, shapes.push_pull([], join=False), "blind"),
        (20, user, "endless"),
        (20, state, "endless"),
        (4, b"\x0a\xff\xff\xff\xff", "endless"),
        (4, shapes.push_pull(hashes, join=True), "read"),
        (4, shapes.push_pull([shapes.state(n, addr=NOWHERE) for n in junk_names()]), "read"),
    ]
    kinds += [(1, here(stream), "read") for _, stream in shapes.hostile_streams()]
    for count, first, on in kinds:
        for _ in range(count):
            dialer.open((peer, head + first if first else b"", on))
    return dialer.run()


def hold_control(stop):
    """Clients of the same user: some say nothing, some listen to all and never read."""
    dialer = Dialer(stop, at_once=False)

    def client():
        s = connect("self")
        s.setblocking(False)
        return s

    every = b'{"cmd":"monitor","events":["join","leave","update","suspect","message","log","wire",'
    every += b'"ping","conflict"],"log_level":"trace"}\n'
    for count, first, on in ((100, b"", "silent"), (15, every, "blind"), (5, b'{"cmd":', "silent")):
        for _ in range(count):
            dialer.open((client, first, on))
    return dialer.run()


class Flood:
    """A process that does it until it is told to stop; then it says how much it was."""

    def __init__(self, what, *args):
        self.stop, theirs = socket.socketpair()
        self.pid = os.fork()
        if not self.pid:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self.stop.close()
            try:
                theirs.sendall(b"%d" % what(theirs, *args))
            finally:
                os._exit(0)
        theirs.close()

    def end(self):
        self.stop.shutdown(socket.SHUT_WR)
        self.stop.settimeout(PATIENCE)
        said = self.stop.recv(100)
        os.waitpid(self.pid, 0)
        return int(said or b"0")


# ------------------------------------------------------------------------------------------ at once

SEEN = [
    "dropped." + why
    for why in (
        "malformed",
        "unknown_type",
        "bad_name",
        "bad_versions",
        "max_members",
        "max_incarnation",
        "ping_for_another",
        "stranger_answers",
        "stranger_indirect_pings",
        "max_indirect_pings",
        "max_stream_memory",
        "crowded_out",
    )
]
SEEN_SEALED = ["refused." + why for why in ("label", "policy", "auth")]
SEEN_ALWAYS = ["clients_dropped"]


def round_of(node, peer, took):
    """The operator asks and each pings the other until it is answered."""
    begun = time.monotonic()
    for cmd in ("meta", "members", "info"):
        at = time.monotonic()
        got = ask(node, cmd)
        took["operator"].append(time.monotonic() - at)
        check("the operator's %s is answered" % cmd, got.get("ok"), got)
    for a, b in ((peer, node), (node, peer)):
        tries = 0
        got = {}
        while not got.get("ok") and time.monotonic() - begun < PATIENCE:
            at = time.monotonic()
            got = ask(a, "ping", name=b)
            tries += 1
        took["pings"].append(time.monotonic() - at)
        took["lost"] += tries - 1
        check("%s answers %s" % (b, a), got.get("ok"), got)


def rounds(watch, members):
    before, begun = counts("self"), time.monotonic()
    took = dict(operator=[], pings=[], lost=0)
    said = 0
    wanted = SEEN_ALWAYS + (SEEN_SEALED if SEALED else SEEN)
    for n in itertools.count():
        round_of("self", members[n % OTHERS][0], took)
        after = counts("self")
        missing = [why for why in wanted if after.get(why, 0) <= before.get(why, 0)]
        if len(missing) == len(wanted):  # it has not begun yet
            took = dict(operator=[], pings=[], lost=0)
        passed_time = time.monotonic() - begun
        if (not missing and n >= ROUNDS and passed_time >= SECONDS) or checks.failures:
            break
        if passed_time > 5 * (said + 1):
            said = passed_time // 5
            note("%d rounds; not counted yet: %s" % (n + 1, missing))
        if passed_time > max(PATIENCE, 2 * SECONDS):
            break
    check("each kind was met and counted", not missing, missing)
    return took, after, passed_time


def gone_well(process, what):
    try:
        code = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        code = "runs on"
    check("%s ends well" % what, code == 0, code)


def in_the_end(names, watch, members):
    """Everybody is there and hears what self says; who will hear it leave."""
    for name in names:
        lost = {}
        begun = time.monotonic()
        while time.monotonic() - begun < PATIENCE:
            have = {m["name"]: m["state"] for m in ask(name, "members")["members"]}
            lost = {n: have.get(n) for n in names if have.get(n) != "alive"}
            if not lost:
                break
            ask("self", "ping", name=next(iter(set(lost) - {"self"}), names[1]))
        check("%s sees all of them alive" % name, not lost, lost)
    check("nobody was lost", not watch.lost, watch.lost[:20])
    note("all are there")
    s = connect(names[50])
    hears = s.makefile("rb")
    s.sendall(b'{"cmd":"monitor","events":["leave","update"]}\n')
    hears.readline()
    got = ask("self", "meta", text="after the flood")
    check("self announces its meta", got.get("ok"), got)
    meta = base64.b64encode(b"after the flood").decode()
    until(hears, "it is heard", lambda e: e.get("name") == "self" and e.get("meta") == meta)
    return hears


def until(events, what, found):
    for line in events:
        if found(json.loads(line)):
            return check(what, True)
    check(what, False)


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    random.seed(1)
    nobody_reads, log = os.pipe()
    node = subprocess.Popen(
        [KITH, "run", config("self", "127.1.0.1", "debug", "delegates: [ { use: log } ]\n")],
        env=ENV,
        stderr=log,
        stdout=log,
    )
    running.append(node)
    wait_for("self", 1)
    at = ask("self", "info")
    join = "join: [ %s:%d ]\n" % (at["addr"], at["port"])
    others = ["m-%02d" % i for i in range(OTHERS)]
    with open(os.path.join(DIR, "log"), "w") as quiet:
        files = [
            config(name, "127.1.1.%d" % (1 + i), "error", join) for i, name in enumerate(others)
        ]
        fleet = subprocess.Popen([KITH, "run", "--together", *files], env=ENV, stderr=quiet)
    running.append(fleet)
    wait_for("self", OTHERS + 1)
    for name in others:
        wait_for(name, OTHERS + 1)
    members = [
        (m["name"], m["addr"], m["port"])
        for m in ask("self", "members")["members"]
        if m["name"] != "self"
    ]
    note("a cluster of %d" % (OTHERS + 1))
    addr = (at["addr"], at["port"])
    watch = Watch(["self"] + others)
    floods = [Flood(throw_packets, addr, members), Flood(hold_streams, addr), Flood(hold_control)]
    try:
        took, after, lasted = rounds(watch, members)
    finally:
        sent = [f.end() for f in floods]
    note("the flood is over: %s" % sent)
    hears = in_the_end(["self"] + others, watch, members)
    peak = [int(line.split()[1]) >> 10 for line in open("/proc/%d/status" % node.pid)
            if line.startswith("VmHWM")][0]
    with open("/proc/%d/maps" % node.pid) as maps:  # a sanitizer's memory is not the node's
        sanitized = any("san.so" in line for line in maps)
    check("self stays small", sanitized or peak < MEMORY_MAX, "%d MiB" % peak)
    node.send_signal(signal.SIGTERM)
    gone_well(node, "self")
    note("self has gone")
    until(hears, "self is seen to leave",
          lambda e: e.get("name") == "self" and e.get("state") == "left")
    fleet.send_signal(signal.SIGTERM)
    fleet.send_signal(signal.SIGTERM)
    gone_well(fleet, "the fleet")
    faults = [open(os.path.join(DIR, f)).read() for f in os.listdir(DIR) if f.startswith("fault")]
    check("no fault", not faults, "\n".join(faults)[:5000])
    figures(took, after, lasted, sent, peak, watch)


def figures(took, after, lasted, sent, peak, watch):
    if not os.environ.get("KITH_FIGURES"):
        return
    print("%.0f s; %d packets, %d connections, %d control clients" % (lasted, *sent))
    for what in ("operator", "pings"):
        t = sorted(took[what])
        print("%s: %d, median %.1f ms, 99 %% %.1f ms, longest %.1f ms" % (
            what, len(t), t[len(t) // 2] * 1e3, t[int(len(t) * 0.99)] * 1e3, t[-1] * 1e3))
    print("pings tried again: %d; suspicions of members: %d; peak %d MiB; events missed: %d"
          % (took["lost"], watch.suspected, peak, watch.missed))
    print({k: v for k, v in after.items() if "." in k and v or k.startswith("clients")})


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
try:
    main()
finally:
    clean_up()
finish()
