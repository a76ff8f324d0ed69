/*
 * logger.c - see logger.h.
 *
 * A place in the code is known by its format string's address, its source and its level; a small
 * table holds those that wrote lately. A place that loses its slot to another one first has its
 * summary written.
 */
#include "logger.h"
#include "log_format.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { SITES = 64, TEXT_MAX = 1024, LINE_MAX_BYTES = 4096, SOURCE_MAX = 64 };
#define WINDOW 10000000000u /* ns */

/* Lines a place may write in a window. Members come and go at level info: a large cluster may fill
 * its screen. Who asks for debug wants all of it. */
static const unsigned burst[] = {20, 20, 10000, UINT32_MAX, UINT32_MAX};

struct site {
    const char *fmt; /* NULL: free */
    char source[SOURCE_MAX];
    enum kith_log_level level;
    uint64_t since; /* begin of the window */
    unsigned written, held;
    bool same;           /* all that was held back reads like `text` */
    char text[TEXT_MAX]; /* the last one written or held back */
};

struct kith_log {
    pthread_mutex_t lock;
    struct kith_log_setup setup;
    char *node, *file;
    int fd;
    atomic_uint level, tap_level; /* tap_level: one more than the level, 0: nobody listens */
    void (*tap)(void *ctx, enum kith_log_level, const char *source, const char *text);
    void *tap_ctx;
    atomic_uint_fast64_t suppressed, lost;
    atomic_uint holding; /* lines held back and not summed up yet */
    struct site sites[SITES];
};

/* ------------------------------------------------------------------------------------ output */

static int open_journal(struct kith_error *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0) return fd;
    int rc = kith_fail(
        err, KITH_EIO,
        "log to journald: %s: %s; log to stderr or to a file where systemd is not in charge",
        sa.sun_path, strerror(errno));
    if (fd >= 0) close(fd);
    return rc;
}

