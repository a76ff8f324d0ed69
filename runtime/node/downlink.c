/*
 * downlink.c - the calls of a transport. Each is marked while it lasts, so that an upcall from
 * inside of it is noticed, and what it returns is made into what the header promises. Who has come
 * to its end is not called. Knows what a transport may return, not what anybody does with it.
 */
#include "inside.h"
#include "slow.h"
#include <assert.h>

/* What only asks may come from init to fini, but not to who failed or has handed over... */
static bool answers(const struct kith_link *l)
{
    if (!l->in) return false;
    enum kith_instance_state state = l->in->state;
    return state == KITH_INSTANCE_RUNNING || state == KITH_INSTANCE_MADE ||
           state == KITH_INSTANCE_STOPPED;
}

/* ...all else only to who runs. */
static bool works(const struct kith_link *l) { return l->in && kith_instance_runs(l->in); }

static bool sends(const struct kith_link *l) { return works(l) && !*l->mute; }

/* The one way in for what only asks, which may be called from inside an upcall... */
static const char *ask(struct kith_link *l, const char *call)
{
    const char *outer = l->k->call;
    l->k->call = call;
    kith_instance_enter(l->in);
    return outer;
}

/* ...and for all else, which may not. */
static const char *enter(struct kith_link *l, const char *call)
{
    assert(!l->k->told);
    return ask(l, call);
}

static void leave(struct kith_link *l, const char *outer)
{
    kith_instance_leave(l->in);
    l->k->call = outer;
}

static void see_slow(struct kith_link *l, const char *call, struct kith_slow timed)
{
    uint64_t took = kith_slow_end(timed);
    if (took) kith_instance_slow(l->in, call, took);
}

/* 0 or a negative code, whatever it returned. */
static int sound(struct kith_link *l, const char *call, int rc)
{
    if (rc > 0) kith_instance_blame(l->in, "%s returned %d", call, rc);
    return kith_code_of(rc);
}

/* ------------------------------------------------------------------------------ it only asks */

struct kith_limits kith_link_limits(struct kith_link *l)
{
    KITH_LEND(kith_limits, lent);
    if (!answers(l)) return lent.out;
    const char *outer = ask(l, "limits");
    l->ops->limits(l->self, &lent.out);
    leave(l, outer);
    return lent.out;
}

int kith_link_check(struct kith_link *l, struct kith_error *err)
{
    struct kith_limits limits = kith_link_limits(l);
    if (limits.packet && limits.headroom <= UINT16_MAX && limits.tailroom <= UINT16_MAX) return 0;
    kith_error_clear(err);
    if (!limits.packet)
        (void)kith_fail(err, KITH_EINVAL, "limits: its largest packet has 0 bytes");
    else
        (void)kith_fail(err, KITH_EINVAL, "limits: it wants %u and %u bytes around a packet",
                        limits.headroom, limits.tailroom);
    return kith_instance_failed(l->in, -KITH_EINVAL, "say its limits", err);
}

size_t kith_link_packet_limit(struct kith_link *l, const struct kith_peer *to)
{
    if (!l->ops->packet_limit || !answers(l)) return SIZE_MAX;
    const char *outer = ask(l, "packet_limit");
    size_t limit = l->ops->packet_limit(l->self, to);
    leave(l, outer);
    return limit;
}

/* Zero the rest of the struct: no stale bytes may follow what the transport wrote. */
static int sound_addr(struct kith_link *l, const char *call, struct kith_addr *addr)
{
    if (kith_addr_given(addr)) return 0;
    kith_instance_blame(l->in, "%s gave an address of %u bytes", call, addr->len);
    return -KITH_EIO;
}

int kith_link_advertise(struct kith_link *l, struct kith_addr *out, struct kith_error *err)
{
    memset(out, 0, sizeof *out);
    kith_error_clear(err);
    if (!works(l)) return kith_fail(err, KITH_ECLOSED, "the transport does not run");
    const char *outer = enter(l, "advertise");
    struct kith_slow timed = kith_slow_begin();
    int rc = l->ops->advertise(l->self, out, err);
    see_slow(l, "advertise", timed);
    leave(l, outer);
    if (rc == -KITH_EAGAIN) return rc;
    rc = rc ? sound(l, "advertise", rc) : sound_addr(l, "advertise", out);
    return rc ? kith_instance_failed(l->in, rc, "say where it can be reached", err) : 0;
}

static bool within(struct kith_bytes part, struct kith_bytes whole)
{
    return part.len && part.len <= whole.len && part.data >= whole.data &&
           part.data + part.len <= whole.data + whole.len;
}

