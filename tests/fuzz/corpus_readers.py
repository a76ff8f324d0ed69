"""Shapes for the targets that read files, texts and lines: captures, answers of DNS, key files,
words, channels, chains, control lines. Each yields (name, bytes) in the form its target reads."""

import base64
import json
import struct

RING = [bytes(range(first, first + size)) for first, size in ((0, 16), (1, 24), (2, 32))]


# ------------------------------------------------------------------------------------- captures

def ip4(protocol, payload, fragment=0, total=None):
    size = 20 + len(payload) if total is None else total
    return struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, size, 1, fragment, 64, protocol, 0, b"\x7f\0\0\1", b"\x7f\0\0\2"
    ) + payload


def ip6(protocol, payload):
    return struct.pack(">IHBB16s16s", 6 << 28, len(payload), protocol, 64, bytes(15) + b"\1",
                       bytes(15) + b"\2") + payload


def udp(data, sport=1000, dport=2000):
    return struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data


def tcp(seq, flags, data=b"", sport=3000, dport=2000, head=5):
    return struct.pack(">HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, 0, head << 4, flags, 1000, 0,
                       0) + data


def ethernet(packet, kind=0x0800):
    return bytes(12) + struct.pack(">H", kind) + packet


def pcap(frames, order="<", magic=0xA1B2C3D4, link=1, lens=None):
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65536, link)
    for i, f in enumerate(frames):
        n = lens[i] if lens else len(f)
        out += struct.pack(order + "IIII", 1700000000 + i, 250000, n, n) + f
    return out


def block(order, kind, body, size=None):
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12 if size is None else size)
    return struct.pack(order + "I", kind) + size + body + size


def section(order):
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order, link, options=b""):
    return block(order, 1, struct.pack(order + "HHI", link, 0, 0) + options)


def packet_block(order, number, frame, at=1700000000250000, claimed=None):
    n = len(frame) if claimed is None else claimed
    return block(order, 6, struct.pack(order + "IIIII", number, at >> 32, at & 0xFFFFFFFF, n, n) +
                 frame)


def captures(vectors):
    raw = dict(vectors)
    ping, ask, answer = raw["label_ping"], raw["pushpull_enc_v1"], raw["pushpull_compressed"]
    start = 0xFFFFFFF0  # sequence numbers go round
    segments = [
        tcp(start - 1, 2),
        tcp(99, 0x12, sport=2000, dport=3000),
        tcp(start + 50, 16, ask[50:]),
        tcp(start, 16, ask[:60]),
        tcp(start, 16, ask[:10]),
        tcp(100, 16, answer, sport=2000, dport=3000),
    ]
    frames = [ethernet(ip4(17, udp(ping)))] + [ethernet(ip4(6, s)) for s in segments]
    yield "pcap", pcap(frames)
    yield "pcap_swapped_ns", pcap(frames, ">", 0xA1B23C4D)
    yield "pcap_long_frame", pcap(frames[:2], lens=[len(frames[0]), 1 << 31])
    yield "pcap_empty_frames", pcap([b""] * 5)
    yield "another_link", pcap(frames, link=147)
    for link, head in ((0, 4), (101, 0), (108, 4), (113, 16), (228, 0), (229, 0), (276, 20)):
        yield "link_%d" % link, pcap(
            [bytes(head) + p for p in (ip4(17, udp(ping)), ip6(17, udp(ping)))], link=link
        )
    yield "odd_ip", pcap([
        ethernet(p)
        for p in (
            ip4(17, udp(ping), fragment=0x2000),
            ip4(17, udp(ping), total=65535),
            ip4(17, udp(ping), total=19),
            ip4(17, b"\0" * 7),
            ip4(1, b"ping"),
            b"\x4f" + ip4(17, udp(ping))[1:],
            b"\x41" + ip4(17, udp(ping))[1:],
            ip6(17, udp(ping))[:39],
            ip6(0, udp(ping)),
        )
    ])
    yield "vlan", pcap([ethernet(b"\0\1\x08\0" + ip4(17, udp(ping)), 0x8100)])
    yield "odd_tcp", pcap([
        ethernet(ip4(6, s))
        for s in (
            tcp(1, 16, b"late"),
            tcp(1, 16, b"x", head=15),
            tcp(1, 16, b"x", head=4),
            tcp(0x80000000, 16, b"far"),
            tcp(7, 2),
            tcp(8, 16, ask),
            tcp(4000, 2),
            tcp(4001, 16, ask[:30]),
            tcp(4040, 16, ask[40:]),
            tcp(4001, 17, b""),
        )
    ])
    yield "packets", pcap([ethernet(ip4(17, udp(b))) for _, b in vectors if len(b) < 300])
    for order, name in (("<", "little"), (">", "big")):
        nano = struct.pack(order + "HHBxxxHHqHH", 9, 1, 9, 14, 8, -5, 0, 0)
        yield "pcapng_" + name, b"".join([
            section(order),
            interface(order, 1),
            interface(order, 101, nano),
            block(order, 5, b"statistics, of any length!!"),
            block(order, 0x80000001, b""),
            packet_block(order, 0, frames[0]),
            packet_block(order, 1, ip4(17, udp(ping)), 1700000000250000000),
            block(order, 3, struct.pack(order + "I", len(frames[0])) + frames[0]),
            block(order, 2, struct.pack(order + "HHIIII", 0, 0, 0, 0, len(frames[0]),
                                        len(frames[0])) + frames[0]),
            section(">" if order == "<" else "<"),
        ])
    yield "pcapng_lies", b"".join([
        section("<"),
        interface("<", 1, struct.pack("<HHBxxx", 9, 1, 0xFF)),
        interface("<", 1, struct.pack("<HH", 9, 65535)),
        packet_block("<", 0, frames[0], claimed=1 << 31),
        packet_block("<", 9, frames[0]),
    ])
    yield "pcapng_no_interface", section("<") + packet_block("<", 0, frames[0])
    yield "pcapng_short_block", section("<") + block("<", 6, b"", size=8)
    yield "pcapng_huge_block", section("<") + block("<", 6, b"", size=0xFFFFFFFC)
    yield "neither", b"no capture at all, but long enough"
    yield "empty", b""


