/*
 * crash_note.c - what this thread is asking a plugin to do, kept where a crash leaves it readable.
 */
#include "crash_note.h"

#include "loader.h"
#include <dlfcn.h>

static _Thread_local struct kith_crash_note note;

/* The handler runs on this very thread: what it must not meet is half a note. */
static void set(const char *file, const char *doing)
{
    note.file = NULL;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    note.doing = doing;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    note.file = file;
}

void kith_crash_note_file(const char *file, const char *doing) { set(file, doing); }

/* What a plugin says of itself lies in its file. One that is linked in lies in the program: its
 * name tells more. */
void kith_crash_note_plugin(const struct kith_plugin *p, const char *doing)
{
    Dl_info its, ours;
    bool found = dladdr(p->name, &its) && its.dli_fname;
    bool linked = found && dladdr(kith_static_plugins, &ours) && its.dli_fbase == ours.dli_fbase;
    set(found && !linked ? its.dli_fname : p->name, doing);
}

void kith_crash_note_end(void) { set(NULL, NULL); }

const struct kith_crash_note *kith_crash_note(void) { return &note; }
