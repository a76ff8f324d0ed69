/*
 * test_secret.c - keys: every form and source, what is refused, and that no key is ever shown.
 */
#include "fake_finder.h"
#include "file.h"
#include "test.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static const char B64[] = "AAECAwQFBgcICQoLDA0ODw=="; /* bytes 0..15 */

static void remove_folder(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command) != 0) fprintf(stderr, "can't remove %s\n", dir);
}

static const char *folder(void)
{
    if (*dir) return dir;
    snprintf(dir, sizeof dir, "/tmp/kith-test-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    atexit(remove_folder);
    return dir;
}

static const char *put(const char *name, const void *data, size_t len, mode_t mode)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    CU_ASSERT_EQUAL_FATAL(write(fd, data, len), (ssize_t)len);
    fchmod(fd, mode);
    close(fd);
    return path;
}

static struct kith_config *load(const char *text, char **words)
{
    char path[300];
    snprintf(path, sizeof path, "%s", put("node.yaml", text, strlen(text), 0600));
    struct kith_diag *diag = kith_diag_new();
    struct kith_config *c = kith_config_load(path, &fake_finder, diag);
    *words = kith_diag_text(diag);
    kith_diag_free(diag);
    return c;
}

static bool counts_up(const struct kith_secret *s, uint32_t len)
{
    bool good = s->len == len;
    for (uint32_t i = 0; good && i < len; i++) good = s->data[i] == i;
    return good;
}

/* A key in a file of this content: its length, 0 when refused. */
static uint32_t from_file(const void *content, size_t len)
{
    char *words;
    put("key", content, len, 0600);
    struct kith_config *c = load("keyring: [ { file: key } ]\n", &words);
    uint32_t n = c && c->keyring.count == 1 ? c->keyring.items[0].len : 0;
    if (n && !counts_up(&c->keyring.items[0], n)) n = 1;
    kith_config_free(c);
    free(words);
    return n;
}

