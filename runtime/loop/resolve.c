/*
 * resolve.c - see resolve.h. c-ares asks; this file feeds it with the loop's descriptors and time.
 *
 * Each lookup has a channel of its own, so that cancelling one touches no other. c-ares may call
 * back from inside any call into it, even from the one that asks; so callbacks only note, and every
 * step is posted.
 */
#include "resolve.h"
#define CARES_NO_DEPRECATED /* the calls that 1.18 has too */
#include "dns.h"
#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>

enum { LOOKUPS_MAX = 256, ADDRESSES_MAX = 1024, TARGETS_MAX = 64, SOCKETS_MAX = 16 };
#define LOOK_AGAIN     UINT64_C(100000000)
#define TCP_TIMEOUT    UINT64_C(4000000000)
#define SYSTEM_TIMEOUT UINT64_C(10000000000)

struct kith_resolver {
    struct kith_loop *loop;
    struct kith_log *log;
    struct kith_resolver_setup setup;
    char *dns_config_path, *system_servers;
    struct kith_lookup *lookups;
    size_t count;
};

struct lookup_socket {
    struct kith_lookup *lookup;
    ares_socket_t fd;
    struct kith_watch *watch; /* NULL: free */
};

/*
 * A lookup asks one step at a time; the next follows when the former is answered or timed out:
 *
 *   begin    a literal needs no question; else -> service, any or system
 *   service  SRV of _service._proto.name: its targets take the host's place, one after the other
 *   any      ANY over TCP at the first nameserver, as memberlist asks; nothing: -> tcp
 *   tcp      A and AAAA over TCP; nothing: -> system
 *   system   hosts file, search list, A and AAAA
 *
 * After the last step of the last name `done` is told and it is freed.
 */
enum step { STEP_BEGIN, STEP_SERVICE, STEP_ANY, STEP_TCP, STEP_SYSTEM };

struct kith_lookup {
    struct kith_resolver *r;
    struct kith_lookup *next;
    kith_resolved_fn *done;
    void *arg;

    char host[KITH_HOST_TEXT_MAX]; /* asked for now: the host, or a target of the service */
    uint16_t port;
    enum step step;
    bool ended;       /* channel going down: its callbacks mean nothing */
    unsigned waiting; /* questions without answer yet */
    int status;       /* why nothing was found */

    struct kith_addr *addrs;
    size_t count, cap, before; /* before: addresses of former targets */
    struct kith_dns_target *targets;
    size_t target_count, target_at;

    ares_channel channel; /* NULL: none */
    struct lookup_socket sockets[SOCKETS_MAX];
    struct kith_timer *tick, *deadline; /* when c-ares looks at its time; when we give up */
};

static void step(void *arg);

/* ----------------------------------------------------------------------------------- channel */

/* When c-ares wants to look is not asked: it answers with a struct timeval, and whether time has 32
 * bits or 64 in its build of a 32-bit system is not for us to know. */
static void feed(struct kith_lookup *l, ares_socket_t in, ares_socket_t out)
{
    ares_process_fd(l->channel, in, out);
    kith_loop_timer_set(l->tick, l->waiting ? kith_loop_now(l->r->loop) + LOOK_AGAIN : UINT64_MAX);
}

static void on_tick(void *arg) { feed(arg, ARES_SOCKET_BAD, ARES_SOCKET_BAD); }

static void on_ready(void *arg, unsigned events)
{
    struct lookup_socket *s = arg;
    feed(s->lookup, events & KITH_READABLE ? s->fd : ARES_SOCKET_BAD,
         events & KITH_WRITABLE ? s->fd : ARES_SOCKET_BAD);
}

