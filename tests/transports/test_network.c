/*
 * test_network.c - the network that loopback and the simulator of cores share: endpoints, sets and
 * rules, and what happens to packets and streams. Where chance is asked for, the seed is fixed and
 * the bounds are far from what any seed gives.
 */
#include "test.h"

#include <network.h>

#define MS    UINT64_C(1000000)
#define SEC   UINT64_C(1000000000)
#define START (1000 * SEC)

static struct kith_network *net;

/* n0, n1, ... with a default link. */
static void begin(int n, uint64_t seed, uint32_t fields, struct kith_network_link link)
{
    net = kith_network_new(seed);
    for (int i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        CU_ASSERT_EQUAL_FATAL(kith_network_add(net, kith_text(name)), i);
    }
    CU_ASSERT_EQUAL_FATAL(kith_network_set_default(net, fields, &link, NULL), 0);
}

#define BEGIN(n, fields, ...) begin(n, 1, fields, (struct kith_network_link){__VA_ARGS__})

static void finish(void) { kith_network_free(net); }

static uint32_t rule(enum kith_network_shape shape, uint32_t fields, struct kith_network_link link,
                     const char *a, const char *b, const char *c)
{
    struct kith_bytes sets[3];
    size_t n = 0;
    uint32_t id = 0;
    struct kith_error err = {.size = sizeof err};
    const char *texts[] = {a, b, c};
    for (int i = 0; i < 3; i++)
        if (texts[i]) sets[n++] = kith_text(texts[i]);
    if (kith_network_rule_add(net, shape, sets, n, fields, &link, &id, &err)) CU_FAIL(err.text);
    return id;
}

static uint32_t cut(enum kith_network_shape shape, const char *a, const char *b, const char *c)
{
    return rule(shape, KITH_NETWORK_CUT, (struct kith_network_link){.cut = true}, a, b, c);
}

static bool is_cut(int from, int to)
{
    struct kith_network_link l;
    kith_network_link(net, from, to, &l);
    return l.cut;
}

/* How many of these pairs are cut, and that no others are: bits from * n + to. */
static void check_cuts(int n, const char *picture)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) CU_ASSERT_EQUAL(is_cut(i, k), picture[i * n + k] == 'x');
}

static int packet(int from, int to, uint64_t now, uint64_t at[2])
{
    return kith_network_packet(net, from, to, 1000, now, at);
}

/* --------------------------------------------------------------------------------- endpoints */

static void test_endpoints(void)
{
    uint8_t longest[KITH_ADDR_MAX + 1];
    char name[16];
    memset(longest, 'x', sizeof longest);
    BEGIN(0, 0, 0);
    CU_ASSERT_EQUAL(kith_network_find(net, kith_text("n0")), -KITH_ENOTFOUND);
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "n%d", i);
        CU_ASSERT_EQUAL(kith_network_add(net, kith_text(name)), i);
    }
    CU_ASSERT_EQUAL(kith_network_add(net, kith_text("n7")), -KITH_EEXIST);
    CU_ASSERT_EQUAL(kith_network_add(net, kith_text("")), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_network_add(net, kith_bytes_of(longest, sizeof longest)), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_network_add(net, kith_bytes_of(longest, KITH_ADDR_MAX)), 3000);
    CU_ASSERT_EQUAL(kith_network_add(net, kith_bytes_of("a\0b", 3)), 3001);
    CU_ASSERT_EQUAL(kith_network_find(net, kith_bytes_of("a\0c", 3)), -KITH_ENOTFOUND);
    for (int i = 0; i < 3000; i += 3) kith_network_remove(net, i);
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "n%d", i);
        CU_ASSERT_EQUAL(kith_network_find(net, kith_text(name)), i % 3 ? i : -KITH_ENOTFOUND);
    }
    CU_ASSERT_EQUAL(kith_network_add(net, kith_text("new")), 0); /* a number that is free */
    CU_ASSERT_EQUAL(kith_network_find(net, kith_text("new")), 0);
    finish();
}

static void test_limit_of_endpoints(void)
{
    char name[16];
    BEGIN(KITH_NETWORK_ENDPOINTS, 0, 0);
    CU_ASSERT_EQUAL(kith_network_add(net, kith_text("more")), -KITH_ENOMEM);
    kith_network_remove(net, 77);
    CU_ASSERT_EQUAL(kith_network_add(net, kith_text("more")), 77);
    snprintf(name, sizeof name, "n%d", KITH_NETWORK_ENDPOINTS - 1);
    CU_ASSERT_EQUAL(kith_network_find(net, kith_text(name)), KITH_NETWORK_ENDPOINTS - 1);
    finish();
}

