/*
 * entries.c - entries that name a plugin: `{ use: NAME, ... }`, checked against that plugin's own
 * table.
 *
 * The host's keys of an entry (use, keys, wire, channel) are a table too. Knows nothing of how
 * plugins are found, nor of what follows from having several.
 */
#include "schema.h"
#include <sodium.h>
#include <stdlib.h>

#define ENTRY(m) offsetof(struct kith_entry, m)
#define USE \
    { \
        "use", KITH_PARAM_STRING, KITH_PARAM_REQUIRED, ENTRY(use), \
            .min = 1, .doc = "name of the plugin, or the path of its file" \
    }

static const struct kith_param transport_keys[] = {USE, {NULL}};
static const struct kith_param codec_keys[] = {
    USE,
    {"keys", KITH_SPECIAL_KEYS, 0, ENTRY(keys),
     .doc = "keys of this entry alone, instead of the node's `keyring`"},
    {"wire", KITH_SPECIAL_WIRE, 0, ENTRY(wire),
     .doc = "layer byte of a codec without one of its own: 0xC0 to 0xEF"},
    {NULL}};
static const struct kith_param delegate_keys[] = {
    USE,
    {"channel", KITH_PARAM_STRING, 0, ENTRY(channel), .min = 1, .max = 32,
     .doc = "name under which its messages and state travel; without it raw, as memberlist's"},
    {NULL}};

static const char *const kinds[] = {"plugin", "transport", "codec", "delegate"};

const struct kith_param *kith_entry_keys(uint32_t kind)
{
    return kind == KITH_TRANSPORT ? transport_keys
           : kind == KITH_CODEC   ? codec_keys
                                  : delegate_keys;
}

/* ----------------------------------------------------------------------------------- finding */

static const struct kith_plugin *find(struct kith_reading *r, uint32_t kind, const char *name,
                                      struct kith_pos pos)
{
    struct kith_error err = {.size = sizeof err};
    const struct kith_plugin *plugin = r->finder->find(r->finder->ctx, kind, name, &err);
    if (plugin) return plugin;
    const char *const *names = r->finder->names ? r->finder->names(r->finder->ctx, kind) : NULL;
    char help[800] = "";
    size_t n = 0, used = 0;
    while (names && names[n]) n++;
    const char *near = n && !strchr(name, '/') ? kith_nearest(name, names, n) : NULL;
    if (near && strcmp(near, name) != 0)
        used = (size_t)snprintf(help, sizeof help, "did you mean '%s'? ", near);
    if (n) used += (size_t)snprintf(help + used, sizeof help - used, "there are:");
    for (size_t i = 0; i < n && used < sizeof help; i++)
        used += (size_t)snprintf(help + used, sizeof help - used, " %s", names[i]);
    if (strstr(err.text, name))
        kith_diag_error(r->diag, pos, *help ? help : NULL, "%s", err.text);
    else
        kith_diag_error(r->diag, pos, *help ? help : NULL, "%s '%s': %s", kinds[kind], name,
                        *err.text ? err.text : "not found");
    return NULL;
}

/* A table that would write outside of the instance is the plugin's mistake. */
static bool table_fits(struct kith_reading *r, const struct kith_plugin *plugin,
                       struct kith_pos pos)
{
    for (const struct kith_param *p = plugin->params; p && p->name; p++) {
        size_t size = kith_value_size(p);
        if (size && p->offset + size <= plugin->instance_size &&
            (p->type != KITH_PARAM_ENUM || p->choices))
            continue;
        kith_diag_error(r->diag, pos, "this is a mistake of the plugin, not of the file",
                        "%s '%s' describes its parameter '%s' in a way that can't be",
                        kinds[plugin->kind], plugin->name, p->name);
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------------ digest */

static void hash_text(crypto_generichash_state *h, const char *text)
{
    crypto_generichash_update(h, (const unsigned char *)text, strlen(text) + 1);
}

static void hash_value(crypto_generichash_state *h, const struct kith_param *p, const void *base)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f) abort();
    kith_value_print(p, (const char *)base + p->offset, f);
    fclose(f);
    hash_text(h, p->name);
    hash_text(h, kith_value_given(p, (const char *)base + p->offset) ? text : "\x01");
    free(text);
}

