/*
 * fake_finder.h - plugins that exist as tables only, and a finder that knows them: what the tests
 * of config/ need of plugins.
 */
#ifndef KITH_TESTS_FAKE_FINDER_H
#define KITH_TESTS_FAKE_FINDER_H

#include "config.h"

/* transports udp_tcp, quic (keyed); codecs lzw, crc32, aes_gcm, xchacha20poly1305, zstd, blake2b,
 * private, other; delegates log, app, kv, tags, pinger, signer (keyed), chatter (sends), vault
 * (secrets). */
extern const struct kith_config_finder fake_finder;

/* Parameters of the fakes, as they are stored. */
struct fake_udp_tcp {
    struct kith_list bind;
    const char *advertise;
    uint32_t max_inbound;
    uint64_t idle_timeout;
};

struct fake_zstd {
    uint32_t level;
    uint64_t min_size;
    const char *dictionary;
    double ratio;
    uint32_t mode;
    bool checksum;
    int32_t bias;
    struct kith_map hints;
};

#endif
