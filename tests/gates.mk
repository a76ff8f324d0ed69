# What else a change is held to, by hand and in .ci/run. A tool that is missing is named, with its
# Debian package, and the target fails.
#
#   make check-core, check-abi, ...   one folder's tests; KITH_TESTS=WORD picks a suite or tests
#   make check-fast                   what needs no cluster and no compiler: under a minute
#   make check-programs               what is written in C; LOG_COMPILER: what starts it
#   make check-style                  clang-format 14 and the width of lines
#   make check-valgrind               the CUnit programs under valgrind
#   make coverage                     what the tests reach: coverage/index.html, a summary
#   make lint                         cppcheck over our sources

NEED = need() { command -v $$1 >/dev/null || \
  { echo "$$1 is missing; on Debian: apt-get install $$2" >&2; exit 1; }; }; need

# CUnit is needed only to test, so configure goes on without it. A check without it is none.
if !HAVE_CUNIT
check-local: check-cunit
endif
.PHONY: check-cunit
check-cunit:
	@echo 'CUnit was missing when this was configured: most tests were left out.' >&2; \
	  echo 'On Debian: apt-get install libcunit1-dev, then configure again.' >&2; exit 1

CHECK_FOLDERS = check-core check-config check-plugins check-transports check-codecs \
  check-runtime check-sim check-abi check-cli check-fuzz check-interop check-tree
.PHONY: $(CHECK_FOLDERS) check-fast check-programs check-valgrind coverage lint
$(CHECK_FOLDERS): all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(filter tests/$(@:check-%=%)/%,$(TESTS))'
if !HAVE_CUNIT
	@$(MAKE) -s check-cunit
endif

# compile.sh takes as much of the processor as all that stays.
SLOW_TESTS = tests/interop/% tests/cli/% examples/% tests/abi/out_of_tree.sh tests/abi/compile.sh
check-fast: all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(filter-out $(SLOW_TESTS),$(TESTS))'
if !HAVE_CUNIT
	@$(MAKE) -s check-cunit
endif

check-programs: all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS \
	  TESTS='$(filter-out %.sh %.py examples/%,$(TESTS))' LOG_COMPILER='$(LOG_COMPILER)'
if !HAVE_CUNIT
	@$(MAKE) -s check-cunit
endif

# Not those that count allocations: valgrind stands in for malloc, as they do.
VALGRIND_TESTS = $(filter %/test %/test_batches %/test_host,$(TESTS))
VALGRIND = $(LIBTOOL) --mode=execute valgrind --quiet --error-exitcode=99 --leak-check=full \
  --errors-for-leak-kinds=definite
# One lets no descriptor be opened, which valgrind wants to; one has none left for accept(), which
# valgrind lets succeed and then closes what came; one ends in a forked child, where everything
# still in use looks lost; one moves 3 MiB before a deadline of the real clock; one starts itself
# once more, and under valgrind it is not itself; a suite looks through all memory, and valgrind's
# has no end; and some run for minutes there what small clusters run as well.
VALGRIND_NOT = !out of descriptors, !without descriptors, !privileged port, !large messages, \
  !in another process, !control_secret, !sim/false_deaths, !sim/joins, !sim/leaves, \
  !sim/relay, !sim/returns, !sim/thousand
check-valgrind: all
	@$(NEED) valgrind valgrind
	KITH_TESTS='$(VALGRIND_NOT)' $(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(VALGRIND_TESTS)' \
	  LOG_COMPILER='$(VALGRIND)'

# A build of its own in ./coverage, since objects that count are not those that ship: they call
# what writes the counts, which core/pure.sh does not know.
NOT_COUNTED = tests/interop/% tests/core/pure.sh tests/tree/%
coverage:
	@$(NEED) gcovr gcovr
	$(MKDIR_P) coverage
	cd coverage && $(abs_top_srcdir)/configure --quiet --enable-static-plugins CC='$(CC)' \
	  CFLAGS='-O0 -g --coverage -fprofile-update=atomic'
	$(MAKE) $(AM_MAKEFLAGS) -C coverage all
	$(MAKE) $(AM_MAKEFLAGS) -C coverage check-TESTS TESTS='$(filter-out $(NOT_COUNTED),$(TESTS))'
	gcovr --root $(abs_top_srcdir) --object-directory coverage --exclude '(.*/)?tests/' \
	  --html-details coverage/index.html --print-summary coverage

LINT_FOLDERS = core config plugins transports codecs runtime tools
LINT_FLAGS = --quiet --error-exitcode=1 --inline-suppr --std=c11 --max-configs=4 \
  --enable=warning,performance,portability --suppressions-list=$(srcdir)/tests/cppcheck.supp \
  --library=$(srcdir)/tests/cppcheck.cfg
lint:
	@$(NEED) cppcheck cppcheck
	cppcheck $(LINT_FLAGS) $(INC_ALL) $(addprefix $(srcdir)/,$(LINT_FOLDERS))

EXTRA_DIST += tests/cppcheck.supp tests/cppcheck.cfg
clean-local:
	rm -rf coverage tests/interop/peers
