/* Codecs that misbehave, and what is known of the other end: what a pipeline makes of both. */
#include "pipeline_parts.h"
#include "pipeline_rig.h"
#include "test.h"

#include <time.h>

enum { AUTH = KITH_ENCRYPTS | KITH_AUTHENTICATES };

/* Open a copy of the bytes; compare with msg when it should open. */
static enum kith_refusal opened;
static int open_copy(struct rig *r, const uint8_t *data, size_t n, const uint8_t *msg, size_t len)
{
    struct rig_buf b = rig_buf(r, data, n);
    opened = KITH_REFUSED_COUNT;
    int rc = kith_pipeline_open_packet(r->p, &b.buf, NULL, &opened);
    if (rc == 0 && msg) CU_ASSERT(b.buf.len == len && memcmp(b.buf.data, msg, len) == 0);
    CU_ASSERT_EQUAL(rc == 0, opened == KITH_REFUSED_COUNT);
    rig_buf_free(&b);
    return rc;
}

/* --------------------------------------------------------------------- codecs that misbehave */

static int (*evil_does)(struct kith_buf *, struct kith_frame *);
static uint8_t evil_place[64];

static int evil_grows(struct kith_buf *b, struct kith_frame *f)
{
    return kith_buf_put(b, 5) ? 0 : -KITH_ETOOBIG;
}
static int evil_moves(struct kith_buf *b, struct kith_frame *f)
{
    b->base = b->data = evil_place;
    b->cap = b->len = 64;
    return 0;
}
static int evil_overruns(struct kith_buf *b, struct kith_frame *f)
{
    b->len = b->cap + 1;
    return 0;
}
static int evil_fails(struct kith_buf *b, struct kith_frame *f) { return -KITH_EIO; }
static int evil_answers(struct kith_buf *b, struct kith_frame *f) { return 7; }

static int evil_seal(void *self, struct kith_buf *b, struct kith_frame *f)
{
    return evil_does(b, f);
}
static void evil_room(const void *self, struct kith_room *room) { room->tail = 4; }
static struct kith_codec_ops evil_ops = {
    .size = sizeof evil_ops,
    .provides = KITH_CHECKS,
    .packet = {.first = 0x90, .last = 0x90},
    .stream = {.first = 0x90, .last = 0x90},
    .room = evil_room,
    .seal = evil_seal,
    .open = evil_seal,
};
static const struct kith_plugin evil = {KITH_HEADER(CODEC), .name = "evil", .instance_size = 1,
                                        .ops = &evil_ops};

/* It costs a log line and the message; sealing and opening. */
static void test_breaches_cost_the_message(void)
{
    static int (*const bad[])(struct kith_buf *, struct kith_frame *) = {evil_grows, evil_moves,
                                                                         evil_overruns};
    struct rig r;
    rig_init(&r);
    r.config.chain.send.count = r.config.chain.accept.count = 1;
    r.send[0] = r.accept[0] =
        (struct kith_entry){.use = "evil", .kind = KITH_CODEC, .plugin = &evil};
    CU_ASSERT_EQUAL_FATAL(rig_build(&r), 0);
    for (size_t i = 0; i < 3; i++) {
        evil_does = bad[i];
        struct rig_buf b = rig_buf(&r, "\x08xyz", 4);
        kith_buf_put(&b.buf, 0);
        unsigned logs = fake.logs;
        struct kith_buf wide = {malloc(128), NULL, 4, 128}; /* room that the law does not give */
        wide.data = wide.base + 32;
        memcpy(wide.data, "\x08xyz", 4);
        uint8_t *storage = wide.base;
        CU_ASSERT_EQUAL(kith_pipeline_seal_packet(r.p, &wide, rig_peer(5)), -KITH_EIO);
        CU_ASSERT_EQUAL(fake.logs, logs + 1);
        free(storage);
        rig_buf_free(&b);
        if (i) CU_ASSERT_EQUAL(open_copy(&r, (const uint8_t *)"\x90xyz", 4, NULL, 0), -KITH_EIO);
        struct kith_buf out = {0};
        CU_ASSERT_EQUAL(
            kith_pipeline_seal_stream(r.p, kith_bytes_of("\x08xyz", 4), true, NULL, &out),
            -KITH_EIO);
        free(out.base);
    }
    evil_does = evil_fails;
    CU_ASSERT_EQUAL(open_copy(&r, (const uint8_t *)"\x90xyz", 4, NULL, 0), -KITH_EIO);
    evil_does = evil_answers;
    CU_ASSERT_EQUAL(open_copy(&r, (const uint8_t *)"\x90xyz", 4, NULL, 0), -KITH_EIO);
    CU_ASSERT(strstr(fake.log, "broke its contract") != NULL);
    rig_fini(&r);
}

