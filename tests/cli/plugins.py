#!/usr/bin/env python3
"""Plugins that can't be used: `kith plugin` shows all that there are and says of each bad file
what is wrong with it; whatever else loads one that crashes dies by that signal, but names the
file."""

import json
import os
import shutil
import signal
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
struct self { int nothing; };
#ifdef FIRST
__attribute__((constructor)) static void first(void) { FIRST; }
#endif
static int init(void *self, const struct kith_host *host, struct kith_error *err)
{
#ifdef INIT
    INIT;
#endif
    return 0;
}
static int start(void *self, struct kith_error *err)
{
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
static const struct kith_delegate_ops ops = {.size = sizeof ops};
#ifndef SYMBOL
#define SYMBOL kith_plugin_v1
#endif
KITH_EXPORT extern const struct kith_plugin SYMBOL;
const struct kith_plugin SYMBOL = {
    KITH_HEADER(DELEGATE), .name = NAME, .version = "1.0", .summary = "odd",
    .instance_size = sizeof(struct self), .ops = &ops, .init = init, .start = start, .fini = fini,
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
    check("the good ones are there", {"udp_tcp", "lzw", "log", "talks"} <= names, names)
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
            code == 1 and out == "" and file in err and why in err and err.count("\n") == 1,
            (code, out, err),
        )
    code, out, err = kith("plugin", "inspect", "lzw", path=SHIPPED)
    check("inspect by name", code == 0 and out.startswith("name          lzw\n"), (code, err))


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
    check("nothing is started by a check", kith("config", "check", config(file))[0] == 0)
    file = compile("leaves", "-DINIT=exit(0)")
    says("exit", ["config", "check", config(file)], 1, file, "initialised", "ended the program")
    file = compile("crashes")
    os.remove(file)
    os.rename(compile("crashes", "-DFIRST=" + CRASH), file)
    for args in (
        ["dissect", "--plugin-path", DIR, "00"],
        ["config", "schema", "--plugin-path", DIR],
    ):
        code, out, err = kith(*args)
        check("%s names a file" % args, code == dies and "kith: plugin %s/" % DIR in err, err)


def test_truncated():
    whole = open(compile("whole"), "rb").read()
    for size in (1, 40, 600, len(whole) // 4, len(whole) // 2):
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
    test_everything_names_the_file()
    test_truncated()
finally:
    shutil.rmtree(DIR, ignore_errors=True)
print("%d passed, %d failed, 0 skipped" % (passed, failures))
sys.exit(failures > 0)
