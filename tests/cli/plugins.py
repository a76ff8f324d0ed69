#!/usr/bin/env python3
"""Plugins that can't be used: `kith plugin` shows all that there are and says of each bad file
what is wrong with it, and so does all that looks through the folders; what loads a file that was
named dies by its crash, but names the file; a file that was cut short harms nobody."""

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

KITH = os.environ["KITH"]
SHIPPED = os.environ["KITH_PLUGIN_PATH"]
TOP = os.environ["srcdir"]
CC = os.environ.get("CC", "cc").split()
DIR = os.path.realpath(tempfile.mkdtemp(prefix="kith-plugins-"))
PATIENCE = 60
failures = passed = 0

# One source for all: what is odd about it is said with -D.
SOURCE = r"""
#include <kith/plugin.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#ifndef KIND
#define KIND DELEGATE
#endif
struct self { const struct kith_host *host; const char *secret; };
#ifdef FIRST
__attribute__((constructor)) static void first(void) { FIRST; }
#endif
static int init(void *self, const struct kith_host *host, struct kith_error *err)
{
    ((struct self *)self)->host = host;
#ifdef INIT
    INIT;
#endif
    return 0;
}
static void later(void *arg)
{
#ifdef LATER
    LATER;
#endif
}
static void event(void *self, const struct kith_event *e)
{
#ifdef EVENT
    EVENT;
#endif
}
static int start(void *self, struct kith_error *err)
{
    const struct kith_host *host = ((struct self *)self)->host;
    host->post(host, later, NULL);
#ifdef START
    START;
#endif
    return 0;
}
static void fini(void *self)
{
#ifdef FINI
    FINI;
#endif
}
#ifdef NEEDS
int needed(void);
int needs(void) { return needed(); }
#endif
#ifdef KEEPS
static const struct kith_param params[] = {
    KITH_PARAM(struct self, secret, STRING, KEEPS, DEF, NULL, NULL, "kept"),
    KITH_PARAM_END};
#endif
static const struct kith_delegate_ops ops = {.size = sizeof ops, .event = event};
#ifndef SUMMARY
#define SUMMARY "odd"
#endif
#ifndef SYMBOL
#define SYMBOL kith_plugin_v1
#endif
KITH_EXPORT extern const struct kith_plugin SYMBOL;
const struct kith_plugin SYMBOL = {
    KITH_HEADER(DELEGATE), .name = NAME, .version = "1.0", .summary = SUMMARY,
    .instance_size = sizeof(struct self), .ops = &ops, .init = init, .start = start, .fini = fini,
#ifdef KEEPS
    .params = params,
#endif
#ifdef ODD_KIND
    .kind = 77,
#endif
};
"""


def check(what, ok, detail=""):
    global failures, passed
    passed, failures = passed + bool(ok), failures + (not ok)
    if not ok:
        print("FAILED  %s: %s" % (what, detail))


def kith(*args, path=None):
    env = dict(os.environ, KITH_RUN_DIR=DIR)
    if path:
        env["KITH_PLUGIN_PATH"] = path
    p = subprocess.run([KITH, *args], capture_output=True, text=True, env=env, timeout=PATIENCE)
    return p.returncode, p.stdout, p.stderr


def compile(name, *more, source=SOURCE, folder=DIR):
    with open(os.path.join(DIR, "odd.c"), "w") as f:
        f.write(source)
    out = os.path.join(folder, name + ".so")
    subprocess.run(
        CC
        + [
            "-shared",
            "-fPIC",
            "-w",
            "-I" + os.path.join(TOP, "include"),
            '-DNAME="%s"' % name,
            "-o",
            out,
            os.path.join(DIR, "odd.c"),
            *more,
        ],
        check=True,
    )
    return out


def write(name, data, folder=DIR):
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.write(data)
    return path


CRASH = "*(volatile int *)0 = 1"
SEGV = signal.Signals.SIGSEGV
folder = os.path.join(DIR, "bad")
os.mkdir(folder)


