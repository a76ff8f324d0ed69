/*
 * fickle.c - a delegate that fails to start when its settings say so; as `fickle_state` it produces
 * state, as `fickler` it is merely another one. Compiled with nothing but the ABI header.
 */
#include <kith/plugin.h>

struct fickle {
    bool fails;
    uint32_t n;
};

static const struct kith_param params[] = {
    KITH_PARAM(struct fickle, fails, BOOL, 0, "false", NULL, NULL, "whether start fails"),
    KITH_PARAM(struct fickle, n, UINT, 0, "0", "0", "9", "something to change"),
    KITH_PARAM_END,
};

static int start(void *self, struct kith_error *err)
{
    return ((struct fickle *)self)->fails ? kith_fail(err, KITH_EIO, "not today") : 0;
}

static void event(void *self, const struct kith_event *e) {}

#ifdef STATE
static void local_state(void *self, bool join, const struct kith_sink *sink) {}
#endif

static const struct kith_delegate_ops ops = {
    .size = sizeof ops,
    .event = event,
#ifdef STATE
    .local_state = local_state,
#endif
};

KITH_PLUGIN(fickle) = {
    KITH_HEADER(DELEGATE),
    .name = NAME,
    .version = "1",
    .summary = "fails when its settings say so",
    .instance_size = sizeof(struct fickle),
    .params = params,
    .ops = &ops,
    .start = start,
};
