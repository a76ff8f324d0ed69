/*
 * test_host_node.c - what an instance gets from its node by way of the hooks: settings, names,
 * answers, events, tables of others.
 */
#include "../../test.h"
#include "fixture.h"

/* ----------------------------------------------------------------------------------- settings */

static int setting(void *ctx, const char *key, struct kith_value *out)
{
    CU_ASSERT_EQUAL(out->size, sizeof *out);
    if (strcmp(key, "secret") == 0) return -KITH_EACCES;
    if (strcmp(key, "node.name") != 0) return -KITH_ENOTFOUND;
    out->type = KITH_PARAM_STRING;
    out->number = 7;
    out->real = 0.5;
    out->text = kith_text("web-1");
    return 0;
}

static void test_setting(void)
{
    struct fixture f;
    struct kith_services_setup setup = {.setting = setting};
    struct kith_value v = {.size = sizeof v};
    fixture_begin(&f, false, &setup);
    CU_ASSERT_EQUAL(f.host->setting(f.host, "node.name", &v), 0);
    CU_ASSERT_TRUE(kith_bytes_equal(v.text, kith_text("web-1")));
    CU_ASSERT(v.size == sizeof v && v.number == 7 && v.real == 0.5);
    v.number = 1;
    CU_ASSERT_EQUAL(f.host->setting(f.host, "secret", &v), -KITH_EACCES);
    CU_ASSERT_EQUAL(f.host->setting(f.host, "none", &v), -KITH_ENOTFOUND);
    CU_ASSERT_EQUAL(v.number, 1);
    fixture_end(&f);
    fixture_begin(&f, false, NULL);
    CU_ASSERT_EQUAL(f.host->setting(f.host, "node.name", &v), -KITH_ENOTFOUND);
    CU_ASSERT_EQUAL(f.host->setting(f.host, "entry.name", &v), 0); /* known without the node */
    CU_ASSERT(v.size == sizeof v && v.type == KITH_PARAM_STRING);
    CU_ASSERT_TRUE(kith_bytes_equal(v.text, kith_text("thing")));
    fixture_end(&f);
}

/* Who has a shorter struct, or a longer one, gets no byte more than both know. */
static void test_setting_size(void)
{
    struct fixture f;
    struct kith_services_setup setup = {.setting = setting};
    fixture_begin(&f, false, &setup);
    static const uint32_t sizes[] = {0, 4, 16, sizeof(struct kith_value), 200};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        union {
            struct kith_value v;
            uint8_t bytes[256];
        } u;
        memset(&u, 0xaa, sizeof u);
        u.v.size = sizes[i];
        CU_ASSERT_EQUAL(f.host->setting(f.host, "node.name", &u.v), 0);
        uint32_t known = sizes[i] < sizeof u.v ? sizes[i] : (uint32_t)sizeof u.v;
        CU_ASSERT_EQUAL(u.v.size, known);
        for (size_t at = known > 4 ? known : 4; at < sizeof u; at++)
            CU_ASSERT_EQUAL_FATAL(u.bytes[at], 0xaa);
        if (known >= 16) CU_ASSERT_EQUAL(u.v.number, 7);
    }
    fixture_end(&f);
}

/* -------------------------------------------------------------------------------------- names */

enum { ASKED_MAX = 100 };
static struct {
    char text[32];
    kith_resolved_fn *fn;
    void *arg;
} asked[ASKED_MAX];
static size_t asked_count;

static int resolve(void *ctx, struct kith_bytes text, kith_resolved_fn *fn, void *arg)
{
    if (kith_bytes_equal(text, kith_text("busy"))) return -KITH_EAGAIN;
    CU_ASSERT_FATAL(asked_count < ASKED_MAX && text.len < sizeof asked->text);
    memcpy(asked[asked_count].text, text.data, text.len);
    asked[asked_count].text[text.len] = 0;
    asked[asked_count].fn = fn;
    asked[asked_count++].arg = arg;
    return 0;
}

static int answers;

static void resolved(void *arg, int status, const struct kith_addr *addrs, size_t n)
{
    CU_ASSERT_PTR_EQUAL(arg, &answers);
    CU_ASSERT(status == 0 && n == 1 && addrs->port == 5);
    answers++;
}

static void answer(size_t i)
{
    struct kith_addr a = {.port = 5, .len = 4};
    asked[i].fn(asked[i].arg, 0, &a, 1);
}

