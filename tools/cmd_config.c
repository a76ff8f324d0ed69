/*
 * cmd_config.c - `kith config check|show|schema|doc`: look at a node's file without starting
 * anything.
 */
#include "cmd.h"

#include "config.h"
#include "config_with.h"
#include "fail.h"
#include "plugins.h"

#include <getopt.h>
#include <stdlib.h>

static void help(void)
{
    puts("Usage: kith config check FILE...\n"
         "       kith config check FILE --with FILE\n"
         "       kith config show FILE\n"
         "       kith config schema\n"
         "       kith config doc\n\n"
         "  check    report every problem with its place; exit 0 when there is no error, 2 "
         "otherwise\n"
         "  show     the effective values and where each came from; secrets as ***\n"
         "  schema   JSON Schema of the file, the plugins' parameters included\n"
         "  doc      reference of all keys, as POD\n\n"
         "      --with FILE          check: can nodes with these two files talk? Names the layer "
         "that fails; exit 1 then\n"
         "      --plugin-path DIRS   look for plugins here, colon separated\n"
         "  -q, --quiet              check: no word when all is well\n"
         "  -h, --help");
}

static struct kith_config *load(const char *path, const struct kith_config_finder *finder)
{
    struct kith_diag *diag = kith_diag_new();
    if (!diag) return NULL;
    struct kith_config *config = kith_config_load(path, finder, diag);
    if (config) kith_plugins_check(config, diag);
    kith_diag_print(diag, stderr);
    if (kith_diag_errors(diag)) {
        kith_config_free(config);
        config = NULL;
    }
    kith_diag_free(diag);
    return config;
}

static int check(char **files, const struct kith_config_finder *finder, bool quiet)
{
    int code = KITH_EXIT_OK;
    for (; *files; files++) {
        struct kith_config *config = load(*files, finder);
        if (!config)
            code = KITH_EXIT_USAGE;
        else if (!quiet)
            printf("%s: ok\n", *files);
        kith_config_free(config);
    }
    return code;
}

static int check_with(const char *a, const char *b, const struct kith_config_finder *finder)
{
    struct kith_config *one = load(a, finder), *other = load(b, finder);
    int code = one && other ? kith_config_with(one, other) : KITH_EXIT_USAGE;
    kith_config_free(one);
    kith_config_free(other);
    return code;
}

static int show(const char *file, const struct kith_config_finder *finder)
{
    struct kith_config *config = load(file, finder);
    if (!config) return KITH_EXIT_USAGE;
    kith_config_show(config, stdout);
    kith_config_free(config);
    return KITH_EXIT_OK;
}

int kith_cmd_config(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"with", required_argument, NULL, 'w'},
                                            {"plugin-path", required_argument, NULL, 'p'},
                                            {0}};
    const char *dirs = NULL, *with = NULL;
    bool quiet = false;
    for (int c; (c = getopt_long(argc, argv, "hq", options, NULL)) != -1;) {
        if (c == 'h') return help(), KITH_EXIT_OK;
        if (c == 'q') quiet = true;
        if (c == 'p') dirs = optarg;
        if (c == 'w') with = optarg;
        if (c == '?') return kith_tool_wrong_option("config");
    }
    const char *verb = optind < argc ? argv[optind++] : "";
    int files = argc - optind;

    struct kith_registry *registry = kith_registry_new(dirs);
    if (!registry) return kith_tool_fail("config", KITH_EXIT_FAILED, "out of memory");
    struct kith_config_finder finder = kith_registry_finder(registry);
    int code = KITH_EXIT_OK;
    if (!strcmp(verb, "check") && files == 1 && with)
        code = check_with(argv[optind], with, &finder);
    else if (!strcmp(verb, "check") && files > 0 && !with)
        code = check(argv + optind, &finder, quiet);
    else if (!strcmp(verb, "show") && files == 1)
        code = show(argv[optind], &finder);
    else if (!strcmp(verb, "schema") && files == 0)
        kith_config_schema(&finder, stdout);
    else if (!strcmp(verb, "doc") && files == 0)
        kith_config_doc(&finder, stdout);
    else
        code = kith_tool_usage("config", "%s",
                               *verb ? "wrong arguments" : "say check, show, schema or doc");
    kith_registry_free(registry);
    return code;
}
