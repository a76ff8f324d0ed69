/*
 * node.c - the life of a node: a file becomes settings, instances, a pipeline, a core; these are
 * started in order and stopped in reverse. Who talks to whom in between is in the files that
 * runtime.h lists.
 */
#include "runtime.h"
#include <stdlib.h>
#include <unistd.h>

const char *kith_version(void) { return KITH_VERSION; }

uint64_t kith_node_now(const struct kith *k) { return kith_loop_now(k->loop); }

void kith_node_log(struct kith *k, enum kith_log_level level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    kith_log_vwrite(k->log, level, "", fmt, ap);
    va_end(ap);
}

/* ----------------------------------------------------------------------------------- opening */

/* Each line to the embedder's hook, or all of it to where problems go. */
static void tell(struct kith *k, enum kith_log_level level, char *text)
{
    if (!k->options.log) {
        if (k->problems) fputs(text, k->problems);
        return;
    }
    char *save, *line = strtok_r(text, "\n", &save);
    for (; line; line = strtok_r(NULL, "\n", &save))
        k->options.log(k->options.log_ctx, level, line);
}

int kith_node_tell(struct kith *k, const struct kith_diag *diag, struct kith_error *err)
{
    int rc = 0;
    bool failed = kith_diag_errors(diag) > 0;
    char *text = kith_diag_text(diag);
    if (failed)
        rc = kith_fail(err, KITH_EINVAL, "%.*s", text ? (int)strcspn(text, "\n") : 0,
                       text ? text : "");
    if (text) tell(k, failed ? KITH_LOG_ERROR : KITH_LOG_WARN, text);
    free(text);
    return rc;
}

