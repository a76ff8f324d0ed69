/*
 * abi.c - what a plugin says of itself, checked and brought to today's shape.
 *
 * Behind it everybody uses today's structs: what a plugin's header did not know yet is zero, and
 * its arrays, which have its stride, are copied to ours. Knows nothing of files.
 */
#include "loader.h"

#include "config.h"
#include "growth.h"
#include "utf8.h"

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

static int check_size(const struct kith_plugin *raw, size_t extent, struct kith_error *err)
{
    const size_t least = UPTO(kith_plugin, ops), step = _Alignof(struct kith_plugin);
    if (raw->size < least || raw->size > STRUCT_MAX || raw->size % step)
        return kith_fail(err, KITH_EINVAL,
                         "struct kith_plugin says it has %u bytes; %zu to %u in steps of %zu are "
                         "possible",
                         raw->size, least, (unsigned)STRUCT_MAX, step);
    if (extent && raw->size > extent)
        return kith_fail(err, KITH_EINVAL,
                         "struct kith_plugin says it has %u bytes, but the symbol has %zu",
                         raw->size, extent);
    return 0;
}

static bool line_or_none(const char *text) { return !text || kith_utf8_line(text); }

static int check_texts(const struct kith_plugin *raw, struct kith_error *err)
{
    if (!kith_abi_name_ok(raw->name))
        return kith_fail(err, KITH_EINVAL,
                         "its name `%.64s` is not a valid name: a-z first, then a-z 0-9 _, at most "
                         "%d bytes",
                         raw->name ? raw->name : "", NAME_MAX_LEN);
    if (!line_or_none(raw->version) || !line_or_none(raw->summary))
        return kith_fail(err, KITH_EINVAL, "plugin `%s`: its version or summary is no line of text",
                         raw->name);
    return 0;
}

/* Does this Kith know all that it has to? */
static int check_known(const struct kith_plugin *raw, struct kith_error *err)
{
    uint64_t unknown = raw->must_know & ~(uint64_t)KITH_MUST_KNOW;
    if (unknown)
        return kith_fail(err, KITH_EUNSUPPORTED,
                         "plugin `%s` (ABI %d.%u) must have bit %d understood, which this Kith "
                         "(ABI %d.%d) does not know: a newer Kith is needed",
                         raw->name, KITH_ABI_MAJOR, raw->abi_minor, __builtin_ctzll(unknown),
                         KITH_ABI_MAJOR, KITH_ABI_MINOR);
    if (raw->kind < KITH_TRANSPORT || raw->kind > KITH_DELEGATE)
        return kith_fail(err, KITH_EUNSUPPORTED,
                         "plugin `%s` is of kind %u, which this Kith does not know", raw->name,
                         raw->kind);
    return 0;
}

