#!/usr/bin/env python3
"""`kith dissect` against the bytes that real encoders wrote (tests/data/vectors.json)."""

import base64
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

KITH = os.environ["KITH"]
VECTORS = json.load(open(os.path.join(os.environ["srcdir"], "tests", "data", "vectors.json")))[
    "vectors"
]
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
    """The fields of a vector as dissect prints them: snake case, bytes as hex, nil left out."""
    out = {}
    for key, value in fields.items():
        key = snake(key)
        if value is None:
            continue
        out[key] = value[4:] if isinstance(value, str) and value.startswith("hex:") else value
    return out


# Every message: its fields, its type.
TYPES = {
    "ping": "ping",
    "indirect": "indirect_ping",
    "ack": "ack",
    "nack": "nack",
    "err": "err",
    "suspect": "suspect",
    "dead": "dead",
    "alive": "alive",
}
for v in VECTORS:
    kind = TYPES.get(v["name"].split("_")[0])
    if not kind:
        continue
    code, got, err = vector(v["name"])
    message = got["messages"][0] if got else {}
    check(
        v["name"],
        code == 0
        and got["layers"] == []
        and message.pop("type") == kind
        and message == expected(v["fields"]),
        (code, got, err, expected(v["fields"])),
    )

# Layers, from the outside in.
LAYERS = {
    "compound_2": ([], [{"layer": "compound", "parts": 2}], ["ping", "suspect"]),
    "compress_compound_2": ([], ["lzw", {"layer": "compound", "parts": 2}], ["ping", "suspect"]),
    "crc_user": ([], [{"layer": "crc32"}], ["user"]),
    "crc_compound_2": (
        [],
        [{"layer": "crc32"}, {"layer": "compound", "parts": 2}],
        ["ping", "suspect"],
    ),
    "enc_v1_ping": (["--key", KEY], [{"layer": "aes_gcm", "version": 1, "key": 0}], ["ping"]),
    "enc_v0_ping": (
        ["--key", "11" * 32, "--key", KEY],
        [{"layer": "aes_gcm", "version": 0, "key": 1}],
        ["ping"],
    ),
    "label_ping": ([], [{"layer": "label", "label": "blah"}], ["ping"]),
    "pushpull_plain": (["--stream"], [], ["push_pull"]),
    "pushpull_compressed": (["--stream"], ["lzw"], ["push_pull"]),
    "pushpull_enc_v1": (
        ["--stream", "--key", KEY],
        [{"layer": "aes_gcm", "version": 1, "key": 0}],
        ["push_pull"],
    ),
    "stream_tcp_ping_compressed": (["--stream"], ["lzw"], ["ping"]),
    "stream_tcp_ack": (["--reply"], [], ["ack"]),
    "stream_err_plain": (["--reply"], [], ["err"]),
    "stream_user_5": (["--stream"], [], ["user"]),
}
for name, (args, layers, types) in LAYERS.items():
    code, got, err = vector(name, *args)
    same = (
        got
        and len(got["layers"]) == len(layers)
        and all(
            g["layer"] == w and g["in"] > 0 and g["out"] > 0 if isinstance(w, str) else g == w
            for g, w in zip(got["layers"], layers)
        )
    )
    check(
        name, code == 0 and same and [m["type"] for m in got["messages"]] == types, (code, got, err)
    )

code, got, _ = vector("pushpull_plain", "--stream")
push = got["messages"][0]
check(
    "push_pull fields",
    push["join"] is True
    and bytes.fromhex(push["user_state"]) == b"user-state"
    and [n["name"] for n in push["nodes"]] == ["node-a", "node-b"]
    and push["nodes"][0]["meta"] == b"web".hex()
    and "meta" not in push["nodes"][1]
    and push["nodes"][1]["state"] == 1
    and push["nodes"][1]["incarnation"] == 300,
    push,
)
check(
    "user payload", vector("user")[1]["messages"] == [{"type": "user", "payload": b"hello".hex()}]
)
code, got, _ = dissect("-", stdin=" 08:68 65\n6c6c 6f\n")
check(
    "hex from standard input, with spaces",
    code == 0 and got["messages"][0]["payload"] == b"hello".hex(),
)

