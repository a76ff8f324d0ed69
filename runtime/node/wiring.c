/*
 * wiring.c - the way of a packet between transport, pipeline and core, and the end of a loop turn.
 *
 * A turn: the transport feeds everything that was readable; packets go through the pipeline into
 * the core at once, and what the core answers goes out at once. When nothing more is to be fed the
 * turn ends here: commands, the passing of time, delegates, each followed by draining the core;
 * then one flush, and the one timer moves to the core's deadline. So an ack that was waiting in the
 * socket counts before any timeout does. Knows nothing of what messages mean.
 */
#include "inside.h"

/* Delegates and the ends of commands may ask for more: so many rounds of that in one turn, the rest
 * waits for the next. */
enum { PASSES = 8 };

size_t kith_wiring_budget(void *ctx, const struct kith_addr *to)
{
    struct kith *k = ctx;
    uint64_t limit = k->packet_limit, size = k->config->settings.udp_buffer_size;
    if (to && k->ops->packet_limit) limit = k->ops->packet_limit(k->transport->self, to);
    if (limit > size) limit = size;
    uint64_t room = (uint64_t)k->room.head + k->room.tail;
    return limit > room ? (size_t)(limit - room) : 0;
}

void kith_wiring_measure(struct kith *k)
{
    struct kith_limits limits = {.size = sizeof limits};
    k->ops->limits(k->transport->self, &limits);
    k->packet_limit = limits.packet;
    k->room = kith_pipeline_room(k->pipeline);
}

static void send_packet(struct kith *k, const struct kith_output *out)
{
    struct kith_buf *buf = out->buf;
    size_t plain = buf->len;
    if (k->wire_watched) kith_wire_begin(k);
    int rc = kith_pipeline_seal_packet(k->pipeline, buf, out->pmax);
    if (k->wire_watched)
        kith_wire_end(k, &(struct kith_wire_message){.plane = KITH_PACKET,
                                                     .out = true,
                                                     .peer = out->to,
                                                     .plain = plain,
                                                     .wire = buf->len,
                                                     .status = rc});
    if (rc >= 0)
        rc = k->ops->send_packet(k->transport->self, out->to, out->name ? out->name : "",
                                 kith_bytes_of(buf->data, buf->len));
    if (rc < 0) {
        k->packets_unsent++;
        return;
    }
    k->packets_out++;
    k->bytes_out += buf->len;
}

void kith_wiring_drain(struct kith *k)
{
    struct kith_output out;
    while (kith_core_poll(k->core, &out)) {
        switch (out.kind) {
        case KITH_OUT_PACKET: send_packet(k, &out); break;
        case KITH_OUT_DONE: kith_commands_done(k, out.request, out.status, out.value); break;
        default: kith_streams_out(k, &out); break;
        }
    }
}

/* A log line for a person; the log itself limits how many. */
static void refused(struct kith *k, const struct kith_addr *from, enum kith_refusal why)
{
    static const char *const words[KITH_REFUSED_COUNT] = {
        [KITH_REFUSED_EMPTY] = "it is empty",
        [KITH_REFUSED_LABEL] = "its label is not ours",
        [KITH_REFUSED_DOUBLE_LABEL] = "it has a label though skip_inbound_label_check is set",
        [KITH_REFUSED_POLICY] =
            "a layer is missing that `require` asks for (is encryption configured there?)",
        [KITH_REFUSED_AUTH] = "no installed key could decrypt it",
        [KITH_REFUSED_CHECKSUM] = "its checksum is wrong",
        [KITH_REFUSED_MALFORMED] = "it is malformed",
        [KITH_REFUSED_TOO_BIG] = "it opens to more than is allowed",
        [KITH_REFUSED_LAYERS] = "it has too many layers",
        [KITH_REFUSED_MEMORY] = "there is no memory for it",
        [KITH_REFUSED_BREACH] = "one of our codecs broke its contract",
    };
    char text[KITH_ADDR_TEXT];
    k->packets_refused++;
    if (!kith_log_wanted(k->log, KITH_LOG_WARN)) return;
    kith_node_format(k, from, text, sizeof text);
    kith_node_log(k, KITH_LOG_WARN, "packet from %s refused: %s", text, words[why]);
}

