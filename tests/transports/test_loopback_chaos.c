/*
 * test_loopback_chaos.c - anything in any order: packets and streams between some nodes that stop,
 * start, reload, read or don't, while links are cut and healed. Nothing is ever told that must not
 * be (ends.c), no byte is lost or wrong on a stream that ended well, every packet is accounted for,
 * and nothing is left over (the transport's own assertions, and the sanitizers).
 *
 * KITH_SEED=n repeats a run that failed.
 */
#include "ends.h"
#include <jansson.h>

#define MS     UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

enum { NODES = 5, STEPS = 1500, SEEDS = 12, TO_SEND = 300000 };

static struct end *nodes[NODES];
static uint64_t chance_state, sent, received_before, whole;
static char answer[1 << 16];

static uint64_t chance(uint64_t below)
{
    uint64_t z = chance_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % below;
}

static int take_piece(const struct kith_host *host, uint64_t id, struct kith_bytes piece)
{
    size_t had = strlen(answer);
    CU_ASSERT_FATAL(had + piece.len < sizeof answer);
    memcpy(answer + had, piece.data, piece.len);
    answer[had + piece.len] = '\0';
    return 0;
}

static void ask(struct end *e, const char *a, const char *b, const char *c, const char *d)
{
    const char *words[] = {a, b, c, d};
    struct kith_bytes list[4];
    struct kith_error err = {.size = sizeof err};
    struct kith_call call = {.size = sizeof call, .flags = KITH_CALL_JSON, .id = 1, .words = list};
    while (call.count < 4 && words[call.count]) {
        list[call.count] = kith_text(words[call.count]);
        call.count++;
    }
    answer[0] = '\0';
    e->in->host->reply = take_piece;
    e->in_call = true;
    CU_ASSERT_EQUAL(e->in->plugin->command(e->self, &call, &err), 0);
    e->in_call = false;
}

static const char *settings_of(int i)
{
    static const char *const links[] = {"", ", delay: 2ms", ", delay: 1ms, jitter: 4ms",
                                        ", loss: 0.2, duplicate: 0.1, jitter: 1ms",
                                        ", bandwidth: 100KiB, receive_buffer: 64KiB"};
    static char text[200];
    snprintf(text, sizeof text, "use: loopback, address: n%d%s%s", i, links[chance(5)],
             chance(4) ? "" : ", refuses: false");
    return text;
}

static void begin_node(int i)
{
    nodes[i] = end_new(settings_of(i));
    CU_ASSERT_PTR_NOT_NULL_FATAL(nodes[i]);
    nodes[i]->to_send = TO_SEND;
}

static void stop_node(int i)
{
    received_before += nodes[i]->packets;
    end_free(nodes[i]);
    nodes[i] = NULL;
}

static void reload_node(int i)
{
    struct end *old = nodes[i], *next = end_adopting(settings_of(i), old);
    CU_ASSERT_PTR_NOT_NULL_FATAL(next);
    next->to_send = TO_SEND;
    next->packets = old->packets;
    memcpy(next->later, old->later, sizeof old->later);
    next->later_count = old->later_count;
    end_free(old);
    nodes[i] = next;
}

/* One of its streams that it may use. */
static struct end_stream *some_stream(struct end *e)
{
    struct end_stream *s = e->stream_count ? &e->streams[chance(e->stream_count)] : NULL;
    return s && !s->closed ? s : NULL;
}

static struct kith_addr address_of(int i)
{
    struct kith_addr a = {.len = 2, .bytes = {'n', (uint8_t)('0' + i)}};
    return a;
}

static void step(void)
{
    static const char *const sets[] = {"n0", "n1,n2", "all", "!n3", "n?,!n4"};
    int i = (int)chance(NODES);
    struct kith_addr to = address_of((int)chance(NODES + 1)); /* the last one never is there */
    struct end_stream *s = nodes[i] ? some_stream(nodes[i]) : NULL;
    uint64_t what = chance(100);
    if (!nodes[i]) {
        if (what < 20) begin_node(i);
    } else if (what < 50) {
        sent += end_send(nodes[i], &to, 1 + chance(2000)) == 0;
    } else if (what < 58 && nodes[i]->stream_count < STREAMS_MAX) {
        end_open(nodes[i], &to);
    } else if (what < 70 && s) {
        end_read(nodes[i], s, s->paused);
    } else if (what < 72 && s) {
        end_reset(nodes[i], s);
    } else if (what < 78 && s && (s->opened || s->accepted) && !s->finished) {
        end_finish(nodes[i], s);
        s->sent = nodes[i]->to_send; /* nothing follows */
    } else if (what < 82) {
        ask(nodes[i], "cut", sets[chance(5)], sets[chance(5)], chance(2) ? "--both" : NULL);
    } else if (what < 86) {
        ask(nodes[i], "heal", NULL, NULL, NULL);
    } else if (what < 88) {
        ask(nodes[i], "set", sets[chance(5)], sets[chance(5)], "loss=0.1");
    } else if (what < 91) {
        reload_node(i);
    } else if (what < 93) {
        stop_node(i);
    }
}

