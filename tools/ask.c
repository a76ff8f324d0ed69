/*
 * ask.c - the conversation with a running node: one JSON object a line (docs/CONTROL.md).
 */
#include "ask.h"

#include "arguments.h"
#include "control.h"
#include "screen.h"
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { NODES_MAX = 32, RETRY_MS = 50 };

/* ----------------------------------------------------------------------------------- options */

int kith_ask_option(struct kith_ask *a, int option, const char *help)
{
    switch (option) {
    case KITH_OPT_SOCKET: a->socket = optarg; return KITH_GO_ON;
    case KITH_OPT_NODE: a->node = optarg; return KITH_GO_ON;
    case KITH_OPT_NO_HEADER: a->no_header = true; return KITH_GO_ON;
    case KITH_OPT_FORMAT: return kith_tool_format(a->tool, optarg, &a->json);
    case 'h':
    case KITH_OPT_HELP: fputs(help, stdout); return KITH_EXIT_OK;
    default: return kith_tool_wrong_option(a->tool);
    }
}

/* -------------------------------------------------------------------------- finding the node */

struct search {
    struct kith_ask *ask;
    char found[NODES_MAX][sizeof((struct sockaddr_un *)0)->sun_path];
    size_t count;
    int fd;                 /* to the first one that answered */
    bool refused;           /* one is there, but not for us */
    struct kith_error whom; /* one is there that we don't trust, and why */
};

/* A node whose queue is full, or that does not run on. */
static const struct timeval connect_time = {.tv_sec = 5}, no_limit;

/* Or -errno; EPERM: it is not to be trusted, and `err` says why. */
static int try_path(const char *path, struct kith_error *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof sa.sun_path) return -ENAMETOOLONG;
    strcpy(sa.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &connect_time, sizeof connect_time);
    int e = connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0 ? 0 : errno;
    if (!e && kith_control_check_peer(path, fd, err) < 0) e = EPERM;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &no_limit, sizeof no_limit);
    if (!e) return fd;
    close(fd);
    return -e;
}

static bool consider(void *arg, const char *path)
{
    struct search *s = arg;
    bool trusted = kith_control_check_folder(path, &s->whom) == 0;
    int fd = trusted ? try_path(path, &s->whom) : -EPERM;
    if (fd < 0) {
        s->refused |= fd == -EACCES;
        return true;
    }
    if (s->count++)
        close(fd);
    else
        s->fd = fd;
    if (s->count <= NODES_MAX) snprintf(s->found[s->count - 1], sizeof s->found[0], "%s", path);
    return !s->ask->node && s->count < NODES_MAX;
}

static int by_path(const void *a, const void *b) { return strcmp(a, b); }

/* Instead of a descriptor; ask->code is set when hopeless. */
enum { NOBODY_YET = -1, HOPELESS = -2 };

static int connect_given(struct kith_ask *a, const char *path, bool last)
{
    struct kith_error whom = {.size = sizeof whom};
    int fd = try_path(path, &whom);
    bool refused = fd == -EACCES || fd == -EPERM;
    if (fd >= 0 || (!refused && !last)) return fd >= 0 ? fd : NOBODY_YET;
    if (fd == -EPERM)
        a->code = kith_tool_fail(a->tool, KITH_EXIT_REFUSED, "%s; it is not asked", whom.text);
    else
        a->code = kith_tool_fail(a->tool, refused ? KITH_EXIT_REFUSED : KITH_EXIT_UNREACHABLE,
                                 "no node answers on %s: %s", path, strerror(-fd));
    return HOPELESS;
}

static int which_one(struct search *s)
{
    int code = kith_tool_fail(s->ask->tool, KITH_EXIT_USAGE,
                              "several nodes run here; say which with --node or --socket:");
    qsort(s->found, s->count, sizeof s->found[0], by_path);
    for (size_t i = 0; i < s->count; i++) fprintf(stderr, "    %s\n", s->found[i]);
    return code;
}

