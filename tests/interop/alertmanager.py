#!/usr/bin/env python3
"""Kith nodes in a cluster of Debian's Alertmanagers: no key, delegate protocol 0/0/0."""

import datetime
import json
import sys
import urllib.error
import urllib.request

from harness import Process, collect, free_port, main, need, wait_until


class Alertmanager:
    def __init__(self, lab, name, peer=None):
        self.name, self.port, self.http = name, free_port(), free_port()
        config = lab.file(
            name + ".yml", "route: { receiver: nobody }\nreceivers: [ { name: nobody } ]\n"
        )
        argv = [
            need("prometheus-alertmanager"),
            "--config.file=" + config,
            "--storage.path=" + lab.dir + "/" + name,
            "--web.listen-address=127.0.0.1:%d" % self.http,
            "--cluster.listen-address=" + self.addr,
        ]
        self.process = Process(lab, name, argv + (["--cluster.peer=" + peer] if peer else []))
        wait_until(lambda: "%s answers\n%s" % (name, self.process.tail()), self.status)

    @property
    def addr(self):
        return "127.0.0.1:%d" % self.port

    def get(self, path, body=None):
        request = urllib.request.Request(
            "http://127.0.0.1:%d/api/v2/%s" % (self.http, path),
            data=body,
            headers={"Content-Type": "application/json"},
        )
        return json.load(urllib.request.urlopen(request, timeout=10))

    def status(self):
        try:
            return self.get("status")
        except (urllib.error.URLError, ConnectionError):
            return None

    def peers(self):
        return {p["name"]: p["address"] for p in self.status()["cluster"].get("peers", [])}

    def silence(self, comment):
        now = datetime.datetime.utcnow()
        body = {
            "matchers": [{"name": "job", "value": "kith", "isRegex": False, "isEqual": True}],
            "createdBy": "kith",
            "startsAt": now.isoformat() + "Z",
            "endsAt": (now + datetime.timedelta(hours=1)).isoformat() + "Z",
            "comment": comment,
        }
        return self.get("silences", json.dumps(body).encode())["silenceID"]


def cluster(lab):
    need("prometheus-alertmanager")
    a = [Alertmanager(lab, "am-0")]
    a += [Alertmanager(lab, "am-%d" % i, peer=a[0].addr) for i in (1, 2)]
    k = [lab.kith("kith-%d" % i) for i in (0, 1)]
    for n in k:
        n.join(a[0].addr)
    return a, k


def test_every_alertmanager_lists_both_by_name(lab):
    a, k = cluster(lab)
    for m in a:
        wait_until(
            lambda: "%s lists both: %s" % (m.name, m.peers()),
            lambda: {"kith-0", "kith-1"} <= set(m.peers()),
        )
        assert m.peers()["kith-0"] == k[0].addr
    for n in k:
        n.wait_alive(5)


def test_a_silence_arrives_as_a_user_message(lab):
    a, k = cluster(lab)
    for n in k:
        n.wait_alive(5)
    pending = list(k)
    for attempt in range(20):   # gossip promises no reach
        comment = "silence-for-kith-%d" % attempt
        a[attempt % 3].silence(comment)
        still = []
        for n in pending:
            try:
                n.wait_message(lambda b: b"silence-for-kith-" in b, patience=1)
            except AssertionError:
                still.append(n)
        pending = still
        if not pending:
            return
    raise AssertionError("no silence reached %s" % [n.name for n in pending])


if __name__ == "__main__":
    main(collect(sys.modules[__name__]))
