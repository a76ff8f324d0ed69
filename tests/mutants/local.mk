# tests/mutants: the core with one mistake in it at a time. .ci/long runs it.
EXTRA_DIST += tests/mutants/mutants.py tests/mutants/by_hand.txt tests/mutants/equivalent.txt
