/*
 * cmd_sim.c - `kith sim FILE`: the node that FILE describes, many times, in virtual time over a
 * network in memory; what a scenario lets happen to them; and what that showed.
 *
 * Nothing of the config is changed but the transport, and what works outside of the process, which
 * is left out and said.
 */
#include "cmd.h"

#include "fail.h"
#include "files.h"
#include "play.h"
#include "plugins_check.h"
#include "progress.h"
#include "registry.h"
#include "report.h"
#include "screen.h"
#include "arguments.h"
#include "world.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char help[] =
    "Usage: kith sim [OPTIONS] FILE\n"
    "       kith sim --builtin\n\n"
    "Try the node that FILE describes before it is deployed: many of them, as real as\n"
    "'kith run' makes them, but in virtual time and over a network in memory, so an hour\n"
    "takes seconds, and the same seed repeats it exactly. A scenario says what the\n"
    "network is like and what happens: kith-scenario(5). Without one all join, one is\n"
    "killed, one is stopped, a quarter is cut off for a while, some leave.\n\n"
    "      --scenario FILE      what happens; the options below go before it\n"
    "      --nodes N            how many\n"
    "      --time DURATION      for how long: 10m\n"
    "      --seed N             where all chance begins\n"
    "      --format text|json   of what is printed\n"
    "      --report FILE        a page with plots, as HTML\n"
    "      --trace FILE         every act and every event of every node, a line each\n"
    "      --builtin            print the scenario that runs when none is named\n"
    "      --plugin-path DIRS   look for plugins here, colon separated\n"
    "  -q, --quiet              no bar, and what was left out in the report alone\n"
    "  -h, --help\n\n"
    "Exit 1: some of it could not be done; 2: a file has errors, nothing was started.\n";

enum { OVERRIDES = 3, COMPLAINTS_SHOWN = 20 };

struct sim {
    const char *file, *scenario_file, *report, *trace_file, *plugin_path;
    struct kith_setting_text over[OVERRIDES];
    size_t over_count;
    bool json, quiet;

    struct kith_scenario *scenario;
    struct kith_world *world;
    struct kith_config *theirs, config;
    struct kith_left_out *left_out;
    size_t left_out_count;
    FILE *trace;
    struct kith_progress progress;
    unsigned undone;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    interrupted = 1;
    signal(number, SIG_DFL); /* who asks twice does not wait for the report */
}

/* -------------------------------------------------------------------------------------- read */

static void print_diag(struct kith_diag *diag)
{
    kith_diag_print(diag, stderr);
    kith_diag_free(diag);
}

static int read_scenario(struct sim *s)
{
    struct kith_diag *diag = kith_diag_new();
    s->scenario = kith_scenario_load(s->scenario_file, s->over, s->over_count, diag);
    print_diag(diag);
    return s->scenario ? KITH_GO_ON : KITH_EXIT_USAGE;
}

/* As `kith config check` does it: what only plugins can say is asked, too. */
static int read_node(struct sim *s)
{
    struct kith_config_finder finder = kith_registry_finder(kith_world_registry(s->world));
    struct kith_diag *diag = kith_diag_new();
    s->theirs = kith_config_load(s->file, &finder, diag);
    if (s->theirs) kith_plugins_check(s->theirs, NULL, diag, true);
    bool wrong = kith_diag_errors(diag) > 0;
    print_diag(diag);
    return wrong || !s->theirs ? KITH_EXIT_USAGE : KITH_GO_ON;
}

static void leave_out(void *arg, const char *what, const char *why)
{
    struct sim *s = arg;
    struct kith_left_out *all = realloc(s->left_out, (s->left_out_count + 1) * sizeof *all);
    if (!all) return;
    s->left_out = all;
    all[s->left_out_count++] = (struct kith_left_out){strdup(what), strdup(why)};
    if (!s->quiet) fprintf(stderr, "kith sim: without %s: %s\n", what, why);
}

static int make_config(struct sim *s)
{
    struct kith_error err = {.size = sizeof err};
    int rc = kith_cluster_config(&s->config, s->theirs, kith_world_registry(s->world), leave_out, s,
                                 &err);
    return rc ? kith_tool_fail("sim", KITH_EXIT_FAILED, "%s", err.text) : KITH_GO_ON;
}

static bool is_one_file(const struct stat *a, const char *path)
{
    struct stat b;
    return path && stat(path, &b) == 0 && a->st_dev == b.st_dev && a->st_ino == b.st_ino &&
           S_ISREG(b.st_mode);
}