static int check_header(const struct kith_plugin *raw, size_t extent, struct kith_error *err)
{
    int rc = check_size(raw, extent, err);
    if (!rc) rc = check_texts(raw, err);
    if (!rc) rc = check_known(raw, err);
    if (rc) return rc;
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

/* What kith_param_check() leaves to us: the parameters as a whole. */
static int check_param(const struct kith_plugin *plugin, const struct kith_param *params, size_t i,
                       struct kith_error *err)
{
    const struct kith_param *p = &params[i];
    struct kith_error said = {.size = sizeof said};
    const char *why = NULL;
    if (!kith_abi_name_ok(p->name))
        why = "is not a name: a-z first, then a-z 0-9 _";
    else if (!p->doc || !*p->doc)
        why = "has no doc";
    else if (!kith_utf8_line(p->doc))
        why = "has a doc that is no line of text";
    else if (kith_param_check(p, plugin->instance_size, &said) != 0)
        why = said.text;
    for (size_t j = 0; !why && j < i; j++) {
        const struct kith_param *q = &params[j];
        if (strcmp(q->name, p->name) == 0)
            why = "is there twice";
        else if (p->offset < q->offset + q->width && q->offset < p->offset + p->width)
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

/* KITH_PARAM_END is all zero; a nameless row that is not means that the table has no end. */
static bool is_end(const struct kith_plugin *raw, size_t i)
{
    const uint8_t *row = (const uint8_t *)param_at(raw, i);
    for (size_t k = 0; k < raw->param_size; k++)
        if (row[k]) return false;
    return true;
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
        return kith_fail(err, KITH_EINVAL,
                         "%s `%s` has over %u parameters: KITH_PARAM_END at the end is missing",
                         kith_abi_kind(raw->kind), raw->name, (unsigned)PARAMS_MAX);
    if (!is_end(raw, *count))
        return kith_fail(
            err, KITH_EINVAL,
            "parameter %zu of %s `%s` has no name: KITH_PARAM_END before it is missing", *count + 1,
            kith_abi_kind(raw->kind), raw->name);
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
    MUST(kith_transport_ops, limits),      MUST(kith_transport_ops, advertise),
    MUST(kith_transport_ops, parse),       MUST(kith_transport_ops, format),
    MUST(kith_transport_ops, send_packet), {0},
};
static const struct must codec_must[] = {
    MUST(kith_codec_ops, room),
    MUST(kith_codec_ops, seal),
    MUST(kith_codec_ops, open),
    {0},
};
static const struct must delegate_must[] = {{0}};

static const char *check_framed(const struct kith_form *f)
{
    bool registered = f->first >= FIRST_REGISTERED && f->first <= LAST_REGISTERED;
    if (f->tentative) return "only a form of its own can be tentative";
    if (f->first != f->last) return "a framed form has one first byte, not a range";
    if (f->first && f->first != ENCRYPT && !registered)
        return "a framed form's byte is 0x80 to 0xBF (or 10, memberlist's), or 0 for one from "
               "`layer_byte:`";
    return NULL;
}

/* The types of memberlist's messages belong to the core: 0 and 1 may be tried as a layer
 * (PROTOCOL.md 1.9), 9, 10 and 12 are layers. */
static bool may_begin(unsigned byte, bool tentative)
{
    if (byte > 13) return true;
    return byte == 9 || byte == 10 || byte == 12 || (byte <= 1 && tentative);
}

static const char *check_own(const struct kith_form *f)
{
    if (f->first > f->last) return "the first bytes run backwards";
    if (f->last > LAST_REGISTERED)
        return "first bytes over 0xBF belong to `layer_byte:` and to labels";
    for (unsigned b = f->first; b <= f->last; b++)
        if (!may_begin(b, f->tentative))
            return "a first byte is the type of one of memberlist's messages";
    return NULL;
}

/* Why a form is impossible, or NULL. Private bytes come from the YAML file only. */
static const char *check_form(const struct kith_form *f)
{
    switch (f->framing) {
    case KITH_NONE: return NULL;
    case KITH_FRAMED: return check_framed(f);
    case KITH_OWN: return check_own(f);
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

/* All that streams need, or none of it: a transport of packets only. */
static int check_transport(const struct kith_plugin *plugin, const struct kith_transport_ops *ops,
                           struct kith_error *err)
{
    if (!ops->stream_open) return 0;
    const char *lacks = !ops->stream_write    ? "stream_write"
                        : !ops->stream_finish ? "stream_finish"
                        : !ops->stream_reset  ? "stream_reset"
                        : !ops->stream_read   ? "stream_read"
                                              : NULL;
    if (!lacks) return 0;
    return kith_fail(err, KITH_EINVAL, "transport `%s` has stream_open(), but lacks %s()",
                     plugin->name, lacks);
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
    if (size < 2 * sizeof(uint32_t) || size > STRUCT_MAX ||
        !kith_take(&copy->ops, today, _Alignof(union ops), plugin->ops))
        return kith_fail(err, KITH_EINVAL, "the ops of %s `%s` say they have %u bytes",
                         kith_abi_kind(plugin->kind), plugin->name, size);
    for (; must->name; must++) {
        void (*fn)(void);
        memcpy(&fn, (const char *)&copy->ops + must->offset, sizeof fn);
        if (!fn)
            return kith_fail(err, KITH_EINVAL, "%s `%s` lacks %s()", kith_abi_kind(plugin->kind),
                             plugin->name, must->name);
    }
    copy->plugin.ops = &copy->ops;
    switch (plugin->kind) {
    case KITH_TRANSPORT: return check_transport(plugin, &copy->ops.transport, err);
    case KITH_CODEC: return check_codec(plugin, &copy->ops.codec, err);
    default: return 0;
    }
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

    (void)KITH_TAKE(&copy->plugin, raw); /* check_header() has seen its size */
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
