/*
 * logger.c - see logger.h.
 *
 * A place in the code is known by its format string's address, its source and its level; a small
 * table holds those that wrote lately, each made when it writes for the first time. A place that
 * loses its slot to another one first has its summary written. Without memory for a place its lines
 * are written unlimited: they are the ones that say why.
 */
#include "logger.h"
#include "log_format.h"
#include "outlet.h"
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { SITES = 64, TEXT_MAX = 1024, LINE_MAX_BYTES = PIPE_BUF, SOURCE_MAX = 64 };
#define WINDOW     10000000000u         /* ns */
#define FLUSH      UINT64_C(5000000000) /* ns between looks for summaries that are due */
#define FLUSH_KEPT UINT64_C(1000000000) /* the same while lines are kept */

/* Lines a place may write in a window. Members come and go at level info: a large cluster may fill
 * its screen. Who asks for debug wants all of it. */
static const unsigned burst[] = {20, 20, 10000, UINT32_MAX, UINT32_MAX};

struct site {
    const char *fmt;
    char source[SOURCE_MAX];
    enum kith_log_level level;
    uint64_t since; /* begin of the window */
    unsigned written, held;
    bool same;  /* all that was held back reads like `text` */
    char *text; /* the last one written or held back; NULL: none, or no memory for it */
    size_t cap;
};

struct kith_log {
    pthread_mutex_t lock;
    struct kith_log_setup setup;
    char *node, *file;
    struct kith_outlet out;       /* unless there is a hook */
    uint64_t unsaid;              /* lines that got lost since one that went out said how many */
    atomic_uint level, tap_level; /* tap_level: one more than the level, 0: nobody listens */
    void (*tap)(void *ctx, enum kith_log_level, const char *source, const char *text);
    void *tap_ctx;
    atomic_uint_fast64_t suppressed, lost;
    atomic_uint holding;       /* lines held back and not summed up yet */
    atomic_bool keeping;       /* the outlet keeps some, or their loss is unsaid */
    struct site *sites[SITES]; /* NULL: not used yet */
};

/* ------------------------------------------------------------------------------------ output */

static const char *why(int code)
{
    return code == -ENXIO ? "it is a socket, or a device that is not there" : strerror(-code);
}

static int open_journal(struct kith_outlet *out, struct kith_error *err)
{
    static const char path[] = "/run/systemd/journal/socket";
    int rc = kith_outlet_datagrams(out, path);
    if (!rc) return 0;
    return kith_fail(
        err, KITH_EIO,
        "log to journald: %s: %s; log to stderr or to a file where systemd is not in charge", path,
        strerror(-rc));
}

static int open_file(struct kith_outlet *out, const char *path, struct kith_error *err)
{
    if (!path || !*path) return kith_fail(err, KITH_EINVAL, "log to file: no file named");
    int rc = kith_outlet_file(out, path);
    if (!rc) return 0;
    return kith_fail(err, rc == -EACCES ? KITH_EACCES : KITH_EIO, "log to %s: %s", path, why(rc));
}

static int open_output(struct kith_outlet *out, const struct kith_log_setup *s,
                       struct kith_error *err)
{
    *out = (struct kith_outlet){.fd = -1};
    if (s->hook) return 0;
    switch (s->to) {
    case KITH_LOG_TO_STDERR: kith_outlet_stderr(out); return 0;
    case KITH_LOG_TO_JOURNALD: return open_journal(out, err);
    case KITH_LOG_TO_FILE: return open_file(out, s->file, err);
    default: return kith_fail(err, KITH_EINVAL, "log: no such target");
    }
}