static int evil_rc;
static int evil_returns(struct kith_buf *b, struct kith_frame *f) { return evil_rc; }

static int rig_evil(struct rig *r, const struct kith_codec_ops *ops, uint32_t flags)
{
    static struct kith_plugin plugin;
    plugin = (struct kith_plugin){KITH_HEADER(CODEC), .flags = flags, .name = "evil",
                                  .instance_size = 1, .ops = ops};
    rig_init(r);
    rig_key(r, 0, 32);
    r->config.chain.send.count = r->config.chain.accept.count = 1;
    r->send[0] = r->accept[0] =
        (struct kith_entry){.use = "evil", .kind = KITH_CODEC, .plugin = &plugin};
    return rig_build(r);
}

static int seal_both(struct rig *r, enum kith_plane plane)
{
    struct rig_buf b = rig_buf(r, "\x08xyz", 4);
    struct kith_buf out = {0};
    int rc = plane == KITH_PACKET
                 ? kith_pipeline_seal_packet(r->p, &b.buf, rig_peer(5))
                 : kith_pipeline_seal_stream(r->p, kith_bytes_of("\x08xyz", 4), true, NULL, &out);
    if (rc == 0) /* a pass: what goes out is the message */
        CU_ASSERT_EQUAL(memcmp(out.base ? out.data : b.buf.data, "\x08xyz", 4), 0);
    free(out.base);
    rig_buf_free(&b);
    return rc;
}

static uint64_t breaches_of(struct rig *r)
{
    return kith_pipeline_refused(r->p, KITH_REFUSED_BREACH);
}

/* Who guards messages can't let one pass; nobody can return a number that means nothing. */
static void test_no_free_pass(void)
{
    static const struct {
        uint32_t provides, flags;
        bool may_pass;
    } kinds[] = {{KITH_ENCRYPTS, KITH_KEYED, false},
                 {KITH_AUTHENTICATES, 0, false},
                 {KITH_ENCRYPTS | KITH_AUTHENTICATES, KITH_KEYED, false},
                 {KITH_CHECKS, KITH_KEYED, false}, /* a keyed checksum */
                 {KITH_CHECKS, 0, true},
                 {KITH_COMPRESSES, 0, true}};
    static const int results[] = {1, 2, 7, KITH_PASS, KITH_LATER, KITH_EAUTH, INT32_MAX};
    evil_does = evil_returns;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct kith_codec_ops ops = evil_ops;
        ops.provides = kinds[i].provides;
        struct rig r;
        CU_ASSERT_EQUAL_FATAL(rig_evil(&r, &ops, kinds[i].flags), 0);
        for (size_t j = 0; j < sizeof results / sizeof *results; j++) {
            bool passes = kinds[i].may_pass && results[j] == KITH_PASS;
            unsigned logs = fake.logs;
            evil_rc = results[j];
            CU_ASSERT_EQUAL(seal_both(&r, KITH_PACKET), passes ? 0 : -KITH_EIO);
            CU_ASSERT_EQUAL(seal_both(&r, KITH_STREAM), passes ? 0 : -KITH_EIO);
            CU_ASSERT_EQUAL(fake.logs, logs + (passes ? 0 : 2));

            uint64_t before = breaches_of(&r);
            CU_ASSERT_EQUAL(open_copy(&r, (const uint8_t *)"\x90\x08xyz", 5, NULL, 0), -KITH_EIO);
            CU_ASSERT_EQUAL(opened, KITH_REFUSED_BREACH);
            struct rig_plain got;
            CU_ASSERT_EQUAL(rig_feed(r.p, true, kith_bytes_of("\x90\0\0\0\4\x08xyz", 9), 1, &got),
                            -KITH_EIO);
            CU_ASSERT_EQUAL(got.why, KITH_REFUSED_BREACH);
            CU_ASSERT_EQUAL(got.len, 0);
            CU_ASSERT_STRING_EQUAL(got.text, ""); /* the peer did nothing wrong */
            rig_plain_free(&got);
            CU_ASSERT_EQUAL(breaches_of(&r), before + 2);
        }
        rig_fini(&r);
    }
}

