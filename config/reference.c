/*
 * reference.c - the JSON Schema of a file, for editors and for programs that write files.
 *
 * Made of the same tables as the checker, those of the plugins that the finder knows included. A
 * plugin that is named by path is let through unchecked.
 */
#include "schema.h"
#include <jansson.h>
#include <stdlib.h>

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
    if (p->min) put(s, "minLength", json_integer((json_int_t)p->min));
    if (p->max) put(s, "maxLength", json_integer((json_int_t)p->max));
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

static json_t *number_schema(const struct kith_param *p, const char *type)
{
    json_t *s = typed(type);
    put(s, "minimum", json_integer((json_int_t)p->min));
    if (p->max) put(s, "maximum", json_integer((json_int_t)p->max));
    return s;
}

static json_t *with_unit(const char *pattern)
{
    return must(json_pack("{s:[{s:s, s:i}, {s:s, s:s}]}", "anyOf", "type", "integer", "minimum", 0,
                          "type", "string", "pattern", pattern));
}

static json_t *words_schema(const char *const *words)
{
    json_t *list = must(json_array());
    for (; *words; words++) json_array_append_new(list, must(json_string(*words)));
    return must(json_pack("{s:o}", "enum", list));
}

/* ----------------------------------------------------------------------------- special types */

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

static json_t *texts_by_name(void)
{
    return must(json_pack("{s:s, s:{s:[s,s,s]}}", "type", "object", "additionalProperties", "type",
                          "string", "number", "boolean"));
}

static json_t *source_schema(void)
{
    json_t *any = must(json_array());
    static const char *const forms[] = {"file", "env", "dir"};
    for (size_t i = 0; i < 3; i++) json_array_append_new(any, one_key(forms[i], typed("string")));
    json_array_append_new(any, one_key("fd", typed("integer")));
    json_array_append_new(any, typed("string"));
    return must(json_pack("{s:o}", "anyOf", any));
}

static json_t *meta_schema(void)
{
    return must(json_pack("{s:[o,o,o,o]}", "anyOf", typed("string"),
                          one_key("base64", typed("string")), one_key("file", typed("string")),
                          one_key("tags", texts_by_name())));
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
    put(properties, "use", json_pack("{s:s}", "const", plugin->name));
    json_t *s = object_of(properties);
    put(s, "required", required);
    if (plugin->summary) put(s, "description", json_string(plugin->summary));
    return s;
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

/* ----------------------------------------------------------------------------- one parameter */

static json_t *type_schema(const struct kith_param *p, const struct kith_config_finder *finder,
                           const char *path)
{
    switch (p->type) {
    case KITH_PARAM_BOOL: return typed("boolean");
    case KITH_PARAM_UINT: return number_schema(p, "integer");
    case KITH_PARAM_FLOAT: return number_schema(p, "number");
    case KITH_PARAM_SIZE: return with_unit("^[0-9]+(\\.[0-9]+)?(B|KiB|MiB|GiB)$|^[0-9]+$");
    case KITH_PARAM_DURATION:
        return with_unit("^0$|^([0-9]+(\\.[0-9]+)?(ns|us|\xC2\xB5s|ms|s|m|h))+$");
    case KITH_PARAM_ENUM: return words_schema(p->choices);
    case KITH_PARAM_STRINGS: return one_or_list(text_schema(p));
    case KITH_SPECIAL_SECTION: return section_schema(path, finder);
    case KITH_SPECIAL_CIDRS: return one_or_list(typed("string"));
    case KITH_SPECIAL_LABELS: return texts_by_name();
    case KITH_SPECIAL_META: return meta_schema();
    case KITH_SPECIAL_KEYS: return one_or_list(source_schema());
    case KITH_SPECIAL_KEY: return source_schema();
    case KITH_SPECIAL_TRANSPORT: return entry_schema(KITH_TRANSPORT, finder);
    case KITH_SPECIAL_CODECS: return list_of(entry_schema(KITH_CODEC, finder));
    case KITH_SPECIAL_DELEGATES: return list_of(entry_schema(KITH_DELEGATE, finder));
    case KITH_SPECIAL_WIRE:
        return must(
            json_pack("{s:s, s:i, s:i}", "type", "integer", "minimum", 0xC0, "maximum", 0xEF));
    case KITH_SPECIAL_REQUIRE: return one_or_list(words_schema(kith_require_words()));
    default: return text_schema(p);
    }
}

static json_t *default_json(const struct kith_param *p)
{
    if (p->type == KITH_PARAM_BOOL) return json_boolean(strcmp(p->def, "true") == 0);
    if (p->type == KITH_PARAM_UINT) return json_integer(atoll(p->def));
    return json_string(p->def);
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
        if (p->def && p->type < KITH_SPECIAL_SECTION) put(s, "default", default_json(p));
        if (required && (p->flags & KITH_PARAM_REQUIRED))
            json_array_append_new(required, must(json_string(p->name)));
        put(into, p->name, s);
    }
    return into;
}

void kith_config_schema(const struct kith_config_finder *finder, FILE *out)
{
    json_t *s = section_schema("", finder);
    put(s, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
    put(s, "title", json_string("kith: a node described in YAML"));
    if (json_dumpf(s, out, JSON_INDENT(2)) != 0) abort();
    fputc('\n', out);
    json_decref(s);
}
