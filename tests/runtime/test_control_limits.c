/*
 * test_control_limits.c - who may use the control socket when there is not enough for all: places,
 * descriptors, patience.
 */
#include "control_rig.h"
#include <arpa/inet.h>
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PLACES = KITH_CONTROL_CLIENTS_MAX, STAY = KITH_CONTROL_STAY_MAX };

#define MONITOR "{\"cmd\":\"monitor\",\"events\":[\"reloaded\"]}\n"
#define WAIT \
    "{\"cmd\":\"members\",\"wait\":{\"what\":\"alive\",\"count\":9}," \
    "\"timeout\":100000}\n"

static bool closed(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Has the node read all that was sent? */
static bool was_read(int fd)
{
    int left = 0;
    return ioctl(fd, TIOCOUTQ, &left) == 0 && left == 0;
}

static void hang_up(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) close(fds[i]);
}

static void test_silent_clients_make_room(void)
{
    int fds[PLACES], newest = client_socket();
    begin_alone("");
    for (int i = 0; i < PLACES; i++) fds[i] = dial();
    CU_ASSERT(answers(fds[0])); /* now the second is the one that is silent for longest */
    dial_with(newest);
    CU_ASSERT(answers(newest));
    CU_ASSERT_EQUAL(control()->count, PLACES);
    CU_ASSERT_EQUAL(control()->dropped, 1);
    CU_ASSERT(closed(fds[1]));
    CU_ASSERT(answers(fds[0]) && answers(fds[2]));
    hang_up(fds, PLACES);
    close(newest);
    end();
}

/* What they asked for is long, so that none of it waits here while the system holds a part. */
static void test_who_reads_nothing_makes_room(void)
{
    int fds[PLACES], newest = client_socket(), refused = client_socket();
    begin_alone("limits: { max_members: 10000 }\n");
    for (int i = 0; i < 5000; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i);
        meet(name);
    }
    for (int i = 0; i < PLACES; i++) {
        fds[i] = dial();
        ask(fds[i], "{\"cmd\":\"members\"}\n");
    }
    for (int turn = 0; turn < 1000; turn++) kith_loop_turn(loop, 0);
    control()->stall_limit = UINT64_MAX; /* as if they had read just now */
    dial_with(refused);
    CU_ASSERT_STRING_EQUAL(code_of(next_line(refused)), "busy");
    control()->stall_limit = 1;
    dial_with(newest);
    CU_ASSERT(answers(newest));
    CU_ASSERT_EQUAL(control()->dropped, 1);
    hang_up(fds, PLACES);
    close(refused);
    close(newest);
    end();
}

static void test_some_places_are_not_for_those_who_stay(void)
{
    static const char *const lasting[] = {MONITOR, WAIT};
    int fds[PLACES], one_more = client_socket();
    begin_alone("");
    for (int i = 0; i < PLACES; i++) fds[i] = dial();
    for (int i = 0; i < STAY; i++) ask(fds[i], lasting[i % 2]);
    for (int i = 0; i < STAY; i += 2) CU_ASSERT_STRING_EQUAL(code_of(next_line(fds[i])), "ok");
    for (int i = STAY; i < PLACES; i++) {
        ask(fds[i], lasting[i % 2]);
        CU_ASSERT_STRING_EQUAL(code_of(next_line(fds[i])), "busy");
        CU_ASSERT(answers(fds[i]));
    }
    dial_with(one_more);
    CU_ASSERT(answers(one_more));
    close(fds[0]); /* a monitor: another may listen now */
    UNTIL(control()->count < PLACES);
    ask(one_more, MONITOR);
    CU_ASSERT_STRING_EQUAL(code_of(next_line(one_more)), "ok");
    hang_up(fds + 1, PLACES - 1);
    close(one_more);
    end();
}

