/*
 * uplink.c - what a transport tells, and the life of its line to the node. Nothing is taken that
 * comes at the wrong time (before the start, after the stop, from inside a call of the node), from
 * another thread, about a stream that is not there, or malformed: it is counted, blamed by name and
 * ignored. What is sound goes to node_packets.c and streams_in.c, which call no transport.
 */
#include "node_streams.h"
#include <stdlib.h>

/* The call that has not returned: into the transport (whoever makes it sets k->call), or into
 * another plugin, from where a table that the transport offers led here. NULL: none. */
static const char *inside(const struct kith_link *l)
{
    const struct kith *k = l->k;
    if (!k->depth && !k->told && !k->in_turn && !k->call) return NULL;
    if (k->call) return k->call;
    if (l->in && kith_instance_inside(l->in)) return "command or refresh";
    return k->depth ? "a call of another plugin" : k->told ? "an upcall" : "the end of a turn";
}

/* The node's thread blames for it later. */
static bool foreign(const struct kith_link *l, const char *upcall)
{
    return l->k->maker.foreign(l->host, upcall);
}

/* The line, when now is a time to tell something; NULL: blamed. */
static struct kith_link *listen(const struct kith_uplink *table, const char *upcall)
{
    struct kith_link *l = (struct kith_link *)(uintptr_t)table;
    if (foreign(l, upcall)) return NULL;
    const char *call = inside(l);
    if (l->live && !call && l->k->begun) {
        kith_node_wake(l->k);
        return l;
    }
    if (!l->in)
        kith_node_log(l->k, KITH_LOG_ERROR, "a transport that is gone called %s", upcall);
    else if (call)
        kith_instance_blame(l->in, "%s from inside %s", upcall, call);
    else if (!l->live)
        kith_instance_blame(l->in, "%s while it does not run", upcall);
    return NULL; /* transport is up, node not a member yet: ignore, don't blame */
}

/* What is passed on as text has its NUL; transports promise none. false: no memory. */
static bool keep_names(struct kith_link *l, struct kith_peer *peer)
{
    struct kith_bytes name = peer->name, identity = peer->identity;
    if (!name.len && !identity.len) return true;
    size_t need = name.len + identity.len + 2;
    if (l->names_cap < need) {
        uint8_t *grown = realloc(l->names, need);
        if (!grown) return false;
        l->names = grown;
        l->names_cap = need;
    }
    uint8_t *behind = l->names + name.len + 1;
    if (name.len) memcpy(l->names, name.data, name.len);
    if (identity.len) memcpy(behind, identity.data, identity.len);
    behind[-1] = behind[identity.len] = 0;
    peer->name = kith_bytes_of(l->names, name.len);
    peer->identity = kith_bytes_of(behind, identity.len);
    return true;
}

/* A peer as this host knows it, until it is told of the next. false: blamed, or no memory. */
static bool meet(struct kith_link *l, const char *upcall, const struct kith_peer *from,
                 struct kith_peer *peer)
{
    static const struct kith_peer nobody = {.size = sizeof nobody};
    if (!KITH_TAKE(peer, from ? from : &nobody)) {
        kith_instance_blame(l->in, "%s from a peer that says it has %u bytes", upcall, from->size);
        return false;
    }
    if (peer->addr && kith_addr_given(peer->addr)) return keep_names(l, peer);
    kith_instance_blame(l->in, "%s from a peer without an address", upcall);
    return false;
}

static void packet_in(const struct kith_uplink *table, const struct kith_peer *from,
                      struct kith_buf *buf, uint64_t received_at)
{
    struct kith_link *l = listen(table, "packet_in");
    struct kith_peer peer;
    if (!l || !meet(l, "packet_in", from, &peer)) return;
    l->k->told++;
    kith_packets_in(l->k, &peer, buf, received_at);
    l->k->told--;
}

/* ------------------------------------------------------------------------------------ streams */

static int stream_accepted(const struct kith_uplink *table, uint64_t id,
                           const struct kith_peer *from)
{
    struct kith_link *l = listen(table, "stream_accepted");
    struct kith_peer peer;
    if (!l) return -KITH_ECLOSED;
    if (!l->ops->stream_open) {
        kith_instance_blame(l->in, "stream_accepted without stream_open: it has packets only");
        return -KITH_EUNSUPPORTED;
    }
    if (!meet(l, "stream_accepted", from, &peer)) return -KITH_EINVAL;
    if (!kith_stream_id_take(l, "stream_accepted", id)) return -KITH_EINVAL;
    l->k->told++;
    int rc = kith_stream_accepted(l->k, id, &peer);
    l->k->told--;
    return rc;
}

/* The stream that it may tell something of now; NULL: blamed, or nobody listens. */
static struct kith_stream *hear(struct kith_link *l, const char *upcall, uint64_t id)
{
    struct kith_stream *s = l ? kith_stream_by_id(l->k, id) : NULL;
    if (l && !s)
        kith_instance_blame(l->in, "%s of a stream that is not there (%llu)", upcall,
                            (unsigned long long)id);
    if (s) l->k->told++;
    return s;
}

