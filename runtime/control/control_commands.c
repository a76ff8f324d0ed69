/*
 * control_commands.c - what may be asked on the control socket: a table of commands, each a
 * function that answers at once or lets the node answer later. docs/CONTROL.md is its description.
 */
#include "control.h"
#include <sodium.h>
#include <stdlib.h>

enum { PLACES_MAX = 64, WORDS_MAX = 64, OUTPUT_MAX = 1 << 20, META_CAP = 4096 };
#define LEAVE_TIMEOUT 5000000000u /* ns, when the request says nothing */
#define WAIT_TIMEOUT  30000000000u

/* --------------------------------------------------------------------------------- arguments */

static uint64_t timeout_of(const json_t *request, uint64_t otherwise)
{
    json_t *t = json_object_get(request, "timeout");
    double seconds = json_is_number(t) ? json_number_value(t) : -1;
    return seconds >= 0 && seconds < 1e9 ? (uint64_t)(seconds * 1e9) : otherwise;
}

/* `payload` in base64, or `text`. malloc'd; NULL and an answer when there is neither. */
static uint8_t *payload_of(struct kith_client *c, const json_t *request, size_t *len)
{
    json_t *text = json_object_get(request, "text"), *payload = json_object_get(request, "payload");
    json_t *given = text ? text : payload;
    size_t n = json_string_length(given);
    uint8_t *out = malloc(n + 1);
    if (!json_is_string(given) || !out) {
        free(out);
        kith_client_fail(c, KITH_EINVAL, "payload (base64) or text is missing");
        return NULL;
    }
    *len = n;
    if (text)
        memcpy(out, json_string_value(text), n);
    else if (sodium_base642bin(out, n + 1, json_string_value(payload), n, NULL, len, NULL,
                               sodium_base64_VARIANT_ORIGINAL)) {
        free(out);
        kith_client_fail(c, KITH_EINVAL, "payload is not base64");
        return NULL;
    }
    return out;
}

/* ----------------------------------------------------------------------------------- waiting */

static bool enough(const struct kith_wait *w, uint64_t n)
{
    return w->exactly ? n == w->count : n >= w->count;
}

static bool members_hold(struct kith *k, const struct kith_wait *w)
{
    return enough(w, kith_report_count(k, (enum kith_state)kith_state_parse(w->what)));
}

static bool monitors_hold(struct kith *k, const struct kith_wait *w)
{
    return enough(w, kith_monitor_count(k));
}

/* Answer now, or when `wait` (an object: what, count, exactly) holds. */
static void answer_when(struct kith_client *c, const json_t *request, struct kith_wait wait)
{
    json_t *w = json_object_get(request, "wait");
    if (!w) {
        kith_client_answer(c, wait.answer(kith_client_node(c)));
        return;
    }
    const char *what = json_string_value(json_object_get(w, "what"));
    json_t *count = json_object_get(w, "count");
    bool known = what && (wait.holds == members_hold ? kith_state_parse(what) >= 0
                                                     : !strcmp(what, "monitors"));
    if (!known || !json_is_integer(count) || json_integer_value(count) < 0) {
        kith_client_fail(c, KITH_EINVAL, "wait says what (%s) and count",
                         wait.holds == members_hold ? "alive, suspect, dead or left" : "monitors");
        return;
    }
    snprintf(wait.what, sizeof wait.what, "%s", what);
    wait.count = (uint64_t)json_integer_value(count);
    wait.exactly = json_is_true(json_object_get(w, "exactly"));
    kith_client_wait(c, &wait, timeout_of(request, WAIT_TIMEOUT));
}

static void do_members(struct kith_client *c, const json_t *request)
{
    answer_when(c, request,
                (struct kith_wait){.holds = members_hold, .answer = kith_report_members});
}

static void do_info(struct kith_client *c, const json_t *request)
{
    answer_when(c, request, (struct kith_wait){.holds = monitors_hold, .answer = kith_report_info});
}

/* ------------------------------------------------------------------------------------- join */

/* Several places at once; the answer goes out when the last one has ended. */
struct joining {
    struct kith_client *client;
    json_t *results;
    size_t open;
    uint64_t met;
    bool failed;
};

struct place {
    struct joining *all;
    char where[];
};

static void joining_end(struct joining *j)
{
    if (--j->open) return;
    json_t *answer = json_pack("{s:I,s:b,s:o}", "joined", (json_int_t)j->met, "complete",
                               (int)!j->failed, "results", j->results);
    kith_client_answer(j->client, answer);
    kith_client_unpend(j->client);
    free(j);
}

static void place_end(struct place *p, int status, uint64_t met, const char *text)
{
    struct joining *j = p->all;
    json_t *one = json_pack("{s:s,s:I}", "where", p->where, "met", (json_int_t)met);
    if (one && status < 0) {
        json_object_set_new(one, "code", json_string(kith_code_name(status)));
        json_object_set_new(one, "error", kith_report_text(kith_bytes_of(text, strlen(text))));
    }
    json_array_append_new(j->results, one);
    j->met += met;
    j->failed |= status < 0;
    free(p);
    joining_end(j);
}

