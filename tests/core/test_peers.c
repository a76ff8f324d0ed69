/*
 * test_peers.c - whose hands things came from, whom a command means, who is gone, and members seen
 * in pieces.
 */
#include "core_rig.h"

static void quiet(struct rig *r)
{
    rig_init(r);
    r->config.settings.probe_interval = 0;
    r->config.settings.gossip_interval = 0;
    r->config.settings.push_pull_interval = 0;
    CU_ASSERT_EQUAL_FATAL(rig_start(r), 0);
    r->events[0] = 0;
}

/* -------------------------------------------------------------------------------- whose hands */

static struct kith_peer known_as(const struct kith_addr *a, const char *identity)
{
    struct kith_peer p = rig_peer(NULL, a);
    p.identity = rig_str(identity);
    p.provides = KITH_AUTHENTICATES;
    return p;
}

static void heard_from(struct rig *r, const struct kith_addr *a, const char *identity)
{
    CU_ASSERT(kith_addr_equal(&r->heard_from, a));
    CU_ASSERT_STRING_EQUAL(r->heard_identity, identity);
    r->heard_identity[0] = 0;
}

static void test_a_packet(void)
{
    struct rig r;
    struct kith_addr a = rig_addr(9);
    struct kith_peer from = known_as(&a, "nine");
    quiet(&r);
    kith_core_packet(r.core, r.now, r.now, &from, (const uint8_t *)"\x08hello", 6, 6);
    TOLD(r, "msg hello;");
    heard_from(&r, &a, "nine");
    rig_fini(&r);
}

static void feed(struct rig *r, uint32_t stream, const struct rig_bytes *b)
{
    rig_data(r, stream, b->buf.data, b->buf.len);
}

/* The peer of a stream is copied: what the transport lent is gone when the message is whole. */
static uint32_t accept_known(struct rig *r, unsigned n, const char *identity)
{
    struct kith_addr a = rig_addr(n);
    char lent[300];
    snprintf(lent, sizeof lent, "%s", identity);
    struct kith_peer from = known_as(&a, lent);
    uint32_t s = kith_core_stream_accepted(r->core, r->now, &from);
    memset(lent, '#', sizeof lent);
    memset(&a, 0, sizeof a);
    return s;
}

static void test_streams_that_peers_open(void)
{
    static const struct rig_entry e[] = {{"m9", KITH_ALIVE, 1, 9, NULL, NULL, 0}};
    struct rig r;
    struct rig_bytes b;
    struct kith_addr a = rig_addr(9);
    struct kith_msg header = {.type = KITH_MSG_USER, .user_msg_len = 2};
    quiet(&r);
    rig_bytes_init(&b);
    *kith_buf_put(&b.buf, 1) = KITH_MSG_USER;
    CU_ASSERT_EQUAL_FATAL(kith_wire_write(&b.buf, KITH_BODY_USER_HEADER, &header), 0);
    memcpy(kith_buf_put(&b.buf, 2), "yo", 2);
    feed(&r, accept_known(&r, 9, "nine"), &b);
    TOLD(r, "msg yo reliable;");
    heard_from(&r, &a, "nine");
    CU_ASSERT_EQUAL(r.heard.flags, KITH_RELIABLE);
    rig_push_pull(&b, true, e, 1, "state");
    feed(&r, accept_known(&r, 9, "anine"), &b);
    heard_from(&r, &a, "anine");
    CU_ASSERT_EQUAL(r.heard.flags, KITH_RELIABLE | KITH_JOIN);
    rig_push_pull(&b, false, e, 1, "state");
    feed(&r, accept_known(&r, 9, ""), &b);
    heard_from(&r, &a, "");
    CU_ASSERT_EQUAL(r.heard.flags, KITH_RELIABLE);
    rig_fini(&r);
}

static uint32_t join(struct rig *r, const char *name, unsigned n, int64_t *request)
{
    struct kith_addr a = rig_addr(n);
    rig_clear(r);
    *request = kith_core_join(r->core, r->now, WHOM(name, &a));
    CU_ASSERT_FATAL(*request > 0);
    rig_poll(r);
    uint32_t s = rig_out(r, KITH_OUT_DIAL, 0)->stream;
    return *name ? rig_is_there(r, s) : s;
}

