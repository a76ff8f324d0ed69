/*
 * udp_tcp.c - memberlist's transport: packets over UDP, streams over TCP, on the same port. This
 * file is the plugin; udp_tcp.h says where the rest is.
 */
#include "udp_tcp.h"
#include <stdlib.h>

static const struct kith_param params[] = {
    {.name = "bind",
     .type = KITH_PARAM_STRINGS,
     .flags = KITH_PARAM_RESTART,
     .offset = offsetof(struct kith_ut, bind),
     .def = "0.0.0.0:7946",
     .doc = "Addresses to listen on, host:port or :port (IPv4 and IPv6); port 0: any"},
    {.name = "advertise",
     .type = KITH_PARAM_STRING,
     .flags = KITH_PARAM_RESTART,
     .offset = offsetof(struct kith_ut, advertise),
     .doc = "Address that others shall use, host or host:port; default: the first bound one, or a "
            "private one of this machine"},
    {.name = "interface",
     .type = KITH_PARAM_STRING,
     .flags = KITH_PARAM_RESTART,
     .offset = offsetof(struct kith_ut, interface),
     .doc = "When bound to every address: advertise one of this interface"},
    {.name = "max_connections",
     .type = KITH_PARAM_UINT,
     .offset = offsetof(struct kith_ut, max_connections),
     .def = "1024",
     .min = 1,
     .max = 32768,
     .doc = "Connections from others open at a time; over it they wait in the system's backlog"},
    {.name = "max_per_source",
     .type = KITH_PARAM_UINT,
     .offset = offsetof(struct kith_ut, max_per_source),
     .def = "128",
     .min = 1,
     .max = 32768,
     .doc = "Of these, from one source (IPv4 address or IPv6 /64); over it they are reset"},
    {.name = "idle_timeout",
     .type = KITH_PARAM_DURATION,
     .offset = offsetof(struct kith_ut, idle_timeout),
     .def = "30s",
     .min = 100000000,
     .max = 3600000000000,
     .doc = "Close a connection on which nothing moved for so long"},
    {.name = "receive_buffer",
     .type = KITH_PARAM_SIZE,
     .offset = offsetof(struct kith_ut, receive_buffer),
     .def = "2MiB",
     .min = 65536,
     .max = 1 << 30,
     .doc = "UDP receive buffer to ask of the system; halved until it agrees"},
    {0},
};

static int ut_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct kith_ut *u = self;
    u->host = host;
    int rc = kith_ut_listen_init(u, err);
    return rc ? rc : kith_ut_advertise_init(u, err);
}

static int ut_attach(void *self, const struct kith_transport_setup *setup, struct kith_error *err)
{
    struct kith_ut *u = self;
    u->up = setup->uplink;
    u->connect_timeout = setup->tcp_timeout ? setup->tcp_timeout : u->idle_timeout;
    return 0;
}

static int make_counters(struct kith_ut *u, struct kith_error *err)
{
#define X(name, help) \
    if (!(u->count.name = u->host->counter(u->host, #name, help))) \
        return kith_fail(err, KITH_ENOMEM, "out of memory");
    KITH_UT_COUNTERS(X)
#undef X
    return 0;
}

static int ut_start(void *self, struct kith_error *err)
{
    struct kith_ut *u = self;
    char text[KITH_UT_HOST_MAX];
    int rc = make_counters(u, err);
    if (!rc) rc = kith_ut_listen_open(u, err);
    if (!rc) rc = kith_ut_advertise_find(u, err);
    if (!rc) rc = kith_ut_packets_start(u, err);
    if (!rc) rc = kith_ut_streams_start(u, err);
    for (size_t i = 0; !rc && i < u->socket_count; i++)
        u->host->log(u->host, KITH_LOG_INFO, "listening on %s",
                     kith_ut_text(&u->sockets[i].local, text));
    return rc;
}

static void ut_stop(void *self)
{
    struct kith_ut *u = self;
    if (u->host) {
        kith_ut_streams_stop(u);
        kith_ut_packets_stop(u);
    }
    for (size_t i = 0; i < u->socket_count; i++) kith_ut_socket_close(&u->sockets[i]);
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

/* Take over sockets that are still wanted, and all connections. First everything that can fail,
 * then the rest: when the new settings are no good the old instance must be whole. */
static int ut_adopt(void *self, void *other, struct kith_error *err)
{
    struct kith_ut *u = self, *old = other;
    struct kith_ut_socket *from[KITH_UT_BINDS_MAX] = {NULL};
    for (size_t i = 0; i < u->socket_count; i++)
        for (size_t k = 0; k < old->socket_count && !from[i]; k++) {
            if (!same_socket(&u->sockets[i], &old->sockets[k])) continue;
            struct kith_ut_socket *s = from[i] = &old->sockets[k];
            u->sockets[i].udp = s->udp;
            u->sockets[i].tcp = s->tcp;
            u->sockets[i].dropped = s->dropped;
            kith_ut_set_port(&u->sockets[i].local, kith_ut_port(&s->local));
        }
    int rc = kith_ut_listen_open(u, err);
    if (!rc) rc = kith_ut_advertise_find(u, err);
    if (!rc) {
        kith_ut_streams_adopt(u, old);
        kith_ut_packets_stop(old);
    }
    for (size_t i = 0; i < u->socket_count; i++) {
        struct kith_ut_socket *s = rc ? &u->sockets[i] : from[i];
        if (from[i]) s->udp = s->tcp = -1;
    }
    return rc;
}

static void ut_limits(void *self, struct kith_limits *out)
{
    out->flags = 0;
    out->packet = KITH_UT_PACKET_MAX;
    out->headroom = out->tailroom = 0;
}

static size_t ut_packet_limit(void *self, const struct kith_addr *to) { return KITH_UT_PACKET_MAX; }

static int ut_advertise(void *self, struct kith_addr *out, struct kith_error *err)
{
    const struct kith_ut *u = self;
    *out = u->advertised;
    return 0;
}

static const struct kith_transport_ops ops = {
    .size = sizeof ops,
    .default_port = KITH_UT_PORT,
    .attach = ut_attach,
    .limits = ut_limits,
    .packet_limit = ut_packet_limit,
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
