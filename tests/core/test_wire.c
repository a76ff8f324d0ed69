/*
 * test_wire.c - the wire both ways: every vector of the real libraries, their tables of what
 * decoders take, and what is written. Hostile input has test_wire_hostile.c; layers (lzw,
 * encryption, label, crc) are the codecs' tests.
 */
#include "test.h"

#include "wire_fields.h"
#include "wire_vectors.h"

/* ----------------------------------------------------------------------------------- vectors */

enum kind { STRING, BYTES, NUMBER };

/* Is the field as the vector says? "hex:" bytes, null, text or a number. */
static bool field_is(const struct kith_msg *m, const char *key, json_t *value)
{
    const struct {
        const char *key;
        enum kind kind;
        struct kith_bytes bytes;
        int64_t number;
    } fields[] = {
        {"Node", STRING, m->node, 0},
        {"Name", STRING, m->node, 0},
        {"From", STRING, m->from, 0},
        {"Error", STRING, m->error, 0},
        {"SourceNode", STRING, m->source_node, 0},
        {"Addr", BYTES, m->addr, 0},
        {"Meta", BYTES, m->meta, 0},
        {"Vsn", BYTES, m->vsn, 0},
        {"Target", BYTES, m->target, 0},
        {"Payload", BYTES, m->payload, 0},
        {"SourceAddr", BYTES, m->source_addr, 0},
        {"SeqNo", NUMBER, {0}, m->seq_no},
        {"Incarnation", NUMBER, {0}, m->incarnation},
        {"Port", NUMBER, {0}, m->port},
        {"SourcePort", NUMBER, {0}, m->source_port},
        {"Nack", NUMBER, {0}, m->nack},
        {"State", NUMBER, {0}, m->state},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strcmp(fields[i].key, key) != 0) continue;
        if (fields[i].kind == NUMBER) {
            int64_t n = json_is_boolean(value) ? json_is_true(value) : json_integer_value(value);
            return fields[i].number == n;
        }
        if (json_is_null(value)) return fields[i].bytes.data == NULL;
        const char *text = json_string_value(value);
        if (fields[i].kind == STRING)
            return kith_bytes_equal(fields[i].bytes, kith_bytes_of(text, strlen(text)));
        if (strncmp(text, "hex:", 4) == 0) text += 4;
        struct kith_bytes bytes = unhex(text);
        bool same = fields[i].bytes.data && kith_bytes_equal(fields[i].bytes, bytes);
        drop(bytes);
        return same;
    }
    return false;
}

static void test_messages_both_ways(void)
{
    size_t i, done = 0;
    json_t *v, *value;
    const char *key;
    json_array_foreach(json_object_get(vectors(), "vectors"), i, v)
    {
        struct kith_bytes bytes = unhex(json_string_value(json_object_get(v, "hex")));
        if (is_plain_message(v, bytes)) {
            struct kith_msg m = {.type = bytes.data[0]};
            uint8_t storage[512];
            struct kith_buf buf = {storage, storage, 0, sizeof storage};
            size_t used;
            CU_ASSERT_EQUAL(kith_wire_read(&m, m.type, bytes.data + 1, bytes.len - 1, &used), 0);
            CU_ASSERT_EQUAL(used, bytes.len - 1);
            json_object_foreach(json_object_get(v, "fields"), key, value)
            {
                if (strcmp(key, "inner") != 0 && !field_is(&m, key, value)) {
                    fprintf(stderr, "%s: %s differs\n",
                            json_string_value(json_object_get(v, "name")), key);
                    CU_FAIL("field differs");
                }
            }
            CU_ASSERT_EQUAL(kith_wire_write_message(&buf, &m), 0);
            CU_ASSERT(kith_bytes_equal(kith_bytes_of(buf.data, buf.len), bytes));
            CU_ASSERT_EQUAL(kith_wire_size(m.type, &m), bytes.len - 1);
            done++;
        }
        drop(bytes);
    }
    CU_ASSERT_EQUAL(done, 28);
}

