/*
 * test_table.c - what a delegate may ask of its node, what the program may ask of an entry, and the
 * order of a leave: entries have their word first.
 */
#include "nodes.h"

/* A delegate that is linked in; the test is its will. */
static struct puppet {
    const struct kith_host *host;
    int word;        /* what before_leave and command return */
    uint64_t id;     /* of the last of them */
    unsigned leaves; /* asked for its word */
    unsigned refreshed, keys, started, reloaded;
    bool calls_json;
} puppet;

static int init(void *self, const struct kith_host *host, struct kith_error *err)
{
    puppet.host = host;
    return 0;
}

static void event(void *self, const struct kith_event *e)
{
    puppet.keys += e->kind == KITH_EVENT_KEYS;
    puppet.started += e->kind == KITH_EVENT_STARTED;
    puppet.reloaded += e->kind == KITH_EVENT_RELOADED;
}

static int before_leave(void *self, uint64_t id, uint64_t deadline)
{
    puppet.leaves++;
    puppet.id = id;
    return puppet.word;
}

static int refresh(void *self, uint32_t what, struct kith_error *err)
{
    puppet.refreshed |= what;
    return 0;
}

static int command(void *self, const struct kith_call *call, struct kith_error *err)
{
    puppet.id = call->id;
    puppet.calls_json = call->flags & KITH_CALL_JSON;
    if (puppet.word < 0) return kith_fail(err, (enum kith_code)(-puppet.word), "not so");
    puppet.host->reply(puppet.host, call->id, call->words[0]);
    return puppet.word;
}

static const struct kith_delegate_ops ops = {
    .size = sizeof ops, .event = event, .before_leave = before_leave};

static const struct kith_plugin puppet_plugin = {
    KITH_HEADER(DELEGATE), .name = "puppet", .version = "1", .summary = "does what the test wants",
    .instance_size = 1,    .ops = &ops,      .init = init,   .refresh = refresh,
    .command = command,
};

static const struct kith_plugin *find(void *ctx, enum kith_kind kind, const char *name,
                                      struct kith_error *err)
{
    if (kind == KITH_DELEGATE && strcmp(name, "puppet") == 0) return &puppet_plugin;
    struct kith_config_finder rest = kith_registry_finder(kith_world_registry(world));
    return rest.find(rest.ctx, kind, name, err);
}

static const char *const *names(void *ctx, enum kith_kind kind)
{
    static const char *const none[] = {NULL};
    return none;
}

static void open_with_puppet(struct node *n, const char *extra)
{
    static const struct kith_config_finder finder = {.find = find, .names = names};
    struct kith_node_setup setup = {
        .path = n->path, .world = world, .finder = &finder, .problems = stderr};
    memset(n, 0, sizeof *n);
    memset(&puppet, 0, sizeof puppet);
    config(n, extra);
    setup.path = n->path;
    start_node(n, &setup);
}

#define PUPPET "delegates: [ { use: puppet } ]\n"

/* -------------------------------------------------------------------------------------- leaving */

static void leave(struct node *n, uint64_t timeout)
{
    const struct kith_node *t = kith_table(n->k);
    CU_ASSERT_EQUAL_FATAL(t->leave(t, timeout, done, n), 0);
}

static void two_nodes(void)
{
    begin();
    open_with_puppet(&nodes[0], PUPPET);
    open_node(&nodes[1], "");
    CU_ASSERT_EQUAL(join(&nodes[1], &nodes[0]), 0);
    UNTIL(count(&nodes[1], KITH_ALIVE) == 2);
}

static void test_delegates_have_their_word_before_a_leave(void)
{
    two_nodes();
    puppet.word = KITH_LATER;
    unsigned before = nodes[0].done;
    leave(&nodes[0], 0);
    UNTIL(puppet.leaves == 1);
    CU_ASSERT_EQUAL(nodes[0].done, before);
    CU_ASSERT_EQUAL(count(&nodes[1], KITH_LEFT), 0);
    CU_ASSERT_EQUAL(puppet.host->finish(puppet.host, puppet.id, 0, NULL), 0);
    CU_ASSERT_EQUAL(count(&nodes[0], KITH_LEFT), 0); /* not inside of the call */
    UNTIL(nodes[0].done == before + 1);
    CU_ASSERT_EQUAL(nodes[0].status, 0);
    UNTIL(count(&nodes[1], KITH_LEFT) == 1);
    CU_ASSERT_EQUAL(puppet.host->finish(puppet.host, puppet.id, 0, NULL), -KITH_ECLOSED);
    end();
}