# ------------------------------------------------------------------------------------------ DNS

def dns_name(*labels):
    return b"".join(bytes([len(x)]) + x for x in labels) + b"\0"


def record(kind, data, name=b"\xc0\x0c", cls=1, length=None):
    n = len(data) if length is None else length
    return name + struct.pack(">HHIH", kind, cls, 60, n) + data


def reply(records, answers=None, question=dns_name(b"kith", b"test")):
    n = len(records) if answers is None else answers
    return struct.pack(">HHHHHH", 7, 0x8180, 1, n, 0, 0) + question + struct.pack(">HH", 1, 1) + \
        b"".join(records)


def answers():
    a, aaaa, srv = 1, 28, 33
    shapes = {
        "addresses": [record(a, b"\x7f\0\0\1"), record(aaaa, bytes(15) + b"\1")],
        "targets": [
            record(srv, struct.pack(">HHH", 1, 2, 7946) + dns_name(b"n1", b"test")),
            record(srv, struct.pack(">HHH", 1, 2, 7946) + b"\xc0\x0c"),
            record(srv, struct.pack(">HHH", 1, 2, 7946) + b"\0"),
        ],
        "alias": [record(5, dns_name(b"x")), record(a, b"\1\2\3\4", dns_name(b"x"))],
        "odd_lengths": [
            record(a, b"\1\2\3"),
            record(aaaa, b"\1\2\3\4"),
            record(srv, b"\0" * 6),
            record(a, b""),
        ],
        "other_class": [record(a, b"\1\2\3\4", cls=3)],
        "length_lies": [record(a, b"\1\2\3\4", length=65535)],
        "pointer_to_itself": [record(srv, b"\0" * 6 + b"\xc0\x29")],
        "pointer_ahead": [record(srv, b"\0" * 6 + b"\xc0\xff")],
        "odd_bytes_in_a_name": [record(srv, b"\0" * 6 + dns_name(b"a\0b", b"\xff\x1b[2J", b"\\."))],
        "longest_name": [record(srv, b"\0" * 6 + dns_name(*[b"\xff" * 61] * 4))],
        "label_type": [record(srv, b"\0" * 6 + b"\x41x")],
    }
    for name, records in shapes.items():
        yield name, b"\0" + reply(records)
    yield "counts_lie", b"\0" + reply([], answers=65535)
    yield "many", b"\0" + reply([record(a, struct.pack(">I", i)) for i in range(500)])
    yield "header_only", b"\0" + reply([])[:12]
    for name, text in (
        ("plain", "# resolv\nnameserver 127.0.0.1\nnameserver ::1\noptions ndots:5\n"),
        ("with_port", "nameserver 10.0.0.1:5353\n"),
        ("v6_with_port", " nameserver\t[fe80::1]:53 # x\n"),
        ("a_name", "nameserver localhost\nnameserver 8.8.8.8"),
        ("scope", "nameserver fe80::1%eth0\nnameserver [::1\nnameserver ]::1[:1\n"),
        ("long", "nameserver " + "1" * 400 + "\nnameserver 9.9.9.9\n"),
        ("no_end", "nameserver 1.2.3.4:99999\nnameserver 1.2.3.4:0"),
        ("nul", "name\0server 1.2.3.4\nnameserver 4.3.2.1\n"),
    ):
        yield "resolv_" + name, b"\1" + text.encode()


