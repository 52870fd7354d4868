"""Training steps of R50 and R50-ViT on 2048² patches on a GPU: cyto-learn beside eager Python PyTorch, in one run.

    python benchmarks/gpu_throughput.py CYTO_LEARN [--seconds 150] [--side 2048] [--device cuda] [--networks r50 r50-vit]

Both programs build the networks of Methods 3.3, compute in bfloat16 with channels last, run blocks again for their gradients (Methods
3.9: every residual block but the first, every transformer layer), and do forward, SpatialNCE, backward and a LARS step on images that
lie on the device. First 32 images, the paper's share of a GPU, then as many as fit by the memory that 32 took. Each measurement is a
process of its own, the two programs turn about. One JSON line a measurement, then a table.

`cyto-learn` needs the libtorch that it was built against on LD_LIBRARY_PATH: the one of this Python's torch, of the same version.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

from torch_peer import measure


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cyto_learn")
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--networks", nargs="+", default=["r50", "r50-vit"])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    asked = parser.parse_args()
    deadline = time.perf_counter() + asked.seconds
    device = ["cuda"] if asked.device == "cuda" else []
    results = []
    peer = [sys.executable, pathlib.Path(__file__).with_name("torch_peer.py")]

    def both(name, batch, options):
        pair = []
        for command in ([asked.cyto_learn], peer):
            left = deadline - time.perf_counter()
            if left < 8:
                return None
            words = [name, asked.side, batch, asked.steps, asked.threads, *options, *device]
            pair.append({"network": name, "batch": batch, **measure(command, words, left)})
            print(json.dumps(pair[-1]), flush=True)
        results.append((name, batch, options, pair))
        return pair

    usual = ["bf16", "checkpoints"]
    first = {name: both(name, asked.batch, usual) for name in asked.networks}
    if device:
        total = int(subprocess.run(["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"],
                                   capture_output=True, text=True, check=True).stdout.split()[0])
        for name, pair in first.items():
            peaks = [r.get("peak_memory_mib") for r in pair or []]
            if not peaks or None in peaks:
                continue
            # Weights, gradients, momenta: 12 bytes a parameter, some 2 GiB at most; the rest grows with the batch.
            fits = int(asked.batch * 0.88 * total / max(peaks)) // 16 * 16
            pair = both(name, fits, usual)
            # Tensors of 2³¹ elements and more (from 128 images on, after the first convolution) are not for every kernel.
            if pair and any("failed" in r for r in pair) and fits > 112:
                both(name, 112, usual)
        for name in asked.networks:
            both(name, asked.batch, ["bf16"])

    print(f"\n{'network':8} {'batch':>5} {'options':18} {'cyto-learn':>22} {'python':>22} {'ratio':>6}")
    for name, batch, options, pair in results:
        cells = [r.get("failed", "")[:22] if "failed" in r else f"{r['images_per_s']}/s {r['peak_memory_mib'] or '-'} MiB" for r in pair]
        ratio = "" if any("failed" in r for r in pair) else f"{pair[0]['images_per_s'] / pair[1]['images_per_s']:.3f}"
        print(f"{name:8} {batch:5} {' '.join(options):18} {cells[0]:>22} {cells[1]:>22} {ratio:>6}")


if __name__ == "__main__":
    main()
