/*
 * nonce.h - random nonces for the ciphers, drawn from the host a batch at a time: a system call for
 * each message would cost as much as sealing it.
 *
 * Nonces are random and never counted, so nothing has to be remembered over a restart or a reload.
 */
#ifndef KITH_NONCE_H
#define KITH_NONCE_H

#include <kith/plugin.h>

struct nonces {
    size_t left; /* unused bytes, at the end of pool */
    uint8_t pool[768];
};

static inline void nonce_take(struct nonces *n, const struct kith_host *host, uint8_t *out,
                              size_t len)
{
    if (n->left < len) {
        host->random(host, n->pool, sizeof n->pool);
        n->left = sizeof n->pool;
    }
    memcpy(out, n->pool + sizeof n->pool - n->left, len);
    n->left -= len;
}

#endif
