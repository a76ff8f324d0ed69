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
#include <arpa/inet.h>

#define AT(m)   offsetof(struct kith_config, m)
#define SET(m)  offsetof(struct kith_config, settings.m)
#define FORM(m) offsetof(struct kith_short_forms, m)
#define MS      1000000ull
#define SECOND  (1000 * MS)
#define HOUR    (3600 * SECOND)

static const char *const profiles[] = {"lan", "wan", "local", NULL};
static const char *const log_tos[] = {"stderr", "file", "journald", NULL};
static const char *const log_levels[] = {"error", "warn", "info", "debug", "trace", NULL};
static const char *const log_formats[] = {"text", "json", NULL};

const char *const kith_requirements[] = {"compress", "check", "authenticate", "encrypt", NULL};

static const struct kith_param root[] = {
    {"node", KITH_TYPE_SECTION},
    {"transport", KITH_TYPE_TRANSPORT, 0, AT(transport), "udp_tcp",
     .doc = "the plugin that moves packets and streams: `use` and its parameters (Transport)"},
    {"keyring", KITH_TYPE_KEYS, 0, AT(keyring),
     .doc = "keys of all codecs without `keys` of their own; the first seals, all open (Keyring)"},
    {"pipeline", KITH_TYPE_SECTION},
    {"delegates", KITH_TYPE_DELEGATES, 0, AT(delegates),
     .doc = "plugins that take part, in the order events reach them"},
    {"join", KITH_PARAM_STRINGS, 0, AT(join), .min = 1, .max = 512,
     .doc = "where to find members: [name/]host[:port]; tried with backoff until one answers"},
    {"probe", KITH_TYPE_SECTION},
    {"suspicion", KITH_TYPE_SECTION},
    {"gossip", KITH_TYPE_SECTION},
    {"push_pull", KITH_TYPE_SECTION},
    {"limits", KITH_TYPE_SECTION},
    {NULL}};

static const struct kith_param short_forms[] = {
    {"secret_key", KITH_TYPE_KEY, 0, FORM(key),
     .doc =
         "short form: a keyring of one key, and aes_gcm at the end of pipeline.send (SecretKey)"},
    {"enable_compression", KITH_PARAM_BOOL, 0, FORM(compression), "true",
     .doc = "short form: whether lzw is in pipeline.send (EnableCompression)"},
    {"gossip_verify_incoming", KITH_PARAM_BOOL, 0, FORM(verify_incoming), "true",
     .doc = "short form: false empties pipeline.require (GossipVerifyIncoming)"},
    {"gossip_verify_outgoing", KITH_PARAM_BOOL, 0, FORM(verify_outgoing), "true",
     .doc = "short form: false puts aes_gcm into pipeline.accept only (GossipVerifyOutgoing)"},
    {NULL}};

static const struct kith_param node[] = {
    {"name", KITH_PARAM_STRING, 0, SET(name), .min = 1, .max = 255,
     .doc = "unique in the cluster; without it the host's name (Name)"},
    {"profile", KITH_PARAM_ENUM, 0, SET(profile), "lan", .choices = profiles,
     .doc = "which defaults the keys below have: a local network, the internet, one machine"},
    {"label", KITH_PARAM_STRING, 0, SET(label), "", .max = 255,
     .doc = "name of the cluster on every packet and stream; others' are refused (Label)"},
    {"skip_inbound_label_check", KITH_PARAM_BOOL, 0, SET(skip_inbound_label_check), "false",
     .doc = "a proxy in front strips the label: expect none (SkipInboundLabelCheck)"},
    {"meta", KITH_TYPE_META, 0, AT(meta), .max = 512,
     .doc = "up to 512 bytes that all members see: text, { base64: ... }, { file: ... } or { tags: "
            "{ key: value } } as Serf's"},
    {"control", KITH_PARAM_PATH, 0, AT(control), .max = 107,
     .doc = "path of the control socket; without it derived from the name"},
    {"log", KITH_TYPE_SECTION},
    {"delegate_protocol", KITH_TYPE_SECTION},
    {"protocol_version", KITH_PARAM_UINT, 0, SET(protocol_version), "2", .min = 1, .max = 5,
     .doc = "version of memberlist's protocol to speak (ProtocolVersion)"},
    {"tcp_timeout", KITH_PARAM_DURATION, 0, SET(tcp_timeout), "10s", "30s", "1s", MS, HOUR,
     .doc = "connecting a stream, and each wait of an exchange on it (TCPTimeout)"},
    {"udp_buffer_size", KITH_PARAM_SIZE, 0, SET(udp_buffer_size), "1400", .min = 512, .max = 65507,
     .doc = "a packet is filled up to this (UDPBufferSize)"},
    {"dead_node_reclaim_time", KITH_PARAM_DURATION, 0, SET(dead_node_reclaim_time), "0",
     .doc = "how long after its death a name may come back with a new address; 0: never "
            "(DeadNodeReclaimTime)"},
    {"require_node_names", KITH_PARAM_BOOL, 0, SET(require_node_names), "false",
     .doc = "send nothing to an address without the name of its member (RequireNodeNames)"},
    {"cidrs_allowed", KITH_TYPE_CIDRS, 0, SET(cidrs_allowed),
     .doc = "networks whose addresses may be members; none: all (CIDRsAllowed)"},
    {"dns_config_path", KITH_PARAM_PATH, 0, SET(dns_config_path), "/etc/resolv.conf",
     .doc = "resolv.conf for the names in `join` (DNSConfigPath)"},
    {"queue_check_interval", KITH_PARAM_DURATION, 0, SET(queue_check_interval), "30s",
     .min = 10 * MS, .max = HOUR,
     .doc = "how often the depth of the queues is sampled (QueueCheckInterval)"},
    {"metric_labels", KITH_PARAM_MAP, 0, AT(metric_labels),
     .doc = "labels that every metric carries, name: value (MetricLabels)"},
    {"msgpack_use_new_time_format", KITH_PARAM_BOOL, 0, SET(msgpack_use_new_time_format), "false",
     .doc =
         "no effect on any byte that is sent; accepted for completeness (MsgpackUseNewTimeFormat)"},
    {NULL}};

