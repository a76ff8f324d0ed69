/*
 * registry.c - plugins by kind and name: those linked in, those found in folders.
 *
 * A bare name is looked for in the plugin folders only, never in the system's library path; what
 * the file is called is tried first (NAME.so), then what the others say of themselves, which is
 * read, not loaded: code of a file that nobody named does not run in here. Each file is loaded once
 * and kept; one that was refused is looked at again when it is another. Knows nothing of instances.
 */
#include "crash_note.h"
#include "elf_file.h"
#include "loader.h"
#include "registry.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#ifndef KITH_PLUGINDIR
#error "the compiled-in plugin folder is missing"
#endif

/*
 * One file, or one linked-in struct:
 *
 *   good      `plugin` is set: for good, whatever becomes of the file
 *   refused   `err` says why; nothing of it ran, and next time all of it is looked at again
 *   spoiled   `err` says why, and its code ran: not again, unless another file takes its place
 */
struct item {
    char *path;                 /* absolute and resolved; "" linked in */
    struct kith_plugin *plugin; /* NULL: refused or spoiled */
    struct kith_error err;
    bool spoiled;
    unsigned former;  /* spoiled files of this path, which stay mapped */
    struct stat file; /* as it was when it was loaded */
};

struct kith_registry {
    char **dirs;
    size_t dir_count;
    struct item **items;
    size_t count;
    char **names; /* the last answer of names(); ends with NULL */
};

/* ------------------------------------------------------------------------------------- items */

static void item_free(struct item *item)
{
    if (!item) return;
    free(item->path);
    free(item->plugin);
    free(item);
}

/* Takes the item over, also when it fails. */
static struct item *keep(struct kith_registry *r, struct item *item)
{
    struct item **more =
        item && item->path ? realloc(r->items, (r->count + 1) * sizeof *more) : NULL;
    if (!more) {
        item_free(item);
        return NULL;
    }
    r->items = more;
    return more[r->count++] = item;
}

static struct item *item_new(const char *path)
{
    struct item *item = calloc(1, sizeof *item);
    if (!item) return NULL;
    item->err.size = sizeof item->err;
    item->path = strdup(path);
    return item;
}

/* Put the path in front of what abi.c said. */
static void add_path(struct kith_error *err, const char *path)
{
    char text[sizeof err->text];
    memcpy(text, err->text, sizeof text);
    snprintf(err->text, sizeof err->text, "%s: %.*s", path, (int)(sizeof text / 2), text);
}

static struct item *known(const struct kith_registry *r, const char *path)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->items[i]->path, path) == 0) return r->items[i];
    return NULL;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void note_file(struct item *item)
{
    if (stat(item->path, &item->file) != 0) memset(&item->file, 0, sizeof item->file);
}

/* Does what is on disk now deserve a look? What was written over while it is mapped never does: the
 * linker would take the old one for it, half changed as it is. */
static bool worth_a_look(const struct item *item)
{
    struct stat now;
    if (item->plugin) return false;
    if (!item->spoiled) return true;
    return stat(item->path, &now) == 0 &&
           (now.st_dev != item->file.st_dev || now.st_ino != item->file.st_ino);
}

/* Nothing new is to be had from this file. */
static bool settled(const struct kith_registry *r, const char *path)
{
    const struct item *item = known(r, path);
    return item && !worth_a_look(item);
}

static void look(struct item *item)
{
    struct kith_mapped mapped;
    item->former += item->spoiled;
    item->err = (struct kith_error){.size = sizeof item->err};
    note_file(item);
    const struct kith_crash_note note = {item->path, "loaded"}; /* constructors run */
    const struct kith_crash_note *outer = kith_crash_note_set(&note);
    if (kith_loader_open(item->path, item->former, &mapped, &item->err) == 0 &&
        kith_abi_copy(&item->plugin, mapped.raw, mapped.extent, &item->err) != 0)
        add_path(&item->err, item->path);
    item->spoiled = mapped.ran && !item->plugin;
    kith_crash_note_set(outer);
}

static void say_written_over(struct item *item)
{
    struct stat now;
    if (!item->spoiled || stat(item->path, &now) != 0 || same_file(&now, &item->file)) return;
    kith_fail(&item->err, KITH_EINVAL,
              "%s: was refused, and written over since, while it is mapped: put a new file in its "
              "place, or start anew",
              item->path);
}

/* Load a file, or find it among those loaded. NULL: no memory. path: resolved. */
static struct item *load(struct kith_registry *r, const char *path)
{
    struct item *item = known(r, path);
    if (!item) item = keep(r, item_new(path));
    if (!item) return NULL;
    if (worth_a_look(item))
        look(item);
    else if (!item->plugin)
        say_written_over(item);
    return item;
}

