/*
 * ends.c - see ends.h.
 */
#include "ends.h"

#include "registry.h"
#include <time.h>

struct kith_loop *loop;
char err_text[512];
int open_status;

extern const struct kith_plugin kith_plugin_v1_unix_socket;

static struct kith_log *log_;
static struct kith_services *services;
static struct kith_registry *registry;
static struct end *all;
uint64_t tcp_timeout;

/* The node's settings, as far as a transport asks for them. */
static int setting(void *ctx, const char *key, struct kith_value *out)
{
    if (strcmp(key, "node.tcp_timeout")) return -KITH_ENOTFOUND;
    out->type = KITH_PARAM_DURATION;
    out->number = (int64_t)tcp_timeout;
    return 0;
}

bool before_deadline(bool first)
{
    static time_t end;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (first) end = now.tv_sec + 30;
    return now.tv_sec < end;
}

static void no_log(void *ctx, enum kith_log_level level, const char *line)
{
    if (getenv("VERBOSE_LOG")) fprintf(stderr, "%s\n", line);
}

static bool in_world; /* else what is outside of a simulation is let in */
static struct kith_host_maker services_maker;

static uint64_t real_world(const struct kith_host *host) { return 0; }

static struct kith_host *make_host(void *ctx, const struct kith_entry *entry,
                                   struct kith_keyring *ring)
{
    struct kith_host *host = services_maker.make(ctx, entry, ring);
    if (host && !in_world) host->world = real_world;
    return host;
}

static void begin(struct kith_loop *on)
{
    struct kith_log_setup setup = {.level = KITH_LOG_TRACE, .hook = no_log};
    loop = on;
    CU_ASSERT_EQUAL_FATAL(kith_log_new(&log_, &setup, NULL), 0);
    tcp_timeout = 10000000000u;
    struct kith_services_setup hooks = {.setting = setting};
    services = kith_services_new(loop, log_, &hooks);
    registry = kith_registry_new(NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(registry);
}

void ends_begin(bool real)
{
    in_world = false;
    begin(real ? kith_loop_new() : kith_loop_new_virtual(1, 1000000000));
}

void ends_begin_world(uint64_t seed)
{
    in_world = true;
    begin(kith_loop_new_virtual(seed, 1000000000));
}

uint64_t ends_patience(void) { return kith_loop_is_virtual(loop) && !in_world ? 0 : 100000000; }

void ends_finish(void)
{
    kith_services_free(services);
    kith_loop_free(loop);
    kith_log_free(log_);
    kith_registry_free(registry);
    loop = NULL;
}

/* ----------------------------------------------------------------------------------- pattern */

uint8_t pattern(size_t at) { return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16)); }

static uint64_t add(uint64_t sum, size_t at, uint8_t byte)
{
    return sum + (uint64_t)byte * (at % 65521 + 1);
}

uint64_t pattern_sum(size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) sum = add(sum, i, pattern(i));
    return sum;
}

/* ----------------------------------------------------------------------------------- upcalls */

static struct end *called(const struct kith_uplink *up)
{
    struct end *e = (struct end *)(uintptr_t)up;
    CU_ASSERT_FALSE(e->in_call);
    CU_ASSERT_TRUE(kith_instance_runs(e->in));
    e->upcalls++;
    return e;
}

static struct end_stream *find(struct end *e, uint64_t id)
{
    for (size_t i = e->stream_count; i-- > 0;)
        if (e->streams[i].id == id) return &e->streams[i];
    return NULL;
}

static struct end_stream *stream_of(struct end *e, uint64_t id)
{
    struct end_stream *s = find(e, id);
    if (!s || s->closed) CU_FAIL_FATAL("an upcall for a stream that nobody has");
    return s;
}

static struct end_stream *add_stream(struct end *e, uint64_t id)
{
    CU_ASSERT_FATAL(e->stream_count < STREAMS_MAX);
    CU_ASSERT(id > e->last_id); /* they only grow, as long as streams go over */
    e->last_id = id;
    struct end_stream *s = &e->streams[e->stream_count++];
    *s = (struct end_stream){.id = id};
    return s;
}

static void later(struct end *e, struct end_stream *s)
{
    if (!e->to_send) return;
    CU_ASSERT_FATAL(e->later_count < STREAMS_MAX);
    e->later[e->later_count++] = (size_t)(s - e->streams);
}

void end_go_on(struct end *e, struct end_stream *s)
{
    uint8_t data[16384];
    while (!s->closed && s->sent < e->to_send) {
        size_t n = e->to_send - s->sent < sizeof data ? e->to_send - s->sent : sizeof data;
        for (size_t i = 0; i < n; i++) data[i] = pattern(s->sent + i);
        int64_t took = end_write(e, s, data, n);
        if (took > 0) s->sent += (size_t)took;
        if (took < (int64_t)n) return;
    }
    if (!s->closed) end_finish(e, s);
}

