/*
 * control_join.c - several places to join at once; the answer goes out when the last one has ended.
 */
#include "control_inside.h"
#include <stdlib.h>

enum { PLACES_MAX = 64 };

struct joining {
    struct kith_client *client;
    json_t *results;
    size_t open;
    uint64_t met;
    bool failed;
};

struct place {
    struct joining *all;
    json_t *where; /* as it was asked for */
};

static void joining_end(struct joining *j)
{
    if (--j->open) return;
    json_t *answer = json_pack("{s:I,s:b,s:o}", "joined", (json_int_t)j->met, "complete",
                               (int)!j->failed, "results", j->results);
    kith_client_answer(j->client, answer);
    kith_client_unpend(j->client);
    free(j);
}

static void place_end(struct place *p, int status, uint64_t met, const char *text)
{
    struct joining *j = p->all;
    json_t *one = json_pack("{s:o,s:I}", "where", p->where, "met", (json_int_t)met);
    if (one && status < 0) {
        json_object_set_new(one, "code", json_string(kith_code_name(status)));
        json_object_set_new(one, "error", kith_json_text(text));
    }
    json_array_append_new(j->results, one);
    j->met += met;
    j->failed |= status < 0;
    free(p);
    joining_end(j);
}

static void place_joined(void *arg, int status, uint64_t met)
{
    struct place *p = arg;
    const char *why = kith_node_why(kith_client_node(p->all->client));
    place_end(p, status, met, status >= 0 ? "" : why ? why : kith_join_text(status));
}

/* NULL: it is none, or holds a NUL, which no address and no name in a file does. */
static const char *string_of(const json_t *value)
{
    const char *text = json_string_value(value);
    return text && strlen(text) == json_string_length(value) ? text : NULL;
}

static const char *string_in(const json_t *object, const char *key)
{
    return string_of(json_object_get(object, key));
}

static void place_begin(struct place *p)
{
    struct kith *k = kith_client_node(p->all->client);
    struct kith_error err = {.size = sizeof err};
    const char *text = json_string_value(p->where);
    struct kith_seed seed = {.name = string_in(p->where, "name"),
                             .address = string_in(p->where, "address")};
    int rc = kith_node_check_place(k, text ? text : seed.address, &err);
    if (rc == 0)
        rc = text ? kith_join(k, text, place_joined, p) : kith_node_join(k, &seed, place_joined, p);
    if (rc < 0) place_end(p, rc, 0, *err.text ? err.text : kith_code_text(rc));
}

/* Text, or an object with `address` and perhaps `name`. */
static bool is_place(const json_t *item)
{
    const json_t *name = json_object_get(item, "name");
    if (json_is_string(item)) return string_of(item);
    return string_in(item, "address") && (!name || string_of(name));
}

static bool are_places(const json_t *list)
{
    size_t n = json_array_size(list), i = 0;
    while (i < n && is_place(json_array_get(list, i))) i++;
    return n > 0 && n <= PLACES_MAX && i == n;
}

void kith_control_join(struct kith_client *c, const json_t *request)
{
    json_t *list = json_object_get(request, "where"), *item;
    size_t i;
    if (!are_places(list)) {
        kith_client_fail(c, KITH_EINVAL,
                         "where is a list of 1 to %d places: ADDRESS, NAME/ADDRESS or an object "
                         "with name and address",
                         PLACES_MAX);
        return;
    }
    struct joining *j = calloc(1, sizeof *j);
    if (!j) {
        kith_client_fail(c, KITH_ENOMEM, "out of memory");
        return;
    }
    *j = (struct joining){.client = c, .results = json_array(), .open = 1};
    kith_client_pend(c);
    json_array_foreach(list, i, item)
    {
        struct place *p = calloc(1, sizeof *p);
        if (!p) continue;
        *p = (struct place){.all = j, .where = json_incref(item)};
        j->open++;
        place_begin(p);
    }
    joining_end(j);
}
