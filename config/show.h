/*
 * show.h - values of a finished config as text: for `config show`, and for the report of a reload.
 */
#ifndef KITH_CONFIG_SHOW_H
#define KITH_CONFIG_SHOW_H

#include "schema.h"

/* Whether there is a value to print. */
bool kith_shown_given(const struct kith_param *, const void *at);
/* The value of a plain or special type on one line, as YAML where YAML has such a line. Secrets are
 * `***`. */
void kith_shown_value(const struct kith_config *, const struct kith_param *, const void *at,
                      FILE *);
/* The same, malloc'd. */
char *kith_shown_text(const struct kith_config *, const struct kith_param *, const void *at);
/* Where a parameter of a section lives. */
const void *kith_shown_at(const struct kith_config *, const struct kith_param *);

#endif
