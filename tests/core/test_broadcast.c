/*
 * The broadcast queue against memberlist's own cases (its TransmitLimitedQueue tests) and against a
 * plain model.
 */
#include "test.h"

#include "broadcast.h"
#include "formulas.h"

#define FINISHED_MAX 16

static struct {
    uint64_t tags[FINISHED_MAX];
    enum kith_broadcast_end ends[FINISHED_MAX];
    size_t count;
} finished;

static void note_finished(void *ctx, uint64_t tag, enum kith_broadcast_end how)
{
    CU_ASSERT_PTR_EQUAL(ctx, &finished);
    CU_ASSERT_FATAL(finished.count < FINISHED_MAX);
    finished.tags[finished.count] = tag;
    finished.ends[finished.count++] = how;
}

static void setup(struct kith_broadcasts *q, unsigned mult, size_t max)
{
    finished.count = 0;
    kith_broadcasts_init(q, mult, max, note_finished, &finished);
}

static struct kith_bytes text(const char *s) { return kith_bytes_of(s, strlen(s)); }

static void add(struct kith_broadcasts *q, const char *name, const char *msg, uint64_t tag)
{
    CU_ASSERT_EQUAL(kith_broadcasts_add(q, text(name), 0, text(msg), tag), 0);
}

/* What a fetch or a walk gave, as "first,second,". */
static char seen[4096];
static size_t seen_count;

static void note_taken(void *arg, struct kith_bytes msg)
{
    size_t at = strlen(seen);
    CU_ASSERT_FATAL(at + msg.len + 2 < sizeof seen);
    snprintf(seen + at, sizeof seen - at, "%.*s,", (int)msg.len, (const char *)msg.data);
    seen_count++;
}

static size_t fetch(struct kith_broadcasts *q, size_t n, size_t overhead, size_t limit)
{
    seen[0] = '\0';
    seen_count = 0;
    return kith_broadcasts_fetch(q, n, overhead, limit, note_taken, NULL);
}

/* All of them, in order. It counts as a transmission of each, the last one of none. */
static const char *order(struct kith_broadcasts *q)
{
    fetch(q, SIZE_MAX, 0, sizeof seen);
    return seen;
}

/* TestLimitedBroadcastLess: transmits, then longer, then newer. */
static void test_order(void)
{
    struct kith_broadcasts q;
    setup(&q, 10, 0);
    add(&q, "a", "sent", 0);
    fetch(&q, 10, 0, 100);
    add(&q, "b", "old", 0);
    add(&q, "c", "new", 0);
    add(&q, "d", "longer", 0);
    CU_ASSERT_STRING_EQUAL(order(&q), "longer,new,old,sent,");
    kith_broadcasts_fini(&q);
}

/* TestTransmitLimited_ordering */
static void test_order_by_transmits(void)
{
    struct kith_broadcasts q;
    setup(&q, 20, 0);
    const char *const names[] = {"ten", "seven", "four", "three", "none"};
    const unsigned fetches[] = {3, 3, 1, 3, 0};
    for (int i = 0; i < 5; i++) {
        add(&q, names[i], names[i], 0);
        for (unsigned k = 0; k < fetches[i]; k++) fetch(&q, 9, 0, 1000);
    }
    CU_ASSERT_STRING_EQUAL(order(&q), "none,three,four,seven,ten,");
    kith_broadcasts_fini(&q);
}

/* TestTransmitLimited_Queue, TestMemberlistBroadcast_Invalidates */
static void test_a_name_replaces_its_own(void)
{
    struct kith_broadcasts q;
    setup(&q, 1, 0);
    add(&q, "test", "1", 11);
    add(&q, "foo", "2", 12);
    add(&q, "bar", "3", 13);
    CU_ASSERT_EQUAL(kith_broadcasts_count(&q), 3);
    CU_ASSERT_STRING_EQUAL(order(&q), "3,2,1,");
    add(&q, "test", "4", 14);
    CU_ASSERT_EQUAL(kith_broadcasts_count(&q), 3);
    CU_ASSERT_STRING_EQUAL(order(&q), "4,3,2,");
    CU_ASSERT_EQUAL(finished.count, 1);
    CU_ASSERT_EQUAL(finished.tags[0], 11);
    CU_ASSERT_EQUAL(finished.ends[0], KITH_BROADCAST_REPLACED);
    kith_broadcasts_fini(&q);
    CU_ASSERT_EQUAL(finished.count, 4);
    CU_ASSERT_EQUAL(finished.ends[3], KITH_BROADCAST_DROPPED);
}

