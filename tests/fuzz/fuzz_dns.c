/*
 * fuzz_dns.c - what is read of DNS. First byte, bit 0: a resolv.conf; else an answer. Addresses lie
 * in the answer, targets are names that can be asked for; a server is an address with a port.
 */
#include "fuzz_file.h"

#include "dns.h"

#include <arpa/inet.h>

static struct kith_bytes answer;

static void address(void *arg, const uint8_t *bytes, uint8_t len)
{
    FUZZ_CHECK(len == 4 || len == 16);
    FUZZ_CHECK(bytes >= answer.data && bytes + len <= answer.data + answer.len);
    ++*(size_t *)arg;
}

static void target(void *arg, const struct kith_dns_target *t)
{
    size_t len = strnlen(t->host, sizeof t->host);
    FUZZ_CHECK(len && len < sizeof t->host);
    for (size_t i = 0; i < len; i++) FUZZ_CHECK(t->host[i] > ' ' && t->host[i] < 0x7f);
    ++*(size_t *)arg;
}

static void read_answer(const uint8_t *data, size_t len)
{
    size_t all = 0, addresses = 0, targets = 0;
    answer = kith_bytes_of(data, len);
    int rc = kith_dns_read(data, len, address, target, &all);
    FUZZ_CHECK(rc == 0 || rc == -KITH_EMALFORMED);
    FUZZ_CHECK(all <= len);
    if (rc) return;
    FUZZ_CHECK(kith_dns_read(data, len, address, NULL, &addresses) == 0);
    FUZZ_CHECK(kith_dns_read(data, len, NULL, target, &targets) == 0);
    FUZZ_CHECK(addresses + targets == all);
}

static void read_servers(const uint8_t *data, size_t len)
{
    char server[KITH_HOST_TEXT_MAX + 16], host[KITH_HOST_TEXT_MAX];
    struct kith_error err = {.size = sizeof err};
    struct kith_bytes bytes;
    uint16_t port = 0;
    uint8_t ip[16];
    int rc = kith_dns_first_server(fuzz_file(data, len), server, sizeof server, &err);
    FUZZ_CHECK(rc == 0 || ((rc == -KITH_ENOTFOUND || rc == -KITH_EIO) && *err.text));
    if (rc) return;
    FUZZ_CHECK(kith_where_host(kith_text(server), &bytes, &port, &err) == 0);
    snprintf(host, sizeof host, "%.*s", (int)bytes.len, (const char *)bytes.data);
    FUZZ_CHECK(inet_pton(AF_INET, host, ip) == 1 || inet_pton(AF_INET6, host, ip) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (!len) return 0;
    (data[0] & 1 ? read_servers : read_answer)(data + 1, len - 1);
    return 0;
}