static void test_streams_that_we_open(void)
{
    static const struct rig_entry e[] = {{"m9", KITH_ALIVE, 1, 9, NULL, NULL, 0}};
    struct rig r;
    struct rig_bytes b;
    struct kith_addr a = rig_addr(9);
    int64_t q;
    quiet(&r);
    uint32_t s = join(&r, "m9", 9, &q);
    struct kith_peer to = known_as(&a, "nine");
    kith_core_stream_opened(r.core, r.now, s, &to);
    rig_push_pull(&b, false, e, 1, "state");
    feed(&r, s, &b);
    heard_from(&r, &a, "nine");
    CU_ASSERT_EQUAL(rig_done(&r, q)->status, 0);
    rig_fini(&r);
}

/* Half of a name is somebody else's. */
static void test_an_identity_that_is_too_long(void)
{
    struct rig r;
    char identity[258];
    struct kith_addr a = rig_addr(9);
    int64_t q;
    memset(identity, 'x', 257);
    identity[256] = 0;
    quiet(&r);
    struct kith_peer from = known_as(&a, identity);
    kith_core_packet(r.core, r.now, r.now, &from, (const uint8_t *)"\x08hello", 6, 6);
    CU_ASSERT_EQUAL(accept_known(&r, 9, identity), 0);
    uint32_t s = join(&r, "", 9, &q);
    kith_core_stream_opened(r.core, r.now, s, &from);
    rig_poll(&r);
    CU_ASSERT_EQUAL(rig_done(&r, q)->status, -KITH_EAUTH);
    CU_ASSERT(rig_gone(&r, s));
    TOLD(r, "");
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "bad_identity"), 3);
    identity[255] = 0;
    from.identity.len = 255;
    kith_core_packet(r.core, r.now, r.now, &from, (const uint8_t *)"\x08hello", 6, 6);
    TOLD(r, "msg hello;");
    heard_from(&r, &a, identity);
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------- who answers */

static int joined(struct rig *r, const char *name, const struct rig_entry *e, size_t n)
{
    struct rig_bytes b;
    int64_t q;
    uint32_t s = join(r, name, 9, &q);
    kith_core_stream_opened(r->core, r->now, s, WHOM(NULL, NULL));
    rig_push_pull(&b, false, e, n, NULL);
    feed(r, s, &b);
    const struct rig_out *done = rig_done(r, q);
    CU_ASSERT_PTR_NOT_NULL_FATAL(done);
    return done->status;
}

/* Another cluster's node listens there: it hangs up on the ping, and was told nothing of ours. */
static void test_who_is_not_meant_is_told_nothing(void)
{
    struct rig r;
    struct kith_addr a = rig_addr(9);
    quiet(&r);
    int64_t q = kith_core_join(r.core, r.now, WHOM("m9", &a));
    rig_poll(&r);
    uint32_t s = rig_opened(&r);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 1);
    CU_ASSERT_EQUAL(rig_out(&r, KITH_OUT_WRITE, 0)->data[0], KITH_MSG_PING);
    kith_core_stream_end(r.core, r.now, s);
    rig_poll(&r);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rig_done(&r, q));
    CU_ASSERT_EQUAL(rig_done(&r, q)->status, -KITH_ECLOSED);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_DIAL), 1);
    rig_fini(&r);
}

/* What a join said comes in on a stream of somebody's, so it came from here: no join. Before and
 * behind it the same words are others'. */
static void test_a_join_that_leads_back(void)
{
    struct rig r;
    int64_t q, other;
    quiet(&r);
    uint32_t s = join(&r, "", 9, &q);
    kith_core_stream_opened(r.core, r.now, s, WHOM(NULL, NULL));
    rig_poll(&r);
    struct rig_out said = *rig_out(&r, KITH_OUT_WRITE, 0);
    uint32_t in = rig_accept(&r, 9);
    rig_data(&r, in, said.data, said.len);
    rig_poll(&r);
    const struct rig_out *back = rig_out(&r, KITH_OUT_WRITE, 1);
    CU_ASSERT_FATAL(back && back->stream == in);
    rig_data(&r, s, back->data, back->len);
    rig_poll(&r);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rig_done(&r, q));
    CU_ASSERT_EQUAL(rig_done(&r, q)->status, -KITH_EEXIST);

    static const struct rig_entry e[] = {{"m9", KITH_ALIVE, 1, 9, NULL, NULL, 0}};
    struct rig_bytes b;
    s = join(&r, "", 9, &other);
    kith_core_stream_opened(r.core, r.now, s, WHOM(NULL, NULL));
    rig_poll(&r);
    rig_push_pull(&b, true, e, 1, NULL);
    in = rig_accept(&r, 9);
    rig_data(&r, in, b.buf.data, b.buf.len);
    rig_push_pull(&b, true, e, 1, NULL);
    feed(&r, s, &b);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rig_done(&r, other));
    CU_ASSERT_EQUAL(rig_done(&r, other)->status, 0);
    rig_fini(&r);
}

