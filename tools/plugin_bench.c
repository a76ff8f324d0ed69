/*
 * plugin_bench.c - `kith plugin bench`: what a codec costs and saves, alone in a pipeline such as a
 * node has, on messages such as a cluster sends.
 *
 * Up to 1400 bytes messages are packets, above they travel on streams. A time is that of the
 * fastest of many short runs: whatever else the machine does only ever adds to it. Allocations are
 * counted where allocations.c could be preloaded, over messages after the first, and are all those
 * of the process: the codec's, its library's, and the pipeline's.
 */
#include "plugin_bench.h"

#include "arguments.h"
#include "fail.h"
#include "host.h"
#include "node.h"
#include "rows.h"
#include "screen.h"
#include "wire.h"

#include <dlfcn.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* As a node has them unless its file says otherwise. */
enum { PROTOCOL = 2, STREAM_MAX = 20 << 20, STREAMS_MAX = 128 << 20, ANY_BYTE = 0xC0 };
enum { BATCH = 16, MARGIN = 4096, PIECE = 65536, KEPT = 1 << 20, ROOM = 65536 };

static const size_t sizes[] = {64, 256, 1400, 65536, 10 << 20};

/* ------------------------------------------------------------------------------- allocations */

static unsigned long (*allocations)(void);

/* Begin again with the counter in place. Returns when there is none, or when it is there. */
static void count_allocations(char **argv)
{
#if !defined(__SANITIZE_ADDRESS__)
    char exe[PATH_MAX], beside[PATH_MAX + 40];
    *(void **)&allocations = dlsym(RTLD_DEFAULT, "kith_allocations");
    if (allocations || getenv("KITH_BENCH_AGAIN")) return;
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n < 0) return;
    exe[n] = 0;
    char *slash = strrchr(exe, '/');
    snprintf(beside, sizeof beside, "%.*s/.libs/kith-allocations.so",
             slash ? (int)(slash - exe) : 0, exe); /* not installed yet */
    const char *library =
        access(beside, R_OK) == 0 ? beside : KITH_PKGLIBDIR "/kith-allocations.so";
    if (access(library, R_OK) != 0) return;
    static char plugin[] = "plugin";
    size_t count = 0;
    while (argv[count]) count++;
    char **again = calloc(count + 2, sizeof *again);
    if (!again) return;
    again[0] = exe;
    memcpy(again + 1, argv, count * sizeof *argv);
    again[1] = plugin; /* argv[0] is how messages begin */
    setenv("LD_PRELOAD", library, 1);
    setenv("KITH_BENCH_AGAIN", "1", 1);
    execv("/proc/self/exe", again);
    free(again);
#endif
}

/* ----------------------------------------------------------------------- what a cluster says */

/* Announcements of members, one behind the other: what packets and states consist of. Repeats
 * exactly. */
static uint8_t *make_sample(size_t len)
{
    static const char *const roles[] = {"web", "db", "cache", "worker"};
    uint8_t *out = malloc(len + MARGIN);
    struct kith_buf buf = {out, out, 0, len + MARGIN};
    uint64_t random = 7;
    for (unsigned i = 0; out && buf.len < len; i++) {
        char name[48], meta[48];
        random = random * 6364136223846793005u + 1442695040888963407u;
        unsigned r = (unsigned)(random >> 33);
        uint8_t addr[4] = {10, (uint8_t)(r % 4), (uint8_t)(i >> 8), (uint8_t)i},
                vsn[6] = {1, 5, 2, 2, 5, 4};
        int n = snprintf(name, sizeof name, "%s-%05u.eu-%u.example.net", roles[r % 4], i % 100000,
                         r / 4 % 3);
        int k = snprintf(meta, sizeof meta,
                         "\xFF\x82\xA4role\xA3%s\xA4zone\xA4"
                         "eu-%u",
                         roles[r % 4], r / 4 % 3);
        struct kith_msg m = {.type = KITH_MSG_ALIVE,
                             .incarnation = 1 + r / 16 % 40,
                             .port = 7946,
                             .node = kith_bytes_of(name, (size_t)n),
                             .meta = kith_bytes_of(meta, (size_t)k),
                             .addr = kith_bytes_of(addr, 4),
                             .vsn = kith_bytes_of(vsn, 6)};
        if (kith_wire_write_message(&buf, &m) < 0) break;
    }
    return out;
}

/* ------------------------------------------------------------------- one codec in a pipeline */

