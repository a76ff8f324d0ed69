/*
 * scenario_tables.c - every key of a scenario, with type, default, range and a line of words; and
 * which keys of an event go with which deed. Knows nothing of files.
 */
#include "scenario_parts.h"

#define ROW(T, key, TYPE, m, ...) \
    { \
        .name = key, .type = TYPE, .offset = offsetof(struct T, m), \
        .width = sizeof(((struct T *)0)->m), __VA_ARGS__ \
    }
#define FILE_(key, TYPE, m, ...) ROW(kith_scenario_file, key, TYPE, m, __VA_ARGS__)
#define LINK(key, TYPE, m, ...)  ROW(kith_scenario_link, key, TYPE, m, __VA_ARGS__)
#define VALUE(key, TYPE, m, ...) ROW(kith_scenario_values, key, TYPE, m, __VA_ARGS__)
#define EVENT(key, TYPE, m, ...) ROW(kith_scenario_event, key, TYPE, m, __VA_ARGS__)

const struct kith_param kith_scenario_keys[] = {
    FILE_("nodes", KITH_PARAM_UINT, nodes, .def = "100", .min = "1", .max = "65536",
          .doc = "how many nodes there are; they are called n0, n1 and so on"),
    FILE_("time", KITH_PARAM_DURATION, time, .def = "5m", .min = "1s", .max = "1000h",
          .doc = "how long it goes on, in virtual time"),
    FILE_("seed", KITH_PARAM_UINT, seed, .def = "1",
          .doc = "where all chance begins: the same seed repeats a run exactly"),
    FILE_("seeds", KITH_PARAM_UINT, seeds, .def = "3", .min = "1", .max = "64",
          .doc = "how many nodes, from n0 on, all have in their `join`"),
    FILE_("groups", KITH_TYPE_GROUPS, groups,
          .doc = "names for nodes that belong together: a map of a name to nodes"),
    FILE_("links", KITH_TYPE_LINKS, links,
          .doc = "what the network is like; of two that say something of the same link the later "
                 "wins. Without it: 500us of delay and as much jitter"),
    FILE_("events", KITH_TYPE_EVENTS, events,
          .doc = "what happens, in any order. When none of them is a `join`, all join at 0s"),
    {0}};

const struct kith_param kith_link_keys[] = {
    LINK("from", KITH_TYPE_NODES, from, .doc = "who sends; without it all"),
    LINK("to", KITH_TYPE_NODES, to, .doc = "who receives; without it all"),
    LINK("both", KITH_PARAM_BOOL, both, .def = "false", .doc = "and the other way round"),
    {0}};

const struct kith_param kith_value_keys[] = {
    VALUE("delay", KITH_PARAM_DURATION, delay, .max = "1h", .doc = "one way"),
    VALUE("jitter", KITH_PARAM_DURATION, jitter, .max = "1h",
          .doc = "mean of an exponential on top, so some packets overtake others"),
    VALUE("loss", KITH_TYPE_PART, loss,
          .doc = "part of the packets; on streams it is sent again, later"),
    VALUE("duplicate", KITH_TYPE_PART, duplicate, .doc = "part of the packets that comes twice"),
    VALUE("reorder", KITH_TYPE_PART, reorder, .doc = "part of the packets that comes later"),
    VALUE("reorder_late", KITH_PARAM_DURATION, reorder_late, .max = "1h",
          .doc = "by up to so much"),
    VALUE("bandwidth", KITH_PARAM_SIZE, bandwidth,
          .doc =
              "bytes a second that each of `from` sends to all of `to` together, but for those to "
              "whom a later link gives another; 0: no limit"),
    VALUE("backlog", KITH_PARAM_SIZE, backlog,
          .doc = "bytes that may wait for this bandwidth; beyond, packets are dropped"),
    {0}};