# ------------------------------------------------------------------------------------ key files

def key_files():
    for key in RING:
        yield "raw_%d" % len(key), key
        yield "hex_%d" % len(key), key.hex().encode() + b"\n"
        yield "base64_%d" % len(key), base64.b64encode(key) + b"\n"
    ring = [base64.b64encode(k).decode() for k in RING]
    yield "serf", json.dumps(ring, indent=2).encode() + b"\n"
    yield "serf_one", json.dumps(ring[:1]).encode()
    yield "serf_twice", json.dumps(ring + ring).encode()
    yield "serf_empty", b"[]"
    yield "serf_wrong", json.dumps(ring + ["x"]).encode()
    yield "serf_numbers", b"[1, null, {}]"
    yield "serf_cut", json.dumps(ring).encode()[:-9]
    yield "serf_many", json.dumps(
        [base64.b64encode(struct.pack(">IIII", i, 1, 2, 3)).decode() for i in range(300)]
    ).encode()
    yield "no_padding", base64.b64encode(RING[0]).rstrip(b"=")
    yield "upper_hex", RING[1].hex().upper().encode()
    yield "raw_with_line_end", RING[2] + b"\n"
    yield "raw_white", b" \t\r\n" * 4
    yield "raw_bracket", b"[" * 16
    yield "blank", b"\n\n"
    yield "empty", b""
    yield "too_long", b"A" * 70000
    yield "bad", b"not a key at all"[:15]
    # Bytes of a raw key that are the text of a shorter one.
    for name, key in ("hex_digits", RING[0].hex().encode()), ("base64", base64.b64encode(RING[0])):
        yield "serf_of_" + name, json.dumps([base64.b64encode(key).decode()]).encode()


# ---------------------------------------------------------------------------------------- words

DURATION, SIZE, DIGITS, NETWORK, PLACE, KEY, NAME, WRITTEN, TAGS, MADE = range(10)


