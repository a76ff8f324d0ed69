/*
 * sections.c - every key of the file that is not a plugin's, with type, default per profile, range
 * and one line of words.
 *
 * memberlist's Config field by field (docs/PROTOCOL.md names the version), each in snake case and
 * grouped where that reads better; the Go name is in brackets. One format with the plugins' tables,
 * so that checker, `config show`, JSON Schema and reference page need to know only one. Knows
 * nothing of files.
 */
#include "schema.h"

/* A key whose value lies in a member of struct T; TYPE with its prefix. */
#define ROW(T, key, TYPE, m, ...) \
    { \
        .name = key, .type = TYPE, .offset = offsetof(struct T, m), \
        .width = sizeof(((struct T *)0)->m), __VA_ARGS__ \
    }
#define KEY(key, type, m, ...)  ROW(kith_config, key, KITH_PARAM_##type, m, __VA_ARGS__)
#define OWN(key, type, m, ...)  ROW(kith_config, key, KITH_TYPE_##type, m, __VA_ARGS__)
#define SET(key, type, m, ...)  ROW(kith_config, key, KITH_PARAM_##type, settings.m, __VA_ARGS__)
#define FORM(key, type, m, ...) ROW(kith_short_forms, key, type, m, __VA_ARGS__)

static const char *const profiles[] = {"lan", "wan", "local", NULL};
static const char *const log_tos[] = {"stderr", "file", "journald", NULL};
static const char *const log_levels[] = {"error", "warn", "info", "debug", "trace", NULL};
static const char *const log_formats[] = {"text", "json", NULL};

const char *const kith_requirements[] = {"compress", "check", "authenticate", "encrypt", NULL};

static const struct kith_param root[] = {
    {.name = "node", .type = KITH_TYPE_SECTION},
    OWN("transport", TRANSPORT, transport, .def = "udp_tcp",
        .doc = "the plugin that moves packets and streams: `use` and its parameters (Transport)"),
    OWN("keyring", KEYS, keyring,
        .doc =
            "keys of all entries without `keys` of their own; the first seals, all open (Keyring)"),
    {.name = "pipeline", .type = KITH_TYPE_SECTION},
    OWN("delegates", DELEGATES, delegates,
        .doc = "plugins that take part, in the order events reach them"),
    OWN("join", SEEDS, join,
        .doc = "where to find members: [name/]host[:port] or what else the transport takes, or "
               "{ name: ..., address: ... }; without a port our own counts, else the transport's "
               "default; tried with backoff until one answers"),
    {.name = "probe", .type = KITH_TYPE_SECTION},
    {.name = "suspicion", .type = KITH_TYPE_SECTION},
    {.name = "gossip", .type = KITH_TYPE_SECTION},
    {.name = "push_pull", .type = KITH_TYPE_SECTION},
    {.name = "relay", .type = KITH_TYPE_SECTION},
    {.name = "limits", .type = KITH_TYPE_SECTION},
    {0}};

static const struct kith_param short_forms[] = {
    FORM("secret_key", KITH_TYPE_KEY, key,
         .doc = "short form: a keyring of one key, and aes_gcm at the end of pipeline.send "
                "(SecretKey)"),
    FORM("enable_compression", KITH_PARAM_BOOL, compression, .def = "true",
         .doc = "short form: whether lzw is in pipeline.send (EnableCompression)"),
    FORM("gossip_verify_incoming", KITH_PARAM_BOOL, verify_incoming, .def = "true",
         .doc = "short form: false empties pipeline.require (GossipVerifyIncoming)"),
    FORM("gossip_verify_outgoing", KITH_PARAM_BOOL, verify_outgoing, .def = "true",
         .doc = "short form: false puts aes_gcm into pipeline.accept only (GossipVerifyOutgoing)"),
    {0}};

