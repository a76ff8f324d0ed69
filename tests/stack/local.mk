# tests/stack: the scenarios of tests/sim on whole nodes: runtime, pipeline and transport from their
# .so files, in a virtual world. A new file of tests is one line in tests_stack_test_SOURCES.
noinst_HEADERS += tests/stack/stack.h
if HAVE_CUNIT
check_PROGRAMS += tests/stack/test
TESTS += tests/stack/test
endif

tests_stack_test_SOURCES = $(TEST_MAIN) tests/stack/stack.c tests/stack/stack_checks.c \
  tests/stack/test_stack_config.c \
  tests/stack/test_stack_life.c \
  tests/stack/test_stack_measure.c \
  tests/stack/test_stack_repeats.c \
  tests/sim/test_cluster.c \
  tests/sim/test_faults.c
tests_stack_test_CPPFLAGS = $(INC_SIM) -I$(top_srcdir)/tests/sim -DSIM_RING='"stack"'
tests_stack_test_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
tests_stack_test_LDADD = $(SIM_LIBS) $(CUNIT_LIBS)
