/*
 * control_commands.c - what may be asked on the control socket: a table of commands, each a
 * function that answers at once or lets the node answer later. docs/CONTROL.md is its description.
 */
#include "control_inside.h"
#include <sodium.h>
#include <stdlib.h>

enum { TAGS_MAX = 64, META_CAP = 4096, CHANNEL_MAX = 63 };
#define LEAVE_TIMEOUT 5000000000u /* ns, when the request says nothing */
#define WAIT_TIMEOUT  30000000000u

static const struct kith_node *node_of(struct kith_client *c)
{
    return kith_table(kith_client_node(c));
}

/* --------------------------------------------------------------------------------- arguments */

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

static struct kith_bytes text_of(const json_t *string)
{
    return kith_bytes_of(json_string_value(string), json_string_length(string));
}

/* Whom a request means. */
struct whom {
    struct kith_peer peer;
    struct kith_addr addr;
    uint8_t name[KITH_SHOWN_ROOM(KITH_NAME_LIMIT)];
};

/* An address as the transport writes it; a name that somebody must resolve is none. */
static int address_of(struct kith *k, struct kith_bytes text, struct kith_addr *out)
{
    const char *entry = kith_node_config(k)->transport.name;
    struct kith_instance *in = kith_node_instance(k, kith_text(entry));
    const struct kith_transport_ops *ops = in ? in->plugin->ops : NULL;
    struct kith_bytes host;
    return ops ? ops->parse(in->self, text, out, &host) : -KITH_EINVAL;
}

/* `node` and `to` read better in some requests, and mean the same. */
static const json_t *name_in(const json_t *request)
{
    const json_t *name = json_object_get(request, "name");
    if (!name) name = json_object_get(request, "node");
    return name ? name : json_object_get(request, "to");
}

/* The member that is called `name`, or who has the `address`. False: answered already. */
static bool whom_of(struct kith_client *c, const json_t *request, struct whom *out)
{
    const json_t *name = name_in(request), *address = json_object_get(request, "address");
    out->peer = (struct kith_peer){.size = sizeof out->peer};
    if (json_is_string(name) == json_is_string(address)) {
        kith_client_fail(c, KITH_EINVAL, "name (a member's) or address is missing");
        return false;
    }
    if (address) {
        out->peer.addr = &out->addr;
        if (address_of(kith_client_node(c), text_of(address), &out->addr) == 0) return true;
        kith_client_fail(c, KITH_EINVAL, "'%s' is no address of this node's transport",
                         json_string_value(address));
        return false;
    }
    struct kith_member member = {.size = sizeof member};
    int rc = kith_json_unshow(name, out->name, &out->peer.name);
    if (rc == -KITH_EINVAL) {
        kith_client_fail(c, rc, "'%s': a backslash in a name is written \\\\, another byte \\xNN",
                         json_string_value(name));
        return false;
    }
    if (rc == 0 && node_of(c)->member(node_of(c), out->peer.name, &member) == 0) return true;
    kith_client_fail(c, KITH_ENOTFOUND, "no member is called '%s'", json_string_value(name));
    return false;
}

/* ----------------------------------------------------------------------------------- waiting */

static bool enough(const struct kith_wait *w, uint64_t n)
{
    return w->exactly ? n == w->count : n >= w->count;
}

static bool members_hold(struct kith_client *c, const struct kith_wait *w)
{
    enum kith_state state = (enum kith_state)kith_state_parse(w->what);
    return enough(w, kith_node_count(kith_client_node(c), state));
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
        wait.answer(c, &wait);
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
    kith_client_wait(c, &wait, kith_control_timeout(request, WAIT_TIMEOUT));
}

static void do_members(struct kith_client *c, const json_t *request)
{
    answer_when(c, request,
                (struct kith_wait){.holds = members_hold, .answer = kith_members_answer});
}

static void do_info(struct kith_client *c, const json_t *request)
{
    answer_when(c, request, (struct kith_wait){.holds = monitors_hold, .answer = kith_info_answer});
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
    if (stop && !kith_node_ready(kith_client_node(c))) { /* nobody knows it: it just ends */
        kith_client_answer(c, json_pack("{s:i}", "value", 0));
        kith_stop(kith_client_node(c));
        return;
    }
    kith_client_pend(c);
    taken(c, node->leave(node, kith_control_timeout(request, LEAVE_TIMEOUT),
                         stop ? stop_after_leave : kith_client_done, c));
}

/* `raw`, or on a `channel`; without either on that of users. False: answered already. */
static bool channel_of(struct kith_client *c, const json_t *request, struct kith_bytes *channel)
{
    const json_t *given = json_object_get(request, "channel");
    const bool raw = json_is_true(json_object_get(request, "raw"));
    const size_t len = json_string_length(given);
    *channel = given ? text_of(given) : kith_text(raw ? "" : KITH_USER_CHANNEL);
    if (!given || (!raw && len > 0 && len <= CHANNEL_MAX)) return true;
    kith_client_fail(c, KITH_EINVAL,
                     raw ? "a message is raw or on a channel"
                         : "channel is a name of 1 to 63 bytes");
    return false;
}

