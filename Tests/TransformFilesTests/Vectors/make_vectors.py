"""Makes the small transform files of this folder and expected.json: where SimpleITK maps points.

Points are given and recorded in RAS mm. SimpleITK works in LPS: points are turned on the way in and out, except for MINC's
.xfm, whose numbers SimpleITK takes as they stand and which are RAS.

Run: python make_vectors.py   (SimpleITK, numpy, nibabel, h5py; their versions are written to expected.json)
"""
import json, os
import h5py
import nibabel as nib
import numpy as np
import SimpleITK as sitk

here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(11)
points = rng.uniform(-6, 6, (25, 3))
flip = np.array([-1, -1, 1.0])
expected = {
    "versions": {"SimpleITK": sitk.Version.VersionString(), "ITK": sitk.Version.ITKVersionString(),
                 "nibabel": nib.__version__, "numpy": np.__version__},
    "points": points.tolist(), "files": {},
}


def path(name):
    return os.path.join(here, name)


def record(name, transform, lps=True):
    turn = flip if lps else np.ones(3)
    expected["files"][name] = [(np.array(transform.TransformPoint((p * turn).tolist())) * turn).tolist() for p in points]


def save(transform, name, lps=True):
    sitk.WriteTransform(transform, path(name))
    record(name, sitk.ReadTransform(path(name)), lps)


matrix = (1.1, 0.1, 0.2, -0.1, 0.9, 0.3, 0.15, -0.2, 1.05)
affine = sitk.AffineTransform(matrix, (1, 2, 3), (3, -4, 5))
save(affine, "affine.tfm")
save(affine, "affine.mat")
save(affine, "affine.h5")
save(affine, "linear.xfm", lps=False)

save(sitk.Euler3DTransform((1, 2, 3), 0.1, -0.2, 0.3, (4, 5, 6)), "euler.tfm")
zyx = sitk.Euler3DTransform((1, 2, 3), 0.1, -0.2, 0.3, (4, 5, 6))
zyx.SetComputeZYX(True)
save(zyx, "euler-zyx.tfm")
save(sitk.VersorRigid3DTransform((1.0, 2, -1), 0.4, (3, 2, 1), (1, 1, 1)), "versor.tfm")
save(sitk.Similarity3DTransform(1.3, (1.0, 2, -1), 0.4, (3, 2, 1), (1, 1, 1)), "similarity.tfm")
save(sitk.TranslationTransform(3, (1, 2, 3)), "translation.tfm")
save(sitk.ScaleTransform(3, (1.1, 0.9, 1.2)), "scale.tfm")
# The order matters: the shift is added first and applied last.
save(sitk.CompositeTransform([sitk.TranslationTransform(3, (1, 2, 3)), affine]), "composite.tfm")

# A field on a turned grid that covers all points.
size, spacing = (8, 7, 6), (3.0, 3.5, 4.0)
angle = 0.2
direction = (np.cos(angle), -np.sin(angle), 0, np.sin(angle), np.cos(angle), 0, 0, 0, 1.0)
centre = np.array(direction).reshape(3, 3) @ ((np.array(size) - 1) / 2 * np.array(spacing))
vectors = rng.normal(size=size[::-1] + (3,)) * 1.5


def field(kind=sitk.sitkVectorFloat64, data=vectors, turned=True):
    image = sitk.GetImageFromArray(data, isVector=True)
    image = sitk.Cast(image, kind)
    image.SetSpacing(spacing)
    if turned:
        image.SetDirection(direction)
        image.SetOrigin((-centre).tolist())
    else:
        image.SetOrigin((-(np.array(size) - 1) / 2 * np.array(spacing)).tolist())
    return image


