#!/usr/bin/env python3
"""Kith makes no mixed cluster worse: ten Go nodes, five and five, and ten Kith nodes go through the
same kills, stops, restarts, leaves and changes of meta, side by side; a table says how each fared.

Views must become equal; how long that takes is shown, never judged. KITH_MIXED="SECONDS SEEDS" goes
on for about so long with each of so many seeds, then measures what stopped nodes and lost packets
cost. The table is on stdout.
"""

import ctypes
import heapq
import json
import os
import random
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from harness import (
    Failed,
    Go,
    PATIENCE,
    Skip,
    b64,
    build_peers,
    main,
    need,
    wait_until,
)

LONG = os.environ.get("KITH_MIXED", "")
SECONDS, SEEDS = map(int, LONG.split()) if LONG else (0, 1)
ROUNDS = max(1, SECONDS // 40)       # each takes about so long
TIMES = "%d times %d s." % (SEEDS, SECONDS)
NODES = 10
PROBE_INTERVAL = 1.0         # of the profile `local`
# Whom gossip misses has to wait for a push/pull, every 15 s with one drawn by chance.
SETTLED = 2 * PATIENCE
VERSIONS = ("v0.7.0", "v0.1.5")
AS_MEMBERLIST = """\
suspicion: { remind: false, ask: false, doubt_backlog: false }
push_pull: { young: 0 }
gossip: { burst: 1 }
"""


# ------------------------------------------------------------------------------------------ members


class Member:
    """One name at one port through all its lives; a subclass says which program runs it."""

    def __init__(self, lab, name, host, hear):
        self.lab, self.name, self.host, self.meta = lab, name, host, "first"
        self.hear, self.node, self.life, self.port = hear, None, 0, None

    @property
    def facts(self):
        """What others should know of it."""
        return self.host, self.port, b64(self.meta)

    def ear(self):
        """What hears the life that begins now, and no longer the one before."""
        self.life += 1
        life = self.life
        return lambda stream, line: life == self.life and self.heard(stream, line)

    def heard(self, stream, line):
        """A line of the program's, which may be an event of its."""
        try:
            event = json.loads(line) if stream == "out" else {}
        except ValueError:       # it was killed in the middle of it
            return
        if event.get("event") in ("join", "update", "leave", "cleared", "refuted"):
            self.hear(self, event)

    def start(self):
        """On any port first, then always on the same."""
        self.node = self.run()
        self.port = self.node.port

    def kill(self):
        self.node.process.kill()

    def signal(self, number):
        self.node.process.signal(number)


class GoMember(Member):
    def __init__(self, lab, name, host, hear, version):
        super().__init__(lab, name, host, hear)
        self.version = version

    def heard(self, stream, line):
        if stream == "err" and ("Refuting a suspect" in line or "Refuting a dead" in line):
            self.hear(self, {"event": "refuted"})
        super().heard(stream, line)

    def run(self):
        flags = {"port": self.port or 0, "meta": self.meta}
        return Go(self.lab, self.version, self.name, self.host, self.ear(), **flags)

    def join(self, other):
        self.node.ok("join", addr=other.node.addr)

    def announce(self):
        self.node.ok("meta", meta=self.meta)

    def leave(self):
        self.node.ok("leave")
        self.node.process.kill()

    def view(self, states=None):
        """It does not tell who is a suspect."""
        return {m["name"]: (m["addr"], m["port"], m["meta"]) for m in self.node.members().values()}


class KithMember(Member):
    def __init__(self, lab, name, host, hear, extra):
        super().__init__(lab, name, host, hear)
        self.extra = extra

    def run(self):
        return self.lab.kith(
            self.name,
            host=self.host,
            port=self.port,
            profile="local",
            node="meta: %s\n" % self.meta,
            extra=self.extra,
            hear=self.ear(),
        )

    def join(self, other):
        self.node.join(other.node.addr)

    def announce(self):
        self.node.run("meta", self.meta)

    def leave(self):
        self.node.process.signal(signal.SIGTERM)
        if self.node.process.wait_exit():
            raise Failed("%s ended badly\n%s" % (self.name, self.node.process.tail()))

    def view(self, states=("alive",)):
        return {
            m["name"]: (m["addr"], m["port"], m["meta"])
            for m in self.node.members().values()
            if m["state"] in states
        }


# ------------------------------------------------------------------------------------- the clusters


def unlike(views, truth):
    """By whose view it is and whom it is about: what it says, and what is true."""
    found = {
        name: {
            n: (view.get(n), truth.get(n))
            for n in {*view, *truth}
            if view.get(n) != truth.get(n)
        }
        for name, view in views.items()
    }
    return {name: those for name, those in found.items() if those}


def address_of(letter):
    """Where nobody else of this machine listens, nor connects from: a port stays free while its
    member is down. One for each cluster and process."""
    pid = os.getpid()
    return "127.%d.%d.%d" % (64 * (1 + ord(letter) % 3) + (pid >> 16), pid >> 8 & 255, pid & 255)


class Cluster:
    """Members, what has been done to them, and what each says of the others.

    Events come from threads of the processes; the lock is over all that they touch."""

    def __init__(self, lab, letter, title, kiths, extra=""):
        """The nodes whose number is in kiths run Kith; the others Go, versions by turns."""
        self.title, self.lock = title, threading.Condition()
        self.members, gos, host = [], 0, address_of(letter)
        for i in range(NODES):
            name = "%s%d" % (letter, i)
            if i in kiths:
                self.members.append(KithMember(lab, name, host, self._hear, extra))
            else:
                version = VERSIONS[gos % len(VERSIONS)]
                self.members.append(GoMember(lab, name, host, self._hear, version))
                gos += 1
        self.named = {m.name: m for m in self.members}
        self.views = {m.name: {} for m in self.members}
        self.heard = dict.fromkeys(self.named, 0)        # how many events from each
        self.up, self.stopped, self.fresh, self.woken = set(), set(), set(), {}
        self.deaths = []
        self.refuted, self.took = 0, {}
        self.began, self.judged = time.monotonic(), True

    def _hear(self, member, event):
        with self.lock:
            self.heard[member.name] += 1
            if event["event"] == "refuted":
                self.refuted += 1
            elif event["event"] == "leave":
                self.views[member.name].pop(event["name"], None)
                self._note_death(member.name, event)
            else:
                self.views[member.name][event["name"]] = (
                    event["addr"], event["port"], event["meta"],
                )
            self.lock.notify_all()

    def _note_death(self, observer, event):
        subject = event["name"]
        # Old news of a former life, and the end of one that is over, are as they should be.
        if not self.judged or subject not in self.up - self.fresh or subject == observer:
            return
        now = time.monotonic()
        if subject in self.stopped:
            kind = "stopped"
        elif now - self.woken.get(subject, 0) < PROBE_INTERVAL:
            kind = "woken"
        else:
            kind = "false"
        self.deaths.append(
            {
                "kind": kind,
                "text": "%.1f: %s holds %s for dead, accused by %s"
                % (now - self.began, observer, subject, event.get("accuser", "somebody")),
                "went on": {
                    n: "%.1f s ago" % (now - self.woken[n])
                    for n in (observer, subject)
                    if n in self.woken
                },
            }
        )

    def count(self, kind):
        return sum(death["kind"] == kind for death in self.deaths)

    def running(self):
        return [m for m in self.members if m.name in self.up - self.stopped]

    def truth(self):
        return {m.name: m.facts for m in self.running()}

    def _odd(self):
        """What those that run have heard otherwise than it is, of those not stopped; with the
        lock."""
        truth = self.truth()
        heard = {
            name: {n: f for n, f in self.views[name].items() if n not in self.stopped}
            for name in truth
        }
        return unlike({name: {**heard[name], name: truth[name]} for name in truth}, truth)

    def settle(self, kind, since):
        """Wait until all that run have heard what is true, and note how long that took."""
        while True:
            with self.lock:
                if self.lock.wait_for(lambda: not self._odd(), 0.5):
                    self.took.setdefault(kind, []).append(time.monotonic() - since)
                    self.fresh.clear()
                    return
                odd = self._odd()
            if time.monotonic() > since + SETTLED:
                raise Failed("%s, %s: not within %gs: %s" % (self.title, kind, SETTLED, odd))
            for name in odd:
                self.ask(self.named[name])

    def ask(self, member):
        """A Kith node that met others before we had its ear does not say so again."""
        with self.lock:
            heard = self.heard[member.name]
        view = member.view(("alive", "suspect"))
        with self.lock:
            if heard == self.heard[member.name]:
                self.views[member.name] = view
                self.lock.notify_all()

    def wait_equal(self):
        """Asked themselves, all members give the same view, and it is the true one."""
        def wrong():
            return unlike({m.name: m.view() for m in self.running()}, self.truth())
        wait_until(lambda: "%s: views equal, not %s" % (self.title, wrong()), lambda: not wrong())

    def close(self):
        for member in self.members:
            if member.node:
                member.node.process.close()

    # ------------------------------------------------------------------ what is done to one of them

    def begin(self, member):
        """Its program starts and joins two that run."""
        with self.lock:
            others = self.running()[:2]
        self.start(member)
        for other in others:
            member.join(other)
        self.ask(member)

    def start(self, member):
        with self.lock:
            self.views[member.name] = {}
            self.fresh.add(member.name)
        member.start()
        with self.lock:
            self.up.add(member.name)

    def end(self, member, how):
        with self.lock:
            self.up.discard(member.name)
        how()

    def announce(self, member, meta):
        with self.lock:
            member.meta = meta
        member.announce()

    def stop(self, member):
        with self.lock:
            self.stopped.add(member.name)
        member.signal(signal.SIGSTOP)

    def wake(self, member):
        with self.lock:
            self.stopped.discard(member.name)
            self.woken[member.name] = time.monotonic()
        member.signal(signal.SIGCONT)

    def join_all(self):
        for member in self.members:
            self.start(member)
        since = time.monotonic()
        for member in self.members[1:]:
            member.join(self.members[0])
        self.settle("all join", since)
        self.began = time.monotonic()


# ------------------------------------------------------------------------------------- the schedule


def act(cluster, kind, deed):
    since = time.monotonic()
    deed()
    cluster.settle(kind, since)


def pause(cluster, kind, member, seconds, meanwhile=None):
    """Stopped for so long; views are waited for from when it goes on."""
    cluster.stop(member)
    if meanwhile:
        meanwhile()
    time.sleep(seconds)      # is what is done to it, and no wait for an event
    act(cluster, kind, lambda: cluster.wake(member))


def back(cluster, member, how, meta=None):
    """It ends and comes back at once."""
    cluster.end(member, how)
    if meta:
        member.meta = meta
    cluster.begin(member)


def one_round(cluster, number, chance):
    """Each kind of thing, done once, to members drawn by chance."""
    m = [cluster.members[i] for i in chance.sample(range(NODES), NODES)]
    spans = [chance.uniform(*span) for span in ((0.5, 2.5), (3, 5), (7, 11), (6, 9))]

    def done(kind, deed):
        act(cluster, kind, deed)

    done("one changes its meta", lambda: cluster.announce(m[0], "meta %d" % number))
    pause(cluster, "stopped for 0.5 to 2.5 s", m[1], spans[0])
    done("one is killed", lambda: cluster.end(m[2], m[2].kill))
    done("it starts again", lambda: cluster.begin(m[2]))
    pause(cluster, "stopped for 3 to 5 s", m[3], spans[1])
    done("one leaves", lambda: cluster.end(m[4], m[4].leave))
    done("it comes back", lambda: cluster.begin(m[4]))
    pause(cluster, "stopped for 7 to 11 s", m[5], spans[2])
    done("one leaves, back at once", lambda: back(cluster, m[6], m[6].leave))
    done(
        "killed, back at once with other meta",
        lambda: back(cluster, m[7], m[7].kill, "life %d" % number),
    )
    pause(
        cluster,
        "stopped while another changes meta",
        m[8],
        spans[3],
        lambda: cluster.announce(m[9], "unheard %d" % number),
    )


def go_through(cluster, seed):
    """The same with each cluster, whatever it consists of."""
    chance = random.Random(seed)
    cluster.join_all()
    for number in range(ROUNDS):
        one_round(cluster, number, chance)
    cluster.wait_equal()


# ---------------------------------------------------------------------------------------- the table


def table(title, columns, rows):
    """title: lines. Rows begin with what they are about."""
    rows = [[str(cell) for cell in row] for row in [["", *columns]] + rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join([row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])])
        for row in rows
    ]
    rule = "-" * len(lines[0])
    print("\n".join(["", *title, rule, lines[0], rule, *lines[1:], rule]), flush=True)


