/*
 * test_config.c - good files: what they turn into.
 */
#include "fake_finder.h"
#include "test.h"
#include "units.h"
#include <jansson.h>
#include <unistd.h>

static struct kith_config *parse(const char *text)
{
    struct kith_diag *diag = kith_diag_new();
    struct kith_config *c = kith_config_parse("", text, strlen(text), &fake_finder, diag);
    if (!c) kith_diag_print(diag, stdout);
    kith_diag_free(diag);
    return c;
}

static const char design[] =
    "node:\n"
    "  name: web-1\n"
    "  profile: lan                 # lan | wan | local; any field below overrides\n"
    "  label: prod\n"
    "  control: /run/kith/web-1.sock\n"
    "  delegate_protocol: { min: 2, max: 5, version: 4 }      # what a Serf cluster asks for\n"
    "  log: { to: stderr, level: info }\n"
    "transport: { use: udp_tcp, bind: 0.0.0.0:7946 }\n"
    "keyring: [ { env: KITH_TEST_KEY } ]\n"
    "pipeline:\n"
    "  send:    [ { use: lzw }, { use: crc32 }, { use: aes_gcm } ]\n"
    "  require: [ encrypt ]\n"
    "delegates:\n"
    "  - { use: log }\n"
    "join: [ 10.0.0.1:7946, seed.example.net ]\n"
    "gossip: { interval: 200ms, nodes: 3 }\n";

static void test_designs_example(void)
{
    setenv("KITH_TEST_KEY", "AAECAwQFBgcICQoLDA0ODw==", 1);
    struct kith_config *c = parse(design);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_STRING_EQUAL(c->settings.name, "web-1");
    CU_ASSERT_STRING_EQUAL(c->settings.label, "prod");
    CU_ASSERT_STRING_EQUAL(c->control, "/run/kith/web-1.sock");
    CU_ASSERT_EQUAL(c->settings.delegate_protocol_min, 2);
    CU_ASSERT_EQUAL(c->settings.delegate_protocol_max, 5);
    CU_ASSERT_EQUAL(c->settings.delegate_protocol_version, 4);
    CU_ASSERT_EQUAL(c->log_level, KITH_LOG_INFO);
    const struct fake_udp_tcp *t = c->transport.params;
    CU_ASSERT_EQUAL_FATAL(t->bind.count, 1);
    CU_ASSERT_STRING_EQUAL(t->bind.items[0], "0.0.0.0:7946");
    CU_ASSERT_EQUAL_FATAL(c->keyring.count, 1);
    CU_ASSERT_EQUAL(c->keyring.items[0].len, 16);
    CU_ASSERT_EQUAL(c->keyring.items[0].data[15], 15);
    CU_ASSERT_EQUAL_FATAL(c->chain.send.count, 3);
    CU_ASSERT_STRING_EQUAL(c->chain.send.items[2].plugin->name, "aes_gcm");
    CU_ASSERT_EQUAL(c->chain.accept.count, 3);
    CU_ASSERT_EQUAL(c->chain.require, KITH_ENCRYPTS);
    CU_ASSERT_EQUAL(c->delegates.count, 1);
    CU_ASSERT_EQUAL_FATAL(c->join.count, 2);
    CU_ASSERT_STRING_EQUAL(c->join.items[1].address, "seed.example.net");
    CU_ASSERT_PTR_NULL(c->join.items[1].name);
    CU_ASSERT_EQUAL(c->settings.gossip_interval, 200000000);
    kith_config_free(c);
}

/* ---------------------------------------------------------------------------------- defaults */

#define MS 1000000ull

/* memberlist's DefaultLANConfig, DefaultWANConfig and DefaultLocalConfig. */
static void check_profile(const struct kith_settings *s, const uint64_t want[16])
{
    const uint64_t got[16] = {s->tcp_timeout / MS,
                              s->indirect_checks,
                              s->retransmit_mult,
                              s->suspicion_mult,
                              s->suspicion_max_timeout_mult,
                              s->push_pull_interval / MS,
                              s->probe_timeout / MS,
                              s->probe_interval / MS,
                              s->awareness_max_multiplier,
                              s->gossip_nodes,
                              s->gossip_interval / MS,
                              s->gossip_to_the_dead_time / MS,
                              s->udp_buffer_size,
                              s->handoff_queue_depth,
                              s->queue_check_interval / MS,
                              s->protocol_version};
    for (size_t i = 0; i < 16; i++) CU_ASSERT_EQUAL(got[i], want[i]);
    CU_ASSERT_STRING_EQUAL(s->label, "");
    CU_ASSERT_STRING_EQUAL(s->dns_config_path, "/etc/resolv.conf");
    CU_ASSERT_EQUAL(s->dead_node_reclaim_time, 0);
    CU_ASSERT_EQUAL(
        s->delegate_protocol_min + s->delegate_protocol_max + s->delegate_protocol_version, 0);
    CU_ASSERT_FALSE(s->skip_inbound_label_check || s->disable_tcp_pings || s->require_node_names);
    CU_ASSERT_EQUAL(s->cidrs_count, 0);
    CU_ASSERT_EQUAL(s->max_push_pulls, 128);
    CU_ASSERT_EQUAL(s->max_stream_size, 20 << 20);
}

