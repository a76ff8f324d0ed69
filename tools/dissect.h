/*
 * dissect.h - private to `kith dissect`: what the reader of layers (dissect.c) and of messages (dissect_messages.c) share.
 */
#ifndef KITH_DISSECT_H
#define KITH_DISSECT_H

#include <jansson.h>
#include <kith/plugin.h>

/* Where reading stopped: names the layer or message, and the offset in the bytes that it was given. */
struct kith_dissect_error {
    char text[200];
};

/* The messages of an opened packet or stream, appended to `messages`; compounds add to `layers`. 0, or a negative code. */
int kith_dissect_packet(struct kith_bytes, json_t *layers, json_t *messages, struct kith_dissect_error *);
int kith_dissect_stream(struct kith_bytes, json_t *layers, json_t *messages, struct kith_dissect_error *);

#endif
