/*
 * oracle.c - a delegate that does what it is told: answers at once, in pieces, later or never,
 * emits events, feels unwell, ends its node. Compiled with nothing but the ABI header.
 */
#include <kith/plugin.h>
#include <stdlib.h>

enum { FIELDS = 8, PIECE = 65536 };

struct oracle {
    const struct kith_host *host;
    uint64_t asked; /* who waits for `tell`; 0: nobody */
    bool spared;    /* `much` met an asker that was full */
};

static int init(void *self, const struct kith_host *host, struct kith_error *err)
{
    ((struct oracle *)self)->host = host;
    return 0;
}

static int say(struct oracle *o, uint64_t id, const char *text)
{
    return o->host->reply(o->host, id, kith_text(text));
}

/* `now WORD...`: each word a piece, or a value. */
static int now(struct oracle *o, const struct kith_call *call)
{
    bool json = call->flags & KITH_CALL_JSON;
    for (size_t i = 1; i < call->count; i++) {
        if (json) say(o, call->id, "\"");
        o->host->reply(o->host, call->id, call->words[i]);
        say(o, call->id, json ? "\"\n" : "\n");
    }
    return 0;
}

/* `cut TEXT`: byte by byte. */
static int cut(struct oracle *o, const struct kith_call *call)
{
    for (size_t i = 0; call->count > 1 && i < call->words[1].len; i++)
        o->host->reply(o->host, call->id, kith_bytes_of(call->words[1].data + i, 1));
    return 0;
}

/* `much`: until the asker is full. */
static int much(struct oracle *o, const struct kith_call *call)
{
    static char piece[PIECE];
    int rc = 0;
    memset(piece, 'x', sizeof piece);
    for (int i = 0; rc == 0 && i < 1000; i++)
        rc = o->host->reply(o->host, call->id, kith_bytes_of(piece, sizeof piece));
    o->spared = rc == -KITH_EAGAIN;
    return o->spared ? 0 : -KITH_EIO;
}

/* `huge`: more at once than any asker takes, and what came of it. */
static int huge(struct oracle *o, const struct kith_call *call)
{
    enum { HUGE = 64 << 20 };
    char told[16], *piece = calloc(1, HUGE);
    if (!piece) return -KITH_ENOMEM;
    snprintf(told, sizeof told, "%d\n",
             o->host->reply(o->host, call->id, kith_bytes_of(piece, HUGE)));
    free(piece);
    return say(o, call->id, told);
}

/* `nul`: in an answer, and in the label of a number. */
static int nul(struct oracle *o, const struct kith_call *call)
{
    const struct kith_pair label = {kith_text("word"), kith_bytes_of("a\0b", 3)};
    ++*o->host->counter(o->host, "riddles", "Riddles.", &label, 1);
    return o->host->reply(o->host, call->id, kith_bytes_of("a\0b\n", 4));
}

/* `twice`: ended here, and said to end later. */
static int twice(struct oracle *o, const struct kith_call *call)
{
    say(o, call->id, "once\n");
    o->host->finish(o->host, call->id, 0, NULL);
    return KITH_LATER;
}

/* `tell TEXT`: to who asked `later`, and whether they still listened. */
static int tell_late(struct oracle *o, const struct kith_call *call)
{
    char told[40];
    uint64_t id = o->asked;
    o->asked = 0;
    int rc = o->host->reply(o->host, id, call->count > 1 ? call->words[1] : kith_text("?"));
    int end = o->host->finish(o->host, id, 0, NULL);
    snprintf(told, sizeof told, "%d %d\n", rc, end);
    return say(o, call->id, told);
}

/* `emit NAME KEY=VALUE... [DATA]` */
static int emit(struct oracle *o, const struct kith_call *call)
{
    struct kith_pair fields[FIELDS];
    struct kith_event e = {.size = sizeof e, .kind = KITH_EVENT_EMITTED, .fields = fields};
    if (call->count < 2) return -KITH_EINVAL;
    e.name = call->words[1];
    for (size_t i = 2; i < call->count && e.field_count < FIELDS; i++) {
        struct kith_bytes w = call->words[i];
        const uint8_t *eq = memchr(w.data, '=', w.len);
        if (!eq) {
            e.data = w;
            continue;
        }
        size_t n = (size_t)(eq - w.data);
        fields[e.field_count++] =
            (struct kith_pair){kith_bytes_of(w.data, n), kith_bytes_of(eq + 1, w.len - n - 1)};
    }
    return o->host->emit(o->host, &e, NULL, NULL);
}

/* `stop`: the node ends, and has failed. */
static int stop(struct oracle *o, const struct kith_call *call)
{
    return o->host->node->stop(o->host->node, -KITH_EIO, "the oracle has spoken");
}

/* `refuse [WHY]`, `unwell [WHY]`: in these words, or its own. */
static const char *why(const struct kith_call *call, const char *own)
{
    return call->count > 1 ? (const char *)call->words[1].data : own;
}

static bool is(const struct kith_call *call, const char *word)
{
    return call->count && kith_bytes_equal(call->words[0], kith_text(word));
}

static int command(void *self, const struct kith_call *call, struct kith_error *err)
{
    struct oracle *o = self;
    if (is(call, "now")) return now(o, call);
    if (is(call, "cut")) return cut(o, call);
    if (is(call, "much")) return much(o, call);
    if (is(call, "huge")) return huge(o, call);
    if (is(call, "nul")) return nul(o, call);
    if (is(call, "twice")) return twice(o, call);
    if (is(call, "tell")) return tell_late(o, call);
    if (is(call, "asked")) return say(o, call->id, o->asked ? "yes\n" : "no\n");
    if (is(call, "spared")) return say(o, call->id, o->spared ? "yes\n" : "no\n");
    if (is(call, "emit")) return emit(o, call);
    if (is(call, "stop")) return stop(o, call);
    if (is(call, "unwell")) return o->host->degraded(o->host, why(call, "too much smoke")), 0;
    if (is(call, "well")) return o->host->degraded(o->host, NULL), 0;
    if (is(call, "lost")) return kith_fail(err, KITH_ENOTFOUND, "the oracle lost it");
    if (is(call, "refuse")) return kith_fail(err, KITH_EREFUSED, "%s", why(call, "not today"));
    if (!is(call, "later")) return kith_fail(err, KITH_EINVAL, "no such question");
    o->asked = call->id;
    return KITH_LATER;
}

static const struct kith_delegate_ops ops = {.size = sizeof ops};

KITH_PLUGIN(oracle) = {
    KITH_HEADER(DELEGATE),
    .name = "oracle",
    .version = "1.0",
    .summary = "does what it is told",
    .instance_size = sizeof(struct oracle),
    .ops = &ops,
    .init = init,
    .command = command,
};
