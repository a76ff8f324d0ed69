/*
 * outlet.h - the way out for lines of a log: to stderr, a file, a FIFO, journald's socket. Nothing
 * here waits, whoever is at the other end: what is not taken at once is kept, up to a bound, and
 * what goes beyond it is refused, so that the caller can count it and say so.
 *
 * Others may write to the same file, a shell to the same terminal: lines stay whole, and no flag of
 * theirs is touched. One thread at a time. Knows nothing of levels and formats.
 */
#ifndef KITH_OUTLET_H
#define KITH_OUTLET_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes kept while nobody takes them: some seconds of a log at level debug. */
enum { KITH_OUTLET_KEPT = 256 << 10 };

struct kith_outlet {
    int fd; /* -1: leads nowhere */
    int way;
    bool own;   /* fd is ours to close */
    bool full;  /* a line was refused, and less than half of what is kept has gone since */
    char *kept; /* NULL: nothing */
    size_t from, len;
};

/* stderr as it is now; always works, though it may lead nowhere. */
void kith_outlet_stderr(struct kith_outlet *);
/* A file to append to, made if it is not there, or whatever else the path leads to: 0 or -errno. A
 * FIFO needs no reader yet. */
int kith_outlet_file(struct kith_outlet *, const char *path);
/* A socket that takes a line a datagram: 0 or -errno. */
int kith_outlet_datagrams(struct kith_outlet *, const char *path);
/* What is kept is dropped. */
void kith_outlet_close(struct kith_outlet *);

/* Is there room again? Sends on what is kept. */
bool kith_outlet_ready(struct kith_outlet *);
/* A whole line, of at most PIPE_BUF bytes: written now, or kept. False: refused. */
bool kith_outlet_put(struct kith_outlet *, const char *line, size_t len);
bool kith_outlet_keeps(const struct kith_outlet *);
/* What `from` keeps goes to another one; how many lines can't. */
unsigned kith_outlet_move(struct kith_outlet *from, struct kith_outlet *to);

#endif
