#!/usr/bin/env python3
"""A node waits for nobody: whoever does not read, does not write, or has closed what is usually
there, the node runs, answers, and ends when it is told to.

Who waits here waits for ever, and the test's patience ends. Ports are the system's choice.
"""

import os
import resource
import shutil
import signal
import socket
import subprocess

from checks import DIR, ENV, KITH, check, running, tests

PROGRAM = os.path.join(os.environ["builddir"], "tools", "kith")  # without the shell before it
DENY = os.path.join(os.environ["builddir"], "tests", "cli", "deny")
PATIENCE = 60

OK, FAILED, USAGE, UNREACHABLE = range(4)


def kith(*args):
    """The exit code, what it said; whoever hangs has a code of its own."""
    try:
        p = subprocess.run(
            [KITH, *args], capture_output=True, text=True, env=ENV, timeout=PATIENCE
        )
        return p.returncode, p.stdout, p.stderr
    except subprocess.TimeoutExpired:
        return "hangs", "", ""


def expect(code, *args):
    got = kith(*args)
    check("kith %s exits %s" % (" ".join(args), code), got[0] == code, got)
    return got[1] + got[2]


def write(name, text, mode=0o600):
    path = os.path.join(DIR, name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def config(extra="", node=""):
    return write(
        "ada.yaml",
        "node: { name: ada, profile: local%s }\n"
        "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n%s" % (node, extra),
    )


def start(path, command=(), **more):
    """A node, up."""
    more.setdefault("stderr", subprocess.DEVNULL)
    more.setdefault("env", ENV)
    p = subprocess.Popen([*command, KITH, "run", path], stdin=subprocess.DEVNULL, **more)
    running.append(p)
    expect(OK, "members", "--wait", "alive=1", "--timeout", "30s")
    return p


def ends(what, p, by=signal.SIGTERM):
    p.send_signal(by)
    try:
        code = p.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        code = "runs on"
        p.kill()
    check("%s: a signal ends it" % what, code == OK, code)


def pour(fd):
    """Until it takes no more."""
    os.set_blocking(fd, False)
    try:
        while os.write(fd, b"." * 4096):
            pass
    except BlockingIOError:
        pass
    os.set_blocking(fd, True)


def read_until(fd, word):
    """What comes, up to and with the word."""
    text = b""
    while word not in text:
        part = os.read(fd, 65536)
        if not part:
            break
        text += part
    return text


def test_nobody_reads_the_log():
    reads, writes = os.pipe()
    pour(writes)
    p = start(config(), stderr=writes)
    config("gosip: { nodes: 3 }\nprobe: { intervall: 1s }\n")
    said = expect(USAGE, "reload")
    check("a reload says what is wrong", "gosip" in said and "intervall" in said, said)
    flags = os.get_blocking(writes)
    check("the pipe still blocks for others", flags)
    expect(OK, "members")
    text = read_until(reads, b"nothing changed")
    check("what was logged comes when it is read", b"gosip" in text, text[-999:])
    pour(writes)
    ends("a full pipe", p)
    os.close(reads)
    os.close(writes)


def test_nobody_reads_the_notify_socket():
    path = os.path.join(DIR, "notify")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(path)
    manager.settimeout(PATIENCE)

    def fill():
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.setblocking(False)
        try:
            while True:
                s.sendto(b"full", path)
        except BlockingIOError:
            s.close()

    def hear():
        """The next that is not ours."""
        try:
            while (text := manager.recv(4096)) == b"full":
                pass
        except socket.timeout:
            return b"nothing"
        return text

    fill()
    p = start(config(), env=dict(ENV, NOTIFY_SOCKET=path))
    check("ready is told when there is room", hear() == b"READY=1\n")
    fill()
    p.send_signal(signal.SIGHUP)
    expect(OK, "reload")  # after the one that the signal asked for, or before
    expect(OK, "members")
    check("a reload is told when there is room", hear().startswith(b"RELOADING=1\n"))
    check("and its end", hear() == b"READY=1\n")
    fill()
    ends("a full notify socket", p)
    manager.close()


def test_without_standard_descriptors():
    p = start(config(), command=("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"), stderr=None)
    for fd in range(3):
        to = os.readlink("/proc/%d/fd/%d" % (p.pid, fd))
        check("descriptor %d leads to /dev/null" % fd, to == "/dev/null", to)
    expect(OK, "reload")  # which it logs
    # Its socket would get the number of stdout, and what it prints would go to the node.
    said = subprocess.run(
        ["sh", "-c", '"$0" members >&-', KITH], env=ENV, capture_output=True, timeout=PATIENCE
    )
    check("who can't print says so", said.returncode == FAILED, said)
    ends("no standard descriptors", p)


def outcome(path, command=(), prepare=None):
    """Of a start that may fail: "up" and ended, or the code and what it said."""
    p = subprocess.Popen(
        [*command, PROGRAM, "run", path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=ENV,
        preexec_fn=prepare,
    )
    running.append(p)
    said = b""
    while b"listening on" not in said and (part := os.read(p.stderr.fileno(), 4096)):
        said += part
    if b"listening on" in said and p.poll() is None:
        p.send_signal(signal.SIGTERM)
    said += p.communicate(timeout=PATIENCE)[1]
    return p.returncode, said.decode()


def test_few_descriptors():
    """From none beside the usual three to more than it takes: it runs, or says what it lacks. The
    dynamic linker needs one, and ends the program with 127 without it."""
    path = config("delegates: [ { use: log, to: %s/events } ]\n" % DIR)
    up = 0
    for limit in range(3, 41):
        code, said = outcome(
            path, prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        )
        up += code == OK
        fine = code in (FAILED, USAGE) and "open files" in said or code == 127 and limit == 3
        check("%d descriptors: exit %s" % (limit, code), code == OK or fine, said)
    check("some of them are enough", 10 < up < 38, up)


def test_denied_calls():
    for call in ("eventfd2", "epoll_create1", "epoll_ctl", "pipe2"):
        for why, words in (("ENOSYS", "not implemented"), ("EPERM", "not permitted")):
            code, said = outcome(config(), command=(DENY, "%s=%s" % (call, why)))
            if code == 77:
                print("%s; skipped" % said.strip())
                return
            check("%s denied" % call, code == FAILED and words in said, (code, said))


class Pipe:
    """In the place of a file: a FIFO, whose writer says nothing."""

    def __init__(self, path, writer):
        self.path = path
        os.rename(path, path + ".plain")
        os.mkfifo(path, 0o600)
        self.writer = os.open(path, os.O_RDWR) if writer else None

    def __enter__(self):
        return self

    def __exit__(self, *what):
        if self.writer:
            os.close(self.writer)
        os.rename(self.path + ".plain", self.path)


def test_pipes_in_the_place_of_files():
    """A reload says which and why; the node goes on as it was."""
    key = write("key", "MDEyMzQ1Njc4OWFiY2RlZg==\n")
    meta = write("meta", "m")
    plugin = os.path.join(DIR, "log.so")
    shutil.copy(os.path.join(os.environ["builddir"], "plugins/delegates/.libs/log.so"), plugin)
    os.chmod(plugin, 0o700)
    text = "keyring: [ { file: %s } ]\ndelegates: [ { use: %s, level: %%s } ]\n" % (key, plugin)
    path = config(text % "info", node=", meta: { file: %s }" % meta)
    p = start(path)
    for writer in (False, True):
        for file in (key, meta, path):
            with Pipe(file, writer):
                said = expect(USAGE, "reload")
                check("it is named: " + file, file in said and "it is a pipe" in said, said)
    other = os.path.join(DIR, "other.so")
    os.mkfifo(other, 0o700)
    config(text.replace(plugin, other) % "info", node=", meta: { file: %s }" % meta)
    said = expect(USAGE, "reload")
    check("it is named: " + other, other in said and "no plain file" in said, said)
    config('pipeline: { send: [ { use: zstd, dictionary: %s } ] }\n' % other)
    said = kith("reload")
    check("no plain file", said[0] != OK and other in said[2] and "no plain file" in said[2], said)
    config(text % "warn", node=", meta: { file: %s }" % meta)
    check("plain files again", "level" in expect(OK, "reload"))
    ends("pipes", p)


def test_a_pipe_as_log():
    fifo = os.path.join(DIR, "fifo")
    os.mkfifo(fifo, 0o600)
    p = start(config(node=", log: { to: file, file: %s, level: debug }" % fifo))
    reader = os.open(fifo, os.O_RDONLY)
    check("a reader may come later", b"listening on" in read_until(reader, b"listening on"))
    os.close(reader)
    expect(OK, "reload")
    ends("a FIFO as log", p)


tests(globals())
