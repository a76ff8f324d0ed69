# Fuzz targets. Every build makes replay_NAME and `make check` feeds it tests/fuzz/corpus/NAME; with
# --enable-fuzz (and CC=clang, --enable-static-plugins) there is fuzz_NAME too:
#     tests/fuzz/fuzz_packet -max_total_time=60 /tmp/new $(srcdir)/tests/fuzz/corpus/packet
# The corpus is written by make_corpus.py from the vectors and a list of hostile shapes. What a
# target is made of is listed once, for both.
noinst_HEADERS += tests/fuzz/fuzz.h
EXTRA_DIST += tests/fuzz/make_corpus.py tests/fuzz/corpus_readers.py tests/fuzz/corpus
FUZZ_ENGINE = -fsanitize=fuzzer

FUZZ_REPLAYS = tests/fuzz/replay_wire tests/fuzz/replay_packet tests/fuzz/replay_stream \
  tests/fuzz/replay_lzw tests/fuzz/replay_open tests/fuzz/replay_chain \
  tests/fuzz/replay_config tests/fuzz/replay_keyfile tests/fuzz/replay_texts \
  tests/fuzz/replay_channel tests/fuzz/replay_relay tests/fuzz/replay_dns tests/fuzz/replay_secret \
  tests/fuzz/replay_control tests/fuzz/replay_node tests/fuzz/replay_capture
check_PROGRAMS += $(FUZZ_REPLAYS)
TESTS += $(FUZZ_REPLAYS)
VICTIM = tests/fuzz/victim.c tests/fuzz/victim.h
ONE_NODE = tests/fuzz/one_node.c tests/fuzz/one_node.h
FUZZ_RIG_LIBS = plugins/libplugins.la config/libconfig.la $(JANSSON_LIBS)
DISSECT = tools/dissect.h tools/dissect_layers.c tools/dissect_messages.c tools/dissect_text.c \
  tools/capture.h tools/capture.c tools/datagram.h tools/datagram.c tools/tcp_streams.h \
  tools/tcp_streams.c tools/screen.h tools/screen.c tools/plugin_survey.h \
  tools/plugin_survey.c tools/plugin_describe.h tools/plugin_describe.c tools/crash.h tools/crash.c

FUZZ_WIRE = tests/fuzz/fuzz_wire.c
tests_fuzz_replay_wire_SOURCES = tests/fuzz/replay.c $(FUZZ_WIRE)
tests_fuzz_replay_wire_CPPFLAGS = $(INC_CORE) -DFUZZ_TARGET='"wire"'
tests_fuzz_replay_wire_LDADD = core/libcore.la

FUZZ_PACKET = tests/fuzz/fuzz_packet.c $(VICTIM) $(RIG)
tests_fuzz_replay_packet_SOURCES = tests/fuzz/replay.c $(FUZZ_PACKET)
tests_fuzz_replay_packet_CPPFLAGS = $(RIG_CPPFLAGS) -I$(top_srcdir)/core -DFUZZ_TARGET='"packet"'
tests_fuzz_replay_packet_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_replay_packet_LDADD = core/libcore.la $(FUZZ_RIG_LIBS)

FUZZ_STREAM = tests/fuzz/fuzz_stream.c $(VICTIM) $(RIG)
tests_fuzz_replay_stream_SOURCES = tests/fuzz/replay.c $(FUZZ_STREAM)
tests_fuzz_replay_stream_CPPFLAGS = $(RIG_CPPFLAGS) -I$(top_srcdir)/core -DFUZZ_TARGET='"stream"'
tests_fuzz_replay_stream_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_replay_stream_LDADD = core/libcore.la $(FUZZ_RIG_LIBS)

FUZZ_LZW = tests/fuzz/fuzz_lzw.c codecs/lzw.h codecs/lzw_encode.c \
  codecs/lzw_decode.c $(RIG)
tests_fuzz_replay_lzw_SOURCES = tests/fuzz/replay.c $(FUZZ_LZW)
tests_fuzz_replay_lzw_CPPFLAGS = $(RIG_CPPFLAGS) -I$(top_srcdir)/codecs -DFUZZ_TARGET='"lzw"'
tests_fuzz_replay_lzw_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_replay_lzw_LDADD = $(FUZZ_RIG_LIBS)

