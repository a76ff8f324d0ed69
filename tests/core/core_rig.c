/*
 * core_rig.c - see core_rig.h.
 */
#include "core_rig.h"

#include <packet.h>

static size_t budget(const struct rig *r, const struct kith_addr *to)
{
    size_t own = to && to->len ? r->budget_towards[to->bytes[to->len - 1]] : 0;
    return own ? own : r->budget;
}

static struct kith_core_budget packet_budget(void *ctx, const struct kith_peer *to)
{
    return (struct kith_core_budget){budget(ctx, to ? to->addr : NULL), "the rig's limit"};
}

static void count_log(void *ctx, enum kith_log_level level, const struct kith_addr *peer,
                      const char *fmt, va_list ap)
{
    char line[512];
    vsnprintf(line, sizeof line, fmt, ap); /* so that a wrong format is seen by the sanitizers */
    if (getenv("KITH_LOG")) printf("    [%d] %s\n", (int)level, line);
    struct rig *r = ctx;
    r->logged++;
    size_t n = strlen(r->log);
    snprintf(r->log + n, sizeof r->log - n, "%s\n", line);
}

/* -------------------------------------------------------------------------------------- life */

void rig_init(struct rig *r)
{
    *r = (struct rig){.now = RIG_EPOCH, .seed = 42, .budget = 1400, .meta_len = 0};
    r->config.settings = lan_settings("self");
    r->config.settings.relay_window = 0; /* byte for byte as memberlist; test_relay.c sets it */
    r->config.advertise = rig_addr(1);
    r->config.default_port = 7946;
    r->config.headroom = 64;
    r->config.tailroom = 32;
    r->env = (struct kith_core_env){.ctx = r,
                                    .log = count_log,
                                    .packet_budget = packet_budget,
                                    .delegate = rig_delegate(r),
                                    .delegate_self = r};
}

int rig_start(struct rig *r)
{
    struct kith_error err = {.size = sizeof err};
    r->env.delegate = rig_delegate(r);
    CU_ASSERT_EQUAL_FATAL(kith_core_new(&r->core, &r->config, &r->env, r->seed, r->now, &err), 0);
    int rc = kith_core_start(r->core, r->now, &err);
    rig_poll(r);
    return rc;
}

void rig_new(struct rig *r)
{
    rig_init(r);
    CU_ASSERT_EQUAL_FATAL(rig_start(r), 0);
    TOLD(*r, "join self;");
}

void rig_fini(struct rig *r)
{
    rig_clear(r);
    kith_core_free(r->core);
    free(r->outs);
    free(r->sent);
}

/* ------------------------------------------------------------------------------- messages in */

struct kith_addr rig_addr(unsigned n)
{
    return (struct kith_addr){
        .port = 7946, .len = 4, .bytes = {10, 0, (uint8_t)(n >> 8), (uint8_t)n}};
}

struct kith_bytes rig_str(const char *s)
{
    return s ? kith_bytes_of(s, strlen(s)) : kith_bytes_of(NULL, 0);
}

struct kith_peer rig_peer(const char *name, const struct kith_addr *addr)
{
    return (struct kith_peer){
        .size = sizeof(struct kith_peer), .addr = addr, .name = rig_str(name)};
}

struct kith_msg rig_alive_msg(const char *node, uint32_t inc, const struct kith_addr *a,
                              const char *meta)
{
    return (struct kith_msg){.type = KITH_MSG_ALIVE,
                             .incarnation = inc,
                             .node = rig_str(node),
                             .addr = kith_bytes_of(a->bytes, a->len),
                             .port = a->port,
                             .meta = rig_str(meta),
                             .vsn = kith_bytes_of(RIG_VSN, 6)};
}

struct kith_msg rig_accusation(enum kith_msg_type type, const char *node, uint32_t inc,
                               const char *from)
{
    return (struct kith_msg){
        .type = (uint8_t)type, .incarnation = inc, .node = rig_str(node), .from = rig_str(from)};
}

