/*
 * where.c - see where.h.
 */
#include "where.h"

enum { SHOWN = 200, PORT_DIGITS = 5, PORT_LAST = 65535 };

bool kith_where_cut_name(struct kith_bytes text, struct kith_bytes *name, struct kith_bytes *rest)
{
    const uint8_t *slash = text.len ? memchr(text.data, '/', text.len) : NULL;
    size_t len = slash ? (size_t)(slash - text.data) : 0;
    if (!len || len + 1 == text.len) return false;
    *name = kith_bytes_of(text.data, len);
    *rest = kith_bytes_of(slash + 1, text.len - len - 1);
    return true;
}

static int refuse(struct kith_bytes text, struct kith_error *err, const char *why)
{
    bool cut = text.len > SHOWN;
    return kith_fail(err, KITH_EINVAL, "'%.*s%s': %s", cut ? SHOWN : (int)text.len,
                     text.len ? (const char *)text.data : "", cut ? "..." : "", why);
}

static const uint8_t *last_of(struct kith_bytes text, uint8_t c)
{
    for (size_t i = text.len; i--;)
        if (text.data[i] == c) return &text.data[i];
    return NULL;
}

/* The colon before the port. An address in brackets has a port when a colon follows them; anything
 * else has one when it has exactly one colon, because more of them make an IPv6 address. */
static const uint8_t *port_of(struct kith_bytes text)
{
    const uint8_t *colon = last_of(text, ':'), *bracket = last_of(text, ']');
    if (!colon) return NULL;
    if (*text.data == '[') return colon > bracket ? colon : NULL;
    return colon == memchr(text.data, ':', text.len) ? colon : NULL;
}

static bool parse_port(const uint8_t *at, const uint8_t *end, uint16_t *port)
{
    uint32_t n = 0;
    if (at == end || end - at > PORT_DIGITS) return false;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9') return false;
        n = n * 10 + (uint32_t)(*at - '0');
    }
    *port = (uint16_t)n;
    return n <= PORT_LAST;
}

static bool is_bracket(uint8_t c) { return c == '[' || c == ']'; }

int kith_where_host(struct kith_bytes text, struct kith_bytes *host, uint16_t *port,
                    struct kith_error *err)
{
    if (!text.len) return refuse(text, err, "no host");
    if (*text.data == '[' && !memchr(text.data, ']', text.len))
        return refuse(text, err, "the bracket is not closed");
    const uint8_t *begin = text.data, *end = text.data + text.len, *colon = port_of(text);
    uint16_t written = *port;
    if (colon && !parse_port(colon + 1, end, &written))
        return refuse(text, err, "the port must be a number from 0 to 65535");
    if (colon) end = colon;
    /* memberlist strips any number of brackets */
    while (begin < end && is_bracket(*begin)) begin++;
    while (begin < end && is_bracket(end[-1])) end--;
    if (begin == end) return refuse(text, err, "no host");
    if (end - begin >= KITH_HOST_TEXT_MAX) return refuse(text, err, "the host is too long");
    *host = kith_bytes_of(begin, (size_t)(end - begin));
    *port = written;
    return 0;
}