def spread(times):
    if len(times) == 1:
        return "%.2f" % times[0]
    return "%.2f / %.2f" % (median(times), max(times))


def counts(runs):
    """Rows of sums over the runs of each column."""
    def total(what):
        return [sum(what(c) for c in column) for column in runs]
    return [
        ["false deaths", *total(lambda c: c.count("false"))],
        ["deaths within 1 s of going on", *total(lambda c: c.count("woken"))],
        ["deaths of the stopped", *total(lambda c: c.count("stopped"))],
        ["refutations", *total(lambda c: c.refuted)],
    ]


def show(title, runs):
    """runs: a column each, of clusters that went through the same; many when KITH_MIXED is set."""
    def took(column, kind):
        return spread([seconds for c in column for seconds in c.took[kind]])
    rows = [[kind, *(took(column, kind) for column in runs)] for kind in runs[0][0].took]
    rows += counts(runs) + [["views at the end", *("equal" for _ in runs)]]  # or we had failed
    title = [
        title,
        "Profile local; the Go nodes are memberlist %s and %s by turns." % VERSIONS,
        "Seconds%s until all views are equal, from when it was done," % (
            " (median / most)" if LONG else ""
        ),
        "or from when the stopped went on. A death counts at each who believes it.",
    ]
    table(title, [c[0].title for c in runs], rows)
    complain(runs)


