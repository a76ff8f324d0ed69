/*
 * odd_nodes.c - see odd_nodes.h.
 */
#include "odd_nodes.h"

struct kith_plugin odd_plugin;
struct kith_transport_ops odd_ops;

/* ------------------------------------------------------------------------------------ the spies */

struct spy spy;

struct spy_instance {
    const struct kith_host *host;
    uint32_t take;
};

static int spied(enum spy_call call)
{
    spy.calls[call]++;
    if (spy.in[call]) spy.in[call]();
    return spy.rc[call];
}

static int spy_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    ((struct spy_instance *)self)->host = spy.made = host;
    return spied(SPY_INIT);
}

static int codec_start(void *self, struct kith_error *err)
{
    spy.codec = ((struct spy_instance *)self)->host;
    return spied(SPY_CODEC_START);
}
static void codec_stop(void *self) { spied(SPY_CODEC_STOP); }
static void codec_room(const void *self, struct kith_room *out) {}
static int codec_seal(void *self, struct kith_buf *b, struct kith_frame *f)
{
    return spied(SPY_CODEC_SEAL);
}
static int codec_open(void *self, struct kith_buf *b, struct kith_frame *f)
{
    return spied(SPY_CODEC_OPEN);
}

static int delegate_start(void *self, struct kith_error *err)
{
    spy.delegate = ((struct spy_instance *)self)->host;
    return spied(SPY_START);
}
static int delegate_adopt(void *self, void *old, struct kith_error *err)
{
    int rc = spied(SPY_ADOPT);
    if (!rc) spy.delegate = ((struct spy_instance *)self)->host;
    return rc;
}
static void delegate_stop(void *self) { spied(SPY_STOP); }
static int delegate_command(void *self, const struct kith_call *call, struct kith_error *err)
{
    return spied(SPY_COMMAND);
}
static int delegate_refresh(void *self, uint32_t what, struct kith_error *err)
{
    return spied(SPY_REFRESH);
}
static void delegate_event(void *self, const struct kith_event *e)
{
    spy.event = e->kind;
    spied(SPY_EVENT);
}
static void delegate_message(void *self, const struct kith_message *m) { spied(SPY_MESSAGE); }
static int delegate_before_leave(void *self, uint64_t id, uint64_t deadline)
{
    spy.leave_by = deadline;
    return spied(SPY_LEAVE);
}
static int delegate_judge(void *self, const struct kith_claim *c, struct kith_error *err)
{
    return spied(SPY_JUDGE);
}

static const struct kith_codec_ops spy_codec_ops = {
    .size = sizeof spy_codec_ops,
    .room = codec_room,
    .seal = codec_seal,
    .open = codec_open,
};

static const struct kith_plugin spy_codec = {
    KITH_HEADER(CODEC),
    .name = "layer",
    .version = "1",
    .summary = "does what a test says",
    .instance_size = sizeof(struct spy_instance),
    .ops = &spy_codec_ops,
    .init = spy_init,
    .start = codec_start,
    .stop = codec_stop,
};

static const struct kith_delegate_ops spy_delegate_ops = {
    .size = sizeof spy_delegate_ops,
    .flags = KITH_DELEGATE_SENDS,
    .judges = KITH_CLAIM_ALIVE,
    .event = delegate_event,
    .message = delegate_message,
    .judge = delegate_judge,
    .before_leave = delegate_before_leave,
};

static int delegate_meta(void *self, uint8_t *out, size_t cap)
{
    spy.meta_cap = cap;
    memset(out, 'm', cap);
    return spy.meta;
}

static const struct kith_delegate_ops spy_meta_ops = {.size = sizeof spy_meta_ops,
                                                      .node_meta = delegate_meta};

static const struct kith_plugin spy_meta = {
    KITH_HEADER(DELEGATE),
    .name = "spy_meta",
    .version = "1",
    .summary = "gives the meta that a test says",
    .instance_size = sizeof(struct spy_instance),
    .ops = &spy_meta_ops,
    .init = spy_init,
    .start = delegate_start,
};

static const struct kith_param spy_params[] = {
    KITH_PARAM(struct spy_instance, take, UINT, 0, "0", NULL, NULL, "To be another one"),
    KITH_PARAM_END,
};

static const struct kith_plugin spy_delegate = {
    KITH_HEADER(DELEGATE),
    .name = "spy",
    .version = "1",
    .summary = "does what a test says",
    .instance_size = sizeof(struct spy_instance),
    .params = spy_params,
    .ops = &spy_delegate_ops,
    .init = spy_init,
    .start = delegate_start,
    .adopt = delegate_adopt,
    .stop = delegate_stop,
    .command = delegate_command,
    .refresh = delegate_refresh,
};