struct params {
    struct kith_setting_text settings[KITH_BENCH_PARAMS];
    char *names[KITH_BENCH_PARAMS];
    size_t count;
    uint8_t layer_byte; /* 0: not given */
};

struct bench {
    const struct kith_bench *what;
    struct kith_registry *registry;
    struct kith_loop *loop;
    struct kith_log *log;
    struct kith_services *services;
    struct kith_chain chain;
    struct kith_keyring *ring;
    struct kith_pipeline *pipeline;
    const struct kith_codec_ops *ops;
    uint8_t *sample, *storage; /* storage: for a batch of packets */
    struct kith_buf sealed;    /* for streams */
    size_t opened;
};

/* `layer_byte` is the host's, as in the file; the others are the codec's own. */
static int take_params(struct params *out, const struct kith_bench *what)
{
    for (size_t i = 0; i < what->param_count; i++) {
        const char *text = what->params[i], *eq = strchr(text, '=');
        struct kith_setting_text *one = &out->settings[out->count];
        if (!strncmp(text, "layer_byte=", 11)) {
            if (kith_tool_layer_byte(eq + 1, &out->layer_byte)) continue;
            return kith_tool_usage("plugin", "layer_byte is 0xC0 to 0xEF, not '%s'", eq + 1);
        }
        one->name = out->names[out->count++] = strndup(text, (size_t)(eq - text));
        one->text = eq + 1;
        if (!one->name) return kith_tool_fail("plugin", KITH_EXIT_FAILED, "out of memory");
    }
    return 0;
}

static bool needs_byte(const struct kith_form *form)
{
    return form->framing == KITH_FRAMED && !form->first;
}

/* The codec alone: sent and accepted, with any private byte and any key when it wants them. */
static int make_chain(struct bench *b, const struct kith_plugin *p)
{
    const struct kith_codec_ops *ops = p->ops;
    struct params params = {0};
    struct kith_error err = {.size = sizeof err};
    int code = take_params(&params, b->what);
    if (!code &&
        kith_entries_add(&b->chain.send, p, KITH_PROFILE_LAN, params.settings, params.count, &err))
        code = kith_tool_fail("plugin", KITH_EXIT_USAGE, "%s", err.text);
    for (size_t i = 0; i < params.count; i++) free(params.names[i]);
    if (code) return code;
    struct kith_entry *entry = b->chain.send.items;
    entry->layer_byte = params.layer_byte;
    if (!params.layer_byte && (needs_byte(&ops->packet) || needs_byte(&ops->stream)))
        entry->layer_byte = ANY_BYTE;
    kith_entry_digest(entry);
    b->chain.accept = b->chain.send; /* the same one: freed once */
    return 0;
}

static struct kith_keyring *make_ring(bool keyed)
{
    static const uint8_t key[KITH_KEY_MAX] = {1, 2, 3};
    struct kith_secrets keys = {0};
    int rc = keyed ? kith_secrets_add(&keys, key, sizeof key) : 0;
    struct kith_keyring *ring = rc ? NULL : kith_keyring_new(&keys);
    kith_secrets_free(&keys);
    return ring;
}

static void bench_fini(struct bench *b)
{
    kith_pipeline_unref(b->pipeline);
    if (b->ring) kith_keyring_unref(b->ring);
    kith_entries_free(&b->chain.send);
    kith_services_free(b->services);
    kith_log_free(b->log);
    if (b->loop) kith_loop_free(b->loop);
    kith_registry_free(b->registry);
    free(b->sample);
    free(b->storage);
    free(b->sealed.base);
}

static int bench_init(struct bench *b)
{
    struct kith_error err = {.size = sizeof err, .text = "out of memory"};
    b->registry = kith_registry_new(b->what->dirs);
    b->loop = kith_loop_new(); /* a node's: with a node's randomness */
    b->sample = make_sample(sizes[sizeof sizes / sizeof *sizes - 1]);
    b->storage = malloc(BATCH * (ROOM + 2 * MARGIN));
    if (sodium_init() < 0 || !b->registry || !b->loop || !b->sample || !b->storage ||
        kith_log_new(&b->log, &(struct kith_log_setup){.level = KITH_LOG_ERROR}, &err) ||
        !(b->services = kith_services_new(b->loop, b->log, NULL)))
        return kith_tool_fail("plugin", KITH_EXIT_FAILED, "%s", err.text);
    const struct kith_plugin *p = kith_registry_find(b->registry, KITH_CODEC, b->what->codec, &err);
    if (!p) return kith_tool_fail("plugin", KITH_EXIT_NOTFOUND, "%s", err.text);
    int code = make_chain(b, p);
    if (code) return code;
    b->ops = p->ops;
    struct kith_host_maker maker = kith_services_maker(b->services);
    if (!(b->ring = make_ring(p->flags & KITH_KEYED)) ||
        kith_pipeline_new(&b->pipeline, &b->chain, &maker, b->ring, NULL, &err))
        return kith_tool_fail("plugin", KITH_EXIT_FAILED, "%s", err.text);
    return 0;
}

