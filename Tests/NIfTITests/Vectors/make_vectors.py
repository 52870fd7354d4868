"""Makes the small NIfTI files of this folder and expected.json: what nibabel reads in each.

Run: python make_vectors.py   (nibabel and numpy; their versions are written to expected.json)
"""
import gzip, json, os
import nibabel as nib
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(7)
angle = 0.3
turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
affine = np.eye(4)
affine[:3, :3] = turn @ np.diag([-1.5, 2.0, 2.5])
affine[:3, 3] = [10, -20, 30]
shear = affine.copy()
shear[0, 1] += 0.4
expected = {"nibabel": nib.__version__, "numpy": np.__version__, "files": {}}


def record(name, image=None):
    image = image or nib.load(os.path.join(here, name))
    data = np.asarray(image.dataobj, dtype=np.float64)
    expected["files"][name] = {
        "shape": list(image.shape),
        "affine": [float(v) for v in image.affine.ravel()],
        "values": [float(v) for v in data.ravel(order="F")],
    }


def save(image, name):
    nib.save(image, os.path.join(here, name))
    record(name)


# Big-endian, scaled, gzipped, sform with shear.
data = rng.integers(-300, 300, (3, 4, 2)).astype(np.int16)
header = nib.Nifti1Header(endianness=">")
header.set_data_dtype(np.int16)
image = nib.Nifti1Image(data, shear, header)
image.header.set_slope_inter(0.5, -7)
with gzip.GzipFile(os.path.join(here, "big-endian-scaled.nii.gz"), "wb", mtime=0) as f:
    f.write(image.to_bytes())
record("big-endian-scaled.nii.gz")

# NIfTI-2, float64.
save(nib.Nifti2Image(rng.normal(size=(2, 3, 4)), affine), "nifti2.nii")

# A pair of header and image; unsigned 16 bits.
pair = nib.Nifti1Pair(rng.integers(0, 60000, (4, 2, 3)).astype(np.uint16), affine)
save(pair, "pair.hdr")

# Only a qform.
image = nib.Nifti1Image(rng.integers(0, 255, (2, 2, 3)).astype(np.uint8), affine)
image.set_sform(None, 0)
image.set_qform(affine, 1)
save(image, "qform-only.nii")

# Neither form: nibabel centres the volume, the format does not; only the values are compared.
image = nib.Nifti1Image(rng.integers(-9, 9, (3, 2, 2)).astype(np.int8), np.diag([2.0, 3, 4, 1]))
raw = bytearray(image.to_bytes())
raw[252:256] = bytes(4)  # both codes
with open(os.path.join(here, "no-form.nii"), "wb") as f:
    f.write(raw)
record("no-form.nii")

# A vector field of ITK: five axes, intent 1007.
image = nib.Nifti1Image(rng.normal(size=(3, 2, 2, 1, 3)).astype(np.float32), affine)
image.header.set_intent("vector")
save(image, "vector.nii")

# Labels that a tool stored as float32; four volumes.
save(nib.Nifti1Image(rng.integers(0, 48, (2, 3, 2, 4)).astype(np.float32), affine), "labels-as-floats.nii")

# Micrometres.
image = nib.Nifti1Image(rng.integers(0, 9, (2, 2, 2)).astype(np.int32), np.diag([300.0, 300, 300, 1]))
image.header.set_xyzt_units("micron")
save(image, "micrometres.nii")

# One value is not a number.
data = rng.normal(size=(2, 2, 2)).astype(np.float32)
data[1, 0, 1] = np.nan
nib.save(nib.Nifti1Image(data, affine), os.path.join(here, "nan.nii"))

# Colours are not read here.
nib.save(nib.Nifti1Image(np.zeros((2, 2, 2), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])), affine),
         os.path.join(here, "rgb.nii"))

with open(os.path.join(here, "expected.json"), "w") as f:
    json.dump(expected, f, indent=1)
