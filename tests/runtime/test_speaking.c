/*
 * test_speaking.c - what a program, or a client of the control socket, says on a channel, where
 * broadcasts are not relayed; and how monitors show what came and what was lost.
 */
#include "control_rig.h"
#include <unistd.h>

/* Who listens on the channel of users, raw, or both. */
static struct ear {
    unsigned came;
    uint32_t flags;
    char text[64], channel[64], from[64];
} ears[2];

static void hear(void *self, const struct kith_message *m)
{
    struct ear *e = self;
    const struct kith_bytes name = m->peer ? m->peer->name : kith_text("");
    e->came++;
    e->flags = m->flags;
    snprintf(e->text, sizeof e->text, "%.*s", (int)m->bytes.len, (const char *)m->bytes.data);
    snprintf(e->channel, sizeof e->channel, "%s", (const char *)m->channel.data);
    snprintf(e->from, sizeof e->from, "%.*s", (int)name.len, (const char *)name.data);
}

static const struct kith_delegate_ops hearing = {
    .size = sizeof hearing, .flags = KITH_DELEGATE_USER, .message = hear};

static void listen_on(struct node *n, struct ear *e)
{
    *e = (struct ear){0};
    CU_ASSERT_EQUAL_FATAL(kith_delegates_listen(kith_node_delegates(n->k), &hearing, e), 0);
}

static void begin_two(void)
{
    begin();
    node_opened = kith_control_attach;
    for (int i = 0; i < 2; i++) {
        open_node(&nodes[i], "relay: { window: 0 }\n");
        listen_on(&nodes[i], &ears[i]);
    }
    CU_ASSERT_EQUAL_FATAL(join(&nodes[0], &nodes[1]), 0);
}

/* What the table of node 0 makes of it, once it has ended. */
static int say_on(const char *channel, const struct kith_peer *to, const char *text)
{
    const struct kith_node *t = kith_table(nodes[0].k);
    const struct kith_message m = {
        .size = sizeof m, .bytes = kith_text(text), .peer = to, .channel = kith_text(channel)};
    unsigned before = nodes[0].done;
    CU_ASSERT_EQUAL_FATAL(t->send(t, &m, done, &nodes[0]), 0);
    UNTIL(nodes[0].done > before);
    return nodes[0].status;
}

/* Once, although it is gossiped some times, and never to who said it. */
static void test_a_broadcast_without_relays_is_gossiped(void)
{
    begin_two();
    CU_ASSERT_EQUAL(say_on("user", NULL, "to all"), 0);
    UNTIL(ears[1].came == 1);
    CU_ASSERT_STRING_EQUAL(ears[1].text, "to all");
    CU_ASSERT_STRING_EQUAL(ears[1].channel, "user");
    CU_ASSERT_STRING_EQUAL(ears[1].from, "n0");
    CU_ASSERT_EQUAL(ears[1].flags, 0); /* nobody promises what is said of relayed ones */
    UNTIL(stat_of(&nodes[1], "channel_repeated", NULL) > 0);
    CU_ASSERT_EQUAL(say_on("", NULL, "raw"), 0);
    UNTIL(!strcmp(ears[1].text, "raw"));
    CU_ASSERT_STRING_EQUAL(ears[1].channel, "");
    CU_ASSERT_STRING_EQUAL(ears[1].from, "");
    CU_ASSERT(nodes[1].packets > 0); /* who does not ask for it hears the raw one alone */
    CU_ASSERT_STRING_EQUAL(nodes[1].last, "raw");
    CU_ASSERT_EQUAL(ears[0].came, 0);
    end();
}

static void test_what_is_no_channel(void)
{
    static const char long_one[] =
        "a name of more bytes than the name of a channel may ever have...";
    const struct kith_peer to = {.size = sizeof to, .name = kith_text("n1")};
    begin_two();
    CU_ASSERT_EQUAL(say_on(long_one, &to, "x"), -KITH_EINVAL);
    CU_ASSERT_EQUAL(say_on(long_one, NULL, "x"), -KITH_EINVAL);
    const struct kith_node *t = kith_table(nodes[0].k);
    struct kith_message m = {.size = sizeof m, .priority = 1, .channel = kith_text("user")};
    CU_ASSERT_EQUAL(t->send(t, &m, done, &nodes[0]), -KITH_EINVAL);
    m.priority = 0;
    m.key = kith_text("k");
    CU_ASSERT_EQUAL(t->send(t, &m, done, &nodes[0]), -KITH_EINVAL);
    const struct kith_peer nobody = {.size = sizeof nobody, .name = kith_text("nobody")};
    CU_ASSERT_EQUAL(say_on("user", &nobody, "x"), -KITH_ENOTFOUND);
    CU_ASSERT_EQUAL(say_on("user", &to, "x"), 0);
    UNTIL(ears[1].came == 1);
    CU_ASSERT_STRING_EQUAL(ears[1].from, "n0");
    end();
}

