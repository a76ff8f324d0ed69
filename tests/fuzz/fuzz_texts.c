/*
 * fuzz_texts.c - what people write as one word, and what they are shown: durations, sizes,
 * networks, places, keys, names, tags. The first byte chooses the reader; the rest is the text.
 * What was read and is written again reads back as the same.
 */
#include "fuzz.h"

#include "secret.h"
#include "units.h"
#include "where.h"

#include <arpa/inet.h>
#include <kith/shown.h>
#include <sodium.h>

/* A copy of just that length. */
static uint8_t *room(size_t len)
{
    uint8_t *p = malloc(len + !len);
    if (!p) exit(2);
    return p;
}

static bool same(struct kith_bytes a, struct kith_bytes b)
{
    return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

static bool lies_in(struct kith_bytes part, struct kith_bytes whole)
{
    return part.data >= whole.data && part.data + part.len <= whole.data + whole.len;
}

/* --------------------------------------------------------------------------------- numbers */

static void number(const char *text, int (*parse)(const char *, uint64_t *),
                   void (*print)(uint64_t, FILE *))
{
    uint64_t value, again;
    char *printed = NULL;
    size_t len;
    int rc = parse(text, &value);
    FUZZ_CHECK(rc == 0 || rc == -KITH_EINVAL || rc == -KITH_ETOOBIG);
    if (rc) return;
    FILE *out = open_memstream(&printed, &len);
    if (!out) exit(2);
    print(value, out);
    fclose(out);
    FUZZ_CHECK(parse(printed, &again) == 0 && again == value);
    free(printed);
}

static void duration(struct kith_bytes in, const char *text)
{
    number(text, kith_duration_parse, kith_duration_print);
}

static void size(struct kith_bytes in, const char *text)
{
    number(text, kith_size_parse, kith_size_print);
}

static void digits(struct kith_bytes in, const char *text)
{
    uint64_t value;
    size_t n = kith_digits(text, &value);
    FUZZ_CHECK(n <= strspn(text, "0123456789"));
    if (n) FUZZ_CHECK(value == strtoull(text, NULL, 10));
}

/* ---------------------------------------------------------------------------------- places */

static void network(struct kith_bytes in, const char *text)
{
    struct kith_cidr c, again;
    char ip[INET6_ADDRSTRLEN], written[INET6_ADDRSTRLEN + 8];
    int rc = kith_cidr_parse(&c, text);
    FUZZ_CHECK(rc == 0 || rc == -KITH_EINVAL);
    if (rc) return;
    FUZZ_CHECK((c.len == 4 || c.len == 16) && c.prefix <= 8 * c.len);
    for (unsigned i = c.prefix; i < 8u * c.len; i++) FUZZ_CHECK(!(c.bytes[i / 8] & 0x80 >> i % 8));
    FUZZ_CHECK(inet_ntop(c.len == 4 ? AF_INET : AF_INET6, c.bytes, ip, sizeof ip));
    snprintf(written, sizeof written, "%s/%u", ip, c.prefix);
    FUZZ_CHECK(kith_cidr_parse(&again, written) == 0 && !memcmp(&c, &again, sizeof c));
}

static void place(struct kith_bytes in, const char *text)
{
    struct kith_error err = {.size = sizeof err};
    struct kith_bytes name, rest, host, again;
    uint16_t port = 7946, port_again = 7946;
    char written[KITH_HOST_TEXT_MAX + 16];
    if (kith_where_cut_name(in, &name, &rest))
        FUZZ_CHECK(name.len && rest.len && name.len + 1 + rest.len == in.len);
    int rc = kith_where_host(in, &host, &port, &err);
    FUZZ_CHECK(rc == 0 ? lies_in(host, in) && host.len && host.len < KITH_HOST_TEXT_MAX
                       : *err.text != 0);
    if (rc) return;
    int n = snprintf(written, sizeof written, "[%.*s]:%u", (int)host.len, (const char *)host.data,
                     port);
    if (memchr(host.data, 0, host.len)) return; /* not written whole */
    FUZZ_CHECK(kith_where_host(kith_bytes_of(written, (size_t)n), &again, &port_again, &err) == 0);
    FUZZ_CHECK(same(host, again) && port == port_again);
}

/* ------------------------------------------------------------------------------------- keys */

#define HEX_DIGITS "0123456789abcdefABCDEF"

static void key(struct kith_bytes in, const char *text)
{
    uint8_t bytes[KITH_KEY_MAX], again[KITH_KEY_MAX];
    char written[2 * KITH_KEY_MAX + 1];
    int n = kith_secret_parse((const char *)in.data, in.len, bytes);
    FUZZ_CHECK(n == 16 || n == 24 || n == 32 || n == -KITH_EINVAL);
    if (n < 0) return;
    sodium_bin2hex(written, sizeof written, bytes, (size_t)n);
    FUZZ_CHECK(kith_secret_parse(written, strlen(written), again) == n &&
               !memcmp(bytes, again, (size_t)n));
    sodium_bin2base64(written, sizeof written, bytes, (size_t)n, sodium_base64_VARIANT_ORIGINAL);
    if (strspn(written, HEX_DIGITS) == 32) return; /* as likely as 24 zeroes: read as hex */
    FUZZ_CHECK(kith_secret_parse(written, strlen(written), again) == n &&
               !memcmp(bytes, again, (size_t)n));
}

/* ------------------------------------------------------------------------------------ names */

static void check_shown(const char *text, size_t len)
{
    for (size_t i = 0, n; i < len; i += n)
        FUZZ_CHECK((n = kith_shown_char((const uint8_t *)text + i, len - i)) > 0);
}

/* Shown and read back: the same bytes. Less room: the beginning of it, never half of a thing. */
static void name(struct kith_bytes in, const char *text)
{
    size_t room_for = KITH_SHOWN_ROOM(in.len);
    char *shown = (char *)room(room_for);
    uint8_t *back = room(room_for);
    size_t len = kith_show(shown, room_for, in);
    FUZZ_CHECK(len < room_for && shown[len] == 0);
    check_shown(shown, len);
    int n = kith_unshow(back, kith_bytes_of(shown, len));
    FUZZ_CHECK(n >= 0 && same(kith_bytes_of(back, (size_t)n), in));
    for (size_t cap = 1; cap <= len && cap < 40; cap++) {
        char *cut = (char *)room(cap);
        size_t part = kith_show(cut, cap, in);
        FUZZ_CHECK(part < cap && cut[part] == 0 && !memcmp(cut, shown, part));
        check_shown(cut, part);
        FUZZ_CHECK(kith_unshow(back, kith_bytes_of(cut, part)) >= 0);
        free(cut);
    }
    free(back);
    free(shown);
}

/* Written by a person: names some bytes, or none; what they are shown as names them, too. */
static void written_name(struct kith_bytes in, const char *text)
{
    uint8_t *bytes = room(in.len);
    int n = kith_unshow(bytes, in);
    FUZZ_CHECK(n == -KITH_EINVAL || (n >= 0 && (size_t)n <= in.len));
    if (n >= 0) name(kith_bytes_of(bytes, (size_t)n), NULL);
    uint8_t *place = room(in.len);
    if (in.len) memcpy(place, in.data, in.len);
    FUZZ_CHECK(kith_unshow(place, kith_bytes_of(place, in.len)) == n);
    if (n > 0) FUZZ_CHECK(!memcmp(place, bytes, (size_t)n));
    free(place);
    free(bytes);
}

/* ------------------------------------------------------------------------------------- tags */

enum { TAGS_MAX = 64 };

static void check_written(const struct kith_pair *pairs, size_t count)
{
    enum { CAP = 1 << 16 };
    static uint8_t packed[CAP];
    struct kith_tags t;
    struct kith_pair pair;
    int n = kith_meta_from_tags(pairs, count, packed, CAP);
    for (size_t i = 0; n == -KITH_EINVAL && i < count; i++)
        if (!pairs[i].name.len) return; /* others may have such; we write none */
    if (n == -KITH_ETOOBIG) return;
    FUZZ_CHECK(n > 0 && kith_tags_begin(&t, kith_bytes_of(packed, (size_t)n)) && t.left == count);
    for (size_t i = 0; i < count; i++)
        FUZZ_CHECK(kith_tags_next(&t, &pair) && same(pair.name, pairs[i].name) &&
                   same(pair.value, pairs[i].value));
    FUZZ_CHECK(!kith_tags_next(&t, &pair));
}

static void tags(struct kith_bytes in, const char *text)
{
    struct kith_pair pairs[TAGS_MAX], pair;
    struct kith_tags t;
    size_t count = 0, bytes = 0;
    if (!kith_tags_begin(&t, in)) return;
    for (; kith_tags_next(&t, &pair); count++) {
        FUZZ_CHECK(lies_in(pair.name, in) && lies_in(pair.value, in));
        bytes += pair.name.len + pair.value.len + 2;
        if (count < TAGS_MAX) pairs[count] = pair;
    }
    FUZZ_CHECK(bytes < in.len && !t.left && !t.rest.len);
    check_written(pairs, count < TAGS_MAX ? count : TAGS_MAX);
}

/* Tags of any bytes: each a name and a value with their lengths in front. */
static void made_tags(struct kith_bytes in, const char *text)
{
    struct fuzz_input left = {in.data, in.data + in.len};
    struct kith_pair pairs[TAGS_MAX];
    size_t count = 0;
    for (; count < TAGS_MAX && left.p < left.end; count++) {
        pairs[count].name.len = fuzz_bytes(&left, &pairs[count].name.data);
        pairs[count].value.len = fuzz_bytes(&left, &pairs[count].value.data);
    }
    check_written(pairs, count);
}

/* -------------------------------------------------------------------------------- the table */

static void (*const readers[])(struct kith_bytes in, const char *text) = {
    duration, size, digits, network, place, key, name, written_name, tags, made_tags,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (!len) return 0;
    uint8_t *bytes = room(len - 1), *text = room(len);
    if (len > 1) memcpy(bytes, data + 1, len - 1);
    memcpy(text, data + 1, len - 1);
    text[len - 1] = 0;
    readers[data[0] % (sizeof readers / sizeof *readers)](kith_bytes_of(bytes, len - 1),
                                                          (char *)text);
    free(text);
    free(bytes);
    return 0;
}
