/*
 * control_report.c - a member as JSON, for programs: numbers are numbers, bytes are base64, names
 * are text.
 */
#include "control_inside.h"

static const char *const states[] = {"alive", "suspect", "dead", "left"};

int kith_state_parse(const char *text)
{
    for (int i = 0; text && i < 4; i++)
        if (!strcmp(text, states[i])) return i;
    return -KITH_EINVAL;
}

static json_t *versions(const uint8_t v[3])
{
    return json_pack("{s:i,s:i,s:i}", "min", v[0], "max", v[1], "version", v[2]);
}

json_t *kith_report_member(struct kith *k, const struct kith_member *m)
{
    char address[KITH_ADDR_TEXT], addr[KITH_ADDR_TEXT];
    struct kith_addr host = m->addr;
    host.port = 0; /* formatted without it */
    kith_node_format(k, &m->addr, address, sizeof address);
    kith_node_format(k, &host, addr, sizeof addr);
    json_t *out =
        json_pack("{s:o,s:o,s:o,s:i,s:s,s:I,s:o,s:o,s:o}", "name", kith_json_name(m->name),
                  "address", kith_json_text(address), "addr", kith_json_text(addr), "port",
                  (int)m->addr.port, "state", states[m->state & 3], "incarnation",
                  (json_int_t)m->incarnation, "meta", kith_json_base64(m->meta), "protocol",
                  versions(m->versions), "delegate_protocol", versions(m->versions + 3));
    if (out && m->accuser.len) json_object_set_new(out, "accuser", kith_json_name(m->accuser));
    uint64_t now = kith_node_now(k);
    if (out && m->since && m->since <= now)
        json_object_set_new(out, "since_seconds",
                            json_real((double)((now - m->since) / 1000000u) / 1e3));
    return out;
}