void rig_packet(struct rig *r, const struct kith_addr *from, const void *data, size_t len)
{
    kith_core_packet(r->core, r->now, r->now, WHOM(NULL, from), data, len, len);
    rig_poll(r);
}

void rig_feed(struct rig *r, unsigned from, const struct kith_msg *m)
{
    struct rig_bytes b;
    rig_bytes_init(&b);
    CU_ASSERT_EQUAL_FATAL(kith_wire_write_message(&b.buf, m), 0);
    struct kith_addr a = rig_addr(from);
    rig_packet(r, &a, b.buf.data, b.buf.len);
}

void rig_alive(struct rig *r, const char *node, uint32_t inc, unsigned addr)
{
    struct kith_addr a = rig_addr(addr);
    struct kith_msg m = rig_alive_msg(node, inc, &a, NULL);
    rig_feed(r, addr, &m);
}

void rig_suspect(struct rig *r, const char *node, uint32_t inc, const char *from)
{
    struct kith_msg m = rig_accusation(KITH_MSG_SUSPECT, node, inc, from);
    rig_feed(r, 200, &m);
}

void rig_dead(struct rig *r, const char *node, uint32_t inc, const char *from)
{
    struct kith_msg m = rig_accusation(KITH_MSG_DEAD, node, inc, from);
    rig_feed(r, 200, &m);
}

void rig_ack(struct rig *r, unsigned from, uint32_t seq)
{
    rig_feed(r, from, &(struct kith_msg){.type = KITH_MSG_ACK, .seq_no = seq});
}

void rig_nack(struct rig *r, unsigned from, uint32_t seq)
{
    rig_feed(r, from, &(struct kith_msg){.type = KITH_MSG_NACK, .seq_no = seq});
}

void rig_populate(struct rig *r, unsigned from, unsigned to)
{
    for (unsigned i = from; i <= to; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%u", i);
        rig_alive(r, name, 1, i);
    }
}

/* ----------------------------------------------------------------------------------- outputs */

static void add_sent(struct rig *r, struct kith_bytes part, unsigned parts)
{
    if (r->sent_n == r->sent_cap) {
        r->sent_cap = r->sent_cap ? 2 * r->sent_cap : 64;
        r->sent = realloc(r->sent, r->sent_cap * sizeof *r->sent);
    }
    struct rig_sent *s = &r->sent[r->sent_n++];
    *s = (struct rig_sent){.out = r->outs_n - 1, .parts = parts};
    CU_ASSERT_FATAL(part.len > 0); /* PROTOCOL.md T5: nobody may be sent an empty part */
    uint8_t type = part.data[0];
    if (type == KITH_MSG_USER) {
        s->msg.payload = kith_bytes_of(part.data + 1, part.len - 1);
    } else {
        size_t used;
        CU_ASSERT_EQUAL_FATAL(
            kith_wire_read(&s->msg, (enum kith_body)type, part.data + 1, part.len - 1, &used), 0);
        CU_ASSERT_EQUAL(used, part.len - 1);
    }
    s->msg.type = type;
}

static void take_apart(struct rig *r, const uint8_t *data, size_t len)
{
    CU_ASSERT_FATAL(len > 0);
    CU_ASSERT(len <= budget(r, &r->outs[r->outs_n - 1].to));
    if (data[0] != KITH_MSG_COMPOUND) {
        add_sent(r, kith_bytes_of(data, len), 1);
        return;
    }
    struct kith_compound c;
    struct kith_bytes part;
    CU_ASSERT_EQUAL_FATAL(kith_compound_open(&c, data + 1, len - 1), 0);
    CU_ASSERT(c.count > 1);
    CU_ASSERT(c.count <= KITH_COMPOUND_MAX);
    while (kith_compound_next(&c, &part)) add_sent(r, part, c.count);
    CU_ASSERT_EQUAL(c.truncated, 0);
}

