/*
 * values.c - one value of a parameter: text to C and back.
 *
 * Strict, because a file is read by people too: numbers are decimal, durations and sizes have a
 * unit, true and false are the only truths. Each refusal says what to write instead. Knows one
 * value at a time and nothing of keys or files.
 */
#include "values.h"
#include "diag.h"
#include <stdlib.h>

/* ------------------------------------------------------------------------------------- units */

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
static size_t digits(const char *s, uint64_t *out)
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

/* A number, perhaps with a fraction, and its unit: "1.5s". How long; 0: not one. */
static size_t quantity(const char *s, const struct unit *units, uint64_t *out)
{
    uint64_t whole, part = 0, scale = 1;
    size_t n = digits(s, &whole), len;
    if (!n) return 0;
    if (s[n] == '.') {
        if (!digit(s[n + 1])) return 0;
        for (n++; digit(s[n]); n++)
            if (scale < 1000000000) {
                part = part * 10 + (uint64_t)(s[n] - '0');
                scale *= 10;
            }
    }
    const struct unit *u = unit_at(units, s + n, &len);
    uint64_t fraction = u ? (uint64_t)((unsigned __int128)u->factor * part / scale) : 0;
    if (!u || __builtin_mul_overflow(whole, u->factor, out) ||
        __builtin_add_overflow(*out, fraction, out))
        return 0;
    return n + len;
}

static bool parse_duration(const char *s, uint64_t *out)
{
    *out = 0;
    if (strcmp(s, "0") == 0) return true;
    if (!*s) return false;
    while (*s) {
        uint64_t part;
        size_t n = quantity(s, durations, &part);
        if (!n || __builtin_add_overflow(*out, part, out)) return false;
        s += n;
    }
    return true;
}

static bool parse_size(const char *s, uint64_t *out)
{
    size_t n = digits(s, out);
    if (n && !s[n]) return true;
    n = quantity(s, sizes, out);
    return n && !s[n];
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

void kith_value_print_duration(uint64_t ns, FILE *out)
{
    if (!ns) fputc('0', out);
    print_units(ns, durations, out);
}

static void print_size(uint64_t bytes, FILE *out)
{
    if (!bytes) fputc('0', out);
    print_units(bytes, sizes, out);
}

/* ---------------------------------------------------------------------------- what a type is */

size_t kith_value_size(const struct kith_param *p)
{
    switch (p->type) {
    case KITH_PARAM_BOOL: return sizeof(bool);
    case KITH_PARAM_UINT:
    case KITH_PARAM_ENUM: return sizeof(uint32_t);
    case KITH_PARAM_SIZE:
    case KITH_PARAM_DURATION: return sizeof(uint64_t);
    case KITH_PARAM_STRING:
    case KITH_PARAM_PATH: return sizeof(const char *);
    case KITH_PARAM_STRINGS: return sizeof(struct kith_strings);
    case KITH_PARAM_FLOAT: return sizeof(double);
    default: return 0;
    }
}

const char *kith_value_type(const struct kith_param *p)
{
    switch (p->type) {
    case KITH_PARAM_BOOL: return "true or false";
    case KITH_PARAM_UINT: return "a number";
    case KITH_PARAM_SIZE: return "a size, as 1400 or 64KiB";
    case KITH_PARAM_DURATION: return "a duration, as 200ms, 5s or 1m30s";
    case KITH_PARAM_STRING: return "text";
    case KITH_PARAM_ENUM: return "one of its words";
    case KITH_PARAM_STRINGS: return "a list of texts, or one text";
    case KITH_PARAM_PATH: return "a file name";
    case KITH_PARAM_FLOAT: return "a number, with a fraction or not";
    default: return "a value";
    }
}

static void print_number(const struct kith_param *p, uint64_t v, FILE *out)
{
    if (p->type == KITH_PARAM_DURATION)
        kith_value_print_duration(v, out);
    else if (p->type == KITH_PARAM_SIZE)
        print_size(v, out);
    else
        fprintf(out, "%llu", (unsigned long long)v);
}

void kith_value_range(const struct kith_param *p, char *out, size_t cap)
{
    FILE *f = fmemopen(out, cap, "w");
    if (!f) abort();
    if (p->max) {
        print_number(p, p->min, f);
        fputs(" to ", f);
        print_number(p, p->max, f);
    } else if (p->min) {
        fputs("at least ", f);
        print_number(p, p->min, f);
    }
    fputc('\0', f);
    fclose(f);
}

static void print_choices(const struct kith_param *p, char *out, size_t cap)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; p->choices[i] && used < cap; i++)
        used += (size_t)snprintf(out + used, cap - used, "%s%s",
                                 !i                  ? ""
                                 : p->choices[i + 1] ? ", "
                                                     : " or ",
                                 p->choices[i]);
}