/* -------------------------------------------------------------------------------------- sets */

/* Whom a set contains, told by who is cut off from n0 (which is in no set but for "all"). */
static void check_set(const char *set, const char *name, bool in)
{
    BEGIN(1, 0, 0);
    int i = kith_network_add(net, kith_text(name));
    cut(KITH_NETWORK_ONE_WAY, set, "n0", NULL);
    if (is_cut(i, 0) != in) CU_FAIL(set);
    finish();
}

static void test_patterns(void)
{
    check_set("web-1", "web-1", true);
    check_set("web-1", "web-10", false);
    check_set("web-1", "we", false);
    check_set("web-*", "web-", true);
    check_set("web-*", "web", false);
    check_set("w?b", "wxb", true);
    check_set("w?b", "wb", false);
    check_set("*1*2*", "a1b12", true);
    check_set("*ab", "aab", true);
    check_set("*ab", "aba", false);
    check_set("**", "x", true);
    check_set("all", "x", true);
    check_set("a,b", "b", true);
    check_set("a,b", "c", false);
    check_set("web-*,!web-7", "web-7", false);
    check_set("web-*,!web-7", "web-8", true);
    check_set("web-*,!web-7,web-?", "web-7", true);
    check_set("!web-*", "db", true);
    check_set("!web-*", "web-1", false);
    check_set("!all", "x", false);
}

