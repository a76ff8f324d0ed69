/*
 * letters.c - see letters.h.
 */
#include "letters.h"
#include "../test.h"
#include <stdlib.h>

struct letter {
    struct letter *next;
    struct letters *to;
    char from[16];
    size_t len;
    uint8_t bytes[512];
};

enum { OFFICES = 8 };
static struct letters *offices[OFFICES];

struct kith_addr address_of(const char *name)
{
    struct kith_addr a = {.len = (uint8_t)strlen(name)};
    memcpy(a.bytes, name, a.len);
    return a;
}

struct letters *office(const char *name, size_t len)
{
    for (int i = 0; i < OFFICES; i++)
        if (offices[i] && strlen(offices[i]->name) == len &&
            memcmp(offices[i]->name, name, len) == 0)
            return offices[i];
    return NULL;
}

static void take_off(struct letter *l)
{
    struct letter **p = &l->to->first;
    while (*p != l) p = &(*p)->next;
    *p = l->next;
}

static void deliver(void *arg)
{
    struct letter *l = arg;
    take_off(l);
    const struct kith_uplink *up = l->to->host->uplink;
    struct kith_addr from = address_of(l->from);
    struct kith_peer peer = {.size = sizeof peer, .addr = &from};
    uint8_t room[1024];
    struct kith_buf buf = {.base = room, .data = room + 64, .len = l->len, .cap = sizeof room};
    memcpy(buf.data, l->bytes, l->len);
    free(l);
    up->packet_in(up, &peer, &buf, 0);
}

void mail(const char *from, struct letters *to, struct kith_bytes bytes)
{
    struct letter *l = calloc(1, sizeof *l);
    CU_ASSERT_FATAL(l && bytes.len <= sizeof l->bytes);
    *l = (struct letter){.next = to->first, .to = to, .len = bytes.len};
    to->first = l;
    strcpy(l->from, from);
    memcpy(l->bytes, bytes.data, bytes.len);
    CU_ASSERT_EQUAL(to->host->post(to->host, deliver, l), 0);
}

static int letters_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct letters *l = self;
    struct kith_value name = {.size = sizeof name};
    l->host = host;
    CU_ASSERT_EQUAL(host->setting(host, "node.name", &name), 0);
    snprintf(l->name, sizeof l->name, "%.*s", (int)name.text.len, (const char *)name.text.data);
    return 0;
}

static int letters_start(void *self, struct kith_error *err)
{
    int i = 0;
    while (i < OFFICES && offices[i]) i++;
    CU_ASSERT_FATAL(i < OFFICES);
    offices[i] = self;
    return 0;
}

static void letters_stop(void *self)
{
    for (int i = 0; i < OFFICES; i++)
        if (offices[i] == self) offices[i] = NULL;
    for (struct letter *l = ((struct letters *)self)->first, *next; l; l = next) {
        next = l->next;
        free(l);
    }
}

static void letters_limits(void *self, struct kith_limits *out)
{
    *out = (struct kith_limits){.size = out->size, .packet = 512};
}

static int letters_advertise(void *self, struct kith_addr *out, struct kith_error *err)
{
    *out = address_of(((struct letters *)self)->name);
    return 0;
}

static int letters_parse(void *self, struct kith_bytes text, struct kith_addr *out,
                         struct kith_bytes *host)
{
    char name[16];
    snprintf(name, sizeof name, "%.*s", (int)text.len, (const char *)text.data);
    *out = address_of(name);
    return 0;
}

static int letters_format(void *self, const struct kith_addr *addr, char *out, size_t cap)
{
    return snprintf(out, cap, "%.*s", addr->len, (const char *)addr->bytes);
}

static int letters_send(void *self, const struct kith_peer *to, struct kith_buf *buf)
{
    struct letters *there = office((const char *)to->addr->bytes, to->addr->len);
    if (there) mail(((struct letters *)self)->name, there, kith_bytes_of(buf->data, buf->len));
    return 0;
}

static const struct kith_transport_ops letters_ops = {
    .size = sizeof letters_ops,
    .limits = letters_limits,
    .advertise = letters_advertise,
    .parse = letters_parse,
    .format = letters_format,
    .send_packet = letters_send,
};

const struct kith_plugin letters_plugin = {
    KITH_HEADER(TRANSPORT), .name = "letters",    .instance_size = sizeof(struct letters),
    .ops = &letters_ops,    .init = letters_init, .start = letters_start,
    .stop = letters_stop,
};
