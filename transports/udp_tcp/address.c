/*
 * address.c - addresses as text, as the node's kith_addr and as the system's sockaddr. Resolves
 * nothing.
 *
 * On the wire an address is 4 or 16 bytes. An IPv4 address in IPv6's clothes (::ffff:a.b.c.d) is
 * the same place as its short form and is shortened wherever it becomes ours: one node must not
 * appear as two.
 */
#include "udp_tcp.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>

enum { NAME_MAX_LEN = 255 }; /* of DNS */

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

socklen_t kith_ut_sockaddr_len(const union kith_ut_sockaddr *a)
{
    return a->sa.sa_family == AF_INET ? sizeof a->in : sizeof a->in6;
}

uint16_t kith_ut_port(const union kith_ut_sockaddr *a)
{
    return ntohs(a->sa.sa_family == AF_INET ? a->in.sin_port : a->in6.sin6_port);
}

void kith_ut_set_port(union kith_ut_sockaddr *a, uint16_t port)
{
    if (a->sa.sa_family == AF_INET)
        a->in.sin_port = htons(port);
    else
        a->in6.sin6_port = htons(port);
}

bool kith_ut_wildcard(const union kith_ut_sockaddr *a)
{
    return a->sa.sa_family == AF_INET ? a->in.sin_addr.s_addr == INADDR_ANY
                                      : IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

bool kith_ut_to_sockaddr(const struct kith_addr *addr, union kith_ut_sockaddr *out)
{
    const uint8_t *bytes = addr->bytes;
    uint8_t len = addr->len;
    memset(out, 0, sizeof *out);
    if (len == 16 && memcmp(bytes, mapped, sizeof mapped) == 0) {
        bytes += 12;
        len = 4;
    }
    if (len == 4) {
        out->in.sin_family = AF_INET;
        memcpy(&out->in.sin_addr, bytes, 4);
    } else if (len == 16) {
        out->in6.sin6_family = AF_INET6;
        memcpy(&out->in6.sin6_addr, bytes, 16);
    } else {
        return false;
    }
    kith_ut_set_port(out, addr->port);
    return true;
}

void kith_ut_from_sockaddr(const union kith_ut_sockaddr *a, struct kith_addr *out)
{
    const uint8_t *v6 = a->in6.sin6_addr.s6_addr;
    memset(out, 0, sizeof *out);
    out->port = kith_ut_port(a);
    if (a->sa.sa_family == AF_INET) {
        out->len = 4;
        memcpy(out->bytes, &a->in.sin_addr, 4);
    } else if (memcmp(v6, mapped, sizeof mapped) == 0) {
        out->len = 4;
        memcpy(out->bytes, v6 + 12, 4);
    } else {
        out->len = 16;
        memcpy(out->bytes, v6, 16);
    }
}

const char *kith_ut_text(const union kith_ut_sockaddr *a, char out[KITH_UT_HOST_MAX])
{
    char ip[INET6_ADDRSTRLEN];
    unsigned port = kith_ut_port(a);
    if (a->sa.sa_family == AF_INET) {
        inet_ntop(AF_INET, &a->in.sin_addr, ip, sizeof ip);
        snprintf(out, KITH_UT_HOST_MAX, "%s:%u", ip, port);
    } else {
        inet_ntop(AF_INET6, &a->in6.sin6_addr, ip, sizeof ip);
        snprintf(out, KITH_UT_HOST_MAX, "[%s]:%u", ip, port);
    }
    return out;
}

/* The digits of a port, all of them and nothing else. */
static bool read_port(struct kith_bytes digits, uint16_t *port)
{
    unsigned long n = 0;
    if (!digits.len || digits.len > 5) return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (!isdigit(digits.data[i])) return false;
        n = n * 10 + (digits.data[i] - '0');
    }
    *port = (uint16_t)n;
    return n <= UINT16_MAX;
}

int kith_ut_split(struct kith_bytes text, struct kith_bytes *host, uint16_t *port)
{
    *host = text;
    if (!text.len) return 0;
    const uint8_t *end = text.data + text.len, *colon = memchr(text.data, ':', text.len);
    const uint8_t *digits = NULL;
    if (*text.data == '[') {
        const uint8_t *close = memchr(text.data, ']', text.len);
        if (!close || !colon || colon > close) return -KITH_EINVAL;
        *host = kith_bytes_of(text.data + 1, (size_t)(close - text.data - 1));
        if (close + 1 == end) return 0;
        if (close[1] != ':') return -KITH_EINVAL;
        digits = close + 2;
    } else if (colon && !memchr(colon + 1, ':', (size_t)(end - colon - 1))) {
        host->len = (size_t)(colon - text.data);
        digits = colon + 1;
    } /* more than one: an IPv6 address without port */
    if (!digits) return 0;
    return read_port(kith_bytes_of(digits, (size_t)(end - digits)), port) ? 0 : -KITH_EINVAL;
}

int kith_ut_literal(struct kith_bytes host, uint16_t port, union kith_ut_sockaddr *out)
{
    char ip[KITH_UT_HOST_MAX];
    memset(out, 0, sizeof *out);
    if (host.len >= sizeof ip || memchr(host.data, 0, host.len)) return -KITH_EINVAL;
    memcpy(ip, host.data, host.len);
    ip[host.len] = 0;
    if (inet_pton(AF_INET, ip, &out->in.sin_addr) == 1) {
        out->in.sin_family = AF_INET;
    } else {
        char *scope = strchr(ip, '%');
        if (scope) *scope++ = 0;
        if (*ip && inet_pton(AF_INET6, ip, &out->in6.sin6_addr) != 1) return -KITH_EINVAL;
        if (scope && !(out->in6.sin6_scope_id = if_nametoindex(scope))) return -KITH_EINVAL;
        out->in6.sin6_family = AF_INET6;
    }
    kith_ut_set_port(out, port);
    return 0;
}

int kith_ut_parse(void *self, struct kith_bytes text, struct kith_addr *out,
                  struct kith_bytes *host)
{
    union kith_ut_sockaddr sa;
    struct kith_bytes name;
    uint16_t port = 0;
    if (kith_ut_split(text, &name, &port) || !name.len) return -KITH_EINVAL;
    if (kith_ut_literal(name, port, &sa) == 0) {
        kith_ut_from_sockaddr(&sa, out);
        return 0;
    }
    if (name.len > NAME_MAX_LEN) return -KITH_EINVAL;
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum(name.data[i]) && !memchr("-_.", name.data[i], 3)) return -KITH_EINVAL;
    memset(out, 0, sizeof *out);
    out->port = port;
    *host = name;
    return -KITH_ENAME;
}

int kith_ut_format(void *self, const struct kith_addr *a, char *out, size_t cap)
{
    char host[2 * KITH_ADDR_MAX + 1];
    if (a->len == 4 || a->len == 16) {
        inet_ntop(a->len == 4 ? AF_INET : AF_INET6, a->bytes, host, sizeof host);
    } else {
        /* Somebody else's transport. */
        *host = 0;
        for (int i = 0; i < a->len && i < KITH_ADDR_MAX; i++)
            snprintf(host + 2 * i, 3, "%02x", a->bytes[i]);
    }
    if (!a->port) return snprintf(out, cap, "%s", host);
    return snprintf(out, cap, a->len == 16 ? "[%s]:%u" : "%s:%u", host, a->port);
}
