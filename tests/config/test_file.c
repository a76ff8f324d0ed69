/* What a path may lead to: plain files, pipes whose writer is silent, late or gone, sockets. */
#include "file.h"
#include "test.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[] = "/tmp/kith-file-XXXXXX", path[64];
static struct stat st;

static void begin(const char *name)
{
    strcpy(dir, "/tmp/kith-file-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/%s", dir, name);
}

static void end(void)
{
    unlink(path);
    CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static void test_plain(void)
{
    char text[8];
    begin("plain");
    CU_ASSERT_EQUAL(kith_file_load(path, text, sizeof text, KITH_FILE_NOW, &st), -ENOENT);
    CU_ASSERT_STRING_EQUAL(kith_file_why(-ENOENT, &st), "No such file or directory");
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    CU_ASSERT_EQUAL(write(fd, "0123456789", 10), 10);
    close(fd);
    CU_ASSERT_EQUAL(kith_file_load(path, text, sizeof text, KITH_FILE_NOW, NULL), 8);
    CU_ASSERT_EQUAL(memcmp(text, "01234567", 8), 0);
    end();
    CU_ASSERT_EQUAL(kith_file_load("/dev/null", text, sizeof text, KITH_FILE_NOW, &st), 0);
    CU_ASSERT_EQUAL(kith_file_load("/", text, sizeof text, KITH_FILE_NOW, &st), -EISDIR);
}

static void *write_late(void *arg)
{
    int fd = open(path, O_WRONLY); /* waits for a reader */
    CU_ASSERT_EQUAL(write(fd, "ab", 2), 2);
    CU_ASSERT_EQUAL(write(fd, "c", 1), 1);
    close(fd);
    return NULL;
}

static void test_pipe(void)
{
    char text[8];
    pthread_t writer;
    begin("pipe");
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
    /* nobody has it open */
    CU_ASSERT_EQUAL(kith_file_load(path, text, sizeof text, KITH_FILE_NOW, &st), -EAGAIN);
    CU_ASSERT_PTR_NOT_NULL(strstr(kith_file_why(-EAGAIN, &st), "it is a pipe"));
    CU_ASSERT_EQUAL(kith_file_load(path, text, sizeof text, 1, &st), -ETIMEDOUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(kith_file_why(-ETIMEDOUT, &st), "it is a pipe"));
    /* somebody has, and is silent, or stops in the middle */
    int silent = open(path, O_RDWR);
    CU_ASSERT_EQUAL(kith_file_load(path, text, sizeof text, KITH_FILE_NOW, &st), -EAGAIN);
    CU_ASSERT_EQUAL(write(silent, "ab", 2), 2);
    CU_ASSERT_EQUAL(kith_file_load(path, text, sizeof text, 1, &st), -ETIMEDOUT);
    close(silent);
    pthread_create(&writer, NULL, write_late, NULL);
    CU_ASSERT_EQUAL(kith_file_load(path, text, sizeof text, KITH_FILE_EVER, &st), 3);
    pthread_join(writer, NULL);
    CU_ASSERT_EQUAL(memcmp(text, "abc", 3), 0);
    end();
}

/* A descriptor that others have, too: no flag of it changes. */
static void test_shared_descriptor(void)
{
    char text[8];
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    CU_ASSERT_EQUAL(write(ends[1], "ab", 2), 2);
    CU_ASSERT_EQUAL(kith_file_take(ends[0], text, sizeof text, KITH_FILE_NOW), -EAGAIN);
    CU_ASSERT_EQUAL(write(ends[1], "ab", 2), 2);
    close(ends[1]);
    CU_ASSERT_EQUAL(kith_file_take(ends[0], text, sizeof text, KITH_FILE_NOW), 2);
    CU_ASSERT_FALSE(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
    close(ends[0]);
}

static void test_socket(void)
{
    char text[8];
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    begin("socket");
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    CU_ASSERT_EQUAL(kith_file_load(path, text, sizeof text, KITH_FILE_NOW, &st), -ENXIO);
    CU_ASSERT_STRING_EQUAL(kith_file_why(-ENXIO, &st), "it is a socket");
    close(fd);
    end();
}

KITH_TESTS("config/file", {"plain files", test_plain}, {"pipes", test_pipe},
           {"a descriptor of others", test_shared_descriptor}, {"sockets", test_socket})
