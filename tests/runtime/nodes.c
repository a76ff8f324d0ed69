/*
 * nodes.c - see nodes.h.
 */
#include "nodes.h"
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

char dir[] = "/tmp/kith-test-XXXXXX";
struct kith_world *world;
struct kith_loop *loop;

struct node nodes[NODES];
const char *node_label = "";
int (*node_opened)(struct kith *, struct kith_error *);

static void on_event(void *self, const struct kith_event *e)
{
    struct node *n = self;
    switch (e->kind) {
    case KITH_EVENT_JOIN: n->joins++; break;
    case KITH_EVENT_LEAVE:
        n->leaves++;
        n->deaths += e->member->state == KITH_DEAD;
        break;
    case KITH_EVENT_UPDATE: n->updates++; break;
    case KITH_EVENT_STARTED: n->started++; break;
    case KITH_EVENT_RELOADED: n->reloaded++; break;
    case KITH_EVENT_KEYS: n->keys++; break;
    default: break;
    }
}

static void on_message(void *self, const struct kith_message *m)
{
    struct node *n = self;
    *(m->flags & KITH_RELIABLE ? &n->streams : &n->packets) += 1;
    n->bytes += m->bytes.len;
    snprintf(n->last, sizeof n->last, "%.*s", (int)(m->bytes.len < 60 ? m->bytes.len : 60),
             (const char *)m->bytes.data);
    snprintf(n->from, sizeof n->from, "%.*s", (int)m->peer->identity.len,
             (const char *)m->peer->identity.data);
}

static int judge(void *self, const struct kith_claim *claim, struct kith_error *err)
{
    struct node *n = self;
    return n->veto ? kith_fail(err, KITH_EREFUSED, "not now") : 0;
}

const struct kith_delegate_ops watcher = {
    .size = sizeof watcher,
    .judges = KITH_CLAIM_ALIVE,
    .event = on_event,
    .message = on_message,
    .judge = judge,
};

void done(void *arg, int status, uint64_t value)
{
    struct node *n = arg;
    n->status = status;
    n->value = value;
    n->done++;
}

uint64_t seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec;
}

void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
    chmod(path, 0600);
}

void config(struct node *n, const char *extra)
{
    char text[2048];
    snprintf(n->path, sizeof n->path, "%s/n%d.yaml", dir, (int)(n - nodes));
    snprintf(text, sizeof text,
             "node: { name: n%d, profile: local, control: %s/n%d.sock, label: '%s', "
             "tcp_timeout: 20s, "
             "log: { to: stderr, level: error } }\n"
             "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n%s",
             (int)(n - nodes), dir, (int)(n - nodes), node_label, extra);
    write_file(n->path, text);
}

static void keep_log(void *ctx, enum kith_log_level level, const char *line)
{
    struct node *n = ctx;
    size_t have = strlen(n->logged);
    if (level <= KITH_LOG_ERROR) snprintf(n->logged + have, sizeof n->logged - have, "%s\n", line);
}

void start_node(struct node *n, const struct kith_node_setup *setup)
{
    struct kith_error err = {.size = sizeof err};
    struct kith_options options = {.size = sizeof options,
                                   .delegate = &watcher,
                                   .delegate_self = n,
                                   .log = keep_log,
                                   .log_ctx = n};
    int rc = kith_node_open(&n->k, setup, &options, &err);
    if (!rc && node_opened) rc = node_opened(n->k, &err);
    if (!rc) rc = kith_start(n->k, &err);
    if (rc) printf("\n%s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
}

void open_node(struct node *n, const char *extra)
{
    memset(n, 0, sizeof *n);
    config(n, extra);
    struct kith_node_setup setup = {.path = n->path, .world = world, .problems = stderr};
    start_node(n, &setup);
}

void begin_world(struct kith_world *w)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(w);
    kith_world_unref(world);
    world = w;
    loop = kith_world_loop(w);
}

void begin(void)
{
    node_label = "";
    node_opened = NULL;
    strcpy(dir, "/tmp/kith-test-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    begin_world(kith_world_new(NULL));
}

void end(void)
{
    char command[64];
    for (int i = 0; i < NODES; i++) {
        if (nodes[i].k) kith_close(nodes[i].k);
        nodes[i].k = NULL;
    }
    kith_world_unref(world);
    world = NULL;
    snprintf(command, sizeof command, "rm -r %s", dir);
    CU_ASSERT_EQUAL(system(command), 0);
}

void where_is(const struct node *n, char *out, size_t cap)
{
    struct kith_member self = {.size = sizeof self};
    const struct kith_node *t = kith_table(n->k);
    t->local(t, &self);
    t->format(t, &self.addr, out, cap);
}

struct tally {
    enum kith_state state;
    size_t count;
};

static bool add_up(void *arg, const struct kith_member *m)
{
    struct tally *t = arg;
    t->count += m->state == t->state;
    return true;
}

size_t count(const struct node *n, enum kith_state state)
{
    struct tally t = {.state = state};
    uint64_t cursor = 0;
    kith_table(n->k)->members(kith_table(n->k), &cursor, SIZE_MAX, add_up, &t);
    return t.count;
}

int join(struct node *n, const struct node *to)
{
    char where[64];
    where_is(to, where, sizeof where);
    unsigned before = n->done;
    CU_ASSERT_EQUAL_FATAL(kith_join(n->k, where, done, n), 0);
    UNTIL(n->done > before);
    return n->status;
}

int say(struct node *n, const char *to, const void *data, size_t len, bool reliable)
{
    const struct kith_node *t = kith_table(n->k);
    unsigned before = n->done;
    struct kith_peer peer = {.size = sizeof peer, .name = kith_text(to)};
    struct kith_message m = {.size = sizeof m,
                             .flags = reliable ? KITH_RELIABLE : 0,
                             .bytes = kith_bytes_of(data, len),
                             .peer = &peer};
    int rc = t->send(t, &m, done, n);
    if (rc < 0) return rc;
    UNTIL(n->done > before);
    return n->status;
}

static double stat_value;
static const char *stat_name, *stat_label;

static bool has_label(const struct kith_stat *s, const char *value)
{
    for (size_t i = 0; i < s->label_count; i++)
        if (kith_bytes_equal(s->labels[i].value, kith_text(value))) return true;
    return false;
}

static void look(void *arg, const struct kith_stat *s)
{
    if (!strcmp(s->name, stat_name) && (!stat_label || has_label(s, stat_label)))
        stat_value += s->value;
}

double stat_of(const struct node *n, const char *name, const char *label)
{
    stat_name = name;
    stat_label = label;
    stat_value = 0;
    kith_table(n->k)->stats(kith_table(n->k), look, NULL);
    return stat_value;
}

void set_keys(void)
{
    setenv("KITH_TEST_KEY_A", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
           1);
    setenv("KITH_TEST_KEY_B", "f00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
           1);
}