static void test_a_word_that_is_never_given_holds_up_a_leave_until_its_time(void)
{
    two_nodes();
    puppet.word = KITH_LATER;
    unsigned before = nodes[0].done;
    leave(&nodes[0], 200000000);
    UNTIL(nodes[0].done == before + 1);
    CU_ASSERT_EQUAL(puppet.leaves, 1);
    UNTIL(count(&nodes[1], KITH_LEFT) == 1);
    end();
}

/* Whoever asks while the delegates are asked leaves with the others, as soon as anybody's time
 * wants it: a delegate that has all the time in the world can't keep the operator. */
static void test_leaves_that_meet_end_together(void)
{
    two_nodes();
    puppet.word = KITH_LATER;
    unsigned before = nodes[0].done;
    leave(&nodes[0], UINT64_MAX);
    UNTIL(puppet.leaves == 1);
    leave(&nodes[0], 0);
    leave(&nodes[0], 200000000);
    UNTIL(nodes[0].done == before + 3);
    UNTIL(count(&nodes[1], KITH_LEFT) == 1);
    leave(&nodes[0], 0); /* it has left */
    UNTIL(nodes[0].done == before + 4);
    CU_ASSERT_EQUAL(nodes[0].status, 0);
    CU_ASSERT_EQUAL(puppet.leaves, 1);
    end();
}

static void test_a_node_that_closes_ends_a_leave_that_waits(void)
{
    two_nodes();
    puppet.word = KITH_LATER;
    unsigned before = nodes[0].done;
    leave(&nodes[0], 0);
    leave(&nodes[0], UINT64_MAX);
    UNTIL(puppet.leaves == 1);
    kith_close(nodes[0].k);
    nodes[0].k = NULL;
    CU_ASSERT_EQUAL(nodes[0].done, before + 2);
    CU_ASSERT_EQUAL(nodes[0].status, -KITH_ECLOSED);
    end();
}

/* ------------------------------------------------------------------------------------- commands */

struct answer {
    char text[64], why[64];
    unsigned pieces, ends;
    int status;
};

static int piece(void *arg, struct kith_bytes bytes)
{
    struct answer *a = arg;
    a->pieces++;
    snprintf(a->text, sizeof a->text, "%.*s", (int)bytes.len, (const char *)bytes.data);
    return 0;
}

static void answered(void *arg, int status, const char *text)
{
    struct answer *a = arg;
    a->ends++;
    a->status = status;
    snprintf(a->why, sizeof a->why, "%s", text ? text : "");
}

static int call(struct answer *a, const char *entry, uint64_t deadline, uint64_t *id)
{
    struct kith_bytes words[] = {kith_text("hello"), kith_text("there")};
    const struct kith_asker asker = {.arg = a, .piece = piece, .end = answered};
    struct kith_error err = {.size = sizeof err};
    memset(a, 0, sizeof *a);
    return kith_node_call(nodes[0].k, kith_text(entry), words, 2, KITH_CALL_JSON, deadline, &asker,
                          id, &err);
}

