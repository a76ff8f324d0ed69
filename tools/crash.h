/*
 * crash.h - the last words when a plugin takes the program with it.
 */
#ifndef KITH_TOOLS_CRASH_H
#define KITH_TOOLS_CRASH_H

/* From here on: when the process crashes, or ends, while a plugin is being loaded, initialised,
 * started or stopped, stderr names its file. The crash goes on as it would have without this. */
void kith_tool_watch_crashes(void);
/* No more, in a child whose parent tells what became of it: signals have their plain effect, with
 * no words of a sanitizer either. */
void kith_tool_ignore_crashes(void);

#endif
