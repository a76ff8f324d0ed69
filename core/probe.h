/*
 * probe.h - is that member there? The one probe of ours that may be under way (PROTOCOL.md 2.8).
 */
#ifndef KITH_PROBE_H
#define KITH_PROBE_H

#include "pending.h"
#include "wire.h"

enum kith_probe_phase {
    KITH_PROBE_IDLE,
    KITH_PROBE_DIRECT,  /* pinged; others are asked after probe_timeout */
    KITH_PROBE_INDIRECT /* others were asked, and a stream ping; judged at the deadline */
};

enum { KITH_PROBE_HINTS = 8 };

/*     IDLE      --tick-------------------------> DIRECT    the next member of the list is pinged
 *     DIRECT    --ack--------------------------> IDLE      health score better
 *     DIRECT    --probe_timeout----------------> INDIRECT  relays and a stream carry the ping
 *     INDIRECT  --ack, direct or relayed-------> IDLE      health score better
 *     INDIRECT  --deadline, stream answered----> IDLE      health score better, a warning
 *     INDIRECT  --deadline, silence------------> IDLE      suspected; health score worse by the
 *                                                          nacks that are missing
 *
 * A hint that somebody can't be reached makes it the next one to be pinged, in place of the list's.
 *
 * A tick outside IDLE sets `missed`: the next probe begins when this one ends, as with a Go ticker.
 */
struct kith_probe {
    struct kith_pending pending; /* its entry in the ack table, there unless IDLE */
    uint8_t phase;               /* enum kith_probe_phase */
    bool missed;
    bool contact; /* the stream ping was answered */
    uint8_t state, pmax;
    uint8_t name_len;
    char name[KITH_NAME_LIMIT + 1];
    struct kith_addr to;
    uint32_t incarnation;
    uint32_t expected_nacks, nacks;
    uint32_t index;  /* in the probe list */
    uint32_t stream; /* handle of the stream ping, 0: none */
    uint64_t begun, deadline;
    struct kith_addr hints[KITH_PROBE_HINTS]; /* addresses reported unreachable */
    uint8_t hint_count;
    bool by_hint; /* the last one was chosen by a hint: the next one is the list's */
};

void kith_probe_tick(struct kith_core *, struct kith_alarm *);
void kith_probe_alarm(struct kith_core *, struct kith_alarm *);
void kith_probe_acked(struct kith_core *, const struct kith_msg *ack, uint64_t received_at);
/* False: more than we asked for. */
bool kith_probe_nacked(struct kith_core *);

#endif
