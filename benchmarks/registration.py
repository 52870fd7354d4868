"""SURF + matching + RANSAC of cyto-bench against OpenCV's SIFT + kNN + estimateAffinePartial2D, on the same pairs.

    swift build -c release --product cyto-bench
    python benchmarks/registration.py ../shared/data/mouse-nissl [--bench .build/release/cyto-bench] [--threads 2]

Needs opencv-python-headless and numpy. Both get the same gray images, enlarged three times, contrast stretched. A pair is good
if its gray levels correlate better than with centres laid on each other and at most 0.03 below the better of both methods.
Correlation: inside the union of Otsu's tissues with holes filled, moving resampled into the fixed frame. Prints JSON.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile
import time

import cv2
import numpy as np


def tissue(gray):
    _, mask = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    outside = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(outside, None, (0, 0), 128)
    return outside[1:-1, 1:-1] != 128


def correlation(moving, fixed, matrix):
    """matrix: 2 × 3 on (column, row), moving to fixed."""
    mask = tissue(moving)
    size = (fixed.shape[1], fixed.shape[0])
    slide = float(np.median(moving[~mask]))
    warped = cv2.warpAffine(moving, matrix, size, flags=cv2.INTER_LINEAR, borderValue=slide)
    union = tissue(fixed) | (cv2.warpAffine(mask.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST) > 0)
    return float(np.corrcoef(warped[union].astype(float), fixed[union].astype(float))[0, 1])


def stretched(gray):
    low, high = np.percentile(gray, [0.5, 99.5])
    return np.clip((gray.astype(float) - low) * 255 / max(high - low, 1), 0, 255).astype(np.uint8)


def rigid(moving, fixed):
    a, b = moving.mean(0), fixed.mean(0)
    u, _, vt = np.linalg.svd((moving - a).T @ (fixed - b))
    turn = vt.T @ np.diag([1, np.sign(np.linalg.det(vt.T @ u.T))]) @ u.T
    return np.hstack([turn, (b - turn @ a)[:, None]])


def opencv(images):
    start = time.perf_counter()
    sift = cv2.SIFT_create()
    found = []
    for image in images:
        large = cv2.resize(stretched(image), None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
        points, descriptors = sift.detectAndCompute(large, None)
        found.append((np.array([(p.pt[0] + 0.5, p.pt[1] + 0.5) for p in points]).reshape(-1, 2) / 3 - 0.5, descriptors))
    detected = time.perf_counter()
    matcher = cv2.BFMatcher()
    matrices = []
    for (p, d), (q, e) in zip(found, found[1:]):
        pairs = [m for m in matcher.knnMatch(d, e, k=2) if len(m) == 2]
        good = [a for a, b in pairs if a.distance < 0.8 * b.distance]
        matrices.append(None)
        if len(good) >= 3:
            a = p[[m.queryIdx for m in good]]
            b = q[[m.trainIdx for m in good]]
            _, inliers = cv2.estimateAffinePartial2D(a, b, ransacReprojThreshold=2)
            if inliers is not None and inliers.sum() >= 2:
                keep = inliers.ravel() > 0
                matrices[-1] = rigid(a[keep], b[keep])
    end = time.perf_counter()
    return matrices, detected - start, end - detected


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("data")
    arguments.add_argument("--bench", default=".build/release/cyto-bench")
    arguments.add_argument("--threads", type=int, default=2)
    given = arguments.parse_args()
    cv2.setNumThreads(given.threads)
    files = sorted(pathlib.Path(given.data).glob("*.jpg"))
    images = [cv2.cvtColor(cv2.imread(str(f)), cv2.COLOR_BGR2GRAY) for f in files]
    with tempfile.TemporaryDirectory() as folder:
        lines = []
        for file, image in zip(files, images):
            image.tofile(f"{folder}/{file.stem}.raw")
            lines.append(f"{file.stem} {image.shape[0]} {image.shape[1]}")
        pathlib.Path(folder, "index.txt").write_text("\n".join(lines))
        command = [given.bench, "registration", folder, "--threads", str(given.threads)]
        runs = {
            "cyto-pipe, no refinement (the peer's recipe)": json.loads(subprocess.check_output(command + ["--no-refine"])),
            "cyto-pipe, refined": json.loads(subprocess.check_output(command)),
        }
    theirs, detect, align = opencv(images)
    centred = [
        np.array([[1, 0, (f.shape[1] - m.shape[1]) / 2], [0, 1, (f.shape[0] - m.shape[0]) / 2]], float)
        for m, f in zip(images, images[1:])
    ]
    matrices = {f"OpenCV {cv2.__version__} SIFT": theirs}
    seconds = {f"OpenCV {cv2.__version__} SIFT": (detect, align)}
    for name, run in runs.items():
        seconds[name] = (run["detectSeconds"], run["alignSeconds"])
        matrices[name] = []
        for pair in run["pairs"]:
            m = np.array(pair["matrix"]).reshape(3, 3)
            swapped = np.array([[m[1, 1], m[1, 0], m[1, 2]], [m[0, 1], m[0, 0], m[0, 2]]])
            matrices[name].append(swapped if pair["verdict"] == "accepted" else None)
    pairs = list(zip(images, images[1:]))
    before = [correlation(m, f, a) for (m, f), a in zip(pairs, centred)]
    after = {
        name: [correlation(m, f, a) if a is not None else b for (m, f), a, b in zip(pairs, found, before)]
        for name, found in matrices.items()
    }
    best = [max(values) for values in zip(*after.values())]
    report = {"threads": given.threads, "pairs": len(pairs), "mean_before": float(np.mean(before))}
    for name, values in after.items():
        report[name] = {
            "detect_seconds": seconds[name][0],
            "align_seconds": seconds[name][1],
            "mean_after": float(np.mean(values)),
            "good_pairs": sum(v > b and v >= top - 0.03 for v, b, top in zip(values, before, best)),
        }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
