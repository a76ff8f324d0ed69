#!/usr/bin/env python3
"""The examples of docs/CONTROL.md, sent to a live node: each answer and each event has the shape
that the page shows. Every example there is run; one that is never reached is a failure."""

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

KITH = os.environ["KITH"]
PAGE = os.path.join(os.environ["srcdir"], "docs", "CONTROL.md")
ORACLE = os.path.join(os.environ["builddir"], "tests", "cli", ".libs", "oracle.so")
DIR = tempfile.mkdtemp(prefix="kith-control-")
ENV = dict(os.environ, KITH_RUN_DIR=os.path.join(DIR, "run"))
PATIENCE = 60
LAST = ["keys", "leave"]  # after `keys` others no longer understand ada; after `leave` she is gone
running = {}
failures = passed = 0


def check(what, ok, detail=""):
    global failures, passed
    passed, failures = passed + bool(ok), failures + (not ok)
    if not ok:
        print("FAILED  %s: %s" % (what, detail))


# ----------------------------------------------------------------------------------------- the page


def examples():
    """The page's examples as (section, request or None, answers or event), in their order. Lines
    behind a request belong to it up to the one with `ok`."""
    out, section, request = [], "", None
    for block in re.split(r"^(#+ .*|```\n(?:.*\n)*?```)$", open(PAGE).read(), flags=re.M):
        if block.startswith("#"):
            section = block.lstrip("# ")
        if not block.startswith("```\n> ") and not block.startswith("```\n< "):
            continue
        for text in re.findall(r"^([<>] .*(?:\n  .*)*)", block, flags=re.M):
            value = json.loads(text[2:])
            if text[0] == ">":
                request, answers = value, []
            elif request is None:
                out.append((section, None, value))
            else:
                answers.append(value)
                if "ok" in value:
                    out.append((section, request, answers))
                    request = None
    return out


def differs(shown, real, at=""):
    """Where keys or kinds of values differ; None: nowhere. Of a list the page may show a part."""
    if isinstance(shown, dict) and isinstance(real, dict):
        if shown.keys() != real.keys():
            return "%s: one only has %s" % (at, sorted(shown.keys() ^ real.keys()))
        found = [differs(v, real[k], at + "." + k) for k, v in shown.items()]
        return next((f for f in found if f), None)
    if isinstance(shown, list) and isinstance(real, list):
        for i, v in enumerate(shown):
            found = [differs(v, r, "%s[%d]" % (at, i)) for r in real] or ["%s: empty" % at]
            if all(found):
                return found[0]
        return None
    if isinstance(shown, bool) or isinstance(real, bool):
        same = shown is real
    elif isinstance(shown, (int, float)):
        same = isinstance(real, (int, float))
    else:
        same = type(shown) is type(real)
    return None if same else "%s: %r, %r" % (at, shown, real)


def like(shown, real):
    return differs(shown, real) is None


# ---------------------------------------------------------------------------------------- a cluster


def write(name, text):
    path = os.path.join(DIR, name)
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as f:
        f.write(text)
    return path


def config(name, interval="100ms", called=None):
    """`called`: another node that claims the same name."""
    key = write(name + ".key", base64.b64encode(bytes(range(16))).decode() + "\n")
    return write(
        name + ".yaml",
        """
node: { name: %s, profile: local, meta: { tags: { role: web } }, log: { level: warn } }
transport: { use: udp_tcp, bind: 127.0.0.1:0 }
keyring: [ { file: %s } ]
delegates: [ { use: log, to: %s }, { use: %s, as: serf } ]
gossip: { interval: %s }
suspicion: { mult: 1000 }
""" % (called or name, key, os.path.join(DIR, name + ".events"), ORACLE, interval),
    )


def start(name, called=None):
    path = os.path.join(DIR, name + ".sock")
    running[name] = subprocess.Popen(
        [KITH, "run", "--socket", path, config(name, called=called)], env=ENV
    )
    subprocess.run(
        [KITH, "members", "--socket", path, "--wait", "alive=1"],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=PATIENCE,
    )


