/*
 * fuzz_control.c - what a client says on the control socket of a node. First byte, bit 0: it then
 * says no more; the rest is sent as it is. All that comes back is JSON, a line each, no more
 * answers than requests; and whatever was asked, the node answers the next client, unless it was
 * told to stop.
 */
#include "one_node.h"

#include <sys/socket.h>
#include <unistd.h>

enum { SAID_MAX = 1 << 16, TURNS = 40 };
#define SECOND UINT64_C(1000000000)

static const char text[] = "node: { name: self, profile: local, log: { level: error } }\n"
                           "transport: { use: loopback, address: self }\n"
                           "keyring: [ AAECAwQFBgcICQoLDA0ODw== ]\n"
                           "probe: { interval: 0 }\n"
                           "gossip: { interval: 0 }\n"
                           "push_pull: { interval: 1h }\n";

static size_t talk(struct one_node *n, int fd, const char *said, size_t len, bool end,
                   char heard[HEARD_MAX])
{
    size_t have = 0, sent = 0;
    bool open = true;
    for (int i = 0; i < TURNS && open && !one_node_stopped(n); i++) {
        ssize_t some = sent < len ? send(fd, said + sent, len - sent, MSG_NOSIGNAL) : 0;
        if (some > 0) sent += (size_t)some;
        if (sent == len && end) shutdown(fd, SHUT_WR);
        kith_loop_turn(n->loop, i % 4 ? 0 : SECOND);
        open = one_node_hear(fd, heard, &have);
    }
    return have;
}

static size_t requests(const char *said, size_t len)
{
    size_t lines = 0;
    for (size_t i = 0; i < len; i++) lines += said[i] == '\n';
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static char heard[HEARD_MAX];
    struct one_node n;
    if (len < 2) return 0;
    one_node_begin(&n, text);
    const char *said = (const char *)data + 1;
    size_t said_len = len - 1 < SAID_MAX ? len - 1 : SAID_MAX;
    int fd = one_node_dial(&n);
    size_t got = talk(&n, fd, said, said_len, data[0] & 1, heard);
    FUZZ_CHECK(one_node_answers(heard, got) <= requests(said, said_len));
    one_node_check(&n);
    close(fd);
    one_node_end(&n);
    return 0;
}
