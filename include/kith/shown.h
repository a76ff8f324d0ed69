/*
 * shown.h - others' bytes as text: a name, an address or a label may hold anything, and ends up on
 * terminals, in logs and in JSON.
 *
 * What is shown is UTF-8 on one line, and can do nothing to a terminal: control characters of all
 * kinds, marks of direction, separators of lines and what has no width are written \xNN, byte by
 * byte, and so is what is no UTF-8. A backslash is written `\\`. Two names that differ are shown
 * differently, and kith_unshow() gives the bytes back, so what one program shows another can be
 * given. All of Kith's programs, logs and answers write names so.
 *
 * Header only, of libc's headers only; any thread.
 */
#ifndef KITH_SHOWN_H
#define KITH_SHOWN_H

#include <kith/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Room for any name of len bytes, with the NUL. */
#define KITH_SHOWN_ROOM(len) (4 * (len) + 1)

/* Bytes of the UTF-8 character at s, of which there are len; 0: none begins here. RFC 3629: no
 * overlong forms, no surrogates, nothing over U+10FFFF. `code`: its number; may be NULL. */
static inline size_t kith_utf8_char(const uint8_t *s, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (!len) return 0;
    size_t n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
    if (!n || n > len) return 0;
    uint32_t c = n == 1 ? s[0] : s[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (s[i] >> 6 != 2) return 0;
        c = c << 6 | (s[i] & 63u);
    }
    if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return 0;
    if (code) *code = c;
    return n;
}

/* Does it move a cursor, turn the direction of writing, end a line, or hide? C0, DEL and C1; the
 * soft hyphen; zero-width characters, joiners and marks of direction; separators of lines; tags and
 * other kin that show nothing. */
static inline bool kith_utf8_is_odd(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C || c == 0x180E ||
           (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
           (c >= 0xE0000 && c <= 0xE0FFF);
}

/* Bytes of the character at s when it can be shown as it is; 0: it can't, or there is none. */
static inline size_t kith_shown_char(const uint8_t *s, size_t len)
{
    uint32_t c = 0;
    size_t n = kith_utf8_char(s, len, &c);
    return n && !kith_utf8_is_odd(c) ? n : 0;
}

/* What is at the front of the len bytes at s, as it is shown: a character, or \xNN of one byte.
 * Into out, without a NUL; `used`: how many bytes of s it stands for. `name`: a backslash is
 * written twice, as in names; else it stays, as in text that nobody reads back. */
static inline size_t kith_show_next(char out[4], const uint8_t *s, size_t len, bool name,
                                    size_t *used)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = kith_shown_char(s, len);
    *used = n ? n : 1;
    if (name && s[0] == '\\') {
        out[0] = out[1] = '\\';
        return 2;
    }
    if (n) {
        memcpy(out, s, n);
        return n;
    }
    out[0] = '\\';
    out[1] = 'x';
    out[2] = digits[s[0] >> 4];
    out[3] = digits[s[0] & 15];
    return 4;
}

/*
 * All of it as it is shown, with a NUL, into cap bytes: what doesn't fit is left out, never a part
 * of a character or of \xNN. Returns its length. cap is at least 1. `name` as above.
 */
static inline size_t kith_show_as(char *out, size_t cap, struct kith_bytes bytes, bool name)
{
    size_t len = 0;
    for (size_t i = 0, used; i < bytes.len; i += used) {
        char piece[4];
        size_t n = kith_show_next(piece, bytes.data + i, bytes.len - i, name, &used);
        if (n >= cap - len) break;
        memcpy(out + len, piece, n);
        len += n;
    }
    out[len] = 0;
    return len;
}

static inline size_t kith_show(char *out, size_t cap, struct kith_bytes name)
{
    return kith_show_as(out, cap, name, true);
}

static inline int kith_hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/*
 * The bytes that are shown so, into out, which has room for as many as text; in place is fine.
 * Returns how many, or -KITH_EINVAL: a backslash is followed by neither another nor xNN.
 */
static inline int kith_unshow(uint8_t *out, struct kith_bytes text)
{
    size_t n = 0;
    const char *s = (const char *)text.data;
    for (size_t i = 0; i < text.len; i++) {
        if (s[i] != '\\') {
            out[n++] = text.data[i];
            continue;
        }
        size_t left = text.len - i - 1;
        int high = left >= 3 && s[i + 1] == 'x' ? kith_hex_digit(s[i + 2]) : -1;
        int low = high >= 0 ? kith_hex_digit(s[i + 3]) : -1;
        if (left && s[i + 1] == '\\') {
            out[n++] = '\\';
            i++;
        } else if (low >= 0) {
            out[n++] = (uint8_t)(high << 4 | low);
            i += 3;
        } else {
            return -KITH_EINVAL;
        }
    }
    return (int)n;
}

#ifdef __cplusplus
}
#endif

#endif
