# Tests mirror the tree; each folder lists its own. All CUnit tests of a folder are one program,
# FOLDER/test, except those that must be linked differently.

noinst_HEADERS += tests/test.h
TEST_MAIN = tests/suites.c
EXTRA_DIST += tests/data/vectors.json tests/summary.sh tests/tsan.supp
TEST_PLUGINS = $(abs_top_builddir)/transports/.libs:$(abs_top_builddir)/codecs/.libs
TEST_ENV = KITH_PLUGIN_PATH='$(TEST_PLUGINS):$(abs_top_builddir)/plugins/delegates/.libs'; \
  srcdir='$(abs_top_srcdir)'; builddir='$(abs_top_builddir)'; KITH='$(abs_top_builddir)/kith'; \
  PYTHONDONTWRITEBYTECODE=1; CC='$(CC)'; \
  export KITH_PLUGIN_PATH srcdir builddir KITH PYTHONDONTWRITEBYTECODE CC;
AM_TESTS_ENVIRONMENT = $(TEST_ENV)

include tests/core/local.mk
include tests/config/local.mk
include tests/plugins/local.mk
include tests/transports/local.mk
include tests/codecs/local.mk
include tests/runtime/local.mk
include tests/sim/local.mk
include tests/stack/local.mk
include tests/abi/local.mk
include tests/cli/local.mk
include tests/fuzz/local.mk
include tests/interop/local.mk
include tests/bench/local.mk
include tests/mutants/local.mk
include tests/tree/local.mk
include tests/gates.mk
