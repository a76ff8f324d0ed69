/*
 * show.c - effective values as YAML, each with a comment where it came from.
 *
 * The output is a file again: read back it gives the same settings, except for keys that stood in
 * the file themselves. Walks the tables; knows no key by name.
 */
#include "show.h"
#include "yaml_write.h"
#include <arpa/inet.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

enum { COMMENT = 52 }; /* column of the comments */

/* ------------------------------------------------------------------------------------ values */

static bool is_given(const struct kith_param *p, const void *at)
{
    if (p->type == KITH_TYPE_META) return ((const struct kith_bytes *)at)->data;
    return kith_param_given(p, at);
}

/* What the file says relative to itself stays true when the output is put elsewhere. */
static void print_path(const char *path, FILE *out)
{
    char dir[4096], whole[8192];
    if (*path && *path != '/' && getcwd(dir, sizeof dir)) {
        snprintf(whole, sizeof whole, "%s/%s", dir, path);
        path = whole;
    }
    kith_yaml_write(path, out);
}

static void print_cidrs(const struct kith_config *c, FILE *out)
{
    fputc('[', out);
    for (size_t i = 0; i < c->settings.cidrs_count; i++) {
        const struct kith_cidr *n = &c->settings.cidrs_allowed[i];
        char text[INET6_ADDRSTRLEN];
        inet_ntop(n->len == 4 ? AF_INET : AF_INET6, n->bytes, text, sizeof text);
        fprintf(out, "%s\"%s/%u\"", i ? ", " : "", text, n->prefix);
    }
    fputc(']', out);
}

static bool printable(const struct kith_bytes *b)
{
    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] < 0x20 || b->data[i] >= 0x7F) return false;
    return true;
}

static void print_meta(const struct kith_bytes *meta, FILE *out)
{
    char text[1024];
    if (printable(meta)) {
        snprintf(text, sizeof text, "%.*s", (int)meta->len, (const char *)meta->data);
        kith_yaml_write(text, out);
        return;
    }
    sodium_bin2base64(text, sizeof text, meta->data, meta->len, sodium_base64_VARIANT_ORIGINAL);
    fprintf(out, "{ base64: %s }", text);
}

static void print_source(const struct kith_key_source *s, FILE *out)
{
    static const char *const ways[] = {"", "file", "env", "fd", "dir"};
    if (s->kind == KITH_KEYS_LITERAL) {
        fputs("\"***\"", out);
        return;
    }
    fprintf(out, "{ %s: ", ways[s->kind]);
    if (s->kind == KITH_KEYS_FILE || s->kind == KITH_KEYS_DIR)
        print_path(s->where, out);
    else
        kith_yaml_write(s->where, out);
    fputs(" }", out);
}

/* The last first: of what is required that matters most. */
static void print_words(const char *const *words, uint32_t bits, FILE *out)
{
    const char *between = "";
    unsigned n = 0;
    while (words[n]) n++;
    fputc('[', out);
    for (unsigned i = n; i-- > 0;)
        if (bits & 1u << i) {
            fprintf(out, "%s%s", between, words[i]);
            between = ", ";
        }
    fputc(']', out);
}

static void print_sources(const struct kith_secrets *keys, FILE *out)
{
    fputc('[', out);
    for (size_t i = 0; i < keys->source_count; i++) {
        fputs(i ? ", " : " ", out);
        print_source(&keys->sources[i], out);
    }
    fputs(keys->source_count ? " ]" : "]", out);
}

static void print_seeds(const struct kith_seeds *seeds, FILE *out)
{
    fputc('[', out);
    for (size_t i = 0; i < seeds->count; i++) {
        const struct kith_seed *s = &seeds->items[i];
        fputs(i ? ", " : "", out);
        if (s->name) {
            fputs("{ name: ", out);
            kith_yaml_write(s->name, out);
            fputs(", address: ", out);
        }
        kith_yaml_write(s->address, out);
        if (s->name) fputs(" }", out);
    }
    fputc(']', out);
}

static void print_count(uint32_t n, FILE *out)
{
    if (n == UINT32_MAX)
        fputs("all", out);
    else
        fprintf(out, "%u", n);
}

/* On one line, as YAML where YAML has such a line. */
static void print_value(const struct kith_config *c, const struct kith_param *p, const void *at,
                        FILE *out)
{
    if (p->flags & KITH_PARAM_SECRET) {
        fputs("\"***\"", out);
        return;
    }
    switch (p->type) {
    case KITH_PARAM_PATH: print_path(*(const char *const *)at, out); break;
    case KITH_TYPE_CIDRS: print_cidrs(c, out); break;
    case KITH_TYPE_META: print_meta(at, out); break;
    case KITH_TYPE_WORDS: print_words(p->choices, *(const uint32_t *)at, out); break;
    case KITH_TYPE_SEEDS: print_seeds(at, out); break;
    case KITH_TYPE_COUNT: print_count(*(const uint32_t *)at, out); break;
    case KITH_TYPE_LAYER_BYTE: fprintf(out, "0x%02X", *(const uint8_t *)at); break;
    case KITH_TYPE_KEYS: print_sources(at, out); break;
    default: kith_param_print(p, at, out); break;
    }
}

/* What was written; NULL: there was no memory for all of it. */
static char *close_text(FILE *f, char **text)
{
    bool whole = f && !ferror(f);
    if (f && fclose(f) == 0 && whole) return *text;
    free(*text);
    return NULL;
}

char *kith_show_value(const struct kith_config *c, const struct kith_param *p, const void *at)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (f && is_given(p, at)) print_value(c, p, at, f);
    return close_text(f, &text);
}

