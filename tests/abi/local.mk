# tests/abi: the promise to authors of plugins. A new file of tests is one line in
# tests_abi_test_SOURCES.
if HAVE_CUNIT
check_PROGRAMS += tests/abi/test
TESTS += tests/abi/test
endif
check_LTLIBRARIES += tests/abi/liblayout.la $(ODD_PLUGINS)
EXTRA_DIST += tests/abi/authors
ABI_TESTS = tests/abi/symbols.sh tests/abi/compile.sh tests/abi/out_of_tree.sh
dist_check_SCRIPTS += $(ABI_TESTS)
TESTS += $(ABI_TESTS)

tests_abi_test_SOURCES = $(TEST_MAIN) tests/abi/test_abi.c tests/abi/test_growth.c
tests_abi_test_CPPFLAGS = $(INC_HOST) -I$(top_srcdir)/tests
tests_abi_test_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
tests_abi_test_LDADD = plugins/libplugins.la config/libconfig.la $(CUNIT_LIBS)

tests_abi_liblayout_la_SOURCES = tests/abi/layout.c
tests_abi_liblayout_la_CPPFLAGS = $(INC)

# Odd plugins, all from one source; always shared objects, whatever our own are.
ODD_PLUGINS = tests/abi/older.la tests/abi/newer.la tests/abi/wide.la tests/abi/must_know.la \
  tests/abi/nosymbol.la tests/abi/v2.la tests/abi/wrong_name.la tests/abi/undefined.la \
  tests/abi/lies.la
ODD_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere

tests_abi_older_la_SOURCES = tests/abi/odd.c
tests_abi_older_la_CPPFLAGS = $(INC) -DODD_OLDER -DODD_NAME='"older"'
tests_abi_older_la_LDFLAGS = $(ODD_LDFLAGS)

tests_abi_newer_la_SOURCES = tests/abi/odd.c
tests_abi_newer_la_CPPFLAGS = $(INC) -DODD_NEWER -DODD_NAME='"newer"'
tests_abi_newer_la_LDFLAGS = $(ODD_LDFLAGS)

tests_abi_wide_la_SOURCES = tests/abi/odd.c
tests_abi_wide_la_CPPFLAGS = $(INC) -DODD_WIDE -DODD_NAME='"wide"'
tests_abi_wide_la_LDFLAGS = $(ODD_LDFLAGS)

tests_abi_must_know_la_SOURCES = tests/abi/odd.c
tests_abi_must_know_la_CPPFLAGS = $(INC) -DODD_MUST_KNOW -DODD_NAME='"must_know"'
tests_abi_must_know_la_LDFLAGS = $(ODD_LDFLAGS)

tests_abi_nosymbol_la_SOURCES = tests/abi/odd.c
tests_abi_nosymbol_la_CPPFLAGS = $(INC) -DODD_NOSYMBOL -DODD_NAME='"nosymbol"'
tests_abi_nosymbol_la_LDFLAGS = $(ODD_LDFLAGS)

tests_abi_v2_la_SOURCES = tests/abi/odd.c
tests_abi_v2_la_CPPFLAGS = $(INC) -DODD_V2 -DODD_NAME='"v2"'
tests_abi_v2_la_LDFLAGS = $(ODD_LDFLAGS)

tests_abi_wrong_name_la_SOURCES = tests/abi/odd.c
tests_abi_wrong_name_la_CPPFLAGS = $(INC) -DODD_WRONG_NAME -DODD_NAME='"right_name"'
tests_abi_wrong_name_la_LDFLAGS = $(ODD_LDFLAGS)

tests_abi_undefined_la_SOURCES = tests/abi/odd.c
tests_abi_undefined_la_CPPFLAGS = $(INC) -DODD_UNDEFINED -DODD_NAME='"undefined"'
tests_abi_undefined_la_LDFLAGS = $(ODD_LDFLAGS)

tests_abi_lies_la_SOURCES = tests/abi/odd.c
tests_abi_lies_la_CPPFLAGS = $(INC) -DODD_LIES -DODD_NAME='"lies"'
tests_abi_lies_la_LDFLAGS = $(ODD_LDFLAGS)

# What code, tests and docs cite of docs/PROTOCOL.md is there.
dist_check_SCRIPTS += tests/abi/citations.py
TESTS += tests/abi/citations.py

# The man pages and the guide say what the header says.
dist_check_SCRIPTS += tests/abi/manual.py
TESTS += tests/abi/manual.py
