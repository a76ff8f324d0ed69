/*
 * control_secret.c - a key in a request, taken out of its line before anybody parses that: a parser
 * would leave copies of it in ordinary memory. Knows JSON as far as that takes, and one command.
 */
#include "control_inside.h"
#include <sodium.h>

enum { KEY_TEXT_MAX = 128, WORD_MAX = 8 };

/* Goes through the outermost object, text by text. */
struct scan {
    char *line;
    size_t len, at;
    unsigned depth;
    bool named; /* a name was seen, its value was not */
    struct part {
        size_t begin, len; /* between the quotes */
    } name, value;
};

/* A text begins at `at`. */
static struct part text_at(struct scan *s)
{
    struct part p = {.begin = s->at};
    while (s->at < s->len && s->line[s->at] != '"') s->at += s->line[s->at] == '\\' ? 2 : 1;
    if (s->at > s->len) s->at = s->len;
    p.len = s->at - p.begin;
    s->at++;
    return p;
}

/* The next member whose value is a text. */
static bool next_member(struct scan *s)
{
    while (s->at < s->len) {
        char c = s->line[s->at++];
        s->depth += c == '{' || c == '[';
        s->depth -= c == '}' || c == ']';
        if (c == ',' && s->depth == 1) s->named = false;
        if (c != '"') continue;
        struct part text = text_at(s);
        if (s->depth != 1) continue;
        s->named = !s->named;
        *(s->named ? &s->name : &s->value) = text;
        if (!s->named) return true;
    }
    return false;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : 0;
}

/* What a text says, without escapes; no key and no word of ours has others than these. Returns its
 * length, or cap: longer, or of other characters. */
static size_t plain_text(const struct scan *s, struct part p, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < p.len && n < cap; i++) {
        const char *c = s->line + p.begin + i;
        bool escaped = *c == '\\' && i + 1 < p.len;
        if (escaped && c[1] == 'u' && i + 5 < p.len) {
            if (hex(c[2]) || hex(c[3])) return cap;
            out[n++] = (char)(hex(c[4]) << 4 | hex(c[5]));
            i += 5;
        } else {
            out[n++] = c[escaped];
            i += escaped;
        }
    }
    return n;
}

static bool says(const struct scan *s, struct part p, const char *word)
{
    char text[WORD_MAX];
    size_t n = plain_text(s, p, text, sizeof text);
    return n == strlen(word) && !memcmp(text, word, n);
}

static bool is_about_keys(struct scan s)
{
    while (next_member(&s))
        if (says(&s, s.name, "cmd") && says(&s, s.value, "keys")) return true;
    return false;
}

char *kith_secret_take(char *line, size_t len)
{
    struct scan s = {.line = line, .len = len};
    char *key = NULL;
    if (!is_about_keys(s)) return NULL;
    while (next_member(&s)) {
        if (!says(&s, s.name, "key")) continue;
        if (!key) key = (char *)kith_secret_alloc(KEY_TEXT_MAX + 1);
        size_t n = plain_text(&s, s.value, key, KEY_TEXT_MAX);
        key[n < KEY_TEXT_MAX ? n : 0] = 0;
        memset(line + s.value.begin, ' ', s.value.len);
    }
    return key;
}
