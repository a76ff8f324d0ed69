/*
 * tcp_streams.c - segments by connection and direction, kept as they come and sorted in the end: no
 * order in which they come costs more than another. A connection is found in a tree, and a new one
 * takes the place of an old one with the same ports.
 */
#include "tcp_streams.h"
#include <search.h>
#include <stdlib.h>

enum { STREAM_MAX = 64 << 20, HEADER = 20 };

struct segment {
    int64_t offset; /* of its first byte, from where the stream began */
    size_t at, len; /* in the bytes of all segments */
};

/*
 * One direction:
 *
 *   new      known by a segment that tells nothing
 *            -> begun   a SYN, or the first bytes that were captured
 *   begun    segments come
 *            -> replaced  a SYN that begins another one with these ports: no longer in the tree
 */
struct half {
    struct half *next;
    struct kith_half told;
    bool begun, full;
    uint32_t first;  /* sequence number of its first byte */
    int64_t highest; /* offset behind the last byte so far */
    struct segment *segments;
    size_t count, room;
    uint8_t *data;
    size_t len, cap;
};

struct kith_tcp_streams {
    void *tree; /* of struct half, by addresses */
    struct half *halves, **tail;
};

static uint16_t be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t be32(const uint8_t *p) { return (uint32_t)be16(p) << 16 | be16(p + 2); }

static int by_endpoint(const struct kith_endpoint *a, const struct kith_endpoint *b)
{
    if (a->len != b->len) return a->len < b->len ? -1 : 1;
    if (a->port != b->port) return a->port < b->port ? -1 : 1;
    return memcmp(a->ip, b->ip, a->len);
}

static int by_addresses(const void *x, const void *y)
{
    const struct half *a = x, *b = y;
    int order = by_endpoint(&a->told.from, &b->told.from);
    return order ? order : by_endpoint(&a->told.to, &b->told.to);
}

static int by_offset(const void *x, const void *y)
{
    const struct segment *a = x, *b = y;
    if (a->offset != b->offset) return a->offset < b->offset ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at; /* the first to come */
}

static void half_free(struct half *h)
{
    free(h->segments);
    free(h->data);
    free(h);
}

static struct half *half_new(struct kith_tcp_streams *s, const struct half *like)
{
    struct half *h = calloc(1, sizeof *h);
    if (!h) return NULL;
    h->told = like->told;
    if (!tsearch(h, &s->tree, by_addresses)) {
        free(h);
        return NULL;
    }
    *s->tail = h;
    s->tail = &h->next;
    return h;
}

static struct half *half_of(struct kith_tcp_streams *s, const struct half *like)
{
    struct half **found = tfind(like, &s->tree, by_addresses);
    return found ? *found : half_new(s, like);
}

static bool reserve(struct half *h, size_t len)
{
    if (h->count == h->room) {
        size_t room = h->room ? 2 * h->room : 4;
        struct segment *more = realloc(h->segments, room * sizeof *more);
        if (!more) return false;
        h->segments = more;
        h->room = room;
    }
    if (h->len + len <= h->cap) return true;
    size_t cap = 2 * h->cap + len;
    uint8_t *more = realloc(h->data, cap);
    if (!more) return false;
    h->data = more;
    h->cap = cap;
    return true;
}

/* Kept, where it belongs: sequence numbers go round, so it is the place next to the newest. */
static void keep(struct half *h, uint32_t seq, struct kith_bytes bytes)
{
    int64_t offset = h->highest + (int32_t)(seq - h->first - (uint32_t)h->highest);
    if (h->len + bytes.len > STREAM_MAX || !reserve(h, bytes.len)) {
        h->full = true;
        return;
    }
    h->segments[h->count++] = (struct segment){offset, h->len, bytes.len};
    memcpy(h->data + h->len, bytes.data, bytes.len);
    h->len += bytes.len;
    int64_t end = offset + (int64_t)bytes.len;
    if (end > h->highest) h->highest = end;
}

void kith_tcp_streams_add(struct kith_tcp_streams *s, uint64_t at, struct kith_endpoint *from,
                          struct kith_endpoint *to, struct kith_bytes segment)
{
    const uint8_t *p = segment.data;
    if (segment.len < HEADER) return;
    size_t head = (size_t)(p[12] >> 4) * 4;
    bool syn = p[13] & 2, ack = p[13] & 16;
    uint32_t seq = be32(p + 4);
    if (head < HEADER || head > segment.len || (!syn && head == segment.len)) return;
    from->port = be16(p);
    to->port = be16(p + 2);
    struct half like = {.told = {.from = *from, .to = *to, .began = at}};
    struct half *h = half_of(s, &like);
    if (h && syn && h->count && h->first != seq + 1) { /* another connection */
        tdelete(h, &s->tree, by_addresses);
        h = half_new(s, &like);
    }
    if (!h) return;
    if (!h->begun || (syn && !h->count)) {
        h->begun = true;
        h->first = syn ? seq + 1 : seq;
        h->told.opener = syn && !ack;
    }
    if (head < segment.len && !syn) keep(h, seq, kith_bytes_of(p + head, segment.len - head));
}

/* The bytes that follow each other from the first one on, in place of the segments. */
static void put_together(struct half *h)
{
    uint8_t *out = h->len ? malloc(h->len) : NULL;
    size_t len = 0;
    if (h->count) qsort(h->segments, h->count, sizeof *h->segments, by_offset);
    for (size_t i = 0; out && i < h->count; i++) {
        const struct segment *g = &h->segments[i];
        int64_t known = (int64_t)len - g->offset;
        h->told.holes = known < 0;
        if (known < 0) break;
        if (known >= (int64_t)g->len) continue;
        memcpy(out + len, h->data + g->at + known, g->len - (size_t)known);
        len += g->len - (size_t)known;
    }
    h->told.holes |= h->full || (h->len && !out);
    h->told.bytes = kith_bytes_of(out, len);
    free(h->data);
    h->data = out;
}

void kith_tcp_streams_each(struct kith_tcp_streams *s,
                           void (*fn)(void *arg, const struct kith_half *), void *arg)
{
    for (struct half *h; (h = s->halves); half_free(h)) {
        s->halves = h->next;
        put_together(h);
        fn(arg, &h->told);
        struct half **found = tfind(h, &s->tree, by_addresses);
        if (found && *found == h) tdelete(h, &s->tree, by_addresses);
    }
    s->tail = &s->halves;
}

struct kith_tcp_streams *kith_tcp_streams_new(void)
{
    struct kith_tcp_streams *s = calloc(1, sizeof *s);
    if (s) s->tail = &s->halves;
    return s;
}

static void drop(void *arg, const struct kith_half *half) {}

void kith_tcp_streams_free(struct kith_tcp_streams *s)
{
    if (!s) return;
    kith_tcp_streams_each(s, drop, NULL);
    free(s);
}
