/*
 * fuzz_relay.c - what members say of broadcasts on channels, in any order: messages of lives, lists
 * of what they have, ask for and have no more. The input is records, whose first byte says what
 * follows. Whatever it is, the node keeps within its window and delivers each number once.
 */
#include "frames.h"
#include "victim.h"
#include "wire.h"

enum { NUMBERED, HAVE, ASK, GONE, PAUSE, OURS, RAW, DOINGS, RECORDS_MAX = 400, WINDOW = 8 << 20 };

static double window, received;

static void look(void *arg, const struct kith_stat *st)
{
    if (strcmp(st->name, "relay_window_bytes") == 0) window = st->value;
    if (strcmp(st->name, "relays_received") == 0) received = st->value;
}

static void frame(struct victim *v, const uint8_t *bytes, size_t len)
{
    uint8_t packet[1 + KITH_RELAY_LIST];
    if (len > sizeof packet - 1) len = sizeof packet - 1;
    packet[0] = KITH_MSG_USER;
    if (len) memcpy(packet + 1, bytes, len);
    victim_packet(v, packet, len + 1);
}

/* Eight lives, numbers that are near each other, or far away. */
static uint64_t life(struct fuzz_input *in) { return 1 + fuzz_byte(in) % 8; }

static uint64_t number(struct fuzz_input *in)
{
    uint64_t n = fuzz_byte(in), far = fuzz_byte(in);
    return far & 1 ? n << far / 4 : n;
}

static void numbered(struct victim *v, struct fuzz_input *in)
{
    static const uint8_t names[] = "abcdself", text[256];
    uint8_t bytes[600], who = fuzz_byte(in) % 5;
    struct kith_relay_frame f = {.life = life(in),
                                 .number = number(in),
                                 .age = fuzz_byte(in),
                                 .origin = kith_bytes_of(names + who, who == 4 ? 4 : 1),
                                 .channel = kith_bytes_of(text, 1 + fuzz_byte(in) % 63),
                                 .body = kith_bytes_of(text, fuzz_byte(in))};
    frame(v, bytes, kith_relay_write(bytes, &f));
}

static void list(struct victim *v, struct fuzz_input *in, enum kith_relay_kind kind)
{
    struct kith_relay_list l;
    kith_relay_list(&l, kind, sizeof l.bytes);
    for (unsigned n = 1 + fuzz_byte(in) % 8; n; n--) {
        uint64_t id = life(in), a = number(in);
        kith_relay_add(&l, id, a, number(in));
    }
    frame(v, l.bytes, l.len);
}

static void raw(struct victim *v, struct fuzz_input *in)
{
    uint8_t bytes[KITH_RELAY_LIST] = {0xF2, 0x6B, 0x63, 0x31};
    const uint8_t *more;
    size_t len = fuzz_bytes(in, &more);
    if (len > sizeof bytes - 4) len = sizeof bytes - 4;
    if (len) memcpy(bytes + 4, more, len);
    frame(v, bytes, len + 4);
}

static void ours(struct victim *v, struct fuzz_input *in)
{
    static const uint8_t text[1400];
    size_t len = number(in) % sizeof text;
    int rc = kith_core_relay(v->core, v->now, kith_bytes_of(text, fuzz_byte(in) % 80),
                             kith_bytes_of(text, len));
    FUZZ_CHECK(rc == 0 || rc == -KITH_ETOOBIG || rc == -KITH_EAGAIN || rc == -KITH_EINVAL);
    victim_drain(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct fuzz_input in = {data, data + len};
    struct victim v;
    victim_begin(&v);
    for (int i = 0; i < RECORDS_MAX && in.p < in.end; i++) {
        switch (fuzz_byte(&in) % DOINGS) {
        case NUMBERED: numbered(&v, &in); break;
        case HAVE: list(&v, &in, KITH_RELAY_HAVE); break;
        case ASK: list(&v, &in, KITH_RELAY_ASK); break;
        case GONE: list(&v, &in, KITH_RELAY_GONE); break;
        case PAUSE: victim_pass(&v, fuzz_byte(&in) * UINT64_C(20000000)); break;
        case OURS: ours(&v, &in); break;
        default: raw(&v, &in); break;
        }
        double before = received;
        kith_core_stats(v.core, look, NULL);
        FUZZ_CHECK(window <= WINDOW && (received >= before || i == 0));
    }
    victim_pass(&v, 1000000000);
    victim_end(&v);
    return 0;
}
