/*
 * brittle.c - a transport that goes nowhere, and fails where its `fails:` says. As `stubborn` it
 * can't hand over to a successor. Compiled with nothing but the ABI header.
 */
#include <kith/plugin.h>

enum { NOWHERE, ATTACH, ADOPT, START, LATER };
static const char *const places[] = {"nowhere", "attach", "adopt", "start", "later", NULL};

struct brittle {
    uint32_t fails;
};

static const struct kith_param params[] = {
    {.name = "fails",
     .type = KITH_PARAM_ENUM,
     .offset = offsetof(struct brittle, fails),
     .def = "nowhere",
     .choices = places,
     .doc = "the call that fails"},
    {0},
};

static int fail_at(const struct brittle *b, uint32_t place, struct kith_error *err)
{
    return b->fails == place ? kith_fail(err, KITH_EIO, "%s fails", places[place]) : 0;
}

static int attach(void *self, const struct kith_transport_setup *setup, struct kith_error *err)
{
    return fail_at(self, ATTACH, err);
}

static int start(void *self, struct kith_error *err) { return fail_at(self, START, err); }

#ifndef STUBBORN
static int adopt(void *self, void *old, struct kith_error *err)
{
    return fail_at(self, ADOPT, err);
}
#endif

static void limits(void *self, struct kith_limits *out) { out->packet = 1400; }

static int advertise(void *self, struct kith_addr *out, struct kith_error *err)
{
    *out = (struct kith_addr){.port = 1, .len = 4, .bytes = {127, 0, 0, 1}};
    return 0;
}

static int parse(void *self, const char *host, uint16_t port, struct kith_addr *out)
{
    return -KITH_ENAME;
}

static int format(void *self, const struct kith_addr *addr, char *out, size_t cap)
{
    return snprintf(out, cap, "nowhere:%u", addr->port);
}

static int send_packet(void *self, const struct kith_addr *to, const char *name,
                       struct kith_bytes b)
{
    return 0;
}

static int stream_open(void *self, const struct kith_addr *to, const char *name, uint32_t *id)
{
    return -KITH_EUNREACHABLE;
}

static int64_t stream_write(void *self, uint32_t id, const uint8_t *data, size_t len) { return 0; }

static void stream_finish(void *self, uint32_t id) {}

static void stream_read(void *self, uint32_t id, bool on) {}

static const struct kith_transport_ops ops = {
    .size = sizeof ops,
    .default_port = 1,
    .attach = attach,
    .limits = limits,
    .advertise = advertise,
    .parse = parse,
    .format = format,
    .send_packet = send_packet,
    .stream_open = stream_open,
    .stream_write = stream_write,
    .stream_finish = stream_finish,
    .stream_reset = stream_finish,
    .stream_read = stream_read,
};

extern KITH_EXPORT const struct kith_plugin kith_plugin_v1;
const struct kith_plugin kith_plugin_v1 = {
    KITH_HEADER(TRANSPORT),
#ifdef STUBBORN
    .name = "stubborn",
#else
    .name = "brittle",
    .adopt = adopt,
#endif
    .version = "1",
    .summary = "fails where its settings say",
    .instance_size = sizeof(struct brittle),
    .params = params,
    .ops = &ops,
    .start = start,
};
