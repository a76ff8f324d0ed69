/*
 * scenario_nodes.c - who is meant: "n7", "n1*", "n10..n19", a group, "all", "eu,!n3", "3", "10%".
 *
 * Words of a list count one after the other, as in the rules of a network: each adds those that it
 * means, and with a `!` before it takes them away; a list that begins with such a one begins with
 * all. What is no number or share is known in advance, so who does not exist is a mistake.
 */
#include "nearest.h"
#include "scenario_parts.h"
#include "units.h"
#include <ctype.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 24 };

/* A word of a list on its way into it. */
struct word {
    struct kith_scenario_reading *rd;
    const char *key, *text;
    struct kith_pos pos;
    struct kith_nodes *out;
    bool *in;        /* those that the word means */
    const char *set; /* the same as patterns; NULL: only by all their names */
    bool wrong;      /* something was said already */
};

/* ------------------------------------------------------------------------------------- names */

/* The number in "n12"; how long that is, 0: it is no such name. */
static size_t name_number(const char *text, uint64_t *number)
{
    size_t digits = *text == 'n' ? kith_digits(text + 1, number) : 0;
    return digits && (digits == 1 || text[1] != '0') ? digits + 1 : 0;
}

/* `*` any text, `?` one character. Goes back to the last star only, which is enough. */
static bool glob(const char *pattern, const char *name)
{
    const char *star = NULL, *from = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            from = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return !*pattern;
}

static const char *all_names(struct kith_scenario_reading *rd)
{
    uint32_t n = rd->scenario->nodes;
    return n == 1 ? "there is only n0"
                  : kith_arena_printf(rd->r.temp, "there are n0 to n%u", n - 1);
}

/* ------------------------------------------------------------------------------- one word */

static void no_such_node(const struct word *w, const char *text)
{
    kith_diag_error(w->rd->r.diag, w->pos, all_names(w->rd), "'%s': there is no node '%s'", w->key,
                    text);
}

/* "n3", "n3..n9". False: it is neither. */
static bool take_range(struct word *w, const char *text)
{
    uint64_t first, last;
    size_t len = name_number(text, &first), more;
    if (!len) return false;
    last = first;
    if (text[len]) {
        if (strncmp(text + len, "..", 2) != 0) return false;
        more = name_number(text + len + 2, &last);
        if (!more || text[len + 2 + more]) return false;
        w->set = NULL;
    }
    if (last >= w->rd->scenario->nodes || first >= w->rd->scenario->nodes) {
        no_such_node(w, kith_arena_printf(w->rd->r.temp, "n%llu",
                                          (unsigned long long)(first > last ? first : last)));
        return true;
    }
    if (first > last)
        kith_diag_error(w->rd->r.diag, w->pos, "the lower number comes first",
                        "'%s': '%s' is empty", w->key, text);
    for (uint64_t i = first; i <= last; i++) w->in[i] = true;
    return true;
}

static void take_pattern(struct word *w, const char *text)
{
    char name[NAME_MAX_BYTES];
    bool any = false;
    for (uint32_t i = 0; i < w->rd->scenario->nodes; i++) {
        snprintf(name, sizeof name, "n%u", i);
        w->in[i] = glob(text, name);
        any |= w->in[i];
    }
    if (!any)
        kith_diag_error(w->rd->r.diag, w->pos, all_names(w->rd), "'%s': '%s' matches no node",
                        w->key, text);
}

static void take_group(struct word *w, const char *text)
{
    struct kith_scenario_reading *rd = w->rd;
    const char **names = kith_arena_alloc(rd->r.temp, (rd->group_count + 2) * sizeof *names);
    size_t n = 0;
    for (size_t i = 0; i < rd->group_count; i++) {
        names[n++] = rd->groups[i].name;
        if (strcmp(rd->groups[i].name, text) != 0) continue;
        if (!rd->groups[i].nodes.in) { /* and that was said */
            w->wrong = true;
            return;
        }
        memcpy(w->in, rd->groups[i].nodes.in, rd->scenario->nodes);
        w->set = NULL;
        return;
    }
    names[n++] = "all";
    const char *near = kith_nearest(text, names, n);
    kith_diag_error(
        rd->r.diag, w->pos,
        near ? kith_arena_printf(rd->r.temp, "did you mean '%s'?", near)
             : kith_arena_printf(rd->r.temp, "nodes are called n0, n1, ...; %s", all_names(rd)),
        "'%s': '%s' is neither a node nor a group", w->key, text);
}

