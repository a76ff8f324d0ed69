/*
 * control.c - the control socket: a Unix stream socket, mode 0660, on which each line is a JSON
 * object. To the node it is an observer like any other.
 */
#include "control_inside.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* -------------------------------------------------------------------------------- the socket */

static void accept_client(void *arg, unsigned events)
{
    struct kith_control *control = arg;
    int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) kith_client_new(control, fd);
}

/* A socket file that nobody listens on is what a crash left behind. */
static int clear_path(const struct sockaddr_un *sa, struct kith_error *err)
{
    struct stat st;
    if (lstat(sa->sun_path, &st) < 0) return 0;
    if (!S_ISSOCK(st.st_mode))
        return kith_fail(err, KITH_EEXIST, "%s exists and is not a socket", sa->sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)sa, sizeof *sa);
    bool alive = rc == 0 || errno == EAGAIN;
    if (fd >= 0) close(fd);
    if (alive)
        return kith_fail(
            err, KITH_EADDRINUSE,
            "a node is running on control socket %s; give this one another name or `control:`",
            sa->sun_path);
    unlink(sa->sun_path);
    return 0;
}

static int open_socket(struct kith_control *control, struct kith_error *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct stat st;
    const char *path = control->path;
    if (strlen(path) >= sizeof sa.sun_path)
        return kith_fail(err, KITH_ETOOBIG,
                         "the control socket's path is longer than %zu bytes: %s",
                         sizeof sa.sun_path - 1, path);
    strcpy(sa.sun_path, path);
    int rc = clear_path(&sa, err);
    if (rc) return rc;
    control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (control->fd < 0 || bind(control->fd, (struct sockaddr *)&sa, sizeof sa) < 0 ||
        chmod(path, 0660) < 0 || lstat(path, &st) < 0)
        goto fail;
    control->ours = true;
    control->device = st.st_dev;
    control->inode = st.st_ino;
    if (listen(control->fd, 64) == 0) return 0;
fail:
    return kith_fail(err, errno == EACCES ? KITH_EACCES : KITH_EIO, "control socket %s: %s", path,
                     strerror(errno));
}

/* Whose the socket file is when we go: another node may have put its own there. */
static void remove_socket(const struct kith_control *control)
{
    struct stat st;
    if (control->ours && lstat(control->path, &st) == 0 && st.st_ino == control->inode &&
        st.st_dev == control->device)
        unlink(control->path);
}

/* ------------------------------------------------------------------------------ the observer */

/* The embedder's, the file's, or one made from the name; "": none is wanted. */
static int choose_path(struct kith_control *control, struct kith_error *err)
{
    char made[512];
    const struct kith_config *config = kith_node_config(control->k);
    const char *given = kith_node_options(control->k)->control;
    if (!given) given = config->control;
    if (!given) {
        int rc = kith_control_path(config->settings.name, made, sizeof made, err);
        if (rc) return rc;
        given = made;
    }
    control->path = strdup(given);
    return control->path ? 0 : kith_fail(err, KITH_ENOMEM, "out of memory");
}

static int start(void *self, struct kith_error *err)
{
    struct kith_control *control = self;
    int rc = choose_path(control, err);
    if (rc || !*control->path) return rc;
    rc = open_socket(control, err);
    if (rc) return rc;
    control->watch = kith_loop_watch(kith_node_loop(control->k), control->fd, KITH_READABLE,
                                     accept_client, control);
    control->monitor = kith_monitor_new(control);
    return control->watch && control->monitor ? 0 : kith_fail(err, KITH_ENOMEM, "out of memory");
}

static void turn_ended(void *self) { kith_clients_turn_ended(self); }

static void stop(void *self)
{
    struct kith_control *control = self;
    kith_clients_close(control);
    kith_monitor_free(control->monitor);
    if (control->watch) kith_loop_watch_free(control->watch);
    remove_socket(control);
    if (control->fd >= 0) close(control->fd);
    free(control->path);
    free(control);
}

int kith_control_attach(struct kith *k, struct kith_error *err)
{
    struct kith_control *control = calloc(1, sizeof *control);
    if (!control) return kith_fail(err, KITH_ENOMEM, "out of memory");
    control->k = k;
    control->fd = -1;
    control->command = kith_control_command;
    control->observer = (struct kith_observer){
        .self = control, .start = start, .turn_ended = turn_ended, .stop = stop};
    kith_observer_add(k, &control->observer);
    return 0;
}
