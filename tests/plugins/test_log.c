/* The log delegate, loaded as the node loads it: its lines for people and for programs. */
#include "fake_host.h"
#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static struct kith_registry *registry;
static struct kith_instance *in;
static const struct kith_delegate_ops *ops;
static struct kith_error err;

static int node_format(const struct kith_node *n, const struct kith_addr *a, char *out, size_t cap)
{
    if (a->port)
        return snprintf(out, cap, "%u.%u.%u.%u:%u", a->bytes[0], a->bytes[1], a->bytes[2],
                        a->bytes[3], a->port);
    return snprintf(out, cap, "%u.%u.%u.%u", a->bytes[0], a->bytes[1], a->bytes[2], a->bytes[3]);
}
static const struct kith_node node = {.size = sizeof node, .format = node_format};

static char replied[64];
static int reply(const struct kith_host *h, uint64_t id, struct kith_bytes b)
{
    CU_ASSERT_EQUAL(id, 5);
    snprintf(replied, sizeof replied, "%.*s", (int)b.len, (const char *)b.data);
    return 0;
}

/* The one timer. */
static void (*due)(void *arg);
static void *due_arg;
static uint64_t due_at;
static struct kith_timer *timer(const struct kith_host *h, void (*fn)(void *arg), void *arg)
{
    due = fn;
    due_arg = arg;
    due_at = UINT64_MAX;
    return (struct kith_timer *)&due;
}
static void timer_set(struct kith_timer *t, uint64_t at) { due_at = at; }
static void timer_free(struct kith_timer *t) { due = NULL; }

static void time_passes(uint64_t ns)
{
    fake_clock += ns;
    if (due_at <= fake_clock) due(due_arg);
}

/* Parameters by the plugin's own table. */
static void *param(void *self, const struct kith_plugin *p, const char *name)
{
    for (const struct kith_param *q = p->params; q->name; q++)
        if (strcmp(q->name, name) == 0) return (char *)self + q->offset;
    CU_FAIL_FATAL("no such parameter");
    return NULL;
}

static const char *const all[] = {"join",     "leave",   "update",  "suspect", "conflict",
                                  "ping",     "started", "joined",  "refuted", "keys",
                                  "reloaded", "emitted", "message", "lost"};
enum { ALL = sizeof all / sizeof *all };

static uint64_t rate, burst; /* 0: no limit */

