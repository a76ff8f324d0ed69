/*
 * log.c - the delegate that writes down what happens: a line for each event and user message, to
 * the node's log or to a file of its own; as text for people or as a JSON object for programs.
 *
 * Names, meta and messages may hold any byte: text escapes what is not printable ASCII, JSON takes
 * names as text when they are UTF-8 and everything else as base64. What strangers can provoke has a
 * limit in bytes; what is left out is counted, and said as soon as there is room.
 */
#include <kith/shown.h>

#include "log_file.h"
#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { TEXT, JSON };
#define SECOND UINT64_C(1000000000) /* ns */
/* Every kind of event, and what it is called here and in `events`. */
static const struct {
    uint32_t kind;
    const char *word;
} kinds[] = {
    {KITH_EVENT_JOIN, "join"},
    {KITH_EVENT_LEAVE, "leave"},
    {KITH_EVENT_UPDATE, "update"},
    {KITH_EVENT_SUSPECT, "suspect"},
    {KITH_EVENT_CONFLICT, "conflict"},
    {KITH_EVENT_PING, "ping"},
    {KITH_EVENT_LOST, "lost"},
    {KITH_EVENT_STARTED, "started"},
    {KITH_EVENT_JOINED, "joined"},
    {KITH_EVENT_REFUTED, "refuted"},
    {KITH_EVENT_RELOADED, "reloaded"},
    {KITH_EVENT_KEYS, "keys"},
    {KITH_EVENT_EMITTED, "emitted"},
    {0, "message"},
};
enum { KINDS = sizeof kinds / sizeof *kinds, MESSAGE = KINDS - 1 };
static const char *const state_names[] = {"alive", "suspect", "dead", "left"};

struct log {
    /* parameters */
    const char *to;
    uint32_t format, level;
    uint64_t show, rate, burst;
    struct kith_list events;

    const struct kith_host *host;
    uint64_t *written, *failed, *left_out;
    bool wants[KINDS];
    struct kith_log_file file; /* unless the lines go to the node's log */
    struct kith_log_limit limit;
    uint64_t missing;         /* lines left out or failed since that was said */
    struct kith_timer *later; /* to say it when nothing else happens, and to send on what waits */
    char *line;               /* the line in the making; kept for the next one */
    size_t len, cap;
};

static const char *const formats[] = {"text", "json", NULL};
static const char *const levels[] = {"error", "warn", "info", "debug", "trace", NULL};

/* All but `ping`: that is one a second. */
#define DEFAULT_EVENTS \
    "[join, leave, update, suspect, conflict, lost, started, joined, refuted, reloaded, keys, " \
    "emitted, message]"
static const struct kith_param log_params[] = {
    KITH_PARAM(struct log, to, PATH, 0, NULL, NULL, NULL,
               "file to append to; without it the lines go to the node's log"),
    KITH_PARAM_CHOICE(struct log, format, 0, "text", formats,
                      "text: a line for people; json: an object a line"),
    KITH_PARAM_CHOICE(struct log, level, 0, "info", levels, "level of the lines in the node's log"),
    KITH_PARAM(struct log, events, LIST, 0, DEFAULT_EVENTS, NULL, NULL, "what to write down"),
    KITH_PARAM(struct log, show, SIZE, 0, "256", "0", "1MiB",
               "bytes to show of a message or of meta"),
    KITH_PARAM(struct log, rate, SIZE, 0, "32KiB", "0", "1GiB",
               "bytes of lines a second, on average: beyond that lines are left out, and a line "
               "`left_out` says how many; 0: no limit"),
    KITH_PARAM(struct log, burst, SIZE, 0, "8MiB", "64KiB", "1GiB",
               "bytes of lines that may come at once, as when a large cluster forms"),
    KITH_PARAM_END,
};

/* ---------------------------------------------------------------------------------- the line */

static void add(struct log *log, const char *data, size_t len)
{
    if (log->len + len > log->cap) {
        size_t cap = 2 * (log->len + len);
        char *more = realloc(log->line, cap);
        if (!more) return; /* the line loses a piece */
        log->line = more;
        log->cap = cap;
    }
    if (len) memcpy(log->line + log->len, data, len);
    log->len += len;
}

static void add_text(struct log *log, const char *text) { add(log, text, strlen(text)); }

static void add_f(struct log *log, const char *fmt, ...) KITH_PRINTF(2, 3);
static void add_f(struct log *log, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    add_text(log, text);
}

static bool is_utf8(struct kith_bytes b)
{
    for (size_t i = 0, n; i < b.len; i += n)
        if (!(n = kith_utf8_char(b.data + i, b.len - i, NULL))) return false;
    return true;
}

