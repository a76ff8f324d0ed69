/*
 * loopback_values.c - values of a link as people write them, and back: as in the node's file, and
 * parts also in per cent.
 */
#include "loopback.h"

#define BILLION UINT64_C(1000000000)

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit times[] = {
    {"h", 3600000000000}, {"m", 60000000000}, {"s", 1000000000}, {"ms", 1000000},
    {"us", 1000},         {"ns", 1},          {NULL, 0}};
static const struct unit sizes[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
                                    {"", 1},          {"B", 1},         {NULL, 0}};

enum type { TIME, PART, SIZE, FLAG };

static const struct field {
    const char *name;
    enum type type;
    uint32_t bit;
    size_t offset;
} fields_of_link[] = {
#define FIELD(name, type, bit) \
    { \
#name, type, KITH_NETWORK_##bit, offsetof(struct kith_network_link, name) \
    }
    FIELD(delay, TIME, DELAY),
    FIELD(jitter, TIME, JITTER),
    FIELD(loss, PART, LOSS),
    FIELD(duplicate, PART, DUPLICATE),
    FIELD(reorder, PART, REORDER),
    FIELD(reorder_late, TIME, REORDER_LATE),
    FIELD(bandwidth, SIZE, BANDWIDTH),
    FIELD(backlog, SIZE, BACKLOG),
    FIELD(cut, FLAG, CUT),
#undef FIELD
    {NULL, TIME, 0, 0}};

/* -------------------------------------------------------------------------------------- read */

struct number {
    uint64_t whole, billionths;
};

/* Decimal digits, with a fraction or not. How many bytes; 0: none, or too many. */
static size_t read_number(const char *s, struct number *out)
{
    size_t n = 0, digits = 0;
    uint64_t scale = BILLION;
    *out = (struct number){0, 0};
    for (; s[n] >= '0' && s[n] <= '9'; n++, digits++)
        out->whole = out->whole * 10 + (uint64_t)(s[n] - '0');
    if (digits && s[n] == '.')
        for (n++, digits = 0; s[n] >= '0' && s[n] <= '9'; n++, digits++)
            out->billionths += (uint64_t)(s[n] - '0') * (scale /= 10);
    return digits && n < 20 ? n : 0;
}

static bool read_units(const char *s, const struct unit *units, uint64_t *out)
{
    struct number number;
    uint64_t part;
    *out = 0;
    do {
        size_t n = read_number(s, &number), len = strcspn(s + n, "0123456789");
        const struct unit *u = units;
        while (u->name && (strlen(u->name) != len || strncmp(u->name, s + n, len))) u++;
        if (!n || !u->name || __builtin_mul_overflow(number.whole, u->factor, &part) ||
            __builtin_add_overflow(*out, part, out))
            return false;
        part = u->factor / BILLION * number.billionths +
               u->factor % BILLION * number.billionths / BILLION;
        if (__builtin_add_overflow(*out, part, out)) return false;
        s += n + len;
    } while (*s && units == times);
    return !*s;
}

static bool read_part(const char *s, double *out)
{
    struct number number;
    size_t n = read_number(s, &number);
    bool percent = s[n] == '%';
    if (!n || s[n + percent]) return false;
    *out = ((double)number.whole * BILLION + (double)number.billionths) / (percent ? 1e11 : 1e9);
    return true;
}

static const char *read_typed(const struct field *f, const char *s, void *at)
{
    if (f->type == TIME) {
        if (!strcmp(s, "0")) return *(uint64_t *)at = 0, NULL;
        return read_units(s, times, at) ? NULL : "a duration, as 200ms, 5s or 1m30s";
    }
    if (f->type == PART) return read_part(s, at) ? NULL : "a part, as 0.05 or 5%";
    if (f->type == SIZE) return read_units(s, sizes, at) ? NULL : "a size, as 1400 or 64KiB";
    *(bool *)at = !strcmp(s, "true");
    return *(bool *)at || !strcmp(s, "false") ? NULL : "true or false";
}

int kith_lo_read_value(struct kith_bytes word, struct kith_network_link *link, uint32_t *fields,
                       struct kith_error *err)
{
    const char *text = (const char *)word.data, *is = strchr(text, '=');
    if (!is)
        return kith_fail(err, KITH_EINVAL, "`%s`: write NAME=VALUE, as loss=5%% or delay=20ms",
                         text);
    for (const struct field *f = fields_of_link; f->name; f++) {
        if (strlen(f->name) != (size_t)(is - text) || strncmp(f->name, text, strlen(f->name)))
            continue;
        const char *wanted = read_typed(f, is + 1, (char *)link + f->offset);
        if (wanted)
            return kith_fail(err, KITH_EINVAL, "%s is %s, not `%s`", f->name, wanted, is + 1);
        *fields |= f->bit;
        return 0;
    }
    return kith_fail(err, KITH_EINVAL,
                     "`%.*s` is nothing of a link: delay, jitter, loss, duplicate, reorder, "
                     "reorder_late, bandwidth, backlog, cut",
                     (int)(is - text), text);
}

/* -------------------------------------------------------------------------------------- print */

static void print_units(struct kith_lo_text *t, const struct unit *units, uint64_t v)
{
    uint64_t left = v;
    if (!left) kith_lo_print(t, "0");
    for (const struct unit *u = units; u->name; u++) {
        uint64_t n = left / u->factor;
        if (!n || (units == sizes && left % u->factor)) continue;
        kith_lo_print(t, "%llu%s", (unsigned long long)n, u->name);
        left -= n * u->factor;
    }
}

static void print_plain(struct kith_lo_text *t, const struct field *f, const void *at)
{
    kith_lo_print(t, "%s=", f->name);
    switch (f->type) {
    case TIME: print_units(t, times, *(const uint64_t *)at); break;
    case SIZE: print_units(t, sizes, *(const uint64_t *)at); break;
    case PART: kith_lo_print(t, "%.9g", *(const double *)at); break;
    case FLAG: kith_lo_print(t, *(const bool *)at ? "true" : "false"); break;
    }
}

static void print_json(struct kith_lo_text *t, const struct field *f, const void *at)
{
    kith_lo_print(t, ",\"%s%s\":", f->name, f->type == TIME ? "_seconds" : "");
    switch (f->type) {
    case TIME: kith_lo_print(t, "%.9g", (double)*(const uint64_t *)at / 1e9); break;
    case SIZE: kith_lo_print(t, "%llu", (unsigned long long)*(const uint64_t *)at); break;
    case PART: kith_lo_print(t, "%.9g", *(const double *)at); break;
    case FLAG: kith_lo_print(t, *(const bool *)at ? "true" : "false"); break;
    }
}

void kith_lo_print_link(struct kith_lo_text *t, const struct kith_network_link *link,
                        uint32_t fields, bool json)
{
    const char *between = "";
    for (const struct field *f = fields_of_link; f->name; f++) {
        const void *at = (const char *)link + f->offset;
        if (!(fields & f->bit)) continue;
        if (json) {
            print_json(t, f, at);
            continue;
        }
        kith_lo_print(t, "%s", between);
        print_plain(t, f, at);
        between = " ";
    }
}
