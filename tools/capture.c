/*
 * capture.c - capture files of both kinds: pcap, and pcapng, which tcpdump and Wireshark write
 * today (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng). Knows nothing of what is in a frame.
 *
 * Every length in a file is somebody's claim: it is compared before anything is read or kept.
 */
#include "capture.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A block holds one frame and its options; what captures write has 256 KiB a frame at most. */
enum { FRAME_MAX = 1 << 18, BLOCK_MAX = FRAME_MAX + (1 << 16), INTERFACES_MAX = 4096 };
#define SECOND UINT64_C(1000000000)

enum { /* blocks of pcapng */
       BLOCK_SECTION = 0x0A0D0D0A,
       BLOCK_INTERFACE = 1,
       BLOCK_OLD_PACKET = 2,
       BLOCK_SIMPLE_PACKET = 3,
       BLOCK_PACKET = 6
};

struct interface {
    uint32_t link;
    uint64_t ticks; /* a second */
    uint64_t offset;
};

struct kith_capture {
    FILE *in;
    uint64_t at; /* how far it has been read */
    bool swapped, ng;
    /* pcap: one kind of link, one unit of time. */
    struct interface one;
    /* pcapng: those of the section. */
    struct interface *interfaces;
    size_t count;
    uint8_t *block;
};

static int broken(char why[200], const struct kith_capture *c, const char *what)
{
    snprintf(why, 200, "capture: %s, at offset %llu", what, (unsigned long long)c->at);
    return -1;
}

static uint32_t get32(const struct kith_capture *c, const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return c->swapped ? __builtin_bswap32(v) : v;
}

static uint16_t get16(const struct kith_capture *c, const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return c->swapped ? __builtin_bswap16(v) : v;
}

/* 1: all of it; 0: the file has ended before it; -1: in the middle. */
static int take(struct kith_capture *c, void *out, size_t len)
{
    size_t got = fread(out, 1, len, c->in);
    c->at += got;
    return got == len ? 1 : got ? -1 : 0;
}

/* ticks of `unit` a second, as ns; without a step in which a number could wrap. */
static uint64_t nanoseconds(uint64_t ticks, uint64_t unit)
{
    uint64_t seconds = ticks / unit, rest = ticks % unit;
    if (seconds > UINT64_MAX / SECOND - 1) return 0;
    return seconds * SECOND + (uint64_t)((double)rest / (double)unit * 1e9);
}

/* --------------------------------------------------------------------------------------- pcap */

static int pcap_next(struct kith_capture *c, struct kith_capture_frame *out, char why[200])
{
    uint8_t head[16];
    int rc = take(c, head, sizeof head);
    if (rc <= 0) return rc ? broken(why, c, "ends in a frame") : 0;
    uint32_t len = get32(c, head + 8);
    if (len > FRAME_MAX || take(c, c->block, len) < (len ? 1 : 0))
        return broken(why, c, "ends in a frame");
    uint64_t fraction = get32(c, head + 4);
    *out = (struct kith_capture_frame){.link = c->one.link,
                                       .at = get32(c, head) * SECOND +
                                             nanoseconds(fraction, c->one.ticks),
                                       .data = c->block,
                                       .len = len};
    return 1;
}

static bool pcap_open(struct kith_capture *c, uint32_t magic, char why[200])
{
    uint8_t rest[20];
    bool nanos = magic == 0xA1B23C4D || magic == 0x4D3CB2A1;
    c->swapped = magic == 0xD4C3B2A1 || magic == 0x4D3CB2A1;
    if (!nanos && !c->swapped && magic != 0xA1B2C3D4) {
        snprintf(why, 200, "neither a pcap nor a pcapng file");
        return false;
    }
    if (take(c, rest, sizeof rest) != 1) return broken(why, c, "ends in its header") == 0;
    c->one = (struct interface){get32(c, rest + 16) & 0x0FFFFFFF, nanos ? SECOND : 1000000, 0};
    return true;
}

/* ------------------------------------------------------------------------------------- pcapng */

/* Units of time are the only option that changes what we show: 10^-n, or 2^-n. */
static void read_options(const struct kith_capture *c, struct interface *i, const uint8_t *p,
                         size_t len)
{
    enum { END = 0, RESOLUTION = 9, OFFSET = 14 };
    for (size_t size; len >= 4; p += 4 + size, len -= 4 + size) {
        uint16_t code = get16(c, p), real = get16(c, p + 2);
        size = (real + 3u) & ~3u;
        if (code == END || size > len - 4) return;
        uint8_t power = real ? p[4] & 127 : 0;
        if (code == RESOLUTION && real == 1 && power <= (p[4] & 128 ? 63 : 19)) {
            i->ticks = 1;
            for (unsigned n = 0; n < power; n++) i->ticks *= p[4] & 128 ? 2 : 10;
        }
        if (code == OFFSET && real == 8) /* two words, in the file's order of bytes */
            memcpy(&i->offset, p + 4, 8);
    }
}

static int add_interface(struct kith_capture *c, size_t len, char why[200])
{
    if (len < 8) return broken(why, c, "an interface without a kind of link");
    if (c->count == INTERFACES_MAX) return broken(why, c, "more interfaces than anybody has");
    struct interface *more = realloc(c->interfaces, (c->count + 1) * sizeof *more);
    if (!more) return broken(why, c, "out of memory");
    c->interfaces = more;
    struct interface *i = &more[c->count++];
    *i = (struct interface){.link = get16(c, c->block), .ticks = 1000000};
    read_options(c, i, c->block + 8, len - 8);
    if (c->swapped) i->offset = __builtin_bswap64(i->offset);
    return 0;
}