static void refused(enum kith_network_shape shape, size_t n, const char *set, const char *words)
{
    struct kith_bytes sets[KITH_NETWORK_SETS + 1] = {{0}};
    struct kith_network_link link = {.cut = true};
    struct kith_error err = {.size = sizeof err};
    uint32_t id = 99;
    for (size_t i = 0; i < n; i++) sets[i] = kith_text(set);
    CU_ASSERT_EQUAL(kith_network_rule_add(net, shape, sets, n, KITH_NETWORK_CUT, &link, &id, &err),
                    -KITH_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
    CU_ASSERT_EQUAL(id, 99);
    CU_ASSERT_PTR_NULL(kith_network_rule(net, 0));
}

static void test_refused_rules(void)
{
    struct kith_bytes two[] = {kith_text("n0"), kith_bytes_of("a\0b", 3)};
    struct kith_network_link l = {.loss = 1.5, .delay = UINT64_MAX};
    struct kith_error err = {.size = sizeof err};
    BEGIN(2, 0, 0);
    refused(KITH_NETWORK_ONE_WAY, 2, "", "empty");
    refused(KITH_NETWORK_ONE_WAY, 2, "a,,b", "a,,b: a name");
    refused(KITH_NETWORK_BOTH_WAYS, 2, "a,", "missing");
    refused(KITH_NETWORK_APART, 2, "!", "missing");
    refused(KITH_NETWORK_ONE_WAY, 1, "a", "1 sets");
    refused(KITH_NETWORK_APART, 0, "a", "0 sets");
    refused(KITH_NETWORK_APART, KITH_NETWORK_SETS + 1, "a", "255 sets");
    CU_ASSERT_EQUAL(
        kith_network_rule_add(net, KITH_NETWORK_ONE_WAY, two, 2, KITH_NETWORK_CUT, &l, NULL, &err),
        -KITH_EINVAL);
    two[1] = kith_text("n1");
    for (uint32_t field = 0; field < KITH_NETWORK_CUT; field = field ? 2 * field : 1) {
        bool wrong = field == 0 || field == KITH_NETWORK_LOSS || field == KITH_NETWORK_DELAY;
        int rc = kith_network_rule_add(net, KITH_NETWORK_ONE_WAY, two, 2, field, &l, NULL, &err);
        CU_ASSERT_EQUAL(rc, wrong ? -KITH_EINVAL : 0);
        if (field) CU_ASSERT_EQUAL(kith_network_set_default(net, field, &l, &err), rc);
    }
    finish();
}

static void test_limit_of_rules(void)
{
    struct kith_bytes sets[] = {kith_text("n0"), kith_text("n1")};
    struct kith_network_link link = {.cut = true};
    BEGIN(2, 0, 0);
    char name[16];
    for (int i = 0; i < KITH_NETWORK_RULES; i++) {
        snprintf(name, sizeof name, "x%d", i);
        cut(KITH_NETWORK_ONE_WAY, name, "n1", NULL);
    }
    CU_ASSERT_EQUAL(kith_network_rule_add(net, KITH_NETWORK_ONE_WAY, sets, 2, KITH_NETWORK_CUT,
                                          &link, NULL, NULL),
                    -KITH_ENOMEM);
    CU_ASSERT_FALSE(is_cut(0, 1));
    sets[0] = kith_text("x5"); /* it takes the place of one */
    CU_ASSERT_EQUAL(kith_network_rule_add(net, KITH_NETWORK_ONE_WAY, sets, 2, KITH_NETWORK_CUT,
                                          &link, NULL, NULL),
                    0);
    finish();
}

/* ------------------------------------------------------------------------------------- rules */

static uint64_t delay_between(int from, int to)
{
    struct kith_network_link l;
    kith_network_link(net, from, to, &l);
    return l.delay;
}

static void test_cover(void)
{
    struct kith_bytes sets[] = {kith_text("all"), kith_text("all")};
    struct kith_network_link link = {.delay = 80};
    uint32_t id;
    BEGIN(2, 0, 0);
    rule(KITH_NETWORK_ONE_WAY, KITH_NETWORK_DELAY, (struct kith_network_link){.delay = 30}, "all",
         "all", NULL);
    CU_ASSERT_EQUAL(kith_network_rule_cover(net, KITH_NETWORK_ONE_WAY, sets, 2, KITH_NETWORK_DELAY,
                                            &link, &id, NULL),
                    0);
    CU_ASSERT_EQUAL(delay_between(0, 1), 80);
    CU_ASSERT(kith_network_rule_remove(net, id));
    CU_ASSERT_EQUAL(delay_between(0, 1), 30);
    finish();
}

static void test_shapes(void)
{
    BEGIN(4, 0, 0);
    uint32_t one = cut(KITH_NETWORK_ONE_WAY, "n0,n1", "n1,n2", NULL);
    check_cuts(4, ".xx." /* never from a node to itself */
                  "..x."
                  "...."
                  "....");
    CU_ASSERT_EQUAL(kith_network_rule_members(net, kith_network_rule(net, 0), 0), 2);
    CU_ASSERT_EQUAL(kith_network_rule_members(net, kith_network_rule(net, 0), 1), 2);
    CU_ASSERT(kith_network_rule_remove(net, one));
    CU_ASSERT_FALSE(kith_network_rule_remove(net, one));
    cut(KITH_NETWORK_BOTH_WAYS, "n0", "n1,n2", NULL);
    check_cuts(4, ".xx."
                  "x..."
                  "x..."
                  "....");
    CU_ASSERT_EQUAL(kith_network_heal(net), 1);
    cut(KITH_NETWORK_APART, "n0", "n0,n1", "n2");
    check_cuts(4, ".xx." /* n0 belongs to the first, n3 to none */
                  "x.x."
                  "xx.."
                  "....");
    CU_ASSERT_EQUAL(kith_network_rule_members(net, kith_network_rule(net, 0), 1), 1);
    CU_ASSERT_EQUAL(kith_network_heal(net), 1);
    cut(KITH_NETWORK_APART, "n0,n1", NULL, NULL);
    check_cuts(4, "..xx"
                  "..xx"
                  "xx.."
                  "xx..");
    finish();
}

/* The later one wins, field by field; taken back, the earlier one holds again. */
static void test_order_of_rules(void)
{
    struct kith_network_link l;
    BEGIN(3, KITH_NETWORK_DELAY | KITH_NETWORK_LOSS, .delay = 1, .loss = 0.1);
    uint32_t a =
        rule(KITH_NETWORK_ONE_WAY, KITH_NETWORK_DELAY | KITH_NETWORK_JITTER,
             (struct kith_network_link){.delay = 2, .jitter = 3, .loss = 0.9}, "n0", "all", NULL);
    uint32_t b = rule(KITH_NETWORK_ONE_WAY, KITH_NETWORK_DELAY | KITH_NETWORK_CUT,
                      (struct kith_network_link){.delay = 4, .cut = true}, "all", "n1", NULL);
    uint32_t c = rule(KITH_NETWORK_ONE_WAY, KITH_NETWORK_CUT, (struct kith_network_link){.cut = 0},
                      "n0", "n1", NULL);
    CU_ASSERT(a && b && c && a != b && b != c);
    kith_network_link(net, 0, 1, &l);
    CU_ASSERT(l.delay == 4 && l.jitter == 3 && l.loss == 0.1 && !l.cut);
    kith_network_link(net, 2, 1, &l);
    CU_ASSERT(l.delay == 4 && l.jitter == 0 && l.cut);
    kith_network_link(net, 0, 0, &l);
    CU_ASSERT(l.delay == 1 && l.jitter == 0); /* a node and itself */
    kith_network_rule_remove(net, b);
    kith_network_link(net, 0, 1, &l);
    CU_ASSERT(l.delay == 2 && !l.cut);
    kith_network_rule_remove(net, a);
    kith_network_link(net, 0, 1, &l);
    CU_ASSERT(l.delay == 1 && l.jitter == 0);
    finish();
}

/* One that says less, or of others, stays. */
static void test_overruled(void)
{
    struct kith_network_link l = {.loss = 0.2, .delay = 5};
    BEGIN(3, 0, 0);
    uint32_t wide =
        rule(KITH_NETWORK_ONE_WAY, KITH_NETWORK_LOSS | KITH_NETWORK_DELAY, l, "n0", "n1", NULL);
    for (int i = 0; i < 5; i++) rule(KITH_NETWORK_ONE_WAY, KITH_NETWORK_LOSS, l, "n0", "n1", NULL);
    rule(KITH_NETWORK_ONE_WAY, KITH_NETWORK_LOSS, l, "n1", "n0", NULL);
    rule(KITH_NETWORK_BOTH_WAYS, KITH_NETWORK_LOSS, l, "n0", "n1", NULL);
    CU_ASSERT_PTR_NULL(kith_network_rule(net, 4));
    CU_ASSERT_EQUAL(kith_network_rule(net, 0)->id, wide);
    CU_ASSERT_EQUAL(kith_network_rule(net, 1)->id, wide + 5);
    CU_ASSERT_EQUAL(kith_network_heal(net), 0);
    rule(KITH_NETWORK_ONE_WAY, KITH_NETWORK_LOSS | KITH_NETWORK_DELAY, l, "n0", "n1", NULL);
    CU_ASSERT_PTR_NULL(kith_network_rule(net, 3));
    CU_ASSERT_STRING_EQUAL(kith_network_rule(net, 0)->sets[0], "n1");
    finish();
}

/* What an endpoint has of its own goes before the default, and rules before both. */
static void test_own_links(void)
{
    struct kith_network_link l = {.delay = 7, .loss = 0.5}, wrong = {.loss = 2};
    BEGIN(2, KITH_NETWORK_DELAY | KITH_NETWORK_JITTER, .delay = 1, .jitter = 2);
    CU_ASSERT_EQUAL(kith_network_set_own(net, 0, KITH_NETWORK_LOSS, &wrong, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_network_set_own(net, 0, KITH_NETWORK_DELAY, &l, NULL), 0);
    l.delay = 3;
    CU_ASSERT_EQUAL(kith_network_set_default(net, KITH_NETWORK_DELAY | KITH_NETWORK_LOSS, &l, NULL),
                    0);
    kith_network_link(net, 0, 1, &l);
    CU_ASSERT(l.delay == 7 && l.jitter == 2 && l.loss == 0.5);
    kith_network_link(net, 1, 0, &l);
    CU_ASSERT(l.delay == 3 && l.jitter == 2 && l.loss == 0.5);
    kith_network_link(net, kith_network_add(net, kith_text("late")), 0, &l);
    CU_ASSERT(l.delay == 3 && l.jitter == 2 && l.loss == 0.5);
    l.delay = 9;
    rule(KITH_NETWORK_ONE_WAY, KITH_NETWORK_DELAY, l, "all", "n1", NULL);
    kith_network_link(net, 0, 1, &l);
    CU_ASSERT_EQUAL(l.delay, 9);
    finish();
}

/* Who comes later, also beyond the room there was when the rule was made, and who comes again. */
static void test_members_come_and_go(void)
{
    char name[16];
    BEGIN(2, 0, 0);
    cut(KITH_NETWORK_ONE_WAY, "web-*", "n0", NULL);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "%s-%d", i % 2 ? "web" : "db", i);
        int k = kith_network_add(net, kith_text(name));
        CU_ASSERT_EQUAL(is_cut(k, 0), i % 2 == 1);
    }
    CU_ASSERT_EQUAL(kith_network_rule_members(net, kith_network_rule(net, 0), 0), 100);
    int gone = kith_network_find(net, kith_text("web-7"));
    kith_network_remove(net, gone);
    CU_ASSERT_EQUAL(kith_network_rule_members(net, kith_network_rule(net, 0), 0), 99);
    CU_ASSERT_EQUAL(kith_network_add(net, kith_text("db")), gone);
    CU_ASSERT_FALSE(is_cut(gone, 0));
    finish();
}

