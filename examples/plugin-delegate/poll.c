/*
 * poll.c - a complete delegate outside of Kith's tree: ask all members something, gather what they
 * say.
 *
 *     kith command poll ask "lunch?"        bert: pizza
 *                                           carl: soup
 *
 * It shows what a delegate can do: parameters, a channel, a message to all and one to a member, a
 * command that is answered later, an event of its own, numbers, a reload that loses nothing, the
 * word before a leave. Needs <kith/plugin.h> only:
 *
 *     make && make check        then, in the YAML file of every node:
 *     delegates:
 *       - { use: /path/to/poll.so, channel: poll, answer: pizza }
 *
 * On the channel a question is 'Q', the poll's number and the words; an answer 'A', the same number
 * and the words. A relayed question comes once to everybody else; answers go to the asker alone.
 */
#include <kith/plugin.h>

enum { NUMBER = 8, HEAD = 1 + NUMBER, MOST = 1024, VISIT = 256 };

/* The poll that this node has under way. One at a time. */
struct question {
    uint64_t id; /* of the command; 0: none */
    uint64_t deadline;
    uint64_t number; /* what its answers carry */
    size_t missing;  /* members that have not answered */
    bool json;
};

/* The host allocates this zeroed and stores the parameters in it. */
struct poll {
    const char *answer; /* parameters */
    uint64_t patience;

    const struct kith_host *host;
    struct kith_timer *timer;
    struct question open;
    uint64_t leaving; /* id of the leave that waits for the poll; 0: none */
    uint64_t *asked, *answered, *late;
};

static const struct kith_param params[] = {
    KITH_PARAM(struct poll, answer, STRING, KITH_PARAM_REQUIRED, NULL, "1", "200",
               "what this node says to every question"),
    KITH_PARAM(struct poll, patience, DURATION, 0, "3s", "1ms", "1m",
               "how long to wait for answers"),
    KITH_PARAM_END,
};

/* ------------------------------------------------------------------------------------ messages */

static size_t write_message(uint8_t out[MOST], char kind, uint64_t number, struct kith_bytes words)
{
    out[0] = (uint8_t)kind;
    memcpy(out + 1, &number, NUMBER); /* only who chose it reads it: any byte order will do */
    if (words.len) memcpy(out + HEAD, words.data, words.len);
    return HEAD + words.len;
}

static int send_message(struct poll *p, const struct kith_peer *to, char kind, uint64_t number,
                        struct kith_bytes words)
{
    const struct kith_node *node = p->host->node;
    uint8_t bytes[MOST];
    struct kith_message m = {.size = sizeof m, .flags = to ? KITH_RELIABLE : 0, .peer = to};
    if (words.len > MOST - HEAD) return -KITH_ETOOBIG;
    m.bytes = kith_bytes_of(bytes, write_message(bytes, kind, number, words));
    if (m.bytes.len > node->fits(node, to ? KITH_FITS_STREAM : KITH_FITS_BROADCAST, to))
        return -KITH_ETOOBIG;
    return node->send(node, &m, NULL, NULL);
}

/* ------------------------------------------------------------------------------------- a poll */

static void end(struct poll *p)
{
    const struct kith_host *host = p->host;
    host->finish(host, p->open.id, 0, NULL); /* refused when nobody waits any more: no matter */
    p->open.id = 0;
    host->timer_set(p->timer, UINT64_MAX);
    if (p->leaving) host->finish(host, p->leaving, 0, NULL);
    p->leaving = 0;
}

static void time_is_up(void *arg) { end(arg); }

/* Into a text: for JSON as a string, in which all but printable ASCII is `?`. */
static size_t quote(char *out, struct kith_bytes words, bool json)
{
    size_t n = 0;
    if (json) out[n++] = '"';
    for (size_t i = 0; i < words.len; i++) {
        char c = (char)words.data[i];
        if (json && (c == '"' || c == '\\')) out[n++] = '\\';
        out[n++] = c >= ' ' && c <= '~' ? c : '?';
    }
    if (json) out[n++] = '"';
    return n;
}

/* One line of the answer; a line that the asker is too slow for is left out. */
static void show(struct poll *p, struct kith_bytes who, struct kith_bytes words)
{
    char line[4 * MOST];
    bool json = p->open.json;
    if (who.len > MOST / 2) who.len = MOST / 2;
    size_t n = 0;
    if (json) line[n++] = '{';
    n += quote(line + n, who, json);
    line[n++] = ':';
    if (!json) line[n++] = ' ';
    n += quote(line + n, words, json);
    if (json) line[n++] = '}';
    line[n++] = '\n';
    if (p->host->reply(p->host, p->open.id, kith_bytes_of(line, n)) == -KITH_ECLOSED)
        end(p); /* nobody asks any more */
}

static bool count_alive(void *arg, const struct kith_member *m)
{
    size_t *count = arg;
    if (m->state == KITH_ALIVE && !(m->flags & KITH_MEMBER_LOCAL)) ++*count;
    return true;
}

