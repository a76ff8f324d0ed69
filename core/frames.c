/*
 * frames.c - see frames.h.
 */
#include "frames.h"

#include <assert.h>

static const uint8_t magic[4] = {0xF2, 0x6B, 0x63, 0x31};
static const uint8_t trailer_magic[4] = {0xF2, 0x6B, 0x6C, 0x31};
static const uint8_t trailer_end[4] = {0x6B, 0x6C, 0x73, 0x31};

enum { AT_KIND = 4, AT_FLAGS = 5, AT_LIFE = 6, LIST_HEAD = 6, FLAGS_TO_KNOW = 0xF0 };

/* ----------------------------------------------------------------------------------- numbers */

static size_t put(uint8_t *out, uint64_t v)
{
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) out[n++] = (uint8_t)(v | 0x80);
    out[n++] = (uint8_t)v;
    return n;
}

static size_t put_fixed(uint8_t *out, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) out[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
    return bytes;
}

static void drop(struct kith_bytes *in, size_t n)
{
    *in = kith_bytes_of(in->data + n, in->len - n);
}

static bool get(struct kith_bytes *in, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0; in->len && shift < 64; shift += 7) {
        uint8_t b = *in->data;
        drop(in, 1);
        if (shift == 63 && b > 1) return false;
        *v |= (uint64_t)(b & 0x7F) << shift;
        if (b < 0x80) return true;
    }
    return false;
}

static bool get_fixed(struct kith_bytes *in, uint64_t *v, unsigned bytes)
{
    if (in->len < bytes) return false;
    *v = 0;
    for (unsigned i = 0; i < bytes; i++) *v = *v << 8 | in->data[i];
    drop(in, bytes);
    return true;
}

/* A string with its length in front. */
static bool get_string(struct kith_bytes *in, size_t most, struct kith_bytes *out)
{
    uint64_t len;
    if (!get(in, &len) || len == 0 || len > most || len > in->len) return false;
    *out = kith_bytes_of(in->data, (size_t)len);
    drop(in, (size_t)len);
    return true;
}

static size_t put_string(uint8_t *out, struct kith_bytes s)
{
    size_t n = put(out, s.len);
    memcpy(out + n, s.data, s.len);
    return n + s.len;
}

/* ------------------------------------------------------------------------------------ frames */

bool kith_relay_is(struct kith_bytes b)
{
    return b.len > AT_KIND && memcmp(b.data, magic, sizeof magic) == 0 && b.data[AT_KIND] != 0;
}

static int parse_numbered(struct kith_bytes in, struct kith_relay_frame *f)
{
    bool ok = get_fixed(&in, &f->life, 8) && get(&in, &f->number) && get(&in, &f->age) &&
              get_string(&in, 255, &f->origin) &&
              get_string(&in, KITH_CHANNEL_NAME_LIMIT, &f->channel);
    f->body = in;
    return ok && f->life && f->number ? 0 : -KITH_EMALFORMED;
}

int kith_relay_parse(struct kith_bytes in, struct kith_relay_frame *f)
{
    if (!kith_relay_is(in) || in.len < LIST_HEAD) return -KITH_EMALFORMED;
    *f = (struct kith_relay_frame){.kind = in.data[AT_KIND]};
    if (f->kind > KITH_RELAY_GONE || f->kind < KITH_RELAY_NUMBERED ||
        (in.data[AT_FLAGS] & FLAGS_TO_KNOW))
        return -KITH_EUNSUPPORTED;
    drop(&in, LIST_HEAD);
    if (f->kind == KITH_RELAY_NUMBERED) return parse_numbered(in, f);
    f->entries = in;
    return 0;
}

int kith_relay_next(struct kith_bytes *in, struct kith_relay_entry *e)
{
    if (!in->len) return 0;
    bool ok = get_fixed(in, &e->life, 8) && get(in, &e->a) && get(in, &e->b);
    return ok ? 1 : -KITH_EMALFORMED;
}

static size_t put_head(uint8_t *out, enum kith_relay_kind kind)
{
    memcpy(out, magic, sizeof magic);
    out[AT_KIND] = (uint8_t)kind;
    out[AT_FLAGS] = 0;
    return LIST_HEAD;
}

size_t kith_relay_write(uint8_t *out, const struct kith_relay_frame *f)
{
    size_t n = put_head(out, KITH_RELAY_NUMBERED);
    n += put_fixed(out + n, f->life, 8);
    n += put(out + n, f->number);
    n += put(out + n, f->age);
    n += put_string(out + n, f->origin);
    n += put_string(out + n, f->channel);
    if (f->body.len) memcpy(out + n, f->body.data, f->body.len);
    return n + f->body.len;
}

void kith_relay_list(struct kith_relay_list *l, enum kith_relay_kind kind, size_t most)
{
    l->len = put_head(l->bytes, kind);
    l->most = most < sizeof l->bytes ? most : sizeof l->bytes;
    l->count = 0;
}

bool kith_relay_add(struct kith_relay_list *l, uint64_t life, uint64_t a, uint64_t b)
{
    if (l->len + KITH_RELAY_ENTRY > l->most) return false;
    l->len += put_fixed(l->bytes + l->len, life, 8);
    l->len += put(l->bytes + l->len, a);
    l->len += put(l->bytes + l->len, b);
    l->count++;
    return true;
}

/* ----------------------------------------------------------------------------------- trailer */

void kith_trailer_head(uint8_t *out) { memcpy(out, trailer_magic, sizeof trailer_magic); }

size_t kith_trailer_entry(uint8_t *out, const struct kith_relay_told *t)
{
    size_t n = put_fixed(out, t->life, 8);
    n += put(out + n, t->next);
    n += put(out + n, t->age);
    n += put(out + n, t->idle);
    return n + put_string(out + n, t->origin);
}

void kith_trailer_foot(uint8_t *out, size_t whole)
{
    assert(whole <= UINT32_MAX);
    put_fixed(out, whole, 4);
    memcpy(out + 4, trailer_end, sizeof trailer_end);
}

struct kith_bytes kith_trailer_split(struct kith_bytes *state)
{
    enum { AROUND = KITH_TRAILER_HEAD + KITH_TRAILER_FOOT };
    struct kith_bytes none = {0};
    if (state->len < AROUND) return none;
    const uint8_t *end = state->data + state->len;
    struct kith_bytes foot = kith_bytes_of(end - KITH_TRAILER_FOOT, 4);
    uint64_t whole = 0;
    if (memcmp(end - 4, trailer_end, sizeof trailer_end) != 0) return none;
    get_fixed(&foot, &whole, 4);
    if (whole < AROUND || whole > state->len ||
        memcmp(end - whole, trailer_magic, sizeof trailer_magic) != 0)
        return none;
    state->len -= (size_t)whole;
    return kith_bytes_of(end - whole + KITH_TRAILER_HEAD, (size_t)whole - AROUND);
}

int kith_trailer_next(struct kith_bytes *in, struct kith_relay_told *t)
{
    if (!in->len) return 0;
    bool ok = get_fixed(in, &t->life, 8) && get(in, &t->next) && get(in, &t->age) &&
              get(in, &t->idle) && get_string(in, 255, &t->origin);
    return ok && t->life ? 1 : -KITH_EMALFORMED;
}
