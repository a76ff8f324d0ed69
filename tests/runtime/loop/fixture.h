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

struct fixture {
    struct kith_loop *loop;
    struct kith_log *log;
    struct kith_asks asks;
    struct kith_services *services;
    struct kith_host_maker maker;
    struct kith_plugin plugin; /* "thing", a delegate; change it before hosts are made */
    struct kith_entry entry;
    struct kith_keyring ring;
    struct kith_host *host; /* made by fixture_begin() */
    char lines[4096];       /* what was logged, each line followed by | */
};

/* real: a loop in real time; setup: hooks, or NULL (asks is the fixture's). */
void fixture_begin(struct fixture *, bool real, const struct kith_services_setup *setup);
/* One more host of the fixture's entry. */
struct kith_host *fixture_host(struct fixture *);
void fixture_free_host(struct fixture *, struct kith_host **);
/* Everything but the loop and the log, which stay until fixture_end(). */
void fixture_end_services(struct fixture *);
void fixture_end(struct fixture *);

/* A stat with its labels: "name{a=1,b=2}=7" and for histograms "(count: up to, ...)". */
struct shown {
    char text[4096];
    size_t count;
};
void fixture_show(void *arg, const struct kith_stat *);

#endif