/* A number that is no code counts as one that is. */
static void test_negative_numbers(void)
{
    static const struct {
        int returned, rc;
    } cases[] = {{-KITH_EAUTH, -KITH_EAUTH},
                 {-KITH_ENAME, -KITH_ENAME},
                 {-20, -KITH_EIO},
                 {-KITH_PASS, -KITH_EIO},
                 {INT32_MIN, -KITH_EIO}};
    struct rig r;
    CU_ASSERT_EQUAL_FATAL(rig_evil(&r, &evil_ops, 0), 0);
    evil_does = evil_returns;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        evil_rc = cases[i].returned;
        CU_ASSERT_EQUAL(seal_both(&r, KITH_PACKET), cases[i].rc);
        CU_ASSERT_EQUAL(seal_both(&r, KITH_STREAM), cases[i].rc);
        CU_ASSERT_EQUAL(open_copy(&r, (const uint8_t *)"\x90\x08xyz", 5, NULL, 0), cases[i].rc);
    }
    rig_fini(&r);
}

/* All the room that it finds, in the message's own buffer or in a second one. */
static int evil_fills(struct kith_buf *b, struct kith_frame *f)
{
    CU_ASSERT_EQUAL(f->limit, KITH_PACKET_MAX);
    return kith_buf_put(b, kith_buf_tailroom(b)) ? 0 : -KITH_ETOOBIG;
}
static int evil_fills_scratch(struct kith_buf *b, struct kith_frame *f)
{
    if (f->reserve(f, f->limit)) return -KITH_ETOOBIG;
    kith_buf_swap(b, f->scratch);
    return evil_fills(b, f);
}

static void test_nobody_opens_to_more_than_the_limit(void)
{
    static int (*const ways[])(struct kith_buf *, struct kith_frame *) = {evil_fills,
                                                                          evil_fills_scratch};
    static uint8_t wide[2 * KITH_PACKET_MAX];
    struct rig r;
    CU_ASSERT_EQUAL_FATAL(rig_evil(&r, &evil_ops, 0), 0);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct kith_buf b = {wide, wide, 5, sizeof wide};
        enum kith_refusal why = KITH_REFUSED_COUNT;
        memcpy(wide, "\x90\x08xyz", 5);
        evil_does = ways[i];
        CU_ASSERT_EQUAL(kith_pipeline_open_packet(r.p, &b, NULL, &why), -KITH_EIO);
        CU_ASSERT_EQUAL(why, KITH_REFUSED_BREACH);
        CU_ASSERT_EQUAL(breaches_of(&r), i + 1);
    }
    rig_fini(&r);
}

static uint32_t much;
static void much_room(const void *self, struct kith_room *room) { room->head = much; }

