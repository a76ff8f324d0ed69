/*
 * log.c - the delegate that writes down what happens: a line for each join, leave, update,
 * suspicion, conflict and user message, to the node's log or to a file of its own; as text for
 * people or as a JSON object for programs.
 *
 * Names, meta and messages may hold any byte: text escapes what is not printable ASCII, JSON takes
 * names as text when they are UTF-8 and everything else as base64.
 */
#include <kith/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { TEXT, JSON };
enum event { JOIN, LEAVE, UPDATE, SUSPECT, CONFLICT, MESSAGE, EVENTS };
static const char *const event_names[EVENTS] = {"join",    "leave",    "update",
                                                "suspect", "conflict", "message"};
static const char *const state_names[] = {"alive", "suspect", "dead", "left"};

struct log {
    /* parameters */
    const char *to;
    uint32_t format, level;
    uint64_t show;
    struct kith_strings events;

    const struct kith_host *host;
    const struct kith_node *node;
    uint64_t *written, *failed;
    bool wants[EVENTS];
    int fd;     /* -1: the node's log */
    char *line; /* the line in the making; kept for the next one */
    size_t len, cap;
};

static const char *const formats[] = {"text", "json", NULL};
static const char *const levels[] = {"error", "warn", "info", "debug", "trace", NULL};

static const struct kith_param log_params[] = {
    {.name = "to",
     .type = KITH_PARAM_PATH,
     .offset = offsetof(struct log, to),
     .doc = "file to append to; without it the lines go to the node's log"},
    {.name = "format",
     .type = KITH_PARAM_ENUM,
     .offset = offsetof(struct log, format),
     .def = "text",
     .choices = formats,
     .doc = "text: a line for people; json: an object a line"},
    {.name = "level",
     .type = KITH_PARAM_ENUM,
     .offset = offsetof(struct log, level),
     .def = "info",
     .choices = levels,
     .doc = "level of the lines in the node's log"},
    {.name = "events",
     .type = KITH_PARAM_STRINGS,
     .offset = offsetof(struct log, events),
     .def = "join,leave,update,suspect,conflict,message",
     .doc = "what to write down"},
    {.name = "show",
     .type = KITH_PARAM_SIZE,
     .offset = offsetof(struct log, show),
     .def = "256",
     .max = 1 << 20,
     .doc = "bytes to show of a message or of meta"},
    {0},
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
    memcpy(log->line + log->len, data, len);
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

/* Bytes of the UTF-8 character at s, 0 when it is none (RFC 3629: no overlong forms, no surrogates,
 * up to U+10FFFF). */
static size_t utf8(const uint8_t *s, size_t len)
{
    if (s[0] < 0x80) return 1;
    size_t n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || n > len) return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return n;
}

static bool is_utf8(struct kith_bytes b)
{
    for (size_t i = 0, n; i < b.len; i += n)
        if (!(n = utf8(b.data + i, b.len - i))) return false;
    return true;
}

/* Printable ASCII as it is, the rest as \xNN. */
static void add_escaped(struct log *log, struct kith_bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        char c = (char)b.data[i];
        if (c == '"' || c == '\\')
            add_f(log, "\\%c", c);
        else if (c >= ' ' && c <= '~')
            add(log, &c, 1);
        else
            add_f(log, "\\x%02x", b.data[i]);
    }
}

static void add_quoted(struct log *log, struct kith_bytes b)
{
    add_text(log, "\"");
    add_escaped(log, b);
    add_text(log, "\"");
}

