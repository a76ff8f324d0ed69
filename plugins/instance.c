/*
 * instance.c - the life of an instance: its states, and the only place that goes from one to the
 * next.
 *
 *   BLANK ──init──▶ MADE ──start, or adopt──▶ RUNNING ──stop──▶ STOPPED ──start──▶ RUNNING
 *     │              │                          │                  │
 *     │ fails        │ fails                    │ adopted          │ fails
 *     ▼              ▼                          ▼                  ▼
 *   FAILED ◀─────────┘                       HANDED_OVER        FAILED
 *
 * From every state but BLANK the way out is fini, and then the memory is freed: fini accepts a
 * half-made instance. Who failed to start may be started again. In a replacement:
 *   adopted                the new one RUNNING, the former one HANDED_OVER
 *   adopt fails            the new one FAILED, the former one RUNNING: nothing changed
 *   ... with ECLOSED       both FAILED
 *   no adopt, starts       the new one RUNNING, the former one STOPPED
 *   no adopt, start fails  the new one FAILED; the former one started again: RUNNING, or FAILED
 *
 * After each step that ends in a state without calls to come, the host takes back what the instance
 * left behind (kith_host_maker.release), and ids of what it was asked end. Knows nothing of kinds.
 */
#include "instance.h"

#include "slow.h"
#include <assert.h>
#include <stdlib.h>

/* ------------------------------------------------------------------------------------ making */

static char *copy_text(char **at, const char *text)
{
    if (!text) return NULL;
    char *copy = *at;
    size_t len = strlen(text) + 1;
    memcpy(copy, text, len);
    *at += len;
    return copy;
}

static size_t text_bytes(const char *text) { return text ? strlen(text) + 1 : 0; }

/* The instance's own entry and parameters, independent of the config's memory. */
static int copy_entry(struct kith_instance *in, const struct kith_entry *from)
{
    const struct kith_plugin *plugin = from->plugin;
    size_t text = text_bytes(from->use) + text_bytes(from->name) + text_bytes(from->channel);
    struct kith_entry *entry = malloc(sizeof *entry + text);
    in->entry = entry;
    in->self = calloc(1, plugin->instance_size ? plugin->instance_size : 1);
    if (!entry || !in->self) return -KITH_ENOMEM;
    *entry = *from;
    memset(&entry->keys, 0, sizeof entry->keys); /* secrets stay the ring's */
    char *at = (char *)(entry + 1);
    entry->use = copy_text(&at, from->use);
    entry->name = copy_text(&at, from->name);
    entry->channel = copy_text(&at, from->channel);
    entry->params = NULL; /* they are in self now */
    entry->arena = NULL;
    if (!from->params) return 0;
    return kith_params_copy(plugin->params, from->params, in->self, &in->params);
}

static int take_ring(struct kith_instance *in, const struct kith_entry *from,
                     struct kith_keyring *node, struct kith_error *err)
{
    bool keyed = in->plugin->flags & KITH_KEYED;
    in->ring = kith_keyring_of(from, node);
    if (!in->ring && keyed && from->has_keys)
        return kith_fail(err, KITH_ENOMEM, "no memory for its keys");
    if (!keyed || (in->ring && kith_keyring_count(in->ring))) return 0;
    return kith_fail(err, KITH_EINVAL, "needs a key: give it `keys:`, or %sthe node a `keyring:`",
                     in->plugin->kind == KITH_DELEGATE ? "`allow: [keys]` and " : "");
}

bool kith_instance_same(const struct kith_instance *in, const struct kith_entry *entry,
                        struct kith_keyring *ring)
{
    const struct kith_entry *mine = in->entry;
    if (in->plugin != entry->plugin || mine->layer_byte != entry->layer_byte ||
        mine->allow != entry->allow || mine->has_keys != entry->has_keys ||
        memcmp(mine->digest, entry->digest, sizeof mine->digest) != 0)
        return false;
    if (!in->ring) return true;
    return entry->has_keys ? kith_keyring_holds(in->ring, &entry->keys)
                           : kith_keyring_same(in->ring, ring);
}

/* A simulated world has no files and sockets: what needs them would reach into the real one. */
static int fits_world(const struct kith_instance *in, struct kith_error *err)
{
    const struct kith_host *host = in->host;
    if (!(in->plugin->flags & KITH_OUTSIDE) || !host->world || !host->world(host)) return 0;
    return kith_fail(err, KITH_EUNSUPPORTED,
                     "works with files, sockets or programs of its own: not in a simulation");
}

/* -------------------------------------------------------------------------------------- steps */

static void enter(struct kith_instance *in, const char *doing)
{
    in->note.doing = doing;
    kith_instance_enter(in);
}

static void leave(struct kith_instance *in)
{
    kith_instance_leave(in);
    in->note.doing = "called";
}