void kith_registry_refuse(struct kith_registry *r, const char *path, const char *why)
{
    struct item *item = known(r, path) ? NULL : keep(r, item_new(path));
    if (!item) return;
    kith_fail(&item->err, KITH_EINVAL, "%s", why);
    item->spoiled = true;
    note_file(item);
}

static int add_linked(struct kith_registry *r)
{
    for (const struct kith_plugin *const *p = kith_static_plugins; *p; p++) {
        struct item *item = keep(r, item_new(""));
        if (!item) return -KITH_ENOMEM;
        kith_abi_copy(&item->plugin, *p, 0, &item->err);
    }
    return 0;
}

/* ----------------------------------------------------------------------------------- folders */

static int add_dirs(struct kith_registry *r, const char *list)
{
    while (list && *list) {
        size_t len = strcspn(list, ":");
        if (len) {
            char **more = realloc(r->dirs, (r->dir_count + 1) * sizeof *more);
            if (!more) return -KITH_ENOMEM;
            r->dirs = more;
            if (!(more[r->dir_count] = strndup(list, len))) return -KITH_ENOMEM;
            r->dir_count++;
        }
        list += len;
        if (*list) list++;
    }
    return 0;
}

struct kith_registry *kith_registry_new(const char *dirs)
{
    struct kith_registry *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    int rc = add_linked(r);
    const char *env = secure_getenv("KITH_PLUGIN_PATH");
    if (!rc) rc = add_dirs(r, dirs ? dirs : env && *env ? env : KITH_PLUGINDIR);
    if (rc) {
        kith_registry_free(r);
        return NULL;
    }
    return r;
}

static void free_names(struct kith_registry *r)
{
    for (char **name = r->names; name && *name; name++) free(*name);
    free(r->names);
    r->names = NULL;
}

void kith_registry_free(struct kith_registry *r)
{
    if (!r) return;
    for (size_t i = 0; i < r->count; i++) item_free(r->items[i]);
    for (size_t i = 0; i < r->dir_count; i++) free(r->dirs[i]);
    free(r->items);
    free(r->dirs);
    free_names(r);
    free(r);
}

static bool is_so(const char *file)
{
    size_t len = strlen(file);
    return len > 3 && strcmp(file + len - 3, ".so") == 0 && *file != '.';
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every .so of a folder, in the order of their names; links that lead nowhere too. A folder that
 * isn't there holds nothing. */
static void visit_dir(const char *dir, void (*visit)(void *arg, const char *path), void *arg)
{
    DIR *d = opendir(dir);
    if (!d) return;
    char **files = NULL;
    size_t n = 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (!is_so(e->d_name)) continue;
        char **more = realloc(files, (n + 1) * sizeof *more);
        if (!more) break;
        files = more;
        if ((files[n] = strdup(e->d_name))) n++;
    }
    closedir(d);
    if (n) qsort(files, n, sizeof *files, by_text);
    for (size_t i = 0; i < n; i++) {
        char path[PATH_MAX], real[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", dir, files[i]) < (int)sizeof path)
            visit(arg, realpath(path, real) ? real : path);
        free(files[i]);
    }
    free(files);
}

void kith_registry_files(struct kith_registry *r, void (*visit)(void *arg, const char *path),
                         void *arg)
{
    for (size_t i = 0; i < r->dir_count; i++) visit_dir(r->dirs[i], visit, arg);
}

void kith_registry_folders(const struct kith_registry *r,
                           void (*visit)(void *arg, const char *path), void *arg)
{
    for (size_t i = 0; i < r->dir_count; i++) visit(arg, r->dirs[i]);
}

/* -------------------------------------------------------------------------------------- find */

static const struct kith_plugin *refuse(struct kith_error *err, const struct kith_error *why)
{
    kith_fail(err, (enum kith_code)(-why->code), "%s", why->text);
    return NULL;
}

/* The plugin of an item, when it is what was asked for. name: NULL when a file was asked for. */
static const struct kith_plugin *accept_item(const struct item *item, enum kith_kind kind,
                                             const char *name, struct kith_error *err)
{
    const struct kith_plugin *p = item->plugin;
    if (!p) return refuse(err, &item->err);
    if (name && strcmp(p->name, name) != 0)
        kith_fail(err, KITH_EINVAL,
                  "%s: wanted `%s`, but the plugin in this file calls itself `%s`", item->path,
                  name, p->name);
    else if (kind && p->kind != (uint32_t)kind)
        kith_fail(err, KITH_EINVAL, "%s%s`%s` is a %s, not a %s", item->path,
                  *item->path ? ": " : "", p->name, kith_abi_kind(p->kind), kith_abi_kind(kind));
    else
        return p;
    return NULL;
}

static const struct kith_plugin *find_path(struct kith_registry *r, enum kith_kind kind,
                                           const char *path, struct kith_error *err)
{
    char real[PATH_MAX];
    bool there = realpath(path, real);
    int why = errno;
    /* A file that is gone goes on in those that run from it, as one does that is found by name. */
    struct item *item = there ? load(r, real) : known(r, path);
    if (!there && !item) {
        kith_fail(err, KITH_ENOTFOUND, "%s: %s", path, strerror(why));
        return NULL;
    }
    if (!item) {
        kith_fail(err, KITH_ENOMEM, "no memory to load %s", real);
        return NULL;
    }
    return accept_item(item, kind, NULL, err);
}

static const struct kith_plugin *by_name(const struct kith_registry *r, enum kith_kind kind,
                                         const char *name, bool linked)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct item *item = r->items[i];
        if (item->plugin && item->plugin->kind == (uint32_t)kind &&
            strcmp(item->plugin->name, name) == 0 && (!linked || !*item->path))
            return item->plugin;
    }
    return NULL;
}

