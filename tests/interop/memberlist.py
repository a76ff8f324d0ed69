#!/usr/bin/env python3
"""Kith beside hashicorp/memberlist itself, from Go: the oldest that counts, Debian's, the last
before Go 1.25, the newest."""

import os
import signal
import socket
import struct

from harness import BIG_STATE, Go, Skip, b64, build_peers, free_port, main, unb64, wait_until

VERSIONS = ["v0.1.5", "debian", "v0.5.3", "v0.7.0"]
LABELS = ["v0.5.3", "v0.7.0"]        # since v0.3.0
KEY = b64("kith&memberlist!")  # 16 bytes


def both(lab, version, kith_args=None, **flags):
    go = Go(lab, version, "go", **flags)
    kith = lab.kith("kith", profile="local", **(kith_args or {}))
    return go, kith


def joined(lab, version, kith_args=None, **flags):
    go, kith = both(lab, version, kith_args, **flags)
    kith.join(go.addr)
    go.wait_members({"go", "kith"})
    kith.wait_states({"go": "alive", "kith": "alive"})
    return go, kith


def keyed(key=KEY):
    return {"kith_args": {"key": key}, "key": key}


def join_both_directions(lab, version):
    for first in (True, False):
        go = Go(lab, version, "go-%d" % first)
        kith = lab.kith("kith-%d" % first, profile="local")
        if first:
            kith.join(go.addr)
        else:
            go.ok("join", addr=kith.addr)
        go.wait_members({go.name, kith.name})
        kith.wait_states({go.name: "alive"})
        assert kith.members()[go.name]["port"] == go.port
        assert go.members()[kith.name]["port"] == kith.port
        assert unb64(go.members()[kith.name]["versions"])[:3] == bytes([1, 5, 2])


def join_encrypted(lab, version):
    for size in (16, 24, 32):
        key = b64(bytes(range(size)))
        go = Go(lab, version, "go-%d" % size, key=key)
        kith = lab.kith("kith-%d" % size, profile="local", key=key)
        go.ok("join", addr=kith.addr)
        kith.wait_states({go.name: "alive"})
        kith.join(go.addr)
        exchange(go, kith)


def exchange(go, kith):
    """User messages in both directions, as packets and on streams, with every awkward byte."""
    for reliable in (False, True):
        flag = ["--reliable"] if reliable else []
        for payload in (
            b"hello",
            bytes(range(256)),
            b"\x09\x0a\x0c\xf4",
            b"x" * (1200 if not reliable else 200000),
        ):
            payload += b" %d" % reliable
            mark, gomark = kith.monitor.mark(), go.process.mark()
            kith.run("send", "--raw", *flag, go.name, "-", stdin=payload)
            go.wait_message(payload, gomark)
            go.ok("send", name=kith.name, data=b64(payload), reliable=reliable)
            kith.wait_message(payload, mark)


def messages_both_directions_and_kinds(lab, version):
    exchange(*joined(lab, version))


def broadcasts_both_directions(lab, version):
    go, kith = joined(lab, version)
    go.ok("broadcast", data=b64("from go"))
    kith.wait_message(b"from go")
    kith.run("broadcast", "--raw", "from kith")
    go.wait_message(b"from kith")


def meta_update(lab, version):
    go, kith = joined(lab, version, {"node": "meta: first\n"}, meta="go-first")
    assert unb64(go.members()["kith"]["meta"]) == b"first"
    assert unb64(kith.members()["go"]["meta"]) == b"go-first"
    kith.run("meta", "second")
    go.process.wait_event(
        lambda e: e.get("event") == "update"
        and e["name"] == "kith"
        and unb64(e["meta"]) == b"second"
    )
    go.ok("meta", meta="go-second")
    wait_until("go's meta", lambda: unb64(kith.members()["go"]["meta"]) == b"go-second")


def leave(lab, version):
    go, kith = joined(lab, version)
    third = lab.kith("third", profile="local")
    third.join(go.addr)
    go.wait_members({"go", "kith", "third"})
    kith.wait_states({"third": "alive"})
    third.process.signal(signal.SIGTERM)
    assert third.process.wait_exit() == 0
    go.wait_members({"go", "kith"})
    kith.wait_states({"third": "left"})
    go.ok("leave")
    # v0.1.5 leaves with an empty From: that is a death on the wire.
    kith.wait_states({"go": "dead" if version == "v0.1.5" else "left"})


