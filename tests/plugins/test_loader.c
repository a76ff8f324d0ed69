/* The registry over the plugins that were built: names, kinds, folders. Odd plugins are tests/abi's
 * matter. */
#include "registry.h"
#include "test.h"

static struct kith_registry *registry;
static struct kith_error err;

static void fresh(const char *dirs)
{
    kith_registry_free(registry);
    registry = kith_registry_new(dirs);
    memset(&err, 0, sizeof err);
    err.size = sizeof err;
}

static void test_find(void)
{
    fresh(NULL);
    const struct kith_plugin *p = kith_registry_find(registry, KITH_CODEC, "crc32", &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT_STRING_EQUAL(p->name, "crc32");
    CU_ASSERT_EQUAL(p->size, sizeof *p);
    CU_ASSERT_EQUAL(((const struct kith_codec_ops *)p->ops)->size, sizeof(struct kith_codec_ops));
    CU_ASSERT_PTR_EQUAL(p, kith_registry_find(registry, KITH_CODEC, "crc32", &err));
    const char *path = kith_registry_path(registry, p);
    CU_ASSERT(!*path || strstr(path, "crc32.so"));
}

static void test_not_found_names_the_folders(void)
{
    fresh("/nowhere:/tmp");
    CU_ASSERT_PTR_NULL(kith_registry_find(registry, KITH_CODEC, "no_such_codec", &err));
    CU_ASSERT_EQUAL(err.code, -KITH_ENOTFOUND);
    CU_ASSERT_STRING_EQUAL(err.text,
                           "no codec `no_such_codec`: looked in /nowhere (no such folder), /tmp");
}

/* Who names a folder to try one plugin misses the installed ones, and is told why. */
static void test_not_found_names_the_environment(void)
{
    const char *env = getenv("KITH_PLUGIN_PATH");
    char *was = env ? strdup(env) : NULL;
    setenv("KITH_PLUGIN_PATH", "/tmp:/nowhere", 1);
    fresh(NULL);
    CU_ASSERT_PTR_NULL(kith_registry_find(registry, KITH_CODEC, "no_such_codec", &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "; KITH_PLUGIN_PATH replaces the installed folder /"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, ": add it"));
    if (was)
        setenv("KITH_PLUGIN_PATH", was, 1);
    else
        unsetenv("KITH_PLUGIN_PATH");
    free(was);
}

static void test_wrong_kind(void)
{
    fresh(NULL);
    CU_ASSERT_PTR_NULL(kith_registry_find(registry, KITH_DELEGATE, "crc32", &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "`crc32` is a codec, not a delegate"));
}

static void test_bad_names(void)
{
    fresh(NULL);
    static const char *const bad[] = {"", "Crc32", "crc-32", "32", "..", "a b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_PTR_NULL(kith_registry_find(registry, KITH_CODEC, bad[i], &err));
        CU_ASSERT_EQUAL(err.code, -KITH_EINVAL);
    }
    CU_ASSERT_PTR_NULL(kith_registry_find(registry, KITH_CODEC, "./no/such.so", &err));
    CU_ASSERT_EQUAL(err.code, -KITH_ENOTFOUND);
}

struct seen {
    unsigned good, bad, order_errors;
    uint32_t kind;
    char name[64];
};

static void see(void *arg, const char *path, const struct kith_plugin *p,
                const struct kith_error *why)
{
    struct seen *seen = arg;
    if (!p) {
        seen->bad++;
        return;
    }
    seen->good++;
    if (seen->bad || p->kind < seen->kind ||
        (p->kind == seen->kind && strcmp(p->name, seen->name) < 0))
        seen->order_errors++;
    seen->kind = p->kind;
    snprintf(seen->name, sizeof seen->name, "%s", p->name);
}

static void test_list_is_sorted(void)
{
    fresh(NULL);
    struct seen seen = {0};
    kith_registry_list(registry, see, &seen);
    CU_ASSERT(seen.good >= 2);
    CU_ASSERT_EQUAL(seen.bad, 0);
    CU_ASSERT_EQUAL(seen.order_errors, 0);
}

static void test_names_for_did_you_mean(void)
{
    fresh(NULL);
    struct kith_config_finder finder = kith_registry_finder(registry);
    bool crc32 = false, log = false;
    for (const char *const *n = finder.names(finder.ctx, KITH_CODEC); *n; n++) {
        crc32 |= strcmp(*n, "crc32") == 0;
        log |= strcmp(*n, "log") == 0;
    }
    CU_ASSERT(crc32 && !log);
    CU_ASSERT_PTR_NOT_NULL(finder.find(finder.ctx, KITH_DELEGATE, "log", &err));
    kith_registry_free(registry);
    registry = NULL;
}

KITH_TESTS("plugins/loader", {"found by kind and name", test_find},
           {"not found: names the folders", test_not_found_names_the_folders},
           {"not found: what the environment replaces", test_not_found_names_the_environment},
           {"wrong kind", test_wrong_kind}, {"bad names and paths", test_bad_names},
           {"the list is sorted", test_list_is_sorted},
           {"names for did-you-mean", test_names_for_did_you_mean})
