/*
 * secret_load.c - keys read from where they are: a file, a variable, a descriptor, a directory
 * (systemd's credentials) or the text of the config itself.
 *
 * A source holds one key, or a Serf keyring (a JSON list of base64). No key, nor any part of one,
 * is ever in a message. Knows nothing of how the config names a source (key_sources.c).
 */
#include "file.h"
#include "secret.h"
#include "utf8.h"
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { SOURCE_MAX = 64 << 10, FILES_MAX = 64, KEYS_MAX = 256 };

struct loading {
    struct kith_secrets *into;
    uint32_t source; /* index */
    struct kith_pos pos;
    int wait; /* for what is no plain file */
    struct kith_diag *diag;
};

static const char FORMS[] =
    "a key is 16, 24 or 32 bytes in base64, in hex or raw, or a Serf keyring (JSON); "
    "make one: head -c 32 /dev/urandom | base64";

static int add_serf_ring(struct loading *l, const char *name, const char *text, size_t len)
{
    json_error_t err;
    json_t *ring = json_loadb(text, len, 0, &err);
    int rc = json_is_array(ring) ? 0 : -KITH_EINVAL;
    if (rc)
        kith_diag_error(l->diag, l->pos, "a Serf keyring is a JSON list of base64 texts",
                        "%s is no valid keyring", name);
    size_t count = json_array_size(ring);
    if (rc == 0 && !count) {
        kith_diag_error(l->diag, l->pos, FORMS, "%s holds no key", name);
        rc = -KITH_EINVAL;
    }
    if (rc == 0 && count > KEYS_MAX) {
        kith_diag_error(l->diag, l->pos, NULL, "%s has more than %d keys", name, KEYS_MAX);
        rc = -KITH_ETOOBIG;
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        json_t *item = json_array_get(ring, i);
        if (json_is_string(item))
            rc = kith_secrets_add_text(l->into, l->source, json_string_value(item),
                                       json_string_length(item), false);
        else
            rc = -KITH_EINVAL;
        if (rc) kith_diag_error(l->diag, l->pos, FORMS, "key %zu in %s is not valid", i + 1, name);
        if (json_is_string(item))
            sodium_memzero((void *)(uintptr_t)json_string_value(item), json_string_length(item));
    }
    json_decref(ring);
    return rc;
}

/* Asked before raw keys are thought of: the ring that Serf writes for one key of 16 bytes is a text
 * of 32. */
static bool is_list(const char *text, size_t len)
{
    json_t *list = *text == '[' ? json_loadb(text, len, 0, NULL) : NULL, *item;
    size_t i;
    bool yes = json_is_array(list);
    json_array_foreach(list, i, item) if (json_is_string(item))
        sodium_memzero((void *)(uintptr_t)json_string_value(item), json_string_length(item));
    json_decref(list);
    return yes;
}

/* Editors on other systems write a byte order mark first; a raw key may begin with its bytes. */
static size_t mark_of(const char *text, size_t len)
{
    return len == 16 || len == 24 || len == 32 ? 0 : kith_utf8_mark(text, len);
}

static int add_content(struct loading *l, const char *name, const char *text, size_t len)
{
    size_t from = 0, mark = mark_of(text, len);
    text += mark;
    len -= mark;
    while (from < len && strchr(" \t\r\n", text[from]) && text[from]) from++;
    if (from == len) {
        kith_diag_error(l->diag, l->pos, FORMS, "%s holds no key", name);
        return -KITH_EINVAL;
    }
    if (is_list(text + from, len - from)) return add_serf_ring(l, name, text + from, len - from);
    if (kith_secrets_add_text(l->into, l->source, text, len, true) == 0) return 0;
    if (text[from] == '[') return add_serf_ring(l, name, text + from, len - from);
    kith_diag_error(l->diag, l->pos, FORMS, "%s does not hold a key", name);
    return -KITH_EINVAL;
}

static int read_fd(struct loading *l, const char *name, int fd, const struct stat *st)
{
    uint8_t *text = kith_secret_alloc(SOURCE_MAX);
    ssize_t n = kith_file_take(fd, text, SOURCE_MAX, l->wait);
    int rc;
    if (n < 0) {
        rc = -KITH_EIO;
        kith_diag_error(l->diag, l->pos, NULL, "can't read %s: %s", name, kith_file_why(n, st));
    } else if (n == SOURCE_MAX) {
        rc = -KITH_ETOOBIG;
        kith_diag_error(l->diag, l->pos, FORMS, "%s is larger than %d KiB: no key file", name,
                        SOURCE_MAX >> 10);
    } else {
        rc = add_content(l, name, (const char *)text, (size_t)n);
    }
    kith_secret_free(text);
    return rc;
}

static void check_mode(struct loading *l, const char *name, const char *path, const struct stat *st)
{
    if (!(st->st_mode & (S_IROTH | S_IWOTH))) return;
    char help[300];
    snprintf(help, sizeof help, "chmod %s %s", st->st_mode & S_IRGRP ? "640" : "600", path);
    kith_diag_warning(l->diag, l->pos, help, "%s can be %s by every user of this machine", name,
                      st->st_mode & S_IWOTH ? "written" : "read");
}

