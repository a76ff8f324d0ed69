/*
 * test_refusals.c - a stream that is refused is said: a line in the log for each reason, with the
 * limit where there is one, and the cause to the peer where an err message can be sent.
 */
#include "core_rig.h"

static void begin(struct rig *r)
{
    rig_init(r);
    r->config.settings.max_stream_size = 100000;
    r->config.settings.max_streams = 8; /* 6 for strangers */
    rig_start(r);
    r->log[0] = 0;
}

#define SAYS(r, words) CU_ASSERT_PTR_NOT_NULL(strstr((r).log, words))

/* How many lines there are, from here on. */
static unsigned lines(struct rig *r)
{
    unsigned n = 0;
    for (const char *at = r->log; (at = strchr(at, '\n')); at++) n++;
    r->log[0] = 0;
    return n;
}

/* The last thing written is an err message, and says that. */
static bool told(struct rig *r, uint32_t stream, const char *text)
{
    unsigned n = rig_outs(r, KITH_OUT_WRITE);
    const struct rig_out *w = n ? rig_out(r, KITH_OUT_WRITE, n - 1) : NULL;
    struct kith_msg m;
    size_t used;
    return w && w->stream == stream && w->last && w->data[0] == KITH_MSG_ERR &&
           kith_wire_read(&m, KITH_BODY_ERR, w->data + 1, w->len - 1, &used) == 0 &&
           rig_is(m.error, text);
}

static void head(struct rig_bytes *b, enum kith_msg_type type, int64_t len)
{
    struct kith_msg m = {.user_msg_len = len, .user_state_len = len};
    rig_bytes_init(b);
    *kith_buf_put(&b->buf, 1) = (uint8_t)type;
    enum kith_body body = type == KITH_MSG_USER ? KITH_BODY_USER_HEADER : KITH_BODY_PUSH_PULL;
    CU_ASSERT_EQUAL_FATAL(kith_wire_write(&b->buf, body, &m), 0);
}

static void test_what_is_too_big(void)
{
    struct rig r;
    struct rig_bytes b;
    begin(&r);
    const char *state = "Remote node state is larger than limit (100000), max_stream_size";
    const char *message = "Remote message is larger than limit (100000), max_stream_size";
    head(&b, KITH_MSG_PUSH_PULL, 100001);
    CU_ASSERT(told(&r, rig_request(&r, 9, &b), state));
    SAYS(r, state);
    CU_ASSERT_EQUAL(lines(&r), 1);
    head(&b, KITH_MSG_USER, 100001);
    CU_ASSERT(told(&r, rig_request(&r, 9, &b), message));
    SAYS(r, message);
    CU_ASSERT_EQUAL(lines(&r), 1);
    head(&b, KITH_MSG_PUSH_PULL, 99999); /* the whole is over it */
    uint32_t s = rig_request(&r, 9, &b);
    static char piece[50100];
    rig_data(&r, s, piece, sizeof piece);
    CU_ASSERT_EQUAL(lines(&r), 0);
    r.now += SEC;
    rig_data(&r, s, piece, sizeof piece);
    CU_ASSERT(told(&r, s, state));
    CU_ASSERT(rig_gone(&r, s));
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_RESET), 0); /* the words must arrive */
    SAYS(r, state);
    CU_ASSERT_EQUAL(lines(&r), 1);
    rig_fini(&r);
}

/* Memory that all share: the sender of a user message would take an end in silence for a yes. */
static void test_no_memory(void)
{
    struct rig r;
    struct rig_bytes b;
    struct kith_account memory = {.limit = 200000};
    rig_init(&r);
    r.env.memory = &memory;
    rig_start(&r);
    memory.held = memory.limit;
    r.log[0] = 0;
    head(&b, KITH_MSG_USER, 1000);
    CU_ASSERT(told(&r, rig_request(&r, 9, &b), "no memory for it (200000), max_stream_memory"));
    SAYS(r, "Refused a stream: no memory for it (200000), max_stream_memory");
    CU_ASSERT_EQUAL(lines(&r), 1);
    memory.held = 0;
    rig_fini(&r);
}

