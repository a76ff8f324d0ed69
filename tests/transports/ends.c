/*
 * ends.c - see ends.h.
 */
#include "ends.h"

#include "registry.h"
#include <time.h>

struct kith_loop *loop;
char err_text[512];
int open_status;

static struct kith_log *log_;
static struct kith_services *services;
static struct kith_registry *registry;

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

void ends_begin(bool real)
{
    struct kith_log_setup setup = {.level = KITH_LOG_TRACE, .hook = no_log};
    loop = real ? kith_loop_new() : kith_loop_new_virtual(1, 1000000000);
    CU_ASSERT_EQUAL_FATAL(kith_log_new(&log_, &setup, NULL), 0);
    services = kith_services_new(loop, log_);
    registry = kith_registry_new(NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(registry);
}

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

static struct end *called(void *ctx)
{
    struct end *e = ctx;
    CU_ASSERT_FALSE(e->in_call);
    e->upcalls++;
    return e;
}

static struct end_stream *stream_of(struct end *e, uint32_t id)
{
    for (size_t i = e->stream_count; i-- > 0;)
        if (e->streams[i].id == id && !e->streams[i].closed) return &e->streams[i];
    CU_FAIL_FATAL("an upcall for a stream that nobody has");
    return NULL;
}

static void go_on_sending(struct end *e, struct end_stream *s)
{
    uint8_t data[16384];
    while (s->sent < e->to_send) {
        size_t n = e->to_send - s->sent < sizeof data ? e->to_send - s->sent : sizeof data;
        for (size_t i = 0; i < n; i++) data[i] = pattern(s->sent + i);
        int64_t took = end_write(e, s, data, n);
        if (took > 0) s->sent += (size_t)took;
        if (took < (int64_t)n) return;
    }
    if (e->to_send) end_finish(e, s);
}

static void packet_in(void *ctx, const struct kith_addr *from, struct kith_buf *buf,
                      uint64_t received_at)
{
    struct end *e = called(ctx);
    CU_ASSERT(kith_buf_headroom(buf) >= 64 && kith_buf_tailroom(buf) >= 64);
    CU_ASSERT_EQUAL(received_at, kith_loop_now(loop));
    e->packets++;
    e->packet_len = buf->len;
    memcpy(e->packet, buf->data, buf->len);
    e->packet_from = *from;
}

static int stream_accepted(void *ctx, uint32_t id, const struct kith_addr *from)
{
    struct end *e = called(ctx);
    if (e->refuse) return 1;
    CU_ASSERT_FATAL(e->stream_count < STREAMS_MAX);
    e->streams[e->stream_count++] = (struct end_stream){.id = id, .accepted = true, .from = *from};
    if (e->to_send) go_on_sending(e, &e->streams[e->stream_count - 1]);
    return 0;
}

static void stream_opened(void *ctx, uint32_t id)
{
    struct end *e = called(ctx);
    struct end_stream *s = stream_of(e, id);
    s->opened = true;
    if (e->to_send) go_on_sending(e, s);
}

static void stream_data(void *ctx, uint32_t id, const uint8_t *data, size_t len)
{
    struct end_stream *s = stream_of(called(ctx), id);
    CU_ASSERT_FALSE(s->ended);
    for (size_t i = 0; i < len; i++, s->got++) {
        s->sum = add(s->sum, s->got, data[i]);
        if (s->got < KEEP) s->head[s->got] = data[i];
    }
}

static void stream_writable(void *ctx, uint32_t id)
{
    struct end *e = called(ctx);
    struct end_stream *s = stream_of(e, id);
    s->writable = true;
    if (e->to_send) go_on_sending(e, s);
}

static void stream_end(void *ctx, uint32_t id)
{
    struct end_stream *s = stream_of(called(ctx), id);
    CU_ASSERT_FALSE(s->ended);
    s->ended = true;
}

static void stream_closed(void *ctx, uint32_t id, int reason)
{
    struct end_stream *s = stream_of(called(ctx), id);
    s->closed = true;
    s->reason = reason;
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
};

struct end *end_adopting(const char *settings, struct end *old)
{
    char text[1024];
    struct kith_error err = {.size = sizeof err};
    struct kith_host_maker maker = kith_services_maker(services);
    struct kith_config_finder finder = kith_registry_finder(registry);
    struct kith_diag *diag = kith_diag_new();
    struct end *e = calloc(1, sizeof *e);
    snprintf(
        text, sizeof text,
        "node: { name: x }\npipeline: { send: [], accept: [] }\ntransport: { use: udp_tcp, %s }\n",
        settings);
    e->config = kith_config_parse("test.yaml", text, strlen(text), &finder, diag);
    if (!e->config) kith_diag_print(diag, stderr);
    kith_diag_free(diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(e->config);
    e->up = uplink;
    e->up.ctx = e;
    struct kith_transport_setup setup = {
        .size = sizeof setup, .uplink = &e->up, .tcp_timeout = 10000000000u, .buffer_size = 1400};
    int rc = kith_instance_new(&e->in, &e->config->transport, &maker, NULL, &err);
    if (!rc) {
        e->ops = e->in->plugin->ops;
        e->self = e->in->self;
        rc = e->ops->attach(e->self, &setup, &err);
    }
    if (!rc) rc = kith_instance_start(e->in, old ? old->in : NULL, &err);
    if (!rc) rc = e->ops->advertise(e->self, &e->addr, &err);
    if (!rc) return e;
    snprintf(err_text, sizeof err_text, "%s", err.text);
    end_free(e);
    return NULL;
}

struct end *end_new(const char *settings) { return end_adopting(settings, NULL); }

void end_free(struct end *e)
{
    if (!e) return;
    kith_instance_free(e->in);
    kith_config_free(e->config);
    free(e);
}

int end_send(struct end *e, const struct kith_addr *to, size_t len)
{
    static uint8_t data[70000];
    for (size_t i = 0; i < len; i++) data[i] = pattern(i);
    e->in_call = true;
    int rc = e->ops->send_packet(e->self, to, "", kith_bytes_of(data, len));
    e->in_call = false;
    return rc;
}

struct end_stream *end_open(struct end *e, const struct kith_addr *to)
{
    uint32_t id = 0;
    e->in_call = true;
    open_status = e->ops->stream_open(e->self, to, "", &id);
    e->in_call = false;
    if (open_status) return NULL;
    CU_ASSERT_NOT_EQUAL(id, 0);
    CU_ASSERT_FATAL(e->stream_count < STREAMS_MAX);
    struct end_stream *s = &e->streams[e->stream_count++];
    *s = (struct end_stream){.id = id};
    return s;
}

int64_t end_write(struct end *e, struct end_stream *s, const void *data, size_t len)
{
    e->in_call = true;
    int64_t n = e->ops->stream_write(e->self, s->id, data, len);
    e->in_call = false;
    return n;
}

void end_finish(struct end *e, struct end_stream *s)
{
    e->in_call = true;
    e->ops->stream_finish(e->self, s->id);
    e->in_call = false;
}

void end_reset(struct end *e, struct end_stream *s)
{
    e->in_call = true;
    e->ops->stream_reset(e->self, s->id);
    e->in_call = false;
    s->closed = true;
}

uint64_t end_counter(struct end *e, const char *name)
{
    return *e->in->host->counter(e->in->host, name, NULL);
}
