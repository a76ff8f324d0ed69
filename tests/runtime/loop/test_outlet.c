/*
 * test_outlet.c - lines of a log go out to whatever stands at the other end, and never wait for it.
 *
 * Who waits here waits for ever: the alarm ends the test then.
 */
#include "../../test.h"
#include "logger.h"
#include "outlet.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { HANGS = 60, LINES_MAX = 100000 };

/* stderr is `end` until it is put back. */
static int put_away(int end)
{
    int was = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    CU_ASSERT_FATAL(was >= 0 && dup2(end, STDERR_FILENO) == STDERR_FILENO);
    close(end);
    return was;
}

static void put_back(int was)
{
    dup2(was, STDERR_FILENO);
    close(was);
}

static bool put_line(struct kith_outlet *o, unsigned number)
{
    char line[16];
    int n = snprintf(line, sizeof line, "%06u\n", number);
    return kith_outlet_put(o, line, (size_t)n);
}

/* Lines until one is refused; how many were taken. */
static unsigned fill(struct kith_outlet *o, unsigned first)
{
    unsigned i = first;
    while (i < LINES_MAX && put_line(o, i)) i++;
    CU_ASSERT_TRUE_FATAL(i < LINES_MAX);
    return i - first;
}

/* Everything that `fd` has, sent on as room is made; the lines must come in order, and whole. */
static unsigned drain(struct kith_outlet *o, int fd)
{
    char text[8];
    unsigned count = 0;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    for (;;) {
        ssize_t n = read(fd, text, 7);
        if (n <= 0 && !kith_outlet_keeps(o)) return count;
        (void)kith_outlet_ready(o);
        if (n <= 0) continue;
        text[n] = 0;
        CU_ASSERT_EQUAL_FATAL(n, 7);
        CU_ASSERT_EQUAL_FATAL((unsigned)strtoul(text, NULL, 10), count);
        count++;
    }
}

static void check_full(struct kith_outlet *o, int reader)
{
    alarm(HANGS);
    unsigned taken = fill(o, 0);
    CU_ASSERT(taken * 7 >= KITH_OUTLET_KEPT);
    CU_ASSERT_FALSE(put_line(o, taken)); /* and stays shut */
    CU_ASSERT_EQUAL(drain(o, reader), taken);
    CU_ASSERT_TRUE(kith_outlet_ready(o));
    CU_ASSERT_TRUE(put_line(o, 0));
    CU_ASSERT_EQUAL(drain(o, reader), 1);
    kith_outlet_close(o);
    alarm(0);
}

static void test_pipe(void)
{
    int ends[2];
    struct kith_outlet o;
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    int was = put_away(ends[1]);
    kith_outlet_stderr(&o);
    check_full(&o, ends[0]);
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    put_back(was);
    CU_ASSERT_FALSE(flags & O_NONBLOCK); /* a shell has it, too */
    close(ends[0]);
}

/* No descriptor is left to open the pipe once more. */
static void test_pipe_as_it_is(void)
{
    int ends[2];
    struct kith_outlet o;
    struct rlimit limit, none;
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    int was = put_away(ends[1]);
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = 3;
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &none), 0);
    kith_outlet_stderr(&o);
    setrlimit(RLIMIT_NOFILE, &limit);
    CU_ASSERT_EQUAL(o.fd, STDERR_FILENO);
    check_full(&o, ends[0]);
    CU_ASSERT(fcntl(STDERR_FILENO, F_GETFL) >= 0); /* open still */
    put_back(was);
    close(ends[0]);
}

static void test_stream_socket(void)
{
    int ends[2];
    struct kith_outlet o;
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    int was = put_away(ends[1]);
    kith_outlet_stderr(&o);
    check_full(&o, ends[0]);
    put_back(was);
    close(ends[0]);
}

/* journald's: what the kernel does not queue is refused. */
static void test_datagrams(void)
{
    char dir[] = "/tmp/kith-outlet-XXXXXX", text[16];
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct kith_outlet o;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s/socket", dir);
    int journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL(kith_outlet_datagrams(&o, sa.sun_path), -ENOENT);
    CU_ASSERT_EQUAL_FATAL(bind(journal, (struct sockaddr *)&sa, sizeof sa), 0);
    CU_ASSERT_EQUAL_FATAL(kith_outlet_datagrams(&o, sa.sun_path), 0);
    alarm(HANGS);
    unsigned taken = fill(&o, 0);
    CU_ASSERT(taken > 0);
    CU_ASSERT_EQUAL(recv(journal, text, sizeof text, MSG_DONTWAIT), 7);
    CU_ASSERT_TRUE(put_line(&o, taken));
    CU_ASSERT_FALSE(kith_outlet_keeps(&o));
    alarm(0);
    kith_outlet_close(&o);
    close(journal);
    unlink(sa.sun_path);
    rmdir(dir);
}

