/*
 * units.h - what people write as one word: durations, sizes, networks.
 */
#ifndef KITH_CONFIG_UNITS_H
#define KITH_CONFIG_UNITS_H

#include <kith/settings.h>

/* Decimal digits at s; how many, 0 when there are none or the number needs more than 64 bits. */
size_t kith_digits(const char *s, uint64_t *out);
/* "200ms", "1m30s", "0": nanoseconds. -KITH_EINVAL: not a duration; -KITH_ETOOBIG: over 64 bits. */
int kith_duration_parse(const char *s, uint64_t *out);
/* "1400", "64KiB", "1.5MiB": bytes. Likewise. */
int kith_size_parse(const char *s, uint64_t *out);
void kith_duration_print(uint64_t ns, FILE *out);
void kith_size_print(uint64_t bytes, FILE *out);
/* "10.0.0.0/8", "fd00::/8". 0 or -KITH_EINVAL. */
int kith_cidr_parse(struct kith_cidr *, const char *text);

#endif