/* Takes connections and says nothing. join: a request that waits for it. */
static int silent_peer(char *join, size_t cap)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0);
    CU_ASSERT_FATAL(listen(fd, PLACES) == 0);
    CU_ASSERT_FATAL(getsockname(fd, (struct sockaddr *)&sa, &len) == 0);
    snprintf(join, cap, "{\"cmd\":\"join\",\"where\":[\"127.0.0.1:%d\"]}\n", ntohs(sa.sin_port));
    return fd;
}

static void test_nobody_is_sent_away_without_a_word(void)
{
    int fds[PLACES], one_more = client_socket();
    char join[100];
    begin_alone("");
    int nobody = silent_peer(join, sizeof join);
    for (int i = 0; i < PLACES; i++) {
        fds[i] = dial();
        ask(fds[i], i < STAY ? MONITOR : join);
        if (i < STAY)
            json_decref(next_line(fds[i]));
        else
            UNTIL(was_read(fds[i]));
    }
    dial_with(one_more);
    CU_ASSERT_STRING_EQUAL(code_of(next_line(one_more)), "busy");
    UNTIL(closed(one_more));
    CU_ASSERT_EQUAL(control()->refused, 1);
    hang_up(fds, PLACES);
    close(one_more);
    close(nobody);
    end();
}

static void test_idle_clients_are_let_go(void)
{
    begin_alone("");
    int monitor = dial(), waits = dial(), silent = client_socket();
    ask(monitor, MONITOR);
    json_decref(next_line(monitor));
    ask(waits, "{\"cmd\":\"meta\"}\n" WAIT);
    json_decref(next_line(waits));
    control()->idle_limit = 1;
    kith_loop_timer_set(control()->idle, 0);
    dial_with(silent);
    UNTIL(closed(silent));
    CU_ASSERT_EQUAL(control()->count, 2);
    CU_ASSERT(!closed(monitor) && !closed(waits));
    hang_up((int[]){monitor, waits, silent}, 3);
    end();
}

enum { FEW = 256 };

static int taken[FEW];
static size_t taken_count;

/* All descriptors that are left. */
static void use_up(struct rlimit *before)
{
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, before), 0);
    struct rlimit few = {.rlim_cur = FEW, .rlim_max = before->rlim_max};
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &few), 0);
    taken_count = 0;
    for (int fd; taken_count < FEW && (fd = dup(1)) >= 0;) taken[taken_count++] = fd;
    CU_ASSERT_FATAL(taken_count && errno == EMFILE);
}

static void test_an_operator_gets_in_without_descriptors(void)
{
    struct rlimit before;
    int first = client_socket(), second = client_socket(), third = client_socket();
    begin_alone("");
    use_up(&before);
    dial_with(first);
    CU_ASSERT(answers(first)); /* by the reserve */
    dial_with(second);
    CU_ASSERT(answers(second)); /* by the first one's */
    CU_ASSERT(closed(first));
    CU_ASSERT_EQUAL(control()->lacked, 0); /* neither had to wait */
    ask(second, MONITOR);
    CU_ASSERT_STRING_EQUAL(code_of(next_line(second)), "ok");
    dial_with(third);
    UNTIL(control()->waits); /* nobody is idle; and nobody looks at the socket meanwhile */
    CU_ASSERT_EQUAL(control()->count, 1);
    for (int turn = 0; turn < 100; turn++) kith_loop_turn(loop, 0);
    CU_ASSERT(control()->lacked < 50); /* and now and then somebody looks, not each turn */
    close(taken[--taken_count]);
    CU_ASSERT(answers(third));
    CU_ASSERT(!control()->waits);
    hang_up(taken, taken_count);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &before), 0);
    hang_up((int[]){first, second, third}, 3);
    end();
}

KITH_TESTS("runtime/control_limits", {"silent clients make room", test_silent_clients_make_room},
           {"who reads nothing makes room", test_who_reads_nothing_makes_room},
           {"some places are not for those who stay", test_some_places_are_not_for_those_who_stay},
           {"nobody is sent away without a word", test_nobody_is_sent_away_without_a_word},
           {"idle clients are let go", test_idle_clients_are_let_go},
           {"an operator gets in without descriptors",
            test_an_operator_gets_in_without_descriptors})
