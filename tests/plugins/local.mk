# tests/plugins
if HAVE_CUNIT
PLUGINS_TESTS = tests/plugins/test_loader tests/plugins/test_delegates tests/plugins/test_pipeline \
  tests/plugins/test_inflow tests/plugins/test_keyring tests/plugins/test_log \
  tests/plugins/test_check tests/plugins/test_instance
check_PROGRAMS += $(PLUGINS_TESTS)
TESTS += $(PLUGINS_TESTS)
endif
PLUGINS_TEST_CPPFLAGS = $(INC_HOST) -I$(top_srcdir)/tests
PLUGINS_TEST_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(SODIUM_CFLAGS)
PLUGINS_TEST_LIBS = plugins/libplugins.la config/libconfig.la $(CUNIT_LIBS)

tests_plugins_test_loader_SOURCES = tests/plugins/test_loader.c
tests_plugins_test_loader_CPPFLAGS = $(PLUGINS_TEST_CPPFLAGS)
tests_plugins_test_loader_CFLAGS = $(PLUGINS_TEST_CFLAGS)
tests_plugins_test_loader_LDADD = $(PLUGINS_TEST_LIBS)

tests_plugins_test_delegates_SOURCES = tests/plugins/test_delegates.c tests/plugins/fake.h
tests_plugins_test_delegates_CPPFLAGS = $(PLUGINS_TEST_CPPFLAGS)
tests_plugins_test_delegates_CFLAGS = $(PLUGINS_TEST_CFLAGS)
tests_plugins_test_delegates_LDADD = $(PLUGINS_TEST_LIBS)

tests_plugins_test_pipeline_SOURCES = tests/plugins/test_pipeline.c $(RIG)
tests_plugins_test_pipeline_CPPFLAGS = $(RIG_CPPFLAGS)
tests_plugins_test_pipeline_CFLAGS = $(RIG_CFLAGS)
tests_plugins_test_pipeline_LDADD = $(RIG_LIBS)

tests_plugins_test_inflow_SOURCES = tests/plugins/test_inflow.c $(RIG)
tests_plugins_test_inflow_CPPFLAGS = $(RIG_CPPFLAGS)
tests_plugins_test_inflow_CFLAGS = $(RIG_CFLAGS)
tests_plugins_test_inflow_LDADD = $(RIG_LIBS)

tests_plugins_test_keyring_SOURCES = tests/plugins/test_keyring.c
tests_plugins_test_keyring_CPPFLAGS = $(PLUGINS_TEST_CPPFLAGS)
tests_plugins_test_keyring_CFLAGS = $(PLUGINS_TEST_CFLAGS)
tests_plugins_test_keyring_LDADD = $(PLUGINS_TEST_LIBS) $(SODIUM_LIBS)

tests_plugins_test_log_SOURCES = tests/plugins/test_log.c tests/plugins/fake.h
tests_plugins_test_log_CPPFLAGS = $(PLUGINS_TEST_CPPFLAGS)
tests_plugins_test_log_CFLAGS = $(PLUGINS_TEST_CFLAGS)
tests_plugins_test_log_LDADD = $(PLUGINS_TEST_LIBS)

tests_plugins_test_check_SOURCES = tests/plugins/test_check.c
tests_plugins_test_check_CPPFLAGS = $(PLUGINS_TEST_CPPFLAGS)
tests_plugins_test_check_CFLAGS = $(PLUGINS_TEST_CFLAGS)
tests_plugins_test_check_LDADD = $(PLUGINS_TEST_LIBS)

tests_plugins_test_instance_SOURCES = tests/plugins/test_instance.c tests/plugins/fake.h
tests_plugins_test_instance_CPPFLAGS = $(PLUGINS_TEST_CPPFLAGS)
tests_plugins_test_instance_CFLAGS = $(PLUGINS_TEST_CFLAGS)
tests_plugins_test_instance_LDADD = $(PLUGINS_TEST_LIBS)
