#!/usr/bin/env python3
"""`kith dissect` against the bytes that real memberlist encoders wrote (tests/data/vectors.json)."""

import base64
import json
import os
import re
import subprocess
import sys

KITH = os.environ["KITH"]
VECTORS = json.load(open(os.path.join(os.environ["srcdir"], "tests", "data", "vectors.json")))["vectors"]
BY_NAME = {v["name"]: v for v in VECTORS}
KEY = "000102030405060708090a0b0c0d0e0f"
failures = passed = 0


def dissect(*args, stdin=None):
    p = subprocess.run([KITH, "dissect", *args], input=stdin, capture_output=True, text=True)
    return p.returncode, json.loads(p.stdout) if p.stdout else None, p.stderr


def check(what, ok, detail=""):
    global failures, passed
    passed, failures = passed + bool(ok), failures + (not ok)
    if not ok:
        print("FAILED  %s: %s" % (what, detail))


def vector(name, *args):
    return dissect(*args, BY_NAME[name]["hex"])


def snake(key):
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", key).lower()


HEXED = {"addr", "target", "source_addr", "meta", "vsn", "payload", "user_state"}


def expected(fields):
    """The fields of a vector as dissect prints them: snake case, byte strings as hex, nil left out."""
    out = {}
    for key, value in fields.items():
        key = snake(key)
        if value is None:
            continue
        out[key] = value[4:] if isinstance(value, str) and value.startswith("hex:") else value
    return out


# Every message: its fields, its type.
TYPES = {"ping": "ping", "indirect": "indirect_ping", "ack": "ack", "nack": "nack", "err": "err", "suspect": "suspect", "dead": "dead",
         "alive": "alive"}
for v in VECTORS:
    kind = TYPES.get(v["name"].split("_")[0])
    if not kind:
        continue
    code, got, err = vector(v["name"])
    message = got["messages"][0] if got else {}
    check(v["name"], code == 0 and got["layers"] == [] and message.pop("type") == kind and message == expected(v["fields"]),
          (code, got, err, expected(v["fields"])))

# Layers, from the outside in.
LAYERS = {
    "compound_2": ([], [{"layer": "compound", "parts": 2}], ["ping", "suspect"]),
    "compress_compound_2": ([], ["lzw", {"layer": "compound", "parts": 2}], ["ping", "suspect"]),
    "crc_user": ([], [{"layer": "crc32"}], ["user"]),
    "crc_compound_2": ([], [{"layer": "crc32"}, {"layer": "compound", "parts": 2}], ["ping", "suspect"]),
    "enc_v1_ping": (["--key", KEY], [{"layer": "aes_gcm", "version": 1, "key": 0}], ["ping"]),
    "enc_v0_ping": (["--key", "11" * 32, "--key", KEY], [{"layer": "aes_gcm", "version": 0, "key": 1}], ["ping"]),
    "label_ping": ([], [{"layer": "label", "label": "blah"}], ["ping"]),
    "pushpull_plain": (["--stream"], [], ["push_pull"]),
    "pushpull_compressed": (["--stream"], ["lzw"], ["push_pull"]),
    "pushpull_enc_v1": (["--stream", "--key", KEY], [{"layer": "aes_gcm", "version": 1, "key": 0}], ["push_pull"]),
    "stream_tcp_ping_compressed": (["--stream"], ["lzw"], ["ping"]),
    "stream_tcp_ack": (["--reply"], [], ["ack"]),
    "stream_err_plain": (["--reply"], [], ["err"]),
    "stream_user_5": (["--stream"], [], ["user"]),
}
for name, (args, layers, types) in LAYERS.items():
    code, got, err = vector(name, *args)
    same = got and len(got["layers"]) == len(layers) and all(
        g["layer"] == w and g["in"] > 0 and g["out"] > 0 if isinstance(w, str) else g == w for g, w in zip(got["layers"], layers))
    check(name, code == 0 and same and [m["type"] for m in got["messages"]] == types, (code, got, err))

code, got, _ = vector("pushpull_plain", "--stream")
push = got["messages"][0]
check("push_pull fields", push["join"] is True and bytes.fromhex(push["user_state"]) == b"user-state" and
      [n["name"] for n in push["nodes"]] == ["node-a", "node-b"] and push["nodes"][0]["meta"] == b"web".hex() and
      "meta" not in push["nodes"][1] and push["nodes"][1]["state"] == 1 and push["nodes"][1]["incarnation"] == 300, push)
check("user payload", vector("user")[1]["messages"] == [{"type": "user", "payload": b"hello".hex()}])
code, got, _ = dissect("-", stdin=" 08:68 65\n6c6c 6f\n")
check("hex from standard input, with spaces", code == 0 and got["messages"][0]["payload"] == b"hello".hex())

# Malformed input: one line that names layer and offset, exit code 1.
for what, args, words in [
    ("wrong key", ["--key", "22" * 16, BY_NAME["pushpull_enc_v1"]["hex"], "--stream"], "aes_gcm"),
    ("changed checksum", [BY_NAME["crc_user"]["hex"][:-2] + "00"], "crc32"),
    ("another label", ["--label", "other", BY_NAME["label_ping"]["hex"]], "label"),
    ("truncated ping", [BY_NAME["ping"]["hex"][:-2]], "ping"),
    ("truncated compound", ["0702"], "compound"),
    ("unknown type", ["37"], "message"),
    ("nothing", [""], "offset"),
    ("truncated push/pull", ["--stream", BY_NAME["pushpull_plain"]["hex"][:100]], "push_pull"),
]:
    code, got, err = dissect(*args)
    check(what, code == 1 and got is None and err.count("\n") == 1 and words in err and "offset" in err, (code, got, err))
for what, args in [("no hex", ["zz"]), ("no bytes", []), ("unknown option", ["--nonsense", "00"])]:
    check(what, dissect(*args)[0] == 2)

print("%d passed, %d failed, 0 skipped" % (passed, failures))
sys.exit(failures > 0)
