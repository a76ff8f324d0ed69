/*
 * control_commands.c - what may be asked on the control socket: a table of commands, each a
 * function that answers at once or lets the node answer later. docs/CONTROL.md is its description.
 */
#include "control_inside.h"
#include <sodium.h>
#include <stdlib.h>

enum { PLACES_MAX = 64, WORDS_MAX = 64, OUTPUT_MAX = 1 << 20, META_CAP = 4096 };
#define LEAVE_TIMEOUT 5000000000u /* ns, when the request says nothing */
#define WAIT_TIMEOUT  30000000000u

static const struct kith_node *node_of(struct kith_client *c)
{
    return kith_node(kith_client_node(c));
}

/* --------------------------------------------------------------------------------- arguments */

static uint64_t timeout_of(const json_t *request, uint64_t otherwise)
{
    json_t *t = json_object_get(request, "timeout");
    double seconds = json_is_number(t) ? json_number_value(t) : -1;
    return seconds >= 0 && seconds < 1e9 ? (uint64_t)(seconds * 1e9) : otherwise;
}

/* The strings of a list, at most WORDS_MAX; what is no string is left out. */
static size_t strings_of(const json_t *list, const char *out[WORDS_MAX])
{
    size_t n = 0, i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        if (n < WORDS_MAX && json_is_string(item)) out[n++] = json_string_value(item);
    }
    return n;
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

static bool members_hold(struct kith_client *c, const struct kith_wait *w)
{
    enum kith_state state = (enum kith_state)kith_state_parse(w->what);
    return enough(w, kith_report_count(kith_client_node(c), state));
}

static bool monitors_hold(struct kith_client *c, const struct kith_wait *w)
{
    return enough(w, kith_monitor_count(kith_client_control(c)->monitor));
}

