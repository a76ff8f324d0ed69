# Codecs are tested through the pipeline, as .so files (or linked in), with a host of the tests' own.
RIG = tests/codecs/rig.c tests/codecs/rig.h tests/codecs/vectors.h
RIG_CPPFLAGS = $(INC_HOST) -I$(top_srcdir)/tests -I$(top_srcdir)/tests/codecs
RIG_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(JANSSON_CFLAGS)
RIG_LIBS = plugins/libplugins.la config/libconfig.la $(CUNIT_LIBS) $(JANSSON_LIBS)

if HAVE_CUNIT
CODEC_TESTS = tests/codecs/test_lzw tests/codecs/test_aes_gcm tests/codecs/test_matrix
check_PROGRAMS += $(CODEC_TESTS)
TESTS += $(CODEC_TESTS)
endif
tests_codecs_test_lzw_SOURCES = tests/codecs/test_lzw.c codecs/lzw_encode.c codecs/lzw_decode.c codecs/lzw.h $(RIG)
tests_codecs_test_lzw_CPPFLAGS = $(RIG_CPPFLAGS)
tests_codecs_test_lzw_CFLAGS = $(RIG_CFLAGS)
tests_codecs_test_lzw_LDADD = $(RIG_LIBS)

tests_codecs_test_aes_gcm_SOURCES = tests/codecs/test_aes_gcm.c $(RIG)
tests_codecs_test_aes_gcm_CPPFLAGS = $(RIG_CPPFLAGS)
tests_codecs_test_aes_gcm_CFLAGS = $(RIG_CFLAGS)
tests_codecs_test_aes_gcm_LDADD = $(RIG_LIBS)

tests_codecs_test_matrix_SOURCES = tests/codecs/test_matrix.c $(RIG)
tests_codecs_test_matrix_CPPFLAGS = $(RIG_CPPFLAGS)
tests_codecs_test_matrix_CFLAGS = $(RIG_CFLAGS) $(ZSTD_CFLAGS)
tests_codecs_test_matrix_LDADD = $(RIG_LIBS) $(ZSTD_LIBS)

# Counts every allocation of the process by standing in for malloc.
if HAVE_CUNIT
check_PROGRAMS += tests/codecs/test_steady
TESTS += tests/codecs/test_steady
tests_codecs_test_steady_SOURCES = tests/codecs/test_steady.c $(RIG)
tests_codecs_test_steady_CPPFLAGS = $(RIG_CPPFLAGS) -I$(top_srcdir)/core
tests_codecs_test_steady_CFLAGS = $(RIG_CFLAGS)
tests_codecs_test_steady_LDADD = core/libcore.la $(RIG_LIBS)
endif
