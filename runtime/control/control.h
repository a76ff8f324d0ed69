/*
 * control.h - what the files of the control socket share, and what `kith` as its client needs to
 * find it. The language spoken on the socket is in docs/CONTROL.md.
 *
 *   control.c            the socket, its clients, lines in and out
 *   control_path.c       where the socket of a node is
 *   control_commands.c   what may be asked
 *   control_keys.c       the keyring's commands
 *   control_report.c     members and node as JSON
 *   control_monitor.c    events and log lines, as they happen
 */
#ifndef KITH_CONTROL_H
#define KITH_CONTROL_H

#include "runtime.h"
#include <jansson.h>

/* How JSON is written: 2.434, not 2.4340000000000002. */
#define KITH_CONTROL_JSON (JSON_COMPACT | JSON_REAL_PRECISION(15))

enum {
    KITH_CONTROL_LINE_MAX = 2 << 20, /* a request */
    KITH_CONTROL_OUT_MAX =
        64 << 20, /* answers waiting for a client: over it, the client is dropped */
    KITH_CONTROL_EVENTS_MAX = 1 << 20, /* the same, when events are dropped and counted */
    KITH_CONTROL_CLIENTS_MAX = 64
};

/* ---------------------------------------------------------------------------- control_path.c */

/* Where the socket of the node `name` would be made here: $XDG_RUNTIME_DIR/kith, /run/kith, or
 * /tmp/kith-UID, made when it is missing. 0, -KITH_ETOOBIG (the name is too long for a socket),
 * -KITH_EACCES. */
int kith_control_path(const char *name, char *out, size_t cap, struct kith_error *err);
/* Sockets in all these folders that a client may try; name NULL: of any node. visit returns false
 * to stop. */
void kith_control_find(const char *name, bool (*visit)(void *arg, const char *path), void *arg);

/* --------------------------------------------------------------------------------- control.c */

struct kith_client;

/* A wait for a count: "alive=3" at least, "alive==3" exactly. */
struct kith_wait {
    bool (*holds)(struct kith *, const struct kith_wait *);
    json_t *(*answer)(struct kith *);
    char what[16];
    uint64_t count;
    bool exactly;
};

struct kith *kith_client_node(const struct kith_client *);
/* The one answer to the request under way. Takes the object over; `ok`, and `id` when there was
 * one, are added. */
void kith_client_answer(struct kith_client *, json_t *);
void kith_client_fail(struct kith_client *, int code, const char *fmt, ...) KITH_PRINTF(3, 4);
/* The answer comes later: from `kith_client_done` as done, with the client as arg, or from
 * kith_client_answer. */
void kith_client_pend(struct kith_client *);
/* It never will: the request was not taken. */
void kith_client_unpend(struct kith_client *);
void kith_client_done(void *client, int status, uint64_t value);
/* Answer as soon as it holds, or fail with a time-out (ns from now). */
void kith_client_wait(struct kith_client *, const struct kith_wait *, uint64_t timeout);
/* A line that nobody asked for, in a stream of events; dropped and counted when the client does not
 * read. */
void kith_client_event(struct kith_client *, const char *line, size_t len);

/* ------------------------------------------------------------------------- commands, reports */

void kith_control_command(struct kith_client *, const json_t *request);
void kith_control_keys(struct kith_client *, const json_t *request);
json_t *kith_report_member(struct kith *, const struct kith_member *);
json_t *kith_report_members(struct kith *);
json_t *kith_report_info(struct kith *);
size_t kith_report_count(struct kith *, enum kith_state);
int kith_state_parse(const char *text); /* enum kith_state, or -KITH_EINVAL */
/* Bytes as JSON text: what is not UTF-8 becomes \xNN. */
json_t *kith_report_text(struct kith_bytes);
json_t *kith_report_base64(struct kith_bytes);

/* ------------------------------------------------------------------------- control_monitor.c */

struct kith_monitor;

int kith_monitor_start(struct kith *);
void kith_monitor_stop(struct kith *);
size_t kith_monitor_count(const struct kith *);
void kith_control_monitor(struct kith_client *, const json_t *request);
void kith_monitor_forget(struct kith_client *); /* it has gone */

#endif
