/*
 * network_way.c - what happens to a packet, and to a piece of a stream, on its way.
 *
 * Whole numbers, and fractions only to compare: the same on every machine.
 */
#include "network_parts.h"

#define MS     UINT64_C(1000000)
#define SECOND (1000 * MS)

enum { SEGMENT = 1400, TRIES_MAX = 15 };

/* What TCP on Linux does: how long it waits for an answer at least, beside the way there and back;
 * for the first one of a stream; at most; and when it gives up. */
static const uint64_t patience = 200 * MS, first_patience = 1000 * MS, last_patience = 120000 * MS,
                      give_up = 900000 * MS;

static bool happens(struct kith_network_endpoint *e, double p)
{
    return p > 0 && (double)(kith_network_chance(e) >> 11) * 0x1p-53 < p;
}

/* The upper half of a * b, where no type holds 128 bits. */
static uint64_t upper_product(uint64_t a, uint64_t b)
{
    uint64_t ah = a >> 32, al = (uint32_t)a, bh = b >> 32, bl = (uint32_t)b;
    uint64_t one = ah * bl + (al * bl >> 32), other = al * bh + (uint32_t)one;
    return ah * bh + (one >> 32) + (other >> 32);
}

/* a * b / 2^32 */
static uint64_t product(uint64_t a, uint64_t b) { return upper_product(a, b) << 32 | a * b >> 32; }

/* a * b / c, at most UINT64_MAX: a bit of the quotient takes the place of each that moves up. */
static uint64_t share(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t upper = upper_product(a, b), lower = a * b;
    if (!upper) return lower / c;
    if (upper >= c) return UINT64_MAX;
    for (int bit = 0; bit < 64; bit++) {
        bool carry = upper >> 63;
        upper = upper << 1 | lower >> 63;
        lower <<= 1;
        if (!carry && upper < c) continue;
        upper -= c;
        lower |= 1;
    }
    return lower;
}

/* log2(1 + x) for x in [0, 1), in 1/2^32: x and a small correction, right to 0.00015. */
static uint64_t log2_above_one(uint64_t x)
{
    uint64_t y = 1881510262 + product(344917244, product(x, x)) - product(1016590486, x);
    return x + product(product(x, (UINT64_C(1) << 32) - x), y);
}

/* Exponential with that mean: -ln(u) for u even in (0, 1]. u's leading zeros are the whole part of
 * its logarithm to 2, the bits behind the first one the rest. */
static uint64_t exponential(struct kith_network_endpoint *e, uint64_t mean)
{
    uint64_t u = kith_network_chance(e) | 1;
    unsigned zeros = (unsigned)__builtin_clzll(u);
    uint64_t rest = u << zeros << 1 >> 32;
    uint64_t log2 = ((uint64_t)(zeros + 1) << 32) - log2_above_one(rest);
    return product(mean, product(log2, 2977044472 /* ln 2 */));
}

static uint64_t travel(struct kith_network_endpoint *e, const struct kith_network_link *l)
{
    uint64_t t = l->delay;
    if (l->jitter) t += exponential(e, l->jitter);
    if (happens(e, l->reorder)) t += upper_product(kith_network_chance(e), l->reorder_late + 1);
    return t;
}

/* Time passes on a line: each lane gets all of it, or half of it while both have work. */
static void settle(struct kith_network_line *line, uint64_t rate, uint64_t now)
{
    uint64_t *work = line->work, passed = now > line->now ? now - line->now : 0;
    uint64_t less = work[0] < work[1] ? work[0] : work[1];
    uint64_t shared = passed / 2 < less ? passed / 2 : less, alone = passed - 2 * shared;
    for (int lane = 0; lane < KITH_NETWORK_LANES; lane++) {
        work[lane] -= shared;
        if (shared == less) work[lane] -= work[lane] < alone ? work[lane] : alone;
        if (line->rate != rate) work[lane] = share(work[lane], line->rate, rate);
    }
    line->rate = rate;
    line->now = now;
}

/* When len bytes more are out of it. */
static uint64_t leave(struct kith_network_line *line, enum kith_network_lane lane, size_t len)
{
    line->work[lane] += share(len, SECOND, line->rate);
    uint64_t mine = line->work[lane], other = line->work[!lane];
    return line->now + mine + (mine < other ? mine : other);
}

/* Bytes of packets that wait. */
static uint64_t waiting(const struct kith_network_line *line)
{
    return share(line->work[KITH_NETWORK_PACKETS], line->rate, SECOND);
}

int kith_network_packet(struct kith_network *net, int from, int to, size_t len, uint64_t now,
                        uint64_t at[2])
{
    struct kith_network_endpoint *e = &net->endpoints[from];
    struct kith_network_link link;
    struct kith_network_line *line = kith_network_between(net, from, to, &link);
    if (link.bandwidth) {
        settle(line, link.bandwidth, now);
        /* One may always go out. */
        if (line->work[KITH_NETWORK_PACKETS] && waiting(line) + len > link.backlog)
            return KITH_NETWORK_FULL;
        now = leave(line, KITH_NETWORK_PACKETS, len);
    }
    if (link.cut) return KITH_NETWORK_IS_CUT;
    if (happens(e, link.loss)) return KITH_NETWORK_LOST;
    at[0] = now + travel(e, &link);
    if (!happens(e, link.duplicate)) return 1;
    at[1] = now + travel(e, &link);
    return 2;
}

/* How much later a piece is all there because parts of it were lost. What others follow is missed
 * soon, and sent again one way there and back later; of the last part only a time-out tells. */
static uint64_t again(struct kith_network_endpoint *e, const struct kith_network_link *l,
                      size_t len, uint64_t wait)
{
    uint64_t late = 0;
    if (l->loss <= 0) return 0;
    for (size_t i = 0; i < len / SEGMENT; i++)
        if (happens(e, l->loss)) late = 2 * l->delay;
    for (int i = 0; i < TRIES_MAX && happens(e, l->loss); i++) {
        late += wait;
        wait = 2 * wait < last_patience ? 2 * wait : last_patience;
    }
    return late;
}

static enum kith_network_piece hold(struct kith_network_way *way, uint64_t wait, uint64_t now,
                                    uint64_t *at)
{
    if (!way->tries) way->since = now;
    if (now - way->since >= give_up) return KITH_NETWORK_BROKEN;
    for (uint32_t i = 0; i < way->tries && wait < last_patience; i++) wait *= 2;
    *at = now + (wait < last_patience ? wait : last_patience);
    way->tries++;
    return KITH_NETWORK_HELD;
}

enum kith_network_piece kith_network_piece(struct kith_network *net, int from, int to, size_t len,
                                           uint64_t now, struct kith_network_way *way, uint64_t *at)
{
    struct kith_network_endpoint *e = &net->endpoints[from];
    struct kith_network_link link;
    struct kith_network_line *line = kith_network_between(net, from, to, &link);
    uint64_t wait = (way->begun ? patience : first_patience) + 2 * (link.delay + link.jitter);
    if (link.cut || link.loss >= 1) return hold(way, wait, now, at);
    way->tries = 0;
    way->begun = true;
    if (link.bandwidth) {
        settle(line, link.bandwidth, now);
        now = leave(line, KITH_NETWORK_STREAMS, len);
    }
    *at = now + travel(e, &link) + again(e, &link, len, wait);
    if (*at < way->behind) *at = way->behind;
    way->behind = *at;
    return KITH_NETWORK_ARRIVES;
}
