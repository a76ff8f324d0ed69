/*
 * host_numbers.c - the numbers that entries count: which set is whose, what is shown with them, and
 * the count of broken contracts.
 */
#include "host_parts.h"
#include <stdlib.h>

/* ----------------------------------------------------------------------------- sets of entries */

struct host_numbers *kith_host_numbers_take(struct kith_services *s, const char *name)
{
    for (struct host_numbers *n = s->numbers; n; n = n->next) {
        if (strcmp(n->name, name) != 0) continue;
        n->users++;
        return n;
    }
    struct host_numbers *n = calloc(1, sizeof *n);
    uint8_t key[16];
    if (!n) return NULL;
    kith_loop_random(s->loop, key, sizeof key);
    *n = (struct host_numbers){.users = 1, .name = strdup(name), .set = kith_series_set_new(key)};
    if (!n->name || !n->set) {
        free(n->name);
        kith_series_set_free(n->set);
        free(n);
        return NULL;
    }
    n->link = s->numbers_end;
    *n->link = n;
    s->numbers_end = &n->next;
    return n;
}

void kith_host_numbers_drop(struct kith_services *s, struct host_numbers *n)
{
    if (!n || --n->users) return;
    *n->link = n->next;
    if (n->next)
        n->next->link = n->link;
    else
        s->numbers_end = n->link;
    kith_series_set_free(n->set);
    free(n->name);
    free(n);
}

/* ------------------------------------------------------------------------------------- numbers */

/* The limit is said once: who has reached it asks for more with every message. */
static void refused(struct host *h, int rc, const char *why)
{
    h->services->series_refused++;
    if (rc == -KITH_ETOOBIG && h->numbers->full) return;
    if (rc == -KITH_ETOOBIG) h->numbers->full = true;
    h->table.log(&h->table, KITH_LOG_WARN, "a number that nobody will see: %s", why);
}

static union kith_number *number(const struct kith_host *table, const struct kith_series_asked *a)
{
    struct host *h = host_of(table);
    struct kith_error err = {.size = sizeof err};
    union kith_number *found = NULL;
    if (kith_host_foreign(table, "a number")) return &h->unread[a->kind];
    if (!a->name || (a->label_count && !a->labels) || (a->bound_count && !a->bounds)) {
        kith_host_blame(h, "a number with its name, labels or bounds at NULL");
        return &h->unread[a->kind];
    }
    int rc = kith_series_find(h->numbers->set, a, &found, &err);
    if (!rc) return found;
    refused(h, rc, err.text);
    return &h->unread[a->kind];
}

uint64_t *kith_host_counter(const struct kith_host *table, const char *name, const char *help,
                            const struct kith_pair *labels, size_t count)
{
    struct kith_series_asked a = {
        .kind = KITH_COUNTER, .name = name, .help = help, .labels = labels, .label_count = count};
    return &number(table, &a)->counter;
}

double *kith_host_gauge(const struct kith_host *table, const char *name, const char *help,
                        const struct kith_pair *labels, size_t count)
{
    struct kith_series_asked a = {
        .kind = KITH_GAUGE, .name = name, .help = help, .labels = labels, .label_count = count};
    return &number(table, &a)->gauge;
}

struct kith_histogram *kith_host_histogram(const struct kith_host *table, const char *name,
                                           const char *help, const struct kith_pair *labels,
                                           size_t count, const double *bounds, size_t bound_count)
{
    struct kith_series_asked a = {.kind = KITH_HISTOGRAM,
                                  .name = name,
                                  .help = help,
                                  .labels = labels,
                                  .label_count = count,
                                  .bounds = bounds,
                                  .bound_count = bound_count};
    return &number(table, &a)->histogram;
}

void kith_host_blame(struct host *h, const char *fmt, ...)
{
    char what[200];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    if (!h->numbers) return; /* it is gone */
    kith_blame(&h->table, &h->breaches, what);
}

