/*
 * tree.c - libyaml's events to a located tree.
 *
 * Events and not libyaml's documents, because there an alias has lost its own place, and duplicate
 * keys pass silently. Knows nothing of what keys mean.
 */
#include "tree.h"
#include "utf8.h"
#include <sodium.h>
#include <stdlib.h>
#include <yaml.h>

struct builder {
    struct kith_arena *arena;
    struct kith_diag *diag;
    struct kith_yaml *root;
    struct kith_yaml *open[KITH_YAML_DEPTH]; /* collections that have not ended */
    struct kith_yaml *key[KITH_YAML_DEPTH];  /* the key that waits for its value */
    unsigned depth;
};

static struct kith_pos pos_of(yaml_mark_t m)
{
    return (struct kith_pos){(unsigned)m.line + 1, (unsigned)m.column + 1};
}

struct kith_yaml *kith_yaml_get(const struct kith_yaml *map, const char *key)
{
    if (!map || map->kind != KITH_YAML_MAP) return NULL;
    for (struct kith_yaml *i = map->first; i; i = i->next)
        if (strcmp(i->key->text, key) == 0) return i;
    return NULL;
}

struct kith_yaml *kith_yaml_scalar(struct kith_arena *arena, const char *text)
{
    struct kith_yaml *n = kith_arena_alloc(arena, sizeof *n);
    n->kind = KITH_YAML_SCALAR;
    n->len = strlen(text);
    n->text = kith_arena_strndup(arena, text, n->len);
    return n;
}

bool kith_yaml_empty(const struct kith_yaml *n)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (n->kind != KITH_YAML_SCALAR || !n->plain) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(n->text, words[i]) == 0) return true;
    return false;
}

/* Put a node where it belongs. False: the file makes no sense from here on. */
static bool attach(struct builder *b, struct kith_yaml *n)
{
    if (!b->depth) {
        b->root = n;
        return true;
    }
    struct kith_yaml *in = b->open[b->depth - 1];
    struct kith_yaml **key = &b->key[b->depth - 1];
    if (in->kind == KITH_YAML_MAP && !*key) {
        if (n->kind != KITH_YAML_SCALAR) {
            kith_diag_error(
                b->diag, n->pos,
                "keys are plain words, as in `name: value`; quote text that begins with [ or {",
                "a key can't be a %s", n->kind == KITH_YAML_MAP ? "map" : "list");
            return false;
        }
        if (in->count >= KITH_YAML_KEYS) {
            kith_diag_error(b->diag, n->pos, NULL, "more than %d keys in one map", KITH_YAML_KEYS);
            return false;
        }
        *key = n;
        return true;
    }
    if (in->kind == KITH_YAML_MAP) {
        struct kith_yaml *before = kith_yaml_get(in, (*key)->text);
        n->key = *key;
        *key = NULL;
        if (before) {
            char help[64];
            snprintf(help, sizeof help, "first given at line %u; keep one of them",
                     before->key->pos.line);
            kith_diag_error(b->diag, n->key->pos, help, "duplicate key '%s'", n->key->text);
            return true; /* parsed on, but not part of the tree */
        }
    }
    if (in->last)
        in->last->next = n;
    else
        in->first = n;
    in->last = n;
    in->count++;
    return true;
}

static struct kith_yaml *node(struct builder *b, const yaml_event_t *ev, enum kith_yaml_kind kind)
{
    struct kith_yaml *n = kith_arena_alloc(b->arena, sizeof *n);
    n->kind = kind;
    n->pos = pos_of(ev->start_mark);
    n->end = pos_of(ev->end_mark);
    n->text = kith_arena_strdup(b->arena, "");
    return n;
}

static void refuse_props(struct builder *b, struct kith_yaml *n, const yaml_char_t *anchor,
                         const yaml_char_t *tag)
{
    if (anchor)
        kith_diag_error(b->diag, n->pos, "write the value out where it is needed",
                        "anchors (&%s) are not used here", anchor);
    if (tag) {
        const char *name = (const char *)tag;
        size_t std = strncmp(name, "tag:yaml.org,2002:", 18) == 0 ? 18 : 0;
        kith_diag_error(b->diag, n->pos, "leave it out: the key decides the type of its value",
                        "tags (%s%s) are not used here", std ? "!!" : "", name + std);
    }
    n->bad |= anchor || tag;
}

static bool scalar(struct builder *b, yaml_event_t *ev)
{
    struct kith_yaml *n = node(b, ev, KITH_YAML_SCALAR);
    n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    n->text =
        kith_arena_strndup(b->arena, (const char *)ev->data.scalar.value, ev->data.scalar.length);
    n->len = ev->data.scalar.length;
    refuse_props(b, n, ev->data.scalar.anchor, ev->data.scalar.tag);
    if (strlen(n->text) != ev->data.scalar.length) {
        kith_diag_error(b->diag, n->pos, NULL, "text can't hold a NUL character");
        n->bad = true;
    }
    sodium_memzero(ev->data.scalar.value, ev->data.scalar.length);
    return attach(b, n);
}