/* A JSON string; b is UTF-8. */
static void add_string(struct log *log, struct kith_bytes b)
{
    add_text(log, "\"");
    for (size_t i = 0; i < b.len; i++) {
        char c = (char)b.data[i];
        if (c == '"' || c == '\\')
            add_f(log, "\\%c", c);
        else if (b.data[i] < 0x20 || b.data[i] == 0x7F)
            add_f(log, "\\u%04x", b.data[i]);
        else
            add(log, &c, 1);
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
static void add_name(struct log *log, const char *key, struct kith_bytes b)
{
    bool text = is_utf8(b);
    add_f(log, ",\"%s%s\":", key, text ? "" : "_base64");
    if (text)
        add_string(log, b);
    else
        add_base64(log, b);
}

static void begin(struct log *log, enum event event)
{
    log->len = 0;
    bool file = log->fd >= 0;
    char when[40] = "";
    if (file || log->format == JSON) {
        uint64_t wall = log->host->wall(log->host);
        time_t seconds = (time_t)(wall / 1000000000u);
        struct tm tm;
        gmtime_r(&seconds, &tm);
        size_t n = strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(when + n, sizeof when - n, ".%03uZ", (unsigned)(wall / 1000000u % 1000u));
    }
    if (log->format == JSON)
        add_f(log, "{\"time\":\"%s\",\"event\":\"%s\"", when, event_names[event]);
    else
        add_f(log, "%s%s%s", when, file ? " " : "", event_names[event]);
}

static void end(struct log *log)
{
    if (log->format == JSON) add_text(log, "}");
    if (log->fd < 0) {
        log->host->log(log->host, (enum kith_log_level)log->level, "%.*s", (int)log->len,
                       log->line);
        ++*log->written;
        return;
    }
    add_text(log, "\n");
    /* One write a line, to a file opened for appending: lines of several writers don't mix. */
    ssize_t n = write(log->fd, log->line, log->len);
    if (n == (ssize_t)log->len) {
        ++*log->written;
        return;
    }
    if (!(*log->failed)++)
        log->host->log(log->host, KITH_LOG_ERROR, "%s: %s", log->to,
                       n < 0 ? strerror(errno) : "disk full");
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
    if (log->node->format(log->node, &addr, text, sizeof text) < 0) text[0] = 0;
    struct kith_bytes b = kith_bytes_of(text, strlen(text));
    if (log->format == JSON) {
        char key[32];
        snprintf(key, sizeof key, "%saddr", prefix);
        add_name(log, key, b);
        add_f(log, ",\"%sport\":%u", prefix, from->port);
    } else {
        add_text(log, " ");
        add_escaped(log, b);
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
    add_escaped(log, m->name);
    add_addr(log, "", &m->addr);
    if (m->state != KITH_ALIVE) add_f(log, " %s", state_name(m->state));
    if (m->accuser.len) {
        add_text(log, " by ");
        add_escaped(log, m->accuser);
    }
    if (meta.len) {
        add_text(log, " meta ");
        add_quoted(log, meta);
        if (meta.len < m->meta.len) add_f(log, "... (%zu bytes)", m->meta.len);
    }
}

static void write_member(struct log *log, enum event event, const struct kith_member *m)
{
    if (!log->wants[event]) return;
    begin(log, event);
    add_member(log, m);
    end(log);
}

static void log_join(void *self, const struct kith_member *m) { write_member(self, JOIN, m); }
static void log_leave(void *self, const struct kith_member *m) { write_member(self, LEAVE, m); }
static void log_update(void *self, const struct kith_member *m) { write_member(self, UPDATE, m); }

static void log_suspect(void *self, const struct kith_member *m)
{
    struct log *log = self;
    if (!log->wants[SUSPECT]) return;
    begin(log, SUSPECT);
    add_member(log, m);
    if (log->format == TEXT && m->state == KITH_ALIVE) add_text(log, " no longer");
    end(log);
}

static void log_conflict(void *self, const struct kith_member *ours,
                         const struct kith_member *other)
{
    struct log *log = self;
    if (!log->wants[CONFLICT]) return;
    begin(log, CONFLICT);
    add_member(log, ours);
    if (log->format == TEXT) add_text(log, " claimed by");
    add_addr(log, "other_", &other->addr);
    end(log);
}

static void log_message(void *self, struct kith_bytes msg, bool reliable)
{
    struct log *log = self;
    if (!log->wants[MESSAGE]) return;
    struct kith_bytes part = shown(log, msg);
    begin(log, MESSAGE);
    if (log->format == JSON) {
        add_f(log, ",\"reliable\":%s,\"size\":%zu", reliable ? "true" : "false", msg.len);
        add_name(log, "payload", part);
    } else {
        add_f(log, " %zu bytes by %s ", msg.len, reliable ? "stream" : "packet");
        add_quoted(log, part);
        if (part.len < msg.len) add_text(log, "...");
    }
    end(log);
}

/* -------------------------------------------------------------------------------------- life */

static int log_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct log *log = self;
    log->host = host;
    log->fd = -1;
    for (size_t i = 0; i < log->events.count; i++) {
        size_t e = 0;
        while (e < EVENTS && strcmp(event_names[e], log->events.items[i]) != 0) e++;
        if (e == EVENTS)
            return kith_fail(
                err, KITH_EINVAL,
                "events: `%s` is none of join, leave, update, suspect, conflict, message",
                log->events.items[i]);
        log->wants[e] = true;
    }
    log->written = host->counter(host, "lines_written", "Events written down.");
    log->failed =
        host->counter(host, "lines_failed", "Events that could not be written to the file.");
    if (!log->written || !log->failed) return kith_fail(err, KITH_ENOMEM, "no memory for counters");
    return 0;
}

static int log_attach(void *self, const struct kith_node *node, struct kith_error *err)
{
    ((struct log *)self)->node = node;
    return 0;
}

/* Not blocking: a pipe without a reader must not stop the node. */
static int log_open(struct log *log, struct kith_error *err)
{
    int fd = open(log->to, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (fd < 0) return kith_fail(err, KITH_EIO, "%s: %s", log->to, strerror(errno));
    if (log->fd >= 0) close(log->fd);
    log->fd = fd;
    return 0;
}

static int log_start(void *self, struct kith_error *err)
{
    struct log *log = self;
    return log->to ? log_open(log, err) : 0;
}

static void log_fini(void *self)
{
    struct log *log = self;
    if (log->fd >= 0) close(log->fd);
    free(log->line);
}

/* For logrotate: `reopen` after the file was renamed. */
static int log_command(void *self, const char *const *words, const struct kith_sink *sink,
                       struct kith_error *err)
{
    struct log *log = self;
    static const char done[] = "reopened\n";
    if (!words[0] || strcmp(words[0], "reopen") != 0 || words[1])
        return kith_fail(err, KITH_EINVAL, "commands: reopen");
    if (!log->to)
        return kith_fail(err, KITH_EINVAL, "there is no file: the lines go to the node's log");
    int rc = log_open(log, err);
    return rc ? rc : sink->write(sink->ctx, done, sizeof done - 1);
}

static const struct kith_delegate_ops log_ops = {
    .size = sizeof log_ops,
    .attach = log_attach,
    .notify_msg = log_message,
    .notify_join = log_join,
    .notify_leave = log_leave,
    .notify_update = log_update,
    .notify_suspect = log_suspect,
    .notify_conflict = log_conflict,
};

KITH_PLUGIN(log) = {
    KITH_HEADER(DELEGATE),
    .name = "log",
    .version = "1.0",
    .summary = "writes down joins, leaves, suspicions, conflicts and user messages",
    .instance_size = sizeof(struct log),
    .params = log_params,
    .ops = &log_ops,
    .init = log_init,
    .start = log_start,
    .fini = log_fini,
    .command = log_command,
};