bool kith_host_foreign(const struct kith_host *table, const char *service)
{
    struct host *h = host_of(table);
    if (!kith_loop_foreign(h->loop)) return false;
    atomic_store(&h->stray, service);
    atomic_fetch_add(&h->strays, 1);
    pthread_mutex_lock(&h->lock); /* it may be too late, and the services gone */
    if (h->services) atomic_store(&h->services->strayed, true);
    pthread_mutex_unlock(&h->lock);
    return true;
}

void kith_host_blame_strays(struct host *h)
{
    const char *service = atomic_exchange(&h->stray, NULL);
    unsigned n = atomic_exchange(&h->strays, 0);
    if (!service || !h->numbers) return;
    kith_host_blame(h, "%s from another thread", service);
    if (n > 1) *kith_host_counter(&h->table, "contract_breaches", NULL, NULL, 0) += n - 1;
}

struct host_call kith_host_enter(struct host *h)
{
    const struct kith_services_setup *setup = &h->services->setup;
    if (setup->touched) setup->touched(setup->ctx);
    return (struct host_call){kith_crash_note_set(&h->note), kith_slow_begin()};
}

void kith_host_leave(struct host *h, struct host_call call, const char *what)
{
    char name[64];
    uint64_t took = kith_slow_end(call.timed);
    kith_crash_note_set(call.outer);
    if (!took) return;
    snprintf(name, sizeof name, "a %s callback", what);
    if (h->numbers) /* else it is gone */
        kith_blame_slow(&h->table, &h->slow, name, took);
    else
        kith_slow_blamed(took);
}

/* -------------------------------------------------------------------------------------- labels */

static struct kith_bytes keep(uint8_t **at, struct kith_bytes from)
{
    struct kith_bytes kept = kith_bytes_of(*at, from.len);
    if (from.len) memcpy(*at, from.data, from.len);
    *at += from.len;
    *(*at)++ = 0;
    return kept;
}

int kith_services_labels(struct kith_services *s, const struct kith_pair *labels, size_t count)
{
    size_t bytes = (count + 1) * sizeof *labels;
    for (size_t i = 0; i < count; i++) bytes += labels[i].name.len + labels[i].value.len + 2;
    struct kith_pair *copy = malloc(bytes);
    if (!copy) return -KITH_ENOMEM;
    uint8_t *at = (uint8_t *)(copy + count + 1);
    copy[0] = (struct kith_pair){.name = kith_text("entry"), .value = kith_text("")};
    for (size_t i = 0; i < count; i++) {
        copy[i + 1].name = keep(&at, labels[i].name);
        copy[i + 1].value = keep(&at, labels[i].value);
    }
    free(s->labels);
    s->labels = copy;
    s->label_count = count + 1;
    return 0;
}

/* --------------------------------------------------------------------------------------- shown */

/* This visit's own copy of the common labels, as visits may nest. NULL: no memory. */
static struct kith_pair *common_labels(const struct kith_services *s)
{
    struct kith_pair *labels = malloc(s->label_count * sizeof *labels);
    if (labels) memcpy(labels, s->labels, s->label_count * sizeof *labels);
    return labels;
}

void kith_services_stats(const struct kith_services *s,
                         void (*visit)(void *arg, const struct kith_stat *), void *arg)
{
    struct kith_pair *labels = common_labels(s);
    for (const struct host_numbers *n = labels ? s->numbers : NULL; n; n = n->next) {
        labels[0].value = kith_text(n->name);
        kith_series_visit(n->set, labels, s->label_count, visit, arg);
    }
    free(labels);
    struct kith_stat refused = {.size = sizeof refused,
                                .kind = KITH_COUNTER,
                                .name = "metric_series_refused",
                                .help = "Numbers that entries asked for and did not get.",
                                .labels = s->labels + 1,
                                .label_count = s->label_count - 1,
                                .value = (double)s->series_refused};
    visit(arg, &refused);
}

void kith_services_visit_degraded(const struct kith_services *s,
                                  void (*visit)(void *arg, struct kith_bytes entry,
                                                const char *why),
                                  void *arg)
{
    for (const struct host *h = s->hosts; h; h = h->next)
        if (h->degraded) visit(arg, kith_text(h->name), h->degraded);
}
