/*
 * frames.h - what Kith nodes say to each other about broadcasts, as bytes (docs/WIRE.md, Channels).
 * Knows no node.
 *
 *     numbered  F2 6B 63 31 | 02 | flags | life:8 | number | age | o | origin | n | channel | body
 *     have      F2 6B 63 31 | 03 | flags | entries: life:8 | next | age
 *     ask       F2 6B 63 31 | 04 | flags | entries: life:8 | first | count
 *     gone      F2 6B 63 31 | 05 | flags | entries: life:8 | first kept | next
 *
 * life is big endian; all other numbers are LEB128. Flags of the upper four bits must be
 * understood.
 */
#ifndef KITH_RELAY_FRAMES_H
#define KITH_RELAY_FRAMES_H

#include <kith/plugin.h>

enum kith_relay_kind {
    KITH_RELAY_NUMBERED = 2,
    KITH_RELAY_HAVE = 3,
    KITH_RELAY_ASK = 4,
    KITH_RELAY_GONE = 5
};
enum {
    KITH_CHANNEL_NAME_LIMIT = 63,
    /* In front of origin, channel and body, at most. */
    KITH_RELAY_HEAD = 4 + 1 + 1 + 8 + 10 + 5 + 2 + 1,
    KITH_RELAY_ENTRY = 8 + 10 + 10, /* of a list, at most */
    KITH_RELAY_LIST = 1400          /* bytes of one that we make */
};

struct kith_relay_frame {
    uint8_t kind;
    /* numbered; what these point to lies in the frame */
    uint64_t life, number, age; /* age: whole seconds that the life had lasted when it was said */
    struct kith_bytes origin, channel, body;
    struct kith_bytes entries; /* of the others */
};

struct kith_relay_entry {
    uint64_t life, a, b;
};

/* Is it a frame of any kind but a direct one, which is the delegates'? */
bool kith_relay_is(struct kith_bytes);
/* 0; -KITH_EMALFORMED; -KITH_EUNSUPPORTED: a kind, or a flag, of a later version. */
int kith_relay_parse(struct kith_bytes, struct kith_relay_frame *);
/* Take the next entry off: 1, 0 at the end, or -KITH_EMALFORMED. */
int kith_relay_next(struct kith_bytes *entries, struct kith_relay_entry *);

/* A numbered frame of these; out takes KITH_RELAY_HEAD and the three lengths. How long it is. */
size_t kith_relay_write(uint8_t *out, const struct kith_relay_frame *);

/* A list in the making. */
struct kith_relay_list {
    uint8_t bytes[KITH_RELAY_LIST];
    size_t len, most, count;
};
void kith_relay_list(struct kith_relay_list *, enum kith_relay_kind, size_t most);
/* False: it is full. */
bool kith_relay_add(struct kith_relay_list *, uint64_t life, uint64_t a, uint64_t b);

/* The trailer of a state: what lives there are, with their origins.
 *
 *     trailer   F2 6B 6C 31 | entries | size:4 | 6B 6C 73 31
 *     entry     life:8 | next | age | idle | o | origin
 *
 * size, big endian, is that of all of it. idle: whole seconds since something new came of it. */
struct kith_relay_told {
    uint64_t life, next, age, idle;
    struct kith_bytes origin;
};
enum { KITH_TRAILER_HEAD = 4, KITH_TRAILER_FOOT = 8, KITH_TRAILER_ENTRY = 8 + 30 + 2 };
void kith_trailer_head(uint8_t *out);
size_t kith_trailer_entry(uint8_t *out, const struct kith_relay_told *); /* and the origin's */
void kith_trailer_foot(uint8_t *out, size_t whole);
/* Cut it off the end of a state; its entries are empty when there is none. */
struct kith_bytes kith_trailer_split(struct kith_bytes *state);
int kith_trailer_next(struct kith_bytes *entries, struct kith_relay_told *); /* as above */

#endif
