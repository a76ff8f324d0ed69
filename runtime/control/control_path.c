/*
 * control_path.c - where the control socket of a node is: a folder that belongs to the user, and
 * the node's name in it. Daemon and client share this; neither has to be told a path. Neither uses
 * a folder that somebody else may have put there, and a client looks who answers it.
 */
#include "control.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { FOLDERS = 3, PATH_CAP = sizeof((struct sockaddr_un *)0)->sun_path };

/* The i-th folder; false when there is none here. */
static bool folder(int i, char *out, size_t cap)
{
    const char *only = getenv("KITH_RUN_DIR"), *xdg = getenv("XDG_RUNTIME_DIR");
    if (only) return i == 0 && *only == '/' && (size_t)snprintf(out, cap, "%s", only) < cap;
    switch (i) {
    case 0:
        if (!xdg || *xdg != '/') return false;
        return (size_t)snprintf(out, cap, "%s/kith", xdg) < cap;
    case 1: return (size_t)snprintf(out, cap, "/run/kith") < cap;
    default: return (size_t)snprintf(out, cap, "/tmp/kith-%u", (unsigned)geteuid()) < cap;
    }
}

/* A folder that nobody else could have put there for us. */
static bool usable(const char *dir)
{
    struct stat st;
    if (mkdir(dir, 0700) < 0 && errno != EEXIST) return false;
    if (lstat(dir, &st) < 0 || !S_ISDIR(st.st_mode)) return false;
    if (st.st_uid != geteuid() && st.st_uid != 0) return false;
    return access(dir, W_OK | X_OK) == 0;
}

/* Nobody but its owner and root can change which folder this is. */
static bool steady(const char *dir)
{
    char parent[2 * PATH_CAP];
    struct stat st;
    if ((size_t)snprintf(parent, sizeof parent, "%s/..", dir) >= sizeof parent) return false;
    if (lstat(parent, &st) < 0 || (st.st_uid != geteuid() && st.st_uid != 0)) return false;
    return !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static void folder_of(const char *path, char *out, size_t cap)
{
    const char *slash = strrchr(path, '/');
    snprintf(out, cap, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    if (slash == path) snprintf(out, cap, "/");
}

/* Whose folder is it: ours, root's, or that of a user whom root has given one? */
static int folder_owner(const char *dir, uid_t *owner, struct kith_error *err)
{
    struct stat st;
    if (lstat(dir, &st) < 0 || !S_ISDIR(st.st_mode))
        return kith_fail(err, KITH_EACCES, "%s is no folder", dir);
    *owner = st.st_uid;
    bool given = steady(dir) && !(st.st_mode & S_IWOTH);
    if (st.st_uid == geteuid() || st.st_uid == 0 || given) return 0;
    return kith_fail(err, KITH_EACCES, "the folder %s belongs to user %u, not to you or root", dir,
                     (unsigned)st.st_uid);
}

int kith_control_check_folder(const char *path, struct kith_error *err)
{
    char dir[PATH_CAP];
    uid_t owner;
    folder_of(path, dir, sizeof dir);
    return folder_owner(dir, &owner, err);
}

int kith_control_check_peer(const char *path, int fd, struct kith_error *err)
{
    char dir[PATH_CAP];
    uid_t owner;
    struct ucred peer;
    struct kith_error unused = {.size = sizeof unused};
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return kith_fail(err, KITH_EACCES, "%s: nobody knows who listens there", path);
    if (peer.uid == geteuid() || peer.uid == 0) return 0;
    folder_of(path, dir, sizeof dir);
    if (folder_owner(dir, &owner, &unused) == 0 && owner == peer.uid) return 0;
    return kith_fail(err, KITH_EACCES, "%s is served by user %u, who is neither you nor root", path,
                     (unsigned)peer.uid);
}

static bool in_group(int fd, const struct ucred *peer, gid_t group)
{
    gid_t small[64], *groups = small;
    socklen_t len = sizeof small;
    bool in = peer->gid == group;
    int rc = in ? 0 : getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
    if (rc < 0 && errno == ERANGE && (groups = malloc(len)))
        rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
    for (size_t i = 0; !in && rc == 0 && i < len / sizeof *groups; i++) in = groups[i] == group;
    if (groups != small) free(groups);
    return in;
}

int kith_control_check_client(const char *path, int fd, struct kith_error *err)
{
    struct stat st;
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return kith_fail(err, KITH_EACCES, "nobody knows who asks");
    if (peer.uid == geteuid() || peer.uid == 0) return 0;
    if (lstat(path, &st) == 0 && in_group(fd, &peer, st.st_gid)) return 0;
    return kith_fail(err, KITH_EACCES,
                     "user %u is neither the node's user nor root, nor in the group of the socket",
                     (unsigned)peer.uid);
}

/* The bytes that stand for themselves in a file name; a dot not at its beginning. */
static bool is_plain(unsigned char c, bool first)
{
    static const char others[] = "-_";
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    bool digit = c >= '0' && c <= '9';
    return letter || digit || memchr(others, c, sizeof others - 1) || (c == '.' && !first);
}

/* A name may hold any byte; a file name may not. */
static bool file_name(const char *name, char *out, size_t cap)
{
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        if (n + 4 > cap) return false;
        n += (size_t)snprintf(out + n, cap - n, is_plain(*p, n == 0) ? "%c" : "%%%02X", *p);
    }
    return n > 0;
}

int kith_control_path(const char *name, char *out, size_t cap, struct kith_error *err)
{
    char dir[PATH_CAP], file[PATH_CAP];
    for (int i = 0; i < FOLDERS; i++) {
        if (!folder(i, dir, sizeof dir) || !usable(dir)) continue;
        if (!file_name(name, file, sizeof file) ||
            (size_t)snprintf(out, cap, "%s/%s.sock", dir, file) >= PATH_CAP)
            return kith_fail(
                err, KITH_ETOOBIG,
                "the control socket's path gets too long; give it a shorter one with `control:`");
        return 0;
    }
    return kith_fail(err, KITH_EACCES,
                     "no folder for the control socket (tried $KITH_RUN_DIR, or else "
                     "$XDG_RUNTIME_DIR/kith, /run/kith "
                     "and /tmp/kith-%u); name a path with `node.control`",
                     (unsigned)geteuid());
}

static bool find_in(const char *dir, const char *wanted, bool (*visit)(void *arg, const char *path),
                    void *arg)
{
    char path[2 * PATH_CAP];
    bool go = true;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && go && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (n < 6 || strcmp(e->d_name + n - 5, ".sock") != 0) continue;
        if (wanted && (n - 5 != strlen(wanted) || memcmp(e->d_name, wanted, n - 5) != 0)) continue;
        if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, e->d_name) < PATH_CAP)
            go = visit(arg, path);
    }
    if (d) closedir(d);
    return go;
}

void kith_control_find(const char *name, bool (*visit)(void *arg, const char *path), void *arg)
{
    char dir[PATH_CAP], file[PATH_CAP];
    if (name && !file_name(name, file, sizeof file)) return;
    for (int i = 0; i < FOLDERS; i++)
        if (folder(i, dir, sizeof dir) && !find_in(dir, name ? file : NULL, visit, arg)) return;
}
