/*
 * commands.c - changes that a delegate, the control socket or an embedder asked for. They are
 * copied into a bounded queue, carried out at the end of a turn, and answered when the core says
 * that they have ended; so nobody re-enters the core.
 */
#include "inside.h"
#include <stdlib.h>

enum { COMMANDS_MAX = 4096, BUCKETS = 64 };

/*
 * A command that somebody asked for:
 *
 *   queued   copied here, until the end of the turn
 *            -> waiting  the core took it and gave it a request number
 *            -> ended    the core refused it
 *   waiting  -> ended    the core says that the request is done
 *
 * Its end is told once, by `done`, and it is freed; when the node closes it ends with
 * -KITH_ECLOSED.
 */
struct pending {
    struct pending *next;
    struct kith_command what;
    struct kith_addr addr;
    uint32_t request;
    char *name;
    size_t len;
    uint8_t bytes[];
};

struct kith_commands {
    struct pending *first, **last;    /* queued */
    struct pending *waiting[BUCKETS]; /* by request */
    size_t count;
};

int kith_commands_new(struct kith *k)
{
    k->commands = calloc(1, sizeof *k->commands);
    if (!k->commands) return -KITH_ENOMEM;
    k->commands->last = &k->commands->first;
    return 0;
}

/* Answer and forget. */
static void end(struct kith *k, struct pending *p, int status, uint64_t value)
{
    k->commands->count--;
    if (p->what.done) p->what.done(p->what.arg, status, value);
    free(p->name);
    free(p);
}

void kith_commands_free(struct kith *k)
{
    struct kith_commands *all = k->commands;
    if (!all) return;
    k->closing = true; /* whoever is told now can't queue again */
    for (struct pending *p = all->first, *next; p; p = next) {
        next = p->next;
        end(k, p, -KITH_ECLOSED, 0);
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct pending *p = all->waiting[i], *next; p; p = next) {
            next = p->next;
            end(k, p, -KITH_ECLOSED, 0);
        }
    }
    free(all);
    k->commands = NULL;
}

int kith_commands_add(struct kith *k, const struct kith_command *c)
{
    struct kith_commands *all = k->commands;
    if (!all || k->closing) return -KITH_ECLOSED;
    if (all->count >= COMMANDS_MAX) return -KITH_EAGAIN;
    struct pending *p = calloc(1, sizeof *p + c->bytes.len);
    if (!p) return -KITH_ENOMEM;
    p->what = *c;
    if (c->name && !(p->name = strdup(c->name))) {
        free(p);
        return -KITH_ENOMEM;
    }
    if (c->addr) p->addr = *c->addr;
    if (c->bytes.len) memcpy(p->bytes, c->bytes.data, c->bytes.len);
    p->len = c->bytes.len;
    *all->last = p;
    all->last = &p->next;
    all->count++;
    kith_node_wake(k);
    return 0;
}

static int64_t carry_out(struct kith *k, const struct pending *p)
{
    uint64_t now = kith_node_now(k);
    struct kith_bytes bytes = kith_bytes_of(p->bytes, p->len);
    switch (p->what.kind) {
    case KITH_DO_JOIN: return kith_core_join(k->core, now, &p->addr, p->name ? p->name : "");
    case KITH_DO_LEAVE: return kith_core_leave(k->core, now, p->what.timeout);
    case KITH_DO_META:
        kith_delegates_meta(k->delegates, bytes);
        return kith_core_update(k->core, now, p->what.timeout);
    case KITH_DO_UPDATE: return kith_core_update(k->core, now, p->what.timeout);
    case KITH_DO_BROADCAST: return kith_core_broadcast(k->core, now, bytes);
    case KITH_DO_SEND: return kith_core_send(k->core, now, p->name, NULL, bytes, p->what.reliable);
    case KITH_DO_PING: return kith_core_ping(k->core, now, p->name, NULL);
    }
    return -KITH_EINVAL;
}

bool kith_commands_run(struct kith *k)
{
    struct kith_commands *all = k->commands;
    struct pending *p = all->first;
    if (!p) return false;
    all->first = NULL;
    all->last = &all->first;
    for (struct pending *next; p; p = next) {
        next = p->next;
        int64_t request = carry_out(k, p);
        if (request > 0) {
            p->request = (uint32_t)request;
            p->next = all->waiting[p->request % BUCKETS];
            all->waiting[p->request % BUCKETS] = p;
        } else {
            end(k, p, (int)request, 0);
        }
    }
    return true;
}

bool kith_commands_pending(const struct kith *k) { return k->commands->first != NULL; }

void kith_commands_done(struct kith *k, uint32_t request, int status, uint64_t value)
{
    struct pending **p = &k->commands->waiting[request % BUCKETS];
    while (*p && (*p)->request != request) p = &(*p)->next;
    if (!*p) return;
    struct pending *it = *p;
    *p = it->next;
    end(k, it, status, value);
}
