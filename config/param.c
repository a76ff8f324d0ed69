/*
 * param.c - one value of a parameter: ranges, lengths and defaults around what its type can do, and
 * a block of parameters copied.
 *
 * What depends on the type is asked of its row (param_types.h). Knows nothing of keys or files.
 */
#include "param.h"
#include "diag.h"
#include "tree.h"
#include "units.h"
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

bool kith_param_limit(const struct kith_param *p, bool upper, long double *out)
{
    const struct kith_value_type *t = kith_value_type_of(p);
    struct kith_complaint why;
    const struct kith_param_in in = {.dir = "", .why = &why};
    union number v;
    if (!t || t->number == KITH_NUMBER_NONE) return false;
    const char *text = upper ? p->max : p->min;
    if (!text) text = upper ? t->highest : t->lowest;
    if (t->read(p, NULL, text, &v, &in) != 0) return false;
    *out = number_at(t, &v);
    return true;
}

bool kith_param_length(const struct kith_param *p, bool upper, uint64_t *out)
{
    const struct kith_value_type *t = kith_value_type_of(p);
    const char *text = upper ? p->max : p->min;
    size_t digits = t && t->text && text ? kith_digits(text, out) : 0;
    return digits && !text[digits];
}

/* "low to high", of which one may be missing. */
static void range_words(const char *low, const char *high, char *out, size_t cap)
{
    if (low && high)
        snprintf(out, cap, "%s to %s", low, high);
    else
        snprintf(out, cap, "%s%s",
                 low    ? "at least "
                 : high ? "at most "
                        : "",
                 low    ? low
                 : high ? high
                        : "");
}

/* The lower end that is worth a word. */
static const char *low_end(const struct kith_value_type *t, const struct kith_param *p)
{
    bool zero = p->min && strcmp(p->min, "0") == 0;
    if (t->number == KITH_NUMBER_I32 || t->number == KITH_NUMBER_F64) return p->min;
    return p->max && (!p->min || zero) ? "0" : zero ? NULL : p->min;
}

void kith_param_range(const struct kith_param *p, char *out, size_t cap)
{
    const struct kith_value_type *t = kith_value_type_of(p);
    *out = '\0';
    if (!t) return;
    range_words(low_end(t, p), p->max, out, cap);
    if (t->text && *out) snprintf(out + strlen(out), cap - strlen(out), " bytes");
}

/* whole: of all that the C type holds, because the text is not even that. */
static int out_of_range(const struct kith_value_type *t, const struct kith_param *p,
                        const char *text, bool whole, struct kith_complaint *why)
{
    char range[100];
    if (whole)
        range_words(p->min ? p->min : t->lowest, p->max ? p->max : t->highest, range, sizeof range);
    else
        kith_param_range(p, range, sizeof range);
    return kith_complain(why, "", "'%s': %s is out of range, %s %s possible", p->name, text, range,
                         strncmp(range, "at ", 3) == 0 ? "is" : "are");
}

static bool in_range(const struct kith_param *p, const struct kith_value_type *t, const void *at)
{
    long double low, high, v = number_at(t, at);
    if (p->min && kith_param_limit(p, false, &low) && v < low) return false;
    return !p->max || !kith_param_limit(p, true, &high) || v <= high;
}

static int check_length(const struct kith_param *p, const char *text, struct kith_complaint *why)
{
    uint64_t len = strlen(text), least, most;
    bool few = kith_param_length(p, false, &least) && len < least,
         many = kith_param_length(p, true, &most) && len > most;
    char range[100];
    if (!few && !many) return 0;
    kith_param_range(p, range, sizeof range);
    if (!len)
        return kith_complain(why, "give it a value, or leave the key out",
                             "'%s' is empty, %s are possible", p->name, range);
    return kith_complain(why, "", "'%s' is %llu byte%s long, %s are possible", p->name,
                         (unsigned long long)len, len == 1 ? "" : "s", range);
}

/* ----------------------------------------------------------------------------------- reading */

/* What was said may quote the text: say it again without. */
static int complain_of_secret(const struct kith_value_type *t, const struct kith_param *p,
                              struct kith_complaint *why)
{
    char range[120] = "";
    if (t->number != KITH_NUMBER_NONE) kith_param_range(p, range, sizeof range);
    return kith_complain(why, "", "'%s' is %s%s%s, and what is here (a secret) is not", p->name,
                         t->words, *range ? ", " : "", range);
}