/* What every packet of a node would be short of, and every buffer longer by. */
static void test_too_much_room(void)
{
    struct kith_codec_ops ops = evil_ops;
    struct rig r;
    ops.room = much_room;
    much = 4096;
    CU_ASSERT_EQUAL(rig_evil(&r, &ops, 0), 0);
    rig_fini(&r);
    much = UINT32_MAX;
    CU_ASSERT_EQUAL(rig_evil(&r, &ops, 0), -KITH_EINVAL);
    CU_ASSERT_STRING_EQUAL(r.err.text,
                           "evil: room(): 4294967295 and 0 bytes around a message are too many");
    rig_fini(&r);
}

/* Bytes that may be a ping are one when they don't open, but not when the codec went wrong. */
static void test_a_breach_is_no_ping(void)
{
    struct kith_codec_ops ops = evil_ops;
    ops.provides = KITH_ENCRYPTS;
    ops.packet = (struct kith_form){.framing = KITH_OWN, .first = 0, .last = 1, .tentative = 1};
    struct rig r;
    CU_ASSERT_EQUAL_FATAL(rig_evil(&r, &ops, 0), 0);
    evil_does = evil_returns;
    evil_rc = -KITH_EAUTH;
    CU_ASSERT_EQUAL(open_copy(&r, (const uint8_t *)"\0ping", 5, (const uint8_t *)"\0ping", 5), 0);
    evil_rc = KITH_PASS;
    CU_ASSERT_EQUAL(open_copy(&r, (const uint8_t *)"\0ping", 5, NULL, 0), -KITH_EIO);
    evil_does = evil_moves;
    CU_ASSERT_EQUAL(open_copy(&r, (const uint8_t *)"\0ping", 5, NULL, 0), -KITH_EIO);
    rig_fini(&r);
}

/* Who holds up the node is named. */
static int evil_sleeps(struct kith_buf *b, struct kith_frame *f)
{
    const struct timespec while_all_wait = {.tv_nsec = 50000000};
    nanosleep(&while_all_wait, NULL);
    return 0;
}

static void test_a_codec_that_sleeps_is_named(void)
{
    struct rig r;
    CU_ASSERT_EQUAL_FATAL(rig_evil(&r, &evil_ops, 0), 0);
    evil_does = evil_sleeps;
    uint8_t message[] = "\x08xyz";
    struct kith_buf b = {message, message, 0, sizeof message};
    unsigned logs = fake.logs;
    kith_pipeline_seal_packet(r.p, &b, NULL);
    CU_ASSERT_EQUAL(fake.logs, logs + 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake.log, "seal() took "));
    CU_ASSERT_EQUAL(open_copy(&r, (const uint8_t *)"\x90\x08xyz", 5, NULL, 0), 0);
    CU_ASSERT_EQUAL(fake.logs, logs + 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake.log, "open() took "));
    rig_fini(&r);
}

/* --------------------------------------------------------------------------- the other end */

static const struct kith_peer *seen_peer;
static int evil_sees(struct kith_buf *b, struct kith_frame *f)
{
    seen_peer = f->peer;
    return 0;
}

static void to_nobody(void *arg, const uint8_t *data, size_t len) {}

static void test_codecs_see_the_peer(void)
{
    struct rig r;
    CU_ASSERT_EQUAL_FATAL(rig_evil(&r, &evil_ops, 0), 0);
    evil_does = evil_sees;
    const struct kith_peer *const peers[] = {rig_peer(3), NULL};
    for (size_t i = 0; i < 2; i++) {
        struct rig_buf b = rig_buf(&r, "\x08xyz", 4);
        struct kith_buf out = {0};
        seen_peer = (void *)&r;
        CU_ASSERT_EQUAL(kith_pipeline_seal_packet(r.p, &b.buf, peers[i]), 0);
        CU_ASSERT_PTR_EQUAL(seen_peer, peers[i]);
        seen_peer = (void *)&r;
        CU_ASSERT_EQUAL(kith_pipeline_open_packet(r.p, &b.buf, peers[i], NULL), 0);
        CU_ASSERT_PTR_EQUAL(seen_peer, peers[i]);
        seen_peer = (void *)&r;
        CU_ASSERT_EQUAL(
            kith_pipeline_seal_stream(r.p, kith_bytes_of("\x08xyz", 4), true, peers[i], &out), 0);
        CU_ASSERT_PTR_EQUAL(seen_peer, peers[i]);
        seen_peer = (void *)&r;
        struct kith_inflow *f = kith_inflow_new(r.p, true);
        CU_ASSERT_EQUAL(
            kith_inflow_feed(f, peers[i], out.data, out.len, to_nobody, NULL, NULL, NULL), 0);
        CU_ASSERT_PTR_EQUAL(seen_peer, peers[i]);
        kith_inflow_free(f);
        free(out.base);
        rig_buf_free(&b);
    }
    rig_fini(&r);
}

