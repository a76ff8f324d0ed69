"""What scripts of this folder share: the program, a folder and an environment of one's own, checks
that are counted, and the line that tests/summary.sh reads."""

import os
import shutil
import sys
import tempfile

KITH = os.environ["KITH"]
DIR = os.path.realpath(tempfile.mkdtemp(prefix="kith-%s-" % os.path.basename(sys.argv[0])[:-3]))
ENV = dict(os.environ, KITH_RUN_DIR=os.path.join(DIR, "run"))
for unwanted in ("KITH_SOCKET", "NOTIFY_SOCKET"):
    ENV.pop(unwanted, None)
running = []  # processes that must not outlive the script
passed = failures = skipped = 0


def check(what, ok, detail=""):
    global failures, passed
    passed, failures = passed + bool(ok), failures + (not ok)
    if not ok:
        print("FAILED  %s: %s" % (what, detail), flush=True)


def skip(what):
    global skipped
    skipped += 1
    print("SKIP  %s" % what, flush=True)


def clean_up():
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait()
    shutil.rmtree(DIR, ignore_errors=True)


def tests(script):
    """All test_*() of the script, or those whose names hold the first argument."""
    try:
        for name, test in list(script.items()):
            if name.startswith("test_") and (len(sys.argv) < 2 or sys.argv[1] in name):
                test()
    finally:
        clean_up()
    finish()


def finish():
    print("%d passed, %d failed, %d skipped" % (passed, failures, skipped))
    sys.exit(failures > 0)
