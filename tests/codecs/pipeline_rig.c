#include "pipeline_rig.h"

#include <assert.h>
#include <stdlib.h>

struct fake_host fake;

/* ------------------------------------------------------------------------------------- host */

struct host {
    struct kith_host table; /* first */
    struct kith_keyring *ring;
    const char *subkey; /* plugin's name, or NULL for raw keys */
    uint64_t counters[8];
    char names[8][64]; /* with the value of their first label */
};

static uint64_t step(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static void fill(uint64_t *state, uint8_t *out, size_t len)
{
    for (; len >= 8; out += 8, len -= 8) {
        uint64_t v = step(state);
        memcpy(out, &v, 8);
    }
    for (; len; len--) *out++ = (uint8_t)step(state);
}

static void fake_log(const struct kith_host *h, enum kith_log_level level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(fake.log, sizeof fake.log, fmt, ap);
    va_end(ap);
    fake.logs++;
}

static void fake_random(const struct kith_host *h, void *out, size_t len)
{
    fake.drawn += len;
    if (!fake.vector_nonce) {
        fill(&fake.seed, out, len);
        return;
    }
    for (size_t i = 0; i < len; i++) ((uint8_t *)out)[i] = (uint8_t)(0xA0 + i % 12);
}

static uint64_t fake_now(const struct kith_host *h) { return fake.now += 1000000000; }

static uint64_t *fake_counter(const struct kith_host *table, const char *name, const char *help,
                              const struct kith_pair *labels, size_t count)
{
    struct host *h = (struct host *)table;
    char all[64];
    struct kith_bytes value = count ? labels[0].value : kith_text("");
    snprintf(all, sizeof all, "%s%.*s", name, (int)value.len, (const char *)value.data);
    for (size_t i = 0; i < 8; i++) {
        if (!*h->names[i]) memcpy(h->names[i], all, sizeof all);
        if (strcmp(h->names[i], all) == 0) return &h->counters[i];
    }
    abort();
}

static size_t fake_keys(const struct kith_host *table, size_t i, struct kith_key *out)
{
    const struct host *h = (const struct host *)table;
    if (!h->ring) return 0;
    kith_keyring_key(h->ring, i, h->subkey, out);
    return kith_keyring_count(h->ring);
}

/* One block for all, as in a world, in which another plugin has always left what may pass for
 * one's own: small numbers, other ones each time. */
static void *fake_scratch(const struct kith_host *table, size_t len)
{
    static uint16_t *block;
    static size_t size;
    static uint16_t turn;
    if (len > size) {
        free(block); /* of a former call: nobody has it any more */
        size = len + len % 2;
        if (!(block = calloc(1, size))) abort();
    }
    turn++;
    for (size_t i = 0; !fake.scratch_lasts && i < size / 2; i++)
        block[i] = (uint16_t)((i * turn + turn) % 4096);
    return block;
}

static const void *fake_query(const struct kith_host *h, const char *id) { return NULL; }

static struct kith_host *make(void *ctx, const struct kith_entry *entry, struct kith_keyring *ring)
{
    struct host *h = calloc(1, sizeof *h);
    h->table = (struct kith_host){
        .size = sizeof h->table,
        .log = fake_log,
        .random = fake_random,
        .now = fake_now,
        .wall = fake_now,
        .counter = fake_counter,
        .scratch = fake_scratch,
        .keys = fake_keys,
        .query = fake_query,
    };
    h->ring = ring;
    h->subkey = kith_keyring_name(entry);
    return &h->table;
}

static void unmake(void *ctx, struct kith_host *table) { free(table); }

/* As in a world: all pipelines have the same. */
static void *shared(void *ctx, unsigned which, size_t len)
{
    static uint8_t blocks[2][80000];
    return len <= sizeof blocks[which] ? blocks[which] : NULL;
}

const struct kith_host_maker fake_maker = {.make = make, .free = unmake, .scratch = shared};

/* ---------------------------------------------------------------------------- config by hand */

static struct kith_registry *registry;

/* "CODEC" or "CODEC:NAME=VALUE,...", where layer_byte is the entry's own. */
static void entry_init(struct kith_entry *e, char *text)
{
    struct kith_error err = {.size = sizeof err};
    struct kith_setting_text settings[8];
    size_t count = 0;
    unsigned long byte = 0;
    char *save, *params = strchr(text, ':');
    if (!registry) registry = kith_registry_new(NULL);
    if (params) *params++ = 0;
    for (char *one = params ? strtok_r(params, ",", &save) : NULL; one;
         one = strtok_r(NULL, ",", &save)) {
        char *value = strchr(one, '=');
        assert(value && count < 8);
        *value++ = 0;
        if (strcmp(one, "layer_byte") == 0)
            byte = strtoul(value, NULL, 0);
        else
            settings[count++] = (struct kith_setting_text){one, value};
    }
    const struct kith_plugin *plugin = kith_registry_find(registry, KITH_CODEC, text, &err);
    if (!plugin || kith_entry_init(e, plugin, KITH_PROFILE_LAN, settings, count, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
    e->layer_byte = (uint8_t)byte;
    kith_entry_digest(e);
}

static void entries_fini(struct kith_entries *list)
{
    for (size_t i = 0; i < list->count; i++) kith_entry_fini(&list->items[i]);
    list->count = 0;
}

static void entries_set(struct kith_entries *list, const char *names)
{
    char text[512], *save;
    entries_fini(list);
    snprintf(text, sizeof text, "%s", names);
    for (char *one = strtok_r(text, " ", &save); one; one = strtok_r(NULL, " ", &save))
        entry_init(&list->items[list->count++], one);
}

void rig_init(struct rig *r)
{
    memset(r, 0, sizeof *r);
    fake = (struct fake_host){.seed = 1};
    r->err.size = sizeof r->err;
    r->config.chain.label = "";
    r->config.chain.protocol = 2;
    r->config.chain.max_stream_size = 20u << 20;
    r->config.chain.max_stream_memory = 128u << 20;
    r->config.chain.send.items = r->send;
    r->config.chain.accept.items = r->accept;
    r->config.keyring.items = r->keys;
}

void rig_chain(struct rig *r, const char *send, const char *accept)
{
    if (send) entries_set(&r->config.chain.send, send);
    if (accept || send) entries_set(&r->config.chain.accept, accept ? accept : send);
}

void rig_key(struct rig *r, uint8_t first, size_t len)
{
    struct kith_secret *s = &r->keys[r->config.keyring.count++];
    s->len = (uint32_t)len;
    s->data = malloc(len);
    for (size_t i = 0; i < len; i++) s->data[i] = (uint8_t)(first + i);
}

int rig_build(struct rig *r)
{
    struct kith_pipeline *old = r->p, *fresh = NULL;
    if (!r->ring) r->ring = kith_keyring_new(&r->config.keyring);
    int rc = kith_pipeline_new(&fresh, &r->config.chain, &fake_maker, r->ring, old, &r->err);
    if (rc < 0) return rc;
    r->p = fresh;
    kith_pipeline_unref(old);
    return 0;
}

void rig_must(struct rig *r, const char *send, const char *accept, uint32_t require)
{
    rig_chain(r, send, accept);
    r->config.chain.require = require;
    if (rig_build(r) < 0) {
        fprintf(stderr, "%s: %s\n", send, r->err.text);
        exit(2);
    }
}

void rig_fini(struct rig *r)
{
    kith_pipeline_unref(r->p);
    kith_keyring_unref(r->ring);
    entries_fini(&r->config.chain.send);
    entries_fini(&r->config.chain.accept);
    for (size_t i = 0; i < r->config.keyring.count; i++) free(r->keys[i].data);
    memset(r, 0, sizeof *r);
}

/* ---------------------------------------------------------------------------------- messages */

const struct kith_peer *rig_peer(uint32_t protocol_max)
{
    static struct kith_peer peer = {.size = sizeof peer};
    peer.protocol_max = protocol_max;
    return &peer;
}

struct rig_buf rig_buf(const struct rig *r, const void *data, size_t len)
{
    struct kith_room room = kith_pipeline_room(r->p);
    struct rig_buf b;
    size_t cap = room.head + len + room.tail;
    b.storage = malloc(cap ? cap : 1);
    b.buf = (struct kith_buf){b.storage, b.storage + room.head, len, cap};
    if (len) memcpy(b.buf.data, data, len);
    return b;
}

void rig_buf_free(struct rig_buf *b) { free(b->storage); }

static void take_plain(void *arg, const uint8_t *data, size_t len)
{
    struct rig_plain *out = arg;
    if (out->len + len > out->cap) {
        out->cap = (out->len + len) * 2;
        out->data = realloc(out->data, out->cap);
    }
    memcpy(out->data + out->len, data, len);
    out->len += len;
}

int rig_feed(struct kith_pipeline *p, bool acceptor, struct kith_bytes in, size_t chop,
             struct rig_plain *out)
{
    struct kith_inflow *f = kith_inflow_new(p, acceptor);
    int rc = 0;
    *out = (struct rig_plain){0};
    for (size_t at = 0; at < in.len && rc == 0;) {
        size_t n = chop ? chop : 1 + rig_random() % (rig_random() % 8 ? 64 : 65536);
        if (n > in.len - at) n = in.len - at;
        uint8_t *piece = malloc(n); /* its own, so that a sanitizer sees any read beyond it */
        memcpy(piece, in.data + at, n);
        rc = kith_inflow_feed(f, NULL, piece, n, take_plain, out, &out->why, out->text);
        free(piece);
        at += n;
    }
    if (rc == 0) rc = kith_inflow_end(f);
    kith_inflow_free(f);
    return rc;
}

void rig_plain_free(struct rig_plain *out) { free(out->data); }

/* ------------------------------------------------------------------------------------- bytes */

static uint64_t sequence = 42;

uint64_t rig_random(void) { return step(&sequence); }
void rig_fill(uint8_t *out, size_t len) { fill(&sequence, out, len); }

void rig_fill_state(uint8_t *out, size_t len)
{
    char entry[160];
    for (size_t at = 0; at < len;) {
        int n = snprintf(entry, sizeof entry,
                         "%cAddr%c%c%c%c%cIncarnation%cMeta%crole=web,zone=eu-%uNameanode-%05uPort%"
                         "cState%cVsn%c",
                         0x87, 0xA4, 10, (int)(rig_random() % 4), (int)(rig_random() & 255), 0xAB,
                         (int)(rig_random() % 9), 0xA6, (unsigned)(rig_random() % 3),
                         (unsigned)(rig_random() % 100000), 0xCD, 1, 0xA6);
        size_t take = (size_t)n < len - at ? (size_t)n : len - at;
        memcpy(out + at, entry, take);
        at += take;
    }
}
