/*
 * progress.c - a bar on the terminal, ten times a second at most: how far virtual time has come,
 * how many nodes run, how long the rest will take.
 */
#include "progress.h"
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 40, LEAST_BAR = 10, WORDS = 55 };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void kith_progress_begin(struct kith_progress *p, FILE *out, uint64_t end, bool quiet)
{
    *p = (struct kith_progress){.end = end, .began = seconds()};
    if (!quiet && isatty(fileno(out))) p->out = out;
}

/* So many that the line does not wrap. */
static int bar_width(FILE *out)
{
    struct winsize size;
    int width = ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
    width -= WORDS;
    return width > BAR ? BAR : width < LEAST_BAR ? LEAST_BAR : width;
}

/* "1m05s", "2h03m": whole seconds, of long times whole minutes. */
static void span(double s, char out[24])
{
    unsigned long n = s < 1e9 ? (unsigned long)(s + 0.5) : 0;
    if (n < 60)
        snprintf(out, 24, "%lus", n);
    else if (n < 6000)
        snprintf(out, 24, "%lum%02lus", n / 60, n % 60);
    else
        snprintf(out, 24, "%luh%02lum", n / 3600, n / 60 % 60);
}

void kith_progress_show(struct kith_progress *p, uint64_t now, int running)
{
    double time = seconds(), part = (double)now / (double)p->end;
    char at[24], end[24], left[24] = "";
    if (!p->out || time - p->shown < 0.1) return;
    p->shown = time;
    int width = bar_width(p->out), full = (int)(part * width);
    span((double)now / 1e9, at);
    span((double)p->end / 1e9, end);
    if (part > 0.02) span((time - p->began) * (1 - part) / part, left);
    fprintf(p->out, "\r[%.*s%*s] %s of %s, %d nodes%s%s%s\033[K", full,
            "########################################", width - full, "", at, end, running,
            *left ? ", " : "", left, *left ? " left" : "");
    fflush(p->out);
}

void kith_progress_clear(struct kith_progress *p)
{
    if (p->out && p->shown > 0) fputs("\r\033[K", p->out);
    if (p->out) fflush(p->out);
    p->shown = 0;
}
