/*
 * control_monitor.c - what happens on the node, told as it happens to the clients that asked:
 * membership events, user messages, log lines, what is on the wire. A client that does not read
 * misses events, and is told how many; it never holds back the node.
 *
 * Log lines come from any thread: they wait in a small queue until the loop runs.
 */
#include "control.h"
#include "wire_watch.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { LINES_MAX = 1000 };

enum {
    ON_JOIN = 1,
    ON_LEAVE = 2,
    ON_UPDATE = 4,
    ON_SUSPECT = 8,
    ON_CONFLICT = 16,
    ON_MESSAGE = 32,
    ON_LOG = 64,
    ON_WIRE = 128
};

static const struct {
    const char *name;
    unsigned bit;
} kinds[] = {
    {"join", ON_JOIN},       {"leave", ON_LEAVE},       {"update", ON_UPDATE},
    {"suspect", ON_SUSPECT}, {"conflict", ON_CONFLICT}, {"message", ON_MESSAGE},
    {"log", ON_LOG},         {"wire", ON_WIRE},
};

struct watcher {
    struct watcher *next;
    struct kith_client *client;
    unsigned wants;
    unsigned log_level;
};

struct line {
    struct line *next;
    enum kith_log_level level;
    char *source, *text;
};

struct kith_monitor {
    struct kith *k;
    struct watcher *watchers;
    size_t count;
    pthread_mutex_t lock; /* for the lines */
    struct line *first, **last;
    size_t lines;
    bool posted;
};

static const char *const levels[] = {"error", "warn", "info", "debug", "trace"};

/* ----------------------------------------------------------------------------------- telling */

static unsigned wanted(const struct kith_monitor *m)
{
    unsigned all = 0;
    for (const struct watcher *w = m->watchers; w; w = w->next) all |= w->wants;
    return all;
}

static void set_time(json_t *event, uint64_t wall)
{
    char text[40];
    struct tm tm;
    time_t seconds = (time_t)(wall / 1000000000u);
    gmtime_r(&seconds, &tm);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, sizeof text - n, ".%03uZ", (unsigned)(wall / 1000000u % 1000u));
    json_object_set_new(event, "time", json_string(text));
}

/* Takes the event over. */
static void tell(struct kith_monitor *m, unsigned kind, unsigned level, json_t *event)
{
    if (event) set_time(event, kith_loop_wall(m->k->loop));
    char *text = event ? json_dumps(event, JSON_COMPACT) : NULL;
    for (struct watcher *w = m->watchers; text && w; w = w->next)
        if (w->wants & kind && (kind != ON_LOG || level <= w->log_level))
            kith_client_event(w->client, text, strlen(text));
    free(text);
    json_decref(event);
}

static void tell_member(struct kith_monitor *m, unsigned kind, const char *name,
                        const struct kith_member *member)
{
    if (!(wanted(m) & kind)) return;
    json_t *event = kith_report_member(m->k, member);
    if (event) json_object_set_new(event, "event", json_string(name));
    tell(m, kind, 0, event);
}

static void on_join(void *self, const struct kith_member *member)
{
    tell_member(self, ON_JOIN, "join", member);
}

static void on_leave(void *self, const struct kith_member *member)
{
    tell_member(self, ON_LEAVE, "leave", member);
}

static void on_update(void *self, const struct kith_member *member)
{
    tell_member(self, ON_UPDATE, "update", member);
}

static void on_suspect(void *self, const struct kith_member *member)
{
    tell_member(self, ON_SUSPECT, member->state == KITH_SUSPECT ? "suspect" : "refute", member);
}

static void on_conflict(void *self, const struct kith_member *ours, const struct kith_member *other)
{
    struct kith_monitor *m = self;
    if (!(wanted(m) & ON_CONFLICT)) return;
    json_t *event = kith_report_member(m->k, ours);
    if (event) json_object_set_new(event, "event", json_string("conflict"));
    if (event) json_object_set_new(event, "other", kith_report_member(m->k, other));
    tell(m, ON_CONFLICT, 0, event);
}

static void on_message(void *self, struct kith_bytes payload, bool reliable)
{
    struct kith_monitor *m = self;
    if (!(wanted(m) & ON_MESSAGE)) return;
    tell(m, ON_MESSAGE, 0,
         json_pack("{s:s,s:o,s:b}", "event", "message", "payload", kith_report_base64(payload),
                   "reliable", (int)reliable));
}

static const struct kith_delegate_ops listener = {
    .size = sizeof listener,
    .notify_join = on_join,
    .notify_leave = on_leave,
    .notify_update = on_update,
    .notify_suspect = on_suspect,
    .notify_conflict = on_conflict,
    .notify_msg = on_message,
};

/* --------------------------------------------------------------------------------- log lines */

static struct line *take_lines(struct kith_monitor *m)
{
    pthread_mutex_lock(&m->lock);
    struct line *first = m->first;
    m->first = NULL;
    m->last = &m->first;
    m->lines = 0;
    m->posted = false;
    pthread_mutex_unlock(&m->lock);
    return first;
}

static void line_free(struct line *l)
{
    free(l->source);
    free(l->text);
    free(l);
}

static void tell_lines(void *arg)
{
    struct kith_monitor *m = arg;
    for (struct line *l = take_lines(m), *next; l; l = next) {
        next = l->next;
        json_t *source = kith_report_text(kith_bytes_of(l->source, strlen(l->source)));
        json_t *text = kith_report_text(kith_bytes_of(l->text, strlen(l->text)));
        tell(m, ON_LOG, l->level,
             json_pack("{s:s,s:s,s:o,s:o}", "event", "log", "level", levels[l->level], "source",
                       source, "text", text));
        line_free(l);
    }
}

