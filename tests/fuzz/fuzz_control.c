/*
 * fuzz_control.c - what a client says on the control socket, to a node of its own: in virtual time,
 * on a network inside of the process, with a member that is not there. First byte, bit 0: the
 * client then says no more; the rest is sent as it is.
 *
 * All that comes back is JSON, a line each, no more answers than requests; and whatever was asked,
 * the node answers the next client, unless it was told to stop.
 */
#include "fuzz.h"

#include "control_inside.h"
#include "inside.h"
#include "wire.h"

#include <sys/socket.h>
#include <unistd.h>

enum { SAID_MAX = 1 << 16, HEARD_MAX = 8 << 20, TURNS = 40 };
#define SECOND UINT64_C(1000000000)

static char dir[] = "/tmp/kith-fuzz-XXXXXX", path[64];

static const char text[] = "node: { name: self, profile: local, log: { level: error } }\n"
                           "transport: { use: loopback, address: self }\n"
                           "keyring: [ AAECAwQFBgcICQoLDA0ODw== ]\n"
                           "probe: { interval: 0 }\n"
                           "gossip: { interval: 0 }\n"
                           "push_pull: { interval: 1h }\n";

struct node {
    struct kith_world *world;
    struct kith_loop *loop;
    struct kith *k;
    struct kith_control *control;
};

/* An embedder's log: nothing is written. */
static void quiet(void *ctx, enum kith_log_level level, const char *line) {}

static void meet(struct node *n)
{
    static const uint8_t versions[6] = {1, 5, 2}, addr[4] = {127, 0, 0, 1};
    uint8_t out[200];
    struct kith_buf buf = {out, out, 0, sizeof out};
    struct kith_addr from = {.len = 1, .bytes = {'a'}};
    struct kith_peer peer = {.size = sizeof peer, .addr = &from};
    struct kith_msg m = {.type = KITH_MSG_ALIVE,
                         .incarnation = 1,
                         .node = kith_text("a\\\x1b"),
                         .addr = kith_bytes_of(addr, 4),
                         .port = 7,
                         .vsn = kith_bytes_of(versions, 6)};
    FUZZ_CHECK(kith_wire_write_message(&buf, &m) == 0);
    uint64_t now = kith_node_now(n->k);
    kith_core_packet(n->k->core, now, now, &peer, out, buf.len, buf.len);
    kith_node_wake(n->k);
}

static void begin(struct node *n)
{
    struct kith_error err = {.size = sizeof err};
    struct kith_options options = {.size = sizeof options, .control = path, .log = quiet};
    *n = (struct node){.world = kith_world_new_virtual(NULL, 1)};
    struct kith_node_setup setup = {.path = "/nonexistent/fuzz.yaml",
                                    .text = text,
                                    .len = sizeof text - 1,
                                    .world = n->world,
                                    .problems = stderr};
    if (!n->world || kith_node_open(&n->k, &setup, &options, &err) ||
        kith_control_attach(n->k, &err) || kith_start(n->k, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
    n->loop = kith_world_loop(n->world);
    n->control = n->k->observers->self;
    meet(n);
    kith_loop_turn(n->loop, 0);
}

static int dial(struct node *n)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends)) exit(2);
    kith_client_new(n->control, ends[1]);
    return ends[0];
}

/* ------------------------------------------------------------------------------- what is said */

static bool stopped(struct node *n)
{
    int code;
    return kith_node_ended(n->k, &code);
}

/* What has come back so far, behind what came before. False: there will be no more. */
static bool hear(int fd, char *heard, size_t *len)
{
    ssize_t n;
    while ((n = read(fd, heard + *len, HEARD_MAX - *len)) > 0) *len += (size_t)n;
    return n < 0;
}

static size_t talk(struct node *n, int fd, const char *said, size_t len, bool end, char *heard)
{
    size_t have = 0, sent = 0;
    bool open = true;
    for (int i = 0; i < TURNS && open && !stopped(n); i++) {
        ssize_t some = sent < len ? send(fd, said + sent, len - sent, MSG_NOSIGNAL) : 0;
        if (some > 0) sent += (size_t)some;
        if (sent == len && end) shutdown(fd, SHUT_WR);
        kith_loop_turn(n->loop, i % 4 ? 0 : SECOND);
        open = hear(fd, heard, &have);
    }
    return have;
}

/* How many lines are answers. */
static size_t check_heard(const char *heard, size_t len)
{
    size_t answers = 0;
    for (const char *end; len && (end = memchr(heard, '\n', len)); heard = end + 1) {
        size_t line = (size_t)(end - heard);
        json_t *o = json_loadb(heard, line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        FUZZ_CHECK(json_is_object(o));
        const json_t *ok = json_object_get(o, "ok");
        if (json_is_false(ok))
            FUZZ_CHECK(json_is_string(json_object_get(o, "code")) &&
                       json_is_string(json_object_get(o, "error")));
        answers += ok != NULL;
        json_decref(o);
        len -= line + 1;
    }
    return answers;
}

static size_t requests(const char *said, size_t len)
{
    size_t lines = 0;
    for (size_t i = 0; i < len; i++) lines += said[i] == '\n';
    return lines;
}

static void remove_dir(void) { rmdir(dir); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char simple[] = "{\"cmd\":\"meta\"}\n";
    static char heard[HEARD_MAX];
    struct node n;
    if (!*path) {
        if (!mkdtemp(dir) || atexit(remove_dir)) exit(2);
        snprintf(path, sizeof path, "%s/socket", dir);
    }
    if (len < 2) return 0;
    begin(&n);
    const char *said = (const char *)data + 1;
    size_t said_len = len - 1 < SAID_MAX ? len - 1 : SAID_MAX;
    int fd = dial(&n);
    size_t got = talk(&n, fd, said, said_len, data[0] & 1, heard);
    FUZZ_CHECK(check_heard(heard, got) <= requests(said, said_len));
    if (!stopped(&n)) {
        int other = dial(&n);
        got = talk(&n, other, simple, sizeof simple - 1, true, heard);
        FUZZ_CHECK(check_heard(heard, got) == 1);
        close(other);
    }
    close(fd);
    kith_close(n.k);
    kith_world_unref(n.world);
    return 0;
}
