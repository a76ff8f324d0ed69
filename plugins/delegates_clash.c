/*
 * delegates_clash.c - which delegates can't be loaded together: parts that only one of them can
 * play. Decided from the entries of a config alone, before any instance is made.
 */
#include "delegates_parts.h"

const char *kith_role_words(enum kith_role role)
{
    static const char *const words[KITH_ROLES] = {"produce messages", "produce state",
                                                  "provide meta", "provide the ack payload"};
    return words[role];
}

bool kith_role_played(const struct kith_delegate_ops *ops, enum kith_role role)
{
    switch (role) {
    case KITH_ROLE_MESSAGES: return ops->get_broadcasts;
    case KITH_ROLE_STATE: return ops->local_state;
    case KITH_ROLE_META: return ops->node_meta;
    default: return ops->ack_payload;
    }
}

/* Meta and ack payload belong to the whole node. Messages and state of two delegates can be told
 * apart by their channels only. */
bool kith_role_exclusive(enum kith_role role, const char *channel, const char *other)
{
    if (role == KITH_ROLE_META || role == KITH_ROLE_ACK) return true;
    return strcmp(channel ? channel : "", other ? other : "") == 0;
}

static int check_pair(const struct kith_entry *a, const struct kith_entry *b,
                      struct kith_error *err)
{
    for (enum kith_role role = 0; role < KITH_ROLES; role++) {
        if (!kith_role_played(a->plugin->ops, role) || !kith_role_played(b->plugin->ops, role) ||
            !kith_role_exclusive(role, a->channel, b->channel))
            continue;
        const char *where = role == KITH_ROLE_META || role == KITH_ROLE_ACK ? ""
                            : a->channel                                    ? " on the same channel"
                                                                            : " without a channel";
        return kith_fail(err, KITH_EEXIST,
                         "delegates `%s` (line %u) and `%s` (line %u) both %s%s; one can", a->use,
                         a->pos.line, b->use, b->pos.line, kith_role_words(role), where);
    }
    return 0;
}

const struct kith_entry *kith_delegates_clash(const struct kith_config *config,
                                              struct kith_error *err)
{
    const struct kith_entries *all = &config->delegates;
    for (size_t i = 0; i < all->count; i++) {
        const struct kith_entry *entry = &all->items[i];
        if (entry->channel &&
            (!*entry->channel || strlen(entry->channel) > KITH_CHANNEL_NAME_MAX)) {
            kith_fail(err, KITH_EINVAL,
                      "delegate `%s` (line %u): a channel's name has 1 to %d bytes", entry->use,
                      entry->pos.line, KITH_CHANNEL_NAME_MAX);
            return entry;
        }
        for (size_t j = 0; j < i; j++)
            if (check_pair(&all->items[j], entry, err) != 0) return entry;
    }
    return NULL;
}