/* --------------------------------------------------------------------------------- text to C */

static int refuse(struct kith_complaint *c, const char *help, const char *fmt, ...)
    KITH_PRINTF(3, 4);
static int refuse(struct kith_complaint *c, const char *help, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->text, sizeof c->text, fmt, ap);
    va_end(ap);
    snprintf(c->help, sizeof c->help, "%s", help);
    return -KITH_EINVAL;
}

static int in_range(const struct kith_param *p, const char *text, double v,
                    struct kith_complaint *c)
{
    if (v >= (double)p->min && (!p->max || v <= (double)p->max)) return 0;
    char range[80], help[100];
    kith_value_range(p, range, sizeof range);
    snprintf(help, sizeof help, "use %s", range);
    return refuse(c, help, "'%s' is out of range: %s", p->name, text);
}

static int read_bool(const struct kith_param *p, const char *text, bool *at,
                     struct kith_complaint *c)
{
    static const char *const yes[] = {"yes", "on", "True", "TRUE", "Yes", "On", "1", "y"};
    static const char *const no[] = {"no", "off", "False", "FALSE", "No", "Off", "0", "n"};
    *at = strcmp(text, "true") == 0;
    if (*at || strcmp(text, "false") == 0) return 0;
    const char *help = "write true or false";
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (strcmp(text, yes[i]) == 0) help = "write true";
        if (strcmp(text, no[i]) == 0) help = "write false";
    }
    return refuse(c, help, "'%s' is true or false, not '%s'", p->name, text);
}

static int read_uint(const struct kith_param *p, const char *text, uint32_t *at,
                     struct kith_complaint *c)
{
    uint64_t v;
    size_t n = digits(text, &v);
    if (!n || text[n]) {
        for (n = 0; digit(text[n]); n++) {}
        if (!n || text[n])
            return refuse(c, "write decimal digits", "'%s' is a whole number, not '%s'", p->name,
                          text);
        v = UINT64_MAX;
    } else if (n > 1 && text[0] == '0') {
        char help[60];
        snprintf(help, sizeof help, "write %llu", (unsigned long long)v);
        return refuse(c, help, "'%s' begins with 0, which some read as octal: %s", p->name, text);
    }
    struct kith_param limited = *p;
    if (!limited.max) limited.max = UINT32_MAX;
    int rc = in_range(&limited, text, (double)v, c);
    if (rc == 0) *at = (uint32_t)v;
    return rc;
}

static int read_size(const struct kith_param *p, const char *text, uint64_t *at,
                     struct kith_complaint *c)
{
    uint64_t v, n;
    if (parse_size(text, &v)) {
        *at = v;
        return in_range(p, text, (double)v, c);
    }
    size_t len = digits(text, &n);
    char help[80] = "write a number of bytes, or one with B, KiB, MiB or GiB: 64KiB";
    const char *letter = len && text[len] ? strchr("kKmMgG", text[len + (text[len] == ' ')]) : NULL;
    if (letter && *letter)
        snprintf(help, sizeof help, "write %llu%s", (unsigned long long)n,
                 strchr("kK", *letter)   ? "KiB"
                 : strchr("mM", *letter) ? "MiB"
                                         : "GiB");
    return refuse(c, help, "'%s' is a size, not '%s'", p->name, text);
}

static int read_duration(const struct kith_param *p, const char *text, uint64_t *at,
                         struct kith_complaint *c)
{
    uint64_t v, n;
    if (parse_duration(text, &v)) {
        *at = v;
        return in_range(p, text, (double)v, c);
    }
    size_t len = digits(text, &n);
    if (len && !text[len]) {
        char help[80];
        snprintf(help, sizeof help, "write %ss or %sms", text, text);
        return refuse(c, help, "'%s' is a duration and needs a unit: %s", p->name, text);
    }
    return refuse(c, "write numbers with h, m, s, ms, us or ns: 200ms, 5s, 1m30s",
                  "'%s' is a duration, not '%s'", p->name, text);
}

