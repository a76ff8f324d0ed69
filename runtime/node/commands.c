/*
 * commands.c - changes that a delegate, the control socket or an embedder asked for. They are
 * copied into a bounded queue, carried out at the end of a turn, and answered when the core says
 * that they have ended; so nobody re-enters the core.
 */
#include "inside.h"
#include <kith/shown.h>
#include <stdlib.h>

enum { COMMANDS_MAX = 4096, DELEGATES_MAX = COMMANDS_MAX / 2, BUCKETS = 64 };

/*
 * A command that somebody asked for:
 *
 *   queued   copied here, until the end of the turn
 *            -> waiting  the core took it and gave it a request number
 *            -> leaving  a leave that delegates hold up
 *            -> ended    the core refused it
 *   leaving  -> waiting, ended  they have had their word, or their time is over
 *   waiting  -> ended    the core says that the request is done
 *
 * Its end is told once, by `done`, and it is freed; when the node closes it ends with
 * -KITH_ECLOSED.
 */
struct pending {
    struct pending *next;
    struct kith_command what;
    struct kith_peer peer;
    struct kith_addr addr;
    uint32_t request;
    uint64_t leave_by; /* a leave: its time is over; UINT64_MAX: never */
    bool held;         /* it is a leave among all->leaving */
    size_t size;
    char why[KITH_WHY_TEXT]; /* it will end badly; empty: not told */
    uint8_t bytes[];         /* what `what` and `peer` point to */
};

struct kith_commands {
    struct pending *first, **last;    /* queued */
    struct pending *waiting[BUCKETS]; /* by request */
    size_t count, of_delegates;
    /* Leaves that wait for the delegates' word, which is asked for once. */
    struct pending *leaving;
    bool leave_now; /* it was given */
    bool left;
};

int kith_commands_new(struct kith *k)
{
    k->commands = calloc(1, sizeof *k->commands);
    if (!k->commands) return -KITH_ENOMEM;
    k->commands->last = &k->commands->first;
    return 0;
}

/* Answer and forget. */
static void end(struct kith *k, struct pending *p, int status, uint64_t value)
{
    k->commands->count--;
    k->why = status < 0 && *p->why ? p->why : NULL;
    k->commands->of_delegates -= p->what.delegates;
    if (p->what.done) p->what.done(p->what.arg, status, value);
    k->why = NULL;
    explicit_bzero(p->bytes, p->size); /* it may be a key */
    free(p);
}

static void end_all(struct kith *k, struct pending *p)
{
    for (struct pending *next; p; p = next) {
        next = p->next;
        end(k, p, -KITH_ECLOSED, 0);
    }
}

void kith_commands_free(struct kith *k)
{
    struct kith_commands *all = k->commands;
    if (!all) return;
    end_all(k, all->first);
    end_all(k, all->leaving);
    for (size_t i = 0; i < BUCKETS; i++) end_all(k, all->waiting[i]);
    free(all);
    k->commands = NULL;
}

/* The memory is zeroed: a NUL is behind it, as behind all text. */
static struct kith_bytes copy(uint8_t **at, struct kith_bytes from)
{
    struct kith_bytes to = kith_bytes_of(*at, from.len);
    if (from.len) memcpy(*at, from.data, from.len);
    *at += from.len + 1;
    return to;
}

int kith_commands_add(struct kith *k, const struct kith_command *c)
{
    struct kith_commands *all = k->commands;
    if (!all || k->closing) return -KITH_ECLOSED;
    bool full = all->count >= COMMANDS_MAX || (c->delegates && all->of_delegates >= DELEGATES_MAX);
    if (full && c->kind != KITH_DO_LEAVE) return -KITH_EAGAIN;
    struct kith_peer to = {.size = sizeof to};
    if (c->peer) to = *c->peer;
    size_t size = c->bytes.len + c->key.len + c->channel.len + to.name.len + 4;
    struct pending *p = calloc(1, sizeof *p + size);
    if (!p) return -KITH_ENOMEM;
    uint8_t *at = p->bytes;
    p->what = *c;
    p->size = size;
    p->what.bytes = copy(&at, c->bytes);
    p->what.key = copy(&at, c->key);
    p->what.channel = copy(&at, c->channel);
    p->peer = (struct kith_peer){.size = sizeof p->peer, .name = copy(&at, to.name)};
    if (to.addr) {
        p->addr = *to.addr;
        p->peer.addr = &p->addr;
    }
    p->what.peer = &p->peer;
    *all->last = p;
    all->last = &p->next;
    all->count++;
    all->of_delegates += c->delegates;
    kith_node_wake(k);
    return 0;
}

