# tests/runtime. A new file of tests is one line in tests_runtime_test_SOURCES.
if HAVE_CUNIT
RUNTIME_TESTS = tests/runtime/test tests/runtime/test_host
check_PROGRAMS += $(RUNTIME_TESTS)
TESTS += $(RUNTIME_TESTS)
endif
RUNTIME_TEST_CPPFLAGS = $(INC_ALL) -I$(top_srcdir)/tests
RUNTIME_TEST_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(JANSSON_CFLAGS)

tests_runtime_test_SOURCES = $(TEST_MAIN) tests/runtime/dns_server.c tests/runtime/dns_server.h \
  tests/runtime/nodes.c tests/runtime/nodes.h \
  tests/runtime/test_control.c \
  tests/runtime/test_log.c \
  tests/runtime/test_loop.c \
  tests/runtime/test_node.c \
  tests/runtime/test_observer.c \
  tests/runtime/test_reload.c \
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

# A transport that fails on demand, with and without adopt; always shared objects.
check_LTLIBRARIES += tests/runtime/brittle.la tests/runtime/stubborn.la
BRITTLE_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
tests_runtime_brittle_la_SOURCES = tests/runtime/brittle.c
tests_runtime_brittle_la_CPPFLAGS = $(INC)
tests_runtime_brittle_la_LDFLAGS = $(BRITTLE_LDFLAGS)
tests_runtime_stubborn_la_SOURCES = tests/runtime/brittle.c
tests_runtime_stubborn_la_CPPFLAGS = $(INC) -DSTUBBORN
tests_runtime_stubborn_la_LDFLAGS = $(BRITTLE_LDFLAGS)