/* ----------------------------------------------------------------------------------- packets */

static void test_clean_link(void)
{
    uint64_t at[2];
    BEGIN(2, 0, 0);
    CU_ASSERT_EQUAL(packet(0, 1, START, at), 1);
    CU_ASSERT_EQUAL(at[0], START);
    kith_network_set_default(net, KITH_NETWORK_DELAY, &(struct kith_network_link){.delay = 3 * MS},
                             NULL);
    CU_ASSERT_EQUAL(packet(0, 1, START, at), 1);
    CU_ASSERT_EQUAL(at[0], START + 3 * MS);
    cut(KITH_NETWORK_ONE_WAY, "n0", "n1", NULL);
    CU_ASSERT_EQUAL(packet(0, 1, START, at), KITH_NETWORK_IS_CUT);
    CU_ASSERT_EQUAL(packet(1, 0, START, at), 1);
    finish();
}

/* Mean and tail are those of the exponential: 36.8 % are later than the mean, 5 % than 3 times it.
 */
static void test_jitter(void)
{
    enum { N = 100000 };
    uint64_t at[2], sum = 0, late[2] = {0, 0};
    BEGIN(2, KITH_NETWORK_DELAY | KITH_NETWORK_JITTER, .delay = MS, .jitter = 10 * MS);
    for (int i = 0; i < N; i++) {
        CU_ASSERT_EQUAL(packet(0, 1, START, at), 1);
        CU_ASSERT(at[0] >= START + MS);
        uint64_t j = at[0] - START - MS;
        sum += j;
        late[0] += j > 10 * MS;
        late[1] += j > 30 * MS;
    }
    CU_ASSERT(sum / N > 9800000 && sum / N < 10200000);
    CU_ASSERT(late[0] > N * 0.358 && late[0] < N * 0.378);
    CU_ASSERT(late[1] > N * 0.045 && late[1] < N * 0.055);
    finish();
}

