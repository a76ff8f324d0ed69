/*
 * fuzz_keyfile.c - a file of keys. What it holds are keys or it is refused with words; written
 * back, in the form it has or with a key in front of the others, it holds the same ring again.
 */
#include "fuzz_file.h"

#include "config.h"
#include "file.h"
#include "keyfile.h"

#include <sodium.h>

enum { KEYS_MAX = 257, CONTENT_MAX = 1 << 17 };

static struct kith_secrets load(const void *data, size_t len)
{
    static FILE *nowhere;
    static struct kith_key_source source = {.kind = KITH_KEYS_FILE};
    if (!nowhere && !(nowhere = fopen("/dev/null", "w"))) exit(2);
    source.where = fuzz_file(data, len);
    struct kith_secrets s = {.sources = &source, .source_count = 1};
    struct kith_diag *diag = kith_diag_new();
    int rc = kith_secrets_load(&s, KITH_FILE_NOW, diag);
    FUZZ_CHECK((rc < 0) == (kith_diag_errors(diag) > 0));
    FUZZ_CHECK(rc < 0 || s.count);
    FUZZ_CHECK(s.count < KEYS_MAX);
    for (size_t i = 0; i < s.count; i++)
        FUZZ_CHECK(s.items[i].len == 16 || s.items[i].len == 24 || s.items[i].len == 32);
    kith_diag_print(diag, nowhere);
    kith_diag_free(diag);
    if (rc < 0) kith_secrets_free(&s);
    return s;
}

/* The base64 of 24 bytes may be 32 hex digits, which stand for another key: that of zeroes is. */
static bool reads_as_hex(struct kith_bytes key)
{
    char text[2 * KITH_KEY_MAX];
    sodium_bin2base64(text, sizeof text, key.data, key.len, sodium_base64_VARIANT_ORIGINAL);
    return strspn(text, "0123456789abcdefABCDEF") == 32;
}

/* Keys, the first of which was first in the file that has this form. */
static void write_back(enum kith_keyfile_form form, const struct kith_bytes *keys, size_t count)
{
    static char content[CONTENT_MAX];
    for (size_t i = 0; i < count; i++)
        if (reads_as_hex(keys[i])) return;
    FUZZ_CHECK(kith_keyfile_room(count) <= sizeof content);
    size_t len = kith_keyfile_render(form, keys, count, content);
    struct kith_secrets again = load(content, len);
    FUZZ_CHECK(again.count == count);
    for (size_t i = 0; i < count; i++)
        FUZZ_CHECK(again.items[i].len == keys[i].len &&
                   !memcmp(again.items[i].data, keys[i].data, keys[i].len));
    FUZZ_CHECK(count > 1 || kith_keyfile_form_of(fuzz_file(content, len), keys[0]) == form);
    kith_secrets_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t fresh[32] = {0xfe, 1, 2, 3};
    struct kith_bytes keys[KEYS_MAX] = {{fresh, sizeof fresh}};
    struct kith_secrets s = load(data, len);
    if (!s.count) return 0;
    size_t count = s.count;
    for (size_t i = 0; i < count; i++) keys[1 + i] = kith_bytes_of(s.items[i].data, s.items[i].len);
    enum kith_keyfile_form form = kith_keyfile_form_of(fuzz_file(data, len), keys[1]);
    write_back(form, keys + 1, count);
    for (int f = KITH_KEYFILE_HEX; f <= KITH_KEYFILE_SERF; f++)
        write_back((enum kith_keyfile_form)f, keys + 1, 1);
    bool known = false;
    for (size_t i = 1; i <= count; i++) known |= kith_bytes_equal(keys[0], keys[i]);
    if (!known) write_back(KITH_KEYFILE_SERF, keys, 1 + count);
    kith_secrets_free(&s);
    return 0;
}
