/*
 * measure.h - looks on at a cluster and says what it showed (result.h).
 *
 *     kith_measure_new(&m, &err);
 *     kith_measure_watch(m, &setup);                   before kith_cluster_new()
 *     kith_cluster_new(&cluster, &setup, &err);
 *     kith_measure_begin(m, cluster, steps of 1 s);
 *     kith_measure_happening(m, "kill", "kill n7");    what is done from here on belongs to it
 *     kith_cluster_kill(cluster, 7);
 *     kith_measure_run(m, until);                      instead of kith_cluster_run()
 *     kith_measure_end(m, &result, &err);
 *     kith_cluster_free(cluster);
 *     kith_measure_free(m);
 *
 * It changes nothing: a run that is measured has the trace of one that is not.
 */
#ifndef KITH_MEASURE_H
#define KITH_MEASURE_H

#include "cluster.h"
#include "result.h"

struct kith_measure;

int kith_measure_new(struct kith_measure **, struct kith_error *err);
void kith_measure_free(struct kith_measure *);
/* Sets ctx, event, message and act of the setup; each calls what was there before, with its ctx. */
void kith_measure_watch(struct kith_measure *, struct kith_cluster_setup *);
/* step: of all series, ns. */
void kith_measure_begin(struct kith_measure *, struct kith_cluster *, uint64_t step);
/* All acts until the next one are part of it. kind: constant; text: copied. */
int kith_measure_happening(struct kith_measure *, const char *kind, const char *text);
/* A broadcast or message that it follows: the payload is its own, of at least 16 bytes. */
int kith_measure_send(struct kith_measure *, int node, int to, size_t bytes, bool reliable,
                      struct kith_error *err);
void kith_measure_run(struct kith_measure *, uint64_t until);
/* Fills what it measured; what was asked for (file, profile, ...) is the caller's to fill. What
 * kith_result_free() frees. */
int kith_measure_end(struct kith_measure *, struct kith_result *, struct kith_error *err);

#endif
