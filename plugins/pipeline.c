/*
 * pipeline.c - the codec chain of a node, made from `send`, `accept` and `require` of its config.
 * That these make sense together is the config's part (chain.c). Sealing is in pipeline_seal.c,
 * opening in pipeline_open.c (packets) and inflow.c (streams).
 *
 * Which layer a received message has is told by its first byte, through a table made from `accept`.
 * So a node opens what it is willing to open, whatever it sends itself, and a codec or a key
 * changes across a running cluster in three reloads: learn (accept), switch (send), close
 * (require).
 */
#include "pipeline_parts.h"

#include <stdlib.h>

/* ---------------------------------------------------------------------------------- building */

static struct kith_codec *find_codec(const struct kith_pipeline *p, const struct kith_entry *entry,
                                     struct kith_keyring *ring, uint8_t protocol)
{
    for (size_t i = 0; p && i < p->count; i++)
        if (kith_codec_fits(p->codecs[i], entry, ring, protocol)) return p->codecs[i];
    return NULL;
}

/* The counters of an entry go on when a reload made it anew. */
static void go_on_counting(struct kith_codec *c, const struct kith_pipeline *old)
{
    const char *name = c->stats.name;
    for (size_t i = 0; old && i < old->count; i++)
        if (old->codecs[i]->instance->plugin == c->instance->plugin &&
            strcmp(old->codecs[i]->stats.name, name) == 0)
            c->stats = old->codecs[i]->stats;
    c->stats.name = name; /* its own memory */
}

static int add_codec(struct kith_pipeline *p, const struct kith_entry *entry,
                     const struct kith_host_maker *maker, struct kith_keyring *ring,
                     struct kith_pipeline *old, struct kith_codec **out, struct kith_error *err)
{
    if ((*out = find_codec(p, entry, ring, p->protocol))) return 0;
    if (p->count == UINT8_MAX)
        return kith_fail(err, KITH_EINVAL, "pipeline: more than %d codecs", UINT8_MAX);
    struct kith_codec **more = realloc(p->codecs, (p->count + 1) * sizeof *more);
    if (!more) return kith_fail(err, KITH_ENOMEM, "no memory for codec %s", entry->use);
    p->codecs = more;
    if ((*out = find_codec(old, entry, ring, p->protocol))) {
        (*out)->refs++;
    } else {
        int rc = kith_codec_new(out, entry, maker, ring, p->protocol, err);
        if (rc < 0) return rc;
        go_on_counting(*out, old);
    }
    p->codecs[p->count++] = *out;
    return 0;
}

static uint8_t index_of(const struct kith_pipeline *p, const struct kith_codec *c)
{
    size_t i = 0;
    while (p->codecs[i] != c) i++;
    return (uint8_t)(i + 1);
}

static int accept_codec(struct kith_pipeline *p, struct kith_codec *c, struct kith_error *err)
{
    for (enum kith_plane plane = KITH_PACKET; plane <= KITH_STREAM; plane++) {
        const struct kith_form *form = &c->forms[plane];
        if (form->framing == KITH_NONE) continue;
        for (unsigned b = form->first; b <= form->last; b++) {
            struct kith_codec *there = kith_pipeline_opener(p, plane, (uint8_t)b);
            if (there && there != c) {
                int rc = kith_fail(err, KITH_EINVAL,
                                   "accept: %s opens layers that begin with 0x%02X already",
                                   there->stats.name, b);
                return kith_entry_failed(c->instance->entry, c->instance->maker.file, rc, err);
            }
            p->opens[plane][b] = index_of(p, c);
        }
    }
    return 0;
}