static const struct kith_param log_params[] = {
    {"to", KITH_PARAM_ENUM, 0, AT(log_to), "stderr", .choices = log_tos,
     .doc = "where log lines go (LogOutput, Logger)"},
    {"file", KITH_PARAM_PATH, 0, AT(log_file), .min = 1,
     .doc = "the file to append to, with `to: file`"},
    {"level", KITH_PARAM_ENUM, 0, AT(log_level), "info", .choices = log_levels,
     .doc = "the least important lines to write"},
    {"format", KITH_PARAM_ENUM, 0, AT(log_format), "text", .choices = log_formats,
     .doc = "lines for people or for programs"},
    {NULL}};

static const struct kith_param delegate_protocol[] = {
    {"min", KITH_PARAM_UINT, 0, SET(delegate_protocol_min), "0", .max = 255,
     .doc = "lowest version that the delegates understand; a Serf cluster asks for 2 "
            "(DelegateProtocolMin)"},
    {"max", KITH_PARAM_UINT, 0, SET(delegate_protocol_max), "0", .max = 255,
     .doc = "highest version; a Serf cluster asks for 5 (DelegateProtocolMax)"},
    {"version", KITH_PARAM_UINT, 0, SET(delegate_protocol_version), "0", .max = 255,
     .doc = "the version to speak; in a Serf cluster 4 or 5 (DelegateProtocolVersion)"},
    {NULL}};

static const struct kith_param pipeline[] = {
    {"send", KITH_TYPE_CODECS, 0, AT(chain.send), "lzw, crc32",
     .doc = "codecs around everything this node sends, in this order: compress, then check, then "
            "encrypt"},
    {"accept", KITH_TYPE_CODECS, 0, AT(chain.accept),
     .doc = "codecs that it opens, in any order; without it those of `send`, lzw and crc32"},
    {"require", KITH_TYPE_REQUIRE, 0, AT(chain.require),
     .doc = "what must have been taken off a message: encrypt, authenticate, check, compress; "
            "without it [encrypt, authenticate] as soon as `send` encrypts"},
    {NULL}};

static const struct kith_param probe[] = {
    {"interval", KITH_PARAM_DURATION, 0, SET(probe_interval), "1s", "5s", .max = HOUR,
     .doc = "between two probes; 0: none, and no reaping of the dead (ProbeInterval)"},
    {"timeout", KITH_PARAM_DURATION, 0, SET(probe_timeout), "500ms", "3s", "200ms", MS, HOUR,
     .doc = "how long to wait for an ack before others are asked to probe (ProbeTimeout)"},
    {"indirect_checks", KITH_PARAM_UINT, 0, SET(indirect_checks), "3", .def_local = "1", .max = 255,
     .doc = "how many others are asked (IndirectChecks)"},
    {"disable_tcp_pings", KITH_PARAM_BOOL, 0, SET(disable_tcp_pings), "false",
     .doc = "no ping over a stream when packets get no answer (DisableTcpPings)"},
    {"disable_tcp_pings_for", KITH_PARAM_STRINGS, 0, SET(disable_tcp_pings_for), .min = 1,
     .max = 255, .doc = "likewise for these members only (DisableTcpPingsForNode)"},
    {"awareness_max_multiplier", KITH_PARAM_UINT, 0, SET(awareness_max_multiplier), "8", .min = 1,
     .max = 255,
     .doc = "how much slower a node probes that is not well itself (AwarenessMaxMultiplier)"},
    {NULL}};

static const struct kith_param suspicion[] = {
    {"mult", KITH_PARAM_UINT, 0, SET(suspicion_mult), "4", "6", "3", 1, 1000,
     .doc = "a suspect has mult * log10(members) * probe.interval to refute (SuspicionMult)"},
    {"max_timeout_mult", KITH_PARAM_UINT, 0, SET(suspicion_max_timeout_mult), "6", .min = 1,
     .max = 1000,
     .doc = "at first that many times longer, shrinking as others suspect it too "
            "(SuspicionMaxTimeoutMult)"},
    {NULL}};

