#!/usr/bin/env python3
"""Write tests/fuzz/corpus: the real libraries' vectors and a list of hostile shapes, in the form
that each target reads.

wire     first byte: which map; the rest: its bytes
packet   records: a byte of time to pass, two bytes of length, a packet as the transport gives it
stream   first byte: bit 0 the peer opened it; second: bytes a piece (0: all at once); the rest:
         the stream
lzw      a compress message as the codec gets it (09 and the map), or codes alone
config   a YAML file

The others are in corpus_readers.py. A file named found_... is an input that a fuzzer found: it is
in no list, and stays.
"""

import json
import os
import struct
import zlib

import corpus_readers as readers

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, "corpus")
VECTORS = json.load(open(os.path.join(HERE, "..", "data", "vectors.json")))

(
    PING,
    INDIRECT,
    ACK,
    SUSPECT,
    ALIVE,
    DEAD,
    PUSH_PULL,
    COMPOUND,
    USER,
    COMPRESS,
    ENCRYPT,
    NACK,
    CRC,
    ERR,
) = range(14)
NODE_STATE = 64
VSN = bytes([1, 5, 2, 0, 0, 0])


# ------------------------------------------------------------------------- msgpack, old raw dialect

class Raw(bytes):
    """Bytes that are already msgpack."""


def raw(b):
    if len(b) < 32:
        return bytes([0xA0 | len(b)]) + b
    if len(b) < 65536:
        return b"\xda" + struct.pack(">H", len(b)) + b
    return b"\xdb" + struct.pack(">I", len(b)) + b


def pack(v):
    if isinstance(v, Raw):
        return bytes(v)
    if v is None:
        return b"\xc0"
    if v is True or v is False:
        return b"\xc3" if v else b"\xc2"
    if isinstance(v, str):
        return raw(v.encode())
    if isinstance(v, bytes):
        return raw(v)
    if isinstance(v, dict):
        return struct.pack("B", 0x80 | len(v)) + b"".join(pack(k) + pack(x) for k, x in v.items())
    if v < 0:
        return b"\xd3" + struct.pack(">q", v)
    for limit, head, form in (
        (128, b"", ">B"),
        (256, b"\xcc", ">B"),
        (65536, b"\xcd", ">H"),
        (1 << 32, b"\xce", ">I"),
    ):
        if v < limit:
            return head + struct.pack(form, v)
    return b"\xcf" + struct.pack(">Q", v)


def msg(kind, **fields):
    return bytes([kind]) + pack(fields)


def alive(name, inc=1, addr=b"\x7f\0\0\x05", port=7946, vsn=VSN, meta=None):
    return msg(ALIVE, Addr=addr, Incarnation=inc, Meta=meta, Node=name, Port=port, Vsn=vsn)


def state(name, inc=1, addr=b"\x7f\0\0\x05", port=7946, vsn=VSN, meta=None, st=0):
    return pack(
        dict(Addr=addr, Incarnation=inc, Meta=meta, Name=name, Port=port, State=st, Vsn=vsn)
    )


def push_pull(nodes, user=b"", join=True, count=None, user_len=None):
    head = dict(Join=join, Nodes=len(nodes) if count is None else count,
                UserStateLen=len(user) if user_len is None else user_len)
    return bytes([PUSH_PULL]) + pack(head) + b"".join(nodes) + user


def accuse(kind, node, inc, who="a"):
    return msg(kind, From=who, Incarnation=inc, Node=node)


def compound(parts, count=None, lengths=None):
    lengths = lengths or [len(p) for p in parts]
    return bytes([COMPOUND, len(parts) if count is None else count]) + \
        b"".join(struct.pack(">H", n) for n in lengths) + b"".join(parts)


