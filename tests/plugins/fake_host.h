/*
 * fake_host.h - a host and a node for tests of the plugin host: no loop, no core; what plugins log
 * and ask for is kept to be looked at.
 */
#ifndef KITH_TESTS_FAKE_HOST_H
#define KITH_TESTS_FAKE_HOST_H

#include "delegates.h"
#include "registry.h"
#include <stdio.h>
#include <stdlib.h>

struct fake_host {
    struct kith_host host;
    struct kith_keyring *ring;
    struct {
        char name[32];
        uint64_t value;
    } counters[16];
};

static char fake_log_text[4096]; /* everything logged, a line each */
static unsigned fake_hosts_alive;
static uint64_t fake_random_state = 1;

static void fake_log(const struct kith_host *h, enum kith_log_level level, const char *fmt, ...)
    KITH_PRINTF(3, 4);
static void fake_log(const struct kith_host *h, enum kith_log_level level, const char *fmt, ...)
{
    size_t used = strlen(fake_log_text);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(fake_log_text + used, sizeof fake_log_text - used, fmt, ap);
    va_end(ap);
    used = strlen(fake_log_text);
    snprintf(fake_log_text + used, sizeof fake_log_text - used, "\n");
}

static uint64_t fake_wall(const struct kith_host *h) { return 1700000000123456789u; }

static uint64_t fake_clock = 1;
static uint64_t fake_now(const struct kith_host *h) { return fake_clock; }
static uint64_t fake_world_number; /* 0: the real one */
static uint64_t fake_world(const struct kith_host *h) { return fake_world_number; }

static void fake_random(const struct kith_host *h, void *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        fake_random_state = fake_random_state * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)out)[i] = (uint8_t)(fake_random_state >> 56);
    }
}

static uint64_t *fake_counter(const struct kith_host *h, const char *name, const char *help,
                              const struct kith_pair *labels, size_t count)
{
    struct fake_host *fake = (struct fake_host *)h;
    for (size_t i = 0; i < sizeof fake->counters / sizeof *fake->counters; i++) {
        if (!fake->counters[i].name[0])
            snprintf(fake->counters[i].name, sizeof fake->counters[i].name, "%s", name);
        if (strcmp(fake->counters[i].name, name) == 0) return &fake->counters[i].value;
    }
    abort();
}

static struct kith_host *fake_make(void *ctx, const struct kith_entry *entry,
                                   struct kith_keyring *ring)
{
    struct fake_host *fake = calloc(1, sizeof *fake);
    if (!fake) return NULL;
    fake_hosts_alive++;
    fake->ring = ring;
    fake->host = (struct kith_host){.size = sizeof fake->host,
                                    .log = fake_log,
                                    .wall = fake_wall,
                                    .now = fake_now,
                                    .world = fake_world,
                                    .random = fake_random,
                                    .counter = fake_counter};
    return &fake->host;
}

static void fake_free(void *ctx, struct kith_host *host)
{
    fake_hosts_alive--;
    free(host);
}

static void fake_maker_random(void *ctx, void *out, size_t len) { fake_random(NULL, out, len); }

static const struct kith_host_maker fake_maker = {
    .make = fake_make, .free = fake_free, .random = fake_maker_random};

#endif