static int open_log(const char *to, bool json, const char *const *events, size_t count)
{
    registry = kith_registry_new(NULL);
    err = (struct kith_error){.size = sizeof err};
    fake_log_text[0] = 0;
    const struct kith_plugin *p = kith_registry_find(registry, KITH_DELEGATE, "log", &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    void *filled = calloc(1, p->instance_size);
    *(const char **)param(filled, p, "to") = to;
    *(uint32_t *)param(filled, p, "format") = json;
    *(uint32_t *)param(filled, p, "level") = KITH_LOG_INFO;
    *(uint64_t *)param(filled, p, "show") = 8;
    *(uint64_t *)param(filled, p, "rate") = rate;
    *(uint64_t *)param(filled, p, "burst") = burst;
    *(struct kith_list *)param(filled, p, "events") = (struct kith_list){events, count};
    struct kith_entry entry = {.use = "log", .kind = KITH_DELEGATE, .plugin = p, .params = filled};
    ops = p->ops;
    int rc = kith_instance_new(&in, &entry, &fake_maker, NULL, &err);
    free(filled);
    if (rc) return rc;
    in->host->node = &node;
    in->host->reply = reply;
    in->host->timer = timer;
    in->host->timer_set = timer_set;
    in->host->timer_free = timer_free;
    return kith_instance_start(in, NULL, &err);
}

static void close_log(void)
{
    kith_instance_free(in);
    in = NULL;
    kith_registry_free(registry);
}

static struct kith_member member(const char *name, uint32_t state)
{
    return (struct kith_member){.size = sizeof(struct kith_member),
                                .state = state,
                                .incarnation = 3,
                                .name = kith_bytes_of(name, strlen(name)),
                                .meta = kith_bytes_of("a\"\001", 3),
                                .addr = {7946, 4, {10, 0, 0, 7}}};
}

static void happens(uint32_t kind, const struct kith_member *m, const struct kith_member *other,
                    uint64_t number)
{
    const struct kith_event e = {.size = sizeof e,
                                 .kind = kind,
                                 .wall = 1700000000123456789u,
                                 .number = number,
                                 .member = m,
                                 .other = other};
    ops->event(in->self, &e);
}

static void hears(const char *bytes, uint32_t flags)
{
    const struct kith_message m = {.size = sizeof m, .flags = flags, .bytes = kith_text(bytes)};
    ops->message(in->self, &m);
}

/* What memberlist has, too. */
static void events(void)
{
    struct kith_member a = member("web-1", KITH_ALIVE), s = member("w\xff", KITH_SUSPECT),
                       d = member("web-1", KITH_DEAD);
    s.accuser = kith_bytes_of("b", 1);
    happens(KITH_EVENT_JOIN, &a, NULL, 0);
    happens(KITH_EVENT_SUSPECT, &s, NULL, 0);
    happens(KITH_EVENT_SUSPECT, &a, NULL, 0);
    happens(KITH_EVENT_LEAVE, &d, NULL, 0);
    happens(KITH_EVENT_UPDATE, &a, NULL, 0);
    happens(KITH_EVENT_CONFLICT, &a, &d, 0);
    hears("hi", 0);
    hears("0123456789", KITH_RELIABLE);
}

/* What it does not have. */
static void more_events(void)
{
    const struct kith_pair fields[] = {{kith_text("name"), kith_text("deploy")},
                                       {kith_text("ltime"), kith_text("7")}};
    struct kith_event e = {.size = sizeof e,
                           .kind = KITH_EVENT_EMITTED,
                           .wall = 1700000000123456789u,
                           .by = kith_text("serf"),
                           .name = kith_text("user_event"),
                           .fields = fields,
                           .field_count = 2,
                           .data = kith_text("go")};
    struct kith_member a = member("a", KITH_ALIVE);
    a.meta.len = 0;
    happens(KITH_EVENT_STARTED, NULL, NULL, 0);
    happens(KITH_EVENT_JOINED, NULL, NULL, 0);
    happens(KITH_EVENT_REFUTED, NULL, NULL, 4);
    happens(KITH_EVENT_PING, &a, NULL, 1500);
    happens(KITH_EVENT_RELOADED, NULL, NULL, 0);
    happens(KITH_EVENT_KEYS, NULL, NULL, 0);
    happens(15, &a, NULL, 0); /* of the future: nothing to say */
    ops->event(in->self, &e);
}

/* On a channel: who says it, and whether it went to all. */
static void says(const char *name, const char *channel, uint32_t flags)
{
    const struct kith_peer peer = {.size = sizeof peer, .name = kith_text(name)};
    const struct kith_message m = {.size = sizeof m,
                                   .flags = flags,
                                   .bytes = kith_text("hi"),
                                   .peer = &peer,
                                   .channel = kith_text(channel)};
    ops->message(in->self, &m);
}

/* Missed for good, or asked for by a member of that name, or by whoever is there. */
static void loses(const char *by, bool addr)
{
    static const struct kith_addr there = {7946, 4, {10, 0, 0, 8}};
    const struct kith_peer peer = {
        .size = sizeof peer, .addr = addr ? &there : NULL, .name = kith_text(by)};
    const struct kith_event e = {.size = sizeof e,
                                 .kind = KITH_EVENT_LOST,
                                 .wall = 1700000000123456789u,
                                 .peer = *by || addr ? &peer : NULL,
                                 .number = 12,
                                 .data = kith_text("ad\x1b")};
    ops->event(in->self, &e);
}

static void of_channels(void)
{
    says("ad\x1b", "user", KITH_RELAYED);
    says("bob", "user", 0);
    says("", "user", KITH_RELIABLE);
    says("bob", "", 0); /* raw: nobody said so */
    loses("", false);
    loses("bob", true);
    loses("", true);
}

static const char channel_text[] = "message 2 bytes relayed from ad\\x1b \"hi\"\n"
                                   "message 2 bytes by packet from bob \"hi\"\n"
                                   "message 2 bytes by stream \"hi\"\n"
                                   "message 2 bytes by packet \"hi\"\n"
                                   "lost messages 12 of ad\\x1b missed for good\n"
                                   "lost messages 12 of ad\\x1b asked for by bob\n"
                                   "lost messages 12 of ad\\x1b asked for by 10.0.0.8:7946\n";

static const char text_lines[] =
    "join web-1 10.0.0.7:7946 meta \"a\\\"\\x01\"\n"
    "suspect w\\xff 10.0.0.7:7946 suspect by b meta \"a\\\"\\x01\"\n"
    "suspect web-1 10.0.0.7:7946 meta \"a\\\"\\x01\" no longer\n"
    "leave web-1 10.0.0.7:7946 dead meta \"a\\\"\\x01\"\n"
    "update web-1 10.0.0.7:7946 meta \"a\\\"\\x01\"\n"
    "conflict web-1 10.0.0.7:7946 meta \"a\\\"\\x01\" claimed by 10.0.0.7:7946\n"
    "message 2 bytes by packet \"hi\"\n"
    "message 10 bytes by stream \"01234567\"...\n";

#define M "\"addr\":\"10.0.0.7\",\"port\":7946,\"state\":"
#define T "{\"time\":\"2023-11-14T22:13:20.123Z\",\"event\":"
static const char json_lines[] =
    T "\"join\",\"name\":\"web-1\"," M "\"alive\",\"incarnation\":3,\"meta\":\"YSIB\"}\n" T
      "\"suspect\",\"name\":\"w\\\\xff\"," M
      "\"suspect\",\"incarnation\":3,\"meta\":\"YSIB\",\"accuser\":\"b\"}\n" T
      "\"suspect\",\"name\":\"web-1\"," M "\"alive\",\"incarnation\":3,\"meta\":\"YSIB\"}\n" T
      "\"leave\",\"name\":\"web-1\"," M "\"dead\",\"incarnation\":3,\"meta\":\"YSIB\"}\n" T
      "\"update\",\"name\":\"web-1\"," M "\"alive\",\"incarnation\":3,\"meta\":\"YSIB\"}\n" T
      "\"conflict\",\"name\":\"web-1\"," M "\"alive\",\"incarnation\":3,\"meta\":\"YSIB\",\"other_"
      "addr\":\"10.0.0.7\",\"other_port\":7946}\n" T
      "\"message\",\"reliable\":false,\"size\":2,\"payload\":\"hi\"}\n" T
      "\"message\",\"reliable\":true,\"size\":10,\"payload\":\"01234567\"}\n";

static const char more_text[] = "started\njoined\nrefuted incarnation 4\n"
                                "ping a 10.0.0.7:7946 ns 1500\nreloaded\nkeys\n"
                                "serf.user_event name=\"deploy\" ltime=\"7\" \"go\"\n";
static const char more_json[] =
    T "\"started\"}\n" T "\"joined\"}\n" T "\"refuted\",\"incarnation\":4}\n" T
      "\"ping\",\"name\":\"a\"," M "\"alive\",\"incarnation\":3,\"meta\":\"\",\"rtt_ns\":1500}\n" T
      "\"reloaded\"}\n" T "\"keys\"}\n" T
      "\"serf.user_event\",\"fields\":[{\"name\":\"name\",\"value\":\"deploy\"},"
      "{\"name\":\"ltime\",\"value\":\"7\"}],\"size\":2,\"payload\":\"go\"}\n";

static void test_more_events(void)
{
    for (int json = 0; json < 2; json++) {
        CU_ASSERT_EQUAL_FATAL(open_log(NULL, json, all, ALL), 0);
        more_events();
        CU_ASSERT_STRING_EQUAL(fake_log_text, json ? more_json : more_text);
        close_log();
    }
}

static void test_channels(void)
{
#define SAID T "\"message\",\"reliable\":"
#define LOST T "\"lost\",\"messages\":12,\"origin\":\"ad\\\\x1b\",\"missed\":"
    static const char channel_json[] = SAID
        "false,\"size\":2,\"channel\":\"user\",\"relayed\":true,"
        "\"from\":\"ad\\\\x1b\",\"payload\":\"hi\"}\n" SAID
        "false,\"size\":2,\"channel\":\"user\",\"relayed\":false,"
        "\"from\":\"bob\",\"payload\":\"hi\"}\n" SAID
        "true,\"size\":2,\"channel\":\"user\",\"relayed\":false,\"payload\":\"hi\"}\n" SAID
        "false,\"size\":2,\"payload\":\"hi\"}\n" LOST "true}\n" LOST
        "false,\"from\":\"bob\"}\n" LOST "false,\"peer_addr\":\"10.0.0.8\",\"peer_port\":7946}\n";
    for (int json = 0; json < 2; json++) {
        CU_ASSERT_EQUAL_FATAL(open_log(NULL, json, all, ALL), 0);
        CU_ASSERT(ops->flags & KITH_DELEGATE_USER);
        of_channels();
        CU_ASSERT_STRING_EQUAL(fake_log_text, json ? channel_json : channel_text);
        close_log();
    }
}

static void test_text(void)
{
    CU_ASSERT_EQUAL_FATAL(open_log(NULL, false, all, ALL), 0);
    events();
    CU_ASSERT_STRING_EQUAL(fake_log_text, text_lines);
    CU_ASSERT_EQUAL(*in->host->counter(in->host, "lines_written", "", NULL, 0), 8);
    close_log();
}

static void test_json(void)
{
    CU_ASSERT_EQUAL_FATAL(open_log(NULL, true, all, ALL), 0);
    events();
    CU_ASSERT_STRING_EQUAL(fake_log_text, json_lines);
    close_log();
}

static void test_choice_of_events(void)
{
    static const char *const some[] = {"leave", "message"}, *const wrong[] = {"leave", "arrive"};
    CU_ASSERT_EQUAL_FATAL(open_log(NULL, false, some, 2), 0);
    events();
    CU_ASSERT_STRING_EQUAL(
        fake_log_text,
        "leave web-1 10.0.0.7:7946 dead meta \"a\\\"\\x01\"\n"
        "message 2 bytes by packet \"hi\"\nmessage 10 bytes by stream \"01234567\"...\n");
    close_log();
    CU_ASSERT_EQUAL(open_log(NULL, false, wrong, 2), -KITH_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "log: events: `arrive` is none of"));
    close_log();
}

