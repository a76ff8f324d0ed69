/*
 * tags.c - tags as Serf puts them into meta, both ways: 0xFF, then a msgpack map of raw strings
 * (WIRE.md). What is read is others': it is looked at where it lies, and nothing is made from a
 * length that it claims.
 */
#include "config.h"
#include <msgpack.h>

static int pack_text(msgpack_packer *pk, struct kith_bytes text)
{
    bool full =
        msgpack_pack_v4raw(pk, text.len) || msgpack_pack_v4raw_body(pk, text.data, text.len);
    return full ? -KITH_ENOMEM : 0;
}

static int pack_tags(msgpack_packer *pk, const struct kith_pair *pairs, size_t count)
{
    if (msgpack_pack_map(pk, count)) return -KITH_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int rc = pairs[i].name.len ? pack_text(pk, pairs[i].name) : -KITH_EINVAL;
        if (rc == 0) rc = pack_text(pk, pairs[i].value);
        if (rc) return rc;
    }
    return 0;
}

int kith_meta_from_tags(const struct kith_pair *pairs, size_t count, uint8_t *out, size_t cap)
{
    msgpack_sbuffer buf;
    msgpack_packer pk;
    msgpack_sbuffer_init(&buf);
    msgpack_packer_init(&pk, &buf, msgpack_sbuffer_write);
    int rc = msgpack_sbuffer_write(&buf, "\xFF", 1) ? -KITH_ENOMEM : pack_tags(&pk, pairs, count);
    if (rc == 0 && buf.size > cap) rc = -KITH_ETOOBIG;
    if (rc == 0) memcpy(out, buf.data, buf.size);
    if (rc == 0) rc = (int)buf.size;
    msgpack_sbuffer_destroy(&buf);
    return rc;
}

/* A big-endian number of n bytes; false: there are not so many. */
static bool take_number(struct kith_tags *t, size_t n, size_t *out)
{
    if (t->rest.len < n) return false;
    *out = 0;
    for (size_t i = 0; i < n; i++) *out = *out << 8 | t->rest.data[i];
    t->rest = kith_bytes_of(t->rest.data + n, t->rest.len - n);
    return true;
}

static bool take_text(struct kith_tags *t, struct kith_bytes *out)
{
    size_t first, len;
    if (!take_number(t, 1, &first)) return false;
    if (first >> 5 == 5) /* fixraw */
        len = first & 31;
    else if (first < 0xd9 || first > 0xdb || !take_number(t, (size_t)1 << (first - 0xd9), &len))
        return false;
    if (len > t->rest.len) return false;
    *out = kith_bytes_of(t->rest.data, len);
    t->rest = kith_bytes_of(t->rest.data + len, t->rest.len - len);
    return true;
}

static bool take_map(struct kith_tags *t)
{
    size_t first;
    if (!take_number(t, 1, &first)) return false;
    t->left = first & 15;
    if (first >> 4 == 8) return true; /* fixmap */
    return (first == 0xde || first == 0xdf) && take_number(t, first == 0xde ? 2 : 4, &t->left);
}

bool kith_tags_begin(struct kith_tags *t, struct kith_bytes meta)
{
    struct kith_pair pair;
    *t = (struct kith_tags){.rest = meta};
    if (!meta.len || meta.data[0] != 0xff) return false;
    t->rest = kith_bytes_of(meta.data + 1, meta.len - 1);
    if (!take_map(t)) return false;
    struct kith_tags ahead = *t;
    while (kith_tags_next(&ahead, &pair)) {}
    return !ahead.left && !ahead.rest.len;
}

bool kith_tags_next(struct kith_tags *t, struct kith_pair *out)
{
    if (!t->left || !take_text(t, &out->name) || !take_text(t, &out->value)) return false;
    t->left--;
    return true;
}
