/*
 * channel.c - frames of channels (docs/WIRE.md, Channels). Bytes only: who gets them is decided in
 * delegates.c.
 *
 * A message:   F2 6B 63 31 | 00 | flags | id:8 | n | name:n | s | sender:s | body
 * State:       raw state | F2 6B | len:5 | pieces | size:4 | 6B 63 73 31
 * A piece:     n | name:n | len:4 | body
 *
 * No UTF-8 text begins with F2 6B, and none of the messages of Serf (types 0 to 10), Consul,
 * Alertmanager (protobuf, field 1 first) or memberlist itself does. The section of a state has the
 * form of an unknown protobuf field of bytes (number 1726; F2 6B, then the length as a padded
 * varint): a protobuf peer skips it, a msgpack peer has stopped reading before it.
 */
#include "channel.h"

#include <sodium.h>
#include <stdlib.h>

enum {
    HEAD = 15,
    AT_KIND = 4,
    AT_FLAGS = 5,
    AT_ID = 6,
    AT_NAME_LEN = 14,
    NUMBER_MAX = 3, /* bytes of a sender's length */
    PIECE_LEN = 4
};
enum { DIRECT = 0, MUST_KNOW = 0xF0 }; /* a kind; flags */
static const uint8_t magic[4] = {0xF2, 0x6B, 0x63, 0x31};
static const uint8_t foot_magic[4] = {0x6B, 0x63, 0x73, 0x31};

static void put32(uint8_t *out, uint32_t v)
{
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

/* LEB128: how many bytes it takes, and writing them. */
static size_t number_len(size_t v) { return v < 0x80 ? 1 : v < 0x4000 ? 2 : NUMBER_MAX; }

static size_t put_number(uint8_t *out, size_t v)
{
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) out[n++] = (uint8_t)(v | 0x80);
    out[n++] = (uint8_t)v;
    return n;
}

/* How many bytes it took; 0: cut, or too long. */
static size_t get_number(struct kith_bytes in, size_t *v)
{
    *v = 0;
    for (size_t i = 0; i < in.len && i < NUMBER_MAX; i++) {
        *v |= (size_t)(in.data[i] & 0x7F) << (7 * i);
        if (!(in.data[i] & 0x80)) return i + 1;
    }
    return 0;
}

static bool name_len_ok(size_t len) { return len > 0 && len <= KITH_CHANNEL_NAME_MAX; }

/* ---------------------------------------------------------------------------------- messages */

bool kith_channel_is(struct kith_bytes msg)
{
    return msg.len >= sizeof magic && memcmp(msg.data, magic, sizeof magic) == 0;
}

/* Cut the sender's name off the front of what follows the channel's. */
static int parse_sender(struct kith_channel_frame *frame, struct kith_bytes rest)
{
    size_t len, at = get_number(rest, &len);
    if (!at || len > KITH_CHANNEL_SENDER_MAX || rest.len - at < len) return -KITH_EMALFORMED;
    frame->sender = kith_bytes_of(rest.data + at, len);
    frame->body = kith_bytes_of(rest.data + at + len, rest.len - at - len);
    return 0;
}

int kith_channel_parse(struct kith_bytes msg, struct kith_channel_frame *frame)
{
    if (!kith_channel_is(msg)) return -KITH_EMALFORMED;
    if (msg.len > AT_KIND && msg.data[AT_KIND] != DIRECT) return -KITH_EUNSUPPORTED;
    if (msg.len > AT_FLAGS && msg.data[AT_FLAGS] & MUST_KNOW) return -KITH_EUNSUPPORTED;
    if (msg.len < HEAD) return -KITH_EMALFORMED;
    size_t name_len = msg.data[AT_NAME_LEN];
    if (!name_len_ok(name_len) || msg.len < HEAD + name_len) return -KITH_EMALFORMED;
    frame->id = (uint64_t)get32(msg.data + AT_ID) << 32 | get32(msg.data + AT_ID + 4);
    frame->name = kith_bytes_of(msg.data + HEAD, name_len);
    return parse_sender(frame,
                        kith_bytes_of(msg.data + HEAD + name_len, msg.len - HEAD - name_len));
}

size_t kith_channel_head(size_t name_len, size_t sender_len)
{
    return HEAD + name_len + number_len(sender_len) + sender_len;
}

void kith_channel_write_head(uint8_t *out, const struct kith_channel_frame *frame)
{
    memcpy(out, magic, sizeof magic);
    out[AT_KIND] = DIRECT;
    out[AT_FLAGS] = 0;
    put32(out + AT_ID, (uint32_t)(frame->id >> 32));
    put32(out + AT_ID + 4, (uint32_t)frame->id);
    out[AT_NAME_LEN] = (uint8_t)frame->name.len;
    memcpy(out + HEAD, frame->name.data, frame->name.len);
    uint8_t *sender = out + HEAD + frame->name.len;
    sender += put_number(sender, frame->sender.len);
    if (frame->sender.len) memcpy(sender, frame->sender.data, frame->sender.len);
}

