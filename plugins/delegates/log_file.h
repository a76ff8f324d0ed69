/*
 * log_file.h - private to the delegate `log`: a file that lines go to, whatever it is, without ever
 * waiting for it, and how much may go there. (The host's own log has the like in outlet.c, but a
 * plugin sees plugin.h only.)
 */
#ifndef KITH_LOG_FILE_H
#define KITH_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes kept while a pipe is full, or the disk. */
enum { KITH_LOG_FILE_KEPT = 256 << 10 };

struct kith_log_file {
    int fd;     /* -1: not open */
    bool full;  /* a line was refused, and less than half of what is kept has gone since */
    int code;   /* errno of the write that failed last; 0: all went out */
    char *kept; /* NULL: nothing */
    size_t from, len, cap;
};

/* 0 or an errno. One that was open before is closed; what is kept goes to the new one. */
int kith_log_file_open(struct kith_log_file *, const char *path);
void kith_log_file_close(struct kith_log_file *);
/* Is there room again? Sends on what is kept. */
bool kith_log_file_ready(struct kith_log_file *);
/* A line: written now, or kept. False: refused. */
bool kith_log_file_put(struct kith_log_file *, const char *line, size_t len);

/* So many bytes a second on average, and so many at once. */
struct kith_log_limit {
    uint64_t room, as_of; /* bytes that may be written at that time, in ns */
    bool shut;            /* no room was left, and there is not enough again */
};

/* May a line be written now? Once it may not, none may until there is room for a second's worth:
 * else each would come with a line about those left out before it. rate 0: no limit. */
bool kith_log_limit_open(struct kith_log_limit *, uint64_t rate, uint64_t burst, uint64_t now);
void kith_log_limit_take(struct kith_log_limit *, size_t len);

#endif
