# What the hot paths cost, beside hashicorp/memberlist doing the same: tests/bench/run builds both
# and prints a table.
EXTRA_PROGRAMS += tests/bench/bench
tests_bench_bench_SOURCES = tests/bench/bench.c $(RIG)
tests_bench_bench_CPPFLAGS = $(RIG_CPPFLAGS) -I$(top_srcdir)/core
tests_bench_bench_CFLAGS = $(RIG_CFLAGS)
tests_bench_bench_LDADD = core/libcore.la plugins/libplugins.la config/libconfig.la $(JANSSON_LIBS)
EXTRA_DIST += tests/bench/run tests/bench/go/main.go tests/bench/go/idle.go \
  tests/bench/go/version.go tests/bench/go/go.mod tests/bench/go/go.sum
CLEANFILES += tests/bench/bench$(EXEEXT)

# What codecs cost: `make tests/bench/codecs && tests/bench/codecs [go-lzw]` (docs/CODECS.md).
EXTRA_PROGRAMS += tests/bench/codecs
tests_bench_codecs_SOURCES = tests/bench/codecs.c tests/bench/samples.h codecs/lzw_encode.c \
  codecs/lzw_decode.c codecs/lzw.h $(RIG)
tests_bench_codecs_CPPFLAGS = $(INC_HOST) -I$(top_srcdir)/core -I$(top_srcdir)/tests \
  -I$(top_srcdir)/tests/codecs
tests_bench_codecs_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(CRYPTO_CFLAGS) $(ZSTD_CFLAGS) \
  $(LZ4_CFLAGS) $(ZLIB_CFLAGS)
tests_bench_codecs_LDADD = plugins/libplugins.la config/libconfig.la core/libcore.la \
  $(SODIUM_LIBS) $(CRYPTO_LIBS) $(ZSTD_LIBS) $(LZ4_LIBS) $(ZLIB_LIBS)
EXTRA_DIST += tests/bench/go-lzw/main.go tests/bench/go-lzw/go.mod

# What a cluster in virtual time costs: `make tests/bench/simulate && tests/bench/simulate`.
EXTRA_PROGRAMS += tests/bench/simulate
tests_bench_simulate_SOURCES = tests/bench/simulate.c
tests_bench_simulate_CPPFLAGS = $(INC_SIM)
tests_bench_simulate_LDADD = $(SIM_LIBS)
CLEANFILES += tests/bench/simulate$(EXEEXT)

# What a packet costs on its way: `make tests/bench/transports && tests/bench/transports`.
EXTRA_PROGRAMS += tests/bench/transports
tests_bench_transports_SOURCES = tests/bench/transports.c
tests_bench_transports_CPPFLAGS = $(INC_LOOP)
tests_bench_transports_LDADD = runtime/libloop.la plugins/libplugins.la config/libconfig.la
CLEANFILES += tests/bench/transports$(EXEEXT)

# How many nodes one loop carries in real time (docs/ARCHITECTURE.md, Worlds).
EXTRA_DIST += tests/bench/together.py tests/bench/gains.py

# What `kith members` costs: `make tests/bench/listings && tests/bench/listings`.
EXTRA_PROGRAMS += tests/bench/listings
tests_bench_listings_SOURCES = tests/bench/listings.c
tests_bench_listings_CPPFLAGS = $(INC_CONTROL)
tests_bench_listings_LDADD = runtime/libruntime.la plugins/libplugins.la config/libconfig.la \
  core/libcore.la
CLEANFILES += tests/bench/listings$(EXEEXT)

# What an idle node costs: `make tests/bench/idle && tests/bench/idle`.
EXTRA_PROGRAMS += tests/bench/idle
tests_bench_idle_SOURCES = tests/bench/idle.c
tests_bench_idle_CPPFLAGS = $(INC_NODE)
tests_bench_idle_LDADD = runtime/libnode.la runtime/libloop.la plugins/libplugins.la \
  config/libconfig.la core/libcore.la
CLEANFILES += tests/bench/idle$(EXEEXT)

# How long a mass join takes: `make tests/bench/joins && tests/bench/joins`.
EXTRA_PROGRAMS += tests/bench/joins
tests_bench_joins_SOURCES = tests/bench/joins.c
tests_bench_joins_CPPFLAGS = $(INC_NODE)
tests_bench_joins_LDADD = runtime/libnode.la runtime/libloop.la plugins/libplugins.la \
  config/libconfig.la core/libcore.la
CLEANFILES += tests/bench/joins$(EXEEXT)

# Who has not heard of a leave that has returned, among Go and Kith nodes (docs/WIRE.md, Leaving).
EXTRA_DIST += tests/bench/leave.py
