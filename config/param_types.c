/*
 * param_types.c - the types of parameters, a row each: how a value is read, printed and copied.
 *
 * Strict, because a file is read by people too: numbers are decimal, durations and sizes have a
 * unit, true and false are the only truths. Each refusal says what to write instead. Knows one
 * value at a time; ranges and lengths are param.c's part.
 */
#include "param_types.h"
#include "nearest.h"
#include "units.h"
#include "yaml_write.h"
#include <stdlib.h>

int kith_complain(struct kith_complaint *c, const char *help, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->text, sizeof c->text, fmt, ap);
    va_end(ap);
    snprintf(c->help, sizeof c->help, "%s", help);
    return -KITH_EINVAL;
}

static bool digit(char c) { return c >= '0' && c <= '9'; }

/* --------------------------------------------------------------------------------- booleans */

static int read_bool(const struct kith_param *p, const char *name, const char *text, void *at,
                     const struct kith_param_in *in)
{
    static const char *const yes[] = {"yes", "on", "True", "TRUE", "Yes", "On", "1", "y"};
    static const char *const no[] = {"no", "off", "False", "FALSE", "No", "Off", "0", "n"};
    bool *out = at;
    *out = strcmp(text, "true") == 0;
    if (*out || strcmp(text, "false") == 0) return 0;
    const char *help = "write true or false";
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (strcmp(text, yes[i]) == 0) help = "write true";
        if (strcmp(text, no[i]) == 0) help = "write false";
    }
    return kith_complain(in->why, help, "'%s' is true or false, not '%s'", p->name, text);
}

static void print_bool(const struct kith_param *p, const void *at, FILE *out)
{
    fputs(*(const bool *)at ? "true" : "false", out);
}

/* ---------------------------------------------------------------------------- whole numbers */

/* The digits of a whole number, without a sign. */
static int read_whole(const struct kith_param *p, const char *digits, const char *text,
                      uint64_t *out, const struct kith_param_in *in)
{
    size_t n = 0;
    while (digit(digits[n])) n++;
    if (!n || digits[n])
        return kith_complain(in->why, "write decimal digits", "'%s' is a whole number, not '%s'",
                             p->name, text);
    if (!kith_digits(digits, out)) return -KITH_ETOOBIG;
    if (n == 1 || *digits != '0') return 0;
    char help[60];
    snprintf(help, sizeof help, "write %.*s%llu", (int)(digits - text), text,
             (unsigned long long)*out);
    return kith_complain(in->why, help, "'%s' begins with 0, which some read as octal: %s", p->name,
                         text);
}

static int read_uint(const struct kith_param *p, const char *name, const char *text, void *at,
                     const struct kith_param_in *in)
{
    uint64_t v = 0;
    int rc = read_whole(p, text, text, &v, in);
    if (rc) return rc;
    if (v > UINT32_MAX) return -KITH_ETOOBIG;
    *(uint32_t *)at = (uint32_t)v;
    return 0;
}

static int read_int(const struct kith_param *p, const char *name, const char *text, void *at,
                    const struct kith_param_in *in)
{
    bool negative = *text == '-';
    uint64_t v = 0;
    int rc = read_whole(p, text + negative, text, &v, in);
    if (rc) return rc;
    if (v > (uint64_t)INT32_MAX + negative) return -KITH_ETOOBIG;
    *(int32_t *)at = (int32_t)(negative ? -(int64_t)v : (int64_t)v);
    return 0;
}

static void print_uint(const struct kith_param *p, const void *at, FILE *out)
{
    fprintf(out, "%u", *(const uint32_t *)at);
}

static void print_int(const struct kith_param *p, const void *at, FILE *out)
{
    fprintf(out, "%d", *(const int32_t *)at);
}

/* ------------------------------------------------------------------------------- fractions */

