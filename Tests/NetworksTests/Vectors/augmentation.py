"""Records patches that PyTorch cuts out of one window; AugmentationTests.swift compares.

Run: python augmentation.py > augmentation.json     (recorded with PyTorch 2.13.0+cpu, Python 3.11; in float64)
"""
import json
import math

import numpy
import torch
from torch.nn import functional

from networks import numbers

WINDOW, PATCH, SPACING = 42, 24, 64.0
DRAWS = [
    dict(angle=0.7, row=0.1, column=-0.15, mirrored=True, gain=0.93, offset=0.04, gamma=1.15, sigma=0, amount=None),
    dict(angle=-2.4, row=-0.05, column=0.12, mirrored=False, gain=0.98, offset=-0.08, gamma=0.86, sigma=0.8, amount=None),
    dict(angle=3.0, row=0.0, column=0.2, mirrored=True, gain=0.9, offset=0.1, gamma=1.0, sigma=0.6, amount=1.3),
]


def blur(x, sigma):
    radius = int(4 * sigma + 0.5)
    k = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, dtype=torch.float64) / sigma) ** 2)
    k = k / k.sum()
    rows = torch.cat([x[:radius].flip(0), x, x[-radius:].flip(0)])  # half-sample symmetric, as scipy's "reflect"
    x = functional.conv2d(rows[None, None], k.reshape(1, 1, -1, 1))[0, 0]
    columns = torch.cat([x[:, :radius].flip(1), x, x[:, -radius:].flip(1)], 1)
    return functional.conv2d(columns[None, None], k.reshape(1, 1, 1, -1))[0, 0]


def cut(d):
    pixels = numpy.floor((numbers("window", WINDOW * WINDOW).astype(numpy.float64) + 1) * 128).reshape(WINDOW, WINDOW)
    image = torch.from_numpy(pixels) / 255
    r, c = torch.meshgrid(*[torch.arange(PATCH, dtype=torch.float64) - (PATCH - 1) / 2] * 2, indexing="ij")
    r = -r if d["mirrored"] else r
    co, si = math.cos(d["angle"]), math.sin(d["angle"])
    row = co * r - si * c + d["row"] * 1000 / SPACING
    column = si * r + co * c + d["column"] * 1000 / SPACING
    grid = torch.stack([column, row], -1) / ((WINDOW - 1) / 2)
    x = functional.grid_sample(image[None, None], grid[None], "bilinear", "border", align_corners=True)[0, 0]
    x = d["gain"] * x ** d["gamma"] + d["offset"]
    if d["sigma"]:
        soft = blur(x, d["sigma"])
        x = soft if d["amount"] is None else x + d["amount"] * (x - soft)
    return [round(v, 8) for v in x.reshape(-1).tolist()]


if __name__ == "__main__":
    print(json.dumps([dict(d, values=cut(d)) for d in DRAWS]))
