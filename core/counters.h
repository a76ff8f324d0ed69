/*
 * counters.h - what the core counts. One line per counter: its name and what it means to a person.
 */
#ifndef KITH_COUNTERS_H
#define KITH_COUNTERS_H

#include <kith/plugin.h>

#define KITH_COUNTERS(X) \
    X(PACKETS_RECEIVED, packets_received, "Packets that reached the membership core") \
    X(PACKET_BYTES_RECEIVED, packet_bytes_received, "Bytes of these packets, layers removed") \
    X(PACKETS_SENT, packets_sent, "Packets sent") \
    X(PACKET_BYTES_SENT, packet_bytes_sent, "Bytes of these packets, before layers") \
    X(STREAMS_ACCEPTED, streams_accepted, "Streams opened by peers") \
    X(STREAMS_DIALED, streams_dialed, "Streams opened by this node") \
    X(STREAM_BYTES_RECEIVED, stream_bytes_received, "Bytes read from streams, layers removed") \
    X(STREAM_BYTES_SENT, stream_bytes_sent, "Bytes written to streams, before layers") \
    X(PUSH_PULLS_SENT, push_pulls_sent, "Full states sent in exchanges begun by this node") \
    X(PUSH_PULLS_YOUNG, push_pulls_young, \
      "Exchanges begun earlier, because the last one taught names") \
    X(PUSH_PULLS_RECEIVED, push_pulls_received, \
      "Full states received in exchanges begun by peers") \
    X(PUSH_PULLS_FAILED, push_pulls_failed, "Exchanges begun by this node that failed") \
    X(MERGES_REFUSED, merges_refused, "Full states refused: versions, or a veto") \
    X(ALIVE_CHANGES, alive_changes, "Alive messages that changed something") \
    X(SUSPECT_CHANGES, suspect_changes, "Suspect messages that changed something") \
    X(DEAD_CHANGES, dead_changes, "Dead messages that changed something") \
    X(REFUTED, refuted, "Accusations of this node that it answered") \
    X(REMINDERS_SENT, reminders_sent, "Accusers who were told a refutation that they had missed") \
    X(SUSPECTS_ASKED, suspects_asked, "Suspects that answered, and were asked for their state") \
    X(STOOD_STILL, stood_still, "Times that this node did not run for a probe interval or more") \
    X(DEATHS_DOUBTED, deaths_doubted, \
      "Deaths heard right after that, or perhaps of a former life, taken as suspicions") \
    X(FORMER_LIVES, former_lives, \
      "Accusations not believed, as they were of a member's former life at another address") \
    X(RETURNS_TOLD, returns_told, "Packets that told a member of its former life") \
    X(LEAVES_TOLD, leaves_told, "Packets that told a member directly of this node's leave") \
    X(LEAVES_ACKED, leaves_acked, "Members that acknowledged one") \
    X(CONFLICTS, conflicts, "Claims of a known name from another address") \
    X(MEMBERS_REAPED, members_reaped, "Dead and left members that were forgotten") \
    X(PROBES, probes, "Probes begun") \
    X(PROBES_DEGRADED, probes_degraded, \
      "Probes that took longer because this node's health is low") \
    X(PROBES_INDIRECT, probes_indirect, "Probes that had to ask others") \
    X(PROBES_STREAM_ONLY, probes_stream_only, "Probes that only the stream ping saved") \
    X(PROBES_FAILED, probes_failed, "Probes that nobody answered") \
    X(NACKS_RECEIVED, nacks_received, "Relays that answered for a silent target") \
    X(PINGS_RELAYED, pings_relayed, "Probes made on request of others") \
    X(SUSPICIONS_EXPIRED, suspicions_expired, "Suspects declared dead by this node") \
    X(SUSPICIONS_DEGRADED, suspicions_degraded, \
      "Of these, with fewer confirmations than hoped for") \
    X(USER_MESSAGES_RECEIVED, user_messages_received, "User messages handed to delegates") \
    X(USER_MESSAGES_SENT, user_messages_sent, "User messages sent to one member") \
    X(USER_BROADCASTS, user_broadcasts, "User messages queued for gossip") \
    X(RELAYS_SENT, relays_sent, "Messages that this node broadcast on channels") \
    X(RELAYS_RECEIVED, relays_received, "Such messages of others, delivered to delegates") \
    X(RELAYS_REPEATED, relays_repeated, "Such messages that had come before") \
    X(RELAYS_PUSHED, relays_pushed, "Copies of them passed on when they were new") \
    X(RELAYS_REPAIRED, relays_repaired, "Copies of them sent to members that asked") \
    X(RELAYS_LOST, relays_lost, "Messages given up, as nobody keeps them any more") \
    X(RELAYS_GONE, relays_gone, "Messages asked for that this node does not keep any more") \
    X(RELAY_DIGESTS_SENT, relay_digests_sent, "Lists of how far this node is with them") \
    X(RELAY_ASKS_SENT, relay_asks_sent, "Questions for messages that are missing") \
    X(GOSSIP_TICKS, gossip_ticks, "Gossip rounds in which there may have been something to say") \
    X(GOSSIP_BURSTS, gossip_bursts, "Of these, to more members as the queue was long") \
    X(STREAM_ERRORS_SENT, stream_errors_sent, "Streams answered with an error message") \
    X(STREAM_ERRORS_RECEIVED, stream_errors_received, "Error messages that peers answered with")

