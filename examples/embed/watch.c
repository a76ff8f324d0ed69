/*
 * watch.c - a node inside a program: join, print who comes and goes, greet everybody who joins.
 *
 *     cc watch.c $(pkg-config --cflags --libs kith) -o watch && ./watch node.yaml
 *
 * The program is its node's delegate: it is told of events and asks the node table for what it
 * wants done. It polls the node's descriptor in a loop of its own, as a server that has one already
 * would.
 */
#include <kith/kith.h>

#include <poll.h>
#include <signal.h>

struct watch {
    struct kith *node;
    bool leaving;
};

static volatile sig_atomic_t asked_to_end;

static void on_signal(int number) { asked_to_end = 1; }

static void say(struct watch *w, const char *what, const struct kith_member *m)
{
    char addr[160];
    kith_node(w->node)->format(kith_node(w->node), &m->addr, addr, sizeof addr);
    printf("%s %.*s %s\n", what, (int)m->name.len, (const char *)m->name.data, addr);
    fflush(stdout);
}

static void on_join(void *self, const struct kith_member *m)
{
    struct watch *w = self;
    struct kith_member me = {.size = sizeof me};
    say(w, "joined", m);
    kith_node(w->node)->local(kith_node(w->node), &me);
    if (m->name.len == me.name.len && !memcmp(m->name.data, me.name.data, me.name.len)) return;
    /* Queued, and sent after this call: a delegate never re-enters its node. */
    kith_node(w->node)->send(kith_node(w->node), (const char *)m->name.data,
                             kith_bytes_of("hello", 5), true, NULL, NULL);
}

static void on_leave(void *self, const struct kith_member *m)
{
    say(self, m->state == KITH_LEFT ? "left" : "died", m);
}

static void on_message(void *self, struct kith_bytes message, bool reliable)
{
    printf("heard %.*s\n", (int)message.len, (const char *)message.data);
    fflush(stdout);
}

static void on_left(void *arg, int status, uint64_t value)
{
    kith_stop(((struct watch *)arg)->node);
}

/* One round of this program's own loop. False when the node has ended. */
static bool wait_and_dispatch(struct watch *w)
{
    uint64_t timeout = kith_timeout(w->node);
    struct pollfd fd = {.fd = kith_fd(w->node), .events = POLLIN};
    int ms = timeout == UINT64_MAX      ? -1
             : timeout / 1000000 > 1000 ? 1000
                                        : (int)(timeout / 1000000);
    poll(&fd, 1, ms);
    if (asked_to_end && !w->leaving) {
        w->leaving = true;
        if (kith_node(w->node)->leave(kith_node(w->node), 5000000000u, on_left, w)) return false;
    }
    return kith_dispatch(w->node) >= 0;
}

int main(int argc, char **argv)
{
    static const struct kith_delegate_ops ops = {.size = sizeof ops,
                                                 .notify_join = on_join,
                                                 .notify_leave = on_leave,
                                                 .notify_msg = on_message};
    struct watch w = {0};
    struct kith_options options = {.size = sizeof options, .delegate = &ops, .delegate_self = &w};
    struct kith_error err = {.size = sizeof err};
    if (argc != 2) return fprintf(stderr, "usage: watch NODE.yaml\n"), 2;
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    if (kith_open(&w.node, argv[1], &options, &err) || kith_start(w.node, &err)) {
        fprintf(stderr, "watch: %s\n", err.text);
        kith_close(w.node);
        return 1;
    }
    while (wait_and_dispatch(&w)) {}
    kith_close(w.node);
    return 0;
}
