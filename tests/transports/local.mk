# tests/transports
if HAVE_CUNIT
TRANSPORT_TESTS = tests/transports/test_udp_tcp tests/transports/test_batches
check_PROGRAMS += $(TRANSPORT_TESTS)
TESTS += $(TRANSPORT_TESTS)
endif
tests_transports_test_udp_tcp_SOURCES = tests/transports/test_udp_tcp.c tests/transports/ends.c tests/transports/ends.h
tests_transports_test_udp_tcp_CPPFLAGS = $(INC_ALL) -I$(top_srcdir)/tests
tests_transports_test_udp_tcp_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
tests_transports_test_udp_tcp_LDADD = runtime/libruntime.la plugins/libplugins.la config/libconfig.la $(CUNIT_LIBS)

tests_transports_test_batches_SOURCES = tests/transports/test_batches.c
tests_transports_test_batches_CPPFLAGS = $(INC) -I$(top_srcdir)/tests
tests_transports_test_batches_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
tests_transports_test_batches_LDADD = $(CUNIT_LIBS)