static void test_forms_of_a_key(void)
{
    uint8_t raw[40];
    for (uint8_t i = 0; i < sizeof raw; i++) raw[i] = i;
    CU_ASSERT_EQUAL(from_file(B64, strlen(B64)), 16);
    CU_ASSERT_EQUAL(from_file("  AAECAwQFBgcICQoLDA0ODw==\r\n", 28), 16);
    CU_ASSERT_EQUAL(from_file("AAECAwQFBgcICQoLDA0ODw", 22), 16);
    CU_ASSERT_EQUAL(from_file("AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\n", 33), 24);
    CU_ASSERT_EQUAL(from_file("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 45), 32);
    CU_ASSERT_EQUAL(from_file("000102030405060708090a0b0c0d0e0f\n", 33), 16);
    CU_ASSERT_EQUAL(from_file("000102030405060708090A0B0C0D0E0F1011121314151617", 48), 24);
    CU_ASSERT_EQUAL(
        from_file("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 64), 32);
    CU_ASSERT_EQUAL(from_file("\xEF\xBB\xBF"
                              "AAECAwQFBgcICQoLDA0ODw==\r\n",
                              29),
                    16); /* a byte order mark */
    CU_ASSERT_EQUAL(from_file(raw, 16), 16);
    CU_ASSERT_EQUAL(from_file(raw, 24), 24);
    CU_ASSERT_EQUAL(from_file(raw, 32), 32);
    CU_ASSERT_EQUAL(from_file("[\"AAECAwQFBgcICQoLDA0ODw==\"]\n", 29), 16);
    CU_ASSERT_EQUAL(from_file("[\n  \"AAECAwQFBgcICQoLDA0ODw==\"\n]", 32),
                    16); /* as Serf writes it: no 32 raw bytes */
    CU_ASSERT_EQUAL(from_file("[\n  \"AAECAwQFBgcICQoLDA0ODw==\"\n]\n", 33), 16);
}

static void test_what_is_no_key(void)
{
    uint8_t raw[40] = {0};
    CU_ASSERT_EQUAL(from_file("", 0), 0);
    CU_ASSERT_EQUAL(from_file("\n", 1), 0);
    CU_ASSERT_EQUAL(from_file("c2VjcmV0c2VjcmV0c2VjcmU=", 24),
                    0); /* 17 bytes in base64, not 24 raw ones */
    CU_ASSERT_EQUAL(from_file(raw, 15), 0);
    CU_ASSERT_EQUAL(from_file(raw, 33), 0);
    CU_ASSERT_EQUAL(from_file("[\"short\"]", 9), 0);
    CU_ASSERT_EQUAL(from_file("[1, 2]", 6), 0);
    CU_ASSERT_EQUAL(from_file("{}", 2), 0);
    CU_ASSERT_EQUAL(from_file("[", 1), 0);
    char *big = calloc(1, 1 << 20), *words;
    CU_ASSERT_EQUAL(from_file(big, 1 << 20), 0);
    free(big);
    put("key", "[]\n", 3, 0600);
    CU_ASSERT_PTR_NULL(load("keyring: [ { file: key } ]\n", &words));
    CU_ASSERT_PTR_NOT_NULL(strstr(words, "key' holds no key"));
    free(words);
}

static void test_raw_bytes_that_look_like_white_space(void)
{
    char *words;
    put("key", "\n\t567890123456\r\n", 16, 0600);
    struct kith_config *c = load("keyring: [ { file: key } ]\n", &words);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_EQUAL(c->keyring.items[0].len, 16);
    CU_ASSERT_EQUAL(memcmp(c->keyring.items[0].data, "\n\t567890123456\r\n", 16), 0);
    kith_config_free(c);
    free(words);
}

static void test_sources_make_one_ring(void)
{
    char *words, text[500], sub[80];
    snprintf(sub, sizeof sub, "%s/keys.d", folder());
    mkdir(sub, 0700);
    put("keys.d/20", "20202020202020202020202020202020", 32, 0600);
    put("keys.d/10", "10101010101010101010101010101010", 32, 0600);
    put("keys.d/.hidden", "nonsense", 8, 0600);
    put("ring", "[\"AAECAwQFBgcICQoLDA0ODw==\", \"ICAgICAgICAgICAgICAgIA==\"]", 56, 0600);
    setenv("KITH_TEST_KEY", "30303030303030303030303030303030", 1);
    int fd = open(put("fd", "40404040404040404040404040404040\n", 33, 0600), O_RDONLY);
    snprintf(text, sizeof text,
             "keyring:\n  - { env: KITH_TEST_KEY }\n  - { file: ring }\n  - { dir: keys.d }\n  - { "
             "fd: %d }\n"
             "  - 50505050505050505050505050505050\n",
             fd);
    struct kith_config *c = load(text, &words);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    static const uint8_t first[] = {0x30, 0x00, 0x20, 0x10, 0x40, 0x50};
    static const uint32_t source[] = {0, 1, 1, 2, 3, 4};
    CU_ASSERT_EQUAL_FATAL(c->keyring.count, 6); /* that of keys.d/20 was in the ring already */
    for (size_t i = 0; i < 6; i++) {
        CU_ASSERT_EQUAL(c->keyring.items[i].data[0], first[i]);
        CU_ASSERT_EQUAL(c->keyring.items[i].source, source[i]);
    }
    /* Again, as a reload would: files are read anew, the literal stays. */
    put("ring", "[\"ICAgICAgICAgICAgICAgIA==\"]", 28, 0600);
    struct kith_diag *diag = kith_diag_new();
    CU_ASSERT_EQUAL(kith_secrets_load(&c->keyring, KITH_FILE_NOW, diag), 0);
    CU_ASSERT_EQUAL(c->keyring.count, 5);
    CU_ASSERT_EQUAL(c->keyring.items[4].data[0], 0x50);
    kith_diag_free(diag);
    kith_config_free(c);
    close(fd);
    free(words);
}

static void test_a_file_that_others_can_read(void)
{
    char *words;
    put("key", B64, strlen(B64), 0644);
    struct kith_config *c = load("keyring: [ { file: key } ]\n", &words);
    CU_ASSERT_PTR_NOT_NULL(c);
    CU_ASSERT_PTR_NOT_NULL(strstr(words, "node.yaml:1:20: warning: key file '"));
    CU_ASSERT_PTR_NOT_NULL(strstr(words, "can be read by every user of this machine\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(words, "help: chmod 640 "));
    free(words);
    kith_config_free(c);
    put("key", B64, strlen(B64), 0640);
    c = load("keyring: [ { file: key } ]\n", &words);
    CU_ASSERT_PTR_NOT_NULL(c);
    CU_ASSERT_PTR_NULL(strstr(words, "every user"));
    free(words);
    kith_config_free(c);
}

static void test_a_key_in_the_config_itself(void)
{
    char path[300];
    char text[] = "secret_key: AAECAwQFBgcICQoLDA0ODw==\n";
    snprintf(path, sizeof path, "%s", put("open.yaml", text, strlen(text), 0644));
    struct kith_diag *diag = kith_diag_new();
    struct kith_config *c = kith_config_load(path, &fake_finder, diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(counts_up(&c->keyring.items[0], 16));
    char *words = kith_diag_text(diag);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(words, "warning: the file holds a key, and every user of this machine can read it"));
    free(words);
    kith_diag_free(diag);
    kith_config_free(c);
}

/* Wherever it stands, and whatever else is wrong with its line. */
static void test_no_key_is_ever_shown(void)
{
    static const char *const files[] = {
        "secret_key: AAECAwQFBgcICQoLDA0ODw==\nnode: { nmae: x }\n",
        "{ secret_key: AAECAwQFBgcICQoLDA0ODw==, nmae: x }\n",
        "secret_key: \"AAECAwQFBgcICQoLDA0ODw==\nnode: [\n",
        "keyring: [ AAECAwQFBgcICQoLDA0ODw==, { fiel: x } ]\n",
        "pipeline: { send: [ { use: aes_gcm, keys: [ AAECAwQFBgcICQoLDA0ODw== ], x: 1 } ] }\n",
        "secret_key: |\n  AAECAwQFBgcICQoLDA0ODw==\nkeyring: 1\n",
        "secret_kye: AAECAwQFBgcICQoLDA0ODw==\n",
        "secret_key: [ AAECAwQFBgcICQoLDA0ODw== ]\n",
        "secret_key: AAECAwQFBgcICQoLDA0ODw== {\n\tx: [\n",
        "secret_key: 000102030405060708090a0b0c0d0e0f\nx: 1\n"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *words;
        struct kith_config *c = load(files[i], &words);
        CU_ASSERT_PTR_NULL(c);
        CU_ASSERT_PTR_NULL(strstr(words, "AAECAwQFBg"));
        CU_ASSERT_PTR_NULL(strstr(words, "0001020304"));
        free(words);
    }
    char *words, *shown = NULL;
    size_t len;
    struct kith_config *c = load("secret_key: AAECAwQFBgcICQoLDA0ODw==\n", &words);
    FILE *f = open_memstream(&shown, &len);
    kith_config_show(c, f);
    fclose(f);
    CU_ASSERT_PTR_NULL(strstr(shown, "AAECAwQFBg"));
    CU_ASSERT_PTR_NOT_NULL(strstr(shown, "\"***\""));
    free(shown);
    free(words);
    kith_config_free(c);
}

KITH_TESTS("config/secret", {"forms of a key", test_forms_of_a_key},
           {"what is no key", test_what_is_no_key},
           {"raw bytes that look like white space", test_raw_bytes_that_look_like_white_space},
           {"sources make one ring", test_sources_make_one_ring},
           {"a file that others can read", test_a_file_that_others_can_read},
           {"a key in the config itself", test_a_key_in_the_config_itself},
           {"no key is ever shown", test_no_key_is_ever_shown})
