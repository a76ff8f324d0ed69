# Codecs are tested through the pipeline, as .so files (or linked in), with a host of the tests' own.
RIG = tests/codecs/rig.c tests/codecs/rig.h tests/codecs/vectors.h
RIG_CPPFLAGS = $(INC_HOST) -I$(top_srcdir)/tests -I$(top_srcdir)/tests/codecs
RIG_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(JANSSON_CFLAGS)
RIG_LIBS = plugins/libplugins.la config/libconfig.la $(CUNIT_LIBS) $(JANSSON_LIBS)
