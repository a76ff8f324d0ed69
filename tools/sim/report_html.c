/*
 * report_html.c - a result as one page that needs nothing but itself: no scripts, fonts or pictures
 * from elsewhere. What matters most stands on top, in tiles.
 */
#include "report_parts.h"

#include <stdlib.h>

static void put(FILE *out, const char *text) { kith_put_text(out, KITH_MARKUP, text, 0); }

static struct kith_words seconds(double v) { return kith_number(KITH_SECONDS, v); }
static struct kith_words number(double v) { return kith_number(KITH_COUNT, v); }
static struct kith_words bytes(double v) { return kith_number(KITH_BYTES, v); }

/* ------------------------------------------------------------------------------------- tiles */

static void tile(FILE *out, const char *name, const char *class, const char *big)
{
    fprintf(out, "<div><dt>%s</dt><dd class=\"big %s\">", name, class);
    put(out, big);
    fputs("</dd><dd class=\"sub\">", out);
}

static void end_tile(FILE *out) { fputs("</dd></div>\n", out); }

static struct kith_words after(double v)
{
    struct kith_words w;
    snprintf(w.s, sizeof w.s, "after %.40s", seconds(v).s);
    return w;
}

static void tile_view(FILE *out, const struct kith_result *r)
{
    const struct kith_spread *s = &r->full_view;
    bool all = s->count && s->count >= r->lives;
    tile(out, all ? "All knew all" : "Knew all", "", s->count ? after(s->max).s : "never");
    if (s->count)
        kith_put_words(out, "half %s, from when the last was told to join; ", after(s->p50).s);
    kith_put_words(out, "%s lives", kith_of((double)s->count, (double)r->lives).s);
    end_tile(out);
}

static void tile_at_end(FILE *out, const struct kith_views *v)
{
    bool all = v->right == v->running;
    if (!v->running) return;
    tile(out, "Know all at the end", all ? "good" : "bad",
         all ? "all" : kith_of((double)v->right, (double)v->running).s);
    if (!all)
        kith_put_words(out, "a node knows %s at least, %s at most; ", number((double)v->least).s,
                       number((double)v->most).s);
    kith_put_words(out, "%s", kith_some(v->running, "node runs", "nodes run").s);
    end_tile(out);
}

static int tile_kill(FILE *out, const struct kith_result *r)
{
    struct kith_spread_of_kind k;
    int rc = kith_result_kind(r, "kill", &k);
    if (rc || !k.happenings) return rc;
    tile(out, "Until a kill is known", "", k.count ? seconds(k.told_p50).s : "never");
    if (k.count)
        kith_put_words(out, "to half of the others, %s to the last; suspected after %s; ",
                       seconds(k.told_max).s, seconds(k.noticed_p50).s);
    kith_put_words(out, "%s were told", kith_share((double)k.count, (double)k.to_tell).s);
    end_tile(out);
    return 0;
}

static void tile_false(FILE *out, const struct kith_result *r)
{
    double wrong = (double)r->false_suspicions + (double)r->false_deaths;
    tile(out, "False accusations", wrong > 0 ? "bad" : "good",
         wrong > 0 ? number(wrong).s : "none");
    if (r->suspicions || r->deaths)
        kith_put_words(out, "%s suspicions and %s deaths",
                       kith_of((double)r->false_suspicions, (double)r->suspicions).s,
                       kith_of((double)r->false_deaths, (double)r->deaths).s);
    else
        fputs("nobody was suspected", out);
    end_tile(out);
}

/* That a broadcast does not get everywhere is no fault; that a message does not arrive is one. */
static void tile_reach(FILE *out, const struct kith_result *r, bool broadcast)
{
    double got = 0, to_get = 0, last = 0;
    for (size_t i = 0; i < r->message_count; i++) {
        if (r->messages[i].broadcast != broadcast) continue;
        got += (double)r->messages[i].got.count;
        to_get += (double)r->messages[i].to_get;
        if (r->messages[i].got.max > last) last = r->messages[i].got.max;
    }
    if (!(to_get > 0)) return;
    tile(out, broadcast ? "Broadcasts reached" : "Messages arrived",
         broadcast      ? ""
         : got < to_get ? "bad"
                        : "good",
         kith_share(got, to_get).s);
    kith_put_words(out, "%s; ", kith_of(got, to_get).s);
    kith_put_words(out, "the last after %s", seconds(last).s);
    if (broadcast) fputs("; only its origin sends one, some times, to nodes drawn by chance", out);
    end_tile(out);
}

static void tile_traffic(FILE *out, const struct kith_result *r)
{
    struct kith_words w = bytes(r->packet_bytes_sent + r->stream_bytes_sent), with;
    snprintf(with.s, sizeof with.s, "%.40s/s", w.s);
    tile(out, "Sent by a node", "", with.s);
    kith_put_words(out, "%s/s in %s packets, ", bytes(r->packet_bytes_sent).s,
                   number(r->packets_sent).s);
    kith_put_words(out, "%s/s in streams", bytes(r->stream_bytes_sent).s);
    if (r->packets_dropped > 0)
        kith_put_words(out, "; %s packets/s dropped", number(r->packets_dropped).s);
    end_tile(out);
}