static void test_a_join_by_name_is_answered_by_that_member(void)
{
    static const struct rig_entry right[] = {{"m8", KITH_ALIVE, 1, 8, NULL, NULL, 0},
                                             {"m9", KITH_ALIVE, 1, 9, NULL, NULL, 0}};
    static const struct rig_entry elsewhere[] = {{"m9", KITH_ALIVE, 1, 19, NULL, NULL, 0}};
    static const struct rig_entry without[] = {{"m8", KITH_ALIVE, 1, 8, NULL, NULL, 0}};
    static const struct rig_entry dead[] = {{"m8", KITH_ALIVE, 1, 8, NULL, NULL, 0},
                                            {"m9", KITH_DEAD, 1, 19, NULL, NULL, 0}};
    static const struct rig_entry other[] = {{"m8", KITH_ALIVE, 1, 9, NULL, NULL, 0},
                                             {"m9", KITH_ALIVE, 1, 19, NULL, NULL, 0}};
    struct rig r;
    quiet(&r);
    CU_ASSERT_EQUAL(joined(&r, "m9", without, 1), -KITH_ENOTFOUND);
    CU_ASSERT_EQUAL(joined(&r, "m9", dead, 2), -KITH_ENOTFOUND);
    CU_ASSERT_EQUAL(joined(&r, "m9", other, 2), -KITH_ENOTFOUND);
    CU_ASSERT_EQUAL(kith_core_size(r.core), 1);         /* nothing was merged */
    CU_ASSERT_EQUAL(joined(&r, "m9", elsewhere, 1), 0); /* its own address may be another: NAT */
    CU_ASSERT_EQUAL(joined(&r, "", other, 1), 0);
    rig_fini(&r);
    quiet(&r);
    CU_ASSERT_EQUAL(joined(&r, "m9", right, 2), 0);
    rig_fini(&r);
}

/* -------------------------------------------------------------------------------- who is gone */

static bool gone(const struct rig *r, unsigned i, const char *name, unsigned n)
{
    const struct rig_out *o = rig_out(r, KITH_OUT_GONE, i);
    struct kith_addr a = rig_addr(n);
    return o && strcmp(o->name, name) == 0 && kith_addr_equal(&o->to, &a);
}

static void test_gone(void)
{
    struct rig r;
    quiet(&r);
    rig_populate(&r, 2, 4);
    rig_dead(&r, "m2", 1, "m4");
    CU_ASSERT(gone(&r, 0, "m2", 2));
    rig_dead(&r, "m3", 1, "m3");
    CU_ASSERT(gone(&r, 1, "m3", 3));
    rig_suspect(&r, "m4", 1, "m3");
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_GONE), 2);
    rig_alive(&r, "m3", 2, 33); /* left, so the name may be elsewhere: the old place is told */
    CU_ASSERT(gone(&r, 2, "m3", 3));
    CU_ASSERT(kith_core_leave(r.core, r.now, 0) > 0); /* we are not gone for ourselves */
    rig_poll(&r);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_GONE), 3);
    rig_fini(&r);
}

/* -------------------------------------------------------------------------------------- hints */