static void test_unique_ones_replace_nothing(void)
{
    struct kith_broadcasts q;
    setup(&q, 1, 0);
    for (uint64_t i = 1; i <= 3; i++) add(&q, "", "same", i);
    CU_ASSERT_EQUAL(kith_broadcasts_count(&q), 3);
    CU_ASSERT_EQUAL(finished.count, 0);
    kith_broadcasts_fini(&q);
}

static void add_four(struct kith_broadcasts *q)
{
    add(q, "test", "1. this is a test.", 1);
    add(q, "foo", "2. this is a test.", 2);
    add(q, "bar", "3. this is a test.", 3);
    add(q, "baz", "4. this is a test.", 4);
}

/* TestTransmitLimited_GetBroadcasts */
static void test_fetch_fills_the_limit(void)
{
    struct kith_broadcasts q;
    setup(&q, 3, 0);
    add_four(&q);
    CU_ASSERT_EQUAL(fetch(&q, 10, 2, 80), 80);
    CU_ASSERT_EQUAL(seen_count, 4);
    CU_ASSERT_EQUAL(fetch(&q, 10, 3, 80), 63);
    CU_ASSERT_EQUAL(seen_count, 3);
    kith_broadcasts_fini(&q);
}

/* TestTransmitLimited_GetBroadcasts_Limit */
static void test_each_goes_out_so_often(void)
{
    struct kith_broadcasts q;
    setup(&q, 1, 0);
    add_four(&q);
    const size_t expected[] = {3, 3, 2, 0};
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(q.last_id, i < 3 ? 4 : 0);
        fetch(&q, 10, 3, 80);
        CU_ASSERT_EQUAL(seen_count, expected[i]);
    }
    CU_ASSERT_EQUAL(kith_broadcasts_count(&q), 0);
    CU_ASSERT_EQUAL(finished.count, 4);
    for (size_t i = 0; i < 4; i++) CU_ASSERT_EQUAL(finished.ends[i], KITH_BROADCAST_SENT);
    kith_broadcasts_fini(&q);
}

/* A node that knows nobody still sends once: max(1, limit). */
/* What others provoke: they are given what a fetch would give, and none of it has been sent. */
static void test_what_is_shown_is_not_sent(void)
{
    struct kith_broadcasts q;
    setup(&q, 3, 0);
    add(&q, "a", "twenty bytes of some", 1);
    add(&q, "b", "nine byte", 2);
    fetch(&q, 10, 2, 15);
    add(&q, "c", "ten bytes.", 3);
    add(&q, "d", "nine-byte", 4);
    add(&q, "e", "ten bytes!", 5);
    for (size_t limit = 0; limit < 80; limit++) {
        char shown[sizeof seen];
        for (int i = 0; i < 100; i++) {
            seen[0] = '\0';
            kith_broadcasts_show(&q, 2, limit, note_taken, NULL);
        }
        strcpy(shown, seen);
        struct kith_broadcasts twin; /* the same queue, for a fetch that counts */
        setup(&twin, 3, 0);
        add(&twin, "a", "twenty bytes of some", 1);
        add(&twin, "b", "nine byte", 2);
        fetch(&twin, 10, 2, 15);
        add(&twin, "c", "ten bytes.", 3);
        add(&twin, "d", "nine-byte", 4);
        add(&twin, "e", "ten bytes!", 5);
        fetch(&twin, 10, 2, limit);
        CU_ASSERT_STRING_EQUAL(shown, seen);
        kith_broadcasts_fini(&twin);
        finished.count = 0;
    }
    CU_ASSERT_EQUAL(kith_broadcasts_count(&q), 5);
    unsigned rounds = 0;
    while (fetch(&q, 10, 2, sizeof seen)) rounds++;
    CU_ASSERT_EQUAL(rounds, 6); /* 3 * ceil(log10(11)) */
    kith_broadcasts_fini(&q);
}

