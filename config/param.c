/*
 * param.c - one value of a parameter: ranges, lengths and defaults around what its type can do, and
 * a block of parameters copied.
 *
 * What depends on the type is asked of its row (param_types.h). Knows nothing of keys or files.
 */
#include "param.h"
#include "config.h"
#include <sodium.h>
#include <stdlib.h>

/* ------------------------------------------------------------------------------------ ranges */

union number {
    int32_t i32;
    uint32_t u32;
    uint64_t u64;
    double f64;
};

static long double number_at(const struct kith_value_type *t, const void *at)
{
    switch (t->number) {
    case KITH_NUMBER_I32: return *(const int32_t *)at;
    case KITH_NUMBER_U32: return *(const uint32_t *)at;
    case KITH_NUMBER_U64: return *(const uint64_t *)at;
    case KITH_NUMBER_F64: return (long double)*(const double *)at;
    default: return 0;
    }
}

static union number number_of(const struct kith_value_type *t, uint64_t v)
{
    switch (t->number) {
    case KITH_NUMBER_U32: return (union number){.u32 = (uint32_t)v};
    case KITH_NUMBER_F64: return (union number){.f64 = (double)v};
    default: return (union number){.u64 = v};
    }
}

/* One end of the range: min or max of the table, or a text in `choices` (param_types.h). */
static bool limit(const struct kith_value_type *t, const struct kith_param *p, bool upper,
                  union number *out)
{
    struct kith_complaint why;
    const struct kith_param_in in = {.dir = "", .why = &why};
    if (t->number == KITH_NUMBER_NONE) return false;
    if (p->choices) return t->read(p, p->choices[upper], out, &in) == 0;
    if (t->number == KITH_NUMBER_I32) return false;
    *out = number_of(t, upper ? p->max : p->min);
    return !upper || p->max;
}

bool kith_param_limit(const struct kith_param *p, bool upper, long double *out)
{
    const struct kith_value_type *t = kith_value_type(p);
    union number v;
    if (!t || !limit(t, p, upper, &v)) return false;
    *out = number_at(t, &v);
    return true;
}

void kith_param_range(const struct kith_param *p, char *out, size_t cap)
{
    const struct kith_value_type *t = kith_value_type(p);
    union number low, high;
    *out = '\0';
    if (!t) return;
    bool least = limit(t, p, false, &low), most = limit(t, p, true, &high);
    FILE *f = fmemopen(out, cap, "w");
    if (!f) abort();
    if (least && most) {
        t->print(p, &low, f);
        fputs(" to ", f);
        t->print(p, &high, f);
    } else if (least && (number_at(t, &low) != 0 || t->number == KITH_NUMBER_F64)) {
        fputs("at least ", f);
        t->print(p, &low, f);
    }
    fputc('\0', f);
    fclose(f);
}

static int out_of_range(const struct kith_value_type *t, const struct kith_param *p,
                        const char *text, struct kith_complaint *why)
{
    static const char *const int32[] = {"-2147483648", "2147483647"};
    struct kith_param limited = *p;
    char range[80], help[100];
    if (t->number == KITH_NUMBER_U32 && !p->max) limited.max = UINT32_MAX;
    if (t->number == KITH_NUMBER_I32 && !p->choices) limited.choices = int32;
    kith_param_range(&limited, range, sizeof range);
    snprintf(help, sizeof help, "use %s", range);
    return kith_complain(why, help, "'%s' is out of range: %s", p->name, text);
}

static bool in_range(const struct kith_value_type *t, const struct kith_param *p, const void *at)
{
    union number low, high;
    if (limit(t, p, false, &low) && number_at(t, at) < number_at(t, &low)) return false;
    return !limit(t, p, true, &high) || number_at(t, at) <= number_at(t, &high);
}

static int check_length(const struct kith_param *p, const char *text, struct kith_complaint *why)
{
    size_t len = strlen(text);
    char help[100];
    if (len < p->min && !len)
        return kith_complain(why, "give it a value, or leave the key out", "'%s' is empty",
                             p->name);
    if (len < p->min)
        snprintf(help, sizeof help, "use at least %llu", (unsigned long long)p->min);
    else if (p->max && len > p->max)
        snprintf(help, sizeof help, "use at most %llu", (unsigned long long)p->max);
    else
        return 0;
    return kith_complain(why, help, "'%s' is %zu bytes long", p->name, len);
}

/* ----------------------------------------------------------------------------------- reading */

