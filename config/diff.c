/*
 * diff.c - what differs between two configs, key by key, for the report of a reload; and which keys
 * a running node can't change.
 *
 * Each config becomes a flat list of keys and texts; keys of an entry are named after the entry,
 * not its place, so that one more entry does not look like a change of all that follow. Keys of a
 * ring are told apart by fingerprint.
 */
#include "show.h"
#include <sodium.h>
#include <stdlib.h>

struct leaf {
    char *key, *text;
    bool restart;
};

/* A secret is never in a report. A hash with a key of this report tells whether it changed. */
struct leaves {
    struct leaf *items;
    size_t count;
    uint8_t key[crypto_generichash_KEYBYTES];
};

static void add(struct leaves *l, const char *key, char *text, bool restart)
{
    struct leaf *items = realloc(l->items, (l->count + 1) * sizeof *items);
    if (!items || !text) abort(); /* as all reading of files does */
    l->items = items;
    items[l->count++] = (struct leaf){strdup(key), text, restart};
}

static void free_leaves(struct leaves *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->items[i].key);
        free(l->items[i].text);
    }
    free(l->items);
}

/* The first 8 bytes of BLAKE2b, as `kith keys list` prints them. */
static char *fingerprints(const struct kith_secrets *s)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f) abort();
    for (size_t i = 0; i < s->count; i++) {
        uint8_t sum[crypto_generichash_BYTES];
        crypto_generichash(sum, sizeof sum, s->items[i].data, s->items[i].len, NULL, 0);
        fputs(i ? ", " : "", f);
        for (int k = 0; k < 8; k++) fprintf(f, "%02x", sum[k]);
    }
    fclose(f);
    return text;
}

static char *hidden(const struct leaves *l, const struct kith_param *p, const void *at)
{
    char *text = kith_param_text(p, at);
    uint8_t sum[crypto_generichash_BYTES];
    char out[32];
    crypto_generichash(sum, sizeof sum, (const uint8_t *)text, strlen(text), l->key, sizeof l->key);
    sodium_memzero(text, strlen(text));
    free(text);
    snprintf(out, sizeof out, "*** (%02x%02x%02x%02x)", sum[0], sum[1], sum[2], sum[3]);
    return strdup(out);
}

/* -------------------------------------------------------------------------------- flattening */

/* restart: a transport's, of which parameters may be marked as waiting for a restart. */
static void add_entry(const struct kith_config *c, struct leaves *l, const char *path,
                      const struct kith_entry *e, bool restart)
{
    char key[300];
    for (const struct kith_param *p = kith_entry_keys(e->kind); p->name; p++) {
        const void *at = (const char *)e + p->offset;
        bool keys = p->type == KITH_TYPE_KEYS, use = strcmp(p->name, "use") == 0;
        bool renamed = strcmp(e->name, e->plugin->name) != 0;
        snprintf(key, sizeof key, "%s.%s", path, p->name);
        if (use ? !restart && !renamed : !kith_entry_says(e, p)) continue; /* it is in the path */
        add(l, key, keys ? fingerprints(at) : kith_show_value(c, p, at), restart && !keys);
    }
    for (const struct kith_param *p = e->plugin->params; p && p->name; p++) {
        const void *at = (const char *)e->params + p->offset;
        bool secret = (p->flags & KITH_PARAM_SECRET) && kith_param_given(p, at);
        snprintf(key, sizeof key, "%s.%s", path, p->name);
        add(l, key, secret ? hidden(l, p, at) : kith_show_value(c, p, at),
            restart && p->flags & KITH_PARAM_RESTART);
    }
}

static size_t earlier(const struct kith_entries *list, size_t i)
{
    size_t n = 0;
    for (size_t k = 0; k < i; k++) n += strcmp(list->items[k].name, list->items[i].name) == 0;
    return n;
}

static void add_entries(const struct kith_config *c, struct leaves *l, const char *path,
                        const struct kith_entries *list)
{
    char key[200];
    add(l, path, kith_show_names(list), false);
    for (size_t i = 0; i < list->count; i++) {
        size_t n = earlier(list, i);
        if (n)
            snprintf(key, sizeof key, "%s.%s#%zu", path, list->items[i].name, n + 1);
        else
            snprintf(key, sizeof key, "%s.%s", path, list->items[i].name);
        add_entry(c, l, key, &list->items[i], false);
    }
}

static void write_key(char out[100], const struct kith_section *s, const struct kith_param *p)
{
    snprintf(out, 100, "%s%s%s", s->path, *s->path ? "." : "", p->name);
}

/* What a running node can't change: who it is, where it is asked. Texts. */
static bool needs_restart(const char *key)
{
    return strcmp(key, "node.name") == 0 || strcmp(key, "node.control") == 0;
}

static void flatten(const struct kith_config *c, struct leaves *l)
{
    for (const struct kith_section *s = kith_sections; s->path; s++) {
        if (s->short_forms) continue;
        for (const struct kith_param *p = s->params; p->name; p++) {
            const void *at = (const char *)c + p->offset;
            char key[100];
            write_key(key, s, p);
            switch (p->type) {
            case KITH_TYPE_SECTION: break;
            case KITH_TYPE_TRANSPORT: add_entry(c, l, key, at, true); break;
            case KITH_TYPE_CODECS:
            case KITH_TYPE_DELEGATES: add_entries(c, l, key, at); break;
            case KITH_TYPE_KEYS: add(l, key, fingerprints(at), false); break;
            default: add(l, key, kith_show_value(c, p, at), needs_restart(key)); break;
            }
        }
    }
}

/* --------------------------------------------------------------------------------- comparing */

static const struct leaf *find(const struct leaves *l, const char *key)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].key, key) == 0) return &l->items[i];
    return NULL;
}

void kith_config_diff(const struct kith_config *before, const struct kith_config *after,
                      void (*visit)(void *arg, const char *key, const char *was, const char *now,
                                    bool restart),
                      void *arg)
{
    struct leaves was = {0}, now;
    randombytes_buf(was.key, sizeof was.key);
    now = was;
    flatten(before, &was);
    flatten(after, &now);
    /* Nothing there and not given are the same. */
    for (size_t i = 0; i < was.count; i++)
        if (*was.items[i].text && !find(&now, was.items[i].key))
            visit(arg, was.items[i].key, was.items[i].text, "", was.items[i].restart);
    for (size_t i = 0; i < now.count; i++) {
        const struct leaf *old = find(&was, now.items[i].key);
        const char *text = old ? old->text : "";
        if (strcmp(text, now.items[i].text) != 0)
            visit(arg, now.items[i].key, text, now.items[i].text, now.items[i].restart);
    }
    free_leaves(&was);
    free_leaves(&now);
}

void kith_config_keep(struct kith_config *now, const struct kith_config *before)
{
    for (const struct kith_section *s = kith_sections; s->path; s++) {
        for (const struct kith_param *p = s->params; p->name; p++) {
            char key[100];
            write_key(key, s, p);
            if (!needs_restart(key)) continue;
            const char *was = *(const char *const *)((const char *)before + p->offset);
            const char **is = (const char **)(void *)((char *)now + p->offset);
            *is = was ? kith_arena_strdup(now->arena, was) : NULL;
        }
    }
}
