/*
 * test_logger.c - how lines look, that nobody can forge or flood them, and where they go.
 */
#include "../../test.h"
#include "logger.h"
#include "log_format.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define SECOND 1000000000u

static uint64_t clock_now;
static char lines[1 << 16];
static int line_count;

static uint64_t test_wall(void *ctx) { return clock_now; }

static void keep(void *ctx, enum kith_log_level level, const char *line)
{
    size_t n = strlen(lines);
    snprintf(lines + n, sizeof lines - n, "%s|", line);
    line_count++;
}

static struct kith_log *hooked(enum kith_log_level level)
{
    struct kith_log *log = NULL;
    struct kith_log_setup setup = {.level = level, .hook = keep, .wall = test_wall};
    lines[0] = 0;
    line_count = 0;
    clock_now = 1790000000 * (uint64_t)SECOND;
    CU_ASSERT_EQUAL_FATAL(kith_log_new(&log, &setup, NULL), 0);
    return log;
}

static void test_formats(void)
{
    char out[512];
    struct kith_line line = {1790000000123456789u, KITH_LOG_WARN, "web-1", "udp_tcp", "can't bind"};
    kith_log_text(out, sizeof out, &line);
    CU_ASSERT_STRING_EQUAL(out, "2026-09-21T14:13:20.123Z WARN  web-1/udp_tcp: can't bind\n");
    kith_log_json(out, sizeof out, &line);
    CU_ASSERT_STRING_EQUAL(
        out, "{\"time\":\"2026-09-21T14:13:20.123Z\",\"level\":\"warn\",\"node\":\"web-1\","
             "\"source\":\"udp_tcp\",\"msg\":\"can't bind\"}\n");
    kith_log_journal(out, sizeof out, &line);
    CU_ASSERT_STRING_EQUAL(
        out, "PRIORITY=4\nSYSLOG_IDENTIFIER=kith\nKITH_NODE=web-1\nKITH_SOURCE=udp_tcp\n"
             "MESSAGE=udp_tcp: can't bind\n");
    line.source = "";
    kith_log_text(out, sizeof out, &line);
    CU_ASSERT_STRING_EQUAL(out, "2026-09-21T14:13:20.123Z WARN  web-1: can't bind\n");
    line.node = "";
    kith_log_plain(out, sizeof out, &line);
    CU_ASSERT_STRING_EQUAL(out, "can't bind");
}

/* Names of members may hold any byte. */
static void test_escapes(void)
{
    char out[512];
    struct kith_line line = {0, KITH_LOG_INFO, "", "",
                             "a\n2026 ERROR b\x1b[2J\xff \xc3\xa9 \"q\" \\ \xed\xa0\x80"};
    kith_log_text(out, sizeof out, &line);
    CU_ASSERT_STRING_EQUAL(out, "1970-01-01T00:00:00.000Z INFO  a\\x0a2026 ERROR b\\x1b[2J\\xff "
                                "\xc3\xa9 \"q\" \\ \\xed\\xa0\\x80\n");
    kith_log_json(out, sizeof out, &line);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(out, "\"msg\":\"a\\\\x0a2026 ERROR b\\\\x1b[2J\\\\xff \xc3\xa9 \\\"q\\\" \\\\ "
                    "\\\\xed\\\\xa0\\\\x80\"}\n"));
    kith_log_journal(out, sizeof out, &line);
    CU_ASSERT_PTR_EQUAL(strchr(strstr(out, "MESSAGE="), '\n'), out + strlen(out) - 1);
}

/* Whatever is cut, the frame of a line stays whole. */
static void test_long_lines(void)
{
    char out[300], text[1000];
    memset(text, '\n', sizeof text - 1);
    text[sizeof text - 1] = 0;
    struct kith_line line = {0, KITH_LOG_INFO, text, text, text};
    size_t n = kith_log_json(out, sizeof out, &line);
    CU_ASSERT(n < sizeof out && strlen(out) == n);
    CU_ASSERT_STRING_EQUAL(out + n - 3, "\"}\n");
    for (size_t cap = 120; cap < sizeof out; cap++) { /* nowhere inside of an escape */
        n = kith_log_json(out, cap, &line);
        CU_ASSERT_STRING_EQUAL(out + n - 3, "\"}\n");
        const char *at = out + n - 3;
        while (at > out + 5 && !memcmp(at - 5, "\\\\x0a", 5)) at -= 5;
        CU_ASSERT(at[-1] == '"');
    }
    n = kith_log_text(out, sizeof out, &line);
    CU_ASSERT(n < sizeof out && strlen(out) == n);
    CU_ASSERT_PTR_EQUAL(strchr(out, '\n'), out + n - 1);
    n = kith_log_journal(out, sizeof out, &line);
    CU_ASSERT(n < sizeof out && strlen(out) == n && out[n - 1] == '\n');
}

static void test_levels(void)
{
    struct kith_log *log = hooked(KITH_LOG_INFO);
    kith_log_write(log, KITH_LOG_DEBUG, "a", "no");
    kith_log_write(log, KITH_LOG_INFO, "a", "yes %d", 1);
    kith_log_write(log, KITH_LOG_ERROR, "", "of course");
    CU_ASSERT_STRING_EQUAL(lines, "a: yes 1|of course|");
    CU_ASSERT_FALSE(kith_log_wanted(log, KITH_LOG_TRACE));
    kith_log_free(log);
}