static int load_file(struct loading *l, const char *path)
{
    char name[400];
    snprintf(name, sizeof name, "key file '%s'", path);
    struct stat st;
    int fd = kith_file_open(path, &st), rc;
    if (fd < 0) {
        const char *help =
            fd == -EACCES ? "run as its owner, or let the user that runs kith read it" : NULL;
        kith_diag_error(l->diag, l->pos, help, "can't read %s: %s", name, kith_file_why(fd, &st));
        rc = -KITH_EIO;
    } else if (S_ISDIR(st.st_mode)) {
        kith_diag_error(l->diag, l->pos, "write { dir: ... } to take every file in it as a key",
                        "%s is a directory", name);
        rc = -KITH_EINVAL;
    } else {
        check_mode(l, name, path, &st);
        rc = read_fd(l, name, fd, &st);
    }
    if (fd >= 0) close(fd);
    return rc;
}

static int load_env(struct loading *l, const char *variable)
{
    char name[200];
    const char *text = getenv(variable);
    snprintf(name, sizeof name, "variable '%s'", variable);
    if (text) return add_content(l, name, text, strlen(text));
    kith_diag_error(l->diag, l->pos, NULL, "%s is not set", name);
    return -KITH_ENOTFOUND;
}

/* A pipe gives its key once; a file behind a descriptor is read from its start each time. */
static int load_fd(struct loading *l, const char *number)
{
    char name[64];
    struct stat st = {0};
    int fd = atoi(number);
    snprintf(name, sizeof name, "descriptor %d", fd);
    (void)fstat(fd, &st);
    lseek(fd, 0, SEEK_SET);
    return read_fd(l, name, fd, &st);
}

static int visible_file(const struct dirent *d) { return d->d_name[0] != '.'; }

static int load_dir(struct loading *l, const char *path)
{
    struct dirent **files = NULL;
    int n = scandir(path, &files, visible_file, alphasort), rc = 0;
    size_t before = l->into->count;
    if (n < 0) {
        kith_diag_error(l->diag, l->pos, NULL, "can't read key directory '%s': %s", path,
                        strerror(errno));
        return -KITH_EIO;
    }
    l->wait = KITH_FILE_NOW; /* else each of many that are silent would be waited for */
    for (int i = 0; i < n; i++) {
        char file[4096];
        struct stat st;
        snprintf(file, sizeof file, "%s/%s", path, files[i]->d_name);
        if (stat(file, &st) == 0 && S_ISDIR(st.st_mode)) {
        } else if (i < FILES_MAX && load_file(l, file) < 0)
            rc = -KITH_EINVAL;
        free(files[i]);
    }
    free(files);
    if (n > FILES_MAX) {
        kith_diag_error(l->diag, l->pos, NULL, "key directory '%s' has more than %d files", path,
                        FILES_MAX);
        rc = -KITH_ETOOBIG;
    } else if (rc == 0 && l->into->count == before) {
        kith_diag_error(l->diag, l->pos, NULL,
                        "key directory '%s' holds no key that is not known already", path);
        rc = -KITH_ENOTFOUND;
    }
    return rc;
}

/* Said once, by whichever thread comes first: the limit is the process's. */
static void warn_unlocked(struct kith_diag *diag)
{
    static atomic_bool said;
    if (atomic_load(&said) || sodium_init() < 0) return;
    long page = sysconf(_SC_PAGESIZE);
    uint8_t *probe = aligned_alloc((size_t)page, (size_t)page);
    if (probe && sodium_mlock(probe, (size_t)page) != 0) {
        int why = errno;
        if (!atomic_exchange(&said, true))
            kith_diag_warning(
                diag, (struct kith_pos){0},
                "raise the limit on locked memory: LimitMEMLOCK= in a systemd unit, ulimit -l",
                "keys can't be locked in memory and may reach the swap: %s", strerror(why));
    } else if (probe) {
        sodium_munlock(probe, (size_t)page);
    }
    free(probe);
}

/* The text of a literal is gone since it was read: its key moves over. */
static void keep_literal(struct loading *l, const struct kith_secrets *old)
{
    for (size_t i = 0; i < old->count; i++)
        if (old->items[i].source == l->source)
            kith_secrets_add_from(l->into, l->source, old->items[i].data, old->items[i].len);
}

int kith_secrets_load(struct kith_secrets *s, int wait, struct kith_diag *diag)
{
    struct kith_secrets fresh = {s->sources, s->source_count, NULL, 0};
    int rc = 0;
    for (size_t i = 0; i < s->source_count; i++) {
        struct loading l = {&fresh, (uint32_t)i, s->sources[i].pos, wait, diag};
        int one = 0;
        switch (s->sources[i].kind) {
        case KITH_KEYS_FILE: one = load_file(&l, s->sources[i].where); break;
        case KITH_KEYS_ENV: one = load_env(&l, s->sources[i].where); break;
        case KITH_KEYS_FD: one = load_fd(&l, s->sources[i].where); break;
        case KITH_KEYS_DIR: one = load_dir(&l, s->sources[i].where); break;
        case KITH_KEYS_LITERAL: keep_literal(&l, s); break;
        default: one = -KITH_EINVAL; break;
        }
        if (one < 0) rc = one;
    }
    kith_secrets_free(s);
    *s = fresh;
    if (s->count) warn_unlocked(diag);
    return rc;
}
