/* Plugins that are older, newer, broken or not there: what loads works, what does not says why. */
#include "loader.h"
#include "registry.h"
#include "test.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static struct kith_registry *registry;
static struct kith_error err;
static char folder[PATH_MAX];

static void fresh(void)
{
    const char *build = getenv("builddir");
    snprintf(folder, sizeof folder, "%s/tests/abi/.libs", build ? build : ".");
    kith_registry_free(registry);
    registry = kith_registry_new(folder);
    err = (struct kith_error){.size = sizeof err};
}

static void done(void)
{
    kith_registry_free(registry);
    registry = NULL;
}

static void refused(const char *name, int code, const char *says)
{
    fresh();
    CU_ASSERT_PTR_NULL(kith_registry_find(registry, KITH_DELEGATE, name, &err));
    CU_ASSERT_EQUAL(err.code, code);
    if (!strstr(err.text, says)) {
        printf("\n    said: %s\n    not:  %s\n", err.text, says);
        CU_FAIL("another reason");
    }
    done();
}

/* What the config would do: defaults stored, then use. */
static void works(const char *name)
{
    fresh();
    const struct kith_plugin *p = kith_registry_find(registry, KITH_DELEGATE, name, &err);
    if (!p) printf("\n    %s\n", err.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT_EQUAL(p->size, sizeof *p);
    CU_ASSERT_EQUAL(p->param_size, sizeof(struct kith_param));
    CU_ASSERT_STRING_EQUAL(p->params[0].name, "answer");
    CU_ASSERT_STRING_EQUAL(p->params[1].name, "delay");
    CU_ASSERT_STRING_EQUAL(p->params[1].doc, "second");
    CU_ASSERT_PTR_NULL(p->params[2].name);
    CU_ASSERT(!p->init && !p->start && !p->stop && !p->fini && !p->command);
    const struct kith_delegate_ops *ops = p->ops;
    CU_ASSERT_EQUAL(ops->size, sizeof *ops);
    CU_ASSERT(ops->message && !ops->event && !ops->remote_state && !ops->before_leave);
    uint64_t self[8] = {0};
    *(uint32_t *)(void *)((char *)self + p->params[0].offset) = 42;
    CU_ASSERT_FATAL(p->instance_size <= sizeof self);
    const struct kith_message message = {.size = sizeof message, .bytes = kith_text("x")};
    ops->message(self, &message);
    const void *heard = (char *)self + p->params[1].offset + sizeof(uint64_t);
    CU_ASSERT_EQUAL(*(const uint32_t *)heard, 1);
    done();
}

static void test_older(void) { works("older"); }
static void test_newer(void) { works("newer"); }
static void test_wide(void) { works("wide"); }
/* Where the C library can tell how long the symbol is. */
static void test_longer_than_its_symbol(void)
{
#ifdef __GLIBC__
    char says[128];
    snprintf(says, sizeof says, "says it has %zu bytes, but the symbol has %zu",
             sizeof(struct kith_plugin), offsetof(struct kith_plugin, init));
    refused("lies", -KITH_EINVAL, says);
#endif
}

static void test_must_know(void)
{
    refused("must_know", -KITH_EUNSUPPORTED,
            "must have bit 5 understood, which this Kith (ABI 1.0) does not know");
}
static void test_nosymbol(void)
{
    refused("nosymbol", -KITH_EINVAL,
            "nosymbol.so: not a Kith plugin: it has no symbol kith_plugin_v1");
}
static void test_v2(void)
{
    refused("v2", -KITH_EUNSUPPORTED, "v2.so: made for plugin ABI 2 only");
}
static void test_wrong_name(void)
{
    refused("wrong_name", -KITH_EINVAL,
            "wanted `wrong_name`, but the plugin in this file calls itself `right_name`");
}
static void test_undefined(void)
{
    refused("undefined", -KITH_EINVAL, "undefined symbol: kith_log_from_nowhere");
}

/* The file may have any name as long as nobody is called like the file. */
static void test_found_by_what_it_calls_itself(void)
{
    fresh();
    const struct kith_plugin *p = kith_registry_find(registry, KITH_DELEGATE, "right_name", &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT_PTR_NOT_NULL(strstr(kith_registry_path(registry, p), "wrong_name.so"));
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/wrong_name.so", folder);
    CU_ASSERT_PTR_EQUAL(kith_registry_find(registry, KITH_DELEGATE, path, &err), p);
    done();
}

static unsigned good, bad;
static void see(void *arg, const char *path, const struct kith_plugin *p,
                const struct kith_error *why)
{
    if (!*path) return; /* our own, linked in */
    if (p)
        good++;
    else
        bad++;
    CU_ASSERT(p ? !why : why->code < 0 && *why->text);
    CU_ASSERT(!p || !bad); /* those that can't be used come last */
}

static void test_list_shows_the_broken_ones(void)
{
    fresh();
    good = bad = 0;
    kith_registry_list(registry, see, NULL);
    CU_ASSERT_EQUAL(good, 4); /* older, newer, wide, right_name */
    CU_ASSERT_EQUAL(bad, 5);  /* must_know, nosymbol, v2, undefined, lies */
    done();
}

static void copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    CU_ASSERT_FATAL(in && out);
    int c;
    while ((c = getc(in)) != EOF) putc(c, out);
    fclose(in);
    fclose(out);
}

static void test_not_a_shared_object(void)
{
    char dir[] = "/tmp/kith-abi-XXXXXX", path[64];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/text.so", dir);
    FILE *f = fopen(path, "w");
    fputs("this is text, and enough of it to look like a file with a header that somebody might "
          "want to read\n",
          f);
    fclose(f);
    fresh();
    CU_ASSERT_PTR_NULL(kith_registry_find(registry, KITH_DELEGATE, path, &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "cannot be loaded: invalid ELF header"));
    unlink(path);
    rmdir(dir);
    done();
}

static void test_root_trusts_nobody(void)
{
    if (geteuid() != 0) return; /* the rule is for root only */
    char dir[] = "/tmp/kith-abi-XXXXXX", path[64], from[PATH_MAX + 32];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    fresh();
    snprintf(path, sizeof path, "%s/newer.so", dir);
    snprintf(from, sizeof from, "%s/newer.so", folder);
    copy_file(from, path);
    static const struct {
        mode_t file, dir;
        gid_t group;
        const char *says;
    } cases[] = {
        {0646, 0755, 0, "anybody may write to this file"},
        {0664, 0755, 12, "group 12 may write to this file"},
        {0644, 0757, 0, "anybody may write to this folder"},
        {0664, 0775, 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT_EQUAL(chown(path, 0, cases[i].group), 0);
        CU_ASSERT_EQUAL(chmod(path, cases[i].file), 0);
        CU_ASSERT_EQUAL(chmod(dir, cases[i].dir), 0);
        fresh();
        const struct kith_plugin *p = kith_registry_find(registry, KITH_DELEGATE, path, &err);
        CU_ASSERT_EQUAL(!p, cases[i].says != NULL);
        if (!cases[i].says) continue;
        CU_ASSERT_EQUAL(err.code, -KITH_EACCES);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].says));
    }
    unlink(path);
    rmdir(dir);
    done();
}