static void test_no_members_once(void)
{
    struct kith_broadcasts q;
    setup(&q, 4, 0);
    add(&q, "a", "x", 1);
    CU_ASSERT_EQUAL(fetch(&q, 0, 2, 100), 3);
    CU_ASSERT_EQUAL(fetch(&q, 0, 2, 100), 0);
    CU_ASSERT_EQUAL(finished.count, 1);
    kith_broadcasts_fini(&q);
}

static void test_what_does_not_fit_stays(void)
{
    struct kith_broadcasts q;
    setup(&q, 1, 0);
    add(&q, "long", "a message that never fits", 1);
    add(&q, "short", "fits", 2);
    CU_ASSERT_EQUAL(fetch(&q, 9, 2, 20), 6);
    CU_ASSERT_STRING_EQUAL(seen, "fits,");
    CU_ASSERT_EQUAL(fetch(&q, 9, 2, 20), 0);
    CU_ASSERT_EQUAL(fetch(&q, 9, 2, 2), 0);
    CU_ASSERT_EQUAL(kith_broadcasts_count(&q), 1);
    kith_broadcasts_fini(&q);
}

/* A tier with entries that are all too long doesn't hide the next one. */
static void test_next_tier(void)
{
    struct kith_broadcasts q;
    setup(&q, 5, 0);
    add(&q, "a", "tiny", 0);
    add(&q, "b", "bit longer", 0);
    fetch(&q, 9, 0, 100);
    add(&q, "c", "the longest of all, and the newest", 0);
    fetch(&q, 9, 0, 12);
    CU_ASSERT_STRING_EQUAL(seen, "bit longer,");
    fetch(&q, 9, 0, 5);
    CU_ASSERT_STRING_EQUAL(seen, "tiny,");
    kith_broadcasts_fini(&q);
}

/* What can't go out any more is dropped, in whatever tier it waits. */
static void test_limit_drops_what_is_longer(void)
{
    struct kith_broadcasts q;
    setup(&q, 9, 0);
    add(&q, "a", "123456", 1);
    add(&q, "b", "123", 2);
    fetch(&q, 9, 0, 100);
    add(&q, "c", "1234567", 3);
    add(&q, "d", "1234", 4);
    add(&q, "", "12345", 5);
    CU_ASSERT_EQUAL(kith_broadcasts_limit(&q, 4), 3);
    CU_ASSERT_EQUAL(finished.count, 3);
    for (size_t i = 0; i < finished.count; i++) {
        CU_ASSERT_EQUAL(finished.ends[i], KITH_BROADCAST_DROPPED);
        CU_ASSERT_EQUAL(finished.tags[i] % 2, 1);
    }
    CU_ASSERT_EQUAL(kith_broadcasts_limit(&q, 4), 0);
    CU_ASSERT_STRING_EQUAL(order(&q), "1234,123,");
    kith_broadcasts_fini(&q);
}

static void test_bound(void)
{
    struct kith_broadcasts q;
    setup(&q, 1, 3);
    add_four(&q);
    CU_ASSERT_EQUAL(kith_broadcasts_count(&q), 3);
    CU_ASSERT_EQUAL(q.dropped, 1);
    CU_ASSERT_EQUAL(finished.count, 1);
    CU_ASSERT_EQUAL(finished.tags[0], 1);
    CU_ASSERT_EQUAL(finished.ends[0], KITH_BROADCAST_DROPPED);
    kith_broadcasts_fini(&q);
}

