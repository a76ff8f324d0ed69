/*
 * entry.c - one entry that names a plugin: its parameters filled and checked, and its digest.
 *
 * The host's keys of an entry (use, as, keys, ...) are a table like the plugin's own. A file
 * brings a map of values (entries.c), code brings texts: both are checked here by the same schema.
 */
#include "schema.h"
#include "secret.h"
#include <sodium.h>
#include <stdlib.h>

#define ENTRY(key, TYPE, m, ...) \
    { \
        .name = key, .type = TYPE, .offset = offsetof(struct kith_entry, m), \
        .width = sizeof(((struct kith_entry *)0)->m), __VA_ARGS__ \
    }
#define USE \
    ENTRY("use", KITH_PARAM_STRING, use, .flags = KITH_PARAM_REQUIRED, .min = "1", \
          .doc = "name of the plugin, or the path of its file")
#define AS \
    ENTRY("as", KITH_PARAM_STRING, name, .min = "1", .max = "63", \
          .doc = "what the entry is called, where two have one plugin; without it as the plugin. " \
                 "One that is called like a command of kith (`members`) is reached only by " \
                 "`kith command NAME`")
#define KEYS \
    ENTRY("keys", KITH_TYPE_KEYS, keys, \
          .doc = \
              "keys of this entry alone, instead of the node's `keyring`, if the plugin uses any")

static const char *const permissions[] = {"keys", NULL}; /* the i-th is bit i of enum kith_allow */

static const struct kith_param transport_keys[] = {USE, AS, KEYS, {0}};
static const struct kith_param codec_keys[] = {
    USE,
    AS,
    KEYS,
    ENTRY("layer_byte", KITH_TYPE_LAYER_BYTE, layer_byte,
          .doc = "layer byte of a codec without one of its own: 0xC0 to 0xEF"),
    {0}};
static const struct kith_param delegate_keys[] = {
    USE,
    AS,
    KEYS,
    ENTRY("channel", KITH_PARAM_STRING, channel, .min = "1", .max = "32",
          .doc = "name under which its messages and state travel; without it raw, as memberlist's"),
    ENTRY("allow", KITH_TYPE_WORDS, allow, .choices = permissions,
          .doc = "what it may do beyond what all may; keys: read and change the node's keyring"),
    {0}};

const char *const kith_kind_words[] = {"plugin", "transport", "codec", "delegate"};

const struct kith_param *kith_entry_keys(uint32_t kind)
{
    return kind == KITH_TRANSPORT ? transport_keys
           : kind == KITH_CODEC   ? codec_keys
                                  : delegate_keys;
}

static bool is_key(const struct kith_param *key, const char *name)
{
    return strcmp(key->name, name) == 0;
}

bool kith_entry_takes(const struct kith_plugin *plugin, const struct kith_param *key)
{
    const struct kith_codec_ops *codec = plugin->ops;
    if (is_key(key, "keys")) return plugin->flags & KITH_KEYED;
    if (!is_key(key, "layer_byte")) return true;
    return (codec->packet.framing == KITH_FRAMED && !codec->packet.first) ||
           (codec->stream.framing == KITH_FRAMED && !codec->stream.first);
}

bool kith_entry_says(const struct kith_entry *e, const struct kith_param *key)
{
    if (is_key(key, "as")) return strcmp(e->name, e->plugin->name) != 0;
    if (is_key(key, "keys")) return e->has_keys;
    if (is_key(key, "layer_byte")) return e->layer_byte;
    if (is_key(key, "channel")) return e->channel;
    return !is_key(key, "allow") || e->allow;
}

