/*
 * delegates_clash.c - which delegates can't be loaded together: parts that only one of them can
 * play. Decided from the entries of a config alone, before any instance is made.
 */
#include "delegates_parts.h"

const char *kith_role_words(enum kith_role role)
{
    static const char *const words[KITH_ROLES] = {"produce messages or state", "provide meta",
                                                  "seal meta", "provide the ack payload"};
    return words[role];
}

/* On a channel anybody may send: frames keep them apart. */
static bool produces(const struct kith_delegate_ops *ops, bool raw)
{
    return ops->get_broadcasts || ops->local_state || (raw && ops->flags & KITH_DELEGATE_SENDS);
}

bool kith_role_played(const struct kith_delegate_ops *ops, const char *channel, enum kith_role role)
{
    switch (role) {
    case KITH_ROLE_PRODUCER: return produces(ops, !channel || !*channel);
    case KITH_ROLE_META: return ops->node_meta;
    case KITH_ROLE_SEAL: return ops->seal_meta;
    default: return ops->ack_payload;
    }
}

/* Meta and ack payload belong to the whole node. Messages and state of two delegates can be told
 * apart by their channels only. */
bool kith_role_exclusive(enum kith_role role, const char *channel, const char *other)
{
    if (role != KITH_ROLE_PRODUCER) return true;
    return strcmp(channel ? channel : "", other ? other : "") == 0;
}

static const char *name_of(const struct kith_entry *e) { return e->name ? e->name : e->use; }

static int check_roles(const struct kith_entry *a, const struct kith_entry *b,
                       struct kith_error *err)
{
    struct kith_delegate_ops a_ops, b_ops;
    (void)KITH_TAKE(&a_ops, (const struct kith_delegate_ops *)a->plugin->ops);
    (void)KITH_TAKE(&b_ops, (const struct kith_delegate_ops *)b->plugin->ops);
    for (enum kith_role role = 0; role < KITH_ROLES; role++) {
        if (!kith_role_played(&a_ops, a->channel, role) ||
            !kith_role_played(&b_ops, b->channel, role) ||
            !kith_role_exclusive(role, a->channel, b->channel))
            continue;
        const char *where = role != KITH_ROLE_PRODUCER ? ""
                            : a->channel               ? " on the same channel"
                                                       : " without a channel";
        return kith_fail(
            err, KITH_EEXIST, "delegates `%s` (line %u) and `%s` (line %u) both %s%s; one can",
            name_of(a), a->pos.line, name_of(b), b->pos.line, kith_role_words(role), where);
    }
    return 0;
}

static int check_pair(const struct kith_entry *a, const struct kith_entry *b,
                      struct kith_error *err)
{
    if (strcmp(name_of(a), name_of(b)) == 0)
        return kith_fail(err, KITH_EEXIST,
                         "two delegates are called `%s` (line %u and line %u); give one `as: NAME`",
                         name_of(a), a->pos.line, b->pos.line);
    return check_roles(a, b, err);
}

static int check_channel(const struct kith_entry *e, struct kith_error *err)
{
    if (!e->channel || (*e->channel && strlen(e->channel) <= KITH_CHANNEL_NAME_MAX)) return 0;
    return kith_fail(err, KITH_EINVAL,
                     "delegate `%s` (line %u): a channel's name has 1 to %d bytes", name_of(e),
                     e->pos.line, KITH_CHANNEL_NAME_MAX);
}

const struct kith_entry *kith_delegates_clash(const struct kith_config *config,
                                              struct kith_error *err)
{
    const struct kith_entries *all = &config->delegates;
    for (size_t i = 0; i < all->count; i++) {
        if (check_channel(&all->items[i], err) != 0) return &all->items[i];
        for (size_t j = 0; j < i; j++)
            if (check_pair(&all->items[j], &all->items[i], err) != 0) return &all->items[i];
    }
    return NULL;
}
