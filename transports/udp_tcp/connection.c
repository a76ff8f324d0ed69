/*
 * connection.c - the table of connections, and how one ends. Knows nothing of how they begin or of
 * the bytes on them.
 *
 * An id is the slot of the stream in a table (low 16 bits, from 1) and how many streams there were
 * before (high 48 bits): found at once, and never given again. A stream that ends loses its
 * connection at once; that it is closed is said later from the loop, so that the node is never
 * called from inside its own call.
 */
#include "connection.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { SLOTS_MAX = 65535 };

/* ------------------------------------------------------------------------------------- table */

struct kith_ut_stream *kith_ut_stream_find(struct kith_ut *u, uint64_t id)
{
    size_t slot = (id & 0xffff) - 1u;
    struct kith_ut_stream *s = slot < u->slot_count ? u->slots[slot].stream : NULL;
    return s && s->id == id && s->fd >= 0 ? s : NULL;
}

bool kith_ut_stream_add(struct kith_ut *u, struct kith_ut_stream *s)
{
    size_t slot = u->free_slot;
    if (slot) {
        slot--;
        u->free_slot = u->slots[slot].next_free;
    } else {
        if (u->slot_count == SLOTS_MAX) return false;
        if (u->slot_count == u->slot_cap) {
            size_t cap = u->slot_cap ? 2 * u->slot_cap : 64;
            void *slots = realloc(u->slots, cap * sizeof *u->slots);
            if (!slots) return false;
            u->slots = slots;
            u->slot_cap = cap;
        }
        slot = u->slot_count++;
    }
    u->slots[slot].stream = s;
    s->id = ++u->last_stream << 16 | (slot + 1);
    return true;
}

static void give_slot(struct kith_ut *u, uint64_t id)
{
    size_t slot = (id & 0xffff) - 1u;
    u->slots[slot].stream = NULL;
    u->slots[slot].next_free = u->free_slot;
    u->free_slot = slot + 1;
}

/* Who counts as one source: an IPv4 address, or an IPv6 /64, which one host may use as it likes. */
static size_t source_len(const struct kith_addr *a) { return a->len == 4 ? 4 : 8; }

/* Multiply and shift (Dietzfelbinger 1996): without the key any two sources share a list with a
 * chance of 1 in 256, whoever chose them. */
struct kith_ut_stream **kith_ut_streams_of(struct kith_ut *u, const struct kith_addr *a)
{
    const uint64_t *key = u->source_key;
    uint32_t half[2] = {0, 0};
    memcpy(half, a->bytes, source_len(a));
    return &u->sources[(key[0] * half[0] + key[1] * half[1] + key[2]) >> 56];
}

uint32_t kith_ut_streams_from(struct kith_ut *u, const struct kith_addr *a)
{
    uint32_t n = 0;
    for (struct kith_ut_stream *s = *kith_ut_streams_of(u, a); s; s = s->next_of_source)
        n += s->peer.len == a->len && memcmp(s->peer.bytes, a->bytes, source_len(a)) == 0;
    return n;
}

void kith_ut_stream_arm(struct kith_ut_stream *s)
{
    unsigned events = s->connecting || s->blocked ? KITH_WRITABLE : 0;
    if (!s->connecting && !s->paused && !s->got_end) events |= KITH_READABLE;
    if (!(events & KITH_READABLE)) kith_ut_stream_waits_no_more(s);
    s->owner->host->watch_set(s->watch, events);
}

/* ------------------------------------------------------------------------------------- end */

void kith_ut_listeners_watch(struct kith_ut *u, bool on)
{
    for (size_t i = 0; i < u->socket_count; i++)
        if (u->sockets[i].tcp_watch)
            u->host->watch_set(u->sockets[i].tcp_watch, on ? KITH_READABLE : 0);
}