static const char *asked(int fd, const char *line)
{
    ask(fd, line);
    return code_of(next_line(fd));
}

static void test_requests_say_raw_or_a_channel(void)
{
    begin_two();
    int fd = dial();
    CU_ASSERT_STRING_EQUAL(asked(fd, "{\"cmd\":\"send\",\"name\":\"n1\",\"text\":\"a\"}\n"), "ok");
    UNTIL(!strcmp(ears[1].text, "a"));
    CU_ASSERT_STRING_EQUAL(ears[1].channel, "user");
    CU_ASSERT_STRING_EQUAL(
        asked(fd, "{\"cmd\":\"send\",\"name\":\"n1\",\"text\":\"b\",\"raw\":true}\n"), "ok");
    UNTIL(!strcmp(ears[1].text, "b"));
    CU_ASSERT_STRING_EQUAL(ears[1].channel, "");
    CU_ASSERT_STRING_EQUAL(
        asked(fd, "{\"cmd\":\"send\",\"name\":\"n1\",\"text\":\"c\",\"channel\":\"chat\"}\n"),
        "ok");
    static const char *const wrong[] = {
        "{\"cmd\":\"broadcast\",\"text\":\"x\",\"channel\":\"\"}\n",
        "{\"cmd\":\"broadcast\",\"text\":\"x\",\"channel\":7}\n",
        "{\"cmd\":\"broadcast\",\"text\":\"x\",\"channel\":"
        "\"0123456789012345678901234567890123456789"
        "012345678901234567890123\"}\n",
        "{\"cmd\":\"broadcast\",\"text\":\"x\",\"channel\":\"user\",\"raw\":true}\n",
        "{\"cmd\":\"broadcast\",\"text\":\"x\",\"key\":\"k\"}\n",
        "{\"cmd\":\"broadcast\",\"text\":\"x\",\"priority\":1}\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CU_ASSERT_STRING_EQUAL(asked(fd, wrong[i]), "invalid");
    CU_ASSERT_STRING_EQUAL(
        asked(fd, "{\"cmd\":\"broadcast\",\"text\":\"d\",\"raw\":true,\"key\":\"k\"}\n"), "ok");
    UNTIL(!strcmp(ears[1].text, "d")); /* nobody heard the one for `chat` */
    close(fd);
    end();
}

/* What the node says no with. */
static const char *refusal(int fd, const char *line)
{
    static char said[256];
    ask(fd, line);
    json_t *answer = next_line(fd);
    const char *error = json_string_value(json_object_get(answer, "error"));
    snprintf(said, sizeof said, "%s", error ? error : "none");
    json_decref(answer);
    return said;
}

/* Others do not understand frames: they get none, but raw messages. Who is no member is the asker's
 * business. */
static void test_members_that_are_not_known_to_run_kith(void)
{
#define SEND "{\"cmd\":\"send\",\"text\":\"x\","
    begin_alone("");
    meet("go");
    UNTIL(count(&nodes[0], KITH_ALIVE) == 2);
    int fd = dial();
    CU_ASSERT_STRING_EQUAL(asked(fd, SEND "\"name\":\"go\"}\n"), "ok"); /* who knows? */
    go_pings();
    const char *said = refusal(fd, SEND "\"name\":\"go\"}\n");
    CU_ASSERT(strstr(said, "'go' does not run Kith") && strstr(said, "--raw"));
    said = refusal(fd, SEND "\"address\":\"127.0.0.1:7\"}\n");
    CU_ASSERT(strstr(said, "'go'") && strstr(said, "--raw"));
    CU_ASSERT_STRING_EQUAL(asked(fd, SEND "\"name\":\"go\",\"channel\":\"chat\"}\n"),
                           "unsupported");
    CU_ASSERT_STRING_EQUAL(asked(fd, SEND "\"name\":\"go\",\"raw\":true}\n"), "ok");
    CU_ASSERT_STRING_EQUAL(asked(fd, SEND "\"address\":\"127.0.0.1:8\"}\n"), "ok");
    close(fd);
    end();
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static json_t *next_event(int fd, const char *kind)
{
    json_t *e = next_line(fd);
    CU_ASSERT_PTR_NOT_NULL_FATAL(e);
    CU_ASSERT_STRING_EQUAL(text_of(e, "event"), kind);
    return e;
}

/* Whether it came to all, and who says it sent it; of a raw one neither. */
static void test_monitors_tell_who_said_it(void)
{
    void *self;
    begin_alone("");
    int fd = dial();
    CU_ASSERT_STRING_EQUAL(asked(fd, "{\"cmd\":\"monitor\",\"events\":[\"message\"]}\n"), "ok");
    const struct kith_delegate_ops *ops =
        kith_delegates_ops(kith_node_delegates(nodes[0].k), &self);
    const struct kith_peer peer = {.size = sizeof peer, .name = kith_text("ad\x1b")};
    struct kith_message m = {.size = sizeof m,
                             .flags = KITH_RELAYED,
                             .bytes = kith_text("hi"),
                             .peer = &peer,
                             .channel = kith_text("user")};
    ops->message(self, &m);
    m.channel = kith_text("chat");
    ops->message(self, &m); /* not for people */
    m = (struct kith_message){.size = sizeof m, .bytes = kith_text("raw"), .peer = &peer};
    ops->message(self, &m);
    kith_node_wake(nodes[0].k);
    json_t *e = next_event(fd, "message");
    CU_ASSERT_STRING_EQUAL(text_of(e, "channel"), "user");
    CU_ASSERT_STRING_EQUAL(text_of(e, "from"), "ad\\x1b");
    CU_ASSERT(json_is_true(json_object_get(e, "relayed")));
    json_decref(e);
    e = next_event(fd, "message");
    CU_ASSERT_STRING_EQUAL(text_of(e, "payload"), "cmF3");
    CU_ASSERT_PTR_NULL(json_object_get(e, "channel"));
    CU_ASSERT_PTR_NULL(json_object_get(e, "relayed"));
    json_decref(e);
    close(fd);
    end();
}

static void test_monitors_tell_what_was_lost(void)
{
    begin_alone("");
    int fd = dial();
    CU_ASSERT_STRING_EQUAL(asked(fd, "{\"cmd\":\"monitor\",\"events\":[\"lost\"]}\n"), "ok");
    const struct kith_peer peer = {.size = sizeof peer, .name = kith_text("bob")};
    struct kith_event lost = {
        .size = sizeof lost, .kind = KITH_EVENT_LOST, .number = 12, .data = kith_text("ada")};
    kith_delegates_event(kith_node_delegates(nodes[0].k), &lost);
    lost.peer = &peer;
    kith_delegates_event(kith_node_delegates(nodes[0].k), &lost);
    json_t *e = next_event(fd, "lost");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(e, "messages")), 12);
    CU_ASSERT_STRING_EQUAL(text_of(e, "origin"), "ada");
    CU_ASSERT(json_is_true(json_object_get(e, "missed")));
    CU_ASSERT_PTR_NULL(json_object_get(e, "from"));
    json_decref(e);
    e = next_event(fd, "lost");
    CU_ASSERT(json_is_false(json_object_get(e, "missed")));
    CU_ASSERT_STRING_EQUAL(text_of(e, "from"), "bob");
    json_decref(e);
    close(fd);
    end();
}

KITH_TESTS("runtime/speaking",
           {"a broadcast without relays is gossiped", test_a_broadcast_without_relays_is_gossiped},
           {"what is no channel", test_what_is_no_channel},
           {"requests say raw or a channel", test_requests_say_raw_or_a_channel},
           {"members that are not known to run Kith", test_members_that_are_not_known_to_run_kith},
           {"monitors tell who said it", test_monitors_tell_who_said_it},
           {"monitors tell what was lost", test_monitors_tell_what_was_lost})
