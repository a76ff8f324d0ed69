/*
 * control_monitor.c - what happens on the node, told as it happens to the clients that asked:
 * events of members, node and entries, user messages, log lines, what is on the wire. A client that
 * does not read misses events, and is told how many; it never holds back the node.
 *
 * Log lines come from any thread: they wait in a small queue until the loop runs.
 */
#include "control_inside.h"
#include "log_format.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { LINES_MAX = 1000 };

/* Bits of what a watcher wants: kinds of events by their number, and three more. */
#define ON(kind) (UINT64_C(1) << (kind))
enum { MESSAGE = 40, LOG = 41, WIRE = 42 };

static const struct {
    const char *name;
    unsigned kind;
} kinds[] = {
    {"join", KITH_EVENT_JOIN},
    {"leave", KITH_EVENT_LEAVE},
    {"update", KITH_EVENT_UPDATE},
    {"suspect", KITH_EVENT_SUSPECT},
    {"conflict", KITH_EVENT_CONFLICT},
    {"ping", KITH_EVENT_PING},
    {"lost", KITH_EVENT_LOST},
    {"started", KITH_EVENT_STARTED},
    {"joined", KITH_EVENT_JOINED},
    {"refuted", KITH_EVENT_REFUTED},
    {"reloaded", KITH_EVENT_RELOADED},
    {"keys", KITH_EVENT_KEYS},
    {"emitted", KITH_EVENT_EMITTED},
    {"message", MESSAGE},
    {"log", LOG},
    {"wire", WIRE},
};
#define UNLESS_ASKED (ON(KITH_EVENT_PING) | ON(LOG) | ON(WIRE)) /* not told */

struct watcher {
    struct watcher *next;
    struct kith_client *client;
    uint64_t wants;
    unsigned log_level;
};

struct line {
    struct line *next;
    enum kith_log_level level;
    char *source, *text;
};

struct kith_monitor {
    struct kith_control *control;
    struct kith *k;
    struct watcher *watchers;
    size_t count;
    pthread_mutex_t lock; /* for the lines */
    struct line *first, **last;
    size_t lines;
    bool posted;
};

/* ----------------------------------------------------------------------------------- telling */

static uint64_t wanted(const struct kith_monitor *m)
{
    uint64_t all = 0;
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
static void send_event(struct kith_monitor *m, unsigned kind, uint64_t wall, unsigned level,
                       json_t *event)
{
    if (event) set_time(event, wall);
    char *text = event ? json_dumps(event, JSON_COMPACT) : NULL;
    for (struct watcher *w = m->watchers; text && w; w = w->next)
        if (w->wants & ON(kind) && (kind != LOG || level <= w->log_level))
            kith_client_event(w->client, text, strlen(text));
    free(text);
    json_decref(event);
}

static uint64_t wall_of(const struct kith_monitor *m)
{
    return kith_loop_wall(kith_node_loop(m->k));
}

static void on_event(void *self, const struct kith_event *e)
{
    struct kith_monitor *m = self;
    if (e->kind < MESSAGE && wanted(m) & ON(e->kind))
        send_event(m, e->kind, e->wall, 0, kith_event_json(m->k, e));
}

static void on_message(void *self, const struct kith_message *message)
{
    struct kith_monitor *m = self;
    if (wanted(m) & ON(MESSAGE))
        send_event(m, MESSAGE, wall_of(m), 0, kith_message_json(m->k, message));
}

static const struct kith_delegate_ops listener = {
    .size = sizeof listener, .flags = KITH_DELEGATE_USER, .event = on_event, .message = on_message};

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
        json_t *source = kith_json_text(l->source);
        json_t *text = kith_json_text(l->text);
        send_event(m, LOG, wall_of(m), l->level,
                   json_pack("{s:s,s:s,s:o,s:o}", "event", "log", "level",
                             kith_log_level_name(l->level), "source", source, "text", text));
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
            if (!m->posted) m->posted = kith_loop_post(kith_node_loop(m->k), tell_lines, m) == 0;
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
        if (!(w->wants & ON(LOG))) continue;
        any = true;
        if (w->log_level > level) level = w->log_level;
    }
    kith_log_tap(kith_node_logger(m->k), (enum kith_log_level)level, any ? tap : NULL, m);
}

/* ---------------------------------------------------------------------------------- the wire */

static void on_wire(void *self, const struct kith_traffic *message)
{
    struct kith_monitor *m = ((struct kith_control *)self)->monitor;
    send_event(m, WIRE, wall_of(m), 0, kith_traffic_event(m->k, message));
}

