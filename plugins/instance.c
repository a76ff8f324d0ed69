/*
 * instance.c - one use of a plugin: from an entry of the file to a running instance and back.
 *
 * An instance owns copies of everything it was made from: it may outlive the config it came from,
 * because a reload keeps the instances whose entries did not change. Knows nothing of kinds.
 */
#include "plugins.h"

#include "crash_note.h"
#include <stdlib.h>

/* Strings of an instance: one block, filled from the front. */
struct pool {
    char *at;
};

static const char *pool_text(struct pool *pool, const char *text)
{
    if (!text) return NULL;
    char *copy = pool->at;
    size_t len = strlen(text) + 1;
    memcpy(copy, text, len);
    pool->at += len;
    return copy;
}

static bool is_text(const struct kith_param *p)
{
    return p->type == KITH_PARAM_STRING || p->type == KITH_PARAM_PATH;
}
static void *value_of(const void *params, const struct kith_param *p)
{
    return (char *)params + p->offset;
}

static size_t text_bytes(const char *text) { return text ? strlen(text) + 1 : 0; }

/* Bytes of all pointers and strings that the parameters hold; pointers come first in the block. */
static size_t measure(const struct kith_entry *entry, size_t *pointers)
{
    size_t text = text_bytes(entry->use) + text_bytes(entry->channel);
    *pointers = 0;
    for (const struct kith_param *p = entry->plugin->params; p && p->name; p++) {
        if (is_text(p)) text += text_bytes(*(const char **)value_of(entry->params, p));
        if (p->type != KITH_PARAM_STRINGS) continue;
        const struct kith_strings *list = value_of(entry->params, p);
        *pointers += list->count * sizeof(char *);
        for (size_t i = 0; i < list->count; i++) text += text_bytes(list->items[i]);
    }
    return *pointers + text;
}

/* The instance's own entry and parameters, independent of the config's memory. */
static int copy_entry(struct kith_instance *in, const struct kith_entry *from)
{
    const struct kith_plugin *plugin = from->plugin;
    size_t pointers, bytes = measure(from, &pointers);
    struct kith_entry *entry = malloc(sizeof *entry + bytes);
    void *self = calloc(1, plugin->instance_size ? plugin->instance_size : 1);
    if (!entry || !self) {
        free(entry);
        free(self);
        return -KITH_ENOMEM;
    }
    *entry = *from;
    memset(&entry->keys, 0, sizeof entry->keys); /* secrets stay the ring's */
    if (from->params) memcpy(self, from->params, plugin->instance_size);
    const char **items = (const char **)(entry + 1);
    struct pool pool = {(char *)items + pointers};
    entry->use = pool_text(&pool, from->use);
    entry->channel = pool_text(&pool, from->channel);
    entry->params = NULL; /* they are in self now */
    for (const struct kith_param *p = from->params ? plugin->params : NULL; p && p->name; p++) {
        if (is_text(p)) {
            const char **text = value_of(self, p);
            *text = pool_text(&pool, *text);
        } else if (p->type == KITH_PARAM_STRINGS) {
            struct kith_strings *list = value_of(self, p);
            for (size_t i = 0; i < list->count; i++) items[i] = pool_text(&pool, list->items[i]);
            list->items = items;
            items += list->count;
        }
    }
    in->entry = entry;
    in->self = self;
    return 0;
}

/* Say which plugin it was, and say something when the plugin did not. */
static int blame(const struct kith_instance *in, int rc, const char *did, struct kith_error *err)
{
    if (!err) return rc;
    char text[sizeof err->text];
    memcpy(text, err->text, sizeof text);
    text[sizeof text - 1] = 0;
    if (!*text) snprintf(text, sizeof text, "failed to %s (code %d)", did, rc);
    size_t keep = sizeof err->text - strlen(in->plugin->name) - 3;
    snprintf(err->text, sizeof err->text, "%s: %.*s", in->plugin->name, (int)keep, text);
    err->code = rc;
    return rc;
}

static void clear(struct kith_error *err)
{
    if (err) err->text[0] = 0;
}

/* A plugin may return what it likes; callers want a negative code. */
static int result(int rc) { return rc > 0 ? -KITH_EINVAL : rc; }

int kith_instance_new(struct kith_instance **out, const struct kith_entry *entry,
                      const struct kith_host_maker *maker, struct kith_keyring *ring,
                      struct kith_error *err)
{
    struct kith_instance *in = calloc(1, sizeof *in);
    if (!in || copy_entry(in, entry) != 0) {
        free(in);
        return kith_fail(err, KITH_ENOMEM, "no memory for an instance of `%s`",
                         entry->plugin->name);
    }
    in->refs = 1;
    in->plugin = entry->plugin;
    in->maker = *maker;
    in->ring = ring ? kith_keyring_ref(ring) : NULL;
    in->host = maker->make(maker->ctx, in->entry, ring);
    int rc = 0;
    clear(err);
    if (!in->host) {
        rc = kith_fail(err, KITH_ENOMEM, "no memory for the host of `%s`", in->plugin->name);
    } else {
        in->made = true;
        kith_crash_note_plugin(in->plugin, "initialised");
        if (in->plugin->init) rc = result(in->plugin->init(in->self, in->host, err));
        kith_crash_note_end();
        if (rc) blame(in, rc, "initialise", err);
    }
    if (rc)
        kith_instance_free(in);
    else
        *out = in;
    return rc;
}

int kith_instance_adopt(struct kith_instance *in, struct kith_instance *old, struct kith_error *err)
{
    if (!in->plugin->adopt || in->plugin != old->plugin) return 0;
    clear(err);
    kith_crash_note_plugin(in->plugin, "started");
    int rc = result(in->plugin->adopt(in->self, old->self, err));
    kith_crash_note_end();
    return rc ? blame(in, rc, "take over from its former self", err) : 0;
}

int kith_instance_start(struct kith_instance *in, struct kith_error *err)
{
    if (in->started) return 0;
    clear(err);
    kith_crash_note_plugin(in->plugin, "started");
    int rc = in->plugin->start ? result(in->plugin->start(in->self, err)) : 0;
    kith_crash_note_end();
    if (rc) return blame(in, rc, "start", err);
    in->started = true;
    return 0;
}

struct kith_instance *kith_instance_ref(struct kith_instance *in)
{
    in->refs++;
    return in;
}

void kith_instance_free(struct kith_instance *in)
{
    if (!in || --in->refs) return;
    kith_crash_note_plugin(in->plugin, "stopped");
    if (in->started && in->plugin->stop) in->plugin->stop(in->self);
    in->started = false;
    if (in->made && in->plugin->fini) in->plugin->fini(in->self);
    kith_crash_note_end();
    if (in->host) in->maker.free(in->maker.ctx, in->host);
    if (in->ring) kith_keyring_unref(in->ring);
    free(in->self);
    free((void *)in->entry);
    free(in);
}