/* c-ares opens and closes sockets, and says what it waits for on them. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct kith_lookup *l = arg;
    unsigned events = (readable ? KITH_READABLE : 0) | (writable ? KITH_WRITABLE : 0);
    int place = -1;
    for (int i = 0; i < SOCKETS_MAX; i++) {
        if (l->sockets[i].watch && l->sockets[i].fd == fd) {
            if (events) {
                kith_loop_watch_set(l->sockets[i].watch, events);
            } else {
                kith_loop_watch_free(l->sockets[i].watch);
                l->sockets[i].watch = NULL;
            }
            return;
        }
        if (!l->sockets[i].watch && place < 0) place = i;
    }
    if (!events || place < 0) return; /* without a watch the question times out */
    struct lookup_socket *s = &l->sockets[place];
    *s = (struct lookup_socket){.lookup = l, .fd = fd};
    s->watch = kith_loop_watch(l->r->loop, fd, events, on_ready, s);
}

static void close_channel(struct kith_lookup *l)
{
    l->ended = true;
    if (l->channel) ares_destroy(l->channel);
    l->channel = NULL;
    l->ended = false;
    l->waiting = 0;
    for (int i = 0; i < SOCKETS_MAX; i++) {
        kith_loop_watch_free(l->sockets[i].watch);
        l->sockets[i].watch = NULL;
    }
    kith_loop_timer_set(l->tick, UINT64_MAX);
    kith_loop_timer_set(l->deadline, UINT64_MAX);
}

/* ----------------------------------------------------------------------------------- answers */

static int code_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
    case ARES_ENODATA:
    case ARES_ENOTFOUND: return -KITH_ENOTFOUND;
    case ARES_ETIMEOUT: return -KITH_ETIMEOUT;
    case ARES_EBADNAME:
    case ARES_EBADQUERY: return -KITH_EINVAL;
    case ARES_ENOMEM: return -KITH_ENOMEM;
    default: return -KITH_EIO;
    }
}

static void add_address(void *arg, const uint8_t *bytes, uint8_t len)
{
    struct kith_lookup *l = arg;
    struct kith_addr a = {.port = l->port, .len = len};
    memcpy(a.bytes, bytes, len);
    for (size_t i = 0; i < l->count; i++)
        if (kith_addr_equal(&l->addrs[i], &a)) return;
    if (l->count == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 8;
        struct kith_addr *addrs =
            cap > ADDRESSES_MAX ? NULL : realloc(l->addrs, cap * sizeof *addrs);
        if (!addrs) return;
        l->addrs = addrs;
        l->cap = cap;
    }
    l->addrs[l->count++] = a;
}

static void add_target(void *arg, const struct kith_dns_target *t)
{
    struct kith_lookup *l = arg;
    if (l->target_count == TARGETS_MAX) return;
    if (!l->targets && !(l->targets = calloc(TARGETS_MAX, sizeof *l->targets))) return;
    size_t i = l->target_count++;
    for (; i && l->targets[i - 1].priority > t->priority; i--) l->targets[i] = l->targets[i - 1];
    l->targets[i] = *t;
}

static void answered(struct kith_lookup *l, int status)
{
    if (status != ARES_SUCCESS)
        kith_log_write(l->r->log, KITH_LOG_DEBUG, "resolve", "%s: %s%s", l->host,
                       l->step == STEP_ANY || l->step == STEP_TCP ? "over TCP: " : "",
                       ares_strerror(status));
    l->status = code_of(status);
    if (!--l->waiting) kith_loop_post(l->r->loop, step, l);
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
    struct kith_lookup *l = arg;
    if (l->ended) return;
    bool service = l->step == STEP_SERVICE;
    if (status == ARES_SUCCESS && kith_dns_read(answer, (size_t)len, service ? NULL : add_address,
                                                service ? add_target : NULL, l))
        status = ARES_EBADRESP;
    answered(l, status);
}

static void on_addrinfo(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    struct kith_lookup *l = arg;
    if (!l->ended) {
        for (struct ares_addrinfo_node *n = info ? info->nodes : NULL; n; n = n->ai_next) {
            if (n->ai_family == AF_INET)
                add_address(l, (uint8_t *)&((struct sockaddr_in *)n->ai_addr)->sin_addr, 4);
            if (n->ai_family == AF_INET6)
                add_address(l, ((struct sockaddr_in6 *)n->ai_addr)->sin6_addr.s6_addr, 16);
        }
        answered(l, status);
    }
    if (info) ares_freeaddrinfo(info);
}