struct kith_config *kith_node_read(struct kith *k, struct kith_diag *diag)
{
    struct kith_config_finder finder = kith_registry_finder(k->registry);
    struct kith_config *config =
        k->text ? kith_config_parse(k->path, k->text, k->text_len, &finder, diag)
                : kith_config_load(k->path, &finder, diag);
    if (!config) return NULL;
    if (k->options.name) config->settings.name = k->options.name;
    kith_plugins_check(config, diag);
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

static int parse_literal(void *ctx, const char *host, uint16_t port, struct kith_addr *out)
{
    struct kith *k = ctx;
    return k->ops->parse(k->transport->self, host, port, out);
}

struct kith_resolver *kith_node_resolver(struct kith *k)
{
    struct kith_resolver_setup setup = {.dns_config_path = k->config->settings.dns_config_path,
                                        .parse = parse_literal,
                                        .parse_ctx = k};
    return kith_resolver_new(k->loop, k->log, &setup);
}

/* The parts below the core, in the order in which they need each other. Opens nothing but the log.
 */
static int make_parts(struct kith *k, struct kith_error *err)
{
    const struct kith_config *c = k->config;
    struct kith_log_setup setup = kith_node_log_setup(k, c);
    int rc = kith_log_new(&k->log, &setup, err);
    if (rc) return rc;
    k->services = kith_services_new(k->loop, k->log);
    k->ring = kith_keyring_new(&c->keyring);
    if (!k->services || !k->ring || kith_streams_new(k) || kith_commands_new(k) ||
        kith_joiner_new(k))
        return kith_fail(err, KITH_ENOMEM, "out of memory");
    k->maker = kith_services_maker(k->services);
    k->maker.file = k->path;
    rc = kith_instance_new(&k->transport, &c->transport, &k->maker, k->ring, err);
    if (rc) return rc;
    k->ops = k->transport->plugin->ops;
    rc = kith_pipeline_new(&k->pipeline, &c->chain, &k->maker, k->ring, NULL, err);
    if (rc) return rc;
    k->resolver = kith_node_resolver(k);
    if (!k->resolver) return kith_fail(err, KITH_ENOMEM, "out of memory");
    kith_table_init(k);
    k->delegates = kith_delegates_new(c, &k->maker, &k->table, NULL, err);
    if (!k->delegates) return err && err->code ? err->code : -KITH_EINVAL;
    kith_delegates_meta(k->delegates, c->meta);
    if (!k->options.delegate) return 0;
    rc = kith_delegates_listen(k->delegates, k->options.delegate, k->options.delegate_self);
    return rc ? kith_fail(err, (enum kith_code) - rc, "the program's delegate can't take part") : 0;
}

/* The embedder's folders come before those that are looked in anyway. */
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

static int begin(struct kith *k, const struct kith_origin *o, const struct kith_options *options,
                 struct kith_error *err)
{
    if (options)
        memcpy(&k->options, options,
               options->size < sizeof k->options ? options->size : sizeof k->options);
    k->problems = o->problems;
    k->path = strdup(o->path ? o->path : "");
    if (o->text && (k->text = malloc(o->len + 1))) {
        memcpy(k->text, o->text, o->len);
        k->text_len = o->len;
    }
    k->own_loop = !o->loop;
    k->loop = o->loop ? o->loop : kith_loop_new();
    k->own_registry = !o->registry;
    k->registry = o->registry ? o->registry : make_registry(k->options.plugin_path);
    if (!k->path || (o->text && !k->text) || !k->loop || !k->registry)
        return kith_fail(err, KITH_ENOMEM, "out of memory");
    int rc = read_config(k, err);
    if (rc) return rc;
    rc = make_parts(k, err);
    if (rc) {
        char text[sizeof err->text + 1];
        snprintf(text, sizeof text, "%s\n", err->text);
        tell(k, KITH_LOG_ERROR, text);
    }
    return rc;
}

int kith_node_open(struct kith **out, const struct kith_origin *origin,
                   const struct kith_options *options, struct kith_error *err)
{
    struct kith_error mine = {.size = sizeof mine};
    if (!err) err = &mine;
    err->code = 0;
    err->text[0] = 0;
    struct kith *k = calloc(1, sizeof *k);
    if (!k) return kith_fail(err, KITH_ENOMEM, "out of memory");
    int rc = begin(k, origin, options, err);
    if (rc)
        kith_close(k);
    else
        *out = k;
    return rc;
}

int kith_open(struct kith **out, const char *path, const struct kith_options *options,
              struct kith_error *err)
{
    struct kith_origin origin = {.path = path, .problems = stderr};
    return kith_node_open(out, &origin, options, err);
}

/* ---------------------------------------------------------------------------------- starting */

static void core_log(void *ctx, enum kith_log_level level, const struct kith_addr *peer,
                     const char *fmt, va_list ap)
{
    struct kith *k = ctx;
    if (!kith_log_wanted(k->log, level)) return;
    if (!peer) {
        kith_log_vwrite(k->log, level, "", fmt, ap);
        return;
    }
    char from[KITH_ADDR_TEXT];
    kith_node_format(k, peer, from, sizeof from);
    kith_log_vwrite_about(k->log, level, "", from, fmt, ap);
}

static int make_core(struct kith *k, struct kith_error *err)
{
    struct kith_limits limits = {.size = sizeof limits};
    k->ops->limits(k->transport->self, &limits);
    struct kith_core_config config = {
        .settings = k->config->settings,
        .headroom = (uint16_t)(k->room.head + limits.headroom),
        .tailroom = (uint16_t)(k->room.tail + limits.tailroom),
    };
    kith_error_clear(err);
    int rc = k->ops->advertise(k->transport->self, &config.advertise, err);
    if (rc) return kith_instance_failed(k->transport, rc, "say where it can be reached", err);
    config.default_port = config.advertise.port ? config.advertise.port : k->ops->default_port;
    k->default_port = config.default_port;
    k->env = (struct kith_core_env){
        .ctx = k,
        .log = core_log,
        .packet_budget = kith_wiring_budget,
    };
    k->env.delegate = kith_delegates_ops(k->delegates, &k->env.delegate_self);
    uint64_t seed;
    kith_loop_random(k->loop, &seed, sizeof seed);
    return kith_core_new(&k->core, &config, &k->env, seed, kith_node_now(k), err);
}

int kith_start(struct kith *k, struct kith_error *err)
{
    if (k->started) return 0;
    k->started_at = kith_loop_wall(k->loop);
    int rc = kith_wiring_attach(k, k->transport, &k->config->settings, err);
    if (!rc)
        rc = kith_control_start(k,
                                err); /* first: another node of this name says so before we bind */
    if (!rc) rc = kith_instance_start(k->transport, NULL, err);
    if (rc) return rc;
    kith_wiring_measure(k);
    rc = make_core(k, err);
    if (!rc) rc = kith_delegates_start(k->delegates, err);
    if (!rc) rc = kith_core_start(k->core, kith_node_now(k), err);
    if (!rc) rc = kith_wiring_start(k, err);
    if (rc) return rc;
    k->started = true;
    return kith_joiner_start(k) ? kith_fail(err, KITH_ENOMEM, "out of memory") : 0;
}

/* ------------------------------------------------------------------------- running, stopping */

int kith_run(struct kith *k) { return atomic_load(&k->stop) ? 0 : kith_loop_run(k->loop); }

void kith_stop(struct kith *k)
{
    atomic_store(&k->stop, true);
    kith_loop_stop(k->loop);
}

int kith_fd(const struct kith *k) { return kith_loop_fd(k->loop); }

uint64_t kith_timeout(const struct kith *k) { return kith_loop_timeout(k->loop); }

int kith_dispatch(struct kith *k)
{
    if (atomic_load(&k->stop)) return -KITH_ECLOSED;
    kith_loop_turn(k->loop, 0);
    return atomic_load(&k->stop) ? -KITH_ECLOSED : 0;
}

const struct kith_node *kith_node(const struct kith *k) { return &k->table; }

void kith_close(struct kith *k)
{
    if (!k) return;
    kith_wiring_stop(k);
    kith_commands_free(k); /* their askers are told before they go */
    kith_resolver_free(k->resolver);
    kith_resolver_free(k->former_resolver);
    kith_joiner_free(k);
    kith_control_stop(k);
    if (k->delegates) kith_delegates_free(k->delegates);
    kith_instance_free(k->transport);
    kith_streams_free(k);
    kith_core_free(k->core);
    if (k->pipeline) kith_pipeline_unref(k->pipeline);
    if (k->ring) kith_keyring_unref(k->ring);
    if (k->services) kith_services_free(k->services);
    kith_log_free(k->log);
    kith_config_free(k->config);
    if (k->own_registry && k->registry) kith_registry_free(k->registry);
    if (k->own_loop && k->loop) kith_loop_free(k->loop);
    free(k->control_path);
    free(k->path);
    free(k->name);
    free(k->text);
    free(k);
}
