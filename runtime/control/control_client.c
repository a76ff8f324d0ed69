/*
 * control_client.c - one client of the control socket: lines in, one answer to each out, in order;
 * a request that takes its time holds back the next one of its client only.
 *
 * Everything is bounded: clients, the length of a line, what waits for a client that does not read,
 * and the time that an answer takes at once: a long one is made while the client takes it. Knows
 * lines, not what they ask for.
 */
#include "control_inside.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 16384 };

/*
 * A client:
 *
 *   idle     reads; the next whole line is a request
 *            -> busy    the request is handed to the commands
 *   busy     does not read; lines that are here already wait
 *            -> idle    it is answered: at once, by a callback (`pending`), when what it waits for
 *                       holds (`wait`), by an entry that was asked (`gone`), or in pieces
 *                       (`source`)
 *   closed   (fd -1) from either: the peer is gone or sends too much (`broken`: seen when writing);
 *            the peer has `ended` and all is answered; the node closes. Freed when no callback
 *            is pending.
 */
struct kith_client {
    struct kith_client *next;
    struct kith_control *control;
    int fd; /* -1: gone */
    struct kith_watch *watch;
    struct kith_timer *timer;
    struct kith_buffer in, out;
    json_t *id;       /* of the request under way */
    char *key;        /* the same, while it is handed over; locked memory */
    bool busy, ended; /* a request is under way; the peer sends no more */
    bool held;        /* a request is here, and too much waits to take it on */
    bool broken;      /* to be closed */
    unsigned pending; /* callbacks that will come: 0 or 1 */
    bool stays;       /* a monitor: never idle */
    uint64_t active;  /* when it last asked, took something or got an answer */
    uint64_t dropped;
    struct kith_wait wait;     /* holds NULL: none */
    struct kith_source source; /* more NULL: none */
    void (*closed)(void *arg, struct kith_client *);
    void *closed_arg;
    void (*gone)(void *arg); /* of the request under way */
    void *gone_arg;
};

struct kith_control *kith_client_control(const struct kith_client *c) { return c->control; }

struct kith *kith_client_node(const struct kith_client *c) { return c->control->k; }

const char *kith_client_key(const struct kith_client *c) { return c->key; }

void kith_client_on_close(struct kith_client *c, void (*fn)(void *arg, struct kith_client *),
                          void *arg)
{
    c->stays = true;
    c->closed = fn;
    c->closed_arg = arg;
}

static void touch(struct kith_client *c) { c->active = kith_node_now(c->control->k); }

/* ----------------------------------------------------------------------------------- clients */

static void client_free(struct kith_client *c)
{
    json_decref(c->id);
    kith_buffer_free(&c->in);
    kith_buffer_free(&c->out);
    free(c);
}

static void source_end(struct kith_client *c)
{
    if (c->source.free) c->source.free(c->source.self);
    c->source = (struct kith_source){0};
}

/* The struct stays until the callback that is pending has come. */
static void client_close(struct kith_client *c)
{
    if (c->fd < 0) return;
    kith_node_wake(c->control->k); /* another one may wait for that */
    if (c->closed) c->closed(c->closed_arg, c);
    if (c->gone) c->gone(c->gone_arg);
    c->gone = NULL;
    source_end(c);
    struct kith_client **p = &c->control->clients;
    while (*p != c) p = &(*p)->next;
    *p = c->next;
    c->control->count--;
    if (c->watch) kith_loop_watch_free(c->watch);
    if (c->timer) kith_loop_timer_free(c->timer);
    close(c->fd);
    c->fd = -1;
    c->watch = NULL;
    c->timer = NULL;
    c->wait.holds = NULL;
    c->control->freed(c->control);
    if (!c->pending) client_free(c);
}

static void client_ready(void *arg, unsigned events);

/* Write what the socket takes. False: the client is broken (and not closed yet). */
static bool client_flush(struct kith_client *c)
{
    size_t waiting;
    while ((waiting = kith_buffer_waiting(&c->out))) {
        ssize_t n = send(c->fd, c->out.data + c->out.head, waiting, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != EAGAIN) return false;
        if (n <= 0) break;
        kith_buffer_take(&c->out, (size_t)n);
        touch(c);
    }
    unsigned events = waiting || c->source.more ? KITH_WRITABLE : 0;
    if (!c->ended && !c->busy && waiting < KITH_CONTROL_PIECE) events |= KITH_READABLE;
    kith_loop_watch_set(c->watch, events);
    return true;
}

/* What can't be written any more, or is too much, breaks the client: it is closed when the turn
 * ends, outside of whatever call wanted to write. */
