/*
 * loader.c - from a file name to the plugin struct in it.
 *
 * Everything that can go wrong between a path and a symbol is said in words here. What the struct
 * says is abi.c's matter, where to look for files registry.c's. A file that was mapped stays
 * mapped: there is no dlclose, because code may have left threads, timers or destructors behind.
 */
#include "loader.h"

#include "elf_file.h"
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NEWEST_MAJOR_LOOKED_FOR = 16 };

/* Group 0 is root's own group. The owner is not looked at: a build tree may belong to whoever built
 * it. */
static int writable_by_others(const char *path, const char *what, struct kith_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return kith_fail(err, KITH_ENOTFOUND, "%s: %s", path, strerror(errno));
    if (st.st_mode & S_IWOTH)
        return kith_fail(
            err, KITH_EACCES,
            "%s: refused while running as root: anybody may write to this %s (chmod o-w)", path,
            what);
    if ((st.st_mode & S_IWGRP) && st.st_gid != 0)
        return kith_fail(
            err, KITH_EACCES,
            "%s: refused while running as root: group %u may write to this %s (chmod g-w)", path,
            (unsigned)st.st_gid, what);
    return 0;
}

int kith_loader_trust(const char *path, struct kith_error *err)
{
    if (geteuid() != 0) return 0;
    int rc = writable_by_others(path, "file", err);
    if (rc) return rc;
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    if (len >= sizeof folder) return kith_fail(err, KITH_ETOOBIG, "%.100s...: path too long", path);
    memcpy(folder, path, len);
    folder[len] = 0;
    return writable_by_others(len ? folder : "/", "folder", err);
}

/* dlerror's text often begins with the path that it was given; we print the file's anyway. */
static int dl_fail(const char *path, const char *as, struct kith_error *err)
{
    const char *text = dlerror();
    if (!text) text = "unknown error of the dynamic linker";
    size_t len = strlen(as);
    if (strncmp(text, as, len) == 0 && text[len] == ':') {
        text += len + 1;
        text += strspn(text, " ");
    }
    return kith_fail(err, KITH_EINVAL, "%s: cannot be loaded: %s", path, text);
}

static int no_symbol(void *handle, const char *path, struct kith_error *err)
{
    for (int major = KITH_ABI_MAJOR + 1; major <= NEWEST_MAJOR_LOOKED_FOR; major++) {
        char symbol[32];
        snprintf(symbol, sizeof symbol, "kith_plugin_v%d", major);
        if (dlsym(handle, symbol))
            return kith_fail(err, KITH_EUNSUPPORTED,
                             "%s: made for plugin ABI %d only, this Kith speaks ABI %d: it needs a "
                             "newer Kith, or an older "
                             "build of the plugin",
                             path, major, KITH_ABI_MAJOR);
    }
    return kith_fail(err, KITH_EINVAL, "%s: not a Kith plugin: it has no symbol %s", path,
                     KITH_PLUGIN_SYMBOL);
}

/* The linker takes a path that it knows for the file that it has, without a look at the disk. So a
 * file that took the place of one that stays mapped gets a path that it does not know: with a "./"
 * for each of them. */
static int detour(char out[PATH_MAX], const char *path, unsigned former, struct kith_error *err)
{
    const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
    size_t len = (size_t)(file - path), name = strlen(file);
    if (former > PATH_MAX / 4 || len + 2 * (size_t)former + name >= PATH_MAX)
        return kith_fail(err, KITH_ETOOBIG, "%.100s...: path too long", path);
    memcpy(out, path, len);
    for (unsigned i = 0; i < former; i++, len += 2) memcpy(out + len, "./", 2);
    memcpy(out + len, file, name + 1);
    return 0;
}

int kith_loader_open(const char *path, unsigned former, struct kith_mapped *out,
                     struct kith_error *err)
{
    char as[PATH_MAX];
    *out = (struct kith_mapped){0};
    int rc = kith_loader_trust(path, err);
    if (!rc) rc = kith_elf_check(path, err);
    if (!rc) rc = detour(as, path, former, err);
    if (rc) return rc;
    void *handle = dlopen(as, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE); /* runs constructors */
    if (!handle) return dl_fail(path, as, err);
    out->ran = true;
    out->raw = dlsym(handle, KITH_PLUGIN_SYMBOL);
    if (!out->raw) return no_symbol(handle, path, err);
#ifdef __GLIBC__ /* RTLD_DL_SYMENT is no macro */
    Dl_info info;
    const ElfW(Sym) *sym = NULL;
    if (dladdr1(out->raw, &info, (void **)&sym, RTLD_DL_SYMENT) && sym && info.dli_sname &&
        strcmp(info.dli_sname, KITH_PLUGIN_SYMBOL) == 0)
        out->extent = sym->st_size;
#endif
    return 0;
}
