/*
 * control.h - the control socket, for those who start it and those who look for it. The language
 * spoken on it is in docs/CONTROL.md; control_inside.h is for the files of this folder.
 */
#ifndef KITH_CONTROL_H
#define KITH_CONTROL_H

#include "node.h"

/* How JSON is written, to those who include <jansson.h>: 2.434, not 2.4340000000000002. */
#define KITH_CONTROL_JSON (JSON_COMPACT | JSON_REAL_PRECISION(15))

enum { KITH_CONTROL_LINE_MAX = 2 << 20 }; /* a request */

/* Give an open node its control socket: it opens with kith_start() and goes with kith_close().
 * Nothing when neither the options nor the file want one. */
int kith_control_attach(struct kith *, struct kith_error *err);

/* Where the socket of the node `name` would be made here: $XDG_RUNTIME_DIR/kith, /run/kith, or
 * /tmp/kith-UID, made when it is missing. 0, -KITH_ETOOBIG (the name is too long for a socket),
 * -KITH_EACCES. */
int kith_control_path(const char *name, char *out, size_t cap, struct kith_error *err);
/* Sockets in all these folders that a client may try; name NULL: of any node. visit returns false
 * to stop. */
void kith_control_find(const char *name, bool (*visit)(void *arg, const char *path), void *arg);

/* What a client says may be a key: is this a path that nobody but the user, root, or a user whom
 * root gave that folder could have put there? And, once connected, is it one of them who listens?
 * 0, or -KITH_EACCES with words. */
int kith_control_check_folder(const char *path, struct kith_error *err);
int kith_control_check_peer(const char *path, int fd, struct kith_error *err);
/* The other way: is it the node's user, root, or somebody in the group of the socket file who
 * connected? The file's mode says the same, but not every system looks at that of a socket, and a
 * mode is changed by mistake. 0, or -KITH_EACCES with words. */
int kith_control_check_client(const char *path, int fd, struct kith_error *err);

#endif
