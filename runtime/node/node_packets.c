/*
 * node_packets.c - the way of a packet between transport, pipeline and core, and how big it may be.
 * Knows nothing of what messages mean.
 */
#include "inside.h"
#include <stdlib.h>

/* ------------------------------------------------------------------------------- how big it is */

struct kith_core_budget kith_packets_fit(uint64_t limit, const struct kith_settings *s,
                                         struct kith_room room)
{
    bool own = s->udp_buffer_size <= limit;
    uint64_t most = own ? s->udp_buffer_size : limit, layers = (uint64_t)room.head + room.tail;
    return (struct kith_core_budget){
        .bytes = most > layers ? (size_t)(most - layers) : 0,
        .limit = own ? "udp_buffer_size" : "the transport's limit",
    };
}

struct kith_core_budget kith_packets_budget(void *ctx, const struct kith_peer *to)
{
    struct kith *k = ctx;
    uint64_t limit = k->packet_limit;
    if (to && k->link->ops->packet_limit) limit = kith_link_packet_limit(k->link, to);
    return kith_packets_fit(limit, &k->config->settings, k->room);
}

/* The file was taken because the transport gave, say, encryption. If that is gone and no codec
 * gives it, what is sent would be in plain text. */
static void see_provides(struct kith *k, uint32_t provides)
{
    static const char *const words[] = {"compression", "checks", "authentication", "encryption"};
    struct kith_link *l = k->link;
    uint32_t lost =
        kith_pipeline_unmet(k->pipeline, provides) & ~kith_pipeline_unmet(k->pipeline, l->promised);
    bool was = *l->mute;
    if (!lost) {
        *l->mute = 0;
        if (was) kith_node_log(k, KITH_LOG_INFO, "%s: it sends again", kith_instance_name(l->in));
        return;
    }
    unsigned bit = 0;
    while (!(lost & 1u << bit)) bit++;
    snprintf(l->mute, sizeof l->mute,
             "the transport gives no %s any more, which `require` asks for: nothing is sent",
             bit < sizeof words / sizeof *words ? words[bit] : "layer");
    if (!was) kith_node_log(k, KITH_LOG_ERROR, "%s: %s", kith_instance_name(l->in), l->mute);
}

void kith_packets_measure_again(struct kith *k)
{
    struct kith_limits limits = kith_link_limits(k->link);
    struct kith_link *l = k->link;
    struct kith_error err = {.size = sizeof err};
    see_provides(k, limits.provides);
    int rc = kith_link_check(l, &err);
    if (!rc && k->core) {
        rc = kith_core_check(k->core, &k->config->settings,
                             kith_packets_fit(limits.packet, &k->config->settings, k->room), &err);
        if (rc) kith_instance_failed(l->in, rc, "say its limits", &err);
    }
    if (rc) {
        snprintf(l->unfit, sizeof l->unfit, "its new limits are not taken: %.200s", err.text);
        kith_node_log(k, KITH_LOG_ERROR, "%s; they stay as they were", err.text);
    } else {
        kith_packets_measure(k);
    }
}

void kith_packets_measure(struct kith *k)
{
    struct kith_limits limits = kith_link_limits(k->link);
    see_provides(k, limits.provides);
    *k->link->unfit = 0;
    k->packet_limit = limits.packet;
    k->stream_window = limits.stream_window;
    k->link_head = limits.headroom;
    k->link_tail = limits.tailroom;
    k->room = kith_pipeline_room(k->pipeline);
}

/* ---------------------------------------------------------------------------------------- out */

/* A codec may have left the packet in a buffer without the room that the transport was promised. */
static struct kith_buf *make_room(struct kith *k, struct kith_buf *buf)
{
    if (kith_buf_headroom(buf) >= k->link_head && kith_buf_tailroom(buf) >= k->link_tail)
        return buf;
    struct kith_buf *mine = &k->bounce;
    size_t need = (size_t)k->link_head + buf->len + k->link_tail;
    if (mine->cap < need) {
        uint8_t *grown = realloc(mine->base, need);
        if (!grown) return NULL;
        mine->base = grown;
        mine->cap = need;
    }
    mine->data = mine->base + k->link_head;
    mine->len = buf->len;
    memcpy(mine->data, buf->data, buf->len);
    return mine;
}