static int fill(struct kith_pipeline *p, const struct kith_chain *chain,
                const struct kith_host_maker *maker, struct kith_keyring *ring,
                struct kith_pipeline *old, struct kith_error *err)
{
    struct kith_codec *c;
    int rc;
    if (chain->send.count > KITH_LAYERS_MAX)
        return kith_fail(err, KITH_EINVAL, "send: more than %d layers", KITH_LAYERS_MAX);
    for (size_t i = 0; i < chain->send.count; i++) {
        if ((rc = add_codec(p, &chain->send.items[i], maker, ring, old, &c, err)) < 0) return rc;
        if (p->sends && p->send[p->sends - 1]->forms[KITH_PACKET].tentative) {
            rc = kith_fail(err, KITH_EINVAL,
                           "must come last in `send`: its packets are recognised only outermost");
            return kith_entry_failed(&chain->send.items[i - 1], maker->file, rc, err);
        }
        p->send[p->sends++] = c;
    }
    for (size_t i = 0; i < chain->accept.count; i++) {
        if ((rc = add_codec(p, &chain->accept.items[i], maker, ring, old, &c, err)) < 0) return rc;
        if ((rc = accept_codec(p, c, err)) < 0) return rc;
    }
    for (size_t i = 0; i < p->count; i++)
        if ((rc = kith_instance_start(p->codecs[i]->instance, NULL, err)) < 0) return rc;
    return 0;
}

uint32_t kith_pipeline_unmet(const struct kith_pipeline *p, uint32_t provides)
{
    uint32_t all = UINT32_MAX;
    const struct kith_peer to = {.provides = provides};
    for (enum kith_plane plane = KITH_PACKET; plane <= KITH_STREAM; plane++) {
        uint32_t given = kith_peer_provides(&to);
        for (size_t i = 0; i < p->sends; i++)
            if (p->send[i]->forms[plane].framing != KITH_NONE) given |= p->send[i]->provides;
        all &= given;
    }
    return p->require & ~all;
}

/* The two buffers for packets: the world's, or else its own. */
static int make_fixed(struct kith_pipeline *p, const struct kith_host_maker *maker, size_t cap)
{
    p->fixed_own = !maker->scratch;
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *base = p->fixed_own ? malloc(cap) : maker->scratch(maker->ctx, i, cap);
        if (!base) return -KITH_ENOMEM;
        p->fixed[i] = (struct kith_buf){.base = base, .data = base, .cap = cap};
    }
    return 0;
}

static int make_rooms(struct kith_pipeline *p, const struct kith_host_maker *maker)
{
    for (enum kith_plane plane = KITH_PACKET; plane <= KITH_STREAM; plane++) {
        struct kith_room *room = &p->room[plane];
        room->head = p->label_len ? 2 + (uint32_t)p->label_len : 0;
        for (size_t i = 0; i < p->sends; i++) {
            const struct kith_codec *c = p->send[i];
            if (c->forms[plane].framing == KITH_NONE) continue;
            room->head += c->room.head + (uint32_t)kith_framing_bytes(&c->forms[plane], plane);
            room->tail += c->room.tail;
        }
    }
    /* The largest packet, what the chain adds to it, and some bytes for codecs that write beyond
     * their result before they cut it. */
    size_t cap = p->room[KITH_PACKET].head + KITH_PACKET_MAX + p->room[KITH_PACKET].tail + 256;
    return make_fixed(p, maker, cap);
}

int kith_pipeline_new(struct kith_pipeline **out, const struct kith_chain *chain,
                      const struct kith_host_maker *maker, struct kith_keyring *ring,
                      struct kith_pipeline *old, struct kith_error *err)
{
    struct kith_pipeline *p = calloc(1, sizeof *p);
    int rc = -KITH_ENOMEM;
    kith_error_clear(err);
    if (!p) goto fail;
    p->refs = 1;
    p->shared = old ? old->shared : calloc(1, sizeof *p->shared);
    if (!p->shared) goto fail;
    p->shared->refs++;
    p->shared->memory = maker->memory ? maker->memory : &p->shared->own_memory;
    p->shared->own_memory.limit = chain->max_stream_memory;
    p->require = chain->require;
    p->protocol = (uint8_t)chain->protocol;
    p->skip_label = chain->skip_inbound_label_check;
    p->max_stream_size = chain->max_stream_size;
    p->label_len = chain->label ? strlen(chain->label) : 0;
    if (p->label_len > KITH_LABEL_MAX) {
        rc = kith_fail(err, KITH_EINVAL, "the label is longer than %d bytes", KITH_LABEL_MAX);
        goto fail;
    }
    if (p->label_len) memcpy(kith_pipeline_label(p), chain->label, p->label_len);
    if ((rc = fill(p, chain, maker, ring, old, err)) < 0) goto fail;
    if ((rc = make_rooms(p, maker)) < 0) goto fail;
    *out = p;
    return 0;

fail:
    if (err && !*err->text) kith_fail(err, KITH_ENOMEM, "no memory for the pipeline");
    kith_pipeline_unref(p);
    return rc;
}

