# tests/codecs: codecs are tested through the pipeline, as .so files (or linked in), with a host of
# the tests' own. A new file of tests is one line in tests_codecs_test_SOURCES.
RIG = tests/codecs/pipeline_rig.c tests/codecs/pipeline_rig.h tests/vectors.h
RIG_CPPFLAGS = $(INC_HOST) -I$(top_srcdir)/tests -I$(top_srcdir)/tests/codecs
RIG_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(JANSSON_CFLAGS)
RIG_LIBS = plugins/libplugins.la config/libconfig.la $(CUNIT_LIBS) $(JANSSON_LIBS)
LZW_SOURCES = codecs/lzw_encode.c codecs/lzw_decode.c codecs/lzw.h

if HAVE_CUNIT
CODEC_TESTS = tests/codecs/test tests/codecs/test_steady_path
check_PROGRAMS += $(CODEC_TESTS)
TESTS += $(CODEC_TESTS)
endif

tests_codecs_test_SOURCES = $(TEST_MAIN) $(RIG) $(LZW_SOURCES) \
  tests/codecs/test_aes_gcm.c \
  tests/codecs/test_lzw.c \
  tests/codecs/test_matrix.c
tests_codecs_test_CPPFLAGS = $(RIG_CPPFLAGS)
tests_codecs_test_CFLAGS = $(RIG_CFLAGS) $(ZSTD_CFLAGS)
tests_codecs_test_LDADD = $(RIG_LIBS) $(ZSTD_LIBS)

# A program of its own: it stands in for malloc and counts what the whole process allocates.
tests_codecs_test_steady_path_SOURCES = $(TEST_MAIN) tests/codecs/test_steady_path.c $(RIG)
tests_codecs_test_steady_path_CPPFLAGS = $(RIG_CPPFLAGS) -I$(top_srcdir)/core
tests_codecs_test_steady_path_CFLAGS = $(RIG_CFLAGS)
tests_codecs_test_steady_path_LDADD = core/libcore.la $(RIG_LIBS)
