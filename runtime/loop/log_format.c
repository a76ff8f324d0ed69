/*
 * log_format.c - one log line as text or JSON, and the bytes that journald wants. Pure: writes into
 * the caller's buffer.
 */
#include "log_format.h"

#include <kith/shown.h>
#include <time.h>

static const char *const names[] = {"error", "warn", "info", "debug", "trace"};
static const char *const tags[] = {"ERROR", "WARN ", "INFO ", "DEBUG", "TRACE"};

const char *kith_log_level_name(enum kith_log_level level)
{
    return (unsigned)level < sizeof names / sizeof *names ? names[level] : "trace";
}

struct out {
    char *at, *end; /* end: where the NUL must fit */
};

/* All of it, or nothing: no character, no escape is ever cut. False: there was no room. */
static bool add(struct out *o, const char *s, size_t n)
{
    if (n > (size_t)(o->end - o->at)) return false;
    memcpy(o->at, s, n);
    o->at += n;
    return true;
}

static void add_text(struct out *o, const char *s) { add(o, s, strlen(s)); }

/* As it can be shown (<kith/shown.h>); in JSON quotes and backslashes are escaped once more. What
 * does not fit is left out. */
static void add_escaped(struct out *o, const char *s, bool json)
{
    const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);
    for (size_t used; p < end; p += used) {
        char piece[8], *at = piece + 1;
        size_t n = kith_show_next(at, p, (size_t)(end - p), false, &used);
        if (json && (*at == '"' || *at == '\\')) {
            *--at = '\\';
            n++;
        }
        if (!add(o, at, n)) return;
    }
}

static void add_time(struct out *o, uint64_t wall)
{
    time_t seconds = (time_t)(wall / 1000000000u);
    struct tm tm;
    char text[40];
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
    snprintf(text + n, sizeof text - n, ".%03uZ", (unsigned)(wall / 1000000u % 1000u));
    add_text(o, text);
}

size_t kith_log_plain(char *out, size_t cap, const struct kith_line *line)
{
    struct out o = {out, out + cap - 1};
    if (*line->source) {
        add_escaped(&o, line->source, false);
        add_text(&o, ": ");
    }
    add_escaped(&o, line->text, false);
    *o.at = 0;
    return (size_t)(o.at - out);
}

size_t kith_log_text(char *out, size_t cap, const struct kith_line *line)
{
    struct out o = {out, out + cap - 2};
    add_time(&o, line->wall);
    add_text(&o, " ");
    add_text(&o, tags[line->level]);
    add_text(&o, " ");
    if (*line->node) {
        add_escaped(&o, line->node, false);
        add_text(&o, *line->source ? "/" : ": ");
    }
    o.at += kith_log_plain(o.at, (size_t)(o.end - o.at) + 1, line);
    *o.at++ = '\n';
    *o.at = 0;
    return (size_t)(o.at - out);
}

static void add_member(struct out *o, const char *name, const char *value)
{
    char key[16];
    snprintf(key, sizeof key, "\",\"%s\":\"", name);
    if (!*value || !add(o, key, strlen(key))) return;
    add_escaped(o, value, true);
}

size_t kith_log_json(char *out, size_t cap, const struct kith_line *line)
{
    struct out o = {out, out + cap - 4}; /* room to close it whatever was cut */
    add_text(&o, "{\"time\":\"");
    add_time(&o, line->wall);
    add_member(&o, "level", names[line->level]);
    add_member(&o, "node", line->node);
    add_member(&o, "source", line->source);
    add_member(&o, "msg", line->text);
    memcpy(o.at, "\"}\n", 4);
    return (size_t)(o.at - out) + 3;
}

/* https://systemd.io/JOURNAL_NATIVE_PROTOCOL: NAME=value lines; a value with newlines would need
 * its length, ours have none. */
size_t kith_log_journal(char *out, size_t cap, const struct kith_line *line)
{
    static const char priorities[] = {'3', '4', '6', '7', '7'};
    struct out o = {out, out + cap - 2};
    add_text(&o, "PRIORITY=");
    add(&o, &priorities[line->level], 1);
    add_text(&o, "\nSYSLOG_IDENTIFIER=kith");
    if (*line->node) {
        add_text(&o, "\nKITH_NODE=");
        add_escaped(&o, line->node, false);
    }
    if (*line->source) {
        add_text(&o, "\nKITH_SOURCE=");
        add_escaped(&o, line->source, false);
    }
    add_text(&o, "\nMESSAGE=");
    o.at += kith_log_plain(o.at, (size_t)(o.end - o.at) + 1, line);
    *o.at++ = '\n';
    *o.at = 0;
    return (size_t)(o.at - out);
}
