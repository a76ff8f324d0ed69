/*
 * inside.h - the inside of struct kith: what the files that make a node share, and nobody else
 * includes. Each calls only those further down:
 *
 *   reload.c        a new reading of the file comes into force between two turns
 *   reload_report.c what is said of it (reload_report.h)
 *   open.c          a file becomes settings, instances, a pipeline
 *   hooks.c         what plugins ask of their host and the node answers: settings, names, events
 *   life.c          start, run, pause, stop, close
 *   turn.c          the end of a turn: what it led to is carried out
 *   begin.c         from a running transport with an address to a member
 *   uplink.c        what the transport tells, checked
 *   table.c         struct kith_node: what delegates and embedders may ask
 *   stats.c         every counter, gauge and histogram in one visit
 *   joiner.c        text to joins; the `join:` list with backoff
 *   place.c         text to addresses: the transport's own, or names looked up
 *   commands.c      changes that somebody asked for, carried out at the end of the turn
 *   ring.c          changes of the keyring
 *   node_packets.c  packets: transport <-> pipeline <-> core
 *   streams_in.c    streams, what comes: transport -> inflow -> core
 *   streams_out.c   streams, what goes: core -> queue -> transport
 *   node_streams.c  the table of streams (node_streams.h)
 *   observer.c      tells those who look on (observer.h)
 *   access.c        what all of them need: time, log, the mark for a turn, the parts of a node
 *   downlink.c      the calls of a transport, checked
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
struct kith_places;

/*
 * A transport's instance and the line to the node:
 *
 *   made     nothing of the transport may tell anything yet
 *            -> live   start or adopt succeeded
 *   live     -> ended  it stopped, or another one has adopted what it had
 *   ended    -> live   it was started again, because its successor did not start
 *
 * What it tells before, after, from inside a call of the node into it or any other plugin, or from
 * another thread is a breach: counted, blamed, ignored. The memory stays until the node is freed,
 * as a transport may be late.
 */
struct kith_link {
    struct kith_uplink table; /* first: the transport hands it back */
    struct kith_link *next;   /* of the node's */
    struct kith *k;
    struct kith_instance *in;     /* NULL: freed */
    const struct kith_host *host; /* its: stays */
    const struct kith_transport_ops *ops;
    void *self;
    uint8_t *names; /* of the peer it told of last, each with its NUL */
    size_t names_cap;
    bool live;
    uint32_t promised; /* what it provides, as it said when the file was checked */
    /* What it said since that the node can't follow, in words; empty: nothing. */
    char unfit[256]; /* of sizes: they stay as they were */
    char mute[128];  /* it provides less than `require` relies on: nothing is sent */
};

/* The layers of the one message that is in the pipeline. A layer's bytes are gone when the next one
 * is peeled, so what is kept of them is copied; nothing is allocated. */
enum { KITH_TRAFFIC_LAYERS = 16, KITH_TRAFFIC_LABEL = 255 }; /* more than a pipeline allows */
struct kith_traffic_layers {
    struct kith_layer items[KITH_TRAFFIC_LAYERS];
    size_t count;
    uint8_t label[KITH_TRAFFIC_LABEL];
};

/* A node as somebody may ask it: the program and its operator, or the delegates. What delegates do
 * is often what strangers make them do, so their commands don't take the others' slots. */
struct kith_desk {
    struct kith_node table; /* first: whoever asks hands it back */
    struct kith *k;
    bool delegates;
};

/* A node is open (instances made, nothing bound), then started, then closed. `stop` asks it to end,
 * also from a signal handler; what it was asked for meanwhile still ends. */
struct kith {
    struct kith_world *world;
    struct kith_loop *loop;                  /* the world's */
    const struct kith_config_finder *finder; /* NULL: the registry's */
    bool started;
    bool closing;      /* nothing new is taken */
    atomic_bool stop;  /* set by any thread or signal handler */
    int failed;        /* what ended it when that was not kith_stop(): a negative code */
    bool begun;        /* it is a member: the address is known, delegates and core have started */
    char *name;        /* of the node: stays over reloads */
    char *path, *text; /* text: what to read instead of the file at path */
    size_t text_len;
    FILE *problems;
    struct kith_options options;
    uint64_t started_at; /* wall clock, ns */

