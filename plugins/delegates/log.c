/*
 * log.c - the delegate that writes down what happens: a line for each event and user message, to
 * the node's log or to a file of its own; as text for people or as a JSON object for programs.
 *
 * Names, meta and messages may hold any byte: text escapes what is not printable ASCII, JSON takes
 * names as text when they are UTF-8 and everything else as base64. What strangers can provoke has a
 * limit in bytes; what is left out is counted, and said as soon as there is room.
 */
#include "log_file.h"
#include "log_line.h"
#include <errno.h>
#include <stdlib.h>

enum { TEXT, JSON };
#define SECOND UINT64_C(1000000000) /* ns */
/* Every kind of event, and what it is called here and in `events`. */
static const struct {
    uint32_t kind;
    const char *word;
} kinds[] = {
    {KITH_EVENT_JOIN, "join"},         {KITH_EVENT_LEAVE, "leave"},
    {KITH_EVENT_UPDATE, "update"},     {KITH_EVENT_SUSPECT, "suspect"},
    {KITH_EVENT_CONFLICT, "conflict"}, {KITH_EVENT_PING, "ping"},
    {KITH_EVENT_LOST, "lost"},         {KITH_EVENT_STARTED, "started"},
    {KITH_EVENT_JOINED, "joined"},     {KITH_EVENT_REFUTED, "refuted"},
    {KITH_EVENT_RELOADED, "reloaded"}, {KITH_EVENT_KEYS, "keys"},
    {KITH_EVENT_EMITTED, "emitted"},   {0, "message"},
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
    struct kith_log_line line;
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
        log->host->log(log->host, (enum kith_log_level)log->level, "%.*s", (int)log->line.len,
                       log->line.data);
        return true;
    }
    int before = log->file.code;
    bool kept = log->file.len > 0;
    bool taken = kith_log_file_put(&log->file, log->line.data, log->line.len);
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
    log->line.len = 0;
    if (json) kith_line_text(&log->line, "{\"time\":\"");
    if (json || log->to) kith_line_time(&log->line, wall);
    kith_line_text(&log->line, json ? "\",\"event\":\"" : log->to ? " " : "");
    kith_line_shown(&log->line, by);
    if (by.len) kith_line_text(&log->line, ".");
    kith_line_shown(&log->line, word);
    if (json) kith_line_text(&log->line, "\"");
}

static bool end_line(struct log *log)
{
    if (log->format == JSON) kith_line_text(&log->line, "}");
    if (log->to) kith_line_text(&log->line, "\n");
    kith_log_limit_take(&log->limit, log->line.len);
    return write_down(log);
}

/* How many lines are missing here. */
static void own_up(struct log *log)
{
    if (!log->missing || !has_room(log) || (log->to && !kith_log_file_ready(&log->file))) return;
    begin_line(log, log->host->wall(log->host), kith_text(""), kith_text("left_out"));
    kith_line_f(&log->line, log->format == JSON ? ",\"lines\":%llu" : " %llu lines",
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
        kith_line_name(&log->line, key, b);
        kith_line_f(&log->line, ",\"%sport\":%u", prefix, from->port);
    } else {
        kith_line_text(&log->line, " ");
        kith_line_shown(&log->line, b);
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
        kith_line_name(&log->line, "name", m->name);
        add_addr(log, "", &m->addr);
        kith_line_f(&log->line,
                    ",\"state\":\"%s\",\"incarnation\":%u,\"meta\":", state_name(m->state),
                    m->incarnation);
        kith_line_base64(&log->line, meta);
        if (meta.len < m->meta.len) kith_line_f(&log->line, ",\"meta_size\":%zu", m->meta.len);
        if (m->accuser.len) kith_line_name(&log->line, "accuser", m->accuser);
        return;
    }
    kith_line_text(&log->line, " ");
    kith_line_shown(&log->line, m->name);
    add_addr(log, "", &m->addr);
    if (m->state != KITH_ALIVE) kith_line_f(&log->line, " %s", state_name(m->state));
    if (m->accuser.len) {
        kith_line_text(&log->line, " by ");
        kith_line_shown(&log->line, m->accuser);
    }
    if (meta.len) {
        kith_line_text(&log->line, " meta ");
        kith_line_quoted(&log->line, meta);
        if (meta.len < m->meta.len) kith_line_f(&log->line, "... (%zu bytes)", m->meta.len);
    }
}

