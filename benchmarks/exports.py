"""Exports artifacts with `cyto-stage export` and opens what was written with nibabel, tifffile, trimesh, numpy and safetensors.

    python benchmarks/exports.py [--stage .build/release/cyto-stage] [--model model.h5]

Makes a small artifact of each kind with h5py, exports it to each format it can go to, and compares shape, spacing, orientation and
values with what was put in. A trained model of the small network given by --model goes through PyTorch as well, which must take every
weight of it. Prints a line a format, PASS or FAIL, and exits 1 where one failed. Versions stand in the first line.
"""
import argparse, json, os, subprocess, sys, tempfile
import h5py, nibabel, numpy as np, pandas, safetensors, tifffile, trimesh
from safetensors.numpy import load_file

parser = argparse.ArgumentParser()
parser.add_argument("--stage", default=".build/release/cyto-stage")
parser.add_argument("--model")
options = parser.parse_args()
folder = tempfile.mkdtemp(prefix="cyto-exports-")
failed = []


def path(name):
    return os.path.join(folder, name)


def export(source, target, *more):
    run = subprocess.run([options.stage, "export", source, "--to", path(target), "--json", *more],
                         capture_output=True, text=True)
    if run.returncode != 0:
        raise AssertionError(run.stderr.strip())
    return json.loads(run.stdout)


def check(name):
    def decorate(body):
        try:
            print(f"PASS  {name}: {body()}")
        except Exception as problem:  # noqa: BLE001 - every problem is a failed check
            failed.append(name)
            print(f"FAIL  {name}: {type(problem).__name__}: {problem}")
        return body
    return decorate


def same(found, expected, tolerance=0.0):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, f"shape {found.shape} instead of {expected.shape}"
    assert np.allclose(found, expected, atol=tolerance, rtol=0, equal_nan=True), "other values"


# What is exported.
rng = np.random.default_rng(3)
shape, spacing, origin = (9, 11, 13), 300.0, np.array([-1500.0, 2400.0, 900.0])  # planes, rows, columns
labels = rng.integers(0, 3, shape).astype(np.uint8)
depth = rng.random(shape).astype(np.float32)
depth[labels != 1] = np.nan
with h5py.File(path("volume.h5"), "w") as f:
    f["/labels"], f["/depth"] = labels, depth
    f.attrs["spacing_um"], f.attrs["origin_um"] = spacing, origin
sphere = trimesh.creation.icosphere(3, radius=5000.0)  # counterclockwise from outside
centre = np.array([20000.0, 30000.0, -10000.0])  # plane, row, column
with h5py.File(path("mesh.h5"), "w") as f:
    for side, shift in (("left", -8000.0), ("right", 8000.0)):
        f[f"/{side}/vertices"] = (sphere.vertices + centre + [0, 0, shift]).astype(np.float32)
        f[f"/{side}/faces"] = sphere.faces.astype(np.uint32)
        f[f"/{side}/normals"] = sphere.vertex_normals.astype(np.float32)
rows = 500
points = {"/section": rng.integers(0, 60, rows).astype(np.int32), "/position_um": rng.random((rows, 2)) * 1e4,
          "/mni_mm": rng.normal(size=(rows, 3)) * 50, "/tissue_fraction": rng.random(rows).astype(np.float32)}
points["/mni_mm"][7] = np.nan
names = [f"00{i % 60:02d}" for i in range(rows)]
with h5py.File(path("points.h5"), "w") as f:
    for name, values in points.items():
        f[name] = values
    f["/section_name"] = np.array(names, dtype="S4")
picture = rng.integers(0, 255, (2, 37, 53)).astype(np.uint8)
with h5py.File(path("section.h5"), "w") as f:
    f["/labels"], f["/image"] = picture[0], picture[1]
    f.attrs["spacing_um"], f.attrs["first_um"] = 64.0, 31.5