static void tile_cost(FILE *out, const struct kith_result *r)
{
    tile(out, "CPU of the simulation", "", seconds(r->cpu).s);
    kith_put_words(out, "for %s of all nodes' time; %s of memory", seconds(r->node_seconds).s,
                   bytes((double)r->memory).s);
    end_tile(out);
}

static int put_tiles(FILE *out, const struct kith_result *r)
{
    fputs("<dl class=\"tiles\">\n", out);
    tile_view(out, r);
    tile_at_end(out, &r->at_end);
    int rc = tile_kill(out, r);
    tile_false(out, r);
    tile_reach(out, r, false);
    tile_reach(out, r, true);
    tile_traffic(out, r);
    tile_cost(out, r);
    fputs("</dl>\n", out);
    return rc;
}

/* ------------------------------------------------------------------------------------ tables */

/* class: of columns that narrow windows leave out: "x", and very narrow ones "y", too */
static void put_cell(FILE *out, const char *class, bool there, struct kith_words w)
{
    fprintf(out, "<td class=\"%s\">", class);
    put(out, there ? w.s : "–");
    fputs("</td>", out);
}

static void put_what(FILE *out, size_t number, const char *text)
{
    fprintf(out, "<tr><td class=\"n\"><em>%zu</em></td><td class=\"l\">", number);
    put(out, text);
    fputs("</td>", out);
}

