/*
 * plugin_describe.c - what a plugin says of itself, as JSON and as text for people.
 */
#include "plugin_describe.h"

#include <dlfcn.h>
#include <elf.h>
#include <inttypes.h>
#include <link.h>

static const char *const kinds[] = {"?", "transport", "codec", "delegate"};

/* ----------------------------------------------------------------------------------- to JSON */

static json_t *strings_json(const char *const *list)
{
    json_t *array = json_array();
    for (; list && *list; list++) json_array_append_new(array, json_string(*list));
    return array;
}

/* The value as YAML writes it, so that a range reads like the file: 64KiB, 200ms. */
static void range_text(const struct kith_param *p, uint64_t v, char out[32])
{
    if (p->type == KITH_PARAM_DURATION && v % 1000000000u == 0)
        snprintf(out, 32, "%" PRIu64 "s", v / 1000000000u);
    else if (p->type == KITH_PARAM_DURATION)
        snprintf(out, 32, "%" PRIu64 "ms", v / 1000000u);
    else if (p->type == KITH_PARAM_SIZE && v && v % (1u << 20) == 0)
        snprintf(out, 32, "%" PRIu64 "MiB", v >> 20);
    else if (p->type == KITH_PARAM_SIZE && v && v % 1024 == 0)
        snprintf(out, 32, "%" PRIu64 "KiB", v >> 10);
    else
        snprintf(out, 32, "%" PRIu64, v);
}

static void put_range(json_t *o, const struct kith_param *p)
{
    char text[32];
    bool counted =
        p->type == KITH_PARAM_UINT || p->type == KITH_PARAM_SIZE || p->type == KITH_PARAM_DURATION;
    if (!counted || (!p->min && !p->max)) return;
    range_text(p, p->min, text);
    json_object_set_new(o, "min", json_string(text));
    range_text(p, p->max, text);
    if (p->max) json_object_set_new(o, "max", json_string(text));
}

static json_t *param_json(const struct kith_param *p)
{
    static const char *const types[] = {"?",      "bool", "uint",    "size", "duration",
                                        "string", "enum", "strings", "path", "float"};
    json_t *o = json_object();
    json_object_set_new(o, "name", json_string(p->name));
    json_object_set_new(o, "type",
                        json_string(p->type < sizeof types / sizeof *types ? types[p->type] : "?"));
    if (p->flags & KITH_PARAM_REQUIRED) json_object_set_new(o, "required", json_true());
    if (p->flags & KITH_PARAM_RESTART) json_object_set_new(o, "restart", json_true());
    if (p->def) json_object_set_new(o, "default", json_string(p->def));
    if (p->def_wan) json_object_set_new(o, "default_wan", json_string(p->def_wan));
    if (p->def_local) json_object_set_new(o, "default_local", json_string(p->def_local));
    put_range(o, p);
    if (p->choices) json_object_set_new(o, "choices", strings_json(p->choices));
    json_object_set_new(o, "doc", json_string(p->doc));
    return o;
}

static json_t *form_json(const struct kith_form *form, bool stream)
{
    char text[64];
    if (form->framing == KITH_NONE) return json_null();
    if (form->framing == KITH_FRAMED && !form->first)
        return json_string(stream ? "private byte, 4-byte length" : "private byte");
    if (form->first == form->last)
        snprintf(text, sizeof text, "0x%02X%s", form->first,
                 form->framing == KITH_FRAMED && stream ? ", 4-byte length" : "");
    else
        snprintf(text, sizeof text, "0x%02X..0x%02X%s", form->first, form->last,
                 form->tentative ? ", tentative" : "");
    return json_string(text);
}

static json_t *codec_json(const struct kith_codec_ops *ops)
{
    static const char *const provides[] = {"compress", "check", "authenticate", "encrypt"};
    json_t *o = json_object(), *list = json_array();
    for (unsigned i = 0; i < 4; i++)
        if (ops->provides & 1u << i) json_array_append_new(list, json_string(provides[i]));
    json_object_set_new(o, "provides", list);
    json_object_set_new(o, "packet_layer", form_json(&ops->packet, false));
    json_object_set_new(o, "stream_layer", form_json(&ops->stream, true));
    json_object_set_new(o, "keys",
                        json_string(!(ops->flags & KITH_CODEC_KEYED)   ? "none"
                                    : ops->flags & KITH_CODEC_RAW_KEYS ? "as they are"
                                                                       : "derived for its name"));
    return o;
}

