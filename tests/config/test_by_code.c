/*
 * test_by_code.c - entries and keys made by code: the same checks, the same values, no file.
 */
#include "fake_finder.h"
#include "test.h"

static const struct kith_plugin *plugin(enum kith_kind kind, const char *name)
{
    const struct kith_plugin *p = fake_finder.find(NULL, kind, name, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    return p;
}

static int make(struct kith_entry *e, enum kith_kind kind, const char *name,
                const struct kith_setting_text *settings, size_t count, struct kith_error *err)
{
    *err = (struct kith_error){.size = sizeof *err};
    return kith_entry_init(e, plugin(kind, name), KITH_PROFILE_LAN, settings, count, err);
}

static void test_values_and_defaults(void)
{
    struct kith_entry e;
    struct kith_error err;
    char level[] = "7";
    const struct kith_setting_text settings[] = {
        {"level", level}, {"min_size", "4KiB"}, {"mode", "dense"}};
    CU_ASSERT_EQUAL_FATAL(make(&e, KITH_CODEC, "zstd", settings, 3, &err), 0);
    level[0] = '9'; /* the text was copied or parsed */
    const struct fake_zstd *z = e.params;
    CU_ASSERT_EQUAL(z->level, 7);
    CU_ASSERT_EQUAL(z->min_size, 4096);
    CU_ASSERT_EQUAL(z->mode, 1);
    CU_ASSERT_EQUAL(z->ratio, 0.9);
    CU_ASSERT_PTR_NULL(z->dictionary);
    CU_ASSERT_STRING_EQUAL(e.use, "zstd");
    CU_ASSERT_STRING_EQUAL(e.name, "zstd");
    CU_ASSERT_EQUAL(e.kind, KITH_CODEC);
    CU_ASSERT_EQUAL(e.layer_byte, 0);
    CU_ASSERT_FALSE(e.has_keys);
    kith_entry_fini(&e);
    CU_ASSERT_PTR_NULL(e.params);
    kith_entry_fini(&e);
}

static void test_lists_and_profiles(void)
{
    struct kith_entry e;
    struct kith_error err = {.size = sizeof err};
    const struct kith_setting_text two[] = {{"bind", "[ 10.0.0.1:1, \"[::]:2\" ]"}},
                                   one[] = {{"bind", "10.0.0.1:1"}};
    CU_ASSERT_EQUAL_FATAL(
        kith_entry_init(&e, plugin(KITH_TRANSPORT, "udp_tcp"), KITH_PROFILE_WAN, two, 1, &err), 0);
    const struct fake_udp_tcp *u = e.params;
    CU_ASSERT_EQUAL_FATAL(u->bind.count, 2);
    CU_ASSERT_STRING_EQUAL(u->bind.items[1], "[::]:2");
    CU_ASSERT_EQUAL(u->idle_timeout, 30000000000);
    kith_entry_fini(&e);
    CU_ASSERT_EQUAL_FATAL(make(&e, KITH_TRANSPORT, "udp_tcp", one, 1, &err), 0);
    u = e.params;
    CU_ASSERT_EQUAL_FATAL(u->bind.count, 1);
    CU_ASSERT_STRING_EQUAL(u->bind.items[0], "10.0.0.1:1");
    kith_entry_fini(&e);
}

static void test_what_is_wrong(void)
{
    static const struct {
        enum kith_kind kind;
        const char *plugin;
        struct kith_setting_text settings[2];
        size_t count;
        const char *says;
    } wrong[] = {
        {KITH_CODEC,
         "zstd",
         {{"level", "99"}},
         1,
         "'level': 99 is out of range, 1 to 19 are possible"},
        {KITH_CODEC, "zstd", {{"level", "much"}}, 1, "'level' is a whole number, not 'much'"},
        {KITH_CODEC, "zstd", {{"level", ""}}, 1, "'level' is a whole number, not ''"},
        {KITH_CODEC, "zstd", {{"levle", "3"}}, 1, "unknown key 'levle' in codec 'zstd'"},
        {KITH_CODEC, "zstd", {{"layer_byte", "0xC1"}}, 1, "unknown key 'layer_byte'"},
        {KITH_CODEC, "zstd", {{"level", "3"}, {"level", "4"}}, 2, "duplicate key 'level'"},
        {KITH_CODEC, "lzw", {{"level", "3"}}, 1, "unknown key 'level' in codec 'lzw'"},
        {KITH_TRANSPORT, "udp_tcp", {{"bind", "[ a, "}}, 1, "did not find expected"},
        {KITH_TRANSPORT, "udp_tcp", {{"bind", "[ { a: b } ]"}}, 1, "'bind' takes one value"},
        {KITH_DELEGATE, "app", {{NULL}}, 0, "delegate 'app' needs 'command'"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct kith_entry e;
        struct kith_error err;
        CU_ASSERT_EQUAL(
            make(&e, wrong[i].kind, wrong[i].plugin, wrong[i].settings, wrong[i].count, &err),
            -KITH_EINVAL);
        if (!strstr(err.text, wrong[i].says)) printf("%s\n", err.text);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, wrong[i].says));
        CU_ASSERT_PTR_NULL(e.params);
    }
}