int kith_param_parse_pair(const struct kith_param *p, const char *name, const char *text, void *at,
                          const struct kith_param_in *in)
{
    if (!*name)
        return kith_complain(in->why, "", "a key of '%s' has at least one character", p->name);
    int rc = check_length(p, text, in->why);
    return rc ? rc : kith_value_type_of(p)->read(p, name, text, at, in);
}

int kith_param_parse(const struct kith_param *p, const char *text, void *at,
                     const struct kith_param_in *in)
{
    const struct kith_value_type *t = kith_value_type_of(p);
    if (!t)
        return kith_complain(in->why, "", "'%s' has a type that this host does not know: %u",
                             p->name, p->type);
    if (t->shape == KITH_SHAPE_MAP)
        return kith_complain(in->why, "write { key: value }", "'%s' takes keys and values",
                             p->name);
    if (t->text && check_length(p, text, in->why) < 0) return -KITH_EINVAL;
    int rc = t->read(p, NULL, text, at, in);
    if (rc == -KITH_ETOOBIG || (rc == 0 && !in_range(p, t, at)))
        rc = out_of_range(t, p, text, rc != 0, in->why);
    return rc && (p->flags & KITH_PARAM_SECRET) ? complain_of_secret(t, p, in->why) : rc;
}

/* A list or a map in flow style. */
static int parse_flow(const struct kith_param *p, const struct kith_yaml *v, void *at,
                      const struct kith_param_in *in)
{
    enum kith_yaml_kind want =
        kith_value_type_of(p)->shape == KITH_SHAPE_MAP ? KITH_YAML_MAP : KITH_YAML_LIST;
    int rc = 0;
    if (v->kind == KITH_YAML_SCALAR) return kith_param_parse(p, v->text, at, in);
    if (v->kind != want)
        return kith_complain(in->why, "", "'%s' is %s", p->name, kith_value_type_of(p)->words);
    for (const struct kith_yaml *i = v->first; i && rc == 0; i = i->next) {
        if (i->kind != KITH_YAML_SCALAR)
            return kith_complain(in->why, "", "an item of '%s' is one text", p->name);
        rc = want == KITH_YAML_MAP ? kith_param_parse_pair(p, i->key->text, i->text, at, in)
                                   : kith_param_parse(p, i->text, at, in);
    }
    return rc;
}

int kith_param_parse_all(const struct kith_param *p, const char *text, void *at,
                         const struct kith_param_in *in)
{
    const struct kith_value_type *t = kith_value_type_of(p);
    if (!t || t->shape == KITH_SHAPE_ONE) return kith_param_parse(p, text, at, in);
    struct kith_diag *diag = kith_diag_new();
    struct kith_arena *temp = kith_arena_new();
    const struct kith_yaml *v = kith_yaml_parse(text, strlen(text), temp, diag);
    const char *help, *problem = kith_diag_first(diag, &help);
    int rc = problem || !v ? kith_complain(in->why, "", "'%s' is no YAML: %s", text,
                                           problem ? problem : "it is empty")
                           : parse_flow(p, v, at, in);
    kith_diag_free(diag);
    kith_arena_free(temp);
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
    return def ? kith_param_parse_all(p, def, at, in) : 0;
}

/* ----------------------------------------------------------------------------------- showing */

bool kith_param_given(const struct kith_param *p, const void *at)
{
    const struct kith_value_type *t = kith_value_type_of(p);
    return !t || !t->text || t->shape != KITH_SHAPE_ONE || *(const char *const *)at;
}

void kith_param_print(const struct kith_param *p, const void *at, FILE *out)
{
    const struct kith_value_type *t = kith_value_type_of(p);
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
        const struct kith_value_type *t = kith_value_type_of(p);
        if (t && t->copy) t->copy((char *)block + p->offset, &pool);
    }
    return pool.used;
}

size_t kith_params_size(const struct kith_param *params)
{
    size_t size = 0;
    for (const struct kith_param *p = params; p && p->name; p++)
        if (p->offset + p->width > size) size = p->offset + p->width;
    return size;
}

int kith_params_copy(const struct kith_param *params, const void *from, void *to, void **memory)
{
    if (from) memcpy(to, from, kith_params_size(params));
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