def kill(lab, version):
    go, kith = joined(lab, version)
    third, fourth = lab.kith("third", profile="local"), Go(lab, version, "fourth")
    third.join(go.addr)
    fourth.ok("join", addr=go.addr)
    go.wait_members({"go", "kith", "third", "fourth"})
    kith.wait_alive(4)
    third.process.kill()
    go.wait_members({"go", "kith", "fourth"})
    kith.wait_states({"third": "dead"})
    fourth.process.kill()
    kith.wait_states({"fourth": "dead"})
    go.wait_members({"go", "kith"})


def alive_packet(name, i):
    """An alive message as go-msgpack 0.5 writes it."""
    def raw(b):
        return bytes([0xA0 | len(b)]) + b
    fields = [
        (b"Addr", raw(bytes([127, 1, i >> 8, i & 255]))),
        (b"Incarnation", b"\x01"),
        (b"Meta", raw(b"role=fake")),
        (b"Node", raw(name.encode())),
        (b"Port", b"\xcd" + struct.pack(">H", 7946)),
        (b"Vsn", raw(bytes([1, 5, 2, 0, 0, 0]))),
    ]
    return b"\x04\x86" + b"".join(raw(k) + v for k, v in fields)


def push_pull_of_a_thousand_with_state(lab, version):
    # Nobody probes, so members that don't exist stay: 1,000 of them are told to the Go node, which
    # hands them on.
    quiet = {"extra": "probe: { interval: 0s }\n" + STATE}
    go, kith = both(lab, version, quiet, probe_interval="0s", push_pull_interval="0s", state=100000)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for i in range(1000):
            s.sendto(alive_packet("fake-%d" % i, i), (go.host, go.port))
            if i % 100 == 99:
                wait_until("go knows them", lambda: len(go.members()) >= i)
    kith.join(go.addr)
    seen = kith.members()
    assert (
        len(seen) == 1002
        and seen["fake-999"]["state"] == "alive"
        and seen["fake-500"]["addr"] == "127.1.1.244"
    ), len(seen)
    state = go.process.wait_event(lambda e: e.get("event") == "state" and e["join"])
    assert unb64(state["payload"]) == kith_state(), state["len"]
    kith.process.wait_line("merged 100000 bytes of state, join")
    # And on from Kith to another Go node.
    other = Go(lab, version, "other", probe_interval="0s")
    other.ok("join", addr=kith.addr)
    assert len(other.members()) == 1003


STATE = "delegates: [ { use: '%s' } ]\n" % BIG_STATE


def kith_state():
    return bytes(i * 7 & 255 for i in range(70000))


def label(lab, version):
    if version not in LABELS:
        raise Skip("memberlist %s has no labels" % version)
    for key in (None, KEY):
        args = {"node": "label: blue\n", "key": key}
        flags = {"label": "blue", **({"key": key} if key else {})}
        suffix = "-key" if key else ""
        go = Go(lab, version, "go" + suffix, **flags)
        kith = lab.kith("kith" + suffix, profile="local", **args)
        kith.join(go.addr)
        go.ok("join", addr=kith.addr)
        exchange(go, kith)
        stranger = lab.kith("stranger" + suffix, profile="local", node="label: red\n", key=key)
        assert stranger.join(go.addr, check=False)[0] != 0
        assert "error" in go.ask("join", addr=stranger.addr)
        plain = Go(lab, version, "plain" + suffix, **({"key": key} if key else {}))
        assert "error" in plain.ask("join", addr=kith.addr)
        assert set(go.members()) == {go.name, kith.name}


def protocol_versions(lab, version):
    for p in range(1, 6):
        key = KEY if p < 4 else None     # 1: encryption format 0
        # Version 1 ignores ports on the wire, so its nodes share one, on addresses of their own.
        port = free_port("127.0.0.2") if p == 1 else 0
        go = Go(lab, version, "go-%d" % p, protocol=p, port=port, **({"key": key} if key else {}))
        host = "127.0.0.2" if p == 1 else "127.0.0.1"
        kith = lab.kith(
            "kith-%d" % p,
            profile="local",
            node="protocol_version: %d\n" % p,
            key=key,
            host=host,
            port=port or None,
        )
        kith.join(go.addr)
        go.wait_members({go.name, kith.name})
        go.ok("join", addr=kith.addr)
        assert unb64(go.members()[kith.name]["versions"])[:3] == bytes([1, 5, p])
        exchange(go, kith)