static void client_line(struct kith_client *c, const char *line, size_t len)
{
    if (c->fd < 0 || c->broken) return;
    bool taken = kith_client_waiting(c) + len <= KITH_CONTROL_OUT_MAX &&
                 kith_buffer_add(&c->out, line, len) && kith_buffer_add(&c->out, "\n", 1);
    c->broken = !taken || !client_flush(c);
    if (c->broken) kith_node_wake(c->control->k);
}

void kith_client_event(struct kith_client *c, const char *line, size_t len)
{
    size_t waiting = kith_client_waiting(c);
    if (waiting && waiting + len > KITH_CONTROL_EVENTS_MAX) {
        c->dropped++;
        return;
    }
    if (c->dropped) {
        char text[64];
        int n = snprintf(text, sizeof text, "{\"event\":\"dropped\",\"count\":%llu}",
                         (unsigned long long)c->dropped);
        c->dropped = 0;
        client_line(c, text, (size_t)n);
    }
    client_line(c, line, len);
}

/* ----------------------------------------------------------------------------------- answers */

void kith_client_hold(struct kith_client *c, void (*gone)(void *arg), void *arg)
{
    c->gone = gone;
    c->gone_arg = arg;
}

int kith_client_piece(struct kith_client *c, struct kith_bytes bytes)
{
    if (c->fd < 0 || c->broken) return -KITH_ECLOSED;
    if (bytes.len >= KITH_CONTROL_OUT_MAX)
        return -KITH_ETOOBIG; /* no need to try, which takes long */
    if (kith_client_waiting(c) > KITH_CONTROL_PIECES_MAX) return -KITH_EAGAIN;
    json_t *piece = json_pack("{s:o}", "output", kith_json_output(bytes));
    if (piece && c->id) json_object_set(piece, "id", c->id);
    char *line = piece ? json_dumps(piece, KITH_CONTROL_JSON) : NULL;
    size_t len = line ? strlen(line) : 0;
    int rc = line ? 0 : -KITH_EAGAIN; /* no memory at the moment */
    if (len >= KITH_CONTROL_OUT_MAX)
        rc = -KITH_ETOOBIG; /* as JSON, which may be six times as long */
    else if (len >= KITH_CONTROL_OUT_MAX - kith_client_waiting(c))
        rc = -KITH_EAGAIN;
    else if (line)
        client_line(c, line, len);
    free(line);
    json_decref(piece);
    return c->broken ? -KITH_ECLOSED : rc;
}

/* It has its answer: the next request may come. */
static void answered(struct kith_client *c)
{
    json_decref(c->id);
    c->id = NULL;
    c->gone = NULL;
    c->busy = false;
    touch(c);
    kith_node_wake(c->control->k);
}

void kith_client_answer(struct kith_client *c, json_t *answer)
{
    if (c->fd >= 0 && answer) {
        if (!json_object_get(answer, "ok")) json_object_set_new(answer, "ok", json_true());
        if (c->id) json_object_set(answer, "id", c->id);
        char *line = json_dumps(answer, KITH_CONTROL_JSON);
        c->busy = false;
        if (line)
            client_line(c, line, strlen(line));
        else
            c->broken = true;
        free(line);
    }
    if (c->fd >= 0 && !answer) c->broken = true; /* no memory */
    json_decref(answer);
    answered(c);
}

void kith_client_fail(struct kith_client *c, int code, const char *fmt, ...)
{
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    kith_client_answer(c, json_pack("{s:b,s:s,s:o}", "ok", 0, "code", kith_code_name(code), "error",
                                    kith_json_text(text)));
}

void kith_client_pend(struct kith_client *c) { c->pending++; }

void kith_client_unpend(struct kith_client *c)
{
    if (--c->pending == 0 && c->fd < 0) client_free(c);
}

void kith_client_done(void *arg, int status, uint64_t value)
{
    struct kith_client *c = arg;
    const char *why = kith_node_why(kith_client_node(c));
    if (status < 0)
        kith_client_fail(c, status, "%s", why ? why : kith_code_text(status));
    else
        kith_client_answer(c, json_pack("{s:I}", "value", (json_int_t)value));
    kith_client_unpend(c);
}

/* ------------------------------------------------------------------------------ long answers */

size_t kith_client_waiting(const struct kith_client *c) { return kith_buffer_waiting(&c->out); }

void kith_client_put(struct kith_client *c, const char *text, size_t len)
{
    if (c->fd < 0 || c->broken) return;
    c->broken = !kith_buffer_add(&c->out, text, len);
    if (c->broken) kith_node_wake(c->control->k);
}