static int command(const char *word, uint32_t flags)
{
    const struct kith_bytes words[] = {kith_text(word)};
    const struct kith_call call = {
        .size = sizeof call, .flags = flags, .id = 5, .words = words, .count = 1};
    replied[0] = 0;
    return in->plugin->command(in->self, &call, &err);
}

static void write_and_reopen(bool by_reload)
{
    char dir[] = "/tmp/kith-log-XXXXXX", path[64], moved[64], text[8192];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/events", dir);
    snprintf(moved, sizeof moved, "%s/events.1", dir);
    CU_ASSERT_EQUAL_FATAL(open_log(path, true, all, ALL), 0);
    events();
    CU_ASSERT_EQUAL(rename(path, moved), 0);
    if (by_reload) {
        CU_ASSERT_EQUAL(kith_instance_refresh(in, KITH_REFRESH_FILES, NULL), 0);
    } else {
        CU_ASSERT_EQUAL(command("close", 0), -KITH_EINVAL);
        CU_ASSERT_EQUAL(command("reopen", 0), 0);
        CU_ASSERT_STRING_EQUAL(replied, "reopened\n");
        CU_ASSERT_EQUAL(command("reopen", KITH_CALL_JSON), 0);
        CU_ASSERT_STRING_EQUAL(replied, "{\"reopened\":true}\n");
    }
    hears("hi", 0);
    close_log();
    FILE *f = fopen(moved, "r");
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    CU_ASSERT_STRING_EQUAL(text, json_lines);
    f = fopen(path, "r");
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    CU_ASSERT_STRING_EQUAL(text,
                           T "\"message\",\"reliable\":false,\"size\":2,\"payload\":\"hi\"}\n");
    unlink(path);
    unlink(moved);
    rmdir(dir);
}

