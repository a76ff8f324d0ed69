#!/usr/bin/env python3
"""Do the tests of the core notice when it is wrong?

    mutants.py [--seconds N] [--only TEXT] [--seed N] [--list]

Each mutant is the core with one line changed. It is compiled, linked with the tests in tests/core,
and they run; when all of them pass, the mutant has survived: nobody would notice that mistake.
Mutants come from the table of operators below and from by_hand.txt, those by hand first, the others
in random order, until all are tried or the time is over. equivalent.txt names those that change
nothing that counts, each with the reason; they are not tried. --only takes those in whose name
(file:line: function: old -> new) the text is. Exit status: 0 when none survived.

.ci/long runs it. It needs no configured tree: just a compiler, pkg-config, and what the core and
its tests are built from.
"""
import argparse
import os
import pathlib
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
LIMIT = 60  # seconds that the tests may take: a mutant may never end

# What is looked for in a line of code, and what stands there instead.
OPERATORS = [
    (r"(?<![<>=!-])<(?![<=])(?! ?\w+\.h>)", "<="),
    (r"(?<![<>=!-])<(?![<=])(?! ?\w+\.h>)", ">"),
    (r"<=", "<"),
    (r"(?<![<>=!-])>(?![>=])", ">="),
    (r"(?<![<>=!-])>(?![>=])", "<"),
    (r">=", ">"),
    (r"==", "!="),
    (r"!=", "=="),
    (r"&&", "||"),
    (r"\|\|", "&&"),
    (r" \+ 1\b", ""),
    (r" - 1\b", ""),
    (r" \+ (?!1\b)", " - "),
    (r" - (?!1\b)", " + "),
    (r" \* (?=\w)", " + "),
    (r"\+\+", "--"),
    (r"\+=", "-="),
    (r"-=", "+="),
    (r"\btrue\b", "false"),
    (r"\bfalse\b", "true"),
    (r"(?<=\()!(?=\w)|(?<= )!(?=\w)", ""),
    (r"\breturn 0;", "return -1;"),
    (r"\bbreak;", "continue;"),
]
# A statement that stands alone in its line may be missing.
STATEMENT = re.compile(r"^ +(?!return\b|break;|continue;|goto\b|else\b|case\b)[\w*>.()-]+"
                       r"(?:\(.*\)| [-+*|&^]?= .*|\+\+|--);$")
DECLARATION = re.compile(r"^ *(?:static|const|struct|unsigned|enum|size_t|bool|int\w*|uint\w+|"
                         r"char|double|extern|typedef)\b")


class Mutant:
    def __init__(self, file, number, function, old, new):
        self.file, self.number, self.function = file, number, function
        self.old, self.new = old.strip(), new.strip()

    def name(self):
        return (f"{self.file}:{self.number}: {self.function}: {self.old} -> "
                f"{self.new or '(nothing)'}")


def code_lines(text):
    """Number, function and line of what is code; comments in it end up as spaces."""
    bare = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)
    function = ""
    for number, line in enumerate(bare.split("\n"), 1):
        head = re.match(r"\w[^;=]*?(\w+)\(", line)
        function = head[1] if head else function
        if line.strip() and not line.startswith("#"):
            yield number, function, line.rstrip()


def changed(line):
    """All that the table makes of a line. What stands in quotes stays."""
    quoted = [m.span() for m in re.finditer(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])+\'', line)]
    for pattern, instead in OPERATORS:
        for m in re.finditer(pattern, line):
            if not any(a <= m.start() < b for a, b in quoted):
                yield line[:m.start()] + instead + line[m.end():]
    if STATEMENT.match(line) and not DECLARATION.match(line):
        yield ""


def by_operator():
    for path in sorted((TOP / "core").glob("*.c")):
        before = ""
        for number, function, line in code_lines(path.read_text()):
            # Nothing here makes malloc fail: what follows from it is not looked at.
            skip = re.search(r"assert\(|NO_?MEM", line) or "NO_MEM" in before
            before = line
            if skip:
                continue
            for new in changed(line):
                yield Mutant(path.name, number, function, line, new)


