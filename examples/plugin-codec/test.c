/* The codec without a node: a host table of one function is enough, because a plugin gets all it
 * uses from there. */
#include "fletcher.c"

#include <stdio.h>

static uint64_t count;
static uint64_t *counter(const struct kith_host *self, const char *name, const char *help,
                         const struct kith_pair *labels, size_t n)
{
    (void)self, (void)name, (void)help, (void)labels, (void)n;
    return &count;
}
static const struct kith_host host = {.size = sizeof host, .counter = counter};

#define MUST(what) \
    do { \
        if (!(what)) { \
            fprintf(stderr, "line %d: %s\n", __LINE__, #what); \
            return 1; \
        } \
    } while (0)

static int round_trips(uint32_t width)
{
    struct fletcher f = {.bits = width};
    struct kith_frame frame = {.size = sizeof frame};
    struct kith_room most = {0};
    MUST(init(&f, &host, NULL) == 0);
    room(&f, &most);
    for (size_t len = 0; len <= 1400; len++) {
        uint8_t storage[1500];
        struct kith_buf buf = {storage, storage, len, sizeof storage};
        for (size_t i = 0; i < len; i++) storage[i] = (uint8_t)(i * 7 + len);
        MUST(seal(&f, &buf, &frame) == 0);
        MUST(buf.len <= len + most.head + most.tail);
        if (len) { /* any one bit that flips is noticed */
            struct kith_buf bad = buf;
            bad.data[len * 31 % len] ^= 0x10;
            MUST(open_layer(&f, &bad, &frame) == -KITH_ECHECKSUM);
            buf.data[len * 31 % len] ^= 0x10;
        }
        MUST(open_layer(&f, &buf, &frame) == 0);
        MUST(buf.len == len);
    }
    struct kith_buf none = {(uint8_t *)"", (uint8_t *)"", 0, 0};
    MUST(open_layer(&f, &none, &frame) == -KITH_EMALFORMED);
    MUST(seal(&f, &none, &frame) == -KITH_ETOOBIG);
    return 0;
}

int main(void)
{
    MUST(sum16((const uint8_t *)"abcde", 5) == 0xC8F0); /* the well-known values of this checksum */
    MUST(sum16((const uint8_t *)"abcdefgh", 8) == 0x0627);
    int rc = round_trips(BITS_16) || round_trips(BITS_32);
    if (!rc) puts("fletcher: ok");
    return rc;
}
