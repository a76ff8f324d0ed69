/*
 * where.c - reads `[name/]host[:port]` as memberlist does (PROTOCOL.md 2.14).
 */
#include "resolve.h"
#include <ctype.h>
#include <stdlib.h>

/* An address in brackets has a port when a colon follows them; anything else has one when it has
 * exactly one colon, because more of them make an IPv6 address. */
static const char *port_of(const char *text)
{
    const char *colon = strrchr(text, ':');
    if (!colon) return NULL;
    if (*text == '[') return colon > strrchr(text, ']') ? colon : NULL;
    return colon == strchr(text, ':') ? colon : NULL;
}

static bool parse_port(const char *text, uint16_t *port)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || end - text > 5 || n > 65535) return false;
    *port = (uint16_t)n;
    return true;
}

int kith_where_parse(struct kith_where *w, const char *text, uint16_t default_port,
                     struct kith_error *err)
{
    const char *slash = strchr(text, '/'), *host = slash ? slash + 1 : text;
    w->name = kith_bytes_of(text, slash ? (size_t)(slash - text) : 0);
    w->port = default_port;
    if (slash == text)
        return kith_fail(err, KITH_EINVAL, "'%s': the member's name before the slash is empty",
                         text);
    if (*host == '[' && !strchr(host, ']'))
        return kith_fail(err, KITH_EINVAL, "'%s': the bracket is not closed", text);
    const char *colon = port_of(host), *end = colon ? colon : host + strlen(host);
    if (colon && !parse_port(colon + 1, &w->port))
        return kith_fail(err, KITH_EINVAL, "'%s': the port must be a number from 0 to 65535", text);
    while (host < end && (*host == '[' || *host == ']')) host++;
    while (host < end && (end[-1] == '[' || end[-1] == ']')) end--;
    size_t len = (size_t)(end - host);
    if (!len) return kith_fail(err, KITH_EINVAL, "'%s': no host", text);
    if (len >= sizeof w->host)
        return kith_fail(err, KITH_EINVAL, "'%.60s...': the host is too long", text);
    memcpy(w->host, host, len);
    w->host[len] = 0;
    return 0;
}
