/* handoff.h - private to plugins/: user messages that wait for the end of the turn. */
#ifndef KITH_HANDOFF_H
#define KITH_HANDOFF_H

#include <kith/account.h>
#include <kith/plugin.h>

#include "scratch.h"

/* Its bytes, the peer's identity, the peer's name and the channel lie behind each other, each with
 * a NUL. */
struct kith_handoff_item {
    size_t offset, len, identity_len, name_len, channel_len;
    uint32_t flags, provides, protocol_max;
    bool has_peer, has_addr;
    struct kith_addr addr;
};
struct kith_handoff {
    struct kith_account *memory; /* where its bytes are counted; NULL: nowhere */
    struct kith_scratch bytes;
    size_t len;
    struct kith_handoff_item *items;
    size_t count, item_cap;
    size_t limited, limited_len; /* of these, and of their bytes, that the limits are for */
};
/* bytes: of more than one message. Relayed messages are outside of them: one that was dropped would
 * never come again, and relay.window bounds them all. */
struct kith_handoff_limits {
    size_t depth, bytes;
};

/* Copy a message, with its peer, to the end. -KITH_EAGAIN: full; -KITH_ENOMEM. */
int kith_handoff_add(struct kith_handoff *, const struct kith_handoff_limits *,
                     const struct kith_message *);
/* Would a message of len bytes have to wait until those before it are gone? */
bool kith_handoff_full(const struct kith_handoff *, const struct kith_handoff_limits *, size_t len);
/* The message i and its peer; m->peer is peer, or NULL. They are good until the next add. */
void kith_handoff_get(const struct kith_handoff *, size_t i, struct kith_message *m,
                      struct kith_peer *peer);
/* Forget all; gives memory back when it was unusually much. */
void kith_handoff_clear(struct kith_handoff *);
void kith_handoff_fini(struct kith_handoff *);

#endif
