/*
 * config_with.h - private to `kith config`.
 */
#ifndef KITH_CONFIG_WITH_H
#define KITH_CONFIG_WITH_H

struct kith_config;

/* Print whether a node with file a and one with file b can talk, for both directions, and which of
 * them a HashiCorp node understands. KITH_EXIT_OK when both can. */
int kith_config_with(const struct kith_config *a, const struct kith_config *b);

#endif
