/*
 * fan.h - a fan-out with delegates made by hand, for the tests about delegates: all that they hear
 * is written into one diary, and what they ask of the node is kept to be looked at.
 */
#ifndef KITH_FAN_H
#define KITH_FAN_H

#include "delegates_parts.h"
#include "fake_host.h"
#include "test.h"

#include <ctype.h>
#include <time.h>

/* -------------------------------------------------------------------------------- a delegate */

/* Writes every callback it gets into a diary that all share: "tag:event(detail) ". */
struct probe {
    const char *tag; /* parameter */
    const struct kith_host *host;
};

static char diary[16384];
static struct {
    bool veto, greedy, no_meta, fail_start, fail_adopt, dawdle, adopts, leaves_later;
    const char *state, *broadcast;
    int broadcast_rc, seal;
    uint64_t id; /* the last that came with an event or before_leave */
    void (*on_event)(struct probe *, const struct kith_event *);
    void (*on_stop)(struct probe *);
} with;

static inline void note(const struct probe *p, const char *fmt, ...) KITH_PRINTF(2, 3);
static inline void note(const struct probe *p, const char *fmt, ...)
{
    size_t used = strlen(diary);
    used += (size_t)snprintf(diary + used, sizeof diary - used, "%s:", p->tag ? p->tag : "?");
    va_list ap;
    va_start(ap, fmt);
    used += (size_t)vsnprintf(diary + used, sizeof diary - used, fmt, ap);
    va_end(ap);
    snprintf(diary + used, sizeof diary - used, " ");
}

static inline int probe_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct probe *p = self;
    p->host = host;
    note(p, "init");
    return 0;
}
static inline int probe_adopt(void *self, void *old, struct kith_error *err)
{
    note(self, "adopt(%s)", ((struct probe *)old)->tag);
    return with.fail_adopt ? kith_fail(err, KITH_EIO, "not this one") : 0;
}
static inline int probe_start(void *self, struct kith_error *err)
{
    const struct probe *p = self;
    note(p, "start");
    bool fails = with.fail_start && (!p->tag || isupper((unsigned char)p->tag[0]));
    return fails ? kith_fail(err, KITH_EIO, "no luck") : 0;
}
static inline void probe_stop(void *self)
{
    note(self, "stop");
    if (with.on_stop) with.on_stop(self);
}
static inline void probe_fini(void *self) { note(self, "fini"); }

static inline void probe_event(void *self, const struct kith_event *e)
{
    struct timespec held_up = {0, 210000000};
    if (e->kind == KITH_EVENT_EMITTED)
        note(self, "%.*s.%.*s(%.*s)", (int)e->by.len, (const char *)e->by.data, (int)e->name.len,
             (const char *)e->name.data, (int)e->data.len, (const char *)e->data.data);
    else if (e->kind == KITH_EVENT_JOIN)
        note(self, "join");
    else
        note(self, "event(%u)", e->kind);
    if (e->id) with.id = e->id;
    if (with.dawdle) nanosleep(&held_up, NULL);
    if (with.on_event) with.on_event(self, e);
}
static inline void probe_message(void *self, const struct kith_message *m)
{
    const struct kith_peer *p = m->peer;
    note(self, "msg(%.*s%s%s%s%.*s)", (int)m->bytes.len, (const char *)m->bytes.data,
         m->flags & KITH_RELIABLE ? ",stream" : "", m->flags & KITH_RELAYED ? ",relayed" : "",
         p && p->name.len ? " by " : "", p ? (int)p->name.len : 0,
         p && p->name.len ? (const char *)p->name.data : "");
}
static inline void probe_remote_state(void *self, const struct kith_message *m)
{
    const struct kith_peer *p = m->peer;
    note(self, "state(%.*s%s%s%.*s)", (int)m->bytes.len, (const char *)m->bytes.data,
         m->flags & KITH_JOIN ? ",join" : "", p && p->name.len ? " by " : "",
         p ? (int)p->name.len : 0, p && p->name.len ? (const char *)p->name.data : "");
}
static inline int probe_judge(void *self, const struct kith_claim *c, struct kith_error *err)
{
    note(self, "judge(%u)", c->kind);
    return with.veto ? kith_fail(err, KITH_EREFUSED, "never") : 0;
}
static inline int probe_meta(void *self, uint8_t *out, size_t cap)
{
    if (with.no_meta) return -KITH_EAGAIN;
    if (with.greedy) return (int)cap + 1;
    memcpy(out, "mine", 4);
    return 4;
}
static inline int probe_seal(void *self, const struct kith_member *local, uint8_t *meta, size_t len,
                             size_t cap)
{
    if (with.seal) return with.seal;
    memcpy(meta + len, "!", 1);
    return (int)len + 1;
}
static inline void probe_broadcasts(void *self, size_t overhead, size_t limit,
                                    const struct kith_sink *sink)
{
    if (*with.broadcast) with.broadcast_rc = sink->write(sink, kith_text(with.broadcast));
}
static inline void probe_state(void *self, bool join, const struct kith_sink *sink)
{
    size_t half = strlen(with.state) / 2;
    sink->write(sink, kith_bytes_of(with.state, half));
    sink->write(sink, kith_text(with.state + half));
}
static inline int probe_before_leave(void *self, uint64_t id, uint64_t deadline)
{
    note(self, "before_leave");
    with.id = id;
    return with.leaves_later ? KITH_LATER : 0;
}

