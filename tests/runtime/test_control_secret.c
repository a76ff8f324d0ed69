/*
 * test_control_secret.c - a key that comes over the control socket: no text of it stays in the
 * node's memory, however its request is written.
 */
#include "control_rig.h"
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY = 32, HIDE = 0x5a, PIECE = 16, REGION_MAX = 64 << 20 };

/* The texts to look for. Hidden, so that they are not what is found. */
static char hidden[2][2 * KEY + 1];
static size_t hidden_len[2];

static void show(char *out, unsigned which)
{
    for (size_t i = 0; i < hidden_len[which]; i++) out[i] = (char)(hidden[which][i] ^ HIDE);
    out[hidden_len[which]] = 0;
}

static void hide(char *text, unsigned which)
{
    hidden_len[which] = strlen(text);
    for (size_t i = 0; i < hidden_len[which]; i++) hidden[which][i] = (char)(text[i] ^ HIDE);
    sodium_memzero(text, hidden_len[which]);
}

static void make_key(void)
{
    uint8_t key[KEY];
    char text[2 * KEY + 1];
    randombytes_buf(key, sizeof key);
    sodium_bin2hex(text, sizeof text, key, sizeof key);
    hide(text, 0);
    sodium_bin2base64(text, sizeof text, key, sizeof key, sodium_base64_VARIANT_ORIGINAL);
    hide(text, 1);
    sodium_memzero(key, sizeof key);
}

/* Is a part of one of the texts there? */
static bool is_hidden_text(const char *at)
{
    for (unsigned which = 0; which < 2; which++)
        for (size_t from = 0; from + PIECE <= hidden_len[which]; from += PIECE) {
            size_t i = 0;
            while (i < PIECE && (at[i] ^ HIDE) == hidden[which][from + i]) i++;
            if (i == PIECE) return true;
        }
    return false;
}

static size_t found_in(int mem, unsigned long from, unsigned long to)
{
    size_t len = to - from, found = 0;
    char *copy = len <= REGION_MAX ? malloc(len) : NULL; /* a sanitizer's shadow is larger */
    ssize_t n = copy ? pread(mem, copy, len, (off_t)from) : -1;
    for (ssize_t i = 0; i + PIECE <= n; i++) found += is_hidden_text(copy + i);
    if (n > 0) sodium_memzero(copy, (size_t)n);
    free(copy);
    return found;
}

/* How often any of it is in what this process may write to, but for its stack, where the dynamic
 * linker saves registers that held some of it. */
static size_t found_anywhere(void)
{
    char line[512], mode[8];
    unsigned long from, to;
    size_t found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    CU_ASSERT_FATAL(maps && mem >= 0);
    while (fgets(line, sizeof line, maps))
        if (!strstr(line, "[stack]") && sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3 &&
            !strncmp(mode, "rw", 2))
            found += found_in(mem, from, to);
    close(mem);
    fclose(maps);
    return found;
}

static size_t keys_in(json_t *answer)
{
    size_t n = json_array_size(json_object_get(answer, "keys"));
    CU_ASSERT(json_is_true(json_object_get(answer, "ok")));
    CU_ASSERT(json_is_true(json_object_get(answer, "saved")));
    json_decref(answer);
    return n;
}

static void begin_with_ring(void)
{
    char path[64], extra[128];
    const uint8_t first[] = "0123456789abcdef";
    begin();
    snprintf(path, sizeof path, "%s/key", dir);
    FILE *f = fopen(path, "w");
    CU_ASSERT_FATAL(f && fwrite(first, sizeof first - 1, 1, f) == 1 && fclose(f) == 0);
    CU_ASSERT_EQUAL(chmod(path, 0600), 0);
    snprintf(extra, sizeof extra, "keyring: [ { file: %s } ]\n", path);
    node_opened = kith_control_attach;
    open_node(&nodes[0], extra);
}

