"""template-registration against SimpleITK on a brain whose map to the template is known: MNI152 itself, warped.

    swift build -c release --product cyto-stage
    python benchmarks/template_registration.py ../shared/data/anatomy [--stage .build/release/cyto-stage] [--threads 2]

Needs SimpleITK, nibabel, h5py, scipy, numpy. The brain is a label volume of 0.6 mm made from the gray and white maps through a turn of
12 degrees, scales, 2 mm waves of 60 mm and a twist of 2 degrees. SimpleITK: moments, affine (mean squares, gradient descent),
then diffeomorphic demons at 4 and 2 mm, on gray + 2 white. Both get the same two images, on the same threads, one after the
other. Errors at gray points, in mm. Prints JSON.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile
import time

import h5py
import nibabel
import numpy as np
import scipy.ndimage
import SimpleITK as sitk

NAME = "mni_icbm152_%s_tal_nlin_sym_09a_converted.nii.gz"
SPACING = 0.6
ORIGIN = np.array([0.0, -100.0, 0.0])
LPS = np.array([-1, -1, 1])


def truth(p):
    """Reconstruction RAS mm to template RAS mm."""
    c, s = np.cos(np.deg2rad(12)), np.sin(np.deg2rad(12))
    q = p - [95, 0, -80]
    t = np.stack([(c * q[..., 0] - s * q[..., 2]) * 1.03, q[..., 1] * 0.98,
                  (s * q[..., 0] + c * q[..., 2]) * 1.02], -1) + [0, -18, 10]
    k = 2 * np.pi / 60
    x, y, z = t[..., 0], t[..., 1], t[..., 2]
    waves = np.stack([np.sin(k * y + 0.5), np.cos(k * z + 0.05 * x), np.sin(k * x + 1) * np.cos(0.07 * y)], -1)
    twist = np.deg2rad(2) * np.sin(q[..., 1] / 50)
    return t + 2 * waves + np.stack([-twist * (z - 10), 0 * twist, twist * x], -1)


def brain(gray, white, matrix):
    back = np.linalg.inv(matrix)
    planes, rows, columns = int(200 / SPACING), int(200 / SPACING), int(190 / SPACING)
    labels = np.zeros((planes, rows, columns), np.uint8)
    r, c = np.meshgrid(np.arange(rows) * SPACING, np.arange(columns) * SPACING, indexing="ij")
    for i in range(planes):
        p = truth(np.stack([c, np.full_like(c, ORIGIN[1] + i * SPACING), -r], -1)) @ back[:3, :3].T + back[:3, 3]
        g, w = (scipy.ndimage.map_coordinates(m, np.moveaxis(p, -1, 0), order=1) for m in (gray, white))
        labels[i] = np.where(g + w > 0.5, np.where(g > w, 1, 2), 0)
    return labels


def points(labels, step):
    at = np.argwhere(labels == 1)[::step]
    return np.stack([at[:, 2] * SPACING, ORIGIN[1] + at[:, 0] * SPACING, -at[:, 1] * SPACING], -1)


def scores(mapped, p):
    e = np.linalg.norm(mapped - truth(p), axis=1)
    return {"median_mm": round(float(np.median(e)), 3), "p95_mm": round(float(np.percentile(e, 95)), 3),
            "most_mm": round(float(e.max()), 3)}


def mapped(transform, p):
    return np.array([transform.TransformPoint([float(v) for v in a]) for a in p * LPS]) * LPS


def ours(arguments, folder, labels, p):
    with h5py.File(folder / "brain.h5", "w") as file:
        file["labels"], file["excluded"] = labels, np.zeros_like(labels)
        file.attrs["spacing_um"] = SPACING * 1000
        file.attrs["origin_um"] = ORIGIN[[1, 2, 0]] * 1000
        file.attrs["axes"] = "posterior-anterior, dorsal-ventral, left-right"
    ports = {"volume": folder / "brain.h5", "gray": arguments.anatomy / (NAME % "gm"),
             "white": arguments.anatomy / (NAME % "wm")}
    outputs = {"transform": "onward.nii.gz", "inverse": "back.nii.gz", "scores": "scores.json"}
    config = {"spacing_mm": 1.0, "knot_mm": 8.0, "bending_mm2": 2.0, "gray_weight": 1.0, "white_weight": 1.0,
              "tissue_weight": 1.0, "maximum_roll_deg": 60.0, "iterations": 8, "maximum_misfit": 0.6,
              "field_spacing_mm": None}
    job = {"format": 1, "stage": "template-registration", "item": [],
           "inputs": {k: [{"path": str(v), "item": [], "digest": "", "attributes": {}}] for k, v in ports.items()},
           "outputs": {k: {"path": str(folder / v)} for k, v in outputs.items()},
           "config": config, "seed": 0, "cores": arguments.threads, "scratch": str(folder)}
    (folder / "job.json").write_text(json.dumps(job))
    start = time.perf_counter()
    subprocess.run([arguments.stage, "template-registration", "--job", str(folder / "job.json")], check=True)
    seconds = time.perf_counter() - start
    field = sitk.ReadImage(str(folder / "onward.nii.gz"), sitk.sitkVectorFloat64)
    found = json.loads((folder / "scores.json").read_text())
    return {"seconds": round(seconds, 1), **scores(mapped(sitk.DisplacementFieldTransform(field), p), p),
            "jacobian": [found["jacobian_least"], found["jacobian_most"]], "gray_dice": found["gray_dice"]}


def simple_itk(arguments, labels, gray, white, matrix, p):
    def image(array, origin, spacing):
        # (x, y, z) in RAS, stored as LPS: both axes turned round.
        result = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0)[:, ::-1, ::-1], np.float32))
        high = origin + spacing * (np.array(array.shape) - 1)
        result.SetOrigin([-high[0], -high[1], origin[2]])
        result.SetSpacing([spacing] * 3)
        return result
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(arguments.threads)
    # Ours runs from the labels; their area average at 1.2 mm is what SimpleITK gets.
    half = labels[:labels.shape[0] // 2 * 2, :labels.shape[1] // 2 * 2, :labels.shape[2] // 2 * 2].astype(np.float32)
    half = half.reshape(half.shape[0] // 2, 2, half.shape[1] // 2, 2, half.shape[2] // 2, 2).mean((1, 3, 5))
    ras = half.transpose(2, 0, 1)[:, :, ::-1]
    low = np.array([0.3, ORIGIN[1] + 0.3, -(half.shape[1] * 2 - 1) * SPACING + 0.3])
    fixed = image(ras, low, 2 * SPACING)
    moving = image(gray + 2 * white, matrix[:3, 3], matrix[0, 0])
    start = time.perf_counter()
    begin = sitk.CenteredTransformInitializer(
        fixed, moving, sitk.AffineTransform(3), sitk.CenteredTransformInitializerFilter.MOMENTS)
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMeanSquares()
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(0.1, 1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsGradientDescent(1.0, 150, estimateLearningRate=method.EachIteration)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2])
    method.SetSmoothingSigmasPerLevel([2, 1])
    method.SetInitialTransform(begin, inPlace=False)
    affine = method.Execute(fixed, moving)
    affine_seconds = time.perf_counter() - start
    laid = sitk.Resample(moving, fixed, affine, sitk.sitkLinear, 0.0)
    field = None
    for shrink, iterations in ((3, 100), (2, 60)):
        one, other = (sitk.Shrink(sitk.SmoothingRecursiveGaussian(i, shrink * 0.6), [shrink] * 3)
                      for i in (fixed, laid))
        demons = sitk.DiffeomorphicDemonsRegistrationFilter()
        demons.SetNumberOfIterations(iterations)
        demons.SetSmoothDisplacementField(True)
        demons.SetStandardDeviations(1.5)
        if field is not None:
            field = demons.Execute(one, other, sitk.Resample(field, one))
        else:
            field = demons.Execute(one, other)
    seconds = time.perf_counter() - start
    determinant = sitk.GetArrayViewFromImage(sitk.DisplacementFieldJacobianDeterminant(field))
    jacobian = [float(determinant.min()), float(determinant.max())]
    # Points go through the demons' field first, then through the affine map.
    chain = sitk.CompositeTransform([affine, sitk.DisplacementFieldTransform(sitk.Cast(field, sitk.sitkVectorFloat64))])
    return {"version": sitk.Version.VersionString(), "seconds": round(seconds, 1),
            "affine_seconds": round(affine_seconds, 1), "affine": scores(mapped(affine, p), p),
            **scores(mapped(chain, p), p), "jacobian": jacobian}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("anatomy", type=pathlib.Path)
    parser.add_argument("--stage", default=".build/release/cyto-stage")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    maps = [nibabel.load(arguments.anatomy / (NAME % n)) for n in ("gm", "wm")]
    gray, white = (m.get_fdata(dtype=np.float32) / 255 for m in maps)
    labels = brain(gray, white, maps[0].affine)
    p = points(labels, 2000)
    with tempfile.TemporaryDirectory() as folder:
        result = {"points": len(p), "cyto_pipe": ours(arguments, pathlib.Path(folder), labels, p),
                  "simple_itk": simple_itk(arguments, labels, gray, white, maps[0].affine, p)}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