/* A name, as it can be shown and read back. */
static void add_shown(struct log *log, struct kith_bytes b)
{
    for (size_t i = 0, used; i < b.len; i += used) {
        char piece[4];
        size_t n = kith_show_next(piece, b.data + i, b.len - i, true, &used);
        add(log, piece, n);
    }
}

static void add_quoted(struct log *log, struct kith_bytes b)
{
    add_text(log, "\"");
    for (size_t i = 0; i < b.len; i++) {
        char c = (char)b.data[i];
        if (c == '"' || c == '\\')
            add_f(log, "\\%c", c);
        else if (c >= ' ' && c <= '~')
            add(log, &c, 1);
        else
            add_f(log, "\\x%02x", b.data[i]);
    }
    add_text(log, "\"");
}

/* A character of a JSON string; what could move a cursor is escaped as JSON has it. */
static void add_character(struct log *log, const uint8_t *s, size_t n, uint32_t code)
{
    if (code == '"' || code == '\\')
        add_f(log, "\\%c", (char)code);
    else if (!kith_utf8_is_odd(code))
        add(log, (const char *)s, n);
    else if (code < 0x10000)
        add_f(log, "\\u%04x", code);
    else /* two halves */
        add_f(log, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10), 0xdc00 + (code & 0x3ff));
}

/* A JSON string; b is UTF-8. */
static void add_string(struct log *log, struct kith_bytes b)
{
    add_text(log, "\"");
    for (size_t i = 0, n; i < b.len; i += n) {
        uint32_t code = 0;
        if (!(n = kith_utf8_char(b.data + i, b.len - i, &code))) break;
        add_character(log, b.data + i, n, code);
    }
    add_text(log, "\"");
}

static void add_base64(struct log *log, struct kith_bytes b)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    add_text(log, "\"");
    for (size_t i = 0; i < b.len; i += 3) {
        size_t left = b.len - i;
        uint32_t v = (uint32_t)b.data[i] << 16 | (left > 1 ? (uint32_t)b.data[i + 1] << 8 : 0) |
                     (left > 2 ? b.data[i + 2] : 0);
        char out[4] = {digits[v >> 18], digits[v >> 12 & 63], left > 1 ? digits[v >> 6 & 63] : '=',
                       left > 2 ? digits[v & 63] : '='};
        add(log, out, sizeof out);
    }
    add_text(log, "\"");
}

/* `"key":"text"`, or `"key_base64":"..."` when it is no text. */
static void add_key(struct log *log, const char *key, struct kith_bytes b)
{
    bool text = is_utf8(b);
    add_f(log, "\"%s%s\":", key, text ? "" : "_base64");
    if (text)
        add_string(log, b);
    else
        add_base64(log, b);
}

static void add_bytes(struct log *log, const char *key, struct kith_bytes b)
{
    add_text(log, ",");
    add_key(log, key, b);
}

/* `"key":"name"`: as it can be shown, in a JSON string. */
static void add_name(struct log *log, const char *key, struct kith_bytes b)
{
    add_f(log, ",\"%s\":\"", key);
    for (size_t i = 0, used; i < b.len; i += used) {
        char piece[4];
        size_t n = kith_show_next(piece, b.data + i, b.len - i, true, &used);
        for (size_t k = 0; k < n; k++) {
            if (piece[k] == '"' || piece[k] == '\\') add_text(log, "\\");
            add(log, &piece[k], 1);
        }
    }
    add_text(log, "\"");
}

static void add_time(struct log *log, uint64_t wall)
{
    char when[40];
    time_t seconds = (time_t)(wall / 1000000000u);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t n = strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(when + n, sizeof when - n, ".%03uZ", (unsigned)(wall / 1000000u % 1000u));
    add_text(log, when);
}

/* ------------------------------------------------------------------------------- where it goes */

static bool has_room(struct log *log)
{
    return kith_log_limit_open(&log->limit, log->rate, log->burst, log->host->now(log->host));
}

static void look_later(struct log *log)
{
    if (!log->later) return;
    bool waits = log->missing || log->file.len;
    log->host->timer_set(log->later, waits ? log->host->now(log->host) + SECOND : UINT64_MAX);
}

static void miss(struct log *log, uint64_t *counter)
{
    ++*counter;
    if (!log->missing++) look_later(log);
}

