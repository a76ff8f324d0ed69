#!/usr/bin/env python3
"""Entries of a running node: what they are asked and answer, at once, later or never; events of
their own; what they say of their health; and members whose addresses are paths."""

import base64
import json
import os
import pty
import shutil
import socket
import subprocess
import sys
import tempfile

KITH = os.environ["KITH"]
TOP = os.environ["srcdir"]
ORACLE = os.path.join(os.environ["builddir"], "tests", "cli", ".libs", "oracle.so")
CC = os.environ.get("CC", "cc").split()
DIR = os.path.realpath(tempfile.mkdtemp(prefix="kith-entries-"))
ENV = dict(os.environ, KITH_RUN_DIR=os.path.join(DIR, "run"))
ENV.pop("KITH_SOCKET", None)
PATIENCE = 60
running = {}
failures = passed = 0

OK, FAILED, USAGE, UNREACHABLE, NOTFOUND, TIMEOUT, REFUSED = range(7)


def check(what, ok, detail=""):
    global failures, passed
    passed, failures = passed + bool(ok), failures + (not ok)
    if not ok:
        print("FAILED  %s: %s" % (what, detail))


def path(name):
    return os.path.join(DIR, name)


def kith(node, *args):
    """To the node's control socket, which each command takes behind its own name."""
    p = subprocess.run(
        [KITH, args[0], "--socket", path(node + ".control"), *args[1:]],
        capture_output=True,
        text=True,
        env=ENV,
        timeout=PATIENCE,
    )
    return p.returncode, p.stdout, p.stderr


def expect(code, node, *args):
    got = kith(node, *args)
    check("kith %s exits %d" % (" ".join(args), code), got[0] == code, got)
    return got[1]


def start(name, text):
    file = path(name + ".yaml")
    with open(file, "w") as f:
        f.write("node: { name: %s, profile: local, log: { level: warn } }\n" % name + text)
    running[name] = subprocess.Popen(
        [KITH, "run", "--socket", path(name + ".control"), file], env=ENV
    )
    expect(OK, name, "members", "--wait", "alive=1")


class Talk:
    """A connection to a node's socket."""

    def __init__(self, node):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path(node + ".control"))
        self.lines = self.socket.makefile("r", encoding="utf-8")

    def send(self, **request):
        self.socket.sendall(json.dumps(request).encode() + b"\n")

    def next(self):
        return json.loads(self.lines.readline())

    def ask(self, *words, **more):
        """The pieces of an answer, and the answer."""
        self.send(cmd="command", entry="pythia", words=words, **more)
        return self.rest()

    def rest(self):
        pieces = []
        while True:
            got = self.next()
            if "ok" in got:
                return pieces, got
            pieces.append(got["output"])

    def close(self):
        self.lines.close()
        self.socket.close()


def test_commands():
    check("words", expect(OK, "ada", "command", "pythia", "now", "yes", "no") == "yes\nno\n")
    check("for short", expect(OK, "ada", "pythia", "now", "yes") == "yes\n")
    out = expect(OK, "ada", "command", "--format", "json", "pythia", "now", "yes", "no")
    check("JSON on demand", [json.loads(l) for l in out.splitlines()] == ["yes", "no"], out)
    check("no words", expect(USAGE, "ada", "command") == "")
    code, out, err = kith("ada", "pythia", "refuse")
    check("an entry's own words", code == FAILED and "not today" in err, (code, err))
    expect(NOTFOUND, "ada", "command", "oracle", "now")  # it is called otherwise here
    code, out, err = kith("ada", "delphi", "now")
    check("no entry of that name", code == NOTFOUND and "kith --help" in err, (code, err))
    code, out, err = kith("ada", "pythia", "lost")
    check("an entry that finds nothing", code == NOTFOUND and "kith --help" not in err, (code, err))
    expect(OK, "ada", "members")  # a command of kith's own wins over any entry
    code, out, err = kith("nobody", "pythia", "now")
    check("no node", code == UNREACHABLE and "kith --help" in err, (code, err))
    expect(FAILED, "ada", "command", "udp_tcp", "now")