static int nobody(const struct search *s)
{
    const struct kith_ask *a = s->ask;
    if (*s->whom.text)
        return kith_tool_fail(a->tool, KITH_EXIT_REFUSED, "%s; it is not asked", s->whom.text);
    if (s->refused)
        return kith_tool_fail(a->tool, KITH_EXIT_REFUSED,
                              "a node runs here, but its control socket is not for you");
    if (a->node)
        return kith_tool_fail(a->tool, KITH_EXIT_UNREACHABLE, "no node called '%s' runs here",
                              a->node);
    return kith_tool_fail(a->tool, KITH_EXIT_UNREACHABLE,
                          "no node runs here; name its control socket with --socket");
}

static int connect_found(struct kith_ask *a, bool last)
{
    struct search s = {.ask = a, .fd = -1, .whom = {.size = sizeof s.whom}};
    kith_control_find(a->node, consider, &s);
    if (s.count == 1) return s.fd;
    if (!s.count && !last && !s.refused) return NOBODY_YET;
    if (s.count) close(s.fd);
    a->code = s.count ? which_one(&s) : nobody(&s);
    return HOPELESS;
}

static int connect_once(struct kith_ask *a, bool last)
{
    const char *given = a->socket ? a->socket : a->node ? NULL : getenv("KITH_SOCKET");
    return given ? connect_given(a, given, last) : connect_found(a, last);
}

static uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int connect_patiently(struct kith_ask *a)
{
    uint64_t end = clock_ns() + a->patience;
    for (;;) {
        bool last = clock_ns() >= end;
        a->fd = connect_once(a, last);
        if (a->fd >= 0) break;
        if (a->fd == HOPELESS || last) return a->code;
        poll(NULL, 0, RETRY_MS); /* nothing tells when a socket file appears */
    }
    a->in = fdopen(a->fd, "r");
    if (a->in) return 0;
    close(a->fd);
    return a->code = kith_tool_fail(a->tool, KITH_EXIT_FAILED, "out of memory");
}

void kith_ask_close(struct kith_ask *a)
{
    if (a->in) fclose(a->in);
    a->in = NULL;
}

/* ------------------------------------------------------------------------------------ asking */

static int exit_code(const char *code)
{
    static const struct {
        const char *name;
        int exit;
    } codes[] = {{"invalid", KITH_EXIT_USAGE},   {"not_found", KITH_EXIT_NOTFOUND},
                 {"timeout", KITH_EXIT_TIMEOUT}, {"auth", KITH_EXIT_REFUSED},
                 {"access", KITH_EXIT_REFUSED},  {"policy", KITH_EXIT_REFUSED}};
    for (size_t i = 0; code && i < sizeof codes / sizeof *codes; i++)
        if (!strcmp(codes[i].name, code)) return codes[i].exit;
    return KITH_EXIT_FAILED;
}

/* A line as it is read: what is to become JSON grows in `text`. The elements of `list`, an array of
 * the object that the line is, are taken out: each is told when it is there, and forgotten. */
struct reading {
    const char *list; /* how it begins, as a node writes it: "members":[ with quotes; NULL: none */
    void (*each)(void *arg, const json_t *element);
    void *arg;
    struct text {
        char *data;
        size_t len, cap;
    } rest, element;
    unsigned depth;
    bool quoted, escaped, in_list;
    bool comma;  /* before the element */
    bool failed; /* an element that is no JSON, no memory */
};

static void put(struct reading *r, char c)
{
    struct text *t = r->in_list ? &r->element : &r->rest;
    if (t->len == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 4096;
        char *grown = realloc(t->data, cap);
        r->failed |= !grown;
        if (!grown) return;
        t->data = grown;
        t->cap = cap;
    }
    t->data[t->len++] = c;
}

