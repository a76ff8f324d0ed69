// rle.cc - a complete codec in C++: run-length compression, for messages full of zeroes.
//
// It shows what fletcher.c does not: C++17, the second buffer, and leaving a message as it is. The
// format is PackBits: a byte n below 128 is followed by n + 1 bytes to copy, one above 128 by a
// byte to repeat 257 - n times; 128 never occurs. Needs <kith/plugin.h> only, no C++ library, and
// throws nothing: an exception must not leave a plugin.
//
//     make && make check        then, in the YAML file of every node:
//     pipeline:
//       send: [ { use: /path/to/rle.so, layer_byte: 0xC8 } ]
#include <kith/plugin.h>

namespace
{

// The host allocates this zeroed and stores the parameters in it.
struct Rle {
    uint64_t min_size; // parameter
    uint64_t *saved;
};

constexpr size_t copy_max = 128, run_max = 128;

const kith_param params[] = {
    KITH_PARAM(Rle, min_size, SIZE, 0, "32", nullptr, "1MiB",
               "messages below are sent as they are"),
    KITH_PARAM_END,
};

// Opens nothing: a config check runs it too.
int init(void *self, const kith_host *host, kith_error *)
{
    static_cast<Rle *>(self)->saved =
        host->counter(host, "saved_bytes", "Bytes that compression saved.", nullptr, 0);
    return 0;
}

// Nothing is ever added: what would grow is left as it is.
void room(const void *, kith_room *) {}

size_t run_length(const uint8_t *data, size_t len)
{
    size_t n = 1;
    while (n < len && n < run_max && data[n] == data[0]) n++;
    return n;
}

// How many bytes to copy until a run of three begins, which is worth a pair of its own.
size_t copy_length(const uint8_t *data, size_t len)
{
    size_t n = 0;
    while (n < len && n < copy_max && run_length(data + n, len - n) < 3) n++;
    return n;
}

int seal(void *self, kith_buf *buf, kith_frame *frame)
{
    Rle &rle = *static_cast<Rle *>(self);
    const uint8_t *in = buf->data;
    const size_t framing = frame->plane == KITH_PACKET ? 1 : 5; // the host's bytes
    size_t left = buf->len;
    if (left < rle.min_size || left <= framing + 1) return KITH_PASS;
    const size_t most = left - framing - 1; // worth it only if the whole gets shorter
    if (int rc = frame->reserve(frame, most); rc < 0) return rc;
    while (left > 0) {
        const size_t run = run_length(in, left);
        const size_t n = run >= 3 ? run : copy_length(in, left), body = run >= 3 ? 1 : n;
        if (frame->scratch->len + 1 + body > most) return KITH_PASS;
        uint8_t *out = kith_buf_put(frame->scratch, 1 + body);
        out[0] = static_cast<uint8_t>(run >= 3 ? 257 - n : n - 1);
        memcpy(out + 1, in, body);
        in += n;
        left -= n;
    }
    *rle.saved += buf->len - frame->scratch->len;
    kith_buf_swap(buf, frame->scratch);
    return 0;
}

// Walk over the pairs: how long is what they make? out: where to put it, or nullptr.
int unpack(kith_bytes in, size_t limit, uint8_t *out, size_t *len)
{
    *len = 0;
    while (in.len > 0) {
        const uint8_t head = in.data[0];
        const bool run = head > 128;
        const size_t n = run ? 257u - head : head + 1u, body = run ? 1 : n;
        if (head == 128 || in.len < 1 + body) return -KITH_EMALFORMED;
        if (n > limit - *len) return -KITH_ETOOBIG;
        if (out && run) memset(out + *len, in.data[1], n);
        if (out && !run) memcpy(out + *len, in.data + 1, n);
        *len += n;
        in = kith_bytes_of(in.data + 1 + body, in.len - 1 - body);
    }
    return 0;
}

// A stranger wrote this: measure first, then ask for so much and no more.
int open(void *, kith_buf *buf, kith_frame *frame)
{
    const kith_bytes in = kith_bytes_of(buf->data, buf->len);
    size_t len;
    if (int rc = unpack(in, frame->limit, nullptr, &len); rc < 0) return rc;
    if (int rc = frame->reserve(frame, len); rc < 0) return rc;
    unpack(in, len, kith_buf_put(frame->scratch, len), &len);
    kith_buf_swap(buf, frame->scratch);
    return 0;
}

// No registered byte: the file gives a private one with `layer_byte:`.
constexpr auto ops = kith_make<kith_codec_ops>([](auto &o) {
    o.provides = KITH_COMPRESSES;
    o.packet.framing = o.stream.framing = KITH_FRAMED;
    o.room = room;
    o.seal = seal;
    o.open = open;
});

// constexpr: made by the compiler, so that nothing runs when the file is loaded.
constexpr auto plugin = kith_make_plugin(KITH_CODEC, [](auto &p) {
    p.name = "rle";
    p.version = "1.0";
    p.summary = "Run-length compression, an example in C++";
    p.instance_size = sizeof(Rle);
    p.params = params;
    p.ops = &ops;
    p.init = init;
});

} // namespace

KITH_PLUGIN(rle) = plugin;
