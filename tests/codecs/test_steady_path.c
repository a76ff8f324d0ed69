/*
 * Law 5 for the whole way of a packet: open, core, seal, with memberlist's codecs as plugins. Once
 * warm, nothing on it allocates: neither we, nor a codec, nor the library that a codec calls.
 */
#include "core.h"
#include "pipeline_rig.h"
#include "lan_settings.h"
#include "test.h"
#include "wire.h"

/* Every allocation of the process counts, those of the plugins' libraries too. */
static unsigned long calls;

#if defined(RIG_SANITIZED)
KITH_EXPORT void __sanitizer_malloc_hook(const volatile void *p, size_t n);
KITH_EXPORT void __sanitizer_malloc_hook(const volatile void *p, size_t n) { calls++; }
#else
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

KITH_EXPORT void *malloc(size_t n)
{
    calls++;
    return __libc_malloc(n);
}
KITH_EXPORT void *calloc(size_t n, size_t size)
{
    calls++;
    return __libc_calloc(n, size);
}
KITH_EXPORT void *realloc(void *p, size_t n)
{
    calls++;
    return __libc_realloc(p, n);
}
#endif

enum { MEMBERS = 200, WARM = 400, MEASURED = 1000 };

static struct rig rig;
static struct kith_core *core;
static uint64_t now;
static size_t sent, sealed_layers;

static struct kith_core_budget budget(void *ctx, const struct kith_peer *to)
{
    struct kith_room room = kith_pipeline_room(rig.p);
    return (struct kith_core_budget){1400 - room.head - room.tail, "the test"};
}

static void begin(const char *chain)
{
    struct kith_core_env env = {.packet_budget = budget};
    struct kith_core_config cfg = {.advertise = {.port = 7946, .len = 4, .bytes = {10, 0, 0, 1}},
                                   .default_port = 7946};
    now = 1000 * SEC;
    rig_init(&rig);
    rig_key(&rig, 0, 32);
    rig_must(&rig, chain, NULL, 0);
    struct kith_room room = kith_pipeline_room(rig.p);
    cfg.headroom = (uint16_t)room.head;
    cfg.tailroom = (uint16_t)room.tail;
    cfg.settings = lan_settings("self");
    cfg.settings.push_pull_interval = 0; /* full states do allocate */
    cfg.settings.probe_interval = 0;     /* nobody is there to answer */
    CU_ASSERT_EQUAL_FATAL(kith_core_new(&core, &cfg, &env, 1, now, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(kith_core_start(core, now, NULL), 0);
}

static void end(void)
{
    kith_core_free(core);
    rig_fini(&rig);
}

static void drain(void)
{
    struct kith_output out;
    while (kith_core_poll(core, &out)) {
        if (out.kind != KITH_OUT_PACKET) continue;
        size_t plain = out.buf->len;
        CU_ASSERT_EQUAL_FATAL(kith_pipeline_seal_packet(rig.p, out.buf, rig_peer(5)), 0);
        sealed_layers += out.buf->len != plain;
        sent++;
    }
}

/* What a peer of the same chain would send: sealed, opened again, given to the core. */
static void receive(struct kith_buf *msg)
{
    const struct kith_addr addr = {.port = 7946, .len = 4, .bytes = {10, 0, 0, 9}};
    const struct kith_peer from = {.size = sizeof from, .addr = &addr};
    static uint8_t storage[4096];
    CU_ASSERT_EQUAL_FATAL(kith_pipeline_seal_packet(rig.p, msg, rig_peer(5)), 0);
    memcpy(storage + 128, msg->data, msg->len);
    struct kith_buf in = {storage, storage + 128, msg->len, sizeof storage};
    enum kith_refusal why;
    CU_ASSERT_EQUAL_FATAL(kith_pipeline_open_packet(rig.p, &in, &from, &why), 0);
    kith_core_packet(core, now, now, &from, in.data, in.len, msg->len);
    drain();
}

static void alive(struct kith_buf *buf, unsigned i, uint32_t incarnation)
{
    char name[16];
    uint8_t addr[4] = {10, 1, (uint8_t)(i >> 8), (uint8_t)i}, versions[6] = {1, 5, 2};
    int len = snprintf(name, sizeof name, "node-%05u", i);
    struct kith_msg msg = {.type = KITH_MSG_ALIVE,
                           .incarnation = incarnation,
                           .node = kith_bytes_of(name, (size_t)len),
                           .addr = {addr, 4},
                           .port = 7946,
                           .vsn = {versions, 6}};
    CU_ASSERT_EQUAL_FATAL(kith_wire_write_message(buf, &msg), 0);
}

/* A ping, 10 alive messages in a compound (which compresses), and a gossip tick that passes the new
 * ones on. */
static void live(unsigned round)
{
    enum { PARTS = 10 };
    static uint8_t storage[4096];
    struct kith_buf buf = {storage, storage + 128, 0, sizeof storage};
    struct kith_msg ping = {
        .type = KITH_MSG_PING, .seq_no = round, .node = kith_bytes_of("self", 4)};
    CU_ASSERT_EQUAL_FATAL(kith_wire_write_message(&buf, &ping), 0);
    receive(&buf);
    buf = (struct kith_buf){storage, storage + 128, 2 + 2 * PARTS, sizeof storage};
    uint8_t *head = buf.data;
    head[0] = KITH_MSG_COMPOUND;
    head[1] = PARTS;
    for (unsigned i = 0; i < PARTS; i++) {
        size_t before = buf.len;
        alive(&buf, (round * PARTS + i) % MEMBERS, 1 + round / 50);
        head[2 + 2 * i] = 0;
        head[3 + 2 * i] = (uint8_t)(buf.len - before);
    }
    receive(&buf);
    now += SEC / 10;
    kith_core_tick(core, now);
    drain();
}

static void check_chain(const char *chain, bool seals)
{
    begin(chain);
    for (unsigned round = 0; round < WARM; round++) live(round);
    unsigned long before = calls;
    sent = sealed_layers = 0;
    for (unsigned round = WARM; round < WARM + MEASURED; round++) live(round);
    CU_ASSERT_EQUAL(calls - before, 0);
    CU_ASSERT(sent > MEASURED + MEASURED / 2); /* an ack each, and gossip */
    if (seals) CU_ASSERT_EQUAL(sealed_layers, sent);
    CU_ASSERT_EQUAL(kith_core_alive(core), MEMBERS + 1);
    end();
}

static void test_plain(void) { check_chain("", false); }
static void test_default(void) { check_chain("lzw crc32", true); }
static void test_encrypted(void) { check_chain("lzw crc32 aes_gcm", true); }

static void test_the_counter_counts(void)
{
    unsigned long before = calls;
    begin("lzw crc32 aes_gcm");
    CU_ASSERT(calls > before + 10);
    end();
}

KITH_TESTS("codecs/steady", {"plain", test_plain}, {"lzw and crc32", test_default},
           {"lzw, crc32 and aes_gcm", test_encrypted},
           {"the counter counts", test_the_counter_counts})
