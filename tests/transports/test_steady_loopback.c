/*
 * test_steady_loopback.c - law 5 for loopback: once warm, a packet costs no allocation, whatever
 * the link does to it; neither does a piece of a stream.
 */
#include "ends.h"

/* Every allocation of the process counts, those of the plugin too. */
static unsigned long calls;

/* Under a sanitizer memory is not ours to count: then this is traffic only. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool counts = false;
#else
static const bool counts = true;
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

KITH_EXPORT void *malloc(size_t n)
{
    calls++;
    return __libc_malloc(n);
}
KITH_EXPORT void *calloc(size_t n, size_t size)
{
    calls++;
    return __libc_calloc(n, size);
}
KITH_EXPORT void *realloc(void *p, size_t n)
{
    calls++;
    return __libc_realloc(p, n);
}
#endif

/* Until the most that is ever under way at once has been under way. */
enum { WARM = 3000, MEASURED = 500 };

static void traffic(struct end *a, struct end *b, struct end_stream *s, int rounds)
{
    static const uint8_t data[30000];
    for (int i = 0; i < rounds; i++) {
        for (int k = 0; k < 20; k++) {
            end_send(a, &b->addr, 1 + (size_t)(i * 20 + k) * 37 % 1400);
            end_send(b, &a->addr, 1 + (size_t)(i * 20 + k) * 41 % 1400);
        }
        end_write(a, s, data, sizeof data);
        end_flush(a);
        end_flush(b);
        for (int turns = 0; turns < 5; turns++) ends_turn(0);
        if (kith_loop_is_virtual(loop)) kith_loop_run_until(loop, kith_loop_now(loop) + 2000000);
    }
}

static void steady(bool world, const char *first, const char *second)
{
    if (world)
        ends_begin_world(1);
    else
        ends_begin(true);
    struct end *a = end_new(first), *b = end_new(second);
    CU_ASSERT_FATAL(a && b);
    struct end_stream *s = end_open(a, &b->addr);
    UNTIL(s->opened && b->stream_count == 1);
    traffic(a, b, s, WARM);
    size_t packets = b->packets, bytes = b->streams[0].got;
    unsigned long before = calls;
    traffic(a, b, s, MEASURED);
    CU_ASSERT_EQUAL(calls, before);
    CU_ASSERT(b->packets > packets + 5000);
    CU_ASSERT(b->streams[0].got > bytes + 5000);
    end_free(a);
    end_free(b);
    ends_finish();
}

#define LOOPBACK(name) "use: loopback, address: " name
#define BAD            ", delay: 300us, jitter: 300us, loss: 0.02, duplicate: 0.1, bandwidth: 1GiB"

static void test_virtual_world(void) { steady(true, LOOPBACK("a"), LOOPBACK("b")); }
static void test_bad_link(void) { steady(true, LOOPBACK("a") BAD, LOOPBACK("b") BAD); }
static void test_real_world(void) { steady(false, LOOPBACK("a"), LOOPBACK("b")); }

/* That what counts can count. */
static void test_calls_are_seen(void)
{
    unsigned long before = calls;
    void *volatile p = malloc(10);
    free(p);
    CU_ASSERT_EQUAL(calls, before + counts);
}

KITH_TESTS("transports/steady_loopback", {"allocations are seen", test_calls_are_seen},
           {"loopback in a virtual world", test_virtual_world},
           {"loopback over a bad link", test_bad_link},
           {"loopback in the real world", test_real_world})
