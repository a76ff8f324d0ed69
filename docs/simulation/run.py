#!/usr/bin/env python3
"""Runs the simulations of docs/SIMULATION.md, draws them and fills its tables.

    docs/simulation/run.py [--kith ./kith] [--again] [profiles] [loss] [seeds] [probe]
    docs/simulation/run.py --draw

Each run is a row of docs/simulation/QUESTION.csv. One that has a row already is not made again, so
that it can be stopped at any time and go on later; --again makes all rows of the questions anew.
--keep DIR leaves the node, the scenario and what `kith sim` printed of each run that was made
there. --kith says which program; without it `kith` is looked up as the shell would. All of it
takes some ten minutes of one core, half of them for the runs with 1,000 nodes. Python's standard
library alone."""
import argparse
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

import draw
import tables

HERE = os.path.dirname(os.path.abspath(__file__))

# What the machines have between them.
NEAR = {"delay": "500us", "jitter": "500us", "loss": "0.1%"}
FAR = {"delay": "80ms", "jitter": "20ms", "loss": "1%"}
NETWORKS = {"near": NEAR, "far": FAR}


# ------------------------------------------------------------------------------------ a run


def node_file(profile="lan", **sections):
    """A node as YAML."""
    lines = ["node: { name: n, profile: %s }" % profile,
             "transport: { use: udp_tcp, bind: 127.0.0.1:7946 }"]
    lines += ["%s: { %s }" % (name, ", ".join("%s: %s" % kv for kv in keys.items()))
              for name, keys in sections.items()]
    return "\n".join(lines) + "\n"


def scenario_file(link, events, extra_links=()):
    flow = lambda keys: "{ %s }" % ", ".join("%s: %s" % kv for kv in keys.items())
    lines = ["links:"] + ["  - " + flow(l) for l in (link, *extra_links)]
    lines += ["events:"] + ["  - " + flow(e) for e in events]
    return "\n".join(lines) + "\n"


class Simulator:
    def __init__(self, kith, keep):
        self.kith, self.keep, self.runs = kith, keep, 0

    def run(self, name, node, scenario, nodes, time, seed, seeds=3):
        """The result of `kith sim` as it is in JSON."""
        if seeds != 3:
            scenario = "seeds: %d\n" % seeds + scenario
        with tempfile.TemporaryDirectory() as temp:
            base = os.path.join(self.keep or temp, name)
            for suffix, text in ((".node.yaml", node), (".scenario.yaml", scenario)):
                with open(base + suffix, "w") as f:
                    f.write(text)
            done = subprocess.run(
                [self.kith, "sim", base + ".node.yaml", "--quiet", "--nodes", str(nodes),
                 "--time", "%gs" % time, "--seed", str(seed), "--scenario",
                 base + ".scenario.yaml", "--format", "json"],
                stdout=subprocess.PIPE)
            self.runs += 1
            if done.returncode != 0:
                raise SystemExit("run.py: %s: kith sim ended with %d" % (name, done.returncode))
        if self.keep:
            with open(base + ".json", "wb") as f:
                f.write(done.stdout)
        return json.loads(done.stdout)


class Table:
    """A CSV file whose rows are known by their first columns."""

    def __init__(self, question, keys):
        self.path = os.path.join(HERE, question + ".csv")
        self.keys, self.rows = keys, []
        if os.path.exists(self.path):
            with open(self.path, newline="") as f:
                self.rows = list(csv.DictReader(f))

    def has(self, **key):
        return any(all(r[k] == str(key[k]) for k in self.keys) for r in self.rows)

    def add(self, key, values):
        row = {k: str(v) for k, v in key.items()}
        row.update((k, "" if v is None else "%.6g" % v) for k, v in values.items())
        self.rows.append(row)
        with open(self.path, "w", newline="") as f:
            out = csv.DictWriter(f, list(self.rows[0]), lineterminator="\n")
            out.writeheader()
            out.writerows(self.rows)


# ------------------------------------------------------------------------- what is looked at


def happening(result, kind, nth=0):
    return [h for h in result["happenings"] if h["kind"] == kind][nth]


def after_all_joined(result, nodes, over):
    """Until each knew so many, since the last one was started; None: never."""
    least = result["curves"]["members_least"]
    for i, value in enumerate(least["values"]):
        if value >= nodes:
            return max(0, (i + 1) * least["step"] - over)
    return None


def in_window(result, name, begin, end):
    """Mean of a curve between two times."""
    curve, total = result["curves"][name], 0
    for i, value in enumerate(curve["values"]):
        first, last = i * curve["step"], (i + 1) * curve["step"]
        total += value * max(0, min(last, end) - max(first, begin))
    return total / (end - begin)


def value_at(curve, time):
    """None: after its end."""
    i = round(time / curve["step"]) - 1
    return curve["values"][max(i, 0)] if i < len(curve["values"]) else None


