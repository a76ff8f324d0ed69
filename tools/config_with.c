/*
 * config_with.c - `kith config check A --with B`: can nodes with these two files talk, in both
 * directions?
 *
 * Follows one message from the sender's `send` list through the receiver's label check, accept
 * table, keys and `require`, and names the layer where it would be refused. Knows nothing of
 * running nodes.
 */
#include "config_with.h"
#include "config.h"
#include "fail.h"
#include "param.h"
#include <sodium.h>
#include <stdlib.h>

static const struct kith_codec_ops *ops_of(const struct kith_entry *e) { return e->plugin->ops; }

/* The byte that names an entry's layer on packets: the entry's own, or the codec's. */
static uint8_t layer_byte(const struct kith_entry *e)
{
    return e->layer_byte ? e->layer_byte : ops_of(e)->packet.first;
}

static const struct kith_secrets *ring_of(const struct kith_config *c, const struct kith_entry *e)
{
    return e->has_keys ? &e->keys : &c->keyring;
}

static bool holds(const struct kith_secrets *ring, const struct kith_secret *key)
{
    for (size_t i = 0; i < ring->count; i++)
        if (ring->items[i].len == key->len &&
            sodium_memcmp(ring->items[i].data, key->data, key->len) == 0)
            return true;
    return false;
}

static const struct kith_entry *accepted(const struct kith_config *c,
                                         const struct kith_entry *layer)
{
    for (size_t i = 0; i < c->chain.accept.count; i++)
        if (!strcmp(c->chain.accept.items[i].plugin->name, layer->plugin->name) &&
            layer_byte(&c->chain.accept.items[i]) == layer_byte(layer))
            return &c->chain.accept.items[i];
    return NULL;
}

static bool label_refused(const struct kith_config *from, const struct kith_config *to, char *why,
                          size_t cap)
{
    const char *theirs = from->settings.label ? from->settings.label : "",
               *ours = to->settings.label ? to->settings.label : "";
    if (!strcmp(theirs, ours) && !(to->settings.skip_inbound_label_check && *theirs)) return false;
    if (to->settings.skip_inbound_label_check && !*theirs) return false;
    if (to->settings.skip_inbound_label_check)
        snprintf(why, cap,
                 "label: %s has skip_inbound_label_check and takes messages without a label only",
                 to->path);
    else
        snprintf(why, cap, "label: it sends '%s', '%s' is asked for", theirs, ours);
    return true;
}

static bool layer_refused(const struct kith_config *from, const struct kith_config *to,
                          const struct kith_entry *layer, char *why, size_t cap)
{
    const struct kith_entry *match = accepted(to, layer);
    if (!match) {
        snprintf(why, cap, "layer '%s' (0x%02X) is not in the accept list", layer->plugin->name,
                 layer_byte(layer));
        return true;
    }
    if (!(layer->plugin->flags & KITH_KEYED)) return false;
    const struct kith_secrets *sealing = ring_of(from, layer);
    if (sealing->count && holds(ring_of(to, match), &sealing->items[0])) return false;
    snprintf(why, cap, "layer '%s': the key that seals is not in the other's ring",
             layer->plugin->name);
    return true;
}

static bool policy_refused(const struct kith_config *from, const struct kith_config *to, char *why,
                           size_t cap)
{
    uint32_t peeled = 0;
    for (size_t i = 0; i < from->chain.send.count; i++)
        peeled |= ops_of(&from->chain.send.items[i])->provides;
    for (unsigned i = 0; kith_requirements[i]; i++)
        if (to->chain.require & ~peeled & 1u << i) {
            snprintf(why, cap, "require: '%s' is asked for, and no layer that is sent gives it",
                     kith_requirements[i]);
            return true;
        }
    return false;
}