/* --------------------------------------------------------------------------------- measuring */

struct figures {
    size_t in, out;
    bool stream, passed;
    uint64_t seal, open;                              /* ns of a batch, the fastest */
    unsigned long seal_allocations, open_allocations; /* of a batch */
    unsigned batch;
};

struct mark {
    uint64_t time;
    unsigned long allocations;
};

static struct mark mark(void)
{
    struct timespec t;
    unsigned long n = allocations ? allocations() : 0;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct mark){(uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec, n};
}

static void note(struct mark from, struct mark to, uint64_t *ns, unsigned long *count)
{
    if (to.time - from.time < *ns) *ns = to.time - from.time;
    *count = to.allocations - from.allocations;
}

/* A member with the newest protocol: crc32 passes for it. */
static const struct kith_peer other_end = {.size = sizeof other_end, .protocol_max = 5};

/* Sealing and opening change a packet where it lies: so each of a batch has a place of its own. */
static int packets(struct bench *b, struct figures *f)
{
    size_t place = f->in + 2 * MARGIN;
    struct kith_buf bufs[BATCH];
    int rc = 0;
    for (size_t i = 0; i < BATCH; i++) {
        uint8_t *base = b->storage + i * place;
        bufs[i] = (struct kith_buf){base, base + MARGIN, f->in, place};
        memcpy(bufs[i].data, b->sample, f->in);
    }
    struct mark from = mark();
    for (size_t i = 0; i < BATCH && !rc; i++)
        rc = kith_pipeline_seal_packet(b->pipeline, &bufs[i], &other_end);
    note(from, mark(), &f->seal, &f->seal_allocations);
    if (rc < 0) return rc;
    f->out = bufs[BATCH - 1].len;
    /* The other packets may be overwritten in the pipeline's storage. */
    const uint8_t *sealed = bufs[BATCH - 1].data;
    for (size_t i = BATCH; i-- > 0;) {
        uint8_t *base = b->storage + i * place;
        sealed = memmove(base + MARGIN, sealed, f->out);
        bufs[i] = (struct kith_buf){base, base + MARGIN, f->out, place};
    }
    from = mark();
    for (size_t i = 0; i < BATCH && !rc; i++)
        rc = kith_pipeline_open_packet(b->pipeline, &bufs[i], &other_end, NULL);
    note(from, mark(), &f->open, &f->open_allocations);
    if (rc == 0 && bufs[0].len != f->in) rc = -KITH_EMALFORMED;
    return rc;
}

static void opened(void *arg, const uint8_t *data, size_t len)
{
    struct bench *b = arg;
    b->opened += len;
}

static int stream(struct bench *b, struct figures *f)
{
    struct mark from = mark();
    int rc = kith_pipeline_seal_stream(b->pipeline, kith_bytes_of(b->sample, f->in), true,
                                       &other_end, &b->sealed);
    note(from, mark(), &f->seal, &f->seal_allocations);
    if (rc < 0) return rc;
    f->out = b->sealed.len;
    b->opened = 0;
    from = mark();
    struct kith_inflow *in = kith_inflow_new(b->pipeline, true);
    if (!in) return -KITH_ENOMEM;
    for (size_t at = 0; at < f->out && rc == 0; at += PIECE)
        rc = kith_inflow_feed(in, &other_end, b->sealed.data + at,
                              f->out - at < PIECE ? f->out - at : PIECE, opened, b, NULL, NULL);
    if (rc == 0) rc = kith_inflow_end(in);
    kith_inflow_free(in);
    note(from, mark(), &f->open, &f->open_allocations);
    if (b->sealed.cap > KEPT) { /* as a node does */
        free(b->sealed.base);
        b->sealed = (struct kith_buf){0};
    }
    return rc < 0 ? rc : b->opened == f->in ? 0 : -KITH_EMALFORMED;
}

