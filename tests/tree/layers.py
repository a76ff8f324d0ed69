#!/usr/bin/env python3
"""Keeps the house as docs/ARCHITECTURE.md draws it. Six checks, each by its name:

  folders   every folder with C in it has its row in MAY_SEE
  includes  a file includes what its folder may see, and nothing by a path
  calls     an object uses what is defined in a folder that its own may see
  circles   no circle of files: header includes header, object uses what another object defines
  names     no two files of one name, so that a name says which file is meant
  globals   what is global is used by another file of ours; tests alone are no reason

Usage: layers.py [CHECK...]. The tree is $srcdir, its objects lie in $builddir. tests/ and examples/
are no part of the house. It knows nothing of what the code means.
"""
import collections
import os
import re
import subprocess
import sys

# folder: the other folders whose headers it may include, and the public headers.
PLUGIN = ["plugin.h"]
BELOW = ["core", "config", "plugins"]
HOST = PLUGIN + ["settings.h"]
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
    "runtime": (BELOW + ["runtime/loop", "runtime/node", "runtime/control"], PUBLIC),
    "tools": (
        BELOW + ["runtime", "runtime/loop", "runtime/node", "runtime/control"],
        PUBLIC,
    ),
}
# A plugin of several files has a folder of its own below one of these.
PLUGIN_FOLDERS = ("codecs", "transports", "plugins/delegates")
OUTSIDE = ("tests", "examples")
# It stands in for the C library's functions, so it defines their names: no part of any program.
INTERPOSER = "tools/allocations.c"

# What drives a folder from outside of the program: the simulator, benches and fuzz targets count
# members, rigs make entries by hand and move virtual time.
DRIVERS = {
    "kith_core_size",
    "kith_core_alive",
    "kith_entry_init",
    "kith_loop_run_until",
    "kith_node_pause",
    "kith_world_new_virtual",
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)
DEFINED, UNDEFINED = set("TDBRCVWG"), "U"


def sources(root):
    """All .c and .h files of the house, as paths below root; builds in it are left out."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if not f.startswith((".", "_"))
                      and not os.path.exists(os.path.join(folder, f, "config.status"))]
        if folder == root:
            folders[:] = [f for f in folders if f not in OUTSIDE]
            continue
        below = os.path.relpath(folder, root)
        found += [below + "/" + f for f in files if f.endswith((".c", ".h"))]
    return sorted(found)


def rule(folder):
    """What a folder may see: its own row, or that of the plugins' folder it lies in."""
    parent = os.path.dirname(folder)
    return MAY_SEE.get(folder) or (MAY_SEE[parent] if parent in PLUGIN_FOLDERS else None)


class Tree:
    def __init__(self, root, build):
        self.root, self.build = root, build
        self.files = sources(root)
        self.by_base = collections.defaultdict(list)
        for f in self.files:
            self.by_base[os.path.basename(f)].append(f)

    def includes(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as f:
            return INCLUDE.findall(f.read())

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
            if path.endswith(".c") and path != INTERPOSER:
                symbols = self.symbols(path)
                if symbols:
                    found[path] = symbols
        return found

    def symbols(self, path):
        folder, stem = os.path.join(self.build, os.path.dirname(path)), os.path.basename(path)[:-2]
        for place in (os.path.join(folder, ".libs"), folder):
            if not os.path.isdir(place):
                continue
            for o in sorted(os.listdir(place)):
                if o == stem + ".o" or o.endswith("-" + stem + ".o"):
                    return nm(os.path.join(place, o))
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
        elif kind == UNDEFINED:
            used.add(name)
    return defined, used


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
            if name.startswith("kith/"):
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


def check_names(tree):
    """Two files of one stem are a .c and its .h in one folder. Public headers have <kith/>
    before their names."""
    places = collections.defaultdict(set)
    for path in tree.files:
        folder, stem = os.path.dirname(path), os.path.splitext(os.path.basename(path))[0]
        if folder == "include/kith":
            continue
        places[stem].add(folder)
    for stem, folders in sorted(places.items()):
        if len(folders) > 1:
            yield "the name %s occurs in %s" % (stem, ", ".join(sorted(folders)))


def check_globals(tree):
    objects = tree.objects()
    public = set()
    for header in ("kith.h", "settings.h"):
        path = os.path.join(tree.root, "include", "kith", header)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                public |= set(re.findall(r"\bkith_\w+", f.read()))
    used = collections.Counter(name for _, uses in objects.values() for name in uses)
    for path, (defined, _) in sorted(objects.items()):
        for name in sorted(defined):
            if name == "main" or name.startswith("kith_plugin_v1"):
                continue
            if not name.startswith("kith_"):
                yield "%s: %s is global and does not begin with kith_" % (path, name)
            elif not used[name] and name not in public | DRIVERS:
                yield "%s: %s is global and used by no other file" % (path, name)


CHECKS = {
    "folders": check_folders,
    "includes": check_includes,
    "calls": check_calls,
    "circles": check_circles,
    "names": check_names,
    "globals": check_globals,
}


def main():
    tree = Tree(os.environ.get("srcdir", "."), os.environ.get("builddir", "."))
    status = 0
    for name in sys.argv[1:] or CHECKS:
        for problem in CHECKS[name](tree):
            print("%s: %s" % (name, problem))
            status = 1
    unseen = {f for f in tree.files if f.endswith(".c")} - set(tree.objects()) - {INTERPOSER}
    for path in sorted(unseen):
        print("%s has no object in %s: build first, or is it of no use?" % (path, tree.build))
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