/* ------------------------------------------------------------------------------------- leave */

enum { DELEGATES_SHARE = 2 };  /* of the time for a leave: one half is for their word */
#define WORD_MOST 10000000000u /* ns: when the leave itself has no limit */

static void word_given(void *ctx)
{
    struct kith *k = ctx;
    if (!k->commands) return; /* the node closes: the leave has been answered */
    k->commands->leave_now = true;
    kith_node_wake(k);
}

static uint64_t after(uint64_t now, uint64_t time)
{
    return time > UINT64_MAX - now ? UINT64_MAX : now + time;
}

/* The delegates have their word first. Who comes while they are asked waits with the others, and
 * all go on at the earliest time that one of them gave. */
static int64_t begin_leave(struct kith *k, struct pending *p)
{
    struct kith_commands *all = k->commands;
    uint64_t now = kith_node_now(k), limit = p->what.timeout;
    uint64_t word = after(now, limit ? limit / DELEGATES_SHARE : WORD_MOST);
    if (all->leaving)
        kith_delegates_leave_by(k->delegates, word);
    else if (!all->left)
        all->left = kith_delegates_before_leave(k->delegates, word, word_given, k) != KITH_LATER;
    if (all->left) return kith_core_leave(k->core, now, limit);
    p->leave_by = limit ? after(now, limit) : UINT64_MAX;
    p->held = true;
    p->next = all->leaving;
    all->leaving = p;
    return 0;
}

/* The rest of its time, at least a moment: 0 would be no limit. */
static int64_t go_on_leaving(struct kith *k, const struct pending *p)
{
    uint64_t now = kith_node_now(k), left = 0;
    if (p->leave_by != UINT64_MAX) left = p->leave_by > now ? p->leave_by - now : 1;
    return kith_core_leave(k->core, now, left);
}

/* ------------------------------------------------------------------------------------ channels */

struct there {
    const struct kith_addr *addr;
    struct kith_member member;
    bool found;
};

static bool look_there(void *arg, const struct kith_member *m)
{
    struct there *t = arg;
    t->found = m->state <= KITH_SUSPECT && kith_addr_equal(&m->addr, t->addr);
    if (t->found) t->member = *m;
    return !t->found;
}

/* Which member it is; false: none that is known. */
static bool member_of(struct kith *k, const struct kith_peer *peer, struct kith_member *out)
{
    struct there t = {.addr = peer->addr};
    uint64_t cursor = 0;
    if (peer->name.len) return kith_core_find(k->core, peer->name, out) == 0;
    kith_core_visit(k->core, &cursor, SIZE_MAX, look_there, &t);
    *out = t.member;
    return t.found;
}

/* Frames go to members that may understand them: Serf logs a warning for each. Who is at an address
 * that is no member's, the asker knows. */
static int check_speaks(struct kith *k, struct pending *p)
{
    enum { SHOWN = 100 }; /* bytes of a name */
    char name[SHOWN];
    struct kith_member member = {.size = sizeof member};
    if (kith_core_speaks(k->core, &p->peer) || !member_of(k, &p->peer, &member)) return 0;
    kith_show(name, sizeof name, member.name);
    snprintf(p->why, sizeof p->why,
             "'%s' does not run Kith, and others do not understand channels; "
             "--raw sends the bytes alone",
             name);
    return -KITH_EUNSUPPORTED;
}

static int64_t send_to(struct kith *k, struct pending *p)
{
    struct kith_bytes bytes = p->what.bytes;
    if (p->what.channel.len) {
        int rc = check_speaks(k, p);
        if (!rc) rc = kith_delegates_frame(k->delegates, p->what.channel, &bytes);
        if (rc) return rc;
    }
    return kith_core_send(k->core, kith_node_now(k), &p->peer, bytes, p->what.reliable);
}

/* On a channel the core sees to it that all get it. Where that is off, a frame is gossiped as any
 * message, without a promise. */
