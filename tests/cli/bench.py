#!/usr/bin/env python3
"""`kith plugin bench`: what must hold on every machine. How fast is not judged here."""

import json
import os
import subprocess
import sys

KITH = os.environ["KITH"]
failures = passed = 0


def check(what, ok, detail=""):
    global failures, passed
    passed, failures = passed + bool(ok), failures + (not ok)
    if not ok:
        print("FAILED  %s: %s" % (what, detail))


def kith(*args):
    p = subprocess.run(
        [KITH, "plugin", "bench", *args], capture_output=True, text=True, timeout=300
    )
    return p.returncode, p.stdout, p.stderr


def figures(*args):
    code, out, err = kith(*args, "--format", "json")
    check("%s exits 0, quietly" % (args,), code == 0 and err == "", (code, err))
    all = json.loads(out)
    check("its name", all["codec"] == args[0], all)
    for f in all["figures"]:
        check(
            "times",
            isinstance(f["seal_ns"], int) and isinstance(f["open_ns"], int) and f["open_ns"] > 0,
            f,
        )
        check(
            "the ratio is that of the bytes",
            abs(f["ratio"] - f["bytes"] / f["sealed_bytes"]) < 1e-3,
            f,
        )
    return all["figures"]


SIZES = [64, 256, 1400, 65536, 10 << 20]
PLANES = ["packet"] * 3 + ["stream"] * 2

crc = figures("crc32")
check("packets only", [(f["bytes"], f["plane"]) for f in crc] == list(zip(SIZES, PLANES))[:3], crc)
check("a byte and four more", [f["sealed_bytes"] - f["bytes"] for f in crc] == [5, 5, 5], crc)

aes = figures("aes_gcm")
check("both planes", [(f["bytes"], f["plane"]) for f in aes] == list(zip(SIZES, PLANES)), aes)
check(
    "memberlist's overhead",
    [f["sealed_bytes"] - f["bytes"] for f in aes] == [29, 29, 29, 34, 34],
    aes,
)
check("nothing passes", not any(f["passed"] for f in aes), aes)

lzw = figures("lzw")
check("bigger messages shrink", all(f["ratio"] > 1.5 for f in lzw[2:]), lzw)

counts = [(f["seal_allocations"], f["open_allocations"]) for f in aes + crc + lzw]
if os.path.exists(os.path.join(os.environ["builddir"], "tools", ".libs", "kith-allocations.so")):
    check(
        "packets take no memory",
        all(f["seal_allocations"] == f["open_allocations"] == 0 for f in aes[:3] + crc + lzw[:3]),
        counts,
    )
    check(
        "streams do, and it is seen",
        all(f["open_allocations"] >= 1 for f in aes[3:] + lzw[3:]),
        counts,
    )
else:
    check("not counted", all(c == (None, None) for c in counts), counts)

low, high = figures("zstd", "--param", "level=1"), figures(
    "zstd", "--param=min_size=1400", "--param=level=15"
)
check("a parameter counts", high[3]["sealed_bytes"] < low[3]["sealed_bytes"], (low[3], high[3]))
check(
    "below min_size it passes",
    high[1]["passed"] and high[1]["sealed_bytes"] == 256 and not low[2]["passed"],
    high[1],
)

code, out, err = kith("crc32")
check(
    "a table",
    code == 0 and [line.split()[0] for line in out.splitlines()] == ["BYTES", "64", "256", "1400"],
    out,
)
check("an unknown codec", kith("nothing_like_it")[0] == 4)
check("an unknown parameter", kith("zstd", "--param", "nothing=1")[0] == 2)
check("a wrong value", kith("zstd", "--param", "level=many")[0] == 2)
check("no value", kith("zstd", "--param", "level")[0] == 2)
check("no codec", kith()[0] == 2)
print("%d checks passed, %d failed" % (passed, failures))
sys.exit(1 if failures else 0)
