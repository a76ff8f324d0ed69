/*
 * measure.h - looks on at a cluster, and says what it showed (result.h).
 *
 *     struct kith_measure *m = kith_measure_new();
 *     kith_measure_watch(m, &setup);
 *     kith_cluster_new(&c, &setup, &err);
 *     ...                                               nodes are added, and started
 *     kith_measure_begin(m, c, SECOND);
 *     kith_measure_happening(m, "kill", "kill n7");     what is done from here on belongs to it
 *     kith_cluster_kill(c, 7, &err);
 *     kith_measure_run(m, until);                       in place of kith_cluster_run()
 *     kith_measure_end(m, &result);
 *     kith_cluster_free(c);
 *     kith_measure_free(m);
 *
 * It changes nothing: a run that is measured has the trace of one that is not.
 */
#ifndef KITH_MEASURE_H
#define KITH_MEASURE_H

#include "cluster.h"
#include "result.h"

struct kith_measure;

struct kith_measure *kith_measure_new(void); /* NULL: no memory */
void kith_measure_free(struct kith_measure *);
/* Takes the callbacks of the setup, and passes all on to those that were there. */
void kith_measure_watch(struct kith_measure *, struct kith_cluster_setup *);
/* step: of the curves, ns. Time, traffic and cost count from here on. */
void kith_measure_begin(struct kith_measure *, struct kith_cluster *, uint64_t step);
/* All that is done until the next one is part of this. Both texts are copied. Its number; -1: no
 * memory. */
int kith_measure_happening(struct kith_measure *, const char *kind, const char *text);
/* What is done from here on is part of that one again. */
void kith_measure_again(struct kith_measure *, int happening);
/* kith_cluster_send(), of a message that it knows again: its bytes are its own, 16 at least. */
int kith_measure_send(struct kith_measure *, int node, int to, size_t bytes, bool reliable,
                      kith_done_fn *done, void *arg, struct kith_error *err);
void kith_measure_run(struct kith_measure *, uint64_t until);
/* ...or until somebody, who is asked after each turn, has seen enough: true. */
bool kith_measure_run_till(struct kith_measure *, uint64_t until, bool (*enough)(void *arg),
                           void *arg);
/* Fills all but what only the caller knows: file, scenario, profile, send, seed, left_out. Once.
 * -KITH_ENOMEM: then, or before, memory was out: what it says is not all. */
int kith_measure_end(struct kith_measure *, struct kith_result *);

#endif
