if HAVE_CUNIT
CONFIG_TESTS = tests/config/test_config tests/config/test_errors tests/config/test_secret tests/config/test_hostile
check_PROGRAMS += $(CONFIG_TESTS)
TESTS += $(CONFIG_TESTS)
endif
EXTRA_DIST += tests/config/data
CONFIG_FAKES = tests/config/fake.c tests/config/fake.h
CONFIG_TEST_CPPFLAGS = $(INC_CONFIG) -I$(top_srcdir)/tests
CONFIG_TEST_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(JANSSON_CFLAGS) $(SODIUM_CFLAGS)
CONFIG_TEST_LIBS = config/libconfig.la $(CUNIT_LIBS) $(JANSSON_LIBS) $(SODIUM_LIBS)

tests_config_test_config_SOURCES = tests/config/test_config.c $(CONFIG_FAKES)
tests_config_test_config_CPPFLAGS = $(CONFIG_TEST_CPPFLAGS)
tests_config_test_config_CFLAGS = $(CONFIG_TEST_CFLAGS)
tests_config_test_config_LDADD = $(CONFIG_TEST_LIBS)

tests_config_test_errors_SOURCES = tests/config/test_errors.c $(CONFIG_FAKES)
tests_config_test_errors_CPPFLAGS = $(CONFIG_TEST_CPPFLAGS)
tests_config_test_errors_CFLAGS = $(CONFIG_TEST_CFLAGS)
tests_config_test_errors_LDADD = $(CONFIG_TEST_LIBS)

tests_config_test_secret_SOURCES = tests/config/test_secret.c $(CONFIG_FAKES)
tests_config_test_secret_CPPFLAGS = $(CONFIG_TEST_CPPFLAGS)
tests_config_test_secret_CFLAGS = $(CONFIG_TEST_CFLAGS)
tests_config_test_secret_LDADD = $(CONFIG_TEST_LIBS)

tests_config_test_hostile_SOURCES = tests/config/test_hostile.c $(CONFIG_FAKES)
tests_config_test_hostile_CPPFLAGS = $(CONFIG_TEST_CPPFLAGS)
tests_config_test_hostile_CFLAGS = $(CONFIG_TEST_CFLAGS)
tests_config_test_hostile_LDADD = $(CONFIG_TEST_LIBS)