static const struct kith_param gossip[] = {
    {"interval", KITH_PARAM_DURATION, 0, SET(gossip_interval), "200ms", "500ms", "100ms", 0, HOUR,
     .doc = "between two rounds of gossip; 0: news rides on probes only (GossipInterval)"},
    {"nodes", KITH_PARAM_UINT, 0, SET(gossip_nodes), "3", "4", .max = 255,
     .doc = "to how many members a round goes; 0: no rounds (GossipNodes)"},
    {"to_the_dead_time", KITH_PARAM_DURATION, 0, SET(gossip_to_the_dead_time), "30s", "60s", "15s",
     .doc = "how long the dead still get gossip, so that they can refute (GossipToTheDeadTime)"},
    {"retransmit_mult", KITH_PARAM_UINT, 0, SET(retransmit_mult), "4", .def_local = "2", .min = 1,
     .max = 255, .doc = "news is sent retransmit_mult * log10(members) times (RetransmitMult)"},
    {NULL}};

static const struct kith_param push_pull[] = {
    {"interval", KITH_PARAM_DURATION, 0, SET(push_pull_interval), "30s", "60s", "15s",
     .doc = "between two exchanges of full state with one member; 0: none (PushPullInterval)"},
    {NULL}};

static const struct kith_param limits[] = {
    {"handoff_queue_depth", KITH_PARAM_UINT, 0, SET(handoff_queue_depth), "1024", .min = 1,
     .max = 1 << 20,
     .doc =
         "user messages that wait for delegates; more are dropped and counted (HandoffQueueDepth)"},
    {"max_members", KITH_PARAM_UINT, 0, SET(max_members), "100000", .min = 2, .max = 1 << 24,
     .doc = "names known, the dead included; strangers over it are ignored"},
    {"max_streams", KITH_PARAM_UINT, 0, SET(max_streams), "1024", .min = 2, .max = 65535,
     .doc = "streams open at a time, in both directions"},
    {"max_push_pulls", KITH_PARAM_UINT, 0, SET(max_push_pulls), "128", .min = 1, .max = 65535,
     .doc = "exchanges of full state that others may have open with us"},
    {"max_stream_size", KITH_PARAM_SIZE, 0, SET(max_stream_size), "20MiB", .min = 64 << 10,
     .max = 1 << 30, .doc = "one message on a stream"},
    {"max_stream_memory", KITH_PARAM_SIZE, 0, SET(max_stream_memory), "128MiB", .min = 1 << 20,
     .max = 1ull << 36, .doc = "bytes that all open streams may hold together"},
    {"max_pending", KITH_PARAM_UINT, 0, SET(max_pending), "4096", .min = 1, .max = 1 << 20,
     .doc = "probes for others and pings that wait for an ack"},
    {"max_broadcasts", KITH_PARAM_UINT, 0, SET(max_broadcasts), "65536", .min = 1, .max = 1 << 24,
     .doc = "broadcasts of users that wait to be sent"},
    {NULL}};

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
            const struct kith_value_type *t = kith_value_type(p);
            if (!s->short_forms && t && t->shape == KITH_SHAPE_ONE) /* our lists begin empty */
                kith_param_set_default(p, profile, (char *)c + p->offset, &in);
        }
    c->settings.profile = profile;
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

void kith_settings_init(struct kith_settings *s, enum kith_profile profile)
{
    struct kith_config c;
    kith_config_init(&c, profile);
    *s = c.settings;
}

/* Decimal, without a leading zero, at most max. */
static bool prefix_bits(const char *s, unsigned max, unsigned *bits)
{
    *bits = 0;
    if (!*s || strlen(s) > 3 || (s[0] == '0' && s[1])) return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9') return false;
        *bits = *bits * 10 + (unsigned)(*s - '0');
    }
    return *bits <= max;
}

/* Host bits are dropped, as Go's net.ParseCIDR does; a v4-mapped network stays IPv6. */
int kith_cidr_parse(struct kith_cidr *out, const char *text)
{
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    if (!slash || (size_t)(slash - text) >= sizeof host) return -KITH_EINVAL;
    memcpy(host, text, (size_t)(slash - text));
    host[slash - text] = '\0';
    struct kith_cidr c = {0};
    if (inet_pton(AF_INET, host, c.bytes) == 1)
        c.len = 4;
    else if (inet_pton(AF_INET6, host, c.bytes) == 1)
        c.len = 16;
    else
        return -KITH_EINVAL;
    unsigned bits;
    if (!prefix_bits(slash + 1, c.len * 8u, &bits)) return -KITH_EINVAL;
    c.prefix = (uint8_t)bits;
    for (unsigned i = bits; i < c.len * 8u; i++) c.bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    *out = c;
    return 0;
}
