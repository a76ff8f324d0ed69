/*
 * fuzz_channel.c - messages and states of channels, and ids that were seen. The first byte chooses:
 * a message, a state, a state that is made of the rest, ids. All that is found lies in the input,
 * and what is written is read back as it was.
 */
#include "fuzz.h"

#include "channel.h"

static bool same(struct kith_bytes a, struct kith_bytes b)
{
    return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

static void check_in(struct kith_bytes part, struct kith_bytes whole)
{
    FUZZ_CHECK(!part.len ||
               (part.data >= whole.data && part.data + part.len <= whole.data + whole.len));
}

static uint8_t *room(size_t len)
{
    uint8_t *p = malloc(len + !len);
    if (!p) exit(2);
    return p;
}

static bool same_frame(const struct kith_channel_frame *a, const struct kith_channel_frame *b)
{
    return a->id == b->id && same(a->name, b->name) && same(a->sender, b->sender) &&
           same(a->body, b->body);
}

static void message(struct kith_bytes in)
{
    struct kith_channel_frame f, again;
    if (kith_channel_parse(in, &f)) return;
    FUZZ_CHECK(kith_channel_is(in) && f.sender.len <= KITH_CHANNEL_SENDER_MAX);
    FUZZ_CHECK(f.name.len && f.name.len <= KITH_CHANNEL_NAME_MAX);
    check_in(f.name, in);
    check_in(f.sender, in);
    check_in(f.body, in);
    size_t head = kith_channel_head(f.name.len, f.sender.len), len = head + f.body.len;
    uint8_t *written = room(len);
    kith_channel_write_head(written, &f);
    if (f.body.len) memcpy(written + head, f.body.data, f.body.len);
    FUZZ_CHECK(kith_channel_parse(kith_bytes_of(written, len), &again) == 0);
    FUZZ_CHECK(same_frame(&f, &again));
    free(written);
}

static void state(struct kith_bytes in)
{
    struct kith_bytes raw, pieces, name, body;
    kith_channel_split(in, &raw, &pieces);
    check_in(raw, in);
    check_in(pieces, in);
    FUZZ_CHECK(raw.len + pieces.len <= in.len && (pieces.len || raw.len <= in.len));
    size_t left = pieces.len;
    int rc;
    while ((rc = kith_channel_next(&pieces, &name, &body)) > 0) {
        check_in(name, in);
        check_in(body, in);
        FUZZ_CHECK(left - pieces.len == kith_channel_piece_head(name.len) + body.len);
        left = pieces.len;
    }
    FUZZ_CHECK(rc == 0 ? !pieces.len : rc == -KITH_EMALFORMED);
}

/* A raw state and pieces, as they come in the input, with a section around the pieces. */
static void made_state(struct kith_bytes in)
{
    enum { PIECES = 40 };
    struct fuzz_input left = {in.data, in.data + in.len};
    struct kith_bytes names[PIECES], bodies[PIECES], raw, pieces, name, body;
    size_t count = 0, cap = 2 * in.len + PIECES * 8 + 64, at = KITH_CHANNEL_SECTION_HEAD;
    const uint8_t *before;
    size_t before_len = fuzz_bytes(&left, &before);
    uint8_t *whole = room(cap), *section = whole + before_len;
    if (before_len) memcpy(whole, before, before_len);
    for (; count < PIECES && left.p < left.end; count++) {
        names[count].len = fuzz_bytes(&left, &names[count].data) % (KITH_CHANNEL_NAME_MAX + 1);
        bodies[count].len = fuzz_bytes(&left, &bodies[count].data);
        if (!names[count].len) names[count] = kith_bytes_of(KITH_CHANNEL_SENDER_PIECE, 1);
        kith_channel_write_piece_head(section + at, names[count], bodies[count].len);
        at += kith_channel_piece_head(names[count].len);
        if (bodies[count].len) memcpy(section + at, bodies[count].data, bodies[count].len);
        at += bodies[count].len;
    }
    at += KITH_CHANNEL_SECTION_FOOT;
    kith_channel_write_section(section, at);
    kith_channel_split(kith_bytes_of(whole, before_len + at), &raw, &pieces);
    FUZZ_CHECK(same(raw, kith_bytes_of(before, before_len)));
    for (size_t i = 0; i < count; i++)
        FUZZ_CHECK(kith_channel_next(&pieces, &name, &body) == 1 && same(name, names[i]) &&
                   same(body, bodies[i]));
    FUZZ_CHECK(kith_channel_next(&pieces, &name, &body) == 0);
    free(whole);
}

/* Runs of numbers as ids: those that came last, and were new, are known. */
static void ids(struct kith_bytes in)
{
    struct kith_seen seen = {.key = {1, 2, 3}};
    struct fuzz_input left = {in.data, in.data + in.len};
    uint64_t last = 0;
    for (int run = 0; run < 4 && left.p < left.end; run++) {
        uint64_t first = 0;
        for (int i = 0; i < 8; i++) first = first << 8 | fuzz_byte(&left);
        size_t count = (size_t)fuzz_byte(&left) * 17, fresh = 0;
        for (size_t i = 0; i < count; i++) {
            last = first + i;
            bool known = kith_seen_has(&seen, last);
            FUZZ_CHECK(kith_seen_add(&seen, last) == known && kith_seen_has(&seen, last));
            fresh = known ? 0 : fresh + 1;
            if (fresh > KITH_SEEN_WINDOW / 2)
                FUZZ_CHECK(kith_seen_has(&seen, last - KITH_SEEN_WINDOW / 2));
            FUZZ_CHECK(seen.count <= KITH_SEEN_WINDOW);
        }
    }
    kith_seen_fini(&seen);
    FUZZ_CHECK(!kith_seen_has(&seen, last));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static void (*const readers[])(struct kith_bytes) = {message, state, made_state, ids};
    if (len) readers[data[0] % 4](kith_bytes_of(data + 1, len - 1));
    return 0;
}
