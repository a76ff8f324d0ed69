/*
 * test_descriptors.c - with however few descriptors: a node opens and starts, or says why not, and
 * leaves none behind.
 */
#include "nodes.h"
#include <kith/kith.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { NUMBERS = 512, MOST = 40 };

static int used(void)
{
    int count = 0;
    for (int fd = 0; fd < NUMBERS; fd++) count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* From now on there are this many descriptors that nobody has yet. */
static void leave_free(int count)
{
    struct rlimit limit;
    int fd = 0;
    for (; fd < NUMBERS && count >= 0; fd++) count -= fcntl(fd, F_GETFD) < 0;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)fd - 1;
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void keep_line(void *ctx, enum kith_log_level level, const char *line) { (*(int *)ctx)++; }

/* A whole life, of which the start has so many descriptors; true: it had what it needs. */
static bool live(const char *path, int start)
{
    int lines = 0, rc;
    struct kith_error err = {.size = sizeof err};
    struct kith_options options = {.size = sizeof options, .log = keep_line, .log_ctx = &lines};
    struct kith *k = NULL;
    rc = kith_open(&k, path, &options, &err);
    if (start < MOST) leave_free(start);
    if (!rc) rc = kith_start(k, &err);
    if (!rc) rc = kith_dispatch(k);
    CU_ASSERT(!rc || (rc < 0 && *err.text));
    kith_close(k);
    return !rc;
}

static void test_each_number(void)
{
    struct rlimit was;
    struct node *n = &nodes[0];
    begin();
    config(n, "pipeline: { send: [ { use: lzw }, { use: crc32 } ] }\n");
    CU_ASSERT_TRUE_FATAL(live(n->path, MOST)); /* what is made once stays: libuv's pipe, plugins */
    getrlimit(RLIMIT_NOFILE, &was);
    int before = used(), lived = 0;
    for (int free_ones = 0; free_ones <= MOST; free_ones++) {
        leave_free(free_ones);
        lived += live(n->path, MOST);
        setrlimit(RLIMIT_NOFILE, &was);
        CU_ASSERT_EQUAL(used(), before);
        (void)live(n->path, free_ones);
        setrlimit(RLIMIT_NOFILE, &was);
        CU_ASSERT_EQUAL(used(), before);
    }
    CU_ASSERT(lived > 20 && lived < MOST);
    end();
}

/* Who can't ask whether it is in use takes nobody's control socket away. */
static void test_control_socket_of_another(void)
{
    struct rlimit was;
    struct stat before, after;
    struct node *n = &nodes[0];
    begin();
    config(n, "");
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s/n0.sock", dir);
    int other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(bind(other, (struct sockaddr *)&sa, sizeof sa), 0);
    CU_ASSERT_EQUAL_FATAL(listen(other, 1), 0);
    CU_ASSERT_EQUAL(stat(sa.sun_path, &before), 0);
    getrlimit(RLIMIT_NOFILE, &was);
    for (int free_ones = 0; free_ones <= MOST; free_ones++) {
        CU_ASSERT_FALSE(live(n->path, free_ones));
        setrlimit(RLIMIT_NOFILE, &was);
        CU_ASSERT(stat(sa.sun_path, &after) == 0 && after.st_ino == before.st_ino);
    }
    close(other);
    end();
}

/* A program that makes a world itself, and has no use for a node without one. */
static void test_no_world(void)
{
    struct rlimit was;
    getrlimit(RLIMIT_NOFILE, &was);
    leave_free(0);
    errno = 0;
    struct kith_world *w = kith_world_new(NULL);
    int why = errno;
    setrlimit(RLIMIT_NOFILE, &was);
    CU_ASSERT_PTR_NULL(w);
    CU_ASSERT_EQUAL(why, EMFILE);
}

KITH_TESTS("runtime/descriptors", {"each number of descriptors", test_each_number},
           {"another node's control socket", test_control_socket_of_another},
           {"no descriptor for a world", test_no_world})
