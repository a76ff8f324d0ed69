/* The life of an instance: in which order a plugin is called, what its failures look like, and what
 * stays as it was. */
#include "fake.h"
#include "test.h"

struct one {
    char tag;
};

static char diary[512];
static int init_rc, adopt_rc, start_rc;
static const char *says; /* in err, when it fails */
static struct kith_instance *a, *b;
static unsigned outside; /* calls that the host did not know to be inside of */

static int note(void *self, const char *what, int rc, struct kith_error *err)
{
    size_t used = strlen(diary);
    snprintf(diary + used, sizeof diary - used, "%c:%s ", ((struct one *)self)->tag, what);
    if (a && self == a->self && !kith_instance_inside(a)) outside++;
    if (b && self == b->self && !kith_instance_inside(b)) outside++;
    if (rc && says) kith_fail(err, KITH_EIO, "%s", says);
    return rc;
}

static int one_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    return note(self, "init", init_rc, err);
}
static int one_adopt(void *self, void *old, struct kith_error *err)
{
    if (a && old == a->self && !kith_instance_inside(a)) outside++;
    return note(self, "adopt", adopt_rc, err);
}
static int one_start(void *self, struct kith_error *err)
{
    return note(self, "start", start_rc, err);
}
static void one_stop(void *self) { note(self, "stop", 0, NULL); }
static void one_fini(void *self) { note(self, "fini", 0, NULL); }

static const struct kith_delegate_ops no_ops = {.size = sizeof no_ops};
static const struct kith_plugin plugin = {
    KITH_HEADER(DELEGATE), .name = "one",    .instance_size = sizeof(struct one),
    .ops = &no_ops,        .init = one_init, .adopt = one_adopt,
    .start = one_start,    .stop = one_stop, .fini = one_fini};

static void released(void *ctx, struct kith_host *host) { strcat(diary, "released "); }

static struct kith_error err;

static int make(struct kith_instance **out, const struct kith_plugin *p, char tag)
{
    struct one filled = {tag};
    struct kith_host_maker maker = fake_maker;
    maker.file = "node.yaml";
    maker.release = released;
    struct kith_entry entry = {.use = "one", .plugin = p, .pos = {12, 5}, .params = &filled};
    err = (struct kith_error){.size = sizeof err, .text = "of an earlier call"};
    return kith_instance_new(out, &entry, &maker, NULL, &err);
}

static void begin(void)
{
    diary[0] = 0;
    init_rc = adopt_rc = start_rc = 0;
    says = NULL;
    a = b = NULL;
    outside = 0;
}

static void end(void)
{
    kith_instance_free(b);
    b = NULL;
    kith_instance_free(a);
    a = NULL;
    CU_ASSERT_EQUAL(outside, 0);
    CU_ASSERT_EQUAL(fake_hosts_alive, 0);
}

static void test_in_order(void)
{
    begin();
    CU_ASSERT_EQUAL_FATAL(make(&a, &plugin, 'a'), 0);
    CU_ASSERT_EQUAL(a->state, KITH_INSTANCE_MADE);
    CU_ASSERT_EQUAL(kith_instance_start(a, NULL, &err), 0);
    CU_ASSERT_EQUAL(kith_instance_start(a, NULL, &err), 0); /* runs already */
    CU_ASSERT(kith_instance_runs(a) && !kith_instance_inside(a));
    end();
    CU_ASSERT_STRING_EQUAL(diary, "a:init a:start a:stop released a:fini ");

    begin(); /* never started, never stopped */
    CU_ASSERT_EQUAL_FATAL(make(&a, &plugin, 'a'), 0);
    end();
    CU_ASSERT_STRING_EQUAL(diary, "a:init a:fini ");
}

