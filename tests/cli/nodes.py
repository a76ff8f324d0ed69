#!/usr/bin/env python3
"""The command line against running nodes: `kith run` and everything that talks to it, as a script
meets them.

Ports are the system's choice, every wait is for an event. Sockets are found through KITH_RUN_DIR,
which is the test's own.
"""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

KITH = os.environ["KITH"]
DIR = tempfile.mkdtemp(prefix="kith-cli-")
ENV = dict(os.environ, KITH_RUN_DIR=os.path.join(DIR, "kith"))
ENV.pop("KITH_SOCKET", None)
PATIENCE = 60
running = []
failures = passed = 0

OK, FAILED, USAGE, UNREACHABLE, NOTFOUND, TIMEOUT, REFUSED = range(7)


def check(what, ok, detail=""):
    global failures, passed
    passed, failures = passed + bool(ok), failures + (not ok)
    if not ok:
        print("FAILED  %s: %s" % (what, detail))


def kith(*args, stdin=None, env=ENV):
    p = subprocess.run(
        [KITH, *args], input=stdin, capture_output=True, text=True, env=env, timeout=PATIENCE
    )
    return p.returncode, p.stdout, p.stderr


def expect(code, *args, **more):
    got = kith(*args, **more)
    what = " ".join(("kith",) + args)
    check("%s exits %d" % (what, code), got[0] == code, "exit %d\n%s%s" % got)
    check(
        "%s: %s on stderr" % (what, "why" if code else "nothing"),
        (got[2] != "") == (code != OK),
        got,
    )
    return got[1]


