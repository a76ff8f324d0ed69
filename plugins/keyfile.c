/*
 * keyfile.c - the ring's file, written back after a change.
 *
 * Reading is config's work; here the form of the content is recognised by the key that came out of
 * it, and new content is written beside the file and takes its place in one step. A crash leaves
 * the old ring or the new one, nothing between.
 */
#include "keyfile.h"

#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_MAX = 32, LINE = 96 };

/* Does the file hold this text, with nothing but white space around it? */
static bool holds(const char *file, size_t len, const char *text)
{
    static const char space[] = " \t\r\n";
    while (len && file[len - 1] && strchr(space, file[len - 1])) len--;
    while (len && *file && strchr(space, *file)) file++, len--;
    size_t n = strlen(text);
    while (n && text[n - 1] == '=' && n > len) n--; /* padding may be missing */
    return n == len && strncasecmp(file, text, n) == 0;
}

enum kith_keyfile_form kith_keyfile_form_of(const char *path, struct kith_bytes key)
{
    char old[256], text[LINE + KEY_MAX];
    ssize_t n = kith_file_load(path, old, sizeof old, KITH_FILE_NOW, NULL);
    enum kith_keyfile_form form = KITH_KEYFILE_SERF;
    if (n > 0 && key.len <= KEY_MAX) {
        if ((size_t)n == key.len && sodium_memcmp(old, key.data, key.len) == 0)
            form = KITH_KEYFILE_RAW;
        sodium_bin2hex(text, sizeof text, key.data, key.len);
        if (holds(old, (size_t)n, text)) form = KITH_KEYFILE_HEX;
        sodium_bin2base64(text, sizeof text, key.data, key.len, sodium_base64_VARIANT_ORIGINAL);
        if (holds(old, (size_t)n, text)) form = KITH_KEYFILE_BASE64;
    }
    sodium_memzero(old, sizeof old);
    sodium_memzero(text, sizeof text);
    return form;
}

size_t kith_keyfile_room(size_t count) { return count * LINE + 2 * KEY_MAX + 8; }

size_t kith_keyfile_render(enum kith_keyfile_form form, const struct kith_bytes *keys, size_t count,
                           char *out)
{
    size_t cap = kith_keyfile_room(count);
    if (count == 1 && form == KITH_KEYFILE_RAW) {
        memcpy(out, keys[0].data, keys[0].len);
        return keys[0].len;
    }
    if (count == 1 && form == KITH_KEYFILE_HEX) {
        sodium_bin2hex(out, cap, keys[0].data, keys[0].len);
        strcat(out, "\n");
        return strlen(out);
    }
    bool list = form == KITH_KEYFILE_SERF || count != 1;
    size_t used = 0;
    if (list) used += (size_t)snprintf(out, cap, "[");
    for (size_t i = 0; i < count; i++) {
        char text[LINE];
        sodium_bin2base64(text, sizeof text, keys[i].data, keys[i].len,
                          sodium_base64_VARIANT_ORIGINAL);
        used += (size_t)snprintf(out + used, cap - used, list ? "%s\n  \"%s\"" : "%s%s",
                                 i ? "," : "", text);
        sodium_memzero(text, sizeof text);
    }
    used += (size_t)snprintf(out + used, cap - used, list ? "\n]\n" : "\n");
    return used;
}

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