/* TestRetransmitLimit and the table of vectors.json (mult 4). */
static void test_retransmit_limit(void)
{
    CU_ASSERT_EQUAL(kith_retransmit_limit(3, 0), 0);
    CU_ASSERT_EQUAL(kith_retransmit_limit(3, 1), 3);
    CU_ASSERT_EQUAL(kith_retransmit_limit(3, 99), 6);
    const size_t n[] = {0, 1, 2, 8, 9, 10, 98, 99, 100, 998, 999, 1000};
    const unsigned limit[] = {0, 4, 4, 4, 4, 8, 8, 8, 12, 12, 12, 16};
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        CU_ASSERT_EQUAL(kith_retransmit_limit(4, n[i]), limit[i]);
    CU_ASSERT_EQUAL(kith_retransmit_limit(UINT32_MAX, SIZE_MAX), UINT32_MAX);
}

/* --------------------------------------------------------------------------- against a model */

enum { MODEL_MAX = 300, STEPS = 20000 };

struct model_entry {
    char name[8], msg[64];
    unsigned priority, transmits;
    int64_t id;
};

static struct {
    struct model_entry all[MODEL_MAX];
    size_t count;
    int64_t last_id;
} model;

static int model_compare(const void *a, const void *b)
{
    const struct model_entry *x = a, *y = b;
    if (x->priority != y->priority) return x->priority < y->priority ? -1 : 1;
    if (x->transmits != y->transmits) return x->transmits < y->transmits ? -1 : 1;
    if (strlen(x->msg) != strlen(y->msg)) return strlen(x->msg) > strlen(y->msg) ? -1 : 1;
    return x->id > y->id ? -1 : 1;
}

static void model_sort(void) { qsort(model.all, model.count, sizeof *model.all, model_compare); }

static void model_add(const char *name, unsigned priority, const char *msg, size_t max)
{
    for (size_t i = 0; i < model.count; i++) {
        if (strcmp(model.all[i].name, name) == 0) model.all[i--] = model.all[--model.count];
    }
    model_sort();
    if (model.count == max) model.count--;
    if (!model.count) model.last_id = 0;
    struct model_entry *e = &model.all[model.count++];
    *e = (struct model_entry){.priority = priority, .id = ++model.last_id};
    strcpy(e->name, name);
    strcpy(e->msg, msg);
}

/* Memberlist's text, word for word: tier by tier, the longest that fits, the newest of those. It
 * counts as sent if there is a limit to that. */
static void model_fetch(unsigned transmit_limit, size_t overhead, size_t limit)
{
    bool taken[MODEL_MAX] = {false};
    size_t used = 0;
    model_sort();
    for (size_t i = 0; i < model.count && used + overhead < limit; i++) {
        if (strlen(model.all[i].msg) > limit - used - overhead) continue;
        used += overhead + strlen(model.all[i].msg);
        note_taken(NULL, text(model.all[i].msg));
        taken[i] = true;
    }
    size_t kept = 0;
    for (size_t i = 0; i < model.count && transmit_limit; i++) {
        if (taken[i] && ++model.all[i].transmits >= transmit_limit) continue;
        model.all[kept++] = model.all[i];
    }
    if (transmit_limit) model.count = kept;
    if (!model.count) model.last_id = 0;
}

static uint32_t random_below(uint32_t n)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((state >> 33) % n);
}

/* One step of a queue and of the model; to no more than `fill` entries it is rather added. */
static void model_step(struct kith_broadcasts *q, int step, size_t fill)
{
    static const char dots[] = "........................................";
    char expected[sizeof seen], name[8], msg[64];
    if (random_below(3) && model.count < fill) {
        unsigned priority = random_below(8) ? 1 : random_below(3);
        snprintf(name, sizeof name, "n%u", random_below(400));
        snprintf(msg, sizeof msg, "%.*s%d", (int)random_below(40), dots, step);
        CU_ASSERT_EQUAL(kith_broadcasts_add(q, text(name), priority, text(msg), 0), 0);
        model_add(name, priority, msg, q->max);
    } else {
        size_t overhead = random_below(4), limit = random_below(400);
        bool show = random_below(4) == 0;
        seen[0] = '\0';
        model_fetch(show ? 0 : 6, overhead, limit);
        memcpy(expected, seen, sizeof seen);
        seen[0] = '\0';
        if (show)
            kith_broadcasts_show(q, overhead, limit, note_taken, NULL);
        else
            kith_broadcasts_fetch(q, 99, overhead, limit, note_taken, NULL);
        CU_ASSERT_STRING_EQUAL_FATAL(seen, expected);
    }
    CU_ASSERT_EQUAL_FATAL(kith_broadcasts_count(q), model.count);
    CU_ASSERT_EQUAL_FATAL(q->last_id, model.last_id);
}

