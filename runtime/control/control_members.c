/*
 * control_members.c - all members, sorted by name, however many they are: the answer is made piece
 * by piece while they come, change and go.
 *
 * What is kept between two pieces is the names of the next BATCH members, found by going through
 * all of them some at a time. So who is known all the while is told once, as it is when its piece
 * is made; memory does not depend on how many there are, and nothing is sorted at once but a batch.
 */
#include "control_inside.h"
#include <stdlib.h>

enum {
    BATCH = 2048,    /* names */
    SCAN_MAX = 4096, /* members looked at in one piece: a small part of a ms */
};

struct name {
    size_t len;
    uint8_t bytes[];
};

/*
 * A listing:
 *
 *   searching  `cursor` goes through all members; `names` is a heap of the smallest behind `last`,
 *              the greatest of them on top
 *              -> telling  all were looked at, and the names are sorted
 *   telling    names[next ..) are still to be told
 *              -> searching  the batch was full: there may be more
 */
struct listing {
    struct kith *k;
    struct name *names[BATCH];
    size_t count, next;
    struct name *last; /* the greatest that was told; NULL: none was */
    uint64_t cursor;
    bool telling, begun; /* begun: something was told */
    bool failed;         /* no memory for a name */
};

/* ---------------------------------------------------------------------------------- the names */

static int compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    size_t both = a_len < b_len ? a_len : b_len;
    int order = both ? memcmp(a, b, both) : 0;
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

static bool greater(const struct name *a, const struct name *b)
{
    return compare(a->bytes, a->len, b->bytes, b->len) > 0;
}

static int by_name(const void *a, const void *b)
{
    const struct name *x = *(struct name *const *)a, *y = *(struct name *const *)b;
    return compare(x->bytes, x->len, y->bytes, y->len);
}

static void swap(struct listing *l, size_t i, size_t j)
{
    struct name *t = l->names[i];
    l->names[i] = l->names[j];
    l->names[j] = t;
}

static void rise(struct listing *l, size_t i)
{
    for (; i && greater(l->names[i], l->names[(i - 1) / 2]); i = (i - 1) / 2)
        swap(l, i, (i - 1) / 2);
}

static void sink(struct listing *l, size_t i)
{
    for (size_t child; (child = 2 * i + 1) < l->count; i = child) {
        if (child + 1 < l->count && greater(l->names[child + 1], l->names[child])) child++;
        if (!greater(l->names[child], l->names[i])) return;
        swap(l, i, child);
    }
}

/* -------------------------------------------------------------------------------- searching */

/* Is it behind what was told, and before the last that a full batch would tell? */
static bool belongs(const struct listing *l, struct kith_bytes name)
{
    const struct name *top = l->count == BATCH ? l->names[0] : NULL;
    if (l->last && compare(name.data, name.len, l->last->bytes, l->last->len) <= 0) return false;
    return !top || compare(name.data, name.len, top->bytes, top->len) < 0;
}

static bool look_at(void *arg, const struct kith_member *m)
{
    struct listing *l = arg;
    if (!belongs(l, m->name)) return true;
    struct name *name = malloc(sizeof *name + m->name.len);
    l->failed |= !name;
    if (!name) return false;
    name->len = m->name.len;
    memcpy(name->bytes, m->name.data, m->name.len);
    if (l->count == BATCH) {
        free(l->names[0]);
        l->names[0] = name;
        sink(l, 0);
    } else {
        l->names[l->count++] = name;
        rise(l, l->count - 1);
    }
    return true;
}

static void search(struct listing *l)
{
    const struct kith_node *node = kith_table(l->k);
    node->members(node, &l->cursor, SCAN_MAX, look_at, l);
    if (l->cursor != UINT64_MAX) return;
    qsort(l->names, l->count, sizeof *l->names, by_name);
    l->telling = true;
    l->next = 0;
}

/* ---------------------------------------------------------------------------------- telling */

static void tell_one(struct listing *l, struct kith_client *c, const struct name *name)
{
    const struct kith_node *node = kith_table(l->k);
    struct kith_member m = {.size = sizeof m};
    if (node->member(node, kith_bytes_of(name->bytes, name->len), &m) < 0) return; /* forgotten */
    kith_client_put_text(c, l->begun ? "," : "");
    l->begun = true;
    kith_client_put_json(c, kith_report_member(l->k, &m));
}

/* The rest of the batch, or a piece of it. True: there may be more behind it. */
static bool tell(struct listing *l, struct kith_client *c)
{
    while (l->next < l->count && kith_client_waiting(c) < KITH_CONTROL_PIECE) {
        struct name *name = l->names[l->next];
        tell_one(l, c, name);
        free(l->last);
        l->last = name;
        l->names[l->next++] = NULL;
    }
    if (l->next < l->count) return true;
    bool full = l->count == BATCH;
    l->count = l->next = 0;
    l->cursor = 0;
    l->telling = false;
    return full;
}

static bool more(void *self, struct kith_client *c)
{
    struct listing *l = self;
    if (!l->telling) search(l);
    if (l->failed) {
        kith_client_put_json(c, NULL);
        return false;
    }
    if (!l->telling || tell(l, c)) return true;
    kith_client_put_text(c, "]");
    return false;
}

static void listing_free(void *self)
{
    struct listing *l = self;
    for (size_t i = 0; i < l->count; i++) free(l->names[i]);
    free(l->last);
    free(l);
}

void kith_members_answer(struct kith_client *c, const struct kith_wait *wait)
{
    struct listing *l = calloc(1, sizeof *l);
    if (!l) {
        kith_client_fail(c, KITH_ENOMEM, "out of memory");
        return;
    }
    l->k = kith_client_node(c);
    struct kith_source source = {.more = more, .free = listing_free, .self = l};
    kith_client_put_text(c, "{\"members\":[");
    kith_client_stream(c, &source);
}
