"""What the interop tests stand on: processes that end with the test, events instead of sleeps, free
ports.

A test is a function whose name begins with test_; it gets a fresh Lab, which owns a folder and
every process it starts. Peers that are not installed are a named skip, or a failure when
KITH_INTEROP=require (as in CI); KITH_INTEROP=skip leaves all out.
"""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

KITH = os.environ.get("KITH", "kith")
HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("builddir", os.path.dirname(os.path.dirname(HERE)))
PEERS = os.path.join(BUILD, "tests", "interop", "peers")     # programs: see build-peers

# big_state.c: a delegate that gives 70,000 bytes of state, or `text`, and says what it merged.
BIG_STATE = os.path.join(BUILD, "tests", "interop", ".libs", "big_state.so")

PATIENCE = 60.0  # seconds until an expected event counts as missing


class Skip(Exception):
    pass


class Failed(AssertionError):
    pass


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def unb64(text):
    return base64.b64decode(text or "")


def free_port(host="127.0.0.1"):
    """A port that is free for both TCP and UDP right now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        with socket.socket(family, socket.SOCK_STREAM) as tcp, socket.socket(
            family, socket.SOCK_DGRAM
        ) as udp:
            tcp.bind((host, 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind((host, port))
                return port
            except OSError:
                continue


def hostport(host, port):
    return "[%s]:%d" % (host, port) if ":" in host else "%s:%d" % (host, port)


def need(program):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not path:
        raise Skip("%s is not installed" % program)
    return path


def wait_until(what, check, patience=PATIENCE, pace=0.1):
    """Ask a foreign program until it says what we wait for: it has no other way to tell us."""
    end = time.monotonic() + patience
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed("not within %gs: %s" % (patience, what() if callable(what) else what))
        time.sleep(pace)


class Process:
    """A child whose stdout and stderr lines are kept, and can be waited for.

    hear(stream, line) is told each as it comes, from another thread; stream is "out" or "err"."""

    def __init__(self, lab, label, argv, env=None, stdin=False, hear=None):
        self.label, self.lines, self.hear = label, [], hear
        self.lock = threading.Condition()
        self.proc = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(os.environ, **(env or {})),
            cwd=lab.dir,
        )
        for stream, name in ((self.proc.stdout, "out"), (self.proc.stderr, "err")):
            threading.Thread(target=self._read, args=(stream, name), daemon=True).start()
        lab.processes.append(self)

    def _read(self, stream, name):
        for raw in stream:
            with self.lock:
                line = raw.decode("utf-8", "replace").rstrip("\n")
                self.lines.append((name, line))
                self.lock.notify_all()
            if self.hear:
                self.hear(name, line)
        with self.lock:
            self.lock.notify_all()

    def wait_line(self, wanted, patience=PATIENCE, stream=None, start=0):
        """The first line from `start` on that contains wanted (or for which it is true)."""
        match = wanted if callable(wanted) else lambda line: wanted in line
        end, at = time.monotonic() + patience, start
        with self.lock:
            while True:
                while at < len(self.lines):
                    name, line = self.lines[at]
                    at += 1
                    if (stream is None or stream == name) and match(line):
                        return line
                left = end - time.monotonic()
                if left <= 0 or (
                    self.proc.poll() is not None and at >= len(self.lines) and left < end - 1
                ):
                    raise Failed(
                        "%s never said %s\n%s"
                        % (self.label, wanted if isinstance(wanted, str) else "it", self.tail())
                    )
                self.lock.wait(min(left, 0.5))

    def wait_event(self, match, patience=PATIENCE, start=0):
        """The first JSON line on stdout for which match(object) is true."""
        found = []

        def check(line):
            try:
                event = json.loads(line)
            except ValueError:
                return False
            if isinstance(event, dict) and match(event):
                found.append(event)
                return True
            return False

        self.wait_line(check, patience, "out", start)
        return found[0]

    def mark(self):
        with self.lock:
            return len(self.lines)

    def tail(self, n=25):
        with self.lock:
            return "\n".join("    %s| %s" % (self.label, line) for _, line in self.lines[-n:])

    def said(self, text):
        with self.lock:
            return any(text in line for _, line in self.lines)

    def complaints(self, start=0):
        """Warnings and errors of a Go program, but for those about members that were slow."""
        slow = ("Refuting a", "Was able to connect to", "Failed fallback")
        odd = ("[WARN]", "[ERR]", "unknown", "Failed to", "Unsupported", "Invalid")
        with self.lock:
            lines = [line for _, line in self.lines[start:]]
        return [x for x in lines if any(o in x for o in odd) and not any(s in x for s in slow)]

    def signal(self, number):
        self.proc.send_signal(number)

    def kill(self):
        self.proc.kill()
        self.proc.wait()

    def wait_exit(self, patience=PATIENCE):
        try:
            return self.proc.wait(patience)
        except subprocess.TimeoutExpired:
            raise Failed("%s does not end\n%s" % (self.label, self.tail()))

    def close(self):
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGCONT)
            self.proc.kill()
        self.proc.wait()


class Control:
    """A connection to a node's control socket (docs/CONTROL.md): JSON lines out, JSON lines in;
    never blocks on reading."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.waiting = 0         # requests that have no answer yet
        self.rest = b""

    def fileno(self):
        return self.socket.fileno()

    def request(self, cmd, **fields):
        self.socket.sendall(json.dumps(dict(fields, cmd=cmd)).encode() + b"\n")
        self.waiting += 1

    def read(self):
        """What has come, as objects; None when the node has closed the connection."""
        data = self.socket.recv(1 << 16)
        if not data:
            return None
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        found = [json.loads(line) for line in lines]
        self.waiting -= sum("ok" in o for o in found)
        return found

    def close(self):
        self.socket.close()


