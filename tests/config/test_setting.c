/*
 * test_setting.c - entries with names and permissions of their own, seeds with names, and values
 * asked for by their key.
 */
#include "fake_finder.h"
#include "schema.h"
#include "test.h"

static unsigned until_failure; /* so many more are given; 0: all are */

void *__real_malloc(size_t);
void *__wrap_malloc(size_t);
FILE *__real_open_memstream(char **, size_t *);
FILE *__wrap_open_memstream(char **, size_t *);

static bool refuses(void) { return until_failure && --until_failure == 0; }

void *__wrap_malloc(size_t n) { return refuses() ? NULL : __real_malloc(n); }

FILE *__wrap_open_memstream(char **text, size_t *len)
{
    return refuses() ? NULL : __real_open_memstream(text, len);
}

static struct kith_config *parse(const char *text)
{
    struct kith_diag *diag = kith_diag_new();
    struct kith_config *c = kith_config_parse("", text, strlen(text), &fake_finder, diag);
    if (!c) kith_diag_print(diag, stdout);
    kith_diag_free(diag);
    return c;
}

static const char file[] =
    "node:\n"
    "  { name: \"no\", label: prod, profile: wan, metric_labels: { dc: eu, zone_x: \"1\" },\n"
    "    meta: hi, cidrs_allowed: 10.0.0.0/8, log: { level: debug }, require_node_names: true }\n"
    "transport: { use: quic, as: wire, keys: [ { env: KITH_TEST_KEY } ] }\n"
    "keyring: [ { env: KITH_TEST_KEY } ]\n"
    "pipeline: { send: [ { use: zstd, as: dense }, { use: aes_gcm } ], require: [ encrypt ] }\n"
    "delegates:\n"
    "  - { use: log }\n"
    "  - { use: log, as: audit, allow: [ keys ] }\n"
    "  - { use: signer, keys: [ { env: KITH_TEST_KEY } ] }\n"
    "join:\n"
    "  - ada/10.0.0.1:7946\n"
    "  - { name: bob, address: /tmp/x.sock }\n"
    "  - { address: \"ws://h/p\" }\n";

static struct kith_config *good(void)
{
    setenv("KITH_TEST_KEY", "AAECAwQFBgcICQoLDA0ODw==", 1);
    struct kith_config *c = parse(file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    return c;
}

static void test_entries(void)
{
    struct kith_config *c = good();
    CU_ASSERT_STRING_EQUAL(c->transport.name, "wire");
    CU_ASSERT_STRING_EQUAL(c->transport.use, "quic");
    CU_ASSERT(c->transport.has_keys && c->transport.keys.count == 1);
    CU_ASSERT_STRING_EQUAL(c->chain.send.items[0].name, "dense");
    CU_ASSERT_STRING_EQUAL(c->chain.accept.items[0].name, "dense");
    CU_ASSERT_STRING_EQUAL(c->delegates.items[0].name, "log");
    CU_ASSERT_EQUAL(c->delegates.items[0].allow, 0);
    CU_ASSERT_STRING_EQUAL(c->delegates.items[1].name, "audit");
    CU_ASSERT_EQUAL(c->delegates.items[1].allow, KITH_ALLOW_KEYS);
    CU_ASSERT_NOT_EQUAL(memcmp(c->delegates.items[0].digest, c->delegates.items[1].digest, 32), 0);
    CU_ASSERT(c->delegates.items[2].has_keys);
    CU_ASSERT_EQUAL_FATAL(c->join.count, 3);
    CU_ASSERT_STRING_EQUAL(c->join.items[0].address, "ada/10.0.0.1:7946");
    CU_ASSERT_PTR_NULL(c->join.items[0].name);
    CU_ASSERT_STRING_EQUAL(c->join.items[1].name, "bob");
    CU_ASSERT_STRING_EQUAL(c->join.items[1].address, "/tmp/x.sock");
    CU_ASSERT_PTR_NULL(c->join.items[2].name);
    kith_config_free(c);
}

static void no_difference(void *arg, const char *key, const char *was, const char *now,
                          bool restart)
{
    printf("\n  %s: '%s' -> '%s'\n", key, was, now);
    CU_FAIL("shown, it reads back as something else");
}

static void test_shown_reads_back(void)
{
    struct kith_config *c = good();
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    kith_config_show(c, f);
    fclose(f);
    struct kith_config *again = parse(text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(again);
    kith_config_diff(c, again, no_difference, NULL);
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(memcmp(c->delegates.items[i].digest, again->delegates.items[i].digest, 32),
                        0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "    as: audit "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "    allow: [keys] "));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "join: [ada/10.0.0.1:7946, { name: bob, address: /tmp/x.sock }, "));
    CU_ASSERT_PTR_NULL(strstr(text, "as: log"));
    free(text);
    kith_config_free(c);
    kith_config_free(again);
}