char *kith_show_names(const struct kith_entries *list)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (f) fputc('[', f);
    for (size_t i = 0; f && i < list->count; i++) {
        fputs(i ? ", " : "", f);
        kith_yaml_write(list->items[i].name, f);
    }
    if (f) fputc(']', f);
    return close_text(f, &text);
}

/* ------------------------------------------------------------------------------------- lines */

static void provenance_words(const struct kith_config *c, const char *path, char *out, size_t cap)
{
    static const char *const profiles[] = {"lan", "wan", "local"};
    const struct kith_provenance *o = kith_provenance_find(c->provenances, path);
    if (!c->provenances)
        snprintf(out, cap, "set by code");
    else if (!o)
        snprintf(out, cap, "default");
    else if (o->kind == KITH_FROM_FILE)
        snprintf(out, cap, "line %u", o->key.line);
    else if (o->kind == KITH_FROM_NOTE)
        snprintf(out, cap, "%s", o->note);
    else
        snprintf(out, cap, "default of profile %s", profiles[c->settings.profile]);
}

/* Half a file would be taken for a whole one. */
static char *must(char *text)
{
    if (!text) abort();
    return text;
}

/* "INDENT FRONT key: value   # where from" */
static void line(FILE *out, unsigned indent, const char *front, const char *key, const char *value,
                 const char *comment)
{
    int n = fprintf(out, "%*s%s%s:%s%s", (int)indent, "", front, key, *value ? " " : "", value);
    fprintf(out, "%*s  # %s\n", n < COMMENT ? COMMENT - n : 0, "", comment);
}

static void param_line(const struct kith_config *c, const struct kith_param *p, const void *at,
                       const char *path, unsigned indent, const char *front, FILE *out)
{
    char words[200];
    if (!is_given(p, at)) {
        line(out, indent, "# ", p->name, "", "not given");
        return;
    }
    provenance_words(c, path, words, sizeof words);
    if (p->flags & KITH_PARAM_SECRET && c->provenances && !kith_provenance_given(c, path)) {
        line(out, indent, "# ", p->name, "", words); /* "***" would not be the default */
        return;
    }
    char *text = must(kith_show_value(c, p, at));
    line(out, indent, front, p->name, text, words);
    free(text);
}

/* ----------------------------------------------------------------------------------- entries */

/* An entry of accept that was copied from send has its provenance there. */
static const char *provenance_path(const struct kith_config *c, const struct kith_entry *e,
                                   const char *path, char *out, size_t cap)
{
    for (size_t i = 0; strncmp(path, "pipeline.accept", 15) == 0 && i < c->chain.send.count; i++)
        if (c->chain.send.items[i].params == e->params) {
            snprintf(out, cap, "pipeline.send[%zu]", i);
            return out;
        }
    return path;
}

static void show_entry(const struct kith_config *c, const struct kith_entry *e, const char *path,
                       unsigned indent, bool item, FILE *out)
{
    char words[200], full[300], source[100];
    const struct kith_param use = {
        .name = "use", .type = strchr(e->use, '/') ? KITH_PARAM_PATH : KITH_PARAM_STRING};
    provenance_words(c, path, words, sizeof words);
    char *text = must(kith_show_value(c, &use, &e->use));
    line(out, indent, item ? "- " : "", "use", text, words);
    free(text);
    if (item) indent += 2;
    const char *from = provenance_path(c, e, path, source, sizeof source);
    for (const struct kith_param *p = kith_entry_keys(e->kind) + 1; p->name;
         p++) { /* use is above */
        snprintf(full, sizeof full, "%s.%s", from, p->name);
        if (kith_entry_says(e, p))
            param_line(c, p, (const char *)e + p->offset, full, indent, "", out);
    }
    for (const struct kith_param *p = e->plugin->params; p && p->name; p++) {
        snprintf(full, sizeof full, "%s.%s", from, p->name);
        param_line(c, p, (const char *)e->params + p->offset, full, indent, "", out);
    }
}

static void show_entries(const struct kith_config *c, const struct kith_entries *list,
                         const char *name, const char *path, unsigned indent, FILE *out)
{
    char full[200], words[200];
    if (!list->count) {
        provenance_words(c, path, words, sizeof words);
        line(out, indent, "", name, "[]", words);
        return;
    }
    fprintf(out, "%*s%s:\n", (int)indent, "", name);
    for (size_t i = 0; i < list->count; i++) {
        snprintf(full, sizeof full, "%s[%zu]", path, i);
        show_entry(c, &list->items[i], full, indent + 2, true, out);
    }
}

/* ---------------------------------------------------------------------------------- sections */

static void show_section(const struct kith_config *c, const char *path, unsigned indent, FILE *out)
{
    for (const struct kith_section *s = kith_sections; s->path; s++) {
        if (s->short_forms || strcmp(s->path, path) != 0) continue;
        for (const struct kith_param *p = s->params; p->name; p++) {
            const void *at = (const char *)c + p->offset;
            char full[100];
            snprintf(full, sizeof full, "%s%s%s", path, *path ? "." : "", p->name);
            switch (p->type) {
            case KITH_TYPE_SECTION:
                fprintf(out, "%*s%s:\n", (int)indent, "", p->name);
                show_section(c, full, indent + 2, out);
                break;
            case KITH_TYPE_TRANSPORT:
                fprintf(out, "%s:\n", p->name);
                show_entry(c, at, full, indent + 2, false, out);
                break;
            case KITH_TYPE_CODECS:
            case KITH_TYPE_DELEGATES: show_entries(c, at, p->name, full, indent, out); break;
            default: param_line(c, p, at, full, indent, "", out); break;
            }
        }
    }
}

void kith_config_show(const struct kith_config *c, FILE *out) { show_section(c, "", 0, out); }
