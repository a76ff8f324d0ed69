/*
 * joiner.c - from a seed to membership: its place is resolved anew each time, and every address
 * of it joined; the `join:` list of the file is tried from the start with exponential backoff and
 * jitter until a seed answers.
 *
 * A node that finds only itself has not joined: its own address is not dialled, and where a name or
 * a balancer leads back to it the core tells so. Knows names and backoff, not what a join is.
 */
#include "inside.h"
#include <stdlib.h>

enum { ADDRESSES_MAX = 32, JOINS_MAX = 256 };
#define BACKOFF_FIRST 500000000u /* ns */
#define BACKOFF_MOST  30000000000u

/*
 * One place on its way:
 *
 *   resolving  `open` is 1 until its addresses are known
 *              -> joining  an answer, or none: status says what to report when nobody answers
 *   joining    one command for each address is under way, `open` counts them
 *              -> ended    all have been answered: done is told, and it is freed
 *
 * When the node closes it ends at once with -KITH_ECLOSED.
 */
struct join {
    struct join *next, **link;
    struct kith *k;
    size_t open;  /* what it still waits for */
    uint64_t met; /* addresses that answered */
    int status;   /* -KITH_EEXIST: every address so far was this node's own */
    char why[KITH_WHY_TEXT];
    kith_done_fn *done;
    void *arg;
    size_t name_len;
    uint8_t name[]; /* who must answer, with a NUL; empty: anybody */
};

/*
 * The list is tried in rounds:
 *
 *   round    every place of the list is joined at once
 *            -> at rest  a seed answered, or the list has no address but this node's own: that
 *                        is said, and others have to join this node
 *            -> waiting  nobody answered; twice as long as the last time
 *            -> round    the list changed meanwhile
 *   waiting  -> round    the timer fires, or the list changed
 *   at rest  -> round    the list changed
 */
struct kith_joiner {
    struct join *joins;
    size_t count;
    struct kith_timer *timer;
    uint64_t backoff, met;
    size_t open;   /* places of this round, and one while they are being started; 0: no round */
    size_t others; /* places of this round that are not this node's own address */
    bool again;    /* the list changed during a round */
    bool late;     /* a round came due while the node was paused */
};

/* One entry of the list in one round. */
struct attempt {
    struct kith *k;
    bool is_name; /* it is looked up anew each time: who is behind it may change */
    char where[]; /* its address, for the log */
};

const char *kith_join_text(int code)
{
    const char *text = kith_core_status_text(code);
    return text ? text : kith_code_text(code);
}

/* --------------------------------------------------------------------------------- one place */

static void join_end(struct join *j)
{
    if (--j->open) return;
    *j->link = j->next;
    if (j->next) j->next->link = j->link;
    j->k->joiner->count--;
    j->k->why = !j->met && *j->why ? j->why : NULL;
    if (j->done) j->done(j->arg, j->met ? 0 : j->status, j->met);
    j->k->why = NULL;
    free(j);
}

static void join_answered(void *arg, int status, uint64_t value)
{
    struct join *j = arg;
    const char *why = j->k->why;
    if (!status) {
        j->met++;
    } else if (j->status == -KITH_EEXIST) {
        j->status = status;
        snprintf(j->why, sizeof j->why, "%s", why ? why : "");
    }
    join_end(j);
}

static bool is_self(struct kith *k, const struct kith_addr *addr)
{
    struct kith_member self = {.size = sizeof self};
    kith_core_self(k->core, &self);
    return kith_addr_equal(&self.addr, addr);
}

static const char *lookup_text(int code)
{
    switch (-code) {
    case KITH_ENOTFOUND: return "the name has no address";
    case KITH_ETIMEOUT: return "no name server answered in time";
    case KITH_EIO: return "no name server could be asked, or it failed";
    default: return kith_code_text(code);
    }
}

static void join_resolved(void *arg, int status, const struct kith_addr *addrs, size_t n)
{
    struct join *j = arg;
    j->status = status < 0 ? status : n ? -KITH_EEXIST : -KITH_ENOTFOUND;
    if (j->status != -KITH_EEXIST) snprintf(j->why, sizeof j->why, "%s", lookup_text(j->status));
    for (size_t i = 0; status >= 0 && i < n && i < ADDRESSES_MAX; i++) {
        struct kith_addr addr = addrs[i];
        if (is_self(j->k, &addr)) continue;
        struct kith_peer to = {
            .size = sizeof to, .addr = &addr, .name = kith_bytes_of(j->name, j->name_len)};
        struct kith_command c = {
            .kind = KITH_DO_JOIN, .peer = &to, .done = join_answered, .arg = j};
        j->open++;
        int rc = kith_commands_add(j->k, &c);
        if (rc < 0) join_answered(j, rc, 0);
    }
    join_end(j);
}

static int parse_seed(struct kith *k, const struct kith_seed *seed, struct kith_place *place,
                      struct kith_error *err)
{
    int rc = kith_place_parse(k, kith_text(seed->address), place, err);
    if (rc || !seed->name) return rc;
    if (place->name.len)
        return kith_fail(err, KITH_EINVAL, "`%s` names a member beside the name %s", seed->address,
                         seed->name);
    place->name = kith_text(seed->name);
    return 0;
}

static bool is_name(struct kith *k, const struct kith_seed *seed)
{
    struct kith_place place;
    return !parse_seed(k, seed, &place, NULL) && place.status;
}

