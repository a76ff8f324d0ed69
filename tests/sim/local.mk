# tests/sim: clusters of cores on virtual time, over loopback's network. A new file of tests is one
# line in tests_sim_test_SOURCES.
noinst_HEADERS += tests/sim/sim.h tests/sim/engine.h
if HAVE_CUNIT
check_PROGRAMS += tests/sim/test
TESTS += tests/sim/test
endif

tests_sim_test_SOURCES = $(TEST_MAIN) tests/sim/sim.c tests/sim/engine.c \
  tests/sim/engine_checks.c tests/sim/engine_network.c \
  tests/sim/test_cluster.c \
  tests/sim/test_false_deaths.c tests/sim/test_faults.c \
  tests/sim/test_forged.c \
  tests/sim/test_joins.c \
  tests/sim/test_leaves.c \
  tests/sim/test_relayed.c \
  tests/sim/test_returns.c \
  tests/sim/test_thousand.c
tests_sim_test_CPPFLAGS = $(CORE_TEST_CPPFLAGS) -I$(top_srcdir)/transports/loopback
tests_sim_test_CFLAGS = $(CORE_TEST_CFLAGS)
tests_sim_test_LDADD = transports/libnetwork.la $(CORE_TEST_LIBS)
