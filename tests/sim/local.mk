# Clusters of cores on virtual time.
noinst_HEADERS += tests/sim/sim.h tests/sim/engine.h
if HAVE_CUNIT
SIM_TESTS = tests/sim/test_cluster tests/sim/test_faults
check_PROGRAMS += $(SIM_TESTS)
TESTS += $(SIM_TESTS)
check_LTLIBRARIES += tests/sim/libsim.la
endif
tests_sim_libsim_la_SOURCES = tests/sim/sim.c tests/sim/engine.c
tests_sim_libsim_la_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_sim_libsim_la_CFLAGS = $(CORE_TEST_CFLAGS)
tests_sim_test_cluster_SOURCES = tests/sim/test_cluster.c
tests_sim_test_cluster_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_sim_test_cluster_CFLAGS = $(CORE_TEST_CFLAGS)
tests_sim_test_cluster_LDADD = tests/sim/libsim.la $(CORE_TEST_LIBS) -lm
tests_sim_test_faults_SOURCES = tests/sim/test_faults.c
tests_sim_test_faults_CPPFLAGS = $(CORE_TEST_CPPFLAGS)
tests_sim_test_faults_CFLAGS = $(CORE_TEST_CFLAGS)
tests_sim_test_faults_LDADD = tests/sim/libsim.la $(CORE_TEST_LIBS) -lm