/* [any] Under the log's lock. */
static void tap(void *ctx, enum kith_log_level level, const char *source, const char *text)
{
    struct kith_monitor *m = ctx;
    pthread_mutex_lock(&m->lock);
    struct line *l = m->lines < LINES_MAX ? calloc(1, sizeof *l) : NULL;
    if (l) {
        *l = (struct line){.level = level, .source = strdup(source), .text = strdup(text)};
        if (l->source && l->text) {
            *m->last = l;
            m->last = &l->next;
            m->lines++;
            if (!m->posted) m->posted = kith_loop_post(m->k->loop, tell_lines, m) == 0;
        } else {
            line_free(l);
        }
    }
    pthread_mutex_unlock(&m->lock);
}

static void adjust_tap(struct kith_monitor *m)
{
    bool any = false;
    unsigned level = 0;
    for (struct watcher *w = m->watchers; w; w = w->next) {
        if (!(w->wants & ON_LOG)) continue;
        any = true;
        if (w->log_level > level) level = w->log_level;
    }
    kith_log_tap(m->k->log, (enum kith_log_level)level, any ? tap : NULL, m);
}

/* ---------------------------------------------------------------------------------- the wire */

static void tell_wire(void *arg, json_t *event) { tell(arg, ON_WIRE, 0, event); }

static void adjust_wire(struct kith_monitor *m)
{
    bool wanted_now = wanted(m) & ON_WIRE;
    if (wanted_now == (m->k->wire != NULL)) return;
    kith_wire_free(m->k->wire);
    m->k->wire = wanted_now ? kith_wire_new(m->k, tell_wire, m) : NULL;
}

/* ---------------------------------------------------------------------------------- watchers */

static int parse_events(const json_t *list, unsigned *out)
{
    size_t i;
    json_t *item;
    *out = ON_LOG - 1;
    if (!list) return 0;
    *out = 0;
    if (!json_is_array(list)) return -KITH_EINVAL;
    json_array_foreach(list, i, item)
    {
        const char *name = json_string_value(item);
        unsigned bit = 0;
        for (size_t n = 0; name && n < sizeof kinds / sizeof *kinds; n++)
            if (!strcmp(kinds[n].name, name)) bit = kinds[n].bit;
        if (!bit) return -KITH_EINVAL;
        *out |= bit;
    }
    return 0;
}

void kith_control_monitor(struct kith_client *c, const json_t *request)
{
    struct kith *k = kith_client_node(c);
    struct kith_monitor *m = k->monitor;
    const char *level = json_string_value(json_object_get(request, "log_level"));
    struct watcher *w = calloc(1, sizeof *w);
    unsigned found = 0;
    if (!w) {
        kith_client_fail(c, KITH_ENOMEM, "out of memory");
        return;
    }
    if (parse_events(json_object_get(request, "events"), &w->wants) < 0) {
        free(w);
        kith_client_fail(
            c, KITH_EINVAL,
            "events is a list of join, leave, update, suspect, conflict, message, log and wire");
        return;
    }
    w->log_level = KITH_LOG_INFO;
    for (unsigned i = 0; level && i < sizeof levels / sizeof *levels; i++)
        if (!strcmp(level, levels[i])) found = 1, w->log_level = i;
    if (level && !found) {
        free(w);
        kith_client_fail(c, KITH_EINVAL, "log_level is one of error, warn, info, debug and trace");
        return;
    }
    if (level) w->wants |= ON_LOG;
    w->client = c;
    w->next = m->watchers;
    m->watchers = w;
    m->count++;
    kith_client_answer(c, json_pack("{s:s,s:s,s:s}", "event", "hello", "node",
                                    k->config->settings.name, "version", kith_version()));
    adjust_tap(m);
    adjust_wire(m);
}

void kith_monitor_forget(struct kith_client *c)
{
    struct kith_monitor *m = kith_client_node(c)->monitor;
    for (struct watcher **p = m ? &m->watchers : NULL; p && *p;) {
        struct watcher *w = *p;
        if (w->client != c) {
            p = &w->next;
            continue;
        }
        *p = w->next;
        free(w);
        m->count--;
    }
    if (!m) return;
    adjust_tap(m);
    adjust_wire(m);
}

size_t kith_monitor_count(const struct kith *k) { return k->monitor ? k->monitor->count : 0; }

int kith_monitor_start(struct kith *k)
{
    struct kith_monitor *m = calloc(1, sizeof *m);
    if (!m) return -KITH_ENOMEM;
    m->k = k;
    m->last = &m->first;
    pthread_mutex_init(&m->lock, NULL);
    k->monitor = m;
    return kith_delegates_listen(k->delegates, &listener, m);
}

void kith_monitor_stop(struct kith *k)
{
    struct kith_monitor *m = k->monitor;
    if (!m) return;
    kith_delegates_unlisten(k->delegates, m);
    kith_wire_free(k->wire);
    k->wire = NULL;
    kith_log_tap(k->log, KITH_LOG_ERROR, NULL, NULL);
    kith_loop_unpost(k->loop, tell_lines, m);
    for (struct line *l = take_lines(m), *next; l; l = next) {
        next = l->next;
        line_free(l);
    }
    pthread_mutex_destroy(&m->lock);
    free(m);
    k->monitor = NULL;
}