/* A message with the request's bytes, to `peer` or to all. */
static void say(struct kith_client *c, const json_t *request, struct kith_message *message)
{
    size_t len;
    if (!channel_of(c, request, &message->channel)) return;
    if (message->channel.len && (message->key.len || message->priority)) {
        kith_client_fail(c, KITH_EINVAL, "key and priority are for a raw broadcast");
        return;
    }
    uint8_t *bytes = payload_of(c, request, &len);
    if (!bytes) return;
    message->bytes = kith_bytes_of(bytes, len);
    kith_client_pend(c);
    taken(c, node_of(c)->send(node_of(c), message, kith_client_done, c));
    free(bytes);
}

static void do_send(struct kith_client *c, const json_t *request)
{
    struct whom to;
    bool reliable = json_is_true(json_object_get(request, "reliable"));
    if (!whom_of(c, request, &to)) return;
    say(c, request,
        &(struct kith_message){.size = sizeof(struct kith_message),
                               .flags = reliable ? KITH_RELIABLE : 0,
                               .peer = &to.peer});
}

static void do_broadcast(struct kith_client *c, const json_t *request)
{
    const json_t *priority = json_object_get(request, "priority");
    json_int_t first = json_integer_value(priority);
    if (priority && (!json_is_integer(priority) || first < 0 || first > UINT32_MAX)) {
        kith_client_fail(c, KITH_EINVAL, "priority is a number from 0; smaller ones go first");
        return;
    }
    say(c, request,
        &(struct kith_message){.size = sizeof(struct kith_message),
                               .priority = (uint32_t)first,
                               .key = text_of(json_object_get(request, "key"))});
}

static void do_ping(struct kith_client *c, const json_t *request)
{
    struct whom whom;
    if (!whom_of(c, request, &whom)) return;
    kith_client_pend(c);
    taken(c, node_of(c)->ping(node_of(c), &whom.peer, kith_client_done, c));
}

static void set_meta(struct kith_client *c, const uint8_t *bytes, size_t len)
{
    const struct kith_node *node = node_of(c);
    struct kith_bytes meta = kith_bytes_of(bytes, len);
    kith_client_pend(c);
    int rc = node->set_meta(node, &meta, kith_client_done, c);
    if (rc != -KITH_EACCES) {
        taken(c, rc);
        return;
    }
    kith_client_unpend(c);
    kith_client_fail(c, rc, "a delegate gives this node's meta");
}

/* "name=value" */
static bool tag_of(const json_t *item, struct kith_pair *out)
{
    struct kith_bytes text = text_of(item);
    const uint8_t *eq = text.len ? memchr(text.data, '=', text.len) : NULL;
    if (!eq || eq == text.data) return false;
    size_t n = (size_t)(eq - text.data);
    *out = (struct kith_pair){kith_bytes_of(text.data, n), kith_bytes_of(eq + 1, text.len - n - 1)};
    return true;
}

static void set_tags(struct kith_client *c, const json_t *tags)
{
    struct kith_pair pairs[TAGS_MAX];
    uint8_t packed[META_CAP];
    size_t n = json_array_size(tags), i = 0;
    int rc = -KITH_EINVAL;
    if (json_is_array(tags) && n <= TAGS_MAX)
        while (i < n && tag_of(json_array_get(tags, i), &pairs[i])) i++;
    if (json_is_array(tags) && i == n) rc = kith_meta_from_tags(pairs, n, packed, sizeof packed);
    if (rc < 0)
        kith_client_fail(c, rc, "tags is a list of up to %d texts of the form name=value",
                         TAGS_MAX);
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

/* --------------------------------------------------------------------------------- the table */

static const struct {
    const char *name;
    void (*run)(struct kith_client *, const json_t *);
    bool early; /* also of a node that is no member yet */
} commands[] = {
    {"members", do_members},
    {"info", do_info},
    {"join", kith_control_join},
    {"leave", do_leave, true},
    {"send", do_send},
    {"broadcast", do_broadcast},
    {"ping", do_ping},
    {"meta", do_meta},
    {"reload", do_reload},
    {"keys", kith_control_keys},
    {"command", kith_control_call},
    {"monitor", kith_control_monitor},
};

void kith_control_command(struct kith_client *c, const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "cmd"));
    size_t i = 0, count = sizeof commands / sizeof *commands;
    while (i < count && (!name || strcmp(name, commands[i].name) != 0)) i++;
    if (i == count)
        kith_client_fail(c, KITH_EUNSUPPORTED, "no command is called '%s'", name ? name : "");
    else if (!commands[i].early && !kith_node_ready(kith_client_node(c)))
        kith_client_fail(c, KITH_EAGAIN, "the node is starting");
    else
        commands[i].run(c, request);
}
