/*
 * victim.c - see victim.h.
 */
#include "victim.h"
#include "config.h"

#include "wire.h"

enum { MEMBERS_MAX = 500, OUTPUTS_MAX = 100000 };

static const struct kith_addr peer_addr = {.port = 7946, .len = 4, .bytes = {127, 0, 0, 2}};
static const struct kith_peer peer = {
    .size = sizeof peer, .addr = &peer_addr, .identity = {(const uint8_t *)"a", 1}};

/* ------------------------------------------------------------------------------ the delegate */

static void look(void *self, struct kith_bytes b)
{
    struct victim *v = self;
    for (size_t i = 0; i < b.len; i++) v->sum += b.data[i];
}

static void look_at_member(void *self, const struct kith_member *m)
{
    struct victim *v = self;
    look(v, m->name);
    look(v, m->meta);
    look(v, m->accuser);
    look(v, kith_bytes_of(m->addr.bytes, m->addr.len));
    FUZZ_CHECK(m->name.data[m->name.len] == 0);
    FUZZ_CHECK(m->addr.len <= KITH_ADDR_MAX);
}

static int node_meta(void *self, uint8_t *out, size_t cap)
{
    memcpy(out, "meta", cap < 4 ? cap : 4);
    return cap < 4 ? (int)cap : 4;
}

static void look_at_peer(void *self, const struct kith_peer *from)
{
    look(self, kith_bytes_of(from->addr->bytes, from->addr->len));
    look(self, from->name);
    look(self, from->identity);
}

static void message(void *self, const struct kith_message *m)
{
    look_at_peer(self, m->peer);
    look(self, m->bytes);
}

static void local_state(void *self, bool join, const struct kith_sink *sink)
{
    sink->write(sink, kith_text("state"));
}

static void event(void *self, const struct kith_event *e)
{
    if (e->member) look_at_member(self, e->member);
    if (e->other) look_at_member(self, e->other);
    look(self, e->data);
}

static int judge(void *self, const struct kith_claim *c, struct kith_error *e)
{
    for (size_t i = 0; i < c->count; i++) look_at_member(self, kith_claim_member(c, i));
    if (c->from) look_at_peer(self, c->from);
    /* a veto now and then */
    return c->count == 1 && c->members->name.len == 13 ? -KITH_EREFUSED : 0;
}

static int ack_payload(void *self, uint8_t *out, size_t cap) { return node_meta(self, out, cap); }

static int seal_meta(void *self, const struct kith_member *local, uint8_t *meta, size_t len,
                     size_t cap)
{
    look_at_member(self, local);
    if (cap - len < 4) return -KITH_ETOOBIG;
    memcpy(meta + len, &local->incarnation, 4);
    return (int)len + 4;
}

static const struct kith_delegate_ops ops = {
    .size = sizeof ops,
    .judges = UINT64_MAX,
    .event = event,
    .message = message,
    .remote_state = message,
    .judge = judge,
    .node_meta = node_meta,
    .seal_meta = seal_meta,
    .local_state = local_state,
    .ack_payload = ack_payload,
};

static void quiet(void *ctx, enum kith_log_level level, const struct kith_addr *whom,
                  const char *fmt, va_list ap)
{
    char line[512];
    vsnprintf(line, sizeof line, fmt, ap);
}

static struct kith_core_budget budget(void *ctx, const struct kith_peer *to)
{
    return (struct kith_core_budget){1400, "udp_buffer_size"};
}

/* ---------------------------------------------------------------------------------- the node */

static void count_packet(struct victim *v, const struct kith_output *out)
{
    const uint8_t *p = out->buf->data;
    size_t len = out->buf->len;
    FUZZ_CHECK(len > 0 && out->peer.addr->len <= KITH_ADDR_MAX);
    FUZZ_CHECK(kith_buf_headroom(out->buf) >= 32 && kith_buf_tailroom(out->buf) >= 32);
    look(v, kith_bytes_of(p, len));
    v->packets++;
    struct kith_compound parts;
    struct kith_bytes part = {p, len};
    if (p[0] == KITH_MSG_COMPOUND) {
        FUZZ_CHECK(kith_compound_open(&parts, p + 1, len - 1) == 0 &&
                   parts.count <= KITH_COMPOUND_MAX);
        while (kith_compound_next(&parts, &part)) {
            FUZZ_CHECK(part.len > 0);
            v->acks += part.data[0] == KITH_MSG_ACK;
        }
        FUZZ_CHECK(parts.truncated == 0);
    } else {
        v->acks += p[0] == KITH_MSG_ACK;
    }
}