weights = {"conv1.weight": rng.normal(size=(16, 1, 5, 5)).astype(np.float32), "bn1.running_mean": rng.normal(size=16).astype(np.float32),
           "projection.fc1.weight": rng.normal(size=(7, 5)), "steps": np.array([3], np.int64), "mask": np.array([[1, 0, 255]], np.uint8),
           'odd "name"': np.array([np.nan, np.inf, -0.0], np.float32)}
with h5py.File(path("model.h5"), "w") as f:
    for name, values in weights.items():
        f["/parameters/" + name] = values
    f.attrs["network"], f.attrs["spacing_um"] = '{"imageSide":64}', 64.0

print(f"nibabel {nibabel.__version__}, tifffile {tifffile.__version__}, trimesh {trimesh.__version__}, "
      f"numpy {np.__version__}, pandas {pandas.__version__}, safetensors {safetensors.__version__}")


def ras(plane_row_column_um):
    plane, row, column = np.moveaxis(np.asarray(plane_row_column_um, dtype=float), -1, 0)
    return np.stack([column, plane, -row], -1) / 1000


for ending in ("nii", "nii.gz"):
    for dataset, values in (("/labels", labels), ("/depth", depth)):
        @check(f"{ending} {dataset}")
        def _():
            export(path("volume.h5"), "v." + ending, "--dataset", dataset, "--type", "label-volume")
            image = nibabel.load(path("v." + ending))
            same(image.dataobj, values.transpose(2, 1, 0))
            assert image.get_data_dtype() == values.dtype
            same(image.header.get_zooms(), [0.3] * 3, 1e-6)
            index = np.array([5, 6, 7])  # plane, row, column
            same(nibabel.affines.apply_affine(image.affine, index[::-1]), ras(origin + spacing * index), 1e-5)
            assert nibabel.aff2axcodes(image.affine) == ("R", "I", "A")
            return f"{image.shape}, {''.join(nibabel.aff2axcodes(image.affine))}, {image.header.get_zooms()[0]:.3f} mm"

for ending in ("ply", "surf.gii"):
    @check(ending)
    def _():
        written = export(path("mesh.h5"), "mid." + ending)
        assert [os.path.basename(w["path"]) for w in written] == [f"mid.left.{ending}", f"mid.right.{ending}"]
        for side, shift in (("left", -8000.0), ("right", 8000.0)):
            file = path(f"mid.{side}.{ending}")
            if ending == "ply":
                mesh = trimesh.load(file, process=False)
            else:
                image = nibabel.load(file)
                vertices, faces = image.agg_data("pointset"), image.agg_data("triangle")
                mesh = trimesh.Trimesh(vertices, faces, process=False)
                assert image.darrays[0].meta["AnatomicalStructurePrimary"] == "Cortex" + side.capitalize()
            same(mesh.vertices, ras(sphere.vertices + centre + [0, 0, shift]), 1e-4)
            assert mesh.is_watertight and mesh.volume > 0, f"volume {mesh.volume}"
            assert abs(mesh.volume / (sphere.volume * 1e-9) - 1) < 1e-5
        return f"{len(mesh.vertices)} vertices, {len(mesh.faces)} faces, {mesh.volume:.1f} mm3, watertight, outward"


@check("ome.tif picture")
def _():
    export(path("section.h5"), "s.ome.tif", "--type", "tissue-labels")
    with tifffile.TiffFile(path("s.ome.tif")) as file:
        assert file.is_ome
        series = file.series[0]
        assert series.axes == "CYX", series.axes
        xml = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
        order = [c["Name"] for c in xml["Channel"]]
        same(series.asarray(), picture[[["labels", "image"].index(name) for name in order]])
        assert xml["PhysicalSizeX"] == 64 and xml["PhysicalSizeY"] == 64 and xml["PhysicalSizeXUnit"] == "µm"
        x, unit = file.pages[0].tags["XResolution"].value, file.pages[0].tags["ResolutionUnit"].value
        assert unit == 3 and abs(1e4 * x[1] / x[0] - 64) < 1e-6
        return f"{series.axes} {series.shape}, {order}, {xml['PhysicalSizeX']} µm"