static const char *pinged(struct rig *r, char *name)
{
    rig_clear(r);
    rig_run(r, r->now + r->config.settings.probe_interval);
    const struct rig_sent *s = rig_find(r, KITH_MSG_PING, NULL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_PTR_NULL(rig_find(r, KITH_MSG_PING, NULL, 1));
    snprintf(name, 16, "%.*s", (int)s->msg.node.len, (const char *)s->msg.node.data);
    return name;
}

static void hint(struct rig *r, unsigned n)
{
    struct kith_addr a = rig_addr(n);
    kith_core_unreachable(r->core, r->now, &a);
}

static void test_a_hint_is_probed_next(void)
{
    struct rig r;
    char a[16], b[16], c[16];
    for (unsigned n = 2; n <= 9; n++) {
        rig_init(&r);
        r.seed = n;
        r.answer_pings = true;
        CU_ASSERT_EQUAL_FATAL(rig_start(&r), 0);
        rig_populate(&r, 2, 9);
        char want[16];
        snprintf(want, sizeof want, "m%u", n);
        hint(&r, 222); /* nobody's */
        hint(&r, 1);   /* our own */
        hint(&r, n);
        CU_ASSERT_EQUAL(rig_state(&r, want), KITH_ALIVE);
        CU_ASSERT_STRING_EQUAL(pinged(&r, a), want);
        CU_ASSERT_EQUAL(rig_state(&r, want), KITH_ALIVE);
        CU_ASSERT_STRING_EQUAL(r.suspicions, "");
        /* Every other probe is the list's, whoever floods us with hints. */
        hint(&r, 2);
        pinged(&r, a);
        hint(&r, 2);
        CU_ASSERT_STRING_EQUAL(pinged(&r, b), "m2");
        CU_ASSERT(strcmp(pinged(&r, c), a) != 0);
        rig_fini(&r);
    }
}

/* The hints that its relays get would never end. */
static void test_a_hint_does_not_probe_a_suspect(void)
{
    struct rig r;
    char name[16];
    for (unsigned seed = 1; seed <= 8; seed++) {
        rig_init(&r);
        r.seed = seed;
        r.answer_pings = true;
        CU_ASSERT_EQUAL_FATAL(rig_start(&r), 0);
        rig_populate(&r, 2, 9);
        pinged(&r, name);
        rig_suspect(&r, name, 1, "m9");
        CU_ASSERT_EQUAL_FATAL(rig_state(&r, name), KITH_SUSPECT);
        struct kith_member m = {.size = sizeof m};
        CU_ASSERT_EQUAL_FATAL(kith_core_find(r.core, kith_text(name), &m), 0);
        kith_core_unreachable(r.core, r.now, &m.addr);
        CU_ASSERT(strcmp(pinged(&r, (char[16]){""}), name) != 0);
        rig_fini(&r);
    }
}

static void test_hints_have_a_bound(void)
{
    struct rig r;
    rig_new(&r);
    for (unsigned n = 100; n < 110; n++) hint(&r, n), hint(&r, n);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "max_hints"), 4); /* the second try counts too */
    rig_run(&r, r.now + 2 * SEC);
    for (unsigned n = 100; n < 108; n++) hint(&r, n);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "max_hints"), 4);
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------------ pieces */

struct seen {
    unsigned times[200], calls;
    unsigned stop_after; /* 0: never */
};

static bool look(void *arg, const struct kith_member *m)
{
    struct seen *seen = arg;
    unsigned n = m->flags & KITH_MEMBER_LOCAL ? 0 : (unsigned)atoi((const char *)m->name.data + 1);
    CU_ASSERT_FATAL(n < 200);
    seen->times[n]++;
    seen->calls++;
    return seen->calls != seen->stop_after;
}

/* Between the pieces members leave and are forgotten, the list is shuffled, others come. */
static void test_members_in_pieces(void)
{
    struct rig r;
    struct seen seen = {.calls = 0};
    uint64_t cursor = 0;
    size_t got = 0;
    rig_init(&r);
    r.answer_pings = true;
    r.config.settings.gossip_to_the_dead_time = SEC;
    CU_ASSERT_EQUAL_FATAL(rig_start(&r), 0);
    rig_populate(&r, 1, 60);
    for (unsigned i = 0; cursor != UINT64_MAX; i++) {
        got += kith_core_visit(r.core, &cursor, 10, look, &seen);
        if (i > 3) continue;
        for (unsigned n = 41 + 5 * i; n < 46 + 5 * i; n++) {
            char name[8];
            snprintf(name, sizeof name, "m%u", n);
            rig_dead(&r, name, 1, name);
        }
        rig_run(&r, r.now + 200 * SEC); /* more than one round */
        rig_populate(&r, 101 + i, 101 + i);
    }
    CU_ASSERT_EQUAL(rig_stat(&r, "members_reaped", NULL), 20);
    CU_ASSERT_EQUAL(got, seen.calls);
    for (unsigned n = 0; n <= 40; n++) CU_ASSERT_EQUAL(seen.times[n], 1);
    for (unsigned n = 41; n < 200; n++) CU_ASSERT(seen.times[n] <= 1);
    CU_ASSERT_EQUAL(kith_core_visit(r.core, &cursor, 10, look, &seen), 0);
    rig_fini(&r);
}

