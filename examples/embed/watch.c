/*
 * watch.c - a node inside a program: join, print who comes and goes, greet everybody who joins.
 *
 *     cc watch.c $(pkg-config --cflags --libs kith) -o watch && ./watch node.yaml
 *
 * (Kith is outside of /usr? Add -Wl,-rpath,$(pkg-config --variable=libdir kith).)
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

static void on_signal(int number)
{
    (void)number;
    asked_to_end = 1;
}

static void say(struct watch *w, const char *what, const struct kith_member *m)
{
    char addr[160];
    kith_table(w->node)->format(kith_table(w->node), &m->addr, addr, sizeof addr);
    printf("%s %.*s %s\n", what, (int)m->name.len, (const char *)m->name.data, addr);
    fflush(stdout);
}

static void greet(struct watch *w, const struct kith_member *m)
{
    const struct kith_node *node = kith_table(w->node);
    struct kith_peer to = {.size = sizeof to, .name = m->name};
    struct kith_message hello = {
        .size = sizeof hello, .flags = KITH_RELIABLE, .bytes = kith_text("hello"), .peer = &to};
    /* Queued, and sent after this call: a delegate never re-enters its node. */
    node->send(node, &hello, NULL, NULL);
}

static void on_event(void *self, const struct kith_event *e)
{
    switch (e->kind) {
    case KITH_EVENT_JOIN:
        say(self, "joined", e->member);
        if (!(e->member->flags & KITH_MEMBER_LOCAL)) greet(self, e->member);
        break;
    case KITH_EVENT_LEAVE:
        say(self, e->member->state == KITH_LEFT ? "left" : "died", e->member);
        break;
    default: break; /* there are more kinds, and there will be others */
    }
}

static void on_message(void *self, const struct kith_message *m)
{
    (void)self;
    printf("heard %.*s\n", (int)m->bytes.len, (const char *)m->bytes.data);
    fflush(stdout);
}

static void on_left(void *arg, int status, uint64_t value)
{
    (void)status;
    (void)value;
    kith_stop(((struct watch *)arg)->node);
}

/* One round of this program's own loop. False when the node has ended. */
static bool wait_and_dispatch(struct watch *w)
{
    uint64_t timeout = kith_timeout(w->node);
    struct pollfd fd = {.fd = kith_fd(w->node), .events = POLLIN};
    int ms = timeout == UINT64_MAX      ? -1
             : timeout / 1000000 > 1000 ? 1000
                                        : (int)((timeout + 999999) / 1000000);
    poll(&fd, 1, ms);
    if (asked_to_end && !w->leaving) {
        w->leaving = true;
        if (kith_table(w->node)->leave(kith_table(w->node), 5000000000u, on_left, w)) return false;
    }
    return kith_dispatch(w->node) >= 0;
}

int main(int argc, char **argv)
{
    static const struct kith_delegate_ops ops = {
        .size = sizeof ops,
        .flags = KITH_DELEGATE_USER, /* what `kith send` and `kith broadcast` say, too */
        .event = on_event,
        .message = on_message};
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