@check("ome.tif volume")
def _():
    export(path("volume.h5"), "v.ome.tif", "--dataset", "/depth")
    with tifffile.TiffFile(path("v.ome.tif")) as file:
        assert file.series[0].axes == "ZYX"
        same(file.series[0].asarray(), depth)
        return f"{file.series[0].axes} {file.series[0].shape}"


for ending, separator in (("csv", ","), ("tsv", "\t")):
    @check(ending)
    def _():
        export(path("points.h5"), "p." + ending)
        table = pandas.read_csv(path("p." + ending), sep=separator, dtype={"section_name": str})
        assert len(table) == rows and list(table["section_name"]) == names
        same(table["section"], points["/section"])
        same(table[["position_um_row", "position_um_column"]], points["/position_um"])
        same(table[["mni_mm_x", "mni_mm_y", "mni_mm_z"]], points["/mni_mm"])
        return f"{len(table)} rows, {len(table.columns)} columns, every number comes back the same"

for source, dataset, values in (("points", "/mni_mm", points["/mni_mm"]), ("volume", "/labels", labels),
                                ("mesh", "/left/faces", sphere.faces.astype(np.uint32)),
                                ("points", "/section_name", np.array(names, dtype="S4"))):
    @check(f"npy {dataset}")
    def _():
        export(path(source + ".h5"), "a.npy", "--dataset", dataset)
        array = np.load(path("a.npy"))
        assert array.dtype == values.dtype and array.shape == values.shape
        assert np.array_equal(array, values, equal_nan=values.dtype.kind == "f")
        return f"{array.dtype} {array.shape}"


@check("safetensors")
def _():
    export(path("model.h5"), "m.safetensors")
    found = load_file(path("m.safetensors"))
    assert found.keys() == weights.keys(), set(found) ^ set(weights)
    for name, values in weights.items():
        assert found[name].dtype == values.dtype and found[name].tobytes() == values.tobytes(), name
    with safetensors.safe_open(path("m.safetensors"), "numpy") as file:
        said = file.metadata()
    assert said == {"format": "pt", "network": '{"imageSide":64}', "spacing_um": "64.0"}, said
    return f"{len(found)} tensors, every byte comes back the same, metadata {sorted(said)}"


if options.model:
    @check("safetensors of a trained model in PyTorch")
    def _():
        import torch
        from safetensors.torch import load_file as load_tensors

        sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "Tests", "NetworksTests", "Vectors"))
        sys.dont_write_bytecode = True
        from networks import SMALL, Head, Residual

        export(options.model, "trained.safetensors")
        tensors = load_tensors(path("trained.safetensors"))
        network = Residual(*SMALL)
        network.projection = Head(256, len(tensors["projection.fc2.bias"]))
        missing, foreign = network.load_state_dict(tensors, strict=False)
        # PyTorch counts batches beside the running statistics.
        assert not foreign and all("num_batches_tracked" in name for name in missing), (missing, foreign)
        with torch.no_grad():
            features = network.eval()(torch.rand(2, 1, 64, 64))[0]
        assert features.shape == (2, 256) and bool(features.isfinite().all())
        return f"{len(tensors)} tensors, torch {torch.__version__}"


@check("copy")
def _():
    export(path("volume.h5"), "copy.h5")
    assert open(path("copy.h5"), "rb").read() == open(path("volume.h5"), "rb").read()
    return "the same bytes"


@check("an impossible wish is refused")
def _():
    run = subprocess.run([options.stage, "export", path("volume.h5"), "--to", path("x.gii")], capture_output=True, text=True)
    # h5py lists datasets by name.
    assert run.returncode == 2 and ".nii.gz (/depth, /labels)" in run.stderr, run.stderr
    return run.stderr.strip()


sys.exit(1 if failed else 0)
