/*
 * special.c - the values that no plain parameter can say: meta, networks, labels, `require`, a
 * layer's byte.
 *
 * Reading only; how they are shown is show.c's part. Lists of plugins are in entries.c, keys in
 * keys.c.
 */
#include "schema.h"
#include <errno.h>
#include <fcntl.h>
#include <msgpack.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

enum { META_MAX = 512 };

/* ------------------------------------------------------------------------------------- meta */

/* Serf's form of tags: 0xFF, then a msgpack map of raw strings (WIRE.md). */
int kith_meta_from_tags(const char *const *pairs, size_t count, uint8_t *out, size_t cap)
{
    msgpack_sbuffer buf;
    msgpack_packer pk;
    msgpack_sbuffer_init(&buf);
    msgpack_packer_init(&pk, &buf, msgpack_sbuffer_write);
    int rc =
        msgpack_sbuffer_write(&buf, "\xFF", 1) | msgpack_pack_map(&pk, count) ? -KITH_ENOMEM : 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const char *eq = strchr(pairs[i], '=');
        if (!eq || eq == pairs[i]) {
            rc = -KITH_EINVAL;
            break;
        }
        const char *parts[] = {pairs[i], eq + 1};
        size_t lens[] = {(size_t)(eq - pairs[i]), strlen(eq + 1)};
        for (int k = 0; rc == 0 && k < 2; k++)
            if (msgpack_pack_v4raw(&pk, lens[k]) || msgpack_pack_v4raw_body(&pk, parts[k], lens[k]))
                rc = -KITH_ENOMEM;
    }
    if (rc == 0 && buf.size > cap) rc = -KITH_ETOOBIG;
    if (rc == 0) memcpy(out, buf.data, buf.size);
    if (rc == 0) rc = (int)buf.size;
    msgpack_sbuffer_destroy(&buf);
    return rc;
}

static void set_meta(struct kith_reading *r, struct kith_pos pos, const void *data, size_t len,
                     struct kith_bytes *at)
{
    if (len > META_MAX) {
        kith_diag_error(r->diag, pos,
                        "it rides on every packet that tells of this node: keep it short",
                        "'meta' is %zu bytes long, and may have %d", len, META_MAX);
        return;
    }
    *at = kith_bytes_of(kith_arena_strndup(r->arena, data, len), len);
}

static void meta_base64(struct kith_reading *r, const struct kith_yaml *v, struct kith_bytes *at)
{
    const char *text = kith_schema_text(r, v, "base64");
    if (!text) return;
    uint8_t *bin = kith_arena_alloc(r->arena, v->len + 1);
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
    const char *path =
        *text == '/' || !*r->dir ? text : kith_arena_printf(r->arena, "%s/%s", r->dir, text);
    uint8_t data[META_MAX + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, data, sizeof data);
    if (n < 0)
        kith_diag_error(r->diag, v->pos, NULL, "can't read meta file '%s': %s", path,
                        strerror(errno));
    else if (n > META_MAX)
        kith_diag_error(r->diag, v->pos, NULL,
                        "'%s' is longer than the %d bytes that meta may have", path, META_MAX);
    else
        set_meta(r, v->pos, data, (size_t)n, at);
    if (fd >= 0) close(fd);
}

/* A map of texts as "key=value" strings. */
static struct kith_strings pairs_of(struct kith_reading *r, const struct kith_yaml *map,
                                    const char *name)
{
    struct kith_strings pairs = {0};
    if (map->bad) return pairs;
    if (map->kind != KITH_YAML_MAP) {
        kith_diag_error(r->diag, map->pos, "write { key: value }", "'%s' takes keys and values",
                        name);
        return pairs;
    }
    const char **items = kith_arena_alloc(r->arena, (map->count + 1) * sizeof *items);
    for (const struct kith_yaml *v = map->first; v; v = v->next) {
        const char *text = kith_schema_text(r, v, v->key->text);
        if (strchr(v->key->text, '=') || !*v->key->text)
            kith_diag_error(r->diag, v->key->pos, NULL,
                            "a key of '%s' has at least one character, and no =", name);
        else if (text)
            items[pairs.count++] = kith_arena_printf(r->arena, "%s=%s", v->key->text, text);
    }
    pairs.items = items;
    return pairs;
}

static void meta_tags(struct kith_reading *r, const struct kith_yaml *v, struct kith_bytes *at)
{
    size_t errors = kith_diag_errors(r->diag);
    struct kith_strings pairs = pairs_of(r, v, "tags");
    uint8_t data[META_MAX];
    if (kith_diag_errors(r->diag) > errors) return;
    int n = kith_meta_from_tags(pairs.items, pairs.count, data, sizeof data);
    if (n < 0)
        kith_diag_error(r->diag, v->pos, NULL,
                        "the tags take more than the %d bytes that meta may have", META_MAX);
    else
        set_meta(r, v->pos, data, (size_t)n, at);
}

static void read_meta(struct kith_reading *r, const struct kith_yaml *v, struct kith_bytes *at)
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

/* -------------------------------------------------------------------------- labels, networks */

