/*
 * scenario.c - a scenario from its bytes to a checked struct kith_scenario, or to all that is wrong
 * with it.
 *
 * The order: numbers at the left margin, because all else depends on them; groups; links and
 * events, one by one; what must hold between events.
 */
#include "file.h"
#include "scenario_parts.h"
#include "utf8.h"
#include <stdlib.h>

/* No other section has keys that could be meant. */
static const struct kith_section no_sections[] = {{0}};

static void begin(struct kith_scenario_reading *rd, const char *path, struct kith_diag *diag)
{
    *rd = (struct kith_scenario_reading){.r = {.diag = diag,
                                               .arena = kith_arena_new(),
                                               .temp = kith_arena_new(),
                                               .sections = no_sections,
                                               .dir = "",
                                               .read_type = kith_scenario_type_read}};
    rd->scenario = kith_arena_alloc(rd->r.arena, sizeof *rd->scenario);
    rd->scenario->arena = rd->r.arena;
    rd->scenario->path = path ? kith_arena_strdup(rd->r.arena, path) : NULL;
}

static const struct kith_param *key_of(const char *name)
{
    const struct kith_param *p = kith_scenario_keys;
    while (p->name && strcmp(p->name, name) != 0) p++;
    return p->name ? p : NULL;
}

int kith_scenario_check(const struct kith_setting_text *over, struct kith_error *err)
{
    struct kith_scenario_file file;
    struct kith_complaint why;
    const struct kith_param_in in = {.dir = "", .why = &why};
    const struct kith_param *p = key_of(over->name);
    if (kith_param_parse(p, over->text, (char *)&file + p->offset, &in) == 0) return 0;
    return kith_fail(err, KITH_EINVAL, "%s%s%s", why.text, *why.help ? "; " : "", why.help);
}

static void override(struct kith_scenario_reading *rd, struct kith_scenario_file *file,
                     const struct kith_setting_text *over)
{
    struct kith_complaint why;
    const struct kith_param_in in = {.dir = "", .why = &why};
    const struct kith_param *p = key_of(over->name);
    if (kith_param_parse(p, over->text, (char *)file + p->offset, &in) < 0)
        kith_diag_error(rd->r.diag, (struct kith_pos){0}, *why.help ? why.help : NULL, "%s",
                        why.text);
}

/* A file in which all is left out is one, too. */
static void read_file(struct kith_scenario_reading *rd, const struct kith_yaml *root,
                      const struct kith_setting_text *over, size_t count)
{
    struct kith_scenario_file file = {0};
    struct kith_scenario *s = rd->scenario;
    const struct kith_part part = {kith_scenario_keys, &file};
    size_t before = kith_diag_errors(rd->r.diag);
    kith_schema_read(&rd->r, root, "", "", &part, 1);
    for (size_t i = 0; i < count; i++) override(rd, &file, &over[i]);
    s->nodes = file.nodes;
    s->seed = file.seed;
    s->seeds = file.seeds;
    s->time = file.time;
    kith_groups_read(rd, file.groups);
    kith_links_read(rd, file.links);
    kith_events_read(rd, file.events);
    if (kith_diag_errors(rd->r.diag) == before) kith_scenario_consistency(rd);
}

/* Comments at most: all has its default. */
static bool says_nothing(const char *text, size_t len)
{
    bool comment = false;
    for (size_t i = kith_utf8_mark(text, len); i < len; i++) {
        comment = text[i] != '\n' && (comment || text[i] == '#');
        if (!comment && !strchr(" \r\n", text[i])) return false;
    }
    return true;
}

struct kith_scenario *kith_scenario_load(const char *path, const struct kith_setting_text *over,
                                         size_t count, struct kith_diag *diag)
{
    struct kith_scenario_reading rd;
    size_t before = kith_diag_errors(diag), len = strlen(kith_scenario_builtin);
    char *read = path ? kith_file_read(path, KITH_FILE_PATIENT, &len, diag) : NULL;
    const char *text = path ? read : kith_scenario_builtin;
    if (!text) return NULL;
    begin(&rd, path, diag);
    kith_diag_source(diag, path ? path : "the built-in scenario", text,
                     len < KITH_CONFIG_MAX ? len : KITH_CONFIG_MAX);
    bool empty = says_nothing(text, len);
    struct kith_yaml *root = empty ? NULL : kith_yaml_parse(text, len, rd.r.temp, diag);
    if (root || empty) read_file(&rd, root, over, count);
    kith_arena_free(rd.r.temp);
    free(read);
    if (kith_diag_errors(diag) == before) return rd.scenario;
    kith_arena_free(rd.r.arena);
    return NULL;
}

void kith_scenario_free(struct kith_scenario *s)
{
    if (s) kith_arena_free(s->arena);
}