FUZZ_OPEN = tests/fuzz/fuzz_open.c $(RIG)
tests_fuzz_replay_open_SOURCES = tests/fuzz/replay.c $(FUZZ_OPEN)
tests_fuzz_replay_open_CPPFLAGS = $(RIG_CPPFLAGS) -DFUZZ_TARGET='"open"'
tests_fuzz_replay_open_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_replay_open_LDADD = $(FUZZ_RIG_LIBS)

FUZZ_CHAIN = tests/fuzz/fuzz_chain.c $(RIG)
tests_fuzz_replay_chain_SOURCES = tests/fuzz/replay.c $(FUZZ_CHAIN)
tests_fuzz_replay_chain_CPPFLAGS = $(RIG_CPPFLAGS) -DFUZZ_TARGET='"chain"'
tests_fuzz_replay_chain_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_replay_chain_LDADD = $(FUZZ_RIG_LIBS)

FUZZ_CONFIG = tests/fuzz/fuzz_config.c tests/config/fake_finder.c \
  tests/config/fake_finder.h
tests_fuzz_replay_config_SOURCES = tests/fuzz/replay.c $(FUZZ_CONFIG)
tests_fuzz_replay_config_CPPFLAGS = $(INC_CONFIG) -I$(top_srcdir)/tests/config \
  -DFUZZ_TARGET='"config"'
tests_fuzz_replay_config_LDADD = config/libconfig.la

FUZZ_KEYFILE = tests/fuzz/fuzz_keyfile.c tests/fuzz/fuzz_file.h
tests_fuzz_replay_keyfile_SOURCES = tests/fuzz/replay.c $(FUZZ_KEYFILE)
tests_fuzz_replay_keyfile_CPPFLAGS = $(INC_HOST) -DFUZZ_TARGET='"keyfile"'
tests_fuzz_replay_keyfile_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
tests_fuzz_replay_keyfile_LDADD = plugins/libplugins.la config/libconfig.la $(SODIUM_LIBS)

FUZZ_TEXTS = tests/fuzz/fuzz_texts.c
tests_fuzz_replay_texts_SOURCES = tests/fuzz/replay.c $(FUZZ_TEXTS)
tests_fuzz_replay_texts_CPPFLAGS = $(INC_LOOP) -DFUZZ_TARGET='"texts"'
tests_fuzz_replay_texts_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
tests_fuzz_replay_texts_LDADD = runtime/libloop.la config/libconfig.la $(SODIUM_LIBS)

FUZZ_RELAY = tests/fuzz/fuzz_relay.c $(VICTIM)
tests_fuzz_replay_relay_SOURCES = tests/fuzz/replay.c $(FUZZ_RELAY)
tests_fuzz_replay_relay_CPPFLAGS = $(INC_CONFIG) -I$(top_srcdir)/core -DFUZZ_TARGET='"relay"'
tests_fuzz_replay_relay_LDADD = core/libcore.la config/libconfig.la

FUZZ_CHANNEL = tests/fuzz/fuzz_channel.c
tests_fuzz_replay_channel_SOURCES = tests/fuzz/replay.c $(FUZZ_CHANNEL)
tests_fuzz_replay_channel_CPPFLAGS = $(INC_HOST) -DFUZZ_TARGET='"channel"'
tests_fuzz_replay_channel_LDADD = plugins/libplugins.la config/libconfig.la

FUZZ_DNS = tests/fuzz/fuzz_dns.c tests/fuzz/fuzz_file.h
tests_fuzz_replay_dns_SOURCES = tests/fuzz/replay.c $(FUZZ_DNS)
tests_fuzz_replay_dns_CPPFLAGS = $(INC_LOOP) -DFUZZ_TARGET='"dns"'
tests_fuzz_replay_dns_LDADD = runtime/libloop.la plugins/libplugins.la config/libconfig.la

FUZZ_SECRET = tests/fuzz/fuzz_secret.c
tests_fuzz_replay_secret_SOURCES = tests/fuzz/replay.c $(FUZZ_SECRET)
tests_fuzz_replay_secret_CPPFLAGS = $(INC_CONTROL) -DFUZZ_TARGET='"secret"'
tests_fuzz_replay_secret_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_replay_secret_LDADD = runtime/libcontrol.la config/libconfig.la $(JANSSON_LIBS)

