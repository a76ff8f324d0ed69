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

/* ------------------------------------------------------------------------------------- slots */

static void slot_rekey(void *arg)
{
    struct kith_slot *s = arg;
    int rc = s->ops->rekey ? s->ops->rekey(s->instance->self) : 0;
    const struct kith_host *host = s->instance->host;
    if (rc < 0)
        host->log(host, KITH_LOG_ERROR,
                  "could not take over the changed keys (code %d); the former ones stay", rc);
}

static void slot_unref(struct kith_slot *s)
{
    if (!s || --s->refs) return;
    if (s->ring) kith_keyring_unlisten(s->ring, slot_rekey, s);
    kith_instance_free(s->instance);
    if (s->ring) kith_keyring_unref(s->ring);
    free(s);
}

/* Bytes that a codec may put first: memberlist's three layers, its ambiguous 0 and 1, the
 * registered and the private range. Everything else is a message or the label. */
static bool byte_allowed(const struct kith_form *form)
{
    if (form->first > form->last) return false;
    if (form->tentative) return form->framing == KITH_OWN && form->last <= 1;
    for (unsigned b = form->first; b <= form->last; b++)
        if (!kith_is_layer((uint8_t)b)) return false;
    return form->framing == KITH_OWN || form->first == form->last;
}

static int slot_form(struct kith_slot *s, enum kith_plane plane, struct kith_form form,
                     uint8_t wire, struct kith_error *err)
{
    const char *name = s->instance->plugin->name;
    if (form.framing == KITH_FRAMED) {
        if (wire) form.first = form.last = wire;
        if (!form.first)
            return kith_fail(
                err, KITH_EINVAL,
                "%s has no layer byte of its own: give it one with `wire:`, 0xC0 to 0xEF", name);
    } else if (form.framing == KITH_OWN && wire) {
        return kith_fail(err, KITH_EINVAL,
                         "%s writes its first byte itself: `wire:` can't change it", name);
    }
    if (form.framing > KITH_NONE || (form.framing != KITH_NONE && !byte_allowed(&form)))
        return kith_fail(err, KITH_EINVAL, "%s claims first bytes that are not for layers (0x%02X)",
                         name, form.first);
    if (plane == KITH_STREAM && form.framing == KITH_OWN && !s->ops->extent)
        return kith_fail(err, KITH_EINVAL, "%s can't tell where its layer ends on streams", name);
    s->forms[plane] = form;
    return 0;
}

static int slot_new(struct kith_slot **out, const struct kith_entry *entry,
                    const struct kith_host_maker *maker, struct kith_keyring *ring,
                    uint8_t protocol, struct kith_error *err)
{
    const struct kith_codec_ops *ops = entry->plugin->ops;
    const char *name = entry->plugin->name;
    struct kith_slot *s = calloc(1, sizeof *s);
    int rc;
    if (!s) return kith_fail(err, KITH_ENOMEM, "no memory for codec %s", name);
    s->refs = 1;
    s->ops = ops;
    if (ops->flags & KITH_CODEC_KEYED) {
        s->ring = entry->has_keys ? kith_keyring_new(&entry->keys)
                  : ring          ? kith_keyring_ref(ring)
                                  : NULL;
        if (!s->ring || !kith_keyring_count(s->ring)) {
            rc = kith_fail(err, KITH_EINVAL,
                           "%s needs a key: give it `keys:`, or the node a `keyring:`", name);
            goto fail;
        }
    }
    if ((rc = kith_instance_new(&s->instance, entry, maker, s->ring, err)) < 0) goto fail;
    if ((rc = slot_form(s, KITH_PACKET, ops->packet, entry->wire, err)) < 0) goto fail;
    if ((rc = slot_form(s, KITH_STREAM, ops->stream, entry->wire, err)) < 0) goto fail;
    s->room.protocol = protocol;
    ops->room(s->instance->self, &s->room);
    s->stats.name = s->instance->plugin->name;
    if (s->ring) kith_keyring_listen(s->ring, slot_rekey, s);
    *out = s;
    return 0;

fail:
    kith_instance_free(s->instance);
    if (s->ring) kith_keyring_unref(s->ring);
    free(s);
    return rc;
}

static bool same_keys(struct kith_keyring *ring, const struct kith_secrets *keys)
{
    struct kith_key key = {.size = sizeof key};
    if (kith_keyring_count(ring) != keys->count) return false;
    for (size_t i = 0; i < keys->count; i++)
        if (kith_keyring_key(ring, i, NULL, &key) < 0 || key.len != keys->items[i].len ||
            memcmp(key.data, keys->items[i].data, key.len) != 0)
            return false;
    return true;
}

