/*
 * emitted.c - events that plugins emit: from one of them to all the others, and the answers back.
 *
 *   an event   host->emit ──▶ waiting, copied ──turn ends──▶ given to each listener, freed
 *   a round    opened with an event that wants answers ──▶ one ask for each plugin that hears it
 *              ──▶ an answer ends ──turn ends──▶ given to whoever emitted it
 *              ──▶ no ask is open ──turn ends──▶ the last call, `by` empty; freed
 *
 * Nothing is called from inside another call: all of it happens in kith_delegates_deliver().
 */
#include "delegates_parts.h"

#include <stdlib.h>

/* All answers that wait together; a listener that says more is asked to come again. */
#define ANSWERS_BYTES (16u << 20)
/* Of the ids that can be open at a time, events take this part: whoever makes a plugin emit must
 * not keep the operator from asking. */
#define ANSWERS_OPEN (KITH_ASKS_MAX / 2)

struct kith_emission {
    struct kith_emission *next;
    struct kith_event event; /* what it points to is behind it */
    struct kith_member member;
    const struct kith_host *by;
    struct kith_round *round; /* NULL: no answer is wanted */
    size_t bytes;
};

struct kith_round {
    struct kith_round *next, **link;
    struct kith_delegates_shared *shared;
    const struct kith_host *by; /* NULL: it has stopped, nobody wants to know */
    kith_answer_fn *answer;
    void *arg;
    uint64_t deadline;
    size_t open; /* asks, and the event itself while it waits */
    struct reply *replies;
};

/* One listener's answer: open, ended, or (not answered) of no use. */
struct reply {
    struct reply *next;
    struct kith_round *round;
    uint64_t id; /* 0: it has ended */
    int status;
    bool answered;
    struct kith_scratch pieces;
    size_t len;
    size_t name_len;
    char name[]; /* of its entry, with a NUL */
};

/* ---------------------------------------------------------------------------------- the copy */

/* Room behind a struct: first the fields, then bytes. */
struct room {
    uint8_t *at;
};

static struct kith_bytes copy(struct room *room, struct kith_bytes from)
{
    struct kith_bytes to = {room->at, from.len};
    if (from.len) memcpy(room->at, from.data, from.len);
    room->at[from.len] = 0;
    room->at += from.len + 1;
    return to;
}

static bool add(size_t *total, size_t n)
{
    if (n >= KITH_EMITTED_BYTES - *total) return false;
    *total += n + 1;
    return true;
}

/* What copy() needs for all of it; false: over the limit. */
static bool measure(const struct kith_event *e, size_t *total)
{
    const struct kith_member *m = e->member;
    *total = 0;
    if (e->field_count > KITH_EMITTED_BYTES / sizeof *e->fields) return false;
    bool fits = add(total, sizeof(struct kith_emission)) &&
                add(total, e->field_count * sizeof *e->fields) && add(total, e->name.len) &&
                add(total, e->data.len);
    for (size_t i = 0; i < e->field_count && fits; i++)
        fits = add(total, e->fields[i].name.len) && add(total, e->fields[i].value.len);
    return fits && (!m || (add(total, m->name.len) && add(total, m->meta.len) &&
                           add(total, m->accuser.len)));
}

static struct kith_emission *copy_event(const struct kith_event *e, const char *by, size_t bytes)
{
    const struct kith_member *m = e->member;
    struct kith_emission *out = malloc(bytes + strlen(by) + 1);
    if (!out) return NULL;
    struct kith_pair *fields = (struct kith_pair *)(out + 1);
    struct room room = {(uint8_t *)(fields + e->field_count)};
    *out = (struct kith_emission){.bytes = bytes};
    out->event = (struct kith_event){
        .size = sizeof out->event,
        .kind = KITH_EVENT_EMITTED,
        .number = e->number,
        .data = copy(&room, e->data),
        .by = copy(&room, kith_text(by)),
        .name = copy(&room, e->name),
        .fields = fields,
        .field_count = e->field_count,
    };
    for (size_t i = 0; i < e->field_count; i++)
        fields[i] =
            (struct kith_pair){copy(&room, e->fields[i].name), copy(&room, e->fields[i].value)};
    if (!m) return out;
    out->member = *m;
    out->member.name = copy(&room, m->name);
    out->member.meta = copy(&room, m->meta);
    out->member.accuser = copy(&room, m->accuser);
    out->event.member = &out->member;
    return out;
}

static bool is_kind_name(struct kith_bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        bool letter = c >= 'a' && c <= 'z';
        if (!letter && (i == 0 || !(c == '_' || (c >= '0' && c <= '9')))) return false;
    }
    return name.len > 0;
}

/* ------------------------------------------------------------------------------------ rounds */

static struct kith_round *round_new(struct kith_delegates_shared *shared,
                                    const struct kith_host *by, kith_answer_fn *answer, void *arg)
{
    struct kith_emitted *all = &shared->emitted;
    bool room = all->round_count < KITH_EMITTED_MAX && all->open < ANSWERS_OPEN;
    struct kith_round *r = room ? calloc(1, sizeof *r) : NULL;
    if (!r) return NULL;
    r->shared = shared;
    r->by = by;
    r->answer = answer;
    r->arg = arg;
    r->open = 1;
    struct kith_round **link = &all->rounds; /* at the end: answers come in the events' order */
    while (*link) link = &(*link)->next;
    r->link = link;
    *link = r;
    all->round_count++;
    return r;
}

