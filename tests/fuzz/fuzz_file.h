/*
 * fuzz_file.h - input as a file, for readers that take a path. It lies in memory only, and there is
 * one at a time.
 */
#ifndef KITH_FUZZ_FILE_H
#define KITH_FUZZ_FILE_H

#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

/* Its path; valid until the next call. */
static inline const char *fuzz_file(const void *data, size_t len)
{
    static char path[64];
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, len, 0) != (ssize_t)len) exit(2);
    return path;
}

#endif
