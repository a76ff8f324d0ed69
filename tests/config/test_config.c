/*
 * test_config.c - good files: what they turn into.
 */
#include "fake.h"
#include "test.h"

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
    CU_ASSERT_EQUAL_FATAL(c->send.count, 3);
    CU_ASSERT_STRING_EQUAL(c->send.items[2].plugin->name, "aes_gcm");
    CU_ASSERT_EQUAL(c->accept.count, 3);
    CU_ASSERT_EQUAL(c->require, KITH_ENCRYPTS);
    CU_ASSERT_EQUAL(c->delegates.count, 1);
    CU_ASSERT_EQUAL_FATAL(c->join.count, 2);
    CU_ASSERT_STRING_EQUAL(c->join.items[1], "seed.example.net");
    CU_ASSERT_EQUAL(c->settings.gossip_interval, 200000000);
    kith_config_free(c);
}

KITH_TESTS("config", {"the example of the design document", test_designs_example})