def test_pieces():
    talk = Talk("ada")
    pieces, end = talk.ask("cut", "Orakel: \u00e4\u20ac\U0001f40d", id=7)
    text = "".join(pieces)
    check("characters stay whole", text == "Orakel: \u00e4\u20ac\U0001f40d", pieces)
    check("in many pieces", len(pieces) == len(text), pieces)
    check("the answer has the id", end == {"ok": True, "id": 7}, end)
    other = Talk("ada")
    talk.send(cmd="command", entry="pythia", words=["much"])
    until(other, "spared")  # before anything of it is read
    other.close()
    pieces, end = talk.rest()
    total = sum(map(len, pieces))
    check("an asker that is full is spared", end["ok"] and 1 << 20 <= total < 64 << 20, total)
    for wrong in ({"entry": 1}, {"entry": "pythia", "words": "x"}, {"entry": "x", "words": [1]}):
        talk.send(cmd="command", **wrong)
        check("%s is refused" % wrong, talk.next().get("code") == "invalid")
    talk.close()
    toobig = "-3\n"
    check("a piece that is too big", expect(OK, "ada", "pythia", "huge") == toobig)
    for _ in range(2):  # the second time over what the first has freed
        check("ended inside", expect(OK, "ada", "pythia", "twice") == "once\n")


def test_nul():
    """Names and words may hold a NUL, and no reader stumbles over it."""
    check("in an answer", expect(OK, "ada", "pythia", "nul") == "a\0b\n")
    check("on the screen", "{entry=pythia,word=a\\x00b} 1" in expect(OK, "ada", "info"))
    stats = json.loads(expect(OK, "ada", "info", "--format", "json"))["stats"]
    labels = [s["labels"] for s in stats if s["name"] == "riddles"]
    check("as JSON", labels == [{"entry": "pythia", "word": "a\\x00b"}], labels)
    talk = Talk("ada")
    pieces, end = talk.ask("now", "x\0y")
    check("in a question", "".join(pieces) == "x\0y\n" and end["ok"], (pieces, end))
    for places in (["127.0.0.1:1\0"], [{"address": "127.0.0.1:1", "name": "x\0"}]):
        talk.send(cmd="join", where=places)
        check("in no place to join", talk.next().get("code") == "invalid", places)
    talk.close()


def on_a_terminal(node, *args):
    """What is seen there of both outputs."""
    ours, its = pty.openpty()
    p = subprocess.Popen(
        [KITH, args[0], "--socket", path(node + ".control"), *args[1:]],
        stdout=its,
        stderr=its,
        env=ENV,
    )
    os.close(its)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        seen += piece
    os.close(ours)
    p.wait(PATIENCE)
    return seen.decode()


def test_control_characters():
    """What an entry says may be what strangers said: it plays with no terminal."""
    red = "\x1b[31m\u009b1m"
    out = on_a_terminal("ada", "command", "pythia", "now", red, "\u00e4\tb")
    check("an answer on a terminal", out.split("\r\n") == ["?[31m??1m", "\u00e4\tb", ""], [out])
    out = expect(OK, "ada", "command", "pythia", "now", red)
    check("to a program, byte for byte", out == red + "\n", [out])
    code, out, err = kith("ada", "command", "pythia", "refuse", red + "\nkith: all is well")
    check("a refusal is one clean line", code == FAILED and err.count("\n") == 1, [err])
    check("with its words", r"\x1b[31m\xc2\x9b1m\x0akith: all is well" in err, [err])
    expect(OK, "ada", "pythia", "unwell", red)
    out = expect(OK, "ada", "info")
    check("why it is not well", r"\x1b[31m\xc2\x9b1m" in out and "\x1b" not in out, [out])
    expect(OK, "ada", "pythia", "well")


def test_later():
    first, second = Talk("ada"), Talk("ada")
    first.send(cmd="command", entry="pythia", words=["later"], id=1)
    first.send(cmd="ping", name="nobody", id=2)  # waits behind it
    until(second, "asked")
    told, end = second.ask("tell", "a wooden wall")
    check("the oracle was heard", told == ["0 0\n"], told)
    check("later", first.next() == {"output": "a wooden wall", "id": 1})
    check("and its end", first.next() == {"ok": True, "id": 1})
    check("then the next request", first.next()["id"] == 2)
    # Nobody tells: the time is over, and the id is dead.
    pieces, end = first.ask("later", timeout=0.05)
    check("too late", pieces == [] and end["code"] == "timeout", end)
    check("a dead id", second.ask("tell", "x")[0] == ["-16 -16\n"])
    expect(TIMEOUT, "ada", "pythia", "--timeout", "50ms", "later")
    # The asker goes: the oracle hears of it, and the node goes on.
    first.send(cmd="command", entry="pythia", words=["later"])
    until(second, "asked")
    first.close()
    check("a dead asker", second.ask("tell", "x")[0] == ["-16 -16\n"])
    second.send(cmd="info")
    check("nothing of the asker stays", second.next()["clients"] == 1)
    check("nobody asks", second.ask("tell", "x")[0] == ["-16 -16\n"])
    second.close()


def until(talk, what):
    """What was sent on another connection has reached the oracle."""
    while talk.ask(what)[0] != ["yes\n"]:
        pass


