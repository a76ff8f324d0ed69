# Tests mirror the tree; each folder lists its own. All CUnit tests of a folder are one program,
# FOLDER/test, except those that must be linked differently.

noinst_HEADERS += tests/test.h
TEST_MAIN = tests/main.c
EXTRA_DIST += tests/data/vectors.json tests/summary.sh
TEST_ENV = KITH_PLUGIN_PATH='$(abs_top_builddir)/transports/.libs:$(abs_top_builddir)/codecs/.libs:$(abs_top_builddir)/plugins/delegates/.libs'; \
  srcdir='$(abs_top_srcdir)'; builddir='$(abs_top_builddir)'; KITH='$(abs_top_builddir)/kith'; \
  export KITH_PLUGIN_PATH srcdir builddir KITH;
AM_TESTS_ENVIRONMENT = $(TEST_ENV)

include tests/core/local.mk
include tests/config/local.mk
include tests/plugins/local.mk
include tests/transports/local.mk
include tests/codecs/local.mk
include tests/runtime/local.mk
include tests/sim/local.mk
include tests/abi/local.mk
include tests/cli/local.mk
include tests/fuzz/local.mk
include tests/interop/local.mk
include tests/bench/local.mk

# make check-core, check-abi, ...: one folder's tests. KITH_TESTS=WORD picks suites or tests.
CHECK_FOLDERS = check-core check-config check-plugins check-transports check-codecs check-runtime \
  check-sim check-abi check-cli check-fuzz check-interop
.PHONY: $(CHECK_FOLDERS)
$(CHECK_FOLDERS): all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(filter tests/$(@:check-%=%)/%,$(TESTS))'
