# tests/runtime. A new file of tests is one line in tests_runtime_test_SOURCES.
if HAVE_CUNIT
RUNTIME_TESTS = tests/runtime/test tests/runtime/loop/test
check_PROGRAMS += $(RUNTIME_TESTS)
TESTS += $(RUNTIME_TESTS)
endif
RUNTIME_TEST_CPPFLAGS = $(INC_ALL) -I$(top_srcdir)/tests
RUNTIME_TEST_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(JANSSON_CFLAGS)

tests_runtime_test_SOURCES = $(TEST_MAIN) tests/runtime/letters.c tests/runtime/letters.h \
  tests/runtime/nodes.c tests/runtime/nodes.h \
  tests/runtime/odd_nodes.c tests/runtime/odd_nodes.h \
  tests/runtime/test_apart.c \
  tests/runtime/test_breaches.c \
  tests/runtime/peek.c tests/runtime/peek.h \
  tests/runtime/test_changes.c \
  tests/runtime/control_rig.c tests/runtime/control_rig.h \
  tests/runtime/test_control.c \
  tests/runtime/test_control_access.c tests/runtime/test_control_limits.c \
  tests/runtime/test_control_long.c \
  tests/runtime/test_descriptors.c \
  tests/runtime/test_control_secret.c \
  tests/runtime/test_leaks.c \
  tests/runtime/test_memory.c \
  tests/runtime/test_node.c \
  tests/runtime/test_node_packets.c \
  tests/runtime/test_node_streams.c \
  tests/runtime/test_observer.c \
  tests/runtime/test_promises.c \
  tests/runtime/test_reload.c \
  tests/runtime/test_reload_entries.c \
  tests/runtime/test_reload_half.c \
  tests/runtime/test_reload_traffic.c \
  tests/runtime/test_speaking.c \
  tests/runtime/test_table.c \
  tests/runtime/test_threads.c \
  tests/runtime/test_uplink.c \
  tests/runtime/test_world.c tests/transports/odd_transport.c tests/transports/odd_transport.h
tests_runtime_test_CPPFLAGS = $(RUNTIME_TEST_CPPFLAGS)
tests_runtime_test_CFLAGS = $(RUNTIME_TEST_CFLAGS)
tests_runtime_test_LDADD = runtime/libruntime.la plugins/libplugins.la config/libconfig.la \
  core/libcore.la $(CUNIT_LIBS)

# What a node stands on, without a node: it has a keyring, and answers, of its own.
tests_runtime_loop_test_SOURCES = $(TEST_MAIN) tests/runtime/loop/dns_server.c \
  tests/runtime/loop/dns_server.h \
  tests/runtime/loop/test_far.c \
  tests/runtime/loop/test_host.c \
  tests/runtime/loop/test_host_node.c \
  tests/runtime/loop/test_logger.c \
  tests/runtime/loop/test_loop.c \
  tests/runtime/loop/test_numbers.c \
  tests/runtime/loop/test_outlet.c \
  tests/runtime/loop/test_pause.c \
  tests/runtime/loop/test_resolve.c \
  tests/runtime/loop/test_where.c \
  tests/runtime/loop/fixture.c tests/runtime/loop/fixture.h
tests_runtime_loop_test_CPPFLAGS = $(INC_LOOP) -I$(top_srcdir)/tests
tests_runtime_loop_test_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
# Of the plugin host it takes the notes of who is called, and for how long.
tests_runtime_loop_test_LDADD = runtime/libloop.la plugins/libplugins.la config/libconfig.la \
  $(CUNIT_LIBS)

# A transport that fails on demand, with and without adopt; always shared objects.
check_LTLIBRARIES += tests/runtime/brittle.la tests/runtime/stubborn.la \
  tests/runtime/fickle.la tests/runtime/fickler.la tests/runtime/fickle_state.la
BRITTLE_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
tests_runtime_brittle_la_SOURCES = tests/runtime/brittle.c
tests_runtime_brittle_la_CPPFLAGS = $(INC)
tests_runtime_brittle_la_LDFLAGS = $(BRITTLE_LDFLAGS)
tests_runtime_stubborn_la_SOURCES = tests/runtime/brittle.c
tests_runtime_stubborn_la_CPPFLAGS = $(INC) -DSTUBBORN
tests_runtime_stubborn_la_LDFLAGS = $(BRITTLE_LDFLAGS)
tests_runtime_fickle_la_SOURCES = tests/runtime/fickle.c
tests_runtime_fickle_la_CPPFLAGS = $(INC) -DNAME='"fickle"'
tests_runtime_fickle_la_LDFLAGS = $(BRITTLE_LDFLAGS)
tests_runtime_fickler_la_SOURCES = tests/runtime/fickle.c
tests_runtime_fickler_la_CPPFLAGS = $(INC) -DNAME='"fickler"'
tests_runtime_fickler_la_LDFLAGS = $(BRITTLE_LDFLAGS)
tests_runtime_fickle_state_la_SOURCES = tests/runtime/fickle.c
tests_runtime_fickle_state_la_CPPFLAGS = $(INC) -DNAME='"fickle_state"' -DSTATE
tests_runtime_fickle_state_la_LDFLAGS = $(BRITTLE_LDFLAGS)
