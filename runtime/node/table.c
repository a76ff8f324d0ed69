/*
 * table.c - struct kith_node: what delegates, the control socket and embedders may ask of a node.
 * Reads answer from the core at once; changes go to the queue of commands.c.
 */
#include "inside.h"

static const struct kith_desk *desk(const struct kith_node *table)
{
    return (const struct kith_desk *)table;
}

static struct kith *of(const struct kith_node *table) { return desk(table)->k; }

static bool sound(const struct kith_addr *addr) { return !addr || kith_addr_given(addr); }

/* Who is meant, as today's header knows it. false: nobody, or an address that is none. */
static bool take_peer(const struct kith_peer *from, struct kith_peer *to)
{
    return from && KITH_TAKE(to, from) && sound(to->addr);
}

/* -------------------------------------------------------------------------------------- reads */

static size_t table_members(const struct kith_node *table, uint64_t *cursor, size_t max,
                            bool (*visit)(void *arg, const struct kith_member *), void *arg)
{
    struct kith *k = of(table);
    if (k->core) return kith_core_visit(k->core, cursor, max, visit, arg);
    *cursor = UINT64_MAX;
    return 0;
}

static int table_member(const struct kith_node *table, struct kith_bytes name,
                        struct kith_member *out)
{
    struct kith *k = of(table);
    return k->core ? kith_core_find(k->core, name, out) : -KITH_ENOTFOUND;
}

static void table_local(const struct kith_node *table, struct kith_member *out)
{
    struct kith *k = of(table);
    if (k->core) {
        kith_core_self(k->core, out);
        return;
    }
    static const struct kith_member nobody = {.size = sizeof nobody};
    KITH_GIVE(out, &nobody);
}

static void table_stats(const struct kith_node *table,
                        void (*visit)(void *arg, const struct kith_stat *), void *arg)
{
    kith_stats_visit(of(table), visit, arg);
}

static int table_format(const struct kith_node *table, const struct kith_addr *addr, char *out,
                        size_t cap)
{
    if (!sound(addr)) return -KITH_EINVAL;
    return kith_link_format(of(table)->link, addr, out, cap);
}

static size_t table_fits(const struct kith_node *table, enum kith_fits what,
                         const struct kith_peer *to)
{
    struct kith *k = of(table);
    struct kith_peer peer;
    if (!k->core || (to && !take_peer(to, &peer))) return 0;
    return kith_core_fits(k->core, what, to ? &peer : NULL);
}

/* ------------------------------------------------------------------------------------- changes */

static int add(const struct kith_node *table, struct kith_command c, kith_done_fn *done, void *arg)
{
    c.done = done;
    c.arg = arg;
    c.delegates = desk(table)->delegates;
    return kith_commands_add(of(table), &c);
}

static int table_join(const struct kith_node *table, const struct kith_peer *to, kith_done_fn *done,
                      void *arg)
{
    struct kith_peer peer;
    if (!take_peer(to, &peer) || !peer.addr) return -KITH_EINVAL;
    return add(table, (struct kith_command){.kind = KITH_DO_JOIN, .peer = &peer}, done, arg);
}

static int table_leave(const struct kith_node *table, uint64_t timeout, kith_done_fn *done,
                       void *arg)
{
    if (!of(table)->begun) return -KITH_EAGAIN; /* nobody knows it yet: there is nothing to leave */
    return add(table, (struct kith_command){.kind = KITH_DO_LEAVE, .timeout = timeout}, done, arg);
}

static int table_stop(const struct kith_node *table, int status, const char *why)
{
    struct kith *k = of(table);
    if (status > 0) return -KITH_EINVAL;
    if (k->closing) return -KITH_ECLOSED;
    kith_node_log(k, status ? KITH_LOG_ERROR : KITH_LOG_INFO, "the node is stopped: %s",
                  why ? why : "a delegate asked for it");
    kith_node_fail(k, status);
    return 0;
}

static int table_set_meta(const struct kith_node *table, const struct kith_bytes *meta,
                          kith_done_fn *done, void *arg)
{
    struct kith_command c = {.kind = meta ? KITH_DO_META : KITH_DO_UPDATE};
    if (meta) c.bytes = *meta;
    if (meta && kith_delegates_gives_meta(of(table)->delegates)) return -KITH_EACCES;
    return add(table, c, done, arg);
}

static int table_send(const struct kith_node *table, const struct kith_message *given,
                      kith_done_fn *done, void *arg)
{
    struct kith_message m;
    struct kith_peer peer;
    if (!KITH_TAKE(&m, given) || (m.peer && !take_peer(m.peer, &peer))) return -KITH_EINVAL;
    bool to_all = m.peer == NULL;
    if (m.channel.len && to_all && (m.key.len || m.priority)) return -KITH_EINVAL;
    struct kith_command c = {
        .kind = to_all ? KITH_DO_BROADCAST : KITH_DO_SEND,
        .peer = to_all ? NULL : &peer,
        .bytes = m.bytes,
        .channel = m.channel,
        .reliable = (m.flags & KITH_RELIABLE) != 0,
    };
    if (to_all) {
        c.key = m.key;
        c.priority = m.priority;
    }
    return add(table, c, done, arg);
}

static int table_ping(const struct kith_node *table, const struct kith_peer *to, kith_done_fn *done,
                      void *arg)
{
    struct kith_peer peer;
    if (!take_peer(to, &peer)) return -KITH_EINVAL;
    return add(table, (struct kith_command){.kind = KITH_DO_PING, .peer = &peer}, done, arg);
}

/* `allow: [keys]` is checked by the delegate's own table (delegate_table.c). */
static int table_key(const struct kith_node *table, enum kith_key_change change,
                     struct kith_bytes key, kith_done_fn *done, void *arg)
{
    return add(table, (struct kith_command){.kind = KITH_DO_KEY, .bytes = key, .change = change},
               done, arg);
}

void kith_table_init(struct kith *k)
{
    k->own.table = (struct kith_node){
        .size = sizeof k->own.table,
        .members = table_members,
        .member = table_member,
        .local = table_local,
        .stats = table_stats,
        .format = table_format,
        .fits = table_fits,
        .join = table_join,
        .leave = table_leave,
        .stop = table_stop,
        .set_meta = table_set_meta,
        .send = table_send,
        .ping = table_ping,
        .key = table_key,
    };
    k->own.k = k;
    k->lent = k->own;
    k->lent.delegates = true;
}
