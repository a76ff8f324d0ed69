/*
 * report_numbers.c - numbers and texts, as people read them, and made harmless: what is no number,
 * and texts that would play with a terminal or a page.
 */
#include "report_parts.h"

#include "utf8.h"
#include <math.h>
#include <stdarg.h>
#include <string.h>

/* ----------------------------------------------------------------------------------- numbers */

static struct kith_words say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static struct kith_words say(const char *fmt, ...)
{
    struct kith_words w;
    va_list args;
    va_start(args, fmt);
    vsnprintf(w.s, sizeof w.s, fmt, args);
    va_end(args);
    return w;
}

/* Three digits, or all before the point; no zeros at the end. */
static struct kith_words digits(double v)
{
    int decimals = v >= 99.95 ? 0 : v >= 9.995 ? 1 : v >= 0.0995 ? 2 : 3;
    struct kith_words w = say("%.*f", decimals, v);
    if (!decimals) return w;
    char *end = w.s + strlen(w.s);
    while (end[-1] == '0') *--end = 0;
    if (end[-1] == '.') *--end = 0;
    return w;
}

static struct kith_words scaled(double v, double base, const char *const *units)
{
    while (v >= 999.5 && units[1]) v /= base, units++;
    return v < 1e6 ? say("%s%s", digits(v).s, *units) : say("%.3g%s", v, *units);
}

/* 1,234,567 */
static struct kith_words grouped(double v)
{
    struct kith_words w = {""}, plain = say("%.0f", v);
    size_t n = strlen(plain.s), at = 0;
    for (size_t i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0) w.s[at++] = ',';
        w.s[at++] = plain.s[i];
    }
    w.s[at] = 0;
    return w;
}

static struct kith_words count(double v)
{
    static const char *const units[] = {" M", " G", " T", NULL};
    if (v < 0.001) return say("<0.001");
    if (v < 1000 && v != floor(v)) return digits(v);
    return v < 999999.5 ? grouped(v) : scaled(v / 1e6, 1000, units);
}

static struct kith_words seconds(double v)
{
    if (v < 0.000001) return say("<1 µs");
    if (v < 0.0009995) return say("%s µs", digits(v * 1e6).s);
    if (v < 0.0995) return say("%s ms", digits(v * 1e3).s);
    double whole = floor(v + 0.5);
    if (v > 59.5 && v < 7199.5 && fmod(whole, 60) == 0 && fabs(v - whole) < 0.05)
        return say("%.0f min", whole / 60);
    if (v < 99.95) return say("%s s", digits(v).s);
    if (v < 7199.5 && fmod(whole, 60) == 0) return say("%.0f min", whole / 60);
    if (v < 7199.5) return say("%.0f min %.0f s", floor(whole / 60), fmod(whole, 60));
    double minutes = floor(v / 60 + 0.5);
    if (minutes < 6000 && fmod(minutes, 60) != 0)
        return say("%.0f h %.0f min", floor(minutes / 60), fmod(minutes, 60));
    return say("%s h", count(floor(v / 3600 + 0.5)).s);
}

static struct kith_words percent(double v)
{
    if (v < 0.1) return say("<0.1 %%");
    if (v > 99 && v < 100) return say("%.1f %%", floor(v * 10) / 10);
    return say("%s %%", digits(v).s);
}

struct kith_words kith_number(enum kith_unit unit, double v)
{
    static const char *const bytes[] = {" B", " kB", " MB", " GB", " TB", NULL};
    static const char *const zero[] = {"0", "0 s", "0 B", "0 %"};
    if (!isfinite(v)) return say("-");
    if (v < 0) return say("-%s", kith_number(unit, -v).s);
    if (v == 0) return say("%s", zero[unit]);
    if (unit == KITH_SECONDS) return seconds(v);
    if (unit == KITH_PERCENT) return percent(v);
    return unit == KITH_COUNT ? count(v) : v < 0.001 ? say("<0.001 B") : scaled(v, 1000, bytes);
}

struct kith_words kith_share(double part, double whole)
{
    return kith_number(KITH_PERCENT, whole > 0 ? 100 * part / whole : 0);
}

struct kith_words kith_some(size_t n, const char *one, const char *more)
{
    return say("%s %s", grouped((double)n).s, n == 1 ? one : more);
}

struct kith_words kith_of(double part, double whole)
{
    return say("%s of %s", kith_number(KITH_COUNT, part).s, kith_number(KITH_COUNT, whole).s);
}

struct kith_words kith_deaths_of(const struct kith_happening *h)
{
    if (!h->about) return kith_some(h->dead, "death", "deaths");
    if (!h->dead) return say("none");
    return kith_of((double)h->dead, (double)h->silent);
}

/* ------------------------------------------------------------------------------------- texts */

static void put_escaped(FILE *out, const char *s, size_t n)
{
    switch (*s) {
    case '&': fputs("&amp;", out); break;
    case '<': fputs("&lt;", out); break;
    case '>': fputs("&gt;", out); break;
    case '"': fputs("&quot;", out); break;
    default: fwrite(s, 1, n, out);
    }
}

void kith_put_text(FILE *out, enum kith_escape how, const char *text, size_t most)
{
    size_t len = text ? strlen(text) : 0, width = text ? kith_text_width(text) : 0;
    for (size_t i = 0, shown = 0, n; i < len; i += n ? n : 1) {
        if (most && width > most && shown == most - 1) {
            fputs("…", out);
            return;
        }
        n = text[i] == '\t' ? 0 : kith_utf8_shown(text + i, len - i);
        if (n && how == KITH_MARKUP)
            put_escaped(out, text + i, n);
        else
            fwrite(n ? text + i : "?", 1, n ? n : 1, out);
        shown++;
    }
}

void kith_put_words(FILE *out, const char *fmt, ...)
{
    char words[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    kith_put_text(out, KITH_MARKUP, words, 0);
}

size_t kith_text_width(const char *text)
{
    size_t len = strlen(text), width = 0;
    for (size_t i = 0, n; i < len; i += n ? n : 1, width++) n = kith_utf8_shown(text + i, len - i);
    return width;
}
