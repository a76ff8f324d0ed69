/* keyfile.h - private to plugins/: write a ring's keys back to the file they came from. */
#ifndef KITH_KEYFILE_H
#define KITH_KEYFILE_H

#include <kith/plugin.h>

enum kith_keyfile_form {
    KITH_KEYFILE_RAW,
    KITH_KEYFILE_HEX,
    KITH_KEYFILE_BASE64,
    KITH_KEYFILE_SERF
};

/* In which form does this file hold its keys? key: the first of them. */
enum kith_keyfile_form kith_keyfile_form_of(const char *path, struct kith_bytes key);

/* What a file of that form holds; its length. out: kith_keyfile_room(count) bytes. Several keys are
 * always in Serf's form, a JSON array of base64. keys[0] is the primary. Raw: only a key that was
 * read from a raw file; the bytes of another may be the text of a shorter one. */
size_t kith_keyfile_room(size_t count);
size_t kith_keyfile_render(enum kith_keyfile_form, const struct kith_bytes *keys, size_t count,
                           char *out);

/* Replace the file in one step (written beside it, synced, renamed; mode 0600, owner kept). */
int kith_keyfile_write(const char *path, enum kith_keyfile_form, const struct kith_bytes *keys,
                       size_t count, struct kith_error *);

#endif
