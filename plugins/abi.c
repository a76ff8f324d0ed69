/*
 * abi.c - what a plugin says of itself, checked and brought to today's shape.
 *
 * The one place that knows how ABI structs grow: `size` tells how much the plugin knew, the rest is
 * zero; arrays are walked with the plugin's stride. Behind it everybody uses today's structs. Knows
 * nothing of files.
 */
#include "loader.h"

#include <stdlib.h>

enum {
    STRUCT_MAX = 64 << 10, /* no struct of ours will ever be longer: a longer size is garbage */
    PARAM_STRIDE_MAX = 4096,
    PARAMS_MAX = 256,
    INSTANCE_MAX = 64 << 20,
    NAME_MAX_LEN = 63,
    ENCRYPT = 10, /* on streams memberlist frames its encryption as we frame layers */
    FIRST_REGISTERED = 0x80,
    LAST_REGISTERED = 0xBF, /* docs/WIRE.md, layer bytes */
};

/* Bytes up to and with a member. */
#define UPTO(type, member) (offsetof(struct type, member) + sizeof(((struct type *)0)->member))

union ops {
    uint32_t size;
    struct kith_transport_ops transport;
    struct kith_codec_ops codec;
    struct kith_delegate_ops delegate;
};

struct copy {
    struct kith_plugin plugin; /* first: free(plugin) frees all */
    union ops ops;
    struct kith_param params[];
};

const char *kith_abi_kind(uint32_t kind)
{
    switch (kind) {
    case KITH_TRANSPORT: return "transport";
    case KITH_CODEC: return "codec";
    case KITH_DELEGATE: return "delegate";
    default: return "unknown kind";
    }
}

bool kith_abi_name_ok(const char *name)
{
    if (!name || *name < 'a' || *name > 'z') return false;
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return !name[len] && len <= NAME_MAX_LEN;
}

/* -------------------------------------------------------------------------------- the struct */

static int check_header(const struct kith_plugin *raw, size_t extent, struct kith_error *err)
{
    const size_t least = UPTO(kith_plugin, ops);
    if (raw->size < least || raw->size > STRUCT_MAX)
        return kith_fail(err, KITH_EINVAL,
                         "struct kith_plugin says it has %u bytes; between %zu and %u are possible",
                         raw->size, least, (unsigned)STRUCT_MAX);
    if (extent && raw->size > extent)
        return kith_fail(err, KITH_EINVAL,
                         "struct kith_plugin says it has %u bytes, but the symbol has %zu",
                         raw->size, extent);
    if (!kith_abi_name_ok(raw->name))
        return kith_fail(err, KITH_EINVAL,
                         "its name `%.64s` is none: a-z first, then a-z 0-9 _, at most %d bytes",
                         raw->name ? raw->name : "", NAME_MAX_LEN);
    uint64_t unknown = raw->requires & ~(uint64_t)KITH_REQUIRES_KNOWN;
    if (unknown)
        return kith_fail(err, KITH_EUNSUPPORTED,
                         "plugin `%s` (ABI %d.%u) requires bit %d, which this Kith (ABI %d.%d) "
                         "does not know: a newer Kith is needed",
                         raw->name, KITH_ABI_MAJOR, raw->abi_minor, __builtin_ctzll(unknown),
                         KITH_ABI_MAJOR, KITH_ABI_MINOR);
    if (raw->kind < KITH_TRANSPORT || raw->kind > KITH_DELEGATE)
        return kith_fail(err, KITH_EUNSUPPORTED,
                         "plugin `%s` is of kind %u, which this Kith does not know", raw->name,
                         raw->kind);
    if (!raw->ops)
        return kith_fail(err, KITH_EINVAL, "%s `%s` has no ops", kith_abi_kind(raw->kind),
                         raw->name);
    if (raw->instance_size > INSTANCE_MAX)
        return kith_fail(
            err, KITH_EINVAL, "%s `%s` asks for %zu bytes an instance, at most %u are possible",
            kith_abi_kind(raw->kind), raw->name, raw->instance_size, (unsigned)INSTANCE_MAX);
    return 0;
}

/* -------------------------------------------------------------------------------- parameters */

/* Bytes and alignment of what a parameter is stored in; 0: no such type. */
static size_t param_bytes(uint32_t type, size_t *align)
{
#define AS(t) (*align = _Alignof(t), sizeof(t))
    switch (type) {
    case KITH_PARAM_BOOL: return AS(bool);
    case KITH_PARAM_UINT:
    case KITH_PARAM_ENUM: return AS(uint32_t);
    case KITH_PARAM_SIZE:
    case KITH_PARAM_DURATION: return AS(uint64_t);
    case KITH_PARAM_STRING:
    case KITH_PARAM_PATH: return AS(const char *);
    case KITH_PARAM_STRINGS: return AS(struct kith_strings);
    case KITH_PARAM_FLOAT: return AS(double);
    default: return 0;
    }
#undef AS
}