class Talk:
    """A connection to a node's socket."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(os.path.join(DIR, name + ".sock"))
        self.lines = self.socket.makefile("r", encoding="utf-8")

    def ask(self, request):
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        return self.next()

    def next(self):
        return json.loads(self.lines.readline())


def ask(node, **request):
    answer = Talk(node).ask(request)
    check("%s of %s" % (request, node), answer["ok"], answer)
    return answer


def place(name):
    info = ask(name, cmd="info")
    return "%s:%d" % (info["addr"], info["port"])


# ----------------------------------------------------------------------------------------- requests


def run_request(section, request, shown):
    text = json.dumps(request).replace("127.0.0.1:7947", place("bob"))
    if request["cmd"] == "reload":
        config("ada", interval="200ms")
    talk = Talk("ada")
    got = [talk.ask(json.loads(text))]
    while "ok" not in got[-1]:
        got.append(talk.next())
    check("%s: %s" % (section, text), len(got) == len(shown), got)
    for one, other in zip(shown, got):
        check("%s: %s" % (section, text), like(one, other), differs(one, other))
    if section != "Answers":
        check("%s shows requests of its own" % section, request["cmd"] == section, request)


# ------------------------------------------------------------------------------------------- events


def events_shown(shown):
    """What makes each kind happen; all that is heard then is kept until the page is satisfied."""
    heard = []
    # nothing is lost here; what it looks like is tested in tests/runtime
    missing = [e for e in shown if e["event"] != "lost"]
    watch = Talk("ada")
    watch.ask(
        {
            "cmd": "monitor",
            "log_level": "info",
            "events": "join leave update suspect conflict ping lost joined refuted reloaded keys "
            "emitted message log wire".split(),
        }
    )

    def until(*names):
        """Listen until what the page shows of these was heard; there may always be more."""
        end = time.monotonic() + PATIENCE
        while any(e["event"] in names for e in missing) and time.monotonic() < end:
            got = watch.next()
            heard.append(got)
            missing[:] = [e for e in missing if e["event"] != got["event"] or not like(e, got)]

    ask("bob", cmd="join", where=[place("ada")])
    until("join", "joined", "wire", "ping")
    ask("bob", cmd="meta", text="db")
    until("update")
    words = ["emit", "user_event", "name=deploy", "ltime=7", "v1.2"]
    command = Talk("ada").ask({"cmd": "command", "entry": "serf", "words": words})
    check("an event is emitted", command == {"ok": True}, command)
    until("serf.user_event")
    ask("bob", cmd="send", name="ada", text="just you")
    ask("bob", cmd="send", name="ada", text="raw", raw=True)
    until("message")
    running["bob"].send_signal(signal.SIGSTOP)
    until("suspect")
    running["bob"].send_signal(signal.SIGCONT)
    until("cleared")
    running["ada"].send_signal(signal.SIGSTOP)
    ask("bob", cmd="members", wait={"what": "suspect", "count": 1}, timeout=PATIENCE)
    running["ada"].send_signal(signal.SIGCONT)
    until("refuted")
    start("rob", called="bob")
    ask("rob", cmd="join", where=[place("ada")])
    until("conflict")
    stop("rob")
    ask("ada", cmd="reload")
    until("reloaded")
    ask("ada", cmd="keys", do="install", key="00" * 16)
    until("keys", "log")
    # A client that does not read: more than sockets and the node together hold for it.
    slow = Talk("ada")
    slow.ask({"cmd": "monitor", "events": ["message"]})
    for _ in range(100):
        ask("bob", cmd="send", name="ada", text="x" * 60000, reliable=True)
    for _ in range(3):  # now there is room for the word that some are missing
        got = slow.next()
    ask("bob", cmd="send", name="ada", text="the last")
    while got.get("event") != "dropped":
        got = slow.next()
        if got["event"] == "message" and got["payload"] == base64.b64encode(b"the last").decode():
            break
    missing[:] = [e for e in missing if not like(e, got)]
    ask("bob", cmd="leave", stop=True)
    until("leave")
    check("every event of the page was seen", not missing, missing)
    known = {e["event"] for e in shown}
    check("none that it does not have", {e["event"] for e in heard} <= known, known)
    running.pop("bob").wait(PATIENCE)


def stop(name):
    p = running.pop(name)
    p.send_signal(signal.SIGCONT)
    p.kill()
    p.wait()


try:
    all_of_it = examples()
    requests = [e for e in all_of_it if e[1] is not None]
    check("the last request has its answer", all("ok" in e[2][-1] for e in requests))
    check("there are examples", len(requests) > 15 and len(all_of_it) > len(requests) + 8)
    start("ada")
    start("bob")
    events_shown([shown for _, request, shown in all_of_it if request is None])
    start("bob")
    ask("bob", cmd="join", where=[place("ada")])
    for section, request, shown in sorted(
        requests, key=lambda e: LAST.index(e[0]) + 1 if e[0] in LAST else 0
    ):
        run_request(section, request, shown)
    check("ada has ended after leave", running.pop("ada").wait(PATIENCE) == 0)
finally:
    for name in list(running):
        stop(name)
    shutil.rmtree(DIR, ignore_errors=True)
print("%d passed, %d failed, 0 skipped" % (passed, failures))
sys.exit(failures > 0)
