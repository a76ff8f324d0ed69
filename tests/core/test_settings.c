/*
 * test_settings.c - the settings that a core is made with: memberlist's defaults in its three
 * profiles (PROTOCOL.md 3), and networks as text. They come from config's table; here they are
 * written down a second time.
 */
#include "test.h"

#include <kith/settings.h>

#define MS     1000000ull
#define SECOND 1000000000ull

static void test_profiles(void)
{
    struct kith_settings lan, wan, local;
    kith_settings_init(&lan, KITH_PROFILE_LAN);
    kith_settings_init(&wan, KITH_PROFILE_WAN);
    kith_settings_init(&local, KITH_PROFILE_LOCAL);
#define ROW(member, l, w, o) \
    CU_ASSERT_EQUAL(lan.member, l); \
    CU_ASSERT_EQUAL(wan.member, w); \
    CU_ASSERT_EQUAL(local.member, o)
    ROW(protocol_version, 2, 2, 2);
    ROW(udp_buffer_size, 1400, 1400, 1400);
    ROW(tcp_timeout, 10 * SECOND, 30 * SECOND, SECOND);
    ROW(indirect_checks, 3, 3, 1);
    ROW(retransmit_mult, 4, 4, 2);
    ROW(suspicion_mult, 4, 6, 3);
    ROW(suspicion_max_timeout_mult, 6, 6, 6);
    ROW(push_pull_interval, 30 * SECOND, 60 * SECOND, 15 * SECOND);
    ROW(probe_interval, SECOND, 5 * SECOND, SECOND);
    ROW(probe_timeout, 500 * MS, 3 * SECOND, 200 * MS);
    ROW(awareness_max_multiplier, 8, 8, 8);
    ROW(gossip_interval, 200 * MS, 500 * MS, 100 * MS);
    ROW(gossip_nodes, 3, 4, 3);
    ROW(gossip_to_the_dead_time, 30 * SECOND, 60 * SECOND, 15 * SECOND);
    ROW(handoff_queue_depth, 1024, 1024, 1024);
    ROW(dead_node_reclaim_time, 0, 0, 0);
    ROW(queue_check_interval, 30 * SECOND, 30 * SECOND, 30 * SECOND);
    ROW(max_push_pulls, 128, 128, 128);
    ROW(max_stream_size, 20971520, 20971520, 20971520);
#undef ROW
    CU_ASSERT(lan.label && !*lan.label && !lan.name);
    CU_ASSERT(!lan.disable_tcp_pings && !lan.require_node_names && !lan.skip_inbound_label_check);
}

static void test_networks_as_text(void)
{
    static const char *const bad[] = {"10.0.0.0",    "10.0.0.0/33", "10.0.0.0/",    "10.0.0/8",
                                      "fd00::/129",  "x/8",         "/8",           "",
                                      "10.0.0.0/8 ", "10.0.0.0/-1", "10.0.0.0/0008"};
    struct kith_cidr net;
    CU_ASSERT_EQUAL(kith_cidr_parse(&net, "10.1.2.3/8"), 0);
    CU_ASSERT(net.len == 4 && net.prefix == 8 && memcmp(net.bytes, "\x0a\0\0\0", 4) == 0);
    CU_ASSERT_EQUAL(kith_cidr_parse(&net, "fd12::1/12"), 0);
    CU_ASSERT(net.len == 16 && net.prefix == 12 && net.bytes[0] == 0xfd && net.bytes[1] == 0x10 &&
              net.bytes[15] == 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_EQUAL(kith_cidr_parse(&net, bad[i]), -KITH_EINVAL);
}

KITH_TESTS("core/settings", {"profiles", test_profiles},
           {"networks as text", test_networks_as_text})