/* Keys that an entry has by itself. */
static bool taken(const char *name)
{
    static const char *const own[] = {"use", "channel", "keys", "wire"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(name, own[i]) == 0) return true;
    return false;
}

static int check_param(const struct kith_plugin *plugin, const struct kith_param *params, size_t i,
                       struct kith_error *err)
{
    const struct kith_param *p = &params[i];
    const char *why = NULL;
    size_t align = 1, bytes = param_bytes(p->type, &align);
    if (!kith_abi_name_ok(p->name))
        why = "is not a name: a-z first, then a-z 0-9 _";
    else if (taken(p->name))
        why = "is a key that every entry has already";
    else if (!bytes)
        why = "has a type that this Kith does not know";
    else if (bytes > plugin->instance_size || p->offset > plugin->instance_size - bytes)
        why = "lies outside of the instance";
    else if (p->offset % align)
        why = "is stored at an unaligned offset";
    else if (!p->doc || !*p->doc)
        why = "has no doc";
    else if (p->type == KITH_PARAM_ENUM && (!p->choices || !p->choices[0]))
        why = "is an ENUM without choices";
    else if (p->max && p->min > p->max)
        why = "has a minimum over its maximum";
    for (size_t j = 0; !why && j < i; j++) {
        size_t there = param_bytes(params[j].type, &align);
        if (strcmp(params[j].name, p->name) == 0)
            why = "is there twice";
        else if (p->offset < params[j].offset + there && params[j].offset < p->offset + bytes)
            why = "is stored over another one";
    }
    if (!why) return 0;
    return kith_fail(err, KITH_EINVAL, "parameter %zu of %s `%s`, `%.64s`, %s", i + 1,
                     kith_abi_kind(plugin->kind), plugin->name, p->name, why);
}

static const struct kith_param *param_at(const struct kith_plugin *raw, size_t i)
{
    return (const struct kith_param *)((const char *)raw->params + i * raw->param_size);
}

static int count_params(const struct kith_plugin *raw, size_t *count, struct kith_error *err)
{
    *count = 0;
    if (!raw->params) return 0;
    const size_t least = UPTO(kith_param, doc);
    if (raw->param_size < least || raw->param_size > PARAM_STRIDE_MAX ||
        raw->param_size % _Alignof(struct kith_param))
        return kith_fail(
            err, KITH_EINVAL,
            "the parameters of %s `%s` are %u bytes apart; %zu to %u in steps of %zu are possible",
            kith_abi_kind(raw->kind), raw->name, raw->param_size, least, (unsigned)PARAM_STRIDE_MAX,
            _Alignof(struct kith_param));
    while (*count <= PARAMS_MAX && param_at(raw, *count)->name) ++*count;
    if (*count > PARAMS_MAX)
        return kith_fail(
            err, KITH_EINVAL,
            "%s `%s` has over %u parameters: the one without a name at the end is missing",
            kith_abi_kind(raw->kind), raw->name, (unsigned)PARAMS_MAX);
    return 0;
}

/* --------------------------------------------------------------------------------------- ops */

struct must {
    size_t offset;
    const char *name;
};
#define MUST(type, member) \
    { \
        offsetof(struct type, member), #member \
    }

/* Without these the host can't work; everything else may be NULL. */
static const struct must transport_must[] = {
    MUST(kith_transport_ops, attach),        MUST(kith_transport_ops, limits),
    MUST(kith_transport_ops, advertise),     MUST(kith_transport_ops, parse),
    MUST(kith_transport_ops, format),        MUST(kith_transport_ops, send_packet),
    MUST(kith_transport_ops, stream_open),   MUST(kith_transport_ops, stream_write),
    MUST(kith_transport_ops, stream_finish), MUST(kith_transport_ops, stream_reset),
    MUST(kith_transport_ops, stream_read),   {0},
};
static const struct must codec_must[] = {
    MUST(kith_codec_ops, room),
    MUST(kith_codec_ops, seal),
    MUST(kith_codec_ops, open),
    {0},
};
static const struct must delegate_must[] = {{0}};

/* Why a form is impossible, or NULL. The types of memberlist's messages belong to the core: 0 and 1
 * may be tried as a layer (PROTOCOL.md 1.9), 9, 10 and 12 are layers. Private bytes come from the
 * YAML file only. */
