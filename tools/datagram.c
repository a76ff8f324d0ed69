/*
 * datagram.c - Ethernet, Linux cooked (1 and 2), loopback and raw IP frames; IPv4 without
 * fragments, IPv6 without extension headers. Knows nothing of what reads them, nor of files.
 */
#include "datagram.h"
#include <netinet/in.h>

static uint16_t be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }

/* Where the IP header begins; -1: frames of this kind can't be read. */
static int link_header(const struct kith_capture_frame *f)
{
    switch (f->link) {
    case KITH_LINK_NULL:
    case KITH_LINK_LOOP: return 4;
    case KITH_LINK_ETHERNET: return f->len > 18 && be16(f->data + 12) == 0x8100 ? 18 : 14;
    case KITH_LINK_SLL: return 16;
    case KITH_LINK_SLL2: return 20;
    case KITH_LINK_RAW:
    case KITH_LINK_IPV4:
    case KITH_LINK_IPV6: return 0;
    default: return -1;
    }
}

/* The protocol that IP carries; -1: none that can be read. */
static int read_ip(const uint8_t *ip, size_t len, struct kith_datagram *d)
{
    size_t head, total, v6 = len >= 40 && ip[0] >> 4 == 6;
    if (!v6 && (len < 20 || ip[0] >> 4 != 4)) return -1;
    if (!v6 && be16(ip + 6) & 0x3FFF) return -1; /* a fragment */
    head = v6 ? 40 : (size_t)(ip[0] & 15) * 4;
    total = v6 ? 40u + be16(ip + 4) : be16(ip + 2);
    if (head < 20 || total < head || total > len) return -1;
    d->from.len = d->to.len = v6 ? 16 : 4;
    memcpy(d->from.ip, ip + (v6 ? 8 : 12), d->from.len);
    memcpy(d->to.ip, ip + (v6 ? 24 : 16), d->to.len);
    d->bytes = kith_bytes_of(ip + head, total - head);
    return ip[v6 ? 6 : 9];
}

enum kith_datagram_kind kith_datagram_read(const struct kith_capture_frame *f,
                                           struct kith_datagram *d)
{
    enum { UDP_HEADER = 8 };
    int head = link_header(f);
    *d = (struct kith_datagram){.bytes = {NULL, 0}};
    if (head < 0) return KITH_DATAGRAM_STRANGE;
    int protocol = f->len > (size_t)head ? read_ip(f->data + head, f->len - (size_t)head, d) : -1;
    if (protocol == IPPROTO_TCP) return KITH_DATAGRAM_TCP;
    if (protocol != IPPROTO_UDP || d->bytes.len < UDP_HEADER) return KITH_DATAGRAM_SKIPPED;
    d->from.port = be16(d->bytes.data);
    d->to.port = be16(d->bytes.data + 2);
    d->bytes = kith_bytes_of(d->bytes.data + UDP_HEADER, d->bytes.len - UDP_HEADER);
    return KITH_DATAGRAM_UDP;
}