def ipv6(lab, version):
    go = Go(lab, version, "go", host="::1")
    kith = lab.kith("kith", profile="local", host="::1")
    kith.join(go.addr)
    go.wait_members({"go", "kith"})
    go.ok("join", addr=kith.addr)
    assert go.members()["kith"]["addr"] == "::1" and kith.members()["go"]["addr"] == "::1"
    exchange(go, kith)


def stop_and_continue(lab, version):
    go, kith = joined(lab, version)
    others = [Go(lab, version, "go-%d" % i) for i in (1, 2)]
    for o in others:
        o.ok("join", addr=go.addr)
    go.wait_members({"go", "kith", "go-1", "go-2"})
    before = kith.members()["kith"]["incarnation"]
    kith.process.signal(signal.SIGSTOP)
    go.process.wait_line(lambda line: "Suspect kith has failed" in line)
    kith.process.signal(signal.SIGCONT)
    wait_until("kith refutes", lambda: kith.members()["kith"]["incarnation"] > before)
    go.wait_members({"go", "kith", "go-1", "go-2"})


DOCUMENT = '{"state":"of a Kith node"}'
CHANNELS = """push_pull: { interval: 500ms }
delegates:
  - { use: '%s', as: a, channel: big }
""" % BIG_STATE


def channels_beside_a_strict_peer(lab, version):
    """Whose delegate takes one JSON document or complains, of messages, states and acks."""
    go = Go(lab, version, "go", strict="true", probe_interval="100ms", push_pull_interval="500ms")
    raw = "  - { use: '%s', as: b, text: '%s' }\n" % (BIG_STATE, DOCUMENT)
    a = lab.kith("kith-a", profile="local", extra=CHANNELS + raw)
    b = lab.kith("kith-b", profile="local", extra=CHANNELS)
    a.join(go.addr)
    go.ok("join", addr=b.addr)
    go.wait_members({"go", "kith-a", "kith-b"})
    for n in (a, b):
        n.wait_states({"go": "alive", "kith-a": "alive", "kith-b": "alive"})
        wait_until("all have spoken", lambda: n.stat("probes") >= 5)  # two rounds
    for i, (n, other) in enumerate(((a, b), (b, a)) * 4):
        n.run("broadcast", "to all %d" % i)
        n.send_to_kith(other.name, "to one %d" % i, *(["--reliable"] if i & 2 else []))
        assert n.run("send", "go", "on a channel", check=False)[0] != 0, "sent to a Go member"
    for n, odd in ((a, 1), (b, 0)):
        for text in [w % i for i in range(odd, 8, 2) for w in ("to all %d", "to one %d")]:
            n.wait_message(text.encode())
        # State of the channel goes between the two, and none of it to the peer, ...
        n.process.wait_line("merged 70000 bytes of state, no join")
    # ... which merges what the raw delegate says and nothing else, whoever begins.
    for n in (a, b):
        received, mark = n.stat("push_pulls_received"), go.process.mark()
        n.join(go.addr)
        if n is a:
            state = go.process.wait_event(lambda e: e.get("event") == "state", start=mark)
            assert unb64(state["payload"]) == DOCUMENT.encode(), unb64(state["payload"])[:80]
        go.ok("join", addr=n.addr)
        wait_until("go's push/pull", lambda: n.stat("push_pulls_received") > received)
    a.run("broadcast", "--raw", DOCUMENT)
    go.wait_message(DOCUMENT.encode())
    for n in (a, b):
        assert len(n.heard_on_user()) == len(set(n.heard_on_user())) == 8, n.heard_on_user()
        go.process.wait_event(lambda e: e.get("event") == "ack" and e["name"] == n.name)
    assert not go.process.said('"complaint"') and not go.process.complaints(), go.process.tail(99)
    # It does complain of what is none.
    a.run("broadcast", "--raw", "no JSON")
    complaint = go.process.wait_event(lambda e: e.get("event") == "complaint")
    assert (complaint["about"], unb64(complaint["payload"])) == ("message", b"no JSON"), complaint


CASES = [
    join_both_directions,
    join_encrypted,
    messages_both_directions_and_kinds,
    broadcasts_both_directions,
    channels_beside_a_strict_peer,
    meta_update,
    leave,
    kill,
    stop_and_continue,
    push_pull_of_a_thousand_with_state,
    label,
    protocol_versions,
    ipv6,
]


def test(case, version):
    return ("test_%s[%s]" % (case.__name__, version), lambda lab: case(lab, version))


if __name__ == "__main__":
    build_peers()
    main(
        [
            test(case, version)
            for version in VERSIONS
            for case in CASES
            if case is not label or version in LABELS
        ]
    )