def words():
    for kind, texts in {
        DURATION: "0|1s|1m30s500ms|1.5h|0.000000001s|18446744073709551615ns|18446744073709551616ns|"
        "5124095h|5124096h|1us|1\u00b5s|.5s|1.s|s|-1s|1s |1h1h|0s0ms|1.9999999999ns",
        SIZE: "0|1400|64KiB|1.5MiB|16777216GiB|17179869183GiB|17179869184GiB|18446744073709551615|"
        "18446744073709551616|1B|0.1KiB|1KiB1B|KiB|1kib",
        DIGITS: "0|007|18446744073709551615|18446744073709551616|1a|x",
        NETWORK: "0.0.0.0/0|10.1.2.3/8|1.2.3.4/32|1.2.3.4/33|1.2.3.4/08|::/0|fd00::1/8|::1/128|"
        "::ffff:1.2.3.4/120|1.2.3.4|1.2.3/8|/8|1.2.3.4/|1.2.3.4/ 8",
        PLACE: "host|host:1|[::1]:7946|::1|[::1]|n1/10.0.0.1:7946|a/b/c|/x|x/|[[x]]:1|x]:2|[x|]:1|"
        "a:b:c|host:65536|host:00001|:1|[]:1|a]b:3|[a]b]:4",
        KEY: "AAECAwQFBgcICQoLDA0ODw==|000102030405060708090a0b0c0d0e0f|sixteen raw byte|"
        " AAECAwQFBgcICQoLDA0ODw== |AAECAwQFBgcICQoLDA0ODw|0123456789abcdef0123456789abcdef",
        WRITTEN: "plain|a\\\\b|\\x1b[2J|\\x1|\\|\\xzz|\\n|\\xff\\xFF|x\\\\x41",
    }.items():
        for i, text in enumerate(texts.split("|")):
            yield "%d_%02d" % (kind, i), bytes([kind]) + text.encode()
    for i, name in enumerate((
        b"", b"node-1", b"\\", b"\\x41", b"\x1b[31m", b"a\nb", "\u2603\u200b\u202e\u00ad".encode(),
        b"\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80", b"\xe2\x98", "\U000e0041\U0001f600".encode(),
        bytes(range(256)),
    )):
        yield "%d_%02d" % (NAME, i), bytes([NAME]) + name
    for name, meta in (
        ("two", b"\xff\x82\xa4role\xa3web\xa2dc\xa0"),
        ("none", b"\xff\x80"),
        ("raw8", b"\xff\x81\xd9\x01a\xd9\x02bc"),
        ("raw32", b"\xff\x81\xdb\0\0\0\x01a\xda\0\x02bc"),
        ("map16", b"\xff\xde\0\x01\xa1a\xa1b"),
        ("map32_lies", b"\xff\xdf\xff\xff\xff\xff\xa1a\xa1b"),
        ("raw_lies", b"\xff\x81\xdb\xff\xff\xff\xffa"),
        ("more_behind", b"\xff\x81\xa1a\xa1bx"),
        ("no_name", b"\xff\x81\xa0\xa1b"),
        ("number", b"\xff\x81\xa1a\x07"),
        ("twice", b"\xff\x82\xa1a\xa1b\xa1a\xa1c"),
    ):
        yield "%d_%s" % (TAGS, name), bytes([TAGS]) + meta
    pair = struct.pack(">H", 4) + b"role" + struct.pack(">H", 3) + b"web"
    yield "%d_pairs" % MADE, bytes([MADE]) + pair * 3
    yield "%d_long" % MADE, bytes([MADE]) + struct.pack(">H", 1) + b"k" + struct.pack(">H", 400) + \
        bytes(400)


# ------------------------------------------------------------------------------------- channels

MAGIC, FOOT = b"\xf2kc1", b"kcs1"
MESSAGE, STATE, MADE_STATE, IDS = range(4)


def channel_message(name, body, kind=0, flags=0, sender=b"node-1", size=None):
    out = MAGIC + bytes([kind, flags]) + struct.pack(">Q", 0x1234) + bytes([len(name)]) + name
    return out + (size or bytes([len(sender)])) + sender + body


def channel_state(raw, pieces, size=None):
    body = b"".join(bytes([len(n)]) + n + struct.pack(">I", len(b)) + b for n, b in pieces)
    total = 7 + len(body) + 8 if size is None else size
    rest = total - 7
    varint = bytes((rest >> 7 * i & 0x7F) | (0x80 if i < 4 else 0) for i in range(5))
    return raw + MAGIC[:2] + varint + body + struct.pack(">I", total) + FOOT


def channels():
    m = bytes([MESSAGE])
    yield "direct", m + channel_message(b"chat", b"hello")
    yield "nobody", m + channel_message(b"chat", b"", sender=b"")
    yield "sender_long", m + channel_message(b"chat", b"x", sender=b"s" * 200, size=b"\xc8\1")
    yield "sender_lies", m + channel_message(b"chat", b"x", size=b"\xff\xff\3")
    yield "sender_endless", m + channel_message(b"chat", b"x", size=b"\xff" * 9)
    yield "kind", m + channel_message(b"chat", b"hello", kind=2)
    yield "flag", m + channel_message(b"chat", b"hello", flags=0x10)
    yield "flag_ignored", m + channel_message(b"chat", b"hello", flags=0x0F)
    yield "no_name", m + channel_message(b"", b"hello")
    yield "long_name", m + channel_message(b"n" * 64, b"hello")
    yield "other", m + b"hello, this is none of them"
    s = bytes([STATE])
    pieces = [(b"chat", b"state"), (b"\0", b"node-1"), (b"x" * 63, b"")]
    yield "state", s + channel_state(b"raw", pieces)
    yield "state_empty", s + channel_state(b"", [])
    yield "state_raw", s + b"raw only"
    yield "state_size_lies", s + channel_state(b"raw", pieces, size=1 << 31)
    yield "state_size_small", s + channel_state(b"raw", pieces, size=14)
    yield "state_piece_lies", s + channel_state(b"", [])[:7] + b"\1a\xff\xff\xff\xff" + FOOT
    yield "state_within", s + channel_state(channel_state(b"raw", pieces), pieces)
    field = struct.pack(">H", 4) + b"text"
    yield "made", bytes([MADE_STATE]) + field * 7
    yield "made_short", bytes([MADE_STATE]) + field
    yield "ids", bytes([IDS]) + b"".join(
        struct.pack(">QB", first, 255) for first in (0, 1 << 63, (1 << 64) - 5, 2000)
    )


