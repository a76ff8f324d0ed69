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
#include "blame.h"
#include "crash_note.h"
#include "growth.h"
#include "keyring.h"
#include <kith/account.h>

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
    /* Working memory for what belongs to no single instance: block `which`, 0 or 1, at least len
     * bytes, which all in this world share; it lasts longer than ctx. Nobody keeps in it what must
     * be there when somebody else was called. NULL: there is none. */
    void *(*scratch)(void *ctx, unsigned which, size_t len);
    /* The instance stopped, was taken over, or could not start: end the watches, timers, offers and
     * posts that it left behind, blame it by name for watches and timers, and refuse posts from
     * now on. after: which of these it was, "stop" for instance, for the lines that blame; stays.
     * NULL: nothing is looked for. */
    void (*release)(void *ctx, struct kith_host *, const char *after);
    /* It is about to be started again after `release`: posts are taken. NULL: nothing to do. */
    void (*revive)(void *ctx, struct kith_host *);
    /* Is this call, by an instance, made by another thread than the node's? Then it is to be
     * refused, and the instance is blamed for it when the node's thread comes by. Any thread may
     * ask. NULL: nobody looks. */
    bool (*foreign)(const struct kith_host *, const char *call);
    /* Ids of what was asked of instances: stop ends them, adopt moves them. NULL: there are none.
     */
    struct kith_asks *asks;
    /* Counts the calls into all instances made with it that have not returned. NULL: nobody asks.
     */
    unsigned *depth;
    /* What streams hold, and what waits for delegates. NULL: each pipeline has its own account, and
     * what waits for delegates is not counted. */
    struct kith_account *memory;
    /* The list of all instances that are made and not yet freed. NULL: none is kept. */
    struct kith_instance **all;
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

enum { KITH_INSTANCE_DEPTH = 4 };

/* An instance owns copies of all it was made from, and so may outlive the config: a reload keeps
 * those whose entry did not change. */
struct kith_instance {
    struct kith_instance *next, **link; /* in the maker's list; link NULL: not in it */
    const struct kith_plugin *plugin;
    const struct kith_entry *entry; /* its own copy, without params (they are in self) and keys */
    struct kith_host *host;
    void *self;
    struct kith_host_maker maker;
    struct kith_keyring *ring; /* whose keys it sees, or NULL */
    enum kith_instance_state state;
    unsigned depth; /* calls into it that have not returned */
    /* Calls not returned in all instances of this maker; points to `alone` when nobody counts. */
    unsigned *all, alone;
    struct kith_crash_note note; /* that it is called */
    /* What was noted before each of these calls; deeper ones take the last one's. */
    const struct kith_crash_note *outer[KITH_INSTANCE_DEPTH];
    void *params; /* memory of what the parameters point to */
    struct kith_complaints breaches, slow;
};

/* Allocate, fill in the parameters, init. ring: the node's, or NULL. Of a plugin with KITH_KEYED
 * the instance uses the entry's `keys:` or else this one, and an empty one is an error; of a
 * delegate with `allow: [keys]` it uses the node's; of others none. When the ring changes, refresh
 * is called from then on, by itself; who refuses keeps the ring as it was. */
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
/* Of those that a reload asked for something: who could not, and whether it goes on as it was
 * (kept) or does not run. */
struct kith_failures {
    void (*tell)(void *arg, const char *name, bool kept, const struct kith_error *why);
    void *arg;
};
/* A reload left it alone: KITH_REFRESH_FILES. (KITH_REFRESH_KEYS comes by itself, also between init
 * and start.) Nothing unless it runs. What goes wrong is logged and told (NULL: to nobody), and it
 * goes on as before. */
int kith_instance_refresh(struct kith_instance *, uint32_t what, const struct kith_failures *);
/* Stop it if it runs, fini, free. NULL is fine. */
void kith_instance_free(struct kith_instance *);

/* Ask it something, `kith command` or an embedder: words are lent, flags enum kith_call_flags. The
 * answer and the end go to asker, perhaps before this returns, and in every case: a plugin without
 * commands ends it with -KITH_EUNSUPPORTED. The id, for kith_asks_cancel(); 0: it has ended. */
uint64_t kith_instance_call(struct kith_instance *, struct kith_asks *,
                            const struct kith_bytes *words, size_t count, uint32_t flags,
                            uint64_t deadline, const struct kith_asker *);

/* The instance of a maker's list that has this table, from the end of its init until its fini;
 * NULL: there is none. */
struct kith_instance *kith_instance_of(struct kith_instance *all, const struct kith_host *);

static inline bool kith_instance_runs(const struct kith_instance *in)
{
    return in->state == KITH_INSTANCE_RUNNING;
}
/* Does it take over from this one? Else that one stops first. */
static inline bool kith_instance_adopts(const struct kith_instance *in,
                                        const struct kith_instance *former)
{
    return former->plugin == in->plugin && in->plugin->adopt;
}
/* What the file calls it: `as:`, or else the plugin's name. */
static inline const char *kith_instance_name(const struct kith_instance *in)
{
    return in->entry->name ? in->entry->name : in->plugin->name;
}

/* The one setting that is the entry's, not the node's. name stays as long as the value is lent. */
#define KITH_SETTING_ENTRY_NAME "entry.name"
static inline int kith_setting_entry_name(const char *name, struct kith_value *out)
{
    const struct kith_value value = {
        .size = sizeof value, .type = KITH_PARAM_STRING, .text = kith_text(name)};
    KITH_GIVE(out, &value);
    return 0;
}

/* Around every call into an instance (not around callbacks that it gave to the loop, which the host
 * notes), so that the host can tell when an upcall comes from inside one, and a crash whose it is.
 */
static inline void kith_instance_enter(struct kith_instance *in)
{
    const struct kith_crash_note *outer = kith_crash_note_set(&in->note);
    if (in->depth < KITH_INSTANCE_DEPTH) in->outer[in->depth] = outer;
    in->depth++;
    ++*in->all;
}
static inline void kith_instance_leave(struct kith_instance *in)
{
    in->depth--;
    --*in->all;
    kith_crash_note_set(in->depth < KITH_INSTANCE_DEPTH ? in->outer[in->depth] : &in->note);
}
static inline bool kith_instance_inside(const struct kith_instance *in) { return in->depth > 0; }

/* It broke its contract: "stream_data from inside stream_write". */
void kith_instance_blame(struct kith_instance *, const char *fmt, ...) KITH_PRINTF(2, 3);
/* It made the node wait. call: "seal". */
void kith_instance_slow(struct kith_instance *, const char *call, uint64_t ns);

/* ------------------------------------------------------------------------------ what it returns */

/* A plugin returns what it likes; callers want 0 or a negative KITH_E code. A negative number that
 * is none counts as KITH_EIO, and so does a positive one, which the caller blames. */
static inline int kith_code_of(int rc)
{
    return rc == 0 || (rc < 0 && rc >= -KITH_ENAME) ? rc : -KITH_EIO;
}

/* An address that a plugin hands over: no reader may go past what there is. 0 bytes: none. */
static inline bool kith_addr_sound(const struct kith_addr *addr)
{
    return addr->len <= KITH_ADDR_MAX;
}
/* The same, and it is one. */
static inline bool kith_addr_given(const struct kith_addr *addr)
{
    return addr->len > 0 && kith_addr_sound(addr);
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
 * when the plugin gave none ("failed to WHAT"). A positive rc is a breach. Always a negative code.
 */
int kith_instance_failed(struct kith_instance *, int rc, const char *what, struct kith_error *);

#endif