static void make_fifo(char dir[], char *path, size_t cap)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    snprintf(path, cap, "%s/fifo", dir);
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
}

/* It opens before its reader comes. */
static void test_fifo(void)
{
    char dir[] = "/tmp/kith-outlet-XXXXXX", path[64];
    struct kith_outlet o;
    make_fifo(dir, path, sizeof path);
    alarm(HANGS);
    CU_ASSERT_EQUAL_FATAL(kith_outlet_file(&o, path), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    check_full(&o, reader);
    close(reader);
    unlink(path);
    rmdir(dir);
}

/* What a full disk does not take is kept, and written when there is room. */
static void test_full_disk(void)
{
    int ends[2];
    struct kith_outlet o, other;
    CU_ASSERT_EQUAL_FATAL(kith_outlet_file(&o, "/dev/full"), 0);
    unsigned taken = fill(&o, 0);
    CU_ASSERT_EQUAL(taken, KITH_OUTLET_KEPT / 7);
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    other = (struct kith_outlet){.fd = ends[1]};
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    CU_ASSERT_EQUAL(kith_outlet_move(&o, &other), 0);
    kith_outlet_close(&o);
    CU_ASSERT_EQUAL(drain(&other, ends[0]), taken);
    kith_outlet_close(&other);
    close(ends[0]);
    close(ends[1]);
}

/* ------------------------------------------------------------------------------------ the log */

/* Lines that came, and what the one about the lost says. */
static unsigned read_log(int fd, struct kith_log *log, unsigned *lost)
{
    char part[4096], last[8192] = "";
    unsigned count = 0;
    *lost = 0;
    for (;;) {
        ssize_t n = read(fd, part, sizeof part - 1);
        if (n <= 0) break;
        part[n] = 0;
        strcat(last, part);
        char *line = last, *end;
        for (; (end = strchr(line, '\n')); line = end + 1) {
            *end = 0;
            char *said = strstr(line, "n/log: ");
            if (said) *lost += (unsigned)strtoul(said + 7, NULL, 10);
            count += !said;
            CU_ASSERT(said || strstr(line, "DEBUG n: "));
        }
        memmove(last, line, strlen(line) + 1);
        kith_log_flush(log);
    }
    CU_ASSERT_STRING_EQUAL(last, "");
    return count;
}

/* Nobody reads: lines get lost, are counted, and it is said as soon as somebody reads again. */
static void test_lost_lines(void)
{
    char dir[] = "/tmp/kith-outlet-XXXXXX", path[64];
    struct kith_error err = {.size = sizeof err};
    struct kith_log *log = NULL;
    unsigned said, written = 0;
    make_fifo(dir, path, sizeof path);
    struct kith_log_setup setup = {
        .node = "n", .to = KITH_LOG_TO_FILE, .level = KITH_LOG_TRACE, .file = path};
    alarm(HANGS);
    CU_ASSERT_EQUAL_FATAL(kith_log_new(&log, &setup, &err), 0);
    CU_ASSERT_EQUAL(kith_log_due(log), 0);
    while (kith_log_lost(log) < 100 && written < LINES_MAX)
        kith_log_write(log, KITH_LOG_DEBUG, "", "line %u", written++);
    CU_ASSERT_EQUAL_FATAL(kith_log_lost(log), 100);
    CU_ASSERT_NOT_EQUAL(kith_log_due(log), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    CU_ASSERT_EQUAL(read_log(reader, log, &said), written - 100);
    CU_ASSERT_EQUAL(said, 100);
    CU_ASSERT_EQUAL(kith_log_due(log), 0);
    kith_log_write(log, KITH_LOG_DEBUG, "", "line %u", written);
    CU_ASSERT_EQUAL(read_log(reader, log, &said), 1);
    CU_ASSERT_EQUAL(said, 0);
    alarm(0);
    kith_log_free(log);
    close(reader);
    unlink(path);
    rmdir(dir);
}

KITH_TESTS("runtime/outlet", {"stderr is a pipe", test_pipe},
           {"a pipe that can't be opened again", test_pipe_as_it_is},
           {"stderr is a socket", test_stream_socket}, {"datagrams", test_datagrams},
           {"a FIFO", test_fifo}, {"a full disk", test_full_disk},
           {"what got lost is said", test_lost_lines})