static int64_t broadcast(struct kith *k, struct pending *p)
{
    const struct kith_command *c = &p->what;
    struct kith_bytes bytes = c->bytes;
    if (c->channel.len) {
        int rc = kith_core_relay(k->core, kith_node_now(k), c->channel, bytes);
        if (rc == -KITH_EAGAIN)
            snprintf(p->why, sizeof p->why,
                     "this node broadcast more than half of relay.window in five seconds");
        if (rc != -KITH_EUNSUPPORTED) return rc;
        rc = kith_delegates_frame(k->delegates, c->channel, &bytes);
        if (rc) return rc;
    }
    return kith_core_broadcast(k->core, kith_node_now(k), bytes, c->key, c->priority);
}

/* ---------------------------------------------------------------------------------- carry out */

int64_t kith_commands_meta(struct kith *k, struct kith_bytes meta)
{
    int rc = kith_delegates_meta(k->delegates, meta);
    if (rc) return rc;
    int64_t request = kith_core_update(k->core, kith_node_now(k), KITH_UPDATE_TIMEOUT);
    if (request < 0) kith_delegates_meta_back(k->delegates);
    return request;
}

static int64_t set_meta(struct kith *k, const struct kith_command *c)
{
    if (kith_delegates_gives_meta(k->delegates)) return -KITH_EACCES;
    return kith_commands_meta(k, c->bytes);
}

static int64_t carry_out(struct kith *k, struct pending *p)
{
    uint64_t now = kith_node_now(k);
    const struct kith_command *c = &p->what;
    switch (c->kind) {
    case KITH_DO_JOIN: return kith_core_join(k->core, now, c->peer);
    case KITH_DO_LEAVE: return begin_leave(k, p);
    case KITH_DO_META: return set_meta(k, c);
    case KITH_DO_UPDATE: return kith_core_update(k->core, now, KITH_UPDATE_TIMEOUT);
    case KITH_DO_BROADCAST: return broadcast(k, p);
    case KITH_DO_SEND: return send_to(k, p);
    case KITH_DO_PING: return kith_core_ping(k->core, now, c->peer);
    case KITH_DO_KEY: return kith_node_key(k, c->change, c->bytes, NULL);
    }
    return -KITH_EINVAL;
}

static void carried(struct kith *k, struct pending *p, int64_t request)
{
    if (request <= 0) {
        end(k, p, (int)request, 0);
        return;
    }
    struct kith_commands *all = k->commands;
    p->request = (uint32_t)request;
    p->next = all->waiting[p->request % BUCKETS];
    all->waiting[p->request % BUCKETS] = p;
}

static void leave_all(struct kith *k)
{
    struct kith_commands *all = k->commands;
    struct pending *p = all->leaving;
    all->leaving = NULL;
    all->leave_now = false;
    all->left = true;
    for (struct pending *next; p; p = next) {
        next = p->next;
        carried(k, p, go_on_leaving(k, p));
    }
}

bool kith_commands_run(struct kith *k)
{
    struct kith_commands *all = k->commands;
    struct pending *p = all->first;
    bool any = p || all->leave_now;
    all->first = NULL;
    all->last = &all->first;
    for (struct pending *next; p; p = next) {
        next = p->next;
        int64_t request = carry_out(k, p);
        if (!p->held) carried(k, p, request);
    }
    if (all->leave_now) leave_all(k);
    return any;
}

bool kith_commands_pending(const struct kith *k)
{
    return k->commands->first || k->commands->leave_now;
}

void kith_commands_done(struct kith *k, uint32_t request, int status, uint64_t value)
{
    struct pending **p = &k->commands->waiting[request % BUCKETS];
    while (*p && (*p)->request != request) p = &(*p)->next;
    if (!*p) return;
    struct pending *it = *p;
    *p = it->next;
    end(k, it, status, value);
}

void kith_commands_because(struct kith *k, uint32_t request, const char *fmt, va_list ap)
{
    struct pending *p = k->commands->waiting[request % BUCKETS];
    while (p && p->request != request) p = p->next;
    if (p) vsnprintf(p->why, sizeof p->why, fmt, ap);
}

const char *kith_node_why(const struct kith *k) { return k->why; }
