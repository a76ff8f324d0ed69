/*
 * engine_checks.c - what must always hold, and the delegate that each core has, which hears of
 * what changes.
 *
 *   nobody is known whom the simulation does not have, and nobody twice
 *   what is known of a member's incarnation only rises, until the name is forgotten, or comes back
 *     from another address
 *   it changes only when the delegate was asked, or told
 *   nobody is suspected while nothing was ever done to links and nodes
 *   what a message says it comes from is there
 *
 * After each event only what was told of is looked at; of all that a core knows the rest is looked
 * at now and then, whenever names were forgotten, and at the end of a run. The third rule is what
 * makes that enough.
 */
#include "engine.h"

enum { TOLD = 1, JOINED = 2 };
enum { LOOK_EVERY = 1024 };

void sim_violation(struct sim *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (s->violations++ < 5) {
        printf("\n    seed %llu, at %.6f s: ", (unsigned long long)s->seed,
               (double)(s->now - SIM_EPOCH) / 1e9);
        vprintf(fmt, ap);
        CU_FAIL("what must always hold does not");
    }
    va_end(ap);
}

/* ------------------------------------------------------------------------------------- names */

static int *bucket_of(const struct sim *s, struct kith_bytes name)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < name.len; i++) h = (h ^ name.data[i]) * 16777619u;
    return &s->names[(h ^ h >> 15) & (uint32_t)(s->room - 1)];
}

static int by_name(const struct sim *s, struct kith_bytes name)
{
    int k = *bucket_of(s, name);
    while (k >= 0 && !kith_bytes_equal(kith_text(s->nodes[k]->name), name))
        k = s->nodes[k]->same_name;
    return k;
}

/* The last one of this name, itself if there is no other. */
static int namesake(const struct sim *s, int k)
{
    int last = k;
    for (int i = s->nodes[k]->same_name; i >= 0; i = s->nodes[i]->same_name)
        if (!strcmp(s->nodes[i]->name, s->nodes[k]->name)) last = i;
    return last;
}

/* Of several of one name the first has it. */
void sim_name_add(struct sim *s, struct node *n)
{
    int *at = bucket_of(s, kith_text(n->name));
    while (*at >= 0) at = &s->nodes[*at]->same_name;
    n->same_name = -1;
    *at = n->index;
}

/* --------------------------------------------------------------------------- what was told */

static void tell(struct node *n, const struct kith_member *m, uint8_t how)
{
    struct sim *s = n->sim;
    int k = by_name(s, m->name);
    if (k < 0) {
        sim_violation(s, "%s knows %.*s, whom nobody made", n->name, (int)m->name.len,
                      (const char *)m->name.data);
        return;
    }
    if (!s->told[k]) s->touched[s->touched_n++] = k;
    s->told[k] |= how;
}

/* One packet may do both: end a round, which forgets names, and bring one of them back. */
static void count_reaped(void *arg, const struct kith_stat *st)
{
    if (strcmp(st->name, "members_reaped") == 0) *(double *)arg = st->value;
}

static bool met_anew(struct node *n, int k)
{
    double before = n->reaped;
    if (!(n->sim->told[k] & JOINED)) return false;
    kith_core_stats(n->core, count_reaped, &n->reaped);
    return n->reaped > before;
}

/* Another node has the name now, and begins anew. */
static bool came_back(const struct node *n, int k)
{
    return n->sim->told[k] & JOINED && namesake(n->sim, k) != k;
}

static void see(struct node *n, int k, uint32_t incarnation)
{
    n->known += (size_t)(incarnation != 0) - (size_t)(n->seen[k] != 0);
    n->seen[k] = incarnation;
}

static void look_at_touched(struct sim *s, struct node *n, int k)
{
    const char *name = s->nodes[k]->name;
    struct kith_member m = {.size = sizeof m};
    if (kith_core_find(n->core, kith_text(name), &m)) {
        see(n, k, 0);
        return;
    }
    if (m.incarnation < n->seen[k] && !met_anew(n, k) && !came_back(n, k))
        sim_violation(s, "%s knew %s at incarnation %u, now at %u", n->name, name, n->seen[k],
                      m.incarnation);
    see(n, k, m.incarnation);
}

/* -------------------------------------------------------------------------- all that it knows */

static bool look_at(void *arg, const struct kith_member *m)
{
    struct node *n = arg;
    struct sim *s = n->sim;
    int k = by_name(s, m->name);
    if (k < 0) {
        sim_violation(s, "%s knows somebody who does not exist", n->name);
        return true;
    }
    if (s->looked[k] == s->look) sim_violation(s, "%s knows %s twice", n->name, s->nodes[k]->name);
    s->looked[k] = s->look;
    /* Only of the dead a higher one is no event. */
    bool gone = m->state == KITH_DEAD || m->state == KITH_LEFT;
    if (m->incarnation < n->seen[k] || (m->incarnation > n->seen[k] && !gone))
        sim_violation(s, "%s knew %s at incarnation %u, now at %u, and told nobody", n->name,
                      s->nodes[k]->name, n->seen[k], m->incarnation);
    see(n, k, m->incarnation);
    return true;
}

