/*
 * peek.c - see peek.h.
 */
#include "peek.h"

struct peek_seen peek;

struct peek {
    uint32_t number;
    const struct kith_host *host;
};

static void note(char out[64], struct kith_bytes text)
{
    if (text.len && text.data[text.len]) peek.unended = true;
    snprintf(out, 64, "%.*s", (int)text.len, text.len ? (const char *)text.data : "");
}

static void look_at(const struct kith_frame *f)
{
    if (!f->peer) return;
    peek.protocol_max = f->peer->protocol_max;
    note(peek.name, f->peer->name);
    note(peek.identity, f->peer->identity);
}

static int peek_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    ((struct peek *)self)->host = host;
    return peek.init;
}

static int peek_refresh(void *self, uint32_t what, struct kith_error *err)
{
    peek.refreshed_keys += what == KITH_REFRESH_KEYS;
    peek.refreshed_files += what == KITH_REFRESH_FILES;
    return 0;
}

static int peek_command(void *self, const struct kith_call *call, struct kith_error *err)
{
    return peek.command ? peek.command(((struct peek *)self)->host, call) : 0;
}

static void peek_room(const void *self, struct kith_room *room)
{
    room->head = (uint32_t)peek.head;
    room->tail = (uint32_t)peek.tail;
}

static int peek_seal(void *self, struct kith_buf *b, struct kith_frame *f)
{
    peek.seals++;
    look_at(f);
    size_t behind = peek.tail - peek.tail_left;
    uint8_t *head = kith_buf_push(b, peek.head), *tail = kith_buf_put(b, behind);
    if (!head || !tail) return -KITH_ETOOBIG;
    memset(head, 'h', peek.head);
    memset(tail, 't', behind);
    peek.headroom = kith_buf_headroom(b);
    peek.tailroom = kith_buf_tailroom(b);
    return 0;
}

static int peek_open(void *self, struct kith_buf *b, struct kith_frame *f)
{
    peek.opens++;
    look_at(f);
    if (f->peer) peek.provides = f->peer->provides;
    return kith_buf_pull(b, peek.head) && kith_buf_trim(b, peek.tail) ? 0 : -KITH_EMALFORMED;
}

static size_t peek_sealed_size(const void *self, size_t len, const struct kith_frame *f)
{
    return peek.sealed_size ? peek.sealed_size : peek.head + len + peek.tail - peek.tail_left;
}

static const struct kith_codec_ops peek_ops = {
    .size = sizeof peek_ops,
    .provides = KITH_AUTHENTICATES,
    .packet = {.first = 0xB0, .last = 0xB0},
    .stream = {.first = 0xB0, .last = 0xB0},
    .room = peek_room,
    .seal = peek_seal,
    .open = peek_open,
    .sealed_size = peek_sealed_size,
};

static const struct kith_param peek_params[] = {
    KITH_PARAM(struct peek, number, UINT, 0, "0", NULL, NULL, "so that settings can change"),
    KITH_PARAM_END,
};

const struct kith_plugin peek_plugin = {
    KITH_HEADER(CODEC),      .name = "peek",
    .version = "1",          .summary = "notes what it is shown",
    .flags = KITH_KEYED,     .instance_size = sizeof(struct peek),
    .params = peek_params,   .ops = &peek_ops,
    .init = peek_init,       .refresh = peek_refresh,
    .command = peek_command,
};
