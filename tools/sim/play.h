/*
 * play.h - lets a scenario happen to a cluster, and measures it.
 *
 * The same scenario, config and world's seed do the same: lots are drawn from the scenario's seed,
 * and those of one event whatever else happens. Knows no command line and no report.
 */
#ifndef KITH_SIM_PLAY_H
#define KITH_SIM_PLAY_H

#include "measure.h"
#include "scenario.h"

struct kith_play_setup {
    struct kith_world *world;         /* virtual */
    const struct kith_config *config; /* as kith_cluster_config() makes it */
    const struct kith_scenario *scenario;
    FILE *trace; /* NULL: none */

    void *ctx; /* of the callbacks, each of which may be NULL */
    /* Every now and then. false: it has gone on long enough. */
    bool (*progress)(void *ctx, uint64_t now, int running);
    /* Something could not be done. */
    void (*undone)(void *ctx, uint64_t at, const char *what, const char *why);
};

/* Fills what kith_measure_end() does. */
int kith_play(const struct kith_play_setup *, struct kith_result *, struct kith_error *err);

#endif