# ---------------------------------------------------------------------------------------- relay

def relays():
    """Records of fuzz_relay.c: what happens, then its numbers."""
    numbered, have, ask, gone, pause, ours, raw = range(7)
    near, far = 0, 1 | 4 * 20

    def say(number, life=0, who=0, reach=near):
        return bytes([numbered, who, life, number, reach, 0, 3, 9])

    def say_list(kind, *entries):
        out = bytes([kind, len(entries) - 1])
        return out + b"".join(bytes([life, a, near, b, near]) for life, a, b in entries)

    wait = bytes([pause, 50])
    yield "in_order", b"".join(say(n) for n in range(1, 20))
    yield "holes", b"".join(say(n) for n in (1, 5, 3, 9, 2, 4)) + wait * 20
    yield "far", say(1) + say(7, reach=far) + wait * 50
    yield "forged_self", say(1, who=4) + bytes([ours, 10, near, 3]) + say(2, who=4)
    yield "lives", b"".join(say(1, life) for life in range(8))
    yield "have", say(1) + say_list(have, (0, 9, 0), (3, 9, 0)) + wait * 40
    yield "gone", say(1) + say(9) + wait + say_list(gone, (0, 8, 10)) + wait * 9 + say(8)
    yield "ask", b"".join(say(n) for n in range(1, 9)) + say_list(ask, (0, 1, 100))
    yield "ours", b"".join(bytes([ours, 255, near, 4]) for _ in range(30)) + wait * 9
    yield "raw", bytes([raw, 0, 4]) + b"\x03\0ab" + bytes([raw, 0, 3]) + b"\x02\x10x"


# --------------------------------------------------------------------------------------- chains

def chains():
    lzw, zstd, lz4, crc32, blake2b, aes, xchacha = range(7)
    text = b"\x08memberlist-" * 40
    for name, order in (
        ("none", []),
        ("usual", [lzw, crc32, aes]),
        ("all", [lzw, zstd, lz4, crc32, blake2b, xchacha, aes]),
        ("eight", [lzw, zstd, lz4, lzw, crc32, blake2b, xchacha, aes]),
        ("eight_ciphers", [xchacha] * 8),
        ("eight_checks", [crc32] * 8),
        ("packed_outside", [blake2b, lz4, zstd]),
        ("again", [lzw] * 8),
    ):
        halves = (order + [15] * 8)[:8]
        chain = bytes(halves[i] | halves[i + 1] << 4 for i in range(0, 8, 2))
        for how in (0, 1, 3, 4, 5):
            yield "%s_%d" % (name, how), chain + bytes([how, 0, 0]) + text
            yield "%s_%d_harmed" % (name, how), chain + bytes([how, 40, 1]) + text


# -------------------------------------------------------------------------------- control lines

