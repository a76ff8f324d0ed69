/*
 * control_call.c - a question to an entry of the node, answered in pieces, perhaps later. Each
 * piece is a line of its own; the answer ends it. When the client goes, the entry is told at its
 * next piece.
 */
#include "control_inside.h"
#include <stdlib.h>

enum { WORDS_MAX = 64 };
#define PATIENCE 60000000000u /* ns, when the request says nothing */

/*
 * A question:
 *
 *   asked    the entry has its id
 *            -> ended      it finished, its time is over, or it stopped: the client is answered
 *            -> cancelled  the client has gone
 */
struct call {
    struct kith_client *client;
    struct kith_asks *asks;
    uint64_t id;     /* 0: still inside of the call that asks */
    uint8_t rest[4]; /* UTF-8 bytes cut off at the end of a piece */
    size_t rest_len;
};

/* How many bytes at the end begin a character of UTF-8 that is not whole. */
static size_t unfinished(struct kith_bytes b)
{
    for (size_t n = 1; n <= 3 && n <= b.len; n++) {
        uint8_t byte = b.data[b.len - n];
        if ((byte & 0xC0) == 0x80) continue;
        size_t whole = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        return whole > n ? n : 0;
    }
    return 0;
}

static int piece(void *arg, struct kith_bytes bytes)
{
    struct call *call = arg;
    if (!bytes.len) return 0;
    if (bytes.len >= KITH_CONTROL_OUT_MAX) return kith_client_piece(call->client, bytes);
    uint8_t *all = malloc(call->rest_len + bytes.len);
    if (!all) return -KITH_EAGAIN;
    memcpy(all, call->rest, call->rest_len);
    memcpy(all + call->rest_len, bytes.data, bytes.len);
    struct kith_bytes text = kith_bytes_of(all, call->rest_len + bytes.len);
    size_t rest = unfinished(text);
    text.len -= rest;
    int rc = text.len ? kith_client_piece(call->client, text) : 0;
    if (rc == 0) {
        memcpy(call->rest, all + text.len, rest);
        call->rest_len = rest;
    }
    free(all);
    return rc;
}

static void end(void *arg, int status, const char *text)
{
    struct call *call = arg;
    struct kith_client *c = call->client;
    if (call->rest_len) kith_client_piece(c, kith_bytes_of(call->rest, call->rest_len));
    free(call);
    if (status == 0)
        kith_client_answer(c, json_object());
    else
        kith_client_fail(c, status, "%s", text && *text ? text : kith_code_text(status));
}

static void gone(void *arg)
{
    struct call *call = arg;
    kith_asks_cancel(call->asks, call->id);
    free(call);
}

/* False: something is no string, or there are too many. */
static bool words_of(const json_t *list, struct kith_bytes out[WORDS_MAX])
{
    size_t i;
    json_t *item;
    if (list && (!json_is_array(list) || json_array_size(list) > WORDS_MAX)) return false;
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item)) return false;
        out[i] = kith_bytes_of(json_string_value(item), json_string_length(item));
    }
    return true;
}

void kith_control_call(struct kith_client *c, const json_t *request)
{
    struct kith *k = kith_client_node(c);
    const json_t *entry = json_object_get(request, "entry");
    const json_t *list = json_object_get(request, "words");
    struct kith_bytes words[WORDS_MAX];
    if (!json_is_string(entry) || !words_of(list, words)) {
        kith_client_fail(c, KITH_EINVAL, "entry is a text, words a list of up to %d texts",
                         WORDS_MAX);
        return;
    }
    if (!kith_client_may_stay(c)) return;
    struct call *call = calloc(1, sizeof *call);
    if (!call) {
        kith_client_fail(c, KITH_ENOMEM, "out of memory");
        return;
    }
    *call = (struct call){.client = c, .asks = kith_node_asks(k)};
    struct kith_asker asker = {.arg = call, .piece = piece, .end = end};
    struct kith_error err = {.size = sizeof err};
    uint32_t flags = json_is_true(json_object_get(request, "json")) ? KITH_CALL_JSON : 0;
    uint64_t deadline = kith_node_now(k) + kith_control_timeout(request, PATIENCE), id;
    int rc = kith_node_call(k, kith_bytes_of(json_string_value(entry), json_string_length(entry)),
                            words, json_array_size(list), flags, deadline, &asker, &id, &err);
    if (rc < 0) {
        free(call);
        kith_client_fail(c, rc, "%s", err.text);
    } else if (id) { /* else it has ended, and `call` is no more */
        call->id = id;
        kith_client_hold(c, gone, call);
    }
}
