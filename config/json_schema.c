/*
 * json_schema.c - the JSON Schema of a file, for editors and for programs that write files.
 *
 * Made of the same tables as the checker, those of the plugins that the finder knows included. A
 * plugin that is named by path is let through unchecked.
 */
#include "scenario_parts.h"
#include <jansson.h>
#include <stdlib.h>

#define PERCENT "^[0-9]+(\\.[0-9]+)?%$"

static json_t *must(json_t *j)
{
    if (!j) abort();
    return j;
}

static void put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, must(value)) != 0) abort();
}

static json_t *typed(const char *type) { return must(json_pack("{s:s}", "type", type)); }

/* Scalars are text to us whatever an editor takes them for. */
static json_t *text_schema(const struct kith_param *p)
{
    json_t *s = must(json_pack("{s:[s,s,s]}", "type", "string", "number", "boolean"));
    uint64_t n;
    if (kith_param_length(p, false, &n)) put(s, "minLength", json_integer((json_int_t)n));
    if (kith_param_length(p, true, &n)) put(s, "maxLength", json_integer((json_int_t)n));
    return s;
}

static json_t *list_of(json_t *item)
{
    return must(json_pack("{s:s, s:o}", "type", "array", "items", item));
}

static json_t *one_or_list(json_t *item)
{
    return must(json_pack("{s:[O,o]}", "anyOf", item, list_of(item)));
}

static json_t *number_json(long double v)
{
    bool whole = v >= -1e15L && v <= 1e15L && v == (long double)(json_int_t)v;
    return whole ? json_integer((json_int_t)v) : json_real((double)v);
}

/* A number, or a text that says it with a unit. */
static json_t *number_schema(const struct kith_param *p, const struct kith_value_type *t)
{
    long double low, high;
    if (t->pattern)
        return must(json_pack("{s:[{s:s, s:i}, {s:s, s:s}]}", "anyOf", "type", t->json, "minimum",
                              0, "type", "string", "pattern", t->pattern));
    json_t *s = typed(t->json);
    if (kith_param_limit(p, false, &low)) put(s, "minimum", number_json(low));
    if (kith_param_limit(p, true, &high)) put(s, "maximum", number_json(high));
    return s;
}

static json_t *words_schema(const char *const *words)
{
    json_t *list = must(json_array());
    for (; *words; words++) json_array_append_new(list, must(json_string(*words)));
    return must(json_pack("{s:o}", "enum", list));
}

/* ----------------------------------------------------------------------------- our own types */

static json_t *object_of(json_t *properties)
{
    return must(json_pack("{s:s, s:b, s:o}", "type", "object", "additionalProperties", 0,
                          "properties", properties));
}

static json_t *one_key(const char *key, json_t *value)
{
    json_t *s = object_of(must(json_pack("{s:o}", key, value)));
    put(s, "required", json_pack("[s]", key));
    return s;
}

static json_t *texts_by_name(const struct kith_param *value)
{
    return must(
        json_pack("{s:s, s:o}", "type", "object", "additionalProperties", text_schema(value)));
}

static json_t *source_schema(void)
{
    json_t *any = must(json_array());
    static const char *const ways[] = {"file", "env", "dir"};
    for (size_t i = 0; i < 3; i++) json_array_append_new(any, one_key(ways[i], typed("string")));
    json_array_append_new(any, one_key("fd", typed("integer")));
    json_array_append_new(any, typed("string"));
    return must(json_pack("{s:o}", "anyOf", any));
}

static json_t *meta_schema(void)
{
    static const struct kith_param tag = {.name = "tags", .type = KITH_PARAM_MAP};
    return must(json_pack("{s:[o,o,o,o]}", "anyOf", typed("string"),
                          one_key("base64", typed("string")), one_key("file", typed("string")),
                          one_key("tags", texts_by_name(&tag))));
}

static json_t *properties_of(json_t *into, const struct kith_param *params,
                             const struct kith_config_finder *finder, const char *path,
                             json_t *required);

static json_t *plugin_schema(const struct kith_plugin *plugin,
                             const struct kith_config_finder *finder)
{
    json_t *properties = must(json_object()), *required = must(json_array());
    properties_of(properties, plugin->params, finder, "", required);
    properties_of(properties, kith_entry_keys(plugin->kind), finder, "", required);
    for (const struct kith_param *p = kith_entry_keys(plugin->kind); p->name; p++)
        if (!kith_entry_takes(plugin, p)) json_object_del(properties, p->name);
    put(properties, "use", json_pack("{s:s}", "const", plugin->name));
    json_t *s = object_of(properties);
    put(s, "required", required);
    if (plugin->summary) put(s, "description", json_string(plugin->summary));
    return s;
}