static void test_all_or_a_number(void)
{
    static const struct {
        const char *file;
        uint32_t want;
    } is[] = {{"gossip: {}", UINT32_MAX},
              {"gossip: { leave_direct: all }", UINT32_MAX},
              {"gossip: { leave_direct: 0 }", 0},
              {"gossip: { leave_direct: 4294967294 }", UINT32_MAX - 1}};
    struct kith_config by_code;
    kith_config_init(&by_code, KITH_PROFILE_LAN);
    CU_ASSERT_EQUAL(by_code.settings.leave_direct, UINT32_MAX);
    for (unsigned i = 0; i < sizeof is / sizeof *is; i++) {
        struct kith_config *c = parse(is[i].file);
        CU_ASSERT_PTR_NOT_NULL_FATAL(c);
        CU_ASSERT_EQUAL(c->settings.leave_direct, is[i].want);
        kith_config_free(c);
    }
}

static void test_profiles(void)
{
    static const uint64_t want[3][16] = {
        {10000, 3, 4, 4, 6, 30000, 500, 1000, 8, 3, 200, 30000, 1400, 1024, 30000, 2},
        {30000, 3, 4, 6, 6, 60000, 3000, 5000, 8, 4, 500, 60000, 1400, 1024, 30000, 2},
        {1000, 1, 2, 3, 6, 15000, 200, 1000, 8, 3, 100, 15000, 1400, 1024, 30000, 2}};
    static const char *const files[] = {"node: { profile: lan }", "node: { profile: wan }",
                                        "node: { profile: local }"};
    for (unsigned i = 0; i < 3; i++) {
        struct kith_config by_code, *c = parse(files[i]);
        kith_config_init(&by_code, i);
        CU_ASSERT_EQUAL(by_code.settings.profile, i);
        CU_ASSERT_PTR_NULL(by_code.settings.name);
        check_profile(&by_code.settings, want[i]);
        CU_ASSERT_EQUAL(c->settings.profile, i);
        check_profile(&c->settings, want[i]);
        kith_config_free(c);
    }
}

static void test_what_is_left_out(void)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    struct kith_config *c = parse("node: {}");
    CU_ASSERT_STRING_EQUAL(c->settings.name, host);
    CU_ASSERT_PTR_NULL(c->control);
    CU_ASSERT_PTR_NULL(c->meta.data);
    CU_ASSERT_STRING_EQUAL(c->transport.use, "udp_tcp");
    const struct fake_udp_tcp *t = c->transport.params;
    CU_ASSERT_EQUAL_FATAL(t->bind.count, 1);
    CU_ASSERT_STRING_EQUAL(t->bind.items[0], "0.0.0.0:7946");
    CU_ASSERT_PTR_NULL(t->advertise);
    CU_ASSERT_EQUAL(t->idle_timeout, 10000 * MS);
    CU_ASSERT_EQUAL(c->delegates.count + c->join.count + c->keyring.count, 0);
    CU_ASSERT_EQUAL(c->log_level, KITH_LOG_INFO);
    kith_config_free(c);
    c = parse("node: { profile: wan }");
    CU_ASSERT_EQUAL(((const struct fake_udp_tcp *)c->transport.params)->idle_timeout, 30000 * MS);
    kith_config_free(c);
}

/* ------------------------------------------------------------------------------------ values */