static void test_file_and_reopen(void) { write_and_reopen(false); }
static void test_file_and_reload(void) { write_and_reopen(true); }

static void test_file_that_cannot_be(void)
{
    CU_ASSERT_EQUAL(open_log("/nonexistent/events", false, all, ALL), -KITH_EIO);
    CU_ASSERT_STRING_EQUAL(err.text, "log: /nonexistent/events: No such file or directory");
    close_log();
}

static uint64_t number(const char *name) { return *in->host->counter(in->host, name, "", NULL, 0); }

static size_t count_of(const char *text, const char *word)
{
    size_t n = 0;
    for (; (text = strstr(text, word)); text += strlen(word)) n++;
    return n;
}

/* All that is in the file, which is emptied. */
static const char *written(int fd)
{
    static char text[2 << 20];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    CU_ASSERT_FATAL(n >= 0 && ftruncate(fd, 0) == 0);
    text[n] = 0;
    return text;
}

/* A flood fills no disk: it is cut to what is allowed, and how much is missing is said. */
static void test_flood(void)
{
    enum { FLOOD = 10000, LINE = 60 };
    char path[] = "/tmp/kith-log-XXXXXX";
    int fd = mkstemp(path);
    rate = 10000;
    burst = 100000;
    CU_ASSERT_EQUAL_FATAL(open_log(path, false, all, ALL), 0);
    for (int i = 0; i < FLOOD; i++) hears("hi", 0);
    const char *text = written(fd);
    size_t came = count_of(text, "message");
    CU_ASSERT(strlen(text) >= burst && strlen(text) < burst + 2 * LINE);
    CU_ASSERT_EQUAL(count_of(text, "left_out"), 0);
    CU_ASSERT_EQUAL(number("lines_written"), came);
    CU_ASSERT_EQUAL(number("lines_left_out"), FLOOD - came);

    time_passes(500000000); /* half a second's worth is not enough */
    hears("hi", 0);
    CU_ASSERT_STRING_EQUAL(written(fd), "");
    char said[64];
    snprintf(said, sizeof said, " left_out %zu lines\n", FLOOD + 1 - came);
    time_passes(600000000); /* nothing else happens */
    CU_ASSERT_PTR_NOT_NULL(strstr(text = written(fd), said));
    CU_ASSERT_EQUAL(count_of(text, "\n"), 1);
    CU_ASSERT_EQUAL(due_at, UINT64_MAX);
    hears("hi", 0);
    CU_ASSERT_EQUAL(count_of(written(fd), "message"), 1);

    for (int second = 0; second < 60; second++) {
        for (int i = 0; i < FLOOD / 10; i++) hears("hi", 0);
        time_passes(1000000000);
    }
    text = written(fd);
    CU_ASSERT(strlen(text) <= 61 * rate + burst);
    CU_ASSERT(count_of(text, "left_out") > 50 && count_of(text, "left_out") <= 61);
    close_log();
    close(fd);
    unlink(path);
    rate = burst = 0;
}

