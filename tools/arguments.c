/*
 * arguments.c - what the words of a command line mean: durations, conditions, formats, payloads.
 */
#include "arguments.h"

#include "fail.h"
#include "screen.h"
#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>

struct unit {
    const char *name;
    double ns;
};

/* The unit that text begins with. NULL: none. */
static const struct unit *unit_of(const char *text)
{
    static const struct unit units[] = {{"ms", 1e6}, {"us", 1e3}, {"ns", 1},
                                        {"s", 1e9},  {"m", 60e9}, {"h", 3600e9}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (!strncmp(text, units[i].name, strlen(units[i].name))) return &units[i];
    return NULL;
}

static uint64_t duration_of(const char *text)
{
    double sum = 0;
    do {
        char *end;
        if (!isdigit((unsigned char)*text)) return UINT64_MAX;
        double n = strtod(text, &end);
        const struct unit *unit = unit_of(end);
        bool seconds = !*end && sum == 0; /* when nothing else is said */
        if (!unit && !seconds) return UINT64_MAX;
        sum += n * (unit ? unit->ns : 1e9);
        text = unit ? end + strlen(unit->name) : end;
    } while (*text);
    return sum < 1e18 ? (uint64_t)sum : UINT64_MAX;
}

json_t *kith_tool_wait(const char *text)
{
    const char *eq = strchr(text, '=');
    if (!eq || eq == text) return NULL;
    bool exactly = eq[1] == '=';
    const char *number = eq + 1 + exactly;
    char *end;
    unsigned long n = strtoul(number, &end, 10);
    if (!isdigit((unsigned char)*number) || *end) return NULL;
    return json_pack("{s:s%,s:I,s:b}", "what", text, (size_t)(eq - text), "count", (json_int_t)n,
                     "exactly", (int)exactly);
}

bool kith_tool_channel_option(struct kith_on_channel *on, int option, const char *value)
{
    if (option == KITH_OPT_CHANNEL) on->name = value;
    if (option == KITH_OPT_RAW) on->raw = true;
    return option == KITH_OPT_CHANNEL || option == KITH_OPT_RAW;
}

void kith_tool_on_channel(const struct kith_on_channel *on, json_t *request)
{
    if (on->raw) json_object_set_new(request, "raw", json_true());
    if (on->name) json_object_set_new(request, "channel", kith_tool_string(on->name));
}

bool kith_tool_layer_byte(const char *text, uint8_t *out)
{
    char *end;
    unsigned long byte = strtoul(text, &end, 0);
    if (!isdigit((unsigned char)*text) || *end || byte < 0xC0 || byte > 0xEF) return false;
    *out = (uint8_t)byte;
    return true;
}

int kith_tool_format(const char *tool, const char *text, bool *json)
{
    *json = !strcmp(text, "json");
    if (*json || !strcmp(text, "text")) return KITH_GO_ON;
    return kith_tool_usage(tool, "--format is text or json, not '%s'", text);
}

int kith_tool_timeout(const char *tool, const char *text, uint64_t *ns)
{
    *ns = duration_of(text);
    if (*ns != UINT64_MAX) return KITH_GO_ON;
    return kith_tool_usage(tool, "--timeout is a duration like 30s, not '%s'", text);
}

/* ---------------------------------------------------------------------------------- payloads */

static uint8_t *read_all(FILE *f, size_t *len)
{
    size_t cap = 0;
    uint8_t *out = NULL;
    *len = 0;
    for (;;) {
        if (*len == cap) {
            uint8_t *grown = realloc(out, cap = cap ? 2 * cap : 4096);
            if (!grown) break;
            out = grown;
        }
        size_t n = fread(out + *len, 1, cap - *len, f);
        *len += n;
        if (!n) return out;
    }
    free(out);
    return NULL;
}

json_t *kith_tool_payload(const char *tool, const char *text)
{
    size_t len = strlen(text);
    bool from_stdin = !strcmp(text, "-");
    uint8_t *all = from_stdin ? read_all(stdin, &len) : NULL;
    const uint8_t *bytes = from_stdin ? all : (const uint8_t *)text;
    size_t cap = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL);
    char *coded = malloc(cap);
    json_t *out = NULL;
    if (bytes && coded)
        out =
            json_string(sodium_bin2base64(coded, cap, bytes, len, sodium_base64_VARIANT_ORIGINAL));
    else
        kith_tool_fail(tool, KITH_EXIT_FAILED, "out of memory");
    free(coded);
    free(all);
    return out;
}
