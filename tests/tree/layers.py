#!/usr/bin/env python3
"""Keeps the house as docs/ARCHITECTURE.md draws it. Nine checks, each by its name:

  folders   every folder with C in it has its row in MAY_SEE
  includes  a file includes what its folder may see, and nothing by a path
  calls     an object uses what is defined in a folder that its own may see
  circles   no circle of files: header includes header, object uses what another object defines
  orders    where a header says "calls only those further down" and lists files, they do
  names     no two files of one name, so that a name says which file is meant; in tests/ neither
  globals   what is global is made once, and used by another file that may see its maker; tests
            alone are no reason
  headers   likewise for the macros and inline functions of a header: some file uses each of them
  shared    what outlives a call and is written to is in SHARED, with what guards it: worlds on
            other threads have it too

Usage: layers.py [CHECK...]. The tree is $srcdir, its objects lie in $builddir. tests/ and examples/
are no part of the house. It knows nothing of what the code means.
"""
import collections
import os
import re
import subprocess
import sys

# folder: the other folders whose headers it may include, and the public headers.
PLUGIN = ["plugin.h", "shown.h"]
BELOW = ["core", "config", "plugins"]
HOST = PLUGIN + ["settings.h", "account.h"]
PUBLIC = HOST + ["kith.h"]
MAY_SEE = {
    "include/kith": ([], PUBLIC),
    "core": ([], HOST),
    "config": ([], HOST),
    "plugins": (["config"], HOST),
    "plugins/delegates": ([], PLUGIN),
    "codecs": ([], PLUGIN),
    "transports": ([], PLUGIN),
    "runtime/loop": (["config", "plugins"], PUBLIC),
    "runtime/node": (BELOW + ["runtime/loop"], PUBLIC),
    "runtime/control": (BELOW + ["runtime/loop", "runtime/node"], PUBLIC),
    "runtime/sim": (BELOW + ["runtime/loop", "runtime/node"], PUBLIC),
    "runtime": (BELOW + ["runtime/loop", "runtime/node", "runtime/control"], PUBLIC),
    "tools": (
        BELOW + ["runtime", "runtime/loop", "runtime/node", "runtime/control", "runtime/sim"]
        + ["tools/sim"],
        PUBLIC,
    ),
    "tools/sim": (BELOW + ["runtime/loop", "runtime/node", "runtime/sim"], PUBLIC),
}
# A plugin of several files has a folder of its own below one of these.
PLUGIN_FOLDERS = ("codecs", "transports", "plugins/delegates")
OUTSIDE = ("tests", "examples")
# It stands in for the C library's functions, so it defines their names: no part of any program.
INTERPOSER = "tools/allocations.c"

# What drives a folder from outside of the program, and is used by nobody else: the simulator,
# benches and fuzz targets count members, rigs make entries by hand and move virtual time.
DRIVERS = {
    "kith_core_size",
    "kith_core_alive",
    "kith_cluster_agrees",
    "kith_cluster_lives",
    "kith_cluster_run",
    "kith_measure_run",
    "kith_loop_run_until",
    "kith_network_set_default",
}

# What may be written to and is no world's own, and why no two threads are at it.
SHARED = {
    "config/secret_load.c": {"said": "atomic"},
    "runtime/loop/loop_virtual.c": {"worlds": "atomic"},
    "runtime/loop/resolve.c": {"library": "pthread_once"},
    "transports/loopback/loopback_networks.c": {"all_lock": "the lock", "all": "under all_lock"},
    "codecs/zstd.c": {"contexts_once": "pthread_once", "contexts_key": "set by contexts_once",
                      "contexts_can_be": "set by contexts_once"},
}
# A program has one thread of its own, and no worlds beside those it makes.
PROGRAMS = ("tools",)

# Compiled, and included.
UNITS = (".c", ".cc", ".cpp", ".cxx", ".S", ".s")
HEADERS = (".h", ".hh", ".hpp", ".hxx", ".inc", ".def")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*(?:include|include_next|import)\b[ \t]*(.*?)[ \t]*$', re.M)
NAMED = re.compile(r'(["<])([^">]+)[">]$')
DEFINED, UNDEFINED = set("TDBRCVWGuSi"), set("Uwv")
NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
API = re.compile(r"\bKITH_API\b[^;{(]*?\b(\w+)\s*\(")
MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)(?:\\\n|[^\n])*", re.M)
GUARD = re.compile(r"^[ \t]*#[ \t]*ifndef[ \t]+(\w+)\s*\n[ \t]*#[ \t]*define[ \t]+\1[ \t]*$", re.M)
# Up to the paragraph after the list.
ORDER = re.compile(r"calls only those further\s+(?:\*\s+)?down:(.*?)\n \*(?:/|\n \* \w)", re.S)
INLINE = re.compile(r"^static inline\b([^;{]*)\{", re.M)


