/*
 * plugin_describe.c - what a plugin says of itself, as JSON and as text for people.
 */
#include "plugin_describe.h"

#include "param_types.h"
#include "screen.h"

#include <ctype.h>
#include <dlfcn.h>
#include <elf.h>
#include <inttypes.h>
#include <link.h>

static const char *const kinds[] = {"?", "transport", "codec", "delegate"};

/* ----------------------------------------------------------------------------------- to JSON */

static json_t *strings_json(const char *const *list)
{
    json_t *array = json_array();
    for (; list && *list; list++) json_array_append_new(array, kith_tool_string(*list));
    return array;
}

/* "size": the type as KITH_PARAM() has it, in small letters. */
static void type_name(const struct kith_value_type *type, char out[32])
{
    size_t n = 0;
    for (const char *c = type ? type->name : "?"; *c && n < 31; c++)
        out[n++] = (char)tolower((unsigned char)*c);
    out[n] = 0;
}

/* "min", of texts "length_min". */
static void put_limit(json_t *o, const char *of, const char *which, const char *limit)
{
    char key[32];
    snprintf(key, sizeof key, "%s%s", of, which);
    if (limit) json_object_set_new(o, key, kith_tool_string(limit));
}

static json_t *param_json(const struct kith_param *p)
{
    const struct kith_value_type *type = kith_value_type_of(p);
    char name[32];
    type_name(type, name);
    json_t *o = json_object();
    json_object_set_new(o, "name", json_string(p->name));
    json_object_set_new(o, "type", json_string(name));
    if (p->flags & KITH_PARAM_REQUIRED) json_object_set_new(o, "required", json_true());
    if (p->flags & KITH_PARAM_SECRET) json_object_set_new(o, "secret", json_true());
    if (p->flags & KITH_PARAM_RESTART) json_object_set_new(o, "restart", json_true());
    if (p->def) json_object_set_new(o, "default", kith_tool_string(p->def));
    if (p->def_wan) json_object_set_new(o, "default_wan", kith_tool_string(p->def_wan));
    if (p->def_local) json_object_set_new(o, "default_local", kith_tool_string(p->def_local));
    const char *of = type && type->text ? "length_" : "";
    put_limit(o, of, "min", p->min);
    put_limit(o, of, "max", p->max);
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
    return o;
}

