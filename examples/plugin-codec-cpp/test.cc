// The codec without a node: a host of one function and a frame with a buffer are enough.
#include "rle.cc"

#define MUST(what) \
    do { \
        if (!(what)) { \
            fprintf(stderr, "line %d: %s\n", __LINE__, #what); \
            return 1; \
        } \
    } while (0)

static uint64_t saved;
static uint64_t *counter(const kith_host *, const char *, const char *, const kith_pair *, size_t)
{
    return &saved;
}

static uint8_t message[2000], first[2000], second[2000];
static kith_buf scratch;
static int reserve(kith_frame *frame, size_t len)
{
    if (len > sizeof second) return -KITH_ETOOBIG;
    *frame->scratch = {frame->scratch->base, frame->scratch->base, 0, sizeof second};
    return 0;
}

// A message of len bytes, each like the one before but for one in `change`.
static int round_trip(Rle *rle, kith_frame *frame, size_t len, unsigned change)
{
    for (size_t i = 0; i < len; i++)
        message[i] = static_cast<uint8_t>(i % change ? message[i - 1] : i * 7 + 1);
    memcpy(first, message, len);
    kith_buf buf = {first, first, len, sizeof first};
    scratch = {second, second, 0, sizeof second};
    const int rc = seal(rle, &buf, frame);
    if (rc == KITH_PASS) return KITH_PASS;
    MUST(rc == 0 && buf.len + 1 < len);
    frame->limit = len;
    MUST(open(rle, &buf, frame) == 0);
    MUST(buf.len == len && memcmp(buf.data, message, len) == 0);
    return 0;
}

static int refuses(Rle *rle, kith_frame *frame, kith_bytes bytes, int why)
{
    memcpy(first, bytes.data, bytes.len);
    kith_buf buf = {first, first, bytes.len, sizeof first};
    scratch = {second, second, 0, sizeof second};
    frame->limit = 100;
    MUST(open(rle, &buf, frame) == why);
    return 0;
}

int main()
{
    kith_host host{};
    kith_frame frame{};
    Rle rle{};
    host.size = sizeof host;
    host.counter = counter;
    frame.size = sizeof frame;
    frame.plane = KITH_PACKET;
    frame.scratch = &scratch;
    frame.reserve = reserve;
    MUST(init(&rle, &host, nullptr) == 0);
    for (size_t len = 40; len < 1500; len++) MUST(round_trip(&rle, &frame, len, 20) == 0);
    MUST(saved > 0);
    MUST(round_trip(&rle, &frame, 1000, 1) == KITH_PASS); // noise: left as it is
    rle.min_size = 2000;
    MUST(round_trip(&rle, &frame, 1000, 20) == KITH_PASS);
    MUST(refuses(&rle, &frame, kith_bytes_of("\x80", 1), -KITH_EMALFORMED) == 0);
    MUST(refuses(&rle, &frame, kith_bytes_of("\x05xx", 3), -KITH_EMALFORMED) == 0);
    MUST(refuses(&rle, &frame, kith_bytes_of("\xFF", 1), -KITH_EMALFORMED) == 0);
    MUST(refuses(&rle, &frame, kith_bytes_of("\x81x", 2), -KITH_ETOOBIG) == 0); // 128 times
    puts("rle: ok");
    return 0;
}