def lzw(data):
    """Go's compress/lzw, LSB first, 8 bits."""
    out, acc, bits = bytearray(), 0, 0
    width, hi, overflow, table, code = 9, 257, 512, {}, None

    def emit(c):
        nonlocal acc, bits
        acc |= c << bits
        bits += width
        while bits >= 8:
            out.append(acc & 255)
            acc >>= 8
            bits -= 8

    def step():
        nonlocal width, hi, overflow
        hi += 1
        if hi == overflow:
            width += 1
            overflow *= 2
        if hi == 4095:
            emit(256)
            width, hi, overflow = 9, 257, 512
            table.clear()
            return False
        return True

    emit(256)
    for b in data:
        if code is None:
            code = b
        elif (code, b) in table:
            code = table[code, b]
        else:
            emit(code)
            if step():
                table[code, b] = hi
            code = b
    if code is not None:
        emit(code)
        step()
    emit(257)
    if bits:
        out.append(acc & 255)
    return bytes(out)


def lzw_codes(codes, pad=b""):
    """Codes as they are, nine bits each."""
    n = sum(c << (9 * i) for i, c in enumerate(codes))
    return n.to_bytes((9 * len(codes) + 7) // 8, "little") + pad


def lzw_bomb(size):
    """About size zeroes in as few bytes as LZW can: after a full table, the longest code again and
    again."""
    out, acc, bits, width, hi, length = bytearray(), 0, 0, 9, 257, 0

    def emit(c):
        nonlocal acc, bits
        acc |= c << bits
        bits += width
        while bits >= 8:
            out.append(acc & 255)
            acc >>= 8
            bits -= 8

    emit(256)
    emit(0)
    total, hi = 1, 257
    hi += 1
    longest = 1
    code = 258
    while total < size:
        emit(code)
        longest = min(longest + 1, 4095 - 257)
        total += longest
        if hi < 4095:
            hi += 1
            if hi >= 1 << width and width < 12:
                width += 1
        if code < 4094:
            code += 1
    emit(257)
    out.append(acc & 255)
    return bytes(out)


def compress(data, algo=0):
    return msg(COMPRESS, Algo=algo, Buf=lzw(data))


def crc(data):
    return bytes([CRC]) + struct.pack(">I", zlib.crc32(data)) + data


# ------------------------------------------------------------------------------------------ shapes

def records(*packets, pause=0):
    return b"".join(
        bytes([pause]) + struct.pack(">H", min(len(p), 65535)) + p[:65535] for p in packets
    )


def vectors():
    for v in VECTORS["vectors"]:
        yield v["name"], bytes.fromhex(v["hex"])


def hostile_maps():
    """Maps that no decoder should trip over, by name; they fit any message."""
    yield "map32_huge", b"\xdf\xff\xff\xff\xff"
    yield "array32_huge", b"\xdd\xff\xff\xff\xff"
    yield "map16_huge", b"\xde\xff\xff"
    yield "raw32_huge_key", b"\x81\xdb\xff\xff\xff\xff"
    yield "raw32_huge_value", b"\x81\xa4Node\xdb\xff\xff\xff\xff"
    yield "bin32_huge_value", b"\x81\xa4Addr\xc6\xff\xff\xff\xff"
    yield "unknown_nested_arrays", b"\x81\xa1Z" + b"\x91" * 30000 + b"\xc0"
    yield "unknown_nested_maps", b"\x81\xa1Z" + b"\x81\xa0" * 15000 + b"\xc0"
    yield "unknown_huge_map", b"\x81\xa1Z\xdf\xff\xff\xff\xff"
    yield "unknown_ext32", b"\x81\xa1Z\xc9\xff\xff\xff\xff\x01"
    yield "never_used_byte", b"\x81\xa1Z\xc1"
    yield "int_key", b"\x82\x01\x02\xa5SeqNo\x07"
    yield "bin_key", b"\x81\xc4\x04Node\xa1x"
    yield "many_keys", b"\xde\x03\xe8" + b"\xa5SeqNo\x01" * 1000
    yield "as_array", b"\x9f" + b"\x01" * 15
    yield "floats", b"\x81\xa5SeqNo\xca\x3f\x80\0\0"
    yield "negative", b"\x81\xabIncarnation\xff"
    yield "nil", b"\xc0"
    yield "empty", b"\x80"


def hostile_packets():
    yield "empty", records(b"")
    yield "type_bytes", records(*[bytes([t]) for t in range(256)])
    for kind in (PING, INDIRECT, ACK, SUSPECT, ALIVE, DEAD, NACK, ERR, PUSH_PULL, COMPRESS):
        for name, body in hostile_maps():
            if kind in (PING, ALIVE) or name in ("map32_huge", "as_array"):
                yield f"{kind:02d}_{name}", records(bytes([kind]) + body)
    yield "vsn", records(
        *[alive("a%d" % n, vsn=bytes(range(1, n + 1))) for n in range(9)],
        alive("b", vsn=bytes(6)),
        alive("c", vsn=bytes([5, 1, 2, 0, 0, 0])),
        alive("d", vsn=None),
    )
    top = (1 << 32) - 1
    yield "incarnation_top", records(
        *[
            accuse(k, n, i)
            for k in (SUSPECT, DEAD)
            for n in ("self", "a", "nobody")
            for i in (top, top - 1, 0)
        ],
        alive("self", inc=top),
        alive("a", inc=top),
        alive("a", inc=top - 1),
        accuse(SUSPECT, "self", top),
        accuse(SUSPECT, "self", top),
        pause=4,
    )
    yield "self_alive", records(
        alive("self", inc=5, meta=b"other"),
        alive("self", inc=9, addr=b"\1\2\3\4"),
        alive("self", inc=1),
        alive("self", inc=0, vsn=b""),
    )
    yield "self_dead", records(
        accuse(DEAD, "self", 1, "self"), accuse(DEAD, "self", 9), accuse(SUSPECT, "self", 20)
    )
    yield "addresses", records(
        *[
            alive("n%d" % n, addr=bytes(n))
            for n in (0, 1, 3, 4, 5, 15, 16, 17, 128, 129, 255, 60000)
        ],
        alive("p", port=0),
        alive("q", addr=b"\xff" * 4),
        alive("r", addr=None),
    )
    yield "names", records(
        alive(""),
        alive("x" * 255),
        alive("y" * 60000),
        alive("nul\0nul"),
        alive("\u2603" * 100),
        msg(ALIVE, Node=b"\xff\xfe\0", Incarnation=1, Addr=b"\1\2\3\4", Port=1, Vsn=VSN),
    )
    yield "meta", records(*[alive("m%d" % n, meta=bytes(n)) for n in (0, 511, 512, 513, 60000)])
    yield "fresh_names", b"".join(
        records(compound([alive("flood-%d-%d" % (i, k), inc=i) for k in range(12)]))
        for i in range(100)
    )
    yield "suspects", records(
        alive("a"),
        accuse(SUSPECT, "a", 1, "b"),
        accuse(SUSPECT, "a", 1, "c"),
        accuse(SUSPECT, "a", 1, "d"),
        accuse(DEAD, "a", 1, "b"),
        alive("a", 2),
        alive("a", 3),
        accuse(DEAD, "a", 3, "a"),
        alive("a", 4, addr=b"\1\2\3\4"),
        pause=20,
    )
    yield "relays", records(
        *[
            msg(INDIRECT, Nack=bool(i & 1), Node="a", Port=i, SeqNo=i, Target=bytes([127, 0, 0, i]))
            for i in range(40)
        ],
        pause=3,
    )
    yield "relay_odd", records(
        msg(INDIRECT, Nack=True, Node="self", Port=7946, SeqNo=1, Target=b""),
        msg(INDIRECT, Nack=True, Node="a", Port=0, SeqNo=1, Target=bytes(300)),
        msg(
            INDIRECT,
            Nack=True,
            Node="a",
            Port=1,
            SeqNo=1,
            Target=None,
            SourceAddr=bytes(200),
            SourceNode="z" * 300,
            SourcePort=65535,
        ),
    )
    yield "pings", records(
        msg(PING, Node="self", SeqNo=1),
        msg(PING, Node="other", SeqNo=2),
        msg(PING, Node="", SeqNo=3),
        msg(PING, Node="self", SeqNo=4, SourceAddr=b"\x7f\0\0\1", SourceNode="a", SourcePort=1),
        msg(PING, Node="self", SeqNo=4, SourceAddr=bytes(129), SourceNode="a", SourcePort=1),
    )
    yield "acks", records(*[msg(k, SeqNo=i, **({"Payload": b"x" * (i % 100)} if k == ACK else {}))
                            for i in list(range(8)) + [top] for k in (NACK, ACK)], pause=10)
    yield "user", records(bytes([USER]), bytes([USER]) + bytes(60000))
    ping = msg(PING, Node="self", SeqNo=1)
    yield "compound_empty_parts", records(compound([b""] * 100 + [ping]))
    yield "compound_255", records(
        compound([ping] * 255), compound([ping] * 128), compound([ping] * 127)
    )
    yield "compound_lies", records(
        b"\x07",
        b"\x07\xff",
        b"\x07\x02\0\1",
        compound([ping], count=2),
        compound([ping], lengths=[65535]),
        compound([ping, ping], lengths=[21, 65535]),
    )
    yield "compound_deep", records(
        b"".join(b"\x07\x01" + struct.pack(">H", len(ping) + 4 * (14999 - i)) for i in range(15000))
        + ping
    )
    wide = ping
    for _ in range(4):
        wide = compound([wide] * 7)
    yield "compound_wide", records(wide)
    yield "compound_layers", records(
        compound([compress(ping), crc(ping), b"\x0a\0\0\0\x05hello", b"\xf4\x01x" + ping])
    )
    layers = ping
    for _ in range(40):
        layers = compress(layers)
    yield "compress_deep", records(layers)
    yield "compress_bomb", records(msg(COMPRESS, Algo=0, Buf=lzw_bomb(60 << 20)[:65000]))
    yield "compress_bombs", records(*[msg(COMPRESS, Algo=0, Buf=lzw_bomb(4 << 20))] * 3)
    yield "compress_odd", records(
        compress(b""),
        compress(ping, algo=1),
        msg(COMPRESS, Algo=0),
        msg(COMPRESS, Buf=None),
        compress(ping)[:-3],
        compress(compound([ping] * 200)),
        compress(crc(ping)),
    )
    yield "crc_odd", records(crc(ping), crc(b""), crc(ping)[:-1], b"\x0c\0\0", crc(crc(ping)))
    yield "labels", records(b"\xf4", b"\xf4\0" + ping, b"\xf4\xff" + ping, b"\xf4\x01x" + ping)


def hostile_streams():
    self_state = [
        state("a"),
        state("b", 2, st=1),
        state("c", 3, st=2),
        state("d", 4, st=3),
        state("e", st=9),
    ]
    good = push_pull(self_state, b"user-state")
    yield "push_pull", good
    yield "push_pull_trailing", good + b"\xff" * 50
    yield "push_pull_compressed", compress(good)
    yield "nodes_lie_more", push_pull(self_state, count=6)
    for name, n in (
        ("huge", 1 << 31),
        ("over", (1 << 20) + 1),
        ("limit", 1 << 20),
        ("negative", -1),
        ("int64", (1 << 63) - 1),
    ):
        yield "nodes_" + name, push_pull(self_state, count=n)
        yield "user_state_" + name, push_pull(self_state, user_len=n)
        yield "user_msg_" + name, bytes([USER]) + pack({"UserMsgLen": n}) + b"payload"
    yield "user_state_20m", push_pull(self_state, user_len=20 << 20)
    yield "user_state_20m_1", push_pull(self_state, user_len=(20 << 20) + 1)
    yield "user_msg", bytes([USER]) + pack({"UserMsgLen": 5}) + b"hello"
    yield "user_msg_0", bytes([USER]) + pack({"UserMsgLen": 0})
    yield "versions", push_pull(
        [state("a", vsn=bytes([9, 9, 9, 0, 0, 0])), state("b", vsn=b""), state("c", vsn=b"\1")]
    )
    yield "vetoed_state", push_pull(
        [state("self", (1 << 32) - 1, st=2), state("self", (1 << 32) - 1, st=3)]
    )
    yield "same_name", push_pull([state("a", i, addr=bytes([127, 0, 0, i])) for i in range(20)])
    yield "big_entry", push_pull([state("n" * 70000, meta=bytes(70000))])
    yield "many", push_pull([state("node-%d" % i) for i in range(300)], b"x" * 100)
    yield "nested", bytes([PUSH_PULL]) + b"\x81\xa1Z" + b"\x91" * 20000 + b"\xc0"
    for name, body in hostile_maps():
        if len(body) < 1000:
            yield "header_" + name, bytes([PUSH_PULL]) + body
            yield "entry_" + name, push_pull([body])
    yield "ping", msg(PING, Node="self", SeqNo=7)
    yield "ping_other", msg(PING, Node="other", SeqNo=7)
    yield "ack", msg(ACK, Payload=None, SeqNo=1)
    yield "err", msg(ERR, Error="boom")
    yield "err_long", msg(ERR, Error="boom" * 20000)
    yield "compound", compound([msg(PING, Node="self", SeqNo=7)])
    yield "crc", crc(msg(PING, Node="self", SeqNo=7))
    yield "compress_twice", compress(compress(good))
    yield "compress_empty", compress(b"")
    yield "compress_algo", compress(good, algo=7)
    yield "compress_huge_buf", b"\x09\x82\xa4Algo\x00\xa3Buf\xdb\xff\xff\xff\xff"
    yield "compress_no_buf", b"\x09\x81\xa4Algo\x00"
    yield "compress_bomb_256m", msg(COMPRESS, Algo=0, Buf=lzw_bomb(256 << 20))
    yield "encrypted_huge", b"\x0a\xff\xff\xff\xff" + bytes(100)
    yield "encrypted_20m", b"\x0a\x01\x40\x00\x01" + bytes(100)
    yield "encrypted_short", b"\x0a\0\0\0\x05hello"
    yield "label", b"\xf4\x01x" + good
    yield "label_0", b"\xf4\0" + good
    for t in range(14, 20):
        yield "type_%d" % t, bytes([t]) + b"?"
    yield "type_255", b"\xff"


def hostile_lzw():
    for c in VECTORS["lzw_decode_tolerance"]["cases"]:
        if "..." not in c["lzw_hex"]:
            yield "case_" + "".join(x if x.isalnum() else "_" for x in c["name"]), bytes.fromhex(
                c["lzw_hex"]
            )
    yield "only_clears", lzw_codes([256] * 500)
    yield "clear_eof", lzw_codes([256, 257])
    yield "kwkwk", lzw_codes([256, 65, 258, 259, 260, 257])
    yield "ahead", lzw_codes([256, 65, 259, 257])
    yield "first_is_new", lzw_codes([256, 258, 257])
    yield "no_eof", lzw_codes([256, 65, 66])
    yield "trailing", lzw_codes([256, 65, 257], b"trailing")
    yield "random", lzw(bytes((i * 7919 >> 3) & 255 for i in range(9000)))
    yield "text", lzw(b"memberlist-" * 3000)
    yield "zeroes", lzw(bytes(100000))
    yield "bomb_1m", lzw_bomb(1 << 20)
    yield "bomb_256m", lzw_bomb(256 << 20)


def hostile_layers():
    zstd = b"\x88\x28\xb5\x2f\xfd"
    yield "lz4", b"\x89\x05\x50\x08ello"
    yield "lz4_long", b"\x89\xff\xff\xff\xff\x07\x50\x08ello"
    yield "lz4_padded", b"\x89\x85\x80\x00\x50\x08ello"
    run = b"\xff" * 250 + b"\x00\x50\x08\x08\x08\x08\x08"
    yield "lz4_run", b"\x89\x80\x80\x04\x1f\x08\x01\x00" + run
    yield "lz4_before_start", b"\x89\x20\x1f\x08\xff\xff\x00\x50\x08\x08\x08\x08\x08"
    yield "zstd", zstd + b"\x20\x02\x11\x00\x00\x08x"
    yield "zstd_no_size", zstd + b"\x00\x58\x11\x00\x00\x08x"
    yield "zstd_huge", zstd + b"\xe0" + b"\xff" * 8 + b"\x11\x00\x00\x08x"
    yield "zstd_rle", zstd + b"\xa0\x00\x00\x01\x00\x03\x00\x08\x08"
    yield "zstd_skippable", b"\x88\x50\x2a\x4d\x18\x02\x00\x00\x00\x08x"
    yield "crc_nested", crc(crc(crc(crc(crc(crc(crc(crc(crc(b"\x08x")))))))))
    yield "compress_nested", compress(lzw(compress(lzw(compress(lzw(b"\x08x"))))))
    yield "framed_short", b"\x80\x00\x00\x00\x05abcde"
    yield "framed_long", b"\x80\xff\xff\xff\xff" + bytes(64)
    yield "framed_empty", b"\x81\x00\x00\x00\x00"
    yield "aes_short", b"\x0a\x00\x00\x00\x1c\x01" + bytes(27)
    yield "aes_version_2", b"\x02" + bytes(60)
    yield "aes_noise", b"\x01" + bytes(range(60))
    yield "label_twice", b"\xf4\x04east\xf4\x04east\x08x"
    yield "label_empty", b"\xf4\x00\x08x"
    yield "label_cut", b"\xf4\xffeast"
    yield "private", b"\xc0\x08x"


def hostile_configs():
    yield "plain", (
        b"node:\n  name: a\n  profile: lan\n"
        b"transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n"
    )
    yield "empty", b""
    yield "scalar", b"hello\n"
    yield "list", b"- a\n- b\n"
    yield "two_documents", b"node: {name: a}\n---\nnode: {name: b}\n"
    yield "aliases", b"a: &a [x]\nb: &b [*a, *a]\nnode: *b\n"
    yield "billion_laughs", b"a: &a [lol,lol,lol]\n" + b"".join(
        b"%c: &%c [*%c,*%c,*%c]\n" % (98 + i, 98 + i, 97 + i, 97 + i, 97 + i) for i in range(12))
    yield "deep", b"node: " + b"[" * 3000
    yield "deep_flow_map", b"{a: " * 2000
    yield "deep_block", b"".join(b" " * i + b"a:\n" for i in range(300))
    yield "bad_utf8", b"node:\n  name: \"\xff\xfe\x80\"\n"
    yield "nul", b"node:\n  name: a\0b\n"
    yield "utf16", "node: {name: a}\n".encode("utf-16")
    yield "tabs", b"node:\n\tname: a\n"
    yield "duplicates", b"node: {name: a, name: b}\nnode: {}\n"
    yield "unknown", b"nodes: {nam: a}\ngosip: {intervall: 1s}\n" * 3
    yield "numbers", (
        b"gossip: {interval: 99999999999999999999s, nodes: -1}\n"
        b"probe: {interval: 1e9, timeout: 0x10}\n"
    )
    yield "durations", (
        b"probe: {interval: 1m30s500ms, timeout: -1s}\n"
        b"gossip: {interval: 1.5s}\npush_pull: {interval: s}\n"
    )
    yield "sizes", b"limits: {max_members: 18446744073709551616, udp_buffer_size: 64KiBiB}\n"
    yield "tags", b"node: !!python/object:os.system {name: a}\nx: !foo bar\n"
    yield "long_key", b"k" * 5000 + b": 1\n"
    yield "long_value", b"node: {name: " + b"n" * 70000 + b"}\n"
    yield "keys_wrong", b"keyring: [ {base64: '!!!'}, {hex: abc}, {file: /nonexistent}, 7, {} ]\n"
    yield "pipeline_wrong", (
        b"pipeline: {send: [{use: nosuch}, {uses: lzw}, 3, {use: aes_gcm, keys: []}],"
        b" require: [x]}\n"
    )
    yield "short_forms", (
        b"enable_compression: true\nsecret_key: AAAA\n"
        b"gossip_verify_incoming: false\npipeline: {send: []}\n"
    )
    yield "delegates", b"delegates: [{use: log}, {use: log, channel: ''}, {use: [a]}, null]\n"
    yield "unclosed", b"node: {name: 'a\n"
    yield "anchors_only", b"&a &b *c : d\n"
    yield "comments", b"# " + b"x" * 3000 + b"\n#\n"
    yield "block_scalar", b"node:\n  name: |\n    a\n    b\n  meta: >-\n    x\n"


def write(target, shapes):
    folder = os.path.join(CORPUS, target)
    os.makedirs(folder, exist_ok=True)
    for old in os.listdir(folder):
        if not old.startswith("found_"):
            os.remove(os.path.join(folder, old))
    for name, data in shapes:
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)