static void table_happenings(struct kith_page *page)
{
    FILE *out = page->out;
    fputs("<div class=\"box\"><table><thead><tr><th class=\"n\"></th><th class=\"l\">What</th>"
          "<th class=\"x\">At</th><th>Noticed<br>half</th><th class=\"x\">Noticed<br>last</th>"
          "<th class=\"y\">Told<br>half</th><th class=\"x\">Told<br>95 %</th><th>Told<br>last</th>"
          "<th>Told<br>of all</th><th class=\"y\">Suspected<br>by</th>"
          "<th>Declared<br>dead</th></tr></thead><tbody>\n",
          out);
    for (size_t i = 0; i < page->marks.count; i++) {
        const struct kith_happening *h = page->marks.all[i].happening;
        if (!h) continue;
        double told = (double)h->told.count;
        put_what(out, i + 1, h->text);
        put_cell(out, "x", true, seconds(h->at));
        put_cell(out, "", h->noticed.count, seconds(h->noticed.p50));
        put_cell(out, "x", h->noticed.count, seconds(h->noticed.max));
        put_cell(out, "y", h->told.count, seconds(h->told.p50));
        put_cell(out, "x", h->told.count, seconds(h->told.p95));
        put_cell(out, "", h->told.count, seconds(h->told.max));
        put_cell(out, "", h->to_tell, kith_share(told, (double)h->to_tell));
        put_cell(out, "y", h->to_suspect, kith_of((double)h->suspected_by, (double)h->to_suspect));
        put_cell(out, "", h->silent || !h->about, kith_deaths_of(h));
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void table_messages(struct kith_page *page)
{
    FILE *out = page->out;
    fputs(
        "<div class=\"box\"><table><thead><tr><th class=\"n\"></th><th class=\"l\">What</th>"
        "<th class=\"x\">At</th><th class=\"x\">Messages</th><th class=\"x\">Size</th><th>Half</th>"
        "<th class=\"x\">95 %</th><th>Last</th><th>Of all</th></tr></thead><tbody>\n",
        out);
    for (size_t i = 0; i < page->marks.count; i++) {
        const struct kith_reach *m = page->marks.all[i].reach;
        if (!m) continue;
        put_what(out, i + 1, m->text);
        put_cell(out, "x", true, seconds(m->at));
        put_cell(out, "x", true, number((double)m->messages));
        put_cell(out, "x", true, bytes((double)m->bytes));
        put_cell(out, "", m->got.count, seconds(m->got.p50));
        put_cell(out, "x", m->got.count, seconds(m->got.p95));
        put_cell(out, "", m->got.count, seconds(m->got.max));
        put_cell(out, "", true, kith_share((double)m->got.count, (double)m->to_get));
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void table_left_out(FILE *out, const struct kith_result *r)
{
    fputs("<h2>Left out</h2><p>Of the config: what works outside of the simulation.</p>\n"
          "<div class=\"box\"><table><tbody>\n",
          out);
    for (size_t i = 0; i < r->left_out_count; i++) {
        fputs("<tr><td class=\"l what\"><b>", out);
        put(out, r->left_out[i].what);
        fputs("</b></td><td class=\"l\">", out);
        put(out, r->left_out[i].why);
        fputs("</td></tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

/* -------------------------------------------------------------------------------------- page */

static void put_header(FILE *out, const struct kith_result *r)
{
    fputs("<header><p>kith sim</p><h1>", out);
    kith_put_words(out, "%s for %s%s", kith_some(r->nodes, "node", "nodes").s, seconds(r->time).s,
                   r->asked > r->time ? " (interrupted)" : "");
    fputs("</h1><p>", out);
    put(out, r->file ? r->file : "a config");
    if (r->profile) fputs(" · profile ", out);
    put(out, r->profile);
    if (r->send && *r->send) fputs(" · sends ", out);
    put(out, r->send);
    fputs(r->scenario ? " · scenario " : " · built-in scenario", out);
    put(out, r->scenario);
    fprintf(out, " · seed %llu</p></header>\n", (unsigned long long)r->seed);
}

static void put_members(struct kith_page *page)
{
    const struct kith_result *r = page->r;
    kith_plot_members(page);
    fputs("<h2>What was done, and who heard of it</h2>", page->out);
    if (r->happening_count) {
        fputs(
            "<p>Noticed: until the first of the others took notice. Told: until each of those who "
            "did not know it yet was told. What a later deed to the same node, or to the network, "
            "leads to counts there, but for a death that a suspicion from before leads to.</p>\n",
            page->out);
        table_happenings(page);
    } else {
        fputs("<p>Nothing was done to the cluster.</p>\n", page->out);
    }
    if (!kith_plots_of_spreads(r)) return;
    fputs("<h2>How fast</h2><p>What part of them had noticed, or was told, after how long.</p>\n"
          "<div class=\"cards\">\n",
          page->out);
    kith_plot_full_view(page);
    kith_plot_happenings(page);
    fputs("</div>\n", page->out);
}

static void put_messages(struct kith_page *page)
{
    if (!page->r->message_count) return;
    fputs("<h2>Messages</h2><p>What part of those whom they were for had got them, after how "
          "long. A plain broadcast is sent by its origin alone, some times, to nodes drawn by "
          "chance: nobody passes it on or promises that it reaches all.</p>\n"
          "<div class=\"cards\">\n",
          page->out);
    kith_plot_reach(page);
    fputs("</div><p></p>\n", page->out);
    table_messages(page);
}

static void put_traffic(struct kith_page *page)
{
    if (!page->r->traffic_count && !page->r->curve_count) return;
    fputs(
        "<h2>Traffic and load</h2><p>Of a node, in each second. What is sent is counted as on the "
        "wire; messages received, in packets and on streams, before layers.</p>\n<div "
        "class=\"cards\">\n",
        page->out);
    kith_plot_traffic(page);
    kith_plot_load(page);
    fputs("</div>\n", page->out);
}

static void put_words(FILE *out)
{
    fputs("<h2>What the words mean</h2>\n<div class=\"box\"><dl class=\"words\">"
          "<dt>knew all</dt><dd>A node knows all that ran when the last of those that joined "
          "together with it was told to. Counted for each life, from that moment.</dd>"
          "<dt>know all at the end</dt><dd>A node has all that run as alive, and nobody else as "
          "alive or suspect. Those that are stopped are neither asked nor asked for. After a long "
          "cut a cluster stays split until somebody joins one of the other side.</dd>"
          "<dt>noticed</dt><dd>The first of the others suspects the node, or is told. Of something "
          "done to the network: the first suspicion.</dd>"
          "<dt>told</dt><dd>Another node knows that it joined, left or is dead, is suspected no "
          "more, or has other meta; if it started later, from its start. Of something done to the "
          "network: a death is declared. Of a "
          "stop that ended before anybody was told a death, nobody should be told one.</dd>"
          "<dt>suspected by</dt><dd>How many of the others suspected a node that was killed or "
          "stopped; of many nodes, all pairs together.</dd>"
          "<dt>false</dt><dd>A suspicion or death of a node that ran, was not stopped, and could "
          "exchange packets with its accuser.</dd></dl></div>\n",
          out);
}

static void put_again(FILE *out, const struct kith_result *r)
{
    fputs("<h2>Once more</h2><p>The same seed gives the same run; another one tells how much of "
          "this is chance.</p>\n<div class=\"box\"><pre>",
          out);
    kith_put_command(out, KITH_MARKUP, r);
    fputs("</pre></div>\n", out);
}

int kith_report_html(FILE *out, const struct kith_result *r)
{
    struct kith_page page = {.out = out, .r = r};
    int rc = kith_marks_of(r, &page.marks);
    if (rc) return rc;
    fprintf(out,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
            "<title>kith sim: %s</title>\n<style>\n%s</style></head>\n<body>\n",
            kith_some(r->nodes, "node", "nodes").s, kith_report_style);
    put_header(out, r);
    rc = put_tiles(out, r);
    put_members(&page);
    put_messages(&page);
    put_traffic(&page);
    if (r->left_out_count) table_left_out(out, r);
    put_words(out);
    put_again(out, r);
    fputs("</body></html>\n", out);
    free(page.marks.all);
    if (rc) return rc;
    return fflush(out) || ferror(out) ? -KITH_EIO : 0;
}
