/*
 * calls.c - system calls that a sandbox may deny, or an old system lack, with older ones in their
 * place. Knows nothing of what is sent and who connects.
 *
 * A filter answers ENOSYS, or EPERM; but so does a firewall for one datagram. So the older call is
 * tried each time that an answer may be a filter's, and the newer one is given up when only the
 * older one works, again and again.
 */
#include "udp_tcp.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { MISSES = 8 }; /* in a row, before a call is given up */

static bool denied(int error) { return error == ENOSYS || error == EPERM || error == EACCES; }

/* The older call works where the newer one failed with `error`. */
static void missed(struct kith_ut *u, unsigned *misses, const char *newer, const char *older,
                   int error)
{
    if (*misses == MISSES) return;
    *misses = error == ENOSYS ? MISSES : *misses + 1;
    if (*misses == MISSES)
        u->host->log(u->host, KITH_LOG_WARN,
                     "this system denies %s (%s): using %s, which costs a call for each", newer,
                     strerror(error), older);
}

static int receive_each(int fd, struct mmsghdr *headers, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        ssize_t len = recvmsg(fd, &headers[i].msg_hdr, MSG_DONTWAIT);
        if (len < 0) return i ? (int)i : -1;
        headers[i].msg_len = (unsigned)len;
    }
    return (int)n;
}

int kith_ut_receive(struct kith_ut *u, int fd, struct mmsghdr *headers, unsigned n)
{
    unsigned *misses = &u->misses.recvmmsg;
    if (*misses < MISSES) {
        int got = recvmmsg(fd, headers, n, MSG_DONTWAIT, NULL);
        if (got >= 0) *misses = 0;
        if (got >= 0 || !denied(errno)) return got;
    }
    int error = errno, got = receive_each(fd, headers, n);
    if (got >= 0 || errno == EAGAIN) missed(u, misses, "recvmmsg", "recvmsg", error);
    return got;
}

static int send_each(int fd, struct mmsghdr *headers, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (sendmsg(fd, &headers[i].msg_hdr, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
            return i ? (int)i : -1;
    return (int)n;
}

int kith_ut_send(struct kith_ut *u, int fd, struct mmsghdr *headers, unsigned n)
{
    unsigned *misses = &u->misses.sendmmsg;
    if (*misses < MISSES) {
        int sent = sendmmsg(fd, headers, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0) *misses = 0;
        if (sent >= 0 || !denied(errno)) return sent;
    }
    int error = errno, sent = send_each(fd, headers, n);
    if (sent >= 0) missed(u, misses, "sendmmsg", "sendmsg", error);
    return sent;
}

static int accept_and_set(int fd, union kith_ut_sockaddr *from, socklen_t *len)
{
    *len = sizeof *from;
    int got = accept(fd, &from->sa, len);
    if (got < 0) return -1;
    fcntl(got, F_SETFD, FD_CLOEXEC);
    if (fcntl(got, F_SETFL, fcntl(got, F_GETFL) | O_NONBLOCK) == 0) return got;
    int error = errno;
    close(got);
    errno = error;
    return -1;
}

int kith_ut_accept(struct kith_ut *u, int fd, union kith_ut_sockaddr *from)
{
    unsigned *misses = &u->misses.accept4;
    socklen_t len = sizeof *from;
    if (*misses < MISSES) {
        int got = accept4(fd, &from->sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (got >= 0) *misses = 0;
        if (got >= 0 || !denied(errno)) return got;
    }
    int error = errno, got = accept_and_set(fd, from, &len);
    if (got >= 0 || errno == EAGAIN) missed(u, misses, "accept4", "accept", error);
    return got;
}