static uint64_t wall(const struct kith_log *log)
{
    if (log->setup.wall) return log->setup.wall(log->setup.wall_ctx);
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool put(struct kith_log *log, const struct kith_line *line)
{
    char text[LINE_MAX_BYTES];
    size_t n;
    if (log->setup.to == KITH_LOG_TO_JOURNALD)
        n = kith_log_journal(text, sizeof text, line);
    else if (log->setup.format == KITH_LOG_JSON)
        n = kith_log_json(text, sizeof text, line);
    else
        n = kith_log_text(text, sizeof text, line);
    return kith_outlet_put(&log->out, text, n);
}

/* How many got lost, as soon as there is room to say it. */
static void own_up(struct kith_log *log)
{
    char text[128];
    if (!log->unsaid || !kith_outlet_ready(&log->out)) return;
    snprintf(text, sizeof text,
             "%llu lines lost here: whoever reads this log did not keep up, or its disk is full",
             (unsigned long long)log->unsaid);
    struct kith_line line = {wall(log), KITH_LOG_WARN, log->node, "log", text};
    if (put(log, &line)) log->unsaid = 0;
}

static void lose(struct kith_log *log, unsigned lines)
{
    log->unsaid += lines;
    atomic_fetch_add(&log->lost, lines);
}

static void note_kept(struct kith_log *log)
{
    atomic_store(&log->keeping, kith_outlet_keeps(&log->out) || log->unsaid);
}

static void emit(struct kith_log *log, enum kith_log_level level, const char *source,
                 const char *text)
{
    struct kith_line line = {wall(log), level, log->node, source, text};
    if (log->setup.hook) {
        char out[LINE_MAX_BYTES];
        kith_log_plain(out, sizeof out, &line);
        log->setup.hook(log->setup.hook_ctx, level, out);
        return;
    }
    own_up(log);
    if (!put(log, &line)) lose(log, 1);
    note_kept(log);
}

/* ------------------------------------------------------------------------------------ limits */

static void sum_up(struct kith_log *log, struct site *s)
{
    char text[TEXT_MAX + 64];
    if (!s->held) return;
    const char *last = s->text ? s->text : s->fmt;
    if (s->same)
        snprintf(text, sizeof text, "%s (repeated %u times)", last, s->held);
    else
        snprintf(text, sizeof text, "%s (and %u more like it)", last, s->held - 1);
    atomic_fetch_sub(&log->holding, s->held);
    s->held = 0;
    emit(log, s->level, s->source, text);
}

/* NULL: no memory. Looked for among all of them: where two shared a place, each would free the
 * other of its limit. */
static struct site *site_of(struct kith_log *log, enum kith_log_level level, const char *source,
                            const char *fmt)
{
    struct site **place = NULL, *s;
    for (size_t i = 0; i < SITES; i++) {
        struct site **at = &log->sites[i];
        if (*at && (*at)->fmt == fmt && (*at)->level == level &&
            strncmp((*at)->source, source, SOURCE_MAX - 1) == 0)
            return *at;
        if (!place || !*at || (*at)->since < (*place)->since) place = at;
        if (!*at) break;
    }
    if (!*place) *place = calloc(1, sizeof **place);
    s = *place;
    if (!s) return NULL;
    sum_up(log, s);
    *s = (struct site){.fmt = fmt, .level = level, .text = s->text, .cap = s->cap};
    snprintf(s->source, sizeof s->source, "%s", source);
    return s;
}

static void keep_text(struct site *s, const char *text)
{
    size_t need = strlen(text) + 1;
    if (need > s->cap) {
        free(s->text);
        s->text = malloc(need);
        s->cap = s->text ? need : 0;
    }
    if (s->text) memcpy(s->text, text, need);
}

/* May this be written? If not it is counted. */
static bool allow(struct kith_log *log, struct site *s, const char *text)
{
    if (!s) return true;
    uint64_t now = wall(log);
    if (now - s->since >= WINDOW) {
        sum_up(log, s);
        s->since = now;
        s->written = 0;
    }
    bool same = s->written && s->text && strcmp(s->text, text) == 0;
    if (s->written < burst[s->level] && !(same && s->level <= KITH_LOG_WARN)) {
        /* Something else happened at this place: first say how often the old thing did. */
        sum_up(log, s);
        s->written++;
        keep_text(s, text);
        return true;
    }
    s->same = same && (!s->held || s->same);
    s->held++;
    keep_text(s, text);
    atomic_fetch_add(&log->suppressed, 1);
    atomic_fetch_add(&log->holding, 1);
    return false;
}

void kith_log_vwrite(struct kith_log *log, enum kith_log_level level, const char *source,
                     const char *fmt, va_list ap)
{
    kith_log_vwrite_about(log, level, source, NULL, fmt, ap);
}

void kith_log_vwrite_about(struct kith_log *log, enum kith_log_level level, const char *source,
                           const char *peer, const char *fmt, va_list ap)
{
    char text[TEXT_MAX];
    if (!log || !kith_log_wanted(log, level)) return;
    if (level > KITH_LOG_TRACE) level = KITH_LOG_TRACE;
    int n = vsnprintf(text, sizeof text, fmt, ap);
    if (peer && n >= 0 && (size_t)n < sizeof text)
        snprintf(text + n, sizeof text - (size_t)n, " (from %s)", peer);
    pthread_mutex_lock(&log->lock);
    if (log->tap && level < atomic_load(&log->tap_level))
        log->tap(log->tap_ctx, level, source, text);
    if (level > atomic_load(&log->level)) goto out;
    if (level >= KITH_LOG_DEBUG || allow(log, site_of(log, level, source, fmt), text))
        emit(log, level, source, text);
out:
    pthread_mutex_unlock(&log->lock);
}

void kith_log_write(struct kith_log *log, enum kith_log_level level, const char *source,
                    const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    kith_log_vwrite(log, level, source, fmt, ap);
    va_end(ap);
}

bool kith_log_wanted(const struct kith_log *log, enum kith_log_level level)
{
    return (unsigned)level <= atomic_load_explicit(&log->level, memory_order_relaxed) ||
           (unsigned)level < atomic_load_explicit(&log->tap_level, memory_order_relaxed);
}

void kith_log_tap(struct kith_log *log, enum kith_log_level level,
                  void (*fn)(void *ctx, enum kith_log_level, const char *source, const char *text),
                  void *ctx)
{
    pthread_mutex_lock(&log->lock);
    log->tap = fn;
    log->tap_ctx = ctx;
    atomic_store(&log->tap_level, fn ? level + 1u : 0);
    pthread_mutex_unlock(&log->lock);
}

void kith_log_flush(struct kith_log *log)
{
    pthread_mutex_lock(&log->lock);
    uint64_t now = wall(log);
    for (size_t i = 0; i < SITES; i++) {
        struct site *s = log->sites[i];
        if (s && s->held && now - s->since >= WINDOW) {
            sum_up(log, s);
            s->since = now;
            s->written = 0;
        }
    }
    if (!log->setup.hook) {
        (void)kith_outlet_ready(&log->out);
        own_up(log);
        note_kept(log);
    }
    pthread_mutex_unlock(&log->lock);
}

/* In a virtual world time flies, but not for those who read. */
uint64_t kith_log_due(const struct kith_log *log)
{
    if (atomic_load(&log->keeping) && !log->setup.wall) return FLUSH_KEPT;
    return atomic_load_explicit(&log->holding, memory_order_relaxed) ? FLUSH : 0;
}

uint64_t kith_log_suppressed(const struct kith_log *log) { return atomic_load(&log->suppressed); }

uint64_t kith_log_lost(const struct kith_log *log) { return atomic_load(&log->lost); }

/* ------------------------------------------------------------------------------------- life */

/* Under the lock, when there is one. */
static int take_over(struct kith_log *log, const struct kith_log_setup *setup,
                     struct kith_error *err)
{
    struct kith_outlet out;
    int rc = open_output(&out, setup, err);
    if (rc) return rc;
    char *node = strdup(setup->node ? setup->node : ""),
         *file = strdup(setup->file ? setup->file : "");
    if (!node || !file) {
        free(node);
        free(file);
        kith_outlet_close(&out);
        return kith_fail(err, KITH_ENOMEM, "out of memory");
    }
    lose(log, kith_outlet_move(&log->out, &out));
    kith_outlet_close(&log->out);
    free(log->node);
    free(log->file);
    log->setup = *setup;
    log->setup.node = log->node = node;
    log->setup.file = log->file = file;
    log->out = out;
    note_kept(log);
    atomic_store(&log->level, setup->level);
    return 0;
}

int kith_log_new(struct kith_log **out, const struct kith_log_setup *setup, struct kith_error *err)
{
    struct kith_log *log = calloc(1, sizeof *log);
    if (!log) return kith_fail(err, KITH_ENOMEM, "out of memory");
    log->out.fd = -1;
    int rc = take_over(log, setup, err);
    if (rc) {
        free(log);
        return rc;
    }
    pthread_mutex_init(&log->lock, NULL);
    *out = log;
    return 0;
}

int kith_log_change(struct kith_log *log, const struct kith_log_setup *setup,
                    struct kith_error *err)
{
    pthread_mutex_lock(&log->lock);
    int rc = take_over(log, setup, err);
    pthread_mutex_unlock(&log->lock);
    return rc;
}

void kith_log_free(struct kith_log *log)
{
    if (!log) return;
    for (size_t i = 0; i < SITES; i++) {
        struct site *s = log->sites[i];
        if (!s) continue;
        sum_up(log, s);
        free(s->text);
        free(s);
    }
    (void)kith_outlet_ready(&log->out);
    own_up(log);
    kith_outlet_close(&log->out);
    free(log->node);
    free(log->file);
    pthread_mutex_destroy(&log->lock);
    free(log);
}