static const struct kith_param probe_params[] = {
    KITH_PARAM(struct probe, tag, STRING, 0, NULL, NULL, NULL, "who"), KITH_PARAM_END};

#define PROBE(ops_, adopt_) \
    { \
        .size = sizeof(struct kith_plugin), .kind = KITH_DELEGATE, \
        .param_size = sizeof(struct kith_param), .name = "probe", \
        .instance_size = sizeof(struct probe), .params = probe_params, .ops = ops_, \
        .init = probe_init, .adopt = adopt_, .start = probe_start, .stop = probe_stop, \
        .fini = probe_fini \
    }

static const struct kith_delegate_ops listener_ops = {.size = sizeof listener_ops,
                                                      .judges = KITH_CLAIM_ALIVE,
                                                      .event = probe_event,
                                                      .message = probe_message,
                                                      .judge = probe_judge,
                                                      .remote_state = probe_remote_state};
static const struct kith_delegate_ops sender_ops = {
    .size = sizeof sender_ops, .flags = KITH_DELEGATE_SENDS, .message = probe_message};
static const struct kith_delegate_ops producer_ops = {.size = sizeof producer_ops,
                                                      .event = probe_event,
                                                      .message = probe_message,
                                                      .get_broadcasts = probe_broadcasts,
                                                      .local_state = probe_state,
                                                      .remote_state = probe_remote_state};
static const struct kith_delegate_ops meta_ops = {.size = sizeof meta_ops, .node_meta = probe_meta};
static const struct kith_delegate_ops seal_ops = {.size = sizeof seal_ops, .seal_meta = probe_seal};
static const struct kith_delegate_ops leaver_ops = {.size = sizeof leaver_ops,
                                                    .before_leave = probe_before_leave};
/* stubborn: has no adopt */
static const struct kith_plugin listener = PROBE(&listener_ops, probe_adopt),
                                stubborn = PROBE(&listener_ops, NULL),
                                producer = PROBE(&producer_ops, probe_adopt),
                                sender = PROBE(&sender_ops, NULL),
                                provider = PROBE(&meta_ops, NULL), sealer = PROBE(&seal_ops, NULL),
                                leaver = PROBE(&leaver_ops, NULL);
/* Every test file includes all of it and uses some. */
static inline const struct kith_plugin *unused_plugins(int i)
{
    const struct kith_plugin *all[] = {&listener, &stubborn, &producer, &sender,
                                       &provider, &sealer,   &leaver};
    return all[i];
}

/* ------------------------------------------------------------------------------------ a node */

static struct {
    uint8_t bytes[512];
    size_t len;
    unsigned sends, relays, keys, metas, pings; /* relays: to all */
    struct kith_message message;
    struct kith_peer peer;
    kith_done_fn *done;
    void *arg;
    int rc;
    const char *name; /* this node's, NULL: none yet */
    struct kith_addr member;
    size_t fits_relayed;
} asked;

static inline int base_send(const struct kith_node *n, const struct kith_message *m,
                            kith_done_fn *done, void *arg)
{
    asked.sends += m->peer != NULL;
    asked.relays += m->peer == NULL;
    CU_ASSERT_FATAL(m->bytes.len <= sizeof asked.bytes);
    if (m->bytes.len) memcpy(asked.bytes, m->bytes.data, m->bytes.len);
    asked.len = m->bytes.len;
    asked.message = *m;
    if (m->peer) asked.peer = *m->peer;
    asked.done = done;
    asked.arg = arg;
    return asked.rc;
}
static inline void base_local(const struct kith_node *n, struct kith_member *out)
{
    out->name = kith_text(asked.name ? asked.name : "");
}
static inline size_t base_members(const struct kith_node *n, uint64_t *cursor, size_t max,
                                  bool (*visit)(void *arg, const struct kith_member *), void *arg)
{
    struct kith_member m = {.size = sizeof m, .addr = asked.member};
    *cursor = UINT64_MAX;
    visit(arg, &m);
    return 1;
}
static inline size_t base_fits(const struct kith_node *n, enum kith_fits what,
                               const struct kith_peer *to)
{
    return what == KITH_FITS_RELAYED ? asked.fits_relayed : 100;
}
static inline int base_set_meta(const struct kith_node *n, const struct kith_bytes *meta,
                                kith_done_fn *done, void *arg)
{
    asked.metas++;
    return 0;
}
static inline int base_ping(const struct kith_node *n, const struct kith_peer *to,
                            kith_done_fn *done, void *arg)
{
    asked.pings++;
    return 0;
}
static inline int base_key(const struct kith_node *n, enum kith_key_change change,
                           struct kith_bytes key, kith_done_fn *done, void *arg)
{
    asked.keys++;
    return 0;
}
static const struct kith_node base = {.size = sizeof base,
                                      .members = base_members,
                                      .local = base_local,
                                      .fits = base_fits,
                                      .set_meta = base_set_meta,
                                      .send = base_send,
                                      .ping = base_ping,
                                      .key = base_key};

