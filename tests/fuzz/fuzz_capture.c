/*
 * fuzz_capture.c - a capture file, read as `kith dissect --pcap` reads it: frames, what IP carries,
 * TCP streams put together, layers, messages, lines. It is read twice, and says the same twice; all
 * that is told of it lies in it.
 */
#include "fuzz_file.h"

#include "datagram.h"
#include "dissect.h"

#include <kith/shown.h>

enum { FILE_MAX = 1 << 18, LINES_UP_TO = 64 };

struct reading {
    struct kith_tcp_streams *streams;
    size_t frames, bytes, lines;
    uint32_t sum;
};

static struct kith_dissector *dissector;

static void prepare(void)
{
    static const uint8_t key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static struct kith_dissect_setup setup; /* outlives the dissector */
    struct kith_error err = {.size = sizeof err};
    if (kith_secrets_add(&setup.keys, key, sizeof key)) exit(2); /* of the vectors */
    dissector = kith_dissector_new(&setup, &err);
    if (dissector) return;
    fprintf(stderr, "%s\n", err.text);
    exit(2);
}

static void look(struct reading *r, struct kith_bytes b)
{
    for (size_t i = 0; i < b.len; i++) r->sum = r->sum * 31 + b.data[i];
}

/* Nothing in a line can move a cursor. */
static void check_line(const json_t *result)
{
    char *line = kith_dissect_line(result), *json = json_dumps(result, JSON_COMPACT);
    FUZZ_CHECK(line && json);
    const uint8_t *s = (const uint8_t *)line;
    for (size_t i = 0, n, len = strlen(line); i < len; i += n)
        FUZZ_CHECK((n = kith_shown_char(s + i, len - i)) > 0);
    free(line);
    free(json);
}

static void dissect(struct reading *r, struct kith_bytes bytes, bool stream, bool reply)
{
    struct kith_dissect_error err = {""};
    json_t *result = NULL;
    look(r, bytes);
    if (r->lines++ >= LINES_UP_TO) return;
    int rc = kith_dissect(dissector, bytes, stream, reply, &result, &err);
    FUZZ_CHECK(rc <= 0 && (rc == 0) == (*err.text == 0));
    FUZZ_CHECK(json_is_array(json_object_get(result, "layers")) &&
               json_is_array(json_object_get(result, "messages")));
    check_line(result);
    json_decref(result);
}

static void take_half(void *arg, const struct kith_half *h)
{
    struct reading *r = arg;
    FUZZ_CHECK(h->bytes.len <= r->bytes);
    dissect(r, h->bytes, true, !h->opener);
}

static void take_frame(struct reading *r, const struct kith_capture_frame *f)
{
    struct kith_datagram d;
    r->frames++;
    r->bytes += f->len;
    look(r, kith_bytes_of(f->data, f->len));
    enum kith_datagram_kind kind = kith_datagram_read(f, &d);
    if (kind < KITH_DATAGRAM_UDP) return;
    FUZZ_CHECK(d.bytes.data >= f->data && d.bytes.data + d.bytes.len <= f->data + f->len);
    FUZZ_CHECK((d.from.len == 4 || d.from.len == 16) && d.from.len == d.to.len);
    if (kind == KITH_DATAGRAM_UDP)
        dissect(r, d.bytes, false, false);
    else
        kith_tcp_streams_add(r->streams, f->at, &d.from, &d.to, d.bytes);
}

static struct reading read_all(struct kith_capture *c, size_t len)
{
    struct reading r = {.streams = kith_tcp_streams_new()};
    struct kith_capture_frame frame;
    char why[200] = "";
    int rc;
    if (!r.streams) exit(2);
    while ((rc = kith_capture_next(c, &frame, why)) > 0) take_frame(&r, &frame);
    FUZZ_CHECK(r.bytes <= len && (rc == 0) == (*why == 0));
    kith_tcp_streams_each(r.streams, take_half, &r);
    kith_tcp_streams_free(r.streams);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char why[200] = "";
    if (!dissector) prepare();
    if (len > FILE_MAX) len = FILE_MAX;
    struct kith_capture *c = kith_capture_open(fuzz_file(data, len), why);
    FUZZ_CHECK(c || *why);
    if (!c) return 0;
    struct reading first = read_all(c, len);
    FUZZ_CHECK(kith_capture_rewind(c));
    struct reading second = read_all(c, len);
    FUZZ_CHECK(first.frames == second.frames && first.bytes == second.bytes &&
               first.sum == second.sum);
    kith_capture_close(c);
    return 0;
}
