/*
 * test_far.c - also where a pointer has 32 bits, time goes on after 2038 and a file may be larger
 * than 2 GiB: what configure has to ask for there.
 */
#include "../../test.h"
#include "log_format.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void test_after_2038(void)
{
    char out[128];
    struct kith_line line = {4102444800000000000u, KITH_LOG_INFO, "n", "", "a new century"};
    CU_ASSERT(sizeof(time_t) >= 8);
    kith_log_text(out, sizeof out, &line);
    CU_ASSERT_STRING_EQUAL(out, "2100-01-01T00:00:00.000Z INFO  n: a new century\n");
}

/* All of it is a hole. One that grew that far is opened again, as a log after a restart. */
static void test_large_files(void)
{
    char path[] = "/tmp/kith-far-XXXXXX";
    const uint64_t len = UINT64_C(5) << 30;
    struct stat st;
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(ftruncate(fd, (off_t)len), 0);
    close(fd);
    fd = open(path, O_WRONLY | O_APPEND);
    CU_ASSERT(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, "x", 1), 1);
    CU_ASSERT(fstat(fd, &st) == 0 && (uint64_t)st.st_size == len + 1);
    close(fd);
    unlink(path);
}

KITH_TESTS("runtime/far", {"after 2038", test_after_2038}, {"large files", test_large_files})