def complain(runs):
    """Each false death, for those who want to know why."""
    for cluster in [c for column in runs for c in column]:
        for death in cluster.deaths:
            if death["kind"] != "stopped":
                print("%s, %s: %s; %s" % (cluster.title, *list(death.values())), flush=True)


# ------------------------------------------------------------------------------------- measurements


def stops(seconds, chance):
    """(second, node, stop or not), in order: two at a time are stopped, for 1 to 20 s each."""
    free, due, found = set(range(NODES)), [(chance.uniform(0, 3), i, None) for i in range(2)], []
    while due:
        at, chain, node = heapq.heappop(due)
        if node is not None:
            free.add(node)
            found.append((at, node, False))
            heapq.heappush(due, (at + chance.uniform(0.5, 3), chain, None))
        elif at < seconds:
            node = chance.choice(sorted(free))
            free.remove(node)
            found.append((at, node, True))
            heapq.heappush(due, (at + chance.uniform(1, 20), chain, node))
    return found


def be_stopped(cluster, seed):
    cluster.join_all()
    for at, node, stop in stops(SECONDS, random.Random(seed)):
        time.sleep(max(0.0, cluster.began + at - time.monotonic()))
        (cluster.stop if stop else cluster.wake)(cluster.members[node])
    cluster.settle("until views are equal", time.monotonic())
    cluster.wait_equal()