/* What runs is the old file: whoever reloads is told. */
static void test_replaced_on_disk(void)
{
    char dir[] = "/tmp/kith-abi-XXXXXX", path[64], other[64], from[PATH_MAX + 32];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    fresh();
    snprintf(path, sizeof path, "%s/newer.so", dir);
    snprintf(other, sizeof other, "%s/other.so", dir);
    snprintf(from, sizeof from, "%s/newer.so", folder);
    copy_file(from, path);
    copy_file(from, other);
    const struct kith_plugin *p = kith_registry_find(registry, KITH_DELEGATE, path, &err),
                             *still = kith_registry_find(registry, KITH_DELEGATE, "older", &err);
    CU_ASSERT_FATAL(p && still);
    CU_ASSERT(!kith_registry_replaced(registry, p));
    CU_ASSERT_EQUAL(rename(other, path), 0); /* the same bytes, but another file */
    CU_ASSERT(kith_registry_replaced(registry, p));
    CU_ASSERT_PTR_EQUAL(kith_registry_find(registry, KITH_DELEGATE, path, &err), p);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT(kith_registry_replaced(registry, p));
    CU_ASSERT_PTR_EQUAL(kith_registry_find(registry, KITH_DELEGATE, path, &err), p); /* it runs */
    CU_ASSERT_PTR_NULL(kith_registry_find(registry, KITH_DELEGATE, other, &err));
    CU_ASSERT_EQUAL(err.code, -KITH_ENOTFOUND);
    CU_ASSERT(!kith_registry_replaced(registry, still));
    rmdir(dir);
    done();
}

