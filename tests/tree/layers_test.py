#!/usr/bin/env python3
"""Does layers.py find what it is there for? A sound tree of five files must pass; then each fault
is planted into it, alone, and must be found by the check that is meant for it and no other.
"""
import os
import shutil
import subprocess
import sys
import tempfile

from layers import CHECKS, Tree

SOUND = {
    "include/kith/plugin.h": "int kith_unused_here(void);\n",
    "include/kith/kith.h": "#define KITH_API\nKITH_API int *kith_open(int);\n",
    "core/core.h": "#ifndef CORE_H\n#define CORE_H\n#include <kith/plugin.h>\n"
                   '/* no\n#include "control.h"\n*/\n'
                   "#define ONE 1\n#define TWO \\\n    (ONE + ONE)\n"
                   "static inline int kith_few(void) { return TWO; }\n"
                   "static inline int\nkith_many(void)\n{\n    return kith_few();\n}\n"
                   "int kith_core(void);\n#endif\n",
    "core/core.c": '#include "core.h"\nint kith_core(void) { return 0; }\n',
    "config/config.h": "int kith_config(void);\n",
    "config/config.c": '#include "config.h"\nint kith_config(void) { return 0; }\n',
    "runtime/loop/loop.h": "int kith_loop(void);\n",
    "runtime/loop/loop.c": '#include "loop.h"\n#include "config.h"\n'
                           "int kith_loop(void) { return kith_config(); }\n",
    "runtime/node/node.h": "/*\n * Each calls only those further down:\n *\n *   node.c  a\n"
                           " *   parts.c  b\n *\n * Not so: parts.c calls node.c.\n */\n"
                           "int kith_node(void);\nint kith_part(void);\n",
    "runtime/node/parts.c": '#include "node.h"\nint kith_part(void) { return 0; }\n',
    "runtime/node/node.c": '#include "core.h"\n#include "loop.h"\n#include "node.h"\n'
                           "int kith_node(void)\n"
                           "{ return kith_part() + kith_core() + kith_loop(); }\n"
                           "static int many(void) { return kith_many(); }\n"
                           "int *kith_open(int);\n"
                           "int *kith_open(int x) { return x ? (int *)0 : (int *)0; }\n",
    "runtime/control/control.h": "int kith_control(void);\n",
    "runtime/control/control.c": '#include "control.h"\nint kith_control(void) { return 0; }\n',
    "transports/udp_tcp/udp_tcp.h": "int kith_ut(void);\n",
    "transports/udp_tcp/udp_tcp.c": '#include "udp_tcp.h"\nint kith_plugin_v1(void);\n'
                                    "int kith_plugin_v1(void) { return kith_ut(); }\n",
    "transports/udp_tcp/packets.c": '#include "udp_tcp.h"\nint kith_ut(void) { return 0; }\n',
    "codecs/lzw.c": "#include <kith/plugin.h>\n"
                    "int kith_plugin_v1(void);\nint kith_plugin_v1(void) { return 0; }\n",
    "tools/main.c": '#include "node.h"\n#include "control.h"\n'
                    "int main(void) { return kith_node() + kith_control(); }\n",
}

