/*
 * table.c - struct kith_node: what delegates, the control socket and embedders may ask of a node.
 * Reads answer from the core at once; changes go to the queue of commands.c, or through the
 * resolver first.
 */
#include "inside.h"
#include <stdlib.h>

static struct kith *of(const struct kith_node *table)
{
    return (struct kith *)((char *)(uintptr_t)table - offsetof(struct kith, table));
}

static size_t table_members(const struct kith_node *table,
                            bool (*visit)(void *arg, const struct kith_member *), void *arg)
{
    struct kith *k = of(table);
    size_t n = k->core ? kith_core_size(k->core) : 0, i = 0;
    for (bool go = visit != NULL; go && i < n; i++) {
        struct kith_member m = {.size = sizeof m};
        kith_core_member(k->core, i, &m);
        go = visit(arg, &m);
    }
    return n;
}

static int table_member(const struct kith_node *table, const char *name, struct kith_member *out)
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
    uint32_t room = out->size < sizeof *out ? out->size : sizeof *out; /* of whom asks */
    memset(out, 0, room);
    if (room >= sizeof out->size) out->size = room;
}

static void table_stats(const struct kith_node *table,
                        void (*visit)(void *arg, const struct kith_stat *), void *arg)
{
    kith_stats_visit(of(table), visit, arg);
}

static int table_format(const struct kith_node *table, const struct kith_addr *addr, char *out,
                        size_t cap)
{
    struct kith *k = of(table);
    return k->ops->format(k->transport->self, addr, out, cap);
}

static int table_resolve(const struct kith_node *table, const char *host,
                         void (*done)(void *arg, int status, const struct kith_addr *, size_t n),
                         void *arg)
{
    struct kith *k = of(table);
    struct kith_where place;
    int rc = kith_where_parse(&place, host, k->default_port, NULL);
    return rc ? rc : kith_resolve(k->resolver, place.host, place.port, done, arg, NULL);
}

static int table_join(const struct kith_node *table, const char *where, kith_done_fn *done,
                      void *arg)
{
    return kith_join(of(table), where, done, arg);
}

static int table_leave(const struct kith_node *table, uint64_t timeout, kith_done_fn *done,
                       void *arg)
{
    struct kith_command c = {.kind = KITH_DO_LEAVE, .timeout = timeout, .done = done, .arg = arg};
    return kith_commands_add(of(table), &c);
}

static int table_set_meta(const struct kith_node *table, struct kith_bytes meta, kith_done_fn *done,
                          void *arg)
{
    struct kith_command c = {.kind = KITH_DO_META,
                             .bytes = meta,
                             .timeout = KITH_UPDATE_TIMEOUT,
                             .done = done,
                             .arg = arg};
    return kith_commands_add(of(table), &c);
}

static int table_broadcast(const struct kith_node *table, struct kith_bytes bytes,
                           kith_done_fn *done, void *arg)
{
    struct kith_command c = {.kind = KITH_DO_BROADCAST, .bytes = bytes, .done = done, .arg = arg};
    return kith_commands_add(of(table), &c);
}

static int table_send(const struct kith_node *table, const char *name, struct kith_bytes bytes,
                      bool reliable, kith_done_fn *done, void *arg)
{
    struct kith_command c = {.kind = KITH_DO_SEND,
                             .name = name,
                             .bytes = bytes,
                             .reliable = reliable,
                             .done = done,
                             .arg = arg};
    return kith_commands_add(of(table), &c);
}

static int table_ping(const struct kith_node *table, const char *name, kith_done_fn *done,
                      void *arg)
{
    struct kith_command c = {.kind = KITH_DO_PING, .name = name, .done = done, .arg = arg};
    return kith_commands_add(of(table), &c);
}

void kith_table_init(struct kith *k)
{
    k->table = (struct kith_node){
        .size = sizeof k->table,
        .members = table_members,
        .member = table_member,
        .local = table_local,
        .stats = table_stats,
        .format = table_format,
        .resolve = table_resolve,
        .join = table_join,
        .leave = table_leave,
        .set_meta = table_set_meta,
        .broadcast = table_broadcast,
        .send = table_send,
        .ping = table_ping,
    };
}