def own_network():
    """From here on this thread, and what it starts, has a network of its own."""
    CLONE_NEWNET = 0x40000000
    if ctypes.CDLL(None).unshare(CLONE_NEWNET):
        raise Skip("a network of its own needs root")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def nft(*words):
    subprocess.run(["nft", *words], check=True)


def lose(percent):
    """So many of all packets, streams too: else pings over streams save everybody."""
    nft("add", "table", "inet", "loss")
    nft("add", "chain", "inet", "loss", "in", "{ type filter hook input priority 0; }")
    nft(*("add rule inet loss in numgen random mod 100 < %d drop" % percent).split())


def lose_packets(cluster, _seed, calm=30):
    """In the network of this thread; chance has no seed there."""
    cluster.join_all()
    time.sleep(calm)         # what young nodes do is not to be measured
    lose(20)
    cluster.began = time.monotonic()
    time.sleep(SECONDS)
    cluster.judged = False
    nft("delete", "table", "inet", "loss")
    cluster.settle("until views are equal", time.monotonic())
    cluster.wait_equal()


# -------------------------------------------------------------------------------------------- tests


# What the nodes of a cluster are: which run Kith, and with what in their files.
CLUSTERS = {
    "10 Go": ((), ""),
    "5 Go, 5 Kith": (range(1, NODES, 2), ""),
    "10 Kith": (range(NODES), ""),
    "5 Go, 5 Kith as memberlist": (range(1, NODES, 2), AS_MEMBERLIST),
    "10 Kith as memberlist": (range(NODES), AS_MEMBERLIST),
}


def columns(lab, titles, deed):
    """deed(cluster, seed) for each of these clusters, side by side, one seed after the other: a
    list for each title."""
    def one(title, seed):
        if deed is lose_packets:
            own_network()
        cluster = Cluster(lab, "abcde"[titles.index(title)], title, *CLUSTERS[title])
        try:
            deed(cluster, seed)
        finally:
            cluster.close()
        return cluster

    runs = []
    for seed in range(1, SEEDS + 1):
        with ThreadPoolExecutor(len(titles)) as threads:
            futures = [threads.submit(one, title, seed) for title in titles]
        runs.append([f.result() for f in futures])
    return [list(column) for column in zip(*runs)]


def test_mixed_clusters_are_no_worse(lab):
    runs = columns(lab, ["10 Go", "5 Go, 5 Kith", "10 Kith"], go_through)
    show("Ten nodes go through the same: pure Go, mixed and pure Kith.", runs)


def measure_stopped_nodes(lab):
    runs = columns(lab, ["10 Go", "10 Kith as memberlist", "10 Kith"], be_stopped)
    show("Two of ten nodes are stopped at any time, for 1 to 20 s: " + TIMES, runs)


def measure_lost_packets(lab):
    need("ip"), need("nft")
    titles = ["10 Go", "5 Go, 5 Kith as memberlist", "5 Go, 5 Kith"]
    runs = columns(lab, titles, lose_packets)
    show("20 % of all packets are lost, those of streams too: " + TIMES, runs)


if __name__ == "__main__":
    build_peers()
    wanted = ("test_", "measure_") if LONG else "test_"
    main([(name, f) for name, f in list(globals().items()) if name.startswith(wanted)])
