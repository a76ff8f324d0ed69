# tests/runtime. A new file of tests is one line in tests_runtime_test_SOURCES.
if HAVE_CUNIT
RUNTIME_TESTS = tests/runtime/test tests/runtime/test_host
check_PROGRAMS += $(RUNTIME_TESTS)
TESTS += $(RUNTIME_TESTS)
endif
RUNTIME_TEST_CPPFLAGS = $(INC_ALL) -I$(top_srcdir)/tests
RUNTIME_TEST_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(JANSSON_CFLAGS)

tests_runtime_test_SOURCES = $(TEST_MAIN) tests/runtime/dns_server.c tests/runtime/dns_server.h \
  tests/runtime/test_log.c \
  tests/runtime/test_loop.c \
  tests/runtime/test_node.c \
  tests/runtime/test_resolve.c
tests_runtime_test_CPPFLAGS = $(RUNTIME_TEST_CPPFLAGS)
tests_runtime_test_CFLAGS = $(RUNTIME_TEST_CFLAGS)
tests_runtime_test_LDADD = runtime/libruntime.la plugins/libplugins.la config/libconfig.la \
  core/libcore.la $(CUNIT_LIBS)

# A program of its own: it has a keyring that is not the plugin host's.
tests_runtime_test_host_SOURCES = $(TEST_MAIN) tests/runtime/test_host.c
tests_runtime_test_host_CPPFLAGS = $(RUNTIME_TEST_CPPFLAGS)
tests_runtime_test_host_CFLAGS = $(RUNTIME_TEST_CFLAGS)
tests_runtime_test_host_LDADD = runtime/libruntime.la $(CUNIT_LIBS)