void kith_client_put_text(struct kith_client *c, const char *text)
{
    kith_client_put(c, text, strlen(text));
}

static int put_some(const char *text, size_t len, void *client)
{
    kith_client_put(client, text, len);
    return 0;
}

void kith_client_put_json(struct kith_client *c, json_t *value)
{
    if (!value || json_dump_callback(value, put_some, c, KITH_CONTROL_JSON | JSON_ENCODE_ANY)) {
        c->broken = true;
        kith_node_wake(c->control->k);
    }
    json_decref(value);
}

/* Make the next piece, if it is time for one. */
static void client_feed(struct kith_client *c)
{
    if (!c->source.more || c->broken || kith_client_waiting(c) >= KITH_CONTROL_PIECE) return;
    if (c->source.more(c->source.self, c)) return;
    source_end(c);
    kith_client_put_text(c, c->id ? ",\"id\":" : "");
    if (c->id) kith_client_put_json(c, json_incref(c->id));
    kith_client_put_text(c, ",\"ok\":true}\n");
    answered(c);
}

void kith_client_stream(struct kith_client *c, const struct kith_source *source)
{
    c->source = *source;
    client_feed(c);
    if (!c->broken) c->broken = !client_flush(c);
    if (c->broken) kith_node_wake(c->control->k);
}

/* ----------------------------------------------------------------------------------- waiting */

static void wait_expired(void *arg)
{
    struct kith_client *c = arg;
    c->wait.holds = NULL;
    kith_client_fail(c, KITH_ETIMEOUT, "timed out waiting for %s=%llu", c->wait.what,
                     (unsigned long long)c->wait.count);
}

static bool wait_check(struct kith_client *c)
{
    if (!c->wait.holds || !c->wait.holds(c, &c->wait)) return false;
    c->wait.holds = NULL;
    if (c->timer) kith_loop_timer_set(c->timer, UINT64_MAX);
    c->wait.answer(c, &c->wait);
    return true;
}

void kith_client_wait(struct kith_client *c, const struct kith_wait *wait, uint64_t timeout)
{
    struct kith *k = c->control->k;
    c->wait = *wait;
    if (wait_check(c)) return;
    if (!kith_client_may_stay(c)) {
        c->wait.holds = NULL;
        return;
    }
    if (!c->timer) c->timer = kith_loop_timer(kith_node_loop(k), wait_expired, c);
    if (!c->timer) {
        c->wait.holds = NULL;
        kith_client_fail(c, KITH_ENOMEM, "out of memory");
        return;
    }
    kith_loop_timer_set(c->timer, kith_node_now(k) + timeout);
}

/* What happened may also be the answer that the next request waits for. */
void kith_clients_turn_ended(struct kith_control *control)
{
    for (struct kith_client *c = control->clients, *next; c; c = next) {
        next = c->next;
        wait_check(c);
        if (c->broken) {
            client_close(c);
            continue;
        }
        if (!c->busy && (c->ended || kith_buffer_waiting(&c->in)))
            client_ready(c, 0); /* answered: the next one */
    }
}

/* ---------------------------------------------------------------------------------- requests */

uint64_t kith_control_timeout(const json_t *request, uint64_t otherwise)
{
    json_t *t = json_object_get(request, "timeout");
    double seconds = json_is_number(t) ? json_number_value(t) : -1;
    return seconds >= 0 && seconds < 1e9 ? (uint64_t)(seconds * 1e9) : otherwise;
}

static void request(struct kith_client *c, char *line, size_t len)
{
    json_error_t error;
    c->busy = true;
    c->key = kith_secret_take(line, len);
    json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (json_is_object(root)) {
        json_t *id = json_object_get(root, "id");
        c->id = json_incref(id);
        c->control->command(c, root);
    } else {
        kith_client_fail(c, KITH_EINVAL, "not a JSON object: %s",
                         root ? "something else" : error.text);
    }
    json_decref(root);
    kith_secret_free((uint8_t *)c->key);
    c->key = NULL;
}

/* Requests one after the other, as far as they are there, answered, and their answers taken. False:
 * over the limit. */
static bool client_requests(struct kith_client *c)
{
    for (size_t waiting; !c->busy && (waiting = kith_buffer_waiting(&c->in));) {
        char *begin = c->in.data + c->in.head, *end = memchr(begin, '\n', waiting);
        if (!end) return waiting <= KITH_CONTROL_LINE_MAX;
        c->held = kith_client_waiting(c) >= KITH_CONTROL_PIECE;
        if (c->held) break;
        size_t len = (size_t)(end - begin);
        if (len) request(c, begin, len);
        kith_buffer_take(&c->in, len + 1);
    }
    return true;
}