static bool write_down(struct log *log)
{
    if (!log->to) {
        log->host->log(log->host, (enum kith_log_level)log->level, "%.*s", (int)log->len,
                       log->line);
        return true;
    }
    int before = log->file.code;
    bool kept = log->file.len > 0;
    bool taken = kith_log_file_put(&log->file, log->line, log->len);
    if (log->file.code && log->file.code != before)
        log->host->log(log->host, KITH_LOG_ERROR, "%s: %s", log->to,
                       log->file.code == EAGAIN ? "nobody reads it" : strerror(log->file.code));
    if (!kept && log->file.len) look_later(log);
    return taken;
}

/* What was emitted is shown as ENTRY.NAME. */
static void begin_line(struct log *log, uint64_t wall, struct kith_bytes by, struct kith_bytes word)
{
    bool json = log->format == JSON;
    log->len = 0;
    if (json) add_text(log, "{\"time\":\"");
    if (json || log->to) add_time(log, wall);
    add_text(log, json ? "\",\"event\":\"" : log->to ? " " : "");
    add_shown(log, by);
    if (by.len) add_text(log, ".");
    add_shown(log, word);
    if (json) add_text(log, "\"");
}

static bool end_line(struct log *log)
{
    if (log->format == JSON) add_text(log, "}");
    if (log->to) add_text(log, "\n");
    kith_log_limit_take(&log->limit, log->len);
    return write_down(log);
}

/* How many lines are missing here. */
static void own_up(struct log *log)
{
    if (!log->missing || !has_room(log) || (log->to && !kith_log_file_ready(&log->file))) return;
    begin_line(log, log->host->wall(log->host), kith_text(""), kith_text("left_out"));
    add_f(log, log->format == JSON ? ",\"lines\":%llu" : " %llu lines",
          (unsigned long long)log->missing);
    if (end_line(log)) log->missing = 0;
}

static void on_later(void *arg)
{
    struct log *log = arg;
    if (log->to) (void)kith_log_file_ready(&log->file);
    own_up(log);
    look_later(log);
}

/* False: it is left out. */
static bool begin(struct log *log, uint64_t wall, struct kith_bytes by, struct kith_bytes word)
{
    own_up(log);
    if (has_room(log)) {
        begin_line(log, wall, by, word);
        return true;
    }
    miss(log, log->left_out);
    return false;
}

static void end(struct log *log)
{
    if (end_line(log))
        ++*log->written;
    else
        miss(log, log->failed);
}

/* ----------------------------------------------------------------------------- what is in it */

static struct kith_bytes shown(const struct log *log, struct kith_bytes b)
{
    return kith_bytes_of(b.data, b.len < log->show ? b.len : (size_t)log->show);
}

/* prefix: of the JSON keys. */
static void add_addr(struct log *log, const char *prefix, const struct kith_addr *from)
{
    char text[KITH_ADDR_MAX * 2 + 16] = "";
    struct kith_addr addr = *from;
    if (log->format == JSON) addr.port = 0; /* it is a number of its own there */
    if (log->host->node->format(log->host->node, &addr, text, sizeof text) < 0) text[0] = 0;
    struct kith_bytes b = kith_bytes_of(text, strlen(text));
    if (log->format == JSON) {
        char key[32];
        snprintf(key, sizeof key, "%saddr", prefix);
        add_name(log, key, b);
        add_f(log, ",\"%sport\":%u", prefix, from->port);
    } else {
        add_text(log, " ");
        add_shown(log, b);
    }
}

static const char *state_name(uint32_t state)
{
    return state <= KITH_LEFT ? state_names[state] : "unknown";
}

static void add_member(struct log *log, const struct kith_member *m)
{
    struct kith_bytes meta = shown(log, m->meta);
    if (log->format == JSON) {
        add_name(log, "name", m->name);
        add_addr(log, "", &m->addr);
        add_f(log, ",\"state\":\"%s\",\"incarnation\":%u,\"meta\":", state_name(m->state),
              m->incarnation);
        add_base64(log, meta);
        if (meta.len < m->meta.len) add_f(log, ",\"meta_size\":%zu", m->meta.len);
        if (m->accuser.len) add_name(log, "accuser", m->accuser);
        return;
    }
    add_text(log, " ");
    add_shown(log, m->name);
    add_addr(log, "", &m->addr);
    if (m->state != KITH_ALIVE) add_f(log, " %s", state_name(m->state));
    if (m->accuser.len) {
        add_text(log, " by ");
        add_shown(log, m->accuser);
    }
    if (meta.len) {
        add_text(log, " meta ");
        add_quoted(log, meta);
        if (meta.len < m->meta.len) add_f(log, "... (%zu bytes)", m->meta.len);
    }
}

