/*
 * failures.c - packets and connections that the system refuses, and connections that are too many
 * for one source: counted by reason, and said, a line for each reason now and then: a network that
 * is down is no flood, and a stranger's crowd is none in the log. Decides nothing.
 */
#include "udp_tcp.h"
#include <errno.h>

#define QUIET_FOR UINT64_C(10000000000)

static const char *const names[KITH_UT_REASONS] = {
    [KITH_UT_OTHER] = "other",           [KITH_UT_REFUSED] = "refused",
    [KITH_UT_NO_ROUTE] = "no_route",     [KITH_UT_NO_NETWORK] = "network_down",
    [KITH_UT_FORBIDDEN] = "not_allowed", [KITH_UT_TOO_BIG] = "too_big",
    [KITH_UT_NO_FAMILY] = "no_family",   [KITH_UT_NO_MEANS] = "no_resources",
};

static enum kith_ut_reason reason_of(int error)
{
    switch (error) {
    case ECONNREFUSED: return KITH_UT_REFUSED;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ETIMEDOUT: return KITH_UT_NO_ROUTE;
    case ENETDOWN:
    case ENONET:
    case ENODEV:
    case ENXIO: return KITH_UT_NO_NETWORK;
    case ENOSYS:
    case EPERM:
    case EACCES: return KITH_UT_FORBIDDEN;
    case EMSGSIZE: return KITH_UT_TOO_BIG;
    case EAFNOSUPPORT:
    case EADDRNOTAVAIL: return KITH_UT_NO_FAMILY;
    case ENOMEM:
    case ENOBUFS:
    case EMFILE:
    case ENFILE: return KITH_UT_NO_MEANS;
    default: return KITH_UT_OTHER;
    }
}

void kith_ut_failures_init(struct kith_ut *u)
{
    for (int i = 0; i < KITH_UT_REASONS; i++) {
        struct kith_pair reason = {kith_text("reason"), kith_text(names[i])};
        u->failures[i].count = u->host->counter(
            u->host, "sends_failed",
            "Datagrams and connections that did not get through, by reason.", &reason, 1);
    }
}

enum { MORE = 64 };

/* One more of them. True: a line is due, with how many there were. */
static bool due(struct kith_ut *u, struct kith_ut_quiet *q, bool quiet, char more[MORE])
{
    uint64_t now = u->host->now(u->host);
    q->unsaid++;
    if (quiet || now < q->until) return false;
    *more = 0;
    if (q->unsaid > 1)
        snprintf(more, MORE, " (%llu more since the last time)", (unsigned long long)q->unsaid - 1);
    q->until = now + QUIET_FOR;
    q->unsaid = 0;
    return true;
}

void kith_ut_failed(struct kith_ut *u, enum kith_ut_plane plane, const struct kith_addr *to,
                    int error)
{
    enum kith_ut_reason reason = reason_of(error);
    struct kith_ut_failures *f = &u->failures[reason];
    char text[KITH_UT_HOST_MAX], more[MORE];
    ++*f->count;
    /* Who refuses is there, and its member is looked at: no news of the network. */
    if (!due(u, &f->planes[plane], reason == KITH_UT_REFUSED, more)) return;
    kith_ut_format(NULL, to, text, sizeof text);
    u->host->log(u->host, KITH_LOG_WARN, "no %s to %s: %s%s",
                 plane == KITH_UT_PACKETS ? "packet" : "connection", text, strerror(error), more);
}

void kith_ut_refused_source(struct kith_ut *u, const struct kith_addr *from)
{
    char text[KITH_UT_HOST_MAX], more[MORE];
    ++*u->count.streams_refused_per_source;
    if (!due(u, &u->too_many, false, more)) return;
    kith_ut_format(NULL, from, text, sizeof text);
    u->host->log(u->host, KITH_LOG_WARN,
                 "connection from %s refused: too many of one source (%u), max_per_source%s", text,
                 (unsigned)u->max_per_source, more);
}
