/*
 * test_relayed.c - broadcasts on channels reach every node that is up, each once, in the order of
 * each life, whatever the network does.
 *
 * Every message says whose it is, of which of its processes, and its number; what a node hears is
 * compared with what it heard before. KITH_RELAYS="40" in the environment runs the hard course with
 * so many seeds and prints how long messages took.
 */
#include "engine.h"
#include "sim.h"

enum { NODES = 110, LIVES = 4, MOST = 6000, TIMES = 2000000 };

/* What one process of a node said. */
struct said {
    unsigned count;
    uint64_t at[MOST]; /* when, by number */
};

/* What one process of a node heard of another. */
struct heard {
    unsigned first, last; /* numbers; 0: nothing */
};

struct course {
    struct sim *s;
    struct said said[NODES][LIVES];
    struct heard (*heard)[NODES][LIVES]; /* by hearer, of its process of now */
    uint64_t member_since[NODES];        /* when its join had ended; UINT64_MAX: not yet */
    int join[NODES];
    unsigned life[NODES]; /* from 0 */
    uint64_t *times;      /* that they took */
    size_t times_n;
    unsigned wrong;
    bool may_lose; /* and so many were, of each node */
    uint64_t skipped[NODES];
};

static void wrong(struct course *c, int node, const char *what, const char *text)
{
    if (c->wrong++ < 5)
        printf("    %.3f s: n%d heard \"%s\" %s\n", (double)(sim_now(c->s) - SIM_EPOCH) / 1e9, node,
               text, what);
}

static void on_heard(void *arg, int node, const struct kith_message *m)
{
    struct course *c = arg;
    char text[64] = "";
    unsigned from, life, number;
    memcpy(text, m->bytes.data, m->bytes.len < 63 ? m->bytes.len : 63);
    if (sscanf(text, "n%u %u %u", &from, &life, &number) != 3 || from >= NODES || life >= LIVES) {
        wrong(c, node, "which nobody said", text);
        return;
    }
    char name[16];
    snprintf(name, sizeof name, "n%u", from);
    if (!kith_bytes_equal(m->peer->name, kith_text(name))) wrong(c, node, "from another", text);
    if (!kith_bytes_equal(m->channel, kith_text("sim"))) wrong(c, node, "on no channel", text);
    struct heard *h = &c->heard[node][from][life];
    if (h->last && number != h->last + 1) {
        if (number <= h->last || !c->may_lose) wrong(c, node, "out of order", text);
        c->skipped[node] += number - h->last - 1;
    }
    if (!h->last) h->first = number;
    h->last = number;
    if (c->times_n < TIMES) c->times[c->times_n++] = sim_now(c->s) - c->said[from][life].at[number];
}

static struct course *course_tuned(unsigned n, uint64_t seed, void (*tune)(struct kith_settings *))
{
    struct course *c = calloc(1, sizeof *c);
    c->heard = calloc(NODES, sizeof *c->heard);
    c->times = malloc(TIMES * sizeof *c->times);
    c->s = sim_new_tuned(n, seed, tune);
    sim_join_all(c->s);
    CU_ASSERT(sim_wait_mesh(c->s, 60 * SEC));
    sim_hear(c->s, on_heard, c);
    return c;
}

static struct course *course_new(unsigned n, uint64_t seed) { return course_tuned(n, seed, NULL); }

static void course_free(struct course *c)
{
    CU_ASSERT_EQUAL(c->wrong, 0);
    sim_free(c->s);
    free(c->heard);
    free(c->times);
    free(c);
}

static void say(struct course *c, int node)
{
    struct said *said = &c->said[node][c->life[node]];
    char text[201];
    if (!c->s->nodes[node]->core || c->s->nodes[node]->paused || said->count + 1 >= MOST) return;
    said->at[++said->count] = sim_now(c->s);
    int len = snprintf(text, sizeof text, "n%d %u %u ", node, c->life[node], said->count);
    memset(text + len, '.', sizeof text - 1 - (size_t)len);
    text[sizeof text - 1] = 0;
    CU_ASSERT_EQUAL(sim_relay(c->s, node, text), 0);
}

/* The first number that a node must have: what was said when it had joined. */
static unsigned due_from(const struct course *c, int hearer, const struct said *said)
{
    unsigned n = 1;
    while (n <= said->count && said->at[n] < c->member_since[hearer]) n++;
    return n;
}

/* Of a life, the last number that anybody who is up has; of one that is up, all. */
static unsigned surviving(const struct course *c, int from, unsigned life)
{
    unsigned most = 0;
    if (c->s->nodes[from]->core && life == c->life[from]) return c->said[from][life].count;
    for (int i = 0; i < c->s->n; i++)
        if (c->s->nodes[i]->core && c->heard[i][from][life].last > most)
            most = c->heard[i][from][life].last;
    return most;
}

