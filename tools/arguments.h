/*
 * arguments.h - what the words of a command line mean.
 */
#ifndef KITH_TOOLS_ARGUMENTS_H
#define KITH_TOOLS_ARGUMENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* "alive=3" or "alive==3" as the `wait` of a request; NULL: it is none. */
json_t *kith_tool_wait(const char *text);
/* TEXT, or all of stdin for "-", as base64. NULL after a word on stderr. */
json_t *kith_tool_payload(const char *tool, const char *text);
/* --channel and --raw: whether the option is one of them; into a request. */
struct kith_on_channel {
    const char *name;
    bool raw;
};
enum { KITH_OPT_CHANNEL = 1100, KITH_OPT_RAW };
bool kith_tool_channel_option(struct kith_on_channel *, int option, const char *value);
void kith_tool_on_channel(const struct kith_on_channel *, json_t *request);
/* A private layer byte, 0xC0 to 0xEF. */
bool kith_tool_layer_byte(const char *text, uint8_t *out);
/* The words behind --format, and behind --timeout: "30s", "1m30s", "250ms", "5". KITH_GO_ON, or an
 * exit code after a word on stderr. */
int kith_tool_format(const char *tool, const char *text, bool *json);
int kith_tool_timeout(const char *tool, const char *text, uint64_t *ns);

#endif