/* The same settings from code and from a file are the same entry to a reload. */
static void test_digests(void)
{
    static const char file[] = "pipeline: { send: [ { use: zstd, level: 7 } ] }";
    struct kith_diag *diag = kith_diag_new();
    struct kith_config *c = kith_config_parse("", file, strlen(file), &fake_finder, diag);
    struct kith_entry e, other;
    struct kith_error err;
    const struct kith_setting_text level[] = {{"level", "7"}};
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_EQUAL_FATAL(make(&e, KITH_CODEC, "zstd", level, 1, &err), 0);
    CU_ASSERT_EQUAL_FATAL(make(&other, KITH_CODEC, "zstd", NULL, 0, &err), 0);
    CU_ASSERT_EQUAL(memcmp(e.digest, c->chain.send.items[0].digest, sizeof e.digest), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(e.digest, other.digest, sizeof e.digest), 0);
    e.layer_byte = 0xC1;
    kith_entry_digest(&e);
    CU_ASSERT_NOT_EQUAL(memcmp(e.digest, c->chain.send.items[0].digest, sizeof e.digest), 0);
    kith_entry_fini(&e);
    kith_entry_fini(&other);
    kith_config_free(c);
    kith_diag_free(diag);
}

static void test_lists_of_entries(void)
{
    struct kith_chain chain = {0};
    struct kith_error err = {.size = sizeof err};
    const struct kith_setting_text level[] = {{"level", "7"}}, wrong[] = {{"level", "x"}};
    const struct kith_plugin *zstd = plugin(KITH_CODEC, "zstd"), *lzw = plugin(KITH_CODEC, "lzw");
    CU_ASSERT_EQUAL(kith_entries_add(&chain.send, lzw, KITH_PROFILE_LAN, NULL, 0, &err), 0);
    CU_ASSERT_EQUAL(kith_entries_add(&chain.send, zstd, KITH_PROFILE_LAN, level, 1, &err), 0);
    CU_ASSERT_EQUAL(kith_entries_add(&chain.send, zstd, KITH_PROFILE_LAN, wrong, 1, &err),
                    -KITH_EINVAL);
    CU_ASSERT_EQUAL_FATAL(chain.send.count, 2);
    CU_ASSERT_PTR_EQUAL(chain.send.items[0].plugin, lzw);
    CU_ASSERT_EQUAL(((struct fake_zstd *)chain.send.items[1].params)->level, 7);
    kith_entries_free(&chain.send);
    CU_ASSERT_EQUAL(chain.send.count, 0);
    kith_entries_free(&chain.accept);
}

static void test_keys(void)
{
    static const uint8_t a[32] = {1}, b[16] = {2};
    struct kith_secrets s = {0};
    CU_ASSERT_EQUAL(kith_secrets_add(&s, a, 32), 0);
    CU_ASSERT_EQUAL(kith_secrets_add(&s, b, 16), 0);
    CU_ASSERT_EQUAL(kith_secrets_add(&s, a, 32), 0);
    CU_ASSERT_EQUAL(kith_secrets_add(&s, a, 31), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_secrets_add(&s, a, 0), -KITH_EINVAL);
    CU_ASSERT_EQUAL_FATAL(s.count, 2);
    CU_ASSERT_EQUAL(s.items[0].len, 32);
    CU_ASSERT_EQUAL(memcmp(s.items[0].data, a, 32), 0);
    CU_ASSERT_EQUAL(memcmp(s.items[1].data, b, 16), 0);
    kith_secrets_free(&s);
    CU_ASSERT_EQUAL(s.count, 0);
}

static void test_an_entry_owns_its_keys(void)
{
    static const uint8_t key[32] = {1};
    struct kith_entry e;
    struct kith_error err;
    CU_ASSERT_EQUAL_FATAL(make(&e, KITH_CODEC, "aes_gcm", NULL, 0, &err), 0);
    CU_ASSERT_EQUAL(kith_secrets_add(&e.keys, key, sizeof key), 0);
    e.has_keys = true;
    kith_entry_digest(&e);
    kith_entry_fini(&e); /* a leak would be found by the sanitizer */
    CU_ASSERT_EQUAL(e.keys.count, 0);
}

static void differs(void *arg, const char *key, const char *was, const char *now, bool restart)
{
    printf("%s: '%s' '%s'\n", key, was, now);
    ++*(unsigned *)arg;
}

