# Fuzz targets. Every build makes replay_NAME and `make check` feeds it tests/fuzz/corpus/NAME; with
# --enable-fuzz (and CC=clang, --enable-static-plugins) there is fuzz_NAME too:
#     tests/fuzz/fuzz_packet -max_total_time=60 /tmp/new $(srcdir)/tests/fuzz/corpus/packet
# The corpus is written by make_corpus.py from the vectors and a list of hostile shapes.
noinst_HEADERS += tests/fuzz/fuzz.h
EXTRA_DIST += tests/fuzz/make_corpus.py tests/fuzz/corpus
FUZZ_ENGINE = -fsanitize=fuzzer

FUZZ_REPLAYS = tests/fuzz/replay_wire tests/fuzz/replay_packet tests/fuzz/replay_stream \
  tests/fuzz/replay_lzw tests/fuzz/replay_open tests/fuzz/replay_config
check_PROGRAMS += $(FUZZ_REPLAYS)
TESTS += $(FUZZ_REPLAYS)
VICTIM = tests/fuzz/victim.c tests/fuzz/victim.h
FUZZ_RIG_LIBS = plugins/libplugins.la config/libconfig.la $(JANSSON_LIBS)

tests_fuzz_replay_wire_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_wire.c
tests_fuzz_replay_wire_CPPFLAGS = $(INC_CORE) -DFUZZ_TARGET='"wire"'
tests_fuzz_replay_wire_LDADD = core/libcore.la

tests_fuzz_replay_packet_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_packet.c $(VICTIM) $(RIG)
tests_fuzz_replay_packet_CPPFLAGS = $(RIG_CPPFLAGS) -I$(top_srcdir)/core -DFUZZ_TARGET='"packet"'
tests_fuzz_replay_packet_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_replay_packet_LDADD = core/libcore.la $(FUZZ_RIG_LIBS)

tests_fuzz_replay_stream_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_stream.c $(VICTIM) $(RIG)
tests_fuzz_replay_stream_CPPFLAGS = $(RIG_CPPFLAGS) -I$(top_srcdir)/core -DFUZZ_TARGET='"stream"'
tests_fuzz_replay_stream_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_replay_stream_LDADD = core/libcore.la $(FUZZ_RIG_LIBS)

tests_fuzz_replay_lzw_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_lzw.c codecs/lzw.h \
  codecs/lzw_encode.c codecs/lzw_decode.c $(RIG)
tests_fuzz_replay_lzw_CPPFLAGS = $(RIG_CPPFLAGS) -I$(top_srcdir)/codecs -DFUZZ_TARGET='"lzw"'
tests_fuzz_replay_lzw_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_replay_lzw_LDADD = $(FUZZ_RIG_LIBS)

tests_fuzz_replay_open_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_open.c $(RIG)
tests_fuzz_replay_open_CPPFLAGS = $(RIG_CPPFLAGS) -DFUZZ_TARGET='"open"'
tests_fuzz_replay_open_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_replay_open_LDADD = $(FUZZ_RIG_LIBS)

tests_fuzz_replay_config_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_config.c \
  tests/config/fake_finder.c tests/config/fake_finder.h
tests_fuzz_replay_config_CPPFLAGS = $(INC_CONFIG) -I$(top_srcdir)/tests/config \
  -DFUZZ_TARGET='"config"'
tests_fuzz_replay_config_LDADD = config/libconfig.la

if FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz_wire tests/fuzz/fuzz_packet tests/fuzz/fuzz_stream \
  tests/fuzz/fuzz_lzw tests/fuzz/fuzz_open tests/fuzz/fuzz_config
tests_fuzz_fuzz_wire_SOURCES = tests/fuzz/fuzz_wire.c
tests_fuzz_fuzz_wire_CPPFLAGS = $(INC_CORE)
tests_fuzz_fuzz_wire_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_wire_LDADD = core/libcore.la
tests_fuzz_fuzz_packet_SOURCES = tests/fuzz/fuzz_packet.c $(VICTIM) $(RIG)
tests_fuzz_fuzz_packet_CPPFLAGS = $(RIG_CPPFLAGS) -I$(top_srcdir)/core
tests_fuzz_fuzz_packet_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_fuzz_packet_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_packet_LDADD = core/libcore.la $(FUZZ_RIG_LIBS)
tests_fuzz_fuzz_stream_SOURCES = tests/fuzz/fuzz_stream.c $(VICTIM) $(RIG)
tests_fuzz_fuzz_stream_CPPFLAGS = $(RIG_CPPFLAGS) -I$(top_srcdir)/core
tests_fuzz_fuzz_stream_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_fuzz_stream_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_stream_LDADD = core/libcore.la $(FUZZ_RIG_LIBS)
tests_fuzz_fuzz_lzw_SOURCES = tests/fuzz/fuzz_lzw.c codecs/lzw.h codecs/lzw_encode.c \
  codecs/lzw_decode.c $(RIG)
tests_fuzz_fuzz_lzw_CPPFLAGS = $(RIG_CPPFLAGS) -I$(top_srcdir)/codecs
tests_fuzz_fuzz_lzw_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_fuzz_lzw_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_lzw_LDADD = $(FUZZ_RIG_LIBS)
tests_fuzz_fuzz_open_SOURCES = tests/fuzz/fuzz_open.c $(RIG)
tests_fuzz_fuzz_open_CPPFLAGS = $(RIG_CPPFLAGS)
tests_fuzz_fuzz_open_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_fuzz_open_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_open_LDADD = $(FUZZ_RIG_LIBS)
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c \
  tests/config/fake_finder.c tests/config/fake_finder.h
tests_fuzz_fuzz_config_CPPFLAGS = $(INC_CONFIG) -I$(top_srcdir)/tests/config
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_config_LDADD = config/libconfig.la
endif