/* Looked at before anything is made. other: what else is written. */
static int check_output(const struct sim *s, const char *path, enum kith_output kind,
                        const char *other)
{
    struct kith_error err = {.size = sizeof err};
    struct stat file, printed;
    if (!path) return KITH_GO_ON;
    if (strcmp(path, "-") == 0)
        return kith_tool_usage("sim", "a page or a trace needs a file of its own, not '-'");
    bool taken = other && strcmp(path, other) == 0;
    if (!taken && stat(path, &file) == 0)
        taken = is_one_file(&file, s->file) || is_one_file(&file, s->scenario_file) ||
                is_one_file(&file, other) ||
                (fstat(STDOUT_FILENO, &printed) == 0 && is_one_file(&printed, path));
    if (taken) return kith_tool_fail("sim", KITH_EXIT_USAGE, "%s: has another use already", path);
    int rc = kith_output_check(path, kind, &err);
    return rc ? kith_tool_fail("sim", rc == -KITH_EEXIST ? KITH_EXIT_USAGE : KITH_EXIT_FAILED, "%s",
                               err.text)
              : KITH_GO_ON;
}

/* Only once it is there can be seen that the page has another name of it. */
static int open_trace(struct sim *s)
{
    struct stat made;
    if (!s->trace_file) return KITH_GO_ON;
    s->trace = fopen(s->trace_file, "we");
    if (!s->trace)
        return kith_tool_fail("sim", KITH_EXIT_FAILED, "%s: %s", s->trace_file, strerror(errno));
    if (fstat(fileno(s->trace), &made) == 0 && is_one_file(&made, s->report))
        return kith_tool_fail("sim", KITH_EXIT_USAGE, "%s: has another use already", s->report);
    return KITH_GO_ON;
}

static int prepare(struct sim *s)
{
    int code = read_scenario(s);
    /* Both files are read, so that all that is wrong is told. */
    s->world = kith_world_new_virtual(s->plugin_path, s->scenario ? s->scenario->seed : 0);
    if (!s->world) return kith_tool_fail("sim", KITH_EXIT_FAILED, "out of memory");
    int other = read_node(s);
    if (code == KITH_GO_ON) code = other;
    if (code == KITH_GO_ON) code = make_config(s);
    if (code == KITH_GO_ON) code = check_output(s, s->report, KITH_OUTPUT_PAGE, s->trace_file);
    if (code == KITH_GO_ON) code = check_output(s, s->trace_file, KITH_OUTPUT_TRACE, s->report);
    if (code == KITH_GO_ON) code = open_trace(s);
    return code;
}

/* -------------------------------------------------------------------------------------- play */

static bool go_on(void *ctx, uint64_t now, int running)
{
    struct sim *s = ctx;
    kith_progress_show(&s->progress, now, running);
    return !interrupted;
}

static void undone(void *ctx, uint64_t at, const char *what, const char *why)
{
    struct sim *s = ctx;
    if (!s->scenario_file) return; /* the built-in one does what it can with so few nodes */
    if (s->undone++ >= COMPLAINTS_SHOWN) return;
    kith_progress_clear(&s->progress);
    kith_tool_fail("sim", 0, "at %.3fs: %s: %s", (double)at / 1e9, what, why);
}

/* "lzw, crc32"; malloc'd. */
static char *send_chain(const struct kith_chain *chain)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    for (size_t i = 0; out && i < chain->send.count; i++)
        fprintf(out, "%s%s", i ? ", " : "", chain->send.items[i].name);
    if (out) fclose(out);
    return text;
}

/* What only we know. */
static void complete(struct sim *s, struct kith_result *r)
{
    static const char *const profiles[] = {"lan", "wan", "local"};
    r->file = strdup(s->file);
    r->scenario = s->scenario_file ? strdup(s->scenario_file) : NULL;
    r->profile = strdup(profiles[s->config.settings.profile]);
    r->send = send_chain(&s->config.chain);
    r->seed = s->scenario->seed;
    r->asked = (double)s->scenario->time / 1e9;
    r->left_out = s->left_out;
    r->left_out_count = s->left_out_count;
    s->left_out = NULL;
    s->left_out_count = 0;
}

static int close_trace(struct sim *s)
{
    if (!s->trace) return KITH_GO_ON;
    bool bad = ferror(s->trace);
    if (fclose(s->trace) != 0) bad = true;
    s->trace = NULL;
    return bad ? kith_tool_fail("sim", KITH_EXIT_FAILED, "can't write %s", s->trace_file)
               : KITH_GO_ON;
}

static int write_page(const struct sim *s, const struct kith_result *r)
{
    struct kith_error err = {.size = sizeof err};
    if (!s->report || kith_output_page(s->report, r, &err) == 0) return KITH_GO_ON;
    return kith_tool_fail("sim", KITH_EXIT_FAILED, "%s", err.text);
}

