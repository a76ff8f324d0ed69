#include "control_rig.h"
#include "wire.h"
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct kith_control *control(void) { return nodes[0].k->observers->self; }

void begin_alone(const char *extra)
{
    char all[1024];
    snprintf(all, sizeof all,
             "probe: { interval: 0 }\npush_pull: { interval: 1h }\ngossip: { interval: 0 }\n%s",
             extra);
    begin();
    node_opened = kith_control_attach;
    open_node(&nodes[0], all);
}

/* From where the members are that are not there. */
static void hear(const struct kith_msg *m)
{
    uint8_t out[1000];
    struct kith_buf buf = {out, out, 0, sizeof out};
    struct kith_addr from = {.len = 4, .port = 7, .bytes = {127, 0, 0, 1}};
    struct kith_peer peer = {.size = sizeof peer, .addr = &from};
    CU_ASSERT_EQUAL_FATAL(kith_wire_write_message(&buf, m), 0);
    uint64_t now = kith_node_now(nodes[0].k);
    kith_core_packet(nodes[0].k->core, now, now, &peer, out, buf.len, buf.len);
    kith_node_wake(nodes[0].k);
}

void meet(const char *name)
{
    static const uint8_t versions[6] = {1, 5, 2}, addr[4] = {127, 0, 0, 1};
    struct kith_msg m = {.type = KITH_MSG_ALIVE,
                         .incarnation = 1,
                         .node = kith_text(name),
                         .addr = kith_bytes_of(addr, 4),
                         .port = 7,
                         .vsn = kith_bytes_of(versions, 6)};
    hear(&m);
}

void go_pings(void)
{
    struct kith_msg m = {.type = KITH_MSG_PING, .seq_no = 1};
    hear(&m);
}

int client_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(fd >= 0);
    return fd;
}

void dial_with(int fd)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", nodes[0].k->config->control);
    CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
}

int dial(void)
{
    size_t before = control()->count;
    int fd = client_socket();
    dial_with(fd);
    UNTIL(control()->count > before);
    return fd;
}

void ask(int fd, const char *line)
{
    CU_ASSERT_EQUAL_FATAL(send(fd, line, strlen(line), MSG_NOSIGNAL), (ssize_t)strlen(line));
}

json_t *next_line(int fd)
{
    static char line[8 << 20];
    size_t have = 0;
    uint64_t last = seconds() + PATIENCE_SECONDS;
    while (seconds() < last && have < sizeof line) {
        ssize_t n = recv(fd, line + have, sizeof line - have, MSG_PEEK | MSG_DONTWAIT);
        if (n == 0) break;
        if (n < 0) {
            kith_loop_turn(loop, 10000000);
            continue;
        }
        const char *end = memchr(line + have, '\n', (size_t)n);
        if (end) n = end + 1 - (line + have);
        have += (size_t)read(fd, line + have, (size_t)n);
        if (end) return json_loadb(line, have, 0, NULL);
    }
    return NULL;
}

const char *code_of(json_t *answer)
{
    const char *code = json_string_value(json_object_get(answer, "code"));
    static char copy[64];
    snprintf(copy, sizeof copy, "%s",
             code                                          ? code
             : json_is_true(json_object_get(answer, "ok")) ? "ok"
                                                           : "?");
    json_decref(answer);
    return copy;
}

bool answers(int fd)
{
    ask(fd, "{\"cmd\":\"meta\"}\n");
    return !strcmp(code_of(next_line(fd)), "ok");
}