int kith_link_parse(struct kith_link *l, struct kith_bytes text, struct kith_addr *out,
                    struct kith_bytes *host)
{
    memset(out, 0, sizeof *out);
    *host = kith_bytes_of(NULL, 0);
    if (!answers(l)) return -KITH_ECLOSED;
    const char *outer = ask(l, "parse");
    int rc = l->ops->parse(l->self, text, out, host);
    leave(l, outer);
    if (!rc) return sound_addr(l, "parse", out);
    if (rc != -KITH_ENAME || within(*host, text)) return sound(l, "parse", rc);
    kith_instance_blame(l->in, "parse gave a name that is no part of the text");
    return -KITH_EINVAL;
}

int kith_link_format(struct kith_link *l, const struct kith_addr *addr, char *out, size_t cap)
{
    if (cap) memset(out, 0, cap); /* nothing of ours is in what it did not write */
    if (!answers(l)) return -KITH_ECLOSED;
    const char *outer = ask(l, "format");
    int n = l->ops->format(l->self, addr, out, cap);
    leave(l, outer);
    if (n < 0) return kith_code_of(n);
    size_t end = (size_t)n < cap ? (size_t)n : cap - 1;
    if (!cap || !out[end]) return n;
    kith_instance_blame(l->in, "format left a text without an end");
    out[end] = 0;
    return n;
}

/* ------------------------------------------------------------------------------- it does work */

int kith_link_send_packet(struct kith_link *l, const struct kith_peer *to, struct kith_buf *buf)
{
    if (!sends(l)) return *l->mute ? -KITH_EPOLICY : -KITH_ECLOSED;
    const char *outer = enter(l, "send_packet");
    int rc = l->ops->send_packet(l->self, to, buf);
    leave(l, outer);
    return rc ? sound(l, "send_packet", rc) : 0;
}

/* Of the calls that a turn makes often only this one is timed: looking at the clock for each packet
 * would cost more than some transports do. */
void kith_link_flush(struct kith_link *l)
{
    if (!l->ops->flush || !works(l)) return;
    const char *outer = enter(l, "flush");
    struct kith_slow timed = kith_slow_begin();
    l->ops->flush(l->self);
    see_slow(l, "flush", timed);
    leave(l, outer);
}

int kith_link_open(struct kith_link *l, const struct kith_peer *to, uint64_t *id)
{
    *id = 0;
    if (!l->ops->stream_open) return -KITH_EUNSUPPORTED;
    if (!sends(l)) return *l->mute ? -KITH_EPOLICY : -KITH_ECLOSED;
    const char *outer = enter(l, "stream_open");
    struct kith_slow timed = kith_slow_begin();
    int rc = l->ops->stream_open(l->self, to, id);
    see_slow(l, "stream_open", timed);
    leave(l, outer);
    if (rc) return sound(l, "stream_open", rc);
    if (*id) return 0;
    kith_instance_blame(l->in, "stream_open gave the id 0");
    return -KITH_EIO;
}

int64_t kith_link_write(struct kith_link *l, uint64_t id, struct kith_bytes bytes)
{
    if (!sends(l)) return *l->mute ? -KITH_EPOLICY : -KITH_ECLOSED;
    const char *outer = enter(l, "stream_write");
    struct kith_slow timed = kith_slow_begin();
    int64_t n = l->ops->stream_write(l->self, id, bytes);
    see_slow(l, "stream_write", timed);
    leave(l, outer);
    if (n < 0) return n >= -(int64_t)KITH_ENAME ? n : -KITH_EIO; /* not cut to an int before */
    if (n <= (int64_t)bytes.len) return n;
    kith_instance_blame(l->in, "stream_write took %lld of %zu bytes", (long long)n, bytes.len);
    return -KITH_EIO;
}

void kith_link_finish(struct kith_link *l, uint64_t id)
{
    if (!works(l)) return;
    const char *outer = enter(l, "stream_finish");
    l->ops->stream_finish(l->self, id);
    leave(l, outer);
}

void kith_link_reset(struct kith_link *l, uint64_t id)
{
    if (!works(l)) return;
    const char *outer = enter(l, "stream_reset");
    l->ops->stream_reset(l->self, id);
    leave(l, outer);
}

void kith_link_read(struct kith_link *l, uint64_t id, bool on)
{
    if (!l->ops->stream_read || !works(l)) return;
    const char *outer = enter(l, "stream_read");
    l->ops->stream_read(l->self, id, on);
    leave(l, outer);
}

void kith_link_gone(struct kith_link *l, const struct kith_peer *peer)
{
    if (!l->ops->member_gone || !works(l)) return;
    const char *outer = enter(l, "member_gone");
    l->ops->member_gone(l->self, peer);
    leave(l, outer);
}
