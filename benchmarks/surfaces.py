"""From a field to an even, closed mesh: `cyto-bench surfaces` beside scikit-image and PyMeshLab, on one file in one run; prints JSON.

    python benchmarks/surfaces.py [ANATOMY] [--bench .build/release/cyto-bench] [--threads 2] [--depth 9]

ANATOMY is the folder with the MNI152 gray and white maps (../shared/data/anatomy). The field is white + gray / 2 of the left hemisphere at
0.5 mm, whose 0.5 iso-surface lies half-way through the cortex. PyMeshLab: screened Poisson on the vertices of scikit-image's mesh, then
isotropic explicit remeshing. Distances: of vertices (a sample of 200,000) to scikit-image's iso-surface and back, in mm, by trimesh's
nearest points on vertices and face centres, so they are upper bounds up to 0.1 mm. Processor seconds count all threads.
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import time

import nibabel
import numpy as np
import pymeshlab
import scipy.ndimage as ndi
import scipy.sparse.csgraph
import scipy.spatial
import skimage
from skimage.measure import marching_cubes

SPACING, EDGE, LEVEL = 0.5, 0.6, 0.5


def field(folder):
    maps = [nibabel.load(folder / f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz") for kind in ("wm", "gm")]
    white, gray = (m.get_fdata(dtype=np.float32) for m in maps)
    middle = int(round(np.linalg.solve(maps[0].affine, [0, 0, 0, 1])[0]))
    half = np.transpose((white + gray / 2)[: middle + 1], (1, 2, 0))[:, ::-1, :]
    fine = ndi.zoom(half, maps[0].header.get_zooms()[0] / SPACING, order=1)
    fine = np.pad(fine, 2)
    # One solid: parts that do not hang together with the largest are no cortex.
    parts, _ = ndi.label(fine > LEVEL)
    keep = parts == np.argmax(np.bincount(parts.ravel())[1:]) + 1
    return np.ascontiguousarray(np.where(keep | (fine <= LEVEL), fine, 0).astype(np.float32))


def topology(vertices, faces):
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1).astype(np.int64)
    keys, counts = np.unique(edges[:, 0] * (len(vertices) + 1) + edges[:, 1], return_counts=True)
    graph = scipy.sparse.coo_matrix((np.ones(len(edges)), edges.T), shape=(len(vertices),) * 2)
    parts = scipy.sparse.csgraph.connected_components(graph)[1]
    used = np.unique(faces)
    components = len(np.unique(parts[used]))
    euler = len(used) - len(keys) + len(faces)
    lengths = np.linalg.norm(vertices[keys // (len(vertices) + 1)] - vertices[keys % (len(vertices) + 1)], axis=1)
    return {"vertices": len(used), "components": components, "genus": components - euler / 2,
            "edges_without_two_faces": int((counts != 2).sum()),
            "edges_within_30_percent": float(np.mean(np.abs(lengths - EDGE) <= 0.3 * EDGE)),
            "mean_edge_mm": float(lengths.mean())}


def distances(mesh, truth):
    """Point to points on vertices, edge middles and face centres of the other mesh."""
    def cloud(vertices, faces):
        corner = vertices[faces]
        return np.concatenate([vertices, corner.mean(1), (corner + np.roll(corner, 1, 1)).reshape(-1, 3) / 2])

    random = np.random.default_rng(0)
    report = {}
    for name, source, target in (("to_iso_surface", mesh, truth), ("from_iso_surface", truth, mesh)):
        points = source[0][random.integers(0, len(source[0]), 200_000)]
        found = scipy.spatial.cKDTree(cloud(*target)).query(points, workers=2)[0]
        report[name] = {"mean_mm": float(found.mean()), "p95_mm": float(np.percentile(found, 95))}
    return report


def timed(seconds, cpu, name, body):
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    result = body()
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds[name] = time.perf_counter() - start
    cpu[name] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return result


def largest(vertices, faces):
    graph = scipy.sparse.coo_matrix((np.ones(len(faces) * 2), (np.concatenate([faces[:, 0], faces[:, 1]]),
                                                             np.concatenate([faces[:, 1], faces[:, 2]]))),
                                    shape=(len(vertices),) * 2)
    parts = scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
    keep = parts == np.argmax(np.bincount(parts))
    number = np.cumsum(keep) - 1
    return vertices[keep], number[faces[keep[faces[:, 0]]]]


def main():
    arguments = argparse.ArgumentParser()
    home = pathlib.Path(__file__).resolve().parent.parent
    arguments.add_argument("anatomy", nargs="?", default=str(home / "../shared/data/anatomy"))
    arguments.add_argument("--bench", default=str(home / ".build/release/cyto-bench"))
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--depth", type=int, default=9)
    options = arguments.parse_args()
    values = field(pathlib.Path(options.anatomy))
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/field.npy"
        np.save(path, values)
        start = os.times()
        ours = json.loads(subprocess.run(
            [options.bench, "surfaces", path, "--level", str(LEVEL), "--spacing", str(SPACING), "--edge-length",
             str(EDGE), "--threads", str(options.threads), "--mesh", folder + "/ours"], check=True,
            capture_output=True, text=True).stdout)
        mesh = (np.fromfile(folder + "/ours.vertices", np.float32).reshape(-1, 3),
                np.fromfile(folder + "/ours.faces", np.uint32).reshape(-1, 3).astype(np.int64))
    seconds, cpu = {}, {}
    vertices, faces, normals, _ = timed(seconds, cpu, "marching_cubes", lambda: marching_cubes(
        values, LEVEL, spacing=(SPACING,) * 3, method="lewiner"))
    truth = largest(vertices.astype(np.float64), faces.astype(np.int64))
    work = pymeshlab.MeshSet()
    work.add_mesh(pymeshlab.Mesh(*truth))
    work.compute_normal_per_vertex()
    timed(seconds, cpu, "poisson", lambda: work.generate_surface_reconstruction_screened_poisson(
        depth=options.depth, threads=options.threads))
    timed(seconds, cpu, "remeshing", lambda: work.meshing_isotropic_explicit_remeshing(
        iterations=6, targetlen=pymeshlab.PureValue(EDGE)))
    peer = (work.current_mesh().vertex_matrix(), work.current_mesh().face_matrix().astype(np.int64))
    print(json.dumps({
        "field": list(values.shape),
        "cyto-pipe": {**ours, **topology(*mesh), "distance": distances(mesh, truth)},
        "peers": {"scikit-image": skimage.__version__, "pymeshlab": pymeshlab.__version__ if hasattr(
            pymeshlab, "__version__") else "unknown", "poisson_depth": options.depth, "seconds": seconds,
            "cpuSeconds": cpu, "raw": topology(*truth), **topology(*peer), "distance": distances(peer, truth)},
        "cpu_of_children": os.times().children_user - start.children_user}, indent=1))


if __name__ == "__main__":
    main()