warp = sitk.DisplacementFieldTransform(field())
save(warp, "field.h5")
save(sitk.CompositeTransform([warp, affine]), "composite.h5")
save(sitk.CompositeTransform([affine, sitk.DisplacementFieldTransform(field())]), "composite-other-order.h5")
# As ANTs writes its warps: five axes, intent vector, float32.
sitk.WriteImage(field(sitk.sitkVectorFloat32), path("field.nii"))
record("field.nii", sitk.DisplacementFieldTransform(sitk.Cast(sitk.ReadImage(path("field.nii")), sitk.sitkVectorFloat64)))
image = nib.load(path("field.nii"))
assert image.shape == (8, 7, 6, 1, 3) and image.header["intent_code"] == 1007
# The same on four axes.
nib.save(nib.Nifti1Image(np.asarray(image.dataobj)[:, :, :, 0, :], image.affine), path("field-4d.nii.gz"))
expected["files"]["field-4d.nii.gz"] = expected["files"]["field.nii"]
# A warp of single precision, as antsRegistration --float writes it.
with h5py.File(path("field.h5")) as source, h5py.File(path("field-float.h5"), "w") as target:
    group = target.create_group("TransformGroup/0")
    kind = source["TransformGroup/0/TransformType"][0].decode().replace("double", "float")
    group.create_dataset("TransformType", data=np.array([kind], dtype=h5py.string_dtype()))
    for name in ("TransformParameters", "TransformFixedParameters"):
        values = source["TransformGroup/0/" + name][()]
        # The spelling of older ITK.
        group.create_dataset(name.replace("sform", "form"), data=values.astype("f4") if "Fixed" not in name else values)
expected["files"]["field-float.h5"] = expected["files"]["field.nii"]

# MINC: its grid is written for the RAS points themselves.
smooth = rng.normal(size=size[::-1] + (3,))
sitk.WriteTransform(sitk.DisplacementFieldTransform(field(data=smooth, turned=False)), path("grid.xfm"))
record("grid.xfm", sitk.DisplacementFieldTransform(field(data=smooth, turned=False)), lps=False)
with open(path("chain.xfm"), "w") as f:
    f.write("MNI Transform File\n% a linear map, then the grid\n\nTransform_Type = Linear;\nLinear_Transform =\n"
            " 0.9 0.1 0 0.5\n -0.1 0.95 0 -0.25\n 0 0.05 1 0.125;\n"
            "Transform_Type = Grid_Transform;\nDisplacement_Volume = grid_grid_0.mnc;\n")
linear = sitk.AffineTransform((0.9, 0.1, 0, -0.1, 0.95, 0, 0, 0.05, 1.0), (0.5, -0.25, 0.125))
# Applied last: added first.
record("chain.xfm", sitk.CompositeTransform([sitk.DisplacementFieldTransform(field(data=smooth, turned=False)), linear]),
       lps=False)
with open(path("inverse.xfm"), "w") as f:
    f.write("MNI Transform File\nTransform_Type = Linear;\nInvert_Flag = True;\nLinear_Transform =\n"
            " 0.9 0.1 0 0.5\n -0.1 0.95 0 -0.25\n 0 0.05 1 0.125;\n")
record("inverse.xfm", linear.GetInverse(), lps=False)

# A cubic B-spline transform.
spline = sitk.BSplineTransform(3, 3)
spline.SetTransformDomainOrigin((-10, -11, -12))
spline.SetTransformDomainPhysicalDimensions((20, 22, 24))
spline.SetTransformDomainMeshSize((3, 2, 4))
spline.SetParameters(rng.normal(size=len(spline.GetParameters())).tolist())
save(spline, "spline.tfm")

# Bad input.
sitk.WriteTransform(
    sitk.Euler2DTransform((1, 2), 0.1, (4, 5)), path("flat.tfm"))
bad = vectors.copy()
bad[2, 3, 4, 1] = np.nan
sitk.WriteImage(field(sitk.sitkVectorFloat32, bad), path("field-nan.nii"))

with open(path("expected.json"), "w") as f:
    json.dump(expected, f, indent=0)
