/*
 * advertise.c - which address others shall use: the one configured, the one bound, or a guess.
 *
 * Bound to a wildcard, memberlist guesses: a private address (RFC 6890, forwardable) of an
 * interface that is up, best on the interface of the default route. So do we, for every wildcard;
 * but an IPv4 address is always 4 bytes, where memberlist makes it 16, and where it finds no
 * private address and ends we take a public one, and say so. A wrong guess costs its
 * owner a day of flapping members, so whatever is doubtful is an error or a warning that names the
 * key to set.
 */
#include "udp_tcp.h"
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>

struct block {
    uint8_t len, bits, bytes[2];
};

static bool in_block(const struct kith_addr *a, const struct block *b)
{
    uint16_t mask = (uint16_t)(0xffff << (16 - b->bits));
    return a->len == b->len &&
           (((a->bytes[0] ^ b->bytes[0]) << 8 | (a->bytes[1] ^ b->bytes[1])) & mask) == 0;
}

static bool in_blocks(const struct kith_addr *a, const struct block *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (in_block(a, &b[i])) return true;
    return false;
}

static bool is_private(const struct kith_addr *a)
{
    static const struct block blocks[] = {{4, 8, {10}},        {4, 12, {172, 16}},
                                          {4, 16, {192, 168}}, {4, 10, {100, 64}},
                                          {4, 15, {198, 18}},  {16, 7, {0xfc}}};
    return in_blocks(a, blocks, sizeof blocks / sizeof *blocks);
}

static bool is_link_local(const struct kith_addr *a)
{
    static const struct block blocks[] = {{4, 16, {169, 254}}, {16, 10, {0xfe, 0x80}}};
    return in_blocks(a, blocks, 2);
}

static bool is_loopback(const struct kith_addr *a)
{
    static const uint8_t one[16] = {[15] = 1};
    return (a->len == 4 && a->bytes[0] == 127) || (a->len == 16 && memcmp(a->bytes, one, 16) == 0);
}

/* Why nobody could ever reach it; NULL when somebody might. */
static const char *unroutable(const struct kith_addr *a)
{
    static const uint8_t zero[16];
    static const struct block multicast[] = {{4, 4, {224}}, {16, 8, {0xff}}},
                              reserved[] = {{4, 8, {0}}, {4, 4, {240}}};
    if (memcmp(a->bytes, zero, a->len) == 0) return "it stands for every address, not for one";
    if (in_blocks(a, multicast, 2)) return "it is a multicast address";
    if (in_blocks(a, reserved, 2)) return "it is reserved";
    return NULL;
}

int kith_ut_advertise_init(struct kith_ut *u, struct kith_error *err)
{
    struct kith_bytes host;
    uint16_t port = 0;
    union kith_ut_sockaddr sa;
    u->wanted.len = 0;
    if (!u->advertise) return 0;
    if (kith_ut_split(kith_text(u->advertise), &host, &port) || !host.len)
        return kith_fail(
            err, KITH_EINVAL,
            "advertise: '%s' is not an address; write it as 192.0.2.1, 192.0.2.1:7946 or "
            "[2001:db8::1]:7946",
            u->advertise);
    if (kith_ut_literal(host, port, &sa))
        return kith_fail(
            err, KITH_EINVAL,
            "advertise: '%.*s' is not an IP address; other members are told an address, not a "
            "name: write the one it stands for",
            (int)host.len, (const char *)host.data);
    kith_ut_from_sockaddr(&sa, &u->wanted);
    const char *why = unroutable(&u->wanted);
    if (why)
        return kith_fail(
            err, KITH_EINVAL,
            "advertise: nobody can reach %.*s: %s; write the address under which other members "
            "reach this node, or leave `advertise` out",
            (int)host.len, (const char *)host.data, why);
    return 0;
}

/* --------------------------------------------------------------------------------- the guess */

enum { ROUTES_MAX = 8 };

struct routes {
    char names[ROUTES_MAX][IF_NAMESIZE];
    size_t count;
};

static void add_route(struct routes *r, const char *name)
{
    if (r->count < ROUTES_MAX && strcmp(name, "lo"))
        snprintf(r->names[r->count++], IF_NAMESIZE, "%s", name);
}

/* Interfaces of default routes. */
static void default_routes(struct routes *r)
{
    char line[512], name[IF_NAMESIZE];
    unsigned long destination, mask;
    r->count = 0;
    FILE *f = fopen("/proc/net/route", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "%15s %lx %*x %*x %*d %*d %*d %lx", name, &destination, &mask) == 3 &&
            !destination && !mask)
            add_route(r, name);
    if (f) fclose(f);
    f = fopen("/proc/net/ipv6_route", "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "00000000000000000000000000000000 00 ", 36) == 0 &&
            sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %15s", name) == 1)
            add_route(r, name);
    if (f) fclose(f);
}

static unsigned prefix_of(const struct sockaddr *mask)
{
    if (!mask) return 0;
    bool v4 = mask->sa_family == AF_INET;
    const uint8_t *bytes = v4 ? (const uint8_t *)&((const struct sockaddr_in *)mask)->sin_addr
                              : ((const struct sockaddr_in6 *)mask)->sin6_addr.s6_addr;
    unsigned bits = 0;
    for (int i = 0; i < (v4 ? 4 : 16); i++) bits += (unsigned)__builtin_popcount(bytes[i]);
    return v4 ? bits + 96 : bits;
}

struct guess {
    struct kith_addr addr;
    unsigned score; /* 0: nothing found */
    char seen[240]; /* all addresses, for the error */
};

enum { PRIVATE = 1000 }; /* of the score: more than all else */

