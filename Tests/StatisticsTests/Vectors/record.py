"""Records what scikit-learn 1.9 and umap-learn 0.5 answer on small arrays: vectors.json, beside this script.

    pip install scikit-learn==1.9.* umap-learn==0.5.*
    python record.py
"""
import json
import pathlib
import warnings

import numpy as np
import sklearn
import umap
from scipy.stats import pearsonr
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.manifold import trustworthiness
from sklearn.metrics import (accuracy_score, calinski_harabasz_score, f1_score, precision_score, r2_score, recall_score,
                             top_k_accuracy_score)
from sklearn.metrics.cluster import contingency_matrix
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler
from umap.umap_ import find_ab_params, fuzzy_simplicial_set

warnings.filterwarnings("ignore")
rng = np.random.default_rng(5)


def floats(array):
    return [float(f"{v:.9g}") for v in np.asarray(array, dtype=np.float64).ravel()]


def single(array):
    return np.asarray(array, dtype=np.float32)


def logistic_objective(model, x, y, C, weights):
    """The objective over C · Σ weights, in double precision."""
    classes = model.classes_
    z = x.astype(np.float64) @ model.coef_.T + model.intercept_
    w = weights[np.searchsorted(classes, y)]
    if len(classes) == 2:
        z = np.hstack([np.zeros_like(z), z])
    z = z - z.max(1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(1, keepdims=True))
    loss = -(w * logp[np.arange(len(y)), np.searchsorted(classes, y)]).sum()
    return (loss + 0.5 / C * (model.coef_ ** 2).sum()) / w.sum()


out = {"versions": {"scikit-learn": sklearn.__version__, "umap-learn": umap.__version__}}

truth, guess = rng.integers(0, 6, 80), rng.integers(1, 8, 80)
scores = single(rng.integers(0, 5, (80, 6)))  # many ties
zero = {"zero_division": 0}
out["classification"] = {
    "truth": truth.tolist(), "predicted": guess.tolist(), "scores": floats(scores),
    "f1": floats(f1_score(truth, guess, average=None, **zero)), "macro_f1": f1_score(truth, guess, average="macro", **zero),
    "precision": floats(precision_score(truth, guess, average=None, **zero)),
    "recall": floats(recall_score(truth, guess, average=None, **zero)),
    "accuracy": accuracy_score(truth, guess), "top": [top_k_accuracy_score(truth, scores, k=k, labels=range(6)) for k in (1, 2, 3, 5)]}

y = rng.normal(size=(30, 3)); y[:, 2] = 4
p = y + rng.normal(size=(30, 3)) * [0.3, 2, 0.1]
out["regression"] = {"truth": floats(y), "predicted": floats(p),
                     "r2": floats([r2_score([float(f"{v:.9g}") for v in y[:, i]], [float(f"{v:.9g}") for v in p[:, i]]) for i in range(3)]),
                     "pearson": float(pearsonr(y[:, 0], p[:, 0]).statistic)}

x = single(rng.normal(size=(50, 4)) + 3 * rng.integers(0, 3, (50, 1)))
groups = rng.integers(0, 3, 50)
out["clusters"] = {"points": floats(x), "labels": groups.tolist(), "calinski_harabasz": float(calinski_harabasz_score(x.astype(np.float64), groups)),
                   "other": truth[:50].tolist(), "purity": float(contingency_matrix(truth[:50], groups).max(0).sum() / 50)}

out["folds"] = [test.tolist() for _, test in KFold(4).split(np.zeros(11))]

x = single(rng.normal(size=(20, 4)) * [1, 100, 1e-3, 0] + [0, 5, 1, 0.1])
s = StandardScaler().fit(x.astype(np.float64))
out["standardisation"] = {"points": floats(x), "means": floats(s.mean_), "scales": floats(s.scale_)}

# Rank deficient: the last column is the sum of the first two; and more features than points.
x = single(rng.normal(size=(25, 6)) + 2); x[:, 5] = x[:, 0] + x[:, 1]
y = single(x @ rng.normal(size=(6, 2)) + 0.1 * rng.normal(size=(25, 2)) + 7)
wide = single(rng.normal(size=(8, 12)))
X, Y = x.astype(np.float64), y.astype(np.float64)
out["linear"] = []
for name, a, b in (("deficient", x, y), ("wide", wide, y[:8])):
    a64, b64 = a.astype(np.float64), b.astype(np.float64)
    for kind, model in (("least squares", LinearRegression()), ("least squares, no intercept", LinearRegression(fit_intercept=False)),
                        ("ridge", Ridge(2.5)), ("ridge, no intercept", Ridge(2.5, fit_intercept=False))):
        model.fit(a64, b64)
        out["linear"].append({"data": name, "model": kind, "rows": len(a), "points": floats(a), "targets": floats(b),
                              "coefficients": floats(model.coef_),
                              "intercepts": floats(np.broadcast_to(model.intercept_, 2))})

