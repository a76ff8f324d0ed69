/*
 * fake_finder.c - see fake_finder.h. Names and forms are those of the real plugins, so that the
 * files of the tests look real.
 */
#include "fake_finder.h"

/* --------------------------------------------------------------------------------- transport */

static const struct kith_param udp_tcp_params[] = {
    KITH_PARAM(struct fake_udp_tcp, bind, LIST, KITH_PARAM_RESTART, "[0.0.0.0:7946]", "1", NULL,
               "addresses to listen on"),
    KITH_PARAM(struct fake_udp_tcp, advertise, STRING, 0, NULL, "1", NULL,
               "address that others shall use"),
    KITH_PARAM(struct fake_udp_tcp, max_inbound, UINT, 0, "256", "1", "65535",
               "streams that others may have open with us"),
    {"idle_timeout", KITH_PARAM_DURATION, 0, offsetof(struct fake_udp_tcp, idle_timeout),
     sizeof(uint64_t), "10s", "30s", "1s", "1ms", NULL, NULL, "how long a stream may be silent"},
    KITH_PARAM_END};

static const struct kith_transport_ops udp_tcp_ops = {.size = sizeof udp_tcp_ops,
                                                      .default_port = 7946};

static const struct kith_plugin udp_tcp = {KITH_HEADER(TRANSPORT),
                                           .name = "udp_tcp",
                                           .version = "1.0",
                                           .summary = "packets over UDP, streams over TCP",
                                           .instance_size = sizeof(struct fake_udp_tcp),
                                           .params = udp_tcp_params,
                                           .ops = &udp_tcp_ops};

static const struct kith_plugin quic = {KITH_HEADER(TRANSPORT),
                                        .flags = KITH_KEYED,
                                        .name = "quic",
                                        .version = "1.0",
                                        .summary = "a transport that uses keys",
                                        .instance_size = 1,
                                        .ops = &udp_tcp_ops};

/* ------------------------------------------------------------------------------------ codecs */

static const char *const zstd_modes[] = {"fast", "dense", NULL};
static const struct kith_param zstd_params[] = {
    KITH_PARAM(struct fake_zstd, level, UINT, 0, "1", "1", "19", "effort"),
    KITH_PARAM(struct fake_zstd, min_size, SIZE, 0, "64", NULL, "1MiB", "smaller messages pass"),
    KITH_PARAM(struct fake_zstd, dictionary, PATH, 0, NULL, NULL, NULL,
               "file of a trained dictionary"),
    KITH_PARAM(struct fake_zstd, ratio, FLOAT, 0, "0.9", "0", "1", "worth it below this"),
    KITH_PARAM_CHOICE(struct fake_zstd, mode, 0, "fast", zstd_modes, "what to aim for"),
    KITH_PARAM(struct fake_zstd, checksum, BOOL, 0, "false", NULL, NULL, "add its own checksum"),
    KITH_PARAM(struct fake_zstd, bias, INT, 0, "-3", "-10", "20", "towards speed or size"),
    KITH_PARAM(struct fake_zstd, hints, MAP, 0, "{text: dense, image: none}", NULL, "8",
               "effort by kind of content"),
    KITH_PARAM_END};

