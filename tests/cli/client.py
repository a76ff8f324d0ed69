#!/usr/bin/env python3
"""The client side of the control socket: `kith` asks, and this script plays the node, so that it
can answer what no node would, and be whom nobody should trust."""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

from checks import DIR, ENV, KITH, check, skip, tests

PATIENCE = 60

OK, FAILED, USAGE, UNREACHABLE, NOTFOUND, TIMEOUT, REFUSED = range(7)


class Node:
    """Listens at `path`; each client's first line goes to `answer`, with the connection."""

    def __init__(self, answer, path=None):
        self.path = path or os.path.join(DIR, "node.sock")
        self.answer, self.asked = answer, []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen(8)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            client = self.socket.accept()[0]
            line = client.makefile("r").readline()
            if line == "":
                client.close()
                continue
            if line == "stop\n":
                return
            self.asked.append(line)
            try:
                self.answer(client)
            except OSError:
                pass
            client.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.path)
            s.sendall(b"stop\n")
        self.thread.join(PATIENCE)
        self.socket.close()
        os.unlink(self.path)


def write(name, text):
    path = os.path.join(DIR, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def says(text):
    return lambda client: client.sendall(text.encode())


def kith(*args, stdout=subprocess.PIPE, stdin=None, env=ENV):
    p = subprocess.run(
        [KITH, *args],
        stdout=stdout,
        stderr=subprocess.PIPE,
        input=stdin,
        text=True,
        env=env,
        timeout=PATIENCE,
    )
    return p.returncode, p.stdout, p.stderr


def member(name, **more):
    return dict(
        {"name": name, "address": "127.0.0.1:7", "state": "alive", "incarnation": 1}, **more
    )


def members(*names):
    return json.dumps(
        {"members": [member(n) for n in names], "id": [1, {"members": [2]}], "ok": True},
        separators=(",", ":"),
    )


# -------------------------------------------------------------------------------- long answers


def test_a_list_is_shown_whatever_is_in_it():
    odd = ["plain", '"]},{"', "\\", 'members":[', "[", "\x00", ""]
    with Node(says(members(*odd) + "\n")) as n:
        code, out, err = kith("members", "--socket", n.path, "--format", "json")
        check("all members come back", code == OK and err == "", (code, err))
        check("as they are", [m["name"] for m in json.loads(out)["members"]] == odd, out)
        code, out, _ = kith("members", "--socket", n.path)
        check("and in a table", code == OK and len(out.splitlines()) == 1 + len(odd), out)
    with Node(says(members() + "\n")) as n:
        code, out, _ = kith("members", "--socket", n.path, "--format", "json")
        check("none", code == OK and json.loads(out) == {"members": []}, out)
        code, out, _ = kith("members", "--socket", n.path)
        check("an empty table", code == OK and out.startswith("NAME"), out)


def test_a_long_list_is_shown_before_it_ends():
    """The node goes on when the client has shown something; so one that waits for the end fails."""
    shown = threading.Event()

    def answer(client):
        client.sendall(b'{"members":[')
        meta = base64.b64encode(b"x" * 4000).decode()
        for i in range(3000):
            client.sendall(json.dumps(member("m%05d" % i, meta=meta)).encode() + b",")
        check("rows are shown while others come", shown.wait(PATIENCE))
        client.sendall(json.dumps(member("the last one, with a long name")).encode())
        client.sendall(b'],"ok":true}\n')

    for form in ["text"], ["json"]:
        shown.clear()
        with Node(answer) as n:
            command = [KITH, "members", "--socket", n.path, "--format", *form]
            p = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENV)
            out = p.stdout.read(1000)
            shown.set()
            out += p.stdout.read()
            check("it ends well", p.wait(PATIENCE) == OK)
            check("all of it is there", out.count("m0") >= 3000 and "the last one" in out, form)


def test_answers_that_break_off():
    whole = members("one", "two")
    for i in range(0, len(whole), 5):
        with Node(says(whole[:i])) as n:
            code, _, err = kith("members", "--socket", n.path)
            check("cut at %d" % i, code == UNREACHABLE and "closed" in err, (code, err))
        with Node(says(whole[:i] + "\n")) as n:
            code, _, err = kith("members", "--socket", n.path)
            check("a line that is cut at %d" % i, code == FAILED and "JSON" in err, (code, err))
    for junk in '{"members":[nonsense],"ok":true}', '{"members":[1,],"ok":true}', "]]]]", "":
        with Node(says(junk + "\n")) as n:
            code, _, err = kith("members", "--socket", n.path)
            check("junk %r" % junk, code == FAILED and "JSON" in err, (code, err))
    with Node(says('{"ok":false,"code":"timeout","error":"no time"}\n')) as n:
        code, out, err = kith("members", "--socket", n.path)
        check("a refusal", (code, out) == (TIMEOUT, "") and "no time" in err, (code, out, err))


# ------------------------------------------------------------------------------- whom it trusts

NOBODY = 65534


