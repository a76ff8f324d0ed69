/*
 * replay.c - feed a fuzz target its corpus in an ordinary build: each file of the folders and files
 * given (default: the target's own corpus), and each beginning of the small ones. Whatever goes
 * wrong ends the program; it says at which input.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PREFIXES_UP_TO = 2048 };

static char current[PATH_MAX];
static size_t current_len, inputs;

static void say_where(int sig)
{
    char line[PATH_MAX + 64];
    int n = snprintf(line, sizeof line, "signal %d at the first %zu bytes of %s\n", sig,
                     current_len, current);
    if (write(STDERR_FILENO, line, (size_t)n) < 0) _exit(3);
    signal(sig, SIG_DFL);
    raise(sig);
}

/* A copy of just that length: a sanitizer then sees a read behind it. */
static void run(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len + !len);
    if (!copy) exit(2);
    memcpy(copy, data, len);
    current_len = len;
    inputs++;
    LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static void replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    if (!f || fstat(fileno(f), &st) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(2);
    }
    size_t len = (size_t)st.st_size;
    uint8_t *data = malloc(len + 1);
    if (!data || fread(data, 1, len, f) != len) {
        fprintf(stderr, "%s: can't read it\n", path);
        exit(2);
    }
    fclose(f);
    snprintf(current, sizeof current, "%s", path);
    for (size_t n = len <= PREFIXES_UP_TO ? 0 : len; n < len; n++) run(data, n);
    run(data, len);
    free(data);
}

static void replay(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);
    if (n < 0) {
        replay_file(path);
        return;
    }
    for (int i = 0; i < n; i++) {
        char file[PATH_MAX];
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') replay_file(file);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    const char *srcdir = getenv("srcdir");
    char corpus[PATH_MAX];
    signal(SIGSEGV, say_where);
    signal(SIGABRT, say_where);
    signal(SIGBUS, say_where);
    signal(SIGFPE, say_where);
    snprintf(corpus, sizeof corpus, "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".", FUZZ_TARGET);
    if (argc < 2) replay(corpus);
    for (int i = 1; i < argc; i++) replay(argv[i]);
    printf("%s: %zu inputs\n", FUZZ_TARGET, inputs);
    return inputs ? 0 : 1;
}