/* servers: csv, or NULL for the system's. False: the step failed, the next one is posted. */
static bool open_channel(struct kith_lookup *l, const char *servers, bool tcp, uint64_t timeout)
{
    struct ares_options o = {.flags = tcp ? ARES_FLAG_USEVC | ARES_FLAG_NOSEARCH : 0,
                             .timeout = tcp ? 4000 : 2000,
                             .tries = tcp ? 1 : 3,
                             .sock_state_cb = on_socket_state,
                             .sock_state_cb_data = l};
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    close_channel(l);
    int rc = ares_init_options(&l->channel, &o, mask);
    if (rc != ARES_SUCCESS) l->channel = NULL;
    if (rc == ARES_SUCCESS && servers) rc = ares_set_servers_ports_csv(l->channel, servers);
    if (rc == ARES_SUCCESS) {
        kith_loop_timer_set(l->deadline, kith_loop_now(l->r->loop) + timeout);
        return true;
    }
    close_channel(l);
    l->waiting = 1;
    answered(l, rc);
    return false;
}

static void on_deadline(void *arg)
{
    struct kith_lookup *l = arg;
    kith_log_write(l->r->log, KITH_LOG_DEBUG, "resolve", "%s: no answer in time", l->host);
    kith_loop_unpost(l->r->loop, step, l);
    close_channel(l);
    l->status = -KITH_ETIMEOUT;
    kith_loop_post(l->r->loop, step, l);
}

/* ------------------------------------------------------------------------------------- steps */

static void forget(struct kith_lookup *l)
{
    struct kith_lookup **at = &l->r->lookups;
    while (*at != l) at = &(*at)->next;
    *at = l->next;
    l->r->count--;
    kith_loop_unpost(l->r->loop, step, l);
    close_channel(l);
    kith_loop_timer_free(l->tick);
    kith_loop_timer_free(l->deadline);
    free(l->targets);
}

static void finish(struct kith_lookup *l)
{
    forget(l); /* first: done may free the resolver */
    l->done(l->arg, l->count ? 0 : l->status, l->addrs, l->count);
    free(l->addrs);
    free(l);
}

static void ask(struct kith_lookup *l, int type)
{
    ares_query(l->channel, l->host, ns_c_in, type, on_answer, l);
}

