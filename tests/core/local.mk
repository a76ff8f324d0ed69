# tests/core
if HAVE_CUNIT
CORE_TESTS = tests/core/test_broadcast tests/core/test_wire tests/core/test_tables tests/core/test_steady \
  tests/core/test_settings
check_PROGRAMS += $(CORE_TESTS)
TESTS += $(CORE_TESTS)
endif
dist_check_SCRIPTS += tests/core/pure.sh
TESTS += tests/core/pure.sh

CORE_TEST_CPPFLAGS = $(INC_CORE) -I$(top_srcdir)/tests
CORE_TEST_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(JANSSON_CFLAGS)
CORE_TEST_LIBS = core/libcore.la $(CUNIT_LIBS)

tests_core_test_broadcast_SOURCES = tests/core/test_broadcast.c
tests_core_test_broadcast_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_broadcast_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_broadcast_LDADD = $(CORE_TEST_LIBS)

tests_core_test_wire_SOURCES = tests/core/test_wire.c
tests_core_test_wire_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_wire_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_wire_LDADD = $(CORE_TEST_LIBS) $(JANSSON_LIBS)

tests_core_test_tables_SOURCES = tests/core/test_tables.c
tests_core_test_tables_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_tables_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_tables_LDADD = $(CORE_TEST_LIBS) $(JANSSON_LIBS)

tests_core_test_settings_SOURCES = tests/core/test_settings.c
tests_core_test_settings_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_settings_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_settings_LDADD = config/libconfig.la $(CUNIT_LIBS)

# Every allocation of the core passes the test's counters.
tests_core_test_steady_SOURCES = tests/core/test_steady.c
tests_core_test_steady_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_steady_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_steady_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc
tests_core_test_steady_LDADD = $(CORE_TEST_LIBS)

# Single rules, one core on a bench.
noinst_HEADERS += tests/core/rig.h tests/settings.h
if HAVE_CUNIT
RULE_TESTS = tests/core/test_alive tests/core/test_accuse tests/core/test_suspicion tests/core/test_probe tests/core/test_answer \
  tests/core/test_gossip tests/core/test_sync tests/core/test_streams tests/core/test_requests tests/core/test_life
check_PROGRAMS += $(RULE_TESTS)
TESTS += $(RULE_TESTS)
check_LTLIBRARIES += tests/core/librig.la
endif
tests_core_librig_la_SOURCES = tests/core/rig.c
tests_core_librig_la_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_librig_la_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_alive_SOURCES = tests/core/test_alive.c
tests_core_test_alive_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_alive_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_alive_LDADD = tests/core/librig.la $(CORE_TEST_LIBS)
tests_core_test_accuse_SOURCES = tests/core/test_accuse.c
tests_core_test_accuse_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_accuse_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_accuse_LDADD = tests/core/librig.la $(CORE_TEST_LIBS)
tests_core_test_suspicion_SOURCES = tests/core/test_suspicion.c
tests_core_test_suspicion_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_suspicion_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_suspicion_LDADD = tests/core/librig.la $(CORE_TEST_LIBS)
tests_core_test_probe_SOURCES = tests/core/test_probe.c
tests_core_test_probe_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_probe_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_probe_LDADD = tests/core/librig.la $(CORE_TEST_LIBS)
tests_core_test_answer_SOURCES = tests/core/test_answer.c
tests_core_test_answer_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_answer_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_answer_LDADD = tests/core/librig.la $(CORE_TEST_LIBS)
tests_core_test_gossip_SOURCES = tests/core/test_gossip.c
tests_core_test_gossip_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_gossip_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_gossip_LDADD = tests/core/librig.la $(CORE_TEST_LIBS)
tests_core_test_sync_SOURCES = tests/core/test_sync.c
tests_core_test_sync_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_sync_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_sync_LDADD = tests/core/librig.la $(CORE_TEST_LIBS)
tests_core_test_streams_SOURCES = tests/core/test_streams.c
tests_core_test_streams_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_streams_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_streams_LDADD = tests/core/librig.la $(CORE_TEST_LIBS)
tests_core_test_requests_SOURCES = tests/core/test_requests.c
tests_core_test_requests_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_requests_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_requests_LDADD = tests/core/librig.la $(CORE_TEST_LIBS)
tests_core_test_life_SOURCES = tests/core/test_life.c
tests_core_test_life_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_life_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_life_LDADD = tests/core/librig.la $(CORE_TEST_LIBS)
