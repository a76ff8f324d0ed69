/*
 * play_deed.c - one deed to one node, or to the network, as calls on the cluster; and how it is
 * called. Knows no time.
 */
#include "play_parts.h"
#include "units.h"
#include <inttypes.h>
#include <stdlib.h>

/* -------------------------------------------------------------------------------------- words */

/* Long lists would hide the rest. */
static void tell_nodes(FILE *out, const struct kith_nodes *nodes)
{
    enum { MOST = 60 };
    size_t len = strlen(nodes->text);
    fprintf(out, "%.*s%s", MOST, nodes->text, len > MOST ? "..." : "");
}

static void tell_who(FILE *out, const struct kith_occurrence *o)
{
    const struct kith_scenario_event *e = o->e;
    fputs(kith_deed_words[e->deed], out);
    for (size_t i = 0; i < e->set_count; i++) {
        fputs(i ? " | " : " ", out);
        tell_nodes(out, &e->sets[i]);
    }
    if (e->who.text) {
        fputc(' ', out);
        tell_nodes(out, &e->who);
    }
    if (o->names) fprintf(out, " (%s)", o->names);
}

char *kith_deed_text(const struct kith_occurrence *o)
{
    const struct kith_scenario_event *e = o->e;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out) return NULL;
    tell_who(out, o);
    if (e->to.text) {
        fputs(" to ", out);
        tell_nodes(out, &e->to);
    }
    if (e->both) fputs(", both ways", out);
    if (e->reliable) fputs(", reliable", out);
    if (e->deed == KITH_DEED_SET) fprintf(out, ": %s", e->change);
    if (e->over) {
        fputs(" over ", out);
        kith_duration_print(e->over, out);
    }
    if (e->lasts) {
        fputs(" for ", out);
        kith_duration_print(e->lasts, out);
    }
    fclose(out);
    return text;
}

void kith_deed_failed(struct kith_play *p, const struct kith_occurrence *o, int node,
                      const char *why)
{
    char who[300] = "";
    char *text = kith_deed_text(o);
    if (node >= 0) snprintf(who, sizeof who, ": %s", kith_cluster_name(p->cluster, node));
    char *what = text ? malloc(strlen(text) + sizeof who) : NULL;
    if (what) {
        sprintf(what, "%s%s", text, who);
        if (p->setup->undone)
            p->setup->undone(p->setup->ctx, kith_cluster_now(p->cluster), what, why);
    }
    free(what);
    free(text);
}

/* ----------------------------------------------------------------------------------- outcomes */

/* Something that a node was asked for, and has not said what became of it. */
struct asked {
    struct kith_play *p;
    const struct kith_occurrence *o;
    int node;
};

/* What the network does to a message is measured, and no reason to complain; and meta
 * that is announced late, is. */
static bool is_outcome(enum kith_deed deed, int status)
{
    bool network = status == -KITH_ETIMEOUT || status == -KITH_EREFUSED ||
                   status == -KITH_ECLOSED || status == -KITH_EUNREACHABLE;
    if (deed == KITH_DEED_BROADCAST) return network;
    if (deed == KITH_DEED_SEND)
        return network || status == -KITH_ENOTFOUND; /* split: unknown there */
    return deed == KITH_DEED_META && status == -KITH_ETIMEOUT;
}

static const char *reason(const struct kith_scenario_event *e, int status)
{
    if (e->deed == KITH_DEED_SEND && status == -KITH_ETOOBIG && !e->reliable)
        return "too big for a packet; with `reliable: true` it has a stream";
    if (e->deed == KITH_DEED_BROADCAST && status == -KITH_ETOOBIG) return "too big for a packet";
    return kith_code_text(status);
}

/* Of who is killed meanwhile nobody waits for an answer. */
static void answered(void *arg, int status, uint64_t value)
{
    struct asked *a = arg;
    bool runs = kith_cluster_node(a->p->cluster, a->node) != NULL;
    if (status < 0 && runs && !is_outcome(a->o->e->deed, status))
        kith_deed_failed(a->p, a->o, a->node, reason(a->o->e, status));
    free(a);
}

static struct asked *ask(struct kith_play *p, const struct kith_occurrence *o, int node)
{
    struct asked *a = malloc(sizeof *a);
    if (a) *a = (struct asked){p, o, node};
    p->no_memory |= !a;
    return a;
}

/* rc: whether it was taken; else nobody answers. */
static int asked(struct asked *a, int rc)
{
    if (rc < 0) free(a);
    return rc;
}