def sources(root, below=""):
    """All C and C++ of the house, or of one folder, as paths below root; no builds in it."""
    found = []
    for folder, folders, files in os.walk(os.path.join(root, below)):
        where = os.path.relpath(folder, root)
        folders[:] = [f for f in folders if not f.startswith(".")
                      and not os.path.exists(os.path.join(folder, f, "config.status"))]
        if where == ".":  # `make distcheck` builds and installs into folders that begin with _
            folders[:] = [f for f in folders if f not in OUTSIDE and f[0] != "_"]
        found += [os.path.normpath(os.path.join(where, f)) for f in files
                  if f.endswith(UNITS + HEADERS)]
    return sorted(found)


def code_of(text, strings):
    """The text without its comments, and if wanted without what its strings say. Lines stay."""
    def blank(m):
        said = m.group()
        if said[0] == "/":
            return " " + "\n" * said.count("\n")
        return said if strings else said[0] + said[-1]
    return NOT_CODE.sub(blank, text)


def rule(folder):
    """What a folder may see: its own row, or that of the plugins' folder it lies in."""
    parent = os.path.dirname(folder)
    return MAY_SEE.get(folder) or (MAY_SEE[parent] if parent in PLUGIN_FOLDERS else None)


def sees(path, maker):
    """May a file use what another one makes?"""
    folder, of = os.path.dirname(path), os.path.dirname(maker)
    return folder == of or rule(folder) is not None and of in rule(folder)[0]


class Tree:
    def __init__(self, root, build, drivers=DRIVERS, shared=SHARED):
        self.root, self.build, self.drivers, self.shared = root, build, drivers, shared
        self.files = sources(root)
        self.by_base = collections.defaultdict(list)
        for f in self.files:
            self.by_base[os.path.basename(f)].append(f)

    def code(self, path, strings=False):
        with open(os.path.join(self.root, path), encoding="utf-8") as f:
            return code_of(f.read(), strings)

    def includes(self, path):
        """[(quote or bracket, name)]; of an include that names no file: ("", what it says)."""
        named = [(NAMED.match(said), said) for said in INCLUDE.findall(self.code(path, True))]
        return [m.groups() if m else ("", said) for m, said in named]

    def target(self, path, name):
        """Which file of ours a name means, seen from path: its own folder first."""
        own = os.path.dirname(path) + "/" + name
        if own in self.files:
            return own
        if name.startswith("kith/"):
            return "include/" + name if "include/" + name in self.files else None
        return (self.by_base.get(os.path.basename(name)) or [None])[0]

    def objects(self):
        """{source: (what it defines, what it uses)}, from the objects of the build."""
        found = {}
        for path in self.files:
            if path.endswith(UNITS) and path != INTERPOSER:
                symbols = self.symbols(path)
                if symbols:
                    found[path] = symbols
        return found

    def symbols(self, path):
        made = self.object(path)
        return nm(made) if made else None

    def object(self, path):
        folder = os.path.join(self.build, os.path.dirname(path))
        stem = os.path.splitext(os.path.basename(path))[0]
        for place in (os.path.join(folder, ".libs"), folder):
            if not os.path.isdir(place):
                continue
            for o in sorted(os.listdir(place)):
                if o == stem + ".o" or o.endswith("-" + stem + ".o"):
                    return os.path.join(place, o)
        return None


def nm(path):
    defined, used = set(), set()
    for line in subprocess.run(["nm", path], check=True, capture_output=True,
                               text=True).stdout.splitlines():
        kind, name = line.split()[-2:]
        if name.startswith(("__", "_GLOBAL_")):
            continue
        if kind in DEFINED:
            defined.add(name)
        elif kind in UNDEFINED:
            used.add(name)
    return defined, used


def writable(path):
    """What lies in an object's data that is neither constant nor a thread's own."""
    for line in subprocess.run(["nm", "--format=sysv", path], check=True, capture_output=True,
                               text=True).stdout.splitlines():
        fields = [f.strip() for f in line.split("|")]
        if len(fields) == 7 and fields[3] == "OBJECT" and not fields[0].startswith("__"):
            section = fields[6].split()[0] if fields[6] else ""
            if section == "*COM*" or re.match(r"\.(bss|data)(?!\.rel\.ro)", section):
                # static in a function: gcc writes NAME.7, clang FUNCTION.NAME
                yield re.sub(r"^\w+\.(?=[a-z_])", "", re.sub(r"\.\d+$", "", fields[0]))


