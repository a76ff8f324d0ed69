/*
 * control_inside.h - what the files of the control socket share. Each calls only those further
 * down:
 *
 *   control.c            the socket; the observer that the node knows
 *   control_commands.c   what may be asked
 *   control_call.c       a question to an entry, answered in pieces
 *   control_join.c       several places to join, one answer
 *   control_keys.c       the keyring's commands
 *   control_members.c    all members by name, in pieces
 *   control_info.c       the node and all it counts, in pieces
 *   control_monitor.c    events, log lines and messages, as they happen
 *   control_client.c     one client: lines in, answers and events out
 *   control_buffer.c     bytes that came, or that wait to go
 *   control_secret.c     a key, taken out of a request
 *   control_event.c      an event as JSON
 *   control_report.c     a member as JSON
 *   control_wire.c       a message on its way as JSON
 *   control_json.c       bytes as JSON text
 *   control_path.c       where the socket of a node is
 */
#ifndef KITH_CONTROL_INSIDE_H
#define KITH_CONTROL_INSIDE_H

#include "bounds.h"
#include "control.h"
#include "observer.h"
#include <jansson.h>
#include <kith/shown.h>

enum {
    /* Answers that wait for a client: over it, the client is dropped. */
    KITH_CONTROL_OUT_MAX = 64 << 20,
    /* The same, when events are dropped and counted. */
    KITH_CONTROL_EVENTS_MAX = 1 << 20,
    /* The same, when an entry that answers in pieces has to wait. */
    KITH_CONTROL_PIECES_MAX = 1 << 20,
    /* A long answer is made in pieces of about so many bytes, each when the one before has gone,
     * and the next request is looked at when no more than that waits: making one takes some ms. */
    KITH_CONTROL_PIECE = 32 << 10,
    KITH_CONTROL_CLIENTS_MAX = 64,
    /* How many of them may stay for long: monitors, waits, questions to entries. The other places
     * are for questions that are answered, and for the operator. */
    KITH_CONTROL_STAY_MAX = 56
};
#define KITH_CONTROL_IDLE  300000000000u /* ns: who neither asks nor takes for so long is let go */
#define KITH_CONTROL_STALL 1000000000u   /* ns: who takes nothing of an answer makes room */

struct kith_monitor;
struct kith_client;

/* The socket and all that hangs on it. */
struct kith_control {
    struct kith *k;
    struct kith_observer observer;
    int fd;
    char *path;
    bool ours; /* the file at path is the socket made here: device and inode */
    uint64_t device, inode;
    struct kith_watch *watch;
    /* Kept open, and given up for a client when there is no other descriptor; -1: given up. */
    int reserve;
    struct kith_timer *again; /* accept again, after a time without descriptors */
    bool waits;               /* until then */
    uint64_t lacked;          /* how often there was no descriptor for a client */
    struct kith_client *clients;
    size_t count;
    uint64_t dropped, refused; /* because they were idle; no place, or not theirs */
    struct kith_timer *idle;   /* when the first of them will have been idle for too long */
    uint64_t idle_limit, stall_limit;
    struct kith_monitor *monitor;
    /* Each request, to be answered now or later. */
    void (*command)(struct kith_client *, const json_t *request);
    /* A client's descriptor has been closed. */
    void (*freed)(struct kith_control *);
};

/* -------------------------------------------------------------------------- control_buffer.c */

struct kith_buffer {
    char *data;
    size_t head, len, cap; /* data[head .. len) waits */
};

static inline size_t kith_buffer_waiting(const struct kith_buffer *b) { return b->len - b->head; }
/* Room for len bytes behind what waits, which the caller fills and adds to `len`; NULL: no memory.
 */
char *kith_buffer_room(struct kith_buffer *, size_t len);
bool kith_buffer_add(struct kith_buffer *, const char *data, size_t len); /* false: no memory */
void kith_buffer_take(struct kith_buffer *, size_t len); /* from the front: wiped */
void kith_buffer_free(struct kith_buffer *);

/* -------------------------------------------------------------------------- control_secret.c */

/* The text of the `key` in a request that is about keys, in locked memory (kith_secret_free); NULL:
 * there is none. In the line blanks take its place. */
char *kith_secret_take(char *line, size_t len);

/* -------------------------------------------------------------------------- control_client.c */

/* A wait for a count: "alive=3" at least, "alive==3" exactly. */
struct kith_wait {
    bool (*holds)(struct kith_client *, const struct kith_wait *);
    void (*answer)(struct kith_client *, const struct kith_wait *);
    char what[16];
    uint64_t count;
    bool exactly;
};

/* Takes the descriptor over, also when it fails (too many, no memory): then it is closed. When all
 * places are taken, whoever is idle for longest goes. */
void kith_client_new(struct kith_control *, int fd);
/* Whoever neither asks nor takes what waits for it, for longest, goes. False: nobody is idle. */
bool kith_clients_drop_idle(struct kith_control *);
/* The same for all that were idle for longer than the limit. When to look again. */
uint64_t kith_clients_expire(struct kith_control *);
/* A turn has ended: what happened may be what a client waits for. */
void kith_clients_turn_ended(struct kith_control *);
void kith_clients_close(struct kith_control *);