static void test_loss_duplicates_reordering(void)
{
    enum { N = 100000 };
    uint64_t at[2];
    int lost = 0, twice = 0, late = 0;
    BEGIN(2,
          KITH_NETWORK_LOSS | KITH_NETWORK_DUPLICATE | KITH_NETWORK_REORDER |
              KITH_NETWORK_REORDER_LATE | KITH_NETWORK_DELAY,
          .delay = MS, .loss = 0.2, .duplicate = 0.1, .reorder = 0.05, .reorder_late = 7 * MS);
    for (int i = 0; i < N; i++) {
        int n = packet(0, 1, START, at);
        lost += n == KITH_NETWORK_LOST;
        twice += n == 2;
        for (int k = 0; k < n; k++) {
            late += at[k] != START + MS;
            CU_ASSERT(at[k] >= START + MS && at[k] <= START + 8 * MS);
        }
    }
    CU_ASSERT(lost > N * 0.19 && lost < N * 0.21);
    CU_ASSERT(twice > N * 0.075 && twice < N * 0.085);
    CU_ASSERT(late > N * 0.040 && late < N * 0.048);
    finish();
}

static void test_certain(void)
{
    uint64_t at[2];
    BEGIN(2, KITH_NETWORK_LOSS, .loss = 1);
    for (int i = 0; i < 1000; i++) CU_ASSERT_EQUAL(packet(0, 1, START, at), KITH_NETWORK_LOST);
    kith_network_set_default(net, KITH_NETWORK_LOSS | KITH_NETWORK_DUPLICATE,
                             &(struct kith_network_link){.duplicate = 1}, NULL);
    for (int i = 0; i < 1000; i++) CU_ASSERT_EQUAL(packet(0, 1, START, at), 2);
    finish();
}

/* 1,000 bytes each at 100 kB/s: one every 10 ms. Beyond 5,000 waiting bytes they are dropped. */
static void test_bandwidth(void)
{
    uint64_t at[2];
    BEGIN(3, KITH_NETWORK_DELAY | KITH_NETWORK_BANDWIDTH | KITH_NETWORK_BACKLOG, .delay = MS,
          .bandwidth = 100000, .backlog = 5000);
    for (uint64_t i = 1; i <= 5; i++) {
        CU_ASSERT_EQUAL(packet(0, i % 2 ? 1 : 2, START, at), 1); /* whomever it goes to */
        CU_ASSERT_EQUAL(at[0], START + i * 10 * MS + MS);
    }
    CU_ASSERT_EQUAL(packet(0, 1, START, at), KITH_NETWORK_FULL);
    CU_ASSERT_EQUAL(packet(1, 0, START, at), 1); /* it has its own */
    CU_ASSERT_EQUAL(at[0], START + 11 * MS);
    CU_ASSERT_EQUAL(packet(0, 1, START + 20 * MS, at), 1);
    CU_ASSERT_EQUAL(at[0], START + 61 * MS);
    CU_ASSERT_EQUAL(packet(0, 1, START + SEC, at), 1);
    CU_ASSERT_EQUAL(at[0], START + SEC + 11 * MS);
    /* Larger than all that may wait: it goes out when nothing else does. */
    CU_ASSERT_EQUAL(kith_network_packet(net, 2, 0, 60000, START, at), 1);
    CU_ASSERT_EQUAL(at[0], START + 601 * MS);
    finish();
}

