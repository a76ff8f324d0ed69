/*
 * control_event.c - an event, or a message of a member, as the object that `kith monitor` shows
 * (docs/CONTROL.md). Knows nothing of clients.
 */
#include "control_inside.h"

static const char *name_of(const struct kith_event *e)
{
    switch (e->kind) {
    case KITH_EVENT_JOIN: return "join";
    case KITH_EVENT_LEAVE: return "leave";
    case KITH_EVENT_UPDATE: return "update";
    case KITH_EVENT_CONFLICT: return "conflict";
    case KITH_EVENT_PING: return "ping";
    case KITH_EVENT_SUSPECT:
        return e->member && e->member->state == KITH_ALIVE ? "cleared" : "suspect";
    case KITH_EVENT_LOST: return "lost";
    case KITH_EVENT_STARTED: return "started";
    case KITH_EVENT_JOINED: return "joined";
    case KITH_EVENT_REFUTED: return "refuted";
    case KITH_EVENT_RELOADED: return "reloaded";
    case KITH_EVENT_KEYS: return "keys";
    default: return NULL;
    }
}

/* Whose hands it came from, as far as it is known. */
static void add_peer(struct kith *k, json_t *out, const struct kith_peer *peer)
{
    char addr[KITH_ADDR_TEXT];
    if (!peer) return;
    if (peer->addr) {
        kith_node_format(k, peer->addr, addr, sizeof addr);
        json_object_set_new(out, "peer", kith_json_text(addr));
    }
    if (peer->name.len) json_object_set_new(out, "from", kith_json_name(peer->name));
    if (peer->identity.len) json_object_set_new(out, "identity", kith_json_name(peer->identity));
}

/* Fields are pairs, because their names need not differ. */
static json_t *fields(const struct kith_event *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < e->field_count; i++)
        json_array_append_new(list,
                              json_pack("{s:o,s:o}", "name", kith_json_name(e->fields[i].name),
                                        "value", kith_json_name(e->fields[i].value)));
    return list;
}

/* "serf.user_event" */
static json_t *emitted(struct kith *k, const struct kith_event *e)
{
    char name[512];
    size_t n = kith_show(name, sizeof name / 2, e->by);
    name[n++] = '.';
    kith_show(name + n, sizeof name - n, e->name);
    json_t *out = json_pack("{s:s,s:o}", "event", name, "fields", fields(e));
    if (out && e->data.len) json_object_set_new(out, "payload", kith_json_base64(e->data));
    if (out && e->member) json_object_set_new(out, "member", kith_report_member(k, e->member));
    return out;
}

static void add_number(json_t *out, const char *key, uint64_t number)
{
    json_object_set_new(out, key, json_integer((json_int_t)number));
}

json_t *kith_event_json(struct kith *k, const struct kith_event *e)
{
    if (e->kind == KITH_EVENT_EMITTED) return emitted(k, e);
    const char *name = name_of(e);
    json_t *out = !name ? NULL : e->member ? kith_report_member(k, e->member) : json_object();
    if (!out) return NULL;
    json_object_set_new(out, "event", json_string(name));
    if (e->other) json_object_set_new(out, "other", kith_report_member(k, e->other));
    if (e->kind == KITH_EVENT_PING) {
        add_number(out, "rtt_ns", e->number);
        json_object_set_new(out, "payload", kith_json_base64(e->data));
    }
    if (e->kind == KITH_EVENT_REFUTED) add_number(out, "incarnation", e->number);
    if (e->kind == KITH_EVENT_LOST) {
        add_number(out, "messages", e->number);
        json_object_set_new(out, "origin", kith_json_name(e->data));
        json_object_set_new(out, "missed", json_boolean(!e->peer));
    }
    add_peer(k, out, e->peer);
    return out;
}

json_t *kith_message_json(struct kith *k, const struct kith_message *m)
{
    json_t *out = json_pack("{s:s,s:o,s:b}", "event", "message", "payload",
                            kith_json_base64(m->bytes), "reliable", !!(m->flags & KITH_RELIABLE));
    if (out && m->channel.len) {
        json_object_set_new(out, "channel", kith_json_name(m->channel));
        json_object_set_new(out, "relayed", json_boolean(m->flags & KITH_RELAYED));
    }
    if (out) add_peer(k, out, m->peer);
    return out;
}
