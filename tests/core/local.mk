# tests/core
if HAVE_CUNIT
CORE_TESTS = tests/core/test_broadcast tests/core/test_wire tests/core/test_tables tests/core/test_steady
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

# Every allocation of the core passes the test's counters.
tests_core_test_steady_SOURCES = tests/core/test_steady.c
tests_core_test_steady_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_core_test_steady_CFLAGS = $(CORE_TEST_CFLAGS)
tests_core_test_steady_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc
tests_core_test_steady_LDADD = $(CORE_TEST_LIBS)
