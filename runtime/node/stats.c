/*
 * stats.c - visits every counter, gauge and histogram: the node's own, the core's, what the
 * pipeline refused and why, each codec's, each instance's. Names are snake case in base units, as
 * `kith info` and metrics show them.
 */
#include "inside.h"

/* Adds the file's labels to numbers that are not the host services' own: those have them. */
struct visit {
    void (*fn)(void *arg, const struct kith_stat *);
    void *arg;
    const struct kith_map *labels;
};

enum { LABELS_MAX = 64 }; /* more are left out */

static void labelled(void *arg, const struct kith_stat *stat)
{
    const struct visit *v = arg;
    struct kith_pair labels[LABELS_MAX];
    struct kith_stat s = *stat;
    if (v->labels->count) {
        size_t n = 0;
        for (size_t i = 0; i < v->labels->count && n < LABELS_MAX; i++)
            labels[n++] = v->labels->items[i];
        for (size_t i = 0; i < stat->label_count && n < LABELS_MAX; i++)
            labels[n++] = stat->labels[i];
        s.labels = labels;
        s.label_count = n;
    }
    v->fn(v->arg, &s);
}

static void number(struct visit *v, uint32_t kind, const char *name, const char *help,
                   const char *label, const char *value, double number)
{
    struct kith_pair pair = {kith_text(label ? label : ""), kith_text(value ? value : "")};
    struct kith_stat s = {.size = sizeof s,
                          .kind = kind,
                          .name = name,
                          .help = help,
                          .labels = label ? &pair : NULL,
                          .label_count = label != NULL,
                          .value = number};
    labelled(v, &s);
}

static void node_stats(struct kith *k, struct visit *v)
{
    const struct {
        const char *name, *help;
        uint32_t kind;
        uint64_t value;
    } all[] = {
        {"transport_packets_received", "Packets that came from the transport.", KITH_COUNTER,
         k->packets_in},
        {"transport_packets_sent", "Packets given to the transport.", KITH_COUNTER, k->packets_out},
        {"transport_packets_unsent", "Packets that could not be sealed or sent.", KITH_COUNTER,
         k->packets_unsent},
        {"transport_packet_bytes_received", "Bytes of packets received, as on the wire.",
         KITH_COUNTER, k->bytes_in},
        {"transport_packet_bytes_sent", "Bytes of packets sent, as on the wire.", KITH_COUNTER,
         k->bytes_out},
        {"transport_packets_over_turn",
         "Packets dropped because one turn brought more than it may.", KITH_COUNTER,
         k->packets_over},
        {"streams_open", "Streams open now, both directions.", KITH_GAUGE, kith_streams_count(k)},
        {"asks_open", "Commands and events that an entry has not answered yet.", KITH_GAUGE,
         kith_asks_open_count(k->asks)},
        {"log_lines_suppressed", "Log lines held back because they repeat.", KITH_COUNTER,
         kith_log_suppressed(k->log)},
        {"log_lines_lost", "Log lines that could not be written.", KITH_COUNTER,
         kith_log_lost(k->log)},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        number(v, all[i].kind, all[i].name, all[i].help, NULL, NULL, (double)all[i].value);
}

static void codec_stats(const struct kith_codec_stats *c, struct visit *v)
{
    const struct {
        const char *name, *help;
        double value;
    } all[] = {
        {"codec_sealed", "Messages that got this layer.", (double)c->sealed},
        {"codec_opened", "Messages that lost this layer.", (double)c->opened},
        {"codec_passed", "Messages this layer had nothing to do for.", (double)c->passed},
        {"codec_seal_bytes_in", "Bytes before sealing.", (double)c->seal_in},
        {"codec_seal_bytes_out", "Bytes after sealing.", (double)c->seal_out},
        {"codec_open_bytes_in", "Bytes before opening.", (double)c->open_in},
        {"codec_open_bytes_out", "Bytes after opening.", (double)c->open_out},
        {"codec_failed_auth", "Messages that no key opened.", (double)c->failed_auth},
        {"codec_failed_checksum", "Messages with a wrong checksum.", (double)c->failed_checksum},
        {"codec_failed_malformed", "Messages that were malformed in this layer.",
         (double)c->failed_malformed},
        {"codec_failed_size", "Messages that were too big in this layer.", (double)c->failed_size},
        {"codec_seal_seconds", "Time spent sealing (sampled).", (double)c->seal_ns / 1e9},
        {"codec_open_seconds", "Time spent opening (sampled).", (double)c->open_ns / 1e9},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        number(v, KITH_COUNTER, all[i].name, all[i].help, "codec", c->name, all[i].value);
}

void kith_stats_visit(struct kith *k, void (*visit)(void *arg, const struct kith_stat *), void *arg)
{
    struct visit v = {visit, arg, &k->config->metric_labels};
    struct kith_codec_stats codec = {0};
    node_stats(k, &v);
    for (int why = 0; why < KITH_REFUSED_COUNT; why++)
        number(&v, KITH_COUNTER, "messages_refused", "Messages that the pipeline refused.",
               "reason", kith_refusal_name(why), (double)kith_pipeline_refused(k->pipeline, why));
    size_t codecs = kith_pipeline_stats(k->pipeline, 0, &codec);
    for (size_t i = 0; i < codecs; i++) {
        kith_pipeline_stats(k->pipeline, i, &codec);
        codec_stats(&codec, &v);
    }
    if (k->core) kith_core_stats(k->core, labelled, &v);
    if (k->delegates) kith_delegates_stats(k->delegates, labelled, &v);
    kith_services_stats(k->services, visit, arg);
}
