/*
 * service.c - see service.h.
 *
 * A manager that does not read its socket must not stop the node, nor may it wait for ever for a
 * READY=1 that was lost when its queue was full. So what it does not take is tried again.
 */
#include "service.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define AGAIN UINT64_C(1000000000) /* ns */

/* False: not now. No manager, and one that has gone, need not be told. */
static bool tell(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof sa.sun_path) return true;
    strcpy(sa.sun_path, path);
    if (*path == '@') sa.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (fd < 0) return false;
    ssize_t n =
        sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&sa, len);
    bool later = n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM);
    close(fd);
    return !later;
}

static void send_waiting(void *arg)
{
    struct kith_service *s = arg;
    while (s->count && tell(s->waiting[0])) {
        memcpy(s->waiting[0], s->waiting[1], sizeof s->waiting[0]);
        s->count--;
    }
    if (!s->again) return;
    kith_loop_timer_set(s->again, s->count ? kith_loop_now(s->loop) + AGAIN : UINT64_MAX);
}

void kith_service_begin(struct kith_service *s, struct kith_loop *loop)
{
    s->loop = loop;
    s->again = kith_loop_timer(loop, send_waiting, s); /* NULL: then with the next word */
}

void kith_service_end(struct kith_service *s)
{
    kith_loop_timer_free(s->again);
    s->again = NULL;
}

void kith_service_say(struct kith_service *s, bool begins, const char *text)
{
    if (begins) s->count = 0;
    if (s->count == 2) s->count = 1;
    snprintf(s->waiting[s->count++], KITH_SERVICE_TEXT, "%s", text);
    send_waiting(s);
}
