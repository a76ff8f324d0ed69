/*
 * inflow.h - opening what one peer sends on one stream, piece by piece as it comes.
 */
#ifndef KITH_INFLOW_H
#define KITH_INFLOW_H

#include "pipeline.h"

/* Bounded: a layer's length is checked before a byte of it is stored, and what is stored is counted
 * in the account of the node's streams. */
struct kith_inflow;
/* acceptor: the peer opened the stream, so its label comes first. */
struct kith_inflow *kith_inflow_new(struct kith_pipeline *, bool acceptor);
void kith_inflow_free(struct kith_inflow *);
/* The peer is no member: what it sends is counted as strangers'. Before the first byte. */
void kith_inflow_stranger(struct kith_inflow *);
/* After a reload a stream ends with the chain it began with, but must also meet the new `require`.
 */
void kith_inflow_require(struct kith_inflow *, uint32_t require);
/* Feed bytes as they come; from: the other end, lent, NULL: not known. plain() gets the opened
 * ones, in order; it must not free the inflow. A negative code is final: close the stream. text
 * (may be NULL, else KITH_INFLOW_TEXT bytes) then holds what an err message to the peer should say,
 * or "": close it without a word. */
#define KITH_INFLOW_TEXT 160
int kith_inflow_feed(struct kith_inflow *, const struct kith_peer *from, const uint8_t *data,
                     size_t len, void (*plain)(void *arg, const uint8_t *data, size_t len),
                     void *arg, enum kith_refusal *why, char *text);
/* The peer finished: 0, or -KITH_EMALFORMED in the middle of a layer. */
int kith_inflow_end(struct kith_inflow *);

#endif
