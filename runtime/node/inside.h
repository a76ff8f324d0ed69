/*
 * inside.h - the inside of struct kith: what the files that make a node share, and nobody else
 * includes. Each calls only those further down:
 *
 *   reload.c          a new reading of the file comes into force between two turns
 *   open.c            a file becomes settings, instances, a pipeline
 *   life.c            start, run, stop, close
 *   table.c           struct kith_node: what delegates and embedders may ask
 *   stats.c           every counter, gauge and histogram in one visit
 *   wiring.c          packets, and the end of a turn: transport <-> pipeline <-> core
 *   wiring_streams.c  streams: transport <-> inflow and queue <-> core
 *   joiner.c          names to addresses to joins; the `join:` list with backoff
 *   commands.c        changes that somebody asked for, carried out at the end of the turn
 *   observer.c        tells those who look on (observer.h)
 *   access.c          what all of them need: time, log, wake-up, the parts of a node
 *   codes.c           results as names and words
 *
 * Everything runs on the loop's thread. None of it knows plugins by name, the control socket, or
 * JSON.
 */
#ifndef KITH_INSIDE_H
#define KITH_INSIDE_H

#include "core.h"
#include "host.h"
#include "node.h"
#include "observer.h"
#include "plugins_check.h"
#include "resolve.h"
#include <stdatomic.h>

struct kith_commands;
struct kith_streams;
struct kith_joiner;

/* The layers of the one message that is in the pipeline. A layer's bytes are gone when the next one
 * is peeled, so what is kept of them is copied; nothing is allocated. */
enum { KITH_WIRE_LAYERS = 16, KITH_WIRE_LABEL = 255 }; /* more than a pipeline allows */
struct kith_wire_layers {
    struct kith_layer items[KITH_WIRE_LAYERS];
    size_t count;
    uint8_t label[KITH_WIRE_LABEL];
};

/* A node is open (instances made, nothing bound), then started, then closed. `stop` asks it to end,
 * also from a signal handler; what it was asked for meanwhile still ends. */
struct kith {
    struct kith_loop *loop;
    struct kith_registry *registry;
    bool own_loop, own_registry, started;
    bool closing;      /* nothing new is taken */
    atomic_bool stop;  /* set by any thread or signal handler */
    int failed;        /* what ended it when that was not kith_stop(): a negative code */
    char *name;        /* of the node: stays over reloads */
    char *path, *text; /* text: what to read instead of the file at path */
    size_t text_len;
    FILE *problems;
    struct kith_options options;
    uint64_t started_at; /* wall clock, ns */

    struct kith_log *log;
    struct kith_services *services;
    struct kith_resolver *resolver, *former_resolver;
    struct kith_host_maker maker; /* of the services */
    struct kith_config *config;   /* in force */
    struct kith_keyring *ring;
    struct kith_pipeline *pipeline;
    struct kith_instance *transport;
    const struct kith_transport_ops *ops;
    bool transport_waits; /* the file asks for another transport: that takes a restart */
    struct kith_delegates *delegates;
    struct kith_core *core; /* NULL before the start */
    struct kith_core_env env;
    struct kith_node table;
    uint16_t default_port; /* of peers that come without one */

    struct kith_idle *idle;
    struct kith_timer *timer; /* the one timer: the core's deadline */
    bool woken, in_turn;      /* a turn is coming; we are at the end of one */
    struct kith_uplink uplink;
    uint64_t packet_limit; /* towards anybody, as the transport said last */
    struct kith_room room;
    uint64_t packets_in, packets_out, bytes_in, bytes_out, packets_refused, packets_unsent;

    struct kith_streams *streams;
    struct kith_commands *commands;
    struct kith_joiner *joiner;

    struct kith_observer *observers; /* NULL: nobody looks on */
    bool wire_watched;               /* one of them wants messages: their layers are collected */
    struct kith_wire_layers layers;
};

#define KITH_UPDATE_TIMEOUT 5000000000u /* ns: to send a change of meta often enough */

/* ------------------------------------------------------------------------------------ open.c */

/* Read the configuration again the way it was read the first time. */
struct kith_config *kith_node_read(struct kith *, struct kith_diag *);
/* Show what was found wrong; the first error also in err. 0, or -KITH_EINVAL when there was one. */
int kith_node_tell(struct kith *, const struct kith_diag *, struct kith_error *err);
/* From a configuration: a resolver (NULL: no memory), and what the log is to be. */
struct kith_resolver *kith_node_resolver(struct kith *, const struct kith_config *);
struct kith_log_setup kith_node_log_setup(struct kith *, const struct kith_config *);