static bool has_dir(const struct kith_registry *r, const char *dir, size_t len)
{
    for (size_t i = 0; i < r->dir_count; i++)
        if (strlen(r->dirs[i]) == len && memcmp(r->dirs[i], dir, len) == 0) return true;
    return false;
}

/* Is the installed folder missed because the environment names others? */
static bool replaced(const struct kith_registry *r)
{
    const char *env = secure_getenv("KITH_PLUGIN_PATH");
    return env && *env && has_dir(r, env, strcspn(env, ":")) &&
           !has_dir(r, KITH_PLUGINDIR, strlen(KITH_PLUGINDIR));
}

static void not_found(const struct kith_registry *r, enum kith_kind kind, const char *name,
                      struct kith_error *err)
{
    char dirs[280] = "";
    for (size_t i = 0; i < r->dir_count; i++) {
        size_t used = strlen(dirs);
        struct stat st;
        bool there = stat(r->dirs[i], &st) == 0 && S_ISDIR(st.st_mode);
        snprintf(dirs + used, sizeof dirs - used, "%s%s%s", i ? ", " : "", r->dirs[i],
                 there ? "" : " (no such folder)");
    }
    bool missed = replaced(r);
    kith_fail(err, KITH_ENOTFOUND, "no %s `%s`: looked in %s%s%s%s", kith_abi_kind(kind), name,
              *dirs ? dirs : "no folder at all",
              missed ? "; KITH_PLUGIN_PATH replaces the installed folder " : "",
              missed ? KITH_PLUGINDIR : "", missed ? ": add it" : "");
}

/* The file whose plugin calls itself as is wanted: of the wanted kind, or else of any. */
struct search {
    const struct kith_registry *registry;
    enum kith_kind kind;
    const char *name;
    char path[PATH_MAX]; /* "": none yet */
    bool right;          /* it is of the wanted kind */
};

static void try_file(void *search, const char *path)
{
    struct search *s = search;
    uint32_t kind;
    char name[64];
    if (s->right || settled(s->registry, path) || !kith_elf_plugin(path, &kind, name) ||
        strcmp(name, s->name) != 0)
        return;
    s->right = kind == (uint32_t)s->kind;
    if (s->right || !*s->path) snprintf(s->path, sizeof s->path, "%s", path);
}

static const struct kith_plugin *find_name(struct kith_registry *r, enum kith_kind kind,
                                           const char *name, struct kith_error *err)
{
    const struct kith_plugin *p = by_name(r, kind, name, true);
    if (p) return p;
    for (size_t i = 0; i < r->dir_count; i++) {
        char path[PATH_MAX], real[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s.so", r->dirs[i], name) >= (int)sizeof path ||
            !realpath(path, real))
            continue;
        struct kith_error folder = {.size = sizeof folder};
        if (kith_loader_trust(path, &folder) != 0) return refuse(err, &folder);
        struct item *item = load(r, real);
        if (item) return accept_item(item, kind, name, err);
    }
    p = by_name(r, kind, name, false);
    if (p) return p;
    struct search s = {.registry = r, .kind = kind, .name = name};
    kith_registry_files(r, try_file, &s);
    struct item *item = *s.path ? load(r, s.path) : NULL;
    if (item) return accept_item(item, kind, name, err);
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i]->plugin && strcmp(r->items[i]->plugin->name, name) == 0)
            return accept_item(r->items[i], kind, name, err);
    not_found(r, kind, name, err);
    return NULL;
}

