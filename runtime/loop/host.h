/*
 * host.h - the services that a node gives to its plugins: struct kith_host over a loop and a log.
 *
 * One table per instance. An instance is known by its entry's `use`, with its channel where it has
 * one: that is what its log lines and its counters carry. Counters belong to that name and live as
 * long as the services, so that they go on counting over a reload. Knows nothing of the core.
 */
#ifndef KITH_HOST_H
#define KITH_HOST_H

#include "log.h"
#include "loop.h"
#include "instance.h"

struct kith_services;

/* loop and log outlive the services, the services all instances made with them. NULL: no memory. */
struct kith_services *kith_services_new(struct kith_loop *, struct kith_log *);
void kith_services_free(struct kith_services *);

/* What plugins/ wants: makes and frees the table of an instance. After free nothing that the
 * instance posted runs. */
struct kith_host_maker kith_services_maker(struct kith_services *);

/* Every counter of every instance, label "plugin". */
void kith_services_stats(const struct kith_services *,
                         void (*visit)(void *arg, const struct kith_stat *), void *arg);

#endif
