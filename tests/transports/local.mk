# tests/transports. A new file of tests is one line in tests_transports_test_SOURCES.
if HAVE_CUNIT
TRANSPORT_TESTS = tests/transports/test tests/transports/test_batches
check_PROGRAMS += $(TRANSPORT_TESTS)
TESTS += $(TRANSPORT_TESTS)
endif

tests_transports_test_SOURCES = $(TEST_MAIN) tests/transports/ends.c tests/transports/ends.h \
  tests/transports/test_udp_tcp.c
tests_transports_test_CPPFLAGS = $(INC_ALL) -I$(top_srcdir)/tests
tests_transports_test_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
tests_transports_test_LDADD = runtime/libruntime.la plugins/libplugins.la config/libconfig.la \
  $(CUNIT_LIBS)

# A program of its own: it compiles udp_tcp's files in, with a sendmmsg() of its own.
tests_transports_test_batches_SOURCES = $(TEST_MAIN) tests/transports/test_batches.c
tests_transports_test_batches_CPPFLAGS = $(INC) -I$(top_srcdir)/tests
tests_transports_test_batches_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
tests_transports_test_batches_LDADD = $(CUNIT_LIBS)
