/*
 * cause.c - the words. memberlist's where it has them: operators search their logs for them.
 */
#include "cause.h"
#include "crowd.h"
#include "state.h"
#include "words.h"

static bool inbound(const struct kith_exchange *s) { return s->kind == KITH_EXCHANGE_INBOUND; }

static const char *too_big(const struct kith_exchange *s)
{
    if (!inbound(s)) return "its answer is larger than our limit";
    return s->type == KITH_MSG_USER ? "Remote message is larger than limit"
                                    : "Remote node state is larger than limit";
}

struct limit {
    const char *text, *setting;
    uint64_t max;
};

/* Of all, or of those that strangers have. */
static struct limit slots(const char *text, const char *theirs, const char *setting, uint32_t max,
                          bool stranger, uint32_t taken)
{
    uint32_t share = kith_crowd_of_strangers(max);
    return stranger && taken >= share ? (struct limit){theirs, setting, share}
                                      : (struct limit){text, setting, max};
}

static struct limit limit(const struct kith_core *c, const struct kith_exchange *s,
                          enum kith_drop why)
{
    switch (why) {
    case KITH_DROP_MAX_STREAMS:
        return slots("too many streams", "too many streams of strangers", "max_streams",
                     c->set.max_streams, s->stranger, c->exchanges.strangers);
    case KITH_DROP_MAX_PUSH_PULLS:
        return slots("too many push/pulls", "too many push/pulls of strangers", "max_push_pulls",
                     c->set.max_push_pulls, s->stranger, c->exchanges.stranger_pulls);
    case KITH_DROP_MAX_STREAM_MEMORY:
        return (struct limit){"no memory for it", "max_stream_memory", c->memory->limit};
    case KITH_DROP_MAX_STREAM_SIZE:
        return (struct limit){too_big(s), "max_stream_size", c->set.max_stream_size};
    default: return (struct limit){NULL, NULL, 0};
    }
}

static const char *other(const struct kith_exchange *s, enum kith_drop why)
{
    switch (why) {
    case KITH_DROP_CROWDED_OUT: return "the transport can take no more";
    case KITH_DROP_STREAM_MALFORMED: return "a malformed message";
    case KITH_DROP_STREAM_TRUNCATED: return "it ended before its message was whole";
    case KITH_DROP_STREAM_TIMEOUT: /* who dialled hears how it ended */
        if (!inbound(s)) return NULL;
        if (s->phase == KITH_PHASE_ANSWER) return "no turn for our answer within tcp_timeout";
        return s->len ? "its message was not whole within tcp_timeout"
                      : "nothing was said within tcp_timeout";
    case KITH_DROP_ACK_NOT_EXPECTED: return "an ack that nobody asked for";
    case KITH_DROP_BAD_IDENTITY: return "the name that the transport gives it is too long";
    default: return NULL;
    }
}

bool kith_cause_text(const struct kith_core *c, const struct kith_exchange *s, enum kith_drop why,
                     char out[KITH_CAUSE_TEXT])
{
    struct limit l = limit(c, s, why);
    const char *text = l.text ? l.text : other(s, why);
    *out = 0;
    if (!text) return false;
    kith_words(out, KITH_CAUSE_TEXT, text);
    if (!l.text) return true;
    kith_words(out, KITH_CAUSE_TEXT, " (");
    kith_words_number(out, KITH_CAUSE_TEXT, l.max, "), ");
    kith_words(out, KITH_CAUSE_TEXT, l.setting);
    return true;
}

bool kith_cause_is_told(const struct kith_exchange *s, enum kith_drop why)
{
    return inbound(s) && (why == KITH_DROP_MAX_STREAM_SIZE || why == KITH_DROP_MAX_STREAM_MEMORY);
}
