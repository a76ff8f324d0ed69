/*
 * seeds.c - `join`: where to find members, as an address or as { name:, address: }.
 *
 * What an address may look like only the transport knows; here it is a text of a sane length.
 */
#include "schema.h"

#define SEED(key, m, ...) \
    { \
        .name = key, .type = KITH_PARAM_STRING, .offset = offsetof(struct kith_seed, m), \
        .width = sizeof(const char *), .min = "1", __VA_ARGS__ \
    }
static const struct kith_param keys[] = {
    SEED("name", name, .max = "255", .doc = "the member that must answer there"),
    SEED("address", address, .max = "512", .flags = KITH_PARAM_REQUIRED,
         .doc = "where it is, as the transport writes addresses"),
    {0}};
static const struct kith_param text = SEED("join", address, .max = "512");

const struct kith_param *kith_seed_keys(void) { return keys; }

static void read_seed(struct kith_reading *r, const struct kith_yaml *v, size_t i,
                      struct kith_seed *seed)
{
    const char *path = kith_arena_printf(r->temp, "join[%zu]", i);
    struct kith_part part = {keys, seed};
    seed->pos = v->pos;
    if (v->kind == KITH_YAML_MAP)
        kith_schema_read(r, v, "an item of 'join'", path, &part, 1);
    else
        kith_schema_value(r, &text, v, &seed->address);
}

void kith_seeds_read(struct kith_reading *r, const struct kith_yaml *v, struct kith_seeds *out)
{
    bool list = v->kind == KITH_YAML_LIST;
    size_t count = list ? v->count : 1, n = 0;
    struct kith_seed *seeds = kith_arena_alloc(r->arena, (count + 1) * sizeof *seeds);
    if (v->bad) return;
    if (!list) read_seed(r, v, 0, &seeds[n++]);
    for (const struct kith_yaml *i = list ? v->first : NULL; i; i = i->next, n++)
        read_seed(r, i, n, &seeds[n]);
    *out = (struct kith_seeds){seeds, n};
}
