/*
 * instance.h - one use of a plugin: what an entry of the file becomes.
 *
 * The order of a plugin's life is decided in instance.c and nowhere else: nobody but it calls init,
 * adopt, start, stop or fini. Knows nothing of kinds: what a transport, codec or delegate can do
 * is called by those who use it, between kith_instance_enter() and kith_instance_leave().
 */
#ifndef KITH_INSTANCE_H
#define KITH_INSTANCE_H

#include "asks.h"
#include "keyring.h"

/* Makes what an instance gets from its host: the runtime's real services, or a test's. */
struct kith_host_maker {
    void *ctx;
    /* The file that the entries are from: errors name it. NULL: they name no place. It must live as
     * long as the instances. */
    const char *file;
    /* entry lives as long as the instance; ring: whose keys it sees, NULL: none. The table itself
     * stays until ctx is freed, as plugins are promised. `node` and `uplink` are set by who makes
     * the instance (in->host), before it is started. */
    struct kith_host *(*make)(void *ctx, const struct kith_entry *, struct kith_keyring *ring);
    /* The instance has had its fini: the table is not used by it any more. */
    void (*free)(void *ctx, struct kith_host *);
    /* Randomness for what belongs to no single instance. Needed by kith_delegates_new() only. */
    void (*random)(void *ctx, void *out, size_t len);
    /* The instance stopped, was taken over, or could not start: end the watches, timers, offers and
     * posts that it left behind, blame it by name for watches and timers, and refuse posts from
     * now on. NULL: nothing is looked for. */
    void (*release)(void *ctx, struct kith_host *);
    /* It is about to be started again after `release`: posts are taken. NULL: nothing to do. */
    void (*revive)(void *ctx, struct kith_host *);
    /* Ids of what was asked of instances: stop ends them, adopt moves them. NULL: there are none.
     */
    struct kith_asks *asks;
};

/* Where an instance is in its life; the steps from one to the next are in instance.c. */
enum kith_instance_state {
    KITH_INSTANCE_BLANK,       /* its parameters are filled in, no code of it has run */
    KITH_INSTANCE_MADE,        /* init succeeded */
    KITH_INSTANCE_RUNNING,     /* start succeeded, or it adopted */
    KITH_INSTANCE_HANDED_OVER, /* another one has adopted what it had: only fini is left */
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
    struct kith_keyring *ring; /* whose keys it sees, or NULL */
    enum kith_instance_state state;
    unsigned depth; /* calls into it that have not returned */
    void *params;   /* memory of what the parameters point to */
    struct kith_complaints {
        uint64_t *counter; /* NULL before the first */
        uint64_t unsaid, said_at;
    } breaches, slow;
};

/* Allocate, fill in the parameters, init. ring: the node's, or NULL. Of a plugin with KITH_KEYED
 * the instance uses the entry's `keys:` or else this one, and an empty one is an error; of a
 * delegate with `allow: [keys]` it uses the node's; of others none. When the ring changes, refresh
 * is called from then on, by itself. */
int kith_instance_new(struct kith_instance **, const struct kith_entry *,
                      const struct kith_host_maker *, struct kith_keyring *ring,
                      struct kith_error *);
/* Would it be made just so from this entry? A reload leaves it alone then. */
bool kith_instance_same(const struct kith_instance *, const struct kith_entry *,
                        struct kith_keyring *ring);
/* Start it; nothing when it runs. former: NULL, or the running instance that it replaces: the new
 * one adopts, if the plugin can, or else the former one is stopped first. The former one is still
 * to be freed, after success and after failure.
 *   0       the new one runs; the former one has nothing left but kith_instance_free()
 *   other   err names it; kith_instance_runs(former) tells whether the former one goes on, which
 *           it does unless adopt said -KITH_ECLOSED, or it could not be started again (err says) */
int kith_instance_start(struct kith_instance *, struct kith_instance *former, struct kith_error *);
/* A reload left it alone: KITH_REFRESH_FILES. (KITH_REFRESH_KEYS comes by itself, also between init
 * and start.) Nothing unless it runs. What goes wrong is logged, and all goes on as before. */
int kith_instance_refresh(struct kith_instance *, uint32_t what);
/* Stop it if it runs, fini, free. NULL is fine. */
void kith_instance_free(struct kith_instance *);

/* Ask it something, `kith command` or an embedder: words are lent, flags enum kith_call_flags. The
 * answer and the end go to asker, perhaps before this returns, and in every case: a plugin without
 * commands ends it with -KITH_EUNSUPPORTED. The id, for kith_asks_cancel(); 0: it has ended. */
uint64_t kith_instance_call(struct kith_instance *, struct kith_asks *,
                            const struct kith_bytes *words, size_t count, uint32_t flags,
                            uint64_t deadline, const struct kith_asker *);

static inline bool kith_instance_runs(const struct kith_instance *in)
{
    return in->state == KITH_INSTANCE_RUNNING;
}
/* What the file calls it: `as:`, or else the plugin's name. */
static inline const char *kith_instance_name(const struct kith_instance *in)
{
    return in->entry->name ? in->entry->name : in->plugin->name;
}

/* Around every call into an instance (not around callbacks that it gave to the loop), so that the
 * host can tell when an upcall comes from inside one. */
static inline void kith_instance_enter(struct kith_instance *in) { in->depth++; }
static inline void kith_instance_leave(struct kith_instance *in) { in->depth--; }
static inline bool kith_instance_inside(const struct kith_instance *in) { return in->depth > 0; }

/* It broke its contract ("stream_data from inside stream_write"): counted (contract_breaches), and
 * logged, at most once a second, with how many were not. */
void kith_instance_blame(struct kith_instance *, const char *fmt, ...) KITH_PRINTF(2, 3);
/* It made the node wait: counted (slow_calls) and logged likewise. call: "seal". */
void kith_instance_slow(struct kith_instance *, const char *call, uint64_t ns);

/* ------------------------------------------------------------------------------- what it returns
 */

/* A plugin returns what it likes; callers want 0 or a negative KITH_E code. A negative number that
 * is none counts as KITH_EIO, and so does a positive one, which the caller blames. */
static inline int kith_code(int rc)
{
    return rc == 0 || (rc < 0 && rc >= -KITH_ENAME) ? rc : -KITH_EIO;
}

/* Room for a struct that a plugin fills, perhaps one with a newer header: zeroed, 512 bytes, as the
 * header promises. `KITH_LEND(kith_limits, lent); ops->limits(self, &lent.out);` */
#define KITH_LENT 512
#define KITH_LEND(type, name) \
    union { \
        struct type out; \
        uint8_t room[KITH_LENT]; \
    } name; \
    memset(&name, 0, sizeof name); \
    name.out.size = KITH_LENT

/* What a plugin handed over, at today's size: what it did not know of is zero. */
static inline void kith_extend(void *out, size_t today, const void *from)
{
    uint32_t size;
    memcpy(&size, from, sizeof size);
    memset(out, 0, today);
    memcpy(out, from, size < today ? size : today);
    size = (uint32_t)today;
    memcpy(out, &size, sizeof size);
}
#define KITH_EXTEND(out, from) kith_extend(&(out), sizeof(out), (from))

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
