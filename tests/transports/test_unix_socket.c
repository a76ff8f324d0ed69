/*
 * test_unix_socket.c - the example of a transport (examples/plugin-transport) between two ends,
 * which hold it to the contract as they do udp_tcp.
 */
#include "ends.h"
#include "raw.h"
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[64];

static struct kith_addr at(const char *name)
{
    struct kith_addr a = {.port = 0};
    a.len = (uint8_t)snprintf((char *)a.bytes, sizeof a.bytes, "%s/%s", dir, name);
    return a;
}

static struct end *end_at(const char *name)
{
    char settings[160];
    snprintf(settings, sizeof settings, "use: unix_socket, path: '%s/%s'", dir, name);
    return end_new(settings);
}

static void begin(struct end **a, struct end **b)
{
    snprintf(dir, sizeof dir, "/tmp/kith-test-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    ends_begin(true);
    *a = end_at("a");
    *b = end_at("b");
    CU_ASSERT_FATAL(*a && *b);
}

static void finish(struct end *a, struct end *b)
{
    end_free(a);
    end_free(b);
    ends_finish();
    CU_ASSERT_EQUAL(rmdir(dir), 0); /* no file stays behind */
}

static void test_packets(void)
{
    static const size_t sizes[] = {1, 2, 1400, 9000, 32767, 32768};
    struct end *a, *b;
    begin(&a, &b);
    CU_ASSERT_EQUAL(b->addr.port, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CU_ASSERT_EQUAL(end_send(a, &b->addr, sizes[i]), 0);
        UNTIL(b->packets == i + 1);
        CU_ASSERT_EQUAL(b->packet_len, sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            if (b->packet[k] != pattern(k)) CU_FAIL_FATAL("bytes differ");
        CU_ASSERT(kith_addr_equal(&b->packet_from, &a->addr));
    }
    CU_ASSERT_EQUAL(end_send(a, &b->addr, 32769), -KITH_ETOOBIG);
    struct kith_addr nobody = at("nobody"), ip = v4(1);
    CU_ASSERT_EQUAL(end_send(a, &ip, 1), -KITH_EINVAL);
    CU_ASSERT_EQUAL(end_send(a, &nobody, 1), -KITH_EUNREACHABLE);
    CU_ASSERT_EQUAL(a->unreachable_count, 0); /* not from inside the call */
    UNTIL(a->unreachable_count == 1);
    CU_ASSERT(kith_addr_equal(&a->unreachable, &nobody));

    /* Who has no address is nobody. */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    memcpy(sa.sun_path, b->addr.bytes, b->addr.len);
    CU_ASSERT_EQUAL(sendto(fd, "x", 1, 0, (struct sockaddr *)&sa, sizeof sa), 1);
    end_send(a, &b->addr, 5);
    UNTIL(b->packet_len == 5);
    CU_ASSERT_EQUAL(b->packets, sizeof sizes / sizeof *sizes + 1);
    close(fd);
    finish(a, b);
}

/* Both ways at once, so that somebody has to wait; whoever dials. */
static void test_streams(void)
{
    enum { SIZE = 4 << 20 };
    for (int turn = 0; turn < 2; turn++) {
        struct end *a, *b;
        begin(&a, &b);
        struct end *from = turn ? b : a, *to = turn ? a : b;
        a->to_send = b->to_send = SIZE;
        struct end_stream *s = end_open(from, &to->addr), *t = &to->streams[0];
        UNTIL(s->closed && t->closed);
        CU_ASSERT(s->reason == 0 && t->reason == 0 && s->opened && t->accepted);
        CU_ASSERT(kith_addr_equal(&t->from, &from->addr)); /* the path, not the dialling socket's */
        CU_ASSERT(s->got == SIZE && t->got == SIZE);
        CU_ASSERT_EQUAL(s->sum, pattern_sum(SIZE));
        CU_ASSERT_EQUAL(t->sum, pattern_sum(SIZE));
        CU_ASSERT_TRUE(s->writable || t->writable);
        finish(a, b);
    }
}

static void test_ways_to_end(void)
{
    struct end *a, *b;
    begin(&a, &b);
    struct end_stream *s = end_open(a, &b->addr);
    UNTIL(s->opened && b->stream_count == 1);
    struct end_stream *t = &b->streams[0];
    end_read(b, t, false);
    CU_ASSERT_EQUAL(end_write(a, s, "question", 8), 8);
    end_finish(a, s);
    CU_ASSERT_EQUAL(end_write(a, s, "x", 1), -KITH_ECLOSED);
    for (int i = 0; i < 5; i++) ends_turn(0);
    CU_ASSERT(t->got == 0 && !t->ended); /* paused is paused */
    end_read(b, t, true);
    UNTIL(t->ended && t->got == 8);
    CU_ASSERT_EQUAL(end_write(b, t, "answer", 6), 6);
    end_finish(b, t);
    CU_ASSERT_FALSE(t->closed); /* said later */
    UNTIL(s->closed && t->closed);
    CU_ASSERT(s->got == 6 && s->reason == 0 && t->reason == 0);

    /* Who goes away without finishing has not finished. */
    s = end_open(a, &b->addr);
    UNTIL(s->opened && b->stream_count == 2);
    t = &b->streams[1];
    CU_ASSERT_EQUAL(end_write(a, s, "half a mess", 11), 11);
    size_t upcalls = a->upcalls;
    end_reset(a, s);
    UNTIL(t->closed);
    CU_ASSERT(t->got == 11 && !t->ended && t->reason == -KITH_ECLOSED);
    CU_ASSERT_EQUAL(a->upcalls, upcalls);
    CU_ASSERT_EQUAL(end_write(a, s, "x", 1), -KITH_ECLOSED); /* dead ids are harmless */
    end_finish(a, s);
    end_reset(a, s);
    end_read(a, s, true);

    /* Not wanted; nobody there; nothing of this transport. */
    b->refuse = true;
    s = end_open(a, &b->addr);
    UNTIL(s->closed);
    CU_ASSERT_EQUAL(s->reason, -KITH_ECLOSED);
    struct kith_addr nobody = at("nobody"), ip = v4(1);
    s = end_open(a, &nobody);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    UNTIL(s->closed && a->unreachable_count == 1);
    CU_ASSERT(!s->opened && s->reason == -KITH_EUNREACHABLE);
    CU_ASSERT_PTR_NULL(end_open(a, &ip));
    CU_ASSERT_EQUAL(open_status, -KITH_EINVAL);
    finish(a, b);
}

/* Others can't take the places that our own streams need; they wait, and have theirs later. */
static void test_full(void)
{
    struct end *a, *b;
    begin(&a, &b);
    for (int i = 0; i < 50; i++) CU_ASSERT_PTR_NOT_NULL(end_open(a, &b->addr));
    UNTIL(b->stream_count == 48);
    for (int i = 0; i < 5; i++) ends_turn(0);
    CU_ASSERT_EQUAL(b->stream_count, 48);
    struct end_stream *own = end_open(b, &b->addr);
    CU_ASSERT_PTR_NOT_NULL_FATAL(own);
    UNTIL(own->opened);
    end_reset(b, &b->streams[0]);
    end_reset(b, &b->streams[1]);
    UNTIL(b->stream_count == 51); /* 48 of theirs, one of ours, the two that waited */
    finish(a, b);
}

static void test_life(void)
{
    char settings[160];
    struct end *a, *b;
    struct stat st;
    begin(&a, &b);
    CU_ASSERT_EQUAL(stat((const char *)b->addr.bytes, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
    CU_ASSERT_PTR_NULL(end_at("b")); /* somebody answers there */
    CU_ASSERT_PTR_NOT_NULL(strstr(err_text, "is in use"));

    struct kith_error err = {.size = sizeof err};
    struct end_stream *s = end_open(a, &b->addr), *own = end_open(b, &a->addr);
    UNTIL(s->opened && own->opened && b->stream_count == 2);
    b->in_call = true;
    b->in->plugin->stop(b->self);
    CU_ASSERT_NOT_EQUAL(stat((const char *)b->addr.bytes, &st), 0);
    CU_ASSERT_EQUAL(b->in->plugin->start(b->self, &err), 0);
    b->in_call = false;
    UNTIL(s->closed);
    s = end_open(a, &b->addr);
    own = end_open(b, &a->addr); /* with an id that never was */
    UNTIL(s->opened && own->opened);

    /* Another instance in its place. */
    snprintf(settings, sizeof settings, "use: unix_socket, path: '%s/b'", dir);
    struct end *next = end_adopting(settings, b);
    CU_ASSERT_PTR_NOT_NULL_FATAL(next);
    end_free(b);
    UNTIL(s->closed);
    own = end_open(next, &a->addr);
    UNTIL(own->opened);

    /* A file that its owner left behind is taken over. */
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s/c", dir);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    close(fd);
    struct end *c = end_at("c");
    CU_ASSERT_PTR_NOT_NULL(c);
    end_free(c);
    finish(a, next);
}

static void test_text(void)
{
    static const char *const good[] = {"/a", "/tmp/x.sock", "/with space/and:colon"};
    static const char *const bad[] = {"", "/", "x.sock", "web-1//tmp/x.sock", "127.0.0.1:80"};
    struct end *a, *b;
    struct kith_addr addr;
    struct kith_bytes host;
    char text[300], longest[90];
    begin(&a, &b);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CU_ASSERT_EQUAL(a->ops->parse(a->self, kith_text(good[i]), &addr, &host), 0);
        CU_ASSERT_EQUAL(a->ops->format(a->self, &addr, text, sizeof text), (int)strlen(good[i]));
        CU_ASSERT_STRING_EQUAL(text, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_EQUAL(a->ops->parse(a->self, kith_text(bad[i]), &addr, &host), -KITH_EINVAL);
    memset(longest, '/', sizeof longest);
    CU_ASSERT_EQUAL(a->ops->parse(a->self, kith_bytes_of(longest, 80), &addr, &host), 0);
    CU_ASSERT_EQUAL(a->ops->parse(a->self, kith_bytes_of(longest, 81), &addr, &host), -KITH_EINVAL);
    CU_ASSERT_EQUAL(a->ops->parse(a->self, kith_bytes_of("/a\0b", 4), &addr, &host), -KITH_EINVAL);
    struct kith_addr ip = v4(9);
    a->ops->format(a->self, &ip, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "7f000001");
    CU_ASSERT_EQUAL(a->ops->format(a->self, &a->addr, text, 5), (int)a->addr.len);
    CU_ASSERT_EQUAL(strlen(text), 4);
    finish(a, b);
}

KITH_TESTS("transports/unix_socket", {"packets", test_packets},
           {"streams, both ways and whoever dials", test_streams},
           {"ways to end", test_ways_to_end}, {"others can't take all places", test_full},
           {"stop and start, another in its place, files", test_life},
           {"addresses as text", test_text})
