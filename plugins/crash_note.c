/*
 * crash_note.c - what this thread is asking a plugin to do, kept where a crash leaves it readable.
 */
#include "crash_note.h"

#include "loader.h"
#include <dlfcn.h>

_Thread_local const struct kith_crash_note *kith_crash_noted;

/* What a plugin says of itself lies in its file. One that is linked in lies in the program: its
 * name tells more. */
struct kith_crash_note kith_crash_note_of(const struct kith_plugin *p, const char *doing)
{
    Dl_info its, ours;
    bool found = dladdr(p->name, &its) && its.dli_fname;
    bool linked = found && dladdr(kith_static_plugins, &ours) && its.dli_fbase == ours.dli_fbase;
    return (struct kith_crash_note){found && !linked ? its.dli_fname : p->name, doing};
}