/* Files first: who reads what is printed may stop reading, and end us. */
static int report(struct sim *s, const struct kith_result *r)
{
    int trace = close_trace(s), page = write_page(s, r);
    int rc = s->json ? kith_report_json(stdout, r) : kith_report_text(stdout, r);
    if (rc) return kith_tool_fail("sim", KITH_EXIT_FAILED, "can't write the output");
    return trace != KITH_GO_ON ? trace : page;
}

static int play(struct sim *s)
{
    const struct kith_play_setup setup = {.world = s->world,
                                          .config = &s->config,
                                          .scenario = s->scenario,
                                          .trace = s->trace,
                                          .ctx = s,
                                          .progress = go_on,
                                          .undone = undone};
    struct kith_error err = {.size = sizeof err};
    struct kith_result result;
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    kith_progress_begin(&s->progress, stderr, s->scenario->time, s->quiet);
    int rc = kith_play(&setup, &result, &err);
    kith_progress_clear(&s->progress);
    if (rc) return kith_tool_fail("sim", KITH_EXIT_FAILED, "%s", err.text);
    complete(s, &result);
    int code = report(s, &result);
    kith_result_free(&result);
    if (s->undone > COMPLAINTS_SHOWN)
        kith_tool_fail("sim", 0, "and %u more could not be done", s->undone - COMPLAINTS_SHOWN);
    if (interrupted) kith_tool_fail("sim", 0, "interrupted: this is the part until then");
    if (code != KITH_GO_ON) return code;
    return s->undone || interrupted ? KITH_EXIT_FAILED : KITH_EXIT_OK;
}

static void release(struct sim *s)
{
    if (s->trace) fclose(s->trace);
    if (s->config.path) kith_cluster_config_fini(&s->config);
    for (size_t i = 0; i < s->left_out_count; i++) {
        free(s->left_out[i].what);
        free(s->left_out[i].why);
    }
    free(s->left_out);
    kith_config_free(s->theirs);
    kith_scenario_free(s->scenario);
    kith_world_unref(s->world);
}

/* ------------------------------------------------------------------------------------ options */

/* A key of the scenario by its option. */
static int override(struct sim *s, const char *name, const char *text)
{
    struct kith_error err = {.size = sizeof err};
    struct kith_setting_text given = {name, text};
    size_t i = 0;
    if (kith_scenario_check(&given, &err) < 0)
        return kith_tool_usage("sim", "--%s: %s", name, err.text);
    while (i < s->over_count && strcmp(s->over[i].name, name) != 0) i++;
    if (i == s->over_count) s->over_count++;
    s->over[i] = given;
    return KITH_GO_ON;
}

int kith_cmd_sim(int argc, char **argv)
{
    static const struct option options[] = {{"scenario", required_argument, NULL, 's'},
                                            {"nodes", required_argument, NULL, 'n'},
                                            {"time", required_argument, NULL, 't'},
                                            {"seed", required_argument, NULL, 'e'},
                                            {"format", required_argument, NULL, 'f'},
                                            {"report", required_argument, NULL, 'r'},
                                            {"trace", required_argument, NULL, 'c'},
                                            {"builtin", no_argument, NULL, 'b'},
                                            {"plugin-path", required_argument, NULL, 'p'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct sim s = {0};
    int code = KITH_GO_ON;
    for (int c; code == KITH_GO_ON && (c = getopt_long(argc, argv, "hq", options, NULL)) != -1;) {
        switch (c) {
        case 's': s.scenario_file = optarg; break;
        case 'n': code = override(&s, "nodes", optarg); break;
        case 't': code = override(&s, "time", optarg); break;
        case 'e': code = override(&s, "seed", optarg); break;
        case 'f': code = kith_tool_format("sim", optarg, &s.json); break;
        case 'r': s.report = optarg; break;
        case 'c': s.trace_file = optarg; break;
        case 'b': fputs(kith_scenario_builtin, stdout); return KITH_EXIT_OK;
        case 'p': s.plugin_path = optarg; break;
        case 'q': s.quiet = true; break;
        case 'h': fputs(help, stdout); return KITH_EXIT_OK;
        default: return kith_tool_wrong_option("sim");
        }
    }
    if (code != KITH_GO_ON) return code;
    if (argc - optind != 1)
        return kith_tool_usage("sim", optind == argc ? "which file?" : "one file only");
    s.file = argv[optind];
    code = prepare(&s);
    if (code == KITH_GO_ON) code = play(&s);
    release(&s);
    return code;
}