FUZZ_CONTROL = tests/fuzz/fuzz_control.c $(ONE_NODE)
tests_fuzz_replay_control_SOURCES = tests/fuzz/replay.c $(FUZZ_CONTROL)
tests_fuzz_replay_control_CPPFLAGS = $(INC_CONTROL) -DFUZZ_TARGET='"control"'
tests_fuzz_replay_control_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_replay_control_LDADD = runtime/libruntime.la plugins/libplugins.la config/libconfig.la \
  core/libcore.la $(JANSSON_LIBS)

FUZZ_NODE = tests/fuzz/fuzz_node.c $(ONE_NODE)
tests_fuzz_replay_node_SOURCES = tests/fuzz/replay.c $(FUZZ_NODE)
tests_fuzz_replay_node_CPPFLAGS = $(INC_CONTROL) -DFUZZ_TARGET='"node"'
tests_fuzz_replay_node_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_replay_node_LDADD = runtime/libruntime.la plugins/libplugins.la config/libconfig.la \
  core/libcore.la $(JANSSON_LIBS)

FUZZ_CAPTURE = tests/fuzz/fuzz_capture.c tests/fuzz/fuzz_file.h $(DISSECT)
tests_fuzz_replay_capture_SOURCES = tests/fuzz/replay.c $(FUZZ_CAPTURE)
tests_fuzz_replay_capture_CPPFLAGS = $(INC_ALL) -DFUZZ_TARGET='"capture"'
tests_fuzz_replay_capture_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SODIUM_CFLAGS) \
  $(MSGPACK_CFLAGS)
tests_fuzz_replay_capture_LDADD = runtime/libloop.la plugins/libplugins.la config/libconfig.la \
  core/libcore.la $(JANSSON_LIBS) $(SODIUM_LIBS)

if FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz_wire tests/fuzz/fuzz_packet tests/fuzz/fuzz_stream \
  tests/fuzz/fuzz_lzw tests/fuzz/fuzz_open tests/fuzz/fuzz_chain tests/fuzz/fuzz_config \
  tests/fuzz/fuzz_keyfile tests/fuzz/fuzz_texts tests/fuzz/fuzz_channel tests/fuzz/fuzz_relay \
  tests/fuzz/fuzz_dns \
  tests/fuzz/fuzz_secret tests/fuzz/fuzz_control tests/fuzz/fuzz_node tests/fuzz/fuzz_capture