/* ------------------------------------------------------------------------------------ a file */

static struct kith_config config;
static struct kith_entry entries[8];
static struct probe filled[8];
static char words[8][3][16]; /* the config's strings: overwritten by the next file, as if freed */
static struct kith_delegates *fan;
static struct kith_asks *asks;
static const struct kith_delegate_ops *ops;
static void *self;
static struct kith_error err;

static inline int fan_reply(const struct kith_host *h, uint64_t id, struct kith_bytes b)
{
    return kith_asks_reply(asks, h, id, b);
}
static inline int fan_finish(const struct kith_host *h, uint64_t id, int status, const char *text)
{
    return kith_asks_finish(asks, h, id, status, text);
}
static inline int fan_emit(const struct kith_host *h, const struct kith_event *e,
                           kith_answer_fn *answer, void *arg)
{
    return kith_delegates_emit(fan, h, e, answer, arg);
}
static inline struct kith_host *fan_make(void *ctx, const struct kith_entry *entry,
                                         struct kith_keyring *ring)
{
    struct kith_host *host = fake_make(ctx, entry, ring);
    if (!host) return NULL;
    host->reply = fan_reply;
    host->finish = fan_finish;
    host->emit = fan_emit;
    return host;
}

static struct kith_host_maker fan_maker;
static inline uint64_t fan_now(void *ctx) { return fake_clock; }
static inline uint64_t fan_wall(void *ctx) { return 77; }
static const struct kith_delegates_setup setup = {
    .maker = &fan_maker, .node = &base, .now = fan_now, .wall = fan_wall};

/* A file without delegates, and everything else as at first. */
static inline void file(void)
{
    memset(&config, 0, sizeof config);
    memset(words, '!', sizeof words - 1);
    config.settings.handoff_queue_depth = 4;
    config.settings.max_stream_memory = config.settings.max_stream_size = 1 << 20;
    config.delegates.items = entries;
    diary[0] = fake_log_text[0] = 0;
    memset(&with, 0, sizeof with);
    with.state = with.broadcast = "";
    memset(&asked, 0, sizeof asked);
    asked.name = "me";
    err = (struct kith_error){.size = sizeof err};
    fan_maker = fake_maker;
    fan_maker.make = fan_make;
    fan_maker.asks = asks;
    fan_maker.file = NULL;
}

/* Its name is the tag in small letters: a reload from "a" to "A" changes the settings of one. */
static inline struct kith_entry *entry(const struct kith_plugin *plugin, const char *tag,
                                       const char *channel)
{
    size_t i = config.delegates.count++;
    snprintf(words[i][0], sizeof words[i][0], "%s", tag);
    snprintf(words[i][1], sizeof words[i][1], "%s", channel ? channel : "");
    snprintf(words[i][2], sizeof words[i][2], "%s", tag);
    for (char *c = words[i][2]; *c; c++) *c = (char)tolower((unsigned char)*c);
    filled[i] = (struct probe){.tag = words[i][0]};
    entries[i] = (struct kith_entry){.use = "probe",
                                     .name = words[i][2],
                                     .kind = KITH_DELEGATE,
                                     .pos = {(unsigned)(10 + i), 5},
                                     .plugin = plugin,
                                     .params = &filled[i],
                                     .channel = channel ? words[i][1] : NULL};
    snprintf((char *)entries[i].digest, sizeof entries[i].digest, "%s", tag);
    return &entries[i];
}

/* Made, but not started. */
static inline void make_fan(const struct kith_delegates_setup *around)
{
    asks = kith_asks_new(1000);
    fan_maker.asks = asks;
    fan = kith_delegates_new(&config, around, NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fan);
}

static inline void open_fan(void)
{
    make_fan(&setup);
    CU_ASSERT_EQUAL_FATAL(kith_delegates_start(fan, &err), 0);
    ops = kith_delegates_ops(fan, &self);
    diary[0] = 0;
}

