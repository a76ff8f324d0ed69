/*
 * entries.c - entries that name a plugin: `{ use: NAME, ... }`, checked against that plugin's own
 * table.
 *
 * Finds the plugin and hands the map to entry.c. Knows nothing of how plugins are found, nor of
 * what follows from having several.
 */
#include "schema.h"

/* ----------------------------------------------------------------------------------- finding */

/* "did you mean 'zstd'? there are: ..."; "" when no name of the kind is known. */
static void known_names(struct kith_reading *r, uint32_t kind, const char *name, char *help,
                        size_t cap)
{
    const char *const *names = r->finder->names ? r->finder->names(r->finder->ctx, kind) : NULL;
    size_t n = 0, used = 0;
    *help = '\0';
    while (names && names[n]) n++;
    if (!n) return;
    const char *near = strchr(name, '/') ? NULL : kith_nearest(name, names, n);
    if (near && strcmp(near, name) != 0)
        used = (size_t)snprintf(help, cap, "did you mean '%s'? ", near);
    used += (size_t)snprintf(help + used, cap - used, "there are:");
    for (size_t i = 0; i < n && used < cap; i++)
        used += (size_t)snprintf(help + used, cap - used, " %s", names[i]);
}

static const struct kith_plugin *find(struct kith_reading *r, uint32_t kind, const char *name,
                                      struct kith_pos pos)
{
    struct kith_error err = {.size = sizeof err};
    const struct kith_plugin *plugin = r->finder->find(r->finder->ctx, kind, name, &err);
    if (plugin) return plugin;
    char help[800];
    known_names(r, kind, name, help, sizeof help);
    if (strstr(err.text, name))
        kith_diag_error(r->diag, pos, *help ? help : NULL, "%s", err.text);
    else
        kith_diag_error(r->diag, pos, *help ? help : NULL, "%s '%s': %s", kith_kind_words[kind],
                        name, *err.text ? err.text : "not found");
    return NULL;
}

/* ----------------------------------------------------------------------------------- reading */

/* Whether this is a map, as an entry must be. */
static bool is_entry(struct kith_reading *r, const struct kith_yaml *v, uint32_t kind)
{
    if (v->bad) return false;
    if (v->kind == KITH_YAML_MAP) return true;
    if (kith_yaml_empty(v)) {
        kith_schema_text(r, v, v->key ? v->key->text : "use");
        return false;
    }
    char help[200];
    snprintf(help, sizeof help, "write { use: %.100s }",
             v->kind == KITH_YAML_SCALAR ? v->text : "NAME");
    kith_diag_error(r->diag, v->pos, help, "a %s is named with `use`", kith_kind_words[kind]);
    return false;
}

/* Which of the values are secrets only the plugin knows, and it is not there. */
static void hide_values(struct kith_reading *r, const struct kith_yaml *map, uint32_t kind)
{
    for (const struct kith_yaml *i = map->first; i; i = i->next) {
        bool open = false;
        for (const struct kith_param *p = kith_entry_keys(kind); p->name; p++)
            open |= strcmp(p->name, i->key->text) == 0 && p->type != KITH_TYPE_KEYS;
        if (!open) kith_diag_hide(r->diag, i->pos, i->end);
    }
}

void kith_entry_read(struct kith_reading *r, const struct kith_yaml *map, uint32_t kind,
                     const char *path, struct kith_entry *e)
{
    *e = (struct kith_entry){.kind = kind, .pos = map->pos};
    if (!is_entry(r, map, kind)) return;
    kith_provenance_set(r->config->provenances, path, KITH_FROM_FILE, map->pos, map->pos, NULL);
    const struct kith_yaml *use = kith_yaml_get(map, "use");
    if (!use)
        kith_diag_error(r->diag, map->pos, "add `use: NAME`", "a %s is named with `use`",
                        kith_kind_words[kind]);
    const char *name = use ? kith_schema_text(r, use, "use") : NULL;
    if (!name) return;
    if (strchr(name, '/')) name = kith_arena_path(r->temp, r->dir, name);
    const struct kith_plugin *plugin = find(r, kind, name, use->pos);
    if (!plugin) hide_values(r, map, kind);
    if (!plugin || !kith_entry_sound(r, plugin, use->pos)) return;
    kith_entry_fill(r, map, plugin, path, e);
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
                            "'%s' takes a list of %ss", list->key->text, kith_kind_words[kind]);
        return;
    }
    out->items = kith_arena_alloc(r->arena, (list->count + 1) * sizeof *out->items);
    for (const struct kith_yaml *i = list->first; i; i = i->next) {
        const char *at = kith_arena_printf(r->temp, "%s[%zu]", path, out->count);
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
    if (!plugin || !kith_entry_sound(r, plugin, pos)) return false;
    kith_provenance_set(r->config->provenances, path, KITH_FROM_NOTE, pos, pos, note);
    kith_entry_fill(r, NULL, plugin, path, e);
    return true;
}
