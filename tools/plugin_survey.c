/*
 * plugin_survey.c - each file that may be a plugin, looked at in a process of its own.
 *
 * No code of a plugin runs when it is looked at, but the constructors of its file and of its
 * libraries do. They may crash, exit, hang or print: the child does that alone, and says over a
 * pipe what it found; the parent says what became of a child that did not.
 */
#include "plugin_survey.h"

#include "crash.h"
#include "plugin_describe.h"
#include "screen.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000 };

static json_t *unusable(const char *path, const char *error)
{
    return json_pack("{s:o,s:o}", "file", kith_tool_string(path), "error", kith_tool_string(error));
}

/* --------------------------------------------------------------------------------- the child */

static void send_line(int fd, const json_t *o)
{
    char *text = json_dumps(o, JSON_COMPACT);
    size_t len = text ? strlen(text) : 0;
    if (text) text[len++] = '\n'; /* over the NUL, which is not sent */
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, text + done, len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += (size_t)n;
    }
}

/* What constructors read is nothing, what they print is no result of ours. Ends without destructors
 * and exit handlers, which would be the plugin's too. */
static void look(const char *path, int to)
{
    const struct rlimit no_core = {0, 0};
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct kith_error err = {.size = sizeof err};
    kith_tool_ignore_crashes();
    setrlimit(RLIMIT_CORE, &no_core);
    if (nothing >= 0) dup2(nothing, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    struct kith_registry *registry = kith_registry_new("");
    if (!registry) _exit(1);
    const struct kith_plugin *p = kith_registry_find(registry, 0, path, &err);
    send_line(to, p ? kith_describe_plugin(p, kith_registry_path(registry, p))
                    : unusable(path, err.text));
    _exit(0);
}

/* -------------------------------------------------------------------------------- the parent */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The line that the child says. NULL: it said none; *late: because it was still at it. A process
 * that a constructor left behind may hold the pipe open: its end is not waited for. */
static json_t *hear(int from, bool *late)
{
    json_t *said = NULL;
    char *text = NULL, piece[4096];
    size_t len, heard = 0;
    FILE *all = open_memstream(&text, &len);
    struct pollfd p = {.fd = from, .events = POLLIN};
    for (int64_t end = now_ms() + PATIENCE_MS; all && !*late;) {
        int64_t left = end - now_ms();
        int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR) continue;
        ssize_t n = ready > 0 ? read(from, piece, sizeof piece) : 0;
        *late = !ready;
        if (n <= 0) break;
        fwrite(piece, 1, (size_t)n, all);
        heard += (size_t)n;
        if (piece[n - 1] == '\n') break;
    }
    if (!all) return NULL;
    fclose(all);
    if (heard) said = json_loadb(text, heard, 0, NULL);
    free(text);
    return said;
}

static json_t *obituary(const char *path, int status, bool late)
{
    char why[PATH_MAX + 200];
    if (late)
        snprintf(why, sizeof why, "%s: had not been loaded after %d seconds", path,
                 PATIENCE_MS / 1000);
    else if (WIFSIGNALED(status))
        snprintf(why, sizeof why, "%s: crashed while it was being loaded (%s)", path,
                 strsignal(WTERMSIG(status)));
    else
        snprintf(why, sizeof why,
                 "%s: ended the process while it was being loaded (with exit code %d)", path,
                 WEXITSTATUS(status));
    return unusable(path, why);
}

json_t *kith_survey_file(const char *path)
{
    int ends[2], status = 0;
    bool late = false;
    fflush(NULL);
    if (pipe2(ends, O_CLOEXEC) < 0) return NULL;
    pid_t pid = fork();
    if (pid == 0) look(path, ends[1]);
    close(ends[1]);
    json_t *said = pid > 0 ? hear(ends[0], &late) : NULL;
    close(ends[0]);
    if (pid < 0) return unusable(path, "can't start a process to look at it in");
    if (late) kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    return said ? said : obituary(path, status, late);
}

/* --------------------------------------------------------------------------------------- all */

static void add_file(void *list, const char *path)
{
    json_t *o;
    size_t i;
    json_array_foreach((json_t *)list, i, o)
    {
        const char *known = json_string_value(json_object_get(o, "file"));
        if (known && !strcmp(known, path)) return; /* a second way to the same file */
    }
    json_array_append_new(list, kith_survey_file(path));
}

static void add_linked(void *list, const char *path, const struct kith_plugin *p,
                       const struct kith_error *err)
{
    json_array_append_new(list, p ? kith_describe_plugin(p, path) : unusable(path, err->text));
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

static int rank(const json_t *o)
{
    const char *kind = text_of(o, "kind");
    return !strcmp(kind, "transport")  ? 0
           : !strcmp(kind, "codec")    ? 1
           : !strcmp(kind, "delegate") ? 2
                                       : 3;
}

static int by_order(const void *pa, const void *pb)
{
    const json_t *a = *(json_t *const *)pa, *b = *(json_t *const *)pb;
    int order = rank(a) - rank(b);
    if (!order) order = strcmp(text_of(a, "name"), text_of(b, "name"));
    return order ? order : strcmp(text_of(a, "file"), text_of(b, "file"));
}

static json_t *sorted(json_t *list)
{
    size_t n = json_array_size(list);
    json_t **items = calloc(n + 1, sizeof *items), *out = json_array();
    for (size_t i = 0; items && i < n; i++) items[i] = json_array_get(list, i);
    if (items) qsort(items, n, sizeof *items, by_order);
    for (size_t i = 0; items && i < n; i++) json_array_append(out, items[i]);
    free(items);
    json_decref(list);
    return out;
}

json_t *kith_survey(const char *dirs)
{
    struct kith_registry *folders = kith_registry_new(dirs), *linked = kith_registry_new("");
    json_t *list = json_array();
    if (linked) kith_registry_list(linked, add_linked, list);
    if (folders) kith_registry_files(folders, add_file, list);
    kith_registry_free(linked);
    kith_registry_free(folders);
    return sorted(list);
}

struct loading {
    struct kith_registry *registry;
    const char *tool;
};

static void load_file(void *loading, const char *path)
{
    struct loading *l = loading;
    struct kith_error err = {.size = sizeof err};
    json_t *o = kith_survey_file(path);
    const char *bad = text_of(o, "error");
    if (*bad) {
        kith_registry_refuse(l->registry, path, bad);
        fprintf(stderr, "kith %s: left out: %s\n", l->tool, bad);
    } else {
        kith_registry_find(l->registry, 0, path, &err);
    }
    json_decref(o);
}

void kith_survey_load(struct kith_registry *registry, const char *tool)
{
    struct loading loading = {registry, tool};
    kith_registry_files(registry, load_file, &loading);
}

struct folders {
    const char *tool;
    size_t there;
};

static void see_folder(void *folders, const char *path)
{
    struct folders *f = folders;
    struct stat st;
    if (stat(path, &st) != 0)
        fprintf(stderr, "kith %s: %s: %s\n", f->tool, path, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        fprintf(stderr, "kith %s: %s: no folder\n", f->tool, path);
    else
        f->there++;
}

size_t kith_survey_folders(const char *dirs, const char *tool)
{
    struct folders folders = {tool, 0};
    struct kith_registry *registry = kith_registry_new(dirs);
    if (registry) kith_registry_folders(registry, see_folder, &folders);
    kith_registry_free(registry);
    return folders.there;
}