/* -------------------------------------------------------------------------------------- nodes */

static int start(struct kith_play *p, int node, const struct kith_seed *seeds, size_t count,
                 struct kith_error *err)
{
    if (p->own_seeds[node]) {
        bool others = seeds != NULL;
        p->own[node].join = others ? (struct kith_seeds){seeds, count} : p->config.join;
    }
    return kith_cluster_start(p->cluster, node, err);
}

/* Those that the event says; never itself, of which it would hear nothing. */
static size_t list_seeds(struct kith_play *p, const struct kith_occurrence *o, int node)
{
    size_t n = 0;
    for (size_t i = 0; i < o->to_count; i++)
        if (o->to[i] != node)
            p->own_seeds[node][n++].address = kith_cluster_name(p->cluster, o->to[i]);
    return n;
}

static int join(struct kith_play *p, const struct kith_occurrence *o, int node,
                struct kith_error *err)
{
    if (!o->e->to.in) return start(p, node, NULL, 0, err);
    size_t n = list_seeds(p, o, node);
    if (!n) return kith_fail(err, KITH_ENOTFOUND, "there is nobody else to join");
    if (!kith_cluster_node(p->cluster, node)) return start(p, node, p->own_seeds[node], n, err);
    struct asked *a = ask(p, o, node);
    return asked(a, kith_cluster_join(p->cluster, node, p->own_seeds[node][0].address,
                                      a ? answered : NULL, a, err));
}

static int restart(struct kith_play *p, int node, struct kith_error *err)
{
    if (kith_cluster_node(p->cluster, node)) {
        int rc = kith_cluster_kill(p->cluster, node, err);
        if (rc) return rc;
    }
    return start(p, node, NULL, 0, err);
}

static int meta(struct kith_play *p, const struct kith_occurrence *o, int node,
                struct kith_error *err)
{
    struct asked *a = ask(p, o, node);
    return asked(a, kith_cluster_meta(p->cluster, node, kith_text(o->e->value), a ? answered : NULL,
                                      a, err));
}

static int leave(struct kith_play *p, const struct kith_occurrence *o, int node,
                 struct kith_error *err)
{
    struct asked *a = ask(p, o, node);
    return asked(a, kith_cluster_leave(p->cluster, node, 0, a ? answered : NULL, a, err));
}

void kith_deed_do(struct kith_play *p, struct kith_occurrence *o, int node)
{
    struct kith_error err = {.size = sizeof err};
    int rc = 0;
    kith_measure_again(p->measure, o->happening);
    switch (o->e->deed) {
    case KITH_DEED_JOIN: rc = join(p, o, node, &err); break;
    case KITH_DEED_KILL: rc = kith_cluster_kill(p->cluster, node, &err); break;
    case KITH_DEED_RESTART: rc = restart(p, node, &err); break;
    case KITH_DEED_STOP: rc = kith_cluster_pause(p->cluster, node, true, &err); break;
    case KITH_DEED_CONTINUE: rc = kith_cluster_pause(p->cluster, node, false, &err); break;
    case KITH_DEED_LEAVE: rc = leave(p, o, node, &err); break;
    case KITH_DEED_META: rc = meta(p, o, node, &err); break;
    default: abort();
    }
    if (rc) kith_deed_failed(p, o, node, err.text);
}

bool kith_deed_stands(const struct kith_play *p, const struct kith_occurrence *o, int node)
{
    bool runs = kith_cluster_node(p->cluster, node) != NULL;
    if (o->e->deed == KITH_DEED_KILL) return !runs;
    return runs && kith_cluster_is_paused(p->cluster, node);
}

void kith_deed_undo(struct kith_play *p, struct kith_occurrence *o, int node)
{
    struct kith_error err = {.size = sizeof err};
    int rc = 0;
    kith_measure_again(p->measure, o->undoing);
    if (o->e->deed == KITH_DEED_KILL)
        rc = start(p, node, NULL, 0, &err);
    else
        rc = kith_cluster_pause(p->cluster, node, false, &err);
    if (rc) kith_deed_failed(p, o, node, err.text);
}

/* ----------------------------------------------------------------------------------- messages */

static int send(struct kith_play *p, const struct kith_occurrence *o, int node, int to,
                struct kith_error *err)
{
    struct asked *a = ask(p, o, node);
    return asked(a, kith_measure_send(p->measure, node, to, o->e->bytes, o->e->reliable,
                                      a ? answered : NULL, a, err));
}

