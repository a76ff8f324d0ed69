/*
 * dns_server.h - a nameserver for tests: UDP and TCP on one free port of loopback, run by the
 * test's own loop.
 */
#ifndef KITH_TEST_DNS_SERVER_H
#define KITH_TEST_DNS_SERVER_H

#include "loop.h"

enum { DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28, DNS_SRV = 33, DNS_ANY = 255 };

struct dns_record {
    const char *name;
    int type;
    const char *value;       /* address; name; for SRV the target */
    uint16_t port, priority; /* SRV */
};

struct dns_server {
    struct kith_loop *loop;
    const struct dns_record *records;
    size_t count;
    uint16_t port;
    bool silent, refuse_any;
    /* what was asked */
    unsigned udp, tcp, any;
    int udp_fd, tcp_fd;
    struct kith_watch *udp_watch, *tcp_watch;
    struct dns_client *clients;
};

void dns_server_start(struct dns_server *, struct kith_loop *, bool with_tcp);
void dns_server_stop(struct dns_server *);

#endif