/* 0, -KITH_EINVAL, or -KITH_ETOOBIG for more digits than make sense. */
static int parse_float(const char *text, double *out)
{
    uint64_t whole, part = 0;
    double scale = 1;
    const char *s = text + (*text == '-');
    size_t n = strspn(s, "0123456789"), digits = n;
    if (!n) return -KITH_EINVAL;
    if (s[n] == '.')
        for (n++; digit(s[n]); n++)
            if (scale < 1e15) {
                part = part * 10 + (uint64_t)(s[n] - '0');
                scale *= 10;
            }
    if (s[n]) return -KITH_EINVAL;
    if (!kith_digits(s, &whole) || digits > 18) return -KITH_ETOOBIG;
    *out = (double)whole + (double)part / scale;
    if (s > text) *out = -*out;
    return 0;
}

static int read_float(const struct kith_param *p, const char *name, const char *text, void *at,
                      const struct kith_param_in *in)
{
    double v = 0;
    int rc = parse_float(text, &v);
    if (rc == -KITH_EINVAL)
        return kith_complain(in->why, "write digits, as 0.5", "'%s' is a number, not '%s'", p->name,
                             text);
    *(double *)at = v;
    return rc;
}

/* As few digits as read back the same; a point whatever the locale says. */
static void print_float(const struct kith_param *p, const void *at, FILE *out)
{
    char text[400];
    double v = *(const double *)at, back;
    for (int digits = 0; digits <= 15; digits++) {
        snprintf(text, sizeof text, "%.*f", digits, v);
        char *comma = strchr(text, ',');
        if (comma) *comma = '.';
        if (parse_float(text, &back) == 0 && back == v) break;
    }
    fputs(text, out);
}

/* --------------------------------------------------------------------- durations and sizes */

static int read_size(const struct kith_param *p, const char *name, const char *text, void *at,
                     const struct kith_param_in *in)
{
    uint64_t n;
    int rc = kith_size_parse(text, at);
    if (rc != -KITH_EINVAL) return rc;
    size_t len = kith_digits(text, &n);
    char help[80] = "write a number of bytes, or one with B, KiB, MiB or GiB: 64KiB";
    const char *letter = len && text[len] ? strchr("kKmMgG", text[len + (text[len] == ' ')]) : NULL;
    if (letter && *letter)
        snprintf(help, sizeof help, "write %llu%s", (unsigned long long)n,
                 strchr("kK", *letter)   ? "KiB"
                 : strchr("mM", *letter) ? "MiB"
                                         : "GiB");
    return kith_complain(in->why, help, "'%s' is a size, not '%s'", p->name, text);
}

static int read_duration(const struct kith_param *p, const char *name, const char *text, void *at,
                         const struct kith_param_in *in)
{
    uint64_t n;
    int rc = kith_duration_parse(text, at);
    if (rc != -KITH_EINVAL) return rc;
    size_t len = kith_digits(text, &n);
    if (len && !text[len]) {
        char help[80];
        snprintf(help, sizeof help, "write %ss or %sms", text, text);
        return kith_complain(in->why, help, "'%s' is a duration and needs a unit: %s", p->name,
                             text);
    }
    return kith_complain(in->why, "write numbers with h, m, s, ms, us or ns: 200ms, 5s, 1m30s",
                         "'%s' is a duration, not '%s'", p->name, text);
}

static void print_size(const struct kith_param *p, const void *at, FILE *out)
{
    kith_size_print(*(const uint64_t *)at, out);
}

static void print_duration(const struct kith_param *p, const void *at, FILE *out)
{
    kith_duration_print(*(const uint64_t *)at, out);
}

/* ------------------------------------------------------------------------------- one word */

static void list_words(const char *const *words, char *out, size_t cap)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; words[i] && used < cap; i++) {
        const char *before = !i ? "" : words[i + 1] ? ", " : " or ";
        used += (size_t)snprintf(out + used, cap - used, "%s%s", before, words[i]);
    }
}

