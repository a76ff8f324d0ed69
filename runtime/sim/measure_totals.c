/*
 * measure_totals.c - what went over the network, summed over all nodes and their lives, and the
 * curves over time.
 */
#include "measure_parts.h"
#include <stdlib.h>

/* -------------------------------------------------------------------------------------- sums */

static struct kith_message_rate *row_of(struct kith_measure_totals *t, struct kith_bytes name)
{
    for (size_t i = 0; i < t->message_count; i++)
        if (kith_bytes_equal(kith_text(t->messages[i].message), name)) return &t->messages[i];
    struct kith_message_rate *all = realloc(t->messages, (t->message_count + 1) * sizeof *all);
    if (all) t->messages = all;
    char *copy = all ? strndup((const char *)name.data, name.len) : NULL;
    if (!copy) return NULL;
    all[t->message_count] = (struct kith_message_rate){.message = copy};
    return &all[t->message_count++];
}

static void add_message(struct kith_measure_totals *t, struct kith_bytes name, double count,
                        double bytes)
{
    struct kith_message_rate *row = count || bytes ? row_of(t, name) : NULL;
    if (!row) return;
    row->count += count;
    row->bytes += bytes;
}

static bool is(const struct kith_stat *stat, const char *name)
{
    return strcmp(stat->name, name) == 0;
}

/* Beside it a file may have labels of its own. */
static struct kith_bytes label_of(const struct kith_stat *stat, const char *name)
{
    for (size_t i = stat->label_count; i-- > 0;)
        if (kith_bytes_equal(stat->labels[i].name, kith_text(name))) return stat->labels[i].value;
    return kith_text("");
}

/* One node's numbers, on their way into sums. */
struct adding {
    struct kith_measure_totals *to;
    struct kith_bytes transport; /* its entry: others may count what is called the same */
};

static void add_wire(const struct adding *a, const struct kith_stat *stat)
{
    if (is(stat, "transport_packets_sent")) a->to->packets += stat->value;
    if (is(stat, "transport_packet_bytes_sent")) a->to->bytes += stat->value;
    if (!kith_bytes_equal(label_of(stat, "entry"), a->transport)) return;
    if (is(stat, "stream_bytes_sent")) a->to->stream_bytes += stat->value;
    if (is(stat, "packets_dropped")) a->to->dropped += stat->value;
}

/* A packet's bytes are those of the messages in it, so compounds count once, as their parts. */
static void add_stat(void *arg, const struct kith_stat *stat)
{
    const struct adding *a = arg;
    struct kith_bytes type = label_of(stat, "type");
    add_wire(a, stat);
    if (kith_bytes_equal(type, kith_text("compound"))) return;
    if (is(stat, "messages_received") || is(stat, "stream_messages_received"))
        add_message(a->to, type, stat->value, 0);
    if (is(stat, "message_bytes_received") || is(stat, "stream_message_bytes_received"))
        add_message(a->to, type, 0, stat->value);
}

static void add_node(const struct kith_measure *m, int node, struct kith_measure_totals *t)
{
    struct kith *k = kith_cluster_node(m->cluster, node);
    const struct kith_node *table = kith_table(k);
    struct adding adding = {t, kith_text(kith_node_config(k)->transport.name)};
    table->stats(table, add_stat, &adding);
}

static void add_running(const struct kith_measure *m, struct kith_measure_totals *t)
{
    for (int i = 0; i < m->node_count; i++)
        if (kith_cluster_node(m->cluster, i)) add_node(m, i, t);
}

void kith_totals_begin(struct kith_measure *m)
{
    struct kith_node_load load, all = {0};
    add_running(m, &m->before);
    for (int i = 0; i < m->node_count; i++) {
        if (!kith_cluster_node(m->cluster, i)) continue;
        kith_node_load(kith_cluster_node(m->cluster, i), &load);
        all.packets_sent += load.packets_sent;
        all.bytes_sent += load.bytes_sent;
    }
    m->former_packets = (double)all.packets_sent;
    m->former_bytes = (double)all.bytes_sent;
}

/* One that could not even be opened counted nothing. */
void kith_totals_gone(struct kith_measure *m, int node)
{
    if (kith_cluster_node(m->cluster, node)) add_node(m, node, &m->gone);
}

void kith_totals_time(struct kith_measure *m)
{
    uint64_t now = kith_cluster_now(m->cluster);
    m->node_time += (double)(now - m->counted_to) * m->running;
    m->counted_to = now;
}

/* ------------------------------------------------------------------------------------ curves */

static const struct {
    const char *name, *unit;
} curves[KITH_CURVES] = {
    [KITH_CURVE_LEAST] = {"members_least", "members"},
    [KITH_CURVE_MEDIAN] = {"members_median", "members"},
    [KITH_CURVE_MOST] = {"members_most", "members"},
    [KITH_CURVE_RUNNING] = {"running", "nodes"},
    [KITH_CURVE_PACKETS] = {"packets_sent", "a node and second"},
    [KITH_CURVE_BYTES] = {"packet_bytes_sent", "a node and second"},
    [KITH_CURVE_QUEUE_MEAN] = {"queue_mean", "broadcasts"},
    [KITH_CURVE_QUEUE_MOST] = {"queue_most", "broadcasts"},
    [KITH_CURVE_SUSPICIONS] = {"suspicions", "in a step"},
    [KITH_CURVE_DEATHS] = {"deaths", "in a step"},
};