def test_events():
    talk = Talk("ada")
    talk.send(cmd="monitor", events=["emitted"])
    check("hello", talk.next()["event"] == "hello")
    expect(OK, "ada", "pythia", "emit", "omen", "bird=eagle", "bird=owl", "smoke")
    e = talk.next()
    check("entry and name", e["event"] == "pythia.omen", e)
    fields = [{"name": "bird", "value": "eagle"}, {"name": "bird", "value": "owl"}]
    check("fields, in order", e["fields"] == fields, e)
    check("payload", base64.b64decode(e["payload"]) == b"smoke", e)
    talk.close()
    p = subprocess.Popen(
        [KITH, "monitor", "--socket", path("ada.control"), "--count", "1"],
        env=ENV,
        stdout=subprocess.PIPE,
        text=True,
    )
    expect(OK, "ada", "info", "--wait", "monitors=1")
    expect(OK, "ada", "pythia", "emit", "omen", "bird=eagle")
    line = p.communicate(timeout=PATIENCE)[0].split()
    check("on the screen", line[1:] == ["pythia.omen", "bird=eagle"], line)


def test_health():
    info = json.loads(expect(OK, "ada", "info", "--format", "json"))
    check("all is well", info["degraded"] == [], info["degraded"])
    expect(OK, "ada", "pythia", "unwell")
    info = json.loads(expect(OK, "ada", "info", "--format", "json"))
    why = [{"entry": "pythia", "why": "too much smoke"}]
    check("an entry is not well", info["degraded"] == why, info["degraded"])
    check("on the screen", "too much smoke" in expect(OK, "ada", "info"))
    expect(OK, "ada", "pythia", "well")
    info = json.loads(expect(OK, "ada", "info", "--format", "json"))
    check("all is well again", info["degraded"] == [], info["degraded"])
    entries = [(p["name"], p["plugin"]) for p in info["plugins"]]
    check("entries and plugins", ("pythia", "oracle") in entries, entries)


def over_paths(name, library):
    start(
        name,
        "transport: { use: %s, path: %s.s }\npipeline: { send: [] }\n" % (library, name),
    )


def test_paths():
    library = path("unix_socket.so")
    subprocess.run(
        CC
        + ["-shared", "-fPIC", "-w", "-D_GNU_SOURCE", "-I" + os.path.join(TOP, "include")]
        + ["-o", library, os.path.join(TOP, "examples", "plugin-transport", "unix_socket.c")],
        check=True,
    )
    # The example's own file, as its README has it: named without a folder, its paths relative.
    shutil.copy(os.path.join(TOP, "examples", "plugin-transport", "node.yaml"), DIR)
    running["unix-1"] = subprocess.Popen(
        [KITH, "run", "--socket", path("unix-1.control"), "node.yaml"], env=ENV, cwd=DIR
    )
    out = expect(OK, "unix-1", "members", "--wait", "alive=1")
    check("a path in the file's folder", path("unix-1.sock") in out, out)
    for name in ("una", "duo", "tre"):
        over_paths(name, library)
    expect(OK, "duo", "join", path("una.s"))
    expect(OK, "tre", "join", "--name", "una", path("una.s"))
    expect(FAILED, "tre", "join", "--name", "duo", path("una.s"))
    out = expect(OK, "una", "members", "--wait", "alive=3")
    shown = [line.split()[1] for line in out.splitlines()]
    paths = [path(name + ".s") for name in ("duo", "tre", "una")]
    check("paths as they are", shown == ["ADDRESS"] + paths, out)
    listed = json.loads(expect(OK, "una", "members", "--format", "json"))["members"]
    check("and in JSON", [m["address"] for m in listed] == paths, listed)
    talk = Talk("duo")
    talk.send(cmd="monitor", events=["message"])
    talk.next()
    expect(OK, "una", "send", "--address", path("duo.s"), "by path")
    got = talk.next()
    check("sent to a path", base64.b64decode(got["payload"]) == b"by path", got)
    check("from a path", got["peer"] == path("una.s"), got)
    talk.close()
    expect(USAGE, "una", "send", "--address", "", "by no path")


try:
    start(
        "ada",
        "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n"
        "delegates: [ { use: %s, as: pythia } ]\n" % ORACLE,
    )
    test_commands()
    test_pieces()
    test_later()
    test_events()
    test_health()
    test_nul()
    test_control_characters()
    test_paths()
finally:
    for p in running.values():
        p.kill()
        p.wait()
    shutil.rmtree(DIR, ignore_errors=True)
print("%d passed, %d failed, 0 skipped" % (passed, failures))
sys.exit(failures > 0)
