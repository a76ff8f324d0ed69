/*
 * downlink.c - the calls of a transport. Each is marked while it lasts, so that an upcall from
 * inside of it is noticed, and what it returns is made into what the header promises. Knows what a
 * transport may return, not what anybody does with it.
 */
#include "inside.h"
#include <assert.h>

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

/* 0 or a negative code, whatever it returned. */
static int sound(struct kith_link *l, const char *call, int rc)
{
    if (rc > 0) kith_instance_blame(l->in, "%s returned %d", call, rc);
    return kith_code(rc);
}

/* ------------------------------------------------------------------------------ it only asks */

struct kith_limits kith_link_limits(struct kith_link *l)
{
    KITH_LEND(kith_limits, lent);
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
    if (!l->ops->packet_limit) return SIZE_MAX;
    const char *outer = ask(l, "packet_limit");
    size_t limit = l->ops->packet_limit(l->self, to);
    leave(l, outer);
    return limit;
}

/* Behind what a transport wrote there may be nothing of what was there before. */
static int sound_addr(struct kith_link *l, const char *call, struct kith_addr *addr)
{
    if (addr->len > 0 && addr->len <= KITH_ADDR_MAX) return 0;
    kith_instance_blame(l->in, "%s gave an address of %u bytes", call, addr->len);
    return -KITH_EIO;
}

int kith_link_advertise(struct kith_link *l, struct kith_addr *out, struct kith_error *err)
{
    memset(out, 0, sizeof *out);
    kith_error_clear(err);
    const char *outer = enter(l, "advertise");
    int rc = l->ops->advertise(l->self, out, err);
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
    if (cap) *out = 0;
    const char *outer = ask(l, "format");
    int n = l->ops->format(l->self, addr, out, cap);
    leave(l, outer);
    return n < 0 ? kith_code(n) : n;
}

/* ------------------------------------------------------------------------------- it does work */

int kith_link_send_packet(struct kith_link *l, const struct kith_peer *to, struct kith_buf *buf)
{
    const char *outer = enter(l, "send_packet");
    int rc = l->ops->send_packet(l->self, to, buf);
    leave(l, outer);
    return rc ? sound(l, "send_packet", rc) : 0;
}

void kith_link_flush(struct kith_link *l)
{
    if (!l->ops->flush) return;
    const char *outer = enter(l, "flush");
    l->ops->flush(l->self);
    leave(l, outer);
}

int kith_link_open(struct kith_link *l, const struct kith_peer *to, uint64_t *id)
{
    *id = 0;
    if (!l->ops->stream_open) return -KITH_EUNSUPPORTED;
    const char *outer = enter(l, "stream_open");
    int rc = l->ops->stream_open(l->self, to, id);
    leave(l, outer);
    if (rc) return sound(l, "stream_open", rc);
    if (*id) return 0;
    kith_instance_blame(l->in, "stream_open gave the id 0");
    return -KITH_EIO;
}

int64_t kith_link_write(struct kith_link *l, uint64_t id, struct kith_bytes bytes)
{
    const char *outer = enter(l, "stream_write");
    int64_t n = l->ops->stream_write(l->self, id, bytes);
    leave(l, outer);
    if (n <= (int64_t)bytes.len) return n;
    kith_instance_blame(l->in, "stream_write took %lld of %zu bytes", (long long)n, bytes.len);
    return -KITH_EIO;
}

void kith_link_finish(struct kith_link *l, uint64_t id)
{
    const char *outer = enter(l, "stream_finish");
    l->ops->stream_finish(l->self, id);
    leave(l, outer);
}

void kith_link_reset(struct kith_link *l, uint64_t id)
{
    const char *outer = enter(l, "stream_reset");
    l->ops->stream_reset(l->self, id);
    leave(l, outer);
}

void kith_link_read(struct kith_link *l, uint64_t id, bool on)
{
    if (!l->ops->stream_read) return;
    const char *outer = enter(l, "stream_read");
    l->ops->stream_read(l->self, id, on);
    leave(l, outer);
}

void kith_link_gone(struct kith_link *l, const struct kith_peer *peer)
{
    if (!l->ops->member_gone) return;
    const char *outer = enter(l, "member_gone");
    l->ops->member_gone(l->self, peer);
    leave(l, outer);
}