/* An element ends, with a comma or with the list; only an empty list has an empty one. */
static void tell_element(struct reading *r, bool comma)
{
    json_t *one = r->element.len ? json_loadb(r->element.data, r->element.len,
                                              JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL)
                                 : NULL;
    r->failed |= !one && (r->element.len || r->comma || comma);
    if (one) r->each(r->arg, one);
    json_decref(one);
    r->element.len = 0;
    r->comma = comma;
}

static bool list_begins(const struct reading *r)
{
    size_t n = r->list ? strlen(r->list) : 0;
    return n && r->rest.len >= n && !memcmp(r->rest.data + r->rest.len - n, r->list, n);
}

/* The next byte of the line. */
static void read_byte(struct reading *r, char c)
{
    if (r->quoted) {
        r->quoted = c != '"' || r->escaped;
        r->escaped = c == '\\' && !r->escaped;
        put(r, c);
        return;
    }
    r->quoted = c == '"';
    bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
    bool ends = r->in_list && r->depth == 2 && (c == ',' || c == ']');
    r->depth += opens;
    r->depth -= closes && r->depth;
    if (ends) {
        tell_element(r, c == ',');
        r->in_list = c == ',';
    }
    if (!ends || c == ']') put(r, c);
    if (c == '[' && r->depth == 2 && !r->in_list) r->in_list = list_begins(r);
}

