/*
 * entry.c - one entry that names a plugin: its parameters filled and checked, and its digest.
 *
 * The host's keys of an entry (use, keys, wire, channel) are a table like the plugin's own. A file
 * brings a map of values (entries.c), code brings texts: both are checked here by the same schema.
 */
#include "schema.h"
#include "secret.h"
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
    {"keys", KITH_TYPE_KEYS, 0, ENTRY(keys),
     .doc = "keys of this entry alone, instead of the node's `keyring`"},
    {"wire", KITH_TYPE_WIRE, 0, ENTRY(wire),
     .doc = "layer byte of a codec without one of its own: 0xC0 to 0xEF"},
    {NULL}};
static const struct kith_param delegate_keys[] = {
    USE,
    {"channel", KITH_PARAM_STRING, 0, ENTRY(channel), .min = 1, .max = 32,
     .doc = "name under which its messages and state travel; without it raw, as memberlist's"},
    {NULL}};

const char *const kith_kind_words[] = {"plugin", "transport", "codec", "delegate"};

const struct kith_param *kith_entry_keys(uint32_t kind)
{
    return kind == KITH_TRANSPORT ? transport_keys
           : kind == KITH_CODEC   ? codec_keys
                                  : delegate_keys;
}

/* A table that would write outside of the instance is the plugin's mistake. */
bool kith_entry_sound(struct kith_reading *r, const struct kith_plugin *plugin, struct kith_pos pos)
{
    for (const struct kith_param *p = plugin->params; p && p->name; p++) {
        if (kith_param_sound(p, plugin->instance_size)) continue;
        kith_diag_error(r->diag, pos, "this is a mistake of the plugin, not of the file",
                        "%s '%s' describes its parameter '%s' in a way that can't be",
                        kith_kind_words[plugin->kind], plugin->name, p->name);
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------------ digest */

static void hash_text(crypto_generichash_state *h, const char *text)
{
    crypto_generichash_update(h, (const unsigned char *)text, strlen(text) + 1);
}

/* As printed: a string that is not given prints as nothing, an empty one as "". */
static void hash_value(crypto_generichash_state *h, const struct kith_param *p, const void *at)
{
    char *text = kith_param_text(p, at);
    hash_text(h, p->name);
    hash_text(h, text);
    free(text);
}

void kith_entry_digest(struct kith_entry *e)
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, sizeof e->digest);
    hash_text(&h, e->use);
    hash_text(&h, e->plugin->name);
    hash_text(&h, e->plugin->version ? e->plugin->version : "");
    hash_text(&h, e->channel ? e->channel : "");
    for (const struct kith_param *p = e->plugin->params; p && p->name; p++)
        hash_value(&h, p, (const char *)e->params + p->offset);
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

/* ----------------------------------------------------------------------------------- filling */

void kith_entry_fill(struct kith_reading *r, const struct kith_yaml *map,
                     const struct kith_plugin *plugin, const char *path, struct kith_entry *e)
{
    e->plugin = plugin;
    e->params = kith_arena_alloc(r->arena, plugin->instance_size ? plugin->instance_size : 1);
    const char *what =
        kith_arena_printf(r->arena, "%s '%s'", kith_kind_words[plugin->kind], plugin->name);
    struct kith_part parts[] = {{kith_entry_keys(plugin->kind), e}, {plugin->params, e->params}};
    bool file = map && !e->arena; /* code sets the members of the entry itself */
    kith_schema_read(r, map, what, path, file ? parts : parts + 1, file ? 2 : 1);
    e->has_keys = e->keys.source_count != 0;
    kith_entry_digest(e);
}

/* ------------------------------------------------------------------------------------- lists */

struct kith_entry *kith_entries_find(const struct kith_entries *list, const char *plugin)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].plugin->name, plugin) == 0) return &list->items[i];
    return NULL;
}

uint32_t kith_entries_provide(const struct kith_entries *list)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < list->count; i++)
        bits |= ((const struct kith_codec_ops *)list->items[i].plugin->ops)->provides;
    return bits;
}

/* ----------------------------------------------------------------------------------- by code */

/* The value as a file would have it. A list or a map may be more than one text. */
static struct kith_yaml *value_of(struct kith_reading *r, const struct kith_plugin *plugin,
                                  const struct kith_setting_text *setting)
{
    for (const struct kith_param *p = plugin->params; p && p->name; p++)
        if (strcmp(p->name, setting->name) == 0 && kith_value_type(p)->shape != KITH_SHAPE_ONE &&
            (*setting->text == '[' || *setting->text == '{'))
            return kith_yaml_parse(setting->text, strlen(setting->text), r->arena, r->diag);
    return kith_yaml_scalar(r->arena, setting->text);
}

static struct kith_yaml *map_of(struct kith_reading *r, const struct kith_plugin *plugin,
                                const struct kith_setting_text *settings, size_t count)
{
    struct kith_yaml *map = kith_arena_alloc(r->arena, sizeof *map);
    map->kind = KITH_YAML_MAP;
    for (size_t i = 0; i < count; i++) {
        struct kith_yaml *v = value_of(r, plugin, &settings[i]);
        if (!v) continue;
        if (kith_yaml_get(map, settings[i].name))
            kith_diag_error(r->diag, (struct kith_pos){0}, "keep one of them", "duplicate key '%s'",
                            settings[i].name);
        v->key = kith_yaml_scalar(r->arena, settings[i].name);
        v->next = map->first;
        map->first = v;
    }
    return map;
}

static int first_problem(const struct kith_diag *diag, struct kith_error *err)
{
    const char *help, *text = kith_diag_first(diag, &help);
    return text ? kith_fail(err, KITH_EINVAL, help ? "%s: %s" : "%s", text, help) : 0;
}

int kith_entry_init(struct kith_entry *e, const struct kith_plugin *plugin,
                    enum kith_profile profile, const struct kith_setting_text *settings,
                    size_t count, struct kith_error *err)
{
    struct kith_arena *arena = kith_arena_new();
    struct kith_provenances provenances = {.arena = arena};
    struct kith_config nowhere = {.provenances = &provenances};
    struct kith_reading r = {
        .diag = kith_diag_new(), .arena = arena, .config = &nowhere, .dir = "", .profile = profile};
    *e = (struct kith_entry){.use = plugin->name, .kind = plugin->kind, .arena = arena};
    if (kith_entry_sound(&r, plugin, (struct kith_pos){0}))
        kith_entry_fill(&r, map_of(&r, plugin, settings, count), plugin, "", e);
    int rc = first_problem(r.diag, err);
    kith_diag_free(r.diag);
    if (rc) kith_entry_fini(e);
    return rc;
}

void kith_entry_fini(struct kith_entry *e)
{
    if (e->arena) {
        kith_secrets_free(&e->keys);
        kith_arena_free(e->arena);
    }
    *e = (struct kith_entry){0};
}

int kith_entries_add(struct kith_entries *list, const struct kith_plugin *plugin,
                     enum kith_profile profile, const struct kith_setting_text *settings,
                     size_t count, struct kith_error *err)
{
    struct kith_entry e, *items;
    int rc = kith_entry_init(&e, plugin, profile, settings, count, err);
    if (rc) return rc;
    items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (!items) {
        kith_entry_fini(&e);
        return kith_fail(err, KITH_ENOMEM, "no memory for one more entry");
    }
    list->items = items;
    items[list->count++] = e;
    return 0;
}

void kith_entries_free(struct kith_entries *list)
{
    for (size_t i = 0; i < list->count; i++) kith_entry_fini(&list->items[i]);
    free(list->items);
    *list = (struct kith_entries){0};
}