def serve_as(uid, folder, mode=0o755, owner=None):
    """A process of that user that listens at folder/node.sock, and a pipe with what it was told."""
    os.mkdir(folder)
    os.chmod(folder, mode | 0o003)
    path, (told, tell), (ready, go) = os.path.join(folder, "node.sock"), os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgid(uid)
            os.setuid(uid)
            s = socket.socket(socket.AF_UNIX)
            s.bind(path)
            os.chmod(path, 0o666)
            s.listen(8)
            os.write(go, b".")
            while True:
                client = s.accept()[0]
                heard = client.recv(1000)
                os.write(tell, heard)
                if heard:
                    client.sendall(b'{"keys":[],"members":[],"ok":true}\n')
                client.close()
        finally:
            os._exit(1)
    os.close(tell)
    os.close(go)
    os.read(ready, 1)
    os.close(ready)
    os.chown(folder, uid if owner is None else owner, -1)
    os.chmod(folder, mode)
    return pid, path, told


def end_serving(pid, told):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    heard = os.read(told, 1000)
    os.close(told)
    return heard


def test_nobody_else_is_told_a_key():
    if os.geteuid() != 0:
        skip("only root can be somebody else")
        return
    key = base64.b64encode(b"k" * 32).decode()
    os.chmod(DIR, 0o755)
    public = os.path.join(DIR, "public")
    os.mkdir(public)
    os.chmod(public, 0o1777)
    cases = [
        # user, folder, its owner and mode, found by itself or named: what happens
        (NOBODY, public + "/theirs", NOBODY, 0o755, "found", REFUSED),
        (NOBODY, public + "/theirs", NOBODY, 0o755, "named", REFUSED),
        (NOBODY, public + "/ours", 0, 0o1777, "found", REFUSED),
        (NOBODY, public + "/ours", 0, 0o1777, "named", REFUSED),
        (0, public + "/theirs", NOBODY, 0o755, "found", REFUSED),
        (0, public + "/theirs", NOBODY, 0o755, "named", OK),  # it is root who answers
        (0, public + "/ours", 0, 0o755, "found", OK),
        (NOBODY, DIR + "/given", NOBODY, 0o755, "found", OK),  # as systemd makes /run/kith
        (NOBODY, DIR + "/given", NOBODY, 0o755, "named", OK),
        (NOBODY, DIR + "/given", NOBODY, 0o777, "named", REFUSED),
    ]
    for user, folder, owner, mode, how, expected in cases:
        pid, path, told = serve_as(user, folder, mode, owner)
        words = ["--socket", path] if how == "named" else []
        env = dict(ENV, KITH_RUN_DIR=folder)
        code, _, err = kith("keys", *words, "install", "-", stdin=key + "\n", env=env)
        heard = end_serving(pid, told)
        what = "user %d in %s of %d, %o, %s" % (user, folder, owner, mode, how)
        check(what, code == expected, (code, err))
        check("%s hears the key or nothing" % what, (key.encode() in heard) == (code == OK), heard)
        check("%s: nothing at all" % what, code == OK or heard == b"", heard)
        check("%s: why" % what, code == OK or "user %d" % NOBODY in err, err)
        shutil.rmtree(folder)


# ------------------------------------------------------------------------- what people say and hear


def test_a_monitor_tells_who_said_it():
    said = {"event": "message", "payload": "aGk=", "reliable": False, "peer": "10.0.0.2:7946"}
    user = dict(said, channel="user", relayed=True)
    user["from"] = "ada"
    lost = {"event": "lost", "messages": 12, "origin": "ada", "missed": True}
    asked_for = dict(lost, missed=False, peer="10.0.0.2:7946")
    shown = [
        (said, "message   hi"),
        (dict(said, identity="CN=bob"), "message   hi  from CN=bob"),
        (user, "message   hi  (relayed)  from ada"),
        (dict(user, identity="CN=b"), "message   hi  (relayed)  from ada  by way of CN=b"),
        (dict(user, relayed=False, reliable=True), "message   hi  (reliable)  from ada"),
        (lost, "lost      12 messages of ada: this node misses them for good"),
        (asked_for, "lost      12 messages of ada: 10.0.0.2:7946 asked for them"),
        (dict(asked_for, **{"from": "bob"}), "lost      12 messages of ada: bob asked for them"),
    ]
    lines = [{"event": "hello", "ok": True}] + [event for event, _ in shown]
    with Node(says("".join(json.dumps(line) + "\n" for line in lines))) as n:
        code, out, err = kith("monitor", "--socket", n.path, "--count", str(len(shown)))
    check("all are shown", code == OK, (code, err))
    for got, (event, text) in zip(out.splitlines(), shown):
        check("%s in text" % event, got == text, got)


def test_requests_say_raw_or_a_channel():
    for words, more in (
        ([], {}),
        (["--raw"], {"raw": True}),
        (["--channel", "chat"], {"channel": "chat"}),
    ):
        for command in (["broadcast", *words, "hi"], ["send", *words, "bob", "hi"]):
            with Node(says('{"value":0,"ok":true}\n')) as n:
                code, _, err = kith(command[0], "--socket", n.path, *command[1:])
                request = json.loads(n.asked[-1])
                got = {k: v for k, v in request.items() if k in ("raw", "channel")}
            check("%s asks" % command, code == OK and got == more, (code, err, request))