/* The next line, or NULL: a->code says why. */
static json_t *next_line(struct kith_ask *a, struct reading *r, uint64_t patience)
{
    struct timeval tv = {.tv_sec = (time_t)(patience / 1000000000u),
                         .tv_usec = (suseconds_t)(patience % 1000000000u / 1000u)};
    if (patience && !tv.tv_sec && !tv.tv_usec) tv.tv_usec = 1;
    setsockopt(a->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    int c;
    errno = 0;
    while ((c = getc_unlocked(a->in)) != EOF && c != '\n') read_byte(r, (char)c);
    json_error_t error = {.text = "a part of it"};
    json_t *out = NULL;
    if (c == EOF)
        a->code = errno == EAGAIN ? KITH_EXIT_TIMEOUT : KITH_EXIT_UNREACHABLE;
    else if (r->failed || !(out = json_loadb(r->rest.data ? r->rest.data : "", r->rest.len,
                                             JSON_ALLOW_NUL, &error))) /* names may hold it */
        a->code = kith_tool_fail(a->tool, KITH_EXIT_FAILED, "the node's answer is no JSON: %s",
                                 error.text);
    free(r->rest.data);
    free(r->element.data);
    return out;
}

json_t *kith_ask_next(struct kith_ask *a, uint64_t patience)
{
    struct reading r = {0};
    return next_line(a, &r, patience);
}

/* A request of so many bytes does not fit. A payload is base64 in it: 3 bytes are 4. */
static void say_too_big(struct kith_ask *a, const json_t *request, size_t len)
{
    size_t coded = json_string_length(json_object_get(request, "payload"));
    size_t most = KITH_CONTROL_LINE_MAX - (len - coded);
    if (coded && len - coded < KITH_CONTROL_LINE_MAX)
        a->code = kith_tool_fail(a->tool, KITH_EXIT_FAILED,
                                 "too big: the control socket takes %zu bytes of message at most",
                                 most / 4 * 3);
    else
        a->code =
            kith_tool_fail(a->tool, KITH_EXIT_FAILED, "too big: a request holds %d MiB at most",
                           KITH_CONTROL_LINE_MAX >> 20);
}

/* 1; 0: not all was written; -1: too big, which has been said. */
static int send_line(struct kith_ask *a, const json_t *request)
{
    char *line = json_dumps(request, JSON_COMPACT);
    size_t len = line ? strlen(line) : 0, done = 0;
    if (!line) return 0;
    line[len] = '\n'; /* over the NUL, which is not sent */
    while (len <= KITH_CONTROL_LINE_MAX && done < len + 1) {
        ssize_t n = send(a->fd, line + done, len + 1 - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += (size_t)n;
    }
    sodium_memzero(line, len + 1); /* there may be a key in it */
    free(line);
    if (len <= KITH_CONTROL_LINE_MAX) return done == len + 1;
    say_too_big(a, request, len);
    return -1;
}

static void say_silence(struct kith_ask *a, bool sent)
{
    if (a->code == KITH_EXIT_TIMEOUT)
        kith_tool_fail(a->tool, a->code, "the node does not answer");
    else if (a->code == KITH_EXIT_UNREACHABLE)
        kith_tool_fail(a->tool, a->code,
                       sent ? "the node closed the connection" : "the node does not listen");
}

static void say_refusal(struct kith_ask *a, const json_t *answer)
{
    const char *code = json_string_value(json_object_get(answer, "code"));
    if (a->refused) a->refused(a, answer);
    const char *text = kith_tool_text(json_object_get(answer, "error"));
    if (a->too_big && code && !strcmp(code, "too_big")) text = a->too_big;
    a->code = kith_tool_fail(a->tool, exit_code(code), "%s", text ? text : "failed");
    snprintf(a->refusal, sizeof a->refusal, "%s", text ? text : "");
}

/* Sends the request, which is taken over. 1; 0: nobody listens, but there may be an answer; -1:
 * failed, which has been said. */
static int begin(struct kith_ask *a, json_t *request)
{
    int sent = !a->in && connect_patiently(a) ? -1 : request ? send_line(a, request) : 0;
    json_decref(request);
    return sent;
}

/* NULL: it is none, or says no, which is said here. */
static json_t *check_answer(struct kith_ask *a, json_t *answer, bool sent)
{
    if (answer && json_is_true(json_object_get(answer, "ok"))) return answer;
    if (answer)
        say_refusal(a, answer);
    else
        say_silence(a, sent);
    json_decref(answer);
    return NULL;
}

json_t *kith_ask_pieces(struct kith_ask *a, json_t *request, uint64_t patience,
                        void (*piece)(void *arg, const json_t *), void *arg)
{
    int sent = begin(a, request);
    if (sent < 0) return NULL;
    json_t *answer = kith_ask_next(a, patience);
    while (answer && piece && !json_object_get(answer, "ok")) {
        piece(arg, answer);
        json_decref(answer);
        answer = kith_ask_next(a, patience);
    }
    return check_answer(a, answer, sent);
}

json_t *kith_ask_each(struct kith_ask *a, json_t *request, uint64_t patience, const char *list,
                      void (*each)(void *arg, const json_t *element), void *arg)
{
    char begins[64];
    snprintf(begins, sizeof begins, "\"%s\":[", list);
    struct reading r = {.list = begins, .each = each, .arg = arg};
    int sent = begin(a, request);
    return sent < 0 ? NULL : check_answer(a, next_line(a, &r, patience), sent);
}

json_t *kith_ask_node(struct kith_ask *a, json_t *request, uint64_t patience)
{
    return kith_ask_pieces(a, request, patience, NULL, NULL);
}

int kith_ask_wait(struct kith_ask *a, json_t *request, const char *wait, uint64_t timeout)
{
    json_object_set_new(request, "timeout", json_real((double)timeout / 1e9));
    if (!wait) return KITH_GO_ON;
    json_t *condition = kith_tool_wait(wait);
    if (!condition) return kith_tool_usage(a->tool, "--wait is WHAT=N, not '%s'", wait);
    json_object_set_new(request, "wait", condition);
    a->patience = timeout;
    return KITH_GO_ON;
}

int kith_ask_do(struct kith_ask *a, json_t *request, uint64_t patience)
{
    json_t *answer = kith_ask_node(a, request, patience);
    if (answer && a->json) kith_tool_json(answer);
    json_decref(answer);
    kith_ask_close(a);
    return a->code;
}