/* A queue that is full all the time, so that old ones and new ones of a length meet in each tier;
 * then one that runs empty again and again. */
static void test_against_a_model(void)
{
    struct kith_broadcasts q;
    setup(&q, 3, MODEL_MAX - 50);
    for (int step = 0; step < STEPS; step++)
        model_step(&q, step, step % 2000 < 1900 ? MODEL_MAX : 0);
    kith_broadcasts_fini(&q);
    memset(&model, 0, sizeof model);
    setup(&q, 3, MODEL_MAX - 50);
    for (int step = 0; step < STEPS; step++) model_step(&q, step, 10 + (size_t)step % 200);
    kith_broadcasts_fini(&q);
}

/* ---------------------------------------------------------------------------- what is kept */

/* Fill it with so many, and let all of them go out. */
static void pass(struct kith_broadcasts *q, unsigned count)
{
    char name[16];
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "node-%05u", i);
        add(q, name, "alive", 0);
    }
    while (kith_broadcasts_count(q)) fetch(q, 0, 2, 1400);
}

/* Twice what was in use since the last time: so whoever fills and drains it evenly never waits for
 * memory, and whoever once met a thousand members does not keep room for them. */
static void test_trim(void)
{
    struct kith_broadcasts q;
    setup(&q, 1, 0);
    pass(&q, 500);
    size_t most = q.spare_bytes, buckets = q.bucket_count;
    CU_ASSERT(most >= 500 * 96);
    kith_broadcasts_trim(&q);
    CU_ASSERT_EQUAL(q.spare_bytes, most); /* all of it was in use until now */
    for (int i = 0; i < 4; i++) {
        pass(&q, 100);
        kith_broadcasts_trim(&q);
    }
    size_t even = q.spare_bytes;
    CU_ASSERT(even >= 100 * 96 && even < most / 2);
    CU_ASSERT(q.bucket_count >= 100 && q.bucket_count < buckets);
    for (int i = 0; i < 4; i++) {
        pass(&q, 100);
        kith_broadcasts_trim(&q);
        CU_ASSERT_EQUAL(q.spare_bytes, even);
    }
    for (int i = 0; i < 10; i++) kith_broadcasts_trim(&q);
    CU_ASSERT(q.spare_bytes < most / 50);
    pass(&q, 500); /* it comes back */
    CU_ASSERT_EQUAL(q.spare_bytes, most);
    kith_broadcasts_fini(&q);
}

KITH_TESTS("core/broadcast", {"order: transmits, longer, newer", test_order},
           {"order by transmits", test_order_by_transmits},
           {"a name replaces its own", test_a_name_replaces_its_own},
           {"unique ones replace nothing", test_unique_ones_replace_nothing},
           {"fetch fills the limit", test_fetch_fills_the_limit},
           {"each goes out so often", test_each_goes_out_so_often},
           {"what is shown is not sent", test_what_is_shown_is_not_sent},
           {"no members: once", test_no_members_once},
           {"what does not fit stays", test_what_does_not_fit_stays},
           {"a tier that is too long does not hide the next", test_next_tier},
           {"a new limit drops what is longer", test_limit_drops_what_is_longer},
           {"bound", test_bound}, {"retransmit limit", test_retransmit_limit},
           {"against a model", test_against_a_model}, {"what is kept is trimmed", test_trim})
