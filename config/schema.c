/*
 * schema.c - one checker for one table format: our own sections and plugins' entries alike.
 *
 * For every key of a map: is it known, has it the right form, type and range; for every key of the
 * tables that the map lacks: its default under the profile. Knows nothing of what any key means.
 */
#include "schema.h"

static const char *path_of(struct kith_arena *arena, const char *path, const char *name)
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

/* Where a key would be right. */
struct homes {
    const char *sections[NAMES], *key;
    size_t count;
};

/* Whether word is written as in memberlist: `gossip_interval` for gossip.interval. */
static bool is_full_name(const char *word, const char *path, const char *key)
{
    const char *dot = strrchr(path, '.'), *section = dot ? dot + 1 : path;
    size_t len = strlen(section);
    return len && strncmp(word, section, len) == 0 && word[len] == '_' &&
           strcmp(word + len + 1, key) == 0;
}

static struct homes homes_of(const struct kith_section *sections, const char *word,
                             const char *here)
{
    struct homes h = {.key = word};
    for (const struct kith_section *s = sections; s->path; s++) {
        if (strcmp(s->path, here) == 0) continue;
        for (const struct kith_param *p = s->params; p->name; p++) {
            if (is_full_name(word, s->path, p->name)) /* there is but one */
                return (struct homes){{s->path}, p->name, 1};
            if (strcmp(p->name, word) == 0 && h.count < NAMES) h.sections[h.count++] = s->path;
        }
    }
    return h;
}

/* A key that is right but in the wrong place. False: it is right nowhere. */
static bool misplaced(const struct kith_section *sections, const char *word, const char *here,
                      char *help, size_t cap)
{
    struct homes h = homes_of(sections, word, here);
    const char *home = h.count ? h.sections[0] : NULL, *dot = home ? strchr(home, '.') : NULL;
    if (!home) return false;
    if (h.count > 1) {
        char all[200];
        join_names(h.sections, h.count, all, sizeof all);
        snprintf(help, cap, "it belongs in one of:%s", all);
    } else if (!*home) {
        snprintf(help, cap, "'%s' stands at the left margin, outside of any section", h.key);
    } else if (dot) {
        snprintf(help, cap, "it belongs in '%s': write `%.*s: { %s: { %s: ... } }`", home,
                 (int)(dot - home), home, dot + 1, h.key);
    } else {
        snprintf(help, cap, "it belongs in '%s': write `%s: { %s: ... }`", home, home, h.key);
    }
    return true;
}

static bool holds_secret(const struct kith_param *p)
{
    return p->flags & KITH_PARAM_SECRET || p->type == KITH_TYPE_KEYS || p->type == KITH_TYPE_KEY;
}

/* A secret under a key that was misspelt, or that stands in the wrong place, is one all the same.
 */
static bool may_be_secret(const struct kith_section *sections, const char *word,
                          const struct kith_part *parts, size_t count)
{
    const char *secrets[NAMES];
    size_t n = 0;
    for (size_t k = 0; k < count; k++)
        for (const struct kith_param *p = parts[k].params; p && p->name; p++)
            if (holds_secret(p) && n < NAMES) secrets[n++] = p->name;
    for (const struct kith_section *s = sections; s->path; s++)
        for (const struct kith_param *p = s->params; p->name; p++)
            if (holds_secret(p) && n < NAMES) secrets[n++] = p->name;
    return n && kith_nearest(word, secrets, n);
}

