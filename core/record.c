/*
 * record.c - one allocation per member: what is fixed, then its strings as long as they fit.
 */
#include "record.h"
#include "bounds.h"
#include "compare.h"

#include <stdlib.h>

static void lay_out(struct kith_record *p, uint8_t *to, struct kith_bytes name,
                    struct kith_bytes addr, struct kith_bytes meta, struct kith_bytes accuser)
{
    memcpy(to, name.data, name.len);
    to[name.len] = 0;
    to += name.len + 1;
    if (addr.len) memcpy(to, addr.data, addr.len);
    if (meta.len) memcpy(to + addr.len, meta.data, meta.len);
    if (accuser.len) memcpy(to + addr.len + meta.len, accuser.data, accuser.len);
    to[addr.len + meta.len + accuser.len] = 0;
    p->name_len = (uint8_t)name.len;
    p->addr_len = (uint8_t)addr.len;
    p->meta_len = (uint16_t)meta.len;
    p->meta_set = meta.data != NULL;
    p->accuser_len = (uint8_t)accuser.len;
}

struct kith_record *kith_record_new(struct kith_bytes name, struct kith_bytes addr, uint16_t port,
                                    struct kith_bytes meta)
{
    size_t room = name.len + 1 + addr.len + meta.len + 1;
    if (room < sizeof(uint8_t *)) room = sizeof(uint8_t *);
    struct kith_record *p = malloc(sizeof *p + room);
    if (!p) return NULL;
    memset(p, 0, sizeof *p);
    p->room = room & 0x7fff;
    p->port = port;
    lay_out(p, p->inside, name, addr, meta, kith_bytes_of(NULL, 0));
    return p;
}

void kith_record_free(struct kith_record *p)
{
    if (p->outside) free(kith_record_bytes(p));
    free(p);
}

int kith_record_store(struct kith_record *p, struct kith_bytes addr, struct kith_bytes meta,
                      struct kith_bytes accuser)
{
    struct kith_bytes name = kith_record_name(p);
    uint8_t near[512], *to = near;
    size_t len = name.len + 1 + addr.len + meta.len + accuser.len + 1;
    bool fits = len <= p->room;
    if (!fits || len > sizeof near) {
        to = malloc(len);
        if (!to) return -KITH_ENOMEM;
    }
    uint8_t *old = p->outside ? kith_record_bytes(p) : NULL;
    lay_out(p, to, name, addr, meta, accuser); /* never in place: the arguments may point there */
    p->outside = !fits;
    if (fits)
        memcpy(p->inside, to, len);
    else
        memcpy(p->inside, &to, sizeof to);
    if (fits && to != near) free(to);
    free(old);
    return 0;
}

int kith_record_accuse(struct kith_record *p, struct kith_bytes accuser)
{
    if (accuser.len > KITH_NAME_LIMIT) accuser.len = 0;
    if (kith_short_equal(kith_record_accuser(p), accuser)) return 0;
    return kith_record_store(p, kith_record_addr(p), kith_record_meta(p), accuser);
}

void kith_record_address(const struct kith_record *p, struct kith_addr *out)
{
    struct kith_bytes addr = kith_record_addr(p);
    out->port = p->port;
    out->len = (uint8_t)addr.len;
    memcpy(out->bytes, addr.data, addr.len);
}