static void check_push_pull(const char *name, bool join, size_t nodes, const char *user_state)
{
    struct kith_bytes bytes = vector(name);
    struct kith_msg header, node;
    uint8_t storage[512];
    struct kith_buf buf = {storage, storage, 0, sizeof storage};
    size_t used, at = 1;
    CU_ASSERT_EQUAL(
        kith_wire_read(&header, KITH_BODY_PUSH_PULL, bytes.data + at, bytes.len - at, &used), 0);
    CU_ASSERT_EQUAL(header.join, join);
    CU_ASSERT_EQUAL(header.nodes, (int64_t)nodes);
    CU_ASSERT_EQUAL(header.user_state_len, (int64_t)strlen(user_state));
    header.type = KITH_MSG_PUSH_PULL;
    CU_ASSERT_EQUAL(kith_wire_write_message(&buf, &header), 0);
    at += used;
    for (size_t i = 0; i < nodes; i++) {
        CU_ASSERT_EQUAL(
            kith_wire_read(&node, KITH_BODY_NODE_STATE, bytes.data + at, bytes.len - at, &used), 0);
        CU_ASSERT(kith_bytes_equal(node.node, kith_bytes_of(i ? "node-b" : "node-a", 6)));
        CU_ASSERT(
            kith_bytes_equal(node.addr, kith_bytes_of(i ? "\x0a\0\0\x02" : "\x0a\0\0\x01", 4)));
        CU_ASSERT(kith_bytes_equal(node.vsn, kith_bytes_of("\1\5\2\0\0\0", 6)));
        CU_ASSERT_EQUAL(node.incarnation, i ? 300 : 1);
        CU_ASSERT_EQUAL(node.state, (int64_t)i);
        CU_ASSERT_EQUAL(node.port, 7946);
        CU_ASSERT(i ? node.meta.data == NULL
                    : kith_bytes_equal(node.meta, kith_bytes_of("web", 3)));
        CU_ASSERT_EQUAL(kith_wire_write(&buf, KITH_BODY_NODE_STATE, &node), 0);
        at += used;
    }
    CU_ASSERT(kith_bytes_equal(kith_bytes_of(bytes.data + at, bytes.len - at),
                               kith_bytes_of(user_state, strlen(user_state))));
    CU_ASSERT(kith_bytes_equal(kith_bytes_of(buf.data, buf.len), kith_bytes_of(bytes.data, at)));
    drop(bytes);
}

static void test_push_pull(void)
{
    check_push_pull("pushpull_plain", true, 2, "user-state");
    check_push_pull("pushpull_plain_nojoin", false, 2, "user-state");
    struct kith_bytes bytes = vector("pushpull_plain_nodelegate");
    struct kith_msg header;
    size_t used;
    CU_ASSERT_EQUAL(
        kith_wire_read(&header, KITH_BODY_PUSH_PULL, bytes.data + 1, bytes.len - 1, &used), 0);
    CU_ASSERT_EQUAL(header.nodes, 1);
    CU_ASSERT_EQUAL(header.user_state_len, 0);
    drop(bytes);
}

/* PROTOCOL.md T3: newer libraries write signed forms. Both say 40000; we write the old one. */
static void test_signed_user_state_len(void)
{
    struct kith_bytes old = vector("pushpull_header_state40000");
    const char signed_form[] = "83a44a6f696ec2a54e6f64657301ac5573657253746174654c656ed200009c40";
    struct kith_bytes new = unhex(signed_form);
    struct kith_msg a, b;
    uint8_t storage[64];
    struct kith_buf buf = {storage, storage, 0, sizeof storage};
    size_t used_a, used_b;
    CU_ASSERT_EQUAL(kith_wire_read(&a, KITH_BODY_PUSH_PULL, old.data + 1, old.len - 1, &used_a), 0);
    CU_ASSERT_EQUAL(kith_wire_read(&b, KITH_BODY_PUSH_PULL, new.data, new.len, &used_b), 0);
    CU_ASSERT_EQUAL(a.user_state_len, 40000);
    CU_ASSERT_EQUAL(b.user_state_len, 40000);
    CU_ASSERT_EQUAL(used_b, new.len);
    CU_ASSERT_EQUAL(kith_wire_write(&buf, KITH_BODY_PUSH_PULL, &b), 0);
    CU_ASSERT(
        kith_bytes_equal(kith_bytes_of(buf.data, buf.len), kith_bytes_of(old.data + 1, used_a)));
    drop(old);
    drop(new);
}

