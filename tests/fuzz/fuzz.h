/*
 * fuzz.h - what a fuzz target is: one function that eats any bytes. Built twice: with libFuzzer
 * when configured with
 * --enable-fuzz, and with replay.c in every build, so that `make check` feeds it the corpus.
 */
#ifndef KITH_FUZZ_H
#define KITH_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A promise that holds for every input; both builds stop at a broken one. */
#define FUZZ_CHECK(what) \
    do { \
        if (!(what)) { \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #what); \
            abort(); \
        } \
    } while (0)

/* Input as a sequence of numbers and byte strings; zeroes when it has run out. */
struct fuzz_input {
    const uint8_t *p, *end;
};

static inline uint8_t fuzz_byte(struct fuzz_input *in) { return in->p < in->end ? *in->p++ : 0; }

/* A length of two bytes, big endian, and that many bytes, or what there is left. */
static inline size_t fuzz_bytes(struct fuzz_input *in, const uint8_t **bytes)
{
    size_t len = (size_t)fuzz_byte(in) << 8;
    len |= fuzz_byte(in);
    if (len > (size_t)(in->end - in->p)) len = (size_t)(in->end - in->p);
    *bytes = in->p;
    in->p += len;
    return len;
}

#endif