static const struct kith_param node[] = {
    SET("name", STRING, name, .min = "1", .max = "255",
        .doc = "unique in the cluster; without it the host's name (Name)"),
    SET("profile", ENUM, profile, .def = "lan", .choices = profiles,
        .doc = "which defaults the keys below have: a local network, the internet, one machine"),
    SET("label", STRING, label, .def = "", .max = "255",
        .doc = "name of the cluster on every packet and stream; others' are refused (Label)"),
    SET("skip_inbound_label_check", BOOL, skip_inbound_label_check, .def = "false",
        .doc = "a proxy in front strips the label: expect none (SkipInboundLabelCheck)"),
    OWN("meta", META, meta, .max = "512",
        .doc =
            "up to 512 bytes that all members see: text, { base64: ... }, { file: ... } or { tags: "
            "{ key: value } } as Serf's"),
    KEY("control", PATH, control, .max = "107",
        .doc = "path of the control socket; without it derived from the name"),
    {.name = "log", .type = KITH_TYPE_SECTION},
    {.name = "delegate_protocol", .type = KITH_TYPE_SECTION},
    SET("protocol_version", UINT, protocol_version, .def = "2", .min = "1", .max = "5",
        .doc = "version of memberlist's protocol to speak (ProtocolVersion)"),
    SET("tcp_timeout", DURATION, tcp_timeout, .def = "10s", .def_wan = "30s", .def_local = "1s",
        .min = "1ms", .max = "1h",
        .doc = "connecting a stream, and each wait of an exchange on it (TCPTimeout)"),
    SET("udp_buffer_size", SIZE, udp_buffer_size, .def = "1400", .min = "512", .max = "65507",
        .doc = "a packet is filled up to this (UDPBufferSize)"),
    SET("dead_node_reclaim_time", DURATION, dead_node_reclaim_time, .def = "0",
        .doc = "how long after its death a name may come back with a new address; 0: never "
               "(DeadNodeReclaimTime)"),
    SET("require_node_names", BOOL, require_node_names, .def = "false",
        .doc = "send nothing to an address without the name of its member (RequireNodeNames)"),
    OWN("cidrs_allowed", CIDRS, settings.cidrs_allowed,
        .doc = "networks whose addresses may be members; none: all (CIDRsAllowed)"),
    SET("dns_config_path", PATH, dns_config_path, .def = "/etc/resolv.conf",
        .doc = "resolv.conf for the names in `join` (DNSConfigPath)"),
    SET("queue_check_interval", DURATION, queue_check_interval, .def = "30s", .min = "10ms",
        .max = "1h", .doc = "how often the depth of the queues is sampled (QueueCheckInterval)"),
    KEY("metric_labels", MAP, metric_labels,
        .doc = "labels that every metric carries, name: value (MetricLabels)"),
    SET("msgpack_use_new_time_format", BOOL, msgpack_use_new_time_format, .def = "false",
        .doc = "no effect on any byte that is sent; accepted for completeness "
               "(MsgpackUseNewTimeFormat)"),
    {0}};

static const struct kith_param log_params[] = {
    KEY("to", ENUM, log_to, .def = "stderr", .choices = log_tos,
        .doc = "where log lines go (LogOutput, Logger)"),
    KEY("file", PATH, log_file, .min = "1", .doc = "the file to append to, with `to: file`"),
    KEY("level", ENUM, log_level, .def = "info", .choices = log_levels,
        .doc = "the least important lines to write"),
    KEY("format", ENUM, log_format, .def = "text", .choices = log_formats,
        .doc = "lines for people or for programs"),
    {0}};

static const struct kith_param delegate_protocol[] = {
    SET("min", UINT, delegate_protocol_min, .def = "0", .max = "255",
        .doc = "lowest version that the delegates understand; a Serf cluster asks for 2 "
               "(DelegateProtocolMin)"),
    SET("max", UINT, delegate_protocol_max, .def = "0", .max = "255",
        .doc = "highest version; a Serf cluster asks for 5 (DelegateProtocolMax)"),
    SET("version", UINT, delegate_protocol_version, .def = "0", .max = "255",
        .doc = "the version to speak; in a Serf cluster 4 or 5 (DelegateProtocolVersion)"),
    {0}};

static const struct kith_param pipeline[] = {
    OWN("send", CODECS, chain.send, .def = "lzw, crc32",
        .doc =
            "codecs around everything this node sends, in this order: compress, then check, then "
            "encrypt"),
    OWN("accept", CODECS, chain.accept,
        .doc = "codecs that it opens, in any order; without it those of `send`, lzw and crc32"),
    OWN("require", WORDS, chain.require, .choices = kith_requirements,
        .doc = "what must have been taken off a message: encrypt, authenticate, check, compress; "
               "without it [encrypt, authenticate] as soon as `send` encrypts"),
    {0}};

