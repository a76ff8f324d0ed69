/*
 * awareness.h - how well this node itself seems to do: Lifeguard's local health score, 0 best
 * (PROTOCOL.md 2.7).
 */
#ifndef KITH_AWARENESS_H
#define KITH_AWARENESS_H

struct kith_core;

void kith_awareness_change(struct kith_core *, int delta);

#endif
