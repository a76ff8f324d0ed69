/*
 * one_node.c - see one_node.h.
 */
#include "one_node.h"
#include "wire.h"

#include <sys/socket.h>
#include <unistd.h>

static char dir[] = "/tmp/kith-fuzz-XXXXXX", path[64];

static void remove_dir(void) { rmdir(dir); }

static void count_line(void *ctx, enum kith_log_level level, const char *line)
{
    struct one_node *n = ctx;
    for (const char *s = line; *s; s++) FUZZ_CHECK((uint8_t)*s >= ' ' && *s != 0x7f);
    n->logged++;
}

static void meet(struct one_node *n)
{
    static const uint8_t versions[6] = {1, 5, 2}, addr[4] = {127, 0, 0, 1};
    uint8_t out[200];
    struct kith_buf buf = {out, out, 0, sizeof out};
    struct kith_addr from = {.len = 1, .bytes = {'a'}};
    struct kith_peer peer = {.size = sizeof peer, .addr = &from};
    struct kith_msg m = {.type = KITH_MSG_ALIVE,
                         .incarnation = 1,
                         .node = kith_text("a"),
                         .addr = kith_bytes_of(addr, 4),
                         .port = 7,
                         .vsn = kith_bytes_of(versions, 6)};
    FUZZ_CHECK(kith_wire_write_message(&buf, &m) == 0);
    uint64_t now = kith_node_now(n->k);
    kith_core_packet(n->k->core, now, now, &peer, out, buf.len, buf.len);
    kith_node_wake(n->k);
}

void one_node_begin(struct one_node *n, const char *text)
{
    struct kith_error err = {.size = sizeof err};
    if (!*path) {
        if (!mkdtemp(dir) || atexit(remove_dir)) exit(2);
        snprintf(path, sizeof path, "%s/socket", dir);
    }
    struct kith_options options = {
        .size = sizeof options, .control = path, .log = count_line, .log_ctx = n};
    *n = (struct one_node){.world = kith_world_new_virtual(NULL, 1)};
    struct kith_node_setup setup = {.path = "/nonexistent/fuzz.yaml",
                                    .text = text,
                                    .len = strlen(text),
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

void one_node_end(struct one_node *n)
{
    kith_close(n->k);
    kith_world_unref(n->world);
}

bool one_node_stopped(struct one_node *n)
{
    int code;
    return kith_node_ended(n->k, &code);
}

int one_node_dial(struct one_node *n)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends)) exit(2);
    kith_client_new(n->control, ends[1]);
    return ends[0];
}

bool one_node_hear(int fd, char heard[HEARD_MAX], size_t *len)
{
    ssize_t n;
    while ((n = read(fd, heard + *len, HEARD_MAX - *len)) > 0) *len += (size_t)n;
    return n < 0;
}

size_t one_node_answers(const char *heard, size_t len)
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

void one_node_check(struct one_node *n)
{
    static const char simple[] = "{\"cmd\":\"meta\"}\n";
    static char heard[HEARD_MAX];
    size_t len = 0;
    if (one_node_stopped(n)) return;
    int fd = one_node_dial(n);
    FUZZ_CHECK(send(fd, simple, sizeof simple - 1, MSG_NOSIGNAL) == sizeof simple - 1);
    for (int i = 0; i < 10 && !len; i++) {
        kith_loop_turn(n->loop, 0);
        one_node_hear(fd, heard, &len);
    }
    FUZZ_CHECK(one_node_answers(heard, len) == 1);
    close(fd);
}
