/*
 * delegate_table.c - what a delegate may ask of its node: the node's own table, bound to the
 * delegate's channel and to what its entry allows.
 *
 * Reads go on as they are. Changes are checked here for what the node does not know: who may change
 * keys and meta, who may speak raw, how much goes to strangers.
 */
#include "delegates_parts.h"

static struct kith_listener *listener_of(const struct kith_node *node)
{
    return (struct kith_listener *)node;
}
static const struct kith_node *base_of(const struct kith_node *node)
{
    return listener_of(node)->shared->setup.node;
}

/* Is it another thread's call? It is blamed for later, and must look at nothing that changes. */
static bool foreign(const struct kith_node *node, const char *call)
{
    const struct kith_listener *l = listener_of(node);
    const struct kith_host_maker *maker = l->shared->setup.maker;
    return maker->foreign && maker->foreign(l->host, call);
}

/* --------------------------------------------------------------------------------- its frame */

struct kith_bytes kith_delegates_name(struct kith_delegates_shared *shared)
{
    if (!shared->name_len && shared->setup.node->local) {
        struct kith_member self = {.size = sizeof self};
        shared->setup.node->local(shared->setup.node, &self);
        size_t len = self.name.len <= KITH_CHANNEL_SENDER_MAX ? self.name.len : 0;
        if (len && kith_scratch_room(&shared->name, len + 1)) {
            memcpy(shared->name.data, self.name.data, len);
            shared->name.data[len] = 0;
            shared->name_len = len;
        }
    }
    return kith_bytes_of(shared->name.data, shared->name_len);
}

size_t kith_listener_head(struct kith_listener *l)
{
    if (!l->channel.len) return 0;
    return kith_channel_head(l->channel.len, kith_delegates_name(l->shared).len);
}

/* -------------------------------------------------------------------------- what it hands over */

static int unsound(const struct kith_node *n, const char *what)
{
    kith_listener_blame(listener_of(n), what);
    return -KITH_EINVAL;
}

/* Whom it names, as today's header knows it: 0, or -KITH_EINVAL. */
static int take_peer(const struct kith_node *n, const struct kith_peer *from,
                     struct kith_peer *peer)
{
    if (!from) return unsound(n, "asks something of a peer that is NULL");
    if (!KITH_TAKE(peer, from)) return unsound(n, "gave a peer whose size no header has");
    if (!peer->addr) return 0;
    if (!kith_addr_sound(peer->addr)) return unsound(n, "gave an address that is too long");
    return peer->addr->len ? 0 : -KITH_EINVAL;
}

/* ------------------------------------------------------------------------------------- reads */

static size_t node_members(const struct kith_node *n, uint64_t *cursor, size_t max,
                           bool (*visit)(void *arg, const struct kith_member *), void *arg)
{
    bool stray = foreign(n, "members");
    if (!stray && visit && cursor) return base_of(n)->members(base_of(n), cursor, max, visit, arg);
    if (!stray) (void)unsound(n, "asks for members without a visit or a cursor");
    if (cursor) *cursor = UINT64_MAX;
    return 0;
}

static int node_member(const struct kith_node *n, struct kith_bytes name, struct kith_member *out)
{
    if (foreign(n, "member")) return -KITH_EINVAL;
    if (!out) return unsound(n, "asks for a member and gives no room for it");
    return base_of(n)->member(base_of(n), name, out);
}

static void node_local(const struct kith_node *n, struct kith_member *out)
{
    static const struct kith_member nobody = {.size = sizeof nobody};
    if (foreign(n, "local")) {
        if (out) KITH_GIVE(out, &nobody);
    } else if (out)
        base_of(n)->local(base_of(n), out);
    else
        (void)unsound(n, "asks for this node and gives no room for it");
}

static void node_stats(const struct kith_node *n,
                       void (*visit)(void *arg, const struct kith_stat *), void *arg)
{
    if (foreign(n, "stats")) return;
    if (visit)
        base_of(n)->stats(base_of(n), visit, arg);
    else
        (void)unsound(n, "asks for numbers without a visit");
}

static int node_format(const struct kith_node *n, const struct kith_addr *addr, char *out,
                       size_t cap)
{
    if (foreign(n, "format")) return -KITH_EINVAL;
    if (!addr || !kith_addr_sound(addr) || (cap && !out))
        return unsound(n, "formats what is no address, or gives no room");
    return base_of(n)->format(base_of(n), addr, out, cap);
}

static size_t without(size_t fits, size_t head) { return fits > head ? fits - head : 0; }

/* On a channel: what is relayed, or a frame that is gossiped where nothing is. */
static size_t fits_all(const struct kith_node *n)
{
    size_t relayed = base_of(n)->fits(base_of(n), KITH_FITS_RELAYED, NULL);
    if (relayed) return without(relayed, listener_of(n)->channel.len);
    size_t fits = base_of(n)->fits(base_of(n), KITH_FITS_BROADCAST, NULL);
    return without(fits, kith_listener_head(listener_of(n)));
}

static size_t node_fits(const struct kith_node *n, enum kith_fits what, const struct kith_peer *to)
{
    if (foreign(n, "fits")) return 0;
    struct kith_peer peer;
    if (to && take_peer(n, to, &peer)) return 0;
    if (what == KITH_FITS_BROADCAST && listener_of(n)->channel.len) return fits_all(n);
    size_t fits = base_of(n)->fits(base_of(n), what, to ? &peer : NULL);
    bool whole = what != KITH_FITS_PACKET && what != KITH_FITS_STREAM;
    return whole ? fits : without(fits, kith_listener_head(listener_of(n)));
}

