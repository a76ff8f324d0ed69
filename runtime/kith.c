/*
 * kith.c - the node of an embedder: one from a file, with a control socket. It alone knows both.
 */
#include "control.h"
#include "node.h"

int kith_open(struct kith **out, const char *path, const struct kith_options *options,
              struct kith_error *err)
{
    struct kith_node_setup setup = {.path = path, .problems = stderr};
    struct kith *k;
    *out = NULL;
    int rc = kith_node_open(&k, &setup, options, err);
    if (rc) return rc;
    rc = kith_control_attach(k, err);
    if (rc)
        kith_close(k);
    else
        *out = k;
    return rc;
}