/* ----------------------------------------------------------------------------------- streams */

static enum kith_network_piece piece(size_t len, uint64_t now, struct kith_network_way *way,
                                     uint64_t *at)
{
    return kith_network_piece(net, 0, 1, len, now, way, at);
}

static void test_streams_keep_their_order(void)
{
    struct kith_network_way way = {0};
    uint64_t at, last = 0, sum = 0;
    BEGIN(2,
          KITH_NETWORK_DELAY | KITH_NETWORK_JITTER | KITH_NETWORK_LOSS | KITH_NETWORK_REORDER |
              KITH_NETWORK_REORDER_LATE,
          .delay = MS, .jitter = MS, .loss = 0.1, .reorder = 0.1, .reorder_late = 50 * MS);
    for (uint64_t i = 0; i < 1000; i++) {
        CU_ASSERT_EQUAL(piece(i ? 3000 : 0, START + i * MS, &way, &at), KITH_NETWORK_ARRIVES);
        CU_ASSERT(at >= START + i * MS + MS && at >= last);
        last = at;
        sum += at - (START + i * MS);
    }
    CU_ASSERT(sum / 1000 > 100 * MS); /* what is lost holds up what follows */
    finish();
}

/* The first piece is missed after a second and the way there and back, later ones after 200 ms. */
static void test_time_outs(void)
{
    enum { N = 20000 };
    uint64_t at;
    int first = 0, second = 0, prompt = 0;
    BEGIN(2, KITH_NETWORK_DELAY | KITH_NETWORK_LOSS, .delay = 10 * MS, .loss = 0.25);
    for (int i = 0; i < N; i++) {
        struct kith_network_way way = {0};
        CU_ASSERT_EQUAL(piece(0, START, &way, &at), KITH_NETWORK_ARRIVES);
        uint64_t late = at - START - 10 * MS;
        prompt += late == 0;
        first += late == 1020 * MS;
        second += late == (1020 + 2040) * MS;
    }
    CU_ASSERT(prompt > N * 0.73 && prompt < N * 0.77);
    CU_ASSERT(first > N * 0.175 && first < N * 0.2);
    CU_ASSERT(second > N * 0.04 && second < N * 0.054);
    for (prompt = 0, first = 0, second = 0; first == 0 || prompt == 0 || second == 0;) {
        struct kith_network_way way = {.begun = true};
        CU_ASSERT_EQUAL(piece(100, START, &way, &at), KITH_NETWORK_ARRIVES);
        uint64_t late = at - START - 10 * MS;
        prompt += late == 0;
        first += late == 220 * MS;
        way = (struct kith_network_way){.begun = true};
        CU_ASSERT_EQUAL(piece(2000, START, &way, &at), KITH_NETWORK_ARRIVES);
        second += at - START - 10 * MS == 20 * MS; /* what followed told of it */
    }
    finish();
}

static void test_cut_streams(void)
{
    struct kith_network_way way = {0};
    uint64_t at = START, waits[] = {200, 400, 800, 1600}, now;
    BEGIN(2, 0, 0);
    CU_ASSERT_EQUAL(piece(0, START, &way, &at), KITH_NETWORK_ARRIVES);
    uint32_t id = cut(KITH_NETWORK_ONE_WAY, "n0", "n1", NULL);
    now = START;
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(piece(10, now, &way, &at), KITH_NETWORK_HELD);
        CU_ASSERT_EQUAL(at, now + waits[i] * MS);
        now = at;
    }
    kith_network_rule_remove(net, id);
    CU_ASSERT_EQUAL(piece(10, now, &way, &at), KITH_NETWORK_ARRIVES);
    CU_ASSERT_EQUAL(at, now);

    /* Given up after a quarter of an hour; all loss is a cut. */
    kith_network_set_default(net, KITH_NETWORK_LOSS, &(struct kith_network_link){.loss = 1}, NULL);
    uint64_t began = now, gap = 0;
    int tries = 0;
    while (piece(10, now, &way, &at) == KITH_NETWORK_HELD && tries++ < 100) {
        if (at - now > gap) gap = at - now;
        now = at;
    }
    CU_ASSERT_EQUAL(gap, 120 * SEC);
    CU_ASSERT(tries > 10 && tries < 20);
    CU_ASSERT(now - began >= 900 * SEC && now - began < 1020 * SEC);
    finish();
}