static void run(uint64_t ns)
{
    uint64_t end = kith_loop_now(loop) + ns;
    while (kith_loop_now(loop) < end) ends_turn(end - kith_loop_now(loop));
    for (int i = 0; i < 4; i++) ends_turn(0);
}

static uint64_t number(const json_t *o, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(o, key));
}

/* What was sent and doubled was told, dropped, or waits. */
static void check_packets(struct end *e)
{
    uint64_t in = 0, told = 0, dropped = 0;
    ask(e, "stats", NULL, NULL, NULL);
    for (char *line = strtok(answer, "\n"); line; line = strtok(NULL, "\n")) {
        json_t *o = json_loads(line, 0, NULL);
        const char *reason;
        json_t *count;
        CU_ASSERT_PTR_NOT_NULL_FATAL(o);
        in += number(o, "packets_sent") + number(o, "packets_doubled");
        told += number(o, "packets_received");
        json_object_foreach(json_object_get(o, "packets_dropped"), reason, count) dropped +=
            (uint64_t)json_integer_value(count);
        CU_ASSERT_EQUAL(number(o, "waiting_bytes") + number(o, "in_flight_bytes"), 0);
        json_decref(o);
    }
    CU_ASSERT_EQUAL(in, told + dropped);
    CU_ASSERT(sent <= in);
    for (int i = 0; i < NODES; i++)
        if (nodes[i]) received_before += nodes[i]->packets;
    CU_ASSERT_EQUAL(told, received_before);
}

static void check_streams(const struct end *e)
{
    for (size_t i = 0; i < e->stream_count; i++) {
        const struct end_stream *s = &e->streams[i];
        CU_ASSERT_EQUAL(s->sum, pattern_sum(s->got)); /* in order, none twice, none missing */
        CU_ASSERT_TRUE(s->closed); /* all is healed and read: nobody is left waiting */
        whole += s->ended && s->got == TO_SEND;
    }
}

static void chaos(uint64_t seed)
{
    unsigned failures = CU_get_number_of_failures();
    chance_state = seed;
    sent = received_before = 0;
    ends_begin_world(seed);
    struct end *anchor = end_new("use: loopback, address: anchor"); /* the network stays */
    for (int i = 0; i < NODES; i++) begin_node(i);
    for (int i = 0; i < STEPS; i++) {
        step();
        if (chance(3) == 0) run(chance(20) * MS);
        if (chance(200) == 0) run(30 * SECOND);
    }
    ask(anchor, "heal", "all", NULL, NULL);
    for (int i = 0; i < NODES; i++)
        for (size_t k = 0; nodes[i] && k < nodes[i]->stream_count; k++)
            if (!nodes[i]->streams[k].closed) end_read(nodes[i], &nodes[i]->streams[k], true);
    run(1200 * SECOND);
    check_packets(anchor);
    for (int i = 0; i < NODES; i++) {
        if (nodes[i]) check_streams(nodes[i]);
        end_free(nodes[i]);
        nodes[i] = NULL;
    }
    end_free(anchor);
    ends_finish();
    if (CU_get_number_of_failures() > failures)
        printf("\n    KITH_SEED=%llu repeats this\n", (unsigned long long)seed);
}

static void test_anything_goes(void)
{
    const char *env = getenv("KITH_SEED");
    if (env) chaos(strtoull(env, NULL, 0));
    whole = 0;
    for (uint64_t seed = 1; !env && seed <= SEEDS; seed++) chaos(seed);
    CU_ASSERT(env || whole > SEEDS); /* it is not all ruins */
}

KITH_TESTS("transports/loopback_chaos", {"anything, in any order", test_anything_goes})
