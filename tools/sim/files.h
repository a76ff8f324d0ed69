/*
 * files.h - the files that `kith sim` writes, besides what it prints. What somebody may want to
 * keep stays as it is: who is in the way must be empty or one of ours, or no plain file at all
 * (a pipe, a device). Knows the first words of both kinds, and no more of them.
 */
#ifndef KITH_SIM_FILES_H
#define KITH_SIM_FILES_H

#include "result.h"
#include <kith/plugin.h>
#include <stdio.h>

enum kith_output { KITH_OUTPUT_PAGE, KITH_OUTPUT_TRACE };

/* Looked at before anything runs: may it be written? -KITH_EEXIST: it is something else.
 * -KITH_EIO: it can't be written there. */
int kith_output_check(const char *path, enum kith_output, struct kith_error *err);

/* All of the page or nothing: it is made beside its place, and put there when it is whole. */
int kith_output_page(const char *path, const struct kith_result *, struct kith_error *err);

#endif
