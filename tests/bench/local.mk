# What the hot paths cost, beside hashicorp/memberlist doing the same: tests/bench/run builds both and prints a table.
EXTRA_PROGRAMS += tests/bench/bench
tests_bench_bench_SOURCES = tests/bench/bench.c $(RIG)
tests_bench_bench_CPPFLAGS = $(RIG_CPPFLAGS) -I$(top_srcdir)/core
tests_bench_bench_CFLAGS = $(RIG_CFLAGS)
tests_bench_bench_LDADD = core/libcore.la plugins/libplugins.la config/libconfig.la $(JANSSON_LIBS)
EXTRA_DIST += tests/bench/run tests/bench/go/main.go tests/bench/go/version.go tests/bench/go/go.mod tests/bench/go/go.sum
CLEANFILES += tests/bench/bench$(EXEEXT)