static void reply_free(struct reply *reply)
{
    struct kith_emitted *all = &reply->round->shared->emitted;
    if (reply->id) {
        kith_asks_cancel(reply->round->shared->asks, reply->id);
        reply->round->open--;
        all->open--;
    }
    all->answer_bytes -= reply->len;
    kith_scratch_free(&reply->pieces);
    free(reply);
}

static void round_free(struct kith_round *r)
{
    for (struct reply *reply; (reply = r->replies);) {
        r->replies = reply->next;
        reply_free(reply);
    }
    *r->link = r->next;
    if (r->next) r->next->link = r->link;
    r->shared->emitted.round_count--;
    free(r);
}

static int reply_piece(void *arg, struct kith_bytes bytes)
{
    struct reply *reply = arg;
    struct kith_emitted *all = &reply->round->shared->emitted;
    if (bytes.len > KITH_ANSWER_BYTES - reply->len) return -KITH_ETOOBIG;
    if (bytes.len > ANSWERS_BYTES - all->answer_bytes) return -KITH_EAGAIN;
    uint8_t *to = kith_scratch_room(&reply->pieces, reply->len + bytes.len + 1);
    if (!to) return -KITH_ENOMEM;
    if (bytes.len) memcpy(to + reply->len, bytes.data, bytes.len);
    reply->len += bytes.len;
    to[reply->len] = 0;
    all->answer_bytes += bytes.len;
    return 0;
}

/* Who was too late or has stopped has not answered. */
static void reply_end(void *arg, int status, const char *text)
{
    struct reply *reply = arg;
    struct kith_round *r = reply->round;
    struct kith_delegates_shared *shared = r->shared;
    bool late = status == -KITH_ETIMEOUT && shared->setup.now(shared->setup.ctx) >= r->deadline;
    reply->id = 0;
    reply->status = status;
    reply->answered = !late && status != -KITH_ECLOSED;
    r->open--;
    shared->emitted.open--;
    shared->emitted.answered = true;
}

/* An id for this listener to answer with; 0: it can't. */
static uint64_t open_reply(struct kith_round *r, struct kith_listener *l)
{
    struct kith_delegates_shared *shared = r->shared;
    if (!l->instance || !shared->asks || shared->emitted.open == ANSWERS_OPEN) return 0;
    const char *name = kith_listener_name(l);
    size_t len = strlen(name);
    struct reply *reply = calloc(1, sizeof *reply + len + 1);
    if (!reply) return 0;
    reply->round = r;
    reply->name_len = len;
    memcpy(reply->name, name, len);
    const struct kith_asker asker = {.arg = reply, .piece = reply_piece, .end = reply_end};
    reply->id = kith_asks_open(shared->asks, l->instance->host, &asker, r->deadline);
    if (!reply->id) {
        free(reply);
        return 0;
    }
    r->open++;
    shared->emitted.open++;
    struct reply **last = &r->replies;
    while (*last) last = &(*last)->next;
    *last = reply;
    return reply->id;
}

/* ------------------------------------------------------------------------------------- answers */

static void call_answer(struct kith_round *r, struct kith_bytes by, int status,
                        struct kith_bytes bytes)
{
    struct kith_delegates_shared *shared = r->shared;
    struct kith_listener *l = kith_listener_of(shared, r->by);
    struct kith_instance *in = l ? l->instance : NULL;
    if (!l && shared->setup.instance_of) in = shared->setup.instance_of(shared->setup.ctx, r->by);
    if (!in || !kith_instance_runs(in)) return;
    if (by.len) shared->emitted.answers++;
    uint64_t entered = 0;
    if (l)
        entered = kith_listener_enter(l);
    else
        kith_instance_enter(in);
    r->answer(r->arg, by, status, bytes);
    if (l)
        kith_listener_leave(l, entered, "answer");
    else
        kith_instance_leave(in);
}

/* The answers of a round that have ended meanwhile, and its last call. */
static void hand_over(struct kith_round *r)
{
    struct reply **link = &r->replies, *reply;
    while ((reply = *link)) {
        if (reply->id) {
            link = &reply->next;
            continue;
        }
        *link = reply->next;
        if (reply->answered && r->by)
            call_answer(r, kith_bytes_of(reply->name, reply->name_len), reply->status,
                        kith_bytes_of(reply->pieces.data, reply->len));
        reply_free(reply);
        link = &r->replies; /* the call may have ended others */
    }
}

static void deliver_answers(struct kith_delegates_shared *shared)
{
    if (!shared->emitted.answered) return;
    shared->emitted.answered = false;
    for (struct kith_round *r = shared->emitted.rounds, *next; r; r = next) {
        hand_over(r);
        uint64_t now = shared->setup.now(shared->setup.ctx);
        if (!r->open && r->by)
            call_answer(r, kith_bytes_of(NULL, 0), now < r->deadline ? 0 : -KITH_ETIMEOUT,
                        kith_bytes_of(NULL, 0));
        next = r->next;
        if (!r->open) round_free(r);
    }
}