def check_folders(tree):
    for folder in sorted({os.path.dirname(f) for f in tree.files}):
        if rule(folder) is None:
            yield "%s/ has no row in MAY_SEE of tests/tree/layers.py" % folder


def check_includes(tree):
    for path in tree.files:
        folder = os.path.dirname(path)
        if rule(folder) is None:
            continue
        folders, public = rule(folder)
        for mark, name in tree.includes(path):
            target = tree.target(path, name)
            if not mark:
                yield "%s includes %s: name the file" % (path, name)
            elif name.startswith("kith/"):
                if name[5:] not in public:
                    yield "%s includes <%s>: %s/ may see %s" % (path, name, folder,
                                                                ", ".join(public))
            elif mark == '"' and "/" in name:
                yield '%s includes "%s" by a path: say the name alone' % (path, name)
            elif target and os.path.dirname(target) not in [folder] + folders:
                yield '%s includes "%s": %s/ may see %s' % (path, name, folder,
                                                            ", ".join(folders) or "its own files")
            elif mark == '"' and not target and name != "config.h":
                yield '%s includes "%s", which is no file of ours' % (path, name)


def makers_of(objects):
    """{symbol: the files that define it}"""
    makers = collections.defaultdict(list)
    for path, (defined, _) in objects.items():
        for name in defined:
            makers[name].append(path)
    return makers


def check_calls(tree):
    objects = tree.objects()
    makers = makers_of(objects)
    for path, (_, used) in sorted(objects.items()):
        folder = os.path.dirname(path)
        if rule(folder) is None:
            continue
        for name in sorted(used):
            folders = {os.path.dirname(maker) for maker in makers.get(name, ())}
            if folders and not folders & {folder, *rule(folder)[0]}:
                yield "%s uses %s of %s, which %s/ may not see" % (path, name, makers[name][0],
                                                                  folder)


def circles_of(edges):
    """Strongly connected parts of more than one node (Tarjan, without recursion)."""
    index, low, on, stack, found = {}, {}, set(), [], []
    for start in sorted(edges):
        if start in index:
            continue
        work = [(start, iter(sorted(edges[start])))]
        index[start] = low[start] = len(index)
        stack.append(start)
        on.add(start)
        while work:
            node, rest = work[-1]
            for to in rest:
                if to not in index:
                    index[to] = low[to] = len(index)
                    stack.append(to)
                    on.add(to)
                    work.append((to, iter(sorted(edges.get(to, ())))))
                    break
                if to in on:
                    low[node] = min(low[node], index[to])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    part = []
                    while True:
                        part.append(stack.pop())
                        on.discard(part[-1])
                        if part[-1] == node:
                            break
                    if len(part) > 1:
                        found.append(sorted(part))
    return found


def dependencies(tree):
    """{file: {file it needs: why}}"""
    edges = collections.defaultdict(dict)
    for path in tree.files:
        for _, name in tree.includes(path):
            target = tree.target(path, name)
            if target and target != path:
                edges[path][target] = "includes it"
    objects = tree.objects()
    makers = makers_of(objects)
    for path, (_, used) in objects.items():
        for name in sorted(used):
            if len(makers.get(name, ())) == 1 and makers[name][0] != path:
                edges[path].setdefault(makers[name][0], name)
    return edges


def check_circles(tree):
    edges = dependencies(tree)
    for part in circles_of(edges):
        inside = ["    %s -> %s (%s)" % (a, b, edges[a][b])
                  for a in part for b in sorted(edges[a]) if b in part]
        yield "%d files form a circle:\n%s" % (len(part), "\n".join(inside))


def check_orders(tree):
    edges = dependencies(tree)
    lists = 0
    for path in tree.files:
        with open(os.path.join(tree.root, path), encoding="utf-8") as f:
            said = ORDER.search(f.read())
        if not said:
            continue
        lists += 1
        order = [os.path.join(os.path.dirname(path), name)
                 for name in re.findall(r"\b\w+\.c\b", said.group(1))]
        for i, file in enumerate(order):
            if file not in tree.files:
                yield "%s lists %s, which is not there" % (path, file)
            for above in order[:i]:
                if above in edges[file]:
                    yield "%s lists %s above %s, which needs it (%s)" % (path, above, file,
                                                                        edges[file][above])
    if not lists:
        yield "no header lists its files in their order"


