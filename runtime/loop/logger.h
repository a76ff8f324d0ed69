/*
 * logger.h - where log lines go: stderr, a file, journald, or the embedder's hook; as text or JSON,
 * one line each.
 *
 * Any thread may write. What others send can decide what is logged, but never how much: each place
 * in the code may write so many warnings in ten seconds, the rest is counted and summed up in one
 * line. Nobody waits for who reads the lines (outlet.h): those that get lost are counted, and the
 * next that goes out is preceded by their number. Control characters are escaped, so that a
 * member's name cannot forge lines. Knows nothing of loops.
 */
#ifndef KITH_LOGGER_H
#define KITH_LOGGER_H

#include <kith/plugin.h>
#include "config.h"

struct kith_log;

struct kith_log_setup {
    const char *node;    /* the node's name; NULL or "": none */
    uint32_t to, format; /* enum kith_log_to, enum kith_log_format */
    uint32_t level;      /* enum kith_log_level: this and worse are written */
    const char *file;    /* for KITH_LOG_TO_FILE */
    /* Instead of `to`: memberlist's Logger. Gets "source: text" without time and level. Called
     * under the log's lock: must not log itself. */
    void (*hook)(void *ctx, enum kith_log_level, const char *line);
    void *hook_ctx;
    /* Time for stamps and limits, ns since 1970; NULL: the system's. */
    uint64_t (*wall)(void *ctx);
    void *wall_ctx;
};

/* Strings of the setup are copied. */
int kith_log_new(struct kith_log **, const struct kith_log_setup *, struct kith_error *err);
/* Writes what is still held back. NULL is fine. */
void kith_log_free(struct kith_log *);
/* Take over another setup; a file is opened again (log rotation), and stderr taken as it is now. On
 * failure all stays as it was. */
int kith_log_change(struct kith_log *, const struct kith_log_setup *, struct kith_error *err);

/* [any] source: who says so, "" for the node itself. */
void kith_log_write(struct kith_log *, enum kith_log_level, const char *source, const char *fmt,
                    ...) KITH_PRINTF(4, 5);
void kith_log_vwrite(struct kith_log *, enum kith_log_level, const char *source, const char *fmt,
                     va_list ap) KITH_PRINTF(4, 0);
/* [any] Hand each line of this level and worse also to fn, unlimited and whatever `level` says
 * (`kith monitor`); fn NULL: no more. fn is called under the log's lock, from any thread: it must
 * not log itself. */
void kith_log_tap(struct kith_log *, enum kith_log_level level,
                  void (*fn)(void *ctx, enum kith_log_level, const char *source, const char *text),
                  void *ctx);
/* [any] The same about a peer: " (from PEER)" follows. */
void kith_log_vwrite_about(struct kith_log *, enum kith_log_level, const char *source,
                           const char *peer, const char *fmt, va_list ap) KITH_PRINTF(5, 0);
bool kith_log_wanted(const struct kith_log *, enum kith_log_level);

/* In how many ns to call kith_log_flush(), which sends on what is kept and writes the summaries
 * that are due; 0: there are none. The thread that calls kith_log_change(). */
uint64_t kith_log_due(const struct kith_log *);
void kith_log_flush(struct kith_log *); /* [any] */

/* [any] Lines held back, and lines that could not be written. */
uint64_t kith_log_suppressed(const struct kith_log *);
uint64_t kith_log_lost(const struct kith_log *);

#endif