static void ask_any(struct kith_lookup *l, const char *server)
{
    l->step = STEP_ANY;
    if (!open_channel(l, server, true, TCP_TIMEOUT)) return;
    l->waiting = 1;
    ask(l, ns_t_any);
    feed(l, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void ask_tcp(struct kith_lookup *l)
{
    l->step = STEP_TCP;
    l->waiting = 2;
    ask(l, ns_t_a);
    ask(l, ns_t_aaaa);
    feed(l, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void ask_system(struct kith_lookup *l, bool service)
{
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_flags = ARES_AI_NOSORT};
    l->step = service ? STEP_SERVICE : STEP_SYSTEM;
    if (!open_channel(l, l->r->system_servers, false, SYSTEM_TIMEOUT)) return;
    l->waiting = 1;
    if (service)
        ask(l, ns_t_srv);
    else
        ares_getaddrinfo(l->channel, l->host, NULL, &hints, on_addrinfo, l);
    feed(l, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/* An IP, which needs no question. */
static bool add_literal(struct kith_lookup *l)
{
    uint8_t bytes[16];
    if (inet_pton(AF_INET, l->host, bytes) == 1)
        add_address(l, bytes, 4);
    else if (inet_pton(AF_INET6, l->host, bytes) == 1)
        add_address(l, bytes, 16);
    else
        return false;
    return true;
}

static void begin(struct kith_lookup *l)
{
    struct kith_resolver *r = l->r;
    char server[KITH_HOST_TEXT_MAX + 8];
    struct kith_error err = {.size = sizeof err};
    int rc = 0;
    if (add_literal(l)) {
        l->step = STEP_SYSTEM;
        step(l);
        return;
    }
    if (*l->host == '_' && !l->targets) {
        ask_system(l, true);
    } else if (strchr(l->host, '.') && *r->dns_config_path &&
               (rc = kith_dns_first_server(r->dns_config_path, server, sizeof server, &err)) == 0) {
        ask_any(l, server);
    } else {
        if (rc) kith_log_write(r->log, KITH_LOG_DEBUG, "resolve", "%s: %s", l->host, err.text);
        ask_system(l, false);
    }
}

/* One name is done; is there another target? */
static void next_name(struct kith_lookup *l)
{
    if (l->target_at == l->target_count) {
        finish(l);
        return;
    }
    const struct kith_dns_target *t = &l->targets[l->target_at++];
    memcpy(l->host, t->host, sizeof l->host);
    l->port = t->port;
    l->before = l->count;
    begin(l);
}

static void step(void *arg)
{
    struct kith_lookup *l = arg;
    bool found = l->count > l->before;
    switch (l->step) {
    case STEP_BEGIN: begin(l); break;
    case STEP_ANY:
        if (!found && l->channel)
            ask_tcp(l);
        else if (!found)
            ask_system(l, false);
        else
            next_name(l);
        break;
    case STEP_TCP:
        if (!found)
            ask_system(l, false);
        else
            next_name(l);
        break;
    case STEP_SERVICE:
    case STEP_SYSTEM: next_name(l); break;
    }
}

/* ------------------------------------------------------------------------------------- life */

/* A name may hold what it likes, but neither what ends a C string nor what can't be seen. */
static bool is_host(struct kith_bytes host)
{
    for (size_t i = 0; i < host.len; i++)
        if (host.data[i] <= ' ' || host.data[i] == 0x7f) return false;
    return host.len && host.len < KITH_HOST_TEXT_MAX;
}

int kith_resolve(struct kith_resolver *r, struct kith_bytes host, uint16_t port,
                 kith_resolved_fn *done, void *arg)
{
    if (!is_host(host)) return -KITH_EINVAL;
    if (r->count == LOOKUPS_MAX) return -KITH_EAGAIN;
    struct kith_lookup *l = calloc(1, sizeof *l);
    if (!l) return -KITH_ENOMEM;
    *l = (struct kith_lookup){
        .r = r, .done = done, .arg = arg, .port = port, .status = -KITH_ENOTFOUND};
    memcpy(l->host, host.data, host.len);
    l->tick = kith_loop_timer(r->loop, on_tick, l);
    l->deadline = kith_loop_timer(r->loop, on_deadline, l);
    if (!l->tick || !l->deadline || kith_loop_post(r->loop, step, l)) {
        kith_loop_timer_free(l->tick);
        kith_loop_timer_free(l->deadline);
        free(l);
        return -KITH_ENOMEM;
    }
    l->next = r->lookups;
    r->lookups = l;
    r->count++;
    return 0;
}

static void cancel(struct kith_lookup *l)
{
    if (!l) return;
    forget(l);
    free(l->addrs);
    free(l);
}

/* c-ares counts its users without a lock, and nodes may run in several threads: so it is
 * initialised once and for all. */
static pthread_once_t library = PTHREAD_ONCE_INIT;

static void init_library(void) { ares_library_init(ARES_LIB_INIT_ALL); }

struct kith_resolver *kith_resolver_new(struct kith_loop *loop, struct kith_log *log,
                                        const struct kith_resolver_setup *setup)
{
    struct kith_resolver *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    *r = (struct kith_resolver){.loop = loop, .log = log, .setup = *setup};
    r->dns_config_path = strdup(setup->dns_config_path ? setup->dns_config_path : "");
    r->system_servers = setup->system_servers ? strdup(setup->system_servers) : NULL;
    pthread_once(&library, init_library);
    if (!r->dns_config_path || (setup->system_servers && !r->system_servers)) {
        free(r->dns_config_path);
        free(r->system_servers);
        free(r);
        return NULL;
    }
    return r;
}

void kith_resolver_free(struct kith_resolver *r)
{
    if (!r) return;
    while (r->lookups) cancel(r->lookups);
    free(r->dns_config_path);
    free(r->system_servers);
    free(r);
}
