/*
 * log_file.c - see log_file.h.
 */
#include "log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* To read from, too, so that a FIFO opens before its reader does, keeps its lines while there is
 * none, and never raises SIGPIPE. */
int kith_log_file_open(struct kith_log_file *f, const char *path)
{
    enum { FLAGS = O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK };
    int fd = open(path, O_RDWR | FLAGS, 0640);
    if (fd < 0 && errno == EACCES) fd = open(path, O_WRONLY | FLAGS, 0640);
    if (fd < 0) return errno;
    (void)kith_log_file_ready(f);
    if (f->fd >= 0) close(f->fd);
    f->fd = fd;
    return 0;
}

void kith_log_file_close(struct kith_log_file *f)
{
    if (f->fd >= 0) close(f->fd);
    free(f->kept);
    *f = (struct kith_log_file){.fd = -1};
}

/* What was taken. One write a line, to a file opened for appending: lines of several writers don't
 * mix. */
static size_t push(struct kith_log_file *f, const char *data, size_t len)
{
    ssize_t n;
    do n = write(f->fd, data, len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        f->code = errno;
    else if ((size_t)n == len)
        f->code = 0;
    return n < 0 ? 0 : (size_t)n;
}

bool kith_log_file_ready(struct kith_log_file *f)
{
    if (f->len && f->fd >= 0) {
        size_t n = push(f, f->kept + f->from, f->len);
        f->from += n;
        f->len -= n;
    }
    if (!f->len) {
        free(f->kept);
        f->kept = NULL;
        f->from = f->cap = 0;
    }
    if (f->len <= KITH_LOG_FILE_KEPT / 2) f->full = false;
    return !f->full;
}

/* What is left of a line that went out in part is kept, however long it is. */
static bool keep(struct kith_log_file *f, const char *data, size_t len, bool part)
{
    f->full = !part && (f->full || f->len + len > KITH_LOG_FILE_KEPT);
    if (f->full) return false;
    if (f->from + f->len + len > f->cap) {
        size_t cap = f->len + len > KITH_LOG_FILE_KEPT ? f->len + len : KITH_LOG_FILE_KEPT;
        char *more = malloc(cap);
        if (!more) return false;
        if (f->len) memcpy(more, f->kept + f->from, f->len);
        free(f->kept);
        f->kept = more;
        f->from = 0;
        f->cap = cap;
    }
    memcpy(f->kept + f->from + f->len, data, len);
    f->len += len;
    return true;
}

bool kith_log_file_put(struct kith_log_file *f, const char *line, size_t len)
{
    if (!kith_log_file_ready(f)) return false;
    size_t n = f->len ? 0 : push(f, line, len);
    return n == len || keep(f, line + n, len - n, n > 0);
}

/* -------------------------------------------------------------------------------- the limit */

bool kith_log_limit_open(struct kith_log_limit *l, uint64_t rate, uint64_t burst, uint64_t now)
{
    enum { HOUR = 3600, MICROSECONDS = 1000000 };
    uint64_t us = (now - l->as_of) / 1000, worth = burst;
    if (!rate) return true;
    if (us < (uint64_t)HOUR * MICROSECONDS) worth = rate * us / MICROSECONDS;
    if (worth) l->as_of = now; /* else it adds up */
    l->room = worth < burst - l->room ? l->room + worth : burst;
    if (l->room >= rate || l->room == burst) l->shut = false;
    return !l->shut;
}

void kith_log_limit_take(struct kith_log_limit *l, size_t len)
{
    l->room -= len < l->room ? len : l->room;
    l->shut = !l->room;
}