static void place_joined(void *arg, int status, uint64_t met)
{
    place_end(arg, status, met, status < 0 ? kith_code_text(status) : "");
}

static void place_begin(struct place *p)
{
    struct kith *k = kith_client_node(p->all->client);
    struct kith_error err = {.size = sizeof err};
    struct kith_where where;
    int rc = kith_where_parse(&where, p->where, k->default_port, &err);
    if (rc == 0) rc = kith_join(k, p->where, place_joined, p);
    if (rc < 0) place_end(p, rc, 0, *err.text ? err.text : kith_code_text(rc));
}

static void do_join(struct kith_client *c, const json_t *request)
{
    json_t *list = json_object_get(request, "where"), *item;
    struct joining *j;
    size_t i;
    if (!json_is_array(list) || !json_array_size(list) || json_array_size(list) > PLACES_MAX) {
        kith_client_fail(c, KITH_EINVAL, "where is a list of 1 to %d places: [name/]host[:port]",
                         PLACES_MAX);
        return;
    }
    json_array_foreach(list, i, item) if (!json_is_string(item))
    {
        kith_client_fail(c, KITH_EINVAL, "where holds something that is no string");
        return;
    }
    j = calloc(1, sizeof *j);
    if (!j) {
        kith_client_fail(c, KITH_ENOMEM, "out of memory");
        return;
    }
    *j = (struct joining){.client = c, .results = json_array(), .open = 1};
    kith_client_pend(c);
    json_array_foreach(list, i, item)
    {
        size_t n = json_string_length(item);
        struct place *p = calloc(1, sizeof *p + n + 1);
        if (!p) continue;
        p->all = j;
        memcpy(p->where, json_string_value(item), n);
        j->open++;
        place_begin(p);
    }
    joining_end(j);
}

/* ----------------------------------------------------------------------------------- changes */

/* After a queue took it, or not. */
static void taken(struct kith_client *c, int rc)
{
    if (rc >= 0) return;
    kith_client_unpend(c);
    kith_client_fail(c, rc, "%s", kith_code_text(rc));
}

static void stop_after_leave(void *arg, int status, uint64_t value)
{
    struct kith *k = kith_client_node(arg);
    kith_client_done(arg, status, value);
    kith_stop(k);
}

static void do_leave(struct kith_client *c, const json_t *request)
{
    struct kith *k = kith_client_node(c);
    bool stop = json_is_true(json_object_get(request, "stop"));
    kith_client_pend(c);
    taken(c, k->table.leave(&k->table, timeout_of(request, LEAVE_TIMEOUT),
                            stop ? stop_after_leave : kith_client_done, c));
}

static void do_send(struct kith_client *c, const json_t *request)
{
    struct kith *k = kith_client_node(c);
    const char *to = json_string_value(json_object_get(request, "to"));
    struct kith_member member = {.size = sizeof member};
    size_t len;
    if (!to) {
        kith_client_fail(c, KITH_EINVAL, "to (a member's name) is missing");
        return;
    }
    if (k->table.member(&k->table, to, &member) < 0) {
        kith_client_fail(c, KITH_ENOTFOUND, "no member is called '%s'", to);
        return;
    }
    uint8_t *bytes = payload_of(c, request, &len);
    if (!bytes) return;
    kith_client_pend(c);
    taken(c,
          k->table.send(&k->table, to, kith_bytes_of(bytes, len),
                        json_is_true(json_object_get(request, "reliable")), kith_client_done, c));
    free(bytes);
}

static void do_broadcast(struct kith_client *c, const json_t *request)
{
    struct kith *k = kith_client_node(c);
    size_t len;
    uint8_t *bytes = payload_of(c, request, &len);
    if (!bytes) return;
    kith_client_pend(c);
    taken(c, k->table.broadcast(&k->table, kith_bytes_of(bytes, len), kith_client_done, c));
    free(bytes);
}

static void do_ping(struct kith_client *c, const json_t *request)
{
    struct kith *k = kith_client_node(c);
    const char *name = json_string_value(json_object_get(request, "node"));
    if (!name) {
        kith_client_fail(c, KITH_EINVAL, "node (a member's name) is missing");
        return;
    }
    kith_client_pend(c);
    taken(c, k->table.ping(&k->table, name, kith_client_done, c));
}

static void set_meta(struct kith_client *c, const uint8_t *bytes, size_t len)
{
    struct kith *k = kith_client_node(c);
    kith_client_pend(c);
    taken(c, k->table.set_meta(&k->table, kith_bytes_of(bytes, len), kith_client_done, c));
}