static const char *check_form(const struct kith_form *f)
{
    switch (f->framing) {
    case KITH_NONE: return NULL;
    case KITH_FRAMED:
        if (f->tentative) return "only a form of its own can be tentative";
        if (f->first != f->last) return "a framed form has one first byte, not a range";
        if (f->first && f->first != ENCRYPT &&
            (f->first < FIRST_REGISTERED || f->first > LAST_REGISTERED))
            return "a framed form's byte is 0x80 to 0xBF (or 10, memberlist's), or 0 for one from "
                   "`wire:`";
        return NULL;
    case KITH_OWN:
        if (f->first > f->last) return "the first bytes run backwards";
        if (f->last > LAST_REGISTERED)
            return "first bytes over 0xBF belong to `wire:` and to labels";
        for (unsigned b = f->first; b <= f->last; b++)
            if (b <= 13 && b != 9 && b != 10 && b != 12 && !(f->tentative && b <= 1))
                return "a first byte is the type of one of memberlist's messages";
        return NULL;
    default: return "unknown framing";
    }
}

static int check_codec(const struct kith_plugin *plugin, const struct kith_codec_ops *ops,
                       struct kith_error *err)
{
    const char *plane = "packet", *why = check_form(&ops->packet);
    if (!why) {
        plane = "stream";
        why = check_form(&ops->stream);
    }
    if (!why && ops->stream.framing == KITH_OWN && !ops->extent)
        why = "a form of its own needs extent()";
    if (!why && ops->packet.framing == KITH_NONE && ops->stream.framing == KITH_NONE) {
        plane = "packet and stream";
        why = "it has neither";
    }
    if (!why) return 0;
    return kith_fail(err, KITH_EINVAL, "codec `%s` has an impossible %s form: %s", plugin->name,
                     plane, why);
}

static int copy_ops(struct copy *copy, struct kith_error *err)
{
    const struct kith_plugin *plugin = &copy->plugin;
    size_t today;
    const struct must *must;
    switch (plugin->kind) {
    case KITH_TRANSPORT: today = sizeof copy->ops.transport, must = transport_must; break;
    case KITH_CODEC: today = sizeof copy->ops.codec, must = codec_must; break;
    default: today = sizeof copy->ops.delegate, must = delegate_must; break;
    }
    uint32_t size = ((const union ops *)plugin->ops)->size;
    if (size < 2 * sizeof(uint32_t) || size > STRUCT_MAX)
        return kith_fail(err, KITH_EINVAL, "the ops of %s `%s` say they have %u bytes",
                         kith_abi_kind(plugin->kind), plugin->name, size);
    memcpy(&copy->ops, plugin->ops, size < today ? size : today);
    copy->ops.size = (uint32_t)today;
    for (; must->name; must++) {
        void (*fn)(void);
        memcpy(&fn, (const char *)&copy->ops + must->offset, sizeof fn);
        if (!fn)
            return kith_fail(err, KITH_EINVAL, "%s `%s` lacks %s()", kith_abi_kind(plugin->kind),
                             plugin->name, must->name);
    }
    copy->plugin.ops = &copy->ops;
    return plugin->kind == KITH_CODEC ? check_codec(plugin, &copy->ops.codec, err) : 0;
}

int kith_abi_copy(struct kith_plugin **out, const struct kith_plugin *raw, size_t extent,
                  struct kith_error *err)
{
    size_t count;
    int rc = check_header(raw, extent, err);
    if (!rc) rc = count_params(raw, &count, err);
    if (rc) return rc;
    struct copy *copy = calloc(1, sizeof *copy + (count + 1) * sizeof copy->params[0]);
    if (!copy) return kith_fail(err, KITH_ENOMEM, "no memory for plugin `%s`", raw->name);

    memcpy(&copy->plugin, raw, raw->size < sizeof *raw ? raw->size : sizeof *raw);
    copy->plugin.size = sizeof copy->plugin;
    copy->plugin.param_size = sizeof copy->params[0];
    if (raw->params) copy->plugin.params = copy->params;
    if (!copy->plugin.version) copy->plugin.version = "";
    if (!copy->plugin.summary) copy->plugin.summary = "";
    for (size_t i = 0; i < count && !rc; i++) {
        size_t today = sizeof copy->params[i];
        memcpy(&copy->params[i], param_at(raw, i),
               raw->param_size < today ? raw->param_size : today);
        rc = check_param(&copy->plugin, copy->params, i, err);
    }
    if (!rc) rc = copy_ops(copy, err);
    if (rc)
        free(copy);
    else
        *out = &copy->plugin;
    return rc;
}
