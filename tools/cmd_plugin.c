/*
 * cmd_plugin.c - `kith plugin list|inspect|bench`: what plugins there are, what one says of itself,
 * what a codec costs.
 *
 * Plugins are looked at in processes of their own (plugin_survey.c); so is a codec measured: a
 * crash in there is a result, not ours.
 */
#include "cmd.h"

#include "arguments.h"
#include "fail.h"
#include "plugin_bench.h"
#include "plugin_describe.h"
#include "plugin_survey.h"
#include "screen.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char help[] =
    "Usage: kith plugin list [OPTIONS]\n"
    "       kith plugin inspect [OPTIONS] NAME|FILE\n"
    "       kith plugin bench [OPTIONS] CODEC\n\n"
    "  list      every plugin in the folders; those that can't be used with the reason\n"
    "  inspect   what a plugin says of itself: parameters, bytes on the wire, libraries\n"
    "  bench     what a codec costs (ns to seal and to open, allocations) and saves (bytes),\n"
    "            through a node's pipeline: packets of 64, 256 and 1400 bytes, messages of\n"
    "            65536 bytes and 10 MiB on streams, with the words of a cluster\n\n"
    "      --param NAME=VALUE   bench: a parameter of the codec's entry in the file (level=3,\n"
    "                           layer_byte=0xC0); may be repeated\n"
    "      --plugin-path DIRS   look here, colon separated, instead of $KITH_PLUGIN_PATH and the\n"
    "                           installed folder\n"
    "      --format FORMAT      text, or json\n"
    "  -h, --help\n";

static void print_json(const json_t *o)
{
    json_dumpf(o, stdout, JSON_INDENT(2));
    putchar('\n');
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = kith_tool_text(json_object_get(o, key));
    return text ? text : "";
}

/* ------------------------------------------------------------------------------------- verbs */

/* What a list has of a plugin. */
static json_t *row_of(const json_t *o)
{
    static const char *const keys[] = {"name", "kind", "version", "summary", "error", "file"};
    json_t *row = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *v = json_object_get(o, keys[i]);
        if (v) json_object_set(row, keys[i], v);
    }
    return row;
}

static void print_rows(const json_t *rows)
{
    size_t i;
    json_t *o;
    printf("%-10s %-18s %-8s %s\n", "KIND", "NAME", "VERSION", "SUMMARY");
    json_array_foreach(rows, i, o)
    {
        if (json_object_get(o, "error"))
            printf("%-10s %s\n", "unusable", text_of(o, "error"));
        else
            printf("%-10s %-18s %-8s %s\n", text_of(o, "kind"), text_of(o, "name"),
                   text_of(o, "version"), text_of(o, "summary"));
    }
}

static int list(const char *dirs, bool json)
{
    json_t *found = kith_survey(dirs), *rows = json_array(), *o;
    size_t i, folders = kith_survey_folders(dirs, "plugin");
    json_array_foreach(found, i, o) json_array_append_new(rows, row_of(o));
    json_t *all = json_pack("{s:o}", "plugins", rows);
    if (json)
        print_json(all);
    else
        print_rows(rows);
    json_decref(all);
    json_decref(found);
    return folders ? KITH_EXIT_OK : KITH_EXIT_NOTFOUND;
}

/* The first of that name, with no regard to kinds. NULL: none. */
static json_t *named(const char *dirs, const char *name)
{
    json_t *all = kith_survey(dirs), *found = NULL, *o;
    size_t i;
    json_array_foreach(all, i, o) if (!found && !strcmp(text_of(o, "name"), name)) found =
        json_incref(o);
    json_decref(all);
    return found;
}

static void write_folder(void *folders, const char *path)
{
    bool more = ftell(folders) > 0;
    fprintf(folders, "%s%s", more ? ", " : "", path);
}

static int not_found(const char *dirs, const char *name)
{
    char *folders = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&folders, &len);
    struct kith_registry *registry = kith_registry_new(dirs);
    if (!f) abort();
    if (registry) kith_registry_folders(registry, write_folder, f);
    kith_registry_free(registry);
    fclose(f);
    int code = kith_tool_fail("plugin", KITH_EXIT_NOTFOUND,
                              "no plugin '%s' in %s; 'kith plugin list' tells which there are",
                              name, len ? folders : "no folder");
    free(folders);
    return code;
}