class Lab:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="kith-interop-")
        self.processes = []

    def file(self, name, text, mode=0o600):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def kith(self, name, **more):
        return Kith(self, name, **more)

    def close(self):
        for p in self.processes:
            p.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Kith:
    """A `kith run` process, its file, and a monitor on its events, whose lines hear() is told."""

    def __init__(
        self,
        lab,
        name,
        host="127.0.0.1",
        key=None,
        extra="",
        node="",
        port=None,
        profile="lan",
        transport="",
        start=True,
        hear=None,
    ):
        self.lab, self.name, self.host, self.hear = lab, name, host, hear
        self.port = port or free_port(host)
        self.socket = os.path.join(lab.dir, name + ".sock")
        text = (
            "node:\n  name: %s\n  profile: %s\n  control: %s\n  log: { to: stderr, level: debug }\n"
            % (name, profile, self.socket)
        )
        text += "".join("  %s\n" % line for line in node.splitlines())
        text += "transport:\n  use: udp_tcp\n  bind: '%s'\n" % hostport(host, self.port)
        text += "".join("  %s\n" % line for line in transport.splitlines())
        if key is not None:
            text += "keyring:\n  - file: %s\n" % lab.file(name + ".key", key + "\n")
            text += "pipeline:\n  send: [ { use: lzw }, { use: crc32 }, { use: aes_gcm } ]\n"
        self.head = text
        self.path = lab.file(name + ".yaml", text + extra)
        self.process = self.monitor = None
        if start:
            self.start()

    @property
    def addr(self):
        return hostport(self.host, self.port)

    def start(self):
        self.process = Process(self.lab, self.name, [KITH, "run", self.path])
        wait_until(
            lambda: "%s answers on its socket\n%s" % (self.name, self.process.tail()), self._answers
        )
        self.monitor = Process(
            self.lab,
            self.name + ".monitor",
            [KITH, "monitor", "--socket", self.socket, "--format", "json"],
            hear=self.hear,
        )
        self.monitor.wait_event(lambda e: e.get("event") == "hello")
        return self

    def _answers(self):
        if self.process.proc.poll() is not None:
            raise Failed(
                "%s ended with %d\n%s"
                % (self.name, self.process.proc.returncode, self.process.tail())
            )
        return os.path.exists(self.socket) and self.run("info", check=False)[0] == 0

    def run(self, verb, *args, check=True, stdin=None):
        done = subprocess.run(
            [KITH, verb, "--socket", self.socket, *args],
            capture_output=True,
            timeout=90,
            input=stdin,
        )
        if check and done.returncode:
            raise Failed(
                "kith %s %s: exit %d: %s\n%s"
                % (verb, " ".join(args), done.returncode, done.stderr.decode(), self.process.tail())
            )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def rewrite(self, extra):
        """Another file: the same beginning, then extra."""
        self.lab.file(self.name + ".yaml", self.head + extra)

    def reload(self):
        """What the node says has changed, line by line."""
        return self.run("reload")[1].splitlines()

    def members(self):
        return {
            m["name"]: m for m in json.loads(self.run("members", "--format", "json")[1])["members"]
        }

    def states(self):
        return {name: m["state"] for name, m in self.members().items()}

    def wait_states(self, wanted, patience=PATIENCE):
        wait_until(
            lambda: "%s sees %s, it sees %s\n%s"
            % (self.name, wanted, self.states(), self.process.tail()),
            lambda: all(self.states().get(n) == s for n, s in wanted.items()),
            patience,
        )

    def wait_alive(self, n, timeout="30s"):
        self.run("members", "--wait", "alive=%d" % n, "--timeout", timeout)

    def join(self, addr, check=True):
        return self.run("join", addr, check=check)

    def wait_message(self, payload, start=0, patience=PATIENCE):
        match = payload if callable(payload) else lambda b: b == payload
        return self.monitor.wait_event(
            lambda e: e.get("event") == "message" and match(unb64(e["payload"])), patience, start
        )

    def info(self):
        return json.loads(self.run("info", "--format", "json")[1])

    def stat(self, name):
        return sum(s["value"] for s in self.info()["stats"] if s["name"] == name)

    def heard_on_user(self):
        """The payloads that came on the channel `user`, each as often as it came."""
        with self.monitor.lock:
            events = [json.loads(line) for name, line in self.monitor.lines if name == "out"]
        return [unb64(e["payload"]) for e in events if e.get("channel") == "user"]

    def send_to_kith(self, name, text, *flags):
        """On the channel `user`, as soon as the member is known."""
        wait_until(
            "%s knows %s" % (self.name, name),
            lambda: self.run("send", *flags, name, text, check=False)[0] == 0,
        )