def control_lines():
    for name, line in (
        ("install", '{"cmd":"keys","do":"install","key":"AAECAwQFBgcICQoLDA0ODw=="}'),
        ("spaces", ' { "key" : "AAECAwQF" , "x":{"key":"y"}, "n":[1,"cmd"], "cmd" : "keys" } '),
        ("escaped", '{"c\\u006dd":"ke\\u0079s","k\\u0065y":"\\u0041AEC\\/w=="}'),
        ("other_command", '{"cmd":"broadcast","key":"topic","text":"keys"}'),
        ("no_text", '{"cmd":"keys","key":["AAEC"]}'),
        ("number", '{"cmd":"keys","key":7,"x":"y"}'),
        ("twice", '{"cmd":"keys","key":"AAEC","key":"BBBB"}'),
        ("quote_in_it", '{"cmd":"meta","key":"\\"","cmd":"keys"}'),
        ("backslash_at_the_end", '{"cmd":"keys","key":"AAEC\\'),
        ("long", '{"cmd":"keys","key":"' + "A" * 200 + '"}'),
        ("empty_key", '{"key":"","cmd":"keys"}'),
        ("nested", '{"a":{"cmd":"keys"},"cmd":"meta","key":"x"}'),
        ("deep", '{"a":' + "[" * 100 + "]" * 100 + ',"cmd":"keys","key":"x"}'),
        ("unbalanced", ']]}{"cmd":"keys","key":"x"}'),
        ("no_object", '["cmd","keys","key","x"]'),
        ("nul", '{"cmd":"keys\\u0000","key":"x"}'),
        ("not_ascii", '{"cmd":"keys","key":"\u2603\\u2603"}'),
        ("name_like_a_value", '{"keys":"cmd","cmd":"keys","key":"key"}'),
        ("empty", ""),
    ):
        yield name, line.encode()


def requests():
    shapes = {
        "members": ['{"cmd":"members"}', '{"cmd":"members","wait":{"what":"alive","count":2}}'],
        "waits": [
            '{"cmd":"members","wait":{"what":"dead","count":1,"exactly":true},"timeout":3}',
            '{"cmd":"info","wait":{"what":"monitors","count":1},"timeout":0.5}',
            '{"cmd":"info","wait":{"what":"monitors","count":-1}}',
        ],
        "info": ['{"cmd":"info","id":{"a":[1,null]}}'],
        "keys": [
            '{"cmd":"keys","do":"list"}',
            '{"cmd":"keys","do":"install","key":"EBESExQVFhcYGRobHB0eHw=="}',
            '{"cmd":"keys","do":"use","fingerprint":"x","key":"EBESExQVFhcYGRobHB0eHw=="}',
            '{"cmd":"keys","do":"remove","key":"AAECAwQFBgcICQoLDA0ODw=="}',
        ],
        "say": [
            '{"cmd":"send","name":"a\\\\\\\\\\\\x1b","text":"hello"}',
            '{"cmd":"send","address":"nobody","payload":"aGVsbG8=","reliable":true}',
            '{"cmd":"broadcast","text":"x","key":"t","priority":4294967295,"raw":true}',
            '{"cmd":"broadcast","text":"x","channel":"chat"}',
            '{"cmd":"ping","node":"self"}',
        ],
        "meta": ['{"cmd":"meta","tags":["role=web","dc="]}', '{"cmd":"meta"}',
                 '{"cmd":"meta","payload":"/w=="}', '{"cmd":"meta","tags":["=x"]}'],
        "join": ['{"cmd":"join","where":["a","b/a","*",""]}', '{"cmd":"join"}'],
        "monitor": ['{"cmd":"monitor","wire":true,"log_level":"debug"}',
                    '{"cmd":"broadcast","text":"x"}'],
        "entry": ['{"cmd":"command","entry":"loopback","words":["help"]}',
                  '{"cmd":"command","entry":"lzw","words":[],"json":true}'],
        "reload": ['{"cmd":"reload"}'],
        "leave": ['{"cmd":"leave","timeout":1}', '{"cmd":"members"}'],
        "stop": ['{"cmd":"leave","stop":true}', '{"cmd":"members"}'],
        "wrong": ["{}", "[]", '{"cmd":7}', "\u2603", '{"cmd":"members","cmd":"info"}', "", '{"a":'],
    }
    for name, lines in shapes.items():
        for last in (0, 1):
            yield "%s_%d" % (name, last), bytes([last]) + "".join(x + "\n" for x in lines).encode()


def said():
    """To a channel, as fuzz_node.c reads it: kind, hops, id, a sender's name and a text."""
    for kind, hops, number, words in (
        (1, 3, 1, b"ahello"),
        (1, 3, 1, b"ahello"),
        (0, 0, 4, b"selfdirect"),
        (1, 255, 2, b"\x1b[\x1b[2J\n"),
        (1, 1, 7, b"nobody"),
        (1, 0, 0, b""),
    ):
        yield bytes([kind, hops, number]) + words