static void add_conflict(struct log *log, const struct kith_member *other)
{
    if (log->format == TEXT) add_text(log, " claimed by");
    add_addr(log, "other_", &other->addr);
}

/* Whose hands something came from: a member, or where it is. */
static void add_peer(struct log *log, const struct kith_peer *peer)
{
    if (peer->name.len && log->format == JSON) {
        add_name(log, "from", peer->name);
    } else if (peer->name.len) {
        add_text(log, " ");
        add_shown(log, peer->name);
    } else if (peer->addr) {
        add_addr(log, "peer_", peer->addr);
    }
}

static void add_number(struct log *log, const char *key, uint64_t number)
{
    add_f(log, log->format == JSON ? ",\"%s\":%llu" : " %s %llu", key, (unsigned long long)number);
}

/* Bytes that may be text, no more of them than are to be shown. */
static void add_payload(struct log *log, struct kith_bytes b)
{
    struct kith_bytes part = shown(log, b);
    if (log->format == JSON) {
        add_bytes(log, "payload", part);
        return;
    }
    add_text(log, " ");
    add_quoted(log, part);
    if (part.len < b.len) add_text(log, "...");
}

/* Fields are pairs, because their names need not differ, nor be text. */
static void add_fields(struct log *log, const struct kith_pair *fields, size_t count)
{
    bool json = log->format == JSON;
    if (json) add_text(log, ",\"fields\":[");
    for (size_t i = 0; i < count; i++) {
        if (json) {
            add_text(log, i ? ",{" : "{");
            add_key(log, "name", fields[i].name);
            add_bytes(log, "value", fields[i].value);
            add_text(log, "}");
            continue;
        }
        add_text(log, " ");
        add_shown(log, fields[i].name);
        add_text(log, "=");
        add_quoted(log, fields[i].value);
    }
    if (json) add_text(log, "]");
}

static void add_emitted(struct log *log, const struct kith_event *e)
{
    if (e->field_count) add_fields(log, e->fields, e->field_count);
    if (!e->data.len) return;
    if (log->format == JSON) add_f(log, ",\"size\":%zu", e->data.len);
    add_payload(log, e->data);
}

/* Messages that nobody keeps any more: whose, and who misses them. */
static void add_lost(struct log *log, const struct kith_event *e)
{
    add_number(log, "messages", e->number);
    if (log->format == JSON) {
        add_name(log, "origin", e->data);
        add_f(log, ",\"missed\":%s", e->peer ? "false" : "true");
    } else {
        add_text(log, " of ");
        add_shown(log, e->data);
        add_text(log, e->peer ? " asked for by" : " missed for good");
    }
    if (e->peer) add_peer(log, e->peer);
}

/* What the kind alone has to say, behind its member. */
static void add_details(struct log *log, const struct kith_event *e)
{
    switch (e->kind) {
    case KITH_EVENT_SUSPECT:
        if (log->format == TEXT && e->member && e->member->state == KITH_ALIVE)
            add_text(log, " no longer");
        break;
    case KITH_EVENT_CONFLICT:
        if (e->other) add_conflict(log, e->other);
        break;
    case KITH_EVENT_PING: add_number(log, log->format == JSON ? "rtt_ns" : "ns", e->number); break;
    case KITH_EVENT_LOST: add_lost(log, e); break;
    case KITH_EVENT_REFUTED: add_number(log, "incarnation", e->number); break;
    case KITH_EVENT_EMITTED: add_emitted(log, e); break;
    default: break;
    }
}

static void log_event(void *self, const struct kith_event *e)
{
    struct log *log = self;
    size_t i = 0;
    while (i < MESSAGE && kinds[i].kind != e->kind) i++;
    if (i == MESSAGE || !log->wants[i]) return; /* a kind that we do not know */
    bool emitted = e->kind == KITH_EVENT_EMITTED;
    if (!begin(log, e->wall, emitted ? e->by : kith_text(""),
               emitted ? e->name : kith_text(kinds[i].word)))
        return;
    if (e->member) add_member(log, e->member);
    add_details(log, e);
    end(log);
}

