/*
 * odd_transport.c - see odd_transport.h.
 */
#include "odd_transport.h"

struct odd odd;

struct instance {
    const char *name;
    const struct kith_host *host;
    struct kith_timer *timer;
};

static uint64_t last_id = 100;
static uint32_t peer_provides;
static const char *peer_identity = "";

void odd_reset(void)
{
    void *self = odd.self;
    const struct kith_host *host = odd.host;
    memset(&odd, 0, sizeof odd);
    odd.self = self;
    odd.host = host;
    odd.reading = true;
    odd_peer_is(0, "");
}

void odd_peer_is(uint32_t provides, const char *identity)
{
    peer_provides = provides;
    peer_identity = identity;
}

static void to_addr(const char *text, struct kith_addr *a)
{
    memset(a, 0, sizeof *a);
    a->len = (uint8_t)strlen(text);
    memcpy(a->bytes, text, a->len);
}

static void to_text(const struct kith_peer *peer, char out[129])
{
    size_t len = peer->addr ? peer->addr->len : 0;
    if (len) memcpy(out, peer->addr->bytes, len);
    out[len] = 0;
}

void odd_up(enum odd_upcall what, const char *text, uint64_t id, struct kith_bytes data, int number)
{
    const struct kith_uplink *up = odd.host->uplink;
    struct kith_addr addr;
    struct kith_peer peer = {.size = sizeof peer,
                             .provides = peer_provides,
                             .addr = &addr,
                             .identity = kith_text(peer_identity)};
    uint8_t storage[4096];
    struct kith_buf buf = {.base = storage, .data = storage + 64, .cap = sizeof storage};
    to_addr(text, &addr);
    if (what == ODD_ACCEPTED) {
        if (!id) id = ++last_id;
        odd.id = id;
    } else if (!id) {
        id = odd.id;
    }
    switch (what) {
    case ODD_PACKET_IN:
        buf.len = data.len < sizeof storage - 128 ? data.len : sizeof storage - 128;
        if (buf.len) memcpy(buf.data, data.data, buf.len);
        up->packet_in(up, &peer, &buf, odd.host->now(odd.host));
        break;
    case ODD_ACCEPTED: odd.accepted_refused += up->stream_accepted(up, id, &peer) != 0; break;
    case ODD_OPENED: up->stream_opened(up, id, &peer); break;
    case ODD_DATA: up->stream_data(up, id, data); break;
    case ODD_WRITABLE: up->stream_writable(up, id); break;
    case ODD_END: up->stream_end(up, id); break;
    case ODD_CLOSED: up->stream_closed(up, id, number); break;
    case ODD_CHANGED: up->changed(up, (uint32_t)number); break;
    case ODD_UNREACHABLE: up->peer_unreachable(up, &addr); break;
    default: break;
    }
}

/* Counts, makes the upcall that is asked for, and says what to return. */
static int called(enum odd_call which)
{
    static const uint8_t byte[1] = {13};
    odd.call[which].calls++;
    if (odd.call[which].also) odd.call[which].also();
    if (odd.call[which].upcall && odd.host && odd.host->uplink) {
        uint64_t opened = odd.id;
        odd.upcalls_made++;
        odd_up(odd.call[which].upcall, "odd/from-inside", odd.call[which].id,
               kith_bytes_of(byte, 1), odd.call[which].upcall == ODD_CLOSED ? -KITH_EIO : 1);
        odd.id = opened;
    }
    if (odd.fails_once != which || which == ODD_INIT) return odd.call[which].rc;
    odd.fails_once = ODD_INIT;
    return -KITH_EIO;
}

/* -------------------------------------------------------------------------------------- life */

static void on_timer(void *arg) {}

static int init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct instance *in = self;
    in->host = host;
    int rc = called(ODD_INIT);
    return rc < 0 ? kith_fail(err, (enum kith_code)(-rc), "odd: init was told to fail") : rc;
}

static int run(struct instance *in, enum odd_call which, struct kith_error *err)
{
    const struct kith_host *before = odd.host;
    odd.host = in->host;
    int rc = called(which);
    if (rc) {
        odd.host = before;
        return rc < 0 ? kith_fail(err, (enum kith_code)(-rc), "odd: it was told to fail") : rc;
    }
    const struct kith_event begun = {.size = sizeof begun, .name = kith_text("begun")};
    if (odd.emits) odd.emit_rc = in->host->emit(in->host, &begun, NULL, NULL);
    in->timer = in->host->timer(in->host, on_timer, in);
    odd.self = in;
    odd.reading = true;
    return 0;
}

static int start(void *self, struct kith_error *err) { return run(self, ODD_START, err); }

static void let_go(struct instance *in)
{
    if (in->timer && !odd.leaves_timer) in->host->timer_free(in->timer);
    in->timer = NULL;
}

static int adopt(void *self, void *old, struct kith_error *err)
{
    int rc = run(self, ODD_ADOPT, err);
    if (!rc) let_go(old);
    return rc;
}

static void stop(void *self)
{
    called(ODD_STOP);
    let_go(self);
    if (odd.self == self) odd.self = NULL;
}

static void fini(void *self) { called(ODD_FINI); }

static int refresh(void *self, uint32_t what, struct kith_error *err)
{
    return called(ODD_REFRESH);
}

