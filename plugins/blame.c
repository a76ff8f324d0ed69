/*
 * blame.c - what went wrong in an instance, in words: errors with its name and place, and the
 * breaches of its contract, counted and logged without a flood. Changes no state of its life.
 */
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

/* Count it; true: say it, with *unsaid that were not. */
static bool complain(struct kith_instance *in, struct kith_complaints *c, const char *name,
                     const char *help, uint64_t *unsaid)
{
    const struct kith_host *host = in->host;
    uint64_t now = host->now(host);
    bool first = !c->counter;
    if (first) c->counter = host->counter(host, name, help, NULL, 0);
    ++*c->counter;
    if (!first && now - c->said_at < PAUSE) {
        c->unsaid++;
        return false;
    }
    *unsaid = c->unsaid;
    c->unsaid = 0;
    c->said_at = now;
    return true;
}

static void say(struct kith_instance *in, enum kith_log_level level, const char *text,
                uint64_t unsaid)
{
    if (unsaid)
        in->host->log(in->host, level, "%s (and %llu more since the last line)", text,
                      (unsigned long long)unsaid);
    else
        in->host->log(in->host, level, "%s", text);
}

void kith_instance_blame(struct kith_instance *in, const char *fmt, ...)
{
    char what[200], text[256];
    uint64_t unsaid;
    va_list ap;
    if (!complain(in, &in->breaches, "contract_breaches",
                  "What the plugin did that its contract forbids.", &unsaid))
        return;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    snprintf(text, sizeof text, "broke its contract: %s", what);
    say(in, KITH_LOG_ERROR, text, unsaid);
}

void kith_instance_slow(struct kith_instance *in, const char *call, uint64_t ns)
{
    char text[128];
    uint64_t unsaid;
    kith_slow_blamed(ns);
    if (!complain(in, &in->slow, "slow_calls", "Calls into the plugin that held up the node.",
                  &unsaid))
        return;
    snprintf(text, sizeof text, "%s() took %llu ms: the whole node waited", call,
             (unsigned long long)(ns / 1000000));
    say(in, KITH_LOG_WARN, text, unsaid);
}