/* The log limits how many such lines there are. */
static void unsent(struct kith *k, const struct kith_addr *to, int rc)
{
    char text[KITH_ADDR_TEXT];
    if (!kith_log_wanted(k->log, KITH_LOG_WARN)) return;
    kith_node_format(k, to, text, sizeof text);
    kith_node_log(k, KITH_LOG_WARN, "packet to %s not sent: %s", text, kith_code_text(rc));
}

void kith_packets_out(struct kith *k, const struct kith_output *out)
{
    struct kith_buf *buf = out->buf;
    size_t plain = buf->len;
    if (k->traffic_watched) kith_traffic_begin(k);
    int rc = kith_pipeline_seal_packet(k->pipeline, buf, &out->peer);
    if (k->traffic_watched)
        kith_traffic_end(k, &(struct kith_traffic){.plane = KITH_PACKET,
                                                   .out = true,
                                                   .peer = &out->peer,
                                                   .plain = plain,
                                                   .wire = buf->len,
                                                   .status = rc});
    size_t wire = buf->len;
    if (rc >= 0) {
        buf = make_room(k, buf);
        rc = buf ? kith_link_send_packet(k->link, &out->peer, buf) : -KITH_ENOMEM;
    }
    if (rc < 0) {
        k->packets_unsent++;
        unsent(k, out->peer.addr, rc);
        return;
    }
    k->packets_out++;
    k->bytes_out += wire;
}

/* ----------------------------------------------------------------------------------------- in */

/* " (require: compress, encrypt)" */
static const char *required(const struct kith *k, char *out, size_t cap)
{
    uint32_t bits = k->config->chain.require;
    const char *between = " (require: ";
    size_t n = 0;
    *out = 0;
    for (unsigned i = 0; kith_requirements[i]; i++) {
        if (!(bits & 1u << i)) continue;
        n += (size_t)snprintf(out + n, cap - n, "%s%s", between, kith_requirements[i]);
        between = ", ";
    }
    if (n) snprintf(out + n, cap - n, ")");
    return out;
}

/* A log line for a person; the log itself limits how many. */
static void refused(struct kith *k, const struct kith_addr *from, enum kith_refusal why)
{
    char needed[80];
    char text[KITH_ADDR_TEXT];
    k->packets_refused++;
    if (!kith_log_wanted(k->log, KITH_LOG_WARN)) return;
    kith_node_format(k, from, text, sizeof text);
    kith_node_log(k, KITH_LOG_WARN, "packet from %s refused: %s%s", text, kith_refusal_text(why),
                  why == KITH_REFUSED_POLICY ? required(k, needed, sizeof needed) : "");
}

void kith_packets_in(struct kith *k, const struct kith_peer *from, struct kith_buf *buf,
                     uint64_t received_at)
{
    k->packets_in++;
    k->bytes_in += buf->len;
    if (++k->turn_packets > KITH_TURN_MOST_PACKETS) {
        k->packets_over++;
        return;
    }
    enum kith_refusal why = KITH_REFUSED_MALFORMED;
    size_t whole = buf->len;
    if (k->traffic_watched) kith_traffic_begin(k);
    int rc = kith_pipeline_open_packet(k->pipeline, buf, from, &why);
    if (k->traffic_watched)
        kith_traffic_end(k, &(struct kith_traffic){.plane = KITH_PACKET,
                                                   .peer = from,
                                                   .plain = buf->len,
                                                   .wire = whole,
                                                   .status = rc,
                                                   .why = why});
    if (rc < 0) {
        refused(k, from->addr, why);
        return;
    }
    uint64_t now = kith_node_now(k);
    kith_core_packet(k->core, now, received_at < now ? received_at : now, from, buf->data, buf->len,
                     whole);
}
