/*
 * record.h - what is kept of one member. Its name, address, meta and latest accuser share the
 * memory behind the struct as long as they fit. Knows no table, no time, no rule.
 */
#ifndef KITH_RECORD_H
#define KITH_RECORD_H

#include "bounds.h"

#include <kith/plugin.h>

struct kith_suspicion;

/* One for each member that is known, so every byte counts. */
struct kith_record {
    union {
        uint64_t since;                   /* of the state... */
        struct kith_suspicion *suspicion; /* ...which is in there when it is `suspected` */
    };
    uint64_t born; /* serial number in order of first sighting; by_age is sorted by it */
    uint32_t hash, incarnation;
    uint16_t port, meta_len;
    uint16_t room : 13; /* bytes behind the struct */
    uint16_t asked : 1; /* and has not answered since */
    uint16_t kin : 1;   /* it runs Kith (kin.h) */
    uint16_t heard : 1; /* from itself, so that is known */
    uint8_t versions[6];
    uint8_t name_len, addr_len, accuser_len;
    uint8_t state : 2, meta_set : 1, outside : 1, suspected : 1;
    uint8_t doubted : 1; /* set by kith_members_doubt() */
    uint8_t leaving : 1; /* so it is said, and not believed before it was asked */
    uint8_t met : 1;     /* it answered us once: its own word was taken, or our ping */
    uint8_t inside[];    /* name NUL address meta accuser NUL; outside: a pointer to them */
};

static inline uint8_t *kith_record_bytes(const struct kith_record *p)
{
    uint8_t *bytes;
    if (!p->outside) return (uint8_t *)(uintptr_t)p->inside;
    memcpy(&bytes, p->inside, sizeof bytes);
    return bytes;
}
static inline struct kith_bytes kith_record_name(const struct kith_record *p)
{
    return kith_bytes_of(kith_record_bytes(p), p->name_len);
}
static inline struct kith_bytes kith_record_addr(const struct kith_record *p)
{
    return kith_bytes_of(kith_record_bytes(p) + p->name_len + 1, p->addr_len);
}
/* data NULL: nil on the wire. */
static inline struct kith_bytes kith_record_meta(const struct kith_record *p)
{
    return kith_bytes_of(p->meta_set ? kith_record_bytes(p) + p->name_len + 1 + p->addr_len : NULL,
                         p->meta_len);
}
static inline struct kith_bytes kith_record_accuser(const struct kith_record *p)
{
    return kith_bytes_of(kith_record_bytes(p) + p->name_len + 1 + p->addr_len + p->meta_len,
                         p->accuser_len);
}
/* Bytes of its entry in a state, at most: with a name, an address and meta of those lengths. */
static inline uint32_t kith_entry_size(size_t name, size_t addr, size_t meta)
{
    return (uint32_t)(KITH_ENTRY_MAX + name + addr + meta);
}
static inline uint32_t kith_record_entry(const struct kith_record *p)
{
    return kith_entry_size(p->name_len, p->addr_len, p->meta_len);
}
static inline bool kith_record_gone(const struct kith_record *p)
{
    return p->state == KITH_DEAD || p->state == KITH_LEFT;
}

/* All zero but these four. NULL: no memory. */
struct kith_record *kith_record_new(struct kith_bytes name, struct kith_bytes addr, uint16_t port,
                                    struct kith_bytes meta);
void kith_record_free(struct kith_record *);

/* The arguments may point into the record. -KITH_ENOMEM: nothing changed. */
int kith_record_store(struct kith_record *, struct kith_bytes addr, struct kith_bytes meta,
                      struct kith_bytes accuser);
int kith_record_accuse(struct kith_record *, struct kith_bytes accuser);
void kith_record_address(const struct kith_record *, struct kith_addr *out);

#endif