static int read_enum(const struct kith_param *p, const char *name, const char *text, void *at,
                     const struct kith_param_in *in)
{
    size_t n = 0;
    for (; p->choices[n]; n++)
        if (strcmp(p->choices[n], text) == 0) {
            *(uint32_t *)at = (uint32_t)n;
            return 0;
        }
    char help[200] = "", choices[250];
    const char *near = kith_nearest(text, p->choices, n);
    list_words(p->choices, choices, sizeof choices);
    if (near) snprintf(help, sizeof help, "did you mean '%s'?", near);
    return kith_complain(in->why, help, "'%s' is %s, not '%s'", p->name, choices, text);
}

static void print_enum(const struct kith_param *p, const void *at, FILE *out)
{
    fputs(p->choices[*(const uint32_t *)at], out);
}

/* ------------------------------------------------------------------------------------- texts */

static const char *keep(const struct kith_param_in *in, const char *text)
{
    return in->arena ? kith_arena_strdup(in->arena, text) : text;
}

static int read_string(const struct kith_param *p, const char *name, const char *text, void *at,
                       const struct kith_param_in *in)
{
    *(const char **)at = keep(in, text);
    return 0;
}

static int read_path(const struct kith_param *p, const char *name, const char *text, void *at,
                     const struct kith_param_in *in)
{
    *(const char **)at = in->arena ? kith_arena_path(in->arena, in->dir, text) : keep(in, text);
    return 0;
}

static void print_text(const struct kith_param *p, const void *at, FILE *out)
{
    const char *text = *(const char *const *)at;
    if (text) kith_yaml_write(text, out);
}

static void *take(struct kith_pool *pool, size_t size, size_t align)
{
    size_t from = (pool->used + align - 1) / align * align;
    pool->used = from + size;
    return pool->base ? pool->base + from : NULL;
}

static void copy_text(void *at, struct kith_pool *pool)
{
    const char **text = at;
    size_t len = *text ? strlen(*text) + 1 : 0;
    char *copy = len ? take(pool, len, 1) : NULL;
    if (copy) *text = memcpy(copy, *text, len);
}

/* --------------------------------------------------------------------------- lists and maps */

/* Room for one more of `count` items: those that are there, moved when they fill a power of two. */
static void *grow(struct kith_arena *arena, const void *items, size_t count, size_t size)
{
    if (count & (count - 1)) return (void *)(uintptr_t)items;
    void *more = kith_arena_alloc(arena, (count ? count * 2 : 1) * size);
    if (count) memcpy(more, items, count * size);
    return more;
}

static int read_item(const struct kith_param *p, const char *name, const char *text, void *at,
                     const struct kith_param_in *in)
{
    struct kith_list *list = at;
    const char **items = grow(in->arena, list->items, list->count, sizeof *items);
    items[list->count] = keep(in, text);
    *list = (struct kith_list){items, list->count + 1};
    return 0;
}

static int read_pair(const struct kith_param *p, const char *name, const char *text, void *at,
                     const struct kith_param_in *in)
{
    struct kith_map *map = at;
    struct kith_pair *items = grow(in->arena, map->items, map->count, sizeof *items);
    items[map->count] = (struct kith_pair){kith_text(keep(in, name)), kith_text(keep(in, text))};
    *map = (struct kith_map){items, map->count + 1};
    return 0;
}

static void print_list(const struct kith_param *p, const void *at, FILE *out)
{
    const struct kith_list *list = at;
    fputc('[', out);
    for (size_t i = 0; i < list->count; i++) {
        if (i) fputs(", ", out);
        kith_yaml_write(list->items[i], out);
    }
    fputc(']', out);
}

static void print_map(const struct kith_param *p, const void *at, FILE *out)
{
    const struct kith_map *map = at;
    fputc('{', out);
    for (size_t i = 0; i < map->count; i++) {
        if (i) fputs(", ", out);
        kith_yaml_write((const char *)map->items[i].name.data, out);
        fputs(": ", out);
        kith_yaml_write((const char *)map->items[i].value.data, out);
    }
    fputc('}', out);
}

