/* SPDX-License-Identifier: MIT */
/*
 * settings.h - what decides how a node behaves: memberlist's Config, field by field, plus Kith's
 * own limits.
 *
 * It lies here because core/ and config/ both need it and see nothing of each other; it is not
 * installed, as no public call takes settings.
 *
 * The names are memberlist's in snake case; so are meaning and defaults (profiles lan, wan and
 * local). The config file fills it from a table (config/sections.c): each member is a key there.
 * Durations are nanoseconds, sizes bytes. Strings are lent: they must live as long as the node.
 */
#ifndef KITH_SETTINGS_H
#define KITH_SETTINGS_H

#include <kith/plugin.h>

/* leave_direct: as many as there are. */
#define KITH_LEAVE_ALL UINT32_MAX

enum kith_profile { KITH_PROFILE_LAN, KITH_PROFILE_WAN, KITH_PROFILE_LOCAL };

/* A network of CIDRsAllowed. */
struct kith_cidr {
    uint8_t bytes[16];
    uint8_t len;    /* 4 or 16 */
    uint8_t prefix; /* bits */
};

struct kith_settings {
    const char *name; /* unique in the cluster */
    uint32_t profile; /* enum kith_profile */

    /* on the wire */
    const char *label; /* "" none; at most 255 bytes */
    bool skip_inbound_label_check;
    uint32_t protocol_version; /* 1..5 */
    uint32_t delegate_protocol_min, delegate_protocol_max, delegate_protocol_version;
    uint64_t udp_buffer_size; /* a packet is packed to this */
    uint64_t tcp_timeout;     /* connecting, and each wait of a stream exchange */

    /* failure detection */
    uint64_t probe_interval; /* 0: no probing, and no reaping */
    uint64_t probe_timeout;
    uint32_t indirect_checks;
    bool disable_tcp_pings;
    struct kith_list disable_tcp_pings_for; /* names of members */
    uint32_t awareness_max_multiplier;      /* >= 1 */
    uint32_t suspicion_mult, suspicion_max_timeout_mult;
    bool suspicion_remind;        /* who has missed our refutation is told it again */
    bool suspicion_ask;           /* a suspect that answers a ping is asked for its state */
    bool suspicion_doubt_backlog; /* deaths heard after we stood still are suspicions */
    bool suspicion_doubt_former;  /* what was said of a name at its former address is of that */

    /* gossip */
    uint64_t gossip_interval; /* 0: no gossip ticks */
    uint32_t gossip_nodes;    /* 0: likewise */
    uint64_t gossip_to_the_dead_time;
    uint32_t retransmit_mult;
    uint32_t gossip_burst; /* Kith: a long queue goes to up to so many times as many; 1: never */
    uint32_t leave_direct; /* Kith: so many are told of our leave directly; KITH_LEAVE_ALL: all */

    /* full state */
    uint64_t push_pull_interval; /* 0: none */
    uint32_t push_pull_young;    /* Kith: so many come earlier, in a life; 0: none */

    /* Kith: broadcasts that reach all */
    uint64_t relay_window; /* bytes kept for those that miss them; 0: no such broadcasts */
    uint64_t relay_age;    /* and so long, at most */

    /* who may be a member */
    uint64_t dead_node_reclaim_time; /* 0: a dead name never gets a new address */
    bool require_node_names;
    const struct kith_cidr *cidrs_allowed; /* none: everybody */
    size_t cidrs_count;

    /* housekeeping */
    const char *dns_config_path;
    uint32_t handoff_queue_depth; /* user messages waiting for delegates */
    uint64_t queue_check_interval;
    bool msgpack_use_new_time_format; /* changes no byte; accepted for completeness */

    /* Kith's own limits: every limit has a name, every drop a counter */
    uint32_t max_members;       /* names known, dead ones included; a stranger over it is ignored */
    uint32_t max_streams;       /* open at a time, both directions */
    uint32_t max_push_pulls;    /* inbound at a time (memberlist: 128) */
    uint64_t max_stream_size;   /* one message on a stream (memberlist: 20 MiB) */
    uint64_t max_stream_memory; /* all open streams together */
    uint32_t max_pending;       /* relayed probes and pings waiting for an ack */
    uint32_t max_broadcasts;    /* user broadcasts queued */
};

#endif
