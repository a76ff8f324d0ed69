/*
 * udp_tcp.c - memberlist's transport: packets over UDP, streams over TCP, on the same port. This
 * file is the plugin; udp_tcp.h says where the rest is.
 */
#include "udp_tcp.h"
#include <stdlib.h>

static const struct kith_param params[] = {
    KITH_PARAM(struct kith_ut, bind, LIST, KITH_PARAM_RESTART, "[0.0.0.0:7946]", NULL, NULL,
               "Addresses to listen on, host:port or :port (IPv4 and, where there is one, IPv6); "
               "port 0: any"),
    KITH_PARAM(struct kith_ut, advertise, STRING, KITH_PARAM_RESTART, NULL, NULL, NULL,
               "Address that others shall use, host or host:port; default: the first bound one, or "
               "one of this machine, rather a private one"),
    KITH_PARAM(struct kith_ut, interface, STRING, KITH_PARAM_RESTART, NULL, NULL, NULL,
               "When bound to every address: advertise one of this interface"),
    KITH_PARAM(struct kith_ut, follow_address, BOOL, 0, "false", NULL, NULL,
               "When bound to every address, and the advertised one is gone: leave, and come back "
               "under another one of this machine"),
    KITH_PARAM(struct kith_ut, max_connections, UINT, 0, "1024", "1", "32768",
               "Connections from others open at a time; over it they wait in the system's backlog"),
    KITH_PARAM(struct kith_ut, max_per_source, UINT, 0, "128", "1", "32768",
               "Of these, from one source (IPv4 address or IPv6 /64); over it they are reset"),
    KITH_PARAM(struct kith_ut, idle_timeout, DURATION, 0, "30s", "100ms", "1h",
               "Close a connection on which nothing moved for so long"),
    KITH_PARAM(struct kith_ut, receive_buffer, SIZE, 0, "2MiB", "64KiB", "1GiB",
               "UDP receive buffer to ask of the system; halved until it agrees"),
    KITH_PARAM_END,
};

static void tell_later(void *arg)
{
    kith_ut_streams_say_closed(arg);
    kith_ut_later_tell(arg);
}

static int ut_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct kith_ut *u = self;
    u->host = host;
    host->random(host, u->source_key, sizeof u->source_key);
#define X(name, help) u->count.name = host->counter(host, #name, help, NULL, 0);
    KITH_UT_COUNTERS(X)
#undef X
    kith_ut_failures_init(u);
    int rc = kith_ut_listen_init(u, err);
    return rc ? rc : kith_ut_advertise_init(u, err);
}

static void ut_stop(void *self)
{
    struct kith_ut *u = self;
    kith_ut_streams_stop(u);
    kith_ut_packets_stop(u);
    kith_ut_addresses_stop(u);
    kith_ut_later_stop(u);
    for (size_t i = 0; i < u->socket_count; i++) kith_ut_socket_close(&u->sockets[i]);
}

/* Everything that can be had beside an instance that runs. */
static int prepare(struct kith_ut *u, struct kith_error *err)
{
    u->up = u->host->uplink;
    int rc = kith_ut_listen_open(u, err);
    if (!rc) rc = kith_ut_advertise_find(u, err);
    if (!rc) rc = kith_ut_later_start(u, tell_later, err);
    if (!rc) rc = kith_ut_packets_prepare(u, err);
    if (!rc) rc = kith_ut_streams_prepare(u, err);
    return rc;
}

static int run(struct kith_ut *u, struct kith_error *err)
{
    kith_ut_listen_tune(u);
    kith_ut_addresses_watch(u);
    int rc = kith_ut_packets_watch(u, err);
    return rc ? rc : kith_ut_streams_watch(u, err);
}

static int ut_start(void *self, struct kith_error *err)
{
    struct kith_ut *u = self;
    char text[KITH_UT_HOST_MAX];
    int rc = prepare(u, err);
    if (!rc) rc = run(u, err);
    if (rc) ut_stop(u);
    for (size_t i = 0; !rc && i < u->socket_count; i++)
        u->host->log(u->host, KITH_LOG_INFO, "listening on %s",
                     kith_ut_text(&u->sockets[i].local, text));
    return rc;
}

static bool same_socket(const struct kith_ut_socket *ours, const struct kith_ut_socket *old)
{
    union kith_ut_sockaddr a = ours->local, b = old->local;
    if (ours->any_port != old->any_port || ours->dual != old->dual || old->udp < 0) return false;
    if (ours->any_port) {
        kith_ut_set_port(&a, 0);
        kith_ut_set_port(&b, 0);
    }
    return memcmp(&a, &b, sizeof a) == 0;
}

