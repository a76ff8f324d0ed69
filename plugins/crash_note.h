/*
 * crash_note.h - whose code is running: a note that a program's crash handler can read.
 *
 * A plugin that crashes takes the process with it. Which file it was is known only before: so it is
 * noted around each call that runs code of a plugin for the first time. Installing a handler is
 * the program's business, never a library's (`kith` has one: tools/crash.c).
 */
#ifndef KITH_CRASH_NOTE_H
#define KITH_CRASH_NOTE_H

#include <kith/plugin.h>

/* Texts live until kith_crash_note_end(). One note a thread; a second replaces the first. */
struct kith_crash_note {
    const char *file;  /* NULL: nothing is noted */
    const char *doing; /* "loaded", "initialised" */
};

void kith_crash_note_file(const char *file, const char *doing);
/* The file is that which the plugin was mapped from. */
void kith_crash_note_plugin(const struct kith_plugin *, const char *doing);
void kith_crash_note_end(void);

/* This thread's. Async-signal-safe. */
const struct kith_crash_note *kith_crash_note(void);

#endif