static size_t others(const struct kith_node *node)
{
    size_t count = 0;
    for (uint64_t at = 0; at != UINT64_MAX;) node->members(node, &at, VISIT, count_alive, &count);
    return count;
}

/* For whoever listens: `kith monitor` shows it as poll.asked. */
static void emit_asked(const struct poll *p, struct kith_bytes words)
{
    const struct kith_pair fields[] = {{kith_text("question"), words}};
    struct kith_event e = {.size = sizeof e, .kind = KITH_EVENT_EMITTED};
    e.name = kith_text("asked");
    e.fields = fields;
    e.field_count = 1;
    p->host->emit(p->host, &e, NULL, NULL);
}

static int poll_command(void *self, const struct kith_call *call, struct kith_error *err)
{
    struct poll *p = self;
    const struct kith_host *host = p->host;
    if (call->count != 2 || !kith_bytes_equal(call->words[0], kith_text("ask")))
        return kith_fail(err, KITH_EINVAL, "commands: ask QUESTION");
    if (p->open.id) return kith_fail(err, KITH_EAGAIN, "a poll is under way");

    struct question q = {.id = call->id, .json = call->flags & KITH_CALL_JSON};
    host->random(host, &q.number, sizeof q.number);
    q.missing = others(host->node);
    if (!q.missing) return 0; /* nobody to ask, and no answer */
    int rc = send_message(p, NULL, 'Q', q.number, call->words[1]);
    if (rc) return kith_fail(err, (enum kith_code)(-rc), "the question can't be sent");
    q.deadline = host->now(host) + p->patience;
    if (call->deadline < q.deadline) q.deadline = call->deadline;
    p->open = q;
    host->timer_set(p->timer, q.deadline);
    ++*p->asked;
    emit_asked(p, call->words[1]);
    return KITH_LATER;
}

/* On a channel peer->name is the sender, as it says itself. A raw message tells no name: nobody to
 * answer to. */
static void poll_message(void *self, const struct kith_message *m)
{
    struct poll *p = self;
    uint64_t number;
    if (m->bytes.len < HEAD || !m->peer || !m->peer->name.len) return;
    struct kith_bytes words = kith_bytes_of(m->bytes.data + HEAD, m->bytes.len - HEAD);
    memcpy(&number, m->bytes.data + 1, NUMBER);
    if (m->bytes.data[0] == 'Q') {
        struct kith_peer to = {.size = sizeof to, .name = m->peer->name};
        if (send_message(p, &to, 'A', number, kith_text(p->answer)) == 0) ++*p->answered;
    } else if (m->bytes.data[0] == 'A' && words.len <= MOST - HEAD) {
        if (!p->open.id || number != p->open.number) {
            ++*p->late;
            return;
        }
        show(p, m->peer->name, words);
        if (p->open.id && --p->open.missing == 0) end(p);
    }
}

/* A poll is worth waiting for. */
static int poll_before_leave(void *self, uint64_t id, uint64_t deadline)
{
    struct poll *p = self;
    (void)deadline; /* then the node leaves anyway */
    if (!p->open.id) return 0;
    p->leaving = id;
    return KITH_LATER;
}

/* ---------------------------------------------------------------------------------------- life */

/* Opens nothing: a config check runs it too. */
static int poll_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct poll *p = self;
    (void)err;
    p->host = host;
    p->asked = host->counter(host, "questions_asked", "Polls begun here.", NULL, 0);
    p->answered = host->counter(host, "questions_answered", "Answers sent to others.", NULL, 0);
    p->late = host->counter(host, "answers_late", "Answers that no poll waited for.", NULL, 0);
    return 0;
}

static int poll_start(void *self, struct kith_error *err)
{
    struct poll *p = self;
    p->timer = p->host->timer(p->host, time_is_up, p);
    return p->timer ? 0 : kith_fail(err, KITH_ENOMEM, "no memory for a timer");
}

/* The entry changed while a poll is under way: it goes on here, ids and all. */
static int poll_adopt(void *self, void *former, struct kith_error *err)
{
    struct poll *p = self, *old = former;
    int rc = poll_start(p, err);
    if (rc) return rc; /* nothing was changed: the old one goes on */
    p->open = old->open;
    p->leaving = old->leaving;
    old->host->timer_free(old->timer);
    if (p->open.id) p->host->timer_set(p->timer, p->open.deadline);
    return 0;
}

/* What is still asked of us the host ends. */
static void poll_stop(void *self)
{
    struct poll *p = self;
    p->host->timer_free(p->timer);
    p->open.id = p->leaving = 0;
}

static const struct kith_delegate_ops ops = {
    .size = sizeof ops,
    .flags = KITH_DELEGATE_SENDS,
    .message = poll_message,
    .before_leave = poll_before_leave,
};

KITH_PLUGIN(poll) = {
    KITH_HEADER(DELEGATE),
    .name = "poll",
    .version = "1.0",
    .summary = "asks all members something and gathers what they say",
    .instance_size = sizeof(struct poll),
    .params = params,
    .ops = &ops,
    .init = poll_init,
    .start = poll_start,
    .adopt = poll_adopt,
    .stop = poll_stop,
    .command = poll_command,
};