/* The same for the node's log, and as JSON. */
static void test_flood_of_the_nodes_log(void)
{
    rate = 100;
    burst = 300;
    CU_ASSERT_EQUAL_FATAL(open_log(NULL, true, all, ALL), 0);
    for (int i = 0; i < 20; i++) hears("hi", 0);
    size_t came = number("lines_written");
    CU_ASSERT(came > 1 && came < 6);
    time_passes(2000000000);
    char said[64];
    snprintf(said, sizeof said, "\"event\":\"left_out\",\"lines\":%zu}\n", 20 - came);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_log_text, said));
    close_log();
    rate = burst = 0;
}

/* A pipe that nobody reads: what it does not take is kept, what is too much is counted. */
static void test_pipe(void)
{
    char dir[] = "/tmp/kith-log-XXXXXX", path[64], text[65536];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/fifo", dir);
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
    alarm(60); /* whoever waits for it does so for ever */
    CU_ASSERT_EQUAL_FATAL(open_log(path, false, all, ALL), 0);
    unsigned sent = 0;
    for (; !number("lines_failed") && sent < 100000; sent++) hears("hi", 0);
    CU_ASSERT_EQUAL(number("lines_failed"), 1);
    CU_ASSERT_EQUAL(count_of(fake_log_text, "nobody reads it"), 1);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    unsigned lines = 0, last = 0;
    for (ssize_t n; (n = read(reader, text, sizeof text - 1)) > 0;) {
        text[n] = 0;
        lines += (unsigned)count_of(text, "\n");
        last += (unsigned)count_of(text, " left_out 1 lines\n");
        time_passes(1000000000);
    }
    CU_ASSERT_EQUAL(lines, sent); /* one is missing, one says so */
    CU_ASSERT_EQUAL(last, 1);
    CU_ASSERT_EQUAL(due_at, UINT64_MAX);
    alarm(0);
    close_log();
    close(reader);
    unlink(path);
    rmdir(dir);
}

/* Without a file it may go into a simulation. */
static void test_no_file_in_a_simulation(void)
{
    fake_world_number = 7;
    CU_ASSERT_EQUAL(open_log("/tmp/kith-never-made", false, all, ALL), -KITH_EUNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "simulation"));
    kith_registry_free(registry);
    CU_ASSERT_EQUAL(open_log(NULL, false, all, ALL), 0);
    close_log();
    fake_world_number = 0;
}

KITH_TESTS("plugins/log", {"no file in a simulation", test_no_file_in_a_simulation},
           {"text", test_text}, {"json", test_json}, {"events of Kith's own", test_more_events},
           {"channels", test_channels}, {"choice of events", test_choice_of_events},
           {"file, and after it was renamed", test_file_and_reopen},
           {"file, and a reload", test_file_and_reload},
           {"file that can't be", test_file_that_cannot_be}, {"a flood", test_flood},
           {"a flood of the node's log", test_flood_of_the_nodes_log},
           {"a pipe that nobody reads", test_pipe})