/* Streams and packets of one sender share its bandwidth. */
static void test_streams_and_bandwidth(void)
{
    struct kith_network_way way = {.begun = true}, other = {.begun = true};
    uint64_t at, p[2];
    BEGIN(2, KITH_NETWORK_BANDWIDTH | KITH_NETWORK_BACKLOG, .bandwidth = 100000, .backlog = 5000);
    CU_ASSERT_EQUAL(piece(50000, START, &way, &at), KITH_NETWORK_ARRIVES);
    CU_ASSERT_EQUAL(at, START + 500 * MS);
    CU_ASSERT_EQUAL(piece(10000, START, &other, &at), KITH_NETWORK_ARRIVES);
    CU_ASSERT_EQUAL(at, START + 600 * MS);
    CU_ASSERT_EQUAL(packet(0, 1, START, p), 1);
    CU_ASSERT_EQUAL(p[0], START + 20 * MS); /* half of it each */
    CU_ASSERT_EQUAL(packet(0, 1, START + 2 * SEC, p), 1);
    CU_ASSERT_EQUAL(p[0], START + 2010 * MS);
    finish();
}

static uint32_t bandwidth(const char *from, const char *to, uint64_t rate)
{
    return rule(KITH_NETWORK_ONE_WAY, KITH_NETWORK_BANDWIDTH,
                (struct kith_network_link){.bandwidth = rate}, from, to, NULL);
}

/* What waits for a narrow link keeps nothing back that goes elsewhere. */
static void test_lines(void)
{
    struct kith_network_way way = {.begun = true}, other = {.begun = true};
    uint64_t at, p[2];
    BEGIN(4, KITH_NETWORK_BACKLOG, .backlog = 5000);
    bandwidth("all", "all", 1000000);
    bandwidth("n0,n3", "n1", 1000);
    for (uint64_t i = 1; i <= 5; i++) {
        CU_ASSERT_EQUAL(packet(0, 1, START, p), 1);
        CU_ASSERT_EQUAL(p[0], START + i * SEC);
    }
    CU_ASSERT_EQUAL(packet(0, 1, START, p), KITH_NETWORK_FULL);
    CU_ASSERT_EQUAL(kith_network_piece(net, 0, 1, 9000, START, &way, &at), KITH_NETWORK_ARRIVES);
    CU_ASSERT_EQUAL(at, START + 14 * SEC); /* the packets' 5 s, and 9 of its own */
    CU_ASSERT_EQUAL(packet(0, 2, START, p), 1);
    CU_ASSERT_EQUAL(p[0], START + MS);
    CU_ASSERT_EQUAL(packet(0, 3, START, p), 1); /* n2 and n3 share what is for all */
    CU_ASSERT_EQUAL(p[0], START + 2 * MS);
    CU_ASSERT_EQUAL(kith_network_piece(net, 0, 2, 9000, START, &other, &at), KITH_NETWORK_ARRIVES);
    CU_ASSERT_EQUAL(at, START + 11 * MS);
    CU_ASSERT_EQUAL(packet(3, 1, START, p), 1); /* each sender has its own */
    CU_ASSERT_EQUAL(p[0], START + SEC);
    /* After 4 s of half of it each packets have 3 s left, after 6 more nothing has. */
    CU_ASSERT_EQUAL(packet(0, 1, START + 4 * SEC, p), 1);
    CU_ASSERT_EQUAL(p[0], START + 12 * SEC);
    CU_ASSERT_EQUAL(packet(0, 1, START + 16 * SEC, p), 1);
    CU_ASSERT_EQUAL(p[0], START + 17 * SEC);
    finish();
}

