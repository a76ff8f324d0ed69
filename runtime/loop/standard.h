/*
 * standard.h - the descriptors 0, 1 and 2 belong to whoever reads stdin and writes to stdout and
 * stderr, also when we were started without them.
 */
#ifndef KITH_STANDARD_H
#define KITH_STANDARD_H

/* Puts /dev/null in the place of those that are closed, before anything of ours gets their numbers:
 * a log line or a command's output would go into it. */
void kith_standard_hold(void);

#endif