/* Would this slot have been made from that entry? */
static bool slot_fits(const struct kith_slot *s, const struct kith_entry *entry,
                      struct kith_keyring *ring, uint8_t protocol)
{
    const struct kith_entry *mine = s->instance->entry;
    if (s->instance->plugin != entry->plugin ||
        memcmp(mine->digest, entry->digest, sizeof mine->digest) != 0)
        return false;
    if (s->room.protocol != protocol || mine->wire != entry->wire ||
        mine->has_keys != entry->has_keys)
        return false;
    if (!s->ring) return true;
    return entry->has_keys ? same_keys(s->ring, &entry->keys) : s->ring == ring;
}

static struct kith_slot *find_slot(const struct kith_pipeline *p, const struct kith_entry *entry,
                                   struct kith_keyring *ring, uint8_t protocol)
{
    for (size_t i = 0; p && i < p->count; i++)
        if (slot_fits(p->slots[i], entry, ring, protocol)) return p->slots[i];
    return NULL;
}

/* ---------------------------------------------------------------------------------- building */

static int add_slot(struct kith_pipeline *p, const struct kith_entry *entry,
                    const struct kith_host_maker *maker, struct kith_keyring *ring,
                    struct kith_pipeline *old, struct kith_slot **out, struct kith_error *err)
{
    if ((*out = find_slot(p, entry, ring, p->protocol))) return 0;
    struct kith_slot **more = realloc(p->slots, (p->count + 1) * sizeof *more);
    if (!more) return kith_fail(err, KITH_ENOMEM, "no memory for codec %s", entry->plugin->name);
    p->slots = more;
    if ((*out = find_slot(old, entry, ring, p->protocol))) {
        (*out)->refs++;
    } else {
        int rc = slot_new(out, entry, maker, ring, p->protocol, err);
        if (rc < 0) return rc;
        for (size_t i = 0; old && i < old->count; i++) /* counters live on over a reload */
            if (old->slots[i]->instance->plugin == entry->plugin)
                (*out)->stats = old->slots[i]->stats;
    }
    p->slots[p->count++] = *out;
    return 0;
}

static int accept_slot(struct kith_pipeline *p, struct kith_slot *s, struct kith_error *err)
{
    for (enum kith_plane plane = KITH_PACKET; plane <= KITH_STREAM; plane++) {
        const struct kith_form *form = &s->forms[plane];
        if (form->framing == KITH_NONE) continue;
        for (unsigned b = form->first; b <= form->last; b++) {
            struct kith_slot *there = p->opens[plane][b];
            if (there && there != s)
                return kith_fail(err, KITH_EINVAL,
                                 "accept: both %s and %s open layers that begin with 0x%02X",
                                 there->instance->plugin->name, s->instance->plugin->name, b);
            p->opens[plane][b] = s;
        }
    }
    return 0;
}

static int fill(struct kith_pipeline *p, const struct kith_chain *chain,
                const struct kith_host_maker *maker, struct kith_keyring *ring,
                struct kith_pipeline *old, struct kith_error *err)
{
    struct kith_slot *s;
    int rc;
    if (chain->send.count > KITH_LAYERS_MAX)
        return kith_fail(err, KITH_EINVAL, "send: more than %d layers", KITH_LAYERS_MAX);
    for (size_t i = 0; i < chain->send.count; i++) {
        if ((rc = add_slot(p, &chain->send.items[i], maker, ring, old, &s, err)) < 0) return rc;
        if (p->sends && p->send[p->sends - 1]->forms[KITH_PACKET].tentative)
            return kith_fail(err, KITH_EINVAL,
                             "send: %s must come last: its packets are recognised only outermost",
                             p->send[p->sends - 1]->instance->plugin->name);
        p->send[p->sends++] = s;
    }
    for (size_t i = 0; i < chain->accept.count; i++) {
        if ((rc = add_slot(p, &chain->accept.items[i], maker, ring, old, &s, err)) < 0) return rc;
        if ((rc = accept_slot(p, s, err)) < 0) return rc;
    }
    for (size_t i = 0; i < p->count; i++)
        if ((rc = kith_instance_start(p->slots[i]->instance, err)) < 0) return rc;
    return 0;
}

