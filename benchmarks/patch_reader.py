#!/usr/bin/env python3
"""Patches a second from a tiled BigTIFF: reader and augmentation, beside PyTorch's DataLoader with tifffile, zarr and OpenCV.

    python benchmarks/patch_reader.py make 20000 /tmp/scan.tif          1 µm a pixel, deflate in tiles of 512, a pyramid level at 2 µm
    python benchmarks/patch_reader.py run /tmp/scan.tif [--patches 24] [--workers 2]      both, in turns; prints JSON
    .build/release/cyto-learn patch-throughput /tmp/scan.tif 24 2       ours alone

A patch is 2048 px at 2 µm: a window of 3096 px is read once; the patch is turned, shifted, mirrored, its intensities changed, blurred or
sharpened (Methods 3.4), float32. Needs tifffile, imagecodecs, zarr, numpy, opencv-python-headless, torch.

Patches lie anywhere, as a training has them from thousands of scans: the cache holds about one window, so that next to no tile serves twice.
`--smart` lets the peer read the box around the turned patch instead of the whole window.
"""
import json
import math
import os
import subprocess
import sys
import time

import numpy as np

SIDE, WINDOW, SPACING = 2048, 3096, 2.0


def make(side, path):
    import cv2
    import tifffile

    random = np.random.default_rng(1)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    inside = (y / side - 0.5) ** 2 + (x / side - 0.5) ** 2 < 0.47 ** 2
    # Cells: dark blobs of about 10 µm on gray tissue, and the camera's noise, so that it packs about as a scan does.
    cells = cv2.GaussianBlur((random.random((side, side), np.float32) < 0.002).astype(np.float32), (0, 0), 4) * 60
    image = np.where(inside, 190 - 120 * np.minimum(cells, 1), 240) + random.normal(0, 2, (side, side)).astype(np.float32)
    image = np.clip(image, 0, 255).astype(np.uint8)
    half = cv2.resize(image, (side // 2, side // 2), interpolation=cv2.INTER_AREA)
    common = dict(tile=(512, 512), compression="deflate", compressionargs={"level": 6}, photometric="minisblack")
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        file.write(image, subifds=1, resolution=(10000, 10000), resolutionunit="CENTIMETER", **common)
        file.write(half, subfiletype=1, resolution=(5000, 5000), resolutionunit="CENTIMETER", **common)


class Patches:
    """A map-style data set, as one is written for PyTorch."""

    def __init__(self, path, count, smart):
        self.path, self.count, self.smart, self.level = path, count, smart, None

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        import cv2
        import tifffile
        import torch
        import zarr

        if self.level is None:
            cv2.setNumThreads(1)
            self.level = zarr.open(tifffile.imread(self.path, aszarr=True, level=1), mode="r")
        begun = time.process_time()
        random = np.random.default_rng([3, index])
        rows, columns = self.level.shape
        row, column = (int(random.integers(WINDOW // 2, n - WINDOW // 2)) for n in (rows, columns))
        angle, direction = random.uniform(-math.pi, math.pi, 2)
        shift = random.uniform(0, 0.2) * 1000 / SPACING
        flip = -1.0 if random.random() < 0.5 else 1.0
        half = WINDOW // 2
        if self.smart:
            half = math.ceil((SIDE - 1) / 2 * (abs(math.cos(angle)) + abs(math.sin(angle))) + shift) + 2
            half = min(half, WINDOW // 2)
        window = self.level[row - half:row + half, column - half:column + half]
        c, s = math.cos(angle), math.sin(angle)
        m = (SIDE - 1) / 2
        centre = half - 0.5
        cy, cx = centre + shift * math.sin(direction), centre + shift * math.cos(direction)
        # window (x, y) of patch (x, y), for WARP_INVERSE_MAP
        matrix = np.array([[c, s * flip, cx - m * (s * flip + c)], [-s, c * flip, cy - m * (c * flip - s)]])
        patch = cv2.warpAffine(window.astype(np.float32) / 255, matrix, (SIDE, SIDE),
                               flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT)
        gain, offset = random.uniform(0.9, 1), random.uniform(-0.1, 0.1)
        z = random.uniform(-0.05, 0.05) / math.sqrt(2)
        gamma = math.log(0.5 + z) / math.log(0.5 - z)
        patch = cv2.pow(patch, gamma) * gain + offset
        choice, sigma, amount = random.random(), random.uniform(0.125, 1), random.uniform(0.5, 1.5)
        if choice < 0.5:
            blurred = cv2.GaussianBlur(patch, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
            patch = blurred if choice < 0.25 else patch + amount * (patch - blurred)
        patch = torch.from_numpy(np.ascontiguousarray(patch, np.float32))[None]
        return patch, time.process_time() - begun


def peer(path, count, workers, smart):
    import torch
    from torch.utils.data import DataLoader

    torch.set_num_threads(1)
    loader = DataLoader(Patches(path, count + 2 * workers, smart), batch_size=1, num_workers=workers, prefetch_factor=2)
    patches = iter(loader)
    for _ in range(2 * workers):  # workers start, files open
        next(patches)
    start, begun = time.perf_counter(), time.process_time()
    inside = sum(float(seconds) for _, seconds in patches)
    cpu = inside + time.process_time() - begun  # the workers', and what the loader takes here
    return {"patches_per_s": count / (time.perf_counter() - start), "patches_per_cpu_s": count / cpu}


def ours(path, count, threads):
    program = os.environ.get("CYTO_LEARN", os.path.join(os.path.dirname(__file__), "..", ".build", "release", "cyto-learn"))
    return json.loads(subprocess.check_output([program, "patch-throughput", path, str(count), str(threads)]))


def main():
    if sys.argv[1] == "make":
        return make(int(sys.argv[2]), sys.argv[3])
    path, options = sys.argv[2], sys.argv[3:]
    value = lambda name, default: int(options[options.index(name) + 1]) if name in options else default
    count, workers = value("--patches", 24), value("--workers", 2)
    smart = "--smart" in options
    rounds = {"ours": [], "peer": []}
    for _ in range(3):  # in turns: the machine is shared
        rounds["peer"].append(peer(path, count, workers, smart))
        rounds["ours"].append(ours(path, count, workers))
    figures = {"workers": workers, "patches": count, "smart_peer": smart}
    for figure in ["patches_per_s", "patches_per_cpu_s"]:
        for name, results in rounds.items():
            figures[f"{name}_{figure}"] = sorted(result[figure] for result in results)[1]
        figures[f"ratio_{figure}"] = figures[f"ours_{figure}"] / figures[f"peer_{figure}"]
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
