/*
 * output.h - what the core wants done, in order, until somebody polls for it. Knows nothing of what
 * the entries mean.
 */
#ifndef KITH_OUTPUT_H
#define KITH_OUTPUT_H

#include "bounds.h"
#include "core.h"
#include "wire.h"

/* Room in front of each packet for the longest compound header. */
enum { KITH_COMPOUND_HEAD = 2 + 2 * KITH_COMPOUND_MAX };

/* Something that waits to be polled. */
struct kith_item {
    struct kith_item *next;
    struct kith_output out;
    struct kith_buf buf;  /* packets: base is ours */
    struct kith_buf lent; /* a copy for whoever polls, who may change it */
    uint8_t *bytes;       /* writes: ours */
    uint64_t charged;     /* for them, in the account of streams */
    struct kith_addr to;
    char name[KITH_NAME_LIMIT + 1];
};

struct kith_items {
    struct kith_item *first, **last;
    struct kith_item *lent; /* what poll gave last */
    struct kith_account *memory;
    struct kith_item *spare, *spare_packets;
    uint32_t spares, spare_packet_count;
    uint32_t idle; /* spare packets that nobody has needed since the last trim */
    size_t spare_bytes;
};

void kith_items_init(struct kith_items *, struct kith_account *);
void kith_items_fini(struct kith_items *);
/* Give back half of the packets that were not needed since the last call, but for a few. Now and
 * then: after a burst they would stay for ever. */
void kith_items_trim(struct kith_items *);
struct kith_item *kith_item_new(struct kith_items *);
/* With an empty buffer of at least `size` bytes between headroom and tailroom, KITH_COMPOUND_HEAD
 * more in front. */
struct kith_item *kith_item_packet(struct kith_items *, uint32_t headroom, size_t size,
                                   uint32_t tailroom);
void kith_item_drop(struct kith_items *, struct kith_item *);
/* Whom it is for, or about: address, name and version are copied. */
void kith_item_peer(struct kith_item *, const struct kith_peer *);
void kith_items_push(struct kith_items *, struct kith_item *);
/* The next one, lent until the next call; what was lent before is over. */
bool kith_items_poll(struct kith_items *, struct kith_output *);

#endif
