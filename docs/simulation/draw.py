"""The plots of docs/SIMULATION.md from the CSV files beside this: a small writer of SVG, and what
each picture shows. Light or dark, as who looks at it prefers."""
import csv
import math
import os
import statistics

STYLE = """
:root{--paper:#fcfcfb;--ink:#0b0b0b;--soft:#52514e;--grid:#e1e0d9;--axis:#b9b8b0;
--a:#2a78d6;--b:#eb6834;--c:#1a9a6c;--d:#8a5cc2}
@media(prefers-color-scheme:dark){:root{--paper:#1a1a19;--ink:#fff;--soft:#c3c2b7;--grid:#2f2f2c;
--axis:#55544f;--a:#4b96ee;--b:#e2713f;--c:#2fb184;--d:#a885dc}}
text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--soft)}
.t{font-size:13.5px;font-weight:600;fill:var(--ink)}.s{font-size:11.5px}.n{fill:var(--ink)}
.e{text-anchor:end}.m{text-anchor:middle}
.g{stroke:var(--grid);fill:none}.x{stroke:var(--axis);fill:none}
.l{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.w{stroke-width:2;stroke-linecap:round;opacity:.55}
circle{stroke:var(--paper);stroke-width:1.5}
.a{stroke:var(--a)}.b{stroke:var(--b)}.c{stroke:var(--c)}.d{stroke:var(--d)}
circle.a{fill:var(--a)}circle.b{fill:var(--b)}circle.c{fill:var(--c)}circle.d{fill:var(--d)}
circle.a,circle.b,circle.c,circle.d{stroke:var(--paper)}
.dash{stroke-dasharray:2 5}
"""


def num(v):
    text = "%.1f" % v
    return text[:-2] if text.endswith(".0") else text


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


class Picture:
    def __init__(self, width, height, what):
        self.width, self.height, self.what, self.parts = width, height, what, []

    def text(self, x, y, text, cls=""):
        self.parts.append('<text x="%s" y="%s"%s>%s</text>' % (
            num(x), num(y), ' class="%s"' % cls if cls else "", escape(text)))

    def path(self, points, cls):
        self.parts.append('<path d="M%s" class="%s"/>' % (
            "L".join("%s %s" % (num(x), num(y)) for x, y in points), cls))

    def dot(self, x, y, cls, r=4.5):
        self.parts.append('<circle cx="%s" cy="%s" r="%s" class="%s"/>' % (num(x), num(y), r, cls))

    def legend(self, x, y, names, dashed=()):
        for cls, name in names:
            self.path([(x, y - 4), (x + 18, y - 4)],
                      "l %s%s" % (cls, " dash" if name in dashed else ""))
            if name not in dashed:
                self.dot(x + 9, y - 4, cls, 4)
            self.text(x + 24, y, name, "n")
            x += 24 + 7 * len(name) + 22
        return x

    def save(self, path):
        with open(path, "w", encoding="utf-8") as f:
            f.write('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" '
                    'height="%d" role="img" aria-label="%s">\n<style>%s</style>\n'
                    '<rect width="%d" height="%d" rx="6" style="fill:var(--paper)"/>\n%s\n</svg>\n'
                    % (self.width, self.height, self.width, self.height, escape(self.what),
                       STYLE.replace("\n", ""), self.width, self.height, "\n".join(self.parts)))


class Panel:
    """One plot in a picture. xs, ys: (least, most), and whether logarithmic."""

    def __init__(self, picture, box, title, xs, ys, xlog=False, ylog=False, sub=""):
        self.p, (self.x, self.y, self.w, self.h) = picture, box
        self.xs, self.ys, self.xlog, self.ylog = xs, ys, xlog, ylog
        left = self.x - 40
        picture.text(left, self.y - (30 if sub else 14), title, "t")
        if sub:
            picture.text(left, self.y - 13, sub, "s")

    @staticmethod
    def part(v, span, log):
        if log:
            return math.log(v / span[0]) / math.log(span[1] / span[0])
        return (v - span[0]) / (span[1] - span[0])

    def at(self, x, y):
        y = max(self.ys[0], min(self.ys[1], y))
        return (self.x + self.w * self.part(x, self.xs, self.xlog),
                self.y + self.h * (1 - self.part(y, self.ys, self.ylog)))

    def axes(self, xticks, yticks, xlabel=""):
        for value, label in yticks:
            _, y = self.at(self.xs[0], value)
            self.p.path([(self.x, y), (self.x + self.w, y)], "g")
            self.p.text(self.x - 7, y + 4, label, "e s")
        self.p.path([(self.x, self.y + self.h), (self.x + self.w, self.y + self.h)], "x")
        for value, label in xticks:
            x, _ = self.at(value, self.ys[0])
            self.p.text(x, self.y + self.h + 17, label, "m s")
        if xlabel:
            self.p.text(self.x + self.w / 2, self.y + self.h + 35, xlabel, "m s")

    def line(self, points, cls, dashed=False):
        self.p.path([self.at(*q) for q in points], "l %s%s" % (cls, " dash" if dashed else ""))

    def spread(self, points, cls, shift=0, dashed=False):
        """points: x, values. Median, with a line from the least to the most."""
        points = [(x, v) for x, v in points if v]
        middle = [self.at(x, statistics.median(v)) for x, v in points]
        if len(middle) > 1:
            self.p.path([(x + shift, y) for x, y in middle],
                        "l %s%s" % (cls, " dash" if dashed else ""))
        for (x, v), (px, py) in zip(points, middle):
            low, high = self.at(x, min(v))[1], self.at(x, max(v))[1]
            if low - high > 1:
                self.p.path([(px + shift, low), (px + shift, high)], "w " + cls)
            self.p.dot(px + shift, py, cls)


