"""How well embeddings keep neighbourhoods, over many seeds: cyto-bench's UMAP beside umap-learn's on the same points.

    swift build -c release --product cyto-bench
    python benchmarks/umap_quality.py [digits] [features.npy …] [--seeds 24] [--bench .build/release/cyto-bench]

`digits` are scikit-learn's; a file holds points × features in float32. Prints, for each side, mean ± standard error of trustworthiness and of the
part of the 15 nearest neighbours that are kept, and the difference of the means in standard errors. Needs scikit-learn and umap-learn 0.5.
"""
import argparse
import pathlib
import subprocess
import tempfile

import numpy as np


def ranks(x):
    """Of every point the place of every other among its neighbours, from 1."""
    from sklearn.metrics import pairwise_distances
    d = pairwise_distances(x.astype(np.float64))
    np.fill_diagonal(d, np.inf)
    rank = np.empty(d.shape, np.int32)
    np.put_along_axis(rank, np.argsort(d, 1, kind="stable"), np.arange(1, len(x) + 1, dtype=np.int32)[None].repeat(len(x), 0), 1)
    return rank


def quality(rank, embedding, k=15):
    from sklearn.metrics import pairwise_distances
    d = pairwise_distances(embedding.astype(np.float64))
    np.fill_diagonal(d, np.inf)
    near = np.take_along_axis(rank, np.argsort(d, 1, kind="stable")[:, :k], 1)
    n = len(embedding)
    return 1 - 2 * np.maximum(near - k, 0).sum() / (n * k * (2 * n - 3 * k - 1)), (near <= k).mean()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("sets", nargs="*", default=["digits"])
    arguments.add_argument("--seeds", type=int, default=24)
    arguments.add_argument("--bench", default=".build/release/cyto-bench")
    options = arguments.parse_args()
    import umap
    from sklearn.datasets import load_digits
    folder = pathlib.Path(tempfile.mkdtemp(prefix="umap-quality-"))
    for name in options.sets:
        x = load_digits().data.astype(np.float32) if name == "digits" else np.load(name).astype(np.float32)
        np.save(folder / "points.npy", x)
        rank = ranks(x)
        sides = {"cyto-pipe": [], "umap-learn": []}
        for seed in range(options.seeds):
            subprocess.run([options.bench, "statistics", "umap", str(folder / "points.npy"), "--threads", "1", "--seed", str(seed),
                            "--output", str(folder / "ours")], check=True, capture_output=True)
            sides["cyto-pipe"].append(quality(rank, np.fromfile(folder / "ours", np.float32).reshape(len(x), -1)))
            sides["umap-learn"].append(quality(rank, umap.UMAP(random_state=seed).fit_transform(x)))
        mean = {side: np.mean(values, 0) for side, values in sides.items()}
        error = {side: np.std(values, 0, ddof=1) / len(values) ** 0.5 for side, values in sides.items()}
        for side in sides:
            print(f"{name} {x.shape} {side}: trustworthiness {mean[side][0]:.5f} ± {error[side][0]:.5f}, kept {mean[side][1]:.5f} ± {error[side][1]:.5f}")
        z = (mean["cyto-pipe"] - mean["umap-learn"]) / np.hypot(error["cyto-pipe"], error["umap-learn"])
        print(f"{name}: difference over its standard error {z[0]:+.1f}, {z[1]:+.1f}", flush=True)


main()
