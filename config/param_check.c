/*
 * param_check.c - whether a plugin's table of parameters can be what it says, asked before anything
 * is stored where it points.
 *
 * What is wrong is the plugin's mistake, said once when it is loaded instead of at every file. One
 * parameter at a time; knows nothing of plugins.
 */
#include "config.h"
#include "param.h"
#include "utf8.h"

static bool reserved(const char *name)
{
    static const char *const own[] = {"use", "as", "keys", "layer_byte", "channel", "allow"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(name, own[i]) == 0) return true;
    return false;
}

/* ------------------------------------------------------------------------------------- place */

static int check_place(const struct kith_param *p, const struct kith_value_type *t,
                       size_t instance_size, struct kith_error *err)
{
    if (p->width != t->size)
        return kith_fail(err, KITH_EINVAL, "is stored in %zu bytes, but a %s takes %zu", p->width,
                         t->name, t->size);
    if (t->size > instance_size || p->offset > instance_size - t->size)
        return kith_fail(err, KITH_EINVAL, "lies outside of the instance");
    if (p->offset % t->align)
        return kith_fail(err, KITH_EINVAL, "is stored at an unaligned offset");
    return 0;
}

/* ------------------------------------------------------------------------------------- range */

/* One end of the range: a number of the type, or a length. */
static bool end_parses(const struct kith_param *p, const struct kith_value_type *t, bool upper,
                       long double *out)
{
    uint64_t bytes;
    if (!t->text) return kith_param_limit(p, upper, out);
    if (!kith_param_length(p, upper, &bytes)) return false;
    *out = (long double)bytes;
    return true;
}

static int check_range(const struct kith_param *p, const struct kith_value_type *t,
                       struct kith_error *err)
{
    long double low = 0, high = 0;
    if ((p->min || p->max) && !t->text && t->number == KITH_NUMBER_NONE)
        return kith_fail(err, KITH_EINVAL, "has a range, which no %s has", t->name);
    if (p->min && !end_parses(p, t, false, &low))
        return kith_fail(err, KITH_EINVAL, "has a minimum that is not valid: `%.64s`", p->min);
    if (p->max && !end_parses(p, t, true, &high))
        return kith_fail(err, KITH_EINVAL, "has a maximum that is not valid: `%.64s`", p->max);
    if (p->min && p->max && low > high)
        return kith_fail(err, KITH_EINVAL, "has a minimum over its maximum: `%.64s` and `%.64s`",
                         p->min, p->max);
    return 0;
}

static int check_choices(const struct kith_param *p, struct kith_error *err)
{
    bool any = p->choices && p->choices[0];
    if (p->type == KITH_PARAM_ENUM && !any)
        return kith_fail(err, KITH_EINVAL, "is an ENUM without choices");
    if (p->type != KITH_PARAM_ENUM && p->choices)
        return kith_fail(err, KITH_EINVAL, "has choices, but is no ENUM");
    for (size_t i = 0; any && p->choices[i]; i++) {
        if (!*p->choices[i] || !kith_utf8_line(p->choices[i]))
            return kith_fail(err, KITH_EINVAL, "has a choice that is no line of text, number %zu",
                             i + 1);
        for (size_t j = 0; j < i; j++)
            if (strcmp(p->choices[i], p->choices[j]) == 0)
                return kith_fail(err, KITH_EINVAL, "has a choice twice: `%.64s`", p->choices[i]);
    }
    return 0;
}

/* ---------------------------------------------------------------------------------- defaults */

static int check_default(const struct kith_param *p, const char *def, struct kith_error *err)
{
    union {
        uint64_t number;
        double real;
        const char *text;
        struct kith_list list;
        struct kith_map map;
    } value = {0};
    if (!def) return 0;
    if (p->flags & KITH_PARAM_REQUIRED)
        return kith_fail(err, KITH_EINVAL, "is required, and has a default");
    if (!kith_utf8_text(def))
        return kith_fail(err, KITH_EINVAL, "has a default that is not valid UTF-8");
    struct kith_complaint why;
    struct kith_arena *arena = kith_arena_new();
    const struct kith_param_in in = {arena, "", &why};
    int rc = kith_param_parse_all(p, def, &value, &in);
    if (rc) rc = kith_fail(err, KITH_EINVAL, "has a default that is not valid: %s", why.text);
    kith_arena_free(arena);
    return rc;
}

int kith_param_check(const struct kith_param *p, size_t instance_size, struct kith_error *err)
{
    const struct kith_value_type *t = kith_value_type_of(p);
    if (reserved(p->name))
        return kith_fail(err, KITH_EINVAL, "is a key that every entry has already");
    if (!t)
        return kith_fail(err, KITH_EINVAL, "has a type that this Kith does not know: %u", p->type);
    int rc = check_place(p, t, instance_size, err);
    if (rc == 0) rc = check_choices(p, err);
    if (rc == 0) rc = check_range(p, t, err);
    if (rc == 0) rc = check_default(p, p->def, err);
    if (rc == 0) rc = check_default(p, p->def_wan, err);
    if (rc == 0) rc = check_default(p, p->def_local, err);
    return rc;
}
