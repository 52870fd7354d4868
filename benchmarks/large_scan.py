#!/usr/bin/env python3
"""Writes a scan of real size as BigTIFF, to measure the reader with: needs tifffile, imagecodecs and numpy.

    python benchmarks/large_scan.py tiled 105000 77000 /tmp/tiled.tif       deflate in tiles of 512
    python benchmarks/large_scan.py lzw 105000 77000 /tmp/strips.tif        LZW (or none, deflate …) in strips of 64 rows
    /usr/bin/time -v .build/release/cyto-stage section-preview /tmp/tiled.tif --spacing-um 64 --threads 2 /tmp/out.png

A bright slide with a dark, textured ellipse, 1 µm a pixel, 8 bits gray; compresses about 2:1.
"""
import sys

import numpy as np
import tifffile

TILE, STRIP = 512, 64


def main():
    kind, rows, columns, path = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    noise = np.random.default_rng(1).integers(0, 32, size=(1031, 4099)).astype(np.uint8)

    def band(first, last):
        y, x = np.arange(first, last)[:, None], np.arange(columns)[None, :]
        inside = ((y - rows / 2) / (rows * 0.45)) ** 2 + ((x - columns / 2) / (columns * 0.45)) ** 2 < 1
        return np.where(inside, 120 + np.resize(noise, (last - first, columns)), 245).astype(np.uint8)

    def tiles():
        for first in range(0, rows, TILE):
            pixels = band(first, min(first + TILE, rows))
            pixels = np.pad(pixels, ((0, TILE - pixels.shape[0]), (0, -columns % TILE)))
            for left in range(0, pixels.shape[1], TILE):
                yield np.ascontiguousarray(pixels[:, left:left + TILE])

    def strips():
        for first in range(0, rows, STRIP):
            yield band(first, min(first + STRIP, rows))

    common = dict(shape=(rows, columns), dtype=np.uint8, bigtiff=True, photometric="minisblack",
                  resolution=(10000, 10000), resolutionunit="CENTIMETER", maxworkers=2)
    if kind == "tiled":
        tifffile.imwrite(path, tiles(), tile=(TILE, TILE), compression="deflate", compressionargs={"level": 1}, **common)
    else:
        tifffile.imwrite(path, strips(), rowsperstrip=STRIP, compression=None if kind == "none" else kind, **common)


if __name__ == "__main__":
    main()
