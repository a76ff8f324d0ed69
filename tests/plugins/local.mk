# tests/plugins
if HAVE_CUNIT
check_PROGRAMS += tests/plugins/test_loader
TESTS += tests/plugins/test_loader
endif

tests_plugins_test_loader_SOURCES = tests/plugins/test_loader.c
tests_plugins_test_loader_CPPFLAGS = $(INC_HOST) -I$(top_srcdir)/tests
tests_plugins_test_loader_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
tests_plugins_test_loader_LDADD = plugins/libplugins.la $(CUNIT_LIBS)
