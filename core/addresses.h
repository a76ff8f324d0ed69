/*
 * addresses.h - is a member there? By address and port, in one step. Knows no rule.
 */
#ifndef KITH_ADDRESSES_H
#define KITH_ADDRESSES_H

#include "members.h"

struct kith_addresses {
    uint32_t *slots; /* one more than the place in by_age of who lives there, 0: empty */
    uint32_t mask, used;
};

int kith_addresses_init(struct kith_addresses *);
void kith_addresses_fini(struct kith_addresses *);
uint32_t kith_addresses_hash(const struct kith_members *, struct kith_bytes addr, uint16_t port);
/* This one has come to its address. */
void kith_addresses_put(struct kith_addresses *, const struct kith_members *,
                        const struct kith_record *);
/* Again from the start: members were forgotten. */
void kith_addresses_rebuild(struct kith_addresses *, const struct kith_members *);
/* Who is alive, or a suspect, there; one of them if there are several. A mapped IPv4 address is the
 * same as its short form. */
struct kith_record *kith_addresses_find(const struct kith_addresses *, const struct kith_members *,
                                        const struct kith_addr *);

#endif