static int read_enum(const struct kith_param *p, const char *text, uint32_t *at,
                     struct kith_complaint *c)
{
    size_t n = 0;
    for (; p->choices[n]; n++)
        if (strcmp(p->choices[n], text) == 0) {
            *at = (uint32_t)n;
            return 0;
        }
    char help[400], choices[300];
    const char *near = kith_nearest(text, p->choices, n);
    print_choices(p, choices, sizeof choices);
    if (near)
        snprintf(help, sizeof help, "did you mean '%s'? it is %s", near, choices);
    else
        snprintf(help, sizeof help, "use %s", choices);
    return refuse(c, help, "'%s' can't be '%s'", p->name, text);
}

static int read_float(const struct kith_param *p, const char *text, double *at,
                      struct kith_complaint *c)
{
    uint64_t whole, part = 0;
    double scale = 1;
    size_t n = digits(text, &whole);
    if (n && text[n] == '.')
        for (n++; digit(text[n]); n++, scale *= 10)
            part = scale < 1e15 ? part * 10 + (uint64_t)(text[n] - '0') : part;
    if (!n || text[n])
        return refuse(c, "write digits, as 0.5", "'%s' is a number, not '%s'", p->name, text);
    *at = (double)whole + (double)part / (scale < 1e15 ? scale : 1e15);
    return in_range(p, text, *at, c);
}

static int check_length(const struct kith_param *p, const char *text, struct kith_complaint *c)
{
    size_t len = strlen(text);
    if (len >= p->min && (!p->max || len <= p->max)) return 0;
    if (!len) return refuse(c, "give it a value, or leave the key out", "'%s' is empty", p->name);
    char help[100];
    if (len < p->min)
        snprintf(help, sizeof help, "use at least %llu", (unsigned long long)p->min);
    else
        snprintf(help, sizeof help, "use at most %llu", (unsigned long long)p->max);
    return refuse(c, help, "'%s' is %zu bytes long", p->name, len);
}

static const char *keep(struct kith_arena *arena, const char *text)
{
    return arena ? kith_arena_strdup(arena, text) : text;
}

static int read_path(const struct kith_param *p, const char *text, const char **at,
                     struct kith_arena *arena, const char *dir, struct kith_complaint *c)
{
    int rc = check_length(p, text, c);
    if (rc) return rc;
    if (*text == '/' || !*text || !*dir || !arena)
        *at = keep(arena, text);
    else
        *at = kith_arena_printf(arena, "%s/%s", dir, text);
    return 0;
}

static int append(const struct kith_param *p, const char *text, struct kith_strings *at,
                  struct kith_arena *arena, struct kith_complaint *c)
{
    int rc = check_length(p, text, c);
    if (rc) return rc;
    const char **items = (const char **)(uintptr_t)at->items;
    if ((at->count & (at->count - 1)) == 0) { /* full: room for twice as many */
        items = kith_arena_alloc(arena, (at->count ? at->count * 2 : 1) * sizeof *items);
        if (at->count) memcpy(items, at->items, at->count * sizeof *items);
    }
    items[at->count] = keep(arena, text);
    *at = (struct kith_strings){items, at->count + 1};
    return 0;
}

int kith_value_parse(const struct kith_param *p, const char *text, void *at,
                     struct kith_arena *arena, const char *dir, struct kith_complaint *c)
{
    int rc;
    switch (p->type) {
    case KITH_PARAM_BOOL: return read_bool(p, text, at, c);
    case KITH_PARAM_UINT: return read_uint(p, text, at, c);
    case KITH_PARAM_SIZE: return read_size(p, text, at, c);
    case KITH_PARAM_DURATION: return read_duration(p, text, at, c);
    case KITH_PARAM_ENUM: return read_enum(p, text, at, c);
    case KITH_PARAM_FLOAT: return read_float(p, text, at, c);
    case KITH_PARAM_PATH: return read_path(p, text, at, arena, dir, c);
    case KITH_PARAM_STRINGS: return append(p, text, at, arena, c);
    case KITH_PARAM_STRING:
        rc = check_length(p, text, c);
        if (rc == 0) *(const char **)at = keep(arena, text);
        return rc;
    default:
        return refuse(c, "", "'%s' has a type that this host does not know: %u", p->name, p->type);
    }
}

