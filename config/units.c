/*
 * units.c - what people write as one word: durations, sizes, networks.
 *
 * Strict: decimal digits, a unit that is known, nothing that overflows. What is printed reads back
 * as the same number.
 */
#include "units.h"
#include <arpa/inet.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit durations[] = {
    {"h", 3600000000000}, {"m", 60000000000},  {"s", 1000000000}, {"ms", 1000000},
    {"us", 1000},         {"\xC2\xB5s", 1000}, {"ns", 1},         {NULL, 0}};
static const struct unit sizes[] = {
    {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {NULL, 0}};

static bool digit(char c) { return c >= '0' && c <= '9'; }

/* Decimal digits; how many, 0 when there are none or too many for 64 bits. */
size_t kith_digits(const char *s, uint64_t *out)
{
    size_t n = 0;
    *out = 0;
    for (; digit(s[n]); n++)
        if (__builtin_mul_overflow(*out, (uint64_t)10, out) ||
            __builtin_add_overflow(*out, (uint64_t)(s[n] - '0'), out))
            return 0;
    return n;
}

static const struct unit *unit_at(const struct unit *units, const char *s, size_t *len)
{
    for (*len = 0; s[*len] && !digit(s[*len]); ++*len) {}
    for (const struct unit *u = units; u->name; u++)
        if (strlen(u->name) == *len && strncmp(u->name, s, *len) == 0) return u;
    return NULL;
}

/* A number, perhaps with a fraction, and its unit: "1.5s". How long, or a negative code. */
static int quantity(const char *s, const struct unit *units, uint64_t *out)
{
    uint64_t whole, part = 0, scale = 1;
    size_t n = strspn(s, "0123456789"), len;
    bool fits = kith_digits(s, &whole);
    if (!n) return -KITH_EINVAL;
    if (s[n] == '.') {
        if (!digit(s[n + 1])) return -KITH_EINVAL;
        for (n++; digit(s[n]); n++)
            if (scale < 1000000000) {
                part = part * 10 + (uint64_t)(s[n] - '0');
                scale *= 10;
            }
    }
    const struct unit *u = unit_at(units, s + n, &len);
    if (!u) return -KITH_EINVAL;
    uint64_t fraction = u->factor / scale * part + u->factor % scale * part / scale;
    if (!fits || __builtin_mul_overflow(whole, u->factor, out) ||
        __builtin_add_overflow(*out, fraction, out)) {
        *out = UINT64_MAX;
        return -KITH_ETOOBIG;
    }
    return (int)(n + len);
}

/* How many bytes the quantity at s takes when its number does not matter. */
static size_t extent(const char *s)
{
    size_t n = strspn(s, "0123456789.");
    return n + strcspn(s + n, "0123456789");
}

int kith_duration_parse(const char *s, uint64_t *out)
{
    int rc = *s ? 0 : -KITH_EINVAL;
    *out = 0;
    if (strcmp(s, "0") == 0) return 0;
    while (*s) {
        uint64_t part;
        int n = quantity(s, durations, &part);
        if (n < 0 && n != -KITH_ETOOBIG) return n;
        if (n < 0 || __builtin_add_overflow(*out, part, out)) rc = -KITH_ETOOBIG;
        s += n < 0 ? extent(s) : (size_t)n;
    }
    return rc;
}

int kith_size_parse(const char *s, uint64_t *out)
{
    size_t digits = strspn(s, "0123456789");
    if (digits && !s[digits]) return kith_digits(s, out) ? 0 : -KITH_ETOOBIG;
    int n = quantity(s, sizes, out);
    if (n < 0) return n;
    return s[n] ? -KITH_EINVAL : 0;
}

static void print_units(uint64_t v, const struct unit *units, FILE *out)
{
    for (const struct unit *u = units; v && u->name; u++) {
        if ((uint8_t)*u->name >= 0x80 || v < u->factor) continue;
        if (units == sizes && v % u->factor) continue; /* one unit only */
        fprintf(out, "%llu%s", (unsigned long long)(v / u->factor),
                u->factor == 1 && units == sizes ? "" : u->name);
        v %= u->factor;
    }
}

void kith_duration_print(uint64_t ns, FILE *out)
{
    if (!ns) fputc('0', out);
    print_units(ns, durations, out);
}

void kith_size_print(uint64_t bytes, FILE *out)
{
    if (!bytes) fputc('0', out);
    print_units(bytes, sizes, out);
}

/* ------------------------------------------------------------------------------- networks */

/* Decimal, without a leading zero, at most max. */
static bool prefix_bits(const char *s, unsigned max, unsigned *bits)
{
    *bits = 0;
    if (!*s || strlen(s) > 3 || (s[0] == '0' && s[1])) return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9') return false;
        *bits = *bits * 10 + (unsigned)(*s - '0');
    }
    return *bits <= max;
}

/* Host bits are dropped, as Go's net.ParseCIDR does; a v4-mapped network stays IPv6. */
int kith_cidr_parse(struct kith_cidr *out, const char *text)
{
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    if (!slash || (size_t)(slash - text) >= sizeof host) return -KITH_EINVAL;
    memcpy(host, text, (size_t)(slash - text));
    host[slash - text] = '\0';
    struct kith_cidr c = {0};
    if (inet_pton(AF_INET, host, c.bytes) == 1)
        c.len = 4;
    else if (inet_pton(AF_INET6, host, c.bytes) == 1)
        c.len = 16;
    else
        return -KITH_EINVAL;
    unsigned bits;
    if (!prefix_bits(slash + 1, c.len * 8u, &bits)) return -KITH_EINVAL;
    c.prefix = (uint8_t)bits;
    for (unsigned i = bits; i < c.len * 8u; i++) c.bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    *out = c;
    return 0;
}
