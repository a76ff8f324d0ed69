/*
 * post.c - see post.h.
 */
#include "post.h"
#include "peer.h"
#include "state.h"

void kith_post_begin(struct kith_post *post, struct kith_core *c, const struct kith_addr *to,
                     const struct kith_record *p)
{
    kith_addr_copy(&post->to, to);
    post->peer = kith_peer_of(&post->to, p ? kith_record_name(p) : kith_bytes_of(NULL, 0),
                              p ? p->versions[1] : 0);
    kith_packer_begin(&post->packer, c, &post->peer);
    post->most = kith_packet_broadcast_max(post->packer.size);
}

bool kith_post_add(struct kith_post *post, struct kith_bytes frame)
{
    if (frame.len + 1 <= post->most) return kith_packer_add_user(&post->packer, frame);
    kith_count_drop(post->packer.core, KITH_DROP_BROADCAST_TOO_BIG);
    return false;
}

void kith_post_end(struct kith_post *post) { kith_packer_end(&post->packer); }

size_t kith_post_list_most(const struct kith_core *c)
{
    size_t most = kith_packet_broadcast_max(kith_packet_budget(c, NULL).bytes);
    return most ? most - 1 : 0;
}

void kith_post_list(struct kith_core *c, const struct kith_addr *to, const struct kith_record *p,
                    const struct kith_relay_list *list)
{
    struct kith_post post;
    if (!list->count) return;
    kith_post_begin(&post, c, to, p);
    kith_post_add(&post, kith_bytes_of(list->bytes, list->len));
    kith_post_end(&post);
}

void kith_post_list_to(struct kith_core *c, const struct kith_record *p,
                       const struct kith_relay_list *list)
{
    struct kith_addr to;
    kith_record_address(p, &to);
    kith_post_list(c, &to, p, list);
}
