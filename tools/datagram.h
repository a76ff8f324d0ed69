/*
 * datagram.h - what a captured frame carries: the IP packet in it, as far as it is UDP or TCP.
 * Pure.
 */
#ifndef KITH_TOOLS_DATAGRAM_H
#define KITH_TOOLS_DATAGRAM_H

#include "capture.h"
#include "tcp_streams.h"

enum kith_datagram_kind {
    KITH_DATAGRAM_STRANGE, /* frames of this link can't be read */
    KITH_DATAGRAM_SKIPPED, /* neither UDP nor TCP, a fragment, or cut short */
    KITH_DATAGRAM_UDP,
    KITH_DATAGRAM_TCP
};

struct kith_datagram {
    struct kith_endpoint from, to; /* ports: of UDP only */
    struct kith_bytes bytes;       /* UDP's payload; TCP's header and payload */
};

/* What is in the frame points into it. */
enum kith_datagram_kind kith_datagram_read(const struct kith_capture_frame *,
                                           struct kith_datagram *);

#endif
