/*
 * dissect_pcap.c - a capture file (libpcap's classic format, as tcpdump -w writes it): every UDP
 * packet, and every TCP stream put together again, one line each with its layers and their sizes.
 *
 * Reads Ethernet, Linux cooked (1 and 2), loopback and raw IP captures; IPv4 without fragments,
 * IPv6 without extension headers. What can't be read that way is counted and said at the end.
 */
#include "dissect.h"
#include "fail.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_FRAME = 1 << 18, MAX_STREAM = 64 << 20 };
enum {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW = 101,
    LINK_SLL = 113,
    LINK_LOOP = 108,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_SLL2 = 276
};

struct endpoint {
    uint8_t ip[16], len;
    uint16_t port;
};

/* One direction of a TCP connection: its bytes as far as they follow each other, and segments that
 * came early. */
struct half {
    struct half *next;
    struct endpoint from, to;
    double began;
    uint32_t expected; /* sequence number of the next byte */
    bool opener, started, lost;
    uint8_t *data;
    size_t len, cap;
    struct early {
        struct early *next;
        uint32_t seq;
        size_t len;
        uint8_t data[];
    } * early;
};

struct capture {
    FILE *in;
    bool swapped, nanos;
    uint32_t link;
    struct half *halves, **tail;
    size_t skipped;
    struct kith_dissector *dissector;
    bool json;
    size_t failed;
};

/* ---------------------------------------------------------------------------------- the file */

static uint32_t get32(const struct capture *c, const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return c->swapped ? __builtin_bswap32(v) : v;
}

static uint16_t be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t be32(const uint8_t *p) { return (uint32_t)be16(p) << 16 | be16(p + 2); }

static bool is_link(uint32_t link)
{
    static const uint32_t links[] = {LINK_NULL, LINK_ETHERNET, LINK_RAW,  LINK_LOOP,
                                     LINK_SLL,  LINK_SLL2,     LINK_IPV4, LINK_IPV6};
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (links[i] == link) return true;
    return false;
}

static int open_capture(struct capture *c, const char *path)
{
    uint8_t head[24];
    if (!(c->in = fopen(path, "rb")))
        return kith_tool_fail("dissect", KITH_EXIT_FAILED, "%s can't be opened", path);
    uint32_t magic = 0;
    if (fread(head, 1, sizeof head, c->in) == sizeof head) memcpy(&magic, head, 4);
    if (magic == 0x0A0D0D0A)
        return kith_tool_fail("dissect", KITH_EXIT_FAILED,
                              "%s is pcapng; editcap -F pcap turns it into a pcap file", path);
    c->swapped = magic == 0xD4C3B2A1 || magic == 0x4D3CB2A1;
    c->nanos = magic == 0xA1B23C4D || magic == 0x4D3CB2A1;
    if (!c->swapped && !c->nanos && magic != 0xA1B2C3D4)
        return kith_tool_fail("dissect", KITH_EXIT_FAILED, "%s is not a pcap file, at offset 0",
                              path);
    c->link = get32(c, head + 20) & 0x0FFFFFFF;
    if (!is_link(c->link))
        return kith_tool_fail(
            "dissect", KITH_EXIT_FAILED,
            "%s: frames of link type %u can't be read; of Ethernet (1), Linux "
            "cooked (113, 276), loopback (0, 108) and raw IP (101, 228, 229) they "
            "can",
            path, c->link);
    return 0;
}

/* Where the IP header begins; frames of other kinds give NULL. */
static const uint8_t *ip_of(const struct capture *c, const uint8_t *frame, size_t len)
{
    size_t skip;
    switch (c->link) {
    case LINK_NULL:
    case LINK_LOOP: skip = 4; break;
    case LINK_ETHERNET: skip = len > 18 && be16(frame + 12) == 0x8100 ? 18 : 14; break;
    case LINK_SLL: skip = 16; break;
    case LINK_SLL2: skip = 20; break;
    default: skip = 0;
    }
    return len > skip ? frame + skip : NULL;
}

/* ---------------------------------------------------------------------------------- one line */

static void endpoint_text(const struct endpoint *e, char out[64])
{
    char ip[INET6_ADDRSTRLEN] = "?";
    inet_ntop(e->len == 4 ? AF_INET : AF_INET6, e->ip, ip, sizeof ip);
    snprintf(out, 64, e->len == 4 ? "%s:%u" : "[%s]:%u", ip, e->port);
}