static void test_user_header(void)
{
    struct kith_bytes bytes = vector("stream_user_5");
    struct kith_msg m = {.type = KITH_MSG_USER};
    uint8_t storage[64];
    struct kith_buf buf = {storage, storage, 0, sizeof storage};
    size_t used;
    CU_ASSERT_EQUAL(kith_wire_read(&m, KITH_BODY_USER_HEADER, bytes.data + 1, bytes.len - 1, &used),
                    0);
    CU_ASSERT_EQUAL(m.user_msg_len, 5);
    CU_ASSERT_EQUAL(used, bytes.len - 1 - 5);
    CU_ASSERT_EQUAL(m.type, KITH_MSG_USER);
    CU_ASSERT_EQUAL(kith_wire_write_message(&buf, &m), 0);
    CU_ASSERT(kith_bytes_equal(kith_bytes_of(buf.data, buf.len),
                               kith_bytes_of(bytes.data, bytes.len - 5)));
    drop(bytes);
}

/* --------------------------------------------------------------------------------- tolerance */

/* What both generations take must be taken, and read alike; what one of them refuses is refused. */
static json_t *accepted(json_t *results, const char *key)
{
    size_t i;
    json_t *result, *found = NULL;
    json_array_foreach(results, i, result)
    {
        if (!json_object_get(result, key)) return NULL;
        found = json_object_get(result, key);
    }
    return found;
}

static void test_alive_tolerance(void)
{
    size_t i;
    json_t *c, *value;
    const char *key;
    json_t *cases =
        json_object_get(json_object_get(vectors(), "alive_body_decode_tolerance"), "cases");
    CU_ASSERT_EQUAL(json_array_size(cases), 34);
    json_array_foreach(cases, i, c)
    {
        const char *name = json_string_value(json_object_get(c, "name"));
        json_t *decoded = accepted(json_object_get(c, "results"), "decoded");
        struct kith_bytes bytes = unhex(json_string_value(json_object_get(c, "hex")));
        struct kith_msg m;
        size_t used;
        int e = kith_wire_read(&m, KITH_BODY_ALIVE, bytes.data, bytes.len, &used);
        if (!decoded) {
            int expected = strcmp(name, "truncated") == 0 ? -KITH_EAGAIN : -KITH_EMALFORMED;
            if (e != expected) fprintf(stderr, "%s: %d\n", name, e);
            CU_ASSERT_EQUAL(e, expected);
        } else {
            if (e) fprintf(stderr, "%s: %d\n", name, e);
            CU_ASSERT_EQUAL(e, 0);
            CU_ASSERT_EQUAL(used, bytes.len - (strcmp(name, "trailing_garbage") == 0 ? 2 : 0));
            json_object_foreach(decoded, key, value)
            {
                bool same;
                if (strcmp(key, "Addr_nil") == 0)
                    same = (m.addr.data == NULL) == json_is_true(value);
                else if (strcmp(key, "Meta_nil") == 0)
                    same = (m.meta.data == NULL) == json_is_true(value);
                else if (!json_is_string(value) || *json_string_value(value))
                    same = field_is(&m, key, value);
                else
                    same = (strcmp(key, "Node") == 0  ? m.node
                            : strcmp(key, "Vsn") == 0 ? m.vsn
                                                      : m.meta)
                               .len == 0;
                if (!same) fprintf(stderr, "%s: %s differs\n", name, key);
                CU_ASSERT(same);
            }
        }
        drop(bytes);
    }
}

