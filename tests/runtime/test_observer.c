/*
 * test_observer.c - who looks on at a node that has no control socket: it is told of the start,
 * each turn, each message with its layers, and the end; and it is free to refuse the start.
 */
#include "nodes.h"

struct witness {
    struct kith_observer observer;
    struct node *node;
    unsigned starts, turns, stops, out, in, refused, layers;
    bool refuse;
    char label[32];
    enum kith_plane plane;
    size_t plain, wire;
    int rank; /* of its stop, among all */
};

static int stops;

static int on_start(void *self, struct kith_error *err)
{
    struct witness *w = self;
    w->starts++;
    CU_ASSERT_FALSE(kith_node_ready(w->node->k));
    return w->refuse ? kith_fail(err, KITH_EREFUSED, "not today") : 0;
}

static void on_turn(void *self) { ((struct witness *)self)->turns++; }

static void on_wire(void *self, const struct kith_traffic *m)
{
    struct witness *w = self;
    *(m->status < 0 ? &w->refused : m->out ? &w->out : &w->in) += 1;
    CU_ASSERT_EQUAL(m->peer->addr->len, 4);
    for (size_t i = 0; i < m->layer_count; i++) {
        const struct kith_layer *l = &m->layers[i];
        if (!strcmp(l->name, "label"))
            snprintf(w->label, sizeof w->label, "%.*s", (int)l->label.len,
                     (const char *)l->label.data);
    }
    if (m->status < 0) return;
    CU_ASSERT(m->layer_count > 0);
    CU_ASSERT(m->plain > 0 && m->wire > 0 && m->plain != m->wire);
    w->layers += (unsigned)m->layer_count;
    w->plane |= m->plane;
}

static void on_stop(void *self)
{
    struct witness *w = self;
    w->stops++;
    w->rank = ++stops;
}

static void attend(struct witness *w, struct node *n)
{
    w->node = n;
    w->observer = (struct kith_observer){
        .self = w, .start = on_start, .turn_ended = on_turn, .message = on_wire, .stop = on_stop};
    kith_observer_add(n->k, &w->observer);
}

static void open_only(struct node *n, const char *extra)
{
    struct kith_error err = {.size = sizeof err};
    memset(n, 0, sizeof *n);
    config(n, extra);
    struct kith_node_setup setup = {.path = n->path, .world = world};
    CU_ASSERT_EQUAL_FATAL(kith_node_open(&n->k, &setup, NULL, &err), 0);
}

static void test_observers_are_told_of_a_life(void)
{
    struct witness first = {.starts = 0}, second = {.starts = 0};
    struct kith_observer silent = {.self = NULL};
    struct kith_error err = {.size = sizeof err};
    begin();
    stops = 0;
    open_only(&nodes[0], "");
    attend(&first, &nodes[0]);
    kith_observer_add(nodes[0].k, &silent);
    attend(&second, &nodes[0]);
    CU_ASSERT_EQUAL(first.starts + first.turns + first.stops, 0);
    CU_ASSERT_EQUAL_FATAL(kith_start(nodes[0].k, &err), 0);
    CU_ASSERT_EQUAL(first.starts, 1);
    UNTIL(first.turns > 0 && second.turns == first.turns);
    kith_close(nodes[0].k);
    nodes[0].k = NULL;
    CU_ASSERT_EQUAL(first.stops, 1);
    CU_ASSERT_EQUAL(second.rank, 1); /* in the reverse order */
    CU_ASSERT_EQUAL(first.rank, 2);
    end();
}

static void test_an_observer_can_refuse_the_start(void)
{
    struct witness first = {.refuse = true}, second = {.starts = 0};
    struct kith_error err = {.size = sizeof err};
    begin();
    open_only(&nodes[0], "");
    attend(&first, &nodes[0]);
    attend(&second, &nodes[0]);
    CU_ASSERT_EQUAL(kith_start(nodes[0].k, &err), -KITH_EREFUSED);
    CU_ASSERT_STRING_EQUAL(err.text, "not today");
    CU_ASSERT_FALSE(kith_instance_runs(nodes[0].k->transport));
    CU_ASSERT_EQUAL(second.starts, 0);
    kith_close(nodes[0].k);
    nodes[0].k = NULL;
    CU_ASSERT_EQUAL(first.stops, 1);
    CU_ASSERT_EQUAL(second.stops, 1);
    end();
}

static void test_messages_are_shown_layer_by_layer_to_who_wants_them(void)
{
    struct witness w = {.starts = 0}, other = {.starts = 0};
    struct kith_error err = {.size = sizeof err};
    set_keys();
    begin();
    node_label = "prod";
    open_only(&nodes[0], KEY_A SEALED);
    attend(&w, &nodes[0]);
    attend(&other, &nodes[0]);
    CU_ASSERT_EQUAL_FATAL(kith_start(nodes[0].k, &err), 0);
    open_node(&nodes[1], KEY_A SEALED);
    open_node(&nodes[2], KEY_B SEALED);
    CU_ASSERT_EQUAL(join(&nodes[1], &nodes[0]), 0);
    CU_ASSERT_EQUAL(w.in + w.out, 0);
    kith_observer_want_traffic(nodes[0].k, &w.observer, true);
    CU_ASSERT_EQUAL(say(&nodes[1], "n0", "stream", 6, true), 0);
    UNTIL(w.in > 0 && w.out > 0 && w.plane == (KITH_PACKET | KITH_STREAM));
    CU_ASSERT_STRING_EQUAL(w.label, "prod");
    CU_ASSERT_NOT_EQUAL(join(&nodes[2], &nodes[0]), 0);
    UNTIL(w.refused > 0);
    CU_ASSERT_EQUAL(other.in + other.out + other.refused, 0);
    kith_observer_want_traffic(nodes[0].k, &w.observer, false);
    unsigned seen = w.in + w.out, turns = w.turns;
    CU_ASSERT_EQUAL(say(&nodes[1], "n0", "unseen", 6, true), 0);
    UNTIL(w.turns > turns + 1);
    CU_ASSERT_EQUAL(w.in + w.out, seen);
    end();
}

KITH_TESTS("runtime/observer", {"observers are told of a life", test_observers_are_told_of_a_life},
           {"an observer can refuse the start", test_an_observer_can_refuse_the_start},
           {"messages are shown layer by layer to who wants them",
            test_messages_are_shown_layer_by_layer_to_who_wants_them})