static void add_out(struct rig *r, const struct kith_output *o)
{
    if (r->outs_n == r->outs_cap) {
        r->outs_cap = r->outs_cap ? 2 * r->outs_cap : 64;
        r->outs = realloc(r->outs, r->outs_cap * sizeof *r->outs);
    }
    struct rig_out *n = &r->outs[r->outs_n++];
    *n = (struct rig_out){.kind = o->kind,
                          .at = r->now,
                          .last = o->last,
                          .stream = o->stream,
                          .request = o->request,
                          .status = o->status,
                          .value = o->value};
    if (o->kind == KITH_OUT_PACKET || o->kind == KITH_OUT_DIAL || o->kind == KITH_OUT_GONE) {
        n->to = *o->peer.addr;
        n->pmax = (uint8_t)o->peer.protocol_max;
        CU_ASSERT_EQUAL(o->peer.name.data[o->peer.name.len], 0);
        snprintf(n->name, sizeof n->name, "%s", (const char *)o->peer.name.data);
    }
    struct kith_bytes b = o->bytes;
    if (o->kind == KITH_OUT_PACKET) {
        CU_ASSERT(kith_buf_headroom(o->buf) >= r->config.headroom);
        CU_ASSERT(kith_buf_tailroom(o->buf) >= r->config.tailroom);
        b = kith_bytes_of(o->buf->data, o->buf->len);
    }
    if (o->kind == KITH_OUT_PACKET || o->kind == KITH_OUT_WRITE) {
        n->data = malloc(b.len + 1);
        if (b.len) memcpy(n->data, b.data, b.len);
        n->len = b.len;
    }
    if (o->kind == KITH_OUT_PACKET) {
        memset(o->buf->base, 0xA5,
               o->buf->cap); /* it may be changed, so the core must not count on it */
        take_apart(r, n->data, n->len);
    }
}

void rig_poll(struct rig *r)
{
    size_t from = r->sent_n;
    struct kith_output out;
    while (kith_core_poll(r->core, &out)) {
        add_out(r, &out);
        if (out.kind == KITH_OUT_CLOSE && !r->lingers)
            kith_core_stream_closed(r->core, r->now, out.stream, 0);
    }
    if (!r->answer_pings) return;
    for (size_t i = from, n = r->sent_n; i < n; i++) {
        struct rig_sent *s = &r->sent[i];
        if (s->msg.type != KITH_MSG_PING || (r->mute && rig_is(s->msg.node, r->mute))) continue;
        rig_ack(r, r->outs[s->out].to.bytes[3], s->msg.seq_no);
    }
}

void rig_run(struct rig *r, uint64_t until)
{
    unsigned still = 0;
    rig_poll(r);
    for (;;) {
        uint64_t d = kith_core_deadline(r->core);
        if (d > until) break;
        still = d > r->now ? 0 : still + 1;
        if (d > r->now) r->now = d;
        CU_ASSERT_FATAL(still < 1000); /* a deadline in the past that never goes away */
        kith_core_tick(r->core, r->now);
        rig_poll(r);
    }
    r->now = until;
}

void rig_clear(struct rig *r)
{
    for (size_t i = 0; i < r->outs_n; i++) free(r->outs[i].data);
    r->outs_n = r->sent_n = 0;
}

void rig_flush(struct rig *r)
{
    struct kith_addr to = rig_addr(250);
    struct kith_peer peer = {.size = sizeof peer, .addr = &to};
    struct kith_packer pk;
    rig_clear(r);
    kith_packer_begin(&pk, r->core, &peer);
    kith_packer_fill(&pk, pk.size - 2);
    kith_packer_end(&pk);
    rig_poll(r);
}

bool rig_answers(struct rig *r, unsigned from)
{
    rig_clear(r);
    rig_feed(r, from,
             &(struct kith_msg){.type = KITH_MSG_PING, .seq_no = 77, .node = rig_str("self")});
    return rig_count(r, KITH_MSG_ACK, NULL) == 1;
}

const struct rig_sent *rig_find(const struct rig *r, enum kith_msg_type type, const char *node,
                                unsigned i)
{
    for (size_t k = 0; k < r->sent_n; k++) {
        const struct rig_sent *s = &r->sent[k];
        if (s->msg.type != type || (node && !rig_is(s->msg.node, node))) continue;
        if (i-- == 0) return s;
    }
    return NULL;
}