/* "3", "10%". False: it is neither. */
static bool take_lot(struct word *w, const char *text)
{
    char *end;
    if (!isdigit((unsigned char)*text)) return false;
    double n = strtod(text, &end);
    bool share = strcmp(end, "%") == 0;
    if (*end && !share) return false;
    if (share && n > 0 && n <= 100)
        w->out->share = n / 100;
    else if (!share && n >= 1 && n <= w->rd->scenario->nodes && n == (double)(uint32_t)n)
        w->out->number = (uint32_t)n;
    else
        kith_diag_error(w->rd->r.diag, w->pos,
                        share ? "a share is more than 0 and at most 100%"
                              : kith_arena_printf(w->rd->r.temp,
                                                  "a whole number means so many nodes, 1 to "
                                                  "%u; one certain node has a name, as n0",
                                                  w->rd->scenario->nodes),
                        "'%s' can't be %s%s", w->key, text, share ? "" : " of the nodes");
    return true;
}

static void take_word(struct word *w, bool leaves_out)
{
    const char *text = w->text + leaves_out;
    uint32_t nodes = w->rd->scenario->nodes;
    memset(w->in, false, nodes * sizeof *w->in);
    w->set = w->text;
    if (strcmp(text, "all") == 0)
        memset(w->in, true, nodes);
    else if (strpbrk(text, "*?"))
        take_pattern(w, text);
    else if (!take_range(w, text))
        take_group(w, text);
    for (uint32_t i = 0; i < nodes; i++)
        if (w->in[i]) w->out->in[i] = !leaves_out;
}

/* ----------------------------------------------------------------------------------- a list */

/* All of their names, "n3,n4". */
static const char *names_of(struct kith_scenario_reading *rd, const bool *in)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f) abort();
    for (uint32_t i = 0, n = 0; i < rd->scenario->nodes; i++)
        if (in[i]) fprintf(f, "%sn%u", n++ ? "," : "", i);
    fclose(f);
    const char *names = kith_arena_strdup(rd->r.arena, text);
    free(text);
    return names;
}

static void begin(struct kith_scenario_reading *rd, struct kith_nodes *out, bool all)
{
    out->in = kith_arena_alloc(rd->r.arena, rd->scenario->nodes * sizeof *out->in);
    memset(out->in, all, rd->scenario->nodes);
}

void kith_nodes_all(struct kith_scenario_reading *rd, struct kith_nodes *out)
{
    begin(rd, out, true);
    out->count = rd->scenario->nodes;
    out->text = out->set = "all";
}

/* What all words together mean. */
static void end(struct kith_scenario_reading *rd, struct kith_nodes *out, bool plain)
{
    for (uint32_t i = 0; i < rd->scenario->nodes; i++) out->count += out->in[i];
    out->set = out->count == rd->scenario->nodes ? "all"
               : plain                           ? out->text
                                                 : names_of(rd, out->in);
}

/* The words of a text, separated by commas, into an arena's list that ends with NULL. */
static void split(struct kith_scenario_reading *rd, const char *key, const struct kith_yaml *v,
                  const char **words, size_t *count, struct kith_pos *at)
{
    const char *text = kith_schema_text(&rd->r, v, key);
    while (text) {
        size_t len = strcspn(text, ","), from = strspn(text, " ");
        size_t to = len;
        while (to > from && text[to - 1] == ' ') to--;
        if (from > to) from = to;
        at[*count] = v->pos;
        words[(*count)++] = kith_arena_strndup(rd->r.arena, text + from, to - from);
        text = text[len] ? text + len + 1 : NULL;
    }
}

static size_t commas(const struct kith_yaml *v)
{
    size_t n = 1;
    for (const char *c = v->kind == KITH_YAML_SCALAR ? v->text : ""; *c; c++) n += *c == ',';
    return n;
}

static const char *join_words(struct kith_scenario_reading *rd, const char **words, size_t count)
{
    const char *text = count ? words[0] : "";
    for (size_t i = 1; i < count; i++)
        text = kith_arena_printf(rd->r.arena, "%s,%s", text, words[i]);
    return text;
}

