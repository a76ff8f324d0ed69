/*
 * loopback.c - a transport inside of the process: a network by name, with delay, loss, cuts and
 * all. This file is the plugin; loopback.h says where the rest is.
 */
#include "loopback.h"

static const struct kith_param params[] = {
    {"network", KITH_PARAM_STRING, KITH_PARAM_RESTART, offsetof(struct kith_lo, network_name),
     sizeof(char *), "default", NULL, NULL, "1", "128", NULL,
     "Name of the network; nodes of one process and the same network reach each other"},
    KITH_PARAM(struct kith_lo, address, STRING, KITH_PARAM_RESTART, NULL, "1", "128",
               "Address of this node on it, any text without / , * and ?; default: node.name"),
    KITH_PARAM(struct kith_lo, delay, DURATION, 0, "0", NULL, "1h",
               "How long what this node sends is under way, one way"),
    KITH_PARAM(struct kith_lo, jitter, DURATION, 0, "0", NULL, "1h",
               "Mean of what comes on top of delay, exponentially distributed"),
    KITH_PARAM(struct kith_lo, loss, FLOAT, 0, "0", "0", "1",
               "Part of the packets this node sends that is lost; streams get slower instead"),
    KITH_PARAM(struct kith_lo, duplicate, FLOAT, 0, "0", "0", "1",
               "Part of the packets this node sends that comes twice"),
    KITH_PARAM(struct kith_lo, reorder, FLOAT, 0, "0", "0", "1",
               "Part of the packets this node sends that comes later, by up to reorder_late"),
    KITH_PARAM(struct kith_lo, reorder_late, DURATION, 0, "20ms", NULL, "1h", "See reorder"),
    KITH_PARAM(struct kith_lo, bandwidth, SIZE, 0, "0", NULL, "1024GiB",
               "Bytes a second that this node can send; 0: no limit"),
    KITH_PARAM(struct kith_lo, backlog, SIZE, 0, "256KiB", NULL, "1GiB",
               "Bytes of packets that may wait for the bandwidth; more are dropped"),
    KITH_PARAM(struct kith_lo, seed, UINT, 0, "0", NULL, NULL,
               "Where chance begins, together with the address; 0: with the process's or the "
               "simulation's own"),
    KITH_PARAM(struct kith_lo, receive_buffer, SIZE, 0, "2MiB", "64KiB", "1GiB",
               "Memory of packets that wait for this node; more are dropped"),
    KITH_PARAM(struct kith_lo, mtu, SIZE, 0, "65507", "256", "65507",
               "Largest packet that this node sends"),
    KITH_PARAM(struct kith_lo, refuses, BOOL, 0, "true", NULL, NULL,
               "Once this node is gone its address refuses, as a host without the process; false: "
               "it is silent, as a dead host"),
    KITH_PARAM_END,
};

/* -------------------------------------------------------------------------------- addresses */

/* A name that a rule could not mean: it would be a pattern, or an option (network_rules.c). */
static bool is_pattern(struct kith_bytes t)
{
    return t.data[0] == '!' || t.data[0] == '-' || memchr(t.data, '*', t.len) ||
           memchr(t.data, '?', t.len) || kith_bytes_equal(t, kith_text("all"));
}

/* 0, or why not. */
static int to_addr(struct kith_bytes text, struct kith_addr *out)
{
    if (!text.len || text.len > KITH_ADDR_MAX) return -KITH_EINVAL;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < 0x20 || text.data[i] == '/' || text.data[i] == ',') return -KITH_EINVAL;
    if (is_pattern(text)) return -KITH_EINVAL;
    memset(out, 0, sizeof *out);
    out->len = (uint8_t)text.len;
    memcpy(out->bytes, text.data, text.len);
    return 0;
}

static int lo_parse(void *self, struct kith_bytes text, struct kith_addr *out,
                    struct kith_bytes *host)
{
    return to_addr(text, out);
}