static bool collection(struct builder *b, const yaml_event_t *ev)
{
    bool map = ev->type == YAML_MAPPING_START_EVENT;
    struct kith_yaml *n = node(b, ev, map ? KITH_YAML_MAP : KITH_YAML_LIST);
    if (map)
        refuse_props(b, n, ev->data.mapping_start.anchor, ev->data.mapping_start.tag);
    else
        refuse_props(b, n, ev->data.sequence_start.anchor, ev->data.sequence_start.tag);
    if (!attach(b, n)) return false;
    if (b->depth == KITH_YAML_DEPTH) {
        kith_diag_error(b->diag, n->pos, NULL, "nested more than %d deep", KITH_YAML_DEPTH);
        return false;
    }
    b->open[b->depth] = n;
    b->key[b->depth++] = NULL;
    return true;
}

static bool alias(struct builder *b, const yaml_event_t *ev)
{
    struct kith_yaml *n = node(b, ev, KITH_YAML_SCALAR);
    n->bad = true;
    kith_diag_error(b->diag, n->pos,
                    "write the value out where it is needed; quote text that begins with *",
                    "aliases (*%s) are not used here", ev->data.alias.anchor);
    return attach(b, n);
}

/* One event. False: stop reading. */
static bool take(struct builder *b, yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_SCALAR_EVENT: return scalar(b, ev);
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT: return collection(b, ev);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT: b->open[--b->depth]->end = pos_of(ev->end_mark); return true;
    case YAML_ALIAS_EVENT: return alias(b, ev);
    case YAML_DOCUMENT_START_EVENT:
        if (!b->root) return true;
        kith_diag_error(b->diag, pos_of(ev->start_mark),
                        "a file describes one node; put the other one in a file of its own",
                        "a second document begins here");
        return false;
    default: return true;
    }
}

/* libyaml's marks stay at 1:1 when the text itself can't be read: count from the offset. */
static struct kith_pos pos_at(const char *text, size_t len, size_t offset)
{
    struct kith_pos p = {1, 1};
    for (size_t i = 0; i < offset && i < len; i++) {
        if (text[i] == '\n')
            p = (struct kith_pos){p.line + 1, 1};
        else if (((uint8_t)text[i] & 0xC0) != 0x80)
            p.col++;
    }
    return p;
}

static char char_at(const char *text, size_t len, struct kith_pos at)
{
    size_t i = 0;
    for (unsigned line = 1; line < at.line && i < len; i++) line += text[i] == '\n';
    i += at.col - 1;
    return i < len ? text[i] : '\0';
}

static void syntax_error(const yaml_parser_t *p, struct kith_diag *diag, const char *text,
                         size_t len)
{
    if (p->error == YAML_READER_ERROR) {
        struct kith_pos at = pos_at(text, len, p->problem_offset);
        if (p->problem_value >= 0 && p->problem_value < 0x20)
            kith_diag_error(diag, at, "in double quotes it can be written \\xNN",
                            "control character 0x%02X", p->problem_value);
        else
            kith_diag_error(diag, at, "save the file as UTF-8", "not valid UTF-8: %s", p->problem);
        return;
    }
    struct kith_pos at = pos_of(p->problem_mark);
    const char *problem = p->problem ? p->problem : "not YAML";
    if (char_at(text, len, at) == '\t')
        kith_diag_error(diag, at, "indent with spaces", "a tab can't be used here");
    else if (p->context) {
        const char *help = !strstr(p->context, "flow") ? NULL
                           : char_at(text, len, at)
                               ? "text that holds [ ] { } or , goes in quotes: \"[::]:7946\""
                               : "the file ends before the bracket that was opened there is closed";
        kith_diag_error(diag, at, help, "%s %s at line %zu", problem, p->context,
                        p->context_mark.line + 1);
    } else
        kith_diag_error(diag, at, NULL, "%s", problem);
}

/* What libyaml has buffered may hold a secret. */
static void close_parser(yaml_parser_t *p)
{
    if (p->raw_buffer.start)
        sodium_memzero(p->raw_buffer.start, (size_t)(p->raw_buffer.end - p->raw_buffer.start));
    if (p->buffer.start) sodium_memzero(p->buffer.start, (size_t)(p->buffer.end - p->buffer.start));
    yaml_parser_delete(p);
}

struct kith_yaml *kith_yaml_parse(const char *text, size_t len, struct kith_arena *arena,
                                  struct kith_diag *diag)
{
    struct builder b = {.arena = arena, .diag = diag};
    if (len > KITH_CONFIG_MAX) {
        kith_diag_error(diag, (struct kith_pos){0}, NULL, "the file is larger than %d KiB",
                        KITH_CONFIG_MAX >> 10);
        return NULL;
    }
    size_t mark = kith_utf8_mark(text, len);
    text += mark;
    len -= mark;
    yaml_parser_t p;
    if (!yaml_parser_initialize(&p)) abort();
    yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p, (const unsigned char *)text, len);

    bool more = true, good = true;
    while (more) {
        yaml_event_t ev;
        if (!yaml_parser_parse(&p, &ev)) {
            if (p.error == YAML_MEMORY_ERROR) abort();
            syntax_error(&p, diag, text, len);
            good = more = false;
        } else {
            good = take(&b, &ev);
            more = good && ev.type != YAML_STREAM_END_EVENT;
            yaml_event_delete(&ev);
        }
    }
    close_parser(&p);
    if (!good) return NULL;
    if (!b.root || kith_yaml_empty(b.root)) {
        kith_diag_error(diag, (struct kith_pos){0}, "`node: { name: NAME }` is enough for a start",
                        "the file is empty");
        return NULL;
    }
    return b.root;
}