/* ---------------------------------------------------------------------------------- access.c */

/* Make sure that a turn ends soon: something was queued outside of one. */
void kith_node_wake(struct kith *);
void kith_node_unwake(struct kith *);

/* -------------------------------------------------------------------------------- observer.c */

int kith_observers_start(struct kith *, struct kith_error *err);
void kith_observers_turn_ended(struct kith *);
void kith_observers_stop(struct kith *);
/* Around a message's way through the pipeline, when k->wire_watched. The layers of the message are
 * filled in; where `wire` or `plain` is 0 the outermost layer tells it. */
void kith_wire_begin(struct kith *);
void kith_wire_end(struct kith *, const struct kith_wire_message *);

/* ---------------------------------------------------------------------------------- wiring.c */

/* The uplink, to a transport. */
int kith_wiring_attach(struct kith *, struct kith_instance *, const struct kith_settings *,
                       struct kith_error *err);
int kith_wiring_start(struct kith *, struct kith_error *err); /* the end of turn */
void kith_wiring_stop(struct kith *);
/* After the pipeline or the limits changed: read again how big a packet may be. */
void kith_wiring_measure(struct kith *);
size_t kith_wiring_budget(void *k, const struct kith_addr *to);
/* Carry out what the core wants done. */
void kith_wiring_drain(struct kith *);

/* -------------------------------------------------------------------------- wiring_streams.c */

int kith_streams_new(struct kith *);
void kith_streams_free(struct kith *);
size_t kith_streams_count(const struct kith *);
/* What the transport tells (struct kith_uplink). */
int kith_streams_accepted(void *k, uint32_t id, const struct kith_addr *from);
void kith_streams_opened(void *k, uint32_t id);
void kith_streams_data(void *k, uint32_t id, const uint8_t *data, size_t len);
void kith_streams_writable(void *k, uint32_t id);
void kith_streams_end(void *k, uint32_t id);
void kith_streams_closed(void *k, uint32_t id, int reason);
/* What the core wants (KITH_OUT_DIAL .. KITH_OUT_RESET). */
void kith_streams_out(struct kith *, const struct kith_output *);
/* Reset released streams whose time is over; when to look again. */
uint64_t kith_streams_expire(struct kith *, uint64_t now);
void kith_streams_require(struct kith *, uint32_t require);

/* -------------------------------------------------------------------------------- commands.c */

enum kith_command_kind {
    KITH_DO_JOIN = 1,  /* addr, name: one address */
    KITH_DO_LEAVE,     /* timeout */
    KITH_DO_UPDATE,    /* timeout */
    KITH_DO_META,      /* bytes, timeout */
    KITH_DO_BROADCAST, /* bytes */
    KITH_DO_SEND,      /* name, bytes, reliable */
    KITH_DO_PING       /* name */
};

struct kith_command {
    enum kith_command_kind kind;
    const char *name;
    const struct kith_addr *addr;
    struct kith_bytes bytes;
    bool reliable;
    uint64_t timeout;
    kith_done_fn *done;
    void *arg;
};

int kith_commands_new(struct kith *);
void kith_commands_free(struct kith *); /* what is pending ends with -KITH_ECLOSED */
/* Queue one; everything in it is copied. -KITH_EAGAIN: too many wait; done is not called then. */
int kith_commands_add(struct kith *, const struct kith_command *);
/* Carry out what was queued before the call; whether there was any. */
bool kith_commands_run(struct kith *);
bool kith_commands_pending(const struct kith *);
void kith_commands_done(struct kith *, uint32_t request, int status, uint64_t value);

/* ---------------------------------------------------------------------------------- joiner.c */

/* Resolve and join every address of one place. done: 0 when any of them answered; value: how many
 * did. */
int kith_join(struct kith *, const char *where, kith_done_fn *done, void *arg);
int kith_joiner_new(struct kith *);
int kith_joiner_start(struct kith *);
void kith_joiner_free(struct kith *);
void kith_joiner_kick(struct kith *); /* the list changed: begin again */

/* -------------------------------------------------------------------------- table.c, stats.c */

void kith_table_init(struct kith *);
void kith_stats_visit(struct kith *, void (*visit)(void *arg, const struct kith_stat *), void *arg);

#endif