/* The same, of one that is connected and has not finished. */
static struct kith_stream *hear_open(struct kith_link *l, const char *upcall, uint64_t id)
{
    struct kith_stream *s = hear(l, upcall, id);
    if (!s || (s->opened && !s->finished_in)) return s;
    kith_instance_blame(l->in, "%s %s", upcall,
                        s->opened ? "after stream_end" : "before stream_opened");
    l->k->told--;
    return NULL;
}

static void stream_opened(const struct kith_uplink *table, uint64_t id, const struct kith_peer *to)
{
    struct kith_link *l = listen(table, "stream_opened");
    struct kith_stream *s = hear(l, "stream_opened", id);
    struct kith_peer peer;
    if (!s) return;
    if (s->opened)
        kith_instance_blame(l->in, "stream_opened of a stream that is open");
    else if (meet(l, "stream_opened", to, &peer))
        kith_stream_opened(l->k, s, &peer);
    l->k->told--;
}

static void stream_data(const struct kith_uplink *table, uint64_t id, struct kith_bytes bytes)
{
    struct kith_link *l = listen(table, "stream_data");
    struct kith_stream *s = hear_open(l, "stream_data", id);
    if (!s) return;
    kith_stream_data(l->k, s, bytes);
    l->k->told--;
}

static void stream_writable(const struct kith_uplink *table, uint64_t id)
{
    struct kith_link *l = listen(table, "stream_writable");
    struct kith_stream *s = hear(l, "stream_writable", id);
    if (!s) return;
    kith_stream_due(l->k, s);
    l->k->told--;
}

static void stream_end(const struct kith_uplink *table, uint64_t id)
{
    struct kith_link *l = listen(table, "stream_end");
    struct kith_stream *s = hear_open(l, "stream_end", id);
    if (!s) return;
    kith_stream_end(l->k, s);
    l->k->told--;
}

static void stream_closed(const struct kith_uplink *table, uint64_t id, int reason)
{
    struct kith_link *l = listen(table, "stream_closed");
    struct kith_stream *s = hear(l, "stream_closed", id);
    if (!s) return;
    if (reason > 0) kith_instance_blame(l->in, "stream_closed with reason %d", reason);
    kith_stream_closed(l->k, s, kith_code_of(reason));
    l->k->told--;
}

/* ----------------------------------------------------------------------------- of the network */

/* Asked again at the end of the turn; the address also before the node is a member. */
static void changed(const struct kith_uplink *table, uint32_t what)
{
    struct kith_link *l = (struct kith_link *)(uintptr_t)table;
    if (foreign(l, "changed")) return;
    if (!l->live || inside(l)) {
        (void)listen(table, "changed");
        return;
    }
    l->k->changed |= what;
    kith_node_wake(l->k);
}

static void peer_unreachable(const struct kith_uplink *table, const struct kith_addr *addr)
{
    struct kith_link *l = listen(table, "peer_unreachable");
    if (!l) return;
    if (!addr || !kith_addr_given(addr))
        kith_instance_blame(l->in, "peer_unreachable without an address");
    else
        kith_core_unreachable(l->k->core, kith_node_now(l->k), addr);
}

/* --------------------------------------------------------------------------------- the line */

struct kith_link *kith_link_new(struct kith *k, struct kith_instance *in)
{
    struct kith_link *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    l->table = (struct kith_uplink){
        .size = sizeof l->table,
        .packet_in = packet_in,
        .stream_accepted = stream_accepted,
        .stream_opened = stream_opened,
        .stream_data = stream_data,
        .stream_writable = stream_writable,
        .stream_end = stream_end,
        .stream_closed = stream_closed,
        .changed = changed,
        .peer_unreachable = peer_unreachable,
    };
    l->k = k;
    l->in = in;
    l->host = in->host;
    l->ops = in->plugin->ops;
    l->self = in->self;
    l->next = k->links;
    k->links = l;
    l->promised = kith_link_limits(l).provides;
    return l;
}

int kith_link_start(struct kith_link *l, struct kith_link *former, struct kith_error *err)
{
    bool adopts = former && l->in->plugin->adopt;
    l->in->host->uplink = &l->table;
    l->k->call = adopts ? "adopt" : former ? "stop or start" : "start";
    int rc = kith_instance_start(l->in, former ? former->in : NULL, err);
    l->k->call = NULL;
    l->live = !rc;
    if (former) former->live = kith_instance_runs(former->in);
    return rc;
}

void kith_link_end(struct kith_link *l)
{
    if (!l || !l->in) return;
    l->k->call = "stop";
    kith_instance_free(l->in);
    l->k->call = NULL;
    l->live = false;
    l->in = NULL;
}

void kith_links_free(struct kith *k)
{
    for (struct kith_link *l = k->links, *next; l; l = next) {
        next = l->next;
        free(l->names);
        free(l);
    }
    k->links = NULL;
}
