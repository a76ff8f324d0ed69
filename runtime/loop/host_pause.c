/*
 * host_pause.c - what came due while the node was paused waits here, in the order in which it did,
 * and runs when the node goes on, from one timer. What comes due before that has happened lines up
 * behind it. Knows nothing of what waits.
 */
#include "host_parts.h"

bool kith_host_behind(const struct kith_services *s) { return s->paused || s->late; }

void kith_host_due(struct kith_services *s, struct host_late *late, void (*run)(struct host_late *))
{
    if (!kith_host_behind(s)) {
        run(late);
        return;
    }
    if (late->link) return;
    late->run = run;
    late->next = NULL;
    late->link = s->last_late;
    *late->link = late;
    s->last_late = &late->next;
}

void kith_host_not_due(struct kith_services *s, struct host_late *late)
{
    if (!late->link) return;
    *late->link = late->next;
    *(late->next ? &late->next->link : &s->last_late) = late->link;
    late->link = NULL;
}

static void catch_up(void *arg)
{
    struct kith_services *s = arg;
    for (struct host_late *late; !s->paused && (late = s->late);) {
        kith_host_not_due(s, late);
        late->run(late); /* may free it, and others that wait */
    }
}

int kith_host_pause_init(struct kith_services *s)
{
    s->last_late = &s->late;
    s->catch_up = kith_loop_timer(s->loop, catch_up, s);
    return s->catch_up ? 0 : -KITH_ENOMEM;
}

void kith_host_pause_set(struct kith_services *s, bool paused)
{
    s->paused = paused;
    if (!paused && s->late) kith_loop_timer_set(s->catch_up, 0);
}

void kith_host_pause_fini(struct kith_services *s) { kith_loop_timer_free(s->catch_up); }