static bool room_for_point(struct kith_measure *m)
{
    if (m->points < m->point_room) return true;
    size_t room = m->point_room ? 2 * m->point_room : 128;
    for (int i = 0; i < KITH_CURVES; i++) {
        double *values = realloc(m->curves[i], room * sizeof *values);
        if (!values) return false;
        m->curves[i] = values;
    }
    m->point_room = room;
    return true;
}

static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static bool sample_views(struct kith_measure *m, double *out[KITH_CURVES])
{
    size_t n = 0;
    int *have = malloc((size_t)(m->node_count ? m->node_count : 1) * sizeof *have);
    if (!have) return false;
    for (int i = 0; i < m->node_count; i++)
        if (m->nodes[i].runs) have[n++] = m->nodes[i].have;
    qsort(have, n, sizeof *have, compare);
    *out[KITH_CURVE_LEAST] = n ? have[0] : 0;
    *out[KITH_CURVE_MEDIAN] = n ? have[n / 2] : 0;
    *out[KITH_CURVE_MOST] = n ? have[n - 1] : 0;
    *out[KITH_CURVE_RUNNING] = (double)n;
    free(have);
    return true;
}

/* What those that have gone since sent is in no point: it would be in none of their seconds. */
static void sample_load(struct kith_measure *m, double *out[KITH_CURVES])
{
    struct kith_node_load load;
    double packets = m->gone.packets, bytes = m->gone.bytes, queued = 0, most = 0;
    for (int i = 0; i < m->node_count; i++) {
        if (!m->nodes[i].runs) continue;
        kith_node_load(kith_cluster_node(m->cluster, i), &load);
        packets += (double)load.packets_sent;
        bytes += (double)load.bytes_sent;
        queued += (double)load.broadcasts;
        if ((double)load.broadcasts > most) most = (double)load.broadcasts;
    }
    double seconds = (double)m->step / 1e9 * (m->running ? m->running : 1);
    *out[KITH_CURVE_PACKETS] = (packets - m->former_packets) / seconds;
    *out[KITH_CURVE_BYTES] = (bytes - m->former_bytes) / seconds;
    *out[KITH_CURVE_QUEUE_MEAN] = m->running ? queued / m->running : 0;
    *out[KITH_CURVE_QUEUE_MOST] = most;
    m->former_packets = packets;
    m->former_bytes = bytes;
}

void kith_totals_sample(struct kith_measure *m)
{
    double *out[KITH_CURVES];
    if (!room_for_point(m)) {
        m->no_memory = true;
        return;
    }
    for (int i = 0; i < KITH_CURVES; i++) out[i] = &m->curves[i][m->points];
    if (!sample_views(m, out)) m->no_memory = true;
    sample_load(m, out);
    *out[KITH_CURVE_SUSPICIONS] = (double)(m->suspicions - m->former_suspicions);
    *out[KITH_CURVE_DEATHS] = (double)(m->deaths - m->former_deaths);
    m->former_suspicions = m->suspicions;
    m->former_deaths = m->deaths;
    m->points++;
}

/* -------------------------------------------------------------------------------------- tell */

static bool tell_curves(struct kith_measure *m, struct kith_result *r)
{
    r->curves = calloc(KITH_CURVES, sizeof *r->curves);
    if (!r->curves) return false;
    for (; r->curve_count < KITH_CURVES; r->curve_count++) {
        size_t i = r->curve_count;
        r->curves[i] = (struct kith_curve){.name = curves[i].name,
                                           .unit = curves[i].unit,
                                           .step = (double)m->step / 1e9,
                                           .values = m->curves[i],
                                           .count = m->points};
        m->curves[i] = NULL;
    }
    m->points = m->point_room = 0;
    return true;
}

bool kith_totals_tell(struct kith_measure *m, struct kith_result *r)
{
    struct kith_measure_totals *all = &m->gone;
    double seconds = r->node_seconds > 0 ? r->node_seconds : 1;
    add_running(m, all);
    for (size_t i = 0; i < m->before.message_count; i++) {
        const struct kith_message_rate *row = &m->before.messages[i];
        add_message(all, kith_text(row->message), -row->count, -row->bytes);
    }
    for (size_t i = 0; i < all->message_count; i++) {
        all->messages[i].count /= seconds;
        all->messages[i].bytes /= seconds;
    }
    r->traffic = all->messages;
    r->traffic_count = all->message_count;
    r->packets_sent = (all->packets - m->before.packets) / seconds;
    r->packet_bytes_sent = (all->bytes - m->before.bytes) / seconds;
    r->stream_bytes_sent = (all->stream_bytes - m->before.stream_bytes) / seconds;
    r->packets_dropped = (all->dropped - m->before.dropped) / seconds;
    all->messages = NULL;
    all->message_count = 0;
    return tell_curves(m, r);
}
