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

/* A text as a key once had it. */
struct kith_setting_texts {
    struct kith_setting_texts *next;
    const char *text; /* behind the key */
    char key[];
};

/* -------------------------------------------------------------------------- texts that are kept */

static const char *kept(const struct kith_config *c, const char *key, const char *text)
{
    const struct kith_setting_texts *t = c->texts;
    while (t && (strcmp(t->key, key) != 0 || strcmp(t->text, text) != 0)) t = t->next;
    return t ? t->text : NULL;
}

/* The text of a key, kept when it is not there yet as it is now. Takes text, which may be NULL: no
 * memory. */
static int keep(struct kith_config *c, const char *key, char *text, struct kith_bytes *out)
{
    const char *old = text ? kept(c, key, text) : NULL;
    size_t room = strlen(key) + 1, len = text ? strlen(text) + 1 : 0;
    struct kith_setting_texts *t = text && !old ? malloc(sizeof *t + room + len) : NULL;
    if (t) {
        memcpy(t->key, key, room);
        old = t->text = memcpy(t->key + room, text, len);
        t->next = c->texts;
        c->texts = t;
    }
    free(text);
    if (!old) return -KITH_ENOMEM;
    *out = kith_text(old);
    return 0;
}

void kith_setting_texts_free(struct kith_setting_texts *t)
{
    for (struct kith_setting_texts *next; t; t = next) {
        next = t->next;
        free(t);
    }
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

static int as_list(struct kith_config *c, const char *key, struct kith_value *out, uint32_t type,
                   size_t count, char *text)
{
    out->type = type;
    out->number = (int64_t)count;
    return keep(c, key, text, &out->text);
}

static int entry_value(struct kith_config *c, const char *key, const struct kith_entries *list,
                       const char *rest, struct kith_value *out)
{
    size_t i;
    if (!*rest) return as_list(c, key, out, KITH_PARAM_LIST, list->count, kith_show_names(list));
    if (!index_of(rest, list->count, &i)) return -KITH_ENOTFOUND;
    return as_text(out, kith_text(list->items[i].name));
}

static int list_value(struct kith_config *c, const char *key, const struct kith_param *p,
                      const struct kith_list *list, const char *rest, struct kith_value *out)
{
    size_t i;
    if (!*rest)
        return as_list(c, key, out, KITH_PARAM_LIST, list->count, kith_show_value(c, p, list));
    if (!index_of(rest, list->count, &i)) return -KITH_ENOTFOUND;
    return as_text(out, kith_text(list->items[i]));
}

static int map_value(struct kith_config *c, const char *key, const struct kith_param *p,
                     const struct kith_map *map, const char *rest, struct kith_value *out)
{
    if (!*rest) return as_list(c, key, out, KITH_PARAM_MAP, map->count, kith_show_value(c, p, map));
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
        return as_list(c, key, out, KITH_PARAM_LIST, seeds->count, kith_show_value(c, p, seeds));
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
    if (text && !*text) {
        free(text);
        return -KITH_ENOTFOUND;
    }
    return keep(c, key, text, &out->text);
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
