/*
 * fail.h - how a command ends: exit codes, and the words that go with them on stderr.
 */
#ifndef KITH_TOOLS_FAIL_H
#define KITH_TOOLS_FAIL_H

#include <kith/plugin.h>

enum kith_exit {
    KITH_GO_ON = -1, /* none yet: what was looked at is fine */
    KITH_EXIT_OK = 0,
    KITH_EXIT_FAILED = 1, /* what was asked for did not work, or only in part */
    KITH_EXIT_USAGE = 2,  /* wrong arguments, or a config file with errors: nothing was started */
    KITH_EXIT_UNREACHABLE = 3, /* no running node on that socket */
    KITH_EXIT_NOTFOUND = 4,
    KITH_EXIT_TIMEOUT = 5,
    KITH_EXIT_REFUSED = 6 /* not allowed: permissions, keys */
};

/* "kith NAME: ..." on stderr with a pointer to --help; returns KITH_EXIT_USAGE. */
int kith_tool_usage(const char *name, const char *fmt, ...) KITH_PRINTF(2, 3);
/* After getopt has said what is wrong. */
int kith_tool_wrong_option(const char *name);
/* "kith NAME: ..." on stderr; returns code. */
int kith_tool_fail(const char *name, int code, const char *fmt, ...) KITH_PRINTF(3, 4);

#endif
