# tests/config. A new file of tests is one line in tests_config_test_SOURCES.
if HAVE_CUNIT
check_PROGRAMS += tests/config/test
TESTS += tests/config/test
endif
EXTRA_DIST += tests/config/data
CONFIG_FAKES = tests/config/fake_finder.c tests/config/fake_finder.h

tests_config_test_SOURCES = $(TEST_MAIN) $(CONFIG_FAKES) \
  tests/config/test_by_code.c \
  tests/config/test_config.c \
  tests/config/test_errors.c \
  tests/config/test_file.c \
  tests/config/test_hostile.c \
  tests/config/test_param.c \
  tests/config/test_scenario.c \
  tests/config/test_secret.c \
  tests/config/test_setting.c tests/config/test_shown.c \
  tests/config/test_types.c
tests_config_test_CPPFLAGS = $(INC_CONFIG) -I$(top_srcdir)/tests
tests_config_test_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(JANSSON_CFLAGS) $(SODIUM_CFLAGS)
# The linker sends what settings take of memory through a test of them.
tests_config_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc -Wl,--wrap=open_memstream
tests_config_test_LDADD = config/libconfig.la $(CUNIT_LIBS) $(JANSSON_LIBS) $(SODIUM_LIBS)