static const struct kith_param probe[] = {
    SET("interval", DURATION, probe_interval, .def = "1s", .def_wan = "5s", .max = "1h",
        .doc = "between two probes; 0: none, and no reaping of the dead (ProbeInterval)"),
    SET("timeout", DURATION, probe_timeout, .def = "500ms", .def_wan = "3s", .def_local = "200ms",
        .min = "1ms", .max = "1h",
        .doc = "how long to wait for an ack before others are asked to probe (ProbeTimeout)"),
    SET("indirect_checks", UINT, indirect_checks, .def = "3", .def_local = "1", .max = "255",
        .doc = "how many others are asked (IndirectChecks)"),
    SET("disable_tcp_pings", BOOL, disable_tcp_pings, .def = "false",
        .doc = "no ping over a stream when packets get no answer (DisableTcpPings)"),
    SET("disable_tcp_pings_for", LIST, disable_tcp_pings_for, .min = "1", .max = "255",
        .doc = "likewise for these members only (DisableTcpPingsForNode)"),
    SET("awareness_max_multiplier", UINT, awareness_max_multiplier, .def = "8", .min = "1",
        .max = "255",
        .doc = "how much slower a node probes that is not well itself (AwarenessMaxMultiplier)"),
    {0}};

static const struct kith_param suspicion[] = {
    SET("mult", UINT, suspicion_mult, .def = "4", .def_wan = "6", .def_local = "3", .min = "1",
        .max = "1000",
        .doc = "a suspect has mult * log10(members) * probe.interval to refute (SuspicionMult)"),
    SET("max_timeout_mult", UINT, suspicion_max_timeout_mult, .def = "6", .min = "1", .max = "1000",
        .doc = "at first that many times longer, shrinking as others suspect it too "
               "(SuspicionMaxTimeoutMult)"),
    SET("remind", BOOL, suspicion_remind, .def = "true",
        .doc = "tell our refutation again to whoever accuses us of what it refuted; false: as "
               "memberlist"),
    SET("ask", BOOL, suspicion_ask, .def = "true",
        .doc = "do one push/pull with a suspect that answers a ping; false: as memberlist"),
    SET("doubt_backlog", BOOL, suspicion_doubt_backlog, .def = "true",
        .doc = "take deaths for suspicions while packets are read that came when this node stood "
               "still; false: as memberlist"),
    SET("doubt_former_life", BOOL, suspicion_doubt_former, .def = "true",
        .doc = "of a member that came back from another address, believe no death or leave of its "
               "former life, and tell it to take a higher incarnation; false: as memberlist"),
    {0}};

static const struct kith_param gossip[] = {
    SET("interval", DURATION, gossip_interval, .def = "200ms", .def_wan = "500ms",
        .def_local = "100ms", .max = "1h",
        .doc = "between two rounds of gossip; 0: news rides on probes only (GossipInterval)"),
    SET("nodes", UINT, gossip_nodes, .def = "3", .def_wan = "4", .max = "255",
        .doc = "to how many members a round goes; 0: no rounds (GossipNodes)"),
    SET("to_the_dead_time", DURATION, gossip_to_the_dead_time, .def = "30s", .def_wan = "60s",
        .def_local = "15s",
        .doc = "how long the dead still get gossip, so that they can refute (GossipToTheDeadTime)"),
    SET("retransmit_mult", UINT, retransmit_mult, .def = "4", .def_local = "2", .min = "1",
        .max = "255",
        .doc = "news is sent retransmit_mult * log10(members) times (RetransmitMult)"),
    SET("burst", UINT, gossip_burst, .def = "4", .min = "1", .max = "255",
        .doc = "a round goes to so many times as many members at most, while more news of members "
               "waits than a packet takes; 1: never, as memberlist"),
    OWN("leave_direct", COUNT, settings.leave_direct, .def = "all",
        .doc = "how many members are told of our leave directly, and again until they acknowledge "
               "it, beside gossip; 0: none, as memberlist"),
    {0}};

static const struct kith_param push_pull[] = {
    SET("interval", DURATION, push_pull_interval, .def = "30s", .def_wan = "60s",
        .def_local = "15s",
        .doc = "between two exchanges of full state with one member; 0: none (PushPullInterval)"),
    SET("young", UINT, push_pull_young, .def = "6", .max = "255",
        .doc = "so many exchanges in a life come within seconds, while they teach this node "
               "members that it did not know; 0: none, as memberlist, and so with interval: 0"),
    {0}};