# Malformed input: one line that names layer and offset, exit code 1.
for what, args, words in [
    ("wrong key", ["--key", "22" * 16, BY_NAME["pushpull_enc_v1"]["hex"], "--stream"], "aes_gcm"),
    (
        "wrong key, packet",
        ["--key", "22" * 16, BY_NAME["enc_v1_ping"]["hex"]],
        "aes_gcm: no key given",
    ),
    (
        "no key, label",
        ["f40462" + "6c6168" + BY_NAME["enc_v1_ping"]["hex"]],
        "aes_gcm: no key given opens it, at offset 6",
    ),
    ("changed checksum", [BY_NAME["crc_user"]["hex"][:-2] + "00"], "crc32"),
    ("another label", ["--label", "other", BY_NAME["label_ping"]["hex"]], "label"),
    ("truncated ping", [BY_NAME["ping"]["hex"][:-2]], "ping"),
    ("truncated compound", ["0702"], "compound"),
    ("unknown type", ["37"], "message"),
    ("nothing", [""], "offset"),
    ("truncated push/pull", ["--stream", BY_NAME["pushpull_plain"]["hex"][:100]], "push_pull"),
]:
    code, got, err = dissect(*args)
    check(
        what,
        code == 1 and got is None and err.count("\n") == 1 and words in err and "offset" in err,
        (code, got, err),
    )
for what, args in [("no hex", ["zz"]), ("no bytes", []), ("unknown option", ["--nonsense", "00"])]:
    check(what, dissect(*args)[0] == 2)


# A capture: a packet, and both directions of a stream whose segments come out of order, twice and
# overlapping.
def ip(protocol, sport, dport, payload):
    head = struct.pack(">HH", sport, dport)
    body = (
        head + struct.pack(">HH", 8 + len(payload), 0) + payload
        if protocol == 17
        else head + payload
    )
    return (
        struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0)
        + bytes([127, 0, 0, 1]) * 2
        + body
    )


def tcp(sport, dport, seq, flags, data=b""):
    return ip(
        6,
        sport,
        dport,
        struct.pack(">IIBBHHH", seq & 0xFFFFFFFF, 0, 0x50, flags, 1000, 0, 0) + data,
    )


def pcap(path, packets):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65536, 1))
        for i, p in enumerate(packets):
            frame = b"\0" * 12 + b"\x08\x00" + p
            f.write(struct.pack("<IIII", 1700000000 + i, 250000, len(frame), len(frame)) + frame)