static bool usable(const struct ifaddrs *i)
{
    return i->ifa_addr && i->ifa_flags & IFF_UP &&
           (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6);
}

static void address_of(const struct ifaddrs *i, struct kith_addr *out)
{
    union kith_ut_sockaddr sa;
    memset(&sa, 0, sizeof sa);
    memcpy(&sa, i->ifa_addr, i->ifa_addr->sa_family == AF_INET ? sizeof sa.in : sizeof sa.in6);
    kith_ut_set_port(&sa, 0);
    kith_ut_from_sockaddr(&sa, out);
}

static void consider(const struct kith_ut *u, struct guess *g, const struct ifaddrs *i,
                     const struct routes *routes, unsigned families)
{
    struct kith_addr a;
    char text[KITH_UT_HOST_MAX];
    address_of(i, &a);
    kith_ut_format(NULL, &a, text, sizeof text);
    size_t n = strlen(g->seen);
    snprintf(g->seen + n, sizeof g->seen - n, "%s%s on %s", n ? ", " : "", text, i->ifa_name);
    if (!(families & (a.len == 4 ? 1u : 2u)) || is_link_local(&a)) return;
    if (u->interface && strcmp(u->interface, i->ifa_name) != 0) return;
    if (!u->interface && (is_loopback(&a) || unroutable(&a))) return;
    /* A private one first, on a default route, of the family that was asked for, and then in the
     * smaller network. */
    unsigned score = 1 + prefix_of(i->ifa_netmask);
    if (u->interface || is_private(&a)) score += PRIVATE;
    if ((families & 4) ? a.len == 16 : a.len == 4) score += 200;
    for (size_t k = 0; k < routes->count; k++)
        if (strcmp(routes->names[k], i->ifa_name) == 0) {
            score += 400;
            break;
        }
    if (score <= g->score) return;
    g->score = score;
    g->addr = a;
}

static void warn_public(struct kith_ut *u)
{
    char text[KITH_UT_HOST_MAX];
    kith_ut_format(NULL, &u->advertised, text, sizeof text);
    u->host->log(u->host, KITH_LOG_WARN,
                 "advertising %s, which is public: this machine has no private address; if others "
                 "shall use another, set `advertise`",
                 text);
}

/* families: 1 IPv4, 2 IPv6, 4 rather IPv6. */
static int guess(struct kith_ut *u, unsigned families, uint16_t port, struct kith_error *err)
{
    struct guess g = {.score = 0};
    struct routes routes;
    struct ifaddrs *all = NULL;
    default_routes(&routes);
    if (getifaddrs(&all))
        return kith_fail(err, KITH_EIO, "can't list this machine's addresses; set `advertise`");
    for (const struct ifaddrs *i = all; i; i = i->ifa_next)
        if (usable(i)) consider(u, &g, i, &routes, families);
    freeifaddrs(all);
    if (g.score) {
        u->advertised = g.addr;
        u->advertised.port = port;
        if (g.score < PRIVATE) warn_public(u);
        return 0;
    }
    if (u->interface)
        return kith_fail(err, KITH_ENOTFOUND,
                         "interface: '%s' has no address that could be advertised; there are: %s",
                         u->interface, g.seen);
    return kith_fail(
        err, KITH_ENOTFOUND,
        "bind: a node bound to every address must know which one to tell others, and this "
        "machine has none that they could reach; set `advertise` (there are: %s)",
        g.seen);
}

/* Which kinds of address the sockets take, and whether any of them is for more than this machine.
 */
static unsigned families_of(const struct kith_ut *u, bool *loopback_only)
{
    unsigned families = 0;
    *loopback_only = true;
    for (size_t i = 0; i < u->socket_count; i++) {
        struct kith_addr a;
        kith_ut_from_sockaddr(&u->sockets[i].local, &a);
        families |= a.len == 4 ? 1 : u->sockets[i].dual ? 3 : 2;
        *loopback_only &= is_loopback(&a);
    }
    return families;
}

int kith_ut_advertise_find(struct kith_ut *u, struct kith_error *err)
{
    const struct kith_ut_socket *first = &u->sockets[0];
    bool loopback_only;
    unsigned families = families_of(u, &loopback_only);
    struct kith_addr bound;
    kith_ut_from_sockaddr(&first->local, &bound);
    u->address.guessed = !u->wanted.len && kith_ut_wildcard(&first->local);
    if (u->wanted.len) {
        u->advertised = u->wanted;
        if (!u->advertised.port) u->advertised.port = bound.port;
    } else if (u->address.guessed) {
        /* `bind: "::"` asks for IPv6 first; ":7946" only for everything. */
        if (first->local.sa.sa_family == AF_INET6 && *u->bind.items[0] == '[') families |= 4;
        if (strncmp(u->bind.items[0], "::", 2) == 0) families |= 4;
        int rc = guess(u, families, bound.port, err);
        if (rc) return rc;
    } else {
        u->advertised = bound;
    }
    if (is_loopback(&u->advertised) && !loopback_only)
        u->host->log(u->host, KITH_LOG_WARN,
                     "advertising a loopback address: members on other machines can't reach this "
                     "node; set `advertise`");
    return 0;
}

bool kith_ut_advertise_holds(const struct kith_ut *u)
{
    struct ifaddrs *all = NULL;
    bool found = false;
    if (getifaddrs(&all)) return true; /* nothing is known: no reason to change */
    for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
        struct kith_addr a;
        if (!usable(i)) continue;
        address_of(i, &a);
        found = a.len == u->advertised.len && memcmp(a.bytes, u->advertised.bytes, a.len) == 0;
    }
    freeifaddrs(all);
    return found;
}
