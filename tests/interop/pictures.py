#!/usr/bin/env python3
"""The page of `kith sim` in a real browser: it takes pictures of results made by hand, wide and
narrow, light and dark, and there is something to be seen on them."""

import collections
import os
import struct
import subprocess
import sys
import zlib

from harness import BUILD, PATIENCE, Failed, collect, main, need

PROGRAM = os.path.join(BUILD, "tests", "cli", "reports")


class Picture:
    """The pixels of a PNG as a browser writes it: 8 bits a colour, no interlacing."""

    def __init__(self, path):
        with open(path, "rb") as f:
            data = f.read()
        at, packed = 8, b""
        while at < len(data):
            size, kind = struct.unpack(">I4s", data[at:at + 8])
            body, at = data[at + 8:at + 8 + size], at + 12 + size
            if kind == b"IHDR":
                self.width, self.height, _, colours = struct.unpack(">IIBB", body[:10])
            packed += body if kind == b"IDAT" else b""
        self.pixel = {2: 3, 6: 4}[colours]
        self.rows = list(self._rows(zlib.decompress(packed)))

    def _rows(self, raw):
        size, step = self.width * self.pixel, self.pixel
        before = bytearray(size)
        for y in range(self.height):
            at = y * (size + 1)
            row = bytearray(raw[at + 1:at + 1 + size])
            how = raw[at]
            for i in range(size) if how else ():
                left = row[i - step] if i >= step else 0
                up, corner = before[i], before[i - step] if i >= step else 0
                row[i] = (row[i] + self._guess(how, left, up, corner)) & 255
            yield row
            before = row

    @staticmethod
    def _guess(how, left, up, corner):
        if how < 4:
            return (0, left, up, (left + up) // 2)[how]
        near = left + up - corner
        return min((abs(near - left), 0, left), (abs(near - up), 1, up),
                   (abs(near - corner), 2, corner))[2]

    def colours(self, x0=0, x1=None, y0=0, y1=None):
        """How often each colour is there."""
        found = collections.Counter()
        for row in self.rows[y0:y1]:
            for x in range(x0, self.width if x1 is None else x1):
                found[bytes(row[x * self.pixel:x * self.pixel + 3])] += 1
        return found


def picture(lab, which, width, height, dark=False):
    chromium = need("chromium")
    page, shot = os.path.join(lab.dir, which + ".html"), os.path.join(lab.dir, which + ".png")
    with open(page, "wb") as f:
        subprocess.run([PROGRAM, which, "html"], stdout=f, check=True)
    argv = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--disable-dev-shm-usage", "--force-device-scale-factor=1",
            "--user-data-dir=" + os.path.join(lab.dir, "browser"), "--screenshot=" + shot,
            "--window-size=%d,%d" % (width, height)]
    argv += ["--blink-settings=preferredColorScheme=0"] if dark else []
    p = subprocess.run(argv + ["file://" + page], capture_output=True, timeout=2 * PATIENCE)
    if not os.path.exists(shot):
        raise Failed("no picture: " + p.stderr.decode("utf-8", "replace")[-2000:])
    return Picture(shot)


def brightness(colour):
    return sum(colour) / 3


def look(p, blue, orange):
    """Ink in each part of the page, and the colours of the lines. Returns the paper's."""
    parts = [p.colours(y0=p.height * i // 4, y1=p.height * (i + 1) // 4) for i in range(4)]
    for i, found in enumerate(parts):
        if len(found) < 10:
            raise Failed("part %d of the picture is blank" % i)
    everything = sum(parts, collections.Counter())
    for colour in (blue, orange):
        if everything[bytes.fromhex(colour)] < 100:
            raise Failed("nothing is #%s" % colour)
    return everything.most_common(1)[0][0]


def test_light(lab):
    paper = look(picture(lab, "plain", 1300, 1500), "1f66b5", "d35c00")
    if brightness(paper) < 200:
        raise Failed("the paper is %s" % paper.hex())


def test_dark(lab):
    paper = look(picture(lab, "plain", 1300, 1500, dark=True), "62a8f0", "f2934e")
    if brightness(paper) > 60:
        raise Failed("the paper is %s" % paper.hex())


def test_narrow(lab):
    p = picture(lab, "hostile", 400, 2400)
    look(p, "1f66b5", "d35c00")
    if len(p.colours(x0=p.width - 10)) != 1:
        raise Failed("something sticks out of a narrow window")


def test_empty(lab):
    if len(picture(lab, "empty", 800, 700).colours()) < 10:
        raise Failed("the picture is blank")


if __name__ == "__main__":
    main(collect(sys.modules[__name__]))