/* memberlist's check at every push/pull (PROTOCOL.md 2.13). */
static bool version_refused(const struct kith_config *from, const struct kith_config *to, char *why,
                            size_t cap)
{
    const struct kith_settings *a = &from->settings, *b = &to->settings;
    uint32_t v = a->delegate_protocol_version;
    if (v >= b->delegate_protocol_min && v <= b->delegate_protocol_max) return false;
    snprintf(why, cap, "delegate_protocol: version %u is outside of %u to %u", v,
             b->delegate_protocol_min, b->delegate_protocol_max);
    return true;
}

static bool refused(const struct kith_config *from, const struct kith_config *to, char *why,
                    size_t cap)
{
    if (label_refused(from, to, why, cap)) return true;
    for (size_t i = from->chain.send.count; i-- > 0;) /* the receiver meets the last layer first */
        if (layer_refused(from, to, &from->chain.send.items[i], why, cap)) return true;
    return policy_refused(from, to, why, cap) || version_refused(from, to, why, cap);
}

/* What differs between the settings of a layer here and there: "by: 13 / 14", "" when nothing does.
 * Secrets are not shown. */
static void differences(const struct kith_entry *a, const struct kith_entry *b, FILE *out)
{
    const char *comma = "";
    for (const struct kith_param *p = a->plugin->params; p && p->name; p++) {
        char *ours = kith_param_text(p, (const char *)a->params + p->offset);
        char *theirs = kith_param_text(p, (const char *)b->params + p->offset);
        if (strcmp(ours, theirs) != 0) {
            bool secret = p->flags & KITH_PARAM_SECRET;
            fprintf(out, "%s%s: %s / %s", comma, p->name, secret ? "***" : ours,
                    secret ? "***" : theirs);
            comma = ", ";
        }
        if (p->flags & KITH_PARAM_SECRET) {
            sodium_memzero(ours, strlen(ours));
            sodium_memzero(theirs, strlen(theirs));
        }
        free(ours);
        free(theirs);
    }
}

/* Both ends have the layer, with other settings: a level does not matter, a dictionary does, and
 * only the codec knows which is which. */
static void note_settings(const struct kith_config *from, const struct kith_config *to)
{
    for (size_t i = 0; i < from->chain.send.count; i++) {
        const struct kith_entry *layer = &from->chain.send.items[i], *match = accepted(to, layer);
        char *text = NULL;
        size_t len = 0;
        FILE *f = match && match->params && layer->params && match->plugin == layer->plugin
                      ? open_memstream(&text, &len)
                      : NULL;
        if (!f) continue;
        differences(layer, match, f);
        fclose(f);
        if (text && len)
            printf("  note: %s: settings differ (%s); Kith can't tell whether that matters\n",
                   layer->plugin->name, text);
        free(text);
    }
}

static bool one_way(const struct kith_config *from, const struct kith_config *to)
{
    char why[200];
    bool no = refused(from, to, why, sizeof why);
    printf("%s -> %s: %s%s\n", from->path, to->path, no ? "no: " : "yes", no ? why : "");
    if (!no) note_settings(from, to);
    return !no;
}

/* HashiCorp's memberlist reads its own three layers, in its own order; any number of them may be
 * missing. */
static void hashicorp(const struct kith_config *c)
{
    static const char *const theirs[] = {"lzw", "crc32", "aes_gcm"};
    size_t next = 0;
    for (size_t i = 0; i < c->chain.send.count; i++) {
        const char *name = c->chain.send.items[i].plugin->name;
        while (next < 3 && strcmp(theirs[next], name)) next++;
        if (next++ < 3) continue;
        printf("%s: a HashiCorp memberlist node does not understand what it sends: layer '%s'\n",
               c->path, name);
        return;
    }
    printf("%s: a HashiCorp memberlist node understands what it sends\n", c->path);
}

int kith_config_with(const struct kith_config *a, const struct kith_config *b)
{
    bool there = one_way(a, b), back = one_way(b, a);
    hashicorp(a);
    hashicorp(b);
    return there && back ? KITH_EXIT_OK : KITH_EXIT_FAILED;
}
