"""The peer of `cyto-learn throughput`: the same networks, loss and optimizer in eager Python PyTorch.

    cyto-learn throughput NETWORK SIDE BATCH STEPS THREADS [bf16] [forward]
    python benchmarks/torch_throughput.py NETWORK SIDE BATCH STEPS THREADS [bf16] [forward]

Run both one after another, several times, with the same libtorch.
"""
import json
import pathlib
import sys
import time

import torch
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Tests/NetworksTests/Vectors"))
sys.dont_write_bytecode = True
from networks import R50, SMALL, Head, Hybrid, Residual  # noqa: E402


def main():
    name, side, batch, steps, threads = sys.argv[1], *map(int, sys.argv[2:6])
    mixed, forward = "bf16" in sys.argv, "forward" in sys.argv
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    network = {"small": lambda: Residual(*SMALL), "r50": lambda: Residual(*R50),
               "r50-vit": lambda: Hybrid(R50, 768, 12, 12, 3072, side // 64)}[name]()
    network = network.to(memory_format=torch.channels_last)
    head = Head({"small": 256, "r50": 2048, "r50-vit": 768}[name], 256)
    parameters = list(network.parameters()) + list(head.parameters())
    velocities = [torch.zeros_like(p) for p in parameters]
    images = torch.rand(batch, 1, side, side).to(memory_format=torch.channels_last)
    places = torch.zeros(batch, 3)
    places[:, 0] = torch.arange(batch)

    def train():
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            z = head(network(images)[0])
        z = functional.normalize(z.float(), dim=1)
        off = ~torch.eye(batch, dtype=torch.bool)
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

    def infer():
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            return network(images)[0].float().sum().item()

    network.train(not forward)
    once = infer if forward else train
    once()
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        once()
        seconds.append(time.perf_counter() - start)
    seconds.sort()
    median = seconds[steps // 2]
    print(json.dumps({"program": "python", "libtorch": torch.__version__, "network": name, "side": side, "batch": batch,
                      "threads": threads, "bf16": mixed, "mode": "forward" if forward else "train",
                      "median_s": round(median, 4), "fastest_s": round(seconds[0], 4),
                      "images_per_s": round(batch / median, 2)}))


if __name__ == "__main__":
    main()