int kith_param_parse_pair(const struct kith_param *p, const char *name, const char *text, void *at,
                          const struct kith_param_in *in)
{
    if (!*name || strchr(name, '='))
        return kith_complain(in->why, "",
                             "a key of '%s' has at least one character, and no =", p->name);
    int rc = check_length(p, text, in->why);
    if (rc) return rc;
    return kith_value_type(p)->read(p, kith_arena_printf(in->arena, "%s=%s", name, text), at, in);
}

/* "name=value", as a default has it. */
static int parse_item(const struct kith_param *p, const char *text, void *at,
                      const struct kith_param_in *in)
{
    const char *eq = strchr(text, '=');
    if (!eq)
        return kith_complain(in->why, "write { key: value }", "'%s' takes keys and values",
                             p->name);
    char *name = kith_arena_strndup(in->arena, text, (size_t)(eq - text));
    return kith_param_parse_pair(p, name, eq + 1, at, in);
}

int kith_param_parse(const struct kith_param *p, const char *text, void *at,
                     const struct kith_param_in *in)
{
    const struct kith_value_type *t = kith_value_type(p);
    if (!t)
        return kith_complain(in->why, "", "'%s' has a type that this host does not know: %u",
                             p->name, p->type);
    if (t->shape == KITH_SHAPE_MAP) return parse_item(p, text, at, in);
    if (t->text && check_length(p, text, in->why) < 0) return -KITH_EINVAL;
    int rc = t->read(p, text, at, in);
    if (rc == -KITH_ETOOBIG || (rc == 0 && !in_range(t, p, at)))
        return out_of_range(t, p, text, in->why);
    return rc;
}

const char *kith_param_default(const struct kith_param *p, unsigned profile)
{
    if (profile == KITH_PROFILE_WAN && p->def_wan) return p->def_wan;
    if (profile == KITH_PROFILE_LOCAL && p->def_local) return p->def_local;
    return p->def;
}

int kith_param_set_default(const struct kith_param *p, unsigned profile, void *at,
                           const struct kith_param_in *in)
{
    const char *def = kith_param_default(p, profile);
    const struct kith_value_type *t = kith_value_type(p);
    if (!def) return 0;
    if (!t || t->shape == KITH_SHAPE_ONE) return kith_param_parse(p, def, at, in);
    int rc = 0;
    for (const char *s = def, *end; rc == 0 && *s; s = *end ? end + 1 : end) {
        s += strspn(s, " ");
        end = s + strcspn(s, ",");
        char *item = kith_arena_strndup(in->arena, s, (size_t)(end - s));
        rc = kith_param_parse(p, item, at, in);
    }
    return rc;
}

bool kith_param_sound(const struct kith_param *p, size_t block)
{
    const struct kith_value_type *t = kith_value_type(p);
    if (!t || (p->type == KITH_PARAM_ENUM && !p->choices)) return false;
    return p->offset % t->align == 0 && t->size <= block && p->offset <= block - t->size;
}

/* ----------------------------------------------------------------------------------- showing */

bool kith_param_given(const struct kith_param *p, const void *at)
{
    const struct kith_value_type *t = kith_value_type(p);
    return !t || !t->text || t->shape != KITH_SHAPE_ONE || *(const char *const *)at;
}

void kith_param_print(const struct kith_param *p, const void *at, FILE *out)
{
    const struct kith_value_type *t = kith_value_type(p);
    if (t) t->print(p, at, out);
}

char *kith_param_text(const struct kith_param *p, const void *at)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f) abort();
    kith_param_print(p, at, f);
    fclose(f);
    return text;
}

/* ----------------------------------------------------------------------------------- copying */

/* One block for all that the parameters point to; it remembers its size, to be wiped. */
struct memory {
    size_t size;
    _Alignas(16) char data[];
};

static size_t copy_all(const struct kith_param *params, void *block, char *into)
{
    struct kith_pool pool = {into, 0};
    for (const struct kith_param *p = params; p && p->name; p++) {
        const struct kith_value_type *t = kith_value_type(p);
        if (t && t->copy) t->copy((char *)block + p->offset, &pool);
    }
    return pool.used;
}

int kith_params_copy(const struct kith_param *params, const void *from, void *to, size_t size,
                     void **memory)
{
    if (from) memcpy(to, from, size);
    *memory = NULL;
    size_t bytes = copy_all(params, to, NULL);
    if (!bytes) return 0;
    struct memory *m = calloc(1, sizeof *m + bytes);
    if (!m) return -KITH_ENOMEM;
    m->size = bytes;
    copy_all(params, to, m->data);
    *memory = m;
    return 0;
}

void kith_params_free(void *memory)
{
    struct memory *m = memory;
    if (m) sodium_memzero(m->data, m->size);
    free(m);
}
