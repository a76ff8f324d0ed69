#!/usr/bin/env python3
"""tests/bench/together.py N [SECONDS]: how many nodes one loop carries in real time.

`kith run --together` with N nodes of profile lan over loopback sockets, all of which join the first
one at once. Prints how long it took until the first and the last node knew all of them, what the
process cost and how big it is while nothing happens for SECONDS (30), and how often nodes suspected
each other, which should be never. Run it from the build folder, on a machine that is idle.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

KITH = os.environ.get("KITH", "./kith")
PATIENCE = "120s"


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def write_files(folder, n):
    """One file for each node; the first and the last have a control socket."""
    seed, files = free_port(), []
    for i in range(n):
        control = os.path.join(folder, "%d.sock" % i) if i in (0, n - 1) else ""
        files.append(os.path.join(folder, "n%d.yaml" % i))
        with open(files[-1], "w") as f:
            f.write("node: { name: n%d, control: '%s', log: { level: error } }\n" % (i, control))
            f.write("transport: { use: udp_tcp, bind: 127.0.0.1:%d }\n" % (0 if i else seed))
            f.write("join: [ 127.0.0.1:%d ]\n" % seed if i else "")
    return files


def ask(folder, i, *words):
    sock = os.path.join(folder, "%d.sock" % i)
    p = subprocess.run(
        [KITH, words[0], "--socket", sock, *words[1:]], capture_output=True, text=True
    )
    return p.stdout if p.returncode == 0 else None


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return [int(word) for word in f.read().split()]


def used(pid):
    """CPU seconds, and resident kB, of the process, or of the one that a wrapper started."""
    pid = (children(pid) or [pid])[0]
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    with open("/proc/%d/status" % pid) as f:
        kb = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), kb


def suspicions(folder):
    info = ask(folder, 0, "info", "--format", "json")
    stats = json.loads(info)["stats"] if info else []
    return sum(s["value"] for s in stats if s["name"] == "suspect_changes")


def measure(folder, n, seconds):
    began = time.time()
    p = subprocess.Popen([KITH, "run", "--together", *write_files(folder, n)])
    try:
        for i in (0, n - 1):
            wait = ("--wait", "alive=%d" % n, "--timeout", PATIENCE)
            met = ask(folder, i, "members", "--state", "dead", *wait) is not None
            how = "%.1f s" % (time.time() - began) if met else "never within " + PATIENCE
            print("node %d of %d knows all: %s, %.1f s CPU" % (i + 1, n, how, used(p.pid)[0]))
        before, then = used(p.pid)[0], time.time()
        time.sleep(seconds)
        (after, kb), took = used(p.pid), time.time() - then
        print("steady: %.1f %% of a core" % (100 * (after - before) / took), end=", ")
        print("%.3f ms a node and second" % (1000 * (after - before) / took / n), end=", ")
        print("%.0f kB a node" % (kb / n))
        print("suspicions that the first one saw: %d" % suspicions(folder))
    finally:
        for _ in range(2):  # leave, and at once
            p.send_signal(signal.SIGTERM)
        p.wait()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or not sys.argv[1].isdigit() or int(sys.argv[1]) < 2:
        sys.exit(__doc__)
    work = tempfile.mkdtemp(prefix="kith-together-")
    try:
        measure(work, int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 30)
    finally:
        shutil.rmtree(work, ignore_errors=True)
