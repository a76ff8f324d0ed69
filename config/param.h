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
/* A whole value as a table has it: of a list "[a, b]" or "a", of a map "{a: b}". */
int kith_param_parse_all(const struct kith_param *, const char *text, void *at,
                         const struct kith_param_in *);
/* The default under a profile (enum kith_profile) as written in YAML; NULL: none. */
const char *kith_param_default(const struct kith_param *, unsigned profile);
int kith_param_set_default(const struct kith_param *, unsigned profile, void *at,
                           const struct kith_param_in *);
/* Whether there is something to show: a string or path that is not given is not. */
bool kith_param_given(const struct kith_param *, const void *at);
/* As YAML, flow style. */
void kith_param_print(const struct kith_param *, const void *at, FILE *);
/* The same, malloc'd. */
char *kith_param_text(const struct kith_param *, const void *at);

/* One end of the range of a number: what the table says, else what the C type can hold. False: it
 * is no number, or what the table says is none. */
bool kith_param_limit(const struct kith_param *, bool upper, long double *out);
/* One end of what a text, or each item of a list or map, may have in bytes. False: any length, or
 * it is no text. */
bool kith_param_length(const struct kith_param *, bool upper, uint64_t *out);
/* What the table says of it, "0 to 255", "at least 1ms"; of texts "1 to 64 bytes"; "": nothing. */
void kith_param_range(const struct kith_param *, char *out, size_t cap);

#endif
