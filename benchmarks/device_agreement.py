"""Trains the same small network on every device at hand and in two processes, and compares the losses step by step.

    python benchmarks/device_agreement.py CYTO_LEARN [--steps 20] [--devices cpu cuda]

Single precision throughout; the first step's loss differs by rounding alone (1e-5), later ones by what training makes of it.
"""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time

import h5py
import numpy


def patches(path, count=512, side=98):
    random = numpy.random.default_rng(1)
    place = random.random(count)
    rows, columns = numpy.mgrid[:side, :side]
    along = place[:, None, None] * rows + (1 - place)[:, None, None] * columns
    wave = 128 + 100 * numpy.cos(along * (0.4 + place)[:, None, None] + random.random((count, 1, 1)) * 6)
    with h5py.File(path, "w") as file:
        file["pixels"] = (wave + random.random(wave.shape) * 10).astype("uint8")
        file["mni_mm"] = numpy.stack([place * 60, 0 * place, 0 * place], 1)
        file["label"] = (place * 4).astype("int32")
        file.attrs["spacing_um"] = 64.0


def train(program, folder, name, method, steps, environment, **changes):
    scratch = folder / name
    scratch.mkdir()
    config = {"method": method, "network": "small", "patch_side_px": 64, "sigma_mm": 5, "temperature": 0.1,
              "projection_width": 64, "batch_size": 128, "steps": steps, "epochs": 1, "optimizer": "lars", "learning_rate": 0.2,
              "schedule": "cosine", "warm_up_fraction": 0.1, "momentum": 0.9, "trust": 0.02, "weight_decay": 1e-4,
              "mixed_precision": False, "gradient_checkpoints": False, "checkpoint_steps": 1000, **changes}
    job = {"format": 1, "stage": "pretraining", "item": [],
           "inputs": {"patches": [{"path": str(folder / "patches.h5"), "item": [], "digest": "0" * 64, "attributes": {}}]},
           "outputs": {"model": {"path": str(scratch / "model.h5")}}, "config": config, "seed": 3,
           "cores": len(os.sched_getaffinity(0)), "scratch": str(scratch)}
    (scratch / "job.json").write_text(json.dumps(job))
    start = time.perf_counter()
    done = subprocess.run([program, "pretraining", "--job", scratch / "job.json"], capture_output=True, text=True,
                          env={**os.environ, **environment})
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr.strip()}")
    with h5py.File(scratch / "model.h5") as file:
        return file["history/loss"][:], time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cyto_learn")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--devices", nargs="+", default=["cpu", "cuda"])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        patches(folder / "patches.h5")
        for method in ("cytonet", "simclr"):
            reference = None
            for device in asked.devices:
                for processes in (1, 2):
                    losses, seconds = train(asked.cyto_learn, folder, f"{method}-{device}-{processes}", method, asked.steps,
                                            {"CYTO_DEVICE": "auto" if device == "cuda" else device, "CYTO_PROCESSES": str(processes)})
                    reference = losses if reference is None else reference
                    apart = numpy.abs(losses - reference)
                    print(json.dumps({"method": method, "device": device, "processes": processes, "first": float(losses[0]),
                                      "last": float(losses[-1]), "apart_first": float(apart[0]), "apart_most": float(apart.max()),
                                      "seconds": round(seconds, 1)}), flush=True)


if __name__ == "__main__":
    main()