raw = {
    n: bytes.fromhex(BY_NAME[n]["hex"])
    for n in ("label_ping", "pushpull_compressed", "pushpull_enc_v1")
}
ask, answer, start = (
    raw["pushpull_enc_v1"],
    raw["pushpull_compressed"],
    0xFFFFFFF0,
)  # sequence numbers wrap
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "capture.pcap")
    pcap(
        path,
        [
            ip(17, 1000, 2000, raw["label_ping"]),
            tcp(3000, 2000, start - 1, 2),
            tcp(2000, 3000, 99, 0x12),
            tcp(3000, 2000, start + 50, 16, ask[50:]),
            tcp(3000, 2000, start, 16, ask[:60]),
            tcp(3000, 2000, start, 16, ask[:10]),
            tcp(2000, 3000, 100, 16, answer),
            ip(1, 0, 0, b""),
        ],
    )
    p = subprocess.run(
        [KITH, "dissect", "--format", "json", "--key", KEY, "--pcap", path],
        capture_output=True,
        text=True,
    )
    lines = [json.loads(line) for line in p.stdout.splitlines()]
    check(
        "pcap: three lines",
        p.returncode == 1
        and [(o["plane"], o["bytes"]) for o in lines]
        == [("udp", len(raw["label_ping"])), ("tcp", len(ask)), ("tcp reply", len(answer))],
        (p.returncode, lines, p.stderr),
    )
    check(
        "pcap: packet",
        lines[0]["from"] == "127.0.0.1:1000"
        and lines[0]["time"] == 1700000000.25
        and [m["type"] for m in lines[0]["messages"]] == ["ping"],
        lines[0],
    )
    # The stream was sealed under no label, the packet says there is one: told apart by the label
    # given.
    p = subprocess.run(
        [KITH, "dissect", "--format", "json", "--label", "", "--key", KEY, "--pcap", path],
        capture_output=True,
        text=True,
    )
    lines = [json.loads(line) for line in p.stdout.splitlines()]
    check(
        "pcap: streams",
        [[m["type"] for m in o["messages"]] for o in lines[1:]] == [["push_pull"]] * 2
        and "error" in lines[0],
        lines,
    )
    p = subprocess.run(
        [KITH, "dissect", "--key", KEY, "--pcap", path], capture_output=True, text=True
    )
    check(
        "pcap: text",
        p.stdout.startswith(
            "22:13:20.250000 127.0.0.1:1000 > 127.0.0.1:2000 udp 27: label blah | ping(node-b)\n"
        ),
        p.stdout,
    )
    check("pcap: what was left out", "1 frames are neither" in p.stderr, p.stderr)
    whole = open(path, "rb").read()
    one = 24 + struct.unpack_from("<I", whole, 32)[0] + 16
    for size, code in ((one, 0), (one + 1, 1), (one + 15, 1), (one + 16, 1), (30, 1), (24, 0)):
        open(path, "wb").write(whole[:size])
        p = subprocess.run([KITH, "dissect", "--pcap", path], capture_output=True, text=True)
        check(
            "pcap: cut at %d" % size,
            p.returncode == code and ("ends in a frame" in p.stderr) == bool(code),
            (p.returncode, p.stderr),
        )
    open(path, "wb").write(whole[:20] + struct.pack("<I", 147) + whole[24:])
    p = subprocess.run([KITH, "dissect", "--pcap", path], capture_output=True, text=True)
    check("pcap: another link", p.returncode == 1 and "link type 147" in p.stderr, p.stderr)
    open(path, "wb").write(b"no capture at all, but long enough")
    p = subprocess.run([KITH, "dissect", "--pcap", path], capture_output=True, text=True)
    check("pcap: another file", p.returncode == 1 and "neither a pcap nor" in p.stderr, p.stderr)


