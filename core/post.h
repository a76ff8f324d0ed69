/*
 * post.h - frames on their way to one member.
 */
#ifndef KITH_RELAY_POST_H
#define KITH_RELAY_POST_H

#include "packet.h"
#include "frames.h"

struct kith_record;

/* Frames to a member, as many in a packet as fit:  begin, add any number, end. */
struct kith_post {
    struct kith_packer packer;
    struct kith_addr to;
    struct kith_peer peer;
    size_t most; /* bytes of a frame that fits a packet */
};
void kith_post_begin(struct kith_post *, struct kith_core *, const struct kith_addr *to,
                     const struct kith_record *); /* NULL: whoever is there */
/* False: it fits no packet (counted), or no memory. */
bool kith_post_add(struct kith_post *, struct kith_bytes frame);
void kith_post_end(struct kith_post *);

/* A list alone; nothing when it is empty. */
void kith_post_list(struct kith_core *, const struct kith_addr *to, const struct kith_record *,
                    const struct kith_relay_list *);
/* Bytes of a list that fits every packet. */
size_t kith_post_list_most(const struct kith_core *);
/* To this member. */
void kith_post_list_to(struct kith_core *, const struct kith_record *,
                       const struct kith_relay_list *);

#endif
