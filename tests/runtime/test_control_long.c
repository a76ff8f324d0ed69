/*
 * test_control_long.c - long answers of the control socket: made while the client takes them, of
 * members that come meanwhile; what waits for a client stays small, and others are answered.
 */
#include "control_rig.h"
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MANY = 5000,                      /* members: some batches of names */
    AT_ONCE = 2 * KITH_CONTROL_PIECE, /* a piece, and what goes over it */
    ANSWER_MAX = MANY * 600,
};

static char answer[ANSWER_MAX];
static size_t have;

/* In an order that is not that of their names. */
static void meet_many(void)
{
    char name[16];
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "m-%04u", i * 2741 % MANY);
        meet(name);
    }
    kith_loop_turn(loop, 0);
    CU_ASSERT_EQUAL_FATAL(kith_node_count(nodes[0].k, KITH_ALIVE), MANY + 1);
}

/* What has come by now. */
static size_t take(int fd)
{
    size_t before = have;
    for (ssize_t n; (n = read(fd, answer + have, sizeof answer - have)) > 0;) have += (size_t)n;
    return have - before;
}

static bool whole(void) { return have && answer[have - 1] == '\n'; }

/* Turns until nothing more comes: the client does not read, and the node has stopped. */
static void let_it_fill(struct kith_client *c, int fd)
{
    enum { QUIET = 10 }; /* turns: a piece in which members are looked for only is none */
    int before = 0, now = 0;
    for (int quiet = 0; quiet < QUIET; before = now) {
        kith_loop_turn(loop, 0);
        CU_ASSERT_EQUAL_FATAL(ioctl(fd, FIONREAD, &now), 0);
        quiet = now && now == before ? quiet + 1 : 0;
        CU_ASSERT_FATAL(kith_client_waiting(c) <= AT_ONCE);
    }
}

/* Sorted, each once. */
static size_t check_names(json_t *all, const char *must)
{
    const json_t *list = json_object_get(all, "members");
    const char *last = "";
    bool found = !must;
    size_t i, wrong = 0;
    json_t *m;
    json_array_foreach(list, i, m)
    {
        const char *name = json_string_value(json_object_get(m, "name"));
        wrong += strcmp(last, name) >= 0;
        found |= must && !strcmp(name, must);
        last = name;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(found);
    return json_array_size(list);
}

static void test_members_are_told_in_pieces(void)
{
    begin_alone("");
    meet_many();
    int fd = dial();
    struct kith_client *c = control()->clients;
    int other = dial();
    size_t most = 0;
    have = 0;
    ask(fd, "{\"cmd\":\"members\",\"id\":[1]}\n");
    let_it_fill(c, fd);
    meet("a-late");  /* before what was told */
    meet("n-later"); /* behind it */
    int answered = 0;
    ask(other, "{\"cmd\":\"meta\"}\n");
    UNTIL(ioctl(other, FIONREAD, &answered) == 0 && answered > 0);
    while (!whole()) {
        size_t piece = take(fd);
        if (have > piece && piece > most) most = piece; /* the first is what the socket held, too */
        kith_loop_turn(loop, 0);
        CU_ASSERT_FATAL(kith_client_waiting(c) <= AT_ONCE);
    }
    json_t *all = json_loadb(answer, have, 0, NULL);
    CU_ASSERT(json_is_true(json_object_get(all, "ok")));
    CU_ASSERT_EQUAL(json_array_size(json_object_get(all, "id")), 1);
    CU_ASSERT_EQUAL(check_names(all, "n-later"), MANY + 2); /* n0, and one that came in time */
    CU_ASSERT(most <= AT_ONCE);
    json_decref(all);
    close(fd);
    close(other);
    end();
}

static void test_a_client_that_goes_in_the_middle_leaves_nothing(void)
{
    begin_alone("");
    meet_many();
    int fd = dial();
    ask(fd, "{\"cmd\":\"members\"}\n");
    let_it_fill(control()->clients, fd);
    close(fd);
    UNTIL(!control()->count);
    end();
}

static void test_requests_wait_for_a_client_that_does_not_read(void)
{
    enum { REQUESTS = 200 };
    begin_alone("");
    int fd = dial();
    unsigned lines = 0;
    have = 0;
    for (unsigned i = 0; i < REQUESTS; i++) ask(fd, "{\"cmd\":\"info\"}\n");
    CU_ASSERT_EQUAL(shutdown(fd, SHUT_WR), 0);
    let_it_fill(control()->clients, fd);
    for (ssize_t n = 1; n;) {
        n = read(fd, answer, sizeof answer);
        for (ssize_t i = 0; i < n; i++) lines += answer[i] == '\n';
        kith_loop_turn(loop, 0);
        if (control()->clients) CU_ASSERT_FATAL(kith_client_waiting(control()->clients) <= AT_ONCE);
    }
    CU_ASSERT_EQUAL(lines, REQUESTS);
    close(fd);
    end();
}

KITH_TESTS("runtime/control_long", {"members are told in pieces", test_members_are_told_in_pieces},
           {"a client that goes in the middle leaves nothing",
            test_a_client_that_goes_in_the_middle_leaves_nothing},
           {"requests wait for a client that does not read",
            test_requests_wait_for_a_client_that_does_not_read})