# pcapng, in both orders of bytes, with two interfaces and units of time, blocks that nobody needs,
# and a second section.
def block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def section(order, packet):
    frame = b"\0" * 12 + b"\x08\x00" + packet
    nano = struct.pack(order + "HHBxxxHH", 9, 1, 9, 0, 0)
    at = 1700000000250000000
    return b"".join(
        [
            block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)),
            block(order, 1, struct.pack(order + "HHI", 1, 0, 0)),
            block(order, 1, struct.pack(order + "HHI", 101, 0, 0) + nano),
            block(order, 5, b"statistics, of any length!!"),
            block(order, 0x80000001, b""),
            block(
                order,
                6,
                struct.pack(order + "III", 0, at // 1000 >> 32, at // 1000 & 0xFFFFFFFF)
                + struct.pack(order + "II", len(frame), 9)
                + frame,
            ),
            block(
                order,
                6,
                struct.pack(order + "IIIII", 1, at >> 32, at & 0xFFFFFFFF, len(packet), len(packet))
                + packet,
            ),
            block(order, 3, struct.pack(order + "I", len(frame)) + frame),
        ]
    )


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "capture.pcapng")
    packet = ip(17, 1000, 2000, raw["label_ping"])
    whole = section("<", packet) + section(">", packet)
    open(path, "wb").write(whole)
    p = subprocess.run([KITH, "dissect", "--pcap", path], capture_output=True, text=True)
    line = "%s 127.0.0.1:1000 > 127.0.0.1:2000 udp 27: label blah | ping(node-b)\n"
    wanted = line % "22:13:20.250000" * 2 + line % "00:00:00.000000"
    check("pcapng", (p.returncode, p.stdout) == (0, wanted * 2), (p.stdout, p.stderr))
    stdin = subprocess.run(
        [KITH, "dissect", "--label", "blah", "--pcap", "-"], input=whole, capture_output=True
    )
    check("pcapng from standard input", stdin.stdout.decode() == wanted * 2, stdin)
    for size in range(0, len(whole), 3):
        open(path, "wb").write(whole[:size] + b"\xff" * 9 + whole[size + 9 :])
        p = subprocess.run([KITH, "dissect", "--pcap", path], capture_output=True, text=True)
        check("pcapng, broken at %d" % size, p.returncode in (0, 1), (p.returncode, p.stderr))
    if shutil.which("editcap"):
        classic = os.path.join(folder, "capture.pcap")
        pcap(classic, [packet, packet])
        subprocess.run(["editcap", "-F", "pcapng", classic, path], check=True)
        same = [
            subprocess.run([KITH, "dissect", "--pcap", f], capture_output=True)
            for f in (classic, path)
        ]
        check("as editcap writes it", same[0].stdout and same[0].stdout == same[1].stdout, same)

    # Two connections with the same ports, one after the other; segments in any order.
    parts = [(start + i, ask[i : i + 7]) for i in range(0, len(ask), 7)]
    random.Random(1).shuffle(parts)
    first = [tcp(3000, 2000, start - 1, 2)] + [tcp(3000, 2000, n, 16, b) for n, b in parts]
    second = [tcp(3000, 2000, 499, 2), tcp(3000, 2000, 500, 16, ask)]
    path = os.path.join(folder, "two.pcap")
    pcap(path, first + second)
    keys = os.path.join(folder, "keys")
    for what, text in ("hex", KEY), ("base64", base64.b64encode(bytes.fromhex(KEY)).decode()):
        open(keys, "w").write(text + "\n")
        p = subprocess.run(
            [KITH, "dissect", "--key-file", keys, "--pcap", path], capture_output=True, text=True
        )
        check("two streams, keys from a file in " + what,
              p.returncode == 0 and p.stdout.count("push_pull") == 2, (p.stdout, p.stderr))
        p = subprocess.run(
            [KITH, "dissect", "--stream", "--key-file", "-", ask.hex()],
            input=text, capture_output=True, text=True,
        )  # fmt: skip
        check("a key from standard input", p.returncode == 0, p.stderr)
        code, got, err = dissect("--stream", "--key", text, ask.hex())
        check("a key on the command line, in " + what, code == 0, err)
    code, got, err = dissect("--key-file", os.path.join(folder, "none"), ask.hex())
    check("no key file", code == 1 and "none" in err, err)


# A codec of one's own, without a layer byte: built here, found on the path. A plain packet is read
# all the same; what it sealed, when its byte is told.
def fletcher(message):
    a = b = 0
    for i in range(0, len(message), 2):
        a = (a + int.from_bytes(message[i : i + 2].ljust(2, b"\0"), "big")) % 65535
        b = (b + a) % 65535
    return message + struct.pack(">HH", b, a)


