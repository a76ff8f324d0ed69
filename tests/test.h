/*
 * test.h - a CUnit suite in a few lines:
 *
 *     static void test_pings_are_answered(void) { ... CU_ASSERT_EQUAL(...); }
 *     KITH_TESTS("core/probe", {"pings are answered", test_pings_are_answered}, ...)
 *
 * One such file is one suite. All suites of a folder are linked with tests/suites.c into one
 * program, which finds them by itself and runs them in the order of their names. Suites of a folder
 * share a process: leave no signal handler, limit or timer behind.
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

struct kith_suite {
    const char *name;
    const struct kith_test *tests;
    size_t count;
    struct kith_suite *next;
};

/* Adds a suite to the program; called before main() by KITH_TESTS alone. */
void kith_suite_add(struct kith_suite *suite);

#define KITH_TESTS(suite_name, ...) \
    __attribute__((constructor)) static void kith_suite_register(void) \
    { \
        static const struct kith_test tests[] = {__VA_ARGS__}; \
        static struct kith_suite suite = {suite_name, tests, sizeof tests / sizeof *tests, NULL}; \
        kith_suite_add(&suite); \
    }

#endif