void ends_turn(uint64_t wait)
{
    kith_loop_turn(loop, wait);
    for (struct end *e = all; e; e = e->next) {
        size_t n = e->later_count;
        e->later_count = 0;
        for (size_t i = 0; i < n; i++) end_go_on(e, &e->streams[e->later[i]]);
    }
}

static struct kith_limits limits_of(struct end *e)
{
    struct kith_limits l;
    KITH_ZERO(&l);
    e->ops->limits(e->self, &l);
    return l;
}

static void packet_in(const struct kith_uplink *up, const struct kith_peer *from,
                      struct kith_buf *buf, uint64_t received_at)
{
    struct end *e = called(up);
    CU_ASSERT(kith_buf_headroom(buf) >= 64 && kith_buf_tailroom(buf) >= 64);
    CU_ASSERT_EQUAL(from->provides, limits_of(e).provides); /* promised to all alike */
    CU_ASSERT_EQUAL(received_at, kith_loop_now(loop));
    CU_ASSERT_EQUAL(from->identity.len, 0);
    e->packets++;
    e->packet_len = buf->len;
    memcpy(e->packet, buf->data, buf->len);
    memset(buf->base, 0xee, buf->cap); /* it may be changed, room and all */
    e->packet_from = *from->addr;
}

static int stream_accepted(const struct kith_uplink *up, uint64_t id, const struct kith_peer *from)
{
    struct end *e = called(up);
    CU_ASSERT_EQUAL(from->provides, limits_of(e).provides);
    if (e->refuse) return 1;
    struct end_stream *s = add_stream(e, id);
    s->accepted = true;
    s->from = *from->addr;
    later(e, s);
    return 0;
}

static void stream_opened(const struct kith_uplink *up, uint64_t id, const struct kith_peer *to)
{
    struct end *e = called(up);
    struct end_stream *s = stream_of(e, id);
    CU_ASSERT_FALSE(s->opened || s->accepted);
    s->opened = true;
    s->from = *to->addr;
    later(e, s);
}

static void stream_data(const struct kith_uplink *up, uint64_t id, struct kith_bytes data)
{
    struct end_stream *s = stream_of(called(up), id);
    CU_ASSERT_TRUE(s->opened || s->accepted);
    CU_ASSERT_FALSE(s->ended || s->paused);
    CU_ASSERT(data.len > 0);
    for (size_t i = 0; i < data.len; i++, s->got++) {
        s->sum = add(s->sum, s->got, data.data[i]);
        if (s->got < KEEP) s->head[s->got] = data.data[i];
    }
    s->reads++;
}

static void stream_writable(const struct kith_uplink *up, uint64_t id)
{
    struct end *e = called(up);
    struct end_stream *s = stream_of(e, id);
    CU_ASSERT_TRUE(s->opened || s->accepted);
    CU_ASSERT_TRUE(s->waits); /* after a short write only */
    s->waits = false;
    s->writable = true;
    later(e, s);
}

static void stream_end(const struct kith_uplink *up, uint64_t id)
{
    struct end_stream *s = stream_of(called(up), id);
    CU_ASSERT_FALSE(s->ended);
    s->ended = true;
}

static void stream_closed(const struct kith_uplink *up, uint64_t id, int reason)
{
    struct end_stream *s = stream_of(called(up), id);
    CU_ASSERT(reason <= 0);
    if (!reason) CU_ASSERT_TRUE(s->ended && s->finished);
    s->closed = true;
    s->reason = reason;
}

static void changed(const struct kith_uplink *up, uint32_t what) { called(up)->changed |= what; }

static void unreachable(const struct kith_uplink *up, const struct kith_addr *addr)
{
    struct end *e = called(up);
    e->unreachable = *addr;
    e->unreachable_count++;
}

/* ------------------------------------------------------------------------------------- ends */

static const struct kith_uplink uplink = {
    .size = sizeof uplink,
    .packet_in = packet_in,
    .stream_accepted = stream_accepted,
    .stream_opened = stream_opened,
    .stream_data = stream_data,
    .stream_writable = stream_writable,
    .stream_end = stream_end,
    .stream_closed = stream_closed,
    .changed = changed,
    .peer_unreachable = unreachable,
};

/* The registry's plugins, and the example that is compiled in. */
static const struct kith_plugin *find_plugin(void *ctx, enum kith_kind kind, const char *name,
                                             struct kith_error *err)
{
    struct kith_config_finder rest = kith_registry_finder(registry);
    if (strcmp(name, "unix_socket") == 0) return &kith_plugin_v1_unix_socket;
    return rest.find(rest.ctx, kind, name, err);
}

