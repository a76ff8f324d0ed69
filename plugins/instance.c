/*
 * instance.c - the life of an instance: its states, and the only place that goes from one to the
 * next.
 *
 *   BLANK ──init──▶ MADE ──[adopt,] start──▶ RUNNING ──────────stop──────────▶ STOPPED
 *     │              │                          │                                 ▲
 *     │ fails        │ adopt or start fails     └─ adopted ─▶ HANDED_OVER ──stop──┘
 *     ▼              │
 *   FAILED ◀─────────┘
 *
 * From every state but BLANK the way out is fini, and then the memory is freed: fini accepts a
 * half-made instance. Who failed to start may be started again. In a replacement:
 *   adopt fails               the new one is FAILED, the former one RUNNING: nothing changed
 *   start fails after adopt   the new one is FAILED, the former one HANDED_OVER: it is not whole
 *   no adopt, start fails     the new one is FAILED, the former one RUNNING
 *   success                   the former one runs or was handed over, until its owner frees it
 * Who was handed over in a reload that failed later is in force again, with what it has left.
 *
 * After stop, and after an adopt or start that failed, the host may take back what the instance
 * left behind (kith_host_maker.release). Knows nothing of kinds.
 */
#include "instance.h"

#include "crash_note.h"
#include <assert.h>
#include <stdlib.h>

enum { PLACE_MAX = 256, FILE_SHOWN = 200 }; /* a longer name is cut */

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

/* ------------------------------------------------------------------------------------ errors */

int kith_entry_failed(const struct kith_entry *entry, const char *file, int rc,
                      struct kith_error *err)
{
    if (!err) return rc;
    char place[PLACE_MAX] = "", said[sizeof err->text];
    if (file && entry->pos.line)
        snprintf(place, sizeof place, "%.*s:%u:%u: error: ", FILE_SHOWN, file, entry->pos.line,
                 entry->pos.col);
    snprintf(said, sizeof said, "%s", err->text);
    size_t used = strlen(place) + strlen(entry->plugin->name) + strlen(": ");
    snprintf(err->text, sizeof err->text, "%s%s: %.*s", place, entry->plugin->name,
             (int)(sizeof err->text - used - 1), said);
    err->code = rc;
    return rc;
}

/* A plugin may return what it likes; callers want a negative code. */
int kith_instance_failed(const struct kith_instance *in, int rc, const char *what,
                         struct kith_error *err)
{
    bool code = rc < 0 && rc > -KITH_ECODE_MAX;
    if (err) {
        err->text[sizeof err->text - 1] = 0;
        if (!*err->text)
            snprintf(err->text, sizeof err->text, "failed to %s (%s %d)", what,
                     code ? "code" : "with the unknown code", rc);
    }
    return kith_entry_failed(in->entry, in->maker.file, code ? rc : -KITH_EINVAL, err);
}

/* -------------------------------------------------------------------------------------- life */

static void enter(struct kith_instance *in, const char *doing)
{
    kith_crash_note_plugin(in->plugin, doing);
    kith_instance_enter(in);
}

static void leave(struct kith_instance *in)
{
    kith_instance_leave(in);
    kith_crash_note_end();
}

static int init(struct kith_instance *in, struct kith_error *err)
{
    kith_error_clear(err);
    enter(in, "initialised");
    int rc = in->plugin->init ? in->plugin->init(in->self, in->host, err) : 0;
    leave(in);
    in->state = rc ? KITH_INSTANCE_FAILED : KITH_INSTANCE_MADE;
    return rc ? kith_instance_failed(in, rc, "initialise", err) : 0;
}

/* Both are inside a call: the new one is called and reaches into the former one. */
static int adopt(struct kith_instance *in, struct kith_instance *former, struct kith_error *err)
{
    if (!former || former->plugin != in->plugin || !in->plugin->adopt) return 0;
    kith_error_clear(err);
    enter(in, "started");
    kith_instance_enter(former);
    int rc = in->plugin->adopt(in->self, former->self, err);
    kith_instance_leave(former);
    leave(in);
    if (rc) return kith_instance_failed(in, rc, "take over from its former self", err);
    former->state = KITH_INSTANCE_HANDED_OVER;
    return 0;
}

static int start(struct kith_instance *in, struct kith_error *err)
{
    kith_error_clear(err);
    enter(in, "started");
    int rc = in->plugin->start ? in->plugin->start(in->self, err) : 0;
    leave(in);
    return rc ? kith_instance_failed(in, rc, "start", err) : 0;
}

static void release(struct kith_instance *in)
{
    if (in->maker.release) in->maker.release(in->maker.ctx, in->host);
}

static void stop(struct kith_instance *in)
{
    if (in->plugin->stop) {
        enter(in, "stopped");
        in->plugin->stop(in->self);
        leave(in);
    }
    in->state = KITH_INSTANCE_STOPPED;
    release(in);
}

int kith_instance_new(struct kith_instance **out, const struct kith_entry *entry,
                      const struct kith_host_maker *maker, struct kith_keyring *ring,
                      struct kith_error *err)
{
    struct kith_instance *in = calloc(1, sizeof *in);
    if (!in || copy_entry(in, entry) != 0) {
        free(in);
        kith_fail(err, KITH_ENOMEM, "no memory for an instance");
        return kith_entry_failed(entry, maker->file, -KITH_ENOMEM, err);
    }
    in->plugin = entry->plugin;
    in->maker = *maker;
    in->ring = ring ? kith_keyring_ref(ring) : NULL;
    kith_error_clear(err);
    in->host = maker->make(maker->ctx, in->entry, ring);
    int rc = in->host ? init(in, err) : kith_instance_failed(in, -KITH_ENOMEM, "get a host", err);
    if (rc)
        kith_instance_free(in);
    else
        *out = in;
    return rc;
}

int kith_instance_start(struct kith_instance *in, struct kith_instance *former,
                        struct kith_error *err)
{
    if (kith_instance_runs(in) || in->state == KITH_INSTANCE_HANDED_OVER) return 0;
    assert(in->state == KITH_INSTANCE_MADE || in->state == KITH_INSTANCE_FAILED);
    int rc = adopt(in, former, err);
    if (!rc) rc = start(in, err);
    in->state = rc ? KITH_INSTANCE_FAILED : KITH_INSTANCE_RUNNING;
    if (rc) release(in);
    return rc;
}

int kith_instance_command(struct kith_instance *in, const char *const *words,
                          const struct kith_sink *sink, struct kith_error *err)
{
    kith_error_clear(err);
    if (!in->plugin->command) return kith_fail(err, KITH_EUNSUPPORTED, "takes no commands");
    kith_instance_enter(in);
    int rc = in->plugin->command(in->self, words, sink, err);
    kith_instance_leave(in);
    return rc;
}

void kith_instance_free(struct kith_instance *in)
{
    if (!in) return;
    if (kith_instance_runs(in) || in->state == KITH_INSTANCE_HANDED_OVER) stop(in);
    if (in->state != KITH_INSTANCE_BLANK && in->plugin->fini) {
        enter(in, "stopped");
        in->plugin->fini(in->self);
        leave(in);
    }
    if (in->host) in->maker.free(in->maker.ctx, in->host);
    if (in->ring) kith_keyring_unref(in->ring);
    free(in->self);
    free((void *)in->entry);
    free(in);
}