#define CALLBACK(ops, name) \
    if ((ops)->name) json_array_append_new(list, json_string(#name))

static json_t *callbacks_json(const struct kith_plugin *p)
{
    json_t *list = json_array();
    CALLBACK(p, init);
    CALLBACK(p, adopt);
    CALLBACK(p, start);
    CALLBACK(p, stop);
    CALLBACK(p, fini);
    CALLBACK(p, command);
    if (p->kind == KITH_DELEGATE) {
        const struct kith_delegate_ops *d = p->ops;
        CALLBACK(d, attach);
        CALLBACK(d, node_meta);
        CALLBACK(d, notify_msg);
        CALLBACK(d, get_broadcasts);
        CALLBACK(d, local_state);
        CALLBACK(d, merge_remote_state);
        CALLBACK(d, notify_join);
        CALLBACK(d, notify_leave);
        CALLBACK(d, notify_update);
        CALLBACK(d, notify_suspect);
        CALLBACK(d, notify_conflict);
        CALLBACK(d, notify_merge);
        CALLBACK(d, notify_alive);
        CALLBACK(d, ack_payload);
        CALLBACK(d, ping_complete);
    } else if (p->kind == KITH_CODEC) {
        const struct kith_codec_ops *c = p->ops;
        CALLBACK(c, room);
        CALLBACK(c, seal);
        CALLBACK(c, open);
        CALLBACK(c, extent);
        CALLBACK(c, rekey);
    }
    return list;
}

/* Shared libraries that the file asks for itself: the DT_NEEDED entries of its dynamic section. */
static json_t *libraries_json(const char *path)
{
    json_t *list = json_array();
    void *handle = *path ? dlopen(path, RTLD_NOLOAD | RTLD_NOW) : NULL;
    struct link_map *map;
    if (!handle || dlinfo(handle, RTLD_DI_LINKMAP, &map)) return list;
    const char *strtab = NULL;
    for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_STRTAB) strtab = (const char *)d->d_un.d_ptr;
    for (const ElfW(Dyn) *d = map->l_ld; strtab && d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_NEEDED) json_array_append_new(list, json_string(strtab + d->d_un.d_val));
    return list;
}

json_t *kith_describe_plugin(const struct kith_plugin *p, const char *path)
{
    char abi[32];
    snprintf(abi, sizeof abi, "%d.%u", KITH_ABI_MAJOR, p->abi_minor);
    json_t *o = json_object(), *params = json_array();
    json_object_set_new(o, "name", json_string(p->name));
    json_object_set_new(o, "kind", json_string(kinds[p->kind]));
    json_object_set_new(o, "version", json_string(p->version ? p->version : ""));
    json_object_set_new(o, "summary", json_string(p->summary ? p->summary : ""));
    json_object_set_new(o, "file", *path ? json_string(path) : json_null());
    json_object_set_new(o, "abi", json_string(abi));
    json_object_set_new(o, "instance_size", json_integer((json_int_t)p->instance_size));
    if (p->kind == KITH_CODEC) json_object_set_new(o, "codec", codec_json(p->ops));
    if (p->kind == KITH_TRANSPORT)
        json_object_set_new(
            o, "default_port",
            json_integer(((const struct kith_transport_ops *)p->ops)->default_port));
    for (const struct kith_param *q = p->params; q && q->name; q++)
        json_array_append_new(params, param_json(q));
    json_object_set_new(o, "params", params);
    json_object_set_new(o, "callbacks", callbacks_json(p));
    json_object_set_new(o, "libraries", libraries_json(path));
    return o;
}

/* ----------------------------------------------------------------------------------- to text */

static void print_list(const char *label, const json_t *list)
{
    size_t i;
    json_t *v;
    printf("%-14s", label);
    json_array_foreach(list, i, v) printf("%s%s", i ? " " : "", json_string_value(v));
    puts(json_array_size(list) ? "" : "none");
}

static void print_param(const json_t *p)
{
    const char *def = json_string_value(json_object_get(p, "default")), *wan, *local;
    const char *min = json_string_value(json_object_get(p, "min")),
               *max = json_string_value(json_object_get(p, "max"));
    printf("  %-18s %s", json_string_value(json_object_get(p, "name")),
           json_string_value(json_object_get(p, "type")));
    if (json_object_get(p, "required")) printf(", required");
    if (def) printf(", default %s", *def ? def : "''");
    if ((wan = json_string_value(json_object_get(p, "default_wan")))) printf(" (wan %s)", wan);
    if ((local = json_string_value(json_object_get(p, "default_local"))))
        printf(" (local %s)", local);
    if (min) printf(max ? ", %s to %s" : ", at least %s", min, max);
    const json_t *choices = json_object_get(p, "choices");
    json_t *v;
    size_t i;
    json_array_foreach(choices, i, v) printf("%s%s", i ? " | " : ": ", json_string_value(v));
    printf("\n  %-18s %s\n", "", json_string_value(json_object_get(p, "doc")));
}

void kith_describe_print(const json_t *o)
{
    static const char *const rows[] = {"name", "kind", "version", "summary", "file", "abi"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *text = json_string_value(json_object_get(o, rows[i]));
        printf("%-14s%s\n", rows[i], text ? text : "linked in");
    }
    const json_t *codec = json_object_get(o, "codec"), *form;
    if (codec) {
        print_list("provides", json_object_get(codec, "provides"));
        form = json_object_get(codec, "packet_layer");
        printf("%-14s%s\n", "packet layer",
               json_is_string(form) ? json_string_value(form) : "none");
        form = json_object_get(codec, "stream_layer");
        printf("%-14s%s\n", "stream layer",
               json_is_string(form) ? json_string_value(form) : "none");
        printf("%-14s%s\n", "keys", json_string_value(json_object_get(codec, "keys")));
    }
    const json_t *port = json_object_get(o, "default_port");
    if (port) printf("%-14s%" JSON_INTEGER_FORMAT "\n", "default port", json_integer_value(port));
    print_list("callbacks", json_object_get(o, "callbacks"));
    print_list("libraries", json_object_get(o, "libraries"));
    const json_t *params = json_object_get(o, "params");
    json_t *p;
    size_t i;
    puts(json_array_size(params) ? "parameters" : "parameters    none");
    json_array_foreach(params, i, p) print_param(p);
}