static void read_words(struct kith_scenario_reading *rd, const char *key, const char **words,
                       const struct kith_pos *at, size_t count, struct kith_nodes *out)
{
    size_t before = kith_diag_errors(rd->r.diag);
    struct word w = {.rd = rd, .key = key, .out = out};
    bool plain = true;
    w.in = kith_arena_alloc(rd->r.temp, rd->scenario->nodes * sizeof *w.in);
    begin(rd, out, *words[0] == '!');
    for (size_t i = 0; i < count; i++) {
        w.text = words[i];
        w.pos = at[i];
        bool leaves_out = *w.text == '!';
        if (!w.text[leaves_out]) {
            kith_diag_error(rd->r.diag, w.pos, NULL, "'%s': a name is missing", key);
            continue;
        }
        if (take_lot(&w, w.text)) {
            if (count > 1)
                kith_diag_error(rd->r.diag, w.pos, "it is drawn from all that can be meant",
                                "'%s': a number or share stands alone", key);
            memset(out->in, true, rd->scenario->nodes);
            continue;
        }
        take_word(&w, leaves_out);
        plain &= w.set != NULL;
    }
    end(rd, out, plain);
    if (out->number || out->share > 0) out->set = NULL;
    if (!out->count && !w.wrong && kith_diag_errors(rd->r.diag) == before)
        kith_diag_error(rd->r.diag, out->pos, NULL, "'%s': '%s' is nobody", key, out->text);
    if (w.wrong || kith_diag_errors(rd->r.diag) != before) out->in = NULL;
}

void kith_nodes_read(struct kith_scenario_reading *rd, const char *key, const struct kith_yaml *v,
                     struct kith_nodes *out)
{
    size_t room = 1, count = 0;
    *out = (struct kith_nodes){.pos = v->pos, .text = ""};
    if (v->bad) return;
    bool list = v->kind == KITH_YAML_LIST;
    for (const struct kith_yaml *i = list ? v->first : v; i; i = list ? i->next : NULL)
        room += commas(i);
    const char **words = kith_arena_alloc(rd->r.temp, room * sizeof *words);
    struct kith_pos *at = kith_arena_alloc(rd->r.temp, room * sizeof *at);
    for (const struct kith_yaml *i = list ? v->first : v; i; i = list ? i->next : NULL)
        split(rd, key, i, words, &count, at);
    if (!count && list && !v->count)
        kith_diag_error(rd->r.diag, v->pos, "write names, or all", "'%s' is empty", key);
    if (!count) return;
    out->text = join_words(rd, words, count);
    read_words(rd, key, words, at, count, out);
}

/* ------------------------------------------------------------------------------------ groups */

/* A name that means something else already. NULL: it is fine. */
static const char *why_no_name(const char *name)
{
    uint64_t number;
    if (strcmp(name, "all") == 0) return "'all' is all nodes";
    if (isdigit((unsigned char)*name)) return "what begins with a digit is a number of nodes";
    if (name_number(name, &number)) return "nodes are called so";
    if (!*name || strpbrk(name, ",!*?% ")) return "it has none of , ! * ? % and spaces in it";
    return NULL;
}

void kith_groups_read(struct kith_scenario_reading *rd, const struct kith_yaml *map)
{
    if (!map || map->bad) return;
    if (map->kind != KITH_YAML_MAP) {
        kith_diag_error(rd->r.diag, map->pos, "write { name: [ n0, n1 ] }",
                        "'groups' takes names and nodes");
        return;
    }
    rd->groups = kith_arena_alloc(rd->r.temp, (map->count + 1) * sizeof *rd->groups);
    for (const struct kith_yaml *v = map->first; v; v = v->next) {
        struct kith_nodes nodes;
        const char *name = v->key->text, *why = why_no_name(name);
        if (why) kith_diag_error(rd->r.diag, v->key->pos, why, "no group can be called '%s'", name);
        kith_nodes_read(rd, name, v, &nodes);
        if (nodes.in && !nodes.set) {
            kith_diag_error(rd->r.diag, v->pos, "name them: n0..n9",
                            "'%s': a group's nodes are not drawn", name);
            nodes.in = NULL;
        }
        rd->groups[rd->group_count++] = (struct kith_scenario_group){name, nodes};
    }
}
