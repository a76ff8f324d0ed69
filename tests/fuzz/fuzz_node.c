/*
 * fuzz_node.c - packets to a whole node, as its transport gives them: through the pipeline and the
 * core to its delegates, raw and on a channel, and on to whoever watches. The input is records: a
 * byte of time to pass (each 50 ms) and of flags (bit 7: as a user message on the channel), a
 * length of two bytes, bytes.
 *
 * All that is written of it is one line each: JSON for who watches, without a control character in
 * the log; and the node answers the next client.
 */
#include "one_node.h"

#include "channel.h"
#include "wire.h"

#include <sys/socket.h>
#include <unistd.h>

enum { RECORDS_MAX = 100, PACKET_MAX = 2000, ON_CHANNEL = 0x80 };

static const char text[] =
    "node: { name: self, profile: local, log: { level: trace } }\n"
    "transport: { use: loopback, address: self }\n"
    "pipeline: { send: [ { use: lzw } ], accept: [ { use: lzw }, { use: crc32 } ] }\n"
    "delegates:\n"
    "  - { use: log, level: info }\n"
    "  - { use: log, as: chat, channel: chat, format: json, level: info }\n";
static const char watch[] =
    "{\"cmd\":\"monitor\",\"log_level\":\"trace\",\"events\":[\"join\",\"leave\",\"update\","
    "\"suspect\",\"conflict\",\"message\",\"wire\",\"emitted\",\"log\"]}\n";

static void packet(struct one_node *n, const uint8_t *data, size_t len)
{
    struct kith_addr from = {.len = 1, .bytes = {'b'}};
    struct kith_peer peer = {.size = sizeof peer, .addr = &from};
    uint8_t *copy = malloc(len + !len);
    if (!copy) exit(2);
    if (len) memcpy(copy, data, len);
    struct kith_buf buf = {copy, copy, len, len + !len};
    const struct kith_uplink *up = &n->k->link->table;
    up->packet_in(up, &peer, &buf, kith_node_now(n->k));
    free(copy);
}

/* First byte: kind; second: flags; third: an id; then what is said, which may hold a sender. Of
 * other kinds than 0 all behind the flags is as it comes. */
static void on_channel(struct one_node *n, const uint8_t *data, size_t len)
{
    enum { KIND = 5, FLAGS = 6, KINDS = 7 };
    uint8_t out[PACKET_MAX + 64] = {KITH_MSG_USER};
    if (len < 3) return;
    size_t split = len > 3 ? 3 + data[2] % (len - 3) : 3;
    struct kith_channel_frame f = {.id = data[2],
                                   .name = kith_text(data[1] & 1 ? "user" : "chat"),
                                   .sender = kith_bytes_of(data + 3, split - 3)};
    size_t head = 1 + kith_channel_head(f.name.len, f.sender.len);
    kith_channel_write_head(out + 1, &f);
    out[KIND] = data[0] % KINDS;
    out[FLAGS] = data[1];
    if (out[KIND]) head = FLAGS + 1, split = 2;
    memcpy(out + head, data + split, len - split);
    packet(n, out, head + len - split);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static char heard[HEARD_MAX];
    struct fuzz_input in = {data, data + len};
    struct one_node n;
    size_t have = 0;
    one_node_begin(&n, text);
    int fd = one_node_dial(&n);
    FUZZ_CHECK(send(fd, watch, sizeof watch - 1, MSG_NOSIGNAL) == sizeof watch - 1);
    kith_loop_turn(n.loop, 0);
    for (int i = 0; i < RECORDS_MAX && in.p < in.end; i++) {
        const uint8_t *bytes;
        uint8_t how = fuzz_byte(&in);
        size_t some = fuzz_bytes(&in, &bytes);
        if (some > PACKET_MAX) some = PACKET_MAX;
        (how & ON_CHANNEL ? on_channel : packet)(&n, bytes, some);
        kith_loop_turn(n.loop, (how & 0x7f) * UINT64_C(50000000));
        one_node_hear(fd, heard, &have);
    }
    kith_loop_turn(n.loop, 0);
    one_node_hear(fd, heard, &have);
    FUZZ_CHECK(one_node_answers(heard, have) == 1);
    one_node_check(&n);
    close(fd);
    one_node_end(&n);
    return 0;
}
