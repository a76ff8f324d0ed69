/*
 * values.h - one value of a parameter: text to C and back.
 */
#ifndef KITH_CONFIG_VALUES_H
#define KITH_CONFIG_VALUES_H

#include "arena.h"

/* Why a text is not a value, for a person. */
struct kith_complaint {
    char text[400], help[400];
};

/* Store what text says at `at`, whose C type the parameter's type gives. Lists take one item. dir:
 * what relative paths are relative to ("": nothing). Strings are copied into the arena; with arena
 * NULL they are lent. 0 or -KITH_EINVAL.
 * */
int kith_value_parse(const struct kith_param *, const char *text, void *at, struct kith_arena *,
                     const char *dir, struct kith_complaint *);
/* The default under a profile (enum kith_profile) as written in YAML; NULL: none. */
const char *kith_value_default(const struct kith_param *, unsigned profile);
int kith_value_set_default(const struct kith_param *, unsigned profile, void *at,
                           struct kith_arena *, const char *dir, struct kith_complaint *);
/* Bytes that the type takes; 0: not a type of the ABI. */
size_t kith_value_size(const struct kith_param *);
/* Whether there is something to show: a string or path that is not given is not. */
bool kith_value_given(const struct kith_param *, const void *at);
/* As YAML, flow style. */
void kith_value_print(const struct kith_param *, const void *at, FILE *);

/* "200ms, 5s, 1m30s" and so on; shared with the reference page. */
const char *kith_value_type(const struct kith_param *);
/* "0 to 255", "at least 1ms"; "" for no limit. */
void kith_value_range(const struct kith_param *, char *out, size_t cap);
/* A string as YAML: bare where that is safe, else in double quotes. */
void kith_value_print_string(const char *text, FILE *);
void kith_value_print_duration(uint64_t ns, FILE *);

#endif
