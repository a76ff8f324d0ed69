/*
 * setting.c - one value of a finished config by its key, for a plugin that asks.
 *
 * The texts that have to be written are kept with the config, each once, so that what is lent stays
 * where it is. Walks the tables; knows no key by name. Keys of a ring are never told.
 */
#include "growth.h"
#include "show.h"
#include "units.h"
#include <stdlib.h>

struct shown {
    const char *key;
    struct kith_bytes text;
};

struct kith_setting_texts {
    struct kith_arena *arena;
    struct shown *items;
    size_t count, cap;
};

/* -------------------------------------------------------------------------- texts that are kept */

static struct kith_bytes *kept(const struct kith_setting_texts *t, const char *key)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->items[i].key, key) == 0) return &t->items[i].text;
    return NULL;
}

static struct kith_setting_texts *texts_of(struct kith_config *c)
{
    if (c->texts) return c->texts;
    struct kith_arena *arena = kith_arena_new();
    c->texts = kith_arena_alloc(arena, sizeof *c->texts);
    c->texts->arena = arena;
    return c->texts;
}

/* The text of a key, kept when it is not there yet as it is now. Takes text over. */
static struct kith_bytes keep(struct kith_config *c, const char *key, char *text)
{
    struct kith_setting_texts *t = texts_of(c);
    struct kith_bytes *old = kept(t, key);
    if (old && strcmp((const char *)old->data, text) != 0) {
        *old = kith_text(kith_arena_strdup(t->arena, text));
    } else if (!old) {
        if (t->count == t->cap) {
            t->cap = t->cap ? t->cap * 2 : 16;
            struct shown *items = kith_arena_alloc(t->arena, t->cap * sizeof *items);
            if (t->count) memcpy(items, t->items, t->count * sizeof *items);
            t->items = items;
        }
        t->items[t->count] = (struct shown){kith_arena_strdup(t->arena, key),
                                            kith_text(kith_arena_strdup(t->arena, text))};
        old = &t->items[t->count++].text;
    }
    free(text);
    return *old;
}

void kith_setting_texts_free(struct kith_setting_texts *t)
{
    if (t) kith_arena_free(t->arena);
}

/* ------------------------------------------------------------------------------------ finding */

/* The key of a table that `key` begins with; *rest is what follows the dot, or "". */
static const struct kith_param *find(const char *key, const char **rest)
{
    for (const struct kith_section *s = kith_sections; s->path; s++) {
        size_t n = strlen(s->path);
        if (s->short_forms || strncmp(key, s->path, n) != 0 || (n && key[n] != '.')) continue;
        const char *word = n ? key + n + 1 : key;
        for (const struct kith_param *p = s->params; p->name; p++) {
            size_t len = strlen(p->name);
            if (p->type == KITH_TYPE_SECTION || strncmp(word, p->name, len) != 0) continue;
            if (word[len] && (word[len] != '.' || !word[len + 1])) continue;
            *rest = word[len] ? word + len + 1 : "";
            return p;
        }
    }
    return NULL;
}

/* "0", "17": an index below count. */
static bool index_of(const char *text, size_t count, size_t *out)
{
    uint64_t i;
    size_t n = kith_digits(text, &i);
    if (!n || text[n] || (n > 1 && *text == '0') || i >= count) return false;
    *out = (size_t)i;
    return true;
}

/* ------------------------------------------------------------------------------------- values */

static int as_text(struct kith_value *out, struct kith_bytes text)
{
    out->type = KITH_PARAM_STRING;
    out->text = text;
    return 0;
}

static int as_list(struct kith_value *out, uint32_t type, size_t count, struct kith_bytes text)
{
    out->type = type;
    out->number = (int64_t)count;
    out->text = text;
    return 0;
}

static int entry_value(struct kith_config *c, const char *key, const struct kith_entries *list,
                       const char *rest, struct kith_value *out)
{
    size_t i;
    if (!*rest)
        return as_list(out, KITH_PARAM_LIST, list->count, keep(c, key, kith_show_names(list)));
    if (!index_of(rest, list->count, &i)) return -KITH_ENOTFOUND;
    return as_text(out, kith_text(list->items[i].name));
}

