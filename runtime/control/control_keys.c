/*
 * control_keys.c - the keyring by way of the control socket: list, install, use, remove. A key is
 * named by its fingerprint and travels in one direction only: in.
 */
#include "control.h"
#include <sodium.h>

static json_t *listing(struct kith *k)
{
    json_t *list = json_array();
    char text[KITH_FINGERPRINT];
    for (size_t i = 0; i < kith_keyring_count(k->ring); i++) {
        struct kith_key key = {.size = sizeof key};
        kith_keyring_fingerprint(k->ring, i, text);
        kith_keyring_key(k->ring, i, NULL, &key);
        json_array_append_new(list, json_pack("{s:s,s:b,s:i}", "fingerprint", text, "primary",
                                              i == 0, "bits", (int)key.len * 8));
    }
    return list;
}

/* By fingerprint, or by the key itself. Index, or a negative code after an answer. */
static int find(struct kith_client *c, const json_t *request)
{
    struct kith *k = kith_client_node(c);
    const char *print = json_string_value(json_object_get(request, "fingerprint"));
    int i = print ? kith_keyring_find(k->ring, print) : -KITH_EINVAL;
    if (i == -KITH_EINVAL && !print)
        kith_client_fail(c, KITH_EINVAL, "fingerprint is missing");
    else if (i < 0)
        kith_client_fail(c, KITH_ENOTFOUND, "no installed key has fingerprint %s", print);
    return i;
}

static int install(struct kith_client *c, const json_t *request, bool *saved,
                   struct kith_error *err)
{
    json_t *text = json_object_get(request, "key");
    uint8_t key[KITH_KEY_MAX];
    int len = json_is_string(text)
                  ? kith_secret_parse(json_string_value(text), json_string_length(text), key)
                  : -KITH_EINVAL;
    if (len < 0)
        return kith_fail(err, KITH_EINVAL, "key is not 16, 24 or 32 bytes in base64 or hex");
    int rc = kith_keyring_install(kith_client_node(c)->ring, key, (size_t)len, saved, err);
    sodium_memzero(key, sizeof key);
    return rc;
}

void kith_control_keys(struct kith_client *c, const json_t *request)
{
    struct kith *k = kith_client_node(c);
    struct kith_error err = {.size = sizeof err};
    const char *verb = json_string_value(json_object_get(request, "do"));
    bool saved = false, change = true;
    int rc = 0;
    if (!verb || !strcmp(verb, "list")) {
        change = false;
    } else if (!strcmp(verb, "install")) {
        rc = install(c, request, &saved, &err);
    } else if (!strcmp(verb, "use") || !strcmp(verb, "remove")) {
        int i = find(c, request);
        if (i < 0) return;
        rc = *verb == 'u' ? kith_keyring_use(k->ring, (size_t)i, &saved, &err)
                          : kith_keyring_remove(k->ring, (size_t)i, &saved, &err);
        if (rc == -KITH_EINVAL) rc = -KITH_EREFUSED; /* well said, but the ring forbids it */
    } else {
        rc = kith_fail(&err, KITH_EINVAL, "do is one of list, install, use and remove");
    }
    if (rc < 0) {
        kith_client_fail(c, rc, "%s", *err.text ? err.text : kith_code_text(rc));
        return;
    }
    json_t *answer = json_pack("{s:o}", "keys", listing(k));
    if (answer && change) json_object_set_new(answer, "saved", json_boolean(saved));
    if (answer && change && !saved && *err.text)
        json_object_set_new(answer, "unsaved", json_string(err.text));
    if (change)
        kith_node_log(k, KITH_LOG_INFO, "keyring: %s done%s", verb,
                      saved ? ", file written" : ", in memory only");
    kith_client_answer(c, answer);
}
