#!/usr/bin/env python3
"""Kith nodes in a cluster of Debian's Serf agents."""

import json
import os
import signal
import subprocess
import sys

from harness import (
    BIG_STATE,
    Failed,
    PATIENCE,
    Process,
    collect,
    free_port,
    main,
    need,
    wait_until,
)

KEY = "a2l0aC1hbmQtc2VyZi1zaGFyZS10aGlzLXNlY3JldCE="  # 32 bytes
OTHER_KEY = "YW5vdGhlci1rZXktdGhhdC1ub2JvZHktZWxzZS1oYXM="

DELEGATE_PROTOCOL = "delegate_protocol: { min: 2, max: 5, version: 4 }\n"


class Serf:
    def __init__(self, lab, name, key=KEY, port=None, keyring=None):
        self.lab, self.name, self.key, self.keyring = lab, name, key, keyring
        self.port, self.rpc = port or free_port(), "127.0.0.1:%d" % free_port()
        self.start()

    @property
    def addr(self):
        return "127.0.0.1:%d" % self.port

    def start(self):
        argv = [
            need("serf"),
            "agent",
            "-node",
            self.name,
            "-bind",
            self.addr,
            "-rpc-addr",
            self.rpc,
            "-log-level",
            "debug",
        ]
        self.process = Process(self.lab, self.name, argv + self._encryption())
        self.process.wait_line("Serf agent starting")
        wait_until("%s answers" % self.name, lambda: self.run("info", check=False)[0] == 0)

    def _encryption(self):
        """The agent refuses both together."""
        if self.keyring:
            return ["-keyring-file", self.keyring]
        return ["-encrypt", self.key] if self.key else []

    def run(self, verb, *args, check=True):
        done = subprocess.run(
            [need("serf"), verb, "-rpc-addr=" + self.rpc, *args], capture_output=True, timeout=60
        )
        if check and done.returncode:
            raise Failed(
                "serf %s: exit %d: %s%s"
                % (verb, done.returncode, done.stdout.decode(), done.stderr.decode())
            )
        return done.returncode, done.stdout.decode() + done.stderr.decode()

    def states(self):
        return {
            m["name"]: m["status"]
            for m in json.loads(self.run("members", "-format", "json")[1])["members"]
        }

    def wait_states(self, wanted, patience=PATIENCE):
        wait_until(
            lambda: "%s sees %s, it sees %s\n%s"
            % (self.name, wanted, self.states(), self.process.tail()),
            lambda: all(
                self.states().get(n) in (s if isinstance(s, tuple) else (s,))
                for n, s in wanted.items()
            ),
            patience,
        )

    def join(self, addr, check=True):
        return self.run("join", addr, check=check)


def kith(lab, name, key=KEY, **more):
    return lab.kith(name, key=key, node=DELEGATE_PROTOCOL, **more)


def cluster(lab, serfs=3, kiths=3, **more):
    """serfs and kiths, joined both ways; everybody sees everybody."""
    need("serf")
    s = [Serf(lab, "serf-%d" % i) for i in range(serfs)]
    k = [kith(lab, "kith-%d" % i, **more) for i in range(kiths)]
    for a in s[1:]:
        s[0].join(a.addr)
    k[0].join(s[0].addr)         # ours asks theirs
    if kiths > 1:
        s[0].join(k[1].addr)     # theirs asks ours
    for n in k[2:]:
        n.join(k[0].addr)        # ours asks ours
    names = [n.name for n in s + k]
    for n in k + s:
        n.wait_states({name: "alive" for name in names})
    return s, k


def test_six_alive_on_both_sides(lab):
    cluster(lab)


def test_user_events_arrive_as_user_messages(lab):
    s, k = cluster(lab)
    pending = list(k)
    # Gossip promises no reach: fire until each delegate has one.
    for attempt in range(40):
        s[attempt % 3].run("event", "-coalesce=false", "hello-%d" % attempt, "payload")
        still = []
        for n in pending:
            try:
                n.wait_message(
                    lambda b: b[:1] == b"\x03" and b"hello-" in b and b"payload" in b, patience=0.5
                )
            except Failed:
                still.append(n)
        pending = still
        if not pending:
            return
    raise Failed("no user event reached %s" % [n.name for n in pending])


def test_killed_kith_is_failed_in_serf(lab):
    s, k = cluster(lab)
    k[2].process.kill()
    for a in s:
        a.wait_states({"kith-2": "failed"})
    for n in k[:2]:
        n.wait_states({"kith-2": "dead"})


def test_killed_agent_is_dead_in_kith(lab):
    s, k = cluster(lab)
    s[2].process.kill()
    for n in k:
        n.wait_states({"serf-2": "dead"})


def test_stopped_kith_refutes_and_accuses_nobody(lab):
    s, k = cluster(lab)
    before = k[2].members()["kith-2"]["incarnation"]
    mark = s[0].process.mark()
    k[2].process.signal(signal.SIGSTOP)
    s[0].process.wait_line(
        lambda line: "kith-2" in line and ("Suspect" in line or "suspect" in line), start=mark
    )
    resumed = k[2].process.mark()
    k[2].process.signal(signal.SIGCONT)
    wait_until("kith-2 refutes", lambda: k[2].members()["kith-2"]["incarnation"] > before)
    for n in s + k:
        n.wait_states(
            {name: "alive" for name in ("serf-0", "serf-1", "serf-2", "kith-0", "kith-1", "kith-2")}
        )
    accused = [line for _, line in k[2].process.lines[resumed:] if "has failed, no acks" in line]
    assert not accused, accused