static void print_one(struct capture *c, double at, const struct endpoint *from,
                      const struct endpoint *to, const char *plane, struct kith_bytes bytes,
                      bool stream, bool reply)
{
    struct kith_dissect_error err = {""};
    char a[64], b[64], stamp[32];
    json_t *result;
    int rc = kith_dissect(c->dissector, bytes, stream, reply, &result, &err);
    c->failed += rc != 0;
    endpoint_text(from, a);
    endpoint_text(to, b);
    if (c->json) {
        json_object_set_new(result, "time", json_real(at));
        json_object_set_new(result, "from", json_string(a));
        json_object_set_new(result, "to", json_string(b));
        json_object_set_new(result, "plane", json_string(plane));
        json_object_set_new(result, "bytes", json_integer((json_int_t)bytes.len));
        if (rc) json_object_set_new(result, "error", json_string(err.text));
        json_dumpf(result, stdout, JSON_COMPACT);
    } else {
        time_t seconds = (time_t)at;
        struct tm tm;
        gmtime_r(&seconds, &tm);
        strftime(stamp, sizeof stamp, "%H:%M:%S", &tm);
        char *line = kith_dissect_line(result);
        printf("%s.%06d %s > %s %s %zu: %s", stamp, (int)((at - (double)seconds) * 1e6), a, b,
               plane, bytes.len, line ? line : "");
        if (rc) printf("%s! %s", line && *line ? " " : "", err.text);
        free(line);
    }
    putchar('\n');
    json_decref(result);
}

/* --------------------------------------------------------------------------------------- TCP */

static struct half *half_of(struct capture *c, const struct endpoint *from,
                            const struct endpoint *to, double at)
{
    for (struct half *h = c->halves; h; h = h->next)
        if (!memcmp(&h->from, from, sizeof *from) && !memcmp(&h->to, to, sizeof *to)) return h;
    struct half *h = calloc(1, sizeof *h);
    if (!h) return NULL;
    h->from = *from;
    h->to = *to;
    h->began = at;
    *c->tail = h;
    c->tail = &h->next;
    return h;
}

static void append(struct half *h, const uint8_t *data, size_t len)
{
    if (h->len + len > MAX_STREAM) {
        h->lost = true;
        return;
    }
    if (h->len + len > h->cap) {
        size_t cap = 2 * h->cap + len;
        uint8_t *more = realloc(h->data, cap);
        if (!more) return;
        h->data = more;
        h->cap = cap;
    }
    memcpy(h->data + h->len, data, len);
    h->len += len;
    h->expected += (uint32_t)len;
}

/* The part of a segment that was not there yet; false when it begins beyond what we have. */
static bool take(struct half *h, uint32_t seq, const uint8_t *data, size_t len)
{
    int32_t ahead = (int32_t)(seq - h->expected);
    if (ahead > 0) return false;
    size_t known = (size_t)(-(int64_t)ahead);
    if (known < len) append(h, data + known, len - known);
    return true;
}

static void keep_early(struct half *h, uint32_t seq, const uint8_t *data, size_t len)
{
    struct early *e = malloc(sizeof *e + len);
    if (!e) return;
    e->seq = seq;
    e->len = len;
    memcpy(e->data, data, len);
    e->next = h->early;
    h->early = e;
}

static void drain_early(struct half *h)
{
    for (struct early **e = &h->early; *e;) {
        struct early *this = *e;
        if (!take(h, this->seq, this->data, this->len)) {
            e = &this->next;
            continue;
        }
        *e = this->next;
        free(this);
        e = &h->early;
    }
}

/* Where the bytes of this direction begin: behind a SYN, or in the middle when the capture began
 * later. A second SYN before any byte begins anew. */
static void begin(struct half *h, uint32_t seq, bool syn, bool ack)
{
    if (syn && h->expected != seq + 1 && !h->len) h->started = false;
    if (h->started) return;
    h->started = true;
    h->expected = syn ? seq + 1 : seq;
    h->opener = syn && !ack;
}

static void on_tcp(struct capture *c, double at, struct endpoint *from, struct endpoint *to,
                   const uint8_t *p, size_t len)
{
    if (len < 20) return;
    size_t head = (size_t)(p[12] >> 4) * 4;
    bool syn = p[13] & 2, ack = p[13] & 16;
    uint32_t seq = be32(p + 4);
    from->port = be16(p);
    to->port = be16(p + 2);
    struct half *h = half_of(c, from, to, at);
    if (!h || head < 20 || head > len) return;
    begin(h, seq, syn, ack);
    if (syn || head == len) return;
    if (take(h, seq, p + head, len - head))
        drain_early(h);
    else
        keep_early(h, seq, p + head, len - head);
}

static void print_streams(struct capture *c)
{
    while (c->halves) {
        struct half *h = c->halves;
        c->halves = h->next;
        bool reply = !h->opener;
        if (h->len)
            print_one(c, h->began, &h->from, &h->to, reply ? "tcp reply" : "tcp",
                      kith_bytes_of(h->data, h->len), true, reply);
        if (h->early || h->lost)
            fprintf(stderr,
                    "kith dissect: a stream has holes: some of its segments were not captured\n");
        while (h->early) {
            struct early *e = h->early;
            h->early = e->next;
            free(e);
        }
        free(h->data);
        free(h);
    }
}

