/*
 * world.c - see world.h.
 */
#include "world.h"
#include <errno.h>
#include <stdlib.h>

struct kith_world {
    struct kith_loop *loop;
    struct kith_registry *registry;
    size_t users;
};

#define BEGINNING UINT64_C(1000000000) /* ns, of virtual time: 0 means "never" in many places */

/* The caller's folders come before those that are looked in anyway. */
static struct kith_registry *make_registry(const char *first)
{
    const char *env = secure_getenv("KITH_PLUGIN_PATH"), *rest = env && *env ? env : KITH_PLUGINDIR;
    if (!first || !*first) return kith_registry_new(NULL);
    size_t len = strlen(first) + strlen(rest) + 2;
    char *dirs = malloc(len);
    if (!dirs) return NULL;
    snprintf(dirs, len, "%s:%s", first, rest);
    struct kith_registry *registry = kith_registry_new(dirs);
    free(dirs);
    return registry;
}

static struct kith_world *make(struct kith_loop *loop, const char *plugin_path)
{
    struct kith_world *w = malloc(sizeof *w);
    struct kith_registry *registry = w && loop ? make_registry(plugin_path) : NULL;
    if (!registry) {
        int code = loop ? ENOMEM : errno;
        kith_loop_free(loop);
        free(w);
        errno = code;
        return NULL;
    }
    *w = (struct kith_world){.loop = loop, .registry = registry, .users = 1};
    return w;
}

struct kith_world *kith_world_new(const char *plugin_path)
{
    return make(kith_loop_new(), plugin_path);
}

struct kith_world *kith_world_new_virtual(const char *plugin_path, uint64_t seed)
{
    return make(kith_loop_new_virtual(seed, BEGINNING), plugin_path);
}

struct kith_world *kith_world_ref(struct kith_world *w)
{
    if (w) w->users++;
    return w;
}

void kith_world_unref(struct kith_world *w)
{
    if (!w || --w->users) return;
    kith_registry_free(w->registry);
    kith_loop_free(w->loop);
    free(w);
}

struct kith_loop *kith_world_loop(const struct kith_world *w) { return w->loop; }

struct kith_registry *kith_world_registry(const struct kith_world *w) { return w->registry; }
