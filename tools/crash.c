/*
 * crash.c - names the plugin that was being called when the process crashed (crash_note.h).
 *
 * The handler only writes, and only if somebody reads: who dies waits for nobody. Who handled the
 * signal before (nobody, or a sanitizer) gets it next, with the same fault at the same place.
 */
#include "crash.h"

#include "crash_note.h"
#include "fail.h"
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGSYS};
enum { SIGNALS = sizeof signals / sizeof *signals, STACK = 32768 };

static struct sigaction before[SIGNALS];
static bool watching;

/* As much of text as there is room for; the new end. Async-signal-safe, as all below. */
static char *add(char *at, const char *end, const char *text)
{
    while (*text && at < end) *at++ = *text++;
    return at;
}

static void write_note(const char *what)
{
    const struct kith_crash_note *note = kith_crash_noted;
    char line[1024], *end = line + sizeof line, *at = line;
    if (!watching || !note) return;
    at = add(at, end, "kith: plugin ");
    at = add(at, end, note->file);
    at = add(at, end, what);
    at = add(at, end, note->doing);
    at = add(at, end, "\n");
    struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&ready, 1, 0) == 1 && write(STDERR_FILENO, line, (size_t)(at - line)) < 0)
        return; /* nobody left to tell */
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    write_note(" crashed while it was being ");
    for (size_t i = 0; i < SIGNALS; i++)
        if (signals[i] == number) sigaction(number, &before[i], NULL);
    /* A fault happens again on return; a signal that was sent does not. */
    if (info->si_code <= 0) raise(number);
}

/* exit() from inside a plugin is no orderly end of ours, whatever code it gave. */
static void on_exit_inside(void)
{
    if (!watching || !kith_crash_noted) return;
    write_note(" ended the program while it was being ");
    fflush(stdout);
    _exit(KITH_EXIT_FAILED);
}

void kith_tool_watch_crashes(void)
{
    static char stack[STACK]; /* the fault may be that the other one is full */
    const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction sa = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    watching = true;
    sigaltstack(&other, NULL);
    for (size_t i = 0; i < SIGNALS; i++) sigaction(signals[i], &sa, &before[i]);
    atexit(on_exit_inside);
}

void kith_tool_ignore_crashes(void)
{
    for (size_t i = 0; i < SIGNALS; i++) signal(signals[i], SIG_DFL);
    watching = false;
}
