/*
 * file.c - see file.h.
 */
#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int kith_file_open(const char *path, struct stat *st)
{
    memset(st, 0, sizeof *st);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), code = errno;
    if (fd >= 0 && fstat(fd, st) == 0) return fd;
    if (fd >= 0) {
        code = errno;
        close(fd);
    } else if (stat(path, st) != 0) {
        memset(st, 0, sizeof *st);
    }
    return -code;
}

static int64_t milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Asked before each read, as the descriptor may be one that others have, too, and that would wait.
 * A FIFO that nobody has opened to write to counts as empty, not as at its end. */
static int wait_for(int fd, int wait, int64_t until)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n;
    do {
        int64_t left = until - milliseconds();
        n = poll(&p, 1, wait < 0 ? -1 : left > 0 ? (int)left : 0);
    } while (n < 0 && errno == EINTR);
    if (n) return n < 0 ? -errno : 0;
    return wait ? -ETIMEDOUT : -EAGAIN;
}

ssize_t kith_file_take(int fd, void *out, size_t cap, int wait)
{
    int64_t until = milliseconds() + wait;
    size_t len = 0;
    while (len < cap) {
        int rc = wait_for(fd, wait, until);
        if (rc) return rc;
        ssize_t n = read(fd, (char *)out + len, cap - len);
        if (n == 0) break;
        if (n < 0 && errno != EINTR && errno != EAGAIN) return -errno;
        if (n > 0) len += (size_t)n;
    }
    return (ssize_t)len;
}

ssize_t kith_file_load(const char *path, void *out, size_t cap, int wait, struct stat *st)
{
    struct stat mine;
    int fd = kith_file_open(path, st ? st : &mine);
    if (fd < 0) return fd;
    ssize_t n = kith_file_take(fd, out, cap, wait);
    close(fd);
    return n;
}

const char *kith_file_why(ssize_t code, const struct stat *st)
{
    mode_t mode = st->st_mode;
    if (code == -EAGAIN)
        return S_ISFIFO(mode) ? "it is a pipe, and a running node does not wait for its writer"
                              : "it is no plain file, and a running node does not wait for it";
    if (code == -ETIMEDOUT)
        return S_ISFIFO(mode) ? "it is a pipe, and its writer did not end in time"
                              : "it is no plain file, and did not come to its end in time";
    if (code == -ENXIO && S_ISSOCK(mode)) return "it is a socket";
    return strerror((int)-code);
}
