/*
 * keyfile.c - the ring's file, written back after a change: new content (keyfile_form.c) is written
 * beside the file and takes its place in one step. A crash leaves the old ring or the new one,
 * nothing between.
 */
#include "keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* The rename itself must reach the disk, too. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    size_t len = (size_t)(strrchr(path, '/') - path);
    memcpy(folder, path, len);
    strcpy(folder + len, len ? "" : "/");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

static int replace(const char *real, const char *data, size_t len, struct kith_error *err)
{
    char temp[PATH_MAX];
    struct stat was;
    bool known = stat(real, &was) == 0;
    if (snprintf(temp, sizeof temp, "%s.XXXXXX", real) >= (int)sizeof temp)
        return kith_fail(err, KITH_ETOOBIG, "%.100s...: path too long", real);
    int fd = mkstemp(temp); /* made with mode 0600 */
    if (fd < 0) return kith_fail(err, KITH_EIO, "%s: %s", temp, strerror(errno));
    int bad = fchmod(fd, 0600) || write_all(fd, data, len);
    if (!bad && known && geteuid() == 0) bad = fchown(fd, was.st_uid, was.st_gid);
    bad = bad || fsync(fd);
    int code = errno;
    close(fd);
    if (!bad && rename(temp, real) == 0) {
        sync_folder(real);
        return 0;
    }
    if (!bad) code = errno;
    unlink(temp);
    return kith_fail(err, KITH_EIO, "%s: %s", real, strerror(code));
}

int kith_keyfile_write(const char *path, enum kith_keyfile_form form, const struct kith_bytes *keys,
                       size_t count, struct kith_error *err)
{
    char real[PATH_MAX];
    if (!realpath(path, real)) return kith_fail(err, KITH_EIO, "%s: %s", path, strerror(errno));
    char *text = sodium_malloc(kith_keyfile_room(count));
    if (!text) return kith_fail(err, KITH_ENOMEM, "no memory to write %s", path);
    size_t len = kith_keyfile_render(form, keys, count, text);
    int rc = replace(real, text, len, err);
    sodium_free(text);
    return rc;
}