/* Borrow the sockets of the old instance that we want, too: from[i] is the one behind our i-th. */
static void borrow_sockets(struct kith_ut *u, struct kith_ut *old, struct kith_ut_socket **from)
{
    for (size_t i = 0; i < u->socket_count; i++)
        for (size_t k = 0; k < old->socket_count && !from[i]; k++) {
            if (!same_socket(&u->sockets[i], &old->sockets[k])) continue;
            struct kith_ut_socket *s = from[i] = &old->sockets[k];
            u->sockets[i].udp = s->udp;
            u->sockets[i].tcp = s->tcp;
            u->sockets[i].dropped = s->dropped;
            kith_ut_set_port(&u->sockets[i].local, kith_ut_port(&s->local));
        }
}

/* Descriptors that the other instance of the two goes on with. */
static void let_go(struct kith_ut_socket *s) { s->udp = s->tcp = -1; }

/* Connections and what is still to be said change hands; the old watches are freed. */
static void take_over(struct kith_ut *u, struct kith_ut *old)
{
    kith_ut_streams_adopt(u, old);
    kith_ut_packets_stop(old);
    kith_ut_addresses_stop(old);
    u->later.changed |= old->later.changed;
    kith_ut_later_stop(old);
}

/* A guess stays as long as it is right. */
static void keep_guess(struct kith_ut *u, struct kith_ut *old)
{
    if (u->address.guessed && old->address.guessed && u->advertised.port == old->advertised.port &&
        kith_ut_advertise_holds(old))
        u->advertised = old->advertised;
}

/* Instead of start: takes over sockets that are still wanted, and all connections. First comes
 * everything that can fail, while the old instance is whole; then the descriptors and connections
 * change hands, and get watches of ours. If that fails neither has them. */
static int ut_adopt(void *self, void *other, struct kith_error *err)
{
    struct kith_ut *u = self, *old = other;
    struct kith_ut_socket *from[KITH_UT_BINDS_MAX] = {NULL};
    borrow_sockets(u, old, from);
    int rc = prepare(u, err);
    if (rc) {
        for (size_t i = 0; i < u->socket_count; i++)
            if (from[i]) let_go(&u->sockets[i]);
        ut_stop(u);
        return rc;
    }
    take_over(u, old);
    for (size_t i = 0; i < u->socket_count; i++)
        if (from[i]) let_go(from[i]);
    keep_guess(u, old);
    rc = run(u, err) ? -KITH_ECLOSED : 0;
    if (u->later.changed || !kith_addr_equal(&u->advertised, &old->advertised))
        kith_ut_say_changed(u, KITH_CHANGED_ADDRESS);
    if (rc) ut_stop(u);
    return rc;
}

/* Reading stops at once when the node says so: nothing more comes on a paused stream. */
static void ut_limits(void *self, struct kith_limits *out)
{
    out->provides = 0;
    out->packet = KITH_UT_PACKET_MAX;
    out->stream_window = 0;
    out->headroom = out->tailroom = 0;
}

static int ut_advertise(void *self, struct kith_addr *out, struct kith_error *err)
{
    const struct kith_ut *u = self;
    *out = u->advertised;
    return 0;
}

static const struct kith_transport_ops ops = {
    .size = sizeof ops,
    .default_port = KITH_UT_PORT,
    .limits = ut_limits,
    .advertise = ut_advertise,
    .parse = kith_ut_parse,
    .format = kith_ut_format,
    .send_packet = kith_ut_send_packet,
    .flush = kith_ut_flush,
    .stream_open = kith_ut_stream_open,
    .stream_write = kith_ut_stream_write,
    .stream_finish = kith_ut_stream_finish,
    .stream_reset = kith_ut_stream_reset,
    .stream_read = kith_ut_stream_read,
};

KITH_PLUGIN(udp_tcp) = {
    KITH_HEADER(TRANSPORT),
    .name = "udp_tcp",
    .flags = KITH_OUTSIDE,
    .version = "1.0",
    .summary = "packets over UDP and streams over TCP, as memberlist's own transport",
    .instance_size = sizeof(struct kith_ut),
    .params = params,
    .ops = &ops,
    .init = ut_init,
    .adopt = ut_adopt,
    .start = ut_start,
    .stop = ut_stop,
    .fini = ut_stop,
};
