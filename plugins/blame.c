/*
 * blame.c - what went wrong in an instance, in words: errors with its name and place, and the
 * breaches of its contract (blame.h). Changes no state of its life.
 */
#include "blame.h"
#include "codes.h"
#include "instance.h"

#include "slow.h"

enum { PLACE_MAX = 256, FILE_SHOWN = 200 }; /* a longer name is cut */
#define PAUSE 1000000000u                   /* between two lines of a kind, ns */

int kith_entry_failed(const struct kith_entry *entry, const char *file, int rc,
                      struct kith_error *err)
{
    if (!err) return rc;
    const char *name = entry->name ? entry->name : entry->plugin->name;
    char place[PLACE_MAX] = "", said[sizeof err->text];
    if (file && entry->pos.line)
        snprintf(place, sizeof place, "%.*s:%u:%u: error: ", FILE_SHOWN, file, entry->pos.line,
                 entry->pos.col);
    snprintf(said, sizeof said, "%s", err->text);
    size_t used = strlen(place) + strlen(name) + strlen(": ");
    int left = used < sizeof err->text ? (int)(sizeof err->text - used - 1) : 0;
    snprintf(err->text, sizeof err->text, "%s%s: %.*s", place, name, left, said);
    err->code = rc;
    return rc;
}

int kith_instance_failed(struct kith_instance *in, int rc, const char *what, struct kith_error *err)
{
    int code = kith_code_of(rc);
    if (rc > 0) kith_instance_blame(in, "it returned %d when it was to %s", rc, what);
    if (err) {
        err->text[sizeof err->text - 1] = 0;
        if (!*err->text && code == rc)
            snprintf(err->text, sizeof err->text, "failed to %s: %s", what, kith_code_text(rc));
        else if (!*err->text)
            snprintf(err->text, sizeof err->text, "failed to %s (with the unknown code %d)", what,
                     rc);
    }
    return kith_entry_failed(in->entry, in->maker.file, code, err);
}

/* Count it, and say it if it is time. */
static void complain(const struct kith_host *host, struct kith_complaints *c, const char *name,
                     const char *help, enum kith_log_level level, const char *text)
{
    uint64_t now = host->now(host);
    bool first = !c->counter;
    if (first) c->counter = host->counter(host, name, help, NULL, 0);
    ++*c->counter;
    if (!first && now - c->said_at < PAUSE) {
        c->unsaid++;
        return;
    }
    if (c->unsaid)
        host->log(host, level, "%s (and %llu more since the last line)", text,
                  (unsigned long long)c->unsaid);
    else
        host->log(host, level, "%s", text);
    c->unsaid = 0;
    c->said_at = now;
}

void kith_blame(const struct kith_host *host, struct kith_complaints *c, const char *what)
{
    char text[256];
    snprintf(text, sizeof text, "broke its contract: %s", what);
    complain(host, c, "contract_breaches", "What the plugin did that its contract forbids.",
             KITH_LOG_ERROR, text);
}

void kith_blame_slow(const struct kith_host *host, struct kith_complaints *c, const char *call,
                     uint64_t ns)
{
    char text[128];
    kith_slow_blamed(ns);
    snprintf(text, sizeof text, "%s took %llu ms: the whole node waited", call,
             (unsigned long long)(ns / 1000000));
    complain(host, c, "slow_calls", "Calls into the plugin that held up the node.", KITH_LOG_WARN,
             text);
}

void kith_instance_blame(struct kith_instance *in, const char *fmt, ...)
{
    char what[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    kith_blame(in->host, &in->breaches, what);
}

void kith_instance_slow(struct kith_instance *in, const char *call, uint64_t ns)
{
    char what[64];
    snprintf(what, sizeof what, "%s()", call);
    kith_blame_slow(in->host, &in->slow, what, ns);
}