static void packet_in(void *ctx, const struct kith_addr *from, struct kith_buf *buf,
                      uint64_t received_at)
{
    struct kith *k = ctx;
    if (!k->core) return;
    k->packets_in++;
    k->bytes_in += buf->len;
    enum kith_refusal why = KITH_REFUSED_MALFORMED;
    size_t whole = buf->len;
    if (k->wire_watched) kith_wire_begin(k);
    int rc = kith_pipeline_open_packet(k->pipeline, buf, &why);
    if (k->wire_watched)
        kith_wire_end(k, &(struct kith_wire_message){.plane = KITH_PACKET,
                                                     .peer = from,
                                                     .plain = buf->len,
                                                     .wire = whole,
                                                     .status = rc,
                                                     .why = why});
    if (rc < 0) {
        refused(k, from, why);
        return;
    }
    uint64_t now = kith_node_now(k);
    kith_core_packet(k->core, now, received_at < now ? received_at : now, from, buf->data,
                     buf->len);
    kith_wiring_drain(k);
}

static void limits_changed(void *ctx)
{
    struct kith *k = ctx;
    kith_wiring_measure(k);
}

int kith_wiring_attach(struct kith *k, struct kith_instance *transport,
                       const struct kith_settings *s, struct kith_error *err)
{
    k->uplink = (struct kith_uplink){
        .size = sizeof k->uplink,
        .ctx = k,
        .packet_in = packet_in,
        .stream_accepted = kith_streams_accepted,
        .stream_opened = kith_streams_opened,
        .stream_data = kith_streams_data,
        .stream_writable = kith_streams_writable,
        .stream_end = kith_streams_end,
        .stream_closed = kith_streams_closed,
        .limits_changed = limits_changed,
    };
    struct kith_transport_setup setup = {
        .size = sizeof setup,
        .uplink = &k->uplink,
        .tcp_timeout = s->tcp_timeout,
        .buffer_size = s->udp_buffer_size,
    };
    kith_error_clear(err);
    int rc = k->ops->attach(transport->self, &setup, err);
    return rc ? kith_instance_failed(transport, rc, "take its place in the node", err) : 0;
}

/* The end of a turn. */
static void turn_ends(void *ctx)
{
    struct kith *k = ctx;
    if (!k->core) return;
    uint64_t now = kith_node_now(k);
    k->in_turn = true;
    k->woken = false;
    kith_wiring_drain(k);
    kith_core_tick(k->core, now);
    kith_wiring_drain(k);
    bool more = true;
    for (int pass = 0; more && pass < PASSES; pass++) {
        kith_delegates_deliver(k->delegates);
        more = kith_commands_run(k);
        kith_wiring_drain(k);
    }
    uint64_t next = kith_streams_expire(k, now), deadline = kith_core_deadline(k->core);
    if (k->ops->flush) k->ops->flush(k->transport->self);
    k->in_turn = false;
    if (k->observers) kith_observers_turn_ended(k);
    if (more || kith_commands_pending(k)) kith_node_wake(k);
    kith_loop_timer_set(k->timer, deadline < next ? deadline : next);
}

/* The timer itself does nothing: that it fired makes a turn, and a turn has an end. */
static void deadline_reached(void *ctx) {}

int kith_wiring_start(struct kith *k, struct kith_error *err)
{
    k->timer = kith_loop_timer(k->loop, deadline_reached, k);
    k->idle = kith_loop_idle(k->loop, turn_ends, k);
    if (!k->timer || !k->idle) return kith_fail(err, KITH_ENOMEM, "out of memory");
    kith_node_wake(k);
    return 0;
}

void kith_wiring_stop(struct kith *k)
{
    if (k->idle) kith_loop_idle_free(k->idle);
    if (k->timer) kith_loop_timer_free(k->timer);
    k->idle = NULL;
    k->timer = NULL;
    kith_node_unwake(k);
}
