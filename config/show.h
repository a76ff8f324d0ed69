/*
 * show.h - values of a finished config as text: for `config show`, and for the report of a reload.
 */
#ifndef KITH_CONFIG_SHOW_H
#define KITH_CONFIG_SHOW_H

#include "schema.h"

/* The value on one line, as YAML where YAML has such a line; "" when none was given. Secrets are
 * `***`. malloc'd; NULL: no memory. */
char *kith_show_value(const struct kith_config *, const struct kith_param *, const void *at);
/* "[lzw, crc32]": what the entries are called. malloc'd; NULL: no memory. */
char *kith_show_names(const struct kith_entries *);

#endif