void kith_deed_message(struct kith_play *p, struct kith_occurrence *o, int node)
{
    const struct kith_scenario_event *e = o->e;
    struct kith_error err = {.size = sizeof err};
    size_t others = 0;
    int rc = 0;
    kith_measure_again(p->measure, o->happening);
    for (size_t i = 0; i < o->to_count; i++) others += o->to[i] != node;
    if (e->deed == KITH_DEED_SEND && !others)
        rc = kith_fail(&err, KITH_ENOTFOUND, "there is nobody else to send to");
    if (e->deed == KITH_DEED_BROADCAST) rc = send(p, o, node, -1, &err);
    for (size_t i = 0; i < o->to_count && !rc; i++)
        if (o->to[i] != node) rc = send(p, o, node, o->to[i], &err);
    if (rc < 0) kith_deed_failed(p, o, node, err.text);
}

/* ------------------------------------------------------------------------------------ network */

/* "{"rule":3,...": which one was made. */
static void find_rule(void *arg, struct kith_bytes text)
{
    static const char key[] = "\"rule\":";
    const char *at = memmem(text.data, text.len, key, sizeof key - 1);
    if (at) *(uint32_t *)arg = (uint32_t)strtoul(at + sizeof key - 1, NULL, 10);
}

static void write_names(struct kith_play *p, FILE *out, const int *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s", i ? "," : "", kith_cluster_name(p->cluster, nodes[i]));
}

/* As patterns. false: nobody was drawn. */
static bool write_set(struct kith_play *p, const struct kith_occurrence *o, FILE *out,
                      const struct kith_nodes *nodes, unsigned salt, bool *taken)
{
    size_t count = 0;
    if (!nodes->text || nodes->set) {
        fprintf(out, " %s", nodes->text ? nodes->set : "all");
        for (uint32_t i = 0; nodes->text && taken && i < p->scenario->nodes; i++)
            taken[i] |= nodes->in[i];
        return true;
    }
    int *drawn = kith_lots_draw(p, o, nodes, salt, taken, &count);
    fputc(' ', out);
    if (drawn) write_names(p, out, drawn, count);
    free(drawn);
    return count > 0;
}

static bool write_command(struct kith_play *p, const struct kith_occurrence *o, FILE *out)
{
    const struct kith_scenario_event *e = o->e;
    bool ok = true;
    bool *taken = calloc(p->scenario->nodes, sizeof *taken);
    fputs(kith_deed_words[e->deed], out);
    for (size_t i = 0; i < e->set_count; i++)
        ok = write_set(p, o, out, &e->sets[i], (unsigned)i, taken) && ok;
    if (e->deed == KITH_DEED_CUT || e->deed == KITH_DEED_SET) {
        ok = write_set(p, o, out, &e->who, 0, NULL) && ok;
        ok = write_set(p, o, out, &e->to, 1, NULL) && ok;
        if (e->both) fputs(" --both", out);
        if (e->deed == KITH_DEED_SET) fprintf(out, " %s", e->change);
    }
    if (e->lasts && e->deed != KITH_DEED_HEAL) fputs(" --keep", out); /* what is to come back */
    free(taken);
    return ok;
}

static void network(struct kith_play *p, struct kith_occurrence *o, const char *command)
{
    struct kith_error err = {.size = sizeof err};
    int rc = kith_cluster_network(p->cluster, command, find_rule, &o->rule, &err);
    /* A rule that somebody else took back before needs no undoing. */
    if (rc < 0 && rc != -KITH_ENOTFOUND) kith_deed_failed(p, o, -1, err.text);
}

void kith_deed_network(struct kith_play *p, struct kith_occurrence *o)
{
    char *command = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&command, &len);
    if (!out) {
        p->no_memory = true;
        return;
    }
    bool ok = write_command(p, o, out);
    fclose(out);
    kith_measure_again(p->measure, o->happening);
    if (!kith_cluster_running(p->cluster)) /* the cluster would keep it for later, without a rule */
        kith_deed_failed(p, o, -1, "nobody runs, so there is no network");
    else if (!ok)
        kith_deed_failed(p, o, -1, "there is nobody to draw");
    else
        network(p, o, command);
    free(command);
}

void kith_deed_network_undo(struct kith_play *p, struct kith_occurrence *o)
{
    char command[32];
    snprintf(command, sizeof command, "heal %" PRIu32, o->rule);
    kith_measure_again(p->measure, o->undoing);
    network(p, o, command);
}