class Go:
    """A memberlist node; see peer/main.go for its commands, PEERS for the versions."""

    def __init__(self, lab, version, name, host="127.0.0.1", hear=None, **flags):
        program = os.path.join(PEERS, "peer-" + version)
        if not os.path.exists(program):
            raise Skip("memberlist %s was not built (see build-peers)" % version)
        self.name, self.host = name, host
        argv = [program, "-name", name, "-bind", host] + [
            "-%s=%s" % (k.replace("_", "-"), v) for k, v in flags.items()
        ]
        self.process = Process(lab, name, argv, stdin=True, hear=hear)
        ready = self.process.wait_event(
            lambda e: e.get("event") in ("ready", "fatal", "unsupported")
        )
        if ready["event"] != "ready":
            raise Failed("%s: %s" % (name, ready))
        self.port = ready["port"]

    @property
    def addr(self):
        return hostport(self.host, self.port)

    def ask(self, cmd, patience=PATIENCE, **args):
        mark = self.process.mark()
        args["cmd"] = cmd
        self.process.proc.stdin.write(json.dumps(args).encode() + b"\n")
        self.process.proc.stdin.flush()
        return self.process.wait_event(lambda e: e.get("answer") == cmd, patience, mark)

    def ok(self, cmd, **args):
        answer = self.ask(cmd, **args)
        if "error" in answer:
            raise Failed("%s: %s: %s" % (self.name, cmd, answer["error"]))
        return answer

    def members(self):
        return {m["name"]: m for m in self.ok("members")["members"]}

    def wait_members(self, names, patience=PATIENCE):
        wait_until(
            lambda: "%s sees %s, it sees %s\n%s"
            % (self.name, set(names), set(self.members()), self.process.tail()),
            lambda: set(self.members()) == set(names),
            patience,
        )

    def wait_message(self, payload, start=0, patience=PATIENCE):
        return self.process.wait_event(
            lambda e: e.get("event") == "msg" and unb64(e["payload"]) == payload, patience, start
        )


def build_peers():
    """Before main(): what can't be built here is a named skip of the tests that want it."""
    if os.environ.get("KITH_INTEROP") != "skip":
        subprocess.run([os.path.join(HERE, "build-peers"), PEERS], check=True)


def main(tests):
    """Run the tests of a module (those named on the command line only), print what happened, exit
    with 0, 1 or 77."""
    if os.environ.get("KITH_INTEROP") == "skip":
        print("left out\n0 passed, 0 failed, 0 skipped")
        sys.exit(77)
    wanted = sys.argv[1:]
    required = os.environ.get("KITH_INTEROP") == "require"
    passed = failed = skipped = 0
    for name, test in tests:
        if wanted and not any(w in name for w in wanted):
            continue
        lab, began = Lab(), time.monotonic()
        try:
            test(lab)
            passed += 1
            print("ok      %s (%.1fs)" % (name, time.monotonic() - began), flush=True)
        except Skip as why:
            if required:
                failed += 1
                print("FAILED  %s: %s, and here it is required" % (name, why), flush=True)
            else:
                skipped += 1
                print("skipped %s: %s" % (name, why), flush=True)
        except Exception as why:
            failed += 1
            print("FAILED  %s: %s" % (name, why), flush=True)
            if not isinstance(why, Failed):
                traceback.print_exc(file=sys.stdout)
            for p in lab.processes:
                print(p.tail(12), flush=True)
        finally:
            lab.close()
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    sys.exit(1 if failed else 77 if skipped and not passed else 0)


def collect(module):
    return [(n, f) for n, f in vars(module).items() if n.startswith("test_")]
