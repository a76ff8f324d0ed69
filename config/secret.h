/*
 * secret.h - what the reader of a config needs of secret.c beside config.h.
 */
#ifndef KITH_CONFIG_SECRET_H
#define KITH_CONFIG_SECRET_H

#include "config.h"

/* Add a key of a good length, and say which source (an index) it came from. One that is there
 * already is not added again, as in memberlist's AddKey. */
void kith_secrets_add_from(struct kith_secrets *, uint32_t source, const uint8_t *key, size_t len);
/* Add the key that text holds in base64, hex or, where raw is set, as it is. 0 or -KITH_EINVAL. */
int kith_secrets_add_text(struct kith_secrets *, uint32_t source, const char *text, size_t len,
                          bool raw);

#endif