def make_bad():
    """The bad files, and a word of why each can't be used."""
    bad = {
        compile("crashes", "-DFIRST=" + CRASH, folder=folder): "crashed while it was being loaded",
        compile("aborts", "-DFIRST=abort()", folder=folder): "(Aborted)",
        compile("exits", "-DFIRST=exit(7)", folder=folder): "exit code 7",
        compile("hangs", "-DFIRST=for(;;)pause()", folder=folder): "had not been loaded",
        compile("overflows", "-DFIRST=first()", "-O0", folder=folder): "crashed while it was",
        compile("newer", "-DSYMBOL=kith_plugin_v2", folder=folder): "ABI 2",
        compile("nosymbol", "-DSYMBOL=something", folder=folder): "no symbol kith_plugin_v1",
        compile("oddkind", "-DODD_KIND", folder=folder): "kind",
    }
    library = compile("libneeded", source="int needed(void) { return 1; }\n", folder=DIR)
    lacking = compile(
        "lacking", "-DNEEDS", "-L" + DIR, "-lneeded", "-Wl,--no-as-needed", folder=folder
    )
    os.remove(library)
    bad[lacking] = "libneeded.so"
    whole = open(compile("whole", folder=DIR), "rb").read()
    bad[write("half.so", whole[: len(whole) // 2], folder)] = "half.so: "
    bad[write("start.so", whole[:40], folder)] = "file too short"
    bad[write("empty.so", b"", folder)] = "file too short"
    bad[write("text.so", b"no ELF file at all, but long enough\n" * 9, folder)] = "ELF"
    os.symlink(os.path.join(DIR, "nowhere"), os.path.join(folder, "dangling.so"))
    bad[os.path.join(folder, "dangling.so")] = "No such file"
    os.mkdir(os.path.join(folder, "folder.so"))
    bad[os.path.join(folder, "folder.so")] = "cannot"
    if os.geteuid():
        os.chmod(write("closed.so", whole, folder), 0)
        bad[os.path.join(folder, "closed.so")] = "Permission denied"
    return bad


def test_list_shows_all(bad):
    good = compile("talks", "-DFIRST=write(1, \"noise\", 5)", folder=folder)
    code, out, err = kith("plugin", "list", "--format", "json", path=folder + ":" + SHIPPED)
    rows = json.loads(out)["plugins"]
    names = {r.get("name") for r in rows}
    check("list goes on", code == 0, (code, err))
    check("the good ones are there", {"udp_tcp", "loopback", "lzw", "log", "talks"} <= names,
          names)
    errors = {r["file"]: r["error"] for r in rows if "error" in r}
    check("the bad ones, no more and no less", set(errors) == set(bad), set(errors) ^ set(bad))
    for file, why in bad.items():
        check("%s is named" % file, file in errors.get(file, ""), errors.get(file))
        check("%s: %s" % (file, why), why in errors.get(file, ""), errors.get(file))
    os.remove(os.path.join(folder, "hangs.so"))  # one wait for it is enough
    del bad[os.path.join(folder, "hangs.so")]
    lines = kith("plugin", "list", path=folder)[1].splitlines()
    check(
        "text: one line each",
        len(lines) == 2 + len(bad)
        and sum(line.startswith("unusable ") for line in lines) == len(bad),
        lines,
    )
    os.remove(good)


def test_inspect(bad):
    for file, why in bad.items():
        code, out, err = kith("plugin", "inspect", file)
        check(
            "inspect %s" % file,
            code == (4 if "No such file" in why else 1)
            and (out, err.count("\n")) == ("", 1)
            and file in err
            and why in err,
            (code, out, err),
        )
    code, out, err = kith("plugin", "inspect", os.path.join(DIR, "nowhere.so"))
    check("inspect nothing", code == 4 and "nowhere.so" in err, (code, err))
    for args, says in [
        (["foo"], "not foo"),
        ([], "say list"),
        (["inspect"], "inspect which"),
        (["bench"], "bench which"),
        (["list", "lzw"], "list takes no plugin"),
        (["inspect", "lzw", "log"], "one at a time"),
    ]:
        code, out, err = kith("plugin", *args)
        check("plugin %s" % args, code == 2 and says in err, (code, err))
    code, out, err = kith("plugin", "list", "--plugin-path", "/nowhere:" + SHIPPED)
    check("list: a folder is not there", code == 0 and "/nowhere: No such" in err, (code, err))
    code, out, err = kith("plugin", "list", "--plugin-path", "/nowhere")
    check("list: no folder at all", code == 4 and "/nowhere: No such" in err, (code, err))
    code, out, err = kith("plugin", "inspect", "nosuch", "--plugin-path", "/nowhere:" + DIR)
    check("inspect no such", code == 4 and "in /nowhere, %s; " % DIR in err, (code, err))
    code, out, err = kith("plugin", "inspect", "lzw", path=SHIPPED)
    check("inspect by name", code == 0 and out.startswith("name          lzw\n"), (code, err))


def test_texts_are_clean():
    """What a plugin says of itself, and the names of files, play with no terminal."""
    file = compile("red", r'-DSUMMARY="\033[31mred"')
    for args in (["plugin", "inspect", file], ["config", "check", config(file)]):
        code, out, err = kith(*args)
        check("%s: refused" % args, code and "red.so: " in err and "no line of text" in err, err)
        check("%s: clean" % args, "\033" not in out + err, [out, err])
    file = compile("keeper", "-DKEEPS=0", r'-DDEF="\"a\\eb\\nc\""')
    code, out, err = kith("plugin", "inspect", file)
    check("a default is clean", code == 0 and 'default "a\\eb\\nc"' in out, [out, err])
    file = compile("raw", "-DKEEPS=0", r'-DDEF="a\033b"')
    code, out, err = kith("plugin", "inspect", file)
    check("a raw one, too", "\033" not in out + err, [out, err])
    odd = os.fsdecode(os.path.join(os.fsencode(DIR), b"\xff\x1b\n.so"))
    os.rename(compile("named"), odd)
    code, out, err = kith("plugin", "inspect", odd)
    check("a name is clean", code == 0 and DIR + "/\\xff\\x1b\\x0a.so\n" in out, [out, err])
    file = json.loads(kith("plugin", "inspect", "--format", "json", odd)[1])["file"]
    check("and in JSON", file == DIR + "/\\xff\\x1b\\x0a.so", file)
    write(odd, b"no plugin")
    code, out, err = kith("plugin", "inspect", odd)
    check("in an error", code == 1 and DIR + "/\\xff\\x1b\\x0a.so" in err, [out, err])


def config(use):
    path = os.path.join(DIR, "node.yaml")
    with open(path, "w") as f:
        f.write(
            "node: { name: a, profile: local }\n"
            "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n"
            "delegates: [ { use: %s } ]\n" % use
        )
    return path


def says(what, args, status, file, doing, ended="crashed"):
    code, out, err = kith(*args)
    line = "kith: plugin %s %s while it was being %s\n" % (file, ended, doing)
    check(what + ": which file", line in err, err)
    check(what + ": how it ends", code == status, (code, err))


def test_everything_names_the_file():
    # A sanitizer turns the crash into its own report and exit code; without one it is the signal.
    dies = probe(CRASH)
    for name, part, status, doing in [
        ("first", "FIRST=" + CRASH, dies, "loaded"),
        ("init", "INIT=" + CRASH, dies, "initialised"),
        ("aborts", "INIT=abort()", probe("abort()"), "initialised"),
        ("fini", "FINI=" + CRASH, dies, "stopped"),
        ("raises", "INIT=raise(SIGFPE)", probe("raise(SIGFPE)"), "initialised"),
    ]:
        file = compile("in_" + name, "-D" + part)
        for args in (["config", "check"], ["config", "show"], ["run"]):
            says("%s, %s" % (name, args), [*args, config(file)], status, file, doing)
    file = compile("in_start", "-DSTART=" + CRASH)
    says("start", ["run", config(file)], dies, file, "started")
    # abort() is what an exception ends in that leaves a call.
    aborts = probe("abort()")
    for part in ("EVENT", "LATER"):
        running = compile("in_" + part.lower(), "-D%s=abort()" % part)
        says(part, ["run", config(running)], aborts, running, "called")
    check("nothing is started by a check", kith("config", "check", config(file))[0] == 0)
    file = compile("leaves", "-DINIT=exit(0)")
    says("exit", ["config", "check", config(file)], 1, file, "initialised", "ended the program")


def test_looking_around_loads_nothing(bad):
    """A typo, the schema, a packet: files that nobody named are not loaded, or elsewhere first."""
    path = folder + ":" + SHIPPED
    code, out, err = kith("config", "check", config("lgo"), path=path)
    check("a typo: no more than an error", code == 2 and "did you mean 'log'" in err, (code, err))
    check("a typo: nothing was loaded", "crashed while" not in err, err)
    code, out, err = kith("config", "check", config("inner"), path=path)
    check("by what it calls itself", code == 0, (code, err))
    code, out, err = kith("config", "check", config("crc32"), path=path)
    check("of another kind", code == 2 and "`crc32` is a codec, not a delegate" in err, err)
    for args in (["config", "schema"], ["config", "doc"], ["dissect", "0280"]):
        code, out, err = kith(*args, path=path)
        check("%s goes on" % args, code == 0, (code, err))
        for file, why in bad.items():
            named = [line for line in err.splitlines() if file in line]
            check("%s says why %s is left out" % (args, file), named and why in named[0], err)
    schema = kith("config", "schema", path=path)[1]
    check("the good ones are in the schema", '"lzw"' in schema and '"inner"' in schema, schema)


ENV = dict(os.environ, KITH_RUN_DIR=DIR, KITH_PLUGIN_PATH=folder + ":" + SHIPPED)


def start(file):
    log = open(os.path.join(DIR, "node.log"), "w")
    node = subprocess.Popen([KITH, "run", file], stdout=log, stderr=log, env=ENV)
    code, out, err = kith("members", "--node", "a", "--wait", "alive=1")
    check("the node runs", code == 0, err)
    return node


def test_signals_hold_up_nobody():
    """A plugin that asks for a reload with each reload has one a turn, no more; the end comes in
    between, and also when more signals wait than any pipe takes."""
    again = "if (e->kind == KITH_EVENT_RELOADED) raise(SIGHUP)"
    node = start(config(compile("again", "-DEVENT=" + again)))
    check("a reload", kith("reload", "--node", "a")[0] == 0)
    code, out, err = kith("members", "--node", "a")
    check("the node has its turns", code == 0 and "alive" in out, (code, err))
    node.terminate()
    check("and an end", ended(node) == 0)
    many = "if (e->kind == KITH_EVENT_STARTED) { for (int i = 0; i < 70000; i++) raise(SIGHUP);"
    many += " raise(SIGTERM); }"
    log = open(os.path.join(DIR, "many.log"), "w")
    file = config(compile("many", "-DEVENT=" + many))
    node = subprocess.Popen([KITH, "run", file], stdout=log, stderr=log, env=ENV)
    check("the last of many signals counts", ended(node) == 0)


TRANSPORT = r"""
#include <kith/plugin.h>
static void limits(void *self, struct kith_limits *out) { out->packet = 1400; }
static int advertise(void *self, struct kith_addr *out, struct kith_error *err)
{
    return -KITH_EAGAIN;
}
static int parse(void *self, struct kith_bytes t, struct kith_addr *out, struct kith_bytes *host)
{
    return -KITH_EINVAL;
}
static int format(void *self, const struct kith_addr *a, char *out, size_t cap)
{
    return snprintf(out, cap, "x");
}
static int send_packet(void *self, const struct kith_peer *to, struct kith_buf *b) { return 0; }
static const struct kith_transport_ops ops = {
    .size = sizeof ops, .limits = limits, .advertise = advertise, .parse = parse, .format = format,
    .send_packet = send_packet};
KITH_PLUGIN(NAME) = {KITH_HEADER(TRANSPORT), .name = NAME, .version = "1", .ops = &ops};
"""


def test_a_node_that_waits_for_its_address_ends():
    file = os.path.join(DIR, "waits.yaml")
    with open(file, "w") as f:
        transport = compile("nowhere", source=TRANSPORT)
        f.write("node: { name: w }\ntransport: { use: %s }\n" % transport)
    node = subprocess.Popen([KITH, "run", file], stderr=subprocess.PIPE, text=True, env=ENV)
    for line in node.stderr:
        if "does not know its address yet" in line:
            break
    node.terminate()  # there is nobody to say goodbye to
    check("by one signal", ended(node) == 0)
    node.stderr.close()


def test_standard_input_is_read_once():
    with open(config("log")) as f:
        text = f.read()
    node = subprocess.Popen(
        [KITH, "run", "-"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENV
    )
    node.stdin.write(text)
    node.stdin.close()
    kith("members", "--node", "a", "--wait", "alive=1")
    code, out, err = kith("reload", "--node", "a")
    check("a reload says so", code and "-: error: standard input can't be read again" in err, err)
    node.terminate()
    check("and the node goes on", ended(node) == 0)


def ended(node):
    try:
        return node.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        node.kill()
        node.wait()
        return "had to be killed"


def test_secrets_stay_secret():
    """Where a plugin's secret may stand, no value is printed: misspelt, or its plugin not there."""
    file = compile("keeper", "-DKEEPS=KITH_PARAM_SECRET", "-DDEF=NULL")
    for use in (
        file + ", sekret: hunter4x",
        file + ", as: b, secrets: [ hunter4x ]",
        "kepeer, secret: hunter4x",
        "./nowhere.so, whatever: hunter4x",
    ):
        code, out, err = kith("config", "check", config(use))
        check("refused: " + use, code == 2 and "error: " in err, (code, err))
        check("no secret: " + use, "hunter" not in err and "****" in err, err)
    with open(config("log"), "a") as f:
        f.write("secret_keys: hunter4x\n")
    err = kith("config", "check", f.name)[2]
    check("at the left margin", "unknown key" in err and "hunter" not in err, err)


def test_what_init_logs_is_said_once():
    """By the check, or by the node that was made; not again when a reload leaves it alone."""
    said = "mind the gap"
    warns = "-DINIT=(host->log(host, KITH_LOG_WARN, \"%s\"))" % said
    file = config(compile("warner", warns))
    code, out, err = kith("config", "check", file)
    check("a check warns", code == 0 and err.count(said) == 1 and "warning: " in err, (code, err))
    node = start(file)
    try:
        code, out, err = kith("reload", "--node", "a")
        check("a reload of the same", code == 0 and said not in out + err, (code, out, err))
    finally:
        node.terminate()
        node.wait(PATIENCE)
    log = open(os.path.join(DIR, "node.log")).read()
    check("once, by whom", log.count(said) == 1 and "a/warner: " + said in log, log)


def loaded_part(data):
    """How much of a file is mapped: what follows only debuggers and linkers read."""
    order, wide = "<>"[data[5] == 2], data[4] == 2
    word = order + ("Q" if wide else "I")
    table = struct.unpack_from(word, data, 32 if wide else 28)[0]
    size, count = struct.unpack_from(order + "HH", data, 54 if wide else 42)
    ends = []
    for at in range(table, table + size * count, size):
        if struct.unpack_from(order + "I", data, at)[0] == 1:
            offset = struct.unpack_from(word, data, at + (8 if wide else 4))[0]
            ends.append(offset + struct.unpack_from(word, data, at + (32 if wide else 16))[0])
    return max(ends)


def test_reload_survives():
    """Neither a file that was cut short nor a typo beside bad files ends a running node."""
    whole = open(compile("whole"), "rb").read()
    node = start(config("log"))
    try:
        for size in range(0, loaded_part(whole), loaded_part(whole) // 12):
            config(write("cut%d.so" % size, whole[:size]))
            code, out, err = kith("reload", "--node", "a")
            check("cut at %d: refused" % size, code != 0 and "cut%d.so" % size in err, (code, err))
        config("lgo")
        code, out, err = kith("reload", "--node", "a")
        check("a typo is refused", code != 0 and "lgo" in err, (code, err))
        code, out, err = kith("info", "--node", "a")
        check("the node is still there", code == 0 and node.poll() is None, err)
    finally:
        node.terminate()
        node.wait(PATIENCE)


# A transport that never learns its address.
LOST = r"""
#include <kith/plugin.h>
static void limits(void *self, struct kith_limits *out) { out->packet = 1400; }
static int advertise(void *self, struct kith_addr *out, struct kith_error *err)
{
    return -KITH_EAGAIN;
}
static int parse(void *self, struct kith_bytes text, struct kith_addr *out, struct kith_bytes *host)
{
    return -KITH_EINVAL;
}
static int format(void *self, const struct kith_addr *a, char *out, size_t cap)
{
    return snprintf(out, cap, "nowhere");
}
static int send_packet(void *self, const struct kith_peer *to, struct kith_buf *buf)
{
    return -KITH_EUNREACHABLE;
}
static const struct kith_transport_ops ops = {
    .size = sizeof ops, .limits = limits, .advertise = advertise, .parse = parse, .format = format,
    .send_packet = send_packet};
KITH_PLUGIN(lost) = {
    KITH_HEADER(TRANSPORT), .name = NAME, .version = "1.0", .summary = "knows no address",
    .ops = &ops};
"""


def test_who_is_no_member_yet_ends():
    text = "node: { name: a, profile: local }\ntransport: { use: %s }\n"
    file = write("lost.yaml", (text % compile("lost", source=LOST)).encode())
    for way in ("leave", signal.SIGTERM, signal.SIGINT):
        env = dict(os.environ, KITH_RUN_DIR=DIR)
        node = subprocess.Popen([KITH, "run", file], stderr=subprocess.PIPE, text=True, env=env)
        try:
            waits = any("does not know its address yet" in line for line in node.stderr)
            check("it waits for its address", waits)
            if way == "leave":
                code, out, err = kith("leave", "--stay", "--node", "a")
                check("it has nothing to leave", code != 0 and "try later" in err, (code, err))
                code, out, err = kith("leave", "--node", "a")
                check("leave of one that is no member", code == 0, (code, err))
            else:
                node.send_signal(way)
            check("it ends with 0: %s" % way, node.wait(PATIENCE) == 0, node.returncode)
        finally:
            node.kill()
            node.wait()


def test_truncated():
    whole = open(compile("whole"), "rb").read()
    for size in range(1, loaded_part(whole), loaded_part(whole) // 24):
        file = write("truncated.so", whole[:size])
        for args in (["config", "check"], ["run"]):
            code, out, err = kith(*args, config(file))
            check(
                "%d bytes of %d, %s" % (size, len(whole), args),
                code != 0 and file in err,
                (code, err),
            )


def probe(crash):
    """How a process of this build ends that does this: by the signal, or as a sanitizer says."""
    file = compile("probe", "-DFIRST=" + crash)
    code = kith("config", "check", config(file))[0]
    os.remove(file)
    wanted = {"abort()": signal.SIGABRT, "raise(SIGFPE)": signal.SIGFPE}.get(crash, SEGV)
    check("it ends by its signal: " + crash, code in (-wanted, 1), code)
    return code


try:
    bad = make_bad()
    test_list_shows_all(bad)
    test_inspect(bad)
    test_texts_are_clean()
    test_everything_names_the_file()
    os.rename(compile("inner", folder=folder), os.path.join(folder, "outer.so"))
    test_looking_around_loads_nothing(bad)
    test_signals_hold_up_nobody()
    test_a_node_that_waits_for_its_address_ends()
    test_standard_input_is_read_once()
    test_secrets_stay_secret()
    test_what_init_logs_is_said_once()
    test_reload_survives()
    test_who_is_no_member_yet_ends()
    test_truncated()
finally:
    shutil.rmtree(DIR, ignore_errors=True)
print("%d passed, %d failed, 0 skipped" % (passed, failures))
sys.exit(failures > 0)