static json_t *seeds_schema(const struct kith_config_finder *finder)
{
    static const struct kith_param address = {
        .name = "join", .type = KITH_PARAM_STRING, .min = "1", .max = "512"};
    json_t *properties = must(json_object()), *required = must(json_array());
    properties_of(properties, kith_seed_keys(), finder, "", required);
    json_t *map = object_of(properties);
    put(map, "required", required);
    return one_or_list(must(json_pack("{s:[o,o]}", "anyOf", text_schema(&address), map)));
}

static json_t *entry_schema(uint32_t kind, const struct kith_config_finder *finder)
{
    json_t *any = must(json_array());
    const char *const *names = finder && finder->names ? finder->names(finder->ctx, kind) : NULL;
    for (size_t i = 0; names && names[i]; i++) {
        struct kith_error err = {.size = sizeof err};
        const struct kith_plugin *plugin = finder->find(finder->ctx, kind, names[i], &err);
        if (plugin) json_array_append_new(any, plugin_schema(plugin, finder));
    }
    json_array_append_new(
        any, must(json_pack("{s:s, s:{s:{s:s, s:s}}, s:[s]}", "type", "object", "properties", "use",
                            "type", "string", "pattern", "/", "required", "use")));
    return must(json_pack("{s:o}", "anyOf", any));
}

static json_t *section_schema(const char *path, const struct kith_config_finder *finder)
{
    json_t *properties = must(json_object());
    json_t *s = object_of(properties);
    for (const struct kith_section *sec = kith_sections; sec->path; sec++)
        if (strcmp(sec->path, path) == 0) {
            properties_of(properties, sec->params, finder, path, NULL);
            if (!sec->short_forms) put(s, "description", json_string(sec->doc));
        }
    return s;
}

/* -------------------------------------------------------------------------------- scenarios */

static json_t *groups_schema(void)
{
    static const struct kith_param name = {.name = "groups", .type = KITH_PARAM_STRING};
    return must(json_pack("{s:s, s:o}", "type", "object", "additionalProperties",
                          one_or_list(text_schema(&name))));
}

static json_t *when_schema(void)
{
    static const struct kith_param duration = {.type = KITH_PARAM_DURATION};
    json_t *s = number_schema(&duration, kith_value_type_of(&duration));
    json_array_append_new(json_object_get(s, "anyOf"),
                          must(json_pack("{s:s, s:s}", "type", "string", "pattern", PERCENT)));
    return s;
}

static json_t *part_schema(void)
{
    return must(json_pack("{s:[{s:s, s:i, s:i}, {s:s, s:s}]}", "anyOf", "type", "number", "minimum",
                          0, "maximum", 1, "type", "string", "pattern", PERCENT));
}

/* These, and what a link can be. */
static json_t *keys_of(const struct kith_param *keys)
{
    json_t *properties = must(json_object());
    properties_of(properties, keys, NULL, "", NULL);
    return properties_of(properties, kith_value_keys, NULL, "", NULL);
}

static json_t *event_schema(void)
{
    json_t *s = object_of(keys_of(kith_event_keys)), *deeds = must(json_array());
    for (size_t i = 0; kith_deed_words[i]; i++)
        json_array_append_new(deeds, must(json_pack("{s:[s]}", "required", kith_deed_words[i])));
    put(s, "required", json_pack("[s]", "at"));
    put(s, "oneOf", deeds);
    return s;
}

/* ----------------------------------------------------------------------------- one parameter */

static json_t *row_schema(const struct kith_param *p, const struct kith_value_type *t)
{
    if (p->type == KITH_PARAM_ENUM) return words_schema(p->choices);
    if (t->shape == KITH_SHAPE_LIST) return one_or_list(text_schema(p));
    if (t->shape == KITH_SHAPE_MAP) return texts_by_name(p);
    if (t->number != KITH_NUMBER_NONE) return number_schema(p, t);
    return t->json ? typed(t->json) : text_schema(p);
}

