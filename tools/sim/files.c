/*
 * files.c - see files.h.
 */
#include "files.h"

#include "report.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int no_way(struct kith_error *err, const char *path)
{
    return kith_fail(err, KITH_EIO, "%s: %s", path, strerror(errno));
}

/* --------------------------------------------------------------------------------- whose is it */

/* "0.000000000 n0 start", or "0.000000000 - network ..." */
static bool begins_as_trace(const char *s)
{
    size_t whole = strspn(s, "0123456789"), part;
    if (!whole || s[whole] != '.') return false;
    s += whole + 1;
    part = strspn(s, "0123456789");
    if (part != 9 || s[part] != ' ') return false;
    s += part + 1;
    if (strncmp(s, "- network ", 10) == 0) return true;
    s += strcspn(s, " \n");
    return strncmp(s, " start\n", 7) == 0;
}

static bool begins_as_page(const char *s)
{
    return strncmp(s, "<!DOCTYPE html>", 15) == 0 && strstr(s, "<title>kith sim: ");
}

static bool is_ours(int fd, enum kith_output kind)
{
    char first[512];
    ssize_t n = read(fd, first, sizeof first - 1);
    if (n <= 0) return n == 0;
    first[n] = 0;
    return kind == KITH_OUTPUT_PAGE ? begins_as_page(first) : begins_as_trace(first);
}

/* The folder that a file is made in; malloc'd. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
}

static int check_folder(const char *path, struct kith_error *err)
{
    char *folder = folder_of(path);
    if (!folder) return kith_fail(err, KITH_ENOMEM, "out of memory");
    int rc = access(folder, W_OK | X_OK) == 0 ? 0 : no_way(err, path);
    free(folder);
    return rc;
}

int kith_output_check(const char *path, enum kith_output kind, struct kith_error *err)
{
    static const char *const names[] = {"page", "trace"};
    struct stat there;
    if (stat(path, &there) != 0) return check_folder(path, err);
    if (S_ISDIR(there.st_mode)) return kith_fail(err, KITH_EIO, "%s: %s", path, strerror(EISDIR));
    if (!S_ISREG(there.st_mode)) return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return no_way(err, path);
    bool ours = is_ours(fd, kind);
    close(fd);
    return ours ? 0
                : kith_fail(err, KITH_EEXIST, "%s: it is there already, and is no %s of kith sim",
                            path, names[kind]);
}

/* ------------------------------------------------------------------------------------- a page */

static int write_page(const char *path, int flags, mode_t mode, const struct kith_result *r,
                      struct kith_error *err)
{
    int fd = open(path, flags | O_WRONLY | O_CLOEXEC, mode);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!out) {
        int rc = no_way(err, path);
        if (fd >= 0) close(fd);
        return rc;
    }
    int rc = kith_report_html(out, r);
    if (fclose(out) != 0 && !rc) rc = -KITH_EIO;
    return rc ? kith_fail(err, (enum kith_code) - rc, "can't write %s", path) : 0;
}

/* Beside `path`, with the rights of whom it replaces. */
static int replace(const char *path, const struct kith_result *r, struct kith_error *err)
{
    struct stat there;
    bool old = stat(path, &there) == 0;
    char *part = NULL;
    if (asprintf(&part, "%s.%ld.part", path, (long)getpid()) < 0)
        return kith_fail(err, KITH_ENOMEM, "out of memory");
    int rc = write_page(part, O_CREAT | O_EXCL, 0666, r, err);
    if (!rc && old && chmod(part, there.st_mode & 07777) != 0) rc = no_way(err, part);
    if (!rc && rename(part, path) != 0) rc = no_way(err, path);
    if (rc) unlink(part);
    free(part);
    return rc;
}

/* Where a link points to is replaced, not the link. */
int kith_output_page(const char *path, const struct kith_result *r, struct kith_error *err)
{
    struct stat there;
    bool old = stat(path, &there) == 0;
    if (old && !S_ISREG(there.st_mode)) return write_page(path, 0, 0, r, err);
    char *real = old ? realpath(path, NULL) : NULL;
    int rc = replace(real ? real : path, r, err);
    free(real);
    return rc;
}