static void test_failures_name_entry_and_place(void)
{
    static const struct {
        int returned, rc;
        const char *says, *text;
    } cases[] = {
        {-KITH_EIO, -KITH_EIO, "no luck", "node.yaml:12:5: error: one: no luck"},
        {-KITH_EIO, -KITH_EIO, NULL, "node.yaml:12:5: error: one: failed to %s (code -17)"},
        {7, -KITH_EINVAL, NULL,
         "node.yaml:12:5: error: one: failed to %s (with the unknown code 7)"},
        {-5000, -KITH_EINVAL, "no luck", "node.yaml:12:5: error: one: no luck"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        begin();
        says = cases[i].says;
        init_rc = cases[i].returned;
        CU_ASSERT_EQUAL(make(&a, &plugin, 'a'), cases[i].rc);
        CU_ASSERT_EQUAL(err.code, cases[i].rc);
        snprintf(text, sizeof text, cases[i].text, "initialise");
        CU_ASSERT_STRING_EQUAL(err.text, text);
        CU_ASSERT_STRING_EQUAL(diary, "a:init a:fini ");

        begin();
        says = cases[i].says;
        start_rc = cases[i].returned;
        CU_ASSERT_EQUAL_FATAL(make(&a, &plugin, 'a'), 0);
        CU_ASSERT_EQUAL(kith_instance_start(a, NULL, &err), cases[i].rc);
        CU_ASSERT_EQUAL(a->state, KITH_INSTANCE_FAILED);
        snprintf(text, sizeof text, cases[i].text, "start");
        CU_ASSERT_STRING_EQUAL(err.text, text);
        end(); /* what it began is taken back, it is not stopped */
        CU_ASSERT_STRING_EQUAL(diary, "a:init a:start released a:fini ");
    }
}

/* Words that are too long lose their end, never the place. */
static void test_long_words(void)
{
    char words[600];
    memset(words, 'w', sizeof words);
    words[499] = 0;
    begin();
    says = words;
    init_rc = -KITH_EIO;
    CU_ASSERT_EQUAL(make(&a, &plugin, 'a'), -KITH_EIO);
    CU_ASSERT_EQUAL(strlen(err.text), sizeof err.text - 1);
    CU_ASSERT_EQUAL(strncmp(err.text, "node.yaml:12:5: error: one: www", 31), 0);
    CU_ASSERT_EQUAL(fake_hosts_alive, 0);
}

static void test_a_failed_start_may_be_tried_again(void)
{
    begin();
    start_rc = -KITH_EADDRINUSE;
    CU_ASSERT_EQUAL_FATAL(make(&a, &plugin, 'a'), 0);
    CU_ASSERT_EQUAL(kith_instance_start(a, NULL, &err), -KITH_EADDRINUSE);
    start_rc = 0;
    CU_ASSERT_EQUAL(kith_instance_start(a, NULL, &err), 0);
    end();
    CU_ASSERT_STRING_EQUAL(diary, "a:init a:start released a:start a:stop released a:fini ");
}

static void begin_replacement(const struct kith_plugin *other)
{
    begin();
    CU_ASSERT_EQUAL_FATAL(make(&a, &plugin, 'a'), 0);
    CU_ASSERT_EQUAL_FATAL(kith_instance_start(a, NULL, &err), 0);
    CU_ASSERT_EQUAL_FATAL(make(&b, other, 'b'), 0);
    diary[0] = 0;
}

static void test_replacement(void)
{
    begin_replacement(&plugin);
    CU_ASSERT_EQUAL(kith_instance_start(b, a, &err), 0);
    CU_ASSERT_STRING_EQUAL(diary, "b:adopt b:start ");
    CU_ASSERT_EQUAL(a->state, KITH_INSTANCE_HANDED_OVER);
    end();

    begin_replacement(&plugin); /* nothing changed: the former one goes on */
    adopt_rc = -KITH_EIO;
    CU_ASSERT_EQUAL(kith_instance_start(b, a, &err), -KITH_EIO);
    CU_ASSERT_STRING_EQUAL(diary, "b:adopt released ");
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "one: failed to take over from its former self"));
    CU_ASSERT(kith_instance_runs(a));
    end();

    begin_replacement(&plugin); /* the former one is not whole, and still gets its end */
    start_rc = -KITH_EIO;
    CU_ASSERT_EQUAL(kith_instance_start(b, a, &err), -KITH_EIO);
    CU_ASSERT(!kith_instance_runs(a));
    CU_ASSERT_EQUAL(kith_instance_start(a, NULL, &err), 0);
    end();
    CU_ASSERT_STRING_EQUAL(diary, "b:adopt b:start released b:fini a:stop released a:fini ");
}

static void test_nothing_to_adopt(void)
{
    struct kith_plugin other = plugin, plain = plugin;
    plain.adopt = NULL;
    const struct kith_plugin *const cases[] = {&other, &plain};
    for (size_t i = 0; i < 2; i++) {
        begin_replacement(cases[i]);
        start_rc = -KITH_EIO;
        CU_ASSERT_EQUAL(kith_instance_start(b, a, &err), -KITH_EIO);
        CU_ASSERT_STRING_EQUAL(diary, "b:start released ");
        CU_ASSERT(kith_instance_runs(a));
        end();
    }
}

KITH_TESTS("plugins/instance", {"in order", test_in_order},
           {"failures name the entry and its place", test_failures_name_entry_and_place},
           {"long words", test_long_words},
           {"a failed start may be tried again", test_a_failed_start_may_be_tried_again},
           {"replacement", test_replacement}, {"nothing to adopt", test_nothing_to_adopt})