static void test_an_entry_answers_now_or_later_or_not_at_all(void)
{
    struct answer a;
    uint64_t id;
    begin();
    open_with_puppet(&nodes[0], "delegates: [ { use: puppet, as: strings } ]\n");
    CU_ASSERT_EQUAL(call(&a, "puppet", UINT64_MAX, &id), -KITH_ENOTFOUND);
    CU_ASSERT_EQUAL(call(&a, "udp_tcp", UINT64_MAX, &id), -KITH_EUNSUPPORTED);
    CU_ASSERT_EQUAL(call(&a, "strings", UINT64_MAX, &id), 0);
    CU_ASSERT_TRUE(puppet.calls_json);
    CU_ASSERT_STRING_EQUAL(a.text, "hello");
    CU_ASSERT(a.ends == 1 && a.status == 0 && id == 0);

    puppet.word = -KITH_EREFUSED;
    CU_ASSERT_EQUAL(call(&a, "strings", UINT64_MAX, &id), 0);
    CU_ASSERT(a.ends == 1 && a.status == -KITH_EREFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.why, "not so"));

    puppet.word = KITH_LATER;
    CU_ASSERT_EQUAL(call(&a, "strings", UINT64_MAX, &id), 0);
    CU_ASSERT(a.ends == 0 && id != 0);
    CU_ASSERT_EQUAL(puppet.host->reply(puppet.host, id, kith_text("more")), 0);
    CU_ASSERT_EQUAL(puppet.host->finish(puppet.host, id, 0, NULL), 0);
    CU_ASSERT(a.pieces == 2 && a.ends == 1);
    CU_ASSERT_EQUAL(puppet.host->reply(puppet.host, id, kith_text("again")), -KITH_ECLOSED);

    CU_ASSERT_EQUAL(call(&a, "strings", kith_node_now(nodes[0].k) + 10000000, &id), 0);
    UNTIL(a.ends == 1);
    CU_ASSERT_EQUAL(a.status, -KITH_ETIMEOUT);

    CU_ASSERT_EQUAL(call(&a, "strings", UINT64_MAX, &id), 0);
    kith_asks_cancel(kith_node_asks(nodes[0].k), id); /* the asker goes */
    CU_ASSERT_EQUAL(puppet.host->finish(puppet.host, id, 0, NULL), -KITH_ECLOSED);
    CU_ASSERT_EQUAL(a.ends, 0);

    CU_ASSERT_EQUAL(call(&a, "strings", UINT64_MAX, &id), 0);
    kith_close(nodes[0].k); /* the entry goes */
    nodes[0].k = NULL;
    CU_ASSERT(a.ends == 1 && a.status == -KITH_ECLOSED);
    end();
}

/* ---------------------------------------------------------------------------------------- rest */

static void test_a_delegate_ends_the_node_with_its_status(void)
{
    begin();
    open_with_puppet(&nodes[0], PUPPET);
    const struct kith_node *t = puppet.host->node;
    CU_ASSERT_EQUAL(t->stop(t, 1, "a success is no reason"), -KITH_EINVAL);
    CU_ASSERT_EQUAL(t->stop(t, -KITH_EIO, "the disk is full"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].logged, "the disk is full"));
    CU_ASSERT_EQUAL(kith_dispatch(nodes[0].k), -KITH_EIO);
    CU_ASSERT_EQUAL(kith_run(nodes[0].k), -KITH_EIO);
    end();
}

/* What delegates do is often what strangers make them do. */
static void test_delegates_leave_slots_to_the_program(void)
{
    begin();
    open_with_puppet(&nodes[0], PUPPET);
    const struct kith_node *theirs = puppet.host->node, *ours = kith_table(nodes[0].k);
    const struct kith_peer whom = {.size = sizeof whom, .name = kith_text("nobody")};
    unsigned taken = 0;
    while (taken < 10000 && theirs->ping(theirs, &whom, NULL, NULL) == 0) taken++;
    CU_ASSERT(taken > 100 && taken < 10000);
    CU_ASSERT_EQUAL(theirs->ping(theirs, &whom, NULL, NULL), -KITH_EAGAIN);
    for (unsigned i = 0; i < taken; i++)
        CU_ASSERT_EQUAL(ours->ping(ours, &whom, done, &nodes[0]), 0);
    CU_ASSERT_EQUAL(ours->ping(ours, &whom, done, &nodes[0]), -KITH_EAGAIN);
    CU_ASSERT_EQUAL(theirs->leave(theirs, 0, NULL, NULL), 0); /* a goodbye finds room */
    UNTIL(nodes[0].done == taken);
    CU_ASSERT_EQUAL(theirs->ping(theirs, &whom, NULL, NULL), 0);
    end();
}

