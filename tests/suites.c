/*
 * suites.c - the main() of every CUnit program: runs the suites that were linked with it (test.h).
 *
 *     tests/core/test                     all suites of the folder
 *     tests/core/test core/probe          one suite; its last part, "probe", will do
 *     tests/core/test "are answered"      every test with these words in its name
 *     tests/core/test '!are answered'     all the others
 *     tests/core/test --list              what there is
 *
 * Without arguments those in KITH_TESTS count, split at commas, so `make check-core
 * KITH_TESTS=probe` works; a program that has nothing of that name is skipped then. The exit code
 * is 0 when at least one test ran and none failed. Every failure is said again at the end: suite,
 * test, file and line.
 */
#include "test.h"

#include <sys/resource.h>
#include <unistd.h>

static struct kith_suite *suites;
/* What we were started with. */
static char start[4096];
static struct rlimit descriptors;

void kith_suite_add(struct kith_suite *suite)
{
    struct kith_suite **at = &suites;
    while (*at && strcmp((*at)->name, suite->name) < 0) at = &(*at)->next;
    suite->next = *at;
    *at = suite;
}

static bool suite_is(const struct kith_suite *s, const char *word)
{
    const char *last = strrchr(s->name, '/');
    return strcmp(s->name, word) == 0 || (last && strcmp(last + 1, word) == 0);
}

static bool suite_exists(const char *word)
{
    for (const struct kith_suite *s = suites; s; s = s->next)
        if (suite_is(s, word)) return true;
    return false;
}

/* A word that names a suite means that suite, and nothing else that happens to contain it. */
static bool means(const char *word, const struct kith_suite *s, const struct kith_test *t)
{
    return suite_exists(word) ? suite_is(s, word) : strstr(t->name, word) != NULL;
}

static bool wanted(const struct kith_suite *s, const struct kith_test *t, int n, char **words)
{
    bool named = false, any = false;
    for (int i = 0; i < n; i++) {
        if (words[i][0] == '!') {
            if (means(words[i] + 1, s, t)) return false;
        } else {
            any = true;
            named |= means(words[i], s, t);
        }
    }
    return named || !any;
}

/* A suite that changes the folder or the limit, and fails in the middle, changes nothing for the
 * next. */
static int begin_suite(void) { return chdir(start) || setrlimit(RLIMIT_NOFILE, &descriptors); }

static void list(void)
{
    for (const struct kith_suite *s = suites; s; s = s->next)
        for (size_t i = 0; i < s->count; i++) printf("%s: %s\n", s->name, s->tests[i].name);
}

static void repeat_failures(void)
{
    for (CU_pFailureRecord f = CU_get_failure_list(); f; f = f->pNext)
        printf("failed: %s: %s: %s:%u: %s\n", f->pSuite ? f->pSuite->pName : "?",
               f->pTest ? f->pTest->pName : "the suite itself",
               f->strFileName ? f->strFileName : "?", f->uiLineNumber,
               f->strCondition ? f->strCondition : "?");
}

/* The words of KITH_TESTS, cut apart in place. */
static int words_of_environment(char **words, int max)
{
    char *env = getenv("KITH_TESTS");
    int n = 0;
    for (char *word = env ? strtok(env, ",") : NULL; word && n < max; word = strtok(NULL, ","))
        words[n++] = word + strspn(word, " ");
    return n;
}

int main(int argc, char **argv)
{
    char *env_words[16], **words = argv + 1;
    int n = argc - 1;
    if (n == 1 && strcmp(words[0], "--list") == 0) {
        list();
        return 0;
    }
    bool from_env = n == 0;
    if (from_env) {
        words = env_words;
        n = words_of_environment(env_words, 16);
    }
    setvbuf(stdout, NULL, _IONBF, 0); /* the name of a test that crashes is out before it runs */
    if (!getcwd(start, sizeof start) || getrlimit(RLIMIT_NOFILE, &descriptors) ||
        CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    for (const struct kith_suite *s = suites; s; s = s->next) {
        CU_pSuite suite = NULL;
        for (size_t i = 0; i < s->count; i++) {
            if (!wanted(s, &s->tests[i], n, words)) continue;
            if (!suite) suite = CU_add_suite(s->name, begin_suite, NULL);
            if (!suite || !CU_add_test(suite, s->tests[i].name, s->tests[i].fn)) {
                fprintf(stderr, "%s: %s: %s\n", s->name, s->tests[i].name, CU_get_error_msg());
                return 2;
            }
        }
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures() + CU_get_number_of_suites_failed();
    unsigned ran = CU_get_number_of_tests_run();
    repeat_failures();
    CU_cleanup_registry();
    if (!ran) fprintf(stderr, "no test of that name; --list shows them\n");
    return !ran && from_env && n ? 77 : failed || !ran;
}
