/*
 * nearest.h - "did you mean": which of the known words a person may have meant.
 */
#ifndef KITH_CONFIG_NEAREST_H
#define KITH_CONFIG_NEAREST_H

#include <stddef.h>

/* Of count names the one that a person who typed `word` may have meant; NULL: none is near. */
const char *kith_nearest(const char *word, const char *const *names, size_t count);

#endif
