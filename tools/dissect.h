/*
 * dissect.h - private to `kith dissect`: layers (dissect_layers.c), messages (dissect_messages.c),
 * captures (dissect_pcap.c, which reads them with capture.c, datagram.c and tcp_streams.c), lines
 * for people (dissect_text.c).
 */
#ifndef KITH_DISSECT_H
#define KITH_DISSECT_H

#include "config.h"
#include <jansson.h>
#include <kith/plugin.h>

/* Where reading stopped: names the layer or message, and the offset in the bytes that it was given.
 */
struct kith_dissect_error {
    char text[200];
};

enum { KITH_DISSECT_LAYER_BYTES = 16 };

/* What is known about the bytes. It and its texts must outlive the dissector. */
struct kith_dissect_setup {
    struct kith_secrets keys; /* to decrypt with */
    struct {
        const char *codec; /* its name, or its file */
        uint8_t byte;
    } layer_bytes[KITH_DISSECT_LAYER_BYTES]; /* private layer bytes of codecs without one of their
                                                own */
    size_t layer_byte_count;
    const char *label;       /* NULL: none */
    const char *plugin_path; /* folders, colon separated; NULL: the usual ones */
};

struct kith_dissector;
struct kith_dissector *kith_dissector_new(const struct kith_dissect_setup *, struct kith_error *);
void kith_dissector_free(struct kith_dissector *);

/* One packet, or one direction of a stream (reply: the acceptor's). *result: {"layers",
 * "messages"}, as far as it came, to be released by the caller. 0, or a negative code with *err. */
int kith_dissect(struct kith_dissector *, struct kith_bytes, bool stream, bool reply,
                 json_t **result, struct kith_dissect_error *err);

/* The messages of an opened packet or stream, appended to `messages`; compounds add to `layers`. 0,
 * or a negative code. */
int kith_dissect_packet(struct kith_bytes, json_t *layers, json_t *messages,
                        struct kith_dissect_error *);
int kith_dissect_stream(struct kith_bytes, json_t *layers, json_t *messages,
                        struct kith_dissect_error *);

/* Label of a message as its header says it, into out (256 bytes); false when it has none. */
bool kith_dissect_label(struct kith_bytes, char *out);

/* The same as a line for people, without a line end; malloc'd. */
char *kith_dissect_line(const json_t *result);

/* A capture file: one line a packet and a stream's direction. An exit code. */
int kith_dissect_pcap(const char *path, struct kith_dissect_setup *, bool json);

#endif
