/*
 * fixture.h - for tests of runtime/loop: services on a loop, and hosts as an instance gets them.
 * The keyring, and who waits for answers, are the test's own.
 */
#ifndef KITH_TEST_FIXTURE_H
#define KITH_TEST_FIXTURE_H

#include "host.h"

struct kith_keyring {
    size_t count;
};

/* What kith_asks_reply() and finish() were called with, and what they lead to. */
struct kith_asks {
    uint64_t id;
    int status, rc;
    const struct kith_host *owner;
    void (*inside)(void *arg);
    void *arg;
};

struct world {
    struct kith_loop *loop;
    struct kith_log *log;
    struct kith_asks asks;
    struct kith_services *services;
    struct kith_host_maker maker;
    struct kith_plugin plugin; /* "thing", a delegate; change it before hosts are made */
    struct kith_entry entry;
    struct kith_keyring ring;
    struct kith_host *host; /* made by world_begin() */
    char lines[4096];       /* what was logged, each line followed by | */
};

/* real: a loop in real time; setup: hooks, or NULL (asks is the world's). */
void world_begin(struct world *, bool real, const struct kith_services_setup *setup);
/* One more host of the world's entry. */
struct kith_host *world_host(struct world *);
void world_free_host(struct world *, struct kith_host **);
/* Everything but the loop and the log, which stay until world_end(). */
void world_end_services(struct world *);
void world_end(struct world *);

/* A stat with its labels: "name{a=1,b=2}=7" and for histograms "(count: up to, ...)". */
struct shown {
    char text[4096];
    size_t count;
};
void world_show(void *arg, const struct kith_stat *);

#endif