/* ------------------------------------------------------------------------------------ frames */

/* Transport header and length behind an IP header, with both addresses; NULL when it is not for us.
 */
static const uint8_t *transport_of(const uint8_t *ip, size_t len, uint8_t *protocol,
                                   struct endpoint *from, struct endpoint *to, size_t *left)
{
    size_t head, total;
    if (len >= 20 && ip[0] >> 4 == 4) {
        head = (size_t)(ip[0] & 15) * 4;
        total = be16(ip + 2);
        if (be16(ip + 6) & 0x3FFF) return NULL; /* a fragment */
        *protocol = ip[9];
        from->len = to->len = 4;
        memcpy(from->ip, ip + 12, 4);
        memcpy(to->ip, ip + 16, 4);
    } else if (len >= 40 && ip[0] >> 4 == 6) {
        head = 40;
        total = 40u + be16(ip + 4);
        *protocol = ip[6];
        from->len = to->len = 16;
        memcpy(from->ip, ip + 8, 16);
        memcpy(to->ip, ip + 24, 16);
    } else {
        return NULL;
    }
    if (total < head || total > len) return NULL;
    *left = total - head;
    return ip + head;
}

static void on_frame(struct capture *c, double at, const uint8_t *frame, size_t len)
{
    struct endpoint from = {{0}}, to = {{0}};
    uint8_t protocol;
    size_t left;
    const uint8_t *ip = ip_of(c, frame, len), *p = NULL;
    if (ip) p = transport_of(ip, len - (size_t)(ip - frame), &protocol, &from, &to, &left);
    if (p && protocol == IPPROTO_UDP && left >= 8) {
        from.port = be16(p);
        to.port = be16(p + 2);
        print_one(c, at, &from, &to, "udp", kith_bytes_of(p + 8, left - 8), false, false);
    } else if (p && protocol == IPPROTO_TCP) {
        on_tcp(c, at, &from, &to, p, left);
    } else {
        c->skipped++;
    }
}

static int read_frames(struct capture *c, const char *path, bool find_label, char label[256])
{
    static uint8_t frame[MAX_FRAME];
    uint8_t head[16];
    for (size_t got; (got = fread(head, 1, sizeof head, c->in)) > 0;) {
        uint32_t len = got == sizeof head ? get32(c, head + 8) : UINT32_MAX;
        if (len > MAX_FRAME || fread(frame, 1, len, c->in) != len)
            return kith_tool_fail("dissect", KITH_EXIT_FAILED,
                                  "%s: capture: ends in a frame, at offset %ld", path,
                                  ftell(c->in));
        double at = get32(c, head) + get32(c, head + 4) / (c->nanos ? 1e9 : 1e6);
        if (!find_label) {
            on_frame(c, at, frame, len);
            continue;
        }
        struct endpoint from = {{0}}, to = {{0}};
        uint8_t protocol;
        size_t left;
        const uint8_t *ip = ip_of(c, frame, len),
                      *p = ip ? transport_of(ip, len - (size_t)(ip - frame), &protocol, &from, &to,
                                             &left)
                              : NULL;
        if (p && protocol == IPPROTO_UDP && left > 8 &&
            kith_dissect_label(kith_bytes_of(p + 8, left - 8), label))
            break;
    }
    return KITH_EXIT_OK;
}

int kith_dissect_pcap(const char *path, struct kith_dissect_setup *setup, bool json)
{
    struct capture c = {.json = json};
    struct kith_error err = {.size = sizeof err};
    char label[256];
    c.tail = &c.halves;
    int code = open_capture(&c, path);
    if (code) goto out;
    /* The label is part of what is authenticated: without one given, the first one that is seen. */
    if (!setup->label) {
        *label = 0;
        code = read_frames(&c, path, true, label);
        if (code) goto out;
        if (*label) setup->label = label;
        fseek(c.in, 24, SEEK_SET);
    }
    if (!(c.dissector = kith_dissector_new(setup, &err))) {
        code = kith_tool_fail("dissect", KITH_EXIT_USAGE, "%s", err.text);
        goto out;
    }
    code = read_frames(&c, path, false, NULL);
    print_streams(&c);
    if (c.skipped)
        fprintf(stderr, "kith dissect: %zu frames are neither UDP nor TCP, or fragments\n",
                c.skipped);
    if (c.failed)
        fprintf(stderr, "kith dissect: %zu packets or streams could not be read to their end\n",
                c.failed);
    if (!code && c.failed) code = KITH_EXIT_FAILED;
out:
    kith_dissector_free(c.dissector);
    if (c.in) fclose(c.in);
    return code;
}
