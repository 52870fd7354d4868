"""Times scikit-image on the segmentation's building blocks and `cyto-bench segmentation` beside it, on one image; prints JSON.

    python benchmarks/segmentation.py [IMAGE] [--bench .build/release/cyto-bench] [--repeats 3]

IMAGE is any picture that scikit-image reads; without one a section of 1640 × 1203 pixels is made up. Both sides read the same
.npy file and run on one core (OMP_NUM_THREADS=1); times are processor seconds, so that other work on the machine does not count.
"""
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import argparse
import json
import statistics
import subprocess
import tempfile
import time

import numpy as np
import scipy
import scipy.ndimage as ndi
import skimage
from skimage import exposure, filters, io, morphology, segmentation, transform


def made_up(rows=1640, columns=1203):
    """A disk of gray matter with a lobed core of white matter, noise and a bright slide."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:rows, :columns]
    angle = np.arctan2(y - rows / 2, x - columns / 2)
    radius = np.hypot((y - rows / 2) / rows, (x - columns / 2) / columns) * (1 + 0.12 * np.cos(11 * angle))
    level = np.where(radius < 0.3, 205, np.where(radius < 0.4, 150, 240)) + 8 * np.sin(x / 300)
    return np.clip(level + random.normal(0, 5, level.shape), 0, 255).astype(np.uint8)


def gray(path):
    image = io.imread(path).astype(float)
    if image.ndim == 3:
        image = image[..., :3] @ [0.2126, 0.7152, 0.0722]
    image = transform.resize(image, (1640, 1203), preserve_range=True)
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


def opened_mean(image):
    low = ndi.minimum_filter(image, 5)
    return ndi.uniform_filter(ndi.maximum_filter(low, 5), 5)


def recipe(image):
    """Methods 3.2 as it is written: the same steps that segmentTissue takes, in their plain order."""
    enhanced = exposure.equalize_adapthist(np.clip(opened_mean(image / 255), 0, 1), kernel_size=250)
    enhanced = opened_mean(ndi.gaussian_filter(enhanced, 1))
    counts, edges = np.histogram(enhanced, 256, (0, 1))
    smooth = ndi.uniform_filter1d(ndi.median_filter(counts.astype(float), 3), 5)
    otsu = filters.threshold_otsu(enhanced)
    minima = [i for i in range(1, 255) if smooth[i - 1] > smooth[i] <= smooth[i + 1]]
    threshold = min((edges[i] for i in minima), key=lambda level: abs(level - otsu), default=otsu)
    tissue = enhanced < threshold
    white = segmentation.morphological_chan_vese(enhanced, 100) > 0
    white = morphology.remove_small_objects(white & tissue, max_size=244)
    return np.where(tissue, 1 + morphology.remove_small_holes(white, max_size=244), 0)


def median_seconds(function, repeats):
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", nargs="?")
    parser.add_argument("--bench", default=".build/release/cyto-bench")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    image = gray(options.image) if options.image else made_up()
    floats = (image / 255).astype(np.float32)
    mask = image < 200
    once = {
        "morphological_chan_vese_100": lambda: segmentation.morphological_chan_vese(floats, 100),
        "segmentation": lambda: recipe(image),
    }
    several = {
        "minimum_5": lambda: ndi.minimum_filter(floats, 5),
        "mean_5": lambda: ndi.uniform_filter(floats, 5),
        "gaussian_1": lambda: ndi.gaussian_filter(floats, 1),
        "clahe_250": lambda: exposure.equalize_adapthist(floats, kernel_size=250),
        "distance_transform": lambda: ndi.distance_transform_edt(mask),
        "remove_small_objects": lambda: morphology.remove_small_objects(mask, max_size=500),
    }
    peer = {name: median_seconds(run, 1) for name, run in once.items()}
    peer |= {name: median_seconds(run, options.repeats) for name, run in several.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "image.npy")
        np.save(path, image)
        command = [options.bench, "segmentation", path, "--repeats", str(options.repeats)]
        ours = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    answer = {
        "image": options.image or "made up",
        "rows": image.shape[0],
        "columns": image.shape[1],
        "peer": {"scikit-image": skimage.__version__, "scipy": scipy.__version__, "cpu_seconds": peer},
        "cyto-bench": {"cpu_seconds": ours["cpuSeconds"]},
        "times_faster": {name: round(peer[name] / ours["cpuSeconds"][name], 1) for name in sorted(peer)},
    }
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
