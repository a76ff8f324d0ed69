/*
 * param.h - one value of a parameter: text to C and back, its default and its range.
 */
#ifndef KITH_CONFIG_PARAM_H
#define KITH_CONFIG_PARAM_H

#include "param_types.h"

/* Store what text says at `at`, whose C type is the parameter's. Of a list it is one more item. 0,
 * or -KITH_EINVAL and in->why says why. */
int kith_param_parse(const struct kith_param *, const char *text, void *at,
                     const struct kith_param_in *);
/* One more item of a map. */
int kith_param_parse_pair(const struct kith_param *, const char *name, const char *text, void *at,
                          const struct kith_param_in *);
/* The default under a profile (enum kith_profile) as written in YAML; NULL: none. */
const char *kith_param_default(const struct kith_param *, unsigned profile);
int kith_param_set_default(const struct kith_param *, unsigned profile, void *at,
                           const struct kith_param_in *);
/* Whether the table describes a value that fits into a block of that size. */
bool kith_param_sound(const struct kith_param *, size_t block);
/* Whether there is something to show: a string or path that is not given is not. */
bool kith_param_given(const struct kith_param *, const void *at);
/* As YAML, flow style. */
void kith_param_print(const struct kith_param *, const void *at, FILE *);
/* The same, malloc'd. */
char *kith_param_text(const struct kith_param *, const void *at);

/* The lowest or highest value of a number. False: there is no such limit. */
bool kith_param_limit(const struct kith_param *, bool upper, long double *out);
/* "0 to 255", "at least 1ms"; "" for no limit. Numbers only. */
void kith_param_range(const struct kith_param *, char *out, size_t cap);

#endif