/* ------------------------------------------------------------------------------------- the node */

static const struct kith_plugin *find(void *ctx, enum kith_kind kind, const char *name,
                                      struct kith_error *err)
{
    if (kind == KITH_TRANSPORT && strcmp(name, "odd") == 0) return &odd_plugin;
    if (kind == KITH_CODEC && strcmp(name, "layer") == 0) return &spy_codec;
    if (kind == KITH_CODEC && strcmp(name, "peek") == 0) return &peek_plugin;
    if (kind == KITH_DELEGATE && strcmp(name, "spy") == 0) return &spy_delegate;
    if (kind == KITH_DELEGATE && strcmp(name, "spy_meta") == 0) return &spy_meta;
    struct kith_config_finder rest = kith_registry_finder(kith_world_registry(world));
    return rest.find(rest.ctx, kind, name, err);
}

static const char *const *names(void *ctx, enum kith_kind kind)
{
    static const char *const odds[] = {"odd", NULL}, *const spies[] = {"layer", "spy", "spy_meta",
                                                                       NULL};
    return kind == KITH_TRANSPORT ? odds : spies;
}

static const struct kith_config_finder finder = {.find = find, .names = names};

const char *more_node = "";

void config_odd(struct node *n, const char *name, const char *extra)
{
    char text[1024];
    snprintf(n->path, sizeof n->path, "%s/odd.yaml", dir);
    snprintf(text, sizeof text,
             "node: { name: n0, profile: local, control: '', log: { level: error }, "
             "%s }\n"
             "transport: { use: odd, name: %s }\n%s",
             more_node, name, extra);
    write_file(n->path, text);
}

const struct kith_node_setup *setup_odd(const struct node *n)
{
    static struct kith_node_setup setup;
    setup = (struct kith_node_setup){
        .path = n->path, .world = world, .finder = &finder, .problems = stderr};
    return &setup;
}

void begin_odd(void)
{
    begin();
    begin_world(kith_world_new_virtual(NULL, 1));
    memset(&nodes[0], 0, sizeof nodes[0]);
    odd_reset();
    odd_ops = *(const struct kith_transport_ops *)odd_transport.ops;
    odd_plugin = odd_transport;
    odd_plugin.ops = &odd_ops;
    memset(&spy, 0, sizeof spy);
    memset(&peek, 0, sizeof peek);
    more_node = "";
    odd.self = NULL; /* of the last test */
    odd.host = NULL;
}

void open_odd(const char *extra)
{
    config_odd(&nodes[0], "odd/a", extra);
    start_node(&nodes[0], setup_odd(&nodes[0]));
}

void turn(void)
{
    kith_node_wake(nodes[0].k);
    kith_loop_turn(loop, 0);
}

double breaches(void) { return stat_of(&nodes[0], "contract_breaches", "odd"); }

/* ------------------------------------------------------------------------------ plain messages */

struct kith_bytes ping(void)
{
    static const char wire[] = "\x00\x82\xa5SeqNo\x01\xa4Node\xa2n0";
    return kith_bytes_of(wire, sizeof wire - 1);
}

struct kith_bytes alive(void)
{
    static const char wire[] = "\x04\x86\xabIncarnation\x01\xa4Node\xa1"
                               "b\xa4"
                               "Addr\xa5odd/b\xa4Port\x00\xa4Meta\xa0\xa3Vsn\xa6\x01\x05\x02\x00"
                               "\x00\x00";
    return kith_bytes_of(wire, sizeof wire - 1);
}

struct kith_bytes dead(void)
{
    static const char wire[] = "\x05\x83\xabIncarnation\x01\xa4Node\xa1"
                               "b\xa4"
                               "From\xa1"
                               "b";
    return kith_bytes_of(wire, sizeof wire - 1);
}

struct kith_bytes user_head(uint32_t len)
{
    static uint8_t wire[32] = "\x08\x81\xaaUserMsgLen\xce";
    for (int i = 0; i < 4; i++) wire[14 + i] = (uint8_t)(len >> (24 - 8 * i));
    return kith_bytes_of(wire, 18);
}

void packet(struct kith_bytes message)
{
    odd_up(ODD_PACKET_IN, "odd/b", 0, message, 0);
    turn();
}

const struct kith_bytes nothing;
