/*
 * open.c - a file becomes settings, instances, a pipeline: what kith_open() makes and a reload
 * makes again. Opens nothing but the log.
 */
#include "inside.h"
#include <errno.h>
#include <stdlib.h>

/* ---------------------------------------------------------------------------------- reading */

/* Each line to the embedder's hook, or all of it to where problems go. */
static void show_problems(struct kith *k, enum kith_log_level level, char *text)
{
    if (!k->options.log) {
        if (k->problems) fputs(text, k->problems);
        return;
    }
    char *save, *line = strtok_r(text, "\n", &save);
    for (; line; line = strtok_r(NULL, "\n", &save))
        k->options.log(k->options.log_ctx, level, line);
}

/* A warning may come first; it is not why. */
static void take_error(void *arg, bool warning, const char *text)
{
    struct kith_error *err = arg;
    if (!warning && err && !err->code) kith_fail(err, KITH_EINVAL, "%s", text);
}

static void log_warning(void *arg, bool warning, const char *text)
{
    if (warning) kith_node_log(arg, KITH_LOG_WARN, "%s", text);
}

static void log_problem(void *arg, bool warning, const char *text)
{
    log_warning(arg, warning, text);
    if (!warning) kith_node_log(arg, KITH_LOG_ERROR, "%s", text);
}

int kith_node_tell(struct kith *k, const struct kith_diag *diag, struct kith_error *err)
{
    size_t errors = kith_diag_errors(diag);
    if (errors && err) err->code = 0;
    if (errors) kith_diag_each(diag, take_error, err);
    if (k->log) { /* a reload: nobody may have to wait for who reads `problems` */
        /* One is said with what it led to. */
        kith_diag_each(diag, errors == 1 ? log_warning : log_problem, k);
    } else {
        char *text = kith_diag_text(diag);
        show_problems(k, errors ? KITH_LOG_ERROR : KITH_LOG_WARN, text);
        free(text);
    }
    return errors ? -KITH_EINVAL : 0;
}

static struct kith_config *read_file(struct kith *k, struct kith_diag *diag)
{
    if (k->config && !k->text && strcmp(k->path, "-") == 0) {
        kith_diag_source(diag, k->path, "", 0);
        kith_diag_error(diag, (struct kith_pos){0}, "run the node from a file to reload it",
                        "standard input can't be read again");
        return NULL;
    }
    struct kith_config_finder finder =
        k->finder ? *k->finder : kith_registry_finder(kith_world_registry(k->world));
    finder.running = k->config; /* this is a reload */
    return k->text ? kith_config_parse(k->path, k->text, k->text_len, &finder, diag)
                   : kith_config_load(k->path, &finder, diag);
}

/* The values stay with whoever prepared them; name, and what kith_config_setting() lends, are this
 * node's. */
static struct kith_config *copy_shared(struct kith *k)
{
    k->copy = *k->shared;
    k->copy.arena = NULL;
    k->copy.texts = NULL;
    return &k->copy;
}

struct kith_config *kith_node_read(struct kith *k, struct kith_diag *diag)
{
    struct kith_config *config = k->shared ? copy_shared(k) : read_file(k, diag);
    if (!config) return NULL;
    if (k->options.name) config->settings.name = k->options.name;
    k->call = "init"; /* of instances that are made for it */
    const struct kith_check_world world = kith_node_check_world(k);
    kith_plugins_check(config, &world, diag, false);
    k->call = NULL;
    if (!kith_diag_errors(diag)) return config;
    kith_config_free(config);
    return NULL;
}

static int read_config(struct kith *k, struct kith_error *err)
{
    struct kith_diag *diag = kith_diag_new();
    if (!diag) return kith_fail(err, KITH_ENOMEM, "out of memory");
    k->config = kith_node_read(k, diag);
    int rc = kith_node_tell(k, diag, err);
    kith_diag_free(diag);
    if (!k->config) return rc ? rc : kith_fail(err, KITH_EINVAL, "%s: can't be read", k->path);
    k->name = strdup(k->config->settings.name);
    if (!k->name) return kith_fail(err, KITH_ENOMEM, "out of memory");
    k->config->settings.name = k->name;
    return 0;
}

static uint64_t wall(void *loop) { return kith_loop_wall(loop); }

struct kith_log_setup kith_node_log_setup(struct kith *k, const struct kith_config *c)
{
    return (struct kith_log_setup){
        .node = k->name, /* which a reload does not change */
        .to = c->log_to,
        .format = c->log_format,
        .level = c->log_level,
        .file = c->log_file,
        .hook = k->options.log,
        .hook_ctx = k->options.log_ctx,
        .wall = kith_loop_is_virtual(k->loop) ? wall : NULL,
        .wall_ctx = k->loop,
    };
}

struct kith_resolver *kith_node_resolver(struct kith *k, const struct kith_config *c)
{
    struct kith_resolver_setup setup = {.dns_config_path = c->settings.dns_config_path};
    return kith_resolver_new(k->loop, k->log, &setup);
}

/* ------------------------------------------------------------------------------------ making */