static void look_at_all(struct sim *s, struct node *n)
{
    uint64_t cursor = 0;
    size_t size = kith_core_size(n->core), seen = 0;
    s->look++;
    while (cursor != UINT64_MAX) seen += kith_core_visit(n->core, &cursor, 7, look_at, n);
    if (seen != size) sim_violation(s, "%s shows %zu of %zu names", n->name, seen, size);
    for (int k = 0; k < s->n; k++)
        if (s->looked[k] != s->look) see(n, k, 0);
    kith_core_stats(n->core, count_reaped, &n->reaped);
}

void sim_check(struct sim *s, struct node *n)
{
    for (int i = 0; i < s->touched_n; i++) look_at_touched(s, n, s->touched[i]);
    for (int i = 0; i < s->touched_n; i++) s->told[s->touched[i]] = 0;
    s->touched_n = 0;
    if (kith_core_size(n->core) != n->known || ++n->settled % LOOK_EVERY == 0) look_at_all(s, n);
}

void sim_check_all(struct sim *s)
{
    for (int i = 0; i < s->n; i++)
        if (s->nodes[i]->core) look_at_all(s, s->nodes[i]);
}

/* ------------------------------------------------------------------------------ the delegate */

static int d_node_meta(void *self, uint8_t *out, size_t cap)
{
    struct node *n = self;
    memcpy(out, n->meta, strlen(n->meta));
    return (int)strlen(n->meta);
}

static void check_peer(struct node *n, const struct kith_message *m)
{
    if (sim_at_addr(n->sim, m->peer->addr) < 0)
        sim_violation(n->sim, "%s was handed something by nobody", n->name);
}

static void d_message(void *self, const struct kith_message *m)
{
    struct node *n = self;
    if (m->flags & KITH_RELAYED) {
        if (n->sim->heard) n->sim->heard(n->sim->heard_arg, n->index, m);
        return;
    }
    check_peer(n, m);
    n->counts.messages++;
}

static void d_local_state(void *self, bool join, const struct kith_sink *sink)
{
    struct node *n = self;
    sink->write(sink, kith_text(n->state));
}

static void d_remote_state(void *self, const struct kith_message *m)
{
    struct node *n = self;
    check_peer(n, m);
    n->counts.states++;
    if (m->bytes.len < 7 || memcmp(m->bytes.data, "state n", 7))
        sim_violation(n->sim, "%s got a broken user state", n->name);
}

/* Asked of each claim that would change something: who it is about is looked at afterwards. */
static int d_judge(void *self, const struct kith_claim *claim, struct kith_error *err)
{
    tell(self, claim->members, TOLD);
    return 0;
}

static void on_leave(struct node *n, const struct kith_member *m)
{
    n->counts.leaves++;
    int k = by_name(n->sim, m->name);
    const struct node *who = k < 0 ? NULL : n->sim->nodes[namesake(n->sim, k)];
    n->counts.wrong += m->state == KITH_DEAD && who && who->core && !who->paused;
    if (n->sim->perfect && m->state == KITH_DEAD)
        sim_violation(n->sim, "%s took %s for dead for no reason", n->name,
                      (const char *)m->name.data);
}

static void on_suspect(struct node *n, const struct kith_member *m)
{
    if (m->state != KITH_SUSPECT) return;
    n->counts.suspicions++;
    if (kith_bytes_equal(m->accuser, kith_text(n->name))) n->counts.accusations++;
    if (n->sim->perfect)
        sim_violation(n->sim, "%s suspects %s for no reason", n->name, (const char *)m->name.data);
}

static void on_refuted(struct node *n)
{
    struct kith_member self = {.size = sizeof self};
    self.name = kith_text(n->name);
    tell(n, &self, TOLD);
}

static void d_event(void *self, const struct kith_event *e)
{
    struct node *n = self;
    switch (e->kind) {
    case KITH_EVENT_JOIN:
        n->counts.joins++;
        tell(n, e->member, TOLD | JOINED);
        break;
    case KITH_EVENT_LEAVE: on_leave(n, e->member); break;
    case KITH_EVENT_UPDATE: n->counts.updates++; break;
    case KITH_EVENT_SUSPECT: on_suspect(n, e->member); break;
    case KITH_EVENT_CONFLICT: n->counts.conflicts++; break;
    case KITH_EVENT_REFUTED: on_refuted(n); break;
    case KITH_EVENT_LOST: n->counts.lost += e->peer ? 0 : e->number; break;
    default: break;
    }
}

const struct kith_delegate_ops sim_delegate = {
    .size = sizeof sim_delegate,
    .judges = KITH_CLAIM_ALIVE | KITH_CLAIM_SUSPECT | KITH_CLAIM_DEAD | KITH_CLAIM_LEAVE,
    .event = d_event,
    .message = d_message,
    .remote_state = d_remote_state,
    .judge = d_judge,
    .node_meta = d_node_meta,
    .local_state = d_local_state,
};
