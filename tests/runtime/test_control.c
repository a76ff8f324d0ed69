/*
 * test_control.c - the control socket of a real node: what it takes, what it refuses, whose it is.
 */
#include "control_rig.h"
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void begin_with_control(void)
{
    begin();
    node_opened = kith_control_attach;
}

static int dial_path(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

/* One line in, one object out; NULL when the node closed the connection instead. */
static json_t *exchange(int fd, const char *line, size_t len)
{
    static char answer[1 << 20];
    size_t have = 0, sent = 0;
    uint64_t last = seconds() + PATIENCE_SECONDS;
    while (seconds() < last) {
        if (sent < len) {
            ssize_t n = write(fd, line + sent, len - sent);
            if (n > 0) sent += (size_t)n;
        }
        ssize_t n = read(fd, answer + have, sizeof answer - have);
        if (n == 0) return NULL;
        if (n > 0) have += (size_t)n;
        if (have && answer[have - 1] == '\n') return json_loadb(answer, have, 0, NULL);
        kith_loop_turn(loop, 10000000);
    }
    return NULL;
}

#define ASK(fd, text) code_of(exchange(fd, text "\n", sizeof text))

static void test_the_control_socket_takes_anything(void)
{
    begin_with_control();
    open_node(&nodes[0], "");
    int fd = dial_path(nodes[0].k->config->control);
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"members\"}"), "ok");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "nonsense"), "invalid");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "[1]"), "invalid");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"fly\"}"), "unsupported");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"send\",\"name\":\"x\",\"text\":\"y\"}"),
                           "not_found");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"send\",\"name\":\"n0\",\"payload\":\"*\"}"),
                           "invalid");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"join\",\"where\":[\"/\"]}"), "ok");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"join\",\"where\":[1]}"), "invalid");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"monitor\",\"events\":[\"x\"]}"), "invalid");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"command\",\"entry\":\"x\"}"), "not_found");
    CU_ASSERT_STRING_EQUAL(
        ASK(fd, "{\"cmd\":\"members\",\"wait\":{\"what\":\"alive\",\"count\":2},\"timeout\":0.01}"),
        "timeout");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"members\",\"wait\":{\"what\":\"odd\",\"count\":2}}"),
                           "invalid");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"keys\",\"do\":\"install\",\"key\":\"short\"}"),
                           "invalid");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"keys\",\"do\":\"use\",\"fingerprint\":\"00\"}"),
                           "not_found");
    char *flood = malloc(KITH_CONTROL_LINE_MAX + 2);
    memset(flood, 'x', KITH_CONTROL_LINE_MAX + 2);
    CU_ASSERT_PTR_NULL(exchange(fd, flood, KITH_CONTROL_LINE_MAX + 2));
    free(flood);
    close(fd);
    end();
}

static void test_a_monitor_that_does_not_read_is_told_what_it_missed(void)
{
    enum { BIG = 1500000 };
    static char big[BIG];
    begin_with_control();
    open_node(&nodes[0], "");
    open_node(&nodes[1], "");
    CU_ASSERT_EQUAL(join(&nodes[1], &nodes[0]), 0);
    int fd = dial_path(nodes[0].k->config->control);
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"monitor\",\"events\":[\"message\"]}"), "ok");
    for (unsigned i = 1; i <= 3; i++) {
        CU_ASSERT_EQUAL(say(&nodes[1], "n0", big, sizeof big, true), 0);
        UNTIL(nodes[0].streams == i);
    }
    json_t *first = next_line(fd);
    CU_ASSERT_EQUAL(json_string_length(json_object_get(first, "payload")), BIG / 3 * 4);
    json_decref(first);
    CU_ASSERT_EQUAL(say(&nodes[1], "n0", "small", 5, true), 0);
    json_t *missed = next_line(fd), *last = next_line(fd);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(missed, "event")), "dropped");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(missed, "count")), 2);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(last, "payload")), "c21hbGw=");
    json_decref(missed);
    json_decref(last);
    close(fd);
    end();
}

static void test_requests_are_answered_in_order(void)
{
    static const char text[] = "{\"cmd\":\"info\",\"id\":1}\n{\"cmd\":\"members\",\"wait\":{"
                               "\"what\":\"alive\",\"count\":2},\"id\":2}\n"
                               "{\"cmd\":\"ping\",\"name\":\"n1\",\"id\":3}\n";
    begin_with_control();
    open_node(&nodes[0], "");
    open_node(&nodes[1], "");
    int fd = dial_path(nodes[0].k->config->control);
    json_t *first = exchange(fd, text, sizeof text - 1);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(first, "id")), 1);
    json_decref(first);
    CU_ASSERT_EQUAL(join(&nodes[1], &nodes[0]), 0); /* what the second one waits for */
    char lines[65536];
    size_t have = 0;
    int newlines = 0;
    UNTIL(({
        ssize_t n = read(fd, lines + have, sizeof lines - 1 - have);
        for (ssize_t i = 0; i < n; i++) newlines += lines[have + (size_t)i] == '\n';
        if (n > 0) have += (size_t)n;
        newlines == 2;
    }));
    lines[have] = 0;
    char *second = strstr(lines, "\"id\":2"), *third = strstr(lines, "\"id\":3");
    CU_ASSERT(second && third && second < third);
    close(fd);
    end();
}

static void test_stale_sockets_are_replaced_and_live_ones_refused(void)
{
    begin_with_control();
    char path[64];
    snprintf(path, sizeof path, "%s/n0.sock", dir);
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    strcpy(sa.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    close(fd); /* as after a crash */
    open_node(&nodes[0], "");
    struct kith_error err = {.size = sizeof err};
    struct kith_node_setup setup = {.path = nodes[0].path, .world = world};
    struct kith *twin = NULL;
    CU_ASSERT_EQUAL_FATAL(kith_node_open(&twin, &setup, NULL, &err), 0);
    CU_ASSERT_EQUAL_FATAL(kith_control_attach(twin, &err), 0);
    CU_ASSERT_EQUAL(kith_start(twin, &err), -KITH_EADDRINUSE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
    kith_close(twin);
    CU_ASSERT_EQUAL(access(path, F_OK), 0); /* the twin took nothing with it */
    kith_close(nodes[0].k);
    nodes[0].k = NULL;
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    end();
}

KITH_TESTS("runtime/control",
           {"the control socket takes anything", test_the_control_socket_takes_anything},
           {"a monitor that does not read is told what it missed",
            test_a_monitor_that_does_not_read_is_told_what_it_missed},
           {"requests are answered in order", test_requests_are_answered_in_order},
           {"stale sockets are replaced, live ones refused",
            test_stale_sockets_are_replaced_and_live_ones_refused})