# what is wrong, the check that finds it, a word of what it says, the files that make it so, and
# what layers.py takes for DRIVERS and SHARED
FAULTS = [
    ("a folder nobody knows", "folders", "attic/",
     {"attic/old.c": "static int x(void) { return 0; }\nint main(void) { return x(); }\n"}),
    ("core includes config", "includes", "config.h",
     {"core/more.c": '#include "config.h"\n'}),
    ("a file in no folder", "folders", "/ has no row", {"old.c": ""}),
    ("a folder of Make's names", "folders", "core/_old/", {"core/_old/old.c": ""}),
    ("core includes the public node", "includes", "kith/kith.h",
     {"core/more.c": "#include <kith/kith.h>\n"}),
    ("the same, in pointed brackets", "includes", "config.h",
     {"core/more.c": "#include <config.h>\n"}),
    ("a plugin's folder climbs out", "includes", "by a path",
     {"transports/udp_tcp/more.c": '#include "../../core/core.h"\n'}),
    ("a plugin's folder sees core", "includes", "core.h",
     {"transports/udp_tcp/more.c": '#include "core.h"\n'}),
    ("a codec sees another plugin", "includes", "udp_tcp.h",
     {"codecs/more.c": '#include "udp_tcp.h"\n'}),
    ("the loop sees control", "includes", "control.h",
     {"runtime/loop/more.c": '#include "control.h"\n'}),
    ("the loop sees a node", "includes", "node.h",
     {"runtime/loop/more.c": '#include "node.h"\n'}),
    ("a node sees control", "includes", "control.h",
     {"runtime/node/more.c": '#include "control.h"\n'}),
    ("a node in C++ sees control", "includes", "control.h",
     {"runtime/node/more.cc": '#include "control.h"\n'}),
    ("and with another ending", "includes", "control.h",
     {"runtime/node/more.cpp": '#include "control.h"\n'}),
    ("code that is included sees control", "includes", "control.h",
     {"runtime/node/rows.inc": '#include "control.h"\n'}),
    ("an include that names no file", "includes", "HIDDEN",
     {"core/more.c": '#define HIDDEN "control.h"\n#include HIDDEN\n'}),
    ("a file that is not there", "includes", "gone.h",
     {"core/more.c": '#if 0\n#include "gone.h"\n#endif\n'}),
    ("a call past the headers", "calls", "kith_control",
     {"core/core.c": "int kith_control(void);\nint kith_core(void);\n"
                     "int kith_core(void) { return kith_control(); }\n"}),
    ("the same, weakly", "calls", "kith_control",
     {"core/core.c": "int kith_control(void) __attribute__((weak));\nint kith_core(void);\n"
                     "int kith_core(void) { return kith_control ? kith_control() : 0; }\n"}),
    ("headers in a circle", "circles", "core/b.h",
     {"core/a.h": '#pragma once\n#include "b.h"\n', "core/b.h": '#pragma once\n#include "a.h"\n'}),
    ("calls in a circle", "circles", "kith_back",
     {"core/core.c": "int kith_back(void);\nint kith_core(void);\n"
                     "int kith_core(void) { return kith_back(); }\n",
      "core/back.c": "int kith_core(void);\nint kith_back(void);\n"
                     "int kith_back(void) { return kith_core(); }\n"}),
    ("data in a circle", "circles", "kith_there",
     {"core/core.c": "extern int kith_there;\nint kith_core(void);\n"
                     "int kith_core(void) { return kith_there; }\n",
      "core/back.c": "int kith_core(void);\nint kith_there;\nint kith_ask(void);\n"
                     "static int f(void) { return kith_core(); }\n"
                     "int (*volatile kith_hook)(void) = f;\n"}),
    ("another order than the one that is told", "orders", "above runtime/node/parts.c",
     {"runtime/node/node.h": "/* Each calls only those further\n * down: node.c, parts.c.\n */\n"
                             "int kith_node(void);\nint kith_part(void);\n",
      "runtime/node/node.c": '#include "core.h"\n#include "loop.h"\n#include "node.h"\n'
                             "int kith_node(void) { return kith_core() + kith_loop(); }\n"
                             "static int many(void) { return kith_many(); }\nint *kith_open(int);\n"
                             "int *kith_open(int x) { return x ? (int *)0 : (int *)0; }\n",
      "runtime/node/parts.c": '#include "node.h"\nint kith_part(void) { return kith_node(); }\n',
      "tools/main.c": '#include "node.h"\n#include "control.h"\n'
                      "int main(void) { return kith_part() + kith_control(); }\n"}),
    ("an order of files that are gone", "orders", "which is not there",
     {"core/order.h": "/* Each calls only those further down: gone.c.\n */\n"}),
    ("two files of one name", "names", "core occurs in",
     {"config/core.c": "static int x;\nint *f(void);\nstatic int *g(void) { return &x; }\n"}),
    ("a header far from its source", "names", "config occurs in",
     {"tools/config.h": ""}),
    ("a plugin of several files takes a name", "names", "core occurs in",
     {"transports/udp_tcp/core.c": ""}),
    ("a plugin of one file takes a name", "names", "core occurs in",
     {"codecs/core.c": ""}),
    ("nobody uses it", "globals", "kith_idle",
     {"core/idle.c": "int kith_idle(void);\nint kith_idle(void) { return 0; }\n"}),
    ("only its own file uses it", "globals", "kith_own",
     {"core/core.c": "int kith_own(void);\n__attribute__((noinline)) int kith_own(void)"
                     " { return 0; }\n"
                     "int kith_core(void);\nint kith_core(void) { return kith_own(); }\n"}),
    ("only a test uses it", "globals", "kith_idle",
     {"core/idle.c": "int kith_idle(void);\nint kith_idle(void) { return 0; }\n",
      "tests/core/test_idle.c": "int kith_idle(void);\n"
                                "int main(void) { return kith_idle(); }\n"}),
    ("a public header speaks of it", "globals", "kith_idle",
     {"include/kith/kith.h": "#define KITH_API\n/* kith_idle() */\nKITH_API int *kith_open(int);\n"
                             "int kith_idle(void);\n",
      "include/kith/settings.h": "int kith_idle(void);\n",
      "core/idle.c": "int kith_idle(void);\nint kith_idle(void) { return 0; }\n"}),
    ("only a file that may not see it uses it", "globals", "kith_idle",
     {"core/idle.c": "int kith_idle(void);\nint kith_idle(void) { return 0; }\n",
      "codecs/lzw.c": "int kith_plugin_v1(void);\nint kith_idle(void);\n"
                      "int kith_plugin_v1(void) { return kith_idle(); }\n"}),
    ("another plugin uses its own of that name", "globals", "kith_help is made by",
     {"transports/udp_tcp/help.c": "int kith_help(void);\nint kith_help(void) { return 0; }\n",
      "codecs/help_lzw.c": "int kith_help(void);\nint kith_help(void) { return 0; }\n",
      "codecs/lzw.c": "int kith_plugin_v1(void);\nint kith_help(void);\n"
                      "int kith_plugin_v1(void) { return kith_help(); }\n"}),
    ("an exception that is none", "globals", "kith_core, which is no exception", {}, {"kith_core"}),
    ("an exception for nothing", "globals", "kith_gone, which nobody makes", {}, {"kith_gone"}),
    ("nobody uses the macro", "headers", "IDLE",
     {"core/idle.h": "#define IDLE(x) \\\n    ((x) + 1)\n"}),
    ("a macro that names itself", "headers", "IDLE",
     {"core/idle.h": "#define IDLE(x) \\\n    (IDLE + (x))\n"}),
    ("only words speak of the macro", "headers", "IDLE",
     {"core/idle.h": "#define IDLE 1 // IDLE\n",
      "core/idle.c": '/* IDLE */\nstatic char const *idle(void) { return "IDLE"; }\n'}),
    ("only a test uses the macro", "headers", "IDLE",
     {"core/idle.h": "#define IDLE 1\n",
      "tests/core/test_idle.c": '#include "idle.h"\nint main(void) { return IDLE; }\n'}),
    ("only a file that may not see the macro", "headers", "IDLE",
     {"core/idle.h": "#define IDLE 1\n", "codecs/more.c": "enum { IDLE };\n"}),
    ("nobody uses the inline function", "headers", "kith_idle",
     {"core/idle.h": "static inline int kith_idle(int x)\n{\n    return x ? kith_idle(0) : 0;\n}"
                     "\n"}),
    ("two macros of one name", "headers", "ONE is made by",
     {"config/more.h": "#define ONE 2\nenum { MORE = ONE };\n"}),
    ("a global of no prefix", "globals", "does not begin",
     {"core/core.c": "int core_in(void);\nint core_in(void) { return 0; }\n"
                     "int kith_core(void);\nint kith_core(void) { return core_in(); }\n"}),
    ("a static that is written to", "shared", "core/core.c: many ",
     {"core/core.c": '#include "core.h"\n'
                     "int kith_core(void) { static int many = 1; return many++; }\n"}),
    ("the same, from nothing", "shared", "core/core.c: none ",
     {"core/core.c": '#include "core.h"\nstatic int none;\n'
                     "int kith_core(void) { return none++; }\n"}),
    ("a thread's own is listed", "shared", "many of core/core.c, which is not there",
     {"core/core.c": '#include "core.h"\nstatic _Thread_local int many;\n'
                     "static int zero;\nstatic int *const constant = &zero;\n"
                     "int kith_core(void) { return many++ + *constant; }\n"},
     set(), {"core/core.c": {"many": ""}}),
    ("a file that is gone is listed", "shared", "gone.c, which is not there", {},
     set(), {"core/gone.c": {"many": ""}}),
]
# Some faults are two at once by their nature.
ALSO = {
    "a call past the headers": {"circles"},
    "the same, weakly": {"circles"},
    "data in a circle": {"globals", "shared"},
    "only a file that may not see it uses it": {"calls"},
    "another plugin uses its own of that name": {"calls"},
    "an include that names no file": {"includes"},
}


