if HAVE_CUNIT
CONFIG_TESTS = tests/config/test_config
check_PROGRAMS += $(CONFIG_TESTS)
TESTS += $(CONFIG_TESTS)
endif
CONFIG_TEST_CPPFLAGS = $(INC_CONFIG) -I$(top_srcdir)/tests
CONFIG_TEST_LIBS = config/libconfig.la $(CUNIT_LIBS)

tests_config_test_config_SOURCES = tests/config/test_config.c tests/config/fake.c tests/config/fake.h
tests_config_test_config_CPPFLAGS = $(CONFIG_TEST_CPPFLAGS)
tests_config_test_config_LDADD = $(CONFIG_TEST_LIBS)