static void test_a_visit_that_ends_early(void)
{
    struct rig r;
    struct seen seen = {.stop_after = 2};
    uint64_t cursor = 0;
    rig_new(&r);
    rig_populate(&r, 1, 3);
    CU_ASSERT_EQUAL(kith_core_visit(r.core, &cursor, 0, look, &seen), 0);
    CU_ASSERT_EQUAL(kith_core_visit(r.core, &cursor, 99, look, &seen), 2);
    CU_ASSERT(cursor != UINT64_MAX);
    CU_ASSERT_EQUAL(kith_core_visit(r.core, &cursor, 99, look, &seen), 2);
    CU_ASSERT_EQUAL(cursor, UINT64_MAX);
    for (unsigned n = 0; n <= 3; n++) CU_ASSERT_EQUAL(seen.times[n], 1);
    rig_fini(&r);
}

/* ---------------------------------------------------------------------------------- broadcasts */

static int64_t cast(struct rig *r, const char *text, const char *key, uint32_t priority)
{
    return kith_core_broadcast(r->core, r->now, rig_str(text), rig_str(key), priority);
}

static void sent_are(struct rig *r, const char *want)
{
    char got[200] = "";
    for (size_t i = 0; i < r->sent_n; i++)
        if (r->sent[i].msg.type == KITH_MSG_USER)
            snprintf(got + strlen(got), sizeof got - strlen(got), "%.*s;",
                     (int)r->sent[i].msg.payload.len, (const char *)r->sent[i].msg.payload.data);
    CU_ASSERT(rig_same(got, want));
}

static void test_keys_and_priorities(void)
{
    struct rig r;
    char key[257];
    memset(key, 'k', 256);
    key[256] = 0;
    quiet(&r);
    rig_populate(&r, 2, 3);
    rig_flush(&r);
    int64_t old = cast(&r, "old", "k", 0);
    int64_t kept = cast(&r, "kept", "j", 0);
    CU_ASSERT_EQUAL(cast(&r, "x", key, 0), -KITH_EINVAL);
    int64_t new = cast(&r, "new", "k", 5);
    CU_ASSERT(cast(&r, "longer, last", NULL, UINT32_MAX) > 0);
    CU_ASSERT(cast(&r, "longer", NULL, 5) > 0);
    rig_poll(&r);
    CU_ASSERT_EQUAL_FATAL(rig_dones(&r, old), 1); /* replaced: what it said is said better */
    CU_ASSERT_EQUAL(rig_done(&r, old)->status, 0);
    CU_ASSERT_EQUAL(rig_dones(&r, kept), 0);
    CU_ASSERT_EQUAL(rig_dones(&r, new), 0);
    rig_flush(&r);
    sent_are(&r, "kept;longer;new;longer, last;");
    rig_flush(&r); /* priority goes before how often it was sent */
    sent_are(&r, "kept;longer;new;longer, last;");
    rig_fini(&r);
}

static void test_a_full_queue_takes_a_replacement(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.max_broadcasts = 2;
    r.config.settings.gossip_interval = 0;
    CU_ASSERT_EQUAL_FATAL(rig_start(&r), 0);
    CU_ASSERT(cast(&r, "a", "k", 0) > 0);
    CU_ASSERT(cast(&r, "b", NULL, 0) > 0);
    CU_ASSERT_EQUAL(cast(&r, "c", NULL, 0), -KITH_EAGAIN);
    CU_ASSERT_EQUAL(cast(&r, "c", "j", 0), -KITH_EAGAIN);
    CU_ASSERT(cast(&r, "d", "k", 0) > 0);
    rig_flush(&r);
    sent_are(&r, "d;b;");
    rig_fini(&r);
}

KITH_TESTS("core/peers", {"a packet", test_a_packet},
           {"streams that peers open", test_streams_that_peers_open},
           {"streams that we open", test_streams_that_we_open},
           {"an identity that is too long", test_an_identity_that_is_too_long},
           {"a join by name is answered by that member",
            test_a_join_by_name_is_answered_by_that_member},
           {"who is not meant is told nothing", test_who_is_not_meant_is_told_nothing},
           {"a join that leads back", test_a_join_that_leads_back}, {"gone", test_gone},
           {"a hint is probed next", test_a_hint_is_probed_next},
           {"a hint does not probe a suspect", test_a_hint_does_not_probe_a_suspect},
           {"hints have a bound", test_hints_have_a_bound},
           {"members in pieces", test_members_in_pieces},
           {"a visit that ends early", test_a_visit_that_ends_early},
           {"keys and priorities", test_keys_and_priorities},
           {"a full queue takes a replacement", test_a_full_queue_takes_a_replacement})