static int inspect(const char *dirs, const char *which, bool json)
{
    bool file = strchr(which, '/');
    json_t *o = file ? kith_survey_file(which) : named(dirs, which);
    int code = KITH_EXIT_OK;
    if (file && access(which, F_OK) != 0)
        code = kith_tool_fail("plugin", KITH_EXIT_NOTFOUND, "%s: %s", which, strerror(errno));
    else if (!o)
        code = not_found(dirs, which);
    else if (json_object_get(o, "error"))
        code = kith_tool_fail("plugin", KITH_EXIT_FAILED, "%s", text_of(o, "error"));
    else if (json)
        print_json(o);
    else
        kith_describe_print(o);
    json_decref(o);
    return code;
}

static int bench(const struct kith_bench *b)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return kith_tool_fail("plugin", KITH_EXIT_FAILED, "can't start a process to measure in");
    if (pid == 0) {
        int code = kith_plugin_bench(b);
        exit(fflush(stdout) ? KITH_EXIT_FAILED : code);
    }
    if (waitpid(pid, &status, 0) < 0) return KITH_EXIT_FAILED;
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    return kith_tool_fail("plugin", KITH_EXIT_FAILED, "%s: crashed while it was measured (%s)",
                          b->codec, strsignal(WTERMSIG(status)));
}

/* --------------------------------------------------------------------------------- arguments */

static int add_param(struct kith_bench *b, const char *text)
{
    if (!strchr(text, '=') || *text == '=')
        return kith_tool_usage("plugin", "--param is NAME=VALUE, not '%s'", text);
    if (b->param_count == KITH_BENCH_PARAMS)
        return kith_tool_usage("plugin", "more than %d parameters", KITH_BENCH_PARAMS);
    b->params[b->param_count++] = text;
    return KITH_GO_ON;
}

static int do_list(const struct kith_bench *b) { return list(b->dirs, b->json); }
static int do_inspect(const struct kith_bench *b) { return inspect(b->dirs, b->codec, b->json); }

static const struct verb {
    const char *name;
    const char *which; /* what is asked when no plugin is named; NULL: it takes none */
    int (*run)(const struct kith_bench *);
} verbs[] = {{"list", NULL, do_list},
             {"inspect", "inspect which plugin?", do_inspect},
             {"bench", "bench which codec?", bench},
             {NULL}};

static int run(const char *name, int count, const char *which, struct kith_bench *b)
{
    const struct verb *v = verbs;
    while (v->name && strcmp(v->name, name) != 0) v++;
    if (b->param_count && v->run != bench) return kith_tool_usage("plugin", "--param is for bench");
    if (!v->name)
        return kith_tool_usage("plugin", "say list, inspect or bench%s%s", *name ? ", not " : "",
                               name);
    if (!v->which && count) return kith_tool_usage("plugin", "%s takes no plugin", name);
    if (v->which && !count) return kith_tool_usage("plugin", "%s", v->which);
    if (count > 1) return kith_tool_usage("plugin", "%s takes one at a time", name);
    b->codec = which;
    return v->run(b);
}

int kith_cmd_plugin(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"format", required_argument, NULL, 'f'},
                                            {"plugin-path", required_argument, NULL, 'p'},
                                            {"param", required_argument, NULL, 'P'},
                                            {0}};
    struct kith_bench b = {.argv = argv};
    int code = KITH_GO_ON;
    for (int c; code == KITH_GO_ON && (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'h': fputs(help, stdout); return KITH_EXIT_OK;
        case 'p': b.dirs = optarg; break;
        case 'P': code = add_param(&b, optarg); break;
        case 'f': code = kith_tool_format("plugin", optarg, &b.json); break;
        default: code = kith_tool_wrong_option("plugin");
        }
    }
    if (code != KITH_GO_ON) return code;
    const char *verb = optind < argc ? argv[optind++] : "";
    return run(verb, argc - optind, argv[optind], &b);
}
