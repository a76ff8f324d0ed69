/* SPDX-License-Identifier: MIT */
/*
 * kith/kith.h - run a node inside a C program.
 *
 *     struct kith *k;
 *     if (kith_open(&k, "node.yaml", NULL, &err) == 0 && kith_start(k, &err) == 0)
 *         kith_run(k);
 *     kith_close(k);
 *
 * Either let kith_run() own the thread, or poll kith_fd() in your own loop and call
 * kith_dispatch(). One thread per node; only kith_stop() may be called from another thread or a
 * signal handler. Errors are 0 or negative KITH_E codes, with words in struct kith_error. Kith
 * installs no signal handler and needs none: it sends with MSG_NOSIGNAL. SIGPIPE stays as the
 * program has it; ignore it when a plugin you load may not do the same. After fork the child may
 * only exec: it must not use a node.
 *
 * No log line waits for who reads it. stderr is taken as it is in kith_open(), and again in
 * kith_reload(). A program that was started with descriptor 0, 1 or 2 closed has /dev/null there
 * after kith_open(), or log lines would go into whatever gets that number.
 */
#ifndef KITH_KITH_H
#define KITH_KITH_H

#include <kith/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KITH_API KITH_EXPORT

struct kith;

/* All NULL-able; lent until kith_close(). */
struct kith_options {
    uint32_t size;
    uint32_t reserved;
    const char *plugin_path; /* colon separated folders, before the compiled-in one */
    const char *control;     /* control socket instead of the file's; "" for none */
    /* Log lines here instead of the file's `log:` (memberlist's Logger). [any] */
    void (*log)(void *ctx, enum kith_log_level, const char *line);
    void *log_ctx;
    /* Take part as a delegate that is linked in; see kith_delegate_ops. It is raw, without a
     * channel and without a struct kith_host: ids are 0, it answers no event, and KITH_LATER counts
     * as 0. */
    const struct kith_delegate_ops *delegate;
    void *delegate_self;
    const char *name; /* node name instead of the file's */
};

/* Read and check the file, load plugins, make their instances: opens nothing. err says the first
 * problem; all of them go to stderr unless `log` is set. *k is NULL when it fails; kith_close(NULL)
 * does nothing. Until kith_start() there are only the node table's reads, kith_reload(),
 * kith_stop(). */
KITH_API int kith_open(struct kith **k, const char *path, const struct kith_options *,
                       struct kith_error *err);
/* Bind, start, mark alive, begin to join. A transport may not know its address yet: then this
 * succeeds, the node table knows no member, and the rest follows when the transport says so. */
KITH_API int kith_start(struct kith *, struct kith_error *err);
/* Runs until kith_stop(), or a leave over the control socket that also ends the node. 0, or what
 * ended the node: a reload can (its transport did not start again), a delegate can
 * (kith_node.stop). */
KITH_API int kith_run(struct kith *);
KITH_API void kith_stop(struct kith *);
/* Stop all and free. Says no goodbye: for that, the node table's leave first. */
KITH_API void kith_close(struct kith *);

/* For a foreign loop: poll fd for reading no longer than timeout ns (UINT64_MAX: for ever; round up
 * to the unit of your poll, or you will spin), then dispatch. Read the timeout again after each
 * call into Kith. dispatch: 0; once the node has ended, the error that ended it, or else
 * -KITH_ECLOSED. */
KITH_API int kith_fd(const struct kith *);
KITH_API uint64_t kith_timeout(const struct kith *);
KITH_API int kith_dispatch(struct kith *);

/* The node table that delegates get: members, join, leave, send, ping, keys, stats. Same rules. */
KITH_API const struct kith_node *kith_table(const struct kith *);

/* Join what `text` names: an address as the transport reads it, or a name that is looked up, all
 * of whose addresses are tried; `NAME/` before it is the member that must answer. Refused at once
 * with a negative code, else done (may be NULL) is called once: 0 when any of them answered;
 * value: how many did. */
KITH_API int kith_join(struct kith *, const char *text, kith_done_fn *done, void *arg);

/* Read the file again and swap what changed between two turns. report gets one line per changed
 * key, and one for each entry that could not follow: it goes on as it was, or runs no more. When it
 * fails err names the first. When one of the checks refused, nothing changed. An entry that does
 * not start keeps its old instance while all else is as the file says. A transport that neither
 * starts anew nor again ends the node. */
KITH_API int kith_reload(struct kith *, void (*report)(void *arg, const char *line), void *arg,
                         struct kith_error *err);

KITH_API const char *kith_version(void);

#ifdef __cplusplus
}
#endif
#endif