static int make_rooms(struct kith_pipeline *p)
{
    for (enum kith_plane plane = KITH_PACKET; plane <= KITH_STREAM; plane++) {
        struct kith_room *room = &p->room[plane];
        room->head = p->label_len ? 2 + (uint32_t)p->label_len : 0;
        for (size_t i = 0; i < p->sends; i++) {
            const struct kith_slot *s = p->send[i];
            if (s->forms[plane].framing == KITH_NONE) continue;
            room->head += s->room.head + (s->forms[plane].framing == KITH_OWN ? 0
                                          : plane == KITH_PACKET              ? 1
                                                                              : KITH_STREAM_HEAD);
            room->tail += s->room.tail;
        }
    }
    /* Scratch takes a whole packet, what the chain adds, and what a codec needs to write beyond its
     * result. */
    size_t cap = p->room[KITH_PACKET].head + KITH_PACKET_MAX + p->room[KITH_PACKET].tail + 256;
    for (int i = 0; i < 2; i++) {
        if (!(p->fixed[i].base = malloc(cap))) return -KITH_ENOMEM;
        p->fixed[i].data = p->fixed[i].base;
        p->fixed[i].cap = cap;
    }
    return 0;
}

int kith_pipeline_new(struct kith_pipeline **out, const struct kith_chain *chain,
                      const struct kith_host_maker *maker, struct kith_keyring *ring,
                      struct kith_pipeline *old, struct kith_error *err)
{
    struct kith_pipeline *p = calloc(1, sizeof *p);
    int rc = -KITH_ENOMEM;
    if (!p) goto fail;
    p->refs = 1;
    p->shared = old ? old->shared : calloc(1, sizeof *p->shared);
    if (!p->shared) goto fail;
    p->shared->refs++;
    p->require = chain->require;
    p->protocol = (uint8_t)chain->protocol;
    p->skip_label = chain->skip_inbound_label_check;
    p->max_stream_size = chain->max_stream_size;
    p->max_stream_memory = chain->max_stream_memory;
    p->label_len = chain->label ? strlen(chain->label) : 0;
    if (p->label_len > KITH_LABEL_MAX) {
        rc = kith_fail(err, KITH_EINVAL, "the label is longer than %d bytes", KITH_LABEL_MAX);
        goto fail;
    }
    if (p->label_len) memcpy(kith_pipeline_label(p), chain->label, p->label_len);
    if ((rc = fill(p, chain, maker, ring, old, err)) < 0) goto fail;
    if ((rc = make_rooms(p)) < 0) goto fail;
    *out = p;
    return 0;

fail:
    if (rc == -KITH_ENOMEM) kith_fail(err, KITH_ENOMEM, "no memory for the pipeline");
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
    for (size_t i = 0; i < p->count; i++) slot_unref(p->slots[i]);
    if (p->shared && !--p->shared->refs) free(p->shared);
    free(p->fixed[0].base);
    free(p->fixed[1].base);
    free(p->slots);
    free(p);
}

/* ------------------------------------------------------------------------------------ asking */

struct kith_room kith_pipeline_room(const struct kith_pipeline *p) { return p->room[KITH_PACKET]; }

void kith_pipeline_any_label(struct kith_pipeline *p) { p->any_label = true; }

void kith_pipeline_trace(struct kith_pipeline *p,
                         void (*layer)(void *arg, const struct kith_layer *), void *arg)
{
    p->shared->trace = layer;
    p->shared->trace_arg = arg;
}

size_t kith_pipeline_stats(const struct kith_pipeline *p, size_t i, struct kith_codec_stats *out)
{
    if (out && i < p->count) *out = p->slots[i]->stats;
    return p->count;
}

uint64_t kith_pipeline_refused(const struct kith_pipeline *p, enum kith_refusal why)
{
    return p->shared->refused[why];
}

const char *kith_refusal_name(enum kith_refusal why)
{
    static const char *const names[KITH_REFUSED_COUNT] = {
        [KITH_REFUSED_EMPTY] = "empty",
        [KITH_REFUSED_LABEL] = "label",
        [KITH_REFUSED_DOUBLE_LABEL] = "double_label",
        [KITH_REFUSED_POLICY] = "policy",
        [KITH_REFUSED_AUTH] = "auth",
        [KITH_REFUSED_CHECKSUM] = "checksum",
        [KITH_REFUSED_MALFORMED] = "malformed",
        [KITH_REFUSED_TOO_BIG] = "too_big",
        [KITH_REFUSED_LAYERS] = "layers",
        [KITH_REFUSED_MEMORY] = "memory",
    };
    return (unsigned)why < KITH_REFUSED_COUNT ? names[why] : "unknown";
}