static void digest(struct kith_entry *e)
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, sizeof e->digest);
    hash_text(&h, e->use);
    hash_text(&h, e->plugin->name);
    hash_text(&h, e->plugin->version ? e->plugin->version : "");
    hash_text(&h, e->channel ? e->channel : "");
    for (const struct kith_param *p = e->plugin->params; p && p->name; p++)
        hash_value(&h, p, e->params);
    crypto_generichash_update(&h, &e->wire, 1);
    crypto_generichash_update(&h, (const unsigned char *)&e->has_keys, 1);
    for (size_t i = 0; i < e->keys.source_count; i++) {
        crypto_generichash_update(&h, (const unsigned char *)&e->keys.sources[i].kind,
                                  sizeof e->keys.sources[i].kind);
        hash_text(&h, e->keys.sources[i].where);
    }
    for (size_t i = 0; i < e->keys.count; i++) {
        crypto_generichash_update(&h, (const unsigned char *)&e->keys.items[i].len,
                                  sizeof e->keys.items[i].len);
        crypto_generichash_update(&h, e->keys.items[i].data, e->keys.items[i].len);
    }
    crypto_generichash_final(&h, e->digest, sizeof e->digest);
}

/* ----------------------------------------------------------------------------------- reading */

static void fill(struct kith_reading *r, const struct kith_yaml *map,
                 const struct kith_plugin *plugin, const char *path, struct kith_entry *e)
{
    e->plugin = plugin;
    e->params = kith_arena_alloc(r->arena, plugin->instance_size ? plugin->instance_size : 1);
    const char *what = kith_arena_printf(r->arena, "%s '%s'", kinds[plugin->kind], plugin->name);
    struct kith_part parts[] = {{kith_entry_keys(plugin->kind), e}, {plugin->params, e->params}};
    if (map)
        kith_schema_read(r, map, what, path, parts, 2);
    else
        kith_schema_read(r, NULL, what, path, parts + 1, 1);
    e->has_keys = e->keys.source_count != 0;
    digest(e);
}

void kith_entry_read(struct kith_reading *r, const struct kith_yaml *map, uint32_t kind,
                     const char *path, struct kith_entry *e)
{
    *e = (struct kith_entry){.kind = kind, .pos = map->pos};
    if (map->bad) return;
    if (kith_yaml_empty(map)) {
        kith_schema_text(r, map, map->key ? map->key->text : "use");
        return;
    }
    if (map->kind != KITH_YAML_MAP) {
        char help[200];
        snprintf(help, sizeof help, "write { use: %.100s }",
                 map->kind == KITH_YAML_SCALAR ? map->text : "NAME");
        kith_diag_error(r->diag, map->pos, help, "a %s is named with `use`", kinds[kind]);
        return;
    }
    kith_origin_set(r->config->origins, path, KITH_FROM_FILE, map->pos, map->pos, NULL);
    const struct kith_yaml *use = kith_yaml_get(map, "use");
    if (!use) {
        kith_diag_error(r->diag, map->pos, "add `use: NAME`", "a %s is named with `use`",
                        kinds[kind]);
        return;
    }
    const char *name = kith_schema_text(r, use, "use");
    if (!name) return;
    if (strchr(name, '/') && *name != '/' && *r->dir)
        name = kith_arena_printf(r->arena, "%s/%s", r->dir, name);
    const struct kith_plugin *plugin = find(r, kind, name, use->pos);
    if (!plugin || !table_fits(r, plugin, use->pos)) return;
    fill(r, map, plugin, path, e);
    e->use = kith_arena_strdup(r->arena, name);
}

void kith_entries_read(struct kith_reading *r, const struct kith_yaml *list, uint32_t kind,
                       const char *path, struct kith_entries *out)
{
    if (list->bad) return;
    if (list->kind != KITH_YAML_LIST) {
        if (kith_yaml_empty(list))
            kith_schema_text(r, list, list->key->text);
        else
            kith_diag_error(r->diag, list->pos, "write [ { use: NAME } ], or `- use: NAME` lines",
                            "'%s' takes a list of %ss", list->key->text, kinds[kind]);
        return;
    }
    out->items = kith_arena_alloc(r->arena, (list->count + 1) * sizeof *out->items);
    for (const struct kith_yaml *i = list->first; i; i = i->next) {
        const char *at = kith_arena_printf(r->arena, "%s[%zu]", path, out->count);
        struct kith_entry *e = &out->items[out->count];
        kith_entry_read(r, i, kind, at, e);
        if (e->plugin) out->count++;
    }
}

bool kith_entry_default(struct kith_reading *r, uint32_t kind, const char *name, const char *path,
                        struct kith_pos pos, const char *note, struct kith_entry *e)
{
    *e = (struct kith_entry){.kind = kind, .pos = pos, .use = name};
    const struct kith_plugin *plugin = find(r, kind, name, pos);
    if (!plugin || !table_fits(r, plugin, pos)) return false;
    kith_origin_set(r->config->origins, path, KITH_FROM_NOTE, pos, pos, note);
    fill(r, NULL, plugin, path, e);
    return true;
}