static void adjust_wire(struct kith_monitor *m)
{
    struct kith_observer *o = &m->control->observer;
    bool now = wanted(m) & ON(WIRE);
    if (now != o->traffic_wanted) kith_observer_want_traffic(m->k, o, now);
}

/* ---------------------------------------------------------------------------------- watchers */

static uint64_t bit_of(const char *name)
{
    for (size_t i = 0; name && i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].name, name)) return ON(kinds[i].kind);
    return 0;
}

static int parse_events(const json_t *list, uint64_t *out)
{
    size_t i;
    json_t *item;
    *out = list ? 0 : ~UNLESS_ASKED;
    if (list && !json_is_array(list)) return -KITH_EINVAL;
    json_array_foreach(list, i, item)
    {
        uint64_t bit = bit_of(json_string_value(item));
        if (!bit) return -KITH_EINVAL;
        *out |= bit;
    }
    return 0;
}

/* "events is a list of join, leave, ... and wire" */
static const char *say_kinds(char *out, size_t cap)
{
    size_t count = sizeof kinds / sizeof *kinds, used = 0;
    for (size_t i = 0; i < count && used < cap; i++) {
        const char *before = i == 0 ? "events is a list of " : i == count - 1 ? " and " : ", ";
        used += (size_t)snprintf(out + used, cap - used, "%s%s", before, kinds[i].name);
    }
    return out;
}

static int parse_level(const char *name, unsigned *out)
{
    for (unsigned i = KITH_LOG_ERROR; i <= KITH_LOG_TRACE; i++)
        if (!strcmp(name, kith_log_level_name(i))) return *out = i, 0;
    return -KITH_EINVAL;
}

/* What a request asks for. NULL, or what is wrong with it. */
static const char *parse_wishes(const json_t *request, struct watcher *w, char *words, size_t cap)
{
    const char *level = json_string_value(json_object_get(request, "log_level"));
    if (parse_events(json_object_get(request, "events"), &w->wants) < 0)
        return say_kinds(words, cap);
    w->log_level = KITH_LOG_INFO;
    if (!level) return NULL;
    if (parse_level(level, &w->log_level) < 0)
        return "log_level is one of error, warn, info, debug and trace";
    w->wants |= ON(LOG);
    return NULL;
}

static void forget(void *arg, struct kith_client *c)
{
    struct kith_monitor *m = arg;
    for (struct watcher **p = &m->watchers; *p;) {
        struct watcher *w = *p;
        if (w->client != c) {
            p = &w->next;
            continue;
        }
        *p = w->next;
        free(w);
        m->count--;
    }
    adjust_tap(m);
    adjust_wire(m);
}

void kith_control_monitor(struct kith_client *c, const json_t *request)
{
    struct kith_monitor *m = kith_client_control(c)->monitor;
    struct watcher wishes = {.client = c}, *w;
    char words[300];
    const char *wrong = parse_wishes(request, &wishes, words, sizeof words);
    if (wrong) {
        kith_client_fail(c, KITH_EINVAL, "%s", wrong);
        return;
    }
    if (!kith_client_may_stay(c)) return;
    w = malloc(sizeof *w);
    if (!w) {
        kith_client_fail(c, KITH_ENOMEM, "out of memory");
        return;
    }
    *w = wishes;
    w->next = m->watchers;
    m->watchers = w;
    m->count++;
    kith_client_on_close(c, forget, m);
    kith_client_answer(c, json_pack("{s:s,s:o,s:s}", "event", "hello", "node",
                                    kith_json_text(kith_node_config(m->k)->settings.name),
                                    "version", kith_version()));
    adjust_tap(m);
    adjust_wire(m);
}

/* -------------------------------------------------------------------------------------- life */

size_t kith_monitor_count(const struct kith_monitor *m) { return m->count; }

struct kith_monitor *kith_monitor_new(struct kith_control *control)
{
    struct kith_monitor *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->control = control;
    m->k = control->k;
    m->last = &m->first;
    pthread_mutex_init(&m->lock, NULL);
    if (kith_delegates_listen(kith_node_delegates(m->k), &listener, m) == 0) {
        control->observer.message = on_wire;
        return m;
    }
    pthread_mutex_destroy(&m->lock);
    free(m);
    return NULL;
}

void kith_monitor_free(struct kith_monitor *m)
{
    if (!m) return;
    kith_delegates_unlisten(kith_node_delegates(m->k), m);
    kith_log_tap(kith_node_logger(m->k), KITH_LOG_ERROR, NULL, NULL);
    kith_loop_unpost(kith_node_loop(m->k), tell_lines, m);
    for (struct line *l = take_lines(m), *next; l; l = next) {
        next = l->next;
        line_free(l);
    }
    pthread_mutex_destroy(&m->lock);
    free(m);
}