/* Why something was dropped: label `reason` of the counter `dropped`. */
#define KITH_DROPS(X) \
    X(NOT_STARTED, not_started) \
    X(EMPTY_MESSAGE, empty_message) \
    X(MALFORMED, malformed) \
    X(UNKNOWN_TYPE, unknown_type) \
    X(TRUNCATED_PART, truncated_part) \
    X(NESTED_TOO_DEEP, nested_too_deep) \
    X(SOURCE_NOT_ALLOWED, source_not_allowed) \
    X(ADDRESS_NOT_ALLOWED, address_not_allowed) \
    X(BAD_NAME, bad_name) \
    X(BAD_ADDRESS, bad_address) \
    X(BAD_IDENTITY, bad_identity) \
    X(META_TOO_LONG, meta_too_long) \
    X(BAD_VERSIONS, bad_versions) \
    X(INCOMPATIBLE_VERSIONS, incompatible_versions) \
    X(UNKNOWN_STATE, unknown_state) \
    X(VETOED, vetoed) \
    X(MAX_MEMBERS, max_members) \
    X(MAX_STATE, max_state) \
    X(MAX_INCARNATION, max_incarnation) \
    X(NO_MEMORY, no_memory) \
    X(PING_FOR_ANOTHER, ping_for_another) \
    X(ACK_NOT_EXPECTED, ack_not_expected) \
    X(NACK_NOT_EXPECTED, nack_not_expected) \
    X(ACK_PAYLOAD_TOO_LONG, ack_payload_too_long) \
    X(MAX_PENDING, max_pending) \
    X(MAX_HINTS, max_hints) \
    X(MAX_REPLIES, max_replies) \
    X(STRANGER_ANSWERS, stranger_answers) \
    X(STRANGER_INDIRECT_PINGS, stranger_indirect_pings) \
    X(MAX_INDIRECT_PINGS, max_indirect_pings) \
    X(BROADCAST_TOO_BIG, broadcast_too_big) \
    X(RELAY_STRANGER, relay_stranger) \
    X(RELAY_UNKNOWN, relay_unknown) \
    X(RELAY_MALFORMED, relay_malformed) \
    X(RELAY_AHEAD, relay_ahead) \
    X(MAX_LIVES, max_lives) \
    X(MAX_PUSHES, max_pushes) \
    X(MAX_REPAIRS, max_repairs) \
    X(NO_NODE_NAME, no_node_name) \
    X(MAX_STREAMS, max_streams) \
    X(CROWDED_OUT, crowded_out) \
    X(MAX_PUSH_PULLS, max_push_pulls) \
    X(MAX_STREAM_SIZE, max_stream_size) \
    X(MAX_STREAM_MEMORY, max_stream_memory) \
    X(STREAM_MALFORMED, stream_malformed) \
    X(STREAM_UNKNOWN_TYPE, stream_unknown_type) \
    X(STREAM_TRUNCATED, stream_truncated) \
    X(STREAM_TIMEOUT, stream_timeout) \
    X(STREAM_STALE, stream_stale)

#define KITH_ENUM(id, ...) KITH_COUNT_##id,
enum kith_counter { KITH_COUNTERS(KITH_ENUM) KITH_COUNTER_MAX };
#undef KITH_ENUM
#define KITH_ENUM(id, ...) KITH_DROP_##id,
enum kith_drop { KITH_DROPS(KITH_ENUM) KITH_DROP_MAX };
#undef KITH_ENUM

enum kith_core_histogram {
    KITH_HIST_PROBE_RTT,    /* seconds */
    KITH_HIST_PROBE,        /* seconds */
    KITH_HIST_PUSH_PULL,    /* seconds */
    KITH_HIST_GOSSIP,       /* bytes of a packet */
    KITH_HIST_QUEUE,        /* entries, sampled */
    KITH_HIST_STATE,        /* bytes of a full state sent */
    KITH_HIST_REMOTE_STATE, /* and of one received */
    KITH_HIST_MAX
};

enum { KITH_BUCKETS = 14 };

struct kith_counters {
    uint64_t counts[KITH_COUNTER_MAX];
    uint64_t drops[KITH_DROP_MAX];
    uint64_t messages[14], message_bytes[14];               /* received in packets, by type */
    uint64_t stream_messages[14], stream_message_bytes[14]; /* and whole ones on streams */
    struct {
        uint64_t count, buckets[KITH_BUCKETS];
        double sum;
    } histograms[KITH_HIST_MAX];
};

/* The upper bounds of its buckets. */
const double *kith_counters_bounds(enum kith_core_histogram);
void kith_counters_observe(struct kith_counters *, enum kith_core_histogram, double value);

#endif