/* why: for those who wait for an answer, after the entry's name. */
static void release(struct kith_instance *in, const char *after, const char *why)
{
    char text[200];
    if (in->maker.release) in->maker.release(in->maker.ctx, in->host, after);
    if (!in->maker.asks) return;
    snprintf(text, sizeof text, "%.120s %s", kith_instance_name(in), why);
    kith_asks_close_owner(in->maker.asks, in->host, text);
}

static void move_asks(const struct kith_instance *from, const struct kith_instance *to)
{
    if (to->maker.asks) kith_asks_move(to->maker.asks, from->host, to->host);
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

static int start(struct kith_instance *in, struct kith_error *err)
{
    bool again = in->state != KITH_INSTANCE_MADE;
    if (again && in->maker.revive) in->maker.revive(in->maker.ctx, in->host);
    kith_error_clear(err);
    enter(in, "started");
    int rc = in->plugin->start ? in->plugin->start(in->self, err) : 0;
    leave(in);
    in->state = rc ? KITH_INSTANCE_FAILED : KITH_INSTANCE_RUNNING;
    if (!rc) return 0;
    release(in, "a start that failed", "did not start");
    return kith_instance_failed(in, rc, "start", err);
}

static void stop(struct kith_instance *in, const char *why)
{
    if (in->plugin->stop) {
        enter(in, "stopped");
        in->plugin->stop(in->self);
        leave(in);
    }
    in->state = KITH_INSTANCE_STOPPED;
    release(in, "stop", why);
}

/* Both are inside a call: the new one is called and reaches into the former one. It may answer
 * what the former one was asked. */
static int adopt(struct kith_instance *in, struct kith_instance *former, struct kith_error *err)
{
    kith_error_clear(err);
    move_asks(former, in);
    enter(in, "started");
    kith_instance_enter(former);
    int rc = in->plugin->adopt(in->self, former->self, err);
    kith_instance_leave(former);
    leave(in);
    if (rc == 0) {
        in->state = KITH_INSTANCE_RUNNING;
        former->state = KITH_INSTANCE_HANDED_OVER;
        release(former, "adopt", "was taken over");
        return 0;
    }
    in->state = KITH_INSTANCE_FAILED;
    if (rc == -KITH_ECLOSED) {
        former->state = KITH_INSTANCE_FAILED;
        release(former, "adopt", "was lost in a reload");
    } else {
        move_asks(in, former);
    }
    release(in, "adopt", "was lost in a reload");
    return kith_instance_failed(in, rc, "take over from its former self", err);
}

/* Two can't have one socket: the former one makes room first, and comes back if that was in vain.
 */
static int swap(struct kith_instance *in, struct kith_instance *former, struct kith_error *err)
{
    struct kith_error again = {.size = sizeof again};
    stop(former, "was restarted by a reload; ask again");
    int rc = start(in, err);
    if (rc == 0 || start(former, &again) == 0 || !err) return rc;
    char why[sizeof err->text];
    snprintf(why, sizeof why, "%s", err->text);
    snprintf(err->text, sizeof err->text, "%.240s; and the former one can't go on: %.200s", why,
             again.text);
    return rc;
}

/* ------------------------------------------------------------------------------------- life */

static void see_slow(struct kith_instance *in, const char *call, struct kith_slow timed)
{
    uint64_t took = kith_slow_end(timed);
    if (took) kith_instance_slow(in, call, took);
}

static int refresh(struct kith_instance *in, uint32_t what, struct kith_error *err)
{
    struct kith_slow timed = kith_slow_begin();
    kith_instance_enter(in);
    int rc = in->plugin->refresh(in->self, what, err);
    kith_instance_leave(in);
    see_slow(in, "refresh", timed);
    return rc;
}

static int keys_changed(void *arg, struct kith_error *err)
{
    struct kith_instance *in = arg;
    bool fit = in->state == KITH_INSTANCE_MADE || in->state == KITH_INSTANCE_RUNNING ||
               in->state == KITH_INSTANCE_STOPPED;
    if (!fit || !in->plugin->refresh) return 0;
    kith_error_clear(err);
    int rc = refresh(in, KITH_REFRESH_KEYS, err);
    if (rc == 0) return 0;
    kith_keyring_hold(in->ring); /* it may point to their bytes */
    rc = kith_instance_failed(in, rc, "take over the changed keys", err);
    in->host->log(in->host, KITH_LOG_ERROR, "%s; the former ones stay", err->text);
    return rc;
}

static void list(struct kith_instance *in)
{
    if (!in->maker.all) return;
    in->link = in->maker.all;
    in->next = *in->link;
    if (in->next) in->next->link = &in->next;
    *in->link = in;
}

static void unlist(struct kith_instance *in)
{
    if (!in->link) return;
    *in->link = in->next;
    if (in->next) in->next->link = in->link;
}

struct kith_instance *kith_instance_of(struct kith_instance *all, const struct kith_host *host)
{
    while (all && all->host != host) all = all->next;
    return all;
}

int kith_instance_new(struct kith_instance **out, const struct kith_entry *entry,
                      const struct kith_host_maker *maker, struct kith_keyring *ring,
                      struct kith_error *err)
{
    struct kith_instance *in = calloc(1, sizeof *in);
    int rc = -KITH_ENOMEM;
    kith_error_clear(err);
    if (!in) goto out;
    in->plugin = entry->plugin;
    in->maker = *maker;
    in->all = maker->depth ? maker->depth : &in->alone;
    in->note = kith_crash_note_of(in->plugin, "called");
    if ((rc = copy_entry(in, entry)) < 0) goto out;
    if ((rc = take_ring(in, entry, ring, err)) < 0) goto out;
    rc = -KITH_ENOMEM;
    if (!(in->host = maker->make(maker->ctx, in->entry, in->ring))) goto out;
    if ((rc = fits_world(in, err)) < 0) goto out;
    if ((rc = init(in, err)) < 0) {
        kith_instance_free(in);
        return rc;
    }
    if (in->ring) kith_keyring_listen(in->ring, keys_changed, in);
    list(in);
    *out = in;
    return 0;
out:
    kith_instance_free(in);
    if (err && !*err->text) kith_fail(err, KITH_ENOMEM, "no memory for an instance");
    return kith_entry_failed(entry, maker->file, rc, err);
}

int kith_instance_start(struct kith_instance *in, struct kith_instance *former,
                        struct kith_error *err)
{
    if (kith_instance_runs(in)) return 0;
    assert(in->state != KITH_INSTANCE_BLANK && in->state != KITH_INSTANCE_HANDED_OVER);
    if (!former || !kith_instance_runs(former)) return start(in, err);
    return kith_instance_adopts(in, former) ? adopt(in, former, err) : swap(in, former, err);
}

int kith_instance_refresh(struct kith_instance *in, uint32_t what, const struct kith_failures *told)
{
    struct kith_error err = {.size = sizeof err};
    if (!kith_instance_runs(in) || !in->plugin->refresh) return 0;
    int rc = refresh(in, what, &err);
    if (rc == 0) return 0;
    rc = kith_instance_failed(in, rc, "refresh", &err);
    in->host->log(in->host, KITH_LOG_ERROR, "%s; it goes on with what it had", err.text);
    if (told) told->tell(told->arg, kith_instance_name(in), true, &err);
    return rc;
}

void kith_instance_free(struct kith_instance *in)
{
    if (!in) return;
    if (kith_instance_runs(in)) stop(in, "stopped before it answered");
    unlist(in);
    if (in->ring) kith_keyring_unlisten(in->ring, keys_changed, in);
    if (in->state != KITH_INSTANCE_BLANK && in->plugin->fini) {
        enter(in, "stopped");
        in->plugin->fini(in->self);
        leave(in);
    }
    if (in->host) in->maker.free(in->maker.ctx, in->host);
    if (in->ring) kith_keyring_unref(in->ring);
    kith_params_free(in->params);
    free(in->self);
    free((void *)in->entry);
    free(in);
}

/* ---------------------------------------------------------------------------------- commands */

uint64_t kith_instance_call(struct kith_instance *in, struct kith_asks *asks,
                            const struct kith_bytes *words, size_t count, uint32_t flags,
                            uint64_t deadline, const struct kith_asker *asker)
{
    struct kith_error err = {.size = sizeof err};
    if (!kith_instance_runs(in) || !in->plugin->command) {
        asker->end(asker->arg, -KITH_EUNSUPPORTED, "it takes no commands");
        return 0;
    }
    uint64_t id = kith_asks_open(asks, in->host, asker, deadline);
    if (!id) {
        asker->end(asker->arg, -KITH_ENOMEM, "too much is being asked already");
        return 0;
    }
    struct kith_call call = {.size = sizeof call,
                             .flags = flags,
                             .id = id,
                             .deadline = deadline,
                             .words = words,
                             .count = count};
    struct kith_slow timed = kith_slow_begin();
    kith_instance_enter(in);
    int rc = in->plugin->command(in->self, &call, &err);
    kith_instance_leave(in);
    see_slow(in, "command", timed);
    /* It may have finished already: who asked has heard the end, and must not be given the id. */
    if (rc == KITH_LATER) return kith_asks_waits(asks, in->host, id) ? id : 0;
    if (rc > 0) kith_instance_blame(in, "command() returned %d", rc);
    err.text[sizeof err.text - 1] = 0;
    kith_asks_finish(asks, in->host, id, kith_code_of(rc), rc && *err.text ? err.text : NULL);
    return 0;
}