/* ---------------------------------------------------------------------------------- defaults */

const char *kith_value_default(const struct kith_param *p, unsigned profile)
{
    if (profile == KITH_PROFILE_WAN && p->def_wan) return p->def_wan;
    if (profile == KITH_PROFILE_LOCAL && p->def_local) return p->def_local;
    return p->def;
}

int kith_value_set_default(const struct kith_param *p, unsigned profile, void *at,
                           struct kith_arena *arena, const char *dir, struct kith_complaint *c)
{
    const char *def = kith_value_default(p, profile);
    if (!def) return 0;
    if (p->type != KITH_PARAM_STRINGS) return kith_value_parse(p, def, at, arena, dir, c);
    int rc = 0;
    for (const char *s = def, *end; rc == 0 && *s; s = *end ? end + 1 : end) {
        s += strspn(s, " ");
        end = s + strcspn(s, ",");
        rc = append(p, kith_arena_strndup(arena, s, (size_t)(end - s)), at, arena, c);
    }
    return rc;
}

/* --------------------------------------------------------------------------------- C to text */

static bool bare_char(uint8_t c)
{
    return digit((char)c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("_./@+=%-:", c));
}

static bool bare(const char *s)
{
    static const char *const nothing[] = {"null", "Null", "NULL"};
    if (!*s || strchr("-=%@:+", *s)) return false;
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        if (strcmp(s, nothing[i]) == 0) return false;
    for (; *s; s++)
        if (!bare_char((uint8_t)*s) || (*s == ':' && !bare_char((uint8_t)s[1]))) return false;
    return true;
}

void kith_value_print_string(const char *text, FILE *out)
{
    if (bare(text)) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (const uint8_t *s = (const uint8_t *)text; *s; s++) {
        if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if (*s == '\n')
            fputs("\\n", out);
        else if (*s < 0x20 || *s == 0x7F)
            fprintf(out, "\\x%02X", *s);
        else if (*s == 0xC2 && s[1] < 0xA0)
            fprintf(out, "\\x%02X", *++s);                                /* C1 controls */
        else if (s[0] == 0xE2 && s[1] == 0x80 && (s[2] & 0xFE) == 0xA8) { /* U+2028, U+2029 */
            fprintf(out, "\\u20%02X", s[2] - 0x80);
            s += 2;
        } else if (s[0] == 0xEF && s[1] == 0xBB && s[2] == 0xBF) { /* U+FEFF */
            fputs("\\uFEFF", out);
            s += 2;
        } else
            fputc(*s, out);
    }
    fputc('"', out);
}

static void print_float(double v, FILE *out)
{
    char text[400];
    size_t n = (size_t)snprintf(text, sizeof text, "%.9f", v);
    while (text[n - 1] == '0') n--;
    fprintf(out, "%.*s", (int)(text[n - 1] == '.' ? n - 1 : n), text);
}

bool kith_value_given(const struct kith_param *p, const void *at)
{
    return (p->type != KITH_PARAM_STRING && p->type != KITH_PARAM_PATH) || *(const char *const *)at;
}

void kith_value_print(const struct kith_param *p, const void *at, FILE *out)
{
    const struct kith_strings *list = at;
    switch (p->type) {
    case KITH_PARAM_BOOL: fputs(*(const bool *)at ? "true" : "false", out); break;
    case KITH_PARAM_UINT: fprintf(out, "%u", *(const uint32_t *)at); break;
    case KITH_PARAM_ENUM: fputs(p->choices[*(const uint32_t *)at], out); break;
    case KITH_PARAM_SIZE: print_size(*(const uint64_t *)at, out); break;
    case KITH_PARAM_DURATION: kith_value_print_duration(*(const uint64_t *)at, out); break;
    case KITH_PARAM_FLOAT: print_float(*(const double *)at, out); break;
    case KITH_PARAM_STRING:
    case KITH_PARAM_PATH:
        if (kith_value_given(p, at)) kith_value_print_string(*(const char *const *)at, out);
        break;
    case KITH_PARAM_STRINGS:
        fputc('[', out);
        for (size_t i = 0; i < list->count; i++) {
            if (i) fputs(", ", out);
            kith_value_print_string(list->items[i], out);
        }
        fputc(']', out);
        break;
    default: break;
    }
}