static int ask(struct fixture *f, const char *text)
{
    return f->host->resolve(f->host, kith_text(text), resolved, &answers);
}

static void test_resolve(void)
{
    struct fixture f;
    struct kith_services_setup setup = {.resolve = resolve};
    fixture_begin(&f, false, &setup);
    asked_count = 0;
    answers = 0;
    CU_ASSERT_EQUAL(ask(&f, "a.example.org:80"), 0);
    CU_ASSERT_EQUAL(ask(&f, "b"), 0);
    CU_ASSERT_EQUAL(ask(&f, "busy"), -KITH_EAGAIN);
    CU_ASSERT_STRING_EQUAL(asked[0].text, "a.example.org:80");
    answer(1);
    answer(0);
    CU_ASSERT_EQUAL(answers, 2);
    /* Refused before the node is asked. */
    struct kith_bytes nul = kith_bytes_of("a\0b", 3);
    CU_ASSERT_EQUAL(ask(&f, ""), -KITH_EINVAL);
    CU_ASSERT_EQUAL(f.host->resolve(f.host, nul, resolved, &answers), -KITH_EINVAL);
    CU_ASSERT_EQUAL(asked_count, 2);
    fixture_end(&f);
    fixture_begin(&f, false, NULL);
    CU_ASSERT_EQUAL(ask(&f, "a"), -KITH_EUNSUPPORTED);
    fixture_end(&f);
}

/* Who has stopped hears nothing, and who asks without an end is held up. */
static void test_resolve_ends(void)
{
    struct fixture f;
    struct kith_services_setup setup = {.resolve = resolve};
    int rc;
    fixture_begin(&f, false, &setup);
    asked_count = 0;
    answers = 0;
    while ((rc = ask(&f, "a")) == 0) {}
    CU_ASSERT_EQUAL(rc, -KITH_EAGAIN);
    answer(--asked_count);
    CU_ASSERT_EQUAL(answers, 1);
    CU_ASSERT_EQUAL(ask(&f, "a"), 0);
    f.maker.release(f.maker.ctx, f.host, "stop");
    CU_ASSERT_EQUAL(ask(&f, "a"), -KITH_ECLOSED);
    answer(0);
    fixture_free_host(&f, &f.host);
    answer(1);
    CU_ASSERT_EQUAL(answers, 1);
    fixture_end(&f); /* the others are never answered */
}

/* ---------------------------------------------------------------------------- answers, events */

struct inner {
    const struct kith_host *host;
    void *got;
};

static void use_scratch(void *arg)
{
    struct inner *i = arg;
    i->got = i->host->scratch(i->host, 100);
}

static void test_answers(void)
{
    struct fixture f;
    fixture_begin(&f, false, NULL);
    struct kith_host *second = fixture_host(&f);
    struct inner inner = {.host = second};
    f.asks.rc = -KITH_EAGAIN;
    f.asks.inside = use_scratch;
    f.asks.arg = &inner;
    void *own = f.host->scratch(f.host, 100);
    CU_ASSERT_EQUAL(f.host->reply(f.host, 77, kith_text("x")), -KITH_EAGAIN);
    CU_ASSERT(f.asks.owner == f.host && f.asks.id == 77);
    /* The answer led into another delegate: it must not write over what this one works with. */
    CU_ASSERT(inner.got && inner.got != own);
    f.asks.rc = 0;
    CU_ASSERT_EQUAL(second->finish(second, 78, -KITH_EIO, "no"), 0);
    CU_ASSERT(f.asks.owner == second && f.asks.id == 78 && f.asks.status == -KITH_EIO);
    use_scratch(&inner);
    CU_ASSERT_PTR_EQUAL(inner.got, own);
    fixture_free_host(&f, &second);
    fixture_end(&f);
}

static const struct kith_host *emitted_by;

static int emit(void *ctx, const struct kith_host *by, const struct kith_event *event,
                kith_answer_fn *answer_fn, void *arg)
{
    emitted_by = by;
    return event->kind == KITH_EVENT_EMITTED ? 0 : -KITH_EINVAL;
}

