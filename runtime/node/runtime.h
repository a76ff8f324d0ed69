/*
 * runtime.h - the inside of struct kith: what the files that make a node share.
 *
 *   node.c        life: open, start, run, stop, close
 *   wiring.c      packets and the turn: transport <-> pipeline <-> core
 *   streams.c     streams: transport <-> inflow and queue <-> core
 *   commands.c    changes that somebody asked for: queued, carried out at the end of the turn,
 * answered joiner.c      names to addresses to joins; the `join:` list with backoff table.c struct
 * kith_node: what delegates and embedders ask stats.c       every counter, gauge and histogram in
 * one visit codes.c       results as names and words reload.c      a new reading of the file in
 * force between two turns control.c     the control socket; control_commands.c, monitor.c: what it
 * understands
 *
 * Everything runs on the loop's thread. None of it knows plugins by name.
 */
#ifndef KITH_RUNTIME_H
#define KITH_RUNTIME_H

#include <kith/kith.h>
#include "core.h"
#include "host.h"
#include "log.h"
#include "loop.h"
#include "delegates.h"
#include "inflow.h"
#include "plugins_check.h"
#include "registry.h"
#include "resolve.h"
#include <stdatomic.h>

struct kith_commands;
struct kith_streams;
struct kith_joiner;
struct kith_control;
struct kith_monitor;
struct kith_wire;

struct kith {
    struct kith_loop *loop;
    struct kith_registry *registry;
    bool own_loop, own_registry, started, stopping;
    atomic_bool stop;                 /* set by any thread or signal handler */
    char *name;                       /* of the node: stays over reloads */
    char *path, *text, *control_path; /* text: what to read instead of the file at path */
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
    bool transport_waits; /* a reload changed what it can't take over: it stays as it is until a
                             restart */
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
    struct kith_control *control;
    struct kith_monitor *monitor;
    struct kith_wire *wire; /* NULL: nobody looks at packets (wire_watch.h) */
};

#define KITH_UPDATE_TIMEOUT \
    5000000000u            /* ns; what a change of meta may take to be sent often enough */
#define KITH_ADDR_TEXT 512 /* room for an address as text */

/* ------------------------------------------------------------------------------------ node.c */

/* What kith_open() does, with the parts that a test or a tool brings along. */
struct kith_origin {
    const char *path; /* file to read, or its name when text is given */
    const char *text; /* NULL: read the file */
    size_t len;
    struct kith_loop *loop;         /* NULL: a loop of its own */
    struct kith_registry *registry; /* NULL: one of its own */
    FILE *problems;                 /* where problems of the file go; NULL: nowhere */
};
int kith_node_open(struct kith **, const struct kith_origin *, const struct kith_options *,
                   struct kith_error *err);
/* Read the configuration again the way it was read the first time. */
struct kith_config *kith_node_read(struct kith *, struct kith_diag *);
/* Show what was found wrong; the first error also in err. 0, or -KITH_EINVAL when there was one. */
int kith_node_tell(struct kith *, const struct kith_diag *, struct kith_error *err);
void kith_node_log(struct kith *, enum kith_log_level, const char *fmt, ...) KITH_PRINTF(3, 4);
uint64_t kith_node_now(const struct kith *);

struct kith_resolver *kith_node_resolver(struct kith *); /* a new one, from the config in force */
void kith_node_format(const struct kith *, const struct kith_addr *, char *out, size_t cap);
struct kith_log_setup kith_node_log_setup(struct kith *, const struct kith_config *);

/* ---------------------------------------------------------------------------------- wiring.c */

/* The uplink, to a transport. */
int kith_wiring_attach(struct kith *, struct kith_instance *, const struct kith_settings *,
                       struct kith_error *err);
int kith_wiring_start(struct kith *, struct kith_error *err); /* the end of turn */
void kith_wiring_stop(struct kith *);
/* Take room and limits again after the pipeline changed. */
void kith_wiring_measure(struct kith *);
size_t kith_wiring_budget(void *k, const struct kith_addr *to);
/* Carry out what the core wants done. */
void kith_wiring_drain(struct kith *);
/* Make sure that a turn ends soon: something was queued outside of one. */
void kith_wiring_wake(struct kith *);

/* --------------------------------------------------------------------------------- streams.c */

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
/* Give up on those that were let go and do not end; when to look again. */
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

/* Resolve and join every address of one place; value: how many answered. 0 when any did. */
int kith_join(struct kith *, const char *where, kith_done_fn *done, void *arg);
int kith_joiner_new(struct kith *);
int kith_joiner_start(struct kith *);
void kith_joiner_free(struct kith *);
void kith_joiner_kick(struct kith *); /* the list changed: begin again */

/* -------------------------------------------------------------------------- table.c, stats.c */

void kith_table_init(struct kith *);
void kith_stats_visit(struct kith *, void (*visit)(void *arg, const struct kith_stat *), void *arg);

/* ----------------------------------------------------------------------------------- codes.c */

const char *kith_code_name(int code); /* "timeout" */
const char *kith_code_text(int code); /* "timed out" */

/* --------------------------------------------------------------------------------- control.c */

int kith_control_start(struct kith *, struct kith_error *err);
void kith_control_stop(struct kith *);
void kith_control_turn(struct kith *); /* a turn has ended */

#endif
