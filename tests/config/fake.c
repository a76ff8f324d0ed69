/*
 * fake.c - see fake.h. Names and forms are those of the real plugins, so that the files of the
 * tests look real.
 */
#include "fake.h"

/* --------------------------------------------------------------------------------- transport */

static const struct kith_param udp_tcp_params[] = {
    {"bind", KITH_PARAM_STRINGS, 0, offsetof(struct fake_udp_tcp, bind), "0.0.0.0:7946", .min = 1,
     .doc = "addresses to listen on"},
    {"advertise", KITH_PARAM_STRING, 0, offsetof(struct fake_udp_tcp, advertise), .min = 1,
     .doc = "address that others shall use"},
    {"max_inbound", KITH_PARAM_UINT, 0, offsetof(struct fake_udp_tcp, max_inbound), "256", .min = 1,
     .max = 65535, .doc = "streams that others may have open with us"},
    {"idle_timeout", KITH_PARAM_DURATION, 0, offsetof(struct fake_udp_tcp, idle_timeout), "10s",
     "30s", "1s", 1000000, .doc = "how long a stream may be silent"},
    {NULL}};

static const struct kith_transport_ops udp_tcp_ops = {.size = sizeof udp_tcp_ops,
                                                      .default_port = 7946};

static const struct kith_plugin udp_tcp = {KITH_HEADER(TRANSPORT),
                                           .name = "udp_tcp",
                                           .version = "1.0",
                                           .summary = "packets over UDP, streams over TCP",
                                           .instance_size = sizeof(struct fake_udp_tcp),
                                           .params = udp_tcp_params,
                                           .ops = &udp_tcp_ops};

/* ------------------------------------------------------------------------------------ codecs */

static const char *const zstd_modes[] = {"fast", "dense", NULL};
static const struct kith_param zstd_params[] = {
    {"level", KITH_PARAM_UINT, 0, offsetof(struct fake_zstd, level), "1", .min = 1, .max = 19,
     .doc = "effort"},
    {"min_size", KITH_PARAM_SIZE, 0, offsetof(struct fake_zstd, min_size), "64", .max = 1 << 20,
     .doc = "smaller messages pass"},
    {"dictionary", KITH_PARAM_PATH, 0, offsetof(struct fake_zstd, dictionary),
     .doc = "file of a trained dictionary"},
    {"ratio", KITH_PARAM_FLOAT, 0, offsetof(struct fake_zstd, ratio), "0.9", .max = 1,
     .doc = "worth it below this"},
    {"mode", KITH_PARAM_ENUM, 0, offsetof(struct fake_zstd, mode), "fast", .choices = zstd_modes,
     .doc = "what to aim for"},
    {"checksum", KITH_PARAM_BOOL, 0, offsetof(struct fake_zstd, checksum), "false",
     .doc = "add its own checksum"},
    {NULL}};

#define CODEC(id, gives, how, pkt, str, table, bytes) \
    static const struct kith_codec_ops id##_ops = {sizeof id##_ops, gives, how, pkt, str}; \
    static const struct kith_plugin id = { \
        KITH_HEADER(CODEC),     .name = #id,     .version = "1.0", .summary = "fake " #id, \
        .instance_size = bytes, .params = table, .ops = &id##_ops}
#define FORM(...) \
    { \
        __VA_ARGS__ \
    }

CODEC(lzw, KITH_COMPRESSES, 0, FORM(KITH_OWN, 9, 9), FORM(KITH_OWN, 9, 9), NULL, 1);
CODEC(crc32, KITH_CHECKS, KITH_CODEC_PEER_CRC, FORM(KITH_OWN, 12, 12), FORM(KITH_NONE), NULL, 1);
CODEC(aes_gcm, KITH_AUTHENTICATES | KITH_ENCRYPTS, KITH_CODEC_KEYED | KITH_CODEC_RAW_KEYS,
      FORM(KITH_OWN, 0, 1, 1), FORM(KITH_OWN, 10, 10), NULL, 1);
CODEC(xchacha20poly1305, KITH_AUTHENTICATES | KITH_ENCRYPTS, KITH_CODEC_KEYED,
      FORM(KITH_FRAMED, 0x80, 0x80), FORM(KITH_FRAMED, 0x80, 0x80), NULL, 1);
CODEC(zstd, KITH_COMPRESSES, 0, FORM(KITH_FRAMED, 0x81, 0x81), FORM(KITH_FRAMED, 0x81, 0x81),
      zstd_params, sizeof(struct fake_zstd));
CODEC(blake2b, KITH_CHECKS | KITH_AUTHENTICATES, KITH_CODEC_KEYED, FORM(KITH_FRAMED, 0x83, 0x83),
      FORM(KITH_FRAMED, 0x83, 0x83), NULL, 1);
CODEC(private, 0, 0, FORM(KITH_FRAMED), FORM(KITH_FRAMED), NULL, 1);
CODEC(other, 0, 0, FORM(KITH_FRAMED), FORM(KITH_FRAMED), NULL, 1);

/* --------------------------------------------------------------------------------- delegates */

struct fake_delegate {
    const char *command, *token;
};

static const struct kith_param app_params[] = {
    {"command", KITH_PARAM_STRING, KITH_PARAM_REQUIRED, offsetof(struct fake_delegate, command),
     .min = 1, .doc = "what to run"},
    {"token", KITH_PARAM_STRING, KITH_PARAM_SECRET, offsetof(struct fake_delegate, token), .min = 8,
     .doc = "who may ask"},
    {NULL}};

static int meta(void *self, uint8_t *out, size_t cap) { return 0; }

static void state(void *self, bool join, const struct kith_sink *sink) {}

#define DELEGATE(id, table, ...) \
    static const struct kith_delegate_ops fake_##id##_ops = {.size = sizeof fake_##id##_ops, \
                                                             __VA_ARGS__}; \
    static const struct kith_plugin fake_##id = {KITH_HEADER(DELEGATE), \
                                                 .name = #id, \
                                                 .version = "1.0", \
                                                 .summary = "fake " #id, \
                                                 .instance_size = sizeof(struct fake_delegate), \
                                                 .params = table, \
                                                 .ops = &fake_##id##_ops}

DELEGATE(log, NULL, .attach = NULL);
DELEGATE(app, app_params, .local_state = state);
DELEGATE(kv, NULL, .local_state = state);
DELEGATE(tags, NULL, .node_meta = meta);
DELEGATE(pinger, NULL, .ack_payload = meta);

/* ------------------------------------------------------------------------------------ finder */

static const struct kith_plugin *const all[] = {
    &udp_tcp, &lzw,   &crc32,    &aes_gcm,  &xchacha20poly1305, &zstd,      &blake2b,
    &private, &other, &fake_log, &fake_app, &fake_kv,           &fake_tags, &fake_pinger};

static const struct kith_plugin *find(void *ctx, enum kith_kind kind, const char *name,
                                      struct kith_error *err)
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i]->kind == (uint32_t)kind && strcmp(all[i]->name, name) == 0) return all[i];
    kith_fail(err, KITH_ENOTFOUND, "not found in /fake/plugins");
    return NULL;
}

static const char *const *names(void *ctx, enum kith_kind kind)
{
    static const char *out[sizeof all / sizeof *all + 1];
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i]->kind == (uint32_t)kind) out[n++] = all[i]->name;
    out[n] = NULL;
    return out;
}

const struct kith_config_finder fake_finder = {.find = find, .names = names};
