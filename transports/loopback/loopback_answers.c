/*
 * loopback_answers.c - texts that grow, and answers to commands: in pieces, as fast as whoever
 * asked reads them. Knows nothing of what they say.
 */
#include "loopback.h"
#include <kith/shown.h>
#include <stdlib.h>

enum { PIECE = 64 << 10, SHORT = 64 };
#define AGAIN UINT64_C(20000000) /* ns */

struct kith_lo_answer {
    struct kith_lo_answer *next;
    uint64_t id;
    size_t done;
    struct kith_lo_text text;
};

/* -------------------------------------------------------------------------------------- texts */

static bool reserve(struct kith_lo_text *t, size_t more)
{
    if (t->failed) return false;
    if (t->len + more <= t->room) return true;
    size_t room = 2 * (t->len + more);
    char *text = realloc(t->text, room);
    t->failed = !text;
    if (!text) return false;
    t->text = text;
    t->room = room;
    return true;
}

void kith_lo_print(struct kith_lo_text *t, const char *fmt, ...)
{
    for (size_t room = SHORT; reserve(t, room);) {
        va_list ap;
        va_start(ap, fmt);
        size_t len = (size_t)vsnprintf(t->text + t->len, room, fmt, ap);
        va_end(ap);
        if (len < room) {
            t->len += len;
            return;
        }
        room = len + 1;
    }
}

void kith_lo_text_free(struct kith_lo_text *t)
{
    free(t->text);
    *t = (struct kith_lo_text){0};
}

/* What is no UTF-8 comes as U+FFFD, as JSON can't say it; what could play with a terminal, escaped.
 */
static void print_bytes(struct kith_lo_text *t, struct kith_bytes b, bool json)
{
    for (size_t i = 0, n; i < b.len; i += n ? n : 1) {
        uint32_t c = 0;
        n = kith_utf8_char(b.data + i, b.len - i, &c);
        if (!n)
            kith_lo_print(t, json ? "\\ufffd" : "?");
        else if (json && (c == '"' || c == '\\'))
            kith_lo_print(t, "\\%c", (char)c);
        else if (kith_utf8_is_odd(c) && c >= 0x10000)
            kith_lo_print(t, json ? "\\ufffd" : "?");
        else if (kith_utf8_is_odd(c))
            kith_lo_print(t, json ? "\\u%04x" : "?", c);
        else
            kith_lo_print(t, "%.*s", (int)n, (const char *)b.data + i);
    }
}

void kith_lo_print_json(struct kith_lo_text *t, struct kith_bytes bytes)
{
    kith_lo_print(t, "\"");
    print_bytes(t, bytes, true);
    kith_lo_print(t, "\"");
}

void kith_lo_print_plain(struct kith_lo_text *t, struct kith_bytes bytes)
{
    print_bytes(t, bytes, false);
}

/* ------------------------------------------------------------------------------------ answers */

static void answer_free(struct kith_lo_answer *a)
{
    kith_lo_text_free(&a->text);
    free(a);
}

/* 0: all was taken, or nobody asks any more. -KITH_EAGAIN: the rest later. */
static int reply(struct kith_lo *l, struct kith_lo_answer *a)
{
    while (a->done < a->text.len) {
        size_t len = a->text.len - a->done < PIECE ? a->text.len - a->done : PIECE;
        int rc = l->host->reply(l->host, a->id, kith_bytes_of(a->text.text + a->done, len));
        if (rc) return rc == -KITH_EAGAIN ? rc : 0;
        a->done += len;
    }
    return 0;
}

static void reply_more(void *self)
{
    struct kith_lo *l = self;
    for (struct kith_lo_answer **at = &l->answers; *at;) {
        struct kith_lo_answer *a = *at;
        if (reply(l, a)) {
            at = &a->next;
            continue;
        }
        *at = a->next;
        (void)l->host->finish(l->host, a->id, 0, NULL); /* refused when nobody asks any more */
        answer_free(a);
    }
    l->host->timer_set(l->answer_timer, l->answers ? l->host->now(l->host) + AGAIN : UINT64_MAX);
}

int kith_lo_answer(struct kith_lo *l, const struct kith_call *call, struct kith_lo_text *text,
                   struct kith_error *err)
{
    struct kith_lo_answer *a = text->failed ? NULL : calloc(1, sizeof *a);
    if (!a) {
        kith_lo_text_free(text);
        return kith_fail(err, KITH_ENOMEM, "out of memory");
    }
    a->id = call->id;
    a->text = *text;
    if (!reply(l, a)) {
        answer_free(a);
        return 0;
    }
    a->next = l->answers;
    l->answers = a;
    l->host->timer_set(l->answer_timer, l->host->now(l->host) + AGAIN);
    return KITH_LATER;
}

int kith_lo_answers_start(struct kith_lo *l, struct kith_error *err)
{
    l->answer_timer = l->host->timer(l->host, reply_more, l);
    return l->answer_timer ? 0 : kith_fail(err, KITH_ENOMEM, "out of memory");
}

void kith_lo_answers_adopt(struct kith_lo *l, struct kith_lo *old)
{
    l->answers = old->answers;
    old->answers = NULL;
    if (l->answers) l->host->timer_set(l->answer_timer, l->host->now(l->host));
}

void kith_lo_answers_stop(struct kith_lo *l)
{
    for (struct kith_lo_answer *a; (a = l->answers);) {
        l->answers = a->next;
        answer_free(a);
    }
    if (l->answer_timer) l->host->timer_free(l->answer_timer);
    l->answer_timer = NULL;
}