    struct kith_account memory; /* of streams */
    struct kith_log *log;
    struct kith_services *services;
    struct kith_asks *asks;
    struct kith_resolver *resolver, *former_resolver;
    struct kith_host_maker maker; /* of the services */
    struct kith_instance *all;    /* instances of every kind, those of a reload under way too */
    struct kith_config *config;   /* in force */
    struct kith_config *making;   /* a reload's: what settings are asked of while it goes on */
    struct kith_config *former; /* those that are neither: their texts are lent until a turn ends */
    const struct kith_config *shared; /* in place of a file: lent, and maybe others' too; what... */
    struct kith_config copy;          /* ...is in force is this copy, with this node's name */
    struct kith_keyring *ring;
    struct kith_pipeline *pipeline;
    struct kith_instance *transport;
    struct kith_link *link;  /* the transport's */
    struct kith_link *links; /* all that ever were */
    const char *why;         /* what a kith_done_fn is told of ended so; NULL: nobody said */
    const char *call;        /* of a transport, that has not returned; NULL: none */
    unsigned told;           /* its upcalls that have not returned */
    unsigned depth;          /* calls into instances of all kinds that have not returned */
    bool transport_waits;    /* the file asks for another transport: that takes a restart */
    bool meta_refused;       /* what the file gives as meta: the next reload tries again */
    struct kith_delegates *delegates;
    struct kith_core *core; /* NULL before the start */
    struct kith_core_env env;
    struct kith_desk own, lent; /* for the program; for delegates */
    uint16_t default_port;      /* of peers that come without one */

    struct kith_idle *idle;
    struct kith_timer *timer; /* the one timer: the core's deadline */
    bool in_turn, paused;     /* in_turn: we are at the end of one */
    uint32_t changed;         /* what the transport said of itself (enum kith_changed) */
    bool keys_changed;
    uint64_t packet_limit;         /* towards anybody, as the transport said last */
    uint64_t stream_window;        /* what may come on a paused stream, as it said */
    uint32_t link_head, link_tail; /* what the transport wants around a packet */
    struct kith_room room;         /* what the pipeline wants */
    struct kith_buf bounce;        /* for packets that a codec has left without that room */
    uint64_t packets_in, packets_out, bytes_in, bytes_out, packets_refused, packets_unsent;
    uint64_t packets_over; /* dropped: more than one turn may bring */
    /* What came since the last turn ended; how many turns in a row brought so much that time-outs
     * were put off. */
    unsigned turn_packets, turns_held;
    uint64_t turn_bytes;

    struct kith_streams *streams;
    struct kith_commands *commands;
    struct kith_joiner *joiner;
    struct kith_places *places;

    struct kith_observer *observers; /* NULL: nobody looks on */
    bool traffic_watched;            /* one of them wants messages: their layers are collected */
    struct kith_traffic_layers layers;
};

#define KITH_UPDATE_TIMEOUT 5000000000u /* ns: to send a change of meta often enough */

/* What one turn may bring. From BUSY on the transport is taken to have more: what is left is read
 * in the next turn, before any time-out fires, but for HELD turns in a row at most. Over MOST,
 * which is above what a transport of good manners reads in one go, packets are dropped and counted,
 * and streams are paused, so that what a turn leads to stays bounded. */
enum {
    KITH_TURN_BUSY_PACKETS = 2048,
    KITH_TURN_MOST_PACKETS = 16384,
    KITH_TURN_BUSY_BYTES = 512 << 10,
    KITH_TURN_MOST_BYTES = 4 << 20,
    KITH_TURNS_HELD = 8
};

/* --------------------------------------------------------------------------------------- open.c */

/* Read the configuration again the way it was read the first time. */
struct kith_config *kith_node_read(struct kith *, struct kith_diag *);
/* Show what was found wrong; the first error also in err. 0, or -KITH_EINVAL when there was one. */
int kith_node_tell(struct kith *, const struct kith_diag *, struct kith_error *err);
/* From a configuration: a resolver (NULL: no memory), what the log is to be, the delegates. */
struct kith_resolver *kith_node_resolver(struct kith *, const struct kith_config *);
struct kith_log_setup kith_node_log_setup(struct kith *, const struct kith_config *);
struct kith_delegates *kith_node_delegates_new(struct kith *, const struct kith_config *,
                                               struct kith_keyring *, struct kith_delegates *old,
                                               struct kith_error *err);