struct kith_control *kith_client_control(const struct kith_client *);
struct kith *kith_client_node(const struct kith_client *);
/* The key in the request under way, which is not in the object; NULL: none. */
const char *kith_client_key(const struct kith_client *);
/* May it stay for long, beside those who do? Else it is answered here: busy. */
bool kith_client_may_stay(struct kith_client *);
/* It stays, whether it asks anything or not. Call fn when it has gone; one for each client. */
void kith_client_on_close(struct kith_client *, void (*fn)(void *arg, struct kith_client *),
                          void *arg);

/* The one answer to the request under way. Takes the object over; `ok`, and `id` when there was
 * one, are added. */
void kith_client_answer(struct kith_client *, json_t *);
void kith_client_fail(struct kith_client *, int code, const char *fmt, ...) KITH_PRINTF(3, 4);
/* The one answer when it is long: an object of which `more` writes some more members each time,
 * with kith_client_put(), and says whether there is anything left. It is called when the client has
 * taken what was written before, and writes about KITH_CONTROL_PIECE bytes or less, in some ms. The
 * end of the object is added, with `ok` and `id`. `free` is called in the end, also when the client
 * has gone before. */
struct kith_source {
    bool (*more)(void *self, struct kith_client *);
    void (*free)(void *self);
    void *self;
};
void kith_client_stream(struct kith_client *, const struct kith_source *);
void kith_client_put(struct kith_client *, const char *text, size_t len);
void kith_client_put_text(struct kith_client *, const char *text);
void kith_client_put_json(struct kith_client *, json_t *); /* taken over; NULL: no memory */
/* How much waits for the client. */
size_t kith_client_waiting(const struct kith_client *);
/* The answer comes later: from `kith_client_done` as done, with the client as arg, or from
 * kith_client_answer. */
void kith_client_pend(struct kith_client *);
/* It never will: the request was not taken. */
void kith_client_unpend(struct kith_client *);
void kith_client_done(void *client, int status, uint64_t value);
/* Answer as soon as it holds, or fail with a time-out (ns from now). */
void kith_client_wait(struct kith_client *, const struct kith_wait *, uint64_t timeout);
/* The answer comes later, and `gone` is called when the client goes first: nothing of it may be
 * used afterwards. Forgotten with the answer. */
void kith_client_hold(struct kith_client *, void (*gone)(void *arg), void *arg);
/* A piece of a long answer, a line without `ok`; the answer itself follows. -KITH_EAGAIN: too much
 * waits for the client, not taken; -KITH_ETOOBIG: no client is sent so much at once; -KITH_ECLOSED.
 */
int kith_client_piece(struct kith_client *, struct kith_bytes);
/* How long a request may take: its `timeout`, or else `otherwise`, ns. */
uint64_t kith_control_timeout(const json_t *request, uint64_t otherwise);
/* A line that nobody asked for, in a stream of events; dropped and counted when the client does not
 * read. */
void kith_client_event(struct kith_client *, const char *line, size_t len);

/* ------------- control_commands.c, _call.c, _join.c, _keys.c, _members.c, _info.c, _monitor.c */

void kith_control_command(struct kith_client *, const json_t *request);
void kith_control_call(struct kith_client *, const json_t *request);
void kith_control_join(struct kith_client *, const json_t *request);
void kith_control_keys(struct kith_client *, const json_t *request);

/* Begin the answer. */
void kith_members_answer(struct kith_client *, const struct kith_wait *);
void kith_info_answer(struct kith_client *, const struct kith_wait *);

struct kith_monitor *kith_monitor_new(struct kith_control *); /* NULL: no memory */
void kith_monitor_free(struct kith_monitor *);                /* NULL is fine */
size_t kith_monitor_count(const struct kith_monitor *);
void kith_control_monitor(struct kith_client *, const json_t *request);

/* ------------------------------------------- control_report.c, _event.c, _wire.c, _json.c */

json_t *kith_report_member(struct kith *, const struct kith_member *);
int kith_state_parse(const char *text); /* enum kith_state, or -KITH_EINVAL */

/* An event by its name and with all that its kind says; NULL: a kind that has no name here. */
json_t *kith_event_json(struct kith *, const struct kith_event *);
json_t *kith_message_json(struct kith *, const struct kith_message *);
json_t *kith_traffic_event(struct kith *, const struct kith_traffic *);

/* A name, so that it can be read back with kith_unshow(). */
json_t *kith_json_name(struct kith_bytes);
/* Back; into out, where there is room for KITH_SHOWN_ROOM(KITH_NAME_LIMIT). -KITH_EINVAL: it is no
 * text, or not what a name is shown as; -KITH_ETOOBIG. */
int kith_json_unshow(const json_t *, uint8_t *out, struct kith_bytes *name);
/* What an entry answers: its lines stay lines. */
json_t *kith_json_output(struct kith_bytes);
/* One line for people. */
json_t *kith_json_text(const char *);
json_t *kith_json_base64(struct kith_bytes);

#endif
