/*
 * log_format.h - how a log line looks. Each returns the length; what does not fit is cut, the frame
 * stays whole. cap >= 256.
 */
#ifndef KITH_LOG_FORMAT_H
#define KITH_LOG_FORMAT_H

#include <kith/plugin.h>

struct kith_line {
    uint64_t wall;                    /* ns since 1970 */
    enum kith_log_level level;        /* in range */
    const char *node, *source, *text; /* any bytes; "" when there is none */
};

const char *kith_log_level_name(enum kith_log_level); /* "warn" */

/* source: text */
size_t kith_log_plain(char *out, size_t cap, const struct kith_line *);
/* time LEVEL node/source: text\n */
size_t kith_log_text(char *out, size_t cap, const struct kith_line *);
/* {...}\n */
size_t kith_log_json(char *out, size_t cap, const struct kith_line *);
/* journald's datagram */
size_t kith_log_journal(char *out, size_t cap, const struct kith_line *);

#endif