static void test_bool_tolerance(void)
{
    size_t i;
    json_t *c;
    json_t *cases = json_object_get(json_object_get(vectors(), "bool_decode_tolerance"), "cases");
    CU_ASSERT_EQUAL(json_array_size(cases), 7);
    json_array_foreach(cases, i, c)
    {
        char hex[64];
        json_t *nack = accepted(json_object_get(c, "results"), "Nack");
        snprintf(hex, sizeof hex, "81a44e61636b%s", json_string_value(json_object_get(c, "hex")));
        struct kith_bytes bytes = unhex(hex);
        struct kith_msg m = {.type = KITH_MSG_INDIRECT_PING};
        size_t used;
        int e = kith_wire_read(&m, KITH_BODY_INDIRECT_PING, bytes.data, bytes.len, &used);
        CU_ASSERT_EQUAL(e, nack ? 0 : -KITH_EMALFORMED);
        if (nack) CU_ASSERT_EQUAL(m.nack, json_is_true(nack));
        drop(bytes);
    }
}

/* One value for SeqNo; 0 and the number, or the error. */
static int read_seq_no(const char *hex, uint32_t *v)
{
    char text[64];
    snprintf(text, sizeof text, "81a55365714e6f%s", hex);
    struct kith_bytes bytes = unhex(text);
    struct kith_msg m;
    size_t used;
    int e = kith_wire_read(&m, KITH_BODY_NACK, bytes.data, bytes.len, &used);
    *v = m.seq_no;
    drop(bytes);
    return e;
}

static int read_nodes(const char *hex, int64_t *v)
{
    char text[64];
    snprintf(text, sizeof text, "81a54e6f646573%s", hex);
    struct kith_bytes bytes = unhex(text);
    struct kith_msg m;
    size_t used;
    int e = kith_wire_read(&m, KITH_BODY_PUSH_PULL, bytes.data, bytes.len, &used);
    *v = m.nodes;
    drop(bytes);
    return e;
}

