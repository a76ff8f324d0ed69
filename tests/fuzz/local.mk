# Fuzz targets. Every build makes replay_NAME and `make check` feeds it tests/fuzz/corpus/NAME; with --enable-fuzz (and
# CC=clang, --enable-static-plugins) there is fuzz_NAME too:
#     tests/fuzz/fuzz_packet -max_total_time=60 /tmp/new $(srcdir)/tests/fuzz/corpus/packet
# The corpus is written by make_corpus.py from the vectors and a list of hostile shapes.
noinst_HEADERS += tests/fuzz/fuzz.h
EXTRA_DIST += tests/fuzz/make_corpus.py tests/fuzz/corpus
FUZZ_ENGINE = -fsanitize=fuzzer

check_PROGRAMS += tests/fuzz/replay_wire
TESTS += tests/fuzz/replay_wire
tests_fuzz_replay_wire_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_wire.c
tests_fuzz_replay_wire_CPPFLAGS = $(INC_CORE) -DFUZZ_TARGET='"wire"'
tests_fuzz_replay_wire_LDADD = core/libcore.la

if FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz_wire
tests_fuzz_fuzz_wire_SOURCES = tests/fuzz/fuzz_wire.c
tests_fuzz_fuzz_wire_CPPFLAGS = $(INC_CORE)
tests_fuzz_fuzz_wire_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_wire_LDADD = core/libcore.la
endif
