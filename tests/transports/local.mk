# tests/transports
if HAVE_CUNIT
check_PROGRAMS += tests/transports/test_udp_tcp
TESTS += tests/transports/test_udp_tcp
endif
tests_transports_test_udp_tcp_SOURCES = tests/transports/test_udp_tcp.c tests/transports/ends.c tests/transports/ends.h
tests_transports_test_udp_tcp_CPPFLAGS = $(INC_ALL) -I$(top_srcdir)/tests
tests_transports_test_udp_tcp_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
tests_transports_test_udp_tcp_LDADD = runtime/libruntime.la plugins/libplugins.la config/libconfig.la $(CUNIT_LIBS)
