/*
 * where.c - see where.h.
 */
#include "where.h"
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

/* The host without its brackets. memberlist strips any number of them. */
static struct kith_bytes bare(const char *host, const char *end)
{
    while (host < end && (*host == '[' || *host == ']')) host++;
    while (host < end && (end[-1] == '[' || end[-1] == ']')) end--;
    return kith_bytes_of(host, (size_t)(end - host));
}

/* `host[:port]`; text is the whole place, for the words. */
static int parse_host(struct kith_where *w, const char *host, const char *text,
                      struct kith_error *err)
{
    if (*host == '[' && !strchr(host, ']'))
        return kith_fail(err, KITH_EINVAL, "'%s': the bracket is not closed", text);
    const char *colon = port_of(host);
    if (colon && !parse_port(colon + 1, &w->port))
        return kith_fail(err, KITH_EINVAL, "'%s': the port must be a number from 0 to 65535", text);
    struct kith_bytes b = bare(host, colon ? colon : host + strlen(host));
    if (!b.len) return kith_fail(err, KITH_EINVAL, "'%s': no host", text);
    if (b.len >= sizeof w->host)
        return kith_fail(err, KITH_EINVAL, "'%.60s...': the host is too long", text);
    memcpy(w->host, b.data, b.len);
    w->host[b.len] = 0;
    return 0;
}

int kith_where_parse(struct kith_where *w, const char *text, uint16_t default_port,
                     struct kith_error *err)
{
    const char *slash = strchr(text, '/');
    w->name = kith_bytes_of(text, slash ? (size_t)(slash - text) : 0);
    w->port = default_port;
    if (slash == text)
        return kith_fail(err, KITH_EINVAL, "'%s': the member's name before the slash is empty",
                         text);
    return parse_host(w, slash ? slash + 1 : text, text, err);
}
