/* Events that delegates emit, the answers to them, and the word before a leave. */
#include "fan.h"

#define SECOND 1000000000u

static char answers[1024]; /* "by=status:bytes " */
static void on_answer(void *arg, struct kith_bytes by, int status, struct kith_bytes bytes)
{
    size_t used = strlen(answers);
    snprintf(answers + used, sizeof answers - used, "%s%.*s=%d:%.*s ", arg ? (char *)arg : "",
             (int)by.len, (const char *)by.data, status, (int)bytes.len,
             bytes.len ? (const char *)bytes.data : "");
}

static int emits(const char *who, const char *name, const char *data, kith_answer_fn *answer)
{
    const struct kith_host *host = probe_called(who)->host;
    const struct kith_event e = {
        .size = sizeof e, .name = kith_text(name), .data = kith_text(data)};
    answers[0] = 0;
    return host->emit(host, &e, answer, NULL);
}

static void test_all_but_the_emitter_hear_it_later(void)
{
    static struct probe own = {.tag = "own"};
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", "kv");
    entry(&listener, "c", NULL);
    open_fan();
    kith_delegates_listen(fan, &listener_ops, &own);
    CU_ASSERT_EQUAL(emits("b", "deployed", "v1", NULL), 0);
    CU_ASSERT_EQUAL(emits("a", "done", "", NULL), 0);
    CU_ASSERT_STRING_EQUAL(diary, "");
    CU_ASSERT(kith_delegates_waiting(fan));
    CU_ASSERT(!kith_delegates_deliver(fan));
    CU_ASSERT_STRING_EQUAL(diary, "a:b.deployed(v1) c:b.deployed(v1) own:b.deployed(v1) "
                                  "b:a.done() c:a.done() own:a.done() ");
    CU_ASSERT_EQUAL(counter("events_emitted"), 2);
    close_fan();
}

static void emit_again(struct probe *p, const struct kith_event *e)
{
    const struct kith_event more = {.size = sizeof more, .name = kith_text("more")};
    CU_ASSERT_EQUAL(p->host->emit(p->host, &more, NULL, NULL), 0);
}

/* Two that answer each other's events don't hold the node. */
static void test_events_out_of_events_wait(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", NULL);
    open_fan();
    emits("a", "first", "", NULL);
    with.on_event = emit_again;
    for (int turn = 0; turn < 3; turn++) {
        CU_ASSERT(kith_delegates_deliver(fan));
        CU_ASSERT_STRING_EQUAL(diary, turn == 0   ? "b:a.first() "
                                      : turn == 1 ? "a:b.more() "
                                                  : "b:a.more() ");
        diary[0] = 0;
    }
    close_fan(); /* what waits is freed */
}