static void note(void *arg, const char *key, const char *was, const char *now, bool restart)
{
    size_t n = strlen(arg);
    snprintf((char *)arg + n, 1000 - n, "%s: %s -> %s%s\n", key, was, now,
             restart ? " (restart)" : "");
}

/* Entries are told apart by their names; only what is marked so waits for a restart. */
static void test_differences(void)
{
    struct kith_config *a = parse("delegates: [ { use: log, as: x }, { use: kv, as: y } ]\n"
                                  "transport: { use: udp_tcp, bind: a, advertise: b }");
    struct kith_config *b = parse("delegates: [ { use: kv, as: y, allow: keys } ]\n"
                                  "transport: { use: udp_tcp, bind: b, advertise: c }\n"
                                  "join: { name: n, address: x }");
    char got[1000] = "";
    kith_config_diff(a, b, note, got);
    CU_ASSERT_STRING_EQUAL(got, "delegates.x.use: log -> \n"
                                "delegates.x.as: x -> \n"
                                "transport.bind: [a] -> [b] (restart)\n"
                                "transport.advertise: b -> c\n"
                                "delegates: [x, y] -> [y]\n"
                                "delegates.y.allow:  -> [keys]\n"
                                "join: [] -> [{ name: n, address: x }]\n");
    kith_config_free(a);
    kith_config_free(b);
}

static int checked(const char *name)
{
    const struct kith_param p = {
        .name = name, .type = KITH_PARAM_BOOL, .width = sizeof(bool), .doc = "x"};
    return kith_param_check(&p, sizeof(bool), NULL);
}

/* No parameter of a plugin may have the name of one of the host's keys. */
static void test_host_keys_are_reserved(void)
{
    for (uint32_t kind = KITH_TRANSPORT; kind <= KITH_DELEGATE; kind++)
        for (const struct kith_param *p = kith_entry_keys(kind); p->name; p++)
            CU_ASSERT_EQUAL(checked(p->name), -KITH_EINVAL);
    CU_ASSERT_EQUAL(checked("level"), 0);
}

/* -------------------------------------------------------------------------------- by their keys */

static struct kith_value asked(struct kith_config *c, const char *key)
{
    struct kith_value v = {.size = sizeof v};
    CU_ASSERT_EQUAL(kith_config_setting(c, key, &v), 0);
    CU_ASSERT_EQUAL(v.size, sizeof v);
    return v;
}

static void says(struct kith_config *c, const char *key, uint32_t type, int64_t number,
                 const char *text)
{
    struct kith_value v = asked(c, key);
    bool same = v.type == type && v.number == number && kith_bytes_equal(v.text, kith_text(text)) &&
                v.text.data[v.text.len] == '\0';
    CU_ASSERT(same);
    if (!same) printf("\n  %s: %u %lld '%s'\n", key, v.type, (long long)v.number, v.text.data);
}

static void test_settings(void)
{
    struct kith_config *c = good();
    says(c, "node.name", KITH_PARAM_STRING, 0, "no"); /* without YAML's quotes */
    says(c, "node.label", KITH_PARAM_STRING, 0, "prod");
    says(c, "node.profile", KITH_PARAM_ENUM, KITH_PROFILE_WAN, "wan");
    says(c, "node.log.level", KITH_PARAM_ENUM, KITH_LOG_DEBUG, "debug");
    says(c, "node.require_node_names", KITH_PARAM_BOOL, 1, "true");
    says(c, "node.meta", KITH_PARAM_STRING, 0, "hi");
    says(c, "gossip.interval", KITH_PARAM_DURATION, 500000000, "500ms");
    says(c, "gossip.nodes", KITH_PARAM_UINT, 4, "4");
    says(c, "limits.max_stream_size", KITH_PARAM_SIZE, 20 << 20, "20MiB");
    says(c, "node.dns_config_path", KITH_PARAM_PATH, 0, "/etc/resolv.conf");
    says(c, "node.metric_labels", KITH_PARAM_MAP, 2, "{dc: eu, zone_x: 1}");
    says(c, "node.metric_labels.dc", KITH_PARAM_STRING, 0, "eu");
    says(c, "node.metric_labels.zone_x", KITH_PARAM_STRING, 0, "1");
    says(c, "transport", KITH_PARAM_STRING, 0, "wire");
    says(c, "pipeline.send", KITH_PARAM_LIST, 2, "[dense, aes_gcm]");
    says(c, "pipeline.send.1", KITH_PARAM_STRING, 0, "aes_gcm");
    says(c, "pipeline.require", KITH_PARAM_STRING, 0, "[encrypt]");
    says(c, "delegates.1", KITH_PARAM_STRING, 0, "audit");
    says(c, "join.1", KITH_PARAM_STRING, 0, "/tmp/x.sock");
    CU_ASSERT_EQUAL(asked(c, "join").number, 3);
    kith_config_free(c);
}

