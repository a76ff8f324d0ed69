/*
 * fuzz_secret.c - the key in a line of the control socket, which is taken out before the line is
 * parsed: beside a parser that reads the line before and after. Only a request about keys loses
 * anything, and that is all of its key and nothing else.
 */
#include "fuzz.h"

#include "config.h"
#include "control_inside.h"

static json_t *parse(const char *line, size_t len)
{
    json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (json_is_object(root)) return root;
    json_decref(root);
    return NULL;
}

static bool all_of(const json_t *text, const char *allowed)
{
    const char *s = json_string_value(text);
    for (size_t i = 0, len = json_string_length(text); i < len; i++)
        if (!s[i] || !strchr(allowed, s[i])) return false;
    return true;
}

static bool is_about_keys(const json_t *request)
{
    const json_t *cmd = json_object_get(request, "cmd");
    return json_string_length(cmd) == 4 && !memcmp(json_string_value(cmd), "keys", 4);
}

static void check_taken(json_t *before, json_t *after, const char *taken)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    const json_t *key = json_object_get(before, "key"), *gone = json_object_get(after, "key");
    FUZZ_CHECK(taken && json_is_string(gone) && all_of(gone, " "));
    if (all_of(key, letters) && json_string_length(key) <= 96)
        FUZZ_CHECK(!strcmp(taken, json_string_value(key)));
    json_object_del(before, "key");
    json_object_del(after, "key");
    FUZZ_CHECK(json_equal(before, after));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *line = malloc(len + !len);
    if (!line) exit(2);
    if (len) memcpy(line, data, len);
    json_t *before = parse(line, len);
    char *taken = kith_secret_take(line, len);
    json_t *after = parse(line, len);
    if (before) {
        FUZZ_CHECK(after);
        if (is_about_keys(before) && json_is_string(json_object_get(before, "key")))
            check_taken(before, after, taken);
        else
            FUZZ_CHECK(!taken && (!len || !memcmp(line, data, len)));
    }
    FUZZ_CHECK(!taken || strnlen(taken, 129) <= 128);
    kith_secret_free((uint8_t *)taken);
    json_decref(before);
    json_decref(after);
    free(line);
    return 0;
}
