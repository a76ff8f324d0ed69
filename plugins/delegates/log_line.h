/*
 * log_line.h - private to the delegate `log`: a line in the making, piece by piece. Without memory
 * it loses a piece.
 */
#ifndef KITH_LOG_LINE_H
#define KITH_LOG_LINE_H

#include <kith/plugin.h>

struct kith_log_line {
    char *data; /* kept for the next one; whoever owns it frees it */
    size_t len, cap;
};

void kith_line_text(struct kith_log_line *, const char *text);
void kith_line_f(struct kith_log_line *, const char *fmt, ...) KITH_PRINTF(2, 3);
/* A name, as it can be shown and read back. */
void kith_line_shown(struct kith_log_line *, struct kith_bytes);
/* Printable ASCII in quotes, the rest escaped. */
void kith_line_quoted(struct kith_log_line *, struct kith_bytes);
void kith_line_time(struct kith_log_line *, uint64_t wall);

/* Of JSON. */
void kith_line_base64(struct kith_log_line *, struct kith_bytes);
/* `"key":"text"`, or `"key_base64":"..."` when it is no text; bytes: with a comma before it. */
void kith_line_key(struct kith_log_line *, const char *key, struct kith_bytes);
void kith_line_bytes(struct kith_log_line *, const char *key, struct kith_bytes);
/* `,"key":"name"`: as it can be shown, in a JSON string. */
void kith_line_name(struct kith_log_line *, const char *key, struct kith_bytes);

#endif