/* What comes over a transport that protects it is protected; what does not, is not. */
static void test_the_transport_counts(void)
{
    static const struct {
        uint32_t require, gives;
        int rc;
    } cases[] = {
        {AUTH, 0, -KITH_EPOLICY},
        {AUTH, AUTH, 0},
        {AUTH, KITH_ENCRYPTS, -KITH_EPOLICY},
        {AUTH, KITH_AUTHENTICATES, -KITH_EPOLICY},
        {KITH_CHECKS, KITH_AUTHENTICATES, 0},
        {KITH_CHECKS | KITH_ENCRYPTS, KITH_CHECKS, -KITH_EPOLICY},
    };
    struct kith_peer peer = {.size = sizeof peer};
    uint8_t state[1000];
    struct rig a;
    rig_init(&a);
    rig_must(&a, "lzw", NULL, 0);
    rig_fill_state(state, sizeof state);
    state[0] = 8; /* a message, no layer */
    struct rig_buf packed = rig_buf(&a, state, sizeof state);
    CU_ASSERT_EQUAL(kith_pipeline_seal_packet(a.p, &packed.buf, NULL), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_init(&r);
        rig_key(&r, 0, 16);
        rig_must(&r, "", "lzw aes_gcm", cases[i].require);
        peer.provides = cases[i].gives;
        struct rig_buf plain = rig_buf(&r, "\x08x", 2),
                       b = rig_buf(&r, packed.buf.data, packed.buf.len),
                       ping = rig_buf(&r, "\0ping", 5);
        CU_ASSERT_EQUAL(kith_pipeline_open_packet(r.p, &plain.buf, &peer, NULL), cases[i].rc);
        CU_ASSERT_EQUAL(kith_pipeline_open_packet(r.p, &b.buf, &peer, NULL), cases[i].rc);
        if (!cases[i].rc) /* no key opens it, and none has to: it came in safety */
            CU_ASSERT_EQUAL(kith_pipeline_open_packet(r.p, &ping.buf, &peer, NULL), 0);
        struct kith_inflow *f = kith_inflow_new(r.p, true);
        CU_ASSERT_EQUAL(
            kith_inflow_feed(f, &peer, (const uint8_t *)"\x08x", 2, to_nobody, NULL, NULL, NULL),
            cases[i].rc);
        kith_inflow_free(f);
        rig_buf_free(&plain);
        rig_buf_free(&b);
        rig_buf_free(&ping);
        rig_fini(&r);
    }
    rig_buf_free(&packed);
    rig_fini(&a);
}

KITH_TESTS("plugins/pipeline/codecs", {"breaches cost the message", test_breaches_cost_the_message},
           {"who guards messages can't pass", test_no_free_pass},
           {"negative numbers", test_negative_numbers}, {"too much room", test_too_much_room},
           {"nobody opens to more than the limit", test_nobody_opens_to_more_than_the_limit},
           {"a breach is no ping", test_a_breach_is_no_ping},
           {"a codec that sleeps is named", test_a_codec_that_sleeps_is_named},
           {"codecs see the peer", test_codecs_see_the_peer},
           {"the transport counts", test_the_transport_counts})