static void test_keys_change_by_way_of_the_table(void)
{
    static const char key[] = "0123456789abcdef";
    struct kith_error err = {.size = sizeof err};
    struct kith_bytes bytes = kith_text(key);
    set_keys();
    begin();
    open_with_puppet(&nodes[0], KEY_A SEALED "delegates: [ { use: puppet, allow: [ keys ] } ]\n");
    struct node *n = &nodes[0];
    const struct kith_node *t = kith_table(n->k);
    unsigned before = n->done;
    CU_ASSERT_EQUAL(t->key(t, KITH_KEY_USE, bytes, done, n), 0);
    UNTIL(n->done == before + 1);
    CU_ASSERT_EQUAL(n->status, -KITH_ENOTFOUND);
    CU_ASSERT_EQUAL(t->key(t, KITH_KEY_INSTALL, bytes, done, n), 0);
    UNTIL(n->done == before + 2 && n->keys == 1 && puppet.keys == 1);
    CU_ASSERT_EQUAL(n->status, 0);
    CU_ASSERT_EQUAL(kith_keyring_count(n->k->ring), 2);
    CU_ASSERT(puppet.refreshed & KITH_REFRESH_KEYS);
    CU_ASSERT_EQUAL(kith_node_key(n->k, KITH_KEY_USE, bytes, &err), 0);
    CU_ASSERT_EQUAL(kith_node_key(n->k, KITH_KEY_REMOVE, kith_text("no such key there"), &err),
                    -KITH_ENOTFOUND);
    CU_ASSERT_NOT_EQUAL(kith_node_key(n->k, KITH_KEY_REMOVE, bytes, &err), 0); /* the primary */
    UNTIL(n->keys == 2);
    CU_ASSERT_EQUAL(kith_node_key(n->k, (enum kith_key_change)77, bytes, &err), -KITH_EINVAL);
    end();
}

static void test_a_reload_tells_who_is_left_alone_to_read_its_files(void)
{
    struct kith_error err = {.size = sizeof err};
    begin();
    open_with_puppet(&nodes[0], PUPPET);
    CU_ASSERT_EQUAL(puppet.started, 1);
    CU_ASSERT_EQUAL(kith_reload(nodes[0].k, NULL, NULL, &err), 0);
    CU_ASSERT_EQUAL(puppet.refreshed, KITH_REFRESH_FILES);
    CU_ASSERT_EQUAL(puppet.reloaded, 1);
    CU_ASSERT_EQUAL(puppet.started, 1);
    end();
}

/* A seed with a name: that member must answer. */
static void test_a_seed_may_say_who_must_answer(void)
{
    char where[KITH_ADDR_TEXT], both[KITH_ADDR_TEXT + 8];
    begin();
    open_node(&nodes[0], "");
    open_node(&nodes[1], "");
    where_is(&nodes[0], where, sizeof where);
    struct kith_seed wrong = {.name = "somebody", .address = where};
    struct kith_seed right = {.name = "n0", .address = where};
    struct kith_seed twice = {.name = "n0", .address = both};
    snprintf(both, sizeof both, "n0/%s", where);
    struct node *n = &nodes[1];
    CU_ASSERT_EQUAL(kith_node_join(n->k, &wrong, done, n), 0);
    UNTIL(n->done == 1);
    CU_ASSERT_EQUAL(n->status, -KITH_ECLOSED);
    CU_ASSERT_EQUAL(count(n, KITH_ALIVE), 1);
    CU_ASSERT_EQUAL(count(&nodes[0], KITH_ALIVE), 1);
    CU_ASSERT_EQUAL(kith_node_join(n->k, &twice, done, n), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_node_join(n->k, &right, done, n), 0);
    UNTIL(n->done == 2);
    CU_ASSERT_EQUAL(n->status, 0);
    CU_ASSERT_EQUAL(kith_join(n->k, both, done, n), 0);
    UNTIL(n->done == 3);
    CU_ASSERT_EQUAL(n->status, 0);
    UNTIL(count(&nodes[0], KITH_ALIVE) == 2);
    end();
}