def write(name, text, mode=0o600):
    path = os.path.join(DIR, name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def config(name, extra="", node=""):
    return write(
        name + ".yaml",
        "node: { name: %s, profile: local, log: { to: stderr, level: warn }%s }\n"
        "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n%s" % (name, node, extra),
    )


def start(name, extra="", node=""):
    p = subprocess.Popen(
        [KITH, "run", config(name, extra, node)], env=ENV, stderr=subprocess.PIPE, text=True
    )
    running.append(p)
    expect(OK, "members", "--node", name, "--wait", "alive=1", "--timeout", "30s")
    return p


def info(name):
    return json.loads(expect(OK, "info", "--node", name, "--format", "json"))


def place(name):
    i = info(name)
    return "%s:%d" % (i["addr"], i["port"])


def ended(p):
    try:
        return p.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        return "runs on"


def monitor(name, *args):
    """A monitor that has its first line, the hello, behind it."""
    p = subprocess.Popen(
        [KITH, "monitor", "--node", name, "--format", "json", "--timeout", "30s", *args],
        env=ENV,
        stdout=subprocess.PIPE,
        text=True,
    )
    running.append(p)
    check("a monitor says hello", json.loads(p.stdout.readline())["event"] == "hello")
    return p


def test_help_and_usage():
    for tool in (
        "run members join leave info send broadcast monitor meta reload keys command config "
        "plugin dissect"
    ).split():
        out = expect(OK, tool, "--help")
        check("help of %s names it" % tool, "Usage: kith " + tool in out, out)
        check("kith --help lists " + tool, "  %s " % tool in kith("--help")[1])
    check("version", kith("--version")[1].startswith("kith "))
    expect(USAGE)
    expect(USAGE, "--fly")
    expect(UNREACHABLE, "fly")  # no command, so it might be an entry of a node
    for wrong in (
        ["run"],
        ["run", "a", "b"],
        ["run", "--what"],
        ["members", "x"],
        ["members", "--wait", "alive"],
        ["members", "--timeout", "soon"],
        ["members", "--format", "xml"],
        ["send", "a"],
        ["broadcast"],
        ["join"],
        ["monitor", "--count", "0"],
        ["keys", "eat"],
        ["keys", "use"],
        ["meta", "a", "b"],
        ["meta", "--tag", "x"],
        ["leave", "x"],
        ["meta", "--base64"],
        ["config"],
        ["config", "check"],
        ["config", "show", "a", "b"],
        ["config", "show", "a", "--with", "b"],
        ["config", "schema", "a"],
        ["config", "doc", "--quiet"],
        ["config", "check", "a", "b", "--with", "c"],
        ["plugin", "list", "x"],
        ["plugin", "inspect"],
        ["plugin", "list", "--param", "a=b"],
        ["reload", "x"],
        ["info", "x"],
        ["command"],
    ):
        expect(USAGE, *wrong)


def test_wrong_formats_are_refused():
    for words in (
        ["members"],
        ["info"],
        ["join", "a"],
        ["leave"],
        ["send", "a", "b"],
        ["broadcast", "a"],
        ["monitor"],
        ["meta"],
        ["reload"],
        ["keys", "list"],
        ["command", "a", "b"],
        ["plugin", "list"],
        ["plugin", "inspect", "lzw"],
        ["plugin", "bench", "lzw"],
        ["dissect", "00"],
    ):
        out = expect(USAGE, words[0], "--format", "xml", *words[1:])
        check("%s says nothing in no format" % words, out == "", out)


def test_nobody_there():
    for tool in (
        ["members"],
        ["info"],
        ["leave"],
        ["members", "--node", "x"],
        ["info", "--socket", DIR + "/none.sock"],
        ["members", "--wait", "alive=1", "--timeout", "10ms"],
    ):
        expect(UNREACHABLE, *tool)


def test_config_errors_start_nothing():
    path = write(
        "bad.yaml",
        "node: { name: bad }\ntransport: { use: udp_tcp, bind: 127.0.0.1:0 }\n"
        "gosip: { interval: 1s }\nprobe: { interval: 5 }\n",
    )
    for tool in ("run", "check"):
        code, out, err = kith(*(["run"] if tool == "run" else ["config", "check"]), path)
        check(tool + " exits 2", code == USAGE, err)
        check(
            tool + " names both places", "bad.yaml:3:1: error:" in err and "bad.yaml:4:" in err, err
        )
        check(tool + " shows the nearest key", "gossip" in err, err)
        check("no socket was made", not os.path.exists(os.path.join(DIR, "kith", "bad.sock")))
    expect(USAGE, "run", DIR + "/missing.yaml")
    path = write("bind.yaml", "node: { name: b }\ntransport: { use: udp_tcp, bind: 'here:x' }\n")
    for tool in (["run"], ["config", "check"]):  # what only the plugin knows
        code, out, err = kith(*tool, path)
        check(
            "a plugin's complaint has its place",
            code == USAGE and "bind.yaml:2:" in err and "here:x" in err,
            err,
        )
    expect(USAGE, "run", write("plugin.yaml", "node: { name: p }\ntransport: { use: pigeons }\n"))
    first = start("first")
    taken = config("second").replace(".yaml", "-taken.yaml")
    shutil.copy(os.path.join(DIR, "second.yaml"), taken)
    with open(taken) as f:
        text = f.read().replace("127.0.0.1:0", place("first"))
    code, out, err = kith("run", write("taken.yaml", text))
    check("an address in use exits 1", code == FAILED, err)
    check("and says so", place("first") in err and "in use" in err, err)
    code, out, err = kith("run", os.path.join(DIR, "first.yaml"))
    check("a second node of one name exits 1", code == FAILED and "control" in err, err)
    first.send_signal(signal.SIGTERM)
    check("the first still runs, and ends well", ended(first) == 0)


def test_two_nodes():
    ada = start("ada")
    out = expect(OK, "members")
    check(
        "a header, found without an option",
        out.splitlines()[0].split() == ["NAME", "ADDRESS", "STATE", "INCARNATION", "META"],
        out,
    )
    check("--no-header", len(expect(OK, "members", "--no-header").splitlines()) == 1)
    bob = start("bob")
    expect(USAGE, "members")  # two run: which?
    expect(FAILED, "join", "--node", "bob", "127.0.0.1:1")
    expect(OK, "join", "--node", "bob", place("ada"))
    for name in ("ada", "bob"):
        got = json.loads(
            expect(OK, "members", "--node", name, "--wait", "alive=2", "--format", "json")
        )
        check(
            "both are listed, by name", [m["name"] for m in got["members"]] == ["ada", "bob"], got
        )
        check(
            "numbers are numbers",
            all(
                isinstance(m["port"], int) and isinstance(m["incarnation"], int)
                for m in got["members"]
            ),
        )
        check("addr has no port", got["members"][0]["addr"] == "127.0.0.1", got)
        check("states are words", {m["state"] for m in got["members"]} == {"alive"}, got)
    expect(TIMEOUT, "members", "--node", "ada", "--wait", "alive=9", "--timeout", "50ms")
    expect(OK, "members", "--node", "ada", "--wait", "alive==2")
    expect(OK, "members", "--socket", os.path.join(DIR, "kith", "ada.sock"))
    messages(ada, bob)
    meta(bob)
    leaving(ada, bob)


def raw_messages():
    listener = monitor("bob", "--events", "message")
    expect(OK, "send", "--node", "ada", "--raw", "bob", "to one")
    expect(OK, "broadcast", "--node", "ada", "--raw", "to all")
    expect(OK, "send", "--node", "ada", "--channel", "user", "bob", "last")
    got = {}
    while "last" not in got or len(got) < 3:  # in any order, and the raw broadcast some times
        m = json.loads(listener.stdout.readline())
        got[base64.b64decode(m["payload"]).decode()] = m
    check("on a channel by name", got["last"]["from"] == "ada", got)
    raw = [got["to one"], got["to all"]]
    check("raw ones are nobody's", not any("from" in m or "channel" in m for m in raw), raw)
    listener.terminate()
    expect(USAGE, "send", "--node", "ada", "--raw", "--channel", "user", "bob", "x")
    expect(USAGE, "broadcast", "--node", "ada", "--channel", "", "x")


def messages(ada, bob):
    listener = monitor("bob", "--events", "message", "--count", "4")
    expect(OK, "send", "--node", "ada", "bob", "by packet")
    expect(OK, "send", "--node", "ada", "--reliable", "bob", "by stream")
    expect(OK, "send", "--node", "ada", "bob", "-", stdin="from a pipe")
    got = [json.loads(listener.stdout.readline()) for _ in range(3)]
    said = sorted((base64.b64decode(m["payload"]).decode(), m["reliable"]) for m in got)
    check(
        "messages arrive",
        said == [("by packet", False), ("by stream", True), ("from a pipe", False)],
        said,
    )
    expect(OK, "broadcast", "--node", "ada", "to all")
    last = json.loads(listener.stdout.readline())
    check("a broadcast arrives", base64.b64decode(last["payload"]) == b"to all", last)
    check(
        "whose they are is told",
        all((m["channel"], m["from"]) == ("user", "ada") for m in got + [last]),
        got + [last],
    )
    check("what went to one was not relayed", not any(m["relayed"] for m in got), got)
    check("--count ends a monitor", ended(listener) == 0)
    raw_messages()
    expect(NOTFOUND, "send", "--node", "ada", "nobody", "x")
    expect(FAILED, "send", "--node", "ada", "bob", "x" * 3000)
    words = ["send", "--node", "ada", "--reliable", "bob", "-"]
    err = kith(*words, stdin="x" * (2 << 20))[2]
    most = [int(w) for w in err.split() if w.isdigit()]
    check("what is too big is told how large it may be", len(most) == 1 and most[0] >= 1500000, err)
    expect(OK, *words, stdin="x" * most[0])
    expect(FAILED, *words, stdin="x" * (most[0] + 1))
    quiet = monitor("bob", "--events", "message", "--count", "1", "--timeout", "50ms")
    check("a monitor without its events times out", ended(quiet) == TIMEOUT)
    check("drops have reasons", "refused" in info("ada") and "stats" in info("ada"))


def meta(bob):
    listener = monitor("ada", "--events", "update", "--count", "2")
    expect(OK, "meta", "--node", "bob", "blue")
    check(
        "meta travels", base64.b64decode(json.loads(listener.stdout.readline())["meta"]) == b"blue"
    )
    check("meta is shown", expect(OK, "meta", "--node", "bob") == "blue\n")
    expect(OK, "meta", "--node", "bob", "--tag", "role=web", "--tag", "dc=x")
    listener.stdout.readline()
    check("tags in Serf's form", expect(OK, "meta", "--node", "bob") == "role=web dc=x\n")
    check("tags in the table", "role=web dc=x" in expect(OK, "members", "--node", "ada"))
    expect(USAGE, "meta", "--node", "bob", "--base64", "%")


def leaving(ada, bob):
    bob.send_signal(signal.SIGTERM)
    check("SIGTERM leaves and exits 0", ended(bob) == 0, bob.stderr.read())
    got = expect(
        OK, "members", "--node", "ada", "--wait", "left=1", "--state", "left", "--no-header"
    )
    check("it is seen as left", got.startswith("bob "), got)
    expect(OK, "leave", "--node", "ada")
    check("leave ends the node with 0", ended(ada) == 0, ada.stderr.read())
    check("and takes its socket away", os.listdir(os.path.join(DIR, "kith")) == [])


def test_reload_and_keys():
    key = write("key", base64.b64encode(bytes(range(32))).decode() + "\n")
    node = start("rel")
    config("rel", "gossip: { interval: 150ms }\n")
    out = expect(OK, "reload")
    check("a reload says what changed", "gossip.interval: 100ms -> 150ms" in out, out)
    write("rel.yaml", "nonsense: 1\n")
    expect(USAGE, "reload")
    check(
        "and keeps the node as it was",
        json.loads(expect(OK, "members", "--format", "json"))["members"][0]["state"] == "alive",
    )
    lost = os.path.join(DIR, "nowhere", "log")
    config("rel", "gossip: { interval: 175ms }\ndelegates: [ { use: log, to: %s } ]\n" % lost)
    code, out, err = kith("reload")
    lines = out.splitlines()
    check("a reload that failed in part fails", code == FAILED, (code, out, err))
    check(
        "says who failed, and what has become of it",
        lines[0].startswith("delegates.log: does not run: ") and lost in lines[0],
        out,
    )
    check(
        "and what the file has changed all the same",
        lines[1:] == ["delegates: [] -> [log]", "gossip.interval: 150ms -> 175ms"],
        out,
    )
    check("why it failed, once", err.startswith("kith reload: ") and err.count(lost) == 1, err)
    code, out, err = kith("reload", "--format", "json")
    got = json.loads(out)
    check(
        "the same for programs, and the next one fails again",
        code == FAILED
        and len(got["changes"]) == 1
        and got["changes"][0].startswith("delegates.log: does not run: ")
        and lost in got["error"],
        out,
    )
    config("rel", "keyring: [ { file: %s } ]\n" % key)
    listener = monitor("rel", "--events", "log", "--log-level", "info", "--count", "1")
    node.send_signal(signal.SIGHUP)
    line = json.loads(listener.stdout.readline())
    check("SIGHUP reloads", line["event"] == "log" and "reload" in line["text"], line)
    keys = json.loads(expect(OK, "keys", "--format", "json"))["keys"]
    check("one key, primary", len(keys) == 1 and keys[0]["primary"] is True, keys)
    new = base64.b64encode(b"n" * 32).decode()
    after = json.loads(expect(OK, "keys", "install", "-", "--format", "json", stdin=new + "\n"))
    check("installed and written", len(after["keys"]) == 2 and after["saved"] is True, after)
    check(
        "the secret stays secret",
        new not in json.dumps(after)
        and base64.b64encode(bytes(range(32))).decode() not in json.dumps(after),
    )
    second = after["keys"][1]["fingerprint"]
    expect(FAILED, "keys", "remove", keys[0]["fingerprint"])
    expect(OK, "keys", "use", second)
    expect(OK, "keys", "remove", keys[0]["fingerprint"])
    expect(NOTFOUND, "keys", "use", "0000000000000000")
    check(
        "the file has the new key only",
        new in open(key).read()
        and base64.b64encode(bytes(range(32))).decode() not in open(key).read(),
    )
    check("mode of the file", os.stat(key).st_mode & 0o777 == 0o600)
    node.send_signal(signal.SIGINT)
    check("SIGINT leaves and exits 0", ended(node) == 0, node.stderr.read())


def test_wire():
    key = write("wire.key", "ab" * 16)
    chain = (
        "keyring: [ { file: %s } ]\npipeline: { send: [ { use: lzw }, { use: aes_gcm } ] }\n" % key
    )
    a, b = start("wa", chain, ", label: blah"), start("wb", chain, ", label: blah")
    wire, plain = monitor("wa", "--wire"), monitor("wa")
    seen = []

    def until(what, found):
        for line in wire.stdout:
            e = json.loads(line)
            check("nothing else", e["event"] == "wire", e)
            seen.append(e)
            if found(e):
                return e
        check(what, False, seen[-5:])
        return {"layers": []}

    def junk(data):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            host, port = place("wa").rsplit(":", 1)
            s.sendto(data, (host, int(port)))

    expect(OK, "join", "--node", "wb", place("wa"))
    e = until("a stream comes", lambda e: e["plane"] == "stream" and e["direction"] == "in")
    check("its layers", [l["layer"] for l in e["layers"]] == ["label", "aes_gcm", "lzw"], e)
    check(
        "their sizes",
        e["wire"] == e["layers"][1]["in"]
        and e["layers"][1]["out"] == e["layers"][2]["in"]
        and e["layers"][2]["out"] == e["message"]
        and e["layers"][0]["label"] == "blah",
        e,
    )
    e = until("the answer", lambda e: e["plane"] == "stream" and e["direction"] == "out")
    check(
        "is sealed",
        [l["layer"] for l in e["layers"]] == ["lzw", "aes_gcm"]
        and e["layers"][1]["out"] == e["wire"],
        e,
    )
    e = until("a packet goes", lambda e: e["plane"] == "packet" and e["direction"] == "out")
    check("its layers", [l["layer"] for l in e["layers"]] == ["lzw", "aes_gcm", "label"], e)
    check(
        "their sizes",
        e["layers"][0]["in"] == e["message"]
        and e["layers"][2]["out"] == e["wire"] == e["layers"][1]["out"] + 6
        and e["peer"] == place("wb"),
        e,
    )
    junk(b"junk")
    e = until("it is refused", lambda e: "refused" in e)
    check("for its label", e["refused"] == "label" and e["wire"] == 4 and "message" not in e, e)
    junk(b"\xf4\x04blah" + b"\x01" * 40)
    e = until("it is refused", lambda e: "refused" in e)
    check(
        "by the layer",
        e["refused"] == "auth"
        and e["layers"][-1] == {"layer": "aes_gcm", "in": 40, "failed": "auth"},
        e,
    )
    codecs = {c["name"]: c for c in info("wa")["codecs"]}
    aes, lzw = codecs["aes_gcm"], codecs["lzw"]
    check(
        "info counts messages and bytes",
        aes["sealed"] > 0
        and aes["opened"] > 0
        and aes["seal_out"] > aes["seal_in"] > 0
        and aes["open_in"] > aes["open_out"] > 0
        and aes["passed"] == 0 < lzw["sealed"],
        codecs,
    )
    check(
        "and the ratio",
        abs(aes["ratio"] - aes["seal_in"] / aes["seal_out"]) < 1e-9 and 0 < aes["ratio"] < 1,
        aes,
    )
    check(
        "and failures by reason",
        aes["failed_auth"] == 1 and aes["failed_malformed"] == lzw["failed_auth"] == 0,
        codecs,
    )
    check("and the time of a message", aes["seal_ns_each"] > 0 and aes["open_ns_each"] > 0, aes)
    row = [
        line
        for line in expect(OK, "info", "--node", "wa").splitlines()
        if line.startswith("  aes_gcm ") and "auth" in line
    ]
    check(
        "in text too",
        len(row) == 1 and row[0].endswith("auth 1") and len(row[0].split()) == 13,
        row,
    )
    expect(OK, "send", "--node", "wb", "wa", "a word")
    kinds = []
    for line in plain.stdout:
        kinds.append(json.loads(line)["event"])
        if kinds[-1] == "message":
            break
    check(
        "those who did not ask see none of it",
        kinds[-1:] == ["message"] and "wire" not in kinds,
        kinds,
    )
    text = expect(OK, "monitor", "--node", "wa", "--wire", "--count", "1", "--timeout", "30s")
    check(
        "one line",
        len(text.splitlines()) == 1 and "  aes_gcm" in text and "127.0.0.1:" in text,
        text,
    )
    b.kill()
    b.wait()
    a.kill()
    a.wait()


def test_layers_with_other_settings():
    one, same, other = (
        config(name, "pipeline: { send: [ { use: lzw, min_size: %s } ] }\n" % size)
        for name, size in (("w1", "64"), ("w2", "64"), ("w3", "128"))
    )
    out = expect(OK, "config", "check", one, "--with", same)
    check("equal layers need no note", "yes" in out and "note" not in out, out)
    out = expect(OK, "config", "check", one, "--with", other)
    notes = ["  note: lzw: settings differ (min_size: %s); " % s for s in ("64 / 128", "128 / 64")]
    check("other settings are noted, both ways", all("yes\n" + n in out for n in notes), out)


def test_a_second_signal_stops_at_once():
    a = start("one")
    b = start("two")
    expect(OK, "join", "--node", "two", place("one"))
    b.kill()  # nobody is left to tell: the goodbye takes its time
    b.wait()
    a.send_signal(signal.SIGTERM)
    a.send_signal(signal.SIGTERM)
    check("it ends", ended(a) == 0)


try:
    for name, test in list(globals().items()):
        if name.startswith("test_") and (len(sys.argv) < 2 or sys.argv[1] in name):
            test()
finally:
    for p in running:
        if p.poll() is None:
            p.kill()
        p.wait()
    shutil.rmtree(DIR, ignore_errors=True)
print("%d checks passed, %d failed" % (passed, failures))
sys.exit(1 if failures else 0)