struct end *end_made(const char *settings)
{
    const char *use = strncmp(settings, "use:", 4) ? "use: udp_tcp," : "";
    char text[1024];
    struct kith_error err = {.size = sizeof err};
    services_maker = kith_services_maker(services);
    struct kith_host_maker maker = services_maker;
    maker.make = make_host;
    struct kith_config_finder finder = {.find = find_plugin};
    struct kith_diag *diag = kith_diag_new();
    struct end *e = calloc(1, sizeof *e);
    snprintf(text, sizeof text,
             "node: { name: x }\npipeline: { send: [], accept: [] }\ntransport: { %s %s }\n", use,
             settings);
    e->config = kith_config_parse("test.yaml", text, strlen(text), &finder, diag);
    if (!e->config) kith_diag_print(diag, stderr);
    kith_diag_free(diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(e->config);
    e->up = uplink;
    e->next = all;
    all = e;
    if (kith_instance_new(&e->in, &e->config->transport, &maker, NULL, &err)) {
        snprintf(err_text, sizeof err_text, "%s", err.text);
        end_free(e);
        return NULL;
    }
    e->ops = e->in->plugin->ops;
    e->self = e->in->self;
    e->in->host->uplink = &e->up;
    return e;
}

bool end_start(struct end *e, struct end *former)
{
    struct kith_error err = {.size = sizeof err};
    e->in_call = true;
    if (former) former->in_call = true;
    int rc = kith_instance_start(e->in, former ? former->in : NULL, &err);
    if (!rc) rc = e->ops->advertise(e->self, &e->addr, &err);
    e->in_call = false;
    if (former) former->in_call = false;
    if (rc) snprintf(err_text, sizeof err_text, "%s", err.text);
    return rc == 0;
}

struct end *end_adopting(const char *settings, struct end *old)
{
    struct end *e = end_made(settings);
    if (e && !end_start(e, old)) {
        end_free(e);
        return NULL;
    }
    if (e && old && e->in->plugin->adopt) {
        memcpy(e->streams, old->streams, old->stream_count * sizeof *e->streams);
        e->stream_count = old->stream_count;
        e->last_id = old->last_id;
    }
    return e;
}

struct end *end_new(const char *settings) { return end_adopting(settings, NULL); }

void end_free(struct end *e)
{
    if (!e) return;
    e->in_call = true;
    kith_instance_free(e->in);
    kith_config_free(e->config);
    struct end **at = &all;
    while (*at != e) at = &(*at)->next;
    *at = e->next;
    free(e);
}

/* ------------------------------------------------------------------------------------- calls */

int end_send(struct end *e, const struct kith_addr *to, size_t len)
{
    static uint8_t data[70000];
    struct kith_peer peer = {.size = sizeof peer, .addr = to};
    struct kith_buf buf = {.base = data, .data = data, .len = len, .cap = sizeof data};
    for (size_t i = 0; i < len; i++) data[i] = pattern(i);
    e->in_call = true;
    int rc = e->ops->send_packet(e->self, &peer, &buf);
    e->in_call = false;
    memset(data, 0xee, sizeof data); /* lent for the call */
    return rc;
}

void end_flush(struct end *e)
{
    e->in_call = true;
    if (KITH_HAS(e->ops, flush)) e->ops->flush(e->self);
    e->in_call = false;
}

struct end_stream *end_open(struct end *e, const struct kith_addr *to)
{
    uint64_t id = 0;
    struct kith_peer peer = {.size = sizeof peer, .addr = to};
    e->in_call = true;
    open_status = e->ops->stream_open(e->self, &peer, &id);
    e->in_call = false;
    return open_status ? NULL : add_stream(e, id);
}

int64_t end_write(struct end *e, struct end_stream *s, const void *data, size_t len)
{
    e->in_call = true;
    int64_t n = e->ops->stream_write(e->self, s->id, kith_bytes_of(data, len));
    e->in_call = false;
    s->waits = n >= 0 && n < (int64_t)len;
    return n;
}

void end_finish(struct end *e, struct end_stream *s)
{
    e->in_call = true;
    e->ops->stream_finish(e->self, s->id);
    e->in_call = false;
    s->finished = true;
    s->waits = false;
}

void end_reset(struct end *e, struct end_stream *s)
{
    e->in_call = true;
    e->ops->stream_reset(e->self, s->id);
    e->in_call = false;
    s->closed = true;
}

void end_read(struct end *e, struct end_stream *s, bool on)
{
    e->in_call = true;
    e->ops->stream_read(e->self, s->id, on);
    e->in_call = false;
    s->paused = !on;
}

uint64_t end_counter(struct end *e, const char *name)
{
    return *e->in->host->counter(e->in->host, name, NULL, NULL, 0);
}

uint64_t end_dropped(struct end *e, const char *reason)
{
    struct kith_pair label = {kith_text("reason"), kith_text(reason)};
    return *e->in->host->counter(e->in->host, "packets_dropped", NULL, &label, 1);
}