/* -------------------------------------------------------------------------------------- hooks.c */

struct kith_services *kith_node_services(struct kith *);
/* What the init of an instance sees that is made for a check only. */
struct kith_check_world kith_node_check_world(struct kith *);

/* ------------------------------------------------------------------------------ turn.c, begin.c */

int kith_turn_start(struct kith *, struct kith_error *err);
void kith_turn_stop(struct kith *);
/* Carry out what the core wants done. */
void kith_turn_drain(struct kith *);

/* The transport runs: ask for the address, and become a member. 0 also when the address is not
 * known yet: once more when the transport says that it changed. */
int kith_begin(struct kith *, struct kith_error *err);
/* Ask again what others shall use, and tell them when it is another. */
int kith_begin_advertise(struct kith *, struct kith_error *err);

/* ------------------------------------------------------------------------------------- access.c */

/* Nothing is of this config any more but texts that plugins were lent: it goes when the turn ends,
 * which is the second. */
void kith_node_former_config(struct kith *, struct kith_config *);
void kith_node_free_former(struct kith *);
/* The node ends with this code. */
void kith_node_fail(struct kith *, int code);

/* ----------------------------------------------------------------------------------- observer.c */

int kith_observers_start(struct kith *, struct kith_error *err);
void kith_observers_turn_ended(struct kith *);
void kith_observers_stop(struct kith *);
/* Around a message's way through the pipeline, when k->traffic_watched. The layers of the message
 * are filled in; where `wire` or `plain` is 0 the outermost layer tells it. */
void kith_traffic_begin(struct kith *);
void kith_traffic_end(struct kith *, const struct kith_traffic *);

/* ------------------------------------------------------------------------- uplink.c, downlink.c */

/* The line to an instance that was made; it stays the node's. NULL: no memory. */
struct kith_link *kith_link_new(struct kith *, struct kith_instance *);
/* Start it; former: NULL, or the line to the running transport that it replaces. As
 * kith_instance_start(); when it fails and the former one goes on, so does its line. */
int kith_link_start(struct kith_link *, struct kith_link *former, struct kith_error *err);
/* Stop and free the instance. NULL is fine. */
void kith_link_end(struct kith_link *);
void kith_links_free(struct kith *);

/* The calls. A result that the header does not promise is blamed and made into one that it does. A
 * transport that has come to its end is not called: -KITH_ECLOSED. */
struct kith_limits kith_link_limits(struct kith_link *);
/* Can packets be sent at all? Else words that name the transport. */
int kith_link_check(struct kith_link *, struct kith_error *err);
size_t kith_link_packet_limit(struct kith_link *, const struct kith_peer *to);
int kith_link_advertise(struct kith_link *, struct kith_addr *out, struct kith_error *err);
int kith_link_parse(struct kith_link *, struct kith_bytes text, struct kith_addr *out,
                    struct kith_bytes *host);
int kith_link_format(struct kith_link *, const struct kith_addr *, char *out, size_t cap);
int kith_link_send_packet(struct kith_link *, const struct kith_peer *to, struct kith_buf *);
void kith_link_flush(struct kith_link *);
int kith_link_open(struct kith_link *, const struct kith_peer *to, uint64_t *id);
int64_t kith_link_write(struct kith_link *, uint64_t id, struct kith_bytes);
void kith_link_finish(struct kith_link *, uint64_t id);
void kith_link_reset(struct kith_link *, uint64_t id);
void kith_link_read(struct kith_link *, uint64_t id, bool on);
void kith_link_gone(struct kith_link *, const struct kith_peer *);

/* ------------------------------------------------------------------------------- node_packets.c */

/* After the pipeline changed or the transport started: read its limits again. */
void kith_packets_measure(struct kith *);
/* The transport says that its limits are others: the same, if packets of that size will do. */
void kith_packets_measure_again(struct kith *);
/* What a packet may hold, with this limit of the transport, these settings and this chain. */
struct kith_core_budget kith_packets_fit(uint64_t limit, const struct kith_settings *,
                                         struct kith_room);