static void test_integers_of_every_form(void)
{
    static const struct {
        const char *hex;
        int64_t value; /* for a Go int */
        bool fits_int, fits_u32;
    } cases[] = {
        {"00", 0, true, true},
        {"7f", 127, true, true},
        {"c0", 0, true, true},
        {"cc05", 5, true, true},
        {"ccff", 255, true, true},
        {"cdffff", 65535, true, true},
        {"ceffffffff", 4294967295, true, true},
        {"cf00000000ffffffff", 4294967295, true, true},
        {"cf0000000100000000", 4294967296, true, false},
        {"cf7fffffffffffffff", INT64_MAX, true, false},
        {"cf8000000000000000", 0, false, false},
        {"d07f", 127, true, true},
        {"d17fff", 32767, true, true},
        {"d27fffffff", 2147483647, true, true},
        {"d3000000000000ffff", 65535, true, true},
        {"d37fffffffffffffff", INT64_MAX, true, false},
        {"d0ff", -1, true, false},
        {"d18000", -32768, true, false},
        {"d2ffffffff", -1, true, false},
        {"d38000000000000000", INT64_MIN, true, false},
        {"ff", -1, true, false},
        {"e0", -32, true, false},
        {"ca3f800000", 0, false, false},
        {"cb3ff0000000000000", 0, false, false},
        {"a131", 0, false, false},
        {"c3", 0, false, false},
        {"c1", 0, false, false},
        {"91", 0, false, false},
        {"80", 0, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t u;
        int64_t n;
        CU_ASSERT_EQUAL(read_seq_no(cases[i].hex, &u), cases[i].fits_u32 ? 0 : -KITH_EMALFORMED);
        if (cases[i].fits_u32) CU_ASSERT_EQUAL(u, cases[i].value);
        CU_ASSERT_EQUAL(read_nodes(cases[i].hex, &n), cases[i].fits_int ? 0 : -KITH_EMALFORMED);
        if (cases[i].fits_int) CU_ASSERT_EQUAL(n, cases[i].value);
    }
}

/* Read one value of the ack's Payload (bytes) or of the err's Error (string). */
static int read_blob(bool string, const char *hex, size_t *len)
{
    char text[64];
    snprintf(text, sizeof text, "81%s%s", string ? "a54572726f72" : "a75061796c6f6164", hex);
    struct kith_bytes bytes = unhex(text);
    struct kith_msg m;
    size_t used;
    int e =
        kith_wire_read(&m, string ? KITH_BODY_ERR : KITH_BODY_ACK, bytes.data, bytes.len, &used);
    *len = string ? m.error.len : m.payload.len;
    drop(bytes);
    return e;
}

static void test_blobs_of_every_form(void)
{
    static const struct {
        const char *hex;
        size_t len;
        bool bytes, string;
    } cases[] = {
        {"a0", 0, true, true},
        {"a26869", 2, true, true},
        {"d9026869", 2, true, true},
        {"da00026869", 2, true, true},
        {"db000000026869", 2, true, true},
        {"c0", 0, true, true},
        {"c4026869", 2, true, false},
        {"c500026869", 2, true, false},
        {"c6000000026869", 2, true, false},
        {"926869", 2, true, false},
        {"dc00026869", 2, true, false},
        {"dd000000026869", 2, true, false},
        {"90", 0, true, false},
        {"91a0", 0, false, false},
        {"91cc80", 0, false, false},
        {"9180", 0, false, false},
        {"05", 0, false, false},
        {"c3", 0, false, false},
        {"e5", 0, false, false},
        {"d4016869", 0, false, false},
        {"c7020168", 0, false, false},
        {"8168a0", 0, false, false},
        {"c1", 0, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len;
        CU_ASSERT_EQUAL(read_blob(false, cases[i].hex, &len),
                        cases[i].bytes ? 0 : -KITH_EMALFORMED);
        if (cases[i].bytes) CU_ASSERT_EQUAL(len, cases[i].len);
        CU_ASSERT_EQUAL(read_blob(true, cases[i].hex, &len),
                        cases[i].string ? 0 : -KITH_EMALFORMED);
        if (cases[i].string) CU_ASSERT_EQUAL(len, cases[i].len);
    }
}

/* The array form in Go's declaration order, for every message. */
static void test_structs_as_arrays(void)
{
    static const struct {
        enum kith_body body;
        const char *array, *map;
    } cases[] = {
        {KITH_BODY_PING, "9507a16ea4010203040aa173",
         "85a44e6f6465a16ea55365714e6f07aa536f7572636541646472a401020304aa536f757263654e6f6465a173a"
         "a536f75726365506f72740a"},
        {KITH_BODY_INDIRECT_PING, "9807a401020304090aa16ec3a4050607080ba173", NULL},
        {KITH_BODY_INDIRECT_PING, "9807a40102030409a16ec3a4050607080ba173",
         "88a44e61636bc3a44e6f6465a16ea4506f727409a55365714e6f07aa536f7572636541646472a405060708aa5"
         "36f757263654e6f6465a173"
         "aa536f75726365506f72740ba6546172676574a401020304"},
        {KITH_BODY_ACK, "9205a170", "82a75061796c6f6164a170a55365714e6f05"},
        {KITH_BODY_NACK, "9105", "81a55365714e6f05"},
        {KITH_BODY_ERR, "91a165", "81a54572726f72a165"},
        {KITH_BODY_SUSPECT, "9307a16ea166",
         "83a446726f6da166ab496e6361726e6174696f6e07a44e6f6465a16e"},
        {KITH_BODY_DEAD, "9307a16ea166",
         "83a446726f6da166ab496e6361726e6174696f6e07a44e6f6465a16e"},
        {KITH_BODY_PUSH_PULL, "93ccc805c3",
         "83a44a6f696ec3a54e6f646573ccc8ac5573657253746174654c656e05"},
        {KITH_BODY_NODE_STATE, "97a16ea4010203040aa16d0702a6010502000000",
         "87a441646472a401020304ab496e6361726e6174696f6e07a44d657461a16da44e616d65a16ea4506f72740aa"
         "5537461746502"
         "a356736ea6010502000000"},
        {KITH_BODY_USER_HEADER, "9109", "81aa557365724d73674c656e09"},
        /* elements too many are skipped, missing ones stay zero */
        {KITH_BODY_ACK, "9405a170819293c0c1", NULL},
        {KITH_BODY_ACK, "9405a170819203c0c4020000c2", "82a75061796c6f6164a170a55365714e6f05"},
        {KITH_BODY_ACK, "9105", "82a75061796c6f6164c0a55365714e6f05"},
        {KITH_BODY_ACK, "90", "82a75061796c6f6164c0a55365714e6f00"},
        {KITH_BODY_ACK,
         "dc0001"
         "05",
         "82a75061796c6f6164c0a55365714e6f05"},
        {KITH_BODY_ACK, "c0", "82a75061796c6f6164c0a55365714e6f00"},
        {KITH_BODY_ACK, "05", NULL},
        {KITH_BODY_ACK, "a0", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kith_bytes array = unhex(cases[i].array);
        struct kith_msg m;
        uint8_t storage[256];
        struct kith_buf buf = {storage, storage, 0, sizeof storage};
        size_t used;
        int e = kith_wire_read(&m, cases[i].body, array.data, array.len, &used);
        if (!cases[i].map) {
            CU_ASSERT_EQUAL(e, -KITH_EMALFORMED);
        } else {
            struct kith_bytes map = unhex(cases[i].map);
            CU_ASSERT_EQUAL(e, 0);
            CU_ASSERT_EQUAL(used, array.len);
            CU_ASSERT_EQUAL(kith_wire_write(&buf, cases[i].body, &m), 0);
            CU_ASSERT(kith_bytes_equal(kith_bytes_of(buf.data, buf.len), map));
            drop(map);
        }
        drop(array);
    }
}

static void test_keys(void)
{
    static const struct {
        const char *hex;
        int error;
    } cases[] = {
        {"81a55365714e6f07", 0},
        {"81d9055365714e6f07", 0},
        {"81da00055365714e6f07", 0},
        {"81db000000055365714e6f07", 0},
        {"82a0c3a55365714e6f07", 0},
        {"82a55365714e6f09a55365714e6f07", 0},
        {"82a65365714e6f5fc0a55365714e6f07", 0},
        {"82a453657100c0a55365714e6f07", 0},
        {"8107c0", -KITH_EMALFORMED},
        {"81c0c0", -KITH_EMALFORMED},
        {"81c4055365714e6f07", -KITH_EMALFORMED},
        {"8190c0", -KITH_EMALFORMED},
        {"81c1c0", -KITH_EMALFORMED},
        {"81a15ac1", -KITH_EMALFORMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kith_bytes bytes = unhex(cases[i].hex);
        struct kith_msg m;
        size_t used;
        CU_ASSERT_EQUAL(kith_wire_read(&m, KITH_BODY_NACK, bytes.data, bytes.len, &used),
                        cases[i].error);
        if (!cases[i].error) CU_ASSERT_EQUAL(m.seq_no, 7);
        drop(bytes);
    }
}

/* ----------------------------------------------------------------------------------- the table */

static size_t size_of(const struct kith_wire_field *f)
{
    static const size_t sizes[] = {[KITH_WIRE_BOOL] = sizeof(bool),
                                   [KITH_WIRE_U16] = sizeof(uint16_t),
                                   [KITH_WIRE_U32] = sizeof(uint32_t),
                                   [KITH_WIRE_INT] = sizeof(int64_t),
                                   [KITH_WIRE_STRING] = sizeof(struct kith_bytes),
                                   [KITH_WIRE_BYTES] = sizeof(struct kith_bytes)};
    return sizes[f->kind];
}

static void check_row(const struct kith_wire_body *body, size_t i, unsigned *places)
{
    const struct kith_wire_field *f = &body->fields[i];
    size_t len = strlen(f->key.name);
    CU_ASSERT(len > 0 && len + 2 <= KITH_WIRE_KEY);
    CU_ASSERT_EQUAL(f->key.head, 0xa0 | len);
    CU_ASSERT_EQUAL(f->key_len, len + 1);
    for (size_t at = 0; at < KITH_WIRE_KEY; at++)
        CU_ASSERT_EQUAL(f->mask[at], at < f->key_len ? 255 : 0);
    CU_ASSERT_FATAL(f->kind <= KITH_WIRE_BYTES);
    CU_ASSERT(f->offset + size_of(f) <= sizeof(struct kith_msg));
    CU_ASSERT_FATAL(f->place < body->count);
    CU_ASSERT_FALSE(*places & 1u << f->place); /* a permutation */
    *places |= 1u << f->place;
    CU_ASSERT_PTR_EQUAL(kith_wire_declared(body, f->place), f);
    for (size_t j = 0; j < i; j++) {
        const struct kith_wire_field *other = &body->fields[j];
        CU_ASSERT(strcmp(other->key.name, f->key.name) < 0);
        CU_ASSERT(other->offset + size_of(other) <= f->offset ||
                  f->offset + size_of(f) <= other->offset);
    }
}

/* A value of its own for each field: 100 and its place, or a letter. */
static bool has_value(const struct kith_wire_field *f, const struct kith_msg *m)
{
    static const char letters[] = "ABCDEFGHIJKLMNOP";
    const void *at = (const char *)m + f->offset;
    switch ((enum kith_wire_kind)f->kind) {
    case KITH_WIRE_BOOL: return *(const bool *)at;
    case KITH_WIRE_U16: return *(const uint16_t *)at == 100 + f->place;
    case KITH_WIRE_U32: return *(const uint32_t *)at == 100u + f->place;
    case KITH_WIRE_INT: return *(const int64_t *)at == 100 + f->place;
    case KITH_WIRE_STRING:
    case KITH_WIRE_BYTES: break;
    }
    return kith_bytes_equal(*(const struct kith_bytes *)at, kith_bytes_of(letters + f->place, 1));
}

/* What a row says is true, and is all that reader and writer need: a field comes over as an
 * element of an array and as a value of a map, and is left out when it is empty and may be. */
static void test_rows_of_the_table(void)
{
    unsigned bodies = 0;
    for (unsigned body = 0; body < 256; body++) {
        const struct kith_wire_body *shape = kith_wire_body_of((enum kith_body)body);
        if (!shape) continue;
        bodies++;
        unsigned places = 0;
        size_t omitted = 0, ours = 0, n = 1, used;
        CU_ASSERT_FATAL(shape->count > 0 && shape->count <= KITH_WIRE_FIELDS);
        uint8_t array[1 + 2 * KITH_WIRE_FIELDS] = {(uint8_t)(0x90 | shape->count)}, storage[256];
        for (size_t i = 0; i < shape->count; i++) {
            const struct kith_wire_field *f = kith_wire_declared(shape, i);
            check_row(shape, i, &places);
            omitted += shape->fields[i].omit_empty;
            if (f->ours) {
                CU_ASSERT_EQUAL(i, shape->count - 1); /* an array has no place for it */
                array[0]--;
                ours++;
                continue;
            }
            if (f->kind >= KITH_WIRE_STRING) array[n++] = 0xa1;
            array[n++] = f->kind >= KITH_WIRE_STRING ? (uint8_t)('A' + i)
                         : f->kind == KITH_WIRE_BOOL ? 0xc3
                                                     : (uint8_t)(100 + i);
        }
        struct kith_msg from_array, from_map, empty = {0};
        struct kith_buf buf = {storage, storage, 0, sizeof storage};
        CU_ASSERT_EQUAL(kith_wire_read(&from_array, body, array, n, &used), 0);
        CU_ASSERT_EQUAL(kith_wire_write(&buf, body, &from_array), 0);
        CU_ASSERT_EQUAL(buf.data[0], 0x80 | (shape->count - ours));
        CU_ASSERT_EQUAL(kith_wire_read(&from_map, body, buf.data, buf.len, &used), 0);
        for (size_t i = 0; i < shape->count; i++) {
            if (shape->fields[i].ours) continue;
            CU_ASSERT(has_value(&shape->fields[i], &from_array));
            CU_ASSERT(has_value(&shape->fields[i], &from_map));
        }
        buf.len = 0;
        CU_ASSERT_EQUAL(kith_wire_write(&buf, body, &empty), 0);
        CU_ASSERT_EQUAL(buf.data[0], 0x80 | (shape->count - omitted));
    }
    CU_ASSERT_EQUAL(bodies, 11);
}

/* ----------------------------------------------------------------------------------- writing */

static void test_lengths_of_raw(void)
{
    static const struct {
        size_t len, head;
    } cases[] = {{0, 1}, {31, 1}, {32, 3}, {255, 3}, {256, 3}, {65535, 3}, {65536, 5}};
    uint8_t *content = calloc(1, 65536), *storage = malloc(70000);
    CU_ASSERT_FATAL(content && storage);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kith_buf buf = {storage, storage, 0, 70000};
        struct kith_msg m = {.payload = {content, cases[i].len}}, back;
        size_t used, before = 1 + 8, size = before + cases[i].head + cases[i].len + 6 + 1;
        CU_ASSERT_EQUAL(kith_wire_size(KITH_BODY_ACK, &m), size);
        CU_ASSERT_EQUAL(kith_wire_write(&buf, KITH_BODY_ACK, &m), 0);
        CU_ASSERT_EQUAL(buf.len, size);
        CU_ASSERT_EQUAL(buf.data[before], cases[i].head == 1   ? 0xa0 + cases[i].len
                                          : cases[i].head == 3 ? 0xda
                                                               : 0xdb);
        CU_ASSERT_EQUAL(kith_wire_read(&back, KITH_BODY_ACK, buf.data, buf.len, &used), 0);
        CU_ASSERT_EQUAL(back.payload.len, cases[i].len);
    }
    free(content);
    free(storage);
}

static void test_what_does_not_fit_changes_nothing(void)
{
    uint8_t storage[64];
    struct kith_msg m = {.type = KITH_MSG_SUSPECT,
                         .incarnation = 7,
                         .node = {(const uint8_t *)"node-b", 6},
                         .from = {(const uint8_t *)"node-a", 6}};
    for (size_t room = 0; room <= 39; room++) {
        memset(storage, 0xee, sizeof storage);
        struct kith_buf buf = {storage, storage + 3, 5, 8 + room};
        int e = kith_wire_write_message(&buf, &m);
        CU_ASSERT_EQUAL(e, room < 39 ? -KITH_ETOOBIG : 0);
        CU_ASSERT_EQUAL(buf.len, room < 39 ? 5 : 44);
        CU_ASSERT_EQUAL(storage[7], 0xee);
        CU_ASSERT_EQUAL(storage[8 + room], 0xee);
    }
    struct kith_buf buf = {storage, storage, 0, sizeof storage};
    m.type = KITH_MSG_COMPOUND;
    CU_ASSERT_EQUAL(kith_wire_write_message(&buf, &m), -KITH_EINVAL);
    m.type = KITH_BODY_NODE_STATE;
    CU_ASSERT_EQUAL(kith_wire_write_message(&buf, &m), -KITH_EINVAL);
    CU_ASSERT_EQUAL(buf.len, 0);
}

static void test_names(void)
{
    CU_ASSERT_STRING_EQUAL(kith_msg_name(KITH_MSG_PING), "ping");
    CU_ASSERT_STRING_EQUAL(kith_msg_name(KITH_MSG_INDIRECT_PING), "indirect_ping");
    CU_ASSERT_STRING_EQUAL(kith_msg_name(KITH_MSG_ERR), "err");
    CU_ASSERT_STRING_EQUAL(kith_msg_name(KITH_MSG_LABEL), "label");
    CU_ASSERT_STRING_EQUAL(kith_msg_name(14), "unknown");
}

KITH_TESTS("core/wire", {"messages both ways", test_messages_both_ways},
           {"rows of the table", test_rows_of_the_table}, {"push/pull both ways", test_push_pull},
           {"signed lengths", test_signed_user_state_len},
           {"user message header", test_user_header},
           {"alive: what decoders take", test_alive_tolerance},
           {"bool: what decoders take", test_bool_tolerance},
           {"integers of every form", test_integers_of_every_form},
           {"strings and bytes of every form", test_blobs_of_every_form},
           {"structs as arrays", test_structs_as_arrays}, {"keys", test_keys},
           {"lengths of raw", test_lengths_of_raw},
           {"what does not fit changes nothing", test_what_does_not_fit_changes_nothing},
           {"names of messages", test_names})
