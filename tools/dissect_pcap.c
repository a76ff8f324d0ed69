/*
 * dissect_pcap.c - a capture: every UDP packet, and every TCP stream put together again, one line
 * each with its layers and their sizes. What can't be read that way is counted and said at the end.
 */
#include "datagram.h"
#include "dissect.h"
#include "fail.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <time.h>

#define SECOND UINT64_C(1000000000)

struct run {
    struct kith_dissector *dissector;
    struct kith_tcp_streams *streams;
    bool json;
    size_t skipped, failed, holes;
    uint32_t link; /* one that can't be read */
    size_t strange;
};

/* Counted, unless it is UDP or TCP. */
static enum kith_datagram_kind read_frame(struct run *r, const struct kith_capture_frame *f,
                                          struct kith_datagram *d)
{
    enum kith_datagram_kind kind = kith_datagram_read(f, d);
    if (kind == KITH_DATAGRAM_STRANGE) {
        r->link = f->link;
        r->strange++;
    }
    r->skipped += kind == KITH_DATAGRAM_SKIPPED;
    return kind;
}

/* ----------------------------------------------------------------------------------- one line */

static void endpoint_text(const struct kith_endpoint *e, char out[64])
{
    char ip[INET6_ADDRSTRLEN] = "?";
    inet_ntop(e->len == 4 ? AF_INET : AF_INET6, e->ip, ip, sizeof ip);
    snprintf(out, 64, e->len == 4 ? "%s:%u" : "[%s]:%u", ip, e->port);
}

static void print_json(json_t *result, uint64_t at, const char *from, const char *to,
                       const char *plane, size_t len, const char *error)
{
    double time = (double)(at / SECOND) + (double)(at % SECOND) / 1e9;
    json_object_set_new(result, "time", json_real(time));
    json_object_set_new(result, "from", json_string(from));
    json_object_set_new(result, "to", json_string(to));
    json_object_set_new(result, "plane", json_string(plane));
    json_object_set_new(result, "bytes", json_integer((json_int_t)len));
    if (error) json_object_set_new(result, "error", json_string(error));
    json_dumpf(result, stdout, JSON_COMPACT);
}

static void print_text(json_t *result, uint64_t at, const char *from, const char *to,
                       const char *plane, size_t len, const char *error)
{
    char stamp[32];
    time_t seconds = (time_t)(at / SECOND);
    struct tm tm;
    char *line = kith_dissect_line(result);
    if (!gmtime_r(&seconds, &tm) || !strftime(stamp, sizeof stamp, "%H:%M:%S", &tm)) *stamp = 0;
    printf("%s.%06u %s > %s %s %zu: %s", stamp, (unsigned)(at / 1000u % 1000000u), from, to, plane,
           len, line ? line : "");
    if (error) printf("%s! %s", line && *line ? " " : "", error);
    free(line);
}

static void print_one(struct run *r, uint64_t at, const struct kith_endpoint *from,
                      const struct kith_endpoint *to, const char *plane, struct kith_bytes bytes,
                      bool stream, bool reply)
{
    struct kith_dissect_error err = {""};
    char a[64], b[64];
    json_t *result;
    int rc = kith_dissect(r->dissector, bytes, stream, reply, &result, &err);
    r->failed += rc != 0;
    endpoint_text(from, a);
    endpoint_text(to, b);
    (r->json ? print_json : print_text)(result, at, a, b, plane, bytes.len, rc ? err.text : NULL);
    putchar('\n');
    json_decref(result);
}

static void print_stream(void *arg, const struct kith_half *h)
{
    struct run *r = arg;
    bool reply = !h->opener;
    if (h->bytes.len)
        print_one(r, h->began, &h->from, &h->to, reply ? "tcp reply" : "tcp", h->bytes, true,
                  reply);
    r->holes += h->holes;
}

/* ------------------------------------------------------------------------------------ the file */

/* The label is part of what is authenticated: without one given, the first one that is seen. */
static int find_label(struct run *r, struct kith_capture *c, char label[256], char why[200])
{
    struct kith_capture_frame frame;
    struct kith_datagram d;
    int rc;
    *label = 0;
    while ((rc = kith_capture_next(c, &frame, why)) > 0)
        if (read_frame(r, &frame, &d) == KITH_DATAGRAM_UDP && kith_dissect_label(d.bytes, label))
            break;
    r->skipped = r->strange = 0;
    return rc < 0 ? rc : 0;
}

static int print_all(struct run *r, struct kith_capture *c, char why[200])
{
    struct kith_capture_frame frame;
    struct kith_datagram d;
    int rc;
    while ((rc = kith_capture_next(c, &frame, why)) > 0) {
        enum kith_datagram_kind kind = read_frame(r, &frame, &d);
        if (kind == KITH_DATAGRAM_UDP)
            print_one(r, frame.at, &d.from, &d.to, "udp", d.bytes, false, false);
        if (kind == KITH_DATAGRAM_TCP)
            kith_tcp_streams_add(r->streams, frame.at, &d.from, &d.to, d.bytes);
    }
    kith_tcp_streams_each(r->streams, print_stream, r);
    return rc;
}

static void complain(const struct run *r)
{
    if (r->strange)
        fprintf(stderr,
                "kith dissect: %zu frames have link type %u, which can't be read; Ethernet (1), "
                "Linux cooked (113, 276), loopback (0, 108) and raw IP (101, 228, 229) can\n",
                r->strange, r->link);
    if (r->skipped)
        fprintf(stderr, "kith dissect: %zu frames are neither UDP nor TCP, or fragments\n",
                r->skipped);
    if (r->holes)
        fprintf(stderr,
                "kith dissect: %zu streams have holes: some of their segments were not captured\n",
                r->holes);
    if (r->failed)
        fprintf(stderr, "kith dissect: %zu packets or streams could not be read to their end\n",
                r->failed);
}

static int run(struct run *r, struct kith_capture *c, struct kith_dissect_setup *setup,
               const char *path)
{
    struct kith_error err = {.size = sizeof err};
    char label[256], why[200];
    int rc = 0;
    if (!setup->label) {
        rc = find_label(r, c, label, why);
        if (*label) setup->label = label;
        if (rc == 0 && !kith_capture_rewind(c))
            return kith_tool_fail("dissect", KITH_EXIT_USAGE,
                                  "%s can be read only once: give the --label", path);
    }
    r->streams = kith_tcp_streams_new();
    r->dissector = kith_dissector_new(setup, &err);
    if (!r->dissector || !r->streams)
        return kith_tool_fail("dissect", KITH_EXIT_USAGE, "%s",
                              r->dissector ? "out of memory" : err.text);
    if (rc == 0) rc = print_all(r, c, why);
    complain(r);
    if (rc) return kith_tool_fail("dissect", KITH_EXIT_FAILED, "%s: %s", path, why);
    return r->failed || r->strange ? KITH_EXIT_FAILED : KITH_EXIT_OK;
}

int kith_dissect_pcap(const char *path, struct kith_dissect_setup *setup, bool json)
{
    struct run r = {.json = json};
    char why[200];
    struct kith_capture *c = kith_capture_open(path, why);
    if (!c) return kith_tool_fail("dissect", KITH_EXIT_FAILED, "%s: %s", path, why);
    int code = run(&r, c, setup, path);
    kith_dissector_free(r.dissector);
    kith_tcp_streams_free(r.streams);
    kith_capture_close(c);
    return code;
}