static void test_repeats(void)
{
    struct kith_log *log = hooked(KITH_LOG_TRACE);
    for (int i = 0; i < 5; i++) kith_log_write(log, KITH_LOG_WARN, "x", "no route");
    CU_ASSERT_STRING_EQUAL(lines, "x: no route|");
    CU_ASSERT_NOT_EQUAL(kith_log_due(log), 0);
    kith_log_flush(log);
    CU_ASSERT_STRING_EQUAL(lines, "x: no route|"); /* the window is still open */
    clock_now += 10 * (uint64_t)SECOND;
    kith_log_flush(log);
    CU_ASSERT_STRING_EQUAL(lines, "x: no route|x: no route (repeated 4 times)|");
    CU_ASSERT_EQUAL(kith_log_due(log), 0);
    CU_ASSERT_EQUAL(kith_log_suppressed(log), 4);
    kith_log_write(log, KITH_LOG_WARN, "x", "no route");
    CU_ASSERT_EQUAL(line_count, 3);
    kith_log_free(log);
}

static void test_flood(void)
{
    struct kith_log *log = hooked(KITH_LOG_TRACE);
    for (int i = 0; i < 100000; i++)
        kith_log_write(log, KITH_LOG_WARN, "x", "bad packet from %d", i);
    CU_ASSERT_EQUAL(line_count, 20);
    kith_log_write(log, KITH_LOG_WARN, "x", "another place speaks");
    kith_log_write(log, KITH_LOG_WARN, "y", "bad packet from %d", 1);
    CU_ASSERT_EQUAL(line_count, 22);
    kith_log_free(log); /* nothing is swallowed at the end */
    CU_ASSERT_PTR_NOT_NULL(strstr(lines, "x: bad packet from 99999 (and 99979 more like it)|"));
}

/* Sixty places in turn: none frees another of its limit. */
static void test_many_places_flood(void)
{
    struct kith_log *log = hooked(KITH_LOG_TRACE);
    for (int i = 0; i < 100; i++)
        for (int place = 0; place < 60; place++) {
            char source[8];
            snprintf(source, sizeof source, "s%d", place);
            kith_log_write(log, KITH_LOG_WARN, source, "%d", i);
        }
    CU_ASSERT_EQUAL(line_count, 60 * 20);
    kith_log_free(log);
}

/* Events and debugging are wanted in full: the same member may come and go and come. */
static void test_not_limited(void)
{
    struct kith_log *log = hooked(KITH_LOG_TRACE);
    for (int i = 0; i < 3; i++) kith_log_write(log, KITH_LOG_INFO, "log", "a joined");
    for (int i = 0; i < 100; i++) kith_log_write(log, KITH_LOG_DEBUG, "log", "same");
    CU_ASSERT_EQUAL(line_count, 103);
    kith_log_free(log);
}

static void test_file(void)
{
    char path[] = "/tmp/kith-log-XXXXXX", moved[64], text[2000];
    struct kith_error err = {.size = sizeof err};
    struct kith_log *log = NULL;
    close(mkstemp(path));
    snprintf(moved, sizeof moved, "%s.1", path);
    struct kith_log_setup setup = {.node = "n",
                                   .to = KITH_LOG_TO_FILE,
                                   .format = KITH_LOG_JSON,
                                   .level = KITH_LOG_INFO,
                                   .file = path};
    CU_ASSERT_EQUAL_FATAL(kith_log_new(&log, &setup, &err), 0);
    kith_log_write(log, KITH_LOG_INFO, "", "one");
    rename(path, moved);
    CU_ASSERT_EQUAL(kith_log_change(log, &setup, &err), 0);
    kith_log_write(log, KITH_LOG_INFO, "", "two");
    setup.file = "/does/not/exist";
    CU_ASSERT_EQUAL(kith_log_change(log, &setup, &err), -KITH_EIO);
    CU_ASSERT_STRING_EQUAL(err.text, "log to /does/not/exist: No such file or directory");
    kith_log_write(log, KITH_LOG_INFO, "", "three");
    kith_log_free(log);

    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    CU_ASSERT_FATAL(n > 0);
    text[n] = 0;
    close(fd);
    CU_ASSERT_PTR_NULL(strstr(text, "one"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"node\":\"n\",\"msg\":\"two\"}\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"msg\":\"three\"}\n"));
    unlink(path);
    unlink(moved);
}

/* No text comes twice: one that two threads said in a row would be summed up. */
static void *flood(void *arg)
{
    static atomic_int said;
    for (int i = 0; i < 2000; i++) {
        kith_log_write(arg, KITH_LOG_DEBUG, "t", "line");
        kith_log_write(arg, KITH_LOG_WARN, "t", "line %d", atomic_fetch_add(&said, 1));
    }
    return NULL;
}

static void test_threads(void)
{
    struct kith_log *log = hooked(KITH_LOG_TRACE);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, flood, log);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(line_count, 8000 + 20);
    CU_ASSERT_EQUAL(kith_log_suppressed(log), 8000 - 20);
    kith_log_free(log);
}

KITH_TESTS("runtime/logger", {"formats", test_formats},
           {"bytes that would forge a line", test_escapes},
           {"long lines are cut whole", test_long_lines}, {"levels", test_levels},
           {"repeats are counted", test_repeats}, {"a flood is a few lines", test_flood},
           {"a flood from many places", test_many_places_flood},
           {"events are not limited", test_not_limited}, {"files, and changing them", test_file},
           {"threads", test_threads})