/* A config made by code has the values of the file that says the same. */
static void test_a_whole_config(void)
{
    static const char file[] = "node: { name: ada, label: prod, profile: wan }\n"
                               "transport: { use: udp_tcp, bind: 10.0.0.1:1 }\n"
                               "pipeline: { send: [ { use: zstd } ], accept: [ { use: zstd } ] }\n"
                               "delegates: [ { use: log } ]\n"
                               "join: [ 10.0.0.2 ]\n";
    static const struct kith_seed join[] = {{NULL, "10.0.0.2"}};
    const struct kith_setting_text bind[] = {{"bind", "10.0.0.1:1"}};
    const struct kith_plugin *zstd = plugin(KITH_CODEC, "zstd");
    struct kith_error err = {.size = sizeof err};
    struct kith_diag *diag = kith_diag_new();
    struct kith_config *read = kith_config_parse("", file, strlen(file), &fake_finder, diag), c;
    unsigned differences = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(read);

    kith_config_init(&c, KITH_PROFILE_WAN);
    c.settings.name = "ada";
    c.settings.label = "prod";
    c.join = (struct kith_seeds){join, 1};
    kith_chain_settings(&c.chain, &c.settings);
    CU_ASSERT_EQUAL(kith_entry_init(&c.transport, plugin(KITH_TRANSPORT, "udp_tcp"),
                                    KITH_PROFILE_WAN, bind, 1, &err),
                    0);
    CU_ASSERT_EQUAL(kith_entries_add(&c.chain.send, zstd, KITH_PROFILE_WAN, NULL, 0, &err), 0);
    CU_ASSERT_EQUAL(kith_entries_add(&c.chain.accept, zstd, KITH_PROFILE_WAN, NULL, 0, &err), 0);
    CU_ASSERT_EQUAL(kith_entries_add(&c.delegates, plugin(KITH_DELEGATE, "log"), KITH_PROFILE_WAN,
                                     NULL, 0, &err),
                    0);
    kith_config_diff(read, &c, differs, &differences);
    CU_ASSERT_EQUAL(differences, 0);
    CU_ASSERT_EQUAL(memcmp(c.transport.digest, read->transport.digest, 32), 0);
    CU_ASSERT_EQUAL(c.gossip_verify_outgoing, read->gossip_verify_outgoing);
    CU_ASSERT_STRING_EQUAL(c.chain.label, read->chain.label);
    CU_ASSERT_EQUAL(c.chain.protocol, read->chain.protocol);
    CU_ASSERT_EQUAL(c.chain.max_stream_size, read->chain.max_stream_size);
    CU_ASSERT_EQUAL(c.chain.max_stream_memory, read->chain.max_stream_memory);

    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    kith_config_show(&c, f);
    fclose(f);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "name: ada "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# set by code\n"));
    CU_ASSERT_PTR_NULL(strstr(text, "# line"));
    free(text);

    kith_entry_fini(&c.transport);
    kith_entries_free(&c.chain.send);
    kith_entries_free(&c.chain.accept);
    kith_entries_free(&c.delegates);
    kith_config_free(&c); /* nothing of it is the config's own */
    CU_ASSERT_STRING_EQUAL(c.settings.name, "ada");
    kith_config_free(read);
    kith_diag_free(diag);
}

/* What a running node can't change stays, in memory of the config that is kept. */
static void test_what_is_kept(void)
{
    static const char text[] = "node: { name: eve, label: new, control: /run/eve.sock }";
    struct kith_diag *diag = kith_diag_new();
    char control[] = "/run/ada.sock";
    struct kith_config was, *now = kith_config_parse("", text, sizeof text - 1, &fake_finder, diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(now);
    kith_config_init(&was, KITH_PROFILE_LAN);
    was.settings.name = "ada";
    was.control = control;
    kith_config_keep(now, &was);
    memset(control, 'x', sizeof control - 1);
    CU_ASSERT_STRING_EQUAL(now->settings.name, "ada");
    CU_ASSERT_STRING_EQUAL(now->control, "/run/ada.sock");
    CU_ASSERT_STRING_EQUAL(now->settings.label, "new");
    was.control = NULL;
    kith_config_keep(now, &was);
    CU_ASSERT_PTR_NULL(now->control);
    kith_config_free(now);
    kith_diag_free(diag);
}

KITH_TESTS("config/by_code", {"values and defaults", test_values_and_defaults},
           {"lists and profiles", test_lists_and_profiles}, {"what is wrong", test_what_is_wrong},
           {"digests are those of a file", test_digests},
           {"lists of entries", test_lists_of_entries}, {"keys", test_keys},
           {"an entry owns its keys", test_an_entry_owns_its_keys},
           {"a whole config", test_a_whole_config}, {"what is kept", test_what_is_kept})