/* How it came; on a channel also from whom, as the sender says. */
static void add_way(struct log *log, const struct kith_message *m)
{
    const bool reliable = m->flags & KITH_RELIABLE, relayed = m->flags & KITH_RELAYED;
    const struct kith_bytes from = m->peer ? m->peer->name : kith_text("");
    if (log->format == JSON) {
        add_f(log, ",\"reliable\":%s,\"size\":%zu", reliable ? "true" : "false", m->bytes.len);
        if (!m->channel.len) return;
        add_name(log, "channel", m->channel);
        add_f(log, ",\"relayed\":%s", relayed ? "true" : "false");
        if (from.len) add_name(log, "from", from);
        return;
    }
    add_f(log, " %zu bytes %s", m->bytes.len,
          relayed    ? "relayed"
          : reliable ? "by stream"
                     : "by packet");
    if (!m->channel.len || !from.len) return;
    add_text(log, " from ");
    add_shown(log, from);
}

static void log_message(void *self, const struct kith_message *m)
{
    struct log *log = self;
    if (!log->wants[MESSAGE]) return;
    if (!begin(log, log->host->wall(log->host), kith_text(""), kith_text("message"))) return;
    add_way(log, m);
    add_payload(log, m->bytes);
    end(log);
}

/* -------------------------------------------------------------------------------------- life */

static int no_such_event(const char *word, struct kith_error *err)
{
    char all[256] = "";
    size_t len = 0;
    for (size_t k = 0; k < KINDS; k++)
        len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", k ? ", " : "", kinds[k].word);
    return kith_fail(err, KITH_EINVAL, "events: `%s` is none of %s", word, all);
}

static int log_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct log *log = self;
    log->host = host;
    log->file.fd = -1;
    log->limit.room = log->burst;
    /* KITH_OUTSIDE would keep the plugin out of simulations; it is its file alone that can't go in.
     */
    if (log->to && host->world(host))
        return kith_fail(err, KITH_EUNSUPPORTED, "to: there are no files in a simulation");
    for (size_t i = 0; i < log->events.count; i++) {
        size_t k = 0;
        while (k < KINDS && strcmp(kinds[k].word, log->events.items[i]) != 0) k++;
        if (k == KINDS) return no_such_event(log->events.items[i], err);
        log->wants[k] = true;
    }
    log->written = host->counter(host, "lines_written", "Events written down.", NULL, 0);
    log->failed = host->counter(host, "lines_failed",
                                "Events that could not be written to the file.", NULL, 0);
    log->left_out = host->counter(host, "lines_left_out",
                                  "Events that were not written: too many came.", NULL, 0);
    return 0;
}

static int log_open(struct log *log, struct kith_error *err)
{
    int code = kith_log_file_open(&log->file, log->to);
    if (!code) return 0;
    return kith_fail(err, KITH_EIO, "%s: %s", log->to,
                     code == ENXIO ? "it is a socket, or a device that is not there"
                                   : strerror(code));
}

static int log_start(void *self, struct kith_error *err)
{
    struct log *log = self;
    log->limit.as_of = log->host->now(log->host);
    log->later = log->host->timer(log->host, on_later, log);
    return log->to ? log_open(log, err) : 0;
}

static void log_stop(void *self)
{
    struct log *log = self;
    own_up(log);
    log->host->timer_free(log->later);
    log->later = NULL;
}

static void log_fini(void *self)
{
    struct log *log = self;
    kith_log_file_close(&log->file);
    free(log->line);
}

/* For logrotate: after the file was renamed, `reopen` or a reload. */
static int log_refresh(void *self, uint32_t what, struct kith_error *err)
{
    struct log *log = self;
    return what & KITH_REFRESH_FILES && log->to ? log_open(log, err) : 0;
}

static int log_command(void *self, const struct kith_call *call, struct kith_error *err)
{
    struct log *log = self;
    if (call->count != 1 || !kith_bytes_equal(call->words[0], kith_text("reopen")))
        return kith_fail(err, KITH_EINVAL, "commands: reopen");
    if (!log->to)
        return kith_fail(err, KITH_EINVAL, "there is no file: the lines go to the node's log");
    int rc = log_open(log, err);
    bool json = call->flags & KITH_CALL_JSON;
    if (!rc)
        rc = log->host->reply(log->host, call->id,
                              kith_text(json ? "{\"reopened\":true}\n" : "reopened\n"));
    return rc;
}

static const struct kith_delegate_ops log_ops = {
    .size = sizeof log_ops,
    .flags = KITH_DELEGATE_USER,
    .event = log_event,
    .message = log_message,
};

KITH_PLUGIN(log) = {
    KITH_HEADER(DELEGATE),
    .name = "log",
    .version = "1.0",
    .summary = "writes down events and user messages",
    .instance_size = sizeof(struct log),
    .params = log_params,
    .ops = &log_ops,
    .init = log_init,
    .start = log_start,
    .stop = log_stop,
    .fini = log_fini,
    .refresh = log_refresh,
    .command = log_command,
};
