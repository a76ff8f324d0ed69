/*
 * schema.c - one checker for one table format: our own sections and plugins' entries alike.
 *
 * For every key of a map: is it known, has it the right form, type and range; for every key of the
 * tables that the map lacks: its default under the profile. Knows nothing of what any key means.
 */
#include "schema.h"

/* ----------------------------------------------------------------------------------- origins */

void kith_origin_set(struct kith_origins *o, const char *path, enum kith_origin_kind kind,
                     struct kith_pos pos, struct kith_pos key, const char *note)
{
    if (o->count == o->cap) {
        o->cap = o->cap ? o->cap * 2 : 64;
        struct kith_origin *items = kith_arena_alloc(o->arena, o->cap * sizeof *items);
        if (o->count) memcpy(items, o->items, o->count * sizeof *items);
        o->items = items;
    }
    o->items[o->count++] = (struct kith_origin){kith_arena_strdup(o->arena, path), kind, pos, key,
                                                note ? kith_arena_strdup(o->arena, note) : NULL};
}

const struct kith_origin *kith_origin_find(const struct kith_origins *o, const char *path)
{
    for (size_t i = o->count; i; i--) /* the newest counts */
        if (strcmp(o->items[i - 1].path, path) == 0) return &o->items[i - 1];
    return NULL;
}

struct kith_pos kith_pos_of(const struct kith_config *c, const char *path)
{
    const struct kith_origin *o = kith_origin_find(c->origins, path);
    return o ? o->pos : (struct kith_pos){0};
}

const char *kith_schema_path(struct kith_arena *arena, const char *path, const char *name)
{
    return *path ? kith_arena_printf(arena, "%s.%s", path, name) : kith_arena_strdup(arena, name);
}

/* ------------------------------------------------------------------------------ unknown keys */

enum { NAMES = 64 };

static size_t names_of(const struct kith_part *parts, size_t count, const char *names[NAMES])
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        for (const struct kith_param *p = parts[i].params; p && p->name && n < NAMES; p++)
            names[n++] = p->name;
    return n;
}

static void join_names(const char *const *names, size_t n, char *out, size_t cap)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n && used < cap; i++)
        used += (size_t)snprintf(out + used, cap - used, " %s", names[i]);
}

/* A key that is right but in the wrong place, or written as in memberlist: `gossip_interval` for
 * gossip.interval. */
static bool misplaced(const char *word, const char *here, char *help, size_t cap)
{
    const char *homes[NAMES], *key = word;
    size_t n = 0;
    for (const struct kith_section *s = kith_sections; s->path; s++) {
        const char *section = strrchr(s->path, '.') ? strrchr(s->path, '.') + 1 : s->path;
        size_t len = strlen(section);
        for (const struct kith_param *p = s->params; p->name; p++) {
            bool full = len && strncmp(word, section, len) == 0 && word[len] == '_' &&
                        strcmp(word + len + 1, p->name) == 0;
            if ((strcmp(p->name, word) != 0 && !full) || strcmp(s->path, here) == 0) continue;
            if (full) n = 0; /* there is but one */
            if (n < NAMES) homes[n++] = s->path;
            key = p->name;
            if (full) goto found;
        }
    }
found:
    if (n == 1 && !*homes[0])
        snprintf(help, cap, "'%s' stands at the left margin, outside of any section", key);
    else if (n == 1 && strchr(homes[0], '.'))
        snprintf(help, cap, "it belongs in '%s': write `%.*s: { %s: { %s: ... } }`", homes[0],
                 (int)strcspn(homes[0], "."), homes[0], strchr(homes[0], '.') + 1, key);
    else if (n == 1)
        snprintf(help, cap, "it belongs in '%s': write `%s: { %s: ... }`", homes[0], homes[0], key);
    else if (n) {
        char all[200];
        join_names(homes, n, all, sizeof all);
        snprintf(help, cap, "it belongs in one of:%s", all);
    }
    return n != 0;
}

static void unknown_key(struct kith_reading *r, const struct kith_yaml *key, const char *what,
                        const char *path, const struct kith_part *parts, size_t count)
{
    const char *names[NAMES] = {NULL};
    size_t n = names_of(parts, count, names);
    char help[900], all[600];
    const char *near = kith_nearest(key->text, names, n);
    join_names(names, n, all, sizeof all);
    const char *taker = *what ? what : "the file";
    if (kith_yaml_empty(key))
        snprintf(help, sizeof help, "%s takes:%s", taker, all);
    else if (misplaced(key->text, path, help, sizeof help)) {
    } else if (near)
        snprintf(help, sizeof help, "did you mean '%s'? %s takes:%s", near, taker, all);
    else
        snprintf(help, sizeof help, "%s takes:%s", taker, all);
    kith_diag_error(r->diag, key->pos, help, "unknown key '%s'%s%s", key->text, *what ? " in " : "",
                    what);
}

/* ------------------------------------------------------------------------------------ values */

const char *kith_schema_text(struct kith_reading *r, const struct kith_yaml *v, const char *name)
{
    if (v->bad) return NULL;
    if (v->kind != KITH_YAML_SCALAR) {
        bool flow = v->kind == KITH_YAML_LIST;
        kith_diag_error(r->diag, v->pos,
                        flow ? "text that begins with [ goes in quotes: \"[::]:7946\"" : NULL,
                        "'%s' takes one value, not a %s", name, flow ? "list" : "map");
        return NULL;
    }
    if (kith_yaml_empty(v)) {
        kith_diag_error(r->diag, v->key ? v->key->pos : v->pos, "give it one, or leave the key out",
                        "'%s' has no value", name);
        return NULL;
    }
    return v->text;
}