def read(here, name):
    path = os.path.join(here, name + ".csv")
    if not os.path.exists(path):
        return []
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def values(rows, column, **where):
    return [float(r[column]) for r in rows
            if r[column] != "" and all(r[k] == str(v) for k, v in where.items())]


MEANING = "dot: median of the runs; bar: all of them"
SECONDS = [(0.1, "0.1 s"), (1, "1 s"), (10, "10 s"), (60, "1 min"), (300, "5 min")]


def within(ticks, span):
    return [t for t in ticks if span[0] <= t[0] <= span[1]]


# ----------------------------------------------------------------------------------- pictures


def profiles(here):
    rows = read(here, "profiles")
    if not rows:
        return
    near = [r for r in rows if r["network"] == "near"]
    pic = Picture(760, 572, "Full view, dissemination, detection and traffic by profile and size")
    names = [("a", "lan"), ("b", "wan"), ("c", "local")]
    pic.text(16, 28, "One data centre: 0.5 ms, 0.5 ms of jitter, 0.1 % loss", "t")
    pic.legend(440, 28, names)
    pic.text(744, 560, MEANING, "e s")
    plots = [
        ("All start at once", "until all know all", "full_view", (0.1, 120), SECONDS),
        ("One changes its meta", "until all know", "news_last", (0.1, 120), SECONDS),
        ("A machine goes silent", "until half know that it is dead", "silent_half", (1, 300),
         SECONDS),
        ("Quiet times", "bytes in packets that a node sends a second", "packet_bytes", (5, 200),
         [(5, "5 B"), (10, "10 B"), (20, "20 B"), (50, "50 B"), (100, "100 B"), (200, "200 B")])]
    for i, (title, sub, column, ys, ticks) in enumerate(plots):
        box = (56 + 382 * (i % 2), 106 + 252 * (i // 2), 290, 146)
        panel = Panel(pic, box, title, (6, 1700), ys, xlog=True, ylog=True, sub=sub)
        panel.axes([(n, "{:,}".format(n)) for n in (10, 100, 1000)], within(ticks, ys),
                   "nodes" if i > 1 else "")
        for shift, (cls, name) in zip((-8, 0, 8), names):
            panel.spread([(n, values(near, column, nodes=n, profile=name))
                          for n in (10, 100, 1000)], cls, shift)
    pic.save(os.path.join(here, "profiles.svg"))


def loss(here):
    rows = read(here, "loss")
    if not rows:
        return
    pic = Picture(760, 320, "False suspicions, detection and traffic by loss")
    names = [("a", "as it is"), ("b", "without pings over TCP")]
    pic.text(16, 28, "100 nodes, profile lan", "t")
    pic.legend(196, 28, names)
    pic.text(744, 28, MEANING, "e s")
    percents = (0, 5, 10, 20, 30)
    top, seconds = from_zero(values(rows, "silent_half"), " s")
    # From some to hundreds: a logarithm, whose lowest line is for none at all.
    plots = [
        ("False suspicions", "a node and hour", "false_suspicions", (0.05, 1000), True,
         [(0.05, "none"), (0.1, "0.1"), (1, "1"), (10, "10"), (100, "100"), (1000, "1,000")]),
        ("A silent machine", "until half know that it is dead", "silent_half", (0, top), False,
         seconds),
        ("Packets", "bytes a node and second", "packet_bytes", (50, 10000), True,
         [(v, "{:,}".format(v)) for v in (50, 100, 500, 1000, 5000, 10000)])]
    for i, (title, sub, column, ys, ylog, ticks) in enumerate(plots):
        panel = Panel(pic, (56 + 248 * i, 98, 185, 160), title, (-2, 32), ys, ylog=ylog, sub=sub)
        panel.axes([(p, "%d %%" % p) for p in (0, 10, 20, 30)], ticks,
                   "packets lost")
        for (cls, _), ping, shift in zip(names, ("stream", "packets"), (-2, 2)):
            panel.spread([(p, values(rows, column, loss=p, ping=ping)) for p in percents], cls,
                         shift)
    pic.save(os.path.join(here, "loss.svg"))


def from_zero(shown, unit):
    """Where an axis ends that shows all of these, and its ticks."""
    most = max(shown, default=0) * 1.05
    step = nice(most / 4)
    count = max(math.ceil(most / step), 1)
    return count * step, [(k * step, "%g%s" % (k * step, unit if k else ""))
                          for k in range(count + 1)]


def nice(step):
    if step <= 0:
        return 1
    size = 10 ** math.floor(math.log10(step))
    return next(m * size for m in (1, 2, 2.5, 5, 10) if m * size >= step)


def seeds(here):
    rows = read(here, "seeds-views")
    if not rows:
        return
    pic = Picture(760, 300, "Members known over time by number of seeds, and with trouble")
    names = [("a", "1 seed"), ("b", "3 seeds"), ("c", "10 seeds")]
    pic.text(16, 28, "300 nodes start within a second", "t")
    pic.legend(306, 28, names)
    plots = [("All is well", "none", (0, 5, 10, 15, 20)),
             ("A seed, n0, comes 20 s later", "n0 is late", (0, 20, 40, 60))]
    for i, (title, trouble, ticks) in enumerate(plots):
        panel = Panel(pic, (56 + 254 * i, 98, 190, 160), title, (0, ticks[-1]), (0, 300),
                      sub="members that the last node knows")
        panel.axes([(t, "%d s" % t) for t in ticks], [(v, str(v)) for v in (0, 100, 200, 300)])
        for cls, name in names:
            for r in rows:
                if (r["seeds"], r["trouble"]) == (name.split()[0], trouble):
                    panel.line([(0, 0)] + [(float(t), float(v)) for t, v in r.items()
                                           if t[0].isdigit() and v != "" and
                                           float(t) <= ticks[-1]], cls)
    cost = [r for r in read(here, "seeds") if r["trouble"] == "none"]
    top, ticks = from_zero(values(cost, "stream_megabytes"), " MB")
    panel = Panel(pic, (564, 98, 176, 160), "What that costs", (0, 11), (0, top),
                  sub="bytes on streams, all nodes in 40 s")
    panel.axes([(1, "1"), (3, "3"), (10, "10 seeds")], ticks)
    for cls, name in names:
        panel.spread([(int(name.split()[0]),
                       values(cost, "stream_megabytes", seeds=name.split()[0]))], cls)
    pic.save(os.path.join(here, "seeds.svg"))


def probe(here):
    rows = read(here, "probe")
    if not rows:
        return
    pic = Picture(760, 310, "Detection, packets and false suspicions by probe interval")
    intervals = (0.2, 0.5, 1, 2, 5)
    of = lambda column, v: values(rows, column, interval="%g" % v)
    pic.text(16, 28, "100 nodes, profile lan with another probe.interval", "t")
    pic.text(744, 28, MEANING, "e s")
    xticks = [(0.2, "0.2"), (0.5, "0.5"), (1, "1"), (2, "2"), (5, "5 s")]
    times = [(0.3, "0.3 s"), (1, "1 s"), (3, "3 s"), (10, "10 s"), (30, "30 s"), (100, "100 s")]
    box = lambda i: (56 + 252 * i, 98, 185, 160)
    panel = Panel(pic, box(0), "A machine goes silent", (0.15, 6.5), (0.2, 100), xlog=True,
                  ylog=True, sub="until somebody suspects it; half know")
    panel.axes(xticks, times, "probe.interval")
    for cls, column, name, below in (("a", "silent_half", "known as dead", False),
                                     ("b", "silent_noticed", "suspected", True)):
        panel.spread([(v, of(column, v)) for v in intervals], cls)
        x, y = panel.at(1, statistics.median(of(column, 1)))
        pic.text(x + (10 if below else -8), y + (22 if below else -8), name,
                 "n s" + ("" if below else " e"))
    panel = Panel(pic, box(1), "What that costs", (0.25, 16), (1, 100), xlog=True, ylog=True,
                  sub="until half know, against packets")
    panel.axes([(v, "%g" % v) for v in (0.3, 1, 3, 10)], within(times, (1, 100)),
               "packets a node and second")
    points = [(statistics.median(of("packets", v)), of("silent_half", v)) for v in intervals]
    panel.spread(points, "a")
    for v, (x, y) in zip(intervals, points):
        px, py = panel.at(x, statistics.median(y))
        pic.text(px + 8, py - 7, "%g s" % v, "n s")
    panel = Panel(pic, box(2), "On a bad network: 20 % loss", (0.15, 6.5), (0.3, 1000), xlog=True,
                  ylog=True, sub="false suspicions a node and hour")
    panel.axes(xticks, [(v, "%g" % v) for v in (1, 10, 100, 1000)], "probe.interval")
    panel.spread([(v, of("false_suspicions", v)) for v in intervals], "a")
    pic.save(os.path.join(here, "probe.svg"))


def all_of(here):
    for picture in (profiles, loss, seeds, probe):
        picture(here)
