/*
 * later.c - what the node is told later, and how much one turn may read. Knows neither sockets nor
 * how connections live.
 *
 * The node is never called from inside its own call. What is found out there (a connection that
 * ended, an address that refuses) waits for a timer that is due at once.
 *
 * What a turn reads leads to work at the turn's end, in the node. So a turn reads PACKETS_TURN
 * datagrams and STREAM_TURN bytes of streams at most; the rest stays with the system, which says
 * again that it is there. 4,096 packets are some ten milliseconds of work, and more than a gossip
 * interval brings to a node of 10,000 members; 1 MiB is that for the bytes of push/pulls.
 */
#include "connection.h"
#include <stdlib.h>

enum { PACKETS_TURN = 4096, STREAM_TURN = 1 << 20 };

/* -------------------------------------------------------------------------------------- turn */

/* The loop runs timers after descriptors: what is due at once is due when this turn has read. */
static void on_turn(void *arg)
{
    struct kith_ut *u = arg;
    u->turn.open = false;
}

void kith_ut_turn(struct kith_ut *u)
{
    if (u->turn.open) return;
    u->turn.open = true;
    /* Sockets share alike, so that none can starve another. */
    for (size_t i = 0; i < u->socket_count; i++)
        u->sockets[i].packets_left = PACKETS_TURN / (unsigned)u->socket_count;
    /* Whoever had to wait and now has nothing to read loses its turn. */
    if (u->turn.bytes_left == STREAM_TURN) u->turn.round++, u->turn.waiting = 0;
    u->turn.bytes_left = STREAM_TURN;
    u->host->timer_set(u->turn.timer, 0);
}

/* Streams that a turn had no bytes left for come first in the next: else those that the system
 * lists first could have all of every turn. */
size_t kith_ut_stream_share(struct kith_ut_stream *s, size_t want)
{
    struct kith_ut *u = s->owner;
    kith_ut_turn(u);
    bool waits = s->waits_in == u->turn.round;
    if (u->turn.waiting && !waits) return 0;
    if (!u->turn.bytes_left) {
        if (!waits) u->turn.waiting++;
        s->waits_in = u->turn.round;
        return 0;
    }
    kith_ut_stream_waits_no_more(s);
    size_t share = want < u->turn.bytes_left ? want : u->turn.bytes_left;
    u->turn.bytes_left -= share;
    return share;
}

void kith_ut_stream_waits_no_more(struct kith_ut_stream *s)
{
    struct kith_ut *u = s->owner;
    if (s->waits_in == u->turn.round && u->turn.waiting) u->turn.waiting--;
    s->waits_in = 0;
}

/* ------------------------------------------------------------------------------------- later */

void kith_ut_later(struct kith_ut *u) { u->host->timer_set(u->later.timer, 0); }

void kith_ut_later_tell(struct kith_ut *u)
{
    for (size_t i = 0; i < u->later.hint_count; i++)
        u->up->peer_unreachable(u->up, &u->later.hints[i]);
    u->later.hint_count = 0;
    if (u->later.changed) u->up->changed(u->up, u->later.changed);
    u->later.changed = 0;
}

void kith_ut_say_unreachable(struct kith_ut *u, const struct kith_addr *a)
{
    for (size_t i = 0; i < u->later.hint_count; i++)
        if (kith_addr_equal(&u->later.hints[i], a)) return;
    if (!u->later.hints) u->later.hints = malloc(KITH_UT_HINTS_MAX * sizeof *u->later.hints);
    if (!u->later.hints || u->later.hint_count == KITH_UT_HINTS_MAX) {
        ++*u->count.hints_dropped;
        return;
    }
    u->later.hints[u->later.hint_count++] = *a;
    kith_ut_later(u);
}

void kith_ut_say_changed(struct kith_ut *u, uint32_t what)
{
    u->later.changed |= what;
    kith_ut_later(u);
}

/* -------------------------------------------------------------------------------------- life */

int kith_ut_later_start(struct kith_ut *u, void (*tell)(void *arg), struct kith_error *err)
{
    u->turn.timer = u->host->timer(u->host, on_turn, u);
    u->later.timer = u->host->timer(u->host, tell, u);
    u->turn.open = false;
    u->turn.round = 1;
    u->turn.waiting = 0;
    if (u->turn.timer && u->later.timer) return 0;
    return kith_fail(err, KITH_ENOMEM, "out of memory");
}

void kith_ut_later_stop(struct kith_ut *u)
{
    if (u->turn.timer) u->host->timer_free(u->turn.timer);
    if (u->later.timer) u->host->timer_free(u->later.timer);
    u->turn.timer = u->later.timer = NULL;
    free(u->later.hints);
    u->later.hints = NULL;
    u->later.hint_count = 0;
    u->later.changed = 0;
}
