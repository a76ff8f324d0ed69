/*
 * resolve.h - host and port to IP addresses, without blocking: what DNS makes of a name that a
 * transport could not parse.
 *
 * As memberlist does it (PROTOCOL.md 2.14): an IP needs no question; a name with a dot is first
 * asked for over TCP at the first nameserver of the DNS config file, where long lists fit; if that
 * gives nothing the system's way is taken (hosts file, search list, A and AAAA). Beyond memberlist:
 * servers that refuse ANY are asked for A and AAAA over TCP, and `_service._proto.name` is looked
 * up as SRV, whose targets bring their own ports. One thread.
 */
#ifndef KITH_RESOLVE_H
#define KITH_RESOLVE_H

#include "logger.h"
#include "loop.h"
#include "where.h"

struct kith_resolver;
struct kith_lookup;

struct kith_resolver_setup {
    /* resolv.conf; its nameservers may have a port. NULL or "": no TCP first. */
    const char *dns_config_path;
    /* "host:port,..." instead of the system's own; NULL: the system's. */
    const char *system_servers;
};

/* loop and log outlive it. NULL: no memory. */
struct kith_resolver *kith_resolver_new(struct kith_loop *, struct kith_log *,
                                        const struct kith_resolver_setup *);
/* Cancels what is under way: no done is called any more. NULL is fine. */
void kith_resolver_free(struct kith_resolver *);

/* done: 0 and IP addresses without repeats, each with a port; or -KITH_ENOTFOUND, -KITH_ETIMEOUT,
 * -KITH_EINVAL, -KITH_EIO. Always from the loop, never from inside the call; the addresses are lent
 * for it. Refused at once:
 * -KITH_EINVAL (no host, or one that can't be a name), -KITH_ENOMEM, -KITH_EAGAIN (too many under
 * way). */
int kith_resolve(struct kith_resolver *, struct kith_bytes host, uint16_t port,
                 kith_resolved_fn *done, void *arg);

#endif
