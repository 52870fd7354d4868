"""Records what SciPy and scikit-image make of small images: python record.py > imaging.json

Arrays stand as base64 of little-endian numbers with their shape. Recorded with scikit-image 0.26.0 and the SciPy and NumPy
versions that the file names.
"""
import base64
import json
import sys

import numpy as np
import scipy
import scipy.ndimage as ndi
import skimage
from skimage import exposure, filters, morphology, segmentation

arrays = {}


def keep(name, array):
    array = np.ascontiguousarray(array)
    arrays[name] = {
        "shape": list(array.shape),
        "element": array.dtype.newbyteorder("=").name,
        "data": base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode(),
    }


def tissue(rows, columns, seed):
    """A smooth picture with noise: a bright ground, a gray disk, a paler core."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    radius = np.hypot((y - rows / 2) / rows, (x - columns / 2.2) / columns)
    wave = 0.04 * np.sin(y / 5) * np.cos(x / 7)
    ground = np.where(radius < 0.2 + wave, 0.7, np.where(radius < 0.35 + wave, 0.4, 0.9))
    noisy = ndi.gaussian_filter(ground, 1) + random.normal(0, 0.03, ground.shape)
    return (np.round(np.clip(noisy, 0, 1) * 255) / 255).astype(np.float32)


image = tissue(37, 53, 1)
keep("image", image)
for size in (2, 5, 8):
    keep(f"minimum{size}", ndi.minimum_filter(image, size))
    keep(f"maximum{size}", ndi.maximum_filter(image, size))
for size in (5, 23):
    keep(f"mean{size}", ndi.uniform_filter(image.astype(float), size).astype(np.float32))
for sigma in (1, 3.5):
    keep(f"gaussian{sigma}", ndi.gaussian_filter(image.astype(float), sigma).astype(np.float32))
image8 = np.round(image * 255).astype(np.uint8)
keep("image8", image8)
keep("median5", ndi.median_filter(image8, 5))
counts = np.bincount(image8.ravel(), minlength=256)
keep("otsu", np.array([filters.threshold_otsu(hist=(counts, np.arange(256)))], np.int32))
keep("histogramSmoothed", ndi.uniform_filter1d(ndi.median_filter(counts.astype(float), 3), 5))

# Sides that are and are not multiples of the kernel, odd kernels, a kernel larger than the image.
for rows, columns, kernel, clip in ((48, 64, 16, 0.01), (41, 53, 12, 0.03), (41, 53, 250, 0.01), (50, 33, 9, 0.0)):
    picture = tissue(rows, columns, kernel)
    keep(f"claheImage{kernel}", np.round(picture * 255).astype(np.uint8))
    keep(
        f"clahe{kernel}",
        exposure.equalize_adapthist(picture.astype(float), kernel_size=kernel, clip_limit=clip).astype(np.float32),
    )

# scikit-image's curvature operator goes on where the last call stopped: an even number of calls starts it anew.
wide = tissue(61, 131, 3)
keep("wide", wide)
for iterations, smoothing in ((0, 1), (1, 1), (2, 1), (7, 1), (40, 1), (6, 3), (5, 2), (4, 0)):
    result = segmentation.morphological_chan_vese(wide.astype(float), iterations, smoothing=smoothing)
    keep(f"chanVese{iterations}x{smoothing}", result.astype(np.uint8))
    if iterations * smoothing % 2 == 1:
        segmentation.morphological_chan_vese(wide.astype(float), 1)
keep("chanVeseLambda", segmentation.morphological_chan_vese(wide.astype(float), 10, lambda1=1, lambda2=3).astype(np.uint8))
keep("checkerboard", segmentation.checkerboard_level_set((13, 70), 5).astype(np.uint8))

specks = np.random.default_rng(5).random((25, 140)) < 0.55
keep("specks", specks.astype(np.uint8))
keep("label4", ndi.label(specks)[0].astype(np.int32))
keep("label8", ndi.label(specks, np.ones((3, 3)))[0].astype(np.int32))
keep("objects", morphology.remove_small_objects(specks, max_size=12).astype(np.uint8))
keep("holes", morphology.remove_small_holes(specks, max_size=4).astype(np.uint8))
keep("dilated4", ndi.binary_dilation(specks, iterations=2).astype(np.uint8))
keep("dilated8", ndi.binary_dilation(specks, np.ones((3, 3))).astype(np.uint8))
keep("eroded4", ndi.binary_erosion(specks).astype(np.uint8))
keep("eroded8", ndi.binary_erosion(specks, np.ones((3, 3)), border_value=1).astype(np.uint8))
mask = np.random.default_rng(6).random(specks.shape) < 0.8
keep("mask", mask.astype(np.uint8))
keep("dilatedInMask", ndi.binary_dilation(specks, iterations=3, mask=mask).astype(np.uint8))
keep("distance", ndi.distance_transform_edt(ndi.binary_dilation(specks), sampling=(2, 0.5)).astype(np.float32))
voxels = np.random.default_rng(7).random((9, 11, 13)) < 0.3
keep("voxels", voxels.astype(np.uint8))
keep("label6", ndi.label(voxels)[0].astype(np.int32))
keep("label26", ndi.label(voxels, np.ones((3, 3, 3)))[0].astype(np.int32))
keep("distance3", ndi.distance_transform_edt(~voxels, sampling=(3, 1, 0.7)).astype(np.float32))

versions = {"scikit-image": skimage.__version__, "scipy": scipy.__version__, "numpy": np.__version__}
json.dump({"versions": versions, "arrays": arrays}, sys.stdout, indent=0)