/* Sends a request, or the beginning of one, with that text where it says KEY. */
static void send_some(int fd, const char *form, const char *text)
{
    static char request[40000];
    const char *at = strstr(form, "KEY");
    snprintf(request, sizeof request, "%.*s%s%s", (int)(at - form), form, text, at + 3);
    for (size_t sent = 0, len = strlen(request); sent < len;) {
        ssize_t n = write(fd, request + sent, len - sent < 5000 ? len - sent : 5000);
        if (n > 0) sent += (size_t)n;
        kith_loop_turn(loop, 0);
    }
    sodium_memzero(request, sizeof request);
}

static char long_request[30000];

static const struct form {
    const char *request;
    unsigned which;    /* hex or base64 */
    bool escaped;      /* the first character of the key */
    unsigned answered; /* other requests before it */
} forms[] = {
    {"{\"cmd\":\"keys\",\"do\":\"install\",\"key\":\"KEY\"}", 0, false, 0},
    {"{\"cmd\":\"meta\",\"key\":\"\\\"\"}\n{\"key\" : \"KEY\",\"x\":{\"key\":\"y\"},"
     "\"do\":\"install\",\"n\":[1,\"cmd\"],\"cmd\" : \"keys\"}",
     1, false, 1},
    {"{\"c\\u006dd\":\"ke\\u0079s\",\"do\":\"install\",\"k\\u0065y\":\"KEY\"}", 0, true, 0},
    {long_request, 1, false, 0},
};

static void install(int fd, const struct form *form)
{
    char text[2 * KEY + 8], *plain = text + 5;
    show(plain, form->which);
    if (form->escaped) { /* in place of it, and of the bytes before it */
        char escape[8];
        snprintf(escape, sizeof escape, "\\u%04x", (unsigned)*plain);
        memcpy(text, escape, 6);
    }
    send_some(fd, form->request, form->escaped ? text : plain);
    ask(fd, "\n");
    sodium_memzero(text, sizeof text);
    for (unsigned i = 0; i < form->answered; i++) json_decref(next_line(fd));
}

static void test_no_text_of_a_key_stays(void)
{
    snprintf(long_request, sizeof long_request,
             "{\"cmd\":\"keys\",\"key\":\"KEY\",\"do\":\"install\",\"more\":\"%*s\"}",
             (int)sizeof long_request - 100, "");
    begin_with_ring();
    int fd = dial();
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        make_key();
        install(fd, &forms[i]);
        CU_ASSERT_EQUAL(keys_in(next_line(fd)), i + 2);
        CU_ASSERT_EQUAL(found_anywhere(), 0);
    }
    close(fd);
    end();
}

/* As it comes it is kept once, however its buffer grows, and not at all when the client goes. */
static void test_a_request_that_never_ends(void)
{
    enum { PIECES = 2 }; /* of base64 */
    char text[2 * KEY + 1];
    begin_with_ring();
    int fd = dial();
    make_key();
    show(text, 1);
    snprintf(long_request, sizeof long_request, "{\"key\":\"KEY\",\"more\":\"%*s",
             (int)sizeof long_request - 100, "");
    send_some(fd, long_request, text);
    sodium_memzero(text, sizeof text);
    CU_ASSERT_EQUAL(found_anywhere(), PIECES);
    close(fd);
    UNTIL(!control()->count);
    CU_ASSERT_EQUAL(found_anywhere(), 0);
    end();
}

static void test_the_search_finds_what_is_there(void)
{
    char *text = malloc(2 * KEY + 1);
    make_key();
    CU_ASSERT_EQUAL(found_anywhere(), 0);
    show(text, 1);
    CU_ASSERT(found_anywhere() > 0);
    sodium_memzero(text, hidden_len[1]);
    free(text);
}

KITH_TESTS("runtime/control_secret",
           {"the search finds what is there", test_the_search_finds_what_is_there},
           {"a request that never ends", test_a_request_that_never_ends},
           {"no text of a key stays", test_no_text_of_a_key_stays})
