/*
 * cmd_config.c - `kith config check|show|schema|doc`: look at a node's file without starting
 * anything.
 */
#include "cmd.h"

#include "config.h"
#include "config_with.h"
#include "fail.h"
#include "plugin_survey.h"
#include "plugins_check.h"
#include "registry.h"
#include "scenario.h"

#include <getopt.h>
#include <limits.h>

static const char help[] =
    "Usage: kith config check FILE...\n"
    "       kith config check FILE --with FILE\n"
    "       kith config show FILE\n"
    "       kith config schema\n"
    "       kith config doc\n\n"
    "  check    report every problem with its place; exit 0 when there is no error, else 2\n"
    "  show     the effective values and where each came from; secrets as ***\n"
    "  schema   JSON Schema of the file, the plugins' parameters included\n"
    "  doc      reference of all keys, as POD\n\n"
    "      --scenario           check, schema, doc: of the scenarios of 'kith sim', not of nodes\n"
    "      --with FILE          check: can nodes with these two files talk? Names the layer that\n"
    "                           fails; exit 1 then\n"
    "      --plugin-path DIRS   look for plugins here, colon separated\n"
    "  -q, --quiet              check: no word when all is well\n"
    "  -h, --help\n";

static struct kith_config *load(const char *path, const struct kith_config_finder *finder)
{
    struct kith_diag *diag = kith_diag_new();
    if (!diag) return NULL;
    struct kith_config *config = kith_config_load(path, finder, diag);
    if (config) kith_plugins_check(config, NULL, diag, true);
    kith_diag_print(diag, stderr);
    if (kith_diag_errors(diag)) {
        kith_config_free(config);
        config = NULL;
    }
    kith_diag_free(diag);
    return config;
}

struct request {
    char **files; /* ends with NULL */
    int count;
    const char *dirs, *with;
    bool quiet, scenario;
};

static bool scenario_is_fine(const char *path)
{
    struct kith_diag *diag = kith_diag_new();
    struct kith_scenario *scenario = kith_scenario_load(path, NULL, 0, diag);
    kith_diag_print(diag, stderr);
    kith_diag_free(diag);
    kith_scenario_free(scenario);
    return scenario != NULL;
}

static bool node_is_fine(const char *path, const struct kith_config_finder *finder)
{
    struct kith_config *config = load(path, finder);
    kith_config_free(config);
    return config != NULL;
}

static int check_all(const struct request *r, const struct kith_config_finder *finder)
{
    int code = KITH_EXIT_OK;
    for (int i = 0; i < r->count; i++) {
        bool fine = r->scenario ? scenario_is_fine(r->files[i]) : node_is_fine(r->files[i], finder);
        if (!fine)
            code = KITH_EXIT_USAGE;
        else if (!r->quiet)
            printf("%s: ok\n", r->files[i]);
    }
    return code;
}

static int check_both(const struct request *r, const struct kith_config_finder *finder)
{
    struct kith_config *one = load(r->files[0], finder), *other = load(r->with, finder);
    int code = one && other ? kith_config_with(one, other) : KITH_EXIT_USAGE;
    kith_config_free(one);
    kith_config_free(other);
    return code;
}

static int check(const struct request *r, const struct kith_config_finder *finder)
{
    return r->with ? check_both(r, finder) : check_all(r, finder);
}

static int show(const struct request *r, const struct kith_config_finder *finder)
{
    struct kith_config *config = load(r->files[0], finder);
    if (!config) return KITH_EXIT_USAGE;
    kith_config_show(config, stdout);
    kith_config_free(config);
    return KITH_EXIT_OK;
}

static int schema(const struct request *r, const struct kith_config_finder *finder)
{
    if (r->scenario)
        kith_scenario_schema(stdout);
    else
        kith_config_schema(finder, stdout);
    return KITH_EXIT_OK;
}

static int doc(const struct request *r, const struct kith_config_finder *finder)
{
    if (r->scenario)
        kith_scenario_doc(stdout);
    else
        kith_config_doc(finder, stdout);
    return KITH_EXIT_OK;
}

static const struct verb {
    const char *name;
    int least, most; /* files */
    bool all;        /* about every plugin in the folders */
    int (*run)(const struct request *, const struct kith_config_finder *);
} verbs[] = {
    {"check", 1, INT_MAX, false, check},
    {"show", 1, 1, false, show},
    {"schema", 0, 0, true, schema},
    {"doc", 0, 0, true, doc},
};

/* The verb that the arguments fit; NULL after a word on stderr. */
static const struct verb *verb_of(const char *name, const struct request *r)
{
    const struct verb *v = NULL;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (!strcmp(verbs[i].name, name)) v = &verbs[i];
    if (!v)
        kith_tool_usage("config", "say check, show, schema or doc");
    else if ((r->with || r->quiet) && v->run != check)
        kith_tool_usage("config", "--with and --quiet are for check");
    else if (r->scenario && (r->with || v->run == show))
        kith_tool_usage("config", "--scenario is for check of one kind of file, schema and doc");
    else if (r->count < v->least || r->count > (r->with ? 1 : v->most))
        kith_tool_usage("config", v->most ? "which file, for %s?" : "%s takes no file", name);
    else
        return v;
    return NULL;
}

int kith_cmd_config(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"scenario", no_argument, NULL, 's'},
                                            {"with", required_argument, NULL, 'w'},
                                            {"plugin-path", required_argument, NULL, 'p'},
                                            {0}};
    struct request r = {0};
    for (int c; (c = getopt_long(argc, argv, "hq", options, NULL)) != -1;) {
        switch (c) {
        case 'h': fputs(help, stdout); return KITH_EXIT_OK;
        case 'q': r.quiet = true; break;
        case 's': r.scenario = true; break;
        case 'w': r.with = optarg; break;
        case 'p': r.dirs = optarg; break;
        default: return kith_tool_wrong_option("config");
        }
    }
    const char *name = optind < argc ? argv[optind++] : "";
    r.files = argv + optind;
    r.count = argc - optind;
    const struct verb *verb = verb_of(name, &r);
    if (!verb) return KITH_EXIT_USAGE;
    struct kith_registry *registry = kith_registry_new(r.dirs);
    if (!registry) return kith_tool_fail("config", KITH_EXIT_FAILED, "out of memory");
    struct kith_config_finder finder = kith_registry_finder(registry);
    if (verb->all) kith_survey_load(registry, "config");
    int code = verb->run(&r, &finder);
    kith_registry_free(registry);
    return code;
}