/* ----------------------------------------------------------------------------------- changes */

/* Ask with a request in place of done and arg; `call` is an expression that uses them as done_ and
 * r_. */
#define ASK(n, done_fn, arg_ptr, call) \
    do { \
        struct kith_delegate_request *r_ = NULL; \
        kith_done_fn *done_ = (done_fn) ? kith_delegate_request_done : NULL; \
        if (done_ && !(r_ = kith_delegate_request_new(listener_of(n), done_fn, arg_ptr))) \
            return -KITH_ENOMEM; \
        int rc_ = call; \
        if (rc_ < 0 && r_) kith_delegate_request_free(r_); \
        return rc_; \
    } while (0)

static int node_join(const struct kith_node *n, const struct kith_peer *to, kith_done_fn *done,
                     void *arg)
{
    if (foreign(n, "join")) return -KITH_EINVAL;
    struct kith_peer peer;
    int rc = take_peer(n, to, &peer);
    if (!rc && peer.addr) rc = kith_strangers_allow(listener_of(n)->shared, peer.addr);
    if (rc) return rc;
    ASK(n, done, arg, base_of(n)->join(base_of(n), &peer, done_, r_));
}

static int node_leave(const struct kith_node *n, uint64_t timeout, kith_done_fn *done, void *arg)
{
    if (foreign(n, "leave")) return -KITH_EINVAL;
    ASK(n, done, arg, base_of(n)->leave(base_of(n), timeout, done_, r_));
}

static int node_stop(const struct kith_node *n, int status, const char *why)
{
    if (foreign(n, "stop")) return -KITH_EINVAL;
    char who[512];
    if (status > 0) return unsound(n, "stops the node with a positive status");
    snprintf(who, sizeof who, "%s: %s", kith_listener_name(listener_of(n)),
             why ? why : "it asked for it");
    return base_of(n)->stop(base_of(n), status, who);
}

/* Meta given as bytes would be lost where a delegate gives it. */
static int node_set_meta(const struct kith_node *n, const struct kith_bytes *meta,
                         kith_done_fn *done, void *arg)
{
    if (foreign(n, "set_meta")) return -KITH_EINVAL;
    const struct kith_listener *l;
    for (size_t i = 0; meta && (l = kith_listener_at(listener_of(n)->shared, i)); i++)
        if (l->ops.node_meta) return l == listener_of(n) ? -KITH_EINVAL : -KITH_EACCES;
    ASK(n, done, arg, base_of(n)->set_meta(base_of(n), meta, done_, r_));
}

static int node_ping(const struct kith_node *n, const struct kith_peer *to, kith_done_fn *done,
                     void *arg)
{
    if (foreign(n, "ping")) return -KITH_EINVAL;
    struct kith_peer peer;
    int rc = take_peer(n, to, &peer);
    if (!rc && peer.addr) rc = kith_strangers_allow(listener_of(n)->shared, peer.addr);
    if (rc) return rc;
    ASK(n, done, arg, base_of(n)->ping(base_of(n), &peer, done_, r_));
}

static int node_key(const struct kith_node *n, enum kith_key_change change, struct kith_bytes key,
                    kith_done_fn *done, void *arg)
{
    if (foreign(n, "key")) return -KITH_EINVAL;
    if (!(listener_of(n)->instance->entry->allow & KITH_ALLOW_KEYS)) return -KITH_EACCES;
    ASK(n, done, arg, base_of(n)->key(base_of(n), change, key, done_, r_));
}

static int check_send(struct kith_listener *l, const struct kith_message *m)
{
    const struct kith_peer *to = m->peer;
    if (!l->channel.len && !l->produces) {
        kith_listener_blame(l, "sends without a channel, but does not say that it does "
                               "(KITH_DELEGATE_SENDS): not sent");
        return -KITH_EACCES;
    }
    if (to && !to->addr && !to->name.len) return -KITH_EINVAL;
    if (l->channel.len && !to && (m->key.len || m->priority)) return -KITH_EINVAL;
    return to && to->addr ? kith_strangers_allow(l->shared, to->addr) : 0;
}

static int node_send(const struct kith_node *n, const struct kith_message *asked,
                     kith_done_fn *done, void *arg)
{
    if (foreign(n, "send")) return -KITH_EINVAL;
    struct kith_listener *l = listener_of(n);
    struct kith_message m;
    struct kith_peer peer;
    if (!asked) return unsound(n, "sends a message that is NULL");
    if (!KITH_TAKE(&m, asked)) return unsound(n, "sends a message whose size no header has");
    if (m.bytes.len && !m.bytes.data) return unsound(n, "sends a message with its bytes at NULL");
    int rc = m.peer ? take_peer(n, m.peer, &peer) : 0;
    if (m.peer) m.peer = &peer;
    m.flags &= KITH_RELIABLE; /* the others tell of what came in */
    m.channel = l->channel;
    if (!rc) rc = check_send(l, &m);
    if (rc) return rc;
    ASK(n, done, arg, base_of(n)->send(base_of(n), &m, done_, r_));
}

const struct kith_node kith_delegate_table = {
    .size = sizeof kith_delegate_table,
    .members = node_members,
    .member = node_member,
    .local = node_local,
    .stats = node_stats,
    .format = node_format,
    .fits = node_fits,
    .join = node_join,
    .leave = node_leave,
    .stop = node_stop,
    .set_meta = node_set_meta,
    .send = node_send,
    .ping = node_ping,
    .key = node_key,
};
