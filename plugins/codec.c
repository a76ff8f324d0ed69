/*
 * codec.c - a codec entry in use: made with its keys and layer bytes, shared over reloads, blamed
 * when it breaks its contract. Knows nothing of chains.
 */
#include "codec.h"

#include <stdlib.h>

int kith_codec_breach(struct kith_codec *c, const char *what)
{
    const struct kith_host *host = c->instance->host;
    host->log(host, KITH_LOG_ERROR, "broke its contract: %s; the message is dropped", what);
    if (!c->breaches)
        c->breaches = host->counter(host, "contract_breaches",
                                    "Messages dropped because the codec misbehaved.");
    if (c->breaches) ++*c->breaches;
    return -KITH_EIO;
}

static void rekey(void *arg)
{
    struct kith_codec *c = arg;
    if (!c->ops->rekey) return;
    kith_instance_enter(c->instance);
    int rc = c->ops->rekey(c->instance->self);
    kith_instance_leave(c->instance);
    const struct kith_host *host = c->instance->host;
    if (rc)
        host->log(host, KITH_LOG_ERROR,
                  "could not take over the changed keys (code %d); the former ones stay", rc);
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
                       uint8_t wire, struct kith_error *err)
{
    if (form.framing == KITH_FRAMED) {
        if (wire) form.first = form.last = wire;
        if (!form.first)
            return kith_fail(
                err, KITH_EINVAL,
                "has no layer byte of its own: give it one with `wire:`, 0xC0 to 0xEF");
    } else if (form.framing == KITH_OWN && wire) {
        return kith_fail(err, KITH_EINVAL, "writes its first byte itself: `wire:` can't change it");
    }
    if (form.framing > KITH_NONE || (form.framing != KITH_NONE && !byte_allowed(&form)))
        return kith_fail(err, KITH_EINVAL, "claims first bytes that are not for layers (0x%02X)",
                         form.first);
    if (plane == KITH_STREAM && form.framing == KITH_OWN && !c->ops->extent)
        return kith_fail(err, KITH_EINVAL, "can't tell where its layer ends on streams");
    c->forms[plane] = form;
    return 0;
}

static int take_ring(struct kith_codec *c, const struct kith_entry *entry,
                     struct kith_keyring *ring, struct kith_error *err)
{
    if (!(c->ops->flags & KITH_CODEC_KEYED)) return 0;
    if (entry->has_keys)
        c->ring = kith_keyring_new(&entry->keys);
    else if (ring)
        c->ring = kith_keyring_ref(ring);
    if (c->ring && kith_keyring_count(c->ring)) return 0;
    return kith_fail(err, KITH_EINVAL, "needs a key: give it `keys:`, or the node a `keyring:`");
}

/* What there is to say about the entry, without its name and place. */
static int decide(struct kith_codec *c, const struct kith_entry *entry, struct kith_keyring *ring,
                  struct kith_error *err)
{
    const struct kith_codec_ops *ops = c->ops;
    const uint32_t guards = KITH_AUTHENTICATES | KITH_ENCRYPTS;
    c->provides = ops->provides | (ops->provides & KITH_AUTHENTICATES ? KITH_CHECKS : 0);
    c->may_pass = !(ops->provides & guards) && !(ops->flags & KITH_CODEC_KEYED);
    if (!c->may_pass && ops->flags & KITH_CODEC_PEER_CRC)
        return kith_fail(err, KITH_EINVAL, "guards messages, so no peer may be spared its layer");
    int rc = take_ring(c, entry, ring, err);
    if (!rc) rc = decide_form(c, KITH_PACKET, ops->packet, entry->wire, err);
    if (!rc) rc = decide_form(c, KITH_STREAM, ops->stream, entry->wire, err);
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
    c->stats.name = entry->plugin->name;
    if ((rc = decide(c, entry, ring, err)) < 0) {
        kith_entry_failed(entry, maker->file, rc, err);
        goto out;
    }
    if ((rc = kith_instance_new(&c->instance, entry, maker, c->ring, err)) < 0) goto out;
    c->room.protocol = protocol;
    kith_instance_enter(c->instance);
    c->ops->room(c->instance->self, &c->room);
    kith_instance_leave(c->instance);
    if (c->ring) kith_keyring_listen(c->ring, rekey, c);
    *out = c;
out:
    if (rc) kith_codec_unref(c);
    return rc;
}

void kith_codec_unref(struct kith_codec *c)
{
    if (!c || --c->refs) return;
    if (c->ring) kith_keyring_unlisten(c->ring, rekey, c);
    kith_instance_free(c->instance);
    if (c->ring) kith_keyring_unref(c->ring);
    free(c);
}

/* ----------------------------------------------------------------------------------- sharing */

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

bool kith_codec_fits(const struct kith_codec *c, const struct kith_entry *entry,
                     struct kith_keyring *ring, uint8_t protocol)
{
    const struct kith_entry *mine = c->instance->entry;
    if (c->instance->plugin != entry->plugin ||
        memcmp(mine->digest, entry->digest, sizeof mine->digest) != 0)
        return false;
    if (c->room.protocol != protocol || mine->wire != entry->wire ||
        mine->has_keys != entry->has_keys)
        return false;
    if (!c->ring) return true;
    return entry->has_keys ? same_keys(c->ring, &entry->keys) : c->ring == ring;
}
