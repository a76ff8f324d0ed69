/*
 * test_errors.c - every kind of mistake with the exact words a person gets.
 *
 * data/NAME.yaml is read, what is printed must be data/NAME.expected; those in data/scenario are
 * scenarios. With KITH_UPDATE set the expected files are written instead, for a person to read
 * before they are committed.
 */
#include "fake_finder.h"
#include "scenario.h"
#include "test.h"
#include <ctype.h>
#include <dirent.h>
#include <unistd.h>

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f) return NULL;
    char *text = calloc(1, 1 << 16);
    size_t n = fread(text, 1, (1 << 16) - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

/* Paths are absolute; the expected texts know nothing of where the tree lies. */
static void without_folder(char *text)
{
    char here[PATH_MAX];
    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(here, sizeof here - 1));
    strcat(here, "/");
    for (char *at = text; (at = strstr(at, here));) {
        bool begins = at == text || !isalnum((unsigned char)at[-1]);
        if (begins) memmove(at, at + strlen(here), strlen(at + strlen(here)) + 1);
        at += !begins; /* in the middle of another path */
    }
}

/* How much of the same line stands before two texts differ, 30 bytes at most. */
static int shared(const char *start, const char *at)
{
    int n = 0;
    while (n < 30 && at - n > start && at[-n - 1] != '\n') n++;
    return n;
}

/* Where got is not what the file has: the failure names it, the line, and what differs there. */
static void compare(const char *file, const char *got, const char *want)
{
    char text[600];
    size_t at = 0;
    unsigned line = 1;
    for (; got[at] && got[at] == want[at]; at++) line += got[at] == '\n';
    if (got[at] == want[at]) return;
    int before = shared(got, got + at);
    snprintf(text, sizeof text, "%s:%u: got `%.80s`, wanted `%.80s` (KITH_UPDATE=1 writes it)",
             file, line, got + at - before, want + at - before);
    for (char *c = text; *c; c++)
        if (*c == '\n') *c = ' ';
    CU_assertImplementation(CU_FALSE, __LINE__, text, __FILE__, "", CU_FALSE);
}

static void read_node(const char *path, struct kith_diag *diag)
{
    struct kith_config *c = kith_config_load(path, &fake_finder, diag);
    CU_ASSERT_EQUAL(c == NULL, kith_diag_errors(diag) != 0);
    bool secure = c && strcmp(c->transport.plugin->name, "quic") == 0;
    if (c) kith_config_check_require(c, secure ? KITH_AUTHENTICATES | KITH_ENCRYPTS : 0, diag);
    kith_config_free(c);
}

static void read_scenario(const char *path, struct kith_diag *diag)
{
    struct kith_scenario *s = kith_scenario_load(path, NULL, 0, diag);
    CU_ASSERT_EQUAL(s == NULL, kith_diag_errors(diag) != 0);
    kith_scenario_free(s);
}

static void check(const char *folder, const char *name,
                  void (*reads)(const char *path, struct kith_diag *))
{
    char path[300], expected[300];
    snprintf(path, sizeof path, "%s/%s.yaml", folder, name);
    snprintf(expected, sizeof expected, "%s/%s.expected", folder, name);
    struct kith_diag *diag = kith_diag_new();
    reads(path, diag);
    char *got = kith_diag_text(diag);
    without_folder(got);
    if (getenv("KITH_UPDATE")) {
        FILE *f = fopen(expected, "w");
        fputs(got, f);
        fclose(f);
    }
    char *want = slurp(expected);
    CU_ASSERT_PTR_NOT_NULL(want);
    CU_ASSERT_NOT_EQUAL(*got, '\0');
    compare(expected, got, want ? want : "");
    free(got);
    free(want);
    kith_diag_free(diag);
}

static int yaml_file(const struct dirent *d)
{
    const char *dot = strrchr(d->d_name, '.');
    return dot && strcmp(dot, ".yaml") == 0;
}

static void check_folder(const char *folder, int least,
                         void (*reads)(const char *path, struct kith_diag *))
{
    struct dirent **files;
    static bool there;
    if (!there) CU_ASSERT_EQUAL_FATAL(chdir(getenv("srcdir") ? getenv("srcdir") : "."), 0);
    there = true; /* it may be a relative one */
    int n = scandir(folder, &files, yaml_file, alphasort);
    CU_ASSERT_FATAL(n >= least);
    for (int i = 0; i < n; i++) {
        *strrchr(files[i]->d_name, '.') = '\0';
        check(folder, files[i]->d_name, reads);
        free(files[i]);
    }
    free(files);
}

static void test_every_file(void)
{
    setenv("KITH_TEST_KEY", "AAECAwQFBgcICQoLDA0ODw==", 1);
    setenv("KITH_TEST_BAD_KEY", "tooshort", 1);
    unsetenv("KITH_TEST_NOT_SET");
    check_folder("tests/config/data", 31, read_node);
}

static void test_every_scenario(void)
{
    check_folder("tests/config/data/scenario", 7, read_scenario);
}

static void test_a_file_that_is_not_there(void)
{
    struct kith_diag *diag = kith_diag_new();
    CU_ASSERT_PTR_NULL(kith_config_load("no/such.yaml", &fake_finder, diag));
    char *got = kith_diag_text(diag);
    CU_ASSERT_STRING_EQUAL(got,
                           "no/such.yaml: error: can't read the file: No such file or directory\n");
    free(got);
    kith_diag_free(diag);
}

static void test_a_flood_of_mistakes_is_cut(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    fputs("join:\n", f);
    for (int i = 0; i < 5000; i++) fputs("  - []\n", f);
    fclose(f);
    struct kith_diag *diag = kith_diag_new();
    CU_ASSERT_PTR_NULL(kith_config_parse("x", text, len, &fake_finder, diag));
    CU_ASSERT_EQUAL(kith_diag_errors(diag), 5000);
    char *got = kith_diag_text(diag);
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "x: 4900 more problems are not shown\n"));
    free(got);
    free(text);
    kith_diag_free(diag);
}

KITH_TESTS("config/errors", {"every file of data/ gets its words", test_every_file},
           {"every scenario gets its words", test_every_scenario},
           {"a file that is not there", test_a_file_that_is_not_there},
           {"a flood of mistakes is cut", test_a_flood_of_mistakes_is_cut})