static void check_duration(const char *text, uint64_t ns)
{
    char file[100];
    snprintf(file, sizeof file, "node: { dead_node_reclaim_time: %s }", text);
    struct kith_config *c = parse(file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_EQUAL(c->settings.dead_node_reclaim_time, ns);
    kith_config_free(c);
}

static void test_durations(void)
{
    check_duration("0", 0);
    check_duration("1ns", 1);
    check_duration("1us", 1000);
    check_duration("1\xC2\xB5s", 1000);
    check_duration("200ms", 200 * MS);
    check_duration("1.5s", 1500 * MS);
    check_duration("0.000000001s", 1);
    check_duration("1.000000001h", 3600000003600);
    check_duration("0.9999999999h", 3599999996400); /* the tenth digit is too fine */
    check_duration("1m30s", 90000 * MS);
    check_duration("2h45m0.5s", (2 * 3600 + 45 * 60) * 1000 * MS + 500 * MS);
    check_duration("\"5s\"", 5000 * MS);
}

static void check_refused(const char *text)
{
    char file[200];
    snprintf(file, sizeof file, "node: { dead_node_reclaim_time: %s }", text);
    struct kith_diag *diag = kith_diag_new();
    CU_ASSERT_PTR_NULL(kith_config_parse("", file, strlen(file), &fake_finder, diag));
    CU_ASSERT_EQUAL(kith_diag_errors(diag), 1);
    kith_diag_free(diag);
}

static void test_bad_durations(void)
{
    static const char *const bad[] = {"5",
                                      "s",
                                      "5 s",
                                      "-5s",
                                      "5d",
                                      "1e3s",
                                      ".5s",
                                      "5.s",
                                      "5S",
                                      "0x5s",
                                      "1m5",
                                      "99999999999999h",
                                      "18446744073709551616ns",
                                      "18446744073.709551616s",
                                      "\"\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) check_refused(bad[i]);
}

static void test_parameters_of_every_type(void)
{
    struct kith_config *c = parse("pipeline: { send: [ { use: zstd, level: 7, min_size: 1.5KiB, "
                                  "dictionary: /d, ratio: 0.25, mode: dense, "
                                  "checksum: true } ] }");
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    const struct fake_zstd *z = c->chain.send.items[0].params;
    CU_ASSERT_EQUAL(z->level, 7);
    CU_ASSERT_EQUAL(z->min_size, 1536);
    CU_ASSERT_STRING_EQUAL(z->dictionary, "/d");
    CU_ASSERT_EQUAL(z->ratio, 0.25);
    CU_ASSERT_EQUAL(z->mode, 1);
    CU_ASSERT(z->checksum);
    kith_config_free(c);
}

static void test_words_of_yaml_stay_text(void)
{
    struct kith_config *c = parse("node: { name: no, label: 0o10, meta: true }\njoin: 1e3");
    CU_ASSERT_STRING_EQUAL(c->settings.name, "no");
    CU_ASSERT_STRING_EQUAL(c->settings.label, "0o10");
    CU_ASSERT_EQUAL(c->meta.len, 4);
    CU_ASSERT_EQUAL(c->join.count, 1);
    CU_ASSERT_STRING_EQUAL(c->join.items[0].address, "1e3");
    kith_config_free(c);
}

static void test_cidrs(void)
{
    struct kith_cidr c;
    CU_ASSERT_EQUAL(kith_cidr_parse(&c, "10.1.2.3/9"), 0);
    CU_ASSERT_EQUAL(c.len, 4);
    CU_ASSERT_EQUAL(c.prefix, 9);
    CU_ASSERT_EQUAL(memcmp(c.bytes, "\x0A\x00\x00\x00", 4), 0);
    CU_ASSERT_EQUAL(kith_cidr_parse(&c, "fd00:ff::1/17"), 0);
    CU_ASSERT_EQUAL(c.len, 16);
    CU_ASSERT_EQUAL(memcmp(c.bytes, "\xFD\x00\x00\x00", 4), 0);
    CU_ASSERT_EQUAL(kith_cidr_parse(&c, "0.0.0.0/0"), 0);
    CU_ASSERT_EQUAL(kith_cidr_parse(&c, "::/128"), 0);
    static const char *const bad[] = {
        "",           "/",     "10.0.0.0",    "10.0.0.0/",   "10.0.0.0/33", "10.0.0/8",
        "::/129",     "::1/x", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8 ", "fe80::1%lo/64",
        "a.example/8"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_EQUAL(kith_cidr_parse(&c, bad[i]), -KITH_EINVAL);
}

/* What `serf agent -tag role=web -tag dc=1` announces. */
static void test_tags_in_serfs_form(void)
{
#define PAIR(name, value) \
    { \
        {(const uint8_t *)(name), sizeof(name) - 1}, \
        { \
            (const uint8_t *)(value), sizeof(value) - 1 \
        } \
    }
    static const struct kith_pair pairs[] = {PAIR("role", "web"), PAIR("dc", "1")},
                                  nameless = PAIR("", "x"),
                                  long_one = PAIR("k", "01234567890123456789012345678901");
    static const uint8_t want[] = "\xFF\x82\xA4role\xA3web\xA2"
                                  "dc\xA1"
                                  "1";
    uint8_t out[64];
    CU_ASSERT_EQUAL(kith_meta_from_tags(pairs, 2, out, sizeof out), sizeof want - 1);
    CU_ASSERT_EQUAL(memcmp(out, want, sizeof want - 1), 0);
    CU_ASSERT_EQUAL(kith_meta_from_tags(pairs, 2, out, sizeof want - 2), -KITH_ETOOBIG);
    CU_ASSERT_EQUAL(kith_meta_from_tags(&nameless, 1, out, sizeof out), -KITH_EINVAL);
    /* 32 bytes and more are raw 16, never str 8: the old dialect. */
    CU_ASSERT_EQUAL(kith_meta_from_tags(&long_one, 1, out, sizeof out), 39);
    CU_ASSERT_EQUAL(memcmp(out,
                           "\xFF\x81\xA1k\xDA\x00\x20"
                           "0123",
                           11),
                    0);
    struct kith_config *c = parse("node: { meta: { tags: { role: web, dc: 1 } } }");
    CU_ASSERT_EQUAL_FATAL(c->meta.len, sizeof want - 1);
    CU_ASSERT_EQUAL(memcmp(c->meta.data, want, sizeof want - 1), 0);
    kith_config_free(c);
    c = parse("node: { meta: { base64: AAEC } }");
    CU_ASSERT_EQUAL(c->meta.len, 3);
    kith_config_free(c);
}

static void test_paths_are_relative_to_the_file(void)
{
    static const char text[] =
        "node: { control: .//./run/sock, log: { to: file, file: /var/log/kith } }\n";
    struct kith_diag *diag = kith_diag_new();
    struct kith_config *c =
        kith_config_parse("/etc/kith/node.yaml", text, strlen(text), &fake_finder, diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_STRING_EQUAL(c->control, "/etc/kith/run/sock");
    CU_ASSERT_STRING_EQUAL(c->log_file, "/var/log/kith");
    CU_ASSERT_STRING_EQUAL(c->path, "/etc/kith/node.yaml");
    kith_config_free(c);
    kith_diag_free(diag);
}

/* Also when it was named from where we are: what a plugin gets holds wherever we go. */
static void test_paths_begin_at_the_root(void)
{
    static const char *const names[] = {"node.yaml", "./node.yaml"};
    const char text[] = "node: { name: n, control: n.sock }\ntransport: { use: udp_tcp }\n";
    char here[4096], want[4200];
    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(here, sizeof here));
    snprintf(want, sizeof want, "%s/n.sock", here);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct kith_diag *diag = kith_diag_new();
        struct kith_config *c = kith_config_parse(names[i], text, strlen(text), &fake_finder, diag);
        CU_ASSERT_PTR_NOT_NULL_FATAL(c);
        CU_ASSERT_STRING_EQUAL(c->control, want);
        kith_config_free(c);
        kith_diag_free(diag);
    }
}

/* ---------------------------------------------------------------------------------- pipeline */

/* "lzw crc32 | lzw crc32 aes_gcm | encrypt" */
static void check_pipeline(const char *file, const char *want, bool verify_outgoing)
{
    setenv("KITH_TEST_KEY", "AAECAwQFBgcICQoLDA0ODw==", 1);
    struct kith_config *c = parse(file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    char got[300] = "";
    for (size_t i = 0; i < c->chain.send.count; i++)
        strcat(strcat(got, c->chain.send.items[i].plugin->name), " ");
    strcat(got, "|");
    for (size_t i = 0; i < c->chain.accept.count; i++)
        strcat(strcat(got, " "), c->chain.accept.items[i].plugin->name);
    strcat(got, " |");
    if (c->chain.require & KITH_ENCRYPTS) strcat(got, " encrypt");
    if (c->chain.require & KITH_AUTHENTICATES) strcat(got, " authenticate");
    if (c->chain.require & ~(uint32_t)(KITH_ENCRYPTS | KITH_AUTHENTICATES)) strcat(got, " more");
    CU_ASSERT_STRING_EQUAL(got, want);
    if (strcmp(got, want) != 0) printf("\n%s\n  got  %s\n  want %s\n", file, got, want);
    CU_ASSERT_EQUAL(c->gossip_verify_outgoing, verify_outgoing);
    kith_config_free(c);
}

#define KEY "secret_key: { env: KITH_TEST_KEY }\n"

/* PROTOCOL.md T16 */
static void test_short_forms(void)
{
    check_pipeline("node: {}", "lzw crc32 | lzw crc32 |", true);
    check_pipeline("enable_compression: false", "crc32 | crc32 lzw |", true);
    check_pipeline("enable_compression: true", "lzw crc32 | lzw crc32 |", true);
    check_pipeline(KEY, "lzw crc32 aes_gcm | lzw crc32 aes_gcm | encrypt authenticate", true);
    check_pipeline("keyring: [ { env: KITH_TEST_KEY } ]",
                   "lzw crc32 aes_gcm | lzw crc32 aes_gcm | encrypt authenticate", true);
    check_pipeline("keyring: []", "lzw crc32 | lzw crc32 |", true);
    check_pipeline(KEY "enable_compression: false",
                   "crc32 aes_gcm | crc32 aes_gcm lzw | encrypt authenticate", true);
    check_pipeline(KEY "gossip_verify_incoming: false", "lzw crc32 aes_gcm | lzw crc32 aes_gcm |",
                   true);
    check_pipeline(KEY "gossip_verify_outgoing: false",
                   "lzw crc32 | lzw crc32 aes_gcm | encrypt authenticate", false);
    check_pipeline(KEY "gossip_verify_outgoing: false\ngossip_verify_incoming: false",
                   "lzw crc32 | lzw crc32 aes_gcm |", false);
    check_pipeline("gossip_verify_outgoing: false", "lzw crc32 | lzw crc32 |", true);
}

static void test_pipeline_in_full(void)
{
#define RING "keyring: [ { env: KITH_TEST_KEY } ]\npipeline: "
    check_pipeline("pipeline: { send: [] }", "| lzw crc32 |", true);
    check_pipeline(RING "{ send: [ { use: xchacha20poly1305 } ] }",
                   "xchacha20poly1305 | xchacha20poly1305 lzw crc32 | encrypt authenticate", true);
    check_pipeline(RING "{ send: [ { use: lzw } ], accept: [ { use: lzw }, { use: aes_gcm } ] }",
                   "lzw | lzw aes_gcm |", false);
    check_pipeline(RING "{ send: [ { use: aes_gcm } ], require: [] }",
                   "aes_gcm | aes_gcm lzw crc32 |", true);
    check_pipeline(
        RING
        "{ send: [ { use: zstd }, { use: blake2b }, { use: aes_gcm } ], require: authenticate }",
        "zstd blake2b aes_gcm | zstd blake2b aes_gcm lzw crc32 | authenticate", true);
    check_pipeline("pipeline: { send: [ { use: aes_gcm, keys: [ { env: KITH_TEST_KEY } ] } ] }",
                   "aes_gcm | aes_gcm lzw crc32 | encrypt authenticate", true);
    check_pipeline("pipeline: { send: [ { use: private, layer_byte: 0xC1 } ] }",
                   "private | private lzw crc32 |", true);
}

/* -------------------------------------------------------------------------------- show, diff */

static char *shown(const struct kith_config *c)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    kith_config_show(c, f);
    fclose(f);
    return text;
}

static void count_change(void *arg, const char *key, const char *was, const char *now, bool restart)
{
    printf("\n  %s: '%s' -> '%s'\n", key, was, now);
    ++*(int *)arg;
}

/* What is shown is a file that means the same, and is shown the same but for the comments. */
static void round_trip(const char *file)
{
    int changes = 0;
    struct kith_config *a = parse(file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    char *text = shown(a);
    struct kith_config *b = parse(text);
    CU_ASSERT_PTR_NOT_NULL(b);
    if (!b) {
        puts(text);
        free(text);
        kith_config_free(a);
        return;
    }
    kith_config_diff(a, b, count_change, &changes);
    CU_ASSERT_EQUAL(changes, 0);
    CU_ASSERT_EQUAL(a->chain.require, b->chain.require);
    CU_ASSERT_EQUAL(a->gossip_verify_outgoing, b->gossip_verify_outgoing);
    CU_ASSERT_EQUAL(a->chain.send.count, b->chain.send.count);
    CU_ASSERT_EQUAL(a->chain.accept.count, b->chain.accept.count);
    CU_ASSERT_EQUAL(a->meta.len, b->meta.len);
    CU_ASSERT_EQUAL(memcmp(a->transport.digest, b->transport.digest, 32), 0);
    for (size_t i = 0; i < a->chain.send.count; i++)
        CU_ASSERT_EQUAL(memcmp(a->chain.send.items[i].digest, b->chain.send.items[i].digest, 32),
                        0);
    free(text);
    kith_config_free(a);
    kith_config_free(b);
}

static void test_show_round_trip(void)
{
    setenv("KITH_TEST_KEY", "AAECAwQFBgcICQoLDA0ODw==", 1);
    round_trip("node: {}");
    round_trip(design);
    round_trip("gossip: { leave_direct: 7 }");
    round_trip("gossip: { leave_direct: all }");
    round_trip(KEY "enable_compression: false\ngossip_verify_incoming: false");
    round_trip(KEY "gossip_verify_outgoing: false\ngossip_verify_incoming: false");
    round_trip("node: { name: \"- x: # [\", label: 'it''s \"so\"', profile: wan, cidrs_allowed: [ "
               "10.0.0.0/8, \"fd00::/8\" "
               "],\n"
               "  metric_labels: { env: \"a b\" }, meta: { tags: { a: b } }, control: "
               "\"/tmp/\\u00e9\\u2028\\x07 x\" }\n"
               "transport: { use: udp_tcp, bind: [ \"[::]:7946\", \"a: b\" ], idle_timeout: "
               "1m1s1ms1us1ns }\n"
               "join: [ \"[::1]:1\", \"n/h:1\" ]\n"
               "probe: { disable_tcp_pings_for: [ \"null\", a ] }\n");
    round_trip("pipeline: { send: [ { use: zstd, bias: -7, ratio: 0.000001,\n"
               "  hints: { \"a: b\": \"{\", no: \"\", c: 1e3 } } ] }\n");
    round_trip("pipeline:\n  send: [ { use: zstd, level: 3, ratio: 0.125, dictionary: /d/d, "
               "min_size: 1000 }, { use: "
               "private, layer_byte: 0xC7 },\n"
               "    { use: aes_gcm, keys: [ { env: KITH_TEST_KEY } ] } ]\n"
               "delegates: [ { use: log }, { use: app, channel: x, command: \"a\\tb\" } ]\n");
}

/* A line of this front and this comment, whatever the space between them. */
static bool has_line(const char *text, const char *front, const char *comment)
{
    const char *at = strstr(text, front);
    if (!at) return false;
    at += strlen(front);
    at += strspn(at, " ");
    return strncmp(at, "# ", 2) == 0 && strncmp(at + 2, comment, strlen(comment)) == 0 &&
           at[2 + strlen(comment)] == '\n';
}

static void test_show_says_where_from(void)
{
    struct kith_config *c = parse("node: { name: a, profile: wan }\n" KEY "gossip:\n  nodes: 7\n");
    char *text = shown(c);
    CU_ASSERT(has_line(text, "  nodes: 7", "line 4"));
    CU_ASSERT(has_line(text, "  interval: 500ms", "default of profile wan"));
    CU_ASSERT(has_line(text, "  retransmit_mult: 4", "default"));
    CU_ASSERT(has_line(text, "    - use: aes_gcm", "short form secret_key, line 2"));
    CU_ASSERT(
        has_line(text, "keyring: [ { env: KITH_TEST_KEY } ]", "short form secret_key, line 2"));
    CU_ASSERT(has_line(text, "  # control:", "not given"));
    free(text);
    kith_config_free(c);
}

struct changes {
    char text[2000];
};

static void note(void *arg, const char *key, const char *was, const char *now, bool restart)
{
    struct changes *c = arg;
    size_t n = strlen(c->text);
    snprintf(c->text + n, sizeof c->text - n, "%s: %s -> %s%s\n", key, was, now,
             restart ? " (restart)" : "");
}

static void test_diff(void)
{
    setenv("KITH_TEST_KEY", "AAECAwQFBgcICQoLDA0ODw==", 1);
    setenv("KITH_TEST_KEY2", "EAECAwQFBgcICQoLDA0ODw==", 1);
    struct kith_config *a = parse(
        "node: { name: a }\ntransport: { use: udp_tcp, bind: 10.0.0.1 }\ndelegates: [ { use: log } "
        "]\n"
        "pipeline: { send: [ { use: zstd } ], accept: [ { use: zstd } ] }\ngossip: { nodes: 3 }");
    struct kith_config *b = parse("node: { name: b }\ntransport: { use: udp_tcp, bind: 10.0.0.2 }\n"
                                  "delegates: [ { use: app, command: x }, { use: log } ]\n"
                                  "pipeline: { send: [ { use: zstd, level: 4 } ], accept: [ { use: "
                                  "zstd } ] }\ngossip: { interval: 1s }");
    struct changes got = {""};
    kith_config_diff(a, b, note, &got);
    CU_ASSERT_STRING_EQUAL(got.text, "transport.bind: [10.0.0.1] -> [10.0.0.2] (restart)\n"
                                     "delegates: [log] -> [app, log]\n"
                                     "delegates.app.command:  -> x\n"
                                     "node.name: a -> b (restart)\n"
                                     "pipeline.send.zstd.level: 1 -> 4\n"
                                     "gossip.interval: 200ms -> 1s\n");
    CU_ASSERT_NOT_EQUAL(memcmp(a->chain.send.items[0].digest, b->chain.send.items[0].digest, 32),
                        0);
    CU_ASSERT_EQUAL(memcmp(a->chain.accept.items[0].digest, b->chain.accept.items[0].digest, 32),
                    0);
    CU_ASSERT_EQUAL(memcmp(a->delegates.items[0].digest, b->delegates.items[1].digest, 32), 0);
    kith_config_free(a);
    kith_config_free(b);

    a = parse("keyring: [ { env: KITH_TEST_KEY } ]");
    b = parse("keyring: [ { env: KITH_TEST_KEY2 }, { env: KITH_TEST_KEY } ]");
    got.text[0] = '\0';
    kith_config_diff(a, b, note, &got);
    /* BLAKE2b of the keys, 8 bytes: what `b2sum` says. */
    CU_ASSERT_PTR_NOT_NULL(strstr(got.text, "keyring: "));
    CU_ASSERT_PTR_NULL(strchr(strchr(got.text, '\n') + 1, '\n'));
    kith_config_free(a);
    kith_config_free(b);
}

/* An entry with keys of its own changes when what is behind a source changes. */
static void test_digest_sees_the_content_of_keys(void)
{
    static const char text[] =
        "pipeline: { send: [ { use: aes_gcm, keys: [ { env: KITH_TEST_KEY } ] } ] }";
    setenv("KITH_TEST_KEY", "AAECAwQFBgcICQoLDA0ODw==", 1);
    struct kith_config *a = parse(text), *b = parse(text);
    setenv("KITH_TEST_KEY", "EAECAwQFBgcICQoLDA0ODw==", 1);
    struct kith_config *c = parse(text);
    CU_ASSERT_EQUAL(memcmp(a->chain.send.items[0].digest, b->chain.send.items[0].digest, 32), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(a->chain.send.items[0].digest, c->chain.send.items[0].digest, 32),
                        0);
    kith_config_free(a);
    kith_config_free(b);
    kith_config_free(c);
}

/* A parameter that is marked as secret. */
static void test_secret_parameters(void)
{
    struct kith_config *a = parse("delegates: [ { use: app, command: x, token: hunter2hunter2 } ]");
    struct kith_config *b = parse("delegates: [ { use: app, command: x, token: hunter3hunter3 } ]");
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_PTR_NOT_NULL_FATAL(b);
    char *text = shown(a);
    CU_ASSERT_PTR_NULL(strstr(text, "hunter"));
    CU_ASSERT(has_line(text, "    token: \"***\"", "line 1"));
    free(text);
    struct changes got = {""};
    kith_config_diff(a, b, note, &got);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.text, "delegates.app.token: *** ("));
    CU_ASSERT_PTR_NULL(strstr(got.text, "hunter"));
    CU_ASSERT_NOT_EQUAL(memcmp(a->delegates.items[0].digest, b->delegates.items[0].digest, 32), 0);
    kith_config_free(a);
    kith_config_free(b);

    static const char wrong[] = "delegates: [ { use: app, token: hunter2, x: 1 } ]";
    struct kith_diag *diag = kith_diag_new();
    CU_ASSERT_PTR_NULL(kith_config_parse("", wrong, strlen(wrong), &fake_finder, diag));
    CU_ASSERT_EQUAL(kith_diag_errors(diag), 3);
    text = kith_diag_text(diag);
    CU_ASSERT_PTR_NULL(strstr(text, "hunter"));
    free(text);
    kith_diag_free(diag);
}

/* ------------------------------------------------------------------------- schema, reference */

static const char *const keys[] = {"node.name",
                                   "node.profile",
                                   "node.label",
                                   "node.skip_inbound_label_check",
                                   "node.meta",
                                   "node.control",
                                   "node.log.to",
                                   "node.log.file",
                                   "node.log.level",
                                   "node.log.format",
                                   "node.delegate_protocol.min",
                                   "node.delegate_protocol.max",
                                   "node.delegate_protocol.version",
                                   "node.protocol_version",
                                   "node.tcp_timeout",
                                   "node.udp_buffer_size",
                                   "node.dead_node_reclaim_time",
                                   "node.require_node_names",
                                   "node.cidrs_allowed",
                                   "node.dns_config_path",
                                   "gossip.leave_direct",
                                   "node.queue_check_interval",
                                   "node.metric_labels",
                                   "node.msgpack_use_new_time_format",
                                   "transport",
                                   "keyring",
                                   "pipeline.send",
                                   "pipeline.accept",
                                   "pipeline.require",
                                   "delegates",
                                   "join",
                                   "probe.interval",
                                   "probe.timeout",
                                   "probe.indirect_checks",
                                   "probe.disable_tcp_pings",
                                   "probe.disable_tcp_pings_for",
                                   "probe.awareness_max_multiplier",
                                   "suspicion.mult",
                                   "suspicion.max_timeout_mult",
                                   "suspicion.doubt_former_life",
                                   "gossip.interval",
                                   "gossip.nodes",
                                   "gossip.to_the_dead_time",
                                   "gossip.retransmit_mult",
                                   "push_pull.interval",
                                   "limits.handoff_queue_depth",
                                   "limits.max_members",
                                   "limits.max_streams",
                                   "limits.max_push_pulls",
                                   "limits.max_stream_size",
                                   "limits.max_stream_memory",
                                   "limits.max_pending",
                                   "limits.max_broadcasts",
                                   "secret_key",
                                   "enable_compression",
                                   "gossip_verify_incoming",
                                   "gossip_verify_outgoing"};

static const json_t *property(const json_t *schema, const char *path)
{
    char word[64];
    while (schema && *path) {
        size_t n = strcspn(path, ".");
        snprintf(word, sizeof word, "%.*s", (int)n, path);
        schema = json_object_get(json_object_get(schema, "properties"), word);
        path += n + (path[n] == '.');
    }
    return schema;
}

static char *written(void (*write)(const struct kith_config_finder *, FILE *))
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    write(&fake_finder, f);
    fclose(f);
    return text;
}

