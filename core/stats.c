/*
 * stats.c - the numbers of a node, told one by one.
 */
#include "node.h"

static const double times[KITH_BUCKETS] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                           0.025,  0.05,    0.1,    0.25,  0.5,    1,     5};
static const double sizes[KITH_BUCKETS] = {64,      128,     256,      512,     1024,
                                           1400,    4096,    16384,    65536,   262144,
                                           1048576, 4194304, 16777216, 67108864};
static const double lengths[KITH_BUCKETS] = {0,   1,   2,   5,    10,   20,    50,
                                             100, 200, 500, 1000, 5000, 20000, 100000};

static const struct {
    const char *name, *help;
    const double *bounds;
} histograms[KITH_HIST_MAX] = {
    [KITH_HIST_PROBE_RTT] = {"probe_rtt_seconds",
                             "Round trips of probes that were answered directly", times},
    [KITH_HIST_PROBE] = {"probe_seconds", "How long probes took, failed ones included", times},
    [KITH_HIST_PUSH_PULL] = {"push_pull_seconds",
                             "How long full state exchanges begun by this node took", times},
    [KITH_HIST_GOSSIP] = {"gossip_packet_bytes", "Gossip sent to one member in one round", sizes},
    [KITH_HIST_QUEUE] = {"broadcast_queue_depth", "Messages waiting for gossip, sampled", lengths},
    [KITH_HIST_STATE] = {"local_state_bytes", "Full states sent", sizes},
    [KITH_HIST_REMOTE_STATE] = {"remote_state_bytes", "Full states received", sizes},
};

void kith_stats_observe(struct kith_stats *s, enum kith_histogram which, double value)
{
    unsigned i = 0;
    while (i < KITH_BUCKETS && value > histograms[which].bounds[i]) i++;
    if (i < KITH_BUCKETS) s->histograms[which].buckets[i]++;
    s->histograms[which].count++;
    s->histograms[which].sum += value;
}

struct teller {
    void (*visit)(void *arg, const struct kith_stat *);
    void *arg;
};

static void tell(const struct teller *t, enum kith_stat_kind kind, const char *name,
                 const char *help, const char *label, const char *label_value, double value)
{
    struct kith_stat stat = {.size = sizeof stat,
                             .kind = kind,
                             .name = name,
                             .help = help,
                             .label = label,
                             .label_value = label_value,
                             .value = value};
    t->visit(t->arg, &stat);
}

static void tell_counters(const struct kith_stats *s, const struct teller *t)
{
#define TELL(id, name, help) \
    tell(t, KITH_COUNTER, #name, help, NULL, NULL, (double)s->counters[KITH_COUNT_##id]);
    KITH_COUNTERS(TELL)
#undef TELL
#define TELL(id, reason) \
    tell(t, KITH_COUNTER, "dropped", "What was not heard, or not said", "reason", #reason, \
         (double)s->drops[KITH_DROP_##id]);
    KITH_DROPS(TELL)
#undef TELL
    for (unsigned i = 0; i < sizeof s->messages / sizeof *s->messages; i++) {
        if (i == KITH_MSG_PUSH_PULL || i == KITH_MSG_COMPRESS || i == KITH_MSG_ENCRYPT ||
            i == KITH_MSG_CRC || i == KITH_MSG_ERR)
            continue;
        tell(t, KITH_COUNTER, "messages_received", "Messages received in packets", "type",
             kith_msg_name((uint8_t)i), (double)s->messages[i]);
    }
}

static void tell_gauges(const struct kith_core *c, const struct teller *t)
{
    static const char *const states[] = {"alive", "suspect", "dead", "left"};
    for (unsigned i = 0; i < 4; i++)
        tell(t, KITH_GAUGE, "members", "Members known, by state", "state", states[i],
             c->members.in_state[i]);
    tell(t, KITH_GAUGE, "health_score", "Local health score, 0 is best", NULL, NULL, c->health);
    tell(t, KITH_GAUGE, "incarnation", "Own incarnation", NULL, NULL,
         c->self ? c->self->incarnation : 0);
    tell(t, KITH_GAUGE, "broadcasts_queued", "Membership messages waiting for gossip", NULL, NULL,
         (double)kith_broadcasts_count(&c->queue));
    tell(t, KITH_GAUGE, "user_broadcasts_queued", "User messages waiting for gossip", NULL, NULL,
         (double)kith_broadcasts_count(&c->user_queue));
    tell(t, KITH_GAUGE, "streams_open", "Streams open, both directions", NULL, NULL,
         c->streams.open);
    tell(t, KITH_GAUGE, "stream_memory_bytes", "Bytes held by open streams", NULL, NULL,
         (double)c->streams.memory);
    tell(t, KITH_GAUGE, "pending_acks", "Relayed probes and pings that wait for an ack", NULL, NULL,
         c->pendings.count);
}

static void tell_histograms(const struct kith_stats *s, const struct teller *t)
{
    for (unsigned i = 0; i < KITH_HIST_MAX; i++) {
        uint64_t up_to[KITH_BUCKETS], sum = 0;
        for (unsigned b = 0; b < KITH_BUCKETS; b++) up_to[b] = sum += s->histograms[i].buckets[b];
        struct kith_stat stat = {.size = sizeof stat,
                                 .kind = KITH_HISTOGRAM,
                                 .name = histograms[i].name,
                                 .help = histograms[i].help,
                                 .value = s->histograms[i].sum,
                                 .count = s->histograms[i].count,
                                 .bounds = histograms[i].bounds,
                                 .counts = up_to,
                                 .n = KITH_BUCKETS};
        t->visit(t->arg, &stat);
    }
}

void kith_core_stats(const struct kith_core *c, void (*visit)(void *arg, const struct kith_stat *),
                     void *arg)
{
    struct teller t = {visit, arg};
    tell_counters(&c->stats, &t);
    tell_gauges(c, &t);
    tell_histograms(&c->stats, &t);
}
