/*
 * control_keys.c - the keyring by way of the control socket: list, install, use, remove. A key is
 * named by its fingerprint and travels in one direction only: in.
 */
#include "control_inside.h"
#include <sodium.h>

static json_t *listing(struct kith_keyring *ring)
{
    json_t *list = json_array();
    char text[KITH_FINGERPRINT];
    for (size_t i = 0; i < kith_keyring_count(ring); i++) {
        struct kith_key key = {.size = sizeof key};
        kith_keyring_fingerprint(ring, i, text);
        kith_keyring_key(ring, i, NULL, &key);
        json_array_append_new(list, json_pack("{s:s,s:b,s:i}", "fingerprint", text, "primary",
                                              i == 0, "bits", (int)key.len * 8));
    }
    return list;
}

/* What a change of the ring came to. */
struct change {
    bool saved;
    struct kith_error err; /* also why it could not be saved */
};

static int install(struct kith_keyring *ring, const char *text, struct change *change)
{
    uint8_t key[KITH_KEY_MAX];
    int len = text ? kith_secret_parse(text, strlen(text), key) : -KITH_EINVAL;
    if (len < 0)
        return kith_fail(&change->err, KITH_EINVAL,
                         "key is not 16, 24 or 32 bytes in base64 or hex");
    int rc = kith_keyring_install(ring, key, (size_t)len, &change->saved, &change->err);
    sodium_memzero(key, sizeof key);
    return rc;
}

/* The index of the key whose fingerprint the request names, or a negative code. */
static int find(struct kith_keyring *ring, const json_t *request, struct kith_error *err)
{
    const char *print = json_string_value(json_object_get(request, "fingerprint"));
    if (!print) return kith_fail(err, KITH_EINVAL, "fingerprint is missing");
    int i = kith_keyring_find(ring, print);
    if (i < 0) return kith_fail(err, KITH_ENOTFOUND, "no installed key has fingerprint %s", print);
    return i;
}

static int use_or_remove(struct kith_keyring *ring, const json_t *request, bool use,
                         struct change *change)
{
    int i = find(ring, request, &change->err);
    if (i < 0) return i;
    int rc = use ? kith_keyring_use(ring, (size_t)i, &change->saved, &change->err)
                 : kith_keyring_remove(ring, (size_t)i, &change->saved, &change->err);
    return rc == -KITH_EINVAL ? -KITH_EREFUSED : rc; /* a valid request that the ring forbids */
}

static int carry_out(struct kith_client *c, const char *verb, const json_t *request,
                     struct change *change)
{
    struct kith_keyring *ring = kith_node_keyring(kith_client_node(c));
    if (!strcmp(verb, "list")) return 0;
    if (!strcmp(verb, "install")) return install(ring, kith_client_key(c), change);
    if (!strcmp(verb, "use")) return use_or_remove(ring, request, true, change);
    if (!strcmp(verb, "remove")) return use_or_remove(ring, request, false, change);
    return kith_fail(&change->err, KITH_EINVAL, "do is one of list, install, use and remove");
}

void kith_control_keys(struct kith_client *c, const json_t *request)
{
    struct kith *k = kith_client_node(c);
    struct kith_keyring *ring = kith_node_keyring(k);
    struct change change = {.err = {.size = sizeof change.err}};
    const char *verb = json_string_value(json_object_get(request, "do"));
    if (!verb) verb = "list";
    int rc = carry_out(c, verb, request, &change);
    const char *why = change.err.text;
    if (rc < 0) {
        kith_client_fail(c, rc, "%s", *why ? why : kith_code_text(rc));
        return;
    }
    json_t *answer = json_pack("{s:o}", "keys", listing(ring));
    if (answer && strcmp(verb, "list") != 0) {
        json_object_set_new(answer, "saved", json_boolean(change.saved));
        if (!change.saved && *why) json_object_set_new(answer, "unsaved", json_string(why));
        kith_node_log(k, KITH_LOG_INFO, "keyring: %s done%s", verb,
                      change.saved ? ", file written" : ", in memory only");
    }
    kith_client_answer(c, answer);
}