/* The frame in a block of len bytes: 1, or 0 when the block is none. */
static int frame_in(struct kith_capture *c, uint32_t type, size_t len,
                    struct kith_capture_frame *out, char why[200])
{
    const uint8_t *p = c->block;
    size_t head = type == BLOCK_SIMPLE_PACKET ? 4 : 20;
    if (type != BLOCK_PACKET && type != BLOCK_OLD_PACKET && type != BLOCK_SIMPLE_PACKET) return 0;
    if (len < head) return broken(why, c, "a frame's block is too short");
    uint32_t which = type == BLOCK_PACKET       ? get32(c, p)
                     : type == BLOCK_OLD_PACKET ? get16(c, p)
                                                : 0;
    if (which >= c->count) return broken(why, c, "a frame of an interface that is not there");
    const struct interface *i = &c->interfaces[which];
    uint32_t size = type == BLOCK_SIMPLE_PACKET ? get32(c, p) : get32(c, p + 12);
    if (size > len - head && type == BLOCK_SIMPLE_PACKET) size = (uint32_t)(len - head); /* cut */
    if (size > len - head) return broken(why, c, "a frame is longer than its block");
    *out = (struct kith_capture_frame){.link = i->link, .data = p + head, .len = size};
    if (type != BLOCK_SIMPLE_PACKET)
        out->at = nanoseconds((uint64_t)get32(c, p + 4) << 32 | get32(c, p + 8), i->ticks) +
                  i->offset * SECOND;
    return 1;
}

/* A section begins: its order of bytes, and interfaces of its own. `length` as it stands there. */
static int begin_section(struct kith_capture *c, uint8_t length[4], uint32_t *left, char why[200])
{
    uint8_t magic[4];
    uint32_t order;
    if (take(c, magic, 4) != 1) return broken(why, c, "ends in a section's header");
    memcpy(&order, magic, 4);
    if (order != 0x1A2B3C4D && order != 0x4D3C2B1A)
        return broken(why, c, "a section's order of bytes is unknown");
    c->swapped = order == 0x4D3C2B1A;
    c->count = 0;
    *left = get32(c, length) - 12;
    return 0;
}

/* A block: its type, and what is between its lengths, in c->block. 0: there are no more. */
static int take_block(struct kith_capture *c, uint32_t *type, size_t *len, char why[200])
{
    uint8_t head[8];
    int rc = take(c, head, sizeof head);
    if (rc <= 0) return rc ? broken(why, c, "ends in a block") : 0;
    *type = get32(c, head); /* that of a section reads the same both ways */
    uint32_t left = get32(c, head + 4) - 8;
    if (*type == BLOCK_SECTION && begin_section(c, head + 4, &left, why)) return -1;
    if (left < 4 || left % 4 || left > BLOCK_MAX)
        return broken(why, c, "a block's length is wrong");
    if (take(c, c->block, left) != 1) return broken(why, c, "ends in a block");
    *len = left - 4;
    return 1;
}

static int pcapng_next(struct kith_capture *c, struct kith_capture_frame *out, char why[200])
{
    uint32_t type = 0;
    size_t len = 0;
    for (int rc; (rc = take_block(c, &type, &len, why)) != 0;) {
        if (rc > 0)
            rc = type == BLOCK_INTERFACE ? add_interface(c, len, why)
                                         : frame_in(c, type, len, out, why);
        if (rc) return rc;
    }
    return 0;
}

/* ----------------------------------------------------------------------------------- the file */

static bool begin(struct kith_capture *c, char why[200])
{
    uint8_t head[4];
    uint32_t magic = 0;
    c->at = 0;
    c->count = 0;
    if (take(c, head, 4) == 1) memcpy(&magic, head, 4);
    c->ng = magic == BLOCK_SECTION;
    if (!c->ng) return pcap_open(c, magic, why);
    /* The rest of the first block, as if it had been read from its beginning. */
    uint8_t length[4];
    uint32_t left;
    if (take(c, length, 4) != 1 || begin_section(c, length, &left, why))
        return broken(why, c, "ends in its header") == 0;
    if (left < 4 || left > BLOCK_MAX || take(c, c->block, left) != 1)
        return broken(why, c, "ends in its header") == 0;
    return true;
}

struct kith_capture *kith_capture_open(const char *path, char why[200])
{
    struct kith_capture *c = calloc(1, sizeof *c);
    snprintf(why, 200, "out of memory");
    if (!c) return NULL;
    c->in = strcmp(path, "-") ? fopen(path, "rb") : stdin;
    if (!c->in)
        snprintf(why, 200, "%s", strerror(errno));
    else if ((c->block = malloc(BLOCK_MAX)) && begin(c, why))
        return c;
    kith_capture_close(c);
    return NULL;
}

int kith_capture_next(struct kith_capture *c, struct kith_capture_frame *out, char why[200])
{
    return c->ng ? pcapng_next(c, out, why) : pcap_next(c, out, why);
}

bool kith_capture_rewind(struct kith_capture *c)
{
    char why[200];
    return !fseek(c->in, 0, SEEK_SET) && begin(c, why);
}

void kith_capture_close(struct kith_capture *c)
{
    if (!c) return;
    if (c->in && c->in != stdin) fclose(c->in);
    free(c->interfaces);
    free(c->block);
    free(c);
}
