/*
 * report.h - tells what a simulation showed (result.h): to people on a terminal, to programs, and
 * on a page with plots. Knows nothing of clusters, or of how it was measured.
 *
 * Returns 0, -KITH_EIO when the file does not take it, -KITH_ENOMEM.
 */
#ifndef KITH_REPORT_H
#define KITH_REPORT_H

#include "result.h"
#include <stdio.h>

int kith_report_text(FILE *, const struct kith_result *);
/* One object, in one line; keys are those of result.h. */
int kith_report_json(FILE *, const struct kith_result *);
/* A page that needs nothing but itself. */
int kith_report_html(FILE *, const struct kith_result *);

#endif