with tempfile.TemporaryDirectory() as folder:
    top, library = os.environ["srcdir"], os.path.join(folder, "fletcher.so")
    subprocess.run(
        [
            *os.environ.get("CC", "cc").split(),
            "-shared",
            "-fPIC",
            "-fvisibility=hidden",
            "-I" + os.path.join(top, "include"),
            "-o",
            library,
            os.path.join(top, "examples", "plugin-codec", "fletcher.c"),
        ],
        check=True,
    )
    path = folder + ":" + os.environ["KITH_PLUGIN_PATH"]
    user = bytes.fromhex(BY_NAME["user"]["hex"])
    sealed = (b"\xc7" + fletcher(user)).hex()
    code, got, err = dissect("--plugin-path", path, BY_NAME["ping"]["hex"])
    check(
        "a plain ping beside a private codec",
        code == 0 and err == "" and [m["type"] for m in got["messages"]] == ["ping"],
        (code, err),
    )
    for what, name in [("its name", "fletcher"), ("its file", library)]:
        code, got, err = dissect("--plugin-path", path, "--layer-byte", name + "=0xC7", sealed)
        check(
            "a private layer, by " + what,
            code == 0
            and err == ""
            and [o["layer"] for o in got["layers"]] == ["fletcher"]
            and got["messages"][0]["payload"] == b"hello".hex(),
            (code, got, err),
        )
    changed = sealed[:-2] + "55"
    code, got, err = dissect("--plugin-path", path, "--layer-byte", "fletcher=0xC7", changed)
    check("a private layer, changed", code == 1 and "fletcher: checksum" in err, (code, err))
    code, got, err = dissect("--plugin-path", path, sealed)
    check("a private layer whose byte is not known", code == 1 and got is None, (code, err))
    check("says which byte", "no codec for layer byte 0xC7, at offset 0" in err, err)
    check("and how to tell it", "--layer-byte" in err, err)
    code, got, err = dissect("--plugin-path", path, "f40161" + sealed)
    check("behind a label", "no codec for layer byte 0xC7, at offset 3" in err, err)
    code, got, err = dissect("--plugin-path", path, "--stream", "c7" + "0" * 16)
    check("in a stream", "no codec for layer byte 0xC7" in err, err)
    code, got, err = dissect("--plugin-path", path, "--label", "b", "f40161" + sealed)
    check("not the label", "not the label given" in err and "codec" not in err, err)
    check("a codec that is not there", dissect("--layer-byte", "nothing=0xC7", "00")[0] == 2)
    for given in ("fletcher", "fletcher=", "=0xC7", "fletcher=0xBF", "fletcher=0xF0", "fletcher=x"):
        code, _, err = dissect("--plugin-path", path, "--layer-byte", given, "00")
        check("--layer-byte " + given, code == 2 and "--layer-byte" in err, (code, err))
    p = subprocess.run(
        [
            KITH,
            "plugin",
            "bench",
            "--plugin-path",
            path,
            "fletcher",
            "--param",
            "bits=16",
            "--format",
            "json",
        ],
        capture_output=True,
        text=True,
    )
    check(
        "a private codec is measured, with a byte of ours",
        p.returncode == 0
        and [f["sealed_bytes"] - f["bytes"] for f in json.loads(p.stdout)["figures"]]
        == [3, 3, 3, 7, 7],
        (p.stdout, p.stderr),
    )

# As text: one line.
check(
    "text",
    subprocess.run(
        [KITH, "dissect", "--format", "text", BY_NAME["label_ping"]["hex"]],
        capture_output=True,
        text=True,
    ).stdout
    == "label blah | ping(node-b)\n",
)
evil = "0082a44e6f6465a3411b42a55365714e6f2a"
text = subprocess.run([KITH, "dissect", "--format", "text", evil], capture_output=True, text=True)
check("no control character of others' gets out", text.stdout == "ping(A\\x1bB)\n", text.stdout)
for args in (
    ["--format", "xml", "00"],
    ["--format", "xml", "--pcap", "/dev/null"],
    ["--pcap", "/dev/null", "--stream"],
):
    check(" ".join(args), dissect(*args)[0] == 2)

print("%d passed, %d failed, 0 skipped" % (passed, failures))
sys.exit(failures > 0)