static const struct kith_param relay[] = {
    SET("window", SIZE, relay_window, .def = "8MiB", .max = "1GiB",
        .doc = "so much of what is broadcast on channels is kept for members that miss it, at "
               "least 64KiB; 0: such a broadcast goes out as memberlist's, without a promise"),
    SET("age", DURATION, relay_age, .def = "5m", .min = "1s", .max = "1h",
        .doc = "how long it is kept at most"),
    {0}};

static const struct kith_param limits[] = {
    SET("handoff_queue_depth", UINT, handoff_queue_depth, .def = "1024", .min = "1",
        .max = "1048576",
        .doc = "user messages that wait for delegates; more from packets are dropped and "
               "counted, streams wait (HandoffQueueDepth)"),
    SET("max_members", UINT, max_members, .def = "100000", .min = "2", .max = "16777216",
        .doc = "names known, the dead included; strangers over it are ignored"),
    SET("max_streams", UINT, max_streams, .def = "2048", .min = "2", .max = "65535",
        .doc = "streams open at a time, in both directions; strangers three quarters of them"),
    SET("max_push_pulls", UINT, max_push_pulls, .def = "128", .min = "1", .max = "65535",
        .doc = "exchanges of full state that others may have open with us; strangers three "
               "quarters of them"),
    SET("max_stream_size", SIZE, max_stream_size, .def = "20MiB", .min = "64KiB", .max = "1GiB",
        .doc = "one message on a stream; all members that are known have three quarters of it, "
               "so that a full state always fits"),
    SET("max_stream_memory", SIZE, max_stream_memory, .def = "128MiB", .min = "1MiB",
        .max = "64GiB",
        .doc = "bytes that all open streams, and what waits for delegates, may hold together; "
               "strangers one half of it; at least five times max_stream_size"),
    SET("max_pending", UINT, max_pending, .def = "4096", .min = "1", .max = "1048576",
        .doc = "probes for others and pings that wait for an ack"),
    SET("max_broadcasts", UINT, max_broadcasts, .def = "65536", .min = "1", .max = "16777216",
        .doc = "broadcasts of users that wait to be sent"),
    {0}};

const struct kith_section kith_sections[] = {
    {"", root, "a node"},
    {"", short_forms, "memberlist's own keys for the pipeline", .short_forms = true},
    {"node", node, "who the node is, and how it speaks"},
    {"node.log", log_params, "what it writes about itself"},
    {"node.delegate_protocol", delegate_protocol,
     "versions of what the delegates speak; all members must agree"},
    {"pipeline", pipeline, "the layers around every message"},
    {"probe", probe, "how failures are noticed"},
    {"suspicion", suspicion, "how long a suspect has"},
    {"gossip", gossip, "how news spreads"},
    {"push_pull", push_pull, "how full state is compared"},
    {"relay", relay, "broadcasts on channels, which reach every Kith member"},
    {"limits", limits, "the most of everything; what is over it is dropped and counted"},
    {NULL}};

/* ------------------------------------------------------------------------------- by code */

void kith_config_init(struct kith_config *c, enum kith_profile profile)
{
    struct kith_complaint why;
    const struct kith_param_in in = {.dir = "", .why = &why};
    *c = (struct kith_config){.path = ""};
    for (const struct kith_section *s = kith_sections; s->path; s++)
        for (const struct kith_param *p = s->params; p->name; p++) {
            const struct kith_value_type *t = kith_value_type_of(p);
            if (!s->short_forms && t && t->shape == KITH_SHAPE_ONE) /* our lists begin empty */
                kith_param_set_default(p, profile, (char *)c + p->offset, &in);
        }
    c->settings.profile = profile;
    c->settings.leave_direct = KITH_LEAVE_ALL;
    c->gossip_verify_outgoing = true;
    kith_chain_settings(&c->chain, &c->settings);
}

void kith_chain_settings(struct kith_chain *chain, const struct kith_settings *s)
{
    chain->protocol = s->protocol_version;
    chain->label = s->label;
    chain->skip_inbound_label_check = s->skip_inbound_label_check;
    chain->max_stream_size = s->max_stream_size;
    chain->max_stream_memory = s->max_stream_memory;
}
