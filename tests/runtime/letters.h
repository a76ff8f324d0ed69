/*
 * letters.h - a transport in memory, for worlds in virtual time: an address is a node's name, a
 * packet a post on its receiver's host. It has no streams.
 */
#ifndef LETTERS_H
#define LETTERS_H

#include <kith/plugin.h>

extern const struct kith_plugin letters_plugin;

struct letters {
    const struct kith_host *host;
    struct letter *first; /* on the way to it */
    char name[16];        /* of its node, as the node told it */
};

/* Who runs under this name; NULL: nobody. */
struct letters *office(const char *name, size_t len);
struct kith_addr address_of(const char *name);
/* A packet, as if from that node. */
void mail(const char *from, struct letters *to, struct kith_bytes);

#endif