static int open_output(const struct kith_log_setup *s, struct kith_error *err)
{
    if (s->hook) return STDERR_FILENO;
    switch (s->to) {
    case KITH_LOG_TO_STDERR: return STDERR_FILENO;
    case KITH_LOG_TO_JOURNALD: return open_journal(err);
    case KITH_LOG_TO_FILE: break;
    default: return kith_fail(err, KITH_EINVAL, "log: no such target");
    }
    if (!s->file || !*s->file) return kith_fail(err, KITH_EINVAL, "log to file: no file named");
    int fd = open(s->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (fd < 0)
        return kith_fail(err, errno == EACCES ? KITH_EACCES : KITH_EIO, "log to %s: %s", s->file,
                         strerror(errno));
    return fd;
}

static void close_output(int fd)
{
    if (fd > STDERR_FILENO) close(fd);
}

static uint64_t wall(const struct kith_log *log)
{
    if (log->setup.wall) return log->setup.wall(log->setup.wall_ctx);
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void emit(struct kith_log *log, enum kith_log_level level, const char *source,
                 const char *text)
{
    char out[LINE_MAX_BYTES];
    struct kith_line line = {wall(log), level, log->node, source, text};
    ssize_t done;
    size_t n;
    if (log->setup.hook) {
        kith_log_plain(out, sizeof out, &line);
        log->setup.hook(log->setup.hook_ctx, level, out);
        return;
    }
    if (log->setup.to == KITH_LOG_TO_JOURNALD) {
        n = kith_log_journal(out, sizeof out, &line);
        done = send(log->fd, out, n, MSG_NOSIGNAL);
    } else {
        n = log->setup.format == KITH_LOG_JSON ? kith_log_json(out, sizeof out, &line)
                                               : kith_log_text(out, sizeof out, &line);
        do /* One write a line: O_APPEND keeps lines of several processes whole. */
            done = write(log->fd, out, n);
        while (done < 0 && errno == EINTR);
    }
    if (done != (ssize_t)n) atomic_fetch_add(&log->lost, 1);
}

/* ------------------------------------------------------------------------------------ limits */

static void sum_up(struct kith_log *log, struct site *s)
{
    char text[TEXT_MAX + 64];
    if (!s->held) return;
    if (s->same)
        snprintf(text, sizeof text, "%s (repeated %u times)", s->text, s->held);
    else
        snprintf(text, sizeof text, "%s (and %u more like it)", s->text, s->held - 1);
    atomic_fetch_sub(&log->holding, s->held);
    s->held = 0;
    emit(log, s->level, s->source, text);
}

static struct site *site_of(struct kith_log *log, enum kith_log_level level, const char *source,
                            const char *fmt)
{
    uint64_t hash = (uint64_t)(uintptr_t)fmt * 31 + level;
    for (const char *p = source; *p; p++) hash = hash * 31 + (uint8_t)*p;
    struct site *s = &log->sites[(hash * 0x9e3779b97f4a7c15u) >> 58];
    if (s->fmt == fmt && s->level == level && strncmp(s->source, source, SOURCE_MAX - 1) == 0)
        return s;
    sum_up(log, s);
    *s = (struct site){.fmt = fmt, .level = level};
    snprintf(s->source, sizeof s->source, "%s", source);
    return s;
}

/* May this be written? If not it is counted. */
static bool allow(struct kith_log *log, struct site *s, const char *text)
{
    uint64_t now = wall(log);
    if (now - s->since >= WINDOW) {
        sum_up(log, s);
        s->since = now;
        s->written = 0;
    }
    bool same = s->written && strcmp(s->text, text) == 0;
    if (s->written < burst[s->level] && !(same && s->level <= KITH_LOG_WARN)) {
        /* Something else happened at this place: first say how often the old thing did. */
        sum_up(log, s);
        s->written++;
        memcpy(s->text, text, strlen(text) + 1);
        return true;
    }
    s->same = same && (!s->held || s->same);
    s->held++;
    memcpy(s->text, text, strlen(text) + 1);
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
        struct site *s = &log->sites[i];
        if (s->held && now - s->since >= WINDOW) {
            sum_up(log, s);
            s->since = now;
            s->written = 0;
        }
    }
    pthread_mutex_unlock(&log->lock);
}

bool kith_log_holding(const struct kith_log *log)
{
    return atomic_load_explicit(&log->holding, memory_order_relaxed);
}

uint64_t kith_log_suppressed(const struct kith_log *log) { return atomic_load(&log->suppressed); }

uint64_t kith_log_lost(const struct kith_log *log) { return atomic_load(&log->lost); }

/* ------------------------------------------------------------------------------------- life */

/* Under the lock, when there is one. */
static int take_over(struct kith_log *log, const struct kith_log_setup *setup,
                     struct kith_error *err)
{
    int fd = open_output(setup, err);
    if (fd < 0) return fd;
    char *node = strdup(setup->node ? setup->node : ""),
         *file = strdup(setup->file ? setup->file : "");
    if (!node || !file) {
        free(node);
        free(file);
        close_output(fd);
        return kith_fail(err, KITH_ENOMEM, "out of memory");
    }
    close_output(log->fd);
    free(log->node);
    free(log->file);
    log->setup = *setup;
    log->setup.node = log->node = node;
    log->setup.file = log->file = file;
    log->fd = fd;
    atomic_store(&log->level, setup->level);
    return 0;
}

int kith_log_new(struct kith_log **out, const struct kith_log_setup *setup, struct kith_error *err)
{
    struct kith_log *log = calloc(1, sizeof *log);
    if (!log) return kith_fail(err, KITH_ENOMEM, "out of memory");
    log->fd = -1;
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
    for (size_t i = 0; i < SITES; i++) sum_up(log, &log->sites[i]);
    close_output(log->fd);
    free(log->node);
    free(log->file);
    pthread_mutex_destroy(&log->lock);
    free(log);
}