struct kith_pipeline *kith_pipeline_ref(struct kith_pipeline *p)
{
    p->refs++;
    return p;
}

void kith_pipeline_unref(struct kith_pipeline *p)
{
    if (!p || --p->refs) return;
    for (size_t i = 0; i < p->count; i++) kith_codec_unref(p->codecs[i]);
    if (p->shared && !--p->shared->refs) free(p->shared);
    for (unsigned i = 0; i < 2 && p->fixed_own; i++) free(p->fixed[i].base);
    free(p->codecs);
    free(p);
}

void kith_pipeline_refresh(struct kith_pipeline *p, uint32_t what, const struct kith_failures *told)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->codecs[i]->refs > 1) kith_instance_refresh(p->codecs[i]->instance, what, told);
}

/* ------------------------------------------------------------------------------------ asking */

struct kith_room kith_pipeline_room(const struct kith_pipeline *p) { return p->room[KITH_PACKET]; }

void kith_pipeline_trace(struct kith_pipeline *p,
                         void (*layer)(void *arg, const struct kith_layer *), void *arg)
{
    p->shared->trace = layer;
    p->shared->trace_arg = arg;
}

struct kith_instance *kith_pipeline_find(const struct kith_pipeline *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++) {
        struct kith_instance *in = p->codecs[i]->instance;
        if (kith_instance_runs(in) && strcmp(kith_instance_name(in), name) == 0) return in;
    }
    return NULL;
}

size_t kith_pipeline_stats(const struct kith_pipeline *p, size_t i, struct kith_codec_stats *out)
{
    if (out && i < p->count) *out = p->codecs[i]->stats;
    return p->count;
}

uint64_t kith_pipeline_refused(const struct kith_pipeline *p, enum kith_refusal why)
{
    return p->shared->refused[why];
}

static const struct {
    const char *name, *text;
} refusals[KITH_REFUSED_COUNT] = {
    [KITH_REFUSED_EMPTY] = {"empty", "it is empty"},
    [KITH_REFUSED_LABEL] = {"label", "its label is not ours"},
    [KITH_REFUSED_DOUBLE_LABEL] = {"double_label",
                                   "it has a label though skip_inbound_label_check is set"},
    [KITH_REFUSED_POLICY] = {"policy", "it lacks a layer that `require` asks for, or has one "
                                       "that `accept` does not open"},
    [KITH_REFUSED_AUTH] = {"auth", "no installed key could decrypt it"},
    [KITH_REFUSED_CHECKSUM] = {"checksum", "its checksum is wrong"},
    [KITH_REFUSED_MALFORMED] = {"malformed", "it is malformed"},
    [KITH_REFUSED_TOO_BIG] = {"too_big", "it opens to more than is allowed"},
    [KITH_REFUSED_LAYERS] = {"layers", "it has too many layers"},
    [KITH_REFUSED_MEMORY] = {"memory", "there is no memory for it"},
    [KITH_REFUSED_BREACH] = {"breach", "one of our codecs broke its contract"},
};

const char *kith_refusal_name(enum kith_refusal why)
{
    return (unsigned)why < KITH_REFUSED_COUNT ? refusals[why].name : "unknown";
}

const char *kith_refusal_text(enum kith_refusal why)
{
    return (unsigned)why < KITH_REFUSED_COUNT ? refusals[why].text : "unknown";
}