void kith_ut_keep_reserve(struct kith_ut *u)
{
    if (u->running && u->reserve <= 0) u->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* There is a descriptor: who waits for one need not wait longer. */
static void accept_more(struct kith_ut *u)
{
    kith_ut_keep_reserve(u);
    if (u->running && u->accept_delay) u->host->timer_set(u->accept_timer, 0);
}

void kith_ut_stream_hang_up(struct kith_ut_stream *s, bool reset)
{
    struct kith_ut *u = s->owner;
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (s->fd < 0) return;
    kith_ut_stream_waits_no_more(s);
    if (s->watch) u->host->watch_free(s->watch);
    if (s->timer) u->host->timer_free(s->timer);
    s->watch = NULL;
    s->timer = NULL;
    if (reset) setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(s->fd);
    s->fd = -1;
    accept_more(u);
    if (!s->inbound) return;
    struct kith_ut_stream **at = kith_ut_streams_of(u, &s->peer);
    while (*at != s) at = &(*at)->next_of_source;
    *at = s->next_of_source;
    u->inbound--;
    if (u->accept_paused && u->inbound < u->max_connections && u->running) {
        u->accept_paused = false;
        kith_ut_listeners_watch(u, true);
    }
}

void kith_ut_stream_forget(struct kith_ut_stream *s)
{
    give_slot(s->owner, s->id);
    free(s);
}

void kith_ut_streams_say_closed(struct kith_ut *u)
{
    while (u->ended) {
        struct kith_ut_stream *s = u->ended;
        uint64_t id = s->id;
        int reason = s->reason;
        u->ended = s->next_ended;
        kith_ut_stream_forget(s);
        u->up->stream_closed(u->up, id, reason);
    }
}

void kith_ut_stream_end(struct kith_ut_stream *s, int reason)
{
    struct kith_ut *u = s->owner;
    if (s->fd < 0) return;
    if (reason == -KITH_ETIMEOUT && !s->connecting) ++*u->count.streams_timed_out;
    if (s->connecting) ++*u->count.streams_failed;
    if (s->connecting && (reason == -KITH_EREFUSED || reason == -KITH_EUNREACHABLE))
        kith_ut_say_unreachable(u, &s->peer);
    kith_ut_stream_hang_up(s, reason != 0);
    s->reason = reason;
    struct kith_ut_stream **end = &u->ended;
    while (*end) end = &(*end)->next_ended;
    *end = s;
    kith_ut_later(u);
}

void kith_ut_stream_reset(void *self, uint64_t id)
{
    struct kith_ut *u = self;
    struct kith_ut_stream *s = kith_ut_stream_find(u, id);
    if (!s) {
        /* It ended by itself a moment ago: then nobody wants to hear of it any more. */
        for (struct kith_ut_stream **at = &u->ended; *at; at = &(*at)->next_ended) {
            if ((*at)->id != id) continue;
            s = *at;
            *at = s->next_ended;
            kith_ut_stream_forget(s);
            return;
        }
        return;
    }
    kith_ut_stream_hang_up(s, true);
    kith_ut_stream_forget(s);
}

int kith_ut_stream_failed(struct kith_ut_stream *s, int error)
{
    kith_ut_failed(s->owner, KITH_UT_STREAMS, &s->peer, error);
    return kith_ut_stream_code(error);
}

int kith_ut_stream_code(int error)
{
    switch (error) {
    case ECONNREFUSED: return -KITH_EREFUSED;
    case ECONNABORTED:
    case ECONNRESET:
    case EPIPE: return -KITH_ECLOSED;
    case ETIMEDOUT: return -KITH_ETIMEOUT;
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
    case EINVAL: /* from a loopback address to another machine */
    case EAFNOSUPPORT: return -KITH_EUNREACHABLE;
    case EACCES:
    case EPERM: return -KITH_EACCES;
    case ENOMEM:
    case ENOBUFS:
    case EMFILE:
    case ENFILE: return -KITH_ENOMEM;
    default: return -KITH_EIO;
    }
}