struct kith_core_budget kith_packets_budget(void *k, const struct kith_peer *to);
void kith_packets_in(struct kith *, const struct kith_peer *from, struct kith_buf *,
                     uint64_t received_at);
void kith_packets_out(struct kith *, const struct kith_output *);

/* -------------------------------------------------- node_streams.c, streams_in.c, streams_out.c */

int kith_streams_new(struct kith *);
void kith_streams_free(struct kith *);
size_t kith_streams_count(const struct kith *);
void kith_streams_require(struct kith *, uint32_t require);
/* The transport that had them is gone: all of them are. */
void kith_streams_lost(struct kith *);
/* What the core wants (KITH_OUT_DIAL .. KITH_OUT_RESET). */
void kith_streams_out(struct kith *, const struct kith_output *);
/* What was kept back is fed as far as this turn goes; whether some is left. Before the core is
 * drained. */
bool kith_streams_feed_kept(struct kith *);
bool kith_streams_kept(const struct kith *); /* is there any? */
/* After the delegates heard what waited: what was kept for their sake comes before new packets. */
void kith_streams_feed_held(struct kith *);
/* Write, pause and resume where upcalls left something to do. After the core was drained. */
void kith_streams_push_due(struct kith *);

/* --------------------------------------------------------------------------- commands.c, ring.c */

enum kith_command_kind {
    KITH_DO_JOIN = 1, /* peer */
    KITH_DO_LEAVE,    /* timeout */
    KITH_DO_UPDATE,
    KITH_DO_META,      /* bytes */
    KITH_DO_BROADCAST, /* bytes; channel, or else key and priority */
    KITH_DO_SEND,      /* peer, bytes, channel, reliable */
    KITH_DO_PING,      /* peer */
    KITH_DO_KEY        /* bytes, change */
};

struct kith_command {
    enum kith_command_kind kind;
    bool delegates; /* one of them asked */
    const struct kith_peer *peer;
    struct kith_bytes bytes, key;
    struct kith_bytes channel; /* empty: raw */
    uint32_t priority;
    bool reliable;
    enum kith_key_change change;
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
/* Why the request under way is about to end badly. */
void kith_commands_because(struct kith *, uint32_t request, const char *fmt, va_list);
/* The one way to change the node's meta while it runs, between two turns: announce this. The number
 * of the request; or it was refused and is forgotten, or the next update would announce it. */
int64_t kith_commands_meta(struct kith *, struct kith_bytes meta);

/* Be told of changes of the ring. */
void kith_ring_watch(struct kith *);
void kith_ring_unwatch(struct kith *);

/* ---------------------------------------------------------------------------- place.c, joiner.c */

/* What a user writes after `join`. */
enum { KITH_WHY_TEXT = 200 };

struct kith_place {
    struct kith_bytes name; /* the member that must answer; empty: anybody */
    struct kith_addr addr;  /* status 0: where */
    struct kith_bytes host; /* -KITH_ENAME: to be looked up; addr.port: its port, or 0 */
    int status;             /* 0 or -KITH_ENAME */
};
/* The whole text is the transport's; what it refuses may be `NAME/` and an address. Points into
 * text. 0, or -KITH_EINVAL with words. */
int kith_place_parse(struct kith *, struct kith_bytes text, struct kith_place *,
                     struct kith_error *err);
int kith_places_new(struct kith *);
void kith_places_free(struct kith *); /* nobody is told any more */
/* This resolver is about to be freed: who waits for it is told so. NULL is fine. */
void kith_places_lost(struct kith *, const struct kith_resolver *);
/* All addresses of a place, each with a port; done is never called from inside of the call. */
int kith_place_resolve(struct kith *, const struct kith_place *, kith_resolved_fn *done, void *arg);

int kith_joiner_new(struct kith *);
int kith_joiner_start(struct kith *);
void kith_joiner_free(struct kith *);
void kith_joiner_resume(struct kith *); /* the node was paused: what came due meanwhile */
void kith_joiner_kick(struct kith *);   /* the list changed: begin again */

/* ----------------------------------------------------------------------------- table.c, stats.c */

void kith_table_init(struct kith *);
void kith_stats_visit(struct kith *, void (*visit)(void *arg, const struct kith_stat *), void *arg);

#endif
