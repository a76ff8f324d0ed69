/*
 * capture.h - the frames of a capture file, one by one.
 */
#ifndef KITH_TOOLS_CAPTURE_H
#define KITH_TOOLS_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kinds of link, https://www.tcpdump.org/linktypes.html */
enum kith_link_type {
    KITH_LINK_NULL = 0,
    KITH_LINK_ETHERNET = 1,
    KITH_LINK_RAW = 101,
    KITH_LINK_LOOP = 108,
    KITH_LINK_SLL = 113,
    KITH_LINK_IPV4 = 228,
    KITH_LINK_IPV6 = 229,
    KITH_LINK_SLL2 = 276
};

struct kith_capture_frame {
    uint32_t link; /* enum kith_link_type, or another */
    uint64_t at;   /* ns since 1970 */
    const uint8_t *data;
    size_t len;
};

struct kith_capture;
/* NULL: why says what is wrong with the file. */
struct kith_capture *kith_capture_open(const char *path, char why[200]);
/* 1: a frame, which stays until the next call; 0: there are no more; -1: the file is broken, see
 * why. */
int kith_capture_next(struct kith_capture *, struct kith_capture_frame *, char why[200]);
/* Again from the first one; false: it can't (a pipe). */
bool kith_capture_rewind(struct kith_capture *);
void kith_capture_close(struct kith_capture *);

#endif