/* A program built with a header in which peers end before their address, messages before theirs. */
static void test_structs_of_an_older_header_are_read_to_their_end(void)
{
    struct kith_peer peer;
    struct kith_message m;
    begin();
    open_node(&nodes[0], "");
    struct node *n = &nodes[0];
    const struct kith_node *t = kith_table(n->k);
    memset(&peer, 0xA5, sizeof peer);
    peer.size = offsetof(struct kith_peer, addr);
    CU_ASSERT_EQUAL(t->join(t, &peer, done, n), -KITH_EINVAL);
    CU_ASSERT_EQUAL(t->fits(t, KITH_FITS_PACKET, &peer), t->fits(t, KITH_FITS_PACKET, NULL));
    CU_ASSERT_EQUAL(t->ping(t, &peer, done, n), 0);
    UNTIL(n->done == 1);
    CU_ASSERT(n->status < 0);
    peer.size += sizeof(void *) / 2;
    CU_ASSERT_EQUAL(t->ping(t, &peer, done, n), -KITH_EINVAL);
    memset(&m, 0xA5, sizeof m);
    m.size = offsetof(struct kith_message, peer);
    m.flags = m.priority = 0;
    m.bytes = kith_text("to all");
    CU_ASSERT_EQUAL(t->send(t, &m, done, n), 0);
    UNTIL(n->done == 2);
    CU_ASSERT_EQUAL(n->status, 0);
    m.size += sizeof(void *) / 2;
    CU_ASSERT_EQUAL(t->send(t, &m, done, n), -KITH_EINVAL);
    end();
}

/* Labels of the file are in every number, also after a reload with others. */
static void test_metric_labels_are_in_every_number(void)
{
    begin();
    struct node *n = &nodes[0];
    struct kith_error err = {.size = sizeof err};
    char text[512];
    memset(n, 0, sizeof *n);
    snprintf(n->path, sizeof n->path, "%s/labels.yaml", dir);
    for (int i = 0; i < 2; i++) {
        const char *place = i ? "attic" : "cellar";
        snprintf(text, sizeof text,
                 "node: { name: n0, profile: local, control: '', log: { level: error }, "
                 "metric_labels: { place: %s } }\n"
                 "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n",
                 place);
        write_file(n->path, text);
        struct kith_node_setup setup = {.path = n->path, .world = world, .problems = stderr};
        if (!i)
            start_node(n, &setup);
        else
            CU_ASSERT_EQUAL(kith_reload(n->k, NULL, NULL, &err), 0);
        CU_ASSERT(stat_of(n, "members", place) == stat_of(n, "members", NULL));
        CU_ASSERT(stat_of(n, "members", place) >= 1);
        CU_ASSERT(stat_of(n, "members", i ? "cellar" : "attic") == 0);
    }
    end();
}

KITH_TESTS(
    "runtime/table",
    {"delegates have their word before a leave", test_delegates_have_their_word_before_a_leave},
    {"a word that is never given holds up a leave until its time",
     test_a_word_that_is_never_given_holds_up_a_leave_until_its_time},
    {"leaves that meet end together", test_leaves_that_meet_end_together},
    {"a node that closes ends a leave that waits", test_a_node_that_closes_ends_a_leave_that_waits},
    {"an entry answers now, or later, or not at all",
     test_an_entry_answers_now_or_later_or_not_at_all},
    {"a delegate ends the node with its status", test_a_delegate_ends_the_node_with_its_status},
    {"delegates leave slots to the program", test_delegates_leave_slots_to_the_program},
    {"keys change by way of the table", test_keys_change_by_way_of_the_table},
    {"a reload tells who is left alone to read its files",
     test_a_reload_tells_who_is_left_alone_to_read_its_files},
    {"a seed may say who must answer", test_a_seed_may_say_who_must_answer},
    {"structs of an older header are read to their end",
     test_structs_of_an_older_header_are_read_to_their_end},
    {"metric labels are in every number", test_metric_labels_are_in_every_number})