static bool client_read(struct kith_client *c)
{
    char *room = kith_buffer_room(&c->in, READ_SIZE);
    ssize_t n = room ? recv(c->fd, room, READ_SIZE, MSG_DONTWAIT) : -1;
    if (n < 0) return room && (errno == EAGAIN || errno == EINTR);
    c->in.len += (size_t)n;
    c->ended |= n == 0;
    touch(c);
    return true;
}

static void client_ready(void *arg, unsigned events)
{
    struct kith_client *c = arg;
    bool ok = !(events & KITH_READABLE) || client_read(c);
    if (ok) ok = client_requests(c);
    if (ok) client_feed(c);
    if (ok) ok = !c->broken && client_flush(c);
    size_t waiting = kith_client_waiting(c);
    bool over = c->ended && !c->busy && !c->held && !waiting;
    if (!ok || over)
        client_close(c);
    else if (c->held && waiting < KITH_CONTROL_PIECE)
        kith_node_wake(c->control->k);
}

/* ---------------------------------------------------------------------------------- all of them */

/* It asks nothing, or has not taken what it asked for since a while. */
static bool is_idle(const struct kith_client *c)
{
    bool offered = kith_client_waiting(c) || c->source.more;
    uint64_t still = kith_node_now(c->control->k) - c->active;
    return !c->stays && (!c->busy || (offered && still >= c->control->stall_limit));
}

bool kith_clients_drop_idle(struct kith_control *control)
{
    struct kith_client *oldest = NULL;
    for (struct kith_client *c = control->clients; c; c = c->next)
        if (is_idle(c) && (!oldest || c->active <= oldest->active)) oldest = c;
    if (!oldest) return false;
    control->dropped++;
    client_close(oldest);
    return true;
}

uint64_t kith_clients_expire(struct kith_control *control)
{
    uint64_t now = kith_node_now(control->k), limit = control->idle_limit, first = UINT64_MAX;
    for (struct kith_client *c = control->clients, *next; c; c = next) {
        next = c->next;
        uint64_t end = (is_idle(c) ? c->active : now) + limit;
        if (end > now) {
            if (end < first) first = end;
            continue;
        }
        control->dropped++;
        client_close(c);
    }
    return first;
}

bool kith_client_may_stay(struct kith_client *c)
{
    size_t staying = 0;
    for (const struct kith_client *o = c->control->clients; o; o = o->next)
        staying += o != c && (o->stays || o->wait.holds || o->gone);
    if (staying < KITH_CONTROL_STAY_MAX) return true;
    c->control->refused++;
    kith_client_fail(c, KITH_EAGAIN, "%d clients listen or wait already", KITH_CONTROL_STAY_MAX);
    return false;
}

/* It is told why, as far as its socket takes it. */
static void turn_away(struct kith_control *control, int fd, const char *code, const char *why)
{
    char line[256];
    int n =
        snprintf(line, sizeof line, "{\"ok\":false,\"code\":\"%s\",\"error\":\"%s\"}\n", code, why);
    control->refused++;
    kith_node_log(control->k, KITH_LOG_WARN, "control socket: a client is refused: %s", why);
    if (send(fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return;
}

/* Is it to be heard, and is there a place for it? */
static bool let_in(struct kith_control *control, int fd)
{
    struct kith_error whom = {.size = sizeof whom};
    if (kith_control_check_client(control->path, fd, &whom) < 0)
        turn_away(control, fd, "access", whom.text);
    else if (control->count == KITH_CONTROL_CLIENTS_MAX && !kith_clients_drop_idle(control))
        turn_away(control, fd, "busy", "too many clients, and none of them is idle");
    else
        return true;
    return false;
}

void kith_client_new(struct kith_control *control, int fd)
{
    struct kith_client *c = let_in(control, fd) ? calloc(1, sizeof *c) : NULL;
    if (c)
        c->watch = kith_loop_watch(kith_node_loop(control->k), fd, KITH_READABLE, client_ready, c);
    if (!c || !c->watch) {
        free(c);
        close(fd);
        return;
    }
    c->control = control;
    c->fd = fd;
    touch(c);
    c->next = control->clients;
    control->clients = c;
    if (control->count++ == 0) kith_loop_timer_set(control->idle, c->active + control->idle_limit);
}

void kith_clients_close(struct kith_control *control)
{
    while (control->clients) client_close(control->clients);
}
