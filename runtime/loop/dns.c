/*
 * dns.c - see dns.h.
 */
#include "dns.h"
#include "file.h"
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <ctype.h>

enum { FILE_MAX = 16 << 10 }; /* what is further down in a resolv.conf is no first nameserver */

static bool is_address(const ns_rr *rr)
{
    return (ns_rr_type(*rr) == ns_t_a && ns_rr_rdlen(*rr) == 4) ||
           (ns_rr_type(*rr) == ns_t_aaaa && ns_rr_rdlen(*rr) == 16);
}

/* SRV: priority, weight, port, name. A name of "." says: no such service here; host is "" then. */
static int read_target(const uint8_t *answer, size_t len, const ns_rr *rr,
                       struct kith_dns_target *t)
{
    const uint8_t *data = ns_rr_rdata(*rr);
    t->priority = (uint16_t)(data[0] << 8 | data[1]);
    t->port = (uint16_t)(data[4] << 8 | data[5]);
    if (ns_name_uncompress(answer, answer + len, data + 6, t->host, sizeof t->host) < 0)
        return -KITH_EMALFORMED;
    if (!strcmp(t->host, ".")) t->host[0] = 0;
    return 0;
}

int kith_dns_read(const uint8_t *answer, size_t len,
                  void (*address)(void *arg, const uint8_t *bytes, uint8_t len),
                  void (*target)(void *arg, const struct kith_dns_target *), void *arg)
{
    ns_msg msg;
    ns_rr rr;
    struct kith_dns_target t;
    if (len > INT32_MAX || ns_initparse(answer, (int)len, &msg)) return -KITH_EMALFORMED;
    for (int i = 0; i < ns_msg_count(msg, ns_s_an); i++) {
        if (ns_parserr(&msg, ns_s_an, i, &rr)) return -KITH_EMALFORMED;
        if (ns_rr_class(rr) != ns_c_in) continue;
        if (address && is_address(&rr)) address(arg, ns_rr_rdata(rr), (uint8_t)ns_rr_rdlen(rr));
        if (!target || ns_rr_type(rr) != ns_t_srv || ns_rr_rdlen(rr) < 7) continue;
        int rc = read_target(answer, len, &rr, &t);
        if (rc) return rc;
        if (*t.host) target(arg, &t);
    }
    return 0;
}

static bool is_ip(int family, const char *text)
{
    uint8_t bytes[16];
    return inet_pton(family, text, bytes) == 1;
}

/* Literals only, each with a port if it likes: a.b.c.d[:port], v6, [v6][:port]. */
static bool server_text(const char *entry, char *out, size_t cap)
{
    struct kith_bytes bytes = {NULL, 0};
    uint16_t port = 53;
    char host[KITH_HOST_TEXT_MAX];
    if (kith_where_host(kith_text(entry), &bytes, &port, NULL)) return false;
    memcpy(host, bytes.data, bytes.len);
    host[bytes.len] = 0;
    if (is_ip(AF_INET, host))
        snprintf(out, cap, "%s:%u", host, port);
    else if (is_ip(AF_INET6, host))
        snprintf(out, cap, "[%s]:%u", host, port);
    else
        return false;
    return true;
}

int kith_dns_first_server(const char *path, char *out, size_t cap, struct kith_error *err)
{
    char text[FILE_MAX + 1], entry[KITH_HOST_TEXT_MAX], *rest = text, *line;
    struct stat st;
    ssize_t n = kith_file_load(path, text, FILE_MAX, KITH_FILE_NOW, &st);
    if (n < 0) return kith_fail(err, KITH_EIO, "%s: %s", path, kith_file_why(n, &st));
    text[n] = 0;
    while ((line = strsep(&rest, "\n")))
        if (sscanf(line, " nameserver %255s", entry) == 1 && server_text(entry, out, cap)) return 0;
    return kith_fail(err, KITH_ENOTFOUND, "%s: no nameserver in it", path);
}
