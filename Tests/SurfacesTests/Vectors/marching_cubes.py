"""Prints what scikit-image's marching cubes (method 'lewiner') makes of three fields; the numbers stand in RecordedVectorTests.swift.

scikit-image 0.26.0, numpy 2; python marching_cubes.py
"""
import numpy as np
from skimage.measure import marching_cubes


def show(name, field, level):
    v, f, _, _ = marching_cubes(field.astype(np.float32), level, method="lewiner")
    e = np.sort(np.concatenate([f[:, [0, 1]], f[:, [1, 2]], f[:, [2, 0]]]), 1)
    t = v[f]
    area = 0.5 * np.linalg.norm(np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]), axis=1).sum()
    print(name, len(v), len(f), len(v) - len(np.unique(e, axis=0)) + len(f), round(float(area), 3))


p, r, c = np.mgrid[:32, :32, :32].astype(np.float64)
show("ball", 11.3 - np.sqrt((p - 15.5) ** 2 + (r - 15.5) ** 2 + (c - 15.5) ** 2), 0.0)
gyroid = np.sin(.6 * p) * np.cos(.6 * r) + np.sin(.6 * r) * np.cos(.6 * c) + np.sin(.6 * c) * np.cos(.6 * p)
show("gyroid", gyroid, 0.13)
show("waves", np.sin(.9 * p) + np.sin(1.1 * r) + np.sin(1.3 * c), 0.07)