static json_t *type_schema(const struct kith_param *p, const struct kith_config_finder *finder,
                           const char *path)
{
    const struct kith_value_type *t = kith_value_type_of(p);
    if (t) return row_schema(p, t);
    switch (p->type) {
    case KITH_TYPE_SECTION: return section_schema(path, finder);
    case KITH_TYPE_CIDRS: return one_or_list(typed("string"));
    case KITH_TYPE_META: return meta_schema();
    case KITH_TYPE_KEYS: return one_or_list(source_schema());
    case KITH_TYPE_KEY: return source_schema();
    case KITH_TYPE_TRANSPORT: return entry_schema(KITH_TRANSPORT, finder);
    case KITH_TYPE_CODECS: return list_of(entry_schema(KITH_CODEC, finder));
    case KITH_TYPE_DELEGATES: return list_of(entry_schema(KITH_DELEGATE, finder));
    case KITH_TYPE_LAYER_BYTE:
        return must(
            json_pack("{s:s, s:i, s:i}", "type", "integer", "minimum", 0xC0, "maximum", 0xEF));
    case KITH_TYPE_COUNT:
        return must(json_pack("{s:[{s:s, s:i}, {s:s}], s:s}", "anyOf", "type", "integer", "minimum",
                              0, "const", "all", "default", p->def));
    case KITH_TYPE_WORDS: return one_or_list(words_schema(p->choices));
    case KITH_TYPE_SEEDS: return seeds_schema(finder);
    case KITH_TYPE_GROUPS: return groups_schema();
    case KITH_TYPE_LINKS: return list_of(object_of(keys_of(kith_link_keys)));
    case KITH_TYPE_EVENTS: return list_of(event_schema());
    case KITH_TYPE_NODES: return one_or_list(text_schema(p));
    case KITH_TYPE_NODE_SETS: return one_or_list(one_or_list(text_schema(p)));
    case KITH_TYPE_WHEN: return when_schema();
    case KITH_TYPE_PART: return part_schema();
    default: abort();
    }
}

static json_t *list_json(const struct kith_list *list)
{
    json_t *v = must(json_array());
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(v, must(json_string(list->items[i])));
    return v;
}

static json_t *map_json(const struct kith_map *map)
{
    json_t *v = must(json_object());
    for (size_t i = 0; i < map->count; i++)
        put(v, (const char *)map->items[i].name.data,
            json_string((const char *)map->items[i].value.data));
    return v;
}

/* A list or a map. */
static json_t *many_json(const struct kith_param *p, const struct kith_value_type *t)
{
    union {
        struct kith_list list;
        struct kith_map map;
    } value = {0};
    struct kith_complaint why;
    struct kith_arena *arena = kith_arena_new();
    const struct kith_param_in in = {arena, "", &why};
    json_t *v = NULL;
    if (kith_param_parse_all(p, p->def, &value, &in) == 0)
        v = t->shape == KITH_SHAPE_LIST ? list_json(&value.list) : map_json(&value.map);
    kith_arena_free(arena);
    return v ? v : json_string(p->def);
}

/* As the type has it in JSON: the text of a file is JSON too for booleans and numbers. */
static json_t *default_json(const struct kith_param *p, const struct kith_value_type *t)
{
    if (t->shape != KITH_SHAPE_ONE) return many_json(p, t);
    json_t *v = t->json && !t->pattern ? json_loads(p->def, JSON_DECODE_ANY, NULL) : NULL;
    return v ? v : json_string(p->def);
}

static json_t *properties_of(json_t *into, const struct kith_param *params,
                             const struct kith_config_finder *finder, const char *path,
                             json_t *required)
{
    for (const struct kith_param *p = params; p && p->name; p++) {
        char full[100];
        snprintf(full, sizeof full, "%s%s%s", path, *path ? "." : "", p->name);
        json_t *s = type_schema(p, finder, full);
        if (p->doc) put(s, "description", json_string(p->doc));
        if (p->def && kith_value_type_of(p))
            put(s, "default", default_json(p, kith_value_type_of(p)));
        if (required && (p->flags & KITH_PARAM_REQUIRED))
            json_array_append_new(required, must(json_string(p->name)));
        put(into, p->name, s);
    }
    return into;
}

static void print_schema(json_t *s, const char *title, FILE *out)
{
    put(s, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
    put(s, "title", json_string(title));
    char *text = json_dumps(s, JSON_INDENT(2));
    if (!text) abort();
    fputs(text, out); /* that it could not be written is for the stream's owner to see */
    free(text);
    fputc('\n', out);
    json_decref(s);
}

void kith_config_schema(const struct kith_config_finder *finder, FILE *out)
{
    print_schema(section_schema("", finder), "kith: a node described in YAML", out);
}

void kith_scenario_schema(FILE *out)
{
    json_t *properties = properties_of(must(json_object()), kith_scenario_keys, NULL, "", NULL);
    print_schema(object_of(properties), "kith sim: what happens to many nodes", out);
}
