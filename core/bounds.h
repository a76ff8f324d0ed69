/*
 * bounds.h - sizes and counts that the core's files agree on.
 */
#ifndef KITH_BOUNDS_H
#define KITH_BOUNDS_H

enum {
    KITH_NAME_LIMIT = 255,        /* bytes of a member's name */
    KITH_IDENTITY_LIMIT = 255,    /* bytes of the name that a transport verified */
    KITH_META_MAX = 512,          /* our own meta (PROTOCOL.md 1.13) */
    KITH_META_LIMIT = 4096,       /* others' meta; memberlist has no limit here */
    KITH_MESSAGE_MAX = 8192,      /* a message of ours that is gossiped; an ack payload */
    KITH_NODES_MAX = 1024 * 1024, /* entries that a push/pull may announce (PROTOCOL.md 1.13) */
    KITH_REPLIES_MAX = 8,         /* packets that one may make us send: memberlist's asks for one */
    KITH_STRANGER_REPLIES = 2,    /* of these to strangers, with... */
    KITH_STRANGER_RATIO = 2,      /* ...at most so many times its bytes */
    KITH_NESTING_MAX = 8,         /* compounds in compounds */
    KITH_ENTRY_MAX = 68           /* bytes of an entry of a state, but for its strings */
};

/* Nobody gets so far by itself: from here on hearsay lifts a member by a few at a time, once in a
 * while (ns)... */
#define KITH_INCARNATION_STEEP 0x80000000u
#define KITH_INCARNATION_STEP  16u
#define KITH_LIFT_PAUSE        200000000u
/* ...and from here on by nothing (merge.c). From the one to the other a forger needs 125
 * million lifts, or 290 days; so much is left above that a member can go on for years. */
#define KITH_INCARNATION_HIGH 0xff000000u

#endif
