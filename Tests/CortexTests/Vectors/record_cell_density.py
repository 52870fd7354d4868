"""Records what scikit-learn and SciPy make of some cells: python record_cell_density.py > cell-density.json

Densities are theirs times the number of cells, per mm².
"""
import json

import numpy
import scipy
import scipy.stats
import sklearn
from sklearn.neighbors import KernelDensity

random = numpy.random.default_rng(7)
cells = numpy.round(random.normal(0, [220, 380], (60, 2)), 2)
side, spacing, first, bandwidth = 15, 90.0, -640.0, 100.0
line = first + spacing * numpy.arange(side)
grid = numpy.stack(numpy.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2)
scikit = numpy.exp(KernelDensity(bandwidth=bandwidth).fit(cells).score_samples(grid)) * len(cells) * 1e6
# SciPy scales the kernel by the covariance of the cells; here it is given the same round one.
estimate = scipy.stats.gaussian_kde(cells.T, bw_method=1.0)
estimate.covariance = bandwidth**2 * numpy.eye(2)
estimate.cho_cov = bandwidth * numpy.eye(2)
estimate.log_det = numpy.log(bandwidth**4 * (2 * numpy.pi) ** 2)
plain = estimate.evaluate(grid.T) * len(cells) * 1e6
print(
    json.dumps(
        {
            "versions": {"numpy": numpy.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__},
            "cells": cells.tolist(),
            "bandwidth": bandwidth,
            "spacing": spacing,
            "first": first,
            "side": side,
            "scikit": [float(f"{v:.10g}") for v in scikit],
            "scipy": [float(f"{v:.10g}") for v in plain],
        }
    )
)