const struct kith_plugin *kith_registry_find(struct kith_registry *r, enum kith_kind kind,
                                             const char *name, struct kith_error *err)
{
    if (strchr(name, '/')) return find_path(r, kind, name, err);
    if (kith_abi_name_ok(name)) return find_name(r, kind, name, err);
    kith_fail(err, KITH_EINVAL,
              "`%.64s` is not a plugin's name (a-z 0-9 _) and not a path (no slash in it)", name);
    return NULL;
}

/* -------------------------------------------------------------------------------------- list */

/* By kind and name; those that can't be used last, by path. */
static int by_order(const void *pa, const void *pb)
{
    const struct item *a = *(struct item *const *)pa, *b = *(struct item *const *)pb;
    if (!a->plugin != !b->plugin) return a->plugin ? -1 : 1;
    int order = 0;
    if (a->plugin) {
        order = (a->plugin->kind > b->plugin->kind) - (a->plugin->kind < b->plugin->kind);
        if (!order) order = strcmp(a->plugin->name, b->plugin->name);
    }
    return order ? order : strcmp(a->path, b->path);
}

static void load_one(void *registry, const char *path) { load(registry, path); }

void kith_registry_list(struct kith_registry *r,
                        void (*visit)(void *arg, const char *path, const struct kith_plugin *,
                                      const struct kith_error *),
                        void *arg)
{
    kith_registry_files(r, load_one, r);
    struct item **sorted = r->count ? malloc(r->count * sizeof *sorted) : NULL;
    if (!sorted) return;
    size_t n = r->count;
    memcpy(sorted, r->items, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_order);
    for (size_t i = 0; i < n; i++)
        visit(arg, sorted[i]->path, sorted[i]->plugin, sorted[i]->plugin ? NULL : &sorted[i]->err);
    free(sorted);
}

bool kith_registry_replaced(const struct kith_registry *r, const struct kith_plugin *plugin)
{
    struct stat now;
    for (size_t i = 0; i < r->count; i++) {
        const struct item *item = r->items[i];
        if (item->plugin != plugin) continue;
        return *item->path && (stat(item->path, &now) != 0 || !same_file(&now, &item->file));
    }
    return false;
}

const char *kith_registry_path(const struct kith_registry *r, const struct kith_plugin *plugin)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i]->plugin == plugin) return r->items[i]->path;
    return "";
}

/* -------------------------------------------------------------------------------- for config */

static const struct kith_plugin *finder_find(void *ctx, enum kith_kind kind, const char *name,
                                             struct kith_error *err)
{
    return kith_registry_find(ctx, kind, name, err);
}

struct names {
    struct kith_registry *registry;
    uint32_t kind;
    size_t count;
};

static void add_name(struct names *n, const char *name)
{
    struct kith_registry *r = n->registry;
    char **more = realloc(r->names, (n->count + 2) * sizeof *more);
    if (!more) return;
    r->names = more;
    more[n->count] = strdup(name);
    if (more[n->count]) n->count++;
    more[n->count] = NULL;
}

static void add_file(void *names, const char *path)
{
    struct names *n = names;
    uint32_t kind;
    char name[64];
    if (!settled(n->registry, path) && kith_elf_plugin(path, &kind, name) && kind == n->kind)
        add_name(n, name);
}

static const char *const *finder_names(void *ctx, enum kith_kind kind)
{
    static const char *const none[] = {NULL};
    struct kith_registry *r = ctx;
    struct names n = {r, (uint32_t)kind, 0};
    free_names(r);
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i]->plugin && r->items[i]->plugin->kind == n.kind)
            add_name(&n, r->items[i]->plugin->name);
    kith_registry_files(r, add_file, &n);
    if (!n.count) return none;
    qsort(r->names, n.count, sizeof *r->names, by_text);
    size_t kept = 1;
    for (size_t i = 1; i < n.count; i++)
        if (strcmp(r->names[kept - 1], r->names[i]) != 0)
            r->names[kept++] = r->names[i];
        else
            free(r->names[i]);
    r->names[kept] = NULL;
    return (const char *const *)r->names;
}

struct kith_config_finder kith_registry_finder(struct kith_registry *r)
{
    struct kith_config_finder finder = {.ctx = r, .find = finder_find, .names = finder_names};
    return finder;
}