unsigned rig_count(const struct rig *r, enum kith_msg_type type, const char *node)
{
    unsigned n = 0;
    while (rig_find(r, type, node, n)) n++;
    return n;
}

const struct rig_out *rig_out(const struct rig *r, enum kith_out_kind kind, unsigned i)
{
    for (size_t k = 0; k < r->outs_n; k++)
        if (r->outs[k].kind == kind && i-- == 0) return &r->outs[k];
    return NULL;
}

unsigned rig_outs(const struct rig *r, enum kith_out_kind kind)
{
    unsigned n = 0;
    while (rig_out(r, kind, n)) n++;
    return n;
}

const struct rig_out *rig_done(const struct rig *r, int64_t request)
{
    const struct rig_out *o;
    for (unsigned i = 0; (o = rig_out(r, KITH_OUT_DONE, i)); i++)
        if (o->request == request) return o;
    return NULL;
}

unsigned rig_dones(const struct rig *r, int64_t request)
{
    unsigned n = 0;
    const struct rig_out *o;
    for (unsigned i = 0; (o = rig_out(r, KITH_OUT_DONE, i)); i++) n += o->request == request;
    return n;
}

bool rig_is(struct kith_bytes b, const char *s)
{
    return b.len == strlen(s) && (!b.len || memcmp(b.data, s, b.len) == 0);
}

/* ----------------------------------------------------------------------------- what it knows */

int rig_state(const struct rig *r, const char *node)
{
    struct kith_member m = {.size = sizeof m};
    return kith_core_find(r->core, rig_str(node), &m) ? -1 : (int)m.state;
}

uint32_t rig_inc(const struct rig *r, const char *node)
{
    struct kith_member m = {.size = sizeof m};
    CU_ASSERT_EQUAL(kith_core_find(r->core, rig_str(node), &m), 0);
    return m.incarnation;
}

struct stat_query {
    const char *name, *label_value;
    double found, sum;
};

static void stat_visit(void *arg, const struct kith_stat *s)
{
    struct stat_query *q = arg;
    if (strcmp(s->name, q->name)) return;
    q->sum += s->value;
    if (!q->label_value || (s->label_count && rig_is(s->labels->value, q->label_value)))
        q->found = s->value;
}

double rig_stat(const struct rig *r, const char *name, const char *label_value)
{
    struct stat_query q = {.name = name, .label_value = label_value, .found = -1};
    kith_core_stats(r->core, stat_visit, &q);
    return q.found;
}

double rig_drops(const struct rig *r)
{
    struct stat_query q = {.name = "dropped"};
    kith_core_stats(r->core, stat_visit, &q);
    return q.sum;
}

bool rig_same(char *log, const char *want)
{
    bool same = strcmp(log, want) == 0;
    if (!same) printf("\n    told \"%s\"\n    want \"%s\"\n", log, want);
    log[0] = 0;
    return same;
}

bool rig_told(struct rig *r, const char *want) { return rig_same(r->events, want); }

/* ----------------------------------------------------------------------------------- streams */

void rig_bytes_init(struct rig_bytes *b)
{
    b->buf = (struct kith_buf){
        .base = b->storage, .data = b->storage, .len = 0, .cap = sizeof b->storage};
}

void rig_push_pull(struct rig_bytes *b, bool join, const struct rig_entry *e, size_t n,
                   const char *user_state)
{
    rig_bytes_init(b);
    struct kith_msg h = {.type = KITH_MSG_PUSH_PULL,
                         .join = join,
                         .nodes = (int64_t)n,
                         .user_state_len = user_state ? (int64_t)strlen(user_state) : 0};
    CU_ASSERT_EQUAL_FATAL(kith_wire_write_message(&b->buf, &h), 0);
    for (size_t i = 0; i < n; i++) {
        struct kith_addr a = rig_addr(e[i].addr);
        struct kith_msg m = {.node = rig_str(e[i].name),
                             .state = e[i].state,
                             .incarnation = e[i].inc,
                             .port = a.port,
                             .addr = kith_bytes_of(a.bytes, a.len),
                             .meta = rig_str(e[i].meta),
                             .vsn = e[i].vsn ? kith_bytes_of(e[i].vsn, e[i].vsn_len)
                                             : kith_bytes_of(RIG_VSN, 6)};
        CU_ASSERT_EQUAL_FATAL(kith_wire_write(&b->buf, KITH_BODY_NODE_STATE, &m), 0);
    }
    if (!user_state) return;
    uint8_t *p = kith_buf_put(&b->buf, strlen(user_state));
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    memcpy(p, user_state, strlen(user_state));
}

