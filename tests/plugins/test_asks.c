/* Ids of what was asked: who may answer, when they end, and that nothing dangles. */
#include "asks.h"
#include "test.h"

static struct kith_asks *asks;
static struct kith_host owner, stranger; /* only their addresses count */

struct heard {
    char pieces[64];
    unsigned ends;
    int status, piece_rc;
    char text[64];
    uint64_t then_cancel; /* what its end leads to */
    bool then_open;
};

static int piece(void *arg, struct kith_bytes bytes)
{
    struct heard *h = arg;
    if (!h->piece_rc) strncat(h->pieces, (const char *)bytes.data, bytes.len);
    return h->piece_rc;
}

static void end(void *arg, int status, const char *text);
static struct kith_asker asker_of(struct heard *h)
{
    return (struct kith_asker){.arg = h, .piece = piece, .end = end};
}

static void end(void *arg, int status, const char *text)
{
    struct heard *h = arg;
    h->ends++;
    h->status = status;
    snprintf(h->text, sizeof h->text, "%s", text ? text : "-");
    if (h->then_cancel) kith_asks_cancel(asks, h->then_cancel);
    if (h->then_open) {
        struct kith_asker asker = asker_of(h);
        h->then_open = false;
        kith_asks_open(asks, &owner, &asker, 0);
    }
}

static uint64_t ask(struct heard *h, const struct kith_host *whose, uint64_t deadline)
{
    struct kith_asker asker = asker_of(h);
    memset(h, 0, sizeof *h);
    return kith_asks_open(asks, whose, &asker, deadline);
}

static int reply(const struct kith_host *who, uint64_t id, const char *text)
{
    return kith_asks_reply(asks, who, id, kith_text(text));
}

static void begin(void)
{
    asks = kith_asks_new(12345);
    CU_ASSERT_PTR_NOT_NULL_FATAL(asks);
}

static void done(void)
{
    kith_asks_free(asks);
    asks = NULL;
}

static void test_an_answer(void)
{
    struct heard h;
    begin();
    uint64_t id = ask(&h, &owner, UINT64_MAX);
    CU_ASSERT_NOT_EQUAL(id, 0);
    CU_ASSERT_EQUAL(kith_asks_deadline(asks), UINT64_MAX);
    CU_ASSERT_EQUAL(reply(&owner, id, "one "), 0);
    CU_ASSERT_EQUAL(reply(&owner, id, "two"), 0);
    CU_ASSERT_EQUAL(h.ends, 0);
    CU_ASSERT_EQUAL(kith_asks_finish(asks, &owner, id, -KITH_EIO, "why"), 0);
    CU_ASSERT_STRING_EQUAL(h.pieces, "one two");
    CU_ASSERT(h.ends == 1 && h.status == -KITH_EIO);
    CU_ASSERT_STRING_EQUAL(h.text, "why");
    CU_ASSERT_EQUAL(kith_asks_open_count(asks), 0);
    done();
}

/* Dead, made up, or somebody else's: refused, and the asker hears nothing of it. */
static void test_ids_that_are_none(void)
{
    struct heard h, other;
    begin();
    uint64_t dead = ask(&h, &owner, UINT64_MAX), id = ask(&other, &owner, UINT64_MAX);
    kith_asks_finish(asks, &owner, dead, 0, NULL);
    const struct {
        const struct kith_host *who;
        uint64_t id;
    } bad[] = {{&owner, dead},  {&owner, 0},      {&owner, UINT64_MAX}, {&owner, 1},
               {&stranger, id}, {&owner, id + 1}, {NULL, id},           {&stranger, dead}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_EQUAL(reply(bad[i].who, bad[i].id, "x"), -KITH_ECLOSED);
        CU_ASSERT_EQUAL(kith_asks_finish(asks, bad[i].who, bad[i].id, 0, NULL), -KITH_ECLOSED);
    }
    CU_ASSERT(h.ends == 1 && other.ends == 0 && !*other.pieces);
    for (unsigned i = 0; i < 1000; i++) { /* no id comes back */
        uint64_t next = ask(&h, &owner, UINT64_MAX);
        CU_ASSERT(next > id);
        kith_asks_finish(asks, &owner, next, 0, NULL);
    }
    done();
    CU_ASSERT(other.ends == 1 && other.status == -KITH_ECLOSED);
}

static void test_slow_and_gone_askers(void)
{
    struct heard h;
    begin();
    uint64_t id = ask(&h, &owner, UINT64_MAX);
    h.piece_rc = -KITH_EAGAIN;
    CU_ASSERT_EQUAL(reply(&owner, id, "x"), -KITH_EAGAIN);
    h.piece_rc = 0;
    CU_ASSERT_EQUAL(reply(&owner, id, "x"), 0);
    CU_ASSERT_STRING_EQUAL(h.pieces, "x");
    h.piece_rc = -KITH_ECLOSED;
    CU_ASSERT_EQUAL(reply(&owner, id, "y"), -KITH_ECLOSED);
    CU_ASSERT_EQUAL(kith_asks_finish(asks, &owner, id, 0, NULL), -KITH_ECLOSED);
    id = ask(&h, &owner, UINT64_MAX);
    kith_asks_cancel(asks, id);
    kith_asks_cancel(asks, id);
    kith_asks_cancel(asks, 0);
    CU_ASSERT_EQUAL(reply(&owner, id, "y"), -KITH_ECLOSED);
    CU_ASSERT_EQUAL(h.ends, 0); /* who has gone hears no end */
    done();
    CU_ASSERT_EQUAL(h.ends, 0);
}