static void unknown_key(struct kith_reading *r, const struct kith_yaml *value, const char *what,
                        const char *path, const struct kith_part *parts, size_t count)
{
    const struct kith_yaml *key = value->key;
    if (may_be_secret(r->sections, key->text, parts, count))
        kith_diag_hide(r->diag, value->pos, value->end);
    const char *names[NAMES] = {NULL};
    size_t n = names_of(parts, count, names);
    char help[900], all[600];
    const char *taker = *what ? what : "the file";
    const char *near = kith_yaml_empty(key) ? NULL : kith_nearest(key->text, names, n);
    join_names(names, n, all, sizeof all);
    if (kith_yaml_empty(key) || !misplaced(r->sections, key->text, path, help, sizeof help))
        snprintf(help, sizeof help, "%s%s%s%s takes:%s", near ? "did you mean '" : "",
                 near ? near : "", near ? "'? " : "", taker, all);
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

static struct kith_param_in reading_into(const struct kith_reading *r, struct kith_complaint *why)
{
    return (struct kith_param_in){r->arena, r->dir, why};
}

/* The text of a scalar; what stands for a secret is none. */
static const char *text_of(struct kith_reading *r, const struct kith_param *p,
                           const struct kith_yaml *v, const char *name)
{
    const char *text = kith_schema_text(r, v, name);
    if (!text || !(p->flags & KITH_PARAM_SECRET)) return text;
    if (strcmp(text, "***") == 0) {
        kith_diag_error(r->diag, v->pos, "put the secret here",
                        "'***' stands for a secret that was not shown");
        return NULL;
    }
    r->literal_secret = true;
    return text;
}

static void read_scalar(struct kith_reading *r, const struct kith_param *p,
                        const struct kith_yaml *v, void *at)
{
    struct kith_complaint why;
    const struct kith_param_in in = reading_into(r, &why);
    const char *text = text_of(r, p, v, p->name);
    if (text && kith_param_parse(p, text, at, &in) == 0) return;
    if (text) complain(r, v->pos, &why);
    /* What is wrong here shall not look wrong elsewhere too. */
    if (kith_value_type_of(p)->shape == KITH_SHAPE_ONE)
        kith_param_set_default(p, r->profile, at, &in);
}

static void read_list(struct kith_reading *r, const struct kith_param *p, const struct kith_yaml *v,
                      void *at)
{
    if (v->bad) return;
    if (v->kind == KITH_YAML_SCALAR)
        read_scalar(r, p, v, at);
    else if (v->kind == KITH_YAML_MAP)
        kith_diag_error(r->diag, v->pos, "write [ one, two ], or `- one` lines",
                        "'%s' takes a list, not a map", p->name);
    else
        for (const struct kith_yaml *i = v->first; i; i = i->next) read_scalar(r, p, i, at);
}

static void read_map(struct kith_reading *r, const struct kith_param *p, const struct kith_yaml *v,
                     void *at)
{
    struct kith_complaint why;
    const struct kith_param_in in = reading_into(r, &why);
    if (v->bad) return;
    if (v->kind != KITH_YAML_MAP) {
        kith_diag_error(r->diag, v->pos, "write { key: value }", "'%s' takes keys and values",
                        p->name);
        return;
    }
    for (const struct kith_yaml *i = v->first; i; i = i->next) {
        const char *text = text_of(r, p, i, i->key->text);
        if (text && kith_param_parse_pair(p, i->key->text, text, at, &in) < 0)
            complain(r, i->key->pos, &why);
    }
}

void kith_schema_value(struct kith_reading *r, const struct kith_param *p,
                       const struct kith_yaml *v, void *at)
{
    if (p->flags & KITH_PARAM_SECRET) kith_diag_hide(r->diag, v->pos, v->end);
    switch (kith_value_type_of(p)->shape) {
    case KITH_SHAPE_ONE: read_scalar(r, p, v, at); break;
    case KITH_SHAPE_LIST: read_list(r, p, v, at); break;
    case KITH_SHAPE_MAP: read_map(r, p, v, at); break;
    }
}

static void read_default(struct kith_reading *r, const struct kith_param *p, const char *what,
                         const char *path, struct kith_pos pos, void *at)
{
    struct kith_complaint why;
    const struct kith_param_in in = reading_into(r, &why);
    if (kith_param_set_default(p, r->profile, at, &in) < 0)
        kith_diag_error(r->diag, pos, "this is a mistake of the plugin, not of the file",
                        "the default of %s is not valid: %s", what, why.text);
    const struct kith_pos nowhere = {0};
    if (r->config && kith_param_default(p, r->profile) != p->def)
        kith_provenance_set(r->config->provenances, path, KITH_FROM_PROFILE, nowhere, nowhere,
                            NULL);
}

/* ------------------------------------------------------------------------------------- maps */

static void read_param(struct kith_reading *r, const struct kith_param *p,
                       const struct kith_yaml *map, const struct kith_yaml *v, const char *what,
                       const char *path, void *base)
{
    void *at = (char *)base + p->offset;
    const char *full = path_of(r->temp, path, p->name);
    struct kith_pos here = map ? map->pos : (struct kith_pos){0};
    if (v && r->config)
        kith_provenance_set(r->config->provenances, full, KITH_FROM_FILE, v->pos, v->key->pos,
                            NULL);
    if (p->type == KITH_TYPE_SECTION) {
        kith_schema_section(r, v, full);
        return;
    }
    if (p->type > KITH_TYPE_SECTION) {
        r->read_type(r, p, v, at, full);
        return;
    }
    if (v) {
        kith_schema_value(r, p, v, at);
        return;
    }
    if (p->flags & KITH_PARAM_REQUIRED) {
        char help[200];
        snprintf(help, sizeof help, "add `%s: ...`: %s", p->name,
                 p->doc ? p->doc : kith_value_type_of(p)->words);
        kith_diag_error(r->diag, here, help, "%s needs '%s'", what, p->name);
        return;
    }
    read_default(r, p, what, full, here, at);
}

static void refuse_no_map(struct kith_reading *r, const struct kith_yaml *v, const char *what)
{
    bool empty = kith_yaml_empty(v);
    kith_diag_error(r->diag, empty && v->key ? v->key->pos : v->pos,
                    empty ? "indent what belongs to it by two spaces, or leave it out"
                          : "write `key: value` lines below it",
                    empty ? "%s is empty" : "%s takes keys and values", *what ? what : "the file");
}

static bool known(const char *key, const struct kith_part *parts, size_t count)
{
    for (size_t k = 0; k < count; k++)
        for (const struct kith_param *p = parts[k].params; p && p->name; p++)
            if (strcmp(p->name, key) == 0) return true;
    return false;
}

void kith_schema_read(struct kith_reading *r, const struct kith_yaml *map, const char *what,
                      const char *path, const struct kith_part *parts, size_t count)
{
    if (map && !map->bad && map->kind != KITH_YAML_MAP) refuse_no_map(r, map, what);
    if (map && (map->bad || map->kind != KITH_YAML_MAP)) map = NULL;
    for (const struct kith_yaml *i = map ? map->first : NULL; i; i = i->next)
        if (!known(i->key->text, parts, count)) unknown_key(r, i, what, path, parts, count);
    for (size_t k = 0; k < count; k++)
        for (const struct kith_param *p = parts[k].params; p && p->name; p++)
            read_param(r, p, map, kith_yaml_get(map, p->name), what, path, parts[k].base);
}

void kith_schema_section(struct kith_reading *r, const struct kith_yaml *map, const char *path)
{
    const char *what = *path ? kith_arena_printf(r->temp, "'%s'", path) : "";
    struct kith_part parts[2];
    size_t n = 0;
    for (const struct kith_section *s = r->sections; s->path; s++)
        if (strcmp(s->path, path) == 0 && n < 2) {
            parts[n].params = s->params;
            parts[n++].base = s->short_forms ? (void *)&r->short_forms : (void *)r->config;
        }
    kith_schema_read(r, map, what, path, parts, n);
}