static inline void close_fan(void)
{
    kith_delegates_free(fan);
    fan = NULL;
    CU_ASSERT_EQUAL(kith_asks_open_count(asks), 0);
    kith_asks_free(asks);
    asks = NULL;
    CU_ASSERT_EQUAL(fake_hosts_alive, 0);
}

/* The file as it is now comes into force. What kith_delegates_start() returned. */
static inline int reload(void)
{
    struct kith_delegates *next = kith_delegates_new(&config, &setup, fan, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(next);
    int rc = kith_delegates_start(next, &err);
    kith_delegates_free(fan);
    fan = next;
    return rc;
}

/* --------------------------------------------------------------------------------- in and out */

static inline void arrives(const void *data, size_t len, bool reliable)
{
    static const struct kith_addr addr = {7946, 4, {10, 0, 0, 9}};
    const struct kith_peer peer = {.size = sizeof peer, .addr = &addr};
    const struct kith_message m = {.size = sizeof m,
                                   .flags = reliable ? KITH_RELIABLE : 0,
                                   .bytes = kith_bytes_of(data, len),
                                   .peer = &peer};
    ops->message(self, &m);
}
/* As the core hands over what was broadcast on a channel. */
static inline void relayed_arrives(const char *channel, const char *origin, const char *text)
{
    static const struct kith_addr addr = {7946, 4, {10, 0, 0, 9}};
    const struct kith_peer peer = {.size = sizeof peer, .addr = &addr, .name = kith_text(origin)};
    const struct kith_message m = {.size = sizeof m,
                                   .flags = KITH_RELAYED,
                                   .bytes = kith_text(text),
                                   .peer = &peer,
                                   .channel = kith_text(channel)};
    ops->message(self, &m);
}
static inline void state_arrives(const void *data, size_t len, bool join)
{
    const struct kith_message m = {.size = sizeof m,
                                   .flags = KITH_RELIABLE | (join ? KITH_JOIN : 0),
                                   .bytes = kith_bytes_of(data, len)};
    ops->remote_state(self, &m);
}
static inline void joins(void)
{
    struct kith_member m = {.size = sizeof m};
    struct kith_event e = {.size = sizeof e, .kind = KITH_EVENT_JOIN, .member = &m};
    ops->event(self, &e);
}

static uint8_t collected[4096];
static size_t collected_len, collected_pieces;
static inline int collect(const struct kith_sink *sink, struct kith_bytes b)
{
    if (collected_len + b.len > sizeof collected) return -KITH_ETOOBIG;
    if (b.len) memcpy(collected + collected_len, b.data, b.len);
    collected_len += b.len;
    collected_pieces++;
    return 0;
}
static const struct kith_sink collector = {.size = sizeof collector, .write = collect};
static inline void collect_nothing(void) { collected_len = collected_pieces = 0; }
/* As for a member that runs Kith: the raw state, and what stands behind it. */
static inline void collect_state(bool join)
{
    collect_nothing();
    ops->local_state(self, join, &collector);
    kith_delegates_channel_state(fan, join, &collector);
}
/* A frame, as the node makes it. */
static inline struct kith_bytes framed(const char *channel, const char *text)
{
    struct kith_bytes msg = kith_text(text);
    CU_ASSERT_EQUAL_FATAL(kith_delegates_frame(fan, kith_text(channel), &msg), 0);
    return msg;
}

static inline struct probe *probe_called(const char *name)
{
    struct kith_instance *in = kith_delegates_find(fan, name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    return in->self;
}
static inline const struct kith_node *table_of(const char *name)
{
    return probe_called(name)->host->node;
}

/* Send to a member (to NULL: to all). */
static inline int send_to(const struct kith_node *n, const char *to, const char *text,
                          kith_done_fn *done, void *arg)
{
    const struct kith_peer peer = {.size = sizeof peer, .name = kith_text(to ? to : "")};
    const struct kith_message m = {
        .size = sizeof m, .bytes = kith_text(text), .peer = to ? &peer : NULL};
    return n->send(n, &m, done, arg);
}

static const char *wanted;
static double found;
static inline void find_stat(void *arg, const struct kith_stat *stat)
{
    if (strcmp(stat->name, wanted) == 0) found = stat->value;
}
static inline uint64_t counter(const char *name)
{
    wanted = name;
    found = 1e9;
    kith_delegates_stats(fan, find_stat, NULL);
    return (uint64_t)found;
}
/* Of a delegate's own numbers. */
static inline uint64_t counted(const char *who, const char *name)
{
    const struct kith_host *host = probe_called(who)->host;
    return *host->counter(host, name, "", NULL, 0);
}

#endif