#define DEED(word, ...) EVENT(word, KITH_TYPE_NODES, who, __VA_ARGS__)
const struct kith_param kith_event_keys[] = {
    DEED("join", .doc = "they start, and join the seeds, or those of `to`; who runs already joins "
                        "those of `to`"),
    DEED("kill", .doc = "as SIGKILL; with `for`, they start again after that time"),
    DEED("restart", .doc = "they start again and remember nothing; who runs is killed first"),
    DEED("stop", .doc = "as SIGSTOP; with `for`, they go on after that time"),
    DEED("continue", .doc = "as SIGCONT"),
    DEED("leave", .doc = "they say goodbye, and end"),
    DEED("cut", .doc = "nothing that they send arrives at those of `to`; with `both`, nor the "
                       "other way round"),
    EVENT("partition", KITH_TYPE_NODE_SETS, sets,
          .doc = "a list: these are apart from each other; one alone: from all others"),
    DEED("heal", .doc = "`all`: all cuts and partitions are taken back"),
    DEED("set", .doc = "links of what they send to those of `to`: the keys of `links`"),
    DEED("meta", .doc = "they get other meta, which is `value`"),
    DEED("broadcast", .doc = "they send a message on the gossip"),
    DEED("send", .doc = "they send a message to those of `to`"),

    EVENT("at", KITH_TYPE_WHEN, at, .doc = "from the beginning on; must be given"),
    EVENT("over", KITH_TYPE_WHEN, over, .doc = "spread evenly over that time"),
    EVENT("for", KITH_TYPE_WHEN, lasts, .doc = "then it is undone; without it, it stays so"),
    EVENT("every", KITH_TYPE_WHEN, every,
          .doc =
              "again, `count` times in all, or until the end; who is meant by a number or a "
              "share is drawn again. All events of a file happen 10000 times at most, and send a "
              "million messages"),
    EVENT("count", KITH_PARAM_UINT, count, .min = "1", .max = "1000000", .doc = "how often in all"),
    EVENT("to", KITH_TYPE_NODES, to, .doc = "whom it is about; without it all"),
    EVENT("both", KITH_PARAM_BOOL, both, .def = "false", .doc = "and the other way round"),
    EVENT("value", KITH_PARAM_STRING, value, .max = "512", .doc = "text"),
    EVENT("bytes", KITH_PARAM_SIZE, bytes, .def = "64", .min = "16", .max = "1MiB",
          .doc = "length of a message; more than fits a packet, `node.udp_buffer_size`, only with "
                 "`reliable`"),
    EVENT("reliable", KITH_PARAM_BOOL, reliable, .def = "false",
          .doc = "over a stream, which loses nothing and takes any length"),
    {0}};

const char *const kith_deed_words[] = {"join",  "kill",      "restart",   "stop", "continue",
                                       "leave", "cut",       "partition", "heal", "set",
                                       "meta",  "broadcast", "send",      NULL};

#define BIT(deed) (1u << KITH_DEED_##deed)
static const struct {
    const char *key;
    unsigned deeds;
} goes_with[] = {
    {"at", ~0u},
    {"every", ~0u},
    {"count", ~0u},
    {"over", BIT(JOIN) | BIT(KILL) | BIT(RESTART) | BIT(STOP) | BIT(CONTINUE) | BIT(LEAVE) |
                 BIT(META) | BIT(BROADCAST) | BIT(SEND)},
    {"for", BIT(KILL) | BIT(STOP) | BIT(CUT) | BIT(PARTITION) | BIT(SET)},
    {"to", BIT(JOIN) | BIT(CUT) | BIT(SET) | BIT(SEND)},
    {"both", BIT(CUT) | BIT(SET)},
    {"value", BIT(META)},
    {"bytes", BIT(BROADCAST) | BIT(SEND)},
    {"reliable", BIT(SEND)},
};

static unsigned takers(const char *key)
{
    for (size_t i = 0; i < sizeof goes_with / sizeof *goes_with; i++)
        if (strcmp(goes_with[i].key, key) == 0) return goes_with[i].deeds;
    for (size_t i = 0; i < KITH_DEEDS; i++)
        if (strcmp(kith_deed_words[i], key) == 0) return 1u << i;
    return BIT(SET);
}

bool kith_deed_takes(enum kith_deed deed, const char *key) { return takers(key) & 1u << deed; }

const char *kith_deeds_that_take(struct kith_arena *arena, const char *key)
{
    unsigned left = takers(key);
    const char *words = "";
    for (unsigned i = 0; i < KITH_DEEDS; i++) {
        if (!(left & 1u << i)) continue;
        left &= ~(1u << i);
        const char *before = !*words ? "" : left & ((1u << KITH_DEEDS) - 1) ? ", " : " and ";
        words = kith_arena_printf(arena, "%s%s%s", words, before, kith_deed_words[i]);
    }
    return words;
}