def told(h, name):
    """When the first suspected it, half of the others and the last knew that it is dead."""
    whole = h["told"]["count"] >= h["to_tell"] * 0.99
    return {name + "_noticed": h["noticed"]["min"] if h["noticed"]["count"] else None,
            name + "_half": h["told"]["p50"] if whole else None,
            name + "_last": h["told"]["max"] if whole else None}


def an_hour(result, key):
    """A node and hour."""
    return result[key] / result["node_seconds"] * 3600


def somebody(seed, nodes, but=None):
    """One that is no seed, and not that one. Named, not drawn by `kith sim`, which may draw again
    who is stopped."""
    chance = random.Random("who %d" % seed)
    first = chance.randrange(3, nodes)
    while but is not None and "n%d" % first == but:
        first = chance.randrange(3, nodes)
    return "n%d" % first


def moment(seed, begin, length):
    """Some time after `begin`: what happens at a full second would meet all timers alike."""
    return "%.3fs" % (begin + random.Random(seed).random() * length)


# ---------------------------------------------------------------------------- the questions


def profiles(sim):
    """Which profile for how many nodes?"""
    table = Table("profiles", ["nodes", "network", "profile", "seed"])
    #          calm  silent  killed  end; with 1,000 nodes the news of a join takes 45 s
    times = {"lan": (60, 80, 125, 170), "local": (60, 80, 125, 170), "wan": (130, 170, 420, 660)}
    plan = [(n, net, p, s) for n in (10, 100) for net in NETWORKS for p in times
            for s in range(1, 8)]
    plan += [(1000, "near", p, s) for s in range(1, 4) for p in times]
    for nodes, network, profile, seed in plan:
        key = dict(nodes=nodes, network=network, profile=profile, seed=seed)
        if table.has(**key):
            continue
        name = "profiles-%d-%s-%s-%d" % (nodes, network, profile, seed)
        node, link = node_file(profile), NETWORKS[network]
        join = {"at": "0s", "join": "all", "over": "1s"}
        calm, silent, killed, end = times[profile]
        quiet = 40 if profile == "wan" else 10  # probes come every 5 seconds
        victim = somebody(seed, nodes)
        other = somebody(seed, nodes, but=victim)
        r = sim.run(name, node, scenario_file(link, [
            join,
            {"at": moment(seed, calm, 1), "meta": victim, "value": "new"},
            {"at": moment(seed, silent, 5), "stop": victim},
            {"at": moment(seed, killed, 5), "kill": other}]), nodes, end, seed)
        fast = r if nodes > 100 else sim.run(name + "-join", node, scenario_file(link, [join]),
                                             nodes, 30, seed)
        spread = happening(r, "meta")["told"]
        table.add(key, {
            "full_view": after_all_joined(fast, nodes, 1),
            **told(happening(r, "stop"), "silent"),
            **told(happening(r, "kill"), "killed"),
            "news_half": spread["p50"], "news_last": spread["max"],
            "packets": in_window(r, "packets_sent", calm - quiet, calm),
            "packet_bytes": in_window(r, "packet_bytes_sent", calm - quiet, calm),
            "join_bytes": in_window(r, "packet_bytes_sent", 1, 6),
            "stream_bytes": r["stream_bytes_sent"],
            "false_suspicions": an_hour(r, "false_suspicions"),
            "false_deaths": an_hour(r, "false_deaths"), "cpu": r["cpu"]})


def loss(sim):
    """What does loss cost?"""
    table = Table("loss", ["loss", "ping", "seed"])
    for seed in range(1, 4):
        for percent in (0, 5, 10, 20, 30):
            for ping in ("stream", "packets"):
                key = dict(loss=percent, ping=ping, seed=seed)
                if table.has(**key):
                    continue
                probe = {"probe": {"disable_tcp_pings": "true"}} if ping == "packets" else {}
                r = sim.run("loss-%d-%s-%d" % (percent, ping, seed), node_file(**probe),
                            scenario_file(dict(NEAR, loss="%d%%" % percent), [
                                {"at": "0s", "join": "all", "over": "1s"},
                                {"at": moment(seed, 80, 5), "meta": 1, "value": "new"},
                                {"at": moment(seed, 120, 5), "stop": 1}]), 100, 180, seed)
                spread = happening(r, "meta")["told"]
                table.add(key, {
                    "false_suspicions": an_hour(r, "false_suspicions"),
                    "false_deaths": an_hour(r, "false_deaths"),
                    **told(happening(r, "stop"), "silent"),
                    "news_half": spread["p50"], "news_last": spread["max"],
                    "packets": in_window(r, "packets_sent", 90, 120),
                    "packet_bytes": in_window(r, "packet_bytes_sent", 90, 120),
                    "stream_bytes": r["stream_bytes_sent"], "cpu": r["cpu"]})