/* Another file in its place, as whoever installs one has it. */
static void put(const char *name, const char *path)
{
    char from[PATH_MAX + 32], made[80];
    snprintf(from, sizeof from, "%s/%s.so", folder, name);
    snprintf(made, sizeof made, "%s.new", path);
    copy_file(from, made);
    CU_ASSERT_EQUAL_FATAL(rename(made, path), 0);
}

static void still_refused(const char *path, const char *says)
{
    err = (struct kith_error){.size = sizeof err};
    CU_ASSERT_PTR_NULL(kith_registry_find(registry, KITH_DELEGATE, path, &err));
    if (strstr(err.text, says)) return;
    printf("\n    said: %s\n    not:  %s\n", err.text, says);
    CU_FAIL("another reason");
}

static void is_good_now(const char *asked, const char *path, const char *name)
{
    err = (struct kith_error){.size = sizeof err};
    const struct kith_plugin *p = kith_registry_find(registry, KITH_DELEGATE, asked, &err);
    if (!p) printf("\n    %s\n", err.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT_STRING_EQUAL(p->name, name);
    CU_ASSERT(!kith_registry_replaced(registry, p));
    put("nosymbol", path); /* what is good stays, and is one */
    CU_ASSERT_PTR_EQUAL(kith_registry_find(registry, KITH_DELEGATE, asked, &err), p);
}

/* Each kind of refusal, mended; and mended badly at first. */
static void test_a_refused_file_may_be_mended(void)
{
    static const struct {
        const char *name, *says;
    } kinds[] = {{"nosymbol", "no symbol"},
                 {"must_know", "bit 5"},
                 {"v2", "ABI 2 only"},
                 {"undefined", "undefined symbol"}};
    enum { KINDS = sizeof kinds / sizeof *kinds };
    char dir[] = "/tmp/kith-abi-XXXXXX", path[64];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    for (size_t i = 0; i < KINDS; i++) {
        fresh();
        snprintf(path, sizeof path, "%s/mended%zu.so", dir, i);
        for (size_t k = 0; k < KINDS; k++) {
            put(kinds[(i + k) % KINDS].name, path);
            still_refused(path, kinds[(i + k) % KINDS].says);
            still_refused(path, kinds[(i + k) % KINDS].says);
        }
        put("wrong_name", path);
        is_good_now(path, path, "right_name");
        unlink(path);
    }
    rmdir(dir);
    done();
}

/* By what it calls itself, in a folder; what others found out about a file holds for that file. */
static void test_a_mended_file_is_found_by_name(void)
{
    char dir[] = "/tmp/kith-abi-XXXXXX", path[64], real[PATH_MAX];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    fresh();
    kith_registry_free(registry);
    registry = kith_registry_new(dir);
    snprintf(path, sizeof path, "%s/a.so", dir);
    put("wrong_name", path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(realpath(path, real));
    kith_registry_refuse(registry, real, "it crashed");
    still_refused("right_name", "no delegate `right_name`");
    still_refused(path, "it crashed");
    put("wrong_name", path);
    is_good_now("right_name", path, "right_name");
    unlink(path);
    rmdir(dir);
    done();
}

/* Before its code ran anything may be mended, also in place, also beside the file. */
static void test_what_never_ran_is_looked_at_again(void)
{
    char dir[] = "/tmp/kith-abi-XXXXXX", path[64], from[PATH_MAX + 32];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    fresh();
    snprintf(path, sizeof path, "%s/plugin.so", dir);
    FILE *f = fopen(path, "w");
    fputs("this is text, and enough of it to look like a file with a header, if nobody reads it\n",
          f);
    fclose(f);
    still_refused(path, "invalid ELF header");
    snprintf(from, sizeof from, "%s/wide.so", folder);
    copy_file(from, path);
    if (geteuid() == 0) {
        CU_ASSERT_EQUAL(chmod(path, 0646), 0);
        still_refused(path, "anybody may write to this file");
        CU_ASSERT_EQUAL(chmod(path, 0644), 0);
    }
    is_good_now(path, path, "wide");
    unlink(path);
    rmdir(dir);
    done();
}

/* The linker would go on with what it has, half of it changed. */
static void test_what_ran_is_not_mended_in_place(void)
{
    char dir[] = "/tmp/kith-abi-XXXXXX", path[64];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    fresh();
    snprintf(path, sizeof path, "%s/plugin.so", dir);
    put("nosymbol", path);
    still_refused(path, "no symbol");
    FILE *f = fopen(path, "ab"); /* its end is mapped by nobody */
    fputc(0, f);
    fclose(f);
    still_refused(path, "written over since");
    still_refused(path, "written over since");
    put("wide", path);
    is_good_now(path, path, "wide");
    unlink(path);
    rmdir(dir);
    done();
}

/* -------------------------------------------------------------------------------- odd tables */

static void room(const void *self, struct kith_room *out) {}
static int work(void *self, struct kith_buf *b, struct kith_frame *f) { return 0; }
static int extent(const void *self, const uint8_t *data, size_t len, size_t *need) { return 1; }

static void check(const struct kith_plugin *p, size_t symbol, const char *says)
{
    struct kith_plugin *copy = NULL;
    err = (struct kith_error){.size = sizeof err};
    int rc = kith_abi_copy(&copy, p, symbol, &err);
    CU_ASSERT_EQUAL(rc != 0, says != NULL);
    if (says && !strstr(err.text, says)) {
        printf("\n    said: %s\n    not:  %s\n", err.text, says);
        CU_FAIL("another reason");
    }
    if (!rc) free(copy);
}

static struct kith_codec_ops codec_ops(void)
{
    return (struct kith_codec_ops){.size = sizeof(struct kith_codec_ops),
                                   .room = room,
                                   .seal = work,
                                   .open = work,
                                   .packet = {.framing = KITH_FRAMED, .first = 0x90, .last = 0x90},
                                   .stream = {.framing = KITH_NONE}};
}

static struct kith_plugin codec_plugin(const struct kith_codec_ops *ops)
{
    return (struct kith_plugin){.size = sizeof(struct kith_plugin),
                                .kind = KITH_CODEC,
                                .param_size = sizeof(struct kith_param),
                                .name = "odd",
                                .instance_size = 64,
                                .ops = ops};
}

static void test_headers(void)
{
    struct kith_codec_ops ops = codec_ops();
    struct kith_plugin p = codec_plugin(&ops);
    check(&p, sizeof p, NULL);
    check(&p, sizeof p - 1, "but the symbol has");
    p.size = 16;
    check(&p, 0, "says it has 16 bytes");
    p.size = (uint32_t)(sizeof p - sizeof(void *) / 2); /* half a pointer */
    check(&p, 0, "in steps of");
    p.size = 1u << 30;
    check(&p, 0, "says it has 1073741824 bytes");
    p = codec_plugin(&ops), p.name = "Odd";
    check(&p, 0, "its name `Odd` is not a valid name");
    p = codec_plugin(&ops), p.name = NULL;
    check(&p, 0, "its name `` is not a valid name");
    p = codec_plugin(&ops), p.kind = 9;
    check(&p, 0, "is of kind 9, which this Kith does not know");
    p = codec_plugin(&ops), p.ops = NULL;
    check(&p, 0, "has no ops");
    p = codec_plugin(&ops), p.instance_size = SIZE_MAX / 2;
    check(&p, 0, "bytes an instance");
    p = codec_plugin(&ops), p.summary = "two\nlines";
    check(&p, 0, "version or summary is no line of text");
    p = codec_plugin(&ops), p.version = "\xff";
    check(&p, 0, "version or summary is no line of text");
    ops.size = 3;
    p = codec_plugin(&ops);
    check(&p, 0, "the ops of codec `odd` say they have 3 bytes");
    ops.size = offsetof(struct kith_codec_ops, extent) + sizeof(void *) / 2;
    check(&p, 0, "the ops of codec `odd` say they have");
    ops = codec_ops(), ops.open = NULL;
    check(&p, 0, "codec `odd` lacks open()");
    ops = codec_ops(), ops.size = offsetof(struct kith_codec_ops, open);
    check(&p, 0, "codec `odd` lacks open()");
    ops = codec_ops(), ops.size = offsetof(struct kith_codec_ops, extent);
    check(&p, 0, NULL);
}

static void test_parameters(void)
{
    static const char *const none[] = {NULL};
    struct kith_codec_ops ops = codec_ops();
    const struct kith_param good_one = {
        .name = "level", .type = KITH_PARAM_UINT, .offset = 8, .width = 4, .doc = "how"};
    struct kith_param list[3];
    struct kith_plugin p = codec_plugin(&ops);
    p.params = list;
#define WITH(says, ...) \
    do { \
        list[0] = list[1] = good_one, list[2] = (struct kith_param){0}; \
        list[1].name = "other", list[1].offset = 16; \
        __VA_ARGS__; \
        check(&p, 0, says); \
    } while (0)
    WITH(NULL, );
    WITH("`Level`, is not a name", list[0].name = "Level");
    WITH("`keys`, is a key that every entry has already", list[1].name = "keys");
    WITH("`other`, has a type that this Kith does not know", list[1].type = 99);
    WITH("`level`, lies outside of the instance", list[0].offset = 61);
    WITH("`level`, lies outside of the instance", list[0].offset = SIZE_MAX - 2);
    WITH("`level`, is stored at an unaligned offset", list[0].offset = 9);
    WITH("`level`, has no doc", list[0].doc = NULL);
    WITH("`level`, has a doc that is no line of text", list[0].doc = "\x1b[31m");
    WITH("`level`, has a doc that is no line of text", list[0].doc = "\xff");
    WITH("`level`, is an ENUM without choices", list[0].type = KITH_PARAM_ENUM,
         list[0].choices = none);
    WITH("`level`, has a minimum over its maximum", list[0].min = "5", list[0].max = "4");
    WITH("`level`, is stored in 8 bytes", list[0].width = 8);
    WITH("`level`, has a maximum that is not valid", list[0].max = "much");
    WITH("parameter 3 of codec `odd` has no name: KITH_PARAM_END before it is missing",
         list[2].doc = "what");
    WITH("`level`, is there twice", list[1].name = "level");
    WITH("`other`, is stored over another one", list[1].offset = 8);
    p.param_size = sizeof list[0] - 8;
    WITH("bytes apart", );
    p.param_size = sizeof list[0] + 1;
    WITH("bytes apart", );
}

/* Streams are all or nothing. */
static void nothing(void) {}

static void test_transports(void)
{
    static const struct {
        size_t at;
        const char *name;
        bool always; /* also without streams */
    } members[] = {
        {offsetof(struct kith_transport_ops, limits), "limits", true},
        {offsetof(struct kith_transport_ops, advertise), "advertise", true},
        {offsetof(struct kith_transport_ops, parse), "parse", true},
        {offsetof(struct kith_transport_ops, format), "format", true},
        {offsetof(struct kith_transport_ops, send_packet), "send_packet", true},
        {offsetof(struct kith_transport_ops, stream_write), "stream_write", false},
        {offsetof(struct kith_transport_ops, stream_finish), "stream_finish", false},
        {offsetof(struct kith_transport_ops, stream_reset), "stream_reset", false},
        {offsetof(struct kith_transport_ops, stream_read), "stream_read", false},
        {offsetof(struct kith_transport_ops, stream_open), NULL, false},
    };
    enum { COUNT = sizeof members / sizeof *members };
    void (*const fn)(void) = nothing;
    struct kith_transport_ops ops;
    struct kith_plugin p = codec_plugin(NULL);
    p.kind = KITH_TRANSPORT;
    p.ops = &ops;
    for (int streams = 0; streams < 2; streams++) {
        for (size_t without = 0; without <= COUNT; without++) {
            memset(&ops, 0, sizeof ops);
            ops.size = sizeof ops;
            for (size_t i = 0; i < COUNT; i++)
                if (i != without && (streams || members[i].always))
                    memcpy((char *)&ops + members[i].at, &fn, sizeof fn);
            bool fails =
                without < COUNT && members[without].name && (streams || members[without].always);
            check(&p, 0, fails ? members[without].name : NULL);
        }
    }
}

static void test_forms(void)
{
    static const struct {
        struct kith_form packet, stream;
        const char *says;
    } cases[] = {
        {{KITH_FRAMED, 0x80, 0x80, 0}, {KITH_FRAMED, 0, 0, 0}, NULL},
        {{KITH_OWN, 12, 12, 0}, {KITH_NONE, 0, 0, 0}, NULL},
        {{KITH_OWN, 0, 1, 1}, {KITH_OWN, 10, 10, 0}, NULL},
        {{KITH_NONE, 0, 0, 0}, {KITH_NONE, 0, 0, 0}, "it has neither"},
        {{KITH_FRAMED, 0x80, 0x81, 0},
         {KITH_NONE, 0, 0, 0},
         "impossible packet form: a framed form has one first byte"},
        {{KITH_FRAMED, 0xC0, 0xC0, 0}, {KITH_NONE, 0, 0, 0}, "0x80 to 0xBF"},
        {{KITH_FRAMED, 9, 9, 0}, {KITH_NONE, 0, 0, 0}, "0x80 to 0xBF"},
        {{KITH_FRAMED, 0x80, 0x80, 1},
         {KITH_NONE, 0, 0, 0},
         "only a form of its own can be tentative"},
        {{KITH_OWN, 5, 4, 0}, {KITH_NONE, 0, 0, 0}, "run backwards"},
        {{KITH_OWN, 0xF4, 0xF4, 0}, {KITH_NONE, 0, 0, 0}, "belong to `layer_byte:` and to labels"},
        {{KITH_OWN, 0, 1, 0}, {KITH_NONE, 0, 0, 0}, "memberlist's messages"},
        {{KITH_OWN, 0, 2, 1}, {KITH_NONE, 0, 0, 0}, "memberlist's messages"},
        {{KITH_NONE, 0, 0, 0}, {KITH_OWN, 6, 6, 0}, "impossible stream form"},
        {{7, 0, 0, 0}, {KITH_NONE, 0, 0, 0}, "unknown framing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kith_codec_ops ops = codec_ops();
        ops.packet = cases[i].packet;
        ops.stream = cases[i].stream;
        ops.extent = extent;
        struct kith_plugin p = codec_plugin(&ops);
        check(&p, 0, cases[i].says);
    }
    struct kith_codec_ops ops = codec_ops();
    ops.stream = (struct kith_form){KITH_OWN, 10, 10, 0};
    struct kith_plugin p = codec_plugin(&ops);
    check(&p, 0, "a form of its own needs extent()");
}

KITH_TESTS("abi", {"older plugin", test_older}, {"newer plugin", test_newer},
           {"wider parameters", test_wide}, {"unknown must_know bit", test_must_know},
           {"longer than its symbol", test_longer_than_its_symbol}, {"no symbol", test_nosymbol},
           {"version 2 only", test_v2}, {"wrong name", test_wrong_name},
           {"undefined symbol", test_undefined},
           {"found by what it calls itself", test_found_by_what_it_calls_itself},
           {"the list shows the broken ones", test_list_shows_the_broken_ones},
           {"not a shared object", test_not_a_shared_object},
           {"root trusts nobody", test_root_trusts_nobody},
           {"replaced on disk", test_replaced_on_disk},
           {"a refused file may be mended", test_a_refused_file_may_be_mended},
           {"a mended file is found by name", test_a_mended_file_is_found_by_name},
           {"what never ran is looked at again", test_what_never_ran_is_looked_at_again},
           {"what ran is not mended in place", test_what_ran_is_not_mended_in_place},
           {"headers", test_headers}, {"parameter tables", test_parameters},
           {"transports", test_transports}, {"codec forms", test_forms})
