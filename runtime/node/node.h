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
#include "delegates.h"
#include "inflow.h"
#include "log.h"
#include "loop.h"
#include "registry.h"

#define KITH_ADDR_TEXT 512 /* room for an address as text */

/* ------------------------------------------------------------------------------ open (open.c) */

/* What kith_open() does, with the parts that a test or a tool brings along; the control socket is
 * not among them (kith_control_attach). */
struct kith_node_setup {
    const char *path; /* file to read, or its name when text is given */
    const char *text; /* NULL: read the file */
    size_t len;
    struct kith_loop *loop;         /* NULL: a loop of its own */
    struct kith_registry *registry; /* NULL: one of its own */
    FILE *problems;                 /* where problems of the file go; NULL: nowhere */
};

int kith_node_open(struct kith **, const struct kith_node_setup *, const struct kith_options *,
                   struct kith_error *err);

/* -------------------------------------------------------------------------- look (access.c) */

bool kith_node_ready(const struct kith *); /* it has its core: members can be asked for */
uint64_t kith_node_now(const struct kith *);
uint64_t kith_node_uptime(const struct kith *); /* ns */
unsigned kith_node_health(const struct kith *); /* local health score, 0 best */

struct kith_loop *kith_node_loop(const struct kith *);
struct kith_log *kith_node_logger(const struct kith *);
const struct kith_options *kith_node_options(const struct kith *);
const struct kith_config *kith_node_config(const struct kith *); /* in force */
struct kith_keyring *kith_node_keyring(const struct kith *);
struct kith_pipeline *kith_node_pipeline(const struct kith *);
struct kith_delegates *kith_node_delegates(const struct kith *);
/* The transport or delegate that the file calls by this name; NULL: none. */
struct kith_instance *kith_node_instance(const struct kith *, const char *name);
/* 0, or -KITH_EINVAL with words: is this text a place, `[name/]host[:port]`? */
int kith_node_check_place(const struct kith *, const char *text, struct kith_error *err);

void kith_node_log(struct kith *, enum kith_log_level, const char *fmt, ...) KITH_PRINTF(3, 4);
/* An address as the transport writes it, "?" when it can't. */
void kith_node_format(const struct kith *, const struct kith_addr *, char *out, size_t cap);

/* --------------------------------------------------------------------------- words (codes.c) */

const char *kith_code_name(int code); /* "timeout" */
const char *kith_code_text(int code); /* "timed out" */

#endif
