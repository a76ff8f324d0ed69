/*
 * cluster_trace.c - one line for each act and for what nodes tell, and the callbacks of who looks
 * on. What a line holds must follow from the seed alone.
 */
#include "cluster_parts.h"

static const char *const acts[] = {
    [KITH_CLUSTER_START] = "start",    [KITH_CLUSTER_KILL] = "kill", [KITH_CLUSTER_PAUSE] = "pause",
    [KITH_CLUSTER_RESUME] = "resume",  [KITH_CLUSTER_END] = "end",   [KITH_CLUSTER_JOIN] = "join",
    [KITH_CLUSTER_LEAVE] = "leave",    [KITH_CLUSTER_META] = "meta", [KITH_CLUSTER_SEND] = "send",
    [KITH_CLUSTER_NETWORK] = "network"};

static void begin_line(const struct kith_cluster *c, const char *name)
{
    uint64_t now = kith_loop_now(c->loop) - c->began;
    fprintf(c->setup.trace, "%llu.%09llu %s", (unsigned long long)(now / 1000000000),
            (unsigned long long)(now % 1000000000), name);
}

/* A word: what could end it or the line is shown as `?`. */
static void put_word(FILE *out, struct kith_bytes text)
{
    putc(' ', out);
    for (size_t i = 0; i < text.len; i++)
        putc(text.data[i] <= 0x20 || text.data[i] == 0x7f ? '?' : text.data[i], out);
}

void kith_cluster_did(struct kith_cluster *c, enum kith_cluster_act act,
                      const struct kith_cluster_node *n, const char *words)
{
    const struct kith_cluster_setup *s = &c->setup;
    if (s->trace) {
        begin_line(c, n ? n->name : "-");
        fprintf(s->trace, " %s%s%s\n", acts[act], words ? " " : "", words ? words : "");
    }
    if (s->act) s->act(s->ctx, act, n ? n->number : -1, words ? words : "");
}

/* NULL: it is not told. */
static const char *word_for(const struct kith_event *e)
{
    switch (e->kind) {
    case KITH_EVENT_JOIN: return "joined";
    case KITH_EVENT_LEAVE: return e->member->state == KITH_DEAD ? "dead" : "left";
    case KITH_EVENT_UPDATE: return "update";
    case KITH_EVENT_CONFLICT: return "conflict";
    case KITH_EVENT_SUSPECT: return e->member->state == KITH_SUSPECT ? "suspect" : "alive";
    case KITH_EVENT_REFUTED: return "refuted";
    default: return NULL;
    }
}

static void trace_event(const struct kith_cluster_node *n, const struct kith_event *e)
{
    FILE *out = n->cluster->setup.trace;
    const char *word = word_for(e);
    if (!word) return;
    begin_line(n->cluster, n->name);
    fprintf(out, " %s", word);
    if (e->member) {
        put_word(out, e->member->name);
        fprintf(out, " %u", e->member->incarnation);
    } else {
        fprintf(out, " %llu", (unsigned long long)e->number);
    }
    if (e->member && e->member->accuser.len) {
        fputs(" by", out);
        put_word(out, e->member->accuser);
    }
    putc('\n', out);
}

void kith_cluster_told(const struct kith_cluster_node *n, const struct kith_event *e)
{
    const struct kith_cluster_setup *s = &n->cluster->setup;
    if (s->trace) trace_event(n, e);
    if (s->event) s->event(s->ctx, n->number, e);
}

void kith_cluster_got(const struct kith_cluster_node *n, const struct kith_message *m)
{
    const struct kith_cluster_setup *s = &n->cluster->setup;
    if (s->trace) {
        begin_line(n->cluster, n->name);
        fprintf(s->trace, " message %zu%s\n", m->bytes.len,
                m->flags & KITH_RELIABLE ? " reliable" : "");
    }
    if (s->message) s->message(s->ctx, n->number, m);
}
