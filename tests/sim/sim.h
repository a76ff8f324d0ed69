/*
 * sim.h - a cluster of cores on virtual time, in one thread, without a socket.
 *
 *     struct sim *s = sim_new(5, 1);          five nodes, n0 to n4, up, that know nobody
 *     sim_join_all(s);                        all join n0
 *     CU_ASSERT(sim_wait_mesh(s, 10 * SEC));  each node sees exactly those that are up, as alive
 *     sim_cut(s, 1, 2);                       nothing from n1 reaches n2 any more
 *     sim_free(s);
 *
 * Everything that happens is an event in one queue ordered by time; all chance comes from the seed,
 * so a run repeats exactly. When an assertion fails sim_free prints the seed; KITH_SEED=n in the
 * environment then overrides the seeds of all simulations. Rules that always hold are checked after
 * each event and reported as failures with the time (engine_checks.c).
 *
 * The network is loopback's (transports/loopback/network.h): packets are delayed, lost, doubled and
 * overtake each other as told. Streams are reliable byte pipes with a connect delay, cut into
 * random pieces, refused where nobody is up, held back where the link is cut, until it heals. A
 * paused node is a stopped process: its kernel goes on accepting packets and connections, it reads
 * all of it on waking, before its clock moves.
 */
#ifndef KITH_TESTS_SIM_H
#define KITH_TESTS_SIM_H

#include "../lan_settings.h"
#include "../test.h"

#include <core.h>

/* The scenarios run in two rings: on cores (tests/sim), and on whole nodes (tests/stack). */
#ifndef SIM_RING
#define SIM_RING "sim"
#endif

#define SIM_ALL   (-1) /* for a node: each of them */
#define SIM_EPOCH (1000 * SEC)

struct sim;

struct sim *sim_new(unsigned n, uint64_t seed);
/* tune changes the settings of every node, NULL: LAN defaults. */
struct sim *sim_new_tuned(unsigned n, uint64_t seed, void (*tune)(struct kith_settings *));
/* Checks that all requests of nodes that are up ended, too. */
void sim_free(struct sim *);

/* ---- the network; from and to may be SIM_ALL */
void sim_delay(struct sim *, uint64_t min,
               uint64_t mean); /* min + exponential with that mean; 1 ms + 1 ms */
void sim_loss(struct sim *, int from, int to, double p); /* packets; streams get slower */
void sim_duplicate(struct sim *, double p);
void sim_reorder(struct sim *, double p, uint64_t late); /* such a part comes up to `late` later */
void sim_cut(struct sim *, int from, int to);            /* one way */
void sim_heal(struct sim *, int from, int to);
void sim_partition(struct sim *, const int *side,
                   unsigned n); /* these from all others, both ways */

/* ---- the nodes */
int sim_add(struct sim *,
            const char *name); /* one more, with an address of its own; started; its number */
void sim_pause(struct sim *, int node);
void sim_resume(struct sim *, int node);
void sim_kill(struct sim *, int node);
void sim_restart(struct sim *,
                 int node); /* after kill: same name and address, nothing remembered */
void sim_set_meta(struct sim *, int node, const char *meta); /* and kith_core_update */
/* Commands; each gives a number for sim_status. */
int sim_join(struct sim *, int node, int seed_node);
int sim_leave(struct sim *, int node, uint64_t timeout);
int sim_broadcast(struct sim *, int node, const char *text);
/* On the channel "sim", to all. Whoever gets it is told to `heard`, once it is set. */
int sim_relay(struct sim *, int node, const char *text);
void sim_hear(struct sim *, void (*heard)(void *arg, int node, const struct kith_message *),
              void *arg);
int sim_send(struct sim *, int node, int to, const char *text, bool reliable);
void sim_join_all(struct sim *);                 /* everybody joins n0 and has an answer */
int sim_status(const struct sim *, int request); /* 1: under way, else its status */

/* ---- time */
uint64_t sim_now(const struct sim *);
void sim_run(struct sim *, uint64_t duration);
bool sim_wait(struct sim *, bool (*until)(struct sim *, const void *), const void *arg,
              uint64_t timeout);
bool sim_wait_mesh(struct sim *, uint64_t timeout);
bool sim_wait_state(struct sim *, int observer, int node, int state,
                    uint64_t timeout); /* SIM_ALL: all others up */

/* ---- what they see */
int sim_state(const struct sim *, int observer,
              int node); /* enum kith_state, -1: does not know it */
uint32_t sim_incarnation(const struct sim *, int observer, int node);
bool sim_meta_is(const struct sim *, int observer, int node, const char *meta);
unsigned sim_health(const struct sim *, int node);
struct sim_counts {
    unsigned joins, leaves, suspicions, updates, conflicts; /* what its delegate was told */
    unsigned wrong;       /* of the leaves: somebody who was up, and not paused (sim only) */
    unsigned messages;    /* user messages */
    unsigned states;      /* pushed user states of others */
    unsigned accusations; /* suspicions of its own making */
    uint64_t lost;        /* messages of channels that it misses for good */
};
const struct sim_counts *sim_counts(const struct sim *, int node);
uint64_t sim_trace(const struct sim *);  /* a hash of all that happened */
uint64_t sim_events(const struct sim *); /* how many */
unsigned sim_violations(const struct sim *);

#endif