static int list_value(struct kith_config *c, const char *key, const struct kith_param *p,
                      const struct kith_list *list, const char *rest, struct kith_value *out)
{
    size_t i;
    if (!*rest)
        return as_list(out, KITH_PARAM_LIST, list->count,
                       keep(c, key, kith_show_value(c, p, list)));
    if (!index_of(rest, list->count, &i)) return -KITH_ENOTFOUND;
    return as_text(out, kith_text(list->items[i]));
}

static int map_value(struct kith_config *c, const char *key, const struct kith_param *p,
                     const struct kith_map *map, const char *rest, struct kith_value *out)
{
    if (!*rest)
        return as_list(out, KITH_PARAM_MAP, map->count, keep(c, key, kith_show_value(c, p, map)));
    for (size_t i = 0; i < map->count; i++)
        if (kith_bytes_equal(map->items[i].name, kith_text(rest)))
            return as_text(out, map->items[i].value);
    return -KITH_ENOTFOUND;
}

static int seeds_value(struct kith_config *c, const char *key, const struct kith_param *p,
                       const struct kith_seeds *seeds, const char *rest, struct kith_value *out)
{
    size_t i;
    if (!*rest)
        return as_list(out, KITH_PARAM_LIST, seeds->count,
                       keep(c, key, kith_show_value(c, p, seeds)));
    if (!index_of(rest, seeds->count, &i)) return -KITH_ENOTFOUND;
    return as_text(out, kith_text(seeds->items[i].address));
}

/* A value that is neither list nor map. */
static int one_value(struct kith_config *c, const char *key, const struct kith_param *p,
                     const void *at, struct kith_value *out)
{
    out->type = p->type;
    switch (p->type) {
    case KITH_PARAM_STRING:
    case KITH_PARAM_PATH:
        if (*(const char *const *)at) out->text = kith_text(*(const char *const *)at);
        return *(const char *const *)at ? 0 : -KITH_ENOTFOUND;
    case KITH_PARAM_ENUM:
        out->number = *(const uint32_t *)at;
        out->text = kith_text(p->choices[out->number]);
        return 0;
    case KITH_PARAM_BOOL: out->number = *(const bool *)at; break;
    case KITH_PARAM_INT: out->number = *(const int32_t *)at; break;
    case KITH_PARAM_UINT: out->number = *(const uint32_t *)at; break;
    case KITH_PARAM_SIZE:
    case KITH_PARAM_DURATION: out->number = (int64_t) * (const uint64_t *)at; break;
    case KITH_PARAM_FLOAT: out->real = *(const double *)at; break;
    default: out->type = KITH_PARAM_STRING; break; /* our own types: as shown */
    }
    char *text = kith_show_value(c, p, at);
    if (!*text) {
        free(text);
        return -KITH_ENOTFOUND;
    }
    out->text = keep(c, key, text);
    return 0;
}

static int value_at(struct kith_config *c, const char *key, const struct kith_param *p,
                    const char *rest, struct kith_value *out)
{
    const void *at = (const char *)c + p->offset;
    if (p->flags & KITH_PARAM_SECRET) return -KITH_EACCES;
    switch (p->type) {
    case KITH_TYPE_KEYS:
    case KITH_TYPE_KEY: return -KITH_EACCES;
    case KITH_TYPE_CODECS:
    case KITH_TYPE_DELEGATES: return entry_value(c, key, at, rest, out);
    case KITH_TYPE_SEEDS: return seeds_value(c, key, p, at, rest, out);
    case KITH_PARAM_LIST: return list_value(c, key, p, at, rest, out);
    case KITH_PARAM_MAP: return map_value(c, key, p, at, rest, out);
    default: break;
    }
    if (*rest) return -KITH_ENOTFOUND;
    if (p->type == KITH_TYPE_TRANSPORT) return as_text(out, kith_text(c->transport.name));
    return one_value(c, key, p, at, out);
}

int kith_config_setting(struct kith_config *c, const char *key, struct kith_value *out)
{
    const char *rest;
    const struct kith_param *p = find(key, &rest);
    struct kith_value value = {0};
    int rc = p ? value_at(c, key, p, rest, &value) : -KITH_ENOTFOUND;
    if (rc) return rc;
    KITH_GIVE(out, &value);
    return 0;
}