def blocks(name):
    """A file of blocks that are parted by empty lines; lines with # are the reason or the title."""
    for block in re.split(r"\n\s*\n", (HERE / name).read_text()):
        lines = [line for line in block.split("\n") if line and not line.startswith("#")]
        if lines:
            yield lines


def by_hand():
    for file, old, *new in blocks("by_hand.txt"):
        found = [(number, function)
                 for number, function, line in code_lines((TOP / "core" / file).read_text())
                 if line.strip() == old.strip()]
        if len(found) != 1:
            sys.exit(f"by_hand.txt: {file} has {len(found)} lines '{old.strip()}', not one")
        yield Mutant(file, *found[0], old, " ".join(new))


def equivalent():
    return {(*where.split(), old.strip(), " ".join(new).strip())
            for where, old, *new in blocks("equivalent.txt")}


class Bench:
    """Everything compiled once; then one object anew for each mutant."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "jansson", "cunit"],
                               capture_output=True, text=True, check=True).stdout
        self.libs = shlex.split(flags) + ["-lm"]
        self.cc = shlex.split(os.environ.get("CC", "cc")) + [
            "-std=gnu11", "-O1", "-w", "-fsanitize=address", "-D_GNU_SOURCE",
            f"-I{TOP}/include", f"-I{TOP}/core", f"-I{TOP}/tests"]
        tests = [path for path in sorted((TOP / "tests/core").glob("*.c"))
                 if path.name != "test_steady.c"]  # it is linked in a way of its own
        core = sorted((TOP / "core").glob("*.c"))
        self.objects = {}
        for path in core + tests + [TOP / "tests/suites.c"]:
            self.objects[path.name] = self.compile(path.read_text(), path.name, path.stem)
            if not self.objects[path.name]:
                sys.exit(f"{path} does not compile")

    def compile(self, text, name, to):
        source, out = self.folder / f"{to}.c", self.folder / f"{to}.o"
        where = TOP / ("core" if (TOP / "core" / name).exists() else
                       "tests/core" if (TOP / "tests/core" / name).exists() else "tests")
        source.write_text(text)
        done = subprocess.run(self.cc + [f"-iquote{where}", "-c", source, "-o", out],
                              capture_output=True)
        return out if done.returncode == 0 else None

    def run(self, changed_object=None, file=None):
        """True: all tests passed."""
        program = self.folder / "test"
        objects = dict(self.objects, **({file: changed_object} if file else {}))
        subprocess.run(self.cc + [*objects.values(), "-o", program] + self.libs, check=True)
        try:
            done = subprocess.run([program], cwd=self.folder, capture_output=True, timeout=LIMIT,
                                  env=dict(os.environ, srcdir=str(TOP)))
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def survives(self, mutant):
        """None: it does not compile."""
        lines = (TOP / "core" / mutant.file).read_text().split("\n")
        lines[mutant.number - 1] = mutant.new
        out = self.compile("\n".join(lines), mutant.file, "mutant")
        return self.run(out, mutant.file) if out else None


def chosen(args):
    known = equivalent()
    first, rest = list(by_hand()), list(by_operator())
    random.Random(args.seed).shuffle(rest)
    return [m for m in first + rest if args.only in m.name() and
            (m.file, m.function, m.old, m.new) not in known]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--only", default="")
    parser.add_argument("--list", action="store_true", help="only show them")
    args = parser.parse_args()
    mutants = chosen(args)
    if args.list:
        print(*(m.name() for m in mutants), sep="\n")
        return 0
    end, tried, survivors = time.monotonic() + args.seconds, 0, []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder)
        if not bench.run():
            sys.exit("the tests fail without a mutant")
        for mutant in mutants:
            if time.monotonic() > end:
                break
            result = bench.survives(mutant)
            tried += result is not None
            if result:
                survivors.append(mutant)
                print("survived:", mutant.name(), flush=True)
    print(f"seed {args.seed}: {tried} of {len(mutants)} mutants tried, "
          f"{len(survivors)} survived")
    return bool(survivors) or not tried


if __name__ == "__main__":
    sys.exit(main())
