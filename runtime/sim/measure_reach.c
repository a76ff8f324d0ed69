/*
 * measure_reach.c - messages that are known again by their first bytes, and whom they reached.
 */
#include "measure_parts.h"
#include <stdlib.h>

static const char mark[8] = "kithsim";
enum { LEAST = sizeof mark + sizeof(uint64_t) };

static struct kith_measure_message *number(struct kith_measure *m, bool broadcast)
{
    struct kith_measure_message *all = realloc(m->messages, (m->message_count + 1) * sizeof *all);
    if (!all) return NULL;
    m->messages = all;
    all[m->message_count] = (struct kith_measure_message){
        .happening = m->current, .broadcast = broadcast, .at = kith_cluster_now(m->cluster)};
    return &all[m->message_count];
}

static void count(struct kith_measure *m, int node, int to, size_t bytes)
{
    m->message_count++;
    if (m->current < 0) return;
    struct kith_measure_sent *sent = &m->happenings[m->current].sent[to < 0];
    sent->messages++;
    sent->bytes += bytes;
    for (int i = 0; i < m->node_count; i++)
        sent->to_get += m->nodes[i].runs && i != node && (to < 0 || to == i);
}

/* What no codec makes smaller (splitmix64). */
static void fill(uint8_t *at, size_t len, uint64_t seed)
{
    for (size_t i = 0; i < len; i += sizeof seed) {
        uint64_t z = seed += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        memcpy(at + i, &z, len - i < sizeof z ? len - i : sizeof z);
    }
}

int kith_measure_send(struct kith_measure *m, int node, int to, size_t bytes, bool reliable,
                      kith_done_fn *done, void *arg, struct kith_error *err)
{
    uint64_t which = m->message_count;
    if (bytes < LEAST) bytes = LEAST;
    uint8_t *text = malloc(bytes);
    if (!text || !number(m, to < 0)) {
        free(text);
        return kith_fail(err, KITH_ENOMEM, "out of memory");
    }
    memcpy(text, mark, sizeof mark);
    memcpy(text + sizeof mark, &which, sizeof which);
    fill(text + LEAST, bytes - LEAST, which);
    int rc = kith_cluster_send(m->cluster, node, to, kith_bytes_of(text, bytes), reliable, done,
                               arg, err);
    if (rc >= 0) count(m, node, to, bytes);
    free(text);
    return rc;
}

/* Told once for each node; a broadcast may come to one several times. */
void kith_reach_message(struct kith_measure *m, int node, const struct kith_message *message)
{
    uint64_t which;
    if (message->bytes.len < LEAST || memcmp(message->bytes.data, mark, sizeof mark) != 0) return;
    memcpy(&which, message->bytes.data + sizeof mark, sizeof which);
    if (which >= m->message_count) return;
    struct kith_measure_message *sent = &m->messages[which];
    if (sent->happening < 0 || kith_bits_get(&sent->got, node)) return;
    struct kith_sample *got = &m->happenings[sent->happening].sent[sent->broadcast].got;
    bool ok = kith_bits_set(&sent->got, node, true) &&
              kith_sample_add(got, kith_measure_since(m, sent->at));
    m->no_memory |= !ok;
}
