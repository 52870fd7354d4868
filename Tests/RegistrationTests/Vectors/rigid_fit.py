"""Records scikit-image's Euclidean fit to noisy points: python rigid_fit.py (scikit-image 0.26, NumPy)."""
import json

import numpy as np
import skimage
from skimage.transform import EuclideanTransform

random = np.random.default_rng(5)
cases = []
for count in (2, 5, 40):
    moving = np.round(random.uniform(-500, 500, (count, 2)), 3)
    turn = random.uniform(-np.pi, np.pi)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    fixed = np.round(moving @ matrix.T + random.uniform(-100, 100, 2) + random.normal(0, 5, (count, 2)), 3)
    found = EuclideanTransform.from_estimate(moving, fixed)
    cases.append({"moving": moving.tolist(), "fixed": fixed.tolist(), "matrix": found.params.ravel().tolist()})
with open("rigid_fit.json", "w") as file:
    json.dump({"made_with": f"scikit-image {skimage.__version__}", "cases": cases}, file, indent=1)