def plant(root, files):
    """Write the files and compile what is C, as libtool names its objects."""
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)
    includes = ["-I" + os.path.join(root, d) for d in
                ("include", "core", "config", "runtime/loop", "runtime/node", "runtime/control",
                 "transports/udp_tcp")]
    for path in files:
        if path.endswith(".c"):
            folder, name = os.path.split(os.path.join(root, path))
            made = os.path.join(folder, ".libs", "libx_la-" + name[:-2] + ".o")
            os.makedirs(os.path.dirname(made), exist_ok=True)
            subprocess.run(["cc", "-fPIC", "-O1", "-c", "-o", made, os.path.join(folder, name)]
                           + includes, check=True)


def found(root, drivers=(), shared=()):
    tree = Tree(root, root, set(drivers), dict(shared))
    return {name: list(check(tree)) for name, check in CHECKS.items()}


def main():
    passed = failed = 0
    sound = tempfile.mkdtemp()
    try:
        plant(sound, SOUND)
        for title, check, word, files, *listed in [("a sound tree", None, "", {})] + FAULTS:
            root = os.path.join(sound, "..", os.path.basename(sound) + "-planted")
            shutil.copytree(sound, root)
            try:
                plant(root, files)
                said = found(root, *listed)
            finally:
                shutil.rmtree(root)
            hit = check is None or any(word in line for line in said[check])
            quiet = not any(lines for name, lines in said.items()
                            if name != check and name not in ALSO.get(title, ()))
            passed, failed = passed + (hit and quiet), failed + (not (hit and quiet))
            if not hit:
                print("FAILED  %s: not found by %s, which says %s" % (title, check, said[check]))
            elif not quiet:
                print("FAILED  %s: others speak too: %s" % (title, said))
            else:
                print("ok      %s" % title)
    finally:
        shutil.rmtree(sound)
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
