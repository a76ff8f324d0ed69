#!/usr/bin/env python3
"""Members with any name: what one program shows, another takes back, and no name does anything to
a terminal, a line of the log, or a JSON reader.

A node hears of members whom nobody runs. Then the list, in text and JSON, the monitor and the log
have no odd character, and each name shown there can be written to."""

import json
import os
import re
import signal
import socket
import struct
import subprocess

from checks import DIR, ENV, KITH, check, clean_up, finish

PATIENCE = 60
NAMES = [
    b"a\x1b[2Jb", b"line\nbreak", b"tab\tbed", b"nul\0nul", b"nul", b"\xff\xfe no text",
    b"\\xff\\xfe no text", "\u202egnp.exe".encode(), "\u2028sep".encode(), "\u200bweb".encode(),
    b"web", b"\xc2\x9b31m", b"  ", b"\x7f", "caf\u00e9".encode(), "cafe\u0301".encode(), b'"q"',
    b"-rf", b"%s%n", b"\\", b"a\\b", b"x\r\x1b]0;t\x07", b"\x1b" * 255, b"\x01" * 254 + b"\xe2",
    "\U0001f415".encode() * 60,
]  # fmt: skip
ODD = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def raw(data):
    return struct.pack(">BH", 0xDA, len(data)) + data


def alive(name, port):
    fields = {
        b"Incarnation": b"\x01",
        b"Node": raw(name),
        b"Addr": raw(bytes([127, 0, 0, 1])),
        b"Port": struct.pack(">BH", 0xCD, port),
        b"Meta": raw(b"\xff\x81" + raw(b"k" + name[:99]) + raw(name[:99])),
        b"Vsn": raw(bytes([1, 5, 2, 0, 0, 0])),
    }
    body = b"".join(raw(k) + v for k, v in fields.items())
    return bytes([4, 0x80 | len(fields)]) + body


def kith(*words, **more):
    return subprocess.run([KITH, *words], env=ENV, capture_output=True, timeout=PATIENCE, **more)


def harmless(what, text):
    try:
        found = sorted({hex(ord(c)) for c in ODD.findall(text.decode())})
    except UnicodeDecodeError as e:
        found = [str(e)]
    check(what + " has no odd character", not found, found)


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(PATIENCE)
    s.connect(os.path.join(DIR, "run", "n0.sock"))
    return s.makefile("rwb", 0)


def events_of(monitor, count):
    seen = []
    while len(seen) < count:
        line = monitor.readline()
        event = json.loads(line)
        harmless("an event", line.rstrip(b"\n"))
        if event.get("event") == "join" and event["name"] != "n0":
            seen.append(event["name"])
    return seen


def run():
    path = os.path.join(DIR, "n0.yaml")
    with open(path, "w") as f:
        # Nobody probes them, so that nobody dies while we look.
        f.write(
            "node: { name: n0, log: { to: file, file: %s/log, level: debug } }\n"
            "transport: { use: udp_tcp, bind: '127.0.0.1:0' }\n"
            "probe: { interval: 1h, timeout: 30m }\ngossip: { interval: 0 }\n"
            "delegates: [ { use: log, as: lines },\n"
            "  { use: log, as: json, format: json, to: %s/events } ]\n"
            % (DIR, DIR)
        )
    node = subprocess.Popen([KITH, "run", path], env=ENV, stderr=subprocess.PIPE)
    try:
        kith("members", "--node", "n0", "--wait", "alive=1", "--timeout", "30s")
        self = json.loads(kith("members", "--format", "json").stdout)["members"][0]
        monitor, control = connect(), connect()
        monitor.write(b'{"cmd":"monitor","events":["join"]}\n')
        monitor.readline()
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        shown = {}
        for i, name in enumerate(NAMES):
            wire.sendto(alive(name, 20000 + i), (self["addr"], self["port"]))
            shown[name] = events_of(monitor, 1)[0]
        look(shown, control)
        node.send_signal(signal.SIGTERM)
        check("the node ends well", node.wait(PATIENCE) == 0, node.returncode)
        for file in "log", "events":
            text = open(os.path.join(DIR, file), "rb").read()
            harmless("the file " + file, text)
            check(file + " tells of them", text.count(b"\n") >= len(NAMES), text[-500:])
        lines = open(os.path.join(DIR, "events"), "rb").read().splitlines()
        told = [json.loads(line) for line in lines]
        names = [e.get("name") for e in told if e["event"] == "join"]
        check("the delegate names them as others do",
              sorted(set(names) - {"n0"}) == sorted(shown.values()), names)
    finally:
        node.kill()
        node.wait()


def look(shown, control):
    check("names that differ look different", len(set(shown.values())) == len(NAMES), shown)
    text = kith("members")
    listed = kith("members", "--format", "json")
    check("members: exit codes", text.returncode == listed.returncode == 0, text.stderr)
    harmless("the list", text.stdout)
    harmless("the list in JSON", listed.stdout)
    check("one line a member, and a header", len(text.stdout.splitlines()) == len(NAMES) + 2, text)
    names = [m["name"] for m in json.loads(listed.stdout)["members"]]
    check("names in JSON", sorted(names) == sorted(["n0", *shown.values()]), names)
    for name, as_shown in shown.items():
        check("%r stands in the list" % name, as_shown.encode() in text.stdout)
        request = {"cmd": "send", "name": as_shown, "text": "x"}
        control.write(json.dumps(request).encode() + b"\n")
        answer = json.loads(control.readline())
        check("%r can be written to" % name, answer["ok"], answer)
        sent = kith("send", "--", as_shown, "x")
        check("%r can be written to from a shell" % name, sent.returncode == 0, sent.stderr)
    raw_bytes = kith("send", "--", b"\xff\xfe no text", "x")
    check("a name's own bytes do, too", raw_bytes.returncode == 0, raw_bytes.stderr)
    wrong = kith("send", "a\\q", "x")
    check("what is no name shown is an error", wrong.returncode and b"backslash" in wrong.stderr,
          wrong.stderr)


try:
    run()
finally:
    clean_up()
finish()
