/*
 * odd_transport.h - a transport that is linked into a test and breaks its contract on demand.
 *
 * It has no network: what the node sends is remembered, what the node is to hear the test says,
 * with odd_up(). Left alone it keeps the contract. It stands on <kith/plugin.h> alone; an entry of
 * it is made with kith_entry_init(&entry, &odd_transport, ...), with the one setting `name`, or
 * with a finder that answers "odd".
 *
 * Its addresses are text of at most 128 bytes, with or without "/", and have no port: "odd/a". A
 * text that begins with "?" is a name that somebody must resolve (-KITH_ENAME), one that begins
 * with "!" is refused (-KITH_EINVAL).
 */
#ifndef KITH_TEST_ODD_TRANSPORT_H
#define KITH_TEST_ODD_TRANSPORT_H

#include <kith/plugin.h>

/* Each call that the node makes. */
enum odd_call {
    ODD_INIT,
    ODD_START,
    ODD_ADOPT,
    ODD_STOP,
    ODD_FINI,
    ODD_REFRESH,
    ODD_COMMAND,
    ODD_LIMITS,
    ODD_PACKET_LIMIT,
    ODD_ADVERTISE,
    ODD_PARSE,
    ODD_FORMAT,
    ODD_SEND_PACKET,
    ODD_FLUSH,
    ODD_STREAM_OPEN,
    ODD_STREAM_WRITE,
    ODD_STREAM_FINISH,
    ODD_STREAM_RESET,
    ODD_STREAM_READ,
    ODD_MEMBER_GONE,
    ODD_CALLS
};

/* Each upcall. */
enum odd_upcall {
    ODD_NO_UPCALL,
    ODD_PACKET_IN,
    ODD_ACCEPTED,
    ODD_OPENED,
    ODD_DATA,
    ODD_WRITABLE,
    ODD_END,
    ODD_CLOSED,
    ODD_CHANGED,
    ODD_UNREACHABLE,
    ODD_UPCALLS
};

/* What it does and has seen, of all its instances together: `odd` below. All zero: it behaves.
 * ODD_FORMAT and ODD_STREAM_WRITE return rc itself when it is not 0, calls that return nothing
 * ignore it. */
struct odd {
    struct {
        int rc;                 /* returned instead of doing it, when not 0 */
        enum odd_upcall upcall; /* made from inside of the call: a breach */
        void (*also)(void);     /* what a test has to do inside of the call */
        uint64_t id;            /* for it; 0: of the stream that was opened or accepted last */
        size_t calls;           /* how often the node called */
    } call[ODD_CALLS];

    enum odd_call fails_once;  /* this one returns -KITH_EIO the next time; ODD_INIT: none does */
    struct kith_limits limits; /* its size is not looked at; packet 0: 1400 (see packet_is_zero) */
    bool packet_is_zero;
    size_t packet_limit; /* 0: limits.packet */
    uint64_t next_id;    /* what stream_open gives, without moving on; 0: one not used before */
    size_t write_room;   /* bytes that stream_write takes each time; 0: all */
    int64_t writes;      /* what stream_write returns, when not 0 */
    bool format_fills;   /* format fills all there is, without a NUL, and says 3 */
    bool leaves_timer;   /* stop frees no timer */
    bool emits;          /* start and adopt emit `begun`; emit_rc is what emit said */
    int emit_rc;
    char advertise[129];     /* "": the setting `name` */
    size_t upcalls_made;     /* from inside of calls */
    size_t accepted_refused; /* upcalls of stream_accepted that the node answered with no */

    /* the last of each */
    void *self; /* running instance */
    const struct kith_host *host;
    uint64_t id; /* stream */
    uint8_t packet[2048], written[4096];
    size_t packet_len, written_len; /* written: all since odd_reset() */
    size_t headroom, tailroom;      /* as found by send_packet */
    char to[129];                   /* whom send_packet or stream_open was for */
    char gone[129];
    bool reading; /* as stream_read said */
};

extern struct odd odd;
extern const struct kith_plugin odd_transport;

/* All zero again, but for the running instance. */
void odd_reset(void);
/* Make an upcall from where the test stands (outside of every call, or where it wants a breach).
 * peer: "odd/b"; id 0: as above, and ODD_ACCEPTED makes a new one; data: of PACKET_IN and DATA;
 * number: the reason of CLOSED, the bits of CHANGED. */
void odd_up(enum odd_upcall, const char *peer, uint64_t id, struct kith_bytes data, int number);
/* What its peers are said to have had from the transport, and their verified identity. */
void odd_peer_is(uint32_t provides, const char *identity);

#endif