/* ------------------------------------------------------------------------------------- state */

size_t kith_channel_piece_head(size_t name_len) { return 1 + name_len + PIECE_LEN; }

void kith_channel_write_piece_head(uint8_t *out, struct kith_bytes name, size_t body)
{
    out[0] = (uint8_t)name.len;
    memcpy(out + 1, name.data, name.len);
    put32(out + 1 + name.len, (uint32_t)body);
}

void kith_channel_write_section(uint8_t *section, size_t len)
{
    memcpy(section, magic, 2);
    uint32_t rest = (uint32_t)(len - KITH_CHANNEL_SECTION_HEAD);
    for (int i = 0; i < 5; i++)
        section[2 + i] = (uint8_t)((rest >> (7 * i) & 0x7F) | (i < 4 ? 0x80 : 0));
    uint8_t *foot = section + len - KITH_CHANNEL_SECTION_FOOT;
    put32(foot, (uint32_t)len);
    memcpy(foot + 4, foot_magic, sizeof foot_magic);
}

void kith_channel_split(struct kith_bytes state, struct kith_bytes *raw, struct kith_bytes *pieces)
{
    enum { AROUND = KITH_CHANNEL_SECTION_HEAD + KITH_CHANNEL_SECTION_FOOT };
    *raw = state;
    *pieces = kith_bytes_of(NULL, 0);
    if (state.len < AROUND ||
        memcmp(state.data + state.len - 4, foot_magic, sizeof foot_magic) != 0)
        return;
    size_t len = get32(state.data + state.len - KITH_CHANNEL_SECTION_FOOT);
    if (len < AROUND || len > state.len) return;
    const uint8_t *section = state.data + state.len - len;
    uint64_t rest = 0;
    for (int i = 0; i < 5; i++) rest |= (uint64_t)(section[2 + i] & 0x7F) << (7 * i);
    if (memcmp(section, magic, 2) != 0 || rest != len - KITH_CHANNEL_SECTION_HEAD) return;
    *raw = kith_bytes_of(state.data, state.len - len);
    *pieces = kith_bytes_of(section + KITH_CHANNEL_SECTION_HEAD, len - AROUND);
}

int kith_channel_next(struct kith_bytes *pieces, struct kith_bytes *name, struct kith_bytes *body)
{
    if (!pieces->len) return 0;
    size_t name_len = pieces->data[0], head = kith_channel_piece_head(name_len);
    if (!name_len_ok(name_len) || pieces->len < head) return -KITH_EMALFORMED;
    size_t len = get32(pieces->data + 1 + name_len);
    if (len > pieces->len - head) return -KITH_EMALFORMED;
    *name = kith_bytes_of(pieces->data + 1, name_len);
    *body = kith_bytes_of(pieces->data + head, len);
    *pieces = kith_bytes_of(pieces->data + head + len, pieces->len - head - len);
    return 1;
}

/* --------------------------------------------------------------------------------------- ids */

/* Each generation is an open-addressed table at most half full; 0 is "empty", so the id 0 counts
 * as 1. */
enum { SLOTS = 2 * KITH_SEEN_WINDOW };

static size_t place(const struct kith_seen *seen, const uint64_t *table, uint64_t id)
{
    uint64_t h;
    crypto_shorthash((uint8_t *)&h, (const uint8_t *)&id, sizeof id, seen->key);
    size_t i = h % SLOTS;
    while (table[i] && table[i] != id) i = (i + 1) % SLOTS;
    return i;
}

bool kith_seen_has(const struct kith_seen *seen, uint64_t id)
{
    if (!id) id = 1;
    return seen->young &&
           (seen->young[place(seen, seen->young, id)] || seen->old[place(seen, seen->old, id)]);
}

bool kith_seen_add(struct kith_seen *seen, uint64_t id)
{
    if (!id) id = 1;
    if (!seen->young) {
        uint64_t *both = calloc(2 * SLOTS, sizeof *both);
        if (!both) return false;
        seen->young = both;
        seen->old = both + SLOTS;
    }
    if (kith_seen_has(seen, id)) return true;
    if (seen->count == KITH_SEEN_WINDOW) {
        uint64_t *oldest = seen->old;
        seen->old = seen->young;
        seen->young = oldest;
        memset(oldest, 0, SLOTS * sizeof *oldest);
        seen->count = 0;
    }
    seen->young[place(seen, seen->young, id)] = id;
    seen->count++;
    return false;
}

void kith_seen_fini(struct kith_seen *seen)
{
    free(seen->young < seen->old ? seen->young : seen->old); /* one block */
    seen->young = seen->old = NULL;
    seen->count = 0;
}