/* An address of somebody else's may hold anything. */
static int lo_format(void *self, const struct kith_addr *addr, char *out, size_t cap)
{
    char text[KITH_ADDR_MAX + 1];
    for (size_t i = 0; i < addr->len; i++)
        text[i] = addr->bytes[i] < 0x20 || addr->bytes[i] == 0x7f ? '?' : (char)addr->bytes[i];
    text[addr->len] = '\0';
    return snprintf(out, cap, "%s", text);
}

static int lo_advertise(void *self, struct kith_addr *out, struct kith_error *err)
{
    const struct kith_lo *l = self;
    *out = l->addr;
    return 0;
}

static int find_address(struct kith_lo *l, struct kith_error *err)
{
    struct kith_value name = {.size = sizeof name};
    if (l->address) {
        if (!to_addr(kith_text(l->address), &l->addr)) return 0;
        return kith_fail(err, KITH_EINVAL,
                         "address: 1 to %d bytes, without `/ , * ?` and control characters, not "
                         "`all`, and no `!` or `-` first",
                         KITH_ADDR_MAX);
    }
    if (l->host->setting(l->host, "node.name", &name))
        return kith_fail(err, KITH_EINVAL, "the node has no name: say an `address`");
    if (!to_addr(name.text, &l->addr)) return 0;
    return kith_fail(err, KITH_EINVAL,
                     "the node's name can't be its address (1 to %d bytes, without `/ , * ?` and "
                     "control characters, not `all`, and no `!` or `-` first): say an `address`",
                     KITH_ADDR_MAX);
}

/* ------------------------------------------------------------------------------------- life */

static int lo_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct kith_lo *l = self;
    struct kith_pair label = {kith_text("reason"), {NULL, 0}};
    const char *reasons[] = {
#define ROW(id, name, reason, help) reason,
        KITH_LO_COUNTERS(ROW)
#undef ROW
    };
    const char *names[] = {
#define ROW(id, name, reason, help) name,
        KITH_LO_COUNTERS(ROW)
#undef ROW
    };
    const char *helps[] = {
#define ROW(id, name, reason, help) help,
        KITH_LO_COUNTERS(ROW)
#undef ROW
    };
    l->host = host;
    for (int i = 0; i < KITH_LO_NUMBERS; i++) {
        if (reasons[i]) label.value = kith_text(reasons[i]);
        l->counters[i] =
            host->counter(host, names[i], helps[i], reasons[i] ? &label : NULL, reasons[i] ? 1 : 0);
    }
    return find_address(l, err);
}

/* [lock] What the parameters say, to the network. */
static void apply(struct kith_lo *l, bool new_chance)
{
    struct kith_network_link link = {.delay = l->delay,
                                     .jitter = l->jitter,
                                     .loss = l->loss,
                                     .duplicate = l->duplicate,
                                     .reorder = l->reorder,
                                     .reorder_late = l->reorder_late,
                                     .bandwidth = l->bandwidth,
                                     .backlog = l->backlog};
    uint64_t seed = l->seed;
    if (!seed) l->host->random(l->host, &seed, sizeof seed);
    if (new_chance) kith_network_seed(l->net->network, l->port->index, seed);
    (void)kith_network_set_own(l->net->network, l->port->index, KITH_NETWORK_CUT - 1, &link, NULL);
    l->port->receive_buffer = l->receive_buffer;
    l->port->refuses = l->refuses;
}

static void free_timers(struct kith_lo *l)
{
    if (l->timer) l->host->timer_free(l->timer);
    l->timer = NULL;
    kith_lo_answers_stop(l);
}

static int prepare(struct kith_lo *l, struct kith_error *err)
{
    l->up = l->host->uplink;
    l->armed = UINT64_MAX;
    l->posted = false;
    l->timer = l->host->timer(l->host, kith_lo_due, l);
    int rc = l->timer ? 0 : kith_fail(err, KITH_ENOMEM, "out of memory");
    if (!rc) rc = kith_lo_answers_start(l, err);
    if (rc) free_timers(l);
    return rc;
}