static void add_conflict(struct log *log, const struct kith_member *other)
{
    if (log->format == TEXT) kith_line_text(&log->line, " claimed by");
    add_addr(log, "other_", &other->addr);
}

/* Whose hands something came from: a member, or where it is. */
static void add_peer(struct log *log, const struct kith_peer *peer)
{
    if (peer->name.len && log->format == JSON) {
        kith_line_name(&log->line, "from", peer->name);
    } else if (peer->name.len) {
        kith_line_text(&log->line, " ");
        kith_line_shown(&log->line, peer->name);
    } else if (peer->addr) {
        add_addr(log, "peer_", peer->addr);
    }
}

static void add_number(struct log *log, const char *key, uint64_t number)
{
    kith_line_f(&log->line, log->format == JSON ? ",\"%s\":%llu" : " %s %llu", key,
                (unsigned long long)number);
}

/* Bytes that may be text, no more of them than are to be shown. */
static void add_payload(struct log *log, struct kith_bytes b)
{
    struct kith_bytes part = shown(log, b);
    if (log->format == JSON) {
        kith_line_bytes(&log->line, "payload", part);
        return;
    }
    kith_line_text(&log->line, " ");
    kith_line_quoted(&log->line, part);
    if (part.len < b.len) kith_line_text(&log->line, "...");
}

/* Fields are pairs, because their names need not differ, nor be text. */
static void add_fields(struct log *log, const struct kith_pair *fields, size_t count)
{
    bool json = log->format == JSON;
    if (json) kith_line_text(&log->line, ",\"fields\":[");
    for (size_t i = 0; i < count; i++) {
        if (json) {
            kith_line_text(&log->line, i ? ",{" : "{");
            kith_line_key(&log->line, "name", fields[i].name);
            kith_line_bytes(&log->line, "value", fields[i].value);
            kith_line_text(&log->line, "}");
            continue;
        }
        kith_line_text(&log->line, " ");
        kith_line_shown(&log->line, fields[i].name);
        kith_line_text(&log->line, "=");
        kith_line_quoted(&log->line, fields[i].value);
    }
    if (json) kith_line_text(&log->line, "]");
}

static void add_emitted(struct log *log, const struct kith_event *e)
{
    if (e->field_count) add_fields(log, e->fields, e->field_count);
    if (!e->data.len) return;
    if (log->format == JSON) kith_line_f(&log->line, ",\"size\":%zu", e->data.len);
    add_payload(log, e->data);
}

/* Messages that nobody keeps any more: whose, and who misses them. */
static void add_lost(struct log *log, const struct kith_event *e)
{
    add_number(log, "messages", e->number);
    if (log->format == JSON) {
        kith_line_name(&log->line, "origin", e->data);
        kith_line_f(&log->line, ",\"missed\":%s", e->peer ? "false" : "true");
    } else {
        kith_line_text(&log->line, " of ");
        kith_line_shown(&log->line, e->data);
        kith_line_text(&log->line, e->peer ? " asked for by" : " missed for good");
    }
    if (e->peer) add_peer(log, e->peer);
}

/* What the kind alone has to say, behind its member. */
static void add_details(struct log *log, const struct kith_event *e)
{
    switch (e->kind) {
    case KITH_EVENT_SUSPECT:
        if (log->format == TEXT && e->member && e->member->state == KITH_ALIVE)
            kith_line_text(&log->line, " no longer");
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
        kith_line_f(&log->line, ",\"reliable\":%s,\"size\":%zu", reliable ? "true" : "false",
                    m->bytes.len);
        if (!m->channel.len) return;
        kith_line_name(&log->line, "channel", m->channel);
        kith_line_f(&log->line, ",\"relayed\":%s", relayed ? "true" : "false");
        if (from.len) kith_line_name(&log->line, "from", from);
        return;
    }
    kith_line_f(&log->line, " %zu bytes %s", m->bytes.len,
                relayed    ? "relayed"
                : reliable ? "by stream"
                           : "by packet");
    if (!m->channel.len || !from.len) return;
    kith_line_text(&log->line, " from ");
    kith_line_shown(&log->line, from);
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
    free(log->line.data);
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