/* A table that would write outside of the instance is the plugin's mistake. */
bool kith_entry_sound(struct kith_reading *r, const struct kith_plugin *plugin, struct kith_pos pos)
{
    for (const struct kith_param *p = plugin->params; p && p->name; p++) {
        struct kith_error why = {.size = sizeof why};
        if (kith_param_check(p, plugin->instance_size, &why) == 0) continue;
        kith_diag_error(r->diag, pos, "this is a mistake of the plugin, not of the file",
                        "parameter '%s' of %s '%s' %s", p->name, kith_kind_words[plugin->kind],
                        plugin->name, why.text);
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
    hash_text(&h, e->name);
    hash_text(&h, e->plugin->name);
    hash_text(&h, e->plugin->version ? e->plugin->version : "");
    hash_text(&h, e->channel ? e->channel : "");
    for (const struct kith_param *p = e->plugin->params; p && p->name; p++)
        hash_value(&h, p, (const char *)e->params + p->offset);
    crypto_generichash_update(&h, (const unsigned char *)&e->allow, sizeof e->allow);
    crypto_generichash_update(&h, &e->layer_byte, 1);
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

/* The host's keys that are of use to the plugin, and those that the file gives all the same: these
 * are refused with a reason (entries_check.c, chain_check.c). */
static const struct kith_param *keys_for(struct kith_reading *r, const struct kith_yaml *map,
                                         const struct kith_plugin *plugin)
{
    const struct kith_param *all = kith_entry_keys(plugin->kind);
    size_t count = 0, n = 0;
    while (all[count].name) count++;
    struct kith_param *keys = kith_arena_alloc(r->temp, (count + 1) * sizeof *keys);
    for (size_t i = 0; i < count; i++)
        if (kith_entry_takes(plugin, &all[i]) || kith_yaml_get(map, all[i].name))
            keys[n++] = all[i];
    return keys;
}

void kith_entry_fill(struct kith_reading *r, const struct kith_yaml *map,
                     const struct kith_plugin *plugin, const char *path, struct kith_entry *e)
{
    e->plugin = plugin;
    /* Not nothing: entries that are one and the same are known by it. */
    size_t size = kith_params_size(plugin->params);
    e->params = kith_arena_alloc(r->arena, size ? size : 1);
    const char *what =
        kith_arena_printf(r->temp, "%s '%s'", kith_kind_words[plugin->kind], plugin->name);
    struct kith_part parts[] = {{keys_for(r, map, plugin), e}, {plugin->params, e->params}};
    bool file = map && !e->arena; /* code sets the members of the entry itself */
    kith_schema_read(r, map, what, path, file ? parts : parts + 1, file ? 2 : 1);
    if (!e->name) e->name = plugin->name;
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

uint32_t kith_implied(uint32_t provides)
{
    return provides & KITH_AUTHENTICATES ? provides | KITH_CHECKS : provides;
}

uint32_t kith_entries_provide(const struct kith_entries *list)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < list->count; i++)
        bits |= ((const struct kith_codec_ops *)list->items[i].plugin->ops)->provides;
    return kith_implied(bits);
}

/* ----------------------------------------------------------------------------------- by code */

/* The value as a file would have it. A list or a map may be more than one text. */
static struct kith_yaml *value_of(struct kith_reading *r, const struct kith_plugin *plugin,
                                  const struct kith_setting_text *setting)
{
    for (const struct kith_param *p = plugin->params; p && p->name; p++)
        if (strcmp(p->name, setting->name) == 0 && kith_value_type_of(p)->shape != KITH_SHAPE_ONE &&
            (*setting->text == '[' || *setting->text == '{'))
            return kith_yaml_parse(setting->text, strlen(setting->text), r->temp, r->diag);
    return kith_yaml_scalar(r->temp, setting->text);
}

static struct kith_yaml *map_of(struct kith_reading *r, const struct kith_plugin *plugin,
                                const struct kith_setting_text *settings, size_t count)
{
    struct kith_yaml *map = kith_arena_alloc(r->temp, sizeof *map);
    map->kind = KITH_YAML_MAP;
    for (size_t i = 0; i < count; i++) {
        struct kith_yaml *v = value_of(r, plugin, &settings[i]);
        if (!v) continue;
        if (kith_yaml_get(map, settings[i].name))
            kith_diag_error(r->diag, (struct kith_pos){0}, "keep one of them", "duplicate key '%s'",
                            settings[i].name);
        v->key = kith_yaml_scalar(r->temp, settings[i].name);
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
    struct kith_arena *arena = kith_arena_new(), *temp = kith_arena_new();
    struct kith_provenances provenances = {.arena = temp};
    struct kith_config nowhere = {.provenances = &provenances};
    struct kith_reading r = {.diag = kith_diag_new(),
                             .arena = arena,
                             .temp = temp,
                             .config = &nowhere,
                             .sections = kith_sections,
                             .dir = "",
                             .profile = profile};
    *e = (struct kith_entry){.use = plugin->name, .kind = plugin->kind, .arena = arena};
    if (kith_entry_sound(&r, plugin, (struct kith_pos){0}))
        kith_entry_fill(&r, map_of(&r, plugin, settings, count), plugin, "", e);
    int rc = first_problem(r.diag, err);
    kith_diag_free(r.diag);
    kith_arena_free(temp);
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