static void test_emit(void)
{
    struct fixture f;
    struct kith_services_setup setup = {.emit = emit};
    struct kith_event event = {.size = sizeof event, .kind = KITH_EVENT_EMITTED};
    fixture_begin(&f, false, &setup);
    emitted_by = NULL;
    CU_ASSERT_EQUAL(f.host->emit(f.host, &event, NULL, NULL), 0);
    CU_ASSERT_PTR_EQUAL(emitted_by, f.host);
    event.kind = KITH_EVENT_JOIN;
    CU_ASSERT_EQUAL(f.host->emit(f.host, &event, NULL, NULL), -KITH_EINVAL);
    f.maker.release(f.maker.ctx, f.host, "stop");
    CU_ASSERT_EQUAL(f.host->emit(f.host, &event, NULL, NULL), -KITH_ECLOSED);
    fixture_end(&f);
    fixture_begin(&f, false, NULL);
    CU_ASSERT_EQUAL(f.host->emit(f.host, &event, NULL, NULL), -KITH_EUNSUPPORTED);
    fixture_end(&f);
}

/* ------------------------------------------------------------------------------------- offers */

static void test_offers(void)
{
    struct fixture f;
    int table, second_table;
    char longest[65];
    fixture_begin(&f, false, NULL);
    f.entry.name = "other";
    struct kith_host *h = f.host, *other = fixture_host(&f);
    CU_ASSERT_PTR_NULL(other->query(other, "kith.http/1"));
    CU_ASSERT_EQUAL(h->offer(h, "kith.http/1", NULL), -KITH_ENOTFOUND);
    CU_ASSERT_EQUAL(h->offer(h, "kith.http/1", &table), 0);
    CU_ASSERT_PTR_EQUAL(other->query(other, "kith.http/1"), &table);
    CU_ASSERT_PTR_NULL(other->query(other, "kith.http/2"));
    CU_ASSERT_EQUAL(other->offer(other, "kith.http/1", &second_table), -KITH_EEXIST);
    CU_ASSERT_EQUAL(other->offer(other, "kith.http/1", NULL), -KITH_ENOTFOUND);
    CU_ASSERT_EQUAL(other->offer(other, "kith.http/2", &second_table), 0);
    CU_ASSERT_EQUAL(h->offer(h, "kith.http/1", &second_table), 0); /* its own: changed */
    CU_ASSERT_PTR_EQUAL(other->query(other, "kith.http/1"), &second_table);
    CU_ASSERT_EQUAL(h->offer(h, "kith.http/1", NULL), 0);
    CU_ASSERT_PTR_NULL(other->query(other, "kith.http/1"));
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    CU_ASSERT_EQUAL(h->offer(h, longest, &table), -KITH_EINVAL);
    CU_ASSERT_EQUAL(h->offer(h, "", &table), -KITH_EINVAL);
    f.maker.release(f.maker.ctx, other, "stop"); /* a stop takes it back */
    CU_ASSERT_PTR_NULL(h->query(h, "kith.http/2"));
    CU_ASSERT_EQUAL(other->offer(other, "kith.http/2", &table), -KITH_ECLOSED);
    fixture_free_host(&f, &other);
    fixture_end(&f);
}

/* In a reload the new instance of an entry offers before the old one has gone; or it fails. */
static void test_offers_in_reload(void)
{
    struct fixture f;
    int old_table, new_table;
    fixture_begin(&f, false, NULL);
    struct kith_host *h = f.host, *next = fixture_host(&f);
    h->offer(h, "t/1", &old_table);
    CU_ASSERT_EQUAL(next->offer(next, "t/1", &new_table), 0);
    CU_ASSERT_PTR_EQUAL(h->query(h, "t/1"), &new_table);
    f.maker.release(f.maker.ctx, next, "stop"); /* adopt failed */
    CU_ASSERT_PTR_EQUAL(h->query(h, "t/1"), &old_table);
    f.maker.revive(f.maker.ctx, next);
    next->offer(next, "t/1", &new_table);
    f.maker.release(f.maker.ctx, h, "stop"); /* it was taken over */
    CU_ASSERT_PTR_EQUAL(next->query(next, "t/1"), &new_table);
    fixture_free_host(&f, &next);
    fixture_end(&f);
}

KITH_TESTS("runtime/host_node", {"settings", test_setting},
           {"settings for structs of any size", test_setting_size}, {"names", test_resolve},
           {"names after a stop", test_resolve_ends}, {"answers", test_answers},
           {"events", test_emit}, {"offers", test_offers},
           {"offers in a reload", test_offers_in_reload})
