/*
 * crash_note.h - whose code is running: a note that a program's crash handler can read.
 *
 * A plugin that crashes, or lets an exception out, takes the process with it. Whose it was is known
 * only before: so it is noted around each call that runs code of a plugin, by one store. Installing
 * a handler is the program's business, never a library's (`kith` has one: tools/crash.c).
 */
#ifndef KITH_CRASH_NOTE_H
#define KITH_CRASH_NOTE_H

#include <kith/plugin.h>

/* Lives, with its texts, as long as it is noted. */
struct kith_crash_note {
    const char *file;
    const char *doing; /* "loaded", "initialised", "called" */
};

/* The file is that which the plugin was mapped from. */
struct kith_crash_note kith_crash_note_of(const struct kith_plugin *, const char *doing);

/* What this thread is inside of; NULL: of no plugin. A handler may read it. */
extern _Thread_local const struct kith_crash_note *kith_crash_noted
    __attribute__((tls_model("initial-exec")));

/* Note another one: the one before, to be noted again when the call has returned. */
static inline const struct kith_crash_note *kith_crash_note_set(const struct kith_crash_note *now)
{
    const struct kith_crash_note *outer = kith_crash_noted;
    kith_crash_noted = now;
    return outer;
}

#endif