/* Has everybody heard what is due? */
static bool complete(struct sim *s, const void *arg)
{
    const struct course *c = arg;
    for (int from = 0; from < s->n; from++)
        for (unsigned life = 0; life <= c->life[from]; life++) {
            unsigned last = surviving(c, from, life);
            for (int i = 0; last && i < s->n; i++) {
                const struct heard *h = &c->heard[i][from][life];
                if (!s->nodes[i]->core || (i == from && life == c->life[i])) continue;
                unsigned due = due_from(c, i, &c->said[from][life]);
                if (due <= last && (h->last != last || h->first > due)) return false;
            }
        }
    return true;
}

static void restart(struct course *c, int node)
{
    sim_kill(c->s, node);
    memset(c->heard[node], 0, sizeof c->heard[node]);
    c->member_since[node] = UINT64_MAX;
    c->life[node]++;
}

static void come_back(struct course *c, int node)
{
    sim_restart(c->s, node);
    c->join[node] = sim_join(c->s, node, node == 0 ? 1 : 0);
}

/* Joins that have ended since the last time. */
static void note_joins(struct course *c)
{
    for (int i = 0; i < c->s->n; i++) {
        if (c->member_since[i] != UINT64_MAX || !c->s->nodes[i]->core) continue;
        int status = sim_status(c->s, c->join[i]);
        if (status == 0) c->member_since[i] = sim_now(c->s);
        if (status < 0) c->join[i] = sim_join(c->s, i, 1);
    }
}

static uint64_t lost(const struct sim *s)
{
    uint64_t n = 0;
    for (int i = 0; i < s->n; i++) n += sim_counts(s, i)->lost;
    return n;
}

/* ------------------------------------------------------------------------------------- courses */

static void test_without_loss_it_is_there_at_once(void)
{
    struct course *c = course_new(30, 1);
    sim_run(c->s, 5 * SEC);
    for (int i = 0; i < 50; i++) {
        say(c, i % 7);
        sim_run(c->s, 20 * MS);
    }
    sim_run(c->s, SEC);
    CU_ASSERT(complete(c->s, c));
    CU_ASSERT_EQUAL(c->times_n, 50 * 29);
    CU_ASSERT_EQUAL(lost(c->s), 0);
    course_free(c);
}