/* A line ends with its rule, and what waits for one goes as fast as it is then. */
static void test_lines_that_change(void)
{
    uint64_t p[2];
    BEGIN(2, KITH_NETWORK_BANDWIDTH | KITH_NETWORK_BACKLOG, .bandwidth = 1000000, .backlog = 5000);
    uint32_t id = bandwidth("n0", "all", 1000);
    for (int i = 0; i < 5; i++) CU_ASSERT_EQUAL(packet(0, 1, START, p), 1);
    CU_ASSERT_EQUAL(p[0], START + 5 * SEC);
    kith_network_rule_remove(net, id);
    CU_ASSERT_EQUAL(packet(0, 1, START, p), 1);
    CU_ASSERT_EQUAL(p[0], START + MS);
    bandwidth("n0", "all", 1000);
    CU_ASSERT_EQUAL(packet(0, 1, START, p), 1);
    CU_ASSERT_EQUAL(p[0], START + SEC);
    kith_network_remove(net, 0);
    CU_ASSERT_EQUAL(kith_network_add(net, kith_text("n0")), 0);
    CU_ASSERT_EQUAL(packet(0, 1, START, p), 1); /* another one of that number */
    CU_ASSERT_EQUAL(p[0], START + SEC);
    CU_ASSERT_EQUAL(kith_network_heal(net), 0);
    for (uint64_t i = 1; i <= 4; i++) CU_ASSERT_EQUAL(packet(1, 0, START, p), 1);
    CU_ASSERT_EQUAL(p[0], START + 4 * MS);
    kith_network_set_own(net, 1, KITH_NETWORK_BANDWIDTH,
                         &(struct kith_network_link){.bandwidth = 1000}, NULL);
    CU_ASSERT_EQUAL(packet(1, 0, START + MS, p), 1); /* 3,000 bytes before it */
    CU_ASSERT_EQUAL(p[0], START + MS + 4 * SEC);
    CU_ASSERT_EQUAL(packet(1, 0, START + MS, p), 1);
    CU_ASSERT_EQUAL(packet(1, 0, START + MS, p), KITH_NETWORK_FULL);
    finish();
}

/* ------------------------------------------------------------------------------------ chance */

static uint64_t trace(uint64_t seed, bool others)
{
    uint64_t sum = 0, at[2], other[2];
    begin(3, seed, KITH_NETWORK_JITTER | KITH_NETWORK_LOSS | KITH_NETWORK_DUPLICATE,
          (struct kith_network_link){.jitter = MS, .loss = 0.1, .duplicate = 0.1});
    for (uint64_t i = 0; i < 1000; i++) {
        int n = packet(0, 1, START + i, at);
        if (others) packet(2, 1, START + i, other);
        sum = sum * 31 + (uint64_t)n;
        if (n > 0) sum = sum * 31 + at[0];
    }
    finish();
    return sum;
}

static void test_seeds(void)
{
    CU_ASSERT_EQUAL(trace(7, false), trace(7, false));
    CU_ASSERT_EQUAL(trace(7, false), trace(7, true)); /* what others do costs it nothing */
    CU_ASSERT_NOT_EQUAL(trace(7, false), trace(8, false));
    uint64_t a[2], b[2], c[2];
    BEGIN(2, KITH_NETWORK_JITTER, .jitter = SEC);
    packet(0, 1, START, a);
    packet(1, 0, START, b);
    CU_ASSERT_NOT_EQUAL(a[0], b[0]); /* names have their own */
    kith_network_seed(net, 0, 2);
    packet(0, 1, START, c);
    CU_ASSERT_NOT_EQUAL(a[0], c[0]);
    kith_network_seed(net, 0, 1);
    packet(0, 1, START, c);
    CU_ASSERT_EQUAL(a[0], c[0]);
    finish();
}

KITH_TESTS("transports/network", {"endpoints by name and number", test_endpoints},
           {"no more endpoints than there are numbers", test_limit_of_endpoints},
           {"patterns", test_patterns}, {"rules that are refused", test_refused_rules},
           {"no more rules than the limit", test_limit_of_rules},
           {"one that will be taken back", test_cover}, {"one way, both ways, apart", test_shapes},
           {"the later rule wins, field by field", test_order_of_rules},
           {"an endpoint's own link", test_own_links},
           {"a rule without a say goes", test_overruled},
           {"endpoints come and go under rules", test_members_come_and_go},
           {"a clean link, a cut one", test_clean_link}, {"jitter is exponential", test_jitter},
           {"loss, duplicates, reordering", test_loss_duplicates_reordering},
           {"always is always", test_certain}, {"bandwidth and its backlog", test_bandwidth},
           {"streams keep their order", test_streams_keep_their_order},
           {"what is lost on streams comes later", test_time_outs},
           {"streams wait while cut, not for ever", test_cut_streams},
           {"streams and packets share", test_streams_and_bandwidth},
           {"a narrow link holds up nothing else", test_lines},
           {"narrow links that change", test_lines_that_change},
           {"the same seed, the same sequence", test_seeds})
