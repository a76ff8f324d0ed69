/*
 * brittle.c - a transport that goes nowhere, and fails where its `fails:` says. As `stubborn` it
 * can't hand over to a successor, and encrypts. Compiled with nothing but the ABI header.
 */
#include <kith/plugin.h>

enum { NOWHERE, LIMITS, START, ADOPT, TAKEN, AGAIN, LATER };
static const char *const places[] = {"nowhere", "limits", "start", "adopt",
                                     "taken",   "again",  "later", NULL};

struct brittle {
    uint32_t fails;
    unsigned starts;
};

static const struct kith_param params[] = {
    KITH_PARAM_CHOICE(struct brittle, fails, 0, "nowhere", places, "the call that fails"),
    KITH_PARAM_END,
};

static int fail_at(const struct brittle *b, uint32_t place, struct kith_error *err)
{
    return b->fails == place ? kith_fail(err, KITH_EIO, "%s fails", places[place]) : 0;
}

/* AGAIN: the second time, after a successor that did not start. */
static int start(void *self, struct kith_error *err)
{
    struct brittle *b = self;
    if (b->starts++) return fail_at(self, AGAIN, err);
    return fail_at(self, START, err);
}

#ifndef STUBBORN
/* TAKEN: too late for the old one to go on. */
static int adopt(void *self, void *old, struct kith_error *err)
{
    if (((struct brittle *)self)->fails == TAKEN)
        return kith_fail(err, KITH_ECLOSED, "taken and lost");
    return fail_at(self, ADOPT, err);
}
#endif

static void limits(void *self, struct kith_limits *out)
{
    out->packet = ((struct brittle *)self)->fails == LIMITS ? 0 : 1400;
#ifdef STUBBORN
    out->provides = KITH_ENCRYPTS;
#endif
}

static int advertise(void *self, struct kith_addr *out, struct kith_error *err)
{
    *out = (struct kith_addr){.port = 1, .len = 4, .bytes = {127, 0, 0, 1}};
    return 0;
}

static int parse(void *self, struct kith_bytes text, struct kith_addr *out, struct kith_bytes *host)
{
    *host = text;
    return -KITH_ENAME;
}

static int format(void *self, const struct kith_addr *addr, char *out, size_t cap)
{
    return snprintf(out, cap, "nowhere:%u", addr->port);
}

static int send_packet(void *self, const struct kith_peer *to, struct kith_buf *b) { return 0; }

static const struct kith_transport_ops ops = {
    .size = sizeof ops,
    .default_port = 1,
    .limits = limits,
    .advertise = advertise,
    .parse = parse,
    .format = format,
    .send_packet = send_packet,
};

KITH_PLUGIN(brittle) = {
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