static int measure(struct bench *b, size_t size, struct figures *f)
{
    struct kith_codec_stats before = {0}, after = {0};
    *f =
        (struct figures){.in = size, .stream = size > 1400, .seal = UINT64_MAX, .open = UINT64_MAX};
    f->batch = f->stream ? 1 : BATCH;
    kith_pipeline_stats(b->pipeline, 0, &before);
    uint64_t end = mark().time + (f->stream ? 400000000u : 100000000u);
    for (unsigned run = 0; run < 3 || (run < 2000 && mark().time < end); run++) {
        int rc = f->stream ? stream(b, f) : packets(b, f);
        if (rc < 0)
            return kith_tool_fail("plugin", KITH_EXIT_FAILED, "%s at %zu bytes: %s", b->what->codec,
                                  size, kith_code_text(rc));
    }
    kith_pipeline_stats(b->pipeline, 0, &after);
    f->passed = after.sealed == before.sealed;
    return 0;
}

/* ----------------------------------------------------------------------------------- telling */

static json_t *figures_json(const struct figures *f)
{
    json_t *o = json_pack("{s:I,s:s,s:b}", "bytes", (json_int_t)f->in, "plane",
                          f->stream ? "stream" : "packet", "passed", (int)f->passed);
    json_object_set_new(o, "sealed_bytes", json_integer((json_int_t)f->out));
    json_object_set_new(o, "ratio", json_real((double)f->in / (double)f->out));
    json_object_set_new(o, "seal_ns", json_integer((json_int_t)(f->seal / f->batch)));
    json_object_set_new(o, "open_ns", json_integer((json_int_t)(f->open / f->batch)));
    json_object_set_new(o, "seal_allocations",
                        allocations ? json_real((double)f->seal_allocations / f->batch)
                                    : json_null());
    json_object_set_new(o, "open_allocations",
                        allocations ? json_real((double)f->open_allocations / f->batch)
                                    : json_null());
    return o;
}

static void add_row(struct kith_rows *rows, const json_t *o)
{
    char cell[7][40];
    const char *cells[8] = {cell[0], json_string_value(json_object_get(o, "plane")),
                            cell[1], cell[2],
                            cell[3], cell[4],
                            cell[5], cell[6]};
    const json_t *counts[] = {json_object_get(o, "seal_allocations"),
                              json_object_get(o, "open_allocations")};
    snprintf(cell[0], 40, "%lld", (long long)json_integer_value(json_object_get(o, "bytes")));
    snprintf(cell[1], 40, "%lld",
             (long long)json_integer_value(json_object_get(o, "sealed_bytes")));
    if (json_is_true(json_object_get(o, "passed")))
        snprintf(cell[2], 40, "passed");
    else
        snprintf(cell[2], 40, "%.2f", json_real_value(json_object_get(o, "ratio")));
    snprintf(cell[3], 40, "%lld", (long long)json_integer_value(json_object_get(o, "seal_ns")));
    snprintf(cell[4], 40, "%lld", (long long)json_integer_value(json_object_get(o, "open_ns")));
    for (int i = 0; i < 2; i++) {
        if (json_is_null(counts[i]))
            snprintf(cell[5 + i], 40, "not counted");
        else
            snprintf(cell[5 + i], 40, "%.4g", json_real_value(counts[i]));
    }
    kith_rows_add(rows, cells);
}

static void print_figures(const struct bench *b, json_t *list)
{
    static const char *const header[] = {"BYTES",   "PLANE",   "SEALED",      "RATIO",
                                         "NS/SEAL", "NS/OPEN", "ALLOCS/SEAL", "ALLOCS/OPEN"};
    json_t *one, *all = json_pack("{s:s,s:O}", "codec", b->what->codec, "figures", list);
    size_t i;
    if (b->what->json) {
        json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        putchar('\n');
    } else {
        struct kith_rows *rows = kith_rows_new(8, header);
        json_array_foreach(list, i, one) add_row(rows, one);
        kith_rows_end(rows);
    }
    json_decref(all);
}

int kith_plugin_bench(const struct kith_bench *what)
{
    struct bench b = {.what = what,
                      .chain = {.protocol = PROTOCOL,
                                .max_stream_size = STREAM_MAX,
                                .max_stream_memory = STREAMS_MAX}};
    count_allocations(what->argv);
    int code = bench_init(&b);
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && !code; i++) {
        struct figures f;
        const struct kith_form *form = sizes[i] > 1400 ? &b.ops->stream : &b.ops->packet;
        if (form->framing == KITH_NONE) continue;
        code = measure(&b, sizes[i], &f);
        if (!code) json_array_append_new(list, figures_json(&f));
    }
    if (!code) print_figures(&b, list);
    json_decref(list);
    bench_fini(&b);
    return code;
}
