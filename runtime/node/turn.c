/*
 * turn.c - the end of a loop turn: what it led to is carried out.
 *
 * It has one when something happened to it, and no other node of its world for its sake.
 *
 * A turn: the transport tells everything that was readable, up to what one turn may bring; it goes
 * through the pipeline into the core at once, but nothing is sent. When nothing more is to be fed
 * the turn ends here: what was fed is answered, the time passes, commands and delegates run, each
 * followed by draining the core; then one flush, and the one timer moves to the next deadline. So
 * an ack that was waiting in the socket counts before any time-out does. Knows nothing of what
 * messages mean.
 */
#include "inside.h"

/* Delegates and the ends of commands may ask for more. At most this many rounds a turn; the rest
 * waits. */
enum { PASSES = 8 };

void kith_turn_drain(struct kith *k)
{
    struct kith_output out;
    while (kith_core_poll(k->core, &out)) {
        switch (out.kind) {
        case KITH_OUT_PACKET: kith_packets_out(k, &out); break;
        case KITH_OUT_DONE: kith_commands_done(k, out.request, out.status, out.value); break;
        case KITH_OUT_GONE: kith_link_gone(k->link, &out.peer); break;
        default: kith_streams_out(k, &out); break;
        }
    }
}

/* What the transport said of itself. */
static void see_changes(struct kith *k)
{
    uint32_t what = k->changed;
    struct kith_error err = {.size = sizeof err};
    k->changed = 0;
    if (what & KITH_CHANGED_LIMITS) kith_packets_measure_again(k);
    if (what & KITH_CHANGED_CROWDED && k->begun) kith_core_crowded(k->core, kith_node_now(k));
    if (!(what & KITH_CHANGED_ADDRESS)) return;
    int rc = k->begun ? kith_begin_advertise(k, &err) : kith_begin(k, &err);
    if (!rc) return;
    kith_node_log(k, KITH_LOG_ERROR, "%s", err.text);
    if (!k->begun) kith_node_fail(k, rc);
}

/* Feed what was kept back, as far as this turn goes, and open a new account. Did so much come that
 * the transport may have more? Then the time waits for it, but not for ever. */
static bool time_waits(struct kith *k)
{
    bool busy = kith_streams_feed_kept(k);
    busy |= k->turn_packets >= KITH_TURN_BUSY_PACKETS || k->turn_bytes >= KITH_TURN_BUSY_BYTES;
    k->turn_packets = 0;
    k->turn_bytes = 0;
    k->turns_held = busy && k->turns_held < KITH_TURNS_HELD ? k->turns_held + 1 : 0;
    return k->turns_held > 0;
}

static void tell_keys(struct kith *k)
{
    struct kith_event e = {.size = sizeof e, .kind = KITH_EVENT_KEYS};
    k->keys_changed = false;
    kith_delegates_event(k->delegates, &e);
}

/* Delegates and commands, until nobody asks for more. True: somebody still does. */
static bool run_asked(struct kith *k)
{
    bool more = true;
    for (int pass = 0; more && pass < PASSES; pass++) {
        kith_delegates_deliver(k->delegates);
        if (k->keys_changed) tell_keys(k);
        more = kith_commands_run(k);
        kith_turn_drain(k);
    }
    return more;
}

static uint64_t earliest(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* End the turn of a node that is a member. True: run another at once; else *next says when. */
static bool turn(struct kith *k, uint64_t *next)
{
    uint64_t now = kith_node_now(k);
    bool waits = time_waits(k), kept = kith_streams_kept(k);
    kith_turn_drain(k);
    if (!waits) {
        kith_core_tick(k->core, now);
        kith_turn_drain(k);
    }
    kith_asks_expire(k->asks, now);
    bool more = run_asked(k);
    kith_streams_feed_held(k);
    kith_streams_push_due(k);
    kith_turn_drain(k); /* a stream may have broken */
    *next = earliest(kith_core_deadline(k->core), kith_asks_deadline(k->asks));
    kith_link_flush(k->link);
    more |= kith_commands_pending(k) || kith_delegates_waiting(k->delegates);
    return more || waits || kept;
}

static void turn_ends(void *ctx)
{
    struct kith *k = ctx;
    uint64_t next = UINT64_MAX;
    if (k->paused) return; /* since it was marked */
    k->in_turn = true;
    /* Else a reload has lost it, and the node ends: nothing could go out. */
    bool runs = kith_instance_runs(k->transport);
    if (runs && k->changed) see_changes(k);
    bool more = runs && k->begun && turn(k, &next);
    k->in_turn = false;
    if (k->observers) kith_observers_turn_ended(k);
    kith_services_turn_ended(k->services);
    kith_node_free_former(k);
    if (more) kith_node_wake(k);
    kith_loop_timer_set(k->timer, next);
}

static void deadline_reached(void *ctx) { kith_node_wake(ctx); }

int kith_turn_start(struct kith *k, struct kith_error *err)
{
    k->timer = kith_loop_timer(k->loop, deadline_reached, k);
    k->idle = kith_loop_idle(k->loop, turn_ends, k);
    if (!k->timer || !k->idle) return kith_fail(err, KITH_ENOMEM, "out of memory");
    kith_node_wake(k);
    return 0;
}

void kith_turn_stop(struct kith *k)
{
    if (k->idle) kith_loop_idle_free(k->idle);
    if (k->timer) kith_loop_timer_free(k->timer);
    k->idle = NULL;
    k->timer = NULL;
}
