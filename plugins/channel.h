/*
 * channel.h - private to plugins/: how messages and state of delegates with a channel look on the
 * wire (docs/WIRE.md, Channels), and which message ids were seen.
 */
#ifndef KITH_CHANNEL_H
#define KITH_CHANNEL_H

#include <kith/plugin.h>

#define KITH_CHANNEL_NAME_MAX   63
#define KITH_CHANNEL_SENDER_MAX 65535

/* A direct message. Frames of other kinds are the core's. */
struct kith_channel_frame {
    uint64_t id;
    /* These point into the message. sender: the member that says it sent it; empty: it does not */
    struct kith_bytes name, sender, body;
};

/* Does it begin with the magic? Then it is nobody's raw message. */
bool kith_channel_is(struct kith_bytes msg);
/* 0; -KITH_EUNSUPPORTED: another kind, or a flag that must be understood; -KITH_EMALFORMED. */
int kith_channel_parse(struct kith_bytes msg, struct kith_channel_frame *);
/* What stands in front of a body: how long it is, and writing it. */
size_t kith_channel_head(size_t name_len, size_t sender_len);
void kith_channel_write_head(uint8_t *out, const struct kith_channel_frame *);

/* State: `raw | section`. A section is a head, pieces, a foot; each piece is the state of one
 * channel, but for one with a name that no channel can have: it holds the sender's name. */
#define KITH_CHANNEL_SENDER_PIECE "\0"
#define KITH_CHANNEL_SECTION_HEAD 7
#define KITH_CHANNEL_SECTION_FOOT 8
size_t kith_channel_piece_head(size_t name_len);
void kith_channel_write_piece_head(uint8_t *out, struct kith_bytes name, size_t body);
/* Fill head and foot around pieces that lie at section + HEAD; len: of all three. */
void kith_channel_write_section(uint8_t *section, size_t len);
/* Cut a state in two; pieces is empty when there is no section. */
void kith_channel_split(struct kith_bytes state, struct kith_bytes *raw, struct kith_bytes *pieces);
/* Take the next piece off: 1, 0 at the end, or -KITH_EMALFORMED. */
int kith_channel_next(struct kith_bytes *pieces, struct kith_bytes *name, struct kith_bytes *body);

/* The last ids seen, at least KITH_SEEN_WINDOW and at most twice that many, in two generations.
 * Memory is allocated with the first id. key: random, so that nobody can choose ids that all fall
 * into one place of the table. */
#define KITH_SEEN_WINDOW 2048
struct kith_seen {
    uint64_t *young, *old;
    size_t count; /* in young */
    uint8_t key[16];
};
/* Remember it: true when it was known. Without memory everything is new. */
bool kith_seen_add(struct kith_seen *, uint64_t id);
bool kith_seen_has(const struct kith_seen *, uint64_t id);
void kith_seen_fini(struct kith_seen *);

#endif
