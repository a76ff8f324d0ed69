/*
 * file.h - the bytes of a file that a path names, whatever is there. A pipe or a device serves as
 * well as a plain file; but who is to write to it may never do so, and then we don't wait for ever.
 */
#ifndef KITH_FILE_H
#define KITH_FILE_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* How long, in ms, to wait for the end of what is no plain file. */
enum {
    KITH_FILE_NOW = 0,        /* a node runs: not at all */
    KITH_FILE_PATIENT = 5000, /* nobody depends on us yet: as long as making a key may take */
    KITH_FILE_EVER = -1       /* a person asked for it */
};

/* A descriptor to read from, which does not wait, or -errno. st: what is there; all zero if that
 * can't be told. */
int kith_file_open(const char *path, struct stat *st);
/* Up to cap bytes from it; or -errno: -EAGAIN and -ETIMEDOUT when it did not come to its end. */
ssize_t kith_file_take(int fd, void *out, size_t cap, int wait);
/* Both, and closed again. */
ssize_t kith_file_load(const char *path, void *out, size_t cap, int wait, struct stat *st);
/* Why not, in words that fit behind the path. */
const char *kith_file_why(ssize_t code, const struct stat *st);

#endif