void victim_drain(struct victim *v)
{
    struct kith_output out;
    size_t n = 0;
    while (kith_core_poll(v->core, &out)) {
        FUZZ_CHECK(++n < OUTPUTS_MAX);
        if (out.kind == KITH_OUT_PACKET) count_packet(v, &out);
        if (out.kind == KITH_OUT_DIAL) v->dialled = out.stream;
        if (out.kind == KITH_OUT_WRITE) look(v, out.bytes);
    }
}

void victim_pass(struct victim *v, uint64_t ns)
{
    const uint64_t until = v->now + ns;
    for (int i = 0; i < 10000; i++) {
        uint64_t next = kith_core_deadline(v->core);
        if (next > until) break;
        if (next > v->now) v->now = next;
        kith_core_tick(v->core, v->now);
        victim_drain(v);
    }
    v->now = until;
    kith_core_tick(v->core, v->now);
    victim_drain(v);
}

void victim_packet(struct victim *v, const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len + !len);
    if (!copy) exit(2);
    if (len) memcpy(copy, data, len);
    kith_core_packet(v->core, v->now, v->now, &peer, copy, len, len);
    free(copy);
    victim_drain(v);
}

static void introduce(struct victim *v, char letter)
{
    uint8_t storage[128], addr[4] = {127, 0, 0, (uint8_t)letter}, vsn[6] = {1, 5, 2, 0, 0, 0};
    struct kith_buf buf = {storage, storage, 0, sizeof storage};
    struct kith_msg m = {.type = KITH_MSG_ALIVE,
                         .incarnation = 1,
                         .node = {(uint8_t *)&letter, 1},
                         .addr = {addr, 4},
                         .port = 7946,
                         .vsn = {vsn, 6}};
    FUZZ_CHECK(kith_wire_write_message(&buf, &m) == 0);
    victim_packet(v, buf.data, buf.len);
}

void victim_begin(struct victim *v)
{
    *v = (struct victim){.now = 1000000000};
    struct kith_core_config config = {
        .advertise = {.port = 7946, .len = 4, .bytes = {127, 0, 0, 1}},
        .default_port = 7946,
        .headroom = 32,
        .tailroom = 32};
    struct kith_core_env env = {
        .ctx = v, .log = quiet, .packet_budget = budget, .delegate = &ops, .delegate_self = v};
    struct kith_config defaults;
    kith_config_init(&defaults, KITH_PROFILE_LAN);
    config.settings = defaults.settings;
    config.settings.name = "self";
    config.settings.max_members = MEMBERS_MAX;
    FUZZ_CHECK(kith_core_new(&v->core, &config, &env, 42, v->now, NULL) == 0);
    FUZZ_CHECK(kith_core_start(v->core, v->now, NULL) == 0);
    victim_drain(v);
    for (char letter = 'a'; letter <= 'c'; letter++) introduce(v, letter);
}

void victim_end(struct victim *v)
{
    static const uint8_t ping[] = {0,   0x82, 0xa4, 'N', 'o', 'd', 'e', 0xa4, 's', 'e',
                                   'l', 'f',  0xa5, 'S', 'e', 'q', 'N', 'o',  9};
    struct kith_member self = {.size = sizeof self};
    size_t acks = v->acks;
    victim_packet(v, ping, sizeof ping);
    FUZZ_CHECK(v->acks == acks + 1);
    kith_core_self(v->core, &self);
    FUZZ_CHECK(self.state == KITH_ALIVE);
    FUZZ_CHECK(self.name.len == 4 && memcmp(self.name.data, "self", 4) == 0);
    FUZZ_CHECK(kith_core_size(v->core) <= MEMBERS_MAX);
    kith_core_free(v->core);
}
