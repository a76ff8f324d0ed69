/*
 * loopback_command.c - which commands there are, and the numbers of all nodes of the network.
 */
#include "loopback.h"

static const char usage[] = "commands:\n"
                            "  links                       links and rules, as they hold now\n"
                            "  links FROM TO               what holds from one node to another\n"
                            "  set FROM TO [--both] NAME=VALUE...\n"
                            "                              change a link: delay, jitter, loss,\n"
                            "                              duplicate, reorder, reorder_late,\n"
                            "                              bandwidth, backlog, cut\n"
                            "  cut FROM TO [--both]        nothing passes\n"
                            "  partition SET [SET...]      these from each other; one: from all\n"
                            "                              set, cut, partition: --keep leaves\n"
                            "                              rules of the same sets to come back to\n"
                            "  heal [RULE...|all]          take cuts back, or these rules, or all\n"
                            "  stats                       what was sent, received and dropped\n"
                            "FROM, TO and SET are node addresses or patterns: n1, 'web-*,!web-7', "
                            "all\n";

static const struct {
    const char *name;
    enum kith_lo_count count;
    const char *reason;
} numbers[] = {
#define X(id, name, reason, help) {name, KITH_LO_N_##id, reason},
    KITH_LO_COUNTERS(X)
#undef X
};

static uint64_t dropped(const uint64_t *count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < KITH_LO_NUMBERS; i++)
        if (numbers[i].reason) sum += count[i];
    return sum;
}

static void print_json(struct kith_lo_text *t, const uint64_t *count)
{
    for (size_t i = 0; i < KITH_LO_NUMBERS; i++) {
        bool first = numbers[i].reason && !numbers[i - 1].reason;
        bool last = numbers[i].reason && !numbers[i + 1].reason;
        if (first) kith_lo_print(t, ",\"%s\":{", numbers[i].name);
        if (!first) kith_lo_print(t, ",");
        kith_lo_print(t, "\"%s\":%llu%s", numbers[i].reason ? numbers[i].reason : numbers[i].name,
                      (unsigned long long)count[i], last ? "}" : "");
    }
}

static void print_line(struct kith_lo_text *t, const char *name, const uint64_t *count,
                       size_t waiting)
{
    kith_lo_print(t, "%-20s %10llu %12llu %10llu %12llu %8llu %8zu\n", name,
                  (unsigned long long)count[KITH_LO_N_SENT],
                  (unsigned long long)count[KITH_LO_N_SENT_BYTES],
                  (unsigned long long)count[KITH_LO_N_RECEIVED],
                  (unsigned long long)count[KITH_LO_N_RECEIVED_BYTES],
                  (unsigned long long)dropped(count), waiting);
}

static void print_port(struct kith_lo_text *t, const struct kith_lo_port *p, bool json)
{
    struct kith_bytes name = kith_bytes_of(p->addr.bytes, p->addr.len);
    struct kith_lo_text plain = {0};
    if (json) {
        kith_lo_print(t, "{\"node\":");
        kith_lo_print_json(t, name);
        kith_lo_print(t, ",\"listens\":%s", p->node ? "true" : "false");
        print_json(t, p->count);
        kith_lo_print(t, ",\"waiting_bytes\":%zu,\"in_flight_bytes\":%zu}\n", p->waiting,
                      p->flying);
        return;
    }
    kith_lo_print_plain(&plain, name);
    kith_lo_print(&plain, "%s", p->node ? "" : " (gone)");
    if (!plain.failed) print_line(t, plain.text, p->count, p->waiting);
    t->failed |= plain.failed;
    kith_lo_text_free(&plain);
}

static void print_reasons(struct kith_lo_text *t, const uint64_t *count)
{
    const char *between = "dropped: ";
    for (size_t i = 0; i < KITH_LO_NUMBERS; i++) {
        if (!numbers[i].reason || !count[i]) continue;
        kith_lo_print(t, "%s%s %llu", between, numbers[i].reason, (unsigned long long)count[i]);
        between = ", ";
    }
    if (*between == ',') kith_lo_print(t, "\n");
}

static int stats(struct kith_lo *l, const struct kith_call *call, struct kith_lo_text *t,
                 struct kith_error *err)
{
    bool json = call->flags & KITH_CALL_JSON;
    uint64_t sum[KITH_LO_NUMBERS] = {0};
    size_t waiting = 0;
    if (call->count != 1) return kith_fail(err, KITH_EINVAL, "usage: stats");
    if (!json)
        kith_lo_print(t, "%-20s %10s %12s %10s %12s %8s %8s\n", "NODE", "SENT", "BYTES", "RECEIVED",
                      "BYTES", "DROPPED", "WAITING");
    for (int i = 0; i < l->net->port_room; i++) {
        const struct kith_lo_port *p = l->net->ports[i];
        if (!p) continue;
        print_port(t, p, json);
        for (size_t k = 0; k < KITH_LO_NUMBERS; k++) sum[k] += p->count[k];
        waiting += p->waiting;
    }
    if (json) return 0;
    print_line(t, "all", sum, waiting);
    print_reasons(t, sum);
    return 0;
}

static const struct {
    const char *name;
    int (*fn)(struct kith_lo *, const struct kith_call *, struct kith_lo_text *,
              struct kith_error *);
} commands[] = {{"links", kith_lo_links},         {"set", kith_lo_set},   {"cut", kith_lo_cut},
                {"partition", kith_lo_partition}, {"heal", kith_lo_heal}, {"stats", stats}};

int kith_lo_command(void *self, const struct kith_call *call, struct kith_error *err)
{
    struct kith_lo *l = self;
    struct kith_lo_text t = {0};
    int rc = -KITH_ENOTFOUND;
    if (!l->net) return kith_fail(err, KITH_ECLOSED, "the node is not on its network");
    if (!call->count || kith_bytes_equal(call->words[0], kith_text("help"))) {
        kith_lo_print(&t, "%s", usage);
        return kith_lo_answer(l, call, &t, err);
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (!kith_bytes_equal(call->words[0], kith_text(commands[i].name))) continue;
        kith_lo_lock(l->net);
        rc = commands[i].fn(l, call, &t, err);
        kith_lo_unlock(l->net);
        if (!rc) return kith_lo_answer(l, call, &t, err);
        kith_lo_text_free(&t);
        return rc;
    }
    return kith_fail(err, KITH_EINVAL, "commands: links, set, cut, partition, heal, stats, help");
}
