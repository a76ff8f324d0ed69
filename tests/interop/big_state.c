/*
 * big_state.c - a delegate for the interop tests: 70,000 bytes of state for every push/pull, or the
 * text that its entry gives, and a log line about what it merged.
 */
#include <kith/plugin.h>

enum { STATE = 70000 };

struct state {
    const char *text; /* a parameter */
    const struct kith_host *host;
};

static const struct kith_param state_params[] = {
    KITH_PARAM(struct state, text, STRING, 0, NULL, NULL, NULL, "state instead of these"),
    KITH_PARAM_END,
};

static int state_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    ((struct state *)self)->host = host;
    return 0;
}

static void state_local(void *self, bool join, const struct kith_sink *sink)
{
    static uint8_t bytes[STATE];
    const char *text = ((struct state *)self)->text;
    if (text) {
        sink->write(sink, kith_text(text));
        return;
    }
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
    .params = state_params,
    .ops = &state_ops,
    .init = state_init,
};