static void copy_list(void *at, struct kith_pool *pool)
{
    struct kith_list *list = at;
    const char **items = take(pool, list->count * sizeof *items, _Alignof(const char *));
    for (size_t i = 0; i < list->count; i++) {
        const char *text = list->items[i];
        copy_text(&text, pool);
        if (items) items[i] = text;
    }
    if (items) list->items = items;
}

static void copy_bytes(struct kith_bytes *bytes, struct kith_pool *pool)
{
    const char *text = (const char *)bytes->data;
    copy_text(&text, pool);
    bytes->data = (const uint8_t *)text;
}

static void copy_map(void *at, struct kith_pool *pool)
{
    struct kith_map *map = at;
    struct kith_pair *items = take(pool, map->count * sizeof *items, _Alignof(struct kith_pair));
    for (size_t i = 0; i < map->count; i++) {
        struct kith_pair pair = map->items[i];
        copy_bytes(&pair.name, pool);
        copy_bytes(&pair.value, pool);
        if (items) items[i] = pair;
    }
    if (items) map->items = items;
}

/* ---------------------------------------------------------------------------------- the rows */

#define ROW(TYPE, T) \
    .name = #TYPE, .type = KITH_PARAM_##TYPE, .size = sizeof(T), .align = _Alignof(T)
#define SIZE_PATTERN     "^[0-9]+(\\.[0-9]+)?(B|KiB|MiB|GiB)$|^[0-9]+$"
#define DURATION_PATTERN "^0$|^([0-9]+(\\.[0-9]+)?(ns|us|\xC2\xB5s|ms|s|m|h))+$"

static const struct kith_value_type types[] = {
    {ROW(BOOL, bool), .words = "true or false", .json = "boolean", .read = read_bool,
     .print = print_bool},
    {ROW(INT, int32_t), .number = KITH_NUMBER_I32, .lowest = "-2147483648", .highest = "2147483647",
     .words = "a whole number", .json = "integer", .read = read_int, .print = print_int},
    {ROW(UINT, uint32_t), .number = KITH_NUMBER_U32, .lowest = "0", .highest = "4294967295",
     .words = "a number", .json = "integer", .read = read_uint, .print = print_uint},
    {ROW(SIZE, uint64_t), .number = KITH_NUMBER_U64, .lowest = "0", .highest = "17179869183GiB",
     .words = "a size, as 1400 or 64KiB", .json = "integer", .pattern = SIZE_PATTERN,
     .read = read_size, .print = print_size},
    {ROW(DURATION, uint64_t), .number = KITH_NUMBER_U64, .lowest = "0", .highest = "5124095h",
     .words = "a duration, as 200ms, 5s or 1m30s", .json = "integer", .pattern = DURATION_PATTERN,
     .read = read_duration, .print = print_duration},
    {ROW(FLOAT, double), .number = KITH_NUMBER_F64, .lowest = "-999999999999999999",
     .highest = "999999999999999999", .words = "a number, with a fraction or not", .json = "number",
     .read = read_float, .print = print_float},
    {ROW(STRING, const char *), .text = true, .words = "text", .read = read_string,
     .print = print_text, .copy = copy_text},
    {ROW(PATH, const char *), .text = true, .words = "a file name", .read = read_path,
     .print = print_text, .copy = copy_text},
    {ROW(ENUM, uint32_t), .words = "one of its words", .read = read_enum, .print = print_enum},
    {ROW(LIST, struct kith_list), .shape = KITH_SHAPE_LIST, .text = true,
     .words = "a list of texts, or one text", .read = read_item, .print = print_list,
     .copy = copy_list},
    {ROW(MAP, struct kith_map), .shape = KITH_SHAPE_MAP, .text = true,
     .words = "a map of names to texts", .read = read_pair, .print = print_map, .copy = copy_map},
    {0}};

const struct kith_value_type *kith_value_type_of(const struct kith_param *p)
{
    for (const struct kith_value_type *t = types; t->name; t++)
        if (t->type == p->type) return t;
    return NULL;
}
