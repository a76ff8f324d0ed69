/*
 * test.h - a CUnit program in a few lines:
 *
 *     static void test_pings_are_answered(void) { ... CU_ASSERT_EQUAL(...); }
 *     KITH_TESTS("core/probe", {"pings are answered", test_pings_are_answered}, ...)
 *
 * Arguments select tests by substring. The exit code is 1 when any assertion failed.
 */
#ifndef KITH_TEST_H
#define KITH_TEST_H

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kith_test {
    const char *name;
    void (*fn)(void);
};

static inline int kith_tests_run(const char *suite, const struct kith_test *tests, size_t n,
                                 int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (CU_initialize_registry() != CUE_SUCCESS) return 2;
    CU_pSuite s = CU_add_suite(suite, NULL, NULL);
    for (size_t i = 0; i < n; i++) {
        bool wanted = argc < 2;
        for (int a = 1; a < argc; a++) wanted |= strstr(tests[i].name, argv[a]) != NULL;
        if (wanted) CU_add_test(s, tests[i].name, tests[i].fn);
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures() + CU_get_number_of_suites_failed();
    unsigned ran = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failed || !ran;
}

#define KITH_TESTS(suite, ...) \
    int main(int argc, char **argv) \
    { \
        static const struct kith_test tests[] = {__VA_ARGS__}; \
        return kith_tests_run(suite, tests, sizeof tests / sizeof *tests, argc, argv); \
    }

#endif