static void test_settings_that_are_not_told(void)
{
    static const struct {
        const char *key;
        int rc;
    } none[] = {
        {"keyring", -KITH_EACCES},
        {"keyring.0", -KITH_EACCES},
        {"secret_key", -KITH_ENOTFOUND},
        {"", -KITH_ENOTFOUND},
        {"node", -KITH_ENOTFOUND},
        {"node.", -KITH_ENOTFOUND},
        {"node.nam", -KITH_ENOTFOUND},
        {"node.namee", -KITH_ENOTFOUND},
        {"node.name.x", -KITH_ENOTFOUND},
        {"node.control", -KITH_ENOTFOUND},
        {"join.3", -KITH_ENOTFOUND},
        {"join.-1", -KITH_ENOTFOUND},
        {"join.00", -KITH_ENOTFOUND},
        {"join.x", -KITH_ENOTFOUND},
        {"join.", -KITH_ENOTFOUND},
        {"delegates.3", -KITH_ENOTFOUND},
        {"node.metric_labels.x", -KITH_ENOTFOUND},
        {"transport.keys", -KITH_ENOTFOUND},
        {"name", -KITH_ENOTFOUND},
    };
    struct kith_config *c = good();
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct kith_value v = {.size = sizeof v};
        CU_ASSERT_EQUAL(kith_config_setting(c, none[i].key, &v), none[i].rc);
        if (none[i].rc) CU_ASSERT_EQUAL(v.type, 0);
    }
    kith_config_free(c);
}

/* What was lent stays, also when the same is asked again, and when it changed meanwhile. */
static void test_texts_stay(void)
{
    struct kith_config c;
    kith_config_init(&c, KITH_PROFILE_LAN);
    struct kith_value first = asked(&c, "gossip.interval");
    for (int i = 0; i < 100; i++) asked(&c, i % 2 ? "probe.interval" : "limits.max_streams");
    CU_ASSERT_PTR_EQUAL(asked(&c, "gossip.interval").text.data, first.text.data);
    c.settings.gossip_interval = 1000000000;
    says(&c, "gossip.interval", KITH_PARAM_DURATION, 1000000000, "1s");
    CU_ASSERT_STRING_EQUAL((const char *)first.text.data, "200ms");
    kith_config_free(&c);
}

/* A caller that knows less of the struct gets less, and not a byte behind it. */
static void test_short_structs(void)
{
    static const uint32_t sizes[] = {0, 4, 8, 16, sizeof(struct kith_value)};
    struct kith_config *c = good();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        union {
            struct kith_value v;
            uint8_t bytes[sizeof(struct kith_value) + 16];
        } out;
        memset(&out, 0xA5, sizeof out);
        out.v.size = sizes[i];
        uint32_t kept = sizes[i] < 4 ? 4 : sizes[i];
        CU_ASSERT_EQUAL(kith_config_setting(c, "node.name", &out.v), 0);
        for (size_t k = kept; k < sizeof out; k++) CU_ASSERT_EQUAL(out.bytes[k], 0xA5);
        if (sizes[i] >= 4) CU_ASSERT_EQUAL(out.v.size, sizes[i]);
    }
    kith_config_free(c);
}

/* A plugin asks while the node runs, which then goes on. */
static void test_without_memory(void)
{
    static const char *const keys[] = {"node.tcp_timeout", "pipeline.send", "join",
                                       "node.metric_labels", "pipeline.require"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct kith_config *c = good();
        struct kith_value v = {.size = sizeof v};
        for (unsigned n = 1; n <= 2; n++) { /* the text, and its place */
            until_failure = n;
            CU_ASSERT_EQUAL(kith_config_setting(c, keys[i], &v), -KITH_ENOMEM);
            CU_ASSERT_EQUAL(until_failure, 0);
        }
        CU_ASSERT_EQUAL(kith_config_setting(c, keys[i], &v), 0);
        until_failure = 2;
        CU_ASSERT_EQUAL(kith_config_setting(c, keys[i], &v), 0); /* it is there already */
        until_failure = 0;
        kith_config_free(c);
    }
}

KITH_TESTS("config/setting", {"entries with names", test_entries},
           {"shown, read back", test_shown_reads_back}, {"differences", test_differences},
           {"the host's keys are reserved", test_host_keys_are_reserved},
           {"settings", test_settings},
           {"settings that are not told", test_settings_that_are_not_told},
           {"texts stay", test_texts_stay}, {"without memory", test_without_memory},
           {"short structs", test_short_structs})
