/*
 * plugin_bench.h - `kith plugin bench`, as cmd_plugin.c hands it on.
 */
#ifndef KITH_TOOLS_PLUGIN_BENCH_H
#define KITH_TOOLS_PLUGIN_BENCH_H

#include <stdbool.h>
#include <stddef.h>

enum { KITH_BENCH_PARAMS = 16 };

struct kith_bench {
    const char *codec, *dirs;              /* dirs: NULL for the usual folders */
    const char *params[KITH_BENCH_PARAMS]; /* name=value */
    size_t param_count;
    bool json;
    char **argv; /* of `plugin`, to begin again with */
};

/* In this process: a codec may crash it. Returns an exit code. */
int kith_plugin_bench(const struct kith_bench *);

#endif
