/*
 * progress.h - a bar on the terminal while something takes its time. On anything else: nothing.
 */
#ifndef KITH_SIM_PROGRESS_H
#define KITH_SIM_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct kith_progress {
    FILE *out; /* NULL: nothing is shown */
    uint64_t end;
    double began, shown; /* seconds */
};

/* quiet: nothing is shown either way. end: ns of virtual time. */
void kith_progress_begin(struct kith_progress *, FILE *, uint64_t end, bool quiet);
void kith_progress_show(struct kith_progress *, uint64_t now, int running);
/* The line is free for others again. */
void kith_progress_clear(struct kith_progress *);

#endif
