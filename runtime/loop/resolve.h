/*
 * resolve.h - names to addresses, without blocking: what a user writes after `join`, and what DNS
 * makes of it.
 *
 * As memberlist does it (PROTOCOL.md 2.14): a literal is done at once; a name with a dot is first
 * asked for over TCP at the first nameserver of the DNS config file, where long lists fit; if that
 * gives nothing the system's way is taken (hosts file, search list, A and AAAA). Beyond memberlist:
 * servers that refuse ANY are asked for A and AAAA over TCP, and `_service._proto.name` is looked
 * up as SRV, whose targets bring their own ports. One thread.
 */
#ifndef KITH_RESOLVE_H
#define KITH_RESOLVE_H

#include "log.h"
#include "loop.h"
#include "where.h"

struct kith_resolver;
struct kith_lookup;

struct kith_resolver_setup {
    /* resolv.conf; its nameservers may have a port. NULL or "": no TCP first. */
    const char *dns_config_path;
    /* "host:port,..." instead of the system's own; NULL: the system's. */
    const char *system_servers;
    /* The transport's: literal to address, or -KITH_ENAME. */
    int (*parse)(void *ctx, const char *host, uint16_t port, struct kith_addr *out);
    void *parse_ctx;
};

/* loop and log outlive it. NULL: no memory. */
struct kith_resolver *kith_resolver_new(struct kith_loop *, struct kith_log *,
                                        const struct kith_resolver_setup *);
/* Cancels what is under way: no done is called any more. NULL is fine. */
void kith_resolver_free(struct kith_resolver *);

/* done: 0 and addresses without repeats, each with a port; or -KITH_ENOTFOUND, -KITH_ETIMEOUT,
 * -KITH_EINVAL, -KITH_EIO. Always from the loop, never from inside the call. addrs are lent for the
 * call. */
typedef void kith_resolved_fn(void *arg, int status, const struct kith_addr *addrs, size_t n);

/* lookup (may be NULL): to cancel it; dead once done was called. -KITH_ENOMEM; -KITH_EAGAIN: too
 * many under way. */
int kith_resolve(struct kith_resolver *, const char *host, uint16_t port, kith_resolved_fn *done,
                 void *arg, struct kith_lookup **lookup);
void kith_lookup_cancel(struct kith_lookup *);

#endif