def test_restarted_kith_is_taken_back(lab):
    s, k = cluster(lab)
    k[2].process.kill()
    s[0].wait_states({"kith-2": "failed"})
    k[2].start()
    k[2].join(s[0].addr)
    for n in s + k:
        n.wait_states({"kith-2": "alive", "serf-0": "alive"})


def test_restarted_agent_is_taken_back(lab):
    s, k = cluster(lab)
    s[2].process.kill()
    for n in k:
        n.wait_states({"serf-2": "dead"})
    s[2].start()
    s[2].join(k[0].addr)
    for n in k + s:
        n.wait_states({"serf-2": "alive", "kith-0": "alive"})


def test_leaving_kith_is_not_alive_in_serf(lab):
    s, k = cluster(lab)
    k[2].process.signal(signal.SIGTERM)
    assert k[2].process.wait_exit() == 0, k[2].process.tail()
    for a in s:
        a.wait_states({"kith-2": ("failed", "left")})
    # Gossip promises no reach: a node that missed the word finds a death. That both of them missed
    # it is past belief.
    for n in k[:2]:
        wait_until("kith-2 is gone", lambda: n.states().get("kith-2") not in ("alive", "suspect"))
    assert "left" in [n.states().get("kith-2") for n in k[:2]]


def test_leaving_agent_is_not_alive_in_kith(lab):
    s, k = cluster(lab)
    s[2].run("leave")
    for n in k:
        wait_until("serf-2 is gone", lambda: n.states().get("serf-2") in ("left", "dead"))


def test_agents_are_silent_about_channels(lab):
    """Frames, digests, the key `Kith` and what follows the state of push/pulls: agents see none of
    it, or skip it."""
    state = "delegates: [ { use: '%s', channel: big } ]\n" % BIG_STATE
    often = "push_pull: { interval: 500ms }\nprobe: { interval: 250ms, timeout: 200ms }\n"
    s, k = cluster(lab, 2, 3, extra=often + state)
    pairs = [(n, other) for n in k for other in k if n is not other]
    for i in range(4):
        for n in k:
            n.run("broadcast", "hello %d of %s" % (i, n.name))
        for n, other in pairs:
            n.send_to_kith(other.name, "%d from %s" % (i, n.name), *["--reliable"][: i & 1])
    for n in k:
        wait_until("all have spoken", lambda: n.stat("probes") >= 9)  # two rounds
        for agent in s:
            assert n.run("send", agent.name, "hello", check=False)[0] != 0, "sent to an agent"
    for n, other in pairs:
        for i in range(4):
            n.wait_message(b"hello %d of %s" % (i, other.name.encode()))
            n.wait_message(b"%d from %s" % (i, other.name.encode()))
    # Pings to all, in turn, and push/pulls that either side began, after all of this; those between
    # Kith nodes carry state of the channel.
    probes = [n.stat("probes") for n in k]
    for agent in s:
        for n in k:
            received, mark = n.stat("push_pulls_received"), agent.process.mark()
            n.join(agent.addr)
            agent.process.wait_line("Stream connection from=", start=mark)
            agent.join(n.addr)
            wait_until("a push/pull", lambda: n.stat("push_pulls_received") > received)
    for n in k:
        n.process.wait_line("merged 70000 bytes of state, no join")
    for n, before in zip(k, probes):
        wait_until("two rounds of probes", lambda: n.stat("probes") >= before + 9)
    marks = [agent.process.mark() for agent in s]
    for agent in s:
        said = agent.process.complaints()
        assert not said, said
    # They do warn about what they don't know, so these are the right logs.
    for agent, mark in zip(s, marks):
        warned = "Received message of unknown type: %d" % ord("h")
        for attempt in range(40):  # gossip promises no reach
            k[0].run("broadcast", "--raw", "hello, raw %d" % attempt)
            try:
                agent.process.wait_line(warned, patience=0.5, start=mark)
                break
            except Failed:
                continue
        assert any(warned in line for line in agent.process.complaints(mark)), agent.process.tail()
    for n in k:
        heard = n.heard_on_user()
        assert len(heard) == len(set(heard)) == 16, heard


def refused(lab, key, ours, theirs):
    need("serf")
    s, k = Serf(lab, "serf-0"), kith(lab, "kith-0", key=key)
    code, out, err = k.join(s.addr, check=False)
    assert code != 0, "kith join succeeded: " + out
    assert s.join(k.addr, check=False)[0] != 0, "serf join succeeded"
    assert set(s.states()) == {"serf-0"} and set(k.states()) == {"kith-0"}
    k.process.wait_line(lambda line: any(w in line.lower() for w in ours))
    s.process.wait_line(lambda line: any(w in line.lower() for w in theirs))


def test_wrong_key_is_refused_on_both_sides(lab):
    refused(
        lab, OTHER_KEY, ["no installed keys could decrypt"], ["no installed keys could decrypt"]
    )


def test_missing_key_is_refused_on_both_sides(lab):
    refused(
        lab,
        None,
        ["encryption is not configured", "encrypted and"],
        ["encryption is configured but remote state is not encrypted"],
    )


if __name__ == "__main__":
    main(collect(sys.modules[__name__]))
