/*
 * instance.h - one use of a plugin: what an entry of the file becomes.
 *
 * The order of a plugin's life is decided in instance.c and nowhere else: nobody but it calls init,
 * adopt, start, stop or fini. Knows nothing of kinds: what a transport, codec or delegate can do
 * is called by those who use it, between kith_instance_enter() and kith_instance_leave().
 */
#ifndef KITH_INSTANCE_H
#define KITH_INSTANCE_H

#include "keyring.h"

/* Makes what an instance gets from its host: the runtime's real services, or a test's. */
struct kith_host_maker {
    void *ctx;
    /* The file that the entries are from: errors name it. NULL: they name no place. It must live as
     * long as the instances. */
    const char *file;
    /* entry lives as long as the host; ring: NULL for those without keys. */
    struct kith_host *(*make)(void *ctx, const struct kith_entry *, struct kith_keyring *ring);
    void (*free)(void *ctx, struct kith_host *);
    /* Randomness for what belongs to no single instance. Needed by kith_delegates_new() only. */
    void (*random)(void *ctx, void *out, size_t len);
    /* The instance stopped, or could not start: end the watches, timers and posts that it left
     * behind, and blame it by name. NULL: nothing is looked for. */
    void (*release)(void *ctx, struct kith_host *);
};

/* Where an instance is in its life; the steps from one to the next are in instance.c. */
enum kith_instance_state {
    KITH_INSTANCE_BLANK,       /* its parameters are filled in, no code of it has run */
    KITH_INSTANCE_MADE,        /* init succeeded */
    KITH_INSTANCE_RUNNING,     /* start succeeded */
    KITH_INSTANCE_HANDED_OVER, /* another one has adopted what it had */
    KITH_INSTANCE_STOPPED,
    KITH_INSTANCE_FAILED /* by init, adopt or start */
};

/* An instance owns copies of all it was made from, and so may outlive the config: a reload keeps
 * those whose entry did not change. */
struct kith_instance {
    const struct kith_plugin *plugin;
    const struct kith_entry *entry; /* its own copy, without params (they are in self) and keys */
    struct kith_host *host;
    void *self;
    struct kith_host_maker maker;
    struct kith_keyring *ring;
    enum kith_instance_state state;
    unsigned depth; /* calls into it that have not returned */
};

/* Allocate, fill in the parameters, init. ring: what host->keys answers from, or NULL. */
int kith_instance_new(struct kith_instance **, const struct kith_entry *,
                      const struct kith_host_maker *, struct kith_keyring *ring,
                      struct kith_error *);
/* Start it; nothing when it was started. former: NULL, or the instance that it replaces, which it
 * adopts first when both are of one plugin that can. The former one is still to be freed, after
 * success and after failure. When this fails, kith_instance_runs(former) tells whether the former
 * one is whole and can go on: not once it was adopted. */
int kith_instance_start(struct kith_instance *, struct kith_instance *former, struct kith_error *);
/* What `kith command` asks for. -KITH_EUNSUPPORTED: the plugin takes no commands. */
int kith_instance_command(struct kith_instance *, const char *const *words,
                          const struct kith_sink *, struct kith_error *);
/* Stop it if it was started, fini, free. NULL is fine. */
void kith_instance_free(struct kith_instance *);

static inline bool kith_instance_runs(const struct kith_instance *in)
{
    return in->state == KITH_INSTANCE_RUNNING;
}

/* Around every call into an instance, so that the host can tell when an upcall comes from inside
 * one. */
static inline void kith_instance_enter(struct kith_instance *in) { in->depth++; }
static inline void kith_instance_leave(struct kith_instance *in) { in->depth--; }
static inline bool kith_instance_inside(const struct kith_instance *in) { return in->depth > 0; }

/* ------------------------------------------------------------------------------------ errors */

/* Before a call that may fill err: what an earlier call said must not pass for its words. */
static inline void kith_error_clear(struct kith_error *err)
{
    if (err) err->text[0] = 0;
}

/* `FILE:LINE:COL: error: NAME: ` in front of what err says. file NULL, or an entry made by hand:
 * the name alone. Returns rc. */
int kith_entry_failed(const struct kith_entry *, const char *file, int rc, struct kith_error *);
/* A call into an instance came back with something else than 0: the same, with words of our own
 * when the plugin gave none ("failed to WHAT"). Always a negative code, whatever rc is. */
int kith_instance_failed(const struct kith_instance *, int rc, const char *what,
                         struct kith_error *);

#endif
