/*
 * node.h - a node, for those in this tree that stand on one: the control socket, the program kith,
 * a simulator, tests. A program outside has kith.h. What a node is made of is in inside.h, which
 * only the files of this folder include.
 *
 * Everything runs on the loop's thread. What a getter returns is the node's: lent until the next
 * reload, the loop, the log and the keyring until kith_close().
 */
#ifndef KITH_NODE_H
#define KITH_NODE_H

#include <kith/kith.h>
#include "asks.h"
#include "codes.h"
#include "delegates.h"
#include "inflow.h"
#include "logger.h"
#include "world.h"

#define KITH_ADDR_TEXT 512 /* room for an address as text */

/* ------------------------------------------------------------------------------ open (open.c) */

/* What kith_open() does, with the parts that a test or a tool brings along; the control socket is
 * not among them (kith_control_attach). */
struct kith_node_setup {
    /* Prepared in place of a file, by code (kith_config_init) or read before; lent until
     * kith_close(). It is not changed and may serve many nodes at once, each with a name of its own
     * in the options. Such a node has nothing to read again: kith_reload() is refused with
     * -KITH_EUNSUPPORTED. */
    const struct kith_config *config;
    const char *path; /* file to read, or its name when text is given */
    const char *text; /* NULL: read the file */
    size_t len;
    struct kith_world *world; /* NULL: one of its own, in real time */
    /* Where plugins are found that are linked in; NULL: the registry finds all. Lent. */
    const struct kith_config_finder *finder;
    FILE *problems; /* where problems of the file go; NULL: nowhere */
};

int kith_node_open(struct kith **, const struct kith_node_setup *, const struct kith_options *,
                   struct kith_error *err);

/* -------------------------------------------------------------------------- look (access.c) */

bool kith_node_ready(const struct kith *); /* it has its core: members can be asked for */
uint64_t kith_node_now(const struct kith *);
uint64_t kith_node_uptime(const struct kith *); /* ns */
unsigned kith_node_health(const struct kith *); /* local health score, 0 best */

size_t kith_node_count(const struct kith *, enum kith_state); /* members in it; one step */

/* What it sent so far, and what waits to be gossiped: a look at it costs next to nothing. */
struct kith_node_load {
    uint64_t packets_sent, bytes_sent; /* as on the wire */
    size_t broadcasts;
};
void kith_node_load(const struct kith *, struct kith_node_load *out);

/* kith_stop(), or what ended it: *code is a negative one, or 0. All that is left is to close it. */
bool kith_node_ended(const struct kith *, int *code);

struct kith_loop *kith_node_loop(const struct kith *);
struct kith_log *kith_node_logger(const struct kith *);
const struct kith_options *kith_node_options(const struct kith *);
const struct kith_config *kith_node_config(const struct kith *); /* in force */
struct kith_keyring *kith_node_keyring(const struct kith *);
struct kith_pipeline *kith_node_pipeline(const struct kith *);
struct kith_delegates *kith_node_delegates(const struct kith *);
/* The entry that the file calls by this name: the transport, a delegate, or else the first such
 * codec of the chain in force. NULL: none. */
struct kith_instance *kith_node_instance(const struct kith *, struct kith_bytes entry);
/* What runs: the transport, then the delegates. After a reload that failed, or with a transport
 * that waits for a restart, that is not what the file says. */
void kith_node_running(const struct kith *, void (*visit)(void *arg, const struct kith_instance *),
                       void *arg);
/* Why the node is not all well, one line for each entry that says so (host->degraded) and for what
 * the node itself lacks. */
void kith_node_degraded(const struct kith *,
                        void (*visit)(void *arg, struct kith_bytes entry, const char *why),
                        void *arg);
/* Does this text name a place to join? 0, or -KITH_EINVAL with words; nothing is looked up. */
int kith_node_check_place(const struct kith *, const char *text, struct kith_error *err);

/* ---------------------------------------------------------------------------- ask for something */

/* Something happened to this node, so it gets a turn: at the end of the loop's turn under way, or
 * at once outside of one. Who queues or feeds something does it for all that it leads to; only what
 * runs beside the node (the callbacks of a watch of one's own, say) has to. */
void kith_node_wake(struct kith *);
/* As SIGSTOP and SIGCONT would, for a simulator: while it is paused it has no turn, and nothing of
 * its entries runs. Then what came due meanwhile comes in the order in which it did, in one turn,
 * and at its end the node sees what time it is: what arrived counts before anything times out. What
 * is asked of a paused node is asked all the same; what is queued, waits. Not from inside a call of
 * this node. */
void kith_node_pause(struct kith *, bool paused);

/* Only while a kith_done_fn is called that was told of a failure: why, in words; NULL: there are
 * none beyond kith_code_text(). */
const char *kith_node_why(const struct kith *);
/* What a failed join tells, of its code alone. */
const char *kith_join_text(int code);
/* Join a seed: address as kith_join() takes it, name NULL or the member that must answer. */
int kith_node_join(struct kith *, const struct kith_seed *, kith_done_fn *done, void *arg);
/* `kith command ENTRY WORDS`: the entry's `command`. flags: enum kith_call_flags. The answer comes
 * in pieces to the asker, which is copied (asks.h), perhaps before this returns, and end() last.
 * *id is for kith_asks_cancel(kith_node_asks(k), id) when the asker goes first; 0: it has ended.
 * Refused, and no end(): -KITH_ENOTFOUND: no such entry; -KITH_EUNSUPPORTED: no commands. */
int kith_node_call(struct kith *, struct kith_bytes entry, const struct kith_bytes *words,
                   size_t count, uint32_t flags, uint64_t deadline, const struct kith_asker *,
                   uint64_t *id, struct kith_error *err);
struct kith_asks *kith_node_asks(const struct kith *);
/* Change the ring, and its file where it has one; all keyed entries are told. At once: not from
 * inside a call of an entry. -KITH_EIO: changed, but the file was not. */
int kith_node_key(struct kith *, enum kith_key_change, struct kith_bytes key,
                  struct kith_error *err);

void kith_node_log(struct kith *, enum kith_log_level, const char *fmt, ...) KITH_PRINTF(3, 4);
/* An address as the transport writes it, "?" when it can't. */
void kith_node_format(const struct kith *, const struct kith_addr *, char *out, size_t cap);

#endif
