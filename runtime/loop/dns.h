/*
 * dns.h - what this program reads of DNS: answers, and the first nameserver of a resolv.conf. Pure
 * but for reading that file.
 */
#ifndef KITH_DNS_H
#define KITH_DNS_H

#include "where.h"

struct kith_dns_target {
    char host[KITH_HOST_TEXT_MAX];
    uint16_t port, priority;
};

/* Addresses (A and AAAA, whatever name they belong to, as memberlist takes them) and SRV targets of
 * an answer. Callbacks may be NULL. -KITH_EMALFORMED. */
int kith_dns_read(const uint8_t *answer, size_t len,
                  void (*address)(void *arg, const uint8_t *bytes, uint8_t len),
                  void (*target)(void *arg, const struct kith_dns_target *), void *arg);

/* The first nameserver of the file, as "a.b.c.d:port" or "[v6]:port". 0, -KITH_ENOTFOUND,
 * -KITH_EIO. */
int kith_dns_first_server(const char *path, char *out, size_t cap, struct kith_error *err);

#endif
