/*
 * dns_server.c - see dns_server.h.
 */
#include "dns_server.h"
#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct dns_client {
    struct dns_server *server;
    struct dns_client *next;
    int fd;
    struct kith_watch *watch;
    uint8_t in[2048];
    size_t len;
};

static uint8_t *put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
    return p + 2;
}

static uint8_t *put_name(uint8_t *p, const char *name)
{
    while (*name) {
        size_t n = strcspn(name, ".");
        *p++ = (uint8_t)n;
        memcpy(p, name, n);
        p += n;
        name += n + (name[n] == '.');
    }
    *p++ = 0;
    return p;
}

static uint8_t *put_record(uint8_t *p, const struct dns_record *r)
{
    uint8_t *length;
    p = put_name(p, r->name);
    p = put16(put16(p, (unsigned)r->type), 1);
    p = put16(put16(p, 0), 60);
    length = p;
    p += 2;
    if (r->type == DNS_A)
        p += inet_pton(AF_INET, r->value, p) * 4;
    else if (r->type == DNS_AAAA)
        p += inet_pton(AF_INET6, r->value, p) * 16;
    else if (r->type == DNS_SRV)
        p = put_name(put16(put16(put16(p, r->priority), 1), r->port), r->value);
    else
        p = put_name(p, r->value);
    put16(length, (unsigned)(p - length - 2));
    return p;
}

/* The answer to a question, into out; its length, 0: none. */
static size_t answer(struct dns_server *s, const uint8_t *in, size_t len, uint8_t *out, size_t cap)
{
    char name[256] = "";
    size_t at = 12;
    if (len < 17) return 0;
    while (at < len && in[at]) {
        size_t n = in[at], have = strlen(name);
        if (at + 1 + n >= len || have + n + 2 > sizeof name) return 0;
        snprintf(name + have, sizeof name - have, "%s%.*s", have ? "." : "", (int)n, in + at + 1);
        at += n + 1;
    }
    at += 5;
    if (at > len) return 0;
    int type = in[at - 4] << 8 | in[at - 3];
    s->any += type == DNS_ANY;
    if (s->silent) return 0;
    memcpy(out, in, at);
    unsigned found = 0, known = 0;
    uint8_t *p = out + at;
    for (size_t i = 0; i < s->count; i++) {
        if (strcasecmp(s->records[i].name, name)) continue;
        known++;
        if ((type != DNS_ANY && type != s->records[i].type) || (type == DNS_ANY && s->refuse_any))
            continue;
        p = put_record(p, &s->records[i]);
        found++;
        assert((size_t)(p - out) + 512 < cap);
    }
    unsigned rcode = type == DNS_ANY && s->refuse_any ? 4 : known ? 0 : 3;
    put16(out + 2, 0x8180 | rcode);
    put16(put16(put16(put16(out + 4, 1), found), 0), 0);
    return (size_t)(p - out);
}

static void on_udp(void *arg, unsigned events)
{
    struct dns_server *s = arg;
    uint8_t in[2048], out[65536];
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    ssize_t n =
        recvfrom(s->udp_fd, in, sizeof in, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
    if (n < 0) return;
    s->udp++;
    size_t len = answer(s, in, (size_t)n, out, sizeof out);
    if (len) sendto(s->udp_fd, out, len, 0, (struct sockaddr *)&from, from_len);
}

static void drop_client(struct dns_client *c)
{
    struct dns_client **at = &c->server->clients;
    while (*at != c) at = &(*at)->next;
    *at = c->next;
    kith_loop_watch_free(c->watch);
    close(c->fd);
    free(c);
}

static void on_client(void *arg, unsigned events)
{
    struct dns_client *c = arg;
    uint8_t out[65538];
    ssize_t n = recv(c->fd, c->in + c->len, sizeof c->in - c->len, MSG_DONTWAIT);
    if (n <= 0) {
        drop_client(c);
        return;
    }
    c->len += (size_t)n;
    for (size_t one; c->len >= 2 && (one = (size_t)(c->in[0] << 8 | c->in[1]) + 2) <= c->len;) {
        c->server->tcp++;
        size_t len = answer(c->server, c->in + 2, one - 2, out + 2, sizeof out - 2);
        put16(out, (unsigned)len);
        if (len && send(c->fd, out, len + 2, MSG_NOSIGNAL) < 0) break;
        memmove(c->in, c->in + one, c->len - one);
        c->len -= one;
    }
}

static void on_tcp(void *arg, unsigned events)
{
    struct dns_server *s = arg;
    int fd = accept(s->tcp_fd, NULL, NULL);
    if (fd < 0) return;
    struct dns_client *c = calloc(1, sizeof *c);
    *c = (struct dns_client){.server = s, .next = s->clients, .fd = fd};
    c->watch = kith_loop_watch(s->loop, fd, KITH_READABLE, on_client, c);
    s->clients = c;
}

void dns_server_start(struct dns_server *s, struct kith_loop *loop, bool with_tcp)
{
    s->loop = loop;
    for (;;) { /* until a port is free for both */
        struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        socklen_t len = sizeof sa;
        s->tcp_fd = socket(AF_INET, SOCK_STREAM, 0);
        s->udp_fd = socket(AF_INET, SOCK_DGRAM, 0);
        if (bind(s->tcp_fd, (struct sockaddr *)&sa, sizeof sa)) abort();
        getsockname(s->tcp_fd, (struct sockaddr *)&sa, &len);
        s->port = ntohs(sa.sin_port);
        if (bind(s->udp_fd, (struct sockaddr *)&sa, sizeof sa) == 0) break;
        close(s->tcp_fd);
        close(s->udp_fd);
    }
    s->udp_watch = kith_loop_watch(loop, s->udp_fd, KITH_READABLE, on_udp, s);
    if (!with_tcp) return; /* bound, not listening: connections are refused */
    if (listen(s->tcp_fd, 16)) abort();
    s->tcp_watch = kith_loop_watch(loop, s->tcp_fd, KITH_READABLE, on_tcp, s);
}

void dns_server_stop(struct dns_server *s)
{
    while (s->clients) drop_client(s->clients);
    kith_loop_watch_free(s->udp_watch);
    kith_loop_watch_free(s->tcp_watch);
    close(s->udp_fd);
    close(s->tcp_fd);
}