static void test_schema(void)
{
    char *text = written(kith_config_schema);
    json_error_t err;
    json_t *schema = json_loads(text, JSON_REJECT_DUPLICATES, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(schema);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *p = property(schema, keys[i]);
        CU_ASSERT_PTR_NOT_NULL(p);
        if (!p) printf("\nnot in the schema: %s\n", keys[i]);
        CU_ASSERT_PTR_NOT_NULL(json_object_get(p, "description"));
    }
    const json_t *codecs =
        json_object_get(json_object_get(property(schema, "pipeline.send"), "items"), "anyOf");
    CU_ASSERT_EQUAL(json_array_size(codecs), 9); /* eight fakes, and one by path */
    const json_t *level = property(json_array_get(codecs, 4), "level");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(level, "maximum")), 19);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(level, "default")), 1);
    /* the host's keys of an entry, only where they are of use */
    const json_t *aes = json_array_get(codecs, 2), *private = json_array_get(codecs, 6);
    CU_ASSERT(property(aes, "as") && property(aes, "keys") && !property(aes, "layer_byte"));
    CU_ASSERT(property(private, "as") && property(private, "layer_byte") &&
              !property(private, "keys"));
    CU_ASSERT_PTR_NULL(property(aes, "allow"));
    const json_t *log = json_array_get(
        json_object_get(json_object_get(property(schema, "delegates"), "items"), "anyOf"), 0);
    CU_ASSERT(property(log, "as") && property(log, "allow") && property(log, "channel"));
    CU_ASSERT_PTR_NULL(property(log, "keys"));
    const json_t *seed = json_array_get(
        json_object_get(json_array_get(json_object_get(property(schema, "join"), "anyOf"), 0),
                        "anyOf"),
        1);
    CU_ASSERT(property(seed, "name") && property(seed, "address"));
    CU_ASSERT_EQUAL(json_array_size(json_object_get(seed, "required")), 1);
    json_decref(schema);
    free(text);
}