def main():
    bodies = (PING, INDIRECT, ACK, SUSPECT, ALIVE, DEAD, NACK, ERR)
    wire = [(n, b) for n, b in vectors() if b[0] in bodies or b[0] == COMPOUND]
    wire += [("hostile_" + n, bytes([ALIVE]) + b) for n, b in hostile_maps()]
    wire += [("node_state", bytes([NODE_STATE]) + state("a")), ("push_pull_header", push_pull([])),
             ("user_header", bytes([USER]) + pack({"UserMsgLen": 5}))]
    write("wire", wire)
    write("packet", [("vector_" + n, records(b)) for n, b in vectors()] + list(hostile_packets()))
    streams = [(n, b) for n, b in vectors() if n.startswith(("pushpull", "stream", "ping"))] + list(
        hostile_streams()
    )
    write("stream", [(n, b"\1\0" + b) for n, b in streams] +
          [("reply_" + n, b"\0\x07" + b) for n, b in streams if len(b) < 400])
    write("lzw", [(n, b"\x09" + pack({"Algo": 0, "Buf": b})) for n, b in hostile_lzw()] +
          [("codes_" + n, b) for n, b in hostile_lzw() if len(b) < 20000] +
          [(n, b) for n, b in vectors() if b[0] == COMPRESS])
    layers = list(hostile_layers()) + [(n, b) for n, b in vectors() if len(b) < 300]
    write(
        "open",
        [
            ("%02x_%s" % (how, n), bytes([how, 7]) + b)
            for n, b in layers
            for how in (0x00, 0x03, 0x4C, 0x37)
        ]
        + [
            ("wrapped_%02x" % how, bytes([how, 0]) + push_pull([state("a"), state("b")], b"user"))
            for how in range(0, 128, 5)
        ],
    )
    write("config", hostile_configs())
    write("chain", readers.chains())
    write("keyfile", readers.key_files())
    write("texts", readers.words())
    write("channel", readers.channels())
    write("relay", readers.relays())
    write("dns", readers.answers())
    write("secret", readers.control_lines())
    write("control", readers.requests())
    write("node", [("vector_" + n, records(b)) for n, b in vectors() if len(b) < 600] +
          [(n, b) for n, b in hostile_packets() if len(b) < 1000] +
          [("chat", b"".join(b"\x80" + struct.pack(">H", len(m)) + m for m in readers.said()))])
    write("capture", readers.captures(list(vectors())))


if __name__ == "__main__":
    main()