static void read_labels(struct kith_reading *r, const struct kith_param *p,
                        const struct kith_yaml *v, struct kith_strings *at)
{
    *at = pairs_of(r, v, p->name);
    for (const struct kith_yaml *i = v->kind == KITH_YAML_MAP ? v->first : NULL; i; i = i->next) {
        const char *s = i->key->text;
        bool good = *s && !(*s >= '0' && *s <= '9');
        for (; *s; s++)
            good &= (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
                    (*s >= '0' && *s <= '9') || *s == '_';
        if (!good)
            kith_diag_error(r->diag, i->key->pos,
                            "letters, digits and _, not beginning with a digit",
                            "'%s' is no name for a metric's label", i->key->text);
    }
}

static void read_cidr(struct kith_reading *r, const struct kith_yaml *v, const char *name,
                      struct kith_cidr *out, size_t *n)
{
    const char *text = kith_schema_text(r, v, name);
    if (!text) return;
    if (kith_cidr_parse(&out[*n], text) == 0) {
        ++*n;
        return;
    }
    char help[200] = "write an address and the bits that count: 10.0.0.0/8, fd00::/8";
    char whole[120];
    snprintf(whole, sizeof whole, "%s/%d", text, strchr(text, ':') ? 128 : 32);
    if (!strchr(text, '/') && kith_cidr_parse(&out[*n], whole) == 0)
        snprintf(help, sizeof help, "for this one address write %s", whole);
    kith_diag_error(r->diag, v->pos, help, "'%s' is no network", text);
}

static void read_cidrs(struct kith_reading *r, const struct kith_param *p,
                       const struct kith_yaml *v)
{
    struct kith_settings *s = &r->config->settings;
    bool list = v->kind == KITH_YAML_LIST;
    struct kith_cidr *out = kith_arena_alloc(r->arena, ((list ? v->count : 1) + 1) * sizeof *out);
    if (!list) read_cidr(r, v, p->name, out, &s->cidrs_count);
    for (const struct kith_yaml *i = list ? v->first : NULL; i; i = i->next)
        read_cidr(r, i, p->name, out, &s->cidrs_count);
    if (s->cidrs_count) s->cidrs_allowed = out;
}

/* ---------------------------------------------------------------------- the pipeline's words */

static const char *const requirements[] = {"compress", "check", "authenticate", "encrypt",
                                           NULL}; /* bit i */

const char *const *kith_require_words(void) { return requirements; }

static void read_requirement(struct kith_reading *r, const struct kith_yaml *v, uint32_t *at)
{
    struct kith_param p = {"require", KITH_PARAM_ENUM, .choices = requirements};
    struct kith_complaint c;
    uint32_t bit;
    const char *text = kith_schema_text(r, v, "require");
    if (!text) return;
    if (kith_value_parse(&p, text, &bit, r->arena, "", &c) == 0)
        *at |= 1u << bit;
    else
        kith_diag_error(r->diag, v->pos, c.help, "%s", c.text);
}

static void read_wire(struct kith_reading *r, const struct kith_yaml *v, uint8_t *at)
{
    const char *text = kith_schema_text(r, v, "wire");
    if (!text) return;
    char *end;
    unsigned long n = strtoul(text, &end, 0);
    if (*end || n < 0xC0 || n > 0xEF)
        kith_diag_error(r->diag, v->pos,
                        "private layers have 0xC0 to 0xEF; every node must use the same",
                        "'wire' is out of range: %s", text);
    else
        *at = (uint8_t)n;
}

/* ------------------------------------------------------------------------------- all of them */

void kith_special_read(struct kith_reading *r, const struct kith_param *p,
                       const struct kith_yaml *v, void *at, const char *path)
{
    if (p->type == KITH_SPECIAL_SECTION) {
        kith_schema_section(r, v, path);
        return;
    }
    if (p->type == KITH_SPECIAL_TRANSPORT) {
        if (v)
            kith_entry_read(r, v, KITH_TRANSPORT, path, at);
        else
            kith_entry_default(r, KITH_TRANSPORT, p->def, path, (struct kith_pos){0}, "default",
                               at);
        return;
    }
    if (!v) {
        kith_origin_set(r->config->origins, path, KITH_FROM_DEFAULT, (struct kith_pos){0},
                        (struct kith_pos){0}, NULL);
        return;
    }
    switch (p->type) {
    case KITH_SPECIAL_CIDRS: read_cidrs(r, p, v); break;
    case KITH_SPECIAL_LABELS: read_labels(r, p, v, at); break;
    case KITH_SPECIAL_META: read_meta(r, v, at); break;
    case KITH_SPECIAL_KEYS: kith_keys_read(r, v, p->name, false, at); break;
    case KITH_SPECIAL_KEY: kith_keys_read(r, v, p->name, true, at); break;
    case KITH_SPECIAL_CODECS: kith_entries_read(r, v, KITH_CODEC, path, at); break;
    case KITH_SPECIAL_DELEGATES: kith_entries_read(r, v, KITH_DELEGATE, path, at); break;
    case KITH_SPECIAL_WIRE: read_wire(r, v, at); break;
    case KITH_SPECIAL_REQUIRE:
        if (v->kind != KITH_YAML_LIST) read_requirement(r, v, at);
        for (const struct kith_yaml *i = v->kind == KITH_YAML_LIST ? v->first : NULL; i;
             i = i->next)
            read_requirement(r, i, at);
        break;
    default: abort();
    }
}