x = single(rng.normal(size=(60, 8)) @ rng.normal(size=(8, 8)) + 5)
pca = PCA(5, svd_solver="full", whiten=True).fit(x.astype(np.float64))
out["pca"] = {"points": floats(x), "components": floats(pca.components_), "variance": floats(pca.explained_variance_),
              "ratio": floats(pca.explained_variance_ratio_), "whitened": floats(pca.transform(x.astype(np.float64)))}

out["kmeans"] = []
x = single(np.concatenate([rng.normal(size=(40, 3)) + c for c in ([0, 0, 0], [6, 0, 0], [0, 6, 0], [0, 0, 6])]))
for name, start in (("plain", x[[0, 1, 41, 90]]), ("an empty cluster", np.concatenate([x[[0, 41, 90]], single([[500, 500, 500]])]))):
    model = KMeans(4, init=start, n_init=1, algorithm="lloyd").fit(x)
    out["kmeans"].append({"name": name, "points": floats(x), "start": floats(start), "labels": model.labels_.tolist(),
                          "inertia": float(model.inertia_), "centers": floats(model.cluster_centers_)})

x = single(rng.normal(size=(90, 5)) * [1, 10, 0.1, 1, 1] + [0, 50, 0, 0, 0])
y3 = np.argmax((x[:, :3] - [0, 50, 0]) / [1, 10, 0.1] + rng.normal(size=(90, 3)), 1) * 2 + 3
out["logistic_points"] = floats(x)
out["logistic"] = []
for name, labels in (("three classes", y3), ("two classes", (y3 > 4).astype(int))):
    for C in (1.0, 0.01):
        for intercept in (True, False):
            for weight in (None, "balanced"):
                m = LogisticRegression(C=C, fit_intercept=intercept, class_weight=weight, tol=1e-12, max_iter=100000, solver="newton-cg")
                m.fit(x.astype(np.float64), labels)
                names, counts = np.unique(labels, return_counts=True)
                w = np.ones(len(names)) if weight is None else len(labels) / (len(names) * counts)
                out["logistic"].append({"name": name, "C": C, "intercept": intercept, "balanced": weight is not None, "labels": labels.tolist(),
                                        "objective": float(logistic_objective(m, x, labels, C, w)),
                                        "probabilities": floats(m.predict_proba(x.astype(np.float64)))})

out["curves"] = [{"spread": s, "minimum_distance": d, "ab": floats(find_ab_params(s, d))} for s, d in ((1, 0.1), (1, 0), (1, 0.5), (2, 0.25))]

x = single(rng.normal(size=(40, 3))); x[7] = x[8]
d = np.sqrt(((x[:, None].astype(np.float64) - x[None]) ** 2).sum(-1))
order = np.argsort(d, 1, kind="stable")
for i in range(40):  # the point itself first, as umap-learn has it
    order[i] = [i] + [j for j in order[i] if j != i]
k = 6
knn = order[:, :k]
graph, _, _ = fuzzy_simplicial_set(x, k, np.random.RandomState(0), "euclidean", knn_indices=knn, knn_dists=single(np.take_along_axis(d, knn, 1)))
graph = graph.tocsr(); graph.sort_indices(); graph.eliminate_zeros()
out["graph"] = {"points": floats(x), "neighbors": k, "starts": graph.indptr.tolist(), "others": graph.indices.tolist(), "weights": floats(graph.data)}


def preservation(x, e, k):
    def near(a):
        d = ((a[:, None] - a[None]) ** 2).sum(-1); np.fill_diagonal(d, np.inf); return np.argsort(d, 1)[:, :k]
    return float(np.mean([len(set(a) & set(b)) / k for a, b in zip(near(x.astype(np.float64)), near(e.astype(np.float64)))]))


digits = load_digits().data[::3].astype(np.uint8)
(pathlib.Path(__file__).parent / "digits.u8").write_bytes(digits.tobytes())
x = digits.astype(np.float32)
runs = []
for seed in range(20):
    e = umap.UMAP(random_state=seed).fit_transform(x)
    runs.append([float(trustworthiness(x, e, n_neighbors=15)), preservation(x, e, 15)])
e = PCA(2, svd_solver="full").fit_transform(x)
e = e * np.sign(e[0])
out["digits"] = {"rows": len(x), "umap": runs, "pca_embedding": floats(single(e)),
                 "pca_trustworthiness": float(trustworthiness(x, single(e), n_neighbors=15)),
                 "pca_preservation": preservation(x, single(e), 15)}

(pathlib.Path(__file__).parent / "vectors.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(out["versions"], {k: len(json.dumps(v)) for k, v in out.items()}, runs)
