/*
 * outlet.c - see outlet.h.
 *
 * O_NONBLOCK belongs to an open file, which a shell and its other children have, too: they would
 * meet EAGAIN where they expect to wait. So stderr is opened once more by its name in /proc, for
 * ourselves, and that one does not block. A socket can't be opened by name, but takes a flag with
 * each call; a plain file never waits for anybody. Where a pipe or a terminal can't be opened (it
 * is another user's, /proc is not there, descriptors have run out) each write asks first whether
 * there is room for PIPE_BUF bytes, and writes no more. That can wait after all when another
 * process takes that room in between; a thread of its own for writing could not, but a line that
 * it has not written yet is gone when the process dies, and it could not be ended while it waits.
 */
#include "outlet.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PLAIN, SHARED, STREAM, DATAGRAMS };

/* ----------------------------------------------------------------------------------- opening */

static int socket_way(int fd)
{
    int type = SOCK_STREAM;
    socklen_t len = sizeof type;
    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
    return type == SOCK_STREAM ? STREAM : DATAGRAMS;
}

/* Of what is at the other end of a descriptor that others have, too. */
static int way_of(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || S_ISREG(st.st_mode)) return PLAIN;
    return S_ISSOCK(st.st_mode) ? socket_way(fd) : SHARED;
}

void kith_outlet_stderr(struct kith_outlet *o)
{
    *o = (struct kith_outlet){.way = way_of(STDERR_FILENO), .own = true};
    if (o->way == SHARED) {
        o->fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (o->fd >= 0) o->way = PLAIN;
        if (o->fd >= 0) return;
    }
    /* Whatever takes the number 2 one day, it is not our log. */
    o->fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (o->fd >= 0) return;
    o->fd = STDERR_FILENO;
    o->own = false;
}

/* To read from, too, so that a FIFO opens before its reader does, keeps its lines while there is
 * none, and never raises SIGPIPE. */
int kith_outlet_file(struct kith_outlet *o, const char *path)
{
    enum { FLAGS = O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK };
    int fd = open(path, O_RDWR | FLAGS, 0640);
    if (fd < 0 && errno == EACCES) fd = open(path, O_WRONLY | FLAGS, 0640);
    if (fd < 0) return -errno;
    *o = (struct kith_outlet){.fd = fd, .way = PLAIN, .own = true};
    return 0;
}

int kith_outlet_datagrams(struct kith_outlet *o, const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof sa.sun_path) return -ENAMETOOLONG;
    strcpy(sa.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0) {
        int code = errno;
        if (fd >= 0) close(fd);
        return -code;
    }
    *o = (struct kith_outlet){.fd = fd, .way = DATAGRAMS, .own = true};
    return 0;
}

void kith_outlet_close(struct kith_outlet *o)
{
    if (o->own) close(o->fd);
    free(o->kept);
    *o = (struct kith_outlet){.fd = -1};
}

/* ----------------------------------------------------------------------------------- writing */

/* What was taken, or negative: nothing. */
static ssize_t push(const struct kith_outlet *o, const char *data, size_t len)
{
    struct pollfd p = {.fd = o->fd, .events = POLLOUT};
    ssize_t n;
    if (o->way == SHARED && (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))) return -1;
    do
        n = o->way == STREAM || o->way == DATAGRAMS
                ? send(o->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL)
                : write(o->fd, data, len);
    while (n < 0 && errno == EINTR);
    return n;
}

/* As many whole lines as a pipe takes in one piece, so that what others write to it does not get
 * between; or what is left of a line of which a part has gone. */
static size_t piece(const char *data, size_t len)
{
    size_t n = len < PIPE_BUF ? len : PIPE_BUF;
    const char *end = memrchr(data, '\n', n);
    return end ? (size_t)(end - data) + 1 : n;
}

static void send_on(struct kith_outlet *o)
{
    while (o->len) {
        const char *next = o->kept + o->from;
        ssize_t n = push(o, next, piece(next, o->len));
        if (n <= 0) return;
        o->from += (size_t)n;
        o->len -= (size_t)n;
    }
    free(o->kept);
    o->kept = NULL;
    o->from = 0;
}

bool kith_outlet_ready(struct kith_outlet *o)
{
    send_on(o);
    if (o->len <= KITH_OUTLET_KEPT / 2) o->full = false;
    return !o->full;
}

static bool keep(struct kith_outlet *o, const char *data, size_t len)
{
    o->full = o->way == DATAGRAMS || o->full || len > KITH_OUTLET_KEPT - o->len;
    if (!o->full && !o->kept) o->full = !(o->kept = malloc(KITH_OUTLET_KEPT));
    if (o->full) return false;
    if (o->from + o->len + len > KITH_OUTLET_KEPT) {
        memmove(o->kept, o->kept + o->from, o->len);
        o->from = 0;
    }
    memcpy(o->kept + o->from + o->len, data, len);
    o->len += len;
    return true;
}

bool kith_outlet_put(struct kith_outlet *o, const char *line, size_t len)
{
    if (!kith_outlet_ready(o)) return false;
    ssize_t n = o->len ? -1 : push(o, line, len);
    if (n < 0) n = 0;
    return (size_t)n == len || keep(o, line + n, len - (size_t)n);
}

bool kith_outlet_keeps(const struct kith_outlet *o) { return o->len > 0; }

unsigned kith_outlet_move(struct kith_outlet *from, struct kith_outlet *to)
{
    unsigned lines = 0;
    send_on(from);
    if (to->way == DATAGRAMS) {
        for (size_t i = 0; i < from->len; i++) lines += from->kept[from->from + i] == '\n';
        return lines;
    }
    to->kept = from->kept;
    to->from = from->from;
    to->len = from->len;
    to->full = from->full;
    from->kept = NULL;
    from->len = 0;
    return 0;
}
