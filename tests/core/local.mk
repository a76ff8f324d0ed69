# tests/core: single rules, one core on a bench. A new file of tests is one line in
# tests_core_test_SOURCES.
noinst_HEADERS += tests/vectors.h tests/core/core_rig.h tests/core/wire_vectors.h \
  tests/lan_settings.h
if HAVE_CUNIT
CORE_TESTS = tests/core/test tests/core/test_steady
check_PROGRAMS += $(CORE_TESTS)
TESTS += $(CORE_TESTS)
endif
dist_check_SCRIPTS += tests/core/pure.sh
TESTS += tests/core/pure.sh

CORE_TEST_CPPFLAGS = $(INC_CORE) -I$(top_srcdir)/tests
CORE_TEST_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(JANSSON_CFLAGS)
CORE_TEST_LIBS = core/libcore.la $(CUNIT_LIBS)

tests_core_test_SOURCES = $(TEST_MAIN) tests/core/core_rig.c tests/core/core_rig_delegate.c \
  tests/core/test_accuse.c \
  tests/core/test_alive.c \
  tests/core/test_announce.c \
  tests/core/test_answer.c \
  tests/core/test_bounds.c \
  tests/core/test_broadcast.c \
  tests/core/test_choose.c \
  tests/core/test_compound.c \
  tests/core/test_farewell.c \
  tests/core/test_former.c \
  tests/core/test_gossip.c \
  tests/core/test_relay.c \
  tests/core/test_rounds.c \
  tests/core/test_judge.c \
  tests/core/test_missed.c \
  tests/core/test_life.c \
  tests/core/test_peers.c \
  tests/core/test_probe.c \
  tests/core/test_requests.c \
  tests/core/test_serving.c \
  tests/core/test_streams.c \
  tests/core/test_suspicion.c \
  tests/core/test_refusals.c \
  tests/core/test_sync.c \
  tests/core/test_tables.c \
  tests/core/test_top.c \
  tests/core/test_wire.c \
  tests/core/test_wire_hostile.c \
  tests/core/test_young.c
tests_core_test_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_LDADD = $(CORE_TEST_LIBS) $(JANSSON_LIBS)

# A program of its own: the linker sends every allocation of the core through the test's counters.
tests_core_test_steady_SOURCES = $(TEST_MAIN) tests/core/test_steady.c
tests_core_test_steady_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_steady_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_steady_LDFLAGS = $(AM_LDFLAGS) \
  -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc
tests_core_test_steady_LDADD = $(CORE_TEST_LIBS)