/* What needs nothing but the loop, the configuration and each other. */
static int make_ground(struct kith *k, struct kith_error *err)
{
    struct kith_log_setup setup = kith_node_log_setup(k, k->config);
    int rc = kith_log_new(&k->log, &setup, err);
    if (rc) return rc;
    uint64_t seed;
    kith_loop_random(k->loop, &seed, sizeof seed);
    k->asks = kith_asks_new(seed);
    k->services = k->asks ? kith_node_services(k) : NULL;
    k->ring = kith_keyring_new(&k->config->keyring);
    k->resolver = kith_node_resolver(k, k->config);
    if (!k->services || !k->ring || !k->resolver || kith_streams_new(k) || kith_commands_new(k) ||
        kith_places_new(k) || kith_joiner_new(k))
        return kith_fail(err, KITH_ENOMEM, "out of memory");
    kith_ring_watch(k);
    k->maker = kith_services_maker(k->services);
    k->maker.file = k->path;
    k->maker.asks = k->asks;
    k->maker.depth = &k->depth;
    k->maker.all = &k->all;
    k->memory.limit = k->config->settings.max_stream_memory;
    k->maker.memory = &k->memory;
    return 0;
}

static int make_transport(struct kith *k, struct kith_error *err)
{
    int rc = kith_instance_new(&k->transport, &k->config->transport, &k->maker, k->ring, err);
    if (rc) return rc;
    k->link = kith_link_new(k, k->transport);
    if (!k->link) return kith_fail(err, KITH_ENOMEM, "out of memory");
    k->default_port = k->link->ops->default_port;
    return kith_link_check(k->link, err);
}

static int make_delegates(struct kith *k, struct kith_error *err)
{
    const struct kith_config *c = k->config;
    kith_table_init(k);
    k->delegates = kith_node_delegates_new(k, c, k->ring, NULL, err);
    if (!k->delegates) return err->code ? err->code : -KITH_EINVAL;
    int rc = kith_delegates_meta(k->delegates, c->meta);
    if (rc) return kith_fail(err, KITH_ENOMEM, "out of memory");
    if (!k->options.delegate) return 0;
    rc = kith_delegates_listen(k->delegates, k->options.delegate, k->options.delegate_self);
    return rc ? kith_fail(err, (enum kith_code)(-rc), "the program's delegate can't take part") : 0;
}

/* The parts below the core, in the order in which they need each other. */
static int make_parts(struct kith *k, struct kith_error *err)
{
    const struct kith_config *c = k->config;
    int rc = make_ground(k, err);
    if (!rc) rc = make_transport(k, err);
    if (rc) return rc;
    rc = kith_pipeline_new(&k->pipeline, &c->chain, &k->maker, k->ring, NULL, err);
    return rc ? rc : make_delegates(k, err);
}

static int take_file(struct kith *k, const struct kith_node_setup *s)
{
    k->path = strdup(s->path ? s->path : "");
    if (!k->path) return -KITH_ENOMEM;
    if (!s->text) return 0;
    k->text = malloc(s->len + 1);
    if (!k->text) return -KITH_ENOMEM;
    memcpy(k->text, s->text, s->len);
    k->text_len = s->len;
    return 0;
}

/* What was brought along, and what the node must have of its own. */
static int take_setup(struct kith *k, const struct kith_node_setup *s,
                      const struct kith_options *options, struct kith_error *err)
{
    if (options && !KITH_TAKE(&k->options, options))
        return kith_fail(err, KITH_EINVAL, "struct kith_options says it has %u bytes",
                         options->size);
    k->problems = s->problems;
    k->finder = s->finder;
    k->shared = s->config;
    int rc = take_file(k, s);
    k->world = s->world ? kith_world_ref(s->world) : kith_world_new(k->options.plugin_path);
    if (!k->world)
        return kith_fail(err, errno == ENOMEM ? KITH_ENOMEM : KITH_EIO,
                         "the event loop can't be made: %s", strerror(errno));
    if (rc) return kith_fail(err, KITH_ENOMEM, "out of memory");
    k->loop = kith_world_loop(k->world);
    kith_loop_enter(k->loop);
    return 0;
}

static int begin(struct kith *k, const struct kith_node_setup *s,
                 const struct kith_options *options, struct kith_error *err)
{
    int rc = take_setup(k, s, options, err);
    if (!rc) rc = read_config(k, err);
    if (rc) return rc;
    rc = make_parts(k, err);
    if (rc) {
        char text[sizeof err->text + 1];
        snprintf(text, sizeof text, "%s\n", err->text);
        show_problems(k, KITH_LOG_ERROR, text);
    }
    return rc;
}

int kith_node_open(struct kith **out, const struct kith_node_setup *setup,
                   const struct kith_options *options, struct kith_error *err)
{
    struct kith_error mine = {.size = sizeof mine};
    if (!err) err = &mine;
    err->code = 0;
    err->text[0] = 0;
    *out = NULL;
    struct kith *k = calloc(1, sizeof *k);
    if (!k) return kith_fail(err, KITH_ENOMEM, "out of memory");
    int rc = begin(k, setup, options, err);
    if (rc)
        kith_close(k);
    else
        *out = k;
    return rc;
}