static int lo_start(void *self, struct kith_error *err)
{
    struct kith_lo *l = self;
    int rc = prepare(l, err);
    if (rc) return rc;
    rc = kith_lo_enter(l, err);
    if (rc) {
        free_timers(l);
        return rc;
    }
    kith_lo_lock(l->net);
    apply(l, true);
    kith_lo_unlock(l->net);
    l->host->log(l->host, KITH_LOG_INFO, "listening on %.*s, network %s", l->addr.len,
                 (const char *)l->addr.bytes, l->net->name);
    return 0;
}

/* Instead of start: the place on the network changes hands, with all that is under way and all
 * streams. */
static int lo_adopt(void *self, void *other, struct kith_error *err)
{
    struct kith_lo *l = self, *old = other;
    if (strcmp(l->network_name, old->network_name) || !kith_addr_equal(&l->addr, &old->addr))
        return kith_fail(err, KITH_EINVAL,
                         "network and address change with the node's restart only");
    int rc = prepare(l, err);
    if (rc) return rc;
    kith_lo_lock(old->net);
    l->net = old->net;
    l->port = old->port;
    l->port->node = l;
    memcpy(l->shown, old->shown, sizeof l->shown);
    kith_lo_ends_adopt(l, old);
    apply(l, l->seed != old->seed);
    kith_lo_unlock(l->net);
    kith_lo_answers_adopt(l, old);
    old->net = NULL;
    old->port = NULL;
    free_timers(old);
    kith_lo_knock(l); /* only sets the timer */
    return 0;
}

static void lo_stop(void *self)
{
    struct kith_lo *l = self;
    if (!l->net) return;
    uint64_t now = l->host->now(l->host);
    kith_lo_lock(l->net);
    l->port->node = NULL;
    kith_lo_ends_reset_all(l);
    struct kith_lo_list rest = kith_lo_take_all(l->port);
    for (struct kith_lo_item *item; (item = kith_lo_list_take(&rest));) {
        if (item->kind == KITH_LO_A_PACKET) l->port->count[KITH_LO_N_NOBODY]++;
        kith_lo_undelivered(l->net, item, now);
    }
    kith_lo_show(l);
    l->port = NULL; /* from here on it may be another's, on another thread */
    kith_lo_unlock(l->net);
    kith_lo_leave(l);
    kith_lo_ends_free(l);
    free_timers(l);
}

static void lo_limits(void *self, struct kith_limits *out)
{
    const struct kith_lo *l = self;
    out->packet = l->mtu;
}

static void lo_flush(void *self)
{
    struct kith_lo *l = self;
    kith_lo_lock(l->net);
    kith_lo_show(l);
    kith_lo_unlock(l->net);
}

static const struct kith_transport_ops ops = {
    .size = sizeof ops,
    .limits = lo_limits,
    .advertise = lo_advertise,
    .parse = lo_parse,
    .format = lo_format,
    .send_packet = kith_lo_send_packet,
    .flush = lo_flush,
    .stream_open = kith_lo_stream_open,
    .stream_write = kith_lo_stream_write,
    .stream_finish = kith_lo_stream_finish,
    .stream_reset = kith_lo_stream_reset,
    .stream_read = kith_lo_stream_read,
};

KITH_PLUGIN(loopback) = {
    KITH_HEADER(TRANSPORT),
    .name = "loopback",
    .version = "1.0",
    .summary = "a network inside of the process, with delay, loss and cuts as wanted",
    .instance_size = sizeof(struct kith_lo),
    .params = params,
    .ops = &ops,
    .init = lo_init,
    .start = lo_start,
    .adopt = lo_adopt,
    .stop = lo_stop,
    .fini = lo_stop,
    .command = kith_lo_command,
};