#define CODEC(id, gives, uses, pkt, str, table, bytes) \
    static const struct kith_codec_ops id##_ops = { \
        .size = sizeof id##_ops, .provides = gives, .packet = pkt, .stream = str}; \
    static const struct kith_plugin id = { \
        KITH_HEADER(CODEC),     .flags = uses,          .name = #id,     .version = "1.0", \
        .summary = "fake " #id, .instance_size = bytes, .params = table, .ops = &id##_ops}
#define FORM(...) \
    { \
        __VA_ARGS__ \
    }

CODEC(lzw, KITH_COMPRESSES, 0, FORM(KITH_OWN, 9, 9), FORM(KITH_OWN, 9, 9), NULL, 1);
CODEC(crc32, KITH_CHECKS, 0, FORM(KITH_OWN, 12, 12), FORM(KITH_NONE), NULL, 1);
CODEC(aes_gcm, KITH_AUTHENTICATES | KITH_ENCRYPTS, KITH_KEYED | KITH_RAW_KEYS,
      FORM(KITH_OWN, 0, 1, 1), FORM(KITH_OWN, 10, 10), NULL, 1);
CODEC(xchacha20poly1305, KITH_AUTHENTICATES | KITH_ENCRYPTS, KITH_KEYED,
      FORM(KITH_FRAMED, 0x80, 0x80), FORM(KITH_FRAMED, 0x80, 0x80), NULL, 1);
CODEC(zstd, KITH_COMPRESSES, 0, FORM(KITH_FRAMED, 0x81, 0x81), FORM(KITH_FRAMED, 0x81, 0x81),
      zstd_params, sizeof(struct fake_zstd));
CODEC(blake2b, KITH_CHECKS | KITH_AUTHENTICATES, KITH_KEYED, FORM(KITH_FRAMED, 0x83, 0x83),
      FORM(KITH_FRAMED, 0x83, 0x83), NULL, 1);
CODEC(private, 0, 0, FORM(KITH_FRAMED), FORM(KITH_FRAMED), NULL, 1);
CODEC(other, 0, 0, FORM(KITH_FRAMED), FORM(KITH_FRAMED), NULL, 1);

/* --------------------------------------------------------------------------------- delegates */

struct fake_delegate {
    const char *command, *token;
    uint32_t pin;
    struct kith_map tokens;
};

static const struct kith_param app_params[] = {
    KITH_PARAM(struct fake_delegate, command, STRING, KITH_PARAM_REQUIRED, NULL, "1", NULL,
               "what to run"),
    KITH_PARAM(struct fake_delegate, token, STRING, KITH_PARAM_SECRET, NULL, "8", NULL,
               "who may ask"),
    KITH_PARAM_END};

static const struct kith_param vault_params[] = {
    KITH_PARAM(struct fake_delegate, pin, UINT, KITH_PARAM_SECRET, "0", NULL, "9999",
               "a secret number"),
    KITH_PARAM(struct fake_delegate, tokens, MAP, KITH_PARAM_SECRET, NULL, "8", NULL,
               "who else may ask"),
    KITH_PARAM_END};

static int meta(void *self, uint8_t *out, size_t cap) { return 0; }

static int seal(void *self, const struct kith_member *local, uint8_t *meta, size_t len, size_t cap)
{
    return 0;
}

static void state(void *self, bool join, const struct kith_sink *sink) {}

#define DELEGATE(id, uses, table, ...) \
    static const struct kith_delegate_ops fake_##id##_ops = {.size = sizeof fake_##id##_ops, \
                                                             __VA_ARGS__}; \
    static const struct kith_plugin fake_##id = {KITH_HEADER(DELEGATE), \
                                                 .flags = uses, \
                                                 .name = #id, \
                                                 .version = "1.0", \
                                                 .summary = "fake " #id, \
                                                 .instance_size = sizeof(struct fake_delegate), \
                                                 .params = table, \
                                                 .ops = &fake_##id##_ops}

DELEGATE(log, 0, NULL, .event = NULL);
DELEGATE(app, 0, app_params, .local_state = state);
DELEGATE(vault, 0, vault_params, .event = NULL);
DELEGATE(kv, 0, NULL, .local_state = state);
DELEGATE(tags, 0, NULL, .node_meta = meta);
DELEGATE(pinger, 0, NULL, .ack_payload = meta);
DELEGATE(signer, KITH_KEYED, NULL, .seal_meta = seal);
DELEGATE(chatter, 0, NULL, .flags = KITH_DELEGATE_SENDS);

/* ------------------------------------------------------------------------------------ finder */

static const struct kith_plugin *const all[] = {
    &udp_tcp, &quic,      &lzw,         &crc32,       &aes_gcm,      &xchacha20poly1305,
    &zstd,    &blake2b,   &private,     &other,       &fake_log,     &fake_app,
    &fake_kv, &fake_tags, &fake_pinger, &fake_signer, &fake_chatter, &fake_vault};

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
