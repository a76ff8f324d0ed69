/*
 * life.c - the life of an open node: its parts are started in order, run or are paused, and are
 * stopped in reverse. Who talks to whom in between is in the files that inside.h lists.
 */
#include "inside.h"
#include <assert.h>
#include <stdlib.h>

const char *kith_version(void) { return KITH_VERSION; }

int kith_start(struct kith *k, struct kith_error *err)
{
    if (k->started) return 0;
    kith_loop_enter(k->loop);
    k->started_at = kith_loop_wall(k->loop);
    /* First: the control socket of another node of this name says so before we bind. */
    int rc = kith_observers_start(k, err);
    if (!rc) rc = kith_link_start(k->link, NULL, err);
    if (!rc) rc = kith_link_check(k->link, err);
    if (rc) return rc;
    kith_packets_measure(k);
    if (*k->link->mute) {
        (void)kith_fail(err, KITH_EPOLICY, "%s", k->link->mute);
        return kith_instance_failed(k->transport, -KITH_EPOLICY, "start", err);
    }
    rc = kith_begin(k, err);
    if (!rc) rc = kith_turn_start(k, err);
    if (rc) return rc;
    k->started = true;
    return 0;
}

/* ------------------------------------------------------------------------- running, stopping */

/* Others of its world run meanwhile, and go on when it has ended. */
int kith_run(struct kith *k)
{
    bool left = true; /* else virtual time never moves again */
    int code = 0;
    while (!kith_node_ended(k, &code) && (left || !kith_loop_is_virtual(k->loop)))
        left = kith_loop_turn(k->loop, UINT64_MAX);
    return code;
}

void kith_node_pause(struct kith *k, bool paused)
{
    if (k->paused == paused) return;
    k->paused = paused;
    kith_services_pause(k->services, paused);
    if (paused) return;
    kith_joiner_resume(k);
    kith_node_wake(k);
}

int kith_fd(const struct kith *k) { return kith_loop_fd(k->loop); }

uint64_t kith_timeout(const struct kith *k) { return kith_loop_timeout(k->loop); }

int kith_dispatch(struct kith *k)
{
    int code = 0;
    if (!kith_node_ended(k, &code)) kith_loop_turn(k->loop, 0);
    if (!kith_node_ended(k, &code)) return 0;
    return code ? code : -KITH_ECLOSED;
}

const struct kith_node *kith_table(const struct kith *k) { return &k->own.table; }

void kith_close(struct kith *k)
{
    if (!k) return;
    if (k->loop) kith_loop_enter(k->loop);
    k->closing = true; /* whoever is told or stopped from here on can ask for nothing new */
    kith_turn_stop(k);
    kith_commands_free(k); /* their askers are told before they go */
    kith_resolver_free(k->resolver);
    kith_resolver_free(k->former_resolver);
    kith_joiner_free(k);
    kith_places_free(k);
    kith_observers_stop(k);
    kith_delegates_free(k->delegates);
    k->delegates = NULL; /* transport and codecs stop after them */
    if (k->link)
        kith_link_end(k->link);
    else
        kith_instance_free(k->transport);
    kith_streams_free(k);
    kith_core_free(k->core);
    if (k->pipeline) kith_pipeline_unref(k->pipeline);
    if (k->ring) kith_ring_unwatch(k);
    if (k->ring) kith_keyring_unref(k->ring);
    kith_asks_free(k->asks);
    if (k->services) kith_services_free(k->services);
    kith_links_free(k);
    kith_log_free(k->log);
    kith_config_free(k->config);
    kith_node_free_former(k);
    kith_world_unref(k->world);
    assert(!k->memory.held && !k->memory.strangers); /* all was given back */
    free(k->bounce.base);
    free(k->path);
    free(k->name);
    free(k->text);
    free(k);
}