def seeds(sim):
    """How many seeds?"""
    table = Table("seeds", ["seeds", "trouble", "seed"])
    views = Table("seeds-views", ["seeds", "trouble"])
    nodes, half_seconds = 300, [i / 2 for i in range(1, 121)]
    usual = [{"at": "0s", "join": "all", "over": "1s"}]
    late = [{"at": "0s", "join": '"all,!n0"', "over": "1s"}, {"at": "20s", "join": "n0"}]
    slow = [{"from": "n0..n9", "bandwidth": "1MiB", "backlog": "256KiB"}]
    for count in (1, 3, 10):
        for trouble in ("none", "n0 is late", "1 MiB/s"):
            for seed in range(1, 4):
                key = dict(seeds=count, trouble=trouble, seed=seed)
                if table.has(**key):
                    continue
                events, time = (late, 60) if trouble == "n0 is late" else (usual, 40)
                r = sim.run("seeds-%d-%s-%d" % (count, trouble[:4].strip().replace(" ", "-"), seed),
                            node_file(), scenario_file(NEAR, events,
                                                       slow if "MiB" in trouble else ()),
                            nodes, time, seed, seeds=count)
                least = r["curves"]["members_least"]
                table.add(key, {
                    "full_view": after_all_joined(r, nodes, 1),
                    "view_of_99_percent": after_all_joined(r, nodes * 0.99, 1),
                    "stream_megabytes": r["stream_bytes_sent"] * r["node_seconds"] / 1e6,
                    "false_suspicions": r["false_suspicions"], "cpu": r["cpu"]})
                if seed == 1:
                    views.add(dict(seeds=count, trouble=trouble),
                              {"%g" % t: value_at(least, t) for t in half_seconds})


def probe(sim):
    """What does a probe interval buy?"""
    table = Table("probe", ["interval", "seed"])
    for interval in (0.2, 0.5, 1, 2, 5):
        for seed in range(1, 11):
            key = dict(interval=interval, seed=seed)
            if table.has(**key):
                continue
            keys = {"interval": "%gms" % (interval * 1000),
                    "timeout": "%gms" % min(500, interval * 500)}
            node = node_file(probe=keys)
            name = "probe-%g-%d" % (interval, seed)
            join = {"at": "0s", "join": "all", "over": "1s"}
            end = 60 + max(60, 60 * interval)
            r = sim.run(name, node, scenario_file(NEAR, [
                join, {"at": moment(seed, 60, 5), "stop": 1}]), 100, end, seed)
            stalls = sim.run(name + "-stalls", node, scenario_file(NEAR, [
                join, {"at": moment(seed, 60, 1), "stop": 1, "for": "3s", "every": "20s",
                       "count": 5}]), 100, 180, seed)
            lost = [h["told"]["count"] > 0 for h in stalls["happenings"] if h["kind"] == "stop"]
            lossy = seed <= 3 and sim.run(name + "-loss", node, scenario_file(
                dict(NEAR, loss="20%"), [join]), 100, 60, seed)
            table.add(key, {
                **told(happening(r, "stop"), "silent"),
                "packets": in_window(r, "packets_sent", 40, 60),
                "packet_bytes": in_window(r, "packet_bytes_sent", 40, 60),
                "stalls_lost": sum(lost) / len(lost),
                "false_suspicions": an_hour(lossy, "false_suspicions") if lossy else None,
                "cpu": r["cpu"]})


QUESTIONS = {"profiles": profiles, "loss": loss, "seeds": seeds, "probe": probe}
# What a question's runs are written to.
FILES = {name: [name] for name in QUESTIONS}
FILES["seeds"] += ["seeds-views"]


def forget(question):
    for name in FILES[question]:
        path = os.path.join(HERE, name + ".csv")
        if os.path.exists(path):
            os.remove(path)


def run(given):
    if not shutil.which(given.kith):
        raise SystemExit("run.py: there is no program %s: say which with --kith" % given.kith)
    if given.keep:
        os.makedirs(given.keep, exist_ok=True)
    sim = Simulator(given.kith, given.keep)
    for name in given.question or QUESTIONS:
        print("%s: %s" % (name, QUESTIONS[name].__doc__), file=sys.stderr)
        if given.again:
            forget(name)
        QUESTIONS[name](sim)
    if not sim.runs:
        print("run.py: all runs have their row already; --again makes them anew", file=sys.stderr)


def main():
    args = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("question", nargs="*", help=", ".join(QUESTIONS))
    args.add_argument("--kith", default="kith", metavar="PROGRAM")
    args.add_argument("--keep", metavar="DIR", help="for the files of each run that is made")
    args.add_argument("--again", action="store_true", help="also runs that have a row")
    args.add_argument("--draw", action="store_true", help="only draw what there is")
    given = args.parse_args()
    for name in given.question:
        if name not in QUESTIONS:
            args.error("there is no question %s" % name)
    if not given.draw:
        run(given)
    draw.all_of(HERE)
    for words in tables.write(HERE):
        print("docs/SIMULATION.md does not say: %s" % words, file=sys.stderr)


if __name__ == "__main__":
    main()
