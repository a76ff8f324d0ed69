/*
 * meta.c - the node's meta in the forms that a file may give it: text, { base64: }, { file: }, or
 * { tags: {} } as Serf's.
 */
#include "file.h"
#include "schema.h"
#include <sodium.h>

enum { META_MAX = 512 };

static void set_meta(struct kith_reading *r, struct kith_pos pos, const void *data, size_t len,
                     struct kith_bytes *at)
{
    if (len > META_MAX) {
        kith_diag_error(r->diag, pos,
                        "it rides on every packet that tells of this node: keep it short",
                        "'meta' is %zu bytes long, at most %d bytes are possible", len, META_MAX);
        return;
    }
    *at = kith_bytes_of(kith_arena_strndup(r->arena, data, len), len);
}

static void meta_base64(struct kith_reading *r, const struct kith_yaml *v, struct kith_bytes *at)
{
    const char *text = kith_schema_text(r, v, "base64");
    if (!text) return;
    uint8_t *bin = kith_arena_alloc(r->temp, v->len + 1);
    size_t len;
    const char *end;
    if (sodium_base642bin(bin, v->len, text, v->len, " \r\n", &len, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        *end)
        kith_diag_error(r->diag, v->pos,
                        "its alphabet is A-Z a-z 0-9 + / and it ends in = to a multiple of four",
                        "not valid base64");
    else
        set_meta(r, v->pos, bin, len, at);
}

static void meta_file(struct kith_reading *r, const struct kith_yaml *v, struct kith_bytes *at)
{
    const char *text = kith_schema_text(r, v, "file");
    if (!text) return;
    const char *path = kith_arena_path(r->temp, r->dir, text);
    uint8_t data[META_MAX + 1];
    struct stat st;
    ssize_t n = kith_file_load(path, data, sizeof data, r->wait, &st);
    if (n < 0)
        kith_diag_error(r->diag, v->pos, NULL, "can't read meta file '%s': %s", path,
                        kith_file_why(n, &st));
    else if (n > META_MAX)
        kith_diag_error(r->diag, v->pos, NULL,
                        "'%s' is longer than the %d bytes that meta may have", path, META_MAX);
    else
        set_meta(r, v->pos, data, (size_t)n, at);
}

static void meta_tags(struct kith_reading *r, const struct kith_yaml *v, struct kith_bytes *at)
{
    size_t errors = kith_diag_errors(r->diag);
    const struct kith_param tags = {.name = "tags", .type = KITH_PARAM_MAP};
    struct kith_map pairs = {0};
    uint8_t data[META_MAX];
    kith_schema_value(r, &tags, v, &pairs);
    if (kith_diag_errors(r->diag) > errors) return;
    int n = kith_meta_from_tags(pairs.items, pairs.count, data, sizeof data);
    if (n < 0)
        kith_diag_error(r->diag, v->pos, NULL,
                        "the tags take more than the %d bytes that meta may have", META_MAX);
    else
        set_meta(r, v->pos, data, (size_t)n, at);
}

void kith_meta_read(struct kith_reading *r, const struct kith_yaml *v, struct kith_bytes *at)
{
    static const char help[] =
        "write text, { base64: ... }, { file: PATH } or { tags: { key: value } }";
    if (v->bad) return;
    if (v->kind == KITH_YAML_SCALAR) {
        const char *text = kith_schema_text(r, v, "meta");
        if (text) set_meta(r, v->pos, text, v->len, at);
        return;
    }
    const struct kith_yaml *one = v->kind == KITH_YAML_MAP && v->count == 1 ? v->first : NULL;
    if (!one)
        kith_diag_error(r->diag, v->pos, help, "'meta' takes one of its forms");
    else if (strcmp(one->key->text, "base64") == 0)
        meta_base64(r, one, at);
    else if (strcmp(one->key->text, "file") == 0)
        meta_file(r, one, at);
    else if (strcmp(one->key->text, "tags") == 0)
        meta_tags(r, one, at);
    else
        kith_diag_error(r->diag, one->key->pos, help, "unknown key '%s' in 'meta'", one->key->text);
}
