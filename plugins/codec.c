/*
 * codec.c - a codec entry in use: made with its layer bytes, shared over reloads, named when it is
 * slow. Knows nothing of chains.
 */
#include "codec.h"

#include <stdlib.h>

enum { SLOW_MS = 50, ROOM_MAX = 4096 };

/* A message may take 50 ms, and a long one 50 ms for each MiB more: what a busy machine takes from
 * everybody is no fault of a codec. */
void kith_codec_timed(struct kith_codec *c, const char *call, uint64_t ns, size_t len)
{
    if (ns / 1000000 >= SLOW_MS * (1 + ((uint64_t)len >> 20)))
        kith_instance_slow(c->instance, call, ns);
}

/* ---------------------------------------------------------------------------------- building */

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

static int decide_form(struct kith_codec *c, enum kith_plane plane, struct kith_form form,
                       uint8_t layer_byte, struct kith_error *err)
{
    if (form.framing == KITH_FRAMED) {
        if (layer_byte) form.first = form.last = layer_byte;
        if (!form.first)
            return kith_fail(
                err, KITH_EINVAL,
                "has no layer byte of its own: give it one with `layer_byte:`, 0xC0 to 0xEF");
    } else if (form.framing == KITH_OWN && layer_byte) {
        return kith_fail(err, KITH_EINVAL,
                         "writes its first byte itself: `layer_byte:` can't change it");
    }
    if (form.framing > KITH_NONE || (form.framing != KITH_NONE && !byte_allowed(&form)))
        return kith_fail(err, KITH_EINVAL, "claims first bytes that are not for layers (0x%02X)",
                         form.first);
    if (plane == KITH_STREAM && form.framing == KITH_OWN && !c->ops->extent)
        return kith_fail(err, KITH_EINVAL, "can't tell where its layer ends on streams");
    c->forms[plane] = form;
    return 0;
}

/* What there is to say about the entry, without its name and place. */
static int decide(struct kith_codec *c, const struct kith_entry *entry, struct kith_error *err)
{
    const struct kith_codec_ops *ops = c->ops;
    const uint32_t guards = KITH_AUTHENTICATES | KITH_ENCRYPTS;
    c->provides = ops->provides | (ops->provides & KITH_AUTHENTICATES ? KITH_CHECKS : 0);
    c->may_pass = !(ops->provides & guards) && !(entry->plugin->flags & KITH_KEYED);
    int rc = decide_form(c, KITH_PACKET, ops->packet, entry->layer_byte, err);
    if (!rc) rc = decide_form(c, KITH_STREAM, ops->stream, entry->layer_byte, err);
    return rc;
}

int kith_codec_new(struct kith_codec **out, const struct kith_entry *entry,
                   const struct kith_host_maker *maker, struct kith_keyring *ring, uint8_t protocol,
                   struct kith_error *err)
{
    struct kith_codec *c = calloc(1, sizeof *c);
    int rc;
    if (!c) {
        rc = kith_fail(err, KITH_ENOMEM, "no memory");
        return kith_entry_failed(entry, maker->file, rc, err);
    }
    c->refs = 1;
    c->ops = entry->plugin->ops;
    if ((rc = decide(c, entry, err)) < 0) {
        kith_entry_failed(entry, maker->file, rc, err);
        goto out;
    }
    if ((rc = kith_instance_new(&c->instance, entry, maker, ring, err)) < 0) goto out;
    c->stats.name = kith_instance_name(c->instance);
    c->room.protocol = protocol;
    kith_instance_enter(c->instance);
    c->ops->room(c->instance->self, &c->room);
    kith_instance_leave(c->instance);
    if (c->room.head > ROOM_MAX || c->room.tail > ROOM_MAX) {
        rc = kith_fail(err, KITH_EINVAL, "room(): %u and %u bytes around a message are too many",
                       c->room.head, c->room.tail);
        kith_entry_failed(entry, maker->file, rc, err);
        goto out;
    }
    *out = c;
out:
    if (rc) kith_codec_unref(c);
    return rc;
}

void kith_codec_unref(struct kith_codec *c)
{
    if (!c || --c->refs) return;
    kith_instance_free(c->instance);
    free(c);
}

bool kith_codec_fits(const struct kith_codec *c, const struct kith_entry *entry,
                     struct kith_keyring *ring, uint8_t protocol)
{
    return c->room.protocol == protocol && kith_instance_same(c->instance, entry, ring);
}