static void complain(struct kith_reading *r, struct kith_pos pos, const struct kith_complaint *c)
{
    kith_diag_error(r->diag, pos, *c->help ? c->help : NULL, "%s", c->text);
}

static void read_scalar(struct kith_reading *r, const struct kith_param *p,
                        const struct kith_yaml *v, void *at)
{
    struct kith_complaint c;
    const char *text = kith_schema_text(r, v, p->name);
    if (text && (p->flags & KITH_PARAM_SECRET)) {
        kith_diag_hide(r->diag, v->pos, v->end);
        r->literal_secret = true;
    }
    if (text && kith_value_parse(p, text, at, r->arena, r->dir, &c) == 0) return;
    if (text) complain(r, v->pos, &c);
    /* What is wrong here shall not look wrong elsewhere too. */
    if (p->type != KITH_PARAM_STRINGS)
        kith_value_set_default(p, r->profile, at, r->arena, r->dir, &c);
}

static void read_value(struct kith_reading *r, const struct kith_param *p,
                       const struct kith_yaml *v, void *at)
{
    if (p->type != KITH_PARAM_STRINGS || v->kind == KITH_YAML_SCALAR) {
        read_scalar(r, p, v, at);
        return;
    }
    if (v->bad) return;
    if (v->kind == KITH_YAML_MAP) {
        kith_diag_error(r->diag, v->pos, "write [ one, two ], or `- one` lines",
                        "'%s' takes a list, not a map", p->name);
        return;
    }
    for (const struct kith_yaml *i = v->first; i; i = i->next) read_scalar(r, p, i, at);
}

static void read_default(struct kith_reading *r, const struct kith_param *p, const char *what,
                         const char *path, struct kith_pos pos, void *at)
{
    struct kith_complaint c;
    if (kith_value_set_default(p, r->profile, at, r->arena, r->dir, &c) < 0)
        kith_diag_error(r->diag, pos, "this is a mistake of the plugin, not of the file",
                        "the default of %s is not valid: %s", what, c.text);
    bool profile = kith_value_default(p, r->profile) != p->def;
    kith_origin_set(r->config->origins, path, profile ? KITH_FROM_PROFILE : KITH_FROM_DEFAULT,
                    (struct kith_pos){0}, (struct kith_pos){0}, NULL);
}

/* ------------------------------------------------------------------------------------- maps */

static void read_param(struct kith_reading *r, const struct kith_param *p,
                       const struct kith_yaml *map, const struct kith_yaml *v, const char *what,
                       const char *path, void *base)
{
    void *at = (char *)base + p->offset;
    const char *full = kith_schema_path(r->arena, path, p->name);
    struct kith_pos here = map ? map->pos : (struct kith_pos){0};
    if (v) kith_origin_set(r->config->origins, full, KITH_FROM_FILE, v->pos, v->key->pos, NULL);
    if (p->type >= KITH_SPECIAL_SECTION) {
        kith_special_read(r, p, v, at, full);
        return;
    }
    if (v) {
        read_value(r, p, v, at);
        return;
    }
    if (p->flags & KITH_PARAM_REQUIRED) {
        char help[200];
        snprintf(help, sizeof help, "add `%s: ...`: %s", p->name,
                 p->doc ? p->doc : kith_value_type(p));
        kith_diag_error(r->diag, here, help, "%s needs '%s'", what, p->name);
        return;
    }
    read_default(r, p, what, full, here, at);
}

void kith_schema_read(struct kith_reading *r, const struct kith_yaml *map, const char *what,
                      const char *path, const struct kith_part *parts, size_t count)
{
    if (map && !map->bad && map->kind != KITH_YAML_MAP) {
        bool empty = kith_yaml_empty(map);
        kith_diag_error(r->diag, empty && map->key ? map->key->pos : map->pos,
                        empty ? "indent what belongs to it by two spaces, or leave it out"
                              : "write `key: value` lines below it",
                        empty ? "%s is empty" : "%s takes keys and values",
                        *what ? what : "the file");
    }
    if (map && (map->bad || map->kind != KITH_YAML_MAP)) map = NULL;
    for (const struct kith_yaml *i = map ? map->first : NULL; i; i = i->next) {
        bool known = false;
        for (size_t k = 0; k < count; k++)
            for (const struct kith_param *p = parts[k].params; p && p->name; p++)
                known |= strcmp(p->name, i->key->text) == 0;
        if (!known) unknown_key(r, i->key, what, path, parts, count);
    }
    for (size_t k = 0; k < count; k++)
        for (const struct kith_param *p = parts[k].params; p && p->name; p++)
            read_param(r, p, map, kith_yaml_get(map, p->name), what, path, parts[k].base);
}

void kith_schema_section(struct kith_reading *r, const struct kith_yaml *map, const char *path)
{
    const char *what = *path ? kith_arena_printf(r->arena, "'%s'", path) : "";
    struct kith_part parts[2];
    size_t n = 0;
    for (const struct kith_section *s = kith_sections; s->path; s++)
        if (strcmp(s->path, path) == 0 && n < 2) {
            parts[n].params = s->params;
            parts[n++].base = s->short_forms ? (void *)&r->forms : (void *)r->config;
        }
    kith_schema_read(r, map, what, path, parts, n);
}