static int command(void *self, const struct kith_call *call, struct kith_error *err)
{
    const struct instance *in = self;
    int rc = called(ODD_COMMAND);
    if (!rc && call->count) in->host->reply(in->host, call->id, call->words[0]);
    return rc;
}

/* --------------------------------------------------------------------------------- addresses */

static void limits(void *self, struct kith_limits *out)
{
    called(ODD_LIMITS);
    out->provides = odd.limits.provides;
    out->packet = odd.packet_is_zero ? 0 : odd.limits.packet ? odd.limits.packet : 1400;
    out->stream_window = odd.limits.stream_window;
    out->headroom = odd.limits.headroom;
    out->tailroom = odd.limits.tailroom;
}

static size_t packet_limit(void *self, const struct kith_peer *to)
{
    called(ODD_PACKET_LIMIT);
    if (odd.packet_limit) return odd.packet_limit;
    return odd.limits.packet ? (size_t)odd.limits.packet : 1400;
}

static int advertise(void *self, struct kith_addr *out, struct kith_error *err)
{
    const struct instance *in = self;
    int rc = called(ODD_ADVERTISE);
    if (rc) return rc < 0 ? kith_fail(err, (enum kith_code)(-rc), "odd: no address") : rc;
    to_addr(*odd.advertise ? odd.advertise : in->name, out);
    return 0;
}

static int parse(void *self, struct kith_bytes text, struct kith_addr *out, struct kith_bytes *host)
{
    int rc = called(ODD_PARSE);
    if (rc) return rc;
    if (!text.len || text.len > KITH_ADDR_MAX || *text.data == '!') return -KITH_EINVAL;
    memset(out, 0, sizeof *out);
    if (*text.data == '?') {
        *host = kith_bytes_of(text.data + 1, text.len - 1);
        return -KITH_ENAME;
    }
    out->len = (uint8_t)text.len;
    memcpy(out->bytes, text.data, text.len);
    return 0;
}

static int format(void *self, const struct kith_addr *a, char *out, size_t cap)
{
    int rc = called(ODD_FORMAT);
    if (odd.format_fills && cap) memset(out, 'x', cap);
    if (odd.format_fills) return 3;
    return rc ? rc : snprintf(out, cap, "%.*s", a->len, (const char *)a->bytes);
}

/* ----------------------------------------------------------------------------------- traffic */

static int send_packet(void *self, const struct kith_peer *to, struct kith_buf *b)
{
    to_text(to, odd.to);
    odd.headroom = kith_buf_headroom(b);
    odd.tailroom = kith_buf_tailroom(b);
    odd.packet_len = b->len < sizeof odd.packet ? b->len : sizeof odd.packet;
    memcpy(odd.packet, b->data, odd.packet_len);
    return called(ODD_SEND_PACKET);
}

static void flush(void *self) { called(ODD_FLUSH); }

static int stream_open(void *self, const struct kith_peer *to, uint64_t *id)
{
    int rc = called(ODD_STREAM_OPEN);
    if (rc) return rc;
    to_text(to, odd.to);
    *id = odd.id = odd.next_id ? odd.next_id : ++last_id;
    return 0;
}

static int64_t stream_write(void *self, uint64_t id, struct kith_bytes b)
{
    size_t room = sizeof odd.written - odd.written_len, take = b.len;
    int rc = called(ODD_STREAM_WRITE);
    if (rc || odd.writes) return rc ? rc : odd.writes;
    if (odd.write_room && take > odd.write_room) take = odd.write_room;
    memcpy(odd.written + odd.written_len, b.data, take < room ? take : room);
    odd.written_len += take < room ? take : room;
    return (int64_t)take;
}

static void stream_finish(void *self, uint64_t id) { called(ODD_STREAM_FINISH); }

static void stream_reset(void *self, uint64_t id) { called(ODD_STREAM_RESET); }

static void stream_read(void *self, uint64_t id, bool on)
{
    odd.reading = on;
    called(ODD_STREAM_READ);
}

static void member_gone(void *self, const struct kith_peer *peer)
{
    to_text(peer, odd.gone);
    called(ODD_MEMBER_GONE);
}

static const struct kith_transport_ops ops = {
    .size = sizeof ops,
    .limits = limits,
    .packet_limit = packet_limit,
    .advertise = advertise,
    .parse = parse,
    .format = format,
    .send_packet = send_packet,
    .flush = flush,
    .stream_open = stream_open,
    .stream_write = stream_write,
    .stream_finish = stream_finish,
    .stream_reset = stream_reset,
    .stream_read = stream_read,
    .member_gone = member_gone,
};

static const struct kith_param params[] = {
    KITH_PARAM(struct instance, name, STRING, 0, "odd/a", "1", "128", "Its address"),
    KITH_PARAM_END,
};

const struct kith_plugin odd_transport = {
    KITH_HEADER(TRANSPORT),
    .name = "odd",
    .version = "1",
    .summary = "a transport that breaks its contract on demand",
    .instance_size = sizeof(struct instance),
    .params = params,
    .ops = &ops,
    .init = init,
    .start = start,
    .adopt = adopt,
    .stop = stop,
    .fini = fini,
    .refresh = refresh,
    .command = command,
};
