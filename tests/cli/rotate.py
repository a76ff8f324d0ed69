#!/usr/bin/env python3
"""`kith keys rotate` on a real cluster: three encrypted nodes, each with its ring in a file, and
nodes that go missing.

A node that goes missing half way is played by a door before the real one, which shuts at the verb
that it was told.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

KITH = os.environ["KITH"]
DIR = tempfile.mkdtemp(prefix="kith-rot-")
ENV = dict(os.environ, KITH_RUN_DIR=os.path.join(DIR, "kith"))
ENV.pop("KITH_SOCKET", None)
PATIENCE = 60
OK, FAILED, USAGE = 0, 1, 2
running = []
secrets = []
failures = passed = 0


def check(what, ok, detail=""):
    global failures, passed
    passed, failures = passed + bool(ok), failures + (not ok)
    if not ok:
        print("FAILED  %s: %s" % (what, detail))


def kith(*args, env=ENV):
    p = subprocess.run([KITH, *args], capture_output=True, text=True, env=env, timeout=PATIENCE)
    check("no key in the output", not any(s in p.stdout + p.stderr for s in secrets), args)
    return p.returncode, p.stdout, p.stderr


def secret(data):
    secrets.extend([base64.b64encode(data).decode(), data.hex()])
    return base64.b64encode(data).decode()


def write(name, text, mode=0o600):
    path = os.path.join(DIR, name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


class Node:
    def __init__(self, name, key=None, source=None, env=ENV):
        self.name, self.sock = name, os.path.join(DIR, name + ".sock")
        self.key = write(name + ".key", key + "\n", 0o640) if key else None
        self.config = write(
            name + ".yaml",
            "node: { name: %s, profile: local, log: { to: stderr, level: error } }\n"
            "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\nkeyring: [%s]\n"
            "pipeline: { send: [ { use: aes_gcm } ], require: [encrypt] }\n"
            % (name, source or "{ file: %s }" % self.key),
        )
        self.p = subprocess.Popen([KITH, "run", "--socket", self.sock, self.config], env=env)
        running.append(self.p)
        self.wait(1)

    def wait(self, n):
        got = kith("members", "--socket", self.sock, "--wait", "alive==%d" % n, "--timeout", "30s")
        check("%s sees %d" % (self.name, n), got[0] == OK, got)

    def ring(self):
        got = kith("keys", "--socket", self.sock, "--format", "json")
        check("%s lists its keys" % self.name, got[0] == OK, got)
        return [k["fingerprint"] for k in json.loads(got[1])["keys"]]

    def place(self):
        i = json.loads(kith("info", "--socket", self.sock, "--format", "json")[1])
        return "%s:%d" % (i["addr"], i["port"])

    def end(self):
        self.p.kill()
        self.p.wait()


class Door:
    """Passes lines on to a node until one says the verb; then nobody is there any more."""

    def __init__(self, node, verb):
        self.sock, self.verb, self.node = os.path.join(DIR, "door-" + verb), verb, node
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.sock)
        self.listener.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client = self.listener.accept()[0]
            with client, client.makefile("r") as lines, socket.socket(socket.AF_UNIX) as node:
                node.connect(self.node.sock)
                answers = node.makefile("rb")
                for line in lines:
                    if json.loads(line).get("do") == self.verb:
                        self.listener.close()
                        os.unlink(self.sock)
                        return
                    node.sendall(line.encode())
                    client.sendall(answers.readline())


def cluster(prefix, key, n=3):
    nodes = [Node("%s%d" % (prefix, i), key) for i in range(n)]
    for node in nodes[1:]:
        got = kith("join", "--socket", node.sock, nodes[0].place())
        check("join", got[0] == OK, got)
    for node in nodes:
        node.wait(n)
    return nodes


def rotate(nodes, *more):
    sockets = [arg for n in nodes for arg in ("--socket", n.sock)]
    return kith("keys", *sockets, "--timeout", "1s", *more, "rotate")


def file_keys(node):
    return [base64.b64decode(k) for k in json.load(open(node.key))]


def stored(node):
    text = open(node.key).read().strip()
    return file_keys(node) if text.startswith("[") else [base64.b64decode(text)]


def test_all_three_steps():
    for length in (16, 32):
        nodes = cluster("all%d-" % length, secret(bytes(range(length))))
        old = nodes[0].ring()
        code, out, err = rotate(nodes)
        check("rotate exits 0", code == OK, (code, out, err))
        check("quietly", err == "", err)
        rings = [n.ring() for n in nodes]
        check("all have the same one key", all(r == rings[0] and len(r) == 1 for r in rings), rings)
        check("it is another one", rings[0] != old and rings[0][0] in out and old[0] in out, out)
        for n in nodes:
            keys = stored(n)
            check(
                "the file holds the new key, as long as the old",
                len(keys) == 1 and len(keys[0]) == length,
                len(keys),
            )
            check("mode of the file", os.stat(n.key).st_mode & 0o777 == 0o600)
            check(
                "nobody was lost",
                '"dead":0' in kith("info", "--socket", n.sock, "--format", "json")[1],
            )
            n.end()
        back = Node("back%d" % length, source="{ file: %s }" % nodes[0].key)
        check("the file is a ring again", back.ring() == rings[0], (back.ring(), rings[0]))
        back.end()


def test_key_file_and_json():
    nodes = cluster("given", secret(b"o" * 32), 2)
    new = write("new.key", secret(b"n" * 32))
    code, out, err = rotate(nodes, "--key-file", new, "--format", "json")
    check("rotate exits 0", code == OK, (out, err))
    told = json.loads(out)
    check(
        "complete",
        told["complete"] is True and [n["state"] for n in told["nodes"]] == ["new key only"] * 2,
        told,
    )
    check("that key", all(stored(n) == [b"n" * 32] and n.ring() == [told["new"]] for n in nodes))
    code, out, err = rotate(nodes, "--key-file", new)
    check("a second time there is nothing to do", code == FAILED and "already" in err, err)
    check("neither key nor file", rotate(nodes, "--key-file", "/nonexistent")[0] == FAILED)
    two = write("two.key", json.dumps([secret(b"1" * 32), secret(b"2" * 32)]))
    check("two keys are too many", rotate(nodes, "--key-file", two)[0] == FAILED)
    check("nothing was changed by that", all(n.ring() == [told["new"]] for n in nodes))
    for n in nodes:
        n.end()


def test_what_it_refuses():
    nodes = cluster("no", secret(b"r" * 32))
    rings = [n.ring() for n in nodes]
    code, out, err = rotate(nodes[:2])
    check(
        "a member would be lost",
        code == FAILED and "3 members are alive" in err and "nothing was changed" in err,
        err,
    )
    nodes[2].end()
    code, out, err = rotate(nodes)
    check(
        "a missing node",
        code == FAILED
        and nodes[2].sock in err
        and "missing" in out
        and "nothing was changed" in err,
        (out, err),
    )
    check("nothing was changed", [n.ring() for n in nodes[:2]] == rings[:2])
    lone = Node("lone", secret(b"x" * 32))
    code, out, err = rotate([nodes[0], lone], "--partial")
    check(
        "primaries differ",
        code == FAILED and "differ" in err and rings[0][0] in err and lone.ring()[0] in err,
        err,
    )
    check("nothing was changed", nodes[0].ring() == rings[0])
    check("the same node twice", rotate([lone, lone])[0] == USAGE)
    check(
        "--key-file is for rotate",
        kith("keys", "--socket", lone.sock, "--key-file", lone.key, "list")[0] == USAGE,
    )
    for n in nodes[:2] + [lone]:
        n.end()


def test_a_ring_in_memory():
    node = Node("memory", source="{ env: RING }", env=dict(ENV, RING=secret(b"m" * 32)))
    code, out, err = rotate([node])
    check(
        "a fresh key would be lost",
        code == FAILED and "--key-file" in err and "in memory only" in err,
        err,
    )
    old = node.ring()
    check(
        "the old key is in use",
        len(old) == 2 and "new key installed, old one in use" in out,
        (old, out),
    )
    check("how to go back", "remove %s" % old[1] in err, err)
    code, out, err = rotate([node], "--key-file", write("memory.key", secret(b"k" * 32)))
    check("a given one is not", code == OK and "in memory only" in err, (out, err))
    node.end()


def test_a_file_that_cant_be_written():
    """Its name leaves no room for that of the file that is to take its place."""
    link = os.path.join(DIR, "linked.key")
    os.symlink(write("f" * 250, secret(b"f" * 32)), link)
    node, fresh = Node("full", source="{ file: %s }" % link), secret(b"g" * 32)
    install = ("keys", "--socket", node.sock, "install", fresh)
    for form in "text", "json", "text":
        code, out, err = kith(*install, "--format", form)
        check(
            "a failure, as %s" % form,
            code == FAILED and "in memory only: " in err and "too long" in err,
            (code, out, err),
        )
    first, second = node.ring()
    for verb, print in ("use", second), ("remove", first):
        code, _, err = kith("keys", "--socket", node.sock, verb, print)
        check("%s fails, too" % verb, code == FAILED and "in memory only" in err, (code, err))
    other = write("other.key", secret(b"o" * 32))
    code, out, err = rotate([node], "--key-file", other)
    check(
        "a rotation stops",
        code == FAILED and "in memory only: " in err and "stopped at the step 'install'" in err,
        (code, out, err),
    )
    os.unlink(link)
    write("linked.key", secret(b"f" * 32))
    code, out, err = kith(*install)
    check("asked again, it is written", (code, err) == (OK, ""), (code, err))
    check("with all keys", open(link).read().count('"') == 4, open(link).read())
    node.end()


def test_missing_half_way():
    for verb in ("install", "use", "remove"):
        nodes = cluster(verb, secret(verb.encode().ljust(32, b"h")))
        old, door = nodes[0].ring()[0], Door(nodes[2], verb)
        key = write(verb + ".new", secret(verb.encode().ljust(32, b"g")))
        code, out, err = rotate(nodes[:2] + [door], "--key-file", key)
        check("%s: exit 1" % verb, code == FAILED, (out, err))
        check(
            "%s: which node, which step" % verb,
            door.sock in err and "stopped at the step '%s'" % verb in err,
            err,
        )
        check(
            "%s: its state" % verb,
            [l for l in out.splitlines() if l.startswith(door.sock) and l.endswith("missing")],
            out,
        )
        rings = [n.ring() for n in nodes]
        new = rings[0][0] if verb != "install" else rings[0][1]
        expected = {
            "install": [[old, new], [old, new], [old]],
            "use": [[new, old], [new, old], [old, new]],
            "remove": [[new], [new], [new, old]],
        }[verb]
        check("%s: where they stopped" % verb, rings == expected, rings)
        if verb == "remove":
            check(
                "remove: the command that is left",
                "--socket '%s' remove %s" % (door.sock, old) in err,
                err,
            )
            check(
                "remove: it works", kith("keys", "--socket", nodes[2].sock, "remove", old)[0] == OK
            )
        else:
            check("%s: run it again" % verb, "same command again" in err, err)
            code, out, err = rotate(nodes, "--key-file", key)
            check("%s: goes on" % verb, code == OK, (out, err))
        check("%s: all done" % verb, all(n.ring() == [new] for n in nodes))
        for n in nodes:
            check(
                "%s: nobody was lost" % verb,
                '"dead":0' in kith("info", "--socket", n.sock, "--format", "json")[1],
            )
        for n in nodes:
            n.end()


def test_missing_with_a_fresh_key():
    nodes = cluster("fresh", secret(b"f" * 32), 2)
    old, door = nodes[0].ring()[0], Door(nodes[1], "use")
    code, out, err = rotate([nodes[0], door])
    check("stops", code == FAILED, (out, err))
    new = nodes[0].ring()[0]
    steps = [line.split() for line in err.splitlines() if line.startswith("    kith keys --socket")]
    check(
        "the steps that are left",
        [(s[4], s[5]) for s in steps] == [("use", new), ("remove", old), ("remove", old)],
        err,
    )
    for s in steps:
        sock = s[3].strip("'")
        check(
            "%s works" % s[4],
            kith("keys", "--socket", nodes[1].sock if sock == door.sock else sock, *s[4:])[0] == OK,
        )
    check("done by hand", all(n.ring() == [new] for n in nodes))
    for n in nodes:
        n.end()


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
