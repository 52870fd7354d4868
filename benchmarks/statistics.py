"""PCA, k-means, logistic regression and UMAP of cyto-bench beside scikit-learn and umap-learn, on the same arrays, one after the other.

    swift build -c release --product cyto-bench
    python benchmarks/statistics.py [--only pca,kmeans,umap,digits,logistic] [--bench .build/release/cyto-bench] [--threads 2] [--rounds 1]

Needs scikit-learn and umap-learn. Data: 20 clusters on a curved sheet of 24 dimensions in 768, and noise. Each side is a process of its own;
prints one JSON line a measurement: seconds, processor seconds of all threads, peak memory in MiB (the array, 586 MiB of 200,000 × 768, included).
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time


def make(path, rows, columns=768):
    import numpy as np
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(20, 24)) * 2
    turn = rng.normal(size=(24, columns)).astype(np.float32) / np.float32(24 ** 0.5)
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, columns))
    for start in range(0, rows, 10000):
        n = min(10000, rows - start)
        z = (centres[rng.integers(0, 20, n)] + rng.normal(size=(n, 24))).astype(np.float32)
        out[start:start + n] = np.maximum(z @ turn, 0) + 0.1 * rng.normal(size=(n, columns)).astype(np.float32)
    out.flush()


def peer(task, path, result, threads):
    """Runs in a process of its own."""
    import numpy as np
    x = np.load(path)
    figures = {}
    if task == "umap":
        import umap  # compiles at import and first use; its time counts as its users meet it
        model = umap.UMAP(n_neighbors=15, n_jobs=threads)
    elif task.startswith("pca"):
        from sklearn.decomposition import PCA
        model = PCA(256, svd_solver="auto" if task == "pca" else "randomized", random_state=0)
    elif task == "kmeans":
        from sklearn.cluster import KMeans
        model = KMeans(6, n_init=1, random_state=0)
    else:
        from sklearn.linear_model import LogisticRegression
        model = LogisticRegression(max_iter=1000)
    wall, cpu = time.perf_counter(), time.process_time()
    if task == "umap":
        model.fit_transform(x).astype(np.float32).tofile(result)
    elif task == "logistic":
        model.fit(x, np.loadtxt(path + ".labels", dtype=int))
    else:
        model.fit(x)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if task == "kmeans":
        figures = {"inertia": float(model.inertia_), "iterations": int(model.n_iter_)}
    if task.startswith("pca"):
        figures = {"explained": float(model.explained_variance_ratio_.sum())}
    print(json.dumps({"seconds": wall, "cpuSeconds": cpu, "figures": figures,
                      "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def quality(x, path, sample=2000):
    """Trustworthiness and the part of 15 neighbours that are kept, of all points or those of a sample among all."""
    import numpy as np
    e = np.fromfile(path, np.float32).reshape(len(x), -1)
    k = 15
    rows = np.random.default_rng(0).permutation(len(x))[:sample]
    trust, kept = 0.0, 0.0
    for i in rows:
        d = ((x - x[i]) ** 2).sum(1); d[i] = np.inf
        f = ((e - e[i]) ** 2).sum(1); f[i] = np.inf
        rank = np.empty(len(x), int); rank[np.argsort(d, kind="stable")] = np.arange(1, len(x) + 1)
        near = rank[np.argsort(f, kind="stable")[:k]]
        trust += np.maximum(near - k, 0).sum(); kept += (near <= k).mean()
    n = len(x)
    return {"trustworthiness": 1 - 2 * trust / (len(rows) * k * (2 * n - 3 * k - 1)), "kept": kept / len(rows)}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--only", default="pca,pca-randomised,kmeans,umap,digits,logistic")
    arguments.add_argument("--bench", default=".build/release/cyto-bench")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--rounds", type=int, default=1, help="so many runs of either side in turn, and the medians of them")
    arguments.add_argument("--peer", nargs=3)
    options = arguments.parse_args()
    if options.peer:
        return peer(*options.peer, options.threads)
    import numpy as np
    folder = pathlib.Path(tempfile.gettempdir()) / "cyto-statistics"
    folder.mkdir(exist_ok=True)
    # numpy's OpenBLAS picks its own kernels.
    free = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    for task in options.only.split(","):
        rows = {"umap": 50_000, "digits": 1797, "logistic": 20_000}.get(task, 200_000)
        data = folder / f"{rows}.npy"
        if not data.exists():
            if task == "digits":
                from sklearn.datasets import load_digits
                np.save(data, load_digits().data.astype(np.float32))
            else:
                make(data, rows)
        kind = {"digits": "umap", "pca-randomised": "pca"}.get(task, task)
        ours = [options.bench, "statistics", kind, str(data), "--threads", str(options.threads), "--output", str(folder / "ours")]
        if kind == "pca":
            ours += ["--count", "256"] + (["--solver", "randomised"] if task != "pca" else [])
        if kind == "kmeans":
            ours += ["--count", "6"]
        if kind == "logistic":
            labels = data.with_suffix(".npy.labels")
            x = np.load(data)
            np.savetxt(labels, np.argmax(x[:, :30] + np.random.default_rng(1).normal(size=(rows, 30)), 1), fmt="%d")
            ours += ["--labels", str(labels)]
        theirs = [sys.executable, __file__, "--threads", str(options.threads), "--peer", "umap" if kind == "umap" else task, str(data), str(folder / "theirs")]
        measured = {"cyto-pipe": [], "peer": []}
        for round in range(options.rounds):
            for name, command in (("cyto-pipe", ours), ("peer", theirs)):
                answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=free).stdout)
                parts = answer["seconds"] if isinstance(answer["seconds"], dict) else {"fit": answer["seconds"]}
                measured[name].append((sum(parts.values()), answer["peakMiB"]))
                line = {"task": task, "side": name, **{k: answer[k] for k in ("seconds", "cpuSeconds", "figures", "peakMiB")}}
                if kind == "umap" and round == 0:
                    line["quality"] = quality(np.load(data), folder / ("ours" if name == "cyto-pipe" else "theirs"), 500 if rows > 5000 else rows)
                print(json.dumps(line), flush=True)
        if options.rounds > 1:
            middle = {name: sorted(seconds for seconds, _ in runs)[len(runs) // 2] for name, runs in measured.items()}
            ratios = sorted(a / b for (a, _), (b, _) in zip(measured["cyto-pipe"], measured["peer"]))
            print(json.dumps({"task": task, "rounds": options.rounds, "medianSeconds": middle, "medianRatio": ratios[len(ratios) // 2],
                              "faster": sum(r < 1 for r in ratios)}), flush=True)


main()
