/*
 * fail.c - the last words of a command. Everything else in this folder may call it; it calls none
 * of them.
 */
#include "fail.h"

int kith_tool_fail(const char *name, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "kith %s: ", name);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return code;
}

int kith_tool_usage(const char *name, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "kith %s: ", name);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\nTry 'kith %s --help'.\n", name);
    va_end(ap);
    return KITH_EXIT_USAGE;
}

int kith_tool_wrong_option(const char *name)
{
    fprintf(stderr, "Try 'kith %s --help'.\n", name);
    return KITH_EXIT_USAGE;
}