tests_fuzz_fuzz_wire_SOURCES = $(FUZZ_WIRE)
tests_fuzz_fuzz_wire_CPPFLAGS = $(INC_CORE)
tests_fuzz_fuzz_wire_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_wire_LDADD = core/libcore.la
tests_fuzz_fuzz_packet_SOURCES = $(FUZZ_PACKET)
tests_fuzz_fuzz_packet_CPPFLAGS = $(RIG_CPPFLAGS) -I$(top_srcdir)/core
tests_fuzz_fuzz_packet_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_fuzz_packet_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_packet_LDADD = core/libcore.la $(FUZZ_RIG_LIBS)
tests_fuzz_fuzz_stream_SOURCES = $(FUZZ_STREAM)
tests_fuzz_fuzz_stream_CPPFLAGS = $(RIG_CPPFLAGS) -I$(top_srcdir)/core
tests_fuzz_fuzz_stream_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_fuzz_stream_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_stream_LDADD = core/libcore.la $(FUZZ_RIG_LIBS)
tests_fuzz_fuzz_lzw_SOURCES = $(FUZZ_LZW)
tests_fuzz_fuzz_lzw_CPPFLAGS = $(RIG_CPPFLAGS) -I$(top_srcdir)/codecs
tests_fuzz_fuzz_lzw_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_fuzz_lzw_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_lzw_LDADD = $(FUZZ_RIG_LIBS)
tests_fuzz_fuzz_open_SOURCES = $(FUZZ_OPEN)
tests_fuzz_fuzz_open_CPPFLAGS = $(RIG_CPPFLAGS)
tests_fuzz_fuzz_open_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_fuzz_open_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_open_LDADD = $(FUZZ_RIG_LIBS)
tests_fuzz_fuzz_chain_SOURCES = $(FUZZ_CHAIN)
tests_fuzz_fuzz_chain_CPPFLAGS = $(RIG_CPPFLAGS)
tests_fuzz_fuzz_chain_CFLAGS = $(RIG_CFLAGS)
tests_fuzz_fuzz_chain_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_chain_LDADD = $(FUZZ_RIG_LIBS)
tests_fuzz_fuzz_config_SOURCES = $(FUZZ_CONFIG)
tests_fuzz_fuzz_config_CPPFLAGS = $(INC_CONFIG) -I$(top_srcdir)/tests/config
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_config_LDADD = config/libconfig.la
tests_fuzz_fuzz_keyfile_SOURCES = $(FUZZ_KEYFILE)
tests_fuzz_fuzz_keyfile_CPPFLAGS = $(INC_HOST)
tests_fuzz_fuzz_keyfile_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
tests_fuzz_fuzz_keyfile_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_keyfile_LDADD = plugins/libplugins.la config/libconfig.la $(SODIUM_LIBS)
tests_fuzz_fuzz_texts_SOURCES = $(FUZZ_TEXTS)
tests_fuzz_fuzz_texts_CPPFLAGS = $(INC_LOOP)
tests_fuzz_fuzz_texts_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
tests_fuzz_fuzz_texts_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_texts_LDADD = runtime/libloop.la config/libconfig.la $(SODIUM_LIBS)
tests_fuzz_fuzz_relay_SOURCES = $(FUZZ_RELAY)
tests_fuzz_fuzz_relay_CPPFLAGS = $(INC_CONFIG) -I$(top_srcdir)/core
tests_fuzz_fuzz_relay_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_relay_LDADD = core/libcore.la config/libconfig.la

tests_fuzz_fuzz_channel_SOURCES = $(FUZZ_CHANNEL)
tests_fuzz_fuzz_channel_CPPFLAGS = $(INC_HOST)
tests_fuzz_fuzz_channel_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_channel_LDADD = plugins/libplugins.la config/libconfig.la
tests_fuzz_fuzz_dns_SOURCES = $(FUZZ_DNS)
tests_fuzz_fuzz_dns_CPPFLAGS = $(INC_LOOP)
tests_fuzz_fuzz_dns_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_dns_LDADD = runtime/libloop.la plugins/libplugins.la config/libconfig.la
tests_fuzz_fuzz_secret_SOURCES = $(FUZZ_SECRET)
tests_fuzz_fuzz_secret_CPPFLAGS = $(INC_CONTROL)
tests_fuzz_fuzz_secret_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_secret_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_secret_LDADD = runtime/libcontrol.la config/libconfig.la $(JANSSON_LIBS)
tests_fuzz_fuzz_control_SOURCES = $(FUZZ_CONTROL)
tests_fuzz_fuzz_control_CPPFLAGS = $(INC_CONTROL)
tests_fuzz_fuzz_control_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_control_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_control_LDADD = runtime/libruntime.la plugins/libplugins.la config/libconfig.la \
  core/libcore.la $(JANSSON_LIBS)
tests_fuzz_fuzz_node_SOURCES = $(FUZZ_NODE)
tests_fuzz_fuzz_node_CPPFLAGS = $(INC_CONTROL)
tests_fuzz_fuzz_node_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_node_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_node_LDADD = runtime/libruntime.la plugins/libplugins.la config/libconfig.la \
  core/libcore.la $(JANSSON_LIBS)
tests_fuzz_fuzz_capture_SOURCES = $(FUZZ_CAPTURE)
tests_fuzz_fuzz_capture_CPPFLAGS = $(INC_ALL)
tests_fuzz_fuzz_capture_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SODIUM_CFLAGS) \
  $(MSGPACK_CFLAGS)
tests_fuzz_fuzz_capture_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_capture_LDADD = runtime/libloop.la plugins/libplugins.la config/libconfig.la \
  core/libcore.la $(JANSSON_LIBS) $(SODIUM_LIBS)
endif
