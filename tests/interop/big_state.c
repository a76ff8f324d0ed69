/*
 * big_state.c - a delegate for the interop tests: 70,000 bytes of state for every push/pull, and a
 * log line about what it merged.
 */
#include <kith/plugin.h>

enum { STATE = 70000 };

struct state {
    const struct kith_host *host;
};

static int state_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    ((struct state *)self)->host = host;
    return 0;
}

static void state_local(void *self, bool join, const struct kith_sink *sink)
{
    static uint8_t bytes[STATE];
    for (size_t i = 0; i < STATE; i++) bytes[i] = (uint8_t)(i * 7);
    sink->write(sink, kith_bytes_of(bytes, STATE));
}

static void state_remote(void *self, const struct kith_message *state)
{
    const struct kith_host *host = ((struct state *)self)->host;
    host->log(host, KITH_LOG_INFO, "merged %zu bytes of state, %s", state->bytes.len,
              state->flags & KITH_JOIN ? "join" : "no join");
}

static const struct kith_delegate_ops state_ops = {
    .size = sizeof state_ops,
    .local_state = state_local,
    .remote_state = state_remote,
};

KITH_PLUGIN(big_state) = {
    KITH_HEADER(DELEGATE),
    .name = "big_state",
    .version = "1.0",
    .summary = "State for push/pull, for the interop tests",
    .instance_size = sizeof(struct state),
    .ops = &state_ops,
    .init = state_init,
};