def check_names(tree):
    """Two files of one stem are a .c and its .h in one folder. Public headers have <kith/>
    before their names. What others could have written (tests/abi/authors) has names of its own."""
    places = collections.defaultdict(set)
    tests = [f for f in sources(tree.root, "tests") if not f.startswith("tests/abi/authors/")]
    for path in tree.files + tests:
        folder, stem = os.path.dirname(path), os.path.splitext(os.path.basename(path))[0]
        if folder == "include/kith":
            continue
        places[stem].add(folder)
    for stem, folders in sorted(places.items()):
        if len(folders) > 1:
            yield "the name %s occurs in %s" % (stem, ", ".join(sorted(folders)))


def check_globals(tree):
    """Of C++ too: a mangled name does not begin with kith_."""
    objects = tree.objects()
    makers = makers_of(objects)
    header = os.path.join("include", "kith", "kith.h")
    public = set(API.findall(tree.code(header))) if header in tree.files else set()
    used = {name for path, (_, uses) in objects.items() for name in uses
            if any(maker != path and sees(path, maker) for maker in makers.get(name, ()))}
    for name, paths in sorted(makers.items()):
        if name == "main" or name.startswith("kith_plugin_v1"):
            continue
        for path in paths:
            if not name.startswith("kith_"):
                yield "%s: %s is global and does not begin with kith_" % (path, name)
        if len(paths) > 1:
            yield "%s is made by %s: a name is one thing's" % (name, " and ".join(sorted(paths)))
        elif name.startswith("kith_") and name not in used | public | tree.drivers:
            yield "%s: %s is global and used by no other file that may" % (paths[0], name)
    for name in sorted(tree.drivers):
        if name not in makers:
            yield "DRIVERS of tests/tree/layers.py has %s, which nobody makes" % name
        elif name in used | public:
            yield "DRIVERS of tests/tree/layers.py has %s, which is no exception" % name


def made_in(code):
    """{macro or inline function: the text of its definitions}, of a header's code."""
    found = collections.defaultdict(list)
    guards = set(GUARD.findall(code))
    for m in MACRO.finditer(code):
        if m.group(1) not in guards:
            found[m.group(1)].append(m.group())
    for m in INLINE.finditer(code):
        names = [n for n in re.findall(r"(\w+)\s*\(", m.group(1)) if n != "__attribute__"]
        end = re.compile(r"\n\}|\}[ \t]*$", re.M).search(code, m.end())
        found[names[0]].append(code[m.start():end.end() if end else len(code)])
    return found


def check_headers(tree):
    """Those of include/kith/ are for plugins and programs that are not ours."""
    words = {path: collections.Counter(re.findall(r"[A-Za-z_]\w*", tree.code(path)))
             for path in tree.files}
    makers = collections.defaultdict(list)
    for path in tree.files:
        if not path.endswith(HEADERS) or path.startswith("include/kith/"):
            continue
        for name, texts in sorted(made_in(tree.code(path)).items()):
            makers[name].append(path)
            inside = sum(len(re.findall(r"\b%s\b" % name, text)) for text in texts)
            if words[path][name] <= inside and not any(
                    other != path and words[other][name] and sees(other, path)
                    for other in tree.files):
                yield "%s: nobody who may uses %s" % (path, name)
    for name, paths in sorted(makers.items()):
        if len(paths) > 1:
            yield "%s is made by %s: a name is one thing's" % (name, " and ".join(paths))


def check_shared(tree):
    for path in tree.files:
        made = tree.object(path) if path.endswith(UNITS) else None
        if not made or os.path.dirname(path) in PROGRAMS:
            continue
        found, known = set(writable(made)), set(tree.shared.get(path, ()))
        for name in sorted(found - known):
            yield "%s: %s is written to, and other threads have it too" % (path, name)
        for name in sorted(known - found):
            yield "SHARED of tests/tree/layers.py has %s of %s, which is not there" % (name, path)
    for path in sorted(set(tree.shared) - set(tree.files)):
        yield "SHARED of tests/tree/layers.py has %s, which is not there" % path


CHECKS = {
    "folders": check_folders,
    "includes": check_includes,
    "calls": check_calls,
    "circles": check_circles,
    "orders": check_orders,
    "names": check_names,
    "globals": check_globals,
    "headers": check_headers,
    "shared": check_shared,
}


def main():
    tree = Tree(os.environ.get("srcdir", "."), os.environ.get("builddir", "."))
    status = 0
    for name in sys.argv[1:] or CHECKS:
        for problem in CHECKS[name](tree):
            print("%s: %s" % (name, problem))
            status = 1
    unseen = {f for f in tree.files if f.endswith(UNITS)} - set(tree.objects()) - {INTERPOSER}
    for path in sorted(unseen):
        print("%s has no object in %s: build first, or is it of no use?" % (path, tree.build))
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