static void test_reference(void)
{
    char *text = written(kith_config_doc);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char item[100];
        const char *dot = strrchr(keys[i], '.');
        if (dot)
            snprintf(item, sizeof item, "=item B<%.*s.>B<%s>\n", (int)(dot - keys[i]), keys[i],
                     dot + 1);
        else
            snprintf(item, sizeof item, "=item B<%s>\n", keys[i]);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, item));
        if (!strstr(text, item)) printf("\nnot in the reference: %s\n", keys[i]);
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "[default C<1s>, wan C<5s>]"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "a number, 1 to 19 [default C<1>]"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "=item B<as>\n\ntext, 1 to 63 bytes\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "=item B<allow>\n\nwords of a list: C<keys>\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "C<{ name: NAME, address: ADDRESS }>"));
    free(text);
}

KITH_TESTS("config", {"the example of the design document", test_designs_example},
           {"all, or a number", test_all_or_a_number}, {"profiles", test_profiles},
           {"what is left out", test_what_is_left_out}, {"durations", test_durations},
           {"bad durations", test_bad_durations},
           {"parameters of every type", test_parameters_of_every_type},
           {"words of YAML stay text", test_words_of_yaml_stay_text}, {"networks", test_cidrs},
           {"tags in Serf's form", test_tags_in_serfs_form},
           {"paths are relative to the file", test_paths_are_relative_to_the_file},
           {"paths begin at the root", test_paths_begin_at_the_root},
           {"short forms; verify_outgoing false sends plaintext", test_short_forms},
           {"pipeline in full", test_pipeline_in_full}, {"show, read back", test_show_round_trip},
           {"show says where from", test_show_says_where_from}, {"diff", test_diff},
           {"digest sees the content of keys", test_digest_sees_the_content_of_keys},
           {"secret parameters", test_secret_parameters}, {"schema", test_schema},
           {"reference", test_reference})
