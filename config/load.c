/*
 * load.c - a file from its bytes to a checked struct kith_config, or to all that is wrong with it.
 *
 * The order of the steps: the profile, because defaults depend on it; every key (schema.c); the
 * pipeline (chain.c); rules between values (consistency.c). Knows no key but those that need it.
 */
#include "file.h"
#include "schema.h"
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Other defaults depend on it: look before the rest is read. Mistakes are reported when its turn
 * comes. */
static unsigned find_profile(const struct kith_yaml *root)
{
    static const char *const words[] = {"lan", "wan", "local"};
    const struct kith_yaml *v = kith_yaml_get(kith_yaml_get(root, "node"), "profile");
    for (unsigned i = 0; v && i < 3; i++)
        if (strcmp(v->text, words[i]) == 0) return i;
    return KITH_PROFILE_LAN;
}

/* memberlist's default name. */
static void default_name(struct kith_reading *r)
{
    char host[HOST_NAME_MAX + 1] = "";
    if (r->config->settings.name) return;
    if (gethostname(host, sizeof host - 1) != 0 || !*host) snprintf(host, sizeof host, "localhost");
    r->config->settings.name = kith_arena_strdup(r->arena, host);
    kith_provenance_set(r->config->provenances, "node.name", KITH_FROM_NOTE, (struct kith_pos){0},
                        (struct kith_pos){0}, "the host's name");
}

static void warn_readable(struct kith_reading *r, const char *path)
{
    struct stat st;
    char help[300];
    if (!r->literal_secret || !*path || stat(path, &st) != 0 || !(st.st_mode & (S_IROTH | S_IWOTH)))
        return;
    snprintf(help, sizeof help,
             "chmod 600 %s, or keep the key in a file of its own: { file: PATH }", path);
    kith_diag_warning(r->diag, (struct kith_pos){0}, help,
                      "the file holds a key, and every user of this machine can read it");
}

/* The folder of the file, absolute, so that a path in it means the same wherever it is used. Text
 * that came from no file lies in no folder; what is piped in lies where we are. */
static const char *folder_of(struct kith_arena *arena, const char *path)
{
    char real[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *dir = !slash          ? "."
                      : slash == path ? "/"
                                      : kith_arena_strndup(arena, path, (size_t)(slash - path));
    if (!*path) return "";
    return kith_arena_strdup(arena, realpath(dir, real) ? real : slash ? dir : "");
}

static int wait_of(const struct kith_config_finder *finder)
{
    return finder && finder->running ? KITH_FILE_NOW : KITH_FILE_PATIENT;
}

static struct kith_reading *begin(const char *path, unsigned profile, struct kith_arena *temp,
                                  const struct kith_config_finder *finder, struct kith_diag *diag)
{
    struct kith_arena *arena = kith_arena_new();
    struct kith_reading *r = kith_arena_alloc(arena, sizeof *r);
    r->diag = diag;
    r->arena = arena;
    r->temp = temp;
    r->finder = finder;
    r->wait = wait_of(finder);
    r->profile = profile;
    r->read_type = kith_node_type_read;
    r->sections = kith_sections;
    r->dir = folder_of(arena, path);
    r->config = kith_arena_alloc(arena, sizeof *r->config);
    kith_config_init(r->config, profile);
    r->config->arena = arena;
    r->config->path = kith_arena_strdup(arena, path);
    r->config->provenances = kith_arena_alloc(arena, sizeof *r->config->provenances);
    r->config->provenances->arena = arena;
    return r;
}

struct kith_config *kith_config_parse(const char *path, const char *text, size_t len,
                                      const struct kith_config_finder *finder,
                                      struct kith_diag *diag)
{
    if (sodium_init() < 0) abort();
    if (!path) path = "";
    size_t before = kith_diag_errors(diag);
    kith_diag_source(diag, path, text, len < KITH_CONFIG_MAX ? len : KITH_CONFIG_MAX);
    struct kith_arena *temp = kith_arena_new(); /* wiped when done: it may hold a secret */
    struct kith_yaml *root = kith_yaml_parse(text, len, temp, diag);
    unsigned profile = root ? find_profile(root) : KITH_PROFILE_LAN;
    struct kith_reading *r = begin(path, profile, temp, finder, diag);
    if (root) {
        kith_schema_section(r, root, "");
        if (root->kind == KITH_YAML_MAP) {
            default_name(r);
            kith_chain_read(r, root);
            kith_consistency_check(r, root);
        }
        if (kith_diag_errors(diag) == before) warn_readable(r, path);
    }
    kith_arena_free(temp);
    if (kith_diag_errors(diag) == before) return r->config;
    kith_arena_free(r->arena);
    return NULL;
}

char *kith_file_read(const char *path, int wait, size_t *len, struct kith_diag *diag)
{
    struct stat st = {0};
    char *text = malloc(KITH_CONFIG_MAX + 1);
    if (!text) abort();
    ssize_t n = strcmp(path, "-") == 0
                    ? kith_file_take(STDIN_FILENO, text, KITH_CONFIG_MAX + 1, KITH_FILE_EVER)
                    : kith_file_load(path, text, KITH_CONFIG_MAX + 1, wait, &st);
    if (n < 0) {
        kith_diag_source(diag, path, "", 0);
        kith_diag_error(diag, (struct kith_pos){0}, NULL, "can't read the file: %s",
                        kith_file_why(n, &st));
        free(text);
        text = NULL;
    }
    *len = n < 0 ? 0 : (size_t)n;
    return text;
}

struct kith_config *kith_config_load(const char *path, const struct kith_config_finder *finder,
                                     struct kith_diag *diag)
{
    size_t len;
    char *text = kith_file_read(path, wait_of(finder), &len, diag);
    if (!text) return NULL;
    struct kith_config *c = kith_config_parse(path, text, len, finder, diag);
    sodium_memzero(text, len);
    free(text);
    return c;
}

void kith_config_free(struct kith_config *c)
{
    if (!c) return;
    kith_setting_texts_free(c->texts);
    c->texts = NULL;
    kith_arena_free(c->arena);
}
