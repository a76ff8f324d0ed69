/*
 * control.c - the control socket: a Unix stream socket, mode 0660, on which each line is a JSON
 * object. To the node it is an observer like any other. Connections of strangers may use up the
 * descriptors: one is kept for the operator.
 */
#include "control_inside.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* -------------------------------------------------------------------------------- the socket */

/* A connection that can't be accepted stays in the queue, and the socket readable: it is not looked
 * at again before there may be a descriptor. */
#define AGAIN_AFTER 250000000u /* ns */

static void keep_reserve(struct kith_control *control)
{
    if (control->reserve < 0) control->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Something of ours that another client may have instead. */
static bool give_up(struct kith_control *control)
{
    if (control->reserve < 0 && !kith_clients_drop_idle(control)) return false;
    if (control->reserve >= 0) close(control->reserve); /* who went may have left one, too */
    control->reserve = -1;
    return true;
}

static bool lacks(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static int accept_one(struct kith_control *control)
{
    int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    /* Where there is no such call; no read or write here waits, whatever the descriptor says. */
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) fd = accept(control->fd, NULL, NULL);
    return fd;
}

static void wait_for_descriptors(struct kith_control *control, int error)
{
    struct kith *k = control->k;
    if (!control->waits)
        kith_node_log(k, KITH_LOG_WARN, "control socket: a client has to wait: %s",
                      strerror(error));
    control->waits = true;
    control->lacked++;
    kith_loop_watch_set(control->watch, 0);
    kith_loop_timer_set(control->again, kith_node_now(k) + AGAIN_AFTER);
}

static void accept_client(void *arg, unsigned events)
{
    struct kith_control *control = arg;
    int fd = accept_one(control), error = errno;
    if (fd < 0 && lacks(error) && give_up(control)) {
        fd = accept_one(control);
        error = errno;
    }
    if (fd >= 0)
        kith_client_new(control, fd);
    else if (error != EAGAIN && error != EINTR && error != ECONNABORTED)
        wait_for_descriptors(control, error);
    if (fd >= 0 || error == EAGAIN) control->waits = false;
    keep_reserve(control);
}

static void accept_again(void *arg)
{
    struct kith_control *control = arg;
    kith_loop_watch_set(control->watch, KITH_READABLE);
}

static void freed(struct kith_control *control)
{
    keep_reserve(control);
    if (control->waits) accept_again(control);
}

static void expire(void *arg)
{
    struct kith_control *control = arg;
    kith_loop_timer_set(control->idle, kith_clients_expire(control));
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
    int code = rc ? errno : 0;
    if (fd >= 0) close(fd);
    if (!code || code == EAGAIN)
        return kith_fail(
            err, KITH_EADDRINUSE,
            "a node is running on control socket %s; give this one another name or `node.control`",
            sa->sun_path);
    if (code != ECONNREFUSED) /* it can't be told whose it is: not ours to take away */
        return kith_fail(err, KITH_EIO, "control socket %s: %s", sa->sun_path, strerror(code));
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
    int rc = kith_control_check_folder(path, err);
    if (!rc) rc = clear_path(&sa, err);
    if (rc) return rc;
    control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Its file is made with the mode that the socket has. */
    if (control->fd < 0 || fchmod(control->fd, 0660) < 0 ||
        bind(control->fd, (struct sockaddr *)&sa, sizeof sa) < 0 || chmod(path, 0660) < 0 ||
        lstat(path, &st) < 0)
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
    struct kith_loop *loop = kith_node_loop(control->k);
    control->watch = kith_loop_watch(loop, control->fd, KITH_READABLE, accept_client, control);
    control->again = kith_loop_timer(loop, accept_again, control);
    control->idle = kith_loop_timer(loop, expire, control);
    control->monitor = kith_monitor_new(control);
    keep_reserve(control);
    bool all = control->watch && control->again && control->idle && control->monitor;
    return all ? 0 : kith_fail(err, KITH_ENOMEM, "out of memory");
}

static void turn_ended(void *self) { kith_clients_turn_ended(self); }

static void stop(void *self)
{
    struct kith_control *control = self;
    kith_clients_close(control);
    kith_monitor_free(control->monitor);
    if (control->watch) kith_loop_watch_free(control->watch);
    if (control->again) kith_loop_timer_free(control->again);
    if (control->idle) kith_loop_timer_free(control->idle);
    if (control->reserve >= 0) close(control->reserve);
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
    control->fd = control->reserve = -1;
    control->idle_limit = KITH_CONTROL_IDLE;
    control->stall_limit = KITH_CONTROL_STALL;
    control->command = kith_control_command;
    control->freed = freed;
    control->observer = (struct kith_observer){
        .self = control, .start = start, .turn_ended = turn_ended, .stop = stop};
    kith_observer_add(k, &control->observer);
    return 0;
}
