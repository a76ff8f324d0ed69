/*
 * series.h - the numbers of one entry: counters, gauges and histograms, each known by its name and
 * labels. Knows no hosts, and shows nothing but what it is given to show.
 *
 * Asking again gives the same number, in whatever order the labels come; so a lookup costs what a
 * hash costs, and may be done on the way of a message.
 */
#ifndef KITH_SERIES_H
#define KITH_SERIES_H

#include <kith/plugin.h>

enum { KITH_SERIES_MAX = 1000, KITH_LABELS_MAX = 16, KITH_BOUNDS_MAX = 256 };

struct kith_histogram {
    double sum;
    uint64_t count;
    double *bounds;  /* rising */
    uint64_t *up_to; /* how many up to each of them */
    size_t bound_count;
};
void kith_histogram_observe(struct kith_histogram *, double value); /* NaN is left out */

struct kith_series_set;
/* key: secret, of the hash. NULL: no memory. */
struct kith_series_set *kith_series_set_new(const uint8_t key[16]);
void kith_series_set_free(struct kith_series_set *);

/* A name or label that is no lower-case identifier, the label `entry`, bounds that don't rise, or a
 * name and labels that are another kind of number already: -KITH_EINVAL; KITH_SERIES_MAX are there:
 * -KITH_ETOOBIG; no memory: -KITH_ENOMEM. All is copied. */
struct kith_series_asked {
    uint32_t kind; /* enum kith_stat_kind */
    const char *name, *help;
    const struct kith_pair *labels;
    size_t label_count;
    const double *bounds;
    size_t bound_count;
};
union kith_number {
    uint64_t counter;
    double gauge;
    struct kith_histogram histogram;
};
int kith_series_find(struct kith_series_set *, const struct kith_series_asked *,
                     union kith_number **, struct kith_error *err);

/* Each, in the order in which they were asked for first, with `common` labels before its own; its
 * own win where both have one. */
void kith_series_visit(const struct kith_series_set *, const struct kith_pair *common, size_t count,
                       void (*visit)(void *arg, const struct kith_stat *), void *arg);

#endif
