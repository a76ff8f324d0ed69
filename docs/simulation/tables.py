"""The tables of docs/SIMULATION.md from the CSV files beside this, and the numbers that its
sentences name: what the page says of a run is what the run's row says."""
import os
import re
import statistics

from draw import read, values


def number(v):
    """About two digits."""
    if v == 0:
        return "0"
    return "%.2f" % v if v < 0.995 else "%.1f" % v if v < 19.95 else "{:,.0f}".format(v)


def cell(rows, column, **where):
    """Least, median and most of the runs; of how many, where some have none."""
    v, all_of_them = values(rows, column, **where), len(chosen(rows, **where))
    if not v:
        return "never"
    words = [number(x) for x in (min(v), statistics.median(v), max(v))]
    text = words[0] if len(set(words)) == 1 else " / ".join(words)
    return text if len(v) == all_of_them else "%s (%d of %d)" % (text, len(v), all_of_them)


def chosen(rows, **where):
    return [r for r in rows if all(r[k] == str(v) for k, v in where.items())]


def median(rows, column, **where):
    return statistics.median(values(rows, column, **where))


# ------------------------------------------------------------------------------------ tables


def profiles(rows):
    near = [["{:,}".format(n), "`%s`" % p] + [
        cell(rows, c, nodes=n, network="near", profile=p)
        for c in ("full_view", "news_last", "silent_noticed", "silent_half", "packet_bytes",
                  "join_bytes")] for n in (10, 100, 1000) for p in ("lan", "wan", "local")]
    far = [["`%s`" % p] + [
        cell(rows, c, nodes=100, network="far", profile=p)
        for c in ("full_view", "silent_half", "packet_bytes", "false_suspicions")]
        for p in ("lan", "wan", "local")]
    return {"nodes": near, "100 nodes, far": far}


def loss(rows):
    return {"loss": [["%d %%" % p,
                      cell(rows, "false_suspicions", loss=p, ping="stream"),
                      cell(rows, "false_suspicions", loss=p, ping="packets"),
                      cell(rows, "false_deaths", loss=p, ping="stream"),
                      cell(rows, "silent_half", loss=p, ping="stream"),
                      cell(rows, "packet_bytes", loss=p, ping="stream")]
                     for p in (0, 5, 10, 20, 30)]}


def seeds(rows):
    return {"`join` lists": [[str(n),
                              cell(rows, "view_of_99_percent", seeds=n, trouble="none"),
                              cell(rows, "full_view", seeds=n, trouble="none"),
                              cell(rows, "full_view", seeds=n, trouble="n0 is late"),
                              cell(rows, "stream_megabytes", seeds=n, trouble="none")]
                             for n in (1, 3, 10)]}


def probe(rows):
    # Five stalls a run.
    lost = lambda v: round(sum(values(rows, "stalls_lost", interval=v)) * 5)
    sick = [r for r in rows if r["false_suspicions"] != ""]  # on the bad network
    return {"`probe.interval`": [["%s s" % v,
                                  cell(rows, "silent_noticed", interval=v),
                                  cell(rows, "silent_half", interval=v),
                                  cell(rows, "packets", interval=v),
                                  cell(rows, "packet_bytes", interval=v),
                                  cell(sick, "false_suspicions", interval=v),
                                  str(lost(v))] for v in ("0.2", "0.5", "1", "2", "5")]}


QUESTIONS = {"profiles": profiles, "loss": loss, "seeds": seeds, "probe": probe}


def fill(page, tables):
    """The page with these rows below the heads that begin with these words."""
    for head, rows in tables.items():
        lines = "".join("| %s |\n" % " | ".join(r) for r in rows)
        there = re.compile(r"(^\| %s \|[^\n]*\n\|[-|]+\n)(?:\|[^\n]*\n)*" % re.escape(head), re.M)
        page, times = there.subn(lambda m: m.group(1) + lines, page)
        if times != 1:
            raise ValueError("%d tables begin with %r" % (times, head))
    return page


def filled(here, page):
    for question, tables in QUESTIONS.items():
        page = fill(page, tables(read(here, question)))
    return page


def write(here):
    path = os.path.join(here, os.pardir, "SIMULATION.md")
    with open(path, encoding="utf-8") as f:
        page = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(filled(here, page))
    return [words for words in sentences(here) if words not in " ".join(page.split())]


# --------------------------------------------------------------------------------- sentences


def sentences(here):
    """What of the page's text has numbers of the runs in it."""
    rows = {question: read(here, question) for question in QUESTIONS}
    usual = dict(nodes=100, network="near", profile="lan")
    of = lambda question, column, **where: median(rows[question], column, **where)
    false = lambda percent, ping: of("loss", "false_suspicions", loss=percent, ping=ping)
    sent = lambda percent: of("loss", "packet_bytes", loss=percent, ping="stream")
    without = lambda percent: number(false(percent, "packets") / false(percent, "stream"))
    streams = lambda n: of("seeds", "stream_megabytes", seeds=n, trouble="none")
    sick = lambda interval: of("probe", "false_suspicions", interval=interval)
    return [
        "each node sends %s kB a second" % number(
            of("profiles", "join_bytes", nodes=1000, profile="lan") / 1000),
        "%.0f bytes a node and second with 100 nodes" % of("profiles", "stream_bytes", **usual),
        "suspected for nothing %.0f times an hour" % false(20, "stream"),
        "traffic is %.0f times that of quiet times" % (sent(20) / sent(0)),
        "10 %% of loss cost %s times the false suspicions, 20 %% %s times" % (without(10),
                                                                              without(20)),
        "10 seeds make %s times the traffic of one" % number(streams(10) / streams(1)),
        "%.0f bytes a second" % of("probe", "packet_bytes", interval="0.2"),
        "200 ms means %s times the false suspicions of 1 s" % number(sick("0.2") / sick("1")),
    ]