# ------------------------------------------------------------------------------ a disk that is full


def test_output_that_can_not_be_written():
    member_text = json.dumps(member("one", meta=""))

    def answer(client):
        asked = json.loads(n.asked[-1])
        if asked["cmd"] == "command":
            client.sendall(b'{"output":"a piece"}\n')
        more = '"members":[%s],"meta":"","value":1,"keys":[],"changes":["x"]' % member_text
        client.sendall(('{%s,"results":[],"joined":1,"complete":true,"ok":true}\n' % more).encode())
        client.sendall(b'{"event":"joined"}\n')

    node = write("node.yaml", "node: { name: x }\ntransport: { use: udp_tcp, bind: 127.0.0.1:0 }\n")
    alone = [
        ["--help"],
        ["help"],
        ["--version"],
        ["config", "show", node],
        ["config", "schema"],
        ["config", "doc"],
        ["plugin", "list"],
        ["plugin", "inspect", "lzw"],
        ["dissect", "0082a55365714e6f01a44e6f6465a161"],
        ["sim", node, "--nodes", "3", "--time", "1s", "--quiet"],
    ]
    tools = "run sim members join leave info send broadcast monitor meta reload keys command config"
    alone += [[tool, "--help"] for tool in (tools + " plugin dissect").split()]
    asking = [
        ["members"],
        ["info"],
        ["keys", "list"],
        ["meta"],
        ["join", "127.0.0.1:7"],
        ["reload"],
        ["leave"],
        ["send", "a", "b"],
        ["broadcast", "a"],
        ["monitor", "--count", "1"],
        ["command", "a", "b"],
    ]
    with Node(answer) as n, open("/dev/full", "w") as full:
        for words in asking:
            for form in "text", "json":
                alone.append([words[0], "--format", form, "--socket", n.path, *words[1:]])
        for words in alone:
            code, out, err = kith(*words)
            said = out != ""
            check("%s works" % words, code == OK, (code, err))
            code, _, err = kith(*words, stdout=full)
            check("%s fails on a full disk" % words, (code == FAILED) == said, (code, err, out))
            check("%s says so" % words, ("can't write" in err) == said, err)


def texts_in(pid, texts):
    """How many of the texts, or of their halves, are in what that process may write to; but for
    its stack, where the dynamic linker saves registers that held some of it."""
    parts = [h.encode() for t in texts for h in (t[: len(t) // 2], t[len(t) // 2 :])]
    found = 0
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            where, mode = line.split()[:2]
            begin, end = (int(x, 16) for x in where.split("-"))
            if not mode.startswith("rw") or "[stack]" in line or end - begin > 64 << 20:
                continue
            try:
                mem.seek(begin)
                held = mem.read(end - begin)
            except (OSError, ValueError, OverflowError):
                continue
            found += sum(held.count(p) for p in parts)
    return found


def test_no_text_of_a_key_stays():
    """Looked at while the node keeps the client waiting, behind what it has sent."""
    raw = os.urandom(32)
    texts = [base64.b64encode(raw).decode(), raw.hex()]
    fingerprint = {"fingerprint": "00", "primary": True, "bits": 256}
    keys = json.dumps({"keys": [fingerprint], "saved": True, "ok": True}) + "\n"
    info = json.dumps({"members": {"alive": 1}, "ok": True}) + "\n"
    seen, go_on = threading.Semaphore(0), threading.Semaphore(0)

    def answer(client):
        asked = json.loads(n.asked[-1])
        if asked.get("do") == "install":
            seen.release()
            go_on.acquire(timeout=PATIENCE)
        client.sendall((info if asked["cmd"] == "info" else keys).encode())

    file = os.path.join(DIR, "new.key")
    with open(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        f.write(texts[0])
    for words in ["install", "-"], ["rotate", "--key-file", file]:
        with Node(answer) as n:
            command = [KITH, "keys", "--socket", n.path, *words]
            p = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=ENV
            )
            p.stdin.write(texts[0].encode() + b"\n")
            p.stdin.close()
            check("%s asks" % words, seen.acquire(timeout=PATIENCE))
            told = json.loads(n.asked[-1])["key"]
            check("%s tells the key" % words, told in texts, told)
            end = time.monotonic() + 10  # it may still be about to wipe what it has sent
            found = texts_in(p.pid, texts)
            while found and time.monotonic() < end:
                found = texts_in(p.pid, texts)
            check("%s keeps no text of it" % words, found == 0, found)
            go_on.release()
            p.wait()


def test_a_node_that_takes_no_connection():
    path = os.path.join(DIR, "deaf.sock")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
        s.listen(0)
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(path)
            code, _, err = kith("info", "--socket", path)
            check("the client gives up", code == UNREACHABLE and path in err, (code, err))


tests(globals())
