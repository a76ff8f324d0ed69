#!/usr/bin/env python3
"""What the installed pages lead to is installed too.

  links    every [text](file#part) of every installed page: the file is there, and so is the heading
  paths    every docs/... and examples/... that a page, a man page or a header names is there

Installs the data of the build into a scratch place; knows nothing of what the pages say.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

BUILD = os.environ["builddir"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED = re.compile(r"\b((?:docs|examples)/[\w./*-]*[\w*])")
LEAST = 40  # links and paths; fewer: they are not seen any more


def install(root):
    make = os.environ.get("MAKE", "make")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKEFLAGS", "MFLAGS"))}
    env.pop("MAKELEVEL", None)
    done = subprocess.run([make, "-s", "-C", BUILD, "install-data", "DESTDIR=" + root],
                          capture_output=True, text=True, env=env)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def headings(text):
    """As forges make anchors of them."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    titles = re.findall(r"^#+ (.*)$", text, flags=re.M)
    return {re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles}


def check_link(page, link):
    path, _, part = link.partition("#")
    target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
    if not os.path.exists(target):
        return "there is no %s" % path
    if part and part not in headings(read(target)):
        return "%s has no heading for #%s" % (path or "it", part)
    return None


def problems(root):
    doc = os.path.dirname(glob.glob(os.path.join(root, "**", "CHANGELOG.md"), recursive=True)[0])
    pages = glob.glob(os.path.join(doc, "**", "*.md"), recursive=True)
    seen = 0
    for page in pages:
        for link in LINK.findall(re.sub(r"^```.*?^```$", "", read(page), flags=re.M | re.S)):
            if re.match(r"\w+:", link):
                continue
            seen += 1
            wrong = check_link(page, link)
            if wrong:
                yield "%s: %s" % (os.path.relpath(page, doc), wrong)
    texts = pages + glob.glob(os.path.join(root, "**", "man*", "*.[0-9]"), recursive=True)
    texts += glob.glob(os.path.join(root, "**", "include", "kith", "*.h"), recursive=True)
    for text in texts:
        for path in NAMED.findall(read(text).replace("\\-", "-")):
            if path.startswith("docs/man/") or "NAME" in path:
                continue  # the source of what is installed as a man page
            seen += 1
            if not glob.glob(os.path.join(doc, path)):
                yield "%s: there is no %s" % (os.path.basename(text), path)
    if seen < LEAST:
        yield "only %d links and paths were found" % seen


def main():
    with tempfile.TemporaryDirectory() as root:
        install(root)
        wrong = list(problems(root))
    for one in sorted(set(wrong)):
        print(one)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
