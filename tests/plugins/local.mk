# tests/plugins
if HAVE_CUNIT
check_PROGRAMS += tests/plugins/test_loader
TESTS += tests/plugins/test_loader
endif

tests_plugins_test_loader_SOURCES = tests/plugins/test_loader.c
tests_plugins_test_loader_CPPFLAGS = $(INC_HOST) -I$(top_srcdir)/tests
tests_plugins_test_loader_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
tests_plugins_test_loader_LDADD = plugins/libplugins.la $(CUNIT_LIBS)

if HAVE_CUNIT
check_PROGRAMS += tests/plugins/test_pipeline
TESTS += tests/plugins/test_pipeline
endif
tests_plugins_test_pipeline_SOURCES = tests/plugins/test_pipeline.c $(RIG)
tests_plugins_test_pipeline_CPPFLAGS = $(RIG_CPPFLAGS)
tests_plugins_test_pipeline_CFLAGS = $(RIG_CFLAGS)
tests_plugins_test_pipeline_LDADD = $(RIG_LIBS)
