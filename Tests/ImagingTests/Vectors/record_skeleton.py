"""Records skeletons and filled polygons: python record_skeleton.py > skeleton.json

OpenCV's Zhang-Suen thinning (opencv-contrib-python-headless) is the reference of `skeleton(of:)`, scikit-image's
`skeletonize` a second opinion, its `polygon2mask` that of filled polygons. Corners lie off the lattice, so that no pixel's
centre is on an edge.
"""
import base64
import json

import cv2
import numpy as np
import scipy.ndimage as ndi
import skimage
from skimage import draw, morphology

arrays = {}


def keep(name, array):
    array = np.ascontiguousarray(array)
    arrays[name] = {
        "shape": list(array.shape),
        "element": array.dtype.newbyteorder("=").name,
        "data": base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode(),
    }


random = np.random.default_rng(7)
y, x = np.mgrid[:61, :83]
shapes = {
    "blobs": ndi.gaussian_filter(random.normal(size=(61, 83)), 3) > 0.02,
    "ring": np.abs(np.hypot(y - 30, (x - 40) / 1.3) - 20) < 5.5,
    "bar": (np.abs(y - 30.2 - 0.3 * (x - 40)) < 6) & (np.abs(x - 40) < 33),
    "noise": random.random((61, 83)) < 0.75,
    "edges": np.ones((61, 83), bool),
}
for name, shape in shapes.items():
    image = shape.astype(np.uint8)
    keep(f"{name}", image)
    thin = cv2.ximgproc.thinning(np.pad(image, 1) * 255, thinningType=cv2.ximgproc.THINNING_ZHANGSUEN)
    keep(f"{name}/opencv", (thin[1:-1, 1:-1] > 0).astype(np.uint8))
    keep(f"{name}/skimage", morphology.skeletonize(shape).astype(np.uint8))

for number, count in enumerate([3, 5, 9, 40]):
    angle = np.sort(random.uniform(0, 2 * np.pi, count))
    radius = random.uniform(8, 40, count)
    corners = np.stack([30.13 + radius * np.sin(angle), 41.77 + radius * np.cos(angle)], axis=1)
    keep(f"polygon{number}", corners)
    keep(f"polygon{number}/mask", draw.polygon2mask((61, 83), corners).astype(np.uint8))

print(json.dumps({"versions": {"opencv": cv2.__version__, "skimage": skimage.__version__}, "arrays": arrays}, indent=0))
