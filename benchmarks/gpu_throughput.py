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

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Tests/NetworksTests/Vectors"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True


def peer(name, side, batch, steps, threads, options):
    """One measurement of Python PyTorch, as the throughput tool of cyto-learn does it."""
    import torch
    from torch.nn import functional
    from torch.utils.checkpoint import checkpoint
    import networks

    device = "cuda" if "cuda" in options else "cpu"
    checkpoints = "checkpoints" in options
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    torch.backends.cudnn.benchmark = "tuned" in options

    class Attention(networks.Attention):
        def forward(self, x):
            q, k, v = self.parts(x)
            return self.proj(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape))

    networks.Attention = Attention

    def run(layer, x):
        return checkpoint(layer, x, use_reentrant=False) if checkpoints else layer(x)

    def features(network, x):
        x = functional.relu(network.bn1(network.conv1(x)))
        x = functional.max_pool2d(functional.relu(network.bn2(network.conv2(x))), 2)
        blocks = [b for stage in range(network.stages) for b in getattr(network, f"layer{stage + 1}")]
        x = blocks[0](x)
        for block in blocks[1:]:
            x = run(block, x)
        if not isinstance(network, networks.Hybrid):
            return x.mean((2, 3))
        x = network.patch_embed.proj(x.flatten(2).transpose(1, 2))
        x = torch.cat([network.cls_token.expand(len(x), -1, -1), x], 1) + network.pos_embed
        for layer in network.blocks:
            x = run(layer, x)
        return network.norm(x)[:, 0]

    with torch.device(device):
        network = {"small": lambda: networks.Residual(*networks.SMALL), "r50": lambda: networks.Residual(*networks.R50),
                   "r50-vit": lambda: networks.Hybrid(networks.R50, 768, 12, 12, 3072, side // 64)}[name]()
        head = networks.Head({"small": 256, "r50": 2048, "r50-vit": 768}[name], 256)
        network = network.to(memory_format=torch.channels_last)
        images = torch.rand(batch, 1, side, side).to(memory_format=torch.channels_last)
        places = torch.zeros(batch, 3)
        places[:, 0] = torch.arange(batch)
        off = ~torch.eye(batch, dtype=torch.bool)
    parameters = list(network.parameters()) + list(head.parameters())
    velocities = [torch.zeros_like(p) for p in parameters]

    def once():
        with torch.autocast(device, torch.bfloat16, enabled="bf16" in options):
            z = head(features(network, images))
        z = functional.normalize(z.float(), dim=1)
        s = (z @ z.T / 0.07).masked_fill(~off, -1e9).log_softmax(1)
        w = torch.exp(-torch.cdist(places, places) ** 2 / 200) * off
        loss = -(w / w.sum(1, keepdim=True) * s.masked_fill(~off, 0)).sum() / batch
        for p in parameters:
            p.grad = None
        loss.backward()
        with torch.no_grad():
            for p, v in zip(parameters, velocities):
                g = p.grad
                if p.dim() > 1:
                    g = g + 1e-4 * p
                    g = g * (0.02 * p.norm() / (p.grad.norm() + 1e-4 * p.norm() + 1e-8))
                v.mul_(0.9).add_(g)
                p.add_(g, alpha=-0.01).add_(v, alpha=-0.009)
        return loss.item()

    once()
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        once()
        seconds.append(time.perf_counter() - start)
    seconds.sort()
    median = seconds[steps // 2]
    result = {"program": "python", "libtorch": torch.__version__, "network": name, "side": side, "batch": batch,
              "threads": threads, "bf16": "bf16" in options, "device": device, "checkpoints": checkpoints,
              "tuned": "tuned" in options, "mode": "train", "median_s": round(median, 4), "fastest_s": round(seconds[0], 4),
              "images_per_s": round(batch / median, 2), "peak_memory_mib": None}
    if device == "cuda":
        result["peak_memory_mib"] = torch.cuda.max_memory_allocated() >> 20
        result["reserved_mib"] = torch.cuda.max_memory_reserved() >> 20
        result["gpu"] = torch.cuda.get_device_name()
    print(json.dumps(result))


def measure(program, name, side, batch, steps, threads, options, seconds):
    """The line of one process, or why there is none."""
    words = [name, str(side), str(batch), str(steps), str(threads), *options]
    command = [program, "throughput"] if program else [sys.executable, __file__, "--peer"]
    start = time.perf_counter()
    try:
        done = subprocess.run(command + words, capture_output=True, text=True, timeout=max(5, seconds))
    except subprocess.TimeoutExpired:
        return {"program": "cyto-learn" if program else "python", "network": name, "batch": batch, "failed": "out of time"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        said = (done.stderr.strip().splitlines() or ["nothing said"])[-1]
        return {"program": "cyto-learn" if program else "python", "network": name, "batch": batch, "failed": said[:400]}
    return dict(json.loads(lines[-1]), process_s=round(time.perf_counter() - start, 1))


def main():
    if sys.argv[1:2] == ["--peer"]:
        return peer(sys.argv[2], *map(int, sys.argv[3:7]), sys.argv[7:])
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

    def both(name, batch, options):
        pair = []
        for program in (asked.cyto_learn, None):
            left = deadline - time.perf_counter()
            if left < 8:
                return None
            pair.append(measure(program, name, asked.side, batch, asked.steps, asked.threads, options + device, left))
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