static int join_seed(struct kith *k, const struct kith_seed *seed, kith_done_fn *done, void *arg)
{
    struct kith_joiner *all = k->joiner;
    struct kith_place place;
    if (!all || k->closing) return -KITH_ECLOSED;
    if (!k->begun || all->count >= JOINS_MAX) return -KITH_EAGAIN;
    int rc = parse_seed(k, seed, &place, NULL);
    if (rc) return rc;
    struct join *j = calloc(1, sizeof *j + place.name.len + 1);
    if (!j) return -KITH_ENOMEM;
    *j = (struct join){.k = k, .open = 1, .done = done, .arg = arg};
    j->name_len = place.name.len;
    if (j->name_len) memcpy(j->name, place.name.data, j->name_len);
    rc = kith_place_resolve(k, &place, join_resolved, j);
    if (rc < 0) {
        free(j);
        return rc;
    }
    j->next = all->joins;
    j->link = &all->joins;
    if (j->next) j->next->link = &j->next;
    all->joins = j;
    all->count++;
    return 0;
}

int kith_node_join(struct kith *k, const struct kith_seed *seed, kith_done_fn *done, void *arg)
{
    return join_seed(k, seed, done, arg);
}

int kith_join(struct kith *k, const char *text, kith_done_fn *done, void *arg)
{
    kith_loop_enter(k->loop);
    return join_seed(k, &(struct kith_seed){.address = text}, done, arg);
}

/* ---------------------------------------------------------------------------------- the list */

static void round_end(struct kith *k)
{
    struct kith_joiner *j = k->joiner;
    if (--j->open || k->closing) return;
    if (j->again) {
        kith_joiner_kick(k);
        return;
    }
    if (!j->others) {
        if (k->config->join.count)
            kith_node_log(k, KITH_LOG_WARN,
                          "the join list names this node only: others have to join it");
        return;
    }
    if (j->met) {
        kith_node_log(k, KITH_LOG_INFO, "joined: %llu seed address(es) answered",
                      (unsigned long long)j->met);
        return;
    }
    uint64_t jitter;
    kith_loop_random(k->loop, &jitter, sizeof jitter);
    uint64_t wait = j->backoff / 2 + jitter % j->backoff;
    kith_node_log(k, KITH_LOG_WARN, "no seed of the join list could be joined; next try in %.1fs",
                  (double)wait / 1e9);
    j->backoff = j->backoff * 2 < BACKOFF_MOST ? j->backoff * 2 : BACKOFF_MOST;
    kith_loop_timer_set(j->timer, kith_node_now(k) + wait);
}

static void attempt_done(void *arg, int status, uint64_t met)
{
    struct attempt *a = arg;
    struct kith *k = a->k;
    bool own = status == -KITH_EEXIST && !k->why && !a->is_name; /* its own address, as it stands */
    if (!own) k->joiner->others++;
    if (status < 0 && !own && !k->closing)
        kith_node_log(k, KITH_LOG_WARN, "join of %s failed: %s", a->where,
                      k->why ? k->why : kith_join_text(status));
    k->joiner->met += met;
    free(a);
    round_end(k);
}

static void round_start(void *arg)
{
    struct kith *k = arg;
    struct kith_joiner *j = k->joiner;
    const struct kith_seeds *list = &k->config->join;
    j->late = k->paused;
    if (j->late) return;
    j->open = 1;
    j->met = j->others = 0;
    j->again = false;
    for (size_t i = 0; i < list->count; i++) {
        const struct kith_seed *seed = &list->items[i];
        struct attempt *a = calloc(1, sizeof *a + strlen(seed->address) + 1);
        if (!a) continue;
        strcpy(a->where, seed->address);
        a->k = k;
        a->is_name = is_name(k, seed);
        j->open++;
        int rc = join_seed(k, seed, attempt_done, a);
        if (rc < 0) attempt_done(a, rc, 0);
    }
    round_end(k);
}

int kith_joiner_new(struct kith *k)
{
    k->joiner = calloc(1, sizeof *k->joiner);
    return k->joiner ? 0 : -KITH_ENOMEM;
}

int kith_joiner_start(struct kith *k)
{
    k->joiner->timer = kith_loop_timer(k->loop, round_start, k);
    if (!k->joiner->timer) return -KITH_ENOMEM;
    kith_joiner_kick(k);
    return 0;
}

void kith_joiner_kick(struct kith *k)
{
    struct kith_joiner *j = k->joiner;
    if (!j->timer) return; /* no member yet */
    if (j->open) {
        j->again = true;
        return;
    }
    j->backoff = BACKOFF_FIRST;
    kith_loop_timer_set(j->timer, k->config->join.count ? kith_node_now(k) : UINT64_MAX);
}

void kith_joiner_resume(struct kith *k)
{
    if (k->joiner->late) kith_loop_timer_set(k->joiner->timer, 0);
}

void kith_joiner_free(struct kith *k)
{
    struct kith_joiner *j = k->joiner;
    if (!j) return;
    while (j->joins) { /* those that still wait for an address */
        j->joins->status = -KITH_ECLOSED;
        j->joins->open = 1;
        join_end(j->joins);
    }
    if (j->timer) kith_loop_timer_free(j->timer);
    free(j);
    k->joiner = NULL;
}
