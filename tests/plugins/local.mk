# tests/plugins. A new file of tests is one line in tests_plugins_test_SOURCES.
if HAVE_CUNIT
check_PROGRAMS += tests/plugins/test
TESTS += tests/plugins/test
endif

tests_plugins_test_SOURCES = $(TEST_MAIN) tests/plugins/fake_host.h $(RIG) \
  tests/plugins/test_asks.c \
  tests/plugins/fan.h tests/plugins/test_channels.c \
  tests/plugins/test_check.c tests/plugins/test_delegate_table.c tests/plugins/test_emitted.c \
  tests/plugins/test_delegates.c \
  tests/plugins/test_inflow.c \
  tests/plugins/test_instance.c \
  tests/plugins/test_keyring.c \
  tests/plugins/test_loader.c \
  tests/plugins/test_log.c \
  tests/plugins/test_pipeline.c \
  tests/plugins/test_pipeline_codecs.c
tests_plugins_test_CPPFLAGS = $(RIG_CPPFLAGS)
tests_plugins_test_CFLAGS = $(RIG_CFLAGS) $(SODIUM_CFLAGS)
tests_plugins_test_LDADD = $(RIG_LIBS) $(SODIUM_LIBS)

# A delegate that is built outside of the tree.
dist_check_SCRIPTS += tests/plugins/out_of_tree.sh
TESTS += tests/plugins/out_of_tree.sh
