# tests/runtime
if HAVE_CUNIT
RUNTIME_TESTS = tests/runtime/test_loop tests/runtime/test_log tests/runtime/test_host \
  tests/runtime/test_resolve tests/runtime/test_node
check_PROGRAMS += $(RUNTIME_TESTS)
TESTS += $(RUNTIME_TESTS)
tests_runtime_test_loop_SOURCES = tests/runtime/test_loop.c
tests_runtime_test_loop_CPPFLAGS = $(INC_ALL) $(CUNIT_CFLAGS)
tests_runtime_test_loop_LDADD = runtime/libruntime.la $(CUNIT_LIBS)
tests_runtime_test_log_SOURCES = tests/runtime/test_log.c
tests_runtime_test_log_CPPFLAGS = $(INC_ALL) $(CUNIT_CFLAGS)
tests_runtime_test_log_LDADD = runtime/libruntime.la $(CUNIT_LIBS)
tests_runtime_test_host_SOURCES = tests/runtime/test_host.c
tests_runtime_test_host_CPPFLAGS = $(INC_ALL) $(CUNIT_CFLAGS)
tests_runtime_test_host_LDADD = runtime/libruntime.la $(CUNIT_LIBS)
tests_runtime_test_resolve_SOURCES = tests/runtime/test_resolve.c tests/runtime/dns_server.c tests/runtime/dns_server.h
tests_runtime_test_resolve_CPPFLAGS = $(INC_ALL) $(CUNIT_CFLAGS)
tests_runtime_test_resolve_LDADD = runtime/libruntime.la $(CUNIT_LIBS)
tests_runtime_test_node_SOURCES = tests/runtime/test_node.c
tests_runtime_test_node_CPPFLAGS = $(INC_ALL) $(CUNIT_CFLAGS)
tests_runtime_test_node_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_runtime_test_node_LDADD = runtime/libruntime.la plugins/libplugins.la config/libconfig.la core/libcore.la $(CUNIT_LIBS)
endif