#define CALLBACK(ops, name) \
    if (KITH_HAS(ops, name)) json_array_append_new(list, json_string(#name))

static void add_transport(json_t *list, const struct kith_transport_ops *t)
{
    CALLBACK(t, limits);
    CALLBACK(t, packet_limit);
    CALLBACK(t, advertise);
    CALLBACK(t, parse);
    CALLBACK(t, format);
    CALLBACK(t, send_packet);
    CALLBACK(t, flush);
    CALLBACK(t, stream_open);
    CALLBACK(t, stream_write);
    CALLBACK(t, stream_finish);
    CALLBACK(t, stream_reset);
    CALLBACK(t, stream_read);
    CALLBACK(t, member_gone);
}

static void add_codec(json_t *list, const struct kith_codec_ops *c)
{
    CALLBACK(c, room);
    CALLBACK(c, seal);
    CALLBACK(c, open);
    CALLBACK(c, extent);
    CALLBACK(c, sealed_size);
}

static void add_delegate(json_t *list, const struct kith_delegate_ops *d)
{
    CALLBACK(d, event);
    CALLBACK(d, message);
    CALLBACK(d, remote_state);
    CALLBACK(d, judge);
    CALLBACK(d, node_meta);
    CALLBACK(d, seal_meta);
    CALLBACK(d, get_broadcasts);
    CALLBACK(d, local_state);
    CALLBACK(d, ack_payload);
    CALLBACK(d, before_leave);
}

static json_t *callbacks_json(const struct kith_plugin *p)
{
    json_t *list = json_array();
    CALLBACK(p, init);
    CALLBACK(p, start);
    CALLBACK(p, adopt);
    CALLBACK(p, stop);
    CALLBACK(p, fini);
    CALLBACK(p, refresh);
    CALLBACK(p, command);
    if (p->kind == KITH_TRANSPORT) add_transport(list, p->ops);
    if (p->kind == KITH_CODEC) add_codec(list, p->ops);
    if (p->kind == KITH_DELEGATE) add_delegate(list, p->ops);
    return list;
}

/* The names of bits; of those without a name, the number: "0x10". */
static json_t *bits_json(uint64_t bits, const char *const *names)
{
    json_t *list = json_array();
    size_t named = 0;
    while (names[named]) named++;
    for (size_t i = 0; i < 64; i++) {
        char number[24];
        if (!(bits & UINT64_C(1) << i)) continue;
        snprintf(number, sizeof number, "0x%" PRIX64, UINT64_C(1) << i);
        json_array_append_new(list, json_string(i < named ? names[i] : number));
    }
    return list;
}

static void put_bits(json_t *o, const struct kith_plugin *p)
{
    static const char *const none[] = {NULL};
    static const char *const flags[] = {"keyed", "raw_keys", "outside", NULL};
    static const char *const sends[] = {"sends", NULL};
    static const char *const claims[] = {"alive", "suspect", "dead", "leave", "merge", NULL};
    json_object_set_new(o, "must_know", bits_json(p->must_know, none));
    json_object_set_new(o, "flags", bits_json(p->flags, flags));
    if (p->kind == KITH_DELEGATE) {
        const struct kith_delegate_ops *d = p->ops;
        json_object_set_new(o, "delegate_flags", bits_json(d->flags, sends));
        json_object_set_new(o, "judges", bits_json(d->judges, claims));
    }
}

static const char *keys_of(const struct kith_plugin *p)
{
    if (!(p->flags & KITH_KEYED)) return "none";
    return p->flags & KITH_RAW_KEYS ? "as they are" : "derived for its name";
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
        if (d->d_tag == DT_NEEDED)
            json_array_append_new(list, kith_tool_string(strtab + d->d_un.d_val));
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
    json_object_set_new(o, "file", *path ? kith_tool_string(path) : json_null());
    json_object_set_new(o, "abi", json_string(abi));
    json_object_set_new(o, "instance_size", json_integer((json_int_t)p->instance_size));
    put_bits(o, p);
    json_object_set_new(o, "keys", json_string(keys_of(p)));
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

static const char *text_of(const json_t *o, const char *key)
{
    return kith_tool_text(json_object_get(o, key));
}

static void print_list(const char *label, const json_t *list)
{
    size_t i;
    json_t *v;
    printf("%-14s", label);
    json_array_foreach(list, i, v) printf("%s%s", i ? " " : "", kith_tool_text(v));
    puts(json_array_size(list) ? "" : "none");
}

static void print_range(const char *of, const char *min, const char *max)
{
    if (min && max)
        printf(", %s%s to %s", of, min, max);
    else if (min || max)
        printf(", %s%s %s", of, min ? "at least" : "at most", min ? min : max);
}

static void print_param(const json_t *p)
{
    const char *def = text_of(p, "default"), *wan, *local;
    const char *min = text_of(p, "min"), *max = text_of(p, "max");
    printf("  %-18s %s", text_of(p, "name"), text_of(p, "type"));
    if (json_object_get(p, "required")) printf(", required");
    if (def) printf(", default %s", *def ? def : "''");
    if ((wan = text_of(p, "default_wan"))) printf(" (wan %s)", wan);
    if ((local = text_of(p, "default_local"))) printf(" (local %s)", local);
    print_range("", min, max);
    print_range("length ", text_of(p, "length_min"), text_of(p, "length_max"));
    if (json_object_get(p, "secret")) printf(", secret");
    const json_t *choices = json_object_get(p, "choices");
    json_t *v;
    size_t i;
    json_array_foreach(choices, i, v) printf("%s%s", i ? " | " : ": ", kith_tool_text(v));
    printf("\n  %-18s %s\n", "", text_of(p, "doc"));
}

void kith_describe_print(const json_t *o)
{
    static const char *const rows[] = {"name", "kind", "version", "summary", "file", "abi"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *text = text_of(o, rows[i]);
        printf("%-14s%s\n", rows[i], text ? text : "linked in");
    }
    const json_t *codec = json_object_get(o, "codec");
    json_t *form;
    if (codec) {
        print_list("provides", json_object_get(codec, "provides"));
        form = json_object_get(codec, "packet_layer");
        printf("%-14s%s\n", "packet layer", json_is_string(form) ? kith_tool_text(form) : "none");
        form = json_object_get(codec, "stream_layer");
        printf("%-14s%s\n", "stream layer", json_is_string(form) ? kith_tool_text(form) : "none");
    }
    printf("%-14s%s\n", "keys", text_of(o, "keys"));
    print_list("flags", json_object_get(o, "flags"));
    if (json_array_size(json_object_get(o, "must_know")))
        print_list("must know", json_object_get(o, "must_know"));
    if (json_object_get(o, "judges")) print_list("judges", json_object_get(o, "judges"));
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
