/*
 * plugin_describe.h - private to `kith plugin`: what a plugin says of itself.
 */
#ifndef KITH_TOOLS_PLUGIN_DESCRIBE_H
#define KITH_TOOLS_PLUGIN_DESCRIBE_H

#include <jansson.h>
#include <kith/plugin.h>

/* path: its file; "" when linked in. */
json_t *kith_describe_plugin(const struct kith_plugin *, const char *path);
/* Such an object as text, on stdout. */
void kith_describe_print(const json_t *);

#endif
