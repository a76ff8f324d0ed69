/*
 * key_sources.c - the sources of keys as the file names them: { file: }, { env: }, { fd: }, { dir:
 * }, or the key itself.
 *
 * Which forms a key may have, and how a source is read, is the part of secret.c and
 * secret_load.c.
 */
#include "schema.h"
#include "secret.h"
#include <stdlib.h>

static const struct {
    const char *key;
    uint32_t kind;
} ways[] = {
    {"file", KITH_KEYS_FILE}, {"env", KITH_KEYS_ENV}, {"fd", KITH_KEYS_FD}, {"dir", KITH_KEYS_DIR}};

enum { WAYS = sizeof ways / sizeof *ways };

static const char WRITE[] = "write { file: PATH }, { env: NAME }, { fd: NUMBER } or { dir: PATH }";

static void unknown_way(struct kith_reading *r, const struct kith_yaml *v, const char *name)
{
    const char *words[WAYS];
    for (size_t i = 0; i < WAYS; i++) words[i] = ways[i].key;
    const char *near = kith_nearest(v->key->text, words, WAYS);
    char help[200];
    snprintf(help, sizeof help, "%s%s%s%s", near ? "did you mean '" : "", near ? near : "",
             near ? "'? " : "", WRITE);
    kith_diag_error(r->diag, v->key->pos, help, "unknown key '%s' in a source of '%s'",
                    v->key->text, name);
}

static bool descriptor(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n && n <= 6 && !text[n];
}

static const char *in_dir(const struct kith_reading *r, uint32_t kind, const char *text)
{
    bool path = kind == KITH_KEYS_FILE || kind == KITH_KEYS_DIR;
    return path ? kith_arena_path(r->arena, r->dir, text) : kith_arena_strdup(r->arena, text);
}

/* The one key of a map and what it says; kind 0: said why not. */
static struct kith_key_source named_source(struct kith_reading *r, const struct kith_yaml *v,
                                           uint32_t kind)
{
    const char *text = kith_schema_text(r, v, v->key->text);
    if (text && kind == KITH_KEYS_FD && !descriptor(text)) {
        kith_diag_error(r->diag, v->pos, "write its number, as { fd: 3 }",
                        "'%s' is no file descriptor", text);
        text = NULL;
    }
    if (!text) return (struct kith_key_source){0};
    return (struct kith_key_source){kind, in_dir(r, kind, text), v->pos};
}

static struct kith_key_source map_source(struct kith_reading *r, const struct kith_yaml *map,
                                         const char *name)
{
    const struct kith_yaml *v = map->first;
    if (map->bad) return (struct kith_key_source){0};
    if (map->count != 1) {
        kith_diag_error(r->diag, map->pos, WRITE, "a source of '%s' has one key, not %zu", name,
                        map->count);
        return (struct kith_key_source){0};
    }
    for (size_t i = 0; i < WAYS; i++)
        if (strcmp(ways[i].key, v->key->text) == 0) return named_source(r, v, ways[i].kind);
    unknown_way(r, v, name);
    return (struct kith_key_source){0};
}

/* The key itself, in the text of the file: read at once, and never shown. */
static struct kith_key_source literal(struct kith_reading *r, const struct kith_yaml *v,
                                      const char *name, struct kith_secrets *into)
{
    struct kith_key_source s = {.pos = v->pos};
    if (!kith_schema_text(r, v, name)) return s;
    if (*v->text == '/' || *v->text == '.') {
        kith_diag_error(r->diag, v->pos, "a file is written { file: PATH }",
                        "'%s' takes a key or where it is, not a bare path", name);
        return s;
    }
    if (strcmp(v->text, "***") == 0) {
        kith_diag_error(r->diag, v->pos, "put the key here, or better where it is: { file: PATH }",
                        "'***' stands for a key that was not shown");
        return s;
    }
    r->literal_secret = true;
    kith_diag_hide(r->diag, v->pos, v->end);
    if (kith_secrets_add_text(into, (uint32_t)into->source_count, v->text, v->len, false) < 0)
        kith_diag_error(r->diag, v->pos, "a key is 16, 24 or 32 bytes, in base64 or in hex",
                        "not a valid key");
    else
        s.kind = KITH_KEYS_LITERAL;
    s.where = "";
    memset(v->text, '*', v->len); /* the tree shall not keep it */
    return s;
}

static void read_source(struct kith_reading *r, const struct kith_yaml *v, const char *name,
                        struct kith_secrets *into)
{
    struct kith_key_source s = {0};
    if (v->kind == KITH_YAML_MAP)
        s = map_source(r, v, name);
    else if (v->kind == KITH_YAML_SCALAR)
        s = literal(r, v, name, into);
    else if (!v->bad)
        kith_diag_error(r->diag, v->pos, WRITE, "a source of '%s' can't be a list", name);
    if (s.kind) into->sources[into->source_count++] = s;
}

static void free_keys(void *secrets) { kith_secrets_free(secrets); }

void kith_keys_read(struct kith_reading *r, const struct kith_yaml *v, const char *name, bool one,
                    struct kith_secrets *into)
{
    if (v->bad) return;
    bool list = v->kind == KITH_YAML_LIST;
    if (one && list) {
        kith_diag_error(r->diag, v->pos, "more than one key goes into `keyring: [ ... ]`",
                        "'%s' takes one key, not a list", name);
        return;
    }
    if (!list && kith_yaml_empty(v)) {
        kith_schema_text(r, v, name);
        return;
    }
    size_t errors = kith_diag_errors(r->diag);
    into->sources = kith_arena_alloc(r->arena, ((list ? v->count : 1) + 1) * sizeof *into->sources);
    kith_arena_defer(r->arena, free_keys, into);
    if (!list) read_source(r, v, name, into);
    for (const struct kith_yaml *i = list ? v->first : NULL; i; i = i->next)
        read_source(r, i, name, into);
    if (kith_diag_errors(r->diag) == errors) kith_secrets_load(into, r->wait, r->diag);
}