void rig_data(struct rig *r, uint32_t stream, const void *data, size_t len)
{
    kith_core_stream_data(r->core, r->now, stream, data, len);
    rig_poll(r);
}

uint32_t rig_accept(struct rig *r, unsigned from)
{
    struct kith_addr a = rig_addr(from);
    uint32_t s = kith_core_stream_accepted(r->core, r->now, WHOM(NULL, &a));
    rig_poll(r);
    return s;
}

uint32_t rig_request(struct rig *r, unsigned from, const struct rig_bytes *b)
{
    uint32_t s = rig_accept(r, from);
    CU_ASSERT_FATAL(s != 0);
    rig_data(r, s, b->buf.data, b->buf.len);
    return s;
}

bool rig_gone(const struct rig *r, uint32_t stream)
{
    for (size_t i = 0; i < r->outs_n; i++)
        if (r->outs[i].stream == stream &&
            (r->outs[i].kind == KITH_OUT_CLOSE || r->outs[i].kind == KITH_OUT_RESET))
            return true;
    return false;
}

void rig_read_push_pull(struct rig_state_list *l, const uint8_t *data, size_t len)
{
    *l = (struct rig_state_list){.whole = false};
    size_t used, at = 1;
    if (len < 1 || data[0] != KITH_MSG_PUSH_PULL) return;
    if (kith_wire_read(&l->header, KITH_BODY_PUSH_PULL, data + at, len - at, &used)) return;
    at += used;
    if (l->header.nodes > (int64_t)(sizeof l->nodes / sizeof *l->nodes)) return;
    for (int64_t i = 0; i < l->header.nodes; i++, at += used)
        if (kith_wire_read(&l->nodes[i], KITH_BODY_NODE_STATE, data + at, len - at, &used)) return;
    l->user_state = kith_bytes_of(data + at, len - at);
    l->whole = l->header.user_state_len == (int64_t)(len - at);
}

uint32_t rig_opened(struct rig *r)
{
    const struct rig_out *d = rig_out(r, KITH_OUT_DIAL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    uint32_t stream = d->stream;
    kith_core_stream_opened(r->core, r->now, stream, WHOM(NULL, NULL));
    rig_poll(r);
    return stream;
}

uint32_t rig_is_there(struct rig *r, uint32_t stream)
{
    struct kith_msg ping;
    uint8_t ack[32];
    struct kith_buf buf = {.base = ack, .data = ack, .cap = sizeof ack};
    size_t used;
    kith_core_stream_opened(r->core, r->now, stream, WHOM(NULL, NULL));
    rig_poll(r);
    const struct rig_out *w = rig_out(r, KITH_OUT_WRITE, rig_outs(r, KITH_OUT_WRITE) - 1);
    CU_ASSERT_FATAL(w && w->stream == stream && w->data[0] == KITH_MSG_PING);
    CU_ASSERT_FATAL(!kith_wire_read(&ping, KITH_BODY_PING, w->data + 1, w->len - 1, &used));
    kith_wire_write_message(&buf, &(struct kith_msg){.type = KITH_MSG_ACK, .seq_no = ping.seq_no});
    rig_data(r, stream, buf.data, buf.len);
    rig_poll(r);
    CU_ASSERT_FALSE(rig_outs(r, KITH_OUT_DIAL) < 2);
    return rig_out(r, KITH_OUT_DIAL, rig_outs(r, KITH_OUT_DIAL) - 1)->stream;
}
