/*
 * settings.c - memberlist's defaults for its three profiles (memberlist 3), Kith's own limits, and CIDR text.
 */
#include <kith/settings.h>

#include <arpa/inet.h>

#define MS 1000000ull
#define SECOND 1000000000ull
#define MIB (1024ull * 1024)

static void init_lan(struct kith_settings *s)
{
    s->tcp_timeout = 10 * SECOND;
    s->indirect_checks = 3;
    s->retransmit_mult = 4;
    s->suspicion_mult = 4;
    s->suspicion_max_timeout_mult = 6;
    s->push_pull_interval = 30 * SECOND;
    s->probe_interval = 1 * SECOND;
    s->probe_timeout = 500 * MS;
    s->awareness_max_multiplier = 8;
    s->gossip_interval = 200 * MS;
    s->gossip_nodes = 3;
    s->gossip_to_the_dead_time = 30 * SECOND;
}

static void init_wan(struct kith_settings *s)
{
    s->tcp_timeout = 30 * SECOND;
    s->suspicion_mult = 6;
    s->push_pull_interval = 60 * SECOND;
    s->probe_interval = 5 * SECOND;
    s->probe_timeout = 3 * SECOND;
    s->gossip_interval = 500 * MS;
    s->gossip_nodes = 4;
    s->gossip_to_the_dead_time = 60 * SECOND;
}

static void init_local(struct kith_settings *s)
{
    s->tcp_timeout = 1 * SECOND;
    s->indirect_checks = 1;
    s->retransmit_mult = 2;
    s->suspicion_mult = 3;
    s->push_pull_interval = 15 * SECOND;
    s->probe_timeout = 200 * MS;
    s->gossip_interval = 100 * MS;
    s->gossip_to_the_dead_time = 15 * SECOND;
}

void kith_settings_init(struct kith_settings *s, enum kith_profile profile)
{
    memset(s, 0, sizeof *s);
    s->profile = (uint32_t)profile;
    s->label = "";
    s->protocol_version = 2;
    s->udp_buffer_size = 1400;
    s->dns_config_path = "/etc/resolv.conf";
    s->handoff_queue_depth = 1024;
    s->queue_check_interval = 30 * SECOND;
    init_lan(s);
    if (profile == KITH_PROFILE_WAN) init_wan(s);
    if (profile == KITH_PROFILE_LOCAL) init_local(s);
    s->max_members = 65536;
    s->max_streams = 512;
    s->max_push_pulls = 128;
    s->max_stream_size = 20 * MIB;
    s->max_stream_memory = 128 * MIB;
    s->max_pending = 1024;
    s->max_broadcasts = 4096;
}

int kith_cidr_parse(struct kith_cidr *out, const char *text)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char ip[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    unsigned prefix = 0;
    if (!slash || (size_t)(slash - text) >= sizeof ip || !slash[1] || strlen(slash + 1) > 3) return -KITH_EINVAL;
    memcpy(ip, text, (size_t)(slash - text));
    ip[slash - text] = 0;
    for (const char *p = slash + 1; *p; p++) {
        if (*p < '0' || *p > '9') return -KITH_EINVAL;
        prefix = prefix * 10 + (unsigned)(*p - '0');
    }
    memset(out, 0, sizeof *out);
    bool v6 = strchr(ip, ':') != NULL;
    if (inet_pton(v6 ? AF_INET6 : AF_INET, ip, out->bytes) != 1 || prefix > (v6 ? 128 : 32)) return -KITH_EINVAL;
    out->len = v6 ? 16 : 4;
    if (v6 && memcmp(out->bytes, mapped, sizeof mapped) == 0) {      /* means IPv4, as in Go */
        if (prefix < 96) return -KITH_EINVAL;
        memmove(out->bytes, out->bytes + 12, 4);
        memset(out->bytes + 4, 0, 12);
        out->len = 4;
        prefix -= 96;
    }
    out->prefix = (uint8_t)prefix;
    for (unsigned i = prefix; i < out->len * 8u; i++) out->bytes[i / 8] &= (uint8_t)~(0x80u >> i % 8);
    return 0;
}
