/*
 * loopback_networks.c - the networks of this process, by world and name, and the names on them.
 *
 * A network is there while a node is on it. The list of them is the one thing that all worlds
 * share. Names that no node has any more stay, so that rules and numbers outlive a restart and a
 * dead process is told from a name that never was; they end with the network.
 */
#include "loopback.h"
#include <assert.h>
#include <stdlib.h>

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct kith_lo_net *all;

void kith_lo_lock(struct kith_lo_net *net)
{
    if (!net->world) pthread_mutex_lock(&net->lock);
}

void kith_lo_unlock(struct kith_lo_net *net)
{
    if (!net->world) pthread_mutex_unlock(&net->lock);
}

/* -------------------------------------------------------------------------------------- names */

static struct kith_bytes name_of(const struct kith_addr *a)
{
    return kith_bytes_of(a->bytes, a->len);
}

struct kith_lo_port *kith_lo_port_find(struct kith_lo_net *net, const struct kith_addr *addr)
{
    int i = kith_network_find(net->network, name_of(addr));
    return i < 0 ? NULL : net->ports[i];
}

static void port_free(struct kith_lo_net *net, struct kith_lo_port *p)
{
    assert(!p->ends && !p->arrived.first && !p->heap_count);
    net->ports[p->index] = NULL;
    kith_network_remove(net->network, p->index);
    free(p->heap);
    free(p);
}

static bool is_idle(const struct kith_lo_port *p) { return p && !p->node && !p->ends; }

/* There are no more numbers: one whose node has gone makes room. */
static bool make_room(struct kith_lo_net *net)
{
    for (int i = 0; i < net->port_room; i++) {
        if (!is_idle(net->ports[i])) continue;
        port_free(net, net->ports[i]);
        return true;
    }
    return false;
}

static bool ports_reserve(struct kith_lo_net *net, int index)
{
    if (index < net->port_room) return true;
    int room = net->port_room ? 2 * net->port_room : 16;
    struct kith_lo_port **ports = realloc(net->ports, (size_t)room * sizeof *ports);
    if (!ports) return false;
    memset(ports + net->port_room, 0, (size_t)(room - net->port_room) * sizeof *ports);
    net->ports = ports;
    net->port_room = room;
    return true;
}

struct kith_lo_port *kith_lo_port_get(struct kith_lo_net *net, const struct kith_addr *addr)
{
    struct kith_lo_port *p = kith_lo_port_find(net, addr);
    if (p || !(p = calloc(1, sizeof *p))) return p;
    int i = kith_network_add(net->network, name_of(addr));
    if (i == -KITH_ENOMEM && make_room(net)) i = kith_network_add(net->network, name_of(addr));
    if (i < 0 || !ports_reserve(net, i)) {
        if (i >= 0) kith_network_remove(net->network, i);
        free(p);
        return NULL;
    }
    p->index = i;
    p->addr = *addr;
    p->addr.port = 0;
    net->ports[i] = p;
    return p;
}

void kith_lo_port_hold(struct kith_lo_port *p) { p->ends++; }

void kith_lo_port_drop(struct kith_lo_net *net, struct kith_lo_port *p)
{
    p->ends--;
    if (is_idle(p) && !p->lived) port_free(net, p);
}

/* ----------------------------------------------------------------------------------- networks */

static struct kith_lo_net *net_new(uint64_t world, const char *name)
{
    struct kith_lo_net *net = calloc(1, sizeof *net);
    if (!net) return NULL;
    net->world = world;
    net->name = strdup(name);
    net->network = kith_network_new(0);
    if (net->name && net->network && !pthread_mutex_init(&net->lock, NULL)) return net;
    kith_network_free(net->network);
    free(net->name);
    free(net);
    return NULL;
}

static void net_free(struct kith_lo_net *net)
{
    for (int i = 0; i < net->port_room; i++)
        if (net->ports[i]) port_free(net, net->ports[i]);
    free(net->ports);
    for (unsigned c = 0; c < KITH_LO_CLASSES; c++)
        for (struct kith_lo_item *item; (item = net->spare[c]);) {
            net->spare[c] = item->next;
            free(item);
        }
    kith_network_free(net->network);
    pthread_mutex_destroy(&net->lock);
    free(net->name);
    free(net);
}

/* The network, in the list; NULL: no memory. */
static struct kith_lo_net *net_get(uint64_t world, const char *name)
{
    struct kith_lo_net *net = all;
    while (net && (net->world != world || strcmp(net->name, name))) net = net->next;
    if (net || !(net = net_new(world, name))) return net;
    net->next = all;
    all = net;
    return net;
}

static void net_end_if_empty(struct kith_lo_net *net)
{
    if (net->nodes) return;
    struct kith_lo_net **at = &all;
    while (*at != net) at = &(*at)->next;
    *at = net->next;
    net_free(net);
}

static int occupy(struct kith_lo *l, struct kith_lo_net *net, struct kith_error *err)
{
    struct kith_lo_port *p = kith_lo_port_get(net, &l->addr);
    if (!p) return kith_fail(err, KITH_ENOMEM, "out of memory");
    if (p->node)
        return kith_fail(err, KITH_EADDRINUSE,
                         "another node of network \"%s\" has the address \"%.*s\": give this one "
                         "an `address` of its own",
                         net->name, p->addr.len, (const char *)p->addr.bytes);
    p->node = l;
    p->lived = true;
    net->nodes++;
    l->net = net;
    l->port = p;
    memcpy(l->shown, p->count, sizeof l->shown);
    return 0;
}

int kith_lo_enter(struct kith_lo *l, struct kith_error *err)
{
    int rc = -KITH_ENOMEM;
    pthread_mutex_lock(&all_lock);
    struct kith_lo_net *net = net_get(l->host->world(l->host), l->network_name);
    if (net) {
        kith_lo_lock(net);
        rc = occupy(l, net, err);
        kith_lo_unlock(net);
        net_end_if_empty(net);
    } else {
        (void)kith_fail(err, KITH_ENOMEM, "out of memory");
    }
    pthread_mutex_unlock(&all_lock);
    return rc;
}

void kith_lo_leave(struct kith_lo *l)
{
    struct kith_lo_net *net = l->net;
    pthread_mutex_lock(&all_lock);
    kith_lo_lock(net);
    net->nodes--;
    kith_lo_unlock(net);
    net_end_if_empty(net);
    pthread_mutex_unlock(&all_lock);
    l->net = NULL;
}

void kith_lo_show(struct kith_lo *l)
{
    for (int i = 0; i < KITH_LO_NUMBERS; i++) {
        *l->counters[i] += l->port->count[i] - l->shown[i];
        l->shown[i] = l->port->count[i];
    }
}
