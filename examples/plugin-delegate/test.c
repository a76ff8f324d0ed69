/* The delegate without a node: a host and a node of a few functions each are enough, because a
 * plugin gets all it uses from there. */
#include "poll.c"

#define MUST(what) \
    do { \
        if (!(what)) { \
            fprintf(stderr, "line %d: %s\n", __LINE__, #what); \
            return 1; \
        } \
    } while (0)

/* What the plugin did. */
static char said[256], fired[64], to[64];
static uint8_t sent[MOST];
static size_t sent_len, members = 2;
static int ended = 1, finishes, reply_says;
static uint64_t number_of[3], time_of = 1000, alarm_at = UINT64_MAX, finished;
static int timers;

/* ---------------------------------------------------------------------------------- the host */

static uint64_t *counter(const struct kith_host *host, const char *name, const char *help,
                         const struct kith_pair *labels, size_t count)
{
    (void)host, (void)help, (void)labels, (void)count;
    return &number_of[strcmp(name, "questions_asked") == 0 ? 0 : *name == 'q' ? 1 : 2];
}
static uint64_t now(const struct kith_host *host)
{
    (void)host;
    return time_of;
}
static void some(const struct kith_host *host, void *out, size_t len)
{
    (void)host;
    memset(out, 7, len);
}
static struct kith_timer *timer(const struct kith_host *host, void (*fn)(void *), void *arg)
{
    (void)host, (void)fn, (void)arg;
    timers++;
    return (struct kith_timer *)&timers;
}
static void timer_set(struct kith_timer *t, uint64_t at)
{
    (void)t;
    alarm_at = at;
}
static void timer_free(struct kith_timer *t)
{
    (void)t;
    timers--;
}
static int reply(const struct kith_host *host, uint64_t id, struct kith_bytes piece)
{
    (void)host, (void)id;
    if (!reply_says)
        snprintf(said + strlen(said), sizeof said - strlen(said), "%.*s", (int)piece.len,
                 (const char *)piece.data);
    return reply_says;
}
static int finish(const struct kith_host *host, uint64_t id, int status, const char *text)
{
    (void)host, (void)text;
    finished = id;
    finishes++;
    ended = status;
    return 0;
}
static int emit(const struct kith_host *host, const struct kith_event *e, kith_answer_fn *fn,
                void *arg)
{
    (void)host, (void)fn, (void)arg;
    snprintf(fired, sizeof fired, "%.*s", (int)e->name.len, (const char *)e->name.data);
    return 0;
}

/* ---------------------------------------------------------------------------------- the node */

static size_t visit_members(const struct kith_node *node, uint64_t *cursor, size_t max,
                            bool (*visit)(void *arg, const struct kith_member *), void *arg)
{
    struct kith_member m = {.size = sizeof m, .flags = KITH_MEMBER_LOCAL};
    (void)node, (void)max;
    visit(arg, &m);
    m.flags = 0;
    for (size_t i = 0; i < members; i++) visit(arg, &m);
    m.state = KITH_DEAD;
    visit(arg, &m);
    *cursor = UINT64_MAX;
    return members + 2;
}
static size_t fits(const struct kith_node *node, enum kith_fits what, const struct kith_peer *peer)
{
    (void)node, (void)what, (void)peer;
    return 500;
}
static int node_send(const struct kith_node *node, const struct kith_message *m, kith_done_fn *done,
                     void *arg)
{
    (void)node, (void)done, (void)arg;
    sent_len = m->bytes.len;
    memcpy(sent, m->bytes.data, m->bytes.len);
    snprintf(to, sizeof to, "%.*s", m->peer ? (int)m->peer->name.len : 3,
             m->peer ? (const char *)m->peer->name.data : "all");
    return 0;
}

static const struct kith_node node = {
    .size = sizeof node, .members = visit_members, .fits = fits, .send = node_send};
static const struct kith_host host = {.size = sizeof host,
                                      .node = &node,
                                      .now = now,
                                      .random = some,
                                      .counter = counter,
                                      .timer = timer,
                                      .timer_set = timer_set,
                                      .timer_free = timer_free,
                                      .reply = reply,
                                      .finish = finish,
                                      .emit = emit};

/* ------------------------------------------------------------------------------------- tests */

static int ask(struct poll *p, uint64_t id, uint32_t flags, struct kith_error *err)
{
    const struct kith_bytes words[] = {kith_text("ask"), kith_text("lunch?")};
    struct kith_call call = {.size = sizeof call, .flags = flags, .id = id, .words = words};
    call.count = 2;
    call.deadline = UINT64_MAX;
    return poll_command(p, &call, err);
}

static void hear(struct poll *p, char kind, const char *who, uint64_t number, const char *words)
{
    uint8_t bytes[MOST];
    struct kith_peer peer = {.size = sizeof peer, .name = kith_text(who)};
    struct kith_message m = {.size = sizeof m, .peer = &peer};
    m.bytes = kith_bytes_of(bytes, write_message(bytes, kind, number, kith_text(words)));
    poll_message(p, &m);
}

static int test_asks(struct poll *p)
{
    struct kith_error err = {.size = sizeof err};
    MUST(ask(p, 5, 0, &err) == KITH_LATER);
    MUST(sent[0] == 'Q' && sent_len == HEAD + 6 && !strcmp(to, "all"));
    MUST(!strcmp(fired, "asked") && number_of[0] == 1 && alarm_at == time_of + p->patience);
    MUST(ask(p, 6, 0, &err) == -KITH_EAGAIN && *err.text); /* one at a time */
    hear(p, 'A', "bert", p->open.number, "pizza");
    hear(p, 'A', "carl", p->open.number + 1, "from another poll");
    MUST(!finishes && number_of[2] == 1);
    hear(p, 'A', "carl", p->open.number, "so\"up\n");
    MUST(finishes == 1 && finished == 5 && ended == 0 && alarm_at == UINT64_MAX);
    MUST(!strcmp(said, "bert: pizza\ncarl: so\"up?\n"));
    *said = 0;
    MUST(ask(p, 7, KITH_CALL_JSON, &err) == KITH_LATER);
    hear(p, 'A', "bert", p->open.number, "so\"up\n");
    MUST(!strcmp(said, "{\"bert\":\"so\\\"up?\"}\n"));
    time_is_up(p);
    MUST(finishes == 2 && finished == 7);
    MUST(ask(p, 8, 0, &err) == KITH_LATER);
    reply_says = -KITH_ECLOSED; /* who asked has gone */
    hear(p, 'A', "bert", p->open.number, "x");
    MUST(!p->open.id);
    reply_says = 0;
    members = 0;
    MUST(ask(p, 9, 0, &err) == 0);
    members = 2;
    return 0;
}

static int test_answers(struct poll *p)
{
    struct kith_message m = {.size = sizeof m, .bytes = kith_text("Q")};
    sent_len = 0;
    poll_message(p, &m); /* too short, and from nobody */
    MUST(!sent_len);
    hear(p, 'Q', "bert", 77, "lunch?");
    MUST(sent[0] == 'A' && sent[1] == 77 && sent_len == HEAD + 5 && !strcmp(to, "bert"));
    MUST(number_of[1] == 1);
    return 0;
}

static int test_goes_on(struct poll *p)
{
    struct poll next = {.answer = "soup", .patience = 9};
    MUST(ask(p, 10, 0, NULL) == KITH_LATER);
    MUST(poll_before_leave(p, 11, 0) == KITH_LATER);
    uint64_t deadline = alarm_at;
    MUST(poll_init(&next, &host, NULL) == 0 && poll_adopt(&next, p, NULL) == 0);
    MUST(timers == 1 && alarm_at == deadline);
    finishes = 0;
    hear(&next, 'A', "bert", next.open.number, "x");
    hear(&next, 'A', "carl", next.open.number, "x");
    MUST(finishes == 2 && finished == 11); /* the poll, and the leave that waited for it */
    MUST(poll_before_leave(&next, 12, 0) == 0);
    poll_stop(&next);
    MUST(timers == 0);
    return 0;
}

int main(void)
{
    struct poll p = {.answer = "pizza", .patience = 100};
    MUST(poll_init(&p, &host, NULL) == 0 && poll_start(&p, NULL) == 0);
    if (test_asks(&p) || test_answers(&p) || test_goes_on(&p)) return 1;
    puts("poll: ok");
    return 0;
}
