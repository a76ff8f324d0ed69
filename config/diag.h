/*
 * diag.h - what the reader of a config needs of diag.c beside config.h.
 */
#ifndef KITH_CONFIG_DIAG_H
#define KITH_CONFIG_DIAG_H

#include "config.h"

/* Never show the text between the two places: it is a secret. */
void kith_diag_hide(struct kith_diag *, struct kith_pos from, struct kith_pos to);

/* What is wrong first; NULL: nothing. help: NULL when there is none. */
const char *kith_diag_first(const struct kith_diag *, const char **help);

#endif