/* ------------------------------------------------------------------------------------ events */

static void give(struct kith_delegates_shared *shared, struct kith_emission *e)
{
    KITH_EACH(shared, event, {
        struct kith_event event = e->event;
        if (!l->instance || l->instance->host != e->by) {
            event.id = e->round ? open_reply(e->round, l) : 0;
            event.deadline = event.id ? e->round->deadline : 0;
            l->ops.event(l->self, &event);
        }
    });
}

void kith_emitted_deliver(struct kith_delegates_shared *shared)
{
    struct kith_emitted *all = &shared->emitted;
    deliver_answers(shared);
    struct kith_emission *e = all->first, *next;
    all->first = NULL; /* what is emitted from here on waits */
    all->last = NULL;
    for (; e; e = next) {
        next = e->next;
        all->count--;
        all->bytes -= e->bytes;
        all->sent++;
        give(shared, e);
        if (e->round && !--e->round->open) all->answered = true;
        free(e);
    }
}

bool kith_emitted_waiting(const struct kith_delegates_shared *shared)
{
    return shared->emitted.first || shared->emitted.answered;
}

static int enqueue(struct kith_delegates_shared *shared, struct kith_emission *e,
                   kith_answer_fn *answer, void *arg, uint64_t deadline)
{
    struct kith_emitted *all = &shared->emitted;
    if (answer) {
        e->round = round_new(shared, e->by, answer, arg);
        if (!e->round) return -KITH_EAGAIN;
        e->round->deadline =
            deadline ? deadline : shared->setup.now(shared->setup.ctx) + KITH_ANSWER_TIME;
    }
    *(all->last ? all->last : &all->first) = e;
    all->last = &e->next;
    all->count++;
    all->bytes += e->bytes;
    return 0;
}

/* Whose host table it is; NULL: it has stopped. */
static struct kith_instance *emitter(const struct kith_delegates_shared *shared,
                                     const struct kith_host *by)
{
    const struct kith_listener *l = kith_listener_of(shared, by);
    if (l && l->instance) return l->instance;
    return shared->setup.instance_of ? shared->setup.instance_of(shared->setup.ctx, by) : NULL;
}

/* What was handed over, at today's size. */
struct given {
    struct kith_event event;
    struct kith_member member; /* event.member points here */
    size_t bytes;              /* of a copy */
};

static int take(struct kith_instance *in, const struct kith_event *from, struct given *out)
{
    bool whole = KITH_TAKE(&out->event, from);
    if (out->event.member) whole &= KITH_TAKE(&out->member, out->event.member);
    if (!whole) {
        kith_instance_blame(in, "emit of an event, or of a member, whose size no header has");
        return -KITH_EINVAL;
    }
    if (!is_kind_name(out->event.name)) return -KITH_EINVAL;
    if (out->event.member) {
        out->event.member = &out->member;
        if (!kith_addr_sound(&out->member.addr)) {
            kith_instance_blame(in, "emit with an address of %u bytes", out->member.addr.len);
            return -KITH_EINVAL;
        }
    }
    return measure(&out->event, &out->bytes) ? 0 : -KITH_ETOOBIG;
}

int kith_delegates_emit(struct kith_delegates *d, const struct kith_host *by,
                        const struct kith_event *event, kith_answer_fn *answer, void *arg)
{
    struct kith_delegates_shared *shared = d->shared;
    const struct kith_emitted *all = &shared->emitted;
    struct given given;
    struct kith_instance *in = emitter(shared, by);
    if (!in) return -KITH_ECLOSED;
    int rc = take(in, event, &given);
    if (rc) return rc;
    struct kith_emission *e = NULL;
    rc = -KITH_EAGAIN;
    if (all->count < KITH_EMITTED_MAX && given.bytes <= KITH_EMITTED_BYTES - all->bytes) {
        e = copy_event(&given.event, kith_instance_name(in), given.bytes);
        rc = e ? 0 : -KITH_ENOMEM;
    }
    if (e) {
        e->by = by;
        e->event.wall = shared->setup.wall(shared->setup.ctx);
        rc = enqueue(shared, e, answer, arg, given.event.deadline);
    }
    if (rc) {
        ++*in->host->counter(in->host, "events_dropped", "Events dropped because too many waited.",
                             NULL, 0);
        free(e);
    }
    return rc;
}

void kith_emitted_forget(struct kith_delegates_shared *shared, const struct kith_host *by)
{
    for (struct kith_round *r = shared->emitted.rounds; r; r = r->next)
        if (r->by == by) r->by = NULL;
}

void kith_delegates_forget(struct kith_delegates *d, const struct kith_host *by)
{
    kith_emitted_forget(d->shared, by);
}

void kith_emitted_fini(struct kith_delegates_shared *shared)
{
    struct kith_emitted *all = &shared->emitted;
    for (struct kith_emission *e; (e = all->first);) {
        all->first = e->next;
        free(e);
    }
    while (all->rounds) round_free(all->rounds);
}