/* Answer now, or when `wait` (an object: what, count, exactly) holds. */
static void answer_when(struct kith_client *c, const json_t *request, struct kith_wait wait)
{
    json_t *w = json_object_get(request, "wait");
    if (!w) {
        kith_client_answer(c, wait.answer(c));
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

static json_t *members(struct kith_client *c) { return kith_report_members(kith_client_node(c)); }

static void do_members(struct kith_client *c, const json_t *request)
{
    answer_when(c, request, (struct kith_wait){.holds = members_hold, .answer = members});
}

static json_t *info(struct kith_client *c)
{
    json_t *out = kith_report_info(kith_client_node(c));
    size_t monitors = kith_monitor_count(kith_client_control(c)->monitor);
    if (out) json_object_set_new(out, "monitors", json_integer((json_int_t)monitors));
    return out;
}

static void do_info(struct kith_client *c, const json_t *request)
{
    answer_when(c, request, (struct kith_wait){.holds = monitors_hold, .answer = info});
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
        json_object_set_new(one, "error", kith_json_text(text));
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
    int rc = kith_node_check_place(k, p->where, &err);
    if (rc == 0) rc = kith_node(k)->join(kith_node(k), p->where, place_joined, p);
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

/* Was it queued? If not, say so now; kith_client_done() will not be called. */
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
    const struct kith_node *node = node_of(c);
    bool stop = json_is_true(json_object_get(request, "stop"));
    kith_client_pend(c);
    taken(c, node->leave(node, timeout_of(request, LEAVE_TIMEOUT),
                         stop ? stop_after_leave : kith_client_done, c));
}

static void do_send(struct kith_client *c, const json_t *request)
{
    const struct kith_node *node = node_of(c);
    const char *to = json_string_value(json_object_get(request, "to"));
    struct kith_member member = {.size = sizeof member};
    size_t len;
    if (!to) {
        kith_client_fail(c, KITH_EINVAL, "to (a member's name) is missing");
        return;
    }
    if (node->member(node, to, &member) < 0) {
        kith_client_fail(c, KITH_ENOTFOUND, "no member is called '%s'", to);
        return;
    }
    uint8_t *bytes = payload_of(c, request, &len);
    if (!bytes) return;
    kith_client_pend(c);
    taken(c, node->send(node, to, kith_bytes_of(bytes, len),
                        json_is_true(json_object_get(request, "reliable")), kith_client_done, c));
    free(bytes);
}

static void do_broadcast(struct kith_client *c, const json_t *request)
{
    const struct kith_node *node = node_of(c);
    size_t len;
    uint8_t *bytes = payload_of(c, request, &len);
    if (!bytes) return;
    kith_client_pend(c);
    taken(c, node->broadcast(node, kith_bytes_of(bytes, len), kith_client_done, c));
    free(bytes);
}

static void do_ping(struct kith_client *c, const json_t *request)
{
    const struct kith_node *node = node_of(c);
    const char *name = json_string_value(json_object_get(request, "node"));
    if (!name) {
        kith_client_fail(c, KITH_EINVAL, "node (a member's name) is missing");
        return;
    }
    kith_client_pend(c);
    taken(c, node->ping(node, name, kith_client_done, c));
}

static void set_meta(struct kith_client *c, const uint8_t *bytes, size_t len)
{
    const struct kith_node *node = node_of(c);
    kith_client_pend(c);
    taken(c, node->set_meta(node, kith_bytes_of(bytes, len), kith_client_done, c));
}

static void set_tags(struct kith_client *c, const json_t *tags)
{
    const char *pairs[WORDS_MAX];
    uint8_t packed[META_CAP];
    size_t n = strings_of(tags, pairs);
    int rc = n == json_array_size(tags) ? kith_meta_from_tags(pairs, n, packed, sizeof packed)
                                        : -KITH_EINVAL;
    if (rc < 0)
        kith_client_fail(c, rc, "tags is a list of up to %d texts of the form name=value",
                         WORDS_MAX);
    else
        set_meta(c, packed, (size_t)rc);
}

static void show_meta(struct kith_client *c)
{
    struct kith_member self = {.size = sizeof self};
    node_of(c)->local(node_of(c), &self);
    kith_client_answer(c, json_pack("{s:o}", "meta", kith_json_base64(self.meta)));
}

static void do_meta(struct kith_client *c, const json_t *request)
{
    json_t *tags = json_object_get(request, "tags");
    size_t len;
    if (tags) {
        set_tags(c, tags);
    } else if (json_object_get(request, "payload") || json_object_get(request, "text")) {
        uint8_t *bytes = payload_of(c, request, &len);
        if (bytes) set_meta(c, bytes, len);
        free(bytes);
    } else {
        show_meta(c);
    }
}

/* ------------------------------------------------------------------------------------ reload */

static void reload_line(void *arg, const char *line)
{
    json_array_append_new(arg, kith_json_text(line));
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
    kith_client_answer(c, json_pack("{s:b,s:s,s:o,s:o}", "ok", 0, "code", kith_code_name(rc),
                                    "error", kith_json_text(err.text), "changes", changes));
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

/* Let the instance write its answer into text. */
static int run_command(struct kith_instance *in, const char *const *words, struct kith_buf *text,
                       struct kith_error *err)
{
    *text = (struct kith_buf){.base = malloc(OUTPUT_MAX), .cap = OUTPUT_MAX};
    text->data = text->base;
    struct kith_sink sink = {.size = sizeof sink, .ctx = text, .write = collect};
    return text->base ? kith_instance_command(in, words, &sink, err) : -KITH_ENOMEM;
}

static void do_command(struct kith_client *c, const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "instance"));
    const char *words[WORDS_MAX + 1];
    struct kith_instance *in = name ? kith_node_instance(kith_client_node(c), name) : NULL;
    words[strings_of(json_object_get(request, "words"), words)] = NULL;
    if (!in || !in->plugin->command) {
        kith_client_fail(c, KITH_ENOTFOUND,
                         in ? "%s takes no commands" : "no transport or delegate is called '%s'",
                         name ? name : "");
        return;
    }
    struct kith_error err = {.size = sizeof err};
    struct kith_buf text;
    int rc = run_command(in, words, &text, &err);
    if (rc < 0)
        kith_client_fail(c, rc, "%s: %s", name, *err.text ? err.text : kith_code_text(rc));
    else
        kith_client_answer(
            c, json_pack("{s:o}", "output", kith_json_bytes(kith_bytes_of(text.data, text.len))));
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
    if (!kith_node_ready(kith_client_node(c))) {
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