static void test_a_positive_status_is_none(void)
{
    struct heard h;
    begin();
    uint64_t id = ask(&h, &owner, UINT64_MAX);
    CU_ASSERT_EQUAL(kith_asks_finish(asks, &owner, id, KITH_LATER, NULL), -KITH_EINVAL);
    CU_ASSERT(h.ends == 1 && h.status == -KITH_EIO);
    done();
}

static void test_deadlines(void)
{
    struct heard early, late, never;
    begin();
    uint64_t id = ask(&early, &owner, 100);
    ask(&late, &owner, 200);
    ask(&never, &owner, UINT64_MAX);
    CU_ASSERT_EQUAL(kith_asks_deadline(asks), 100);
    kith_asks_expire(asks, 99);
    CU_ASSERT_EQUAL(early.ends, 0);
    kith_asks_expire(asks, 100);
    CU_ASSERT(early.ends == 1 && early.status == -KITH_ETIMEOUT && late.ends == 0);
    CU_ASSERT_EQUAL(reply(&owner, id, "too late"), -KITH_ECLOSED);
    CU_ASSERT_EQUAL(kith_asks_deadline(asks), 200);
    kith_asks_expire(asks, 1000);
    CU_ASSERT(late.ends == 1 && never.ends == 0);
    CU_ASSERT_EQUAL(kith_asks_deadline(asks), UINT64_MAX);
    done();
}

static void test_less_time(void)
{
    struct heard h;
    begin();
    uint64_t id = ask(&h, &owner, UINT64_MAX);
    kith_asks_hasten(asks, id, 100);
    kith_asks_hasten(asks, id, 200); /* more is not to be had */
    kith_asks_hasten(asks, id + 1, 50);
    CU_ASSERT_EQUAL(kith_asks_deadline(asks), 100);
    kith_asks_expire(asks, 99);
    CU_ASSERT_EQUAL(h.ends, 0);
    kith_asks_expire(asks, 100);
    CU_ASSERT(h.ends == 1 && h.status == -KITH_ETIMEOUT);
    done();
}

/* A new instance answers what its former self was asked; a stopped one answers nothing. */
static void test_owners(void)
{
    struct heard a, b;
    begin();
    uint64_t first = ask(&a, &owner, UINT64_MAX), second = ask(&b, &stranger, UINT64_MAX);
    kith_asks_move(asks, &owner, &stranger);
    CU_ASSERT_EQUAL(reply(&owner, first, "x"), -KITH_ECLOSED);
    CU_ASSERT_EQUAL(reply(&stranger, first, "x"), 0);
    kith_asks_close_owner(asks, &owner, "gone");
    CU_ASSERT_EQUAL(a.ends, 0);
    kith_asks_close_owner(asks, &stranger, "gone");
    CU_ASSERT(a.ends == 1 && a.status == -KITH_ECLOSED && b.ends == 1);
    CU_ASSERT_EQUAL(reply(&stranger, second, "x"), -KITH_ECLOSED);
    done();
}

/* An end may lead to anything: to others' ends, and to new questions. */
static void test_ends_that_lead_on(void)
{
    struct heard a, b, c;
    begin();
    ask(&a, &owner, 5);
    uint64_t second = ask(&b, &owner, 5);
    ask(&c, &owner, 5);
    a.then_cancel = second;
    a.then_open = true;
    kith_asks_close_owner(asks, &owner, "gone");
    CU_ASSERT(a.ends == 1 && b.ends == 0 && c.ends == 1);
    CU_ASSERT_EQUAL(kith_asks_open_count(asks), 1); /* the new one */
    kith_asks_expire(asks, 5);
    CU_ASSERT_EQUAL(a.ends, 2);
    done();
}

static void test_bounded(void)
{
    struct heard h;
    begin();
    for (size_t i = 0; i < KITH_ASKS_MAX; i++)
        CU_ASSERT_NOT_EQUAL_FATAL(ask(&h, &owner, UINT64_MAX), 0);
    CU_ASSERT_EQUAL(ask(&h, &owner, UINT64_MAX), 0);
    CU_ASSERT_EQUAL(h.ends, 0);
    done();
    CU_ASSERT_EQUAL(h.ends, KITH_ASKS_MAX);
}

KITH_TESTS("plugins/asks", {"an answer", test_an_answer},
           {"ids that are none", test_ids_that_are_none},
           {"slow and gone askers", test_slow_and_gone_askers},
           {"a positive status is none", test_a_positive_status_is_none},
           {"deadlines", test_deadlines}, {"less time", test_less_time}, {"owners", test_owners},
           {"ends that lead on", test_ends_that_lead_on}, {"bounded", test_bounded})