static struct kith_event seen;
static char seen_text[8][32];
static void see(struct probe *p, const struct kith_event *e)
{
    seen = *e;
    CU_ASSERT_EQUAL_FATAL(e->field_count, 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(e->member);
    const struct kith_bytes all[] = {
        e->name,           e->data,         e->fields[0].name, e->fields[0].value,
        e->fields[1].name, e->member->name, e->member->meta,   e->by};
    for (size_t i = 0; i < 8; i++) { /* each has its NUL */
        CU_ASSERT_EQUAL(all[i].data[all[i].len], 0);
        snprintf(seen_text[i], sizeof *seen_text, "%s", (const char *)all[i].data);
    }
}

static void test_what_is_emitted_is_copied(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", NULL);
    open_fan();
    char text[] = "name|data|one|1|two|web|meta";
    struct kith_pair fields[2] = {{{(uint8_t *)text + 10, 3}, {(uint8_t *)text + 14, 1}},
                                  {{(uint8_t *)text + 16, 3}, {NULL, 0}}};
    struct kith_member m = {.size = sizeof m,
                            .incarnation = 7,
                            .name = {(uint8_t *)text + 20, 3},
                            .meta = {(uint8_t *)text + 24, 4}};
    struct kith_event e = {.size = sizeof e,
                           .number = 9,
                           .member = &m,
                           .name = {(uint8_t *)text, 4},
                           .data = {(uint8_t *)text + 5, 4},
                           .fields = fields,
                           .field_count = 2};
    const struct kith_host *host = probe_called("a")->host;
    CU_ASSERT_EQUAL(host->emit(host, &e, NULL, NULL), 0);
    memset(text, '!', sizeof text);
    memset(fields, 0xA5, sizeof fields);
    memset(&m, 0xA5, sizeof m);
    memset(&e, 0xA5, sizeof e);
    with.on_event = see;
    kith_delegates_deliver(fan);
    static const char *const want[] = {"name", "data", "one", "1", "two", "web", "meta", "a"};
    for (size_t i = 0; i < 8; i++) CU_ASSERT_STRING_EQUAL(seen_text[i], want[i]);
    CU_ASSERT(seen.kind == KITH_EVENT_EMITTED && seen.number == 9 && seen.wall == 77);
    CU_ASSERT(seen.id == 0 && seen.deadline == 0);
    close_fan();
}

/* A size that cuts a pointer in half was made by no header. */
static void test_half_a_pointer(void)
{
    struct kith_member m = {.size = sizeof m};
    struct kith_event e = {.size = sizeof e, .name = kith_text("e"), .member = &m};
    file();
    entry(&listener, "a", NULL);
    open_fan();
    const struct kith_host *host = probe_called("a")->host;
    e.size = offsetof(struct kith_event, member) + sizeof(void *) / 2;
    CU_ASSERT_EQUAL(host->emit(host, &e, NULL, NULL), -KITH_EINVAL);
    e.size = sizeof e;
    m.size = offsetof(struct kith_member, name) + sizeof(void *) / 2;
    CU_ASSERT_EQUAL(host->emit(host, &e, NULL, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(counted("a", "contract_breaches"), 2);
    m.size = offsetof(struct kith_member, meta); /* from before members had meta */
    CU_ASSERT_EQUAL(host->emit(host, &e, NULL, NULL), 0);
    close_fan();
}

static void test_names_are_of_kinds(void)
{
    static const char *const wrong[] = {"", "Deploy", "1st", "a-b", "a.b", "_a"};
    file();
    entry(&listener, "a", NULL);
    open_fan();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CU_ASSERT_EQUAL(emits("a", wrong[i], "", NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(emits("a", "ok_2", "", NULL), 0);
    close_fan();
}

static void test_the_queue_is_bounded(void)
{
    static char much[KITH_EMITTED_BYTES / 2 + 1];
    memset(much, 'x', sizeof much - 1);
    file();
    entry(&listener, "a", NULL);
    open_fan();
    for (int i = 0; i < KITH_EMITTED_MAX; i++) CU_ASSERT_EQUAL(emits("a", "e", "", NULL), 0);
    CU_ASSERT_EQUAL(emits("a", "e", "", NULL), -KITH_EAGAIN);
    CU_ASSERT_EQUAL(counted("a", "events_dropped"), 1);
    kith_delegates_deliver(fan);
    CU_ASSERT_EQUAL(emits("a", "e", much, NULL), 0);
    CU_ASSERT_EQUAL(emits("a", "e", much, NULL), -KITH_EAGAIN);
    kith_delegates_deliver(fan);
    CU_ASSERT_EQUAL(emits("a", "e", much, NULL), 0);
    CU_ASSERT_EQUAL(counted("a", "events_dropped"), 2);
    close_fan();
}

/* ------------------------------------------------------------------------------------ answers */

static void answer_at_once(struct probe *p, const struct kith_event *e)
{
    CU_ASSERT(e->id && e->deadline == fake_clock + KITH_ANSWER_TIME);
    p->host->reply(p->host, e->id, kith_text("o"));
    p->host->reply(p->host, e->id, kith_text("k"));
    CU_ASSERT_EQUAL(p->host->finish(p->host, e->id, 0, NULL), 0);
}

static void test_each_answers_once(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", NULL);
    entry(&listener, "c", "kv");
    open_fan();
    with.on_event = answer_at_once;
    CU_ASSERT_EQUAL(emits("a", "query", "", on_answer), 0);
    CU_ASSERT(kith_delegates_deliver(fan)); /* the answers wait for the next turn */
    CU_ASSERT_STRING_EQUAL(answers, "");
    CU_ASSERT(!kith_delegates_deliver(fan));
    CU_ASSERT_STRING_EQUAL(answers, "b=0:ok c=0:ok =0: ");
    CU_ASSERT_EQUAL(counter("events_answered"), 2);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(answers, "b=0:ok c=0:ok =0: ");
    close_fan();
}

static void test_answers_end_at_the_deadline(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", NULL);
    entry(&listener, "c", NULL);
    open_fan();
    CU_ASSERT_EQUAL(emits("a", "query", "", on_answer), 0);
    kith_delegates_deliver(fan);
    const uint64_t of_c = with.id;
    const struct kith_host *c = probe_called("c")->host;
    c->reply(c, of_c, kith_text("half"));
    CU_ASSERT_EQUAL(c->finish(c, of_c - 1, 0, NULL), -KITH_ECLOSED); /* that is b's */
    kith_asks_expire(asks, fake_clock + 1);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(answers, "");
    fake_clock += KITH_ANSWER_TIME;
    kith_asks_expire(asks, fake_clock);
    CU_ASSERT_STRING_EQUAL(answers, "");
    kith_delegates_deliver(fan);
    char want[32];
    snprintf(want, sizeof want, "=%d: ", -KITH_ETIMEOUT);
    CU_ASSERT_STRING_EQUAL(answers, want);
    CU_ASSERT_EQUAL(c->finish(c, of_c, 0, NULL), -KITH_ECLOSED);
    close_fan();
}

static uint64_t told_deadline;
static void note_deadline(struct probe *p, const struct kith_event *e)
{
    told_deadline = e->deadline;
}

static void test_an_emitter_may_set_the_deadline(void)
{
    struct kith_event e = {.size = sizeof e, .name = kith_text("query")};
    char want[32];
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", NULL);
    open_fan();
    const struct kith_host *host = probe_called("a")->host;
    e.deadline = fake_clock + SECOND;
    answers[0] = 0;
    with.on_event = note_deadline;
    CU_ASSERT_EQUAL(host->emit(host, &e, on_answer, NULL), 0);
    kith_delegates_deliver(fan);
    CU_ASSERT_EQUAL(told_deadline, e.deadline);
    CU_ASSERT_EQUAL(kith_asks_deadline(asks), e.deadline);
    fake_clock += SECOND;
    kith_asks_expire(asks, fake_clock);
    kith_delegates_deliver(fan);
    snprintf(want, sizeof want, "=%d: ", -KITH_ETIMEOUT);
    CU_ASSERT_STRING_EQUAL(answers, want);
    close_fan();
}

static void test_nobody_hears_it(void)
{
    static const struct kith_delegate_ops deaf = {.size = sizeof deaf};
    static const struct kith_plugin plugin = PROBE(&deaf, NULL);
    file();
    entry(&plugin, "a", NULL);
    open_fan();
    CU_ASSERT_EQUAL(emits("a", "query", "", on_answer), 0);
    CU_ASSERT_STRING_EQUAL(answers, "");
    CU_ASSERT(kith_delegates_deliver(fan));
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(answers, "=0: ");
    close_fan();
}

static void answer_too_much(struct probe *p, const struct kith_event *e)
{
    static uint8_t part[KITH_ANSWER_BYTES / 4];
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(p->host->reply(p->host, e->id, kith_bytes_of(part, sizeof part)), 0);
    CU_ASSERT_EQUAL(p->host->reply(p->host, e->id, kith_text("x")), -KITH_ETOOBIG);
    p->host->finish(p->host, e->id, -KITH_EIO, "so much");
}

static size_t answer_size;
static int answer_status;
static void measure_answer(void *arg, struct kith_bytes by, int status, struct kith_bytes bytes)
{
    if (!by.len) return;
    answer_size = bytes.len;
    answer_status = status;
}

static void test_answers_are_bounded(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", NULL);
    open_fan();
    with.on_event = answer_too_much;
    CU_ASSERT_EQUAL(emits("a", "query", "", measure_answer), 0);
    kith_delegates_deliver(fan);
    kith_delegates_deliver(fan);
    CU_ASSERT(answer_size == KITH_ANSWER_BYTES && answer_status == -KITH_EIO);
    close_fan();
}

static unsigned with_id, without_id;
static void count_ids(struct probe *p, const struct kith_event *e)
{
    ++*(e->id ? &with_id : &without_id);
}

/* However many events want answers: half of the ids are left for others. */
static void test_ids_are_left_for_others(void)
{
    file();
    entry(&listener, "a", NULL);
    for (int i = 0; i < 4; i++) entry(&listener, (const char *[]){"b", "c", "d", "e"}[i], NULL);
    open_fan();
    with_id = without_id = 0;
    with.on_event = count_ids;
    for (int i = 0; i < KITH_EMITTED_MAX; i++) {
        bool room = 4 * i < KITH_ASKS_MAX / 2;
        CU_ASSERT_EQUAL(emits("a", "query", "", on_answer), room ? 0 : -KITH_EAGAIN);
        diary[0] = 0;
        kith_delegates_deliver(fan);
    }
    CU_ASSERT(with_id == KITH_ASKS_MAX / 2 && without_id == 0);
    kith_asks_expire(asks, fake_clock + KITH_ANSWER_TIME);
    fake_clock += KITH_ANSWER_TIME;
    kith_delegates_deliver(fan);
    with_id = 0;
    CU_ASSERT_EQUAL(emits("a", "query", "", on_answer), 0);
    kith_delegates_deliver(fan);
    CU_ASSERT_EQUAL(with_id, 4);
    close_fan();
}

/* The one who asked has stopped; the one who was asked has stopped. */
static void test_answers_and_reloads(void)
{
    for (int i = 0; i < 2; i++) {
        file();
        entry(&stubborn, "a", NULL);
        entry(&stubborn, "b", NULL);
        open_fan();
        CU_ASSERT_EQUAL(emits("a", "query", "", on_answer), 0);
        kith_delegates_deliver(fan);
        file();
        entry(&stubborn, i ? "a" : "A", NULL);
        entry(&stubborn, i ? "B" : "b", NULL);
        CU_ASSERT_EQUAL(reload(), 0);
        const struct kith_host *b = probe_called("b")->host;
        if (i == 0) b->finish(b, with.id, 0, NULL);
        kith_delegates_deliver(fan);
        CU_ASSERT_STRING_EQUAL(answers, i ? "=0: " : "");
        close_fan();
    }
}

/* Who is adopted may leave its ids to the new one. */
static void test_adopted_answers(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", NULL);
    open_fan();
    CU_ASSERT_EQUAL(emits("a", "query", "", on_answer), 0);
    kith_delegates_deliver(fan);
    const uint64_t id = with.id;
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "B", NULL);
    CU_ASSERT_EQUAL(reload(), 0);
    const struct kith_host *b = probe_called("b")->host;
    CU_ASSERT_EQUAL(b->finish(b, id, 0, NULL), 0);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(answers, "b=0: =0: ");
    close_fan();
}

/* A transport or codec: the fan-out asks whose host it is. */
static char to[] = "to ";
static struct kith_instance *outsider;
static struct kith_instance *find_outsider(void *ctx, const struct kith_host *host)
{
    return outsider && outsider->host == host ? outsider : NULL;
}

static void test_others_emit_too(void)
{
    struct kith_delegates_setup around = setup;
    around.instance_of = find_outsider;
    file();
    entry(&listener, "a", NULL);
    make_fan(&around);
    CU_ASSERT_EQUAL(kith_delegates_start(fan, &err), 0);
    struct kith_entry *other = entry(&listener, "net", NULL);
    CU_ASSERT_EQUAL_FATAL(kith_instance_new(&outsider, other, &fan_maker, NULL, &err), 0);
    CU_ASSERT_EQUAL_FATAL(kith_instance_start(outsider, NULL, &err), 0);
    diary[0] = answers[0] = 0;
    const struct kith_event e = {.size = sizeof e, .name = kith_text("up")};
    with.on_event = answer_at_once;
    const struct kith_host *host = outsider->host;
    CU_ASSERT_EQUAL(host->emit(host, &e, on_answer, to), 0);
    CU_ASSERT_EQUAL(host->emit(host, &e, on_answer, to), 0);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "a:net.up() a:net.up() ");
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(answers, "to a=0:ok to =0: to a=0:ok to =0: ");
    answers[0] = 0;
    CU_ASSERT_EQUAL(host->emit(host, &e, on_answer, to), 0);
    kith_delegates_forget(fan, host);
    kith_instance_free(outsider);
    outsider = NULL;
    kith_delegates_deliver(fan);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(answers, "");
    close_fan();
}

/* ------------------------------------------------------------------------------------ leaving */

static unsigned left;
static void on_left(void *arg) { left++; }

static void test_leave_that_nobody_holds_up(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&leaver, "b", NULL);
    open_fan();
    left = 0;
    CU_ASSERT_EQUAL(kith_delegates_before_leave(fan, 5 * SECOND, on_left, NULL), 0);
    CU_ASSERT_STRING_EQUAL(diary, "b:before_leave ");
    kith_delegates_deliver(fan);
    CU_ASSERT_EQUAL(left, 0);
    const struct kith_host *b = probe_called("b")->host;
    CU_ASSERT_EQUAL(b->finish(b, with.id, 0, NULL), -KITH_ECLOSED);
    close_fan();
}

static void test_leave_waits_for_the_last(void)
{
    file();
    entry(&leaver, "a", NULL);
    entry(&leaver, "b", NULL);
    open_fan();
    left = 0;
    with.leaves_later = true;
    CU_ASSERT_EQUAL(kith_delegates_before_leave(fan, fake_clock + SECOND, on_left, NULL),
                    KITH_LATER);
    CU_ASSERT_STRING_EQUAL(diary, "a:before_leave b:before_leave "); /* all at once */
    const struct kith_host *a = probe_called("a")->host, *b = probe_called("b")->host;
    CU_ASSERT_EQUAL(b->finish(b, with.id, 0, NULL), 0);
    CU_ASSERT(!kith_delegates_deliver(fan));
    CU_ASSERT_EQUAL(left, 0);
    CU_ASSERT_EQUAL(a->finish(a, with.id - 1, -KITH_EIO, "never mind"), 0);
    CU_ASSERT_EQUAL(left, 0); /* not inside of the call */
    CU_ASSERT(kith_delegates_waiting(fan));
    kith_delegates_deliver(fan);
    kith_delegates_deliver(fan);
    CU_ASSERT_EQUAL(left, 1);
    close_fan();
}

static void test_leave_ends_at_the_deadline(void)
{
    file();
    entry(&leaver, "a", NULL);
    open_fan();
    left = 0;
    with.leaves_later = true;
    kith_delegates_before_leave(fan, fake_clock + SECOND, on_left, NULL);
    CU_ASSERT_EQUAL(kith_asks_deadline(asks), fake_clock + SECOND);
    kith_asks_expire(asks, fake_clock + SECOND);
    kith_delegates_deliver(fan);
    CU_ASSERT_EQUAL(left, 1);
    kith_delegates_before_leave(fan, fake_clock + SECOND, on_left, NULL);
    close_fan(); /* and what is still asked dies with the node */
    CU_ASSERT_EQUAL(left, 1);
}

static int wrong_answer(void *who, uint64_t id, uint64_t deadline) { return 42; }

static void test_wrong_answers_hold_nothing_up(void)
{
    static const struct kith_delegate_ops odd = {.size = sizeof odd, .before_leave = wrong_answer};
    static const struct kith_plugin plugin = PROBE(&odd, NULL);
    static struct probe own = {.tag = "own"};
    file();
    entry(&plugin, "a", NULL);
    open_fan();
    kith_delegates_listen(fan, &leaver_ops, &own);
    with.leaves_later = true; /* the program's own has no id to finish */
    with.id = 1;
    CU_ASSERT_EQUAL(kith_delegates_before_leave(fan, 5 * SECOND, on_left, NULL), 0);
    CU_ASSERT_EQUAL(with.id, 0);
    CU_ASSERT_EQUAL(counted("a", "contract_breaches"), 1);
    close_fan();
}

KITH_TESTS("plugins/emitted",
           {"all but the emitter hear it later", test_all_but_the_emitter_hear_it_later},
           {"events out of events wait", test_events_out_of_events_wait},
           {"what is emitted is copied", test_what_is_emitted_is_copied},
           {"half a pointer", test_half_a_pointer}, {"names are of kinds", test_names_are_of_kinds},
           {"the queue is bounded", test_the_queue_is_bounded},
           {"each answers once", test_each_answers_once},
           {"answers end at the deadline", test_answers_end_at_the_deadline},
           {"an emitter may set the deadline", test_an_emitter_may_set_the_deadline},
           {"nobody hears it", test_nobody_hears_it},
           {"answers are bounded", test_answers_are_bounded},
           {"ids are left for others", test_ids_are_left_for_others},
           {"answers and reloads", test_answers_and_reloads},
           {"adopted answers", test_adopted_answers}, {"others emit too", test_others_emit_too},
           {"a leave that nobody holds up", test_leave_that_nobody_holds_up},
           {"a leave waits for the last", test_leave_waits_for_the_last},
           {"a leave ends at the deadline", test_leave_ends_at_the_deadline},
           {"wrong answers hold nothing up", test_wrong_answers_hold_nothing_up})