/* memberlist's broadcast is sent by its origin alone, some times. */
static void test_it_reaches_more_than_memberlists(void)
{
    struct course *c = course_new(100, 5);
    unsigned plain = 0;
    sim_run(c->s, 5 * SEC);
    sim_loss(c->s, SIM_ALL, SIM_ALL, 0.3);
    CU_ASSERT(sim_status(c->s, sim_broadcast(c->s, 0, "to whom it may reach")) >= 0);
    say(c, 0);
    sim_run(c->s, 20 * SEC);
    for (int i = 1; i < c->s->n; i++) plain += sim_counts(c->s, i)->messages > 0;
    printf("\n    heard by %zu of 99; memberlist's by %u ", c->times_n, plain);
    CU_ASSERT_EQUAL(c->times_n, 99);
    CU_ASSERT(plain < 50);
    course_free(c);
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static const int half[] = {1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33,
                           35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 63, 65, 67,
                           69, 71, 73, 75, 77, 79, 81, 83, 85, 87, 89, 91, 93, 95, 97, 99};

/* What happens at a tenth of a second of the hard course. */
static void trouble(struct course *c, int tenth)
{
    struct sim *s = c->s;
    switch (tenth) {
    case 0: sim_loss(s, SIM_ALL, SIM_ALL, 0.3); break;
    case 20:
        for (int i = 0; i < 300; i++)
            sim_cut(s, (int)(sim_random(s) % 100), (int)(sim_random(s) % 100));
        break;
    case 30:
        for (int i = 60; i < 70; i++) sim_pause(s, i);
        break;
    case 50: restart(c, 4), restart(c, 77); break;
    case 55: come_back(c, 4); break;
    case 60:
        come_back(c, 77);
        for (int i = 0; i < 4; i++) {
            char name[16];
            snprintf(name, sizeof name, "n%d", s->n);
            int node = sim_add(s, name);
            c->member_since[node] = UINT64_MAX;
            c->join[node] = sim_join(s, node, 0);
        }
        break;
    case 80:
        for (int i = 60; i < 70; i++) sim_resume(s, i);
        break;
    case 90: sim_partition(s, half, sizeof half / sizeof *half); break;
    case 150: sim_heal(s, SIM_ALL, SIM_ALL); break;
    default: break;
    }
}

static void hard_course(uint64_t seed, bool print)
{
    struct course *c = course_new(100, seed);
    sim_run(c->s, 5 * SEC);
    for (int tenth = 0; tenth < 200; tenth++) {
        trouble(c, tenth);
        for (int i = 0; i < 3; i++) say(c, (int)(sim_random(c->s) % 10));
        note_joins(c);
        sim_run(c->s, 100 * MS);
    }
    for (int i = 0; i < 60 && !complete(c->s, c); i++) {
        note_joins(c);
        sim_run(c->s, SEC);
    }
    CU_ASSERT(complete(c->s, c));
    CU_ASSERT_EQUAL(lost(c->s), 0);
    qsort(c->times, c->times_n, sizeof *c->times, by_size);
    if (print)
        printf("    seed %llu: ms median %.0f, 99 %% %.0f, longest %.0f\n",
               (unsigned long long)seed, (double)c->times[c->times_n / 2] / 1e6,
               (double)c->times[c->times_n * 99 / 100] / 1e6,
               (double)c->times[c->times_n - 1] / 1e6);
    course_free(c);
}

/* Two halves that take each other for dead, and speak all the while, until one node joins again. */
static struct course *parted(void (*tune)(struct kith_settings *), bool may_lose)
{
    static const int odd[] = {1, 3, 5, 7, 9, 11};
    struct course *c = course_tuned(12, 3, tune);
    struct sim *s = c->s;
    c->may_lose = may_lose;
    sim_run(s, 5 * SEC);
    for (int i = 0; i < 10; i++) say(c, i % 4);
    sim_run(s, SEC);
    sim_partition(s, odd, 6);
    for (int i = 0; i < 600; i++) {
        say(c, i % 4);
        sim_run(s, 100 * MS);
    }
    CU_ASSERT_NOT_EQUAL(sim_state(s, 0, 11), KITH_ALIVE);
    sim_heal(s, SIM_ALL, SIM_ALL);
    sim_join(s, 0, 1);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    sim_run(s, 400 * SEC); /* what nobody has is given up by relay.age at the latest */
    return c;
}

static void test_two_halves_that_meet_again_tell_each_other_all(void)
{
    struct course *c = parted(NULL, false);
    CU_ASSERT(complete(c->s, c));
    CU_ASSERT_EQUAL(lost(c->s), 0);
    course_free(c);
}

static void small_window(struct kith_settings *s) { s->relay_window = 64 << 10; }

/* What fell out of the window is said to be lost, to the last message. */
static void test_out_of_the_window_there_are_events(void)
{
    struct course *c = parted(small_window, true);
    uint64_t all = 0;
    for (int i = 0; i < c->s->n; i++) {
        CU_ASSERT_EQUAL(sim_counts(c->s, i)->lost, c->skipped[i]);
        all += c->skipped[i];
        for (int from = 0; from < 4; from++)
            CU_ASSERT(i == from || c->heard[i][from][0].last == c->said[from][0].count);
    }
    CU_ASSERT(all > 100);
    course_free(c);
}

struct sent {
    double bytes; /* with the headers of UDP and IP */
};

static void add_sent(void *arg, const struct kith_stat *st)
{
    struct sent *sent = arg;
    if (strcmp(st->name, "packets_sent") == 0) sent->bytes += 28 * st->value;
    if (strcmp(st->name, "packet_bytes_sent") == 0) sent->bytes += st->value;
}

static double sent(const struct sim *s)
{
    struct sent all = {0};
    for (int i = 0; i < s->n; i++) kith_core_stats(s->nodes[i]->core, add_sent, &all);
    return all.bytes;
}

/* Ten nodes that say 5,000 messages of 200 bytes a second. */
static void flood(double loss, unsigned seconds, uint64_t p99, double bytes)
{
    struct course *c = course_new(10, 7);
    sim_run(c->s, 5 * SEC);
    sim_loss(c->s, SIM_ALL, SIM_ALL, loss);
    double before = sent(c->s);
    for (unsigned i = 0; i < 5000 * seconds; i++) {
        say(c, (int)(i % 10));
        sim_run(c->s, MS / 5);
    }
    CU_ASSERT(sim_wait(c->s, complete, c, 30 * SEC));
    double each = (sent(c->s) - before) / (5000.0 * seconds * 10);
    qsort(c->times, c->times_n, sizeof *c->times, by_size);
    uint64_t longest = c->times[c->times_n * 99 / 100];
    CU_ASSERT(longest <= p99 && each <= bytes);
    if (getenv("KITH_RELAYS"))
        printf("    loss %.0f %%: ms median %.1f, 99 %% %.1f, longest %.1f; bytes a node and "
               "message %.0f\n",
               100 * loss, (double)c->times[c->times_n / 2] / 1e6, (double)longest / 1e6,
               (double)c->times[c->times_n - 1] / 1e6, each);
    CU_ASSERT_EQUAL(lost(c->s), 0);
    course_free(c);
}

static void test_a_flood(void)
{
    unsigned seconds = getenv("KITH_RELAYS") ? 10 : 1;
    flood(0, seconds, 50 * MS, 300);
    flood(0.3, seconds, 2 * SEC, 1e9);
}

static void test_a_hard_course(void)
{
    const char *seeds = getenv("KITH_RELAYS");
    uint64_t n = seeds ? strtoull(seeds, NULL, 10) : 4;
    for (uint64_t seed = 1; seed <= n; seed++) hard_course(seed, seeds != NULL);
}

KITH_TESTS("sim/relay", {"without loss it is there at once", test_without_loss_it_is_there_at_once},
           {"it reaches more than memberlist's", test_it_reaches_more_than_memberlists},
           {"two halves that meet again tell each other all",
            test_two_halves_that_meet_again_tell_each_other_all},
           {"out of the window there are events", test_out_of_the_window_there_are_events},
           {"a flood", test_a_flood}, {"a hard course", test_a_hard_course})
