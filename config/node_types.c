/*
 * node_types.c - the types of values that only a node's own sections have: networks, words of a
 * list, a layer's byte; and which file reads each of the others.
 *
 * Reading only; how they are shown is show.c's part.
 */
#include "schema.h"
#include "units.h"
#include <stdlib.h>

/* --------------------------------------------------------------------------------- networks */

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

/* ------------------------------------------------------------------------- words and numbers */

static void read_word(struct kith_reading *r, const struct kith_param *p, const struct kith_yaml *v,
                      uint32_t *at)
{
    const struct kith_param word = {
        .name = p->name, .type = KITH_PARAM_ENUM, .choices = p->choices};
    uint32_t bit = UINT32_MAX;
    if (v->bad) return;
    kith_schema_value(r, &word, v, &bit);
    if (bit != UINT32_MAX) *at |= 1u << bit;
}

static void read_words(struct kith_reading *r, const struct kith_param *p,
                       const struct kith_yaml *v, uint32_t *at)
{
    if (v->kind != KITH_YAML_LIST) read_word(r, p, v, at);
    for (const struct kith_yaml *i = v->kind == KITH_YAML_LIST ? v->first : NULL; i; i = i->next)
        read_word(r, p, i, at);
}

static void read_layer_byte(struct kith_reading *r, const struct kith_yaml *v, uint8_t *at)
{
    const char *text = kith_schema_text(r, v, "layer_byte");
    if (!text) return;
    char *end;
    unsigned long n = strtoul(text, &end, 0);
    if (*end || end == text)
        kith_diag_error(r->diag, v->pos, "write it as 0xC1 or 193; every node must use the same",
                        "'layer_byte' is a number, not '%s'", text);
    else if (n < 0xC0 || n > 0xEF)
        kith_diag_error(r->diag, v->pos,
                        "this is the byte of a private layer; every node must use the same",
                        "'layer_byte': %s is out of range, 0xC0 to 0xEF are possible", text);
    else
        *at = (uint8_t)n;
}

static void read_count(struct kith_reading *r, const struct kith_param *p,
                       const struct kith_yaml *v, uint32_t *at)
{
    const char *text = kith_schema_text(r, v, p->name);
    uint64_t n;
    if (!text) return;
    if (strcmp(text, "all") == 0) {
        *at = UINT32_MAX;
        return;
    }
    size_t digits = kith_digits(text, &n);
    if (!digits || text[digits] || n >= UINT32_MAX || (digits > 1 && *text == '0'))
        kith_diag_error(r->diag, v->pos, "write all, or decimal digits",
                        "'%s' is all or a number, not '%s'", p->name, text);
    else
        *at = (uint32_t)n;
}

/* ------------------------------------------------------------------------------- all of them */

/* A key that the file does not have. */
static void read_absent(struct kith_reading *r, const struct kith_param *p, void *at,
                        const char *path)
{
    if (p->type == KITH_TYPE_COUNT) *(uint32_t *)at = UINT32_MAX;
    if (p->type == KITH_TYPE_TRANSPORT)
        kith_entry_default(r, KITH_TRANSPORT, p->def, path, (struct kith_pos){0}, "default", at);
}

void kith_node_type_read(struct kith_reading *r, const struct kith_param *p,
                         const struct kith_yaml *v, void *at, const char *path)
{
    if (!v) {
        read_absent(r, p, at, path);
        return;
    }
    switch (p->type) {
    case KITH_TYPE_CIDRS: read_cidrs(r, p, v); break;
    case KITH_TYPE_META: kith_meta_read(r, v, at); break;
    case KITH_TYPE_KEYS: kith_keys_read(r, v, p->name, false, at); break;
    case KITH_TYPE_KEY: kith_keys_read(r, v, p->name, true, at); break;
    case KITH_TYPE_TRANSPORT: kith_entry_read(r, v, KITH_TRANSPORT, path, at); break;
    case KITH_TYPE_CODECS: kith_entries_read(r, v, KITH_CODEC, path, at); break;
    case KITH_TYPE_DELEGATES: kith_entries_read(r, v, KITH_DELEGATE, path, at); break;
    case KITH_TYPE_LAYER_BYTE: read_layer_byte(r, v, at); break;
    case KITH_TYPE_COUNT: read_count(r, p, v, at); break;
    case KITH_TYPE_WORDS: read_words(r, p, v, at); break;
    case KITH_TYPE_SEEDS: kith_seeds_read(r, v, at); break;
    default: abort();
    }
}
