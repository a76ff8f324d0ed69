/*
 * lan_settings.h - memberlist's LAN defaults, written down a second time: tests of the core do not
 * lean on config/, and a default that changes by accident shows.
 */
#ifndef KITH_TESTS_LAN_SETTINGS_H
#define KITH_TESTS_LAN_SETTINGS_H

#include <kith/settings.h>

#define MS  1000000ull
#define SEC 1000000000ull

static inline struct kith_settings lan_settings(const char *name)
{
    return (struct kith_settings){
        .name = name,
        .label = "",
        .protocol_version = 2,
        .udp_buffer_size = 1400,
        .tcp_timeout = 10 * SEC,
        .probe_interval = SEC,
        .probe_timeout = 500 * MS,
        .indirect_checks = 3,
        .awareness_max_multiplier = 8,
        .suspicion_mult = 4,
        .suspicion_max_timeout_mult = 6,
        .suspicion_remind = true,
        .suspicion_ask = true,
        .suspicion_doubt_backlog = true,
        .suspicion_doubt_former = true,
        .gossip_interval = 200 * MS,
        .gossip_nodes = 3,
        .gossip_to_the_dead_time = 30 * SEC,
        .retransmit_mult = 4,
        .gossip_burst = 4,
        .leave_direct = KITH_LEAVE_ALL,
        .push_pull_interval = 30 * SEC,
        .push_pull_young = 6,
        .relay_window = 8 << 20,
        .relay_age = 300 * SEC,
        .handoff_queue_depth = 1024,
        .queue_check_interval = 30 * SEC,
        .dns_config_path = "/etc/resolv.conf",
        .max_members = 1000,
        .max_streams = 512,
        .max_push_pulls = 128,
        .max_stream_size = 20 << 20,
        .max_stream_memory = 64 << 20,
        .max_pending = 1024,
        .max_broadcasts = 1024,
    };
}

#endif