static void do_meta(struct kith_client *c, const json_t *request)
{
    struct kith *k = kith_client_node(c);
    json_t *tags = json_object_get(request, "tags"), *item;
    const char *pairs[WORDS_MAX];
    uint8_t packed[META_CAP];
    size_t n = 0, i, len;
    if (!tags && !json_object_get(request, "payload") && !json_object_get(request, "text")) {
        struct kith_member self = {.size = sizeof self};
        k->table.local(&k->table, &self);
        kith_client_answer(c, json_pack("{s:o}", "meta", kith_report_base64(self.meta)));
        return;
    }
    if (!tags) {
        uint8_t *bytes = payload_of(c, request, &len);
        if (bytes) set_meta(c, bytes, len);
        free(bytes);
        return;
    }
    json_array_foreach(tags, i, item) if (n < WORDS_MAX && json_is_string(item)) pairs[n++] =
        json_string_value(item);
    int rc = n == json_array_size(tags) ? kith_meta_from_tags(pairs, n, packed, sizeof packed)
                                        : -KITH_EINVAL;
    if (rc < 0)
        kith_client_fail(c, rc, "tags is a list of up to %d texts of the form name=value",
                         WORDS_MAX);
    else
        set_meta(c, packed, (size_t)rc);
}

/* ------------------------------------------------------------------------------------ reload */

static void reload_line(void *arg, const char *line)
{
    json_array_append_new(arg, kith_report_text(kith_bytes_of(line, strlen(line))));
}

static void do_reload(struct kith_client *c, const json_t *request)
{
    struct kith_error err = {.size = sizeof err};
    json_t *changes = json_array();
    int rc = kith_reload(kith_client_node(c), reload_line, changes, &err);
    if (rc >= 0) {
        kith_client_answer(c, json_pack("{s:o}", "changes", changes));
        return;
    }
    kith_client_answer(c,
                       json_pack("{s:b,s:s,s:o,s:o}", "ok", 0, "code", kith_code_name(rc), "error",
                                 kith_report_text(kith_bytes_of(err.text, strlen(err.text))),
                                 "changes", changes));
}

/* --------------------------------------------------------------------------------- instances */

static int collect(void *ctx, const void *data, size_t len)
{
    struct kith_buf *b = ctx;
    uint8_t *to = kith_buf_put(b, len);
    if (!to) return -KITH_ETOOBIG;
    memcpy(to, data, len);
    return 0;
}

static struct kith_instance *instance_of(struct kith *k, const char *name)
{
    if (!strcmp(name, k->transport->plugin->name)) return k->transport;
    return kith_delegates_find(k->delegates, name);
}

static void do_command(struct kith_client *c, const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "instance")),
               *words[WORDS_MAX + 1];
    json_t *list = json_object_get(request, "words"), *item;
    struct kith_instance *in = name ? instance_of(kith_client_node(c), name) : NULL;
    size_t n = 0, i;
    json_array_foreach(list, i, item) if (n < WORDS_MAX && json_is_string(item)) words[n++] =
        json_string_value(item);
    words[n] = NULL;
    if (!in || !in->plugin->command) {
        kith_client_fail(c, KITH_ENOTFOUND,
                         in ? "%s takes no commands" : "no transport or delegate is called '%s'",
                         name ? name : "");
        return;
    }
    struct kith_error err = {.size = sizeof err};
    struct kith_buf text = {.base = malloc(OUTPUT_MAX), .cap = OUTPUT_MAX};
    text.data = text.base;
    struct kith_sink sink = {.size = sizeof sink, .ctx = &text, .write = collect};
    int rc = text.base ? kith_instance_command(in, words, &sink, &err) : -KITH_ENOMEM;
    if (rc < 0)
        kith_client_fail(c, rc, "%s: %s", name, *err.text ? err.text : kith_code_text(rc));
    else
        kith_client_answer(
            c, json_pack("{s:o}", "output", kith_report_text(kith_bytes_of(text.data, text.len))));
    free(text.base);
}

/* --------------------------------------------------------------------------------- the table */

static const struct {
    const char *name;
    void (*run)(struct kith_client *, const json_t *);
} commands[] = {
    {"members", do_members},     {"info", do_info},       {"join", do_join},
    {"leave", do_leave},         {"send", do_send},       {"broadcast", do_broadcast},
    {"ping", do_ping},           {"meta", do_meta},       {"reload", do_reload},
    {"keys", kith_control_keys}, {"command", do_command}, {"monitor", kith_control_monitor},
};

void kith_control_command(struct kith_client *c, const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "cmd"));
    if (!kith_client_node(c)->core) {
        kith_client_fail(c, KITH_EAGAIN, "the node is starting");
        return;
    }
    for (size_t i = 0; name && i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(name, commands[i].name)) {
            commands[i].run(c, request);
            return;
        }
    kith_client_fail(c, KITH_EUNSUPPORTED, "no command is called '%s'", name ? name : "");
}
