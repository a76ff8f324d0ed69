/*
 * joining.c - how a join begins: with whom it was asked for.
 *
 * A push/pull does not say who sends it. So a join of a named member begins with a ping by stream,
 * which only the member of that name answers (PROTOCOL.md 1.12); until then nothing of ours is
 * told, and two clusters do not merge because an address was taken over.
 */
#include "joining.h"
#include "completion.h"
#include "core_log.h"
#include "exchange.h"
#include "peer.h"
#include "pending.h"
#include "state.h"
#include "sync.h"

static int dial(struct kith_core *c, const struct kith_peer *to, struct kith_request *r)
{
    struct kith_exchange *s = kith_sync_dial(c, KITH_EXCHANGE_JOIN, to);
    if (!s) return -KITH_EAGAIN;
    s->request = r;
    return 0;
}

/* The ping has ended. */
static void answered(struct kith_core *c, struct kith_exchange *s, int status)
{
    struct kith_bytes name = kith_bytes_of(s->name, s->name_len);
    struct kith_peer to = kith_peer_of(&s->to, name, s->protocol_max);
    struct kith_request *r = s->request;
    s->request = NULL;
    if (status == -KITH_ECLOSED) /* whoever is not meant hangs up */
        kith_request_because(c, KITH_LOG_ERROR, r, &s->to,
                             "It closed the connection without a word: it is not '%.*s', or has "
                             "another label, encryption, or no place for us (see its log)",
                             KITH_STR(name));
    if (status == 0) status = dial(c, &to, r);
    if (status < 0) kith_request_done(c, r, status, 0);
}

int kith_joining_begin(struct kith_core *c, const struct kith_peer *to, struct kith_request *r)
{
    if (!to->name.len) return dial(c, to, r);
    struct kith_exchange *s = kith_exchange_dial(c, KITH_EXCHANGE_PING, to,
                                                 kith_later(c->now, c->set.tcp_timeout), answered);
    if (!s) return -KITH_EAGAIN;
    s->seq_no = kith_pendings_next_seq_no(&c->pendings);
    s->request = r;
    return 0;
}