/* The peer hears nothing (PROTOCOL.md T22); the log does. */
static void test_what_is_not_answered(void)
{
    struct rig r;
    begin(&r);
    uint32_t s = rig_accept(&r, 9);
    rig_data(&r, s, "\6\xc1", 2);
    SAYS(r, "Refused a stream: a malformed message");
    CU_ASSERT_EQUAL(lines(&r), 1);
    s = rig_accept(&r, 9); /* lengths that can't be */
    rig_data(&r, s, "\x08\x81\xaaUserMsgLen\xff", 14);
    SAYS(r, "Refused a stream: a malformed message");
    CU_ASSERT_EQUAL(lines(&r), 1);
    s = rig_accept(&r, 9);
    rig_data(&r, s, "\6\x83", 2);
    kith_core_stream_end(r.core, r.now, s);
    rig_poll(&r);
    SAYS(r, "it ended before its message was whole");
    CU_ASSERT_EQUAL(lines(&r), 1);
    s = rig_accept(&r, 9);
    rig_data(&r, s, "\6\x83", 2);
    kith_core_stream_closed(r.core, r.now, s, -KITH_ECLOSED);
    SAYS(r, "it ended before its message was whole");
    CU_ASSERT_EQUAL(lines(&r), 1);
    s = rig_accept(&r, 9);
    rig_data(&r, s, "\6\x83", 2);
    rig_accept(&r, 9);
    rig_run(&r, r.now + 11 * SEC);
    SAYS(r, "its message was not whole within tcp_timeout");
    SAYS(r, "nothing was said within tcp_timeout");
    CU_ASSERT_EQUAL(lines(&r), 2);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 0);
    rig_fini(&r);
}

static void test_too_many(void)
{
    struct rig r;
    begin(&r);
    for (int i = 0; i < 6; i++) CU_ASSERT(rig_accept(&r, 9) != 0);
    CU_ASSERT_EQUAL(lines(&r), 0);
    CU_ASSERT_EQUAL(rig_accept(&r, 9), 0);
    SAYS(r, "Refused a stream: too many streams of strangers (6), max_streams");
    CU_ASSERT_EQUAL(lines(&r), 1);
    CU_ASSERT(rig_accept(&r, 10) != 0);
    SAYS(r,
         "Reset a stream to make room for another: too many streams of strangers (6), max_streams");
    CU_ASSERT_EQUAL(lines(&r), 1);
    kith_core_crowded(r.core, r.now);
    SAYS(r, "Reset a stream to make room for another: the transport can take no more");
    CU_ASSERT_EQUAL(lines(&r), 1);
    r.now += SEC;
    for (int i = 0; i < 1000; i++) rig_accept(&r, 9); /* strangers fill no log */
    CU_ASSERT(lines(&r) <= 10);
    rig_fini(&r);
}

/* Whoever joins a node that knows more than we can take hears whose limit it is. */
static void test_an_answer_that_is_too_big(void)
{
    struct rig r;
    struct rig_bytes b;
    struct kith_addr a = rig_addr(9);
    begin(&r);
    int64_t q = kith_core_join(r.core, r.now, WHOM("", &a));
    rig_poll(&r);
    uint32_t s = rig_opened(&r);
    head(&b, KITH_MSG_PUSH_PULL, 100001);
    rig_data(&r, s, b.buf.data, b.buf.len);
    CU_ASSERT_EQUAL(rig_done(&r, q)->status, -KITH_ETOOBIG);
    SAYS(r, "its answer is larger than our limit (100000), max_stream_size");
    rig_fini(&r);
}

KITH_TESTS("core/refusals", {"what is too big", test_what_is_too_big},
           {"no memory", test_no_memory}, {"what is not answered", test_what_is_not_answered},
           {"too many", test_too_many},
           {"an answer that is too big", test_an_answer_that_is_too_big})
