/*
 * address_watch.c - notices that the machine's addresses changed, when the one that others are told
 * was a guess (advertise.c): a lease ran out, an interface went. Knows no packets and no streams.
 *
 * As long as the advertised address is there it stays, however many come beside it: an address that
 * changes costs every member news. When it is gone that is said; with `follow_address` the node
 * moves (it leaves, and comes back). Changes come in bursts (gone, then another), so we look when
 * it has been quiet for a while.
 */
#include "udp_tcp.h"
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <unistd.h>

#define QUIET UINT64_C(1000000000)

/* Members hold the name to be there still. */
static void say_lost(struct kith_ut *u, const char *address)
{
    if (u->address.lost) return;
    u->address.lost = true;
    u->host->degraded(u->host, "the advertised address is gone");
    u->host->log(u->host, KITH_LOG_ERROR,
                 "the advertised address %s is gone: others will take this node for dead, and no "
                 "other address for its name before it has left; restart it, or set "
                 "`follow_address`",
                 address);
}

static void say_back(struct kith_ut *u, const char *address)
{
    if (!u->address.lost) return;
    u->address.lost = false;
    u->host->degraded(u->host, NULL);
    u->host->log(u->host, KITH_LOG_INFO, "the advertised address %s is back", address);
}

static void on_quiet(void *arg)
{
    struct kith_ut *u = arg;
    struct kith_error err = {.size = sizeof err};
    char from[KITH_UT_HOST_MAX], to[KITH_UT_HOST_MAX];
    kith_ut_format(NULL, &u->advertised, from, sizeof from);
    if (kith_ut_advertise_holds(u)) {
        say_back(u, from);
        return;
    }
    if (!u->follow_address) {
        say_lost(u, from);
        return;
    }
    if (kith_ut_advertise_find(u, &err)) {
        u->host->log(u->host, KITH_LOG_WARN, "the advertised address %s is gone; %s", from,
                     err.text);
        return;
    }
    kith_ut_format(NULL, &u->advertised, to, sizeof to);
    u->host->log(u->host, KITH_LOG_WARN, "the advertised address %s is gone; it is %s now", from,
                 to);
    kith_ut_say_changed(u, KITH_CHANGED_ADDRESS);
}

/* What the news is does not matter, nor whether some were lost. */
static void on_news(void *arg, unsigned events)
{
    struct kith_ut *u = arg;
    uint8_t news[8192];
    ssize_t n;
    int error = 0;
    do {
        n = recv(u->address.fd, news, sizeof news, MSG_DONTWAIT);
        error = n < 0 ? errno : 0;
    } while (n > 0 || error == EINTR);
    if (error && error != EAGAIN && error != ENOBUFS) {
        kith_ut_addresses_stop(u); /* broken: it would be readable for ever */
        return;
    }
    u->host->timer_set(u->address.timer, u->host->now(u->host) + QUIET);
}

void kith_ut_addresses_watch(struct kith_ut *u)
{
    struct sockaddr_nl groups = {.nl_family = AF_NETLINK,
                                 .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
    u->address.fd = -1;
    u->address.lost = false;
    u->host->degraded(u->host, NULL);
    if (!u->address.guessed) return;
    u->address.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (u->address.fd < 0 || bind(u->address.fd, (struct sockaddr *)&groups, sizeof groups))
        goto fail;
    u->address.timer = u->host->timer(u->host, on_quiet, u);
    u->address.watch = u->host->watch(u->host, u->address.fd, KITH_READABLE, on_news, u);
    if (u->address.timer && u->address.watch) return;

fail: /* not allowed in this sandbox, perhaps: the address is good for now */
    u->host->log(u->host, KITH_LOG_INFO, "changes of this machine's addresses go unnoticed");
    kith_ut_addresses_stop(u);
}

void kith_ut_addresses_stop(struct kith_ut *u)
{
    if (u->address.watch) u->host->watch_free(u->address.watch);
    if (u->address.timer) u->host->timer_free(u->address.timer);
    if (u->address.fd > 0) close(u->address.fd);
    u->address.watch = NULL;
    u->address.timer = NULL;
    u->address.fd = -1;
}
