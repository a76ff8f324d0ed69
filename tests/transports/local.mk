# tests/transports. A new file of tests is one line in tests_transports_test_SOURCES.
if HAVE_CUNIT
TRANSPORT_TESTS = tests/transports/test tests/transports/test_batches \
  tests/transports/test_steady_loopback
check_PROGRAMS += $(TRANSPORT_TESTS)
TESTS += $(TRANSPORT_TESTS)
endif

tests_transports_test_SOURCES = $(TEST_MAIN) tests/transports/ends.c tests/transports/ends.h \
  tests/transports/raw.c tests/transports/raw.h tests/transports/test_addressing.c \
  tests/transports/test_contract.c tests/transports/test_every_transport.c \
  tests/transports/test_loopback.c tests/transports/test_loopback_chaos.c \
  tests/transports/test_loopback_links.c \
  tests/transports/test_loopback_nodes.c tests/transports/test_loopback_threads.c \
  tests/transports/test_network.c \
  tests/transports/test_two_nodes.c \
  tests/transports/test_udp_tcp.c tests/transports/test_unix_socket.c \
  examples/plugin-transport/unix_socket.c
# KITH_STATIC_PLUGINS: so that the example has a symbol of its own.
tests_transports_test_CPPFLAGS = $(INC_ALL) -I$(top_srcdir)/tests \
  -I$(top_srcdir)/transports/loopback -DKITH_STATIC_PLUGINS
tests_transports_test_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(JANSSON_CFLAGS)
tests_transports_test_LDADD = transports/libnetwork.la runtime/libnode.la runtime/libloop.la \
  plugins/libplugins.la config/libconfig.la core/libcore.la $(CUNIT_LIBS) $(JANSSON_LIBS)

# A program of its own: it compiles udp_tcp's files in, with system calls of its own.
tests_transports_test_batches_SOURCES = $(TEST_MAIN) tests/transports/test_batches.c \
  tests/transports/test_addresses.c
tests_transports_test_batches_CPPFLAGS = $(INC) -I$(top_srcdir)/tests
tests_transports_test_batches_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
tests_transports_test_batches_LDADD = $(CUNIT_LIBS)

# A program of its own: it stands in for malloc and counts what the whole process allocates.
tests_transports_test_steady_loopback_SOURCES = $(TEST_MAIN) \
  tests/transports/test_steady_loopback.c tests/transports/ends.c tests/transports/ends.h \
  examples/plugin-transport/unix_socket.c
tests_transports_test_steady_loopback_CPPFLAGS = $(tests_transports_test_CPPFLAGS)
tests_transports_test_steady_loopback_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
tests_transports_test_steady_loopback_LDADD = runtime/libloop.la plugins/libplugins.la \
  config/libconfig.la $(CUNIT_LIBS)

dist_check_SCRIPTS += tests/transports/out_of_tree.sh
TESTS += tests/transports/out_of_tree.sh
