"""The peer of `cyto-learn throughput` in eager Python PyTorch: the same networks, loss and optimizer; on CPUs and GPUs.

    python benchmarks/torch_peer.py NETWORK SIDE BATCH STEPS THREADS [bf16] [forward] [checkpoints] [tuned] [cuda]

Prints the same JSON. `measure` runs either program and reads its line. Works with PyTorch 1.13 (Debian's python3-torch) and 2.x.
"""
import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Tests/NetworksTests/Vectors"))
sys.dont_write_bytecode = True


def peer(name, side, batch, steps, threads, options):
    import networks
    import torch
    from torch.nn import functional
    from torch.utils.checkpoint import checkpoint

    device = "cuda" if "cuda" in options else "cpu"
    mixed, checkpoints, forward = "bf16" in options, "checkpoints" in options, "forward" in options
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    torch.backends.cudnn.benchmark = "tuned" in options

    if hasattr(functional, "scaled_dot_product_attention"):
        class Attention(networks.Attention):
            def forward(self, x):
                q, k, v = self.parts(x)
                return self.proj(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape))

        networks.Attention = Attention

    def run(layer, x):
        return checkpoint(layer, x, use_reentrant=False) if checkpoints else layer(x)

    def features(network, x):
        """As the network's own `forward`, with the blocks of Methods 3.9 run again for their gradients."""
        if not checkpoints:
            return network(x)[0]
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

    network = {"small": lambda: networks.Residual(*networks.SMALL), "r50": lambda: networks.Residual(*networks.R50),
               "small-vit": lambda: networks.Hybrid(networks.SMALL, 96, 2, 4, 192, side // 8),
               "r50-vit": lambda: networks.Hybrid(networks.R50, 768, 12, 12, 3072, side // 64)}[name]()
    head = networks.Head({"small": 256, "small-vit": 96, "r50": 2048, "r50-vit": 768}[name], 256).to(device)
    network = network.to(device).to(memory_format=torch.channels_last).train(not forward)
    images = torch.rand(batch, 1, side, side, device=device).to(memory_format=torch.channels_last)
    places = torch.zeros(batch, 3, device=device)
    places[:, 0] = torch.arange(batch)
    off = ~torch.eye(batch, dtype=torch.bool, device=device)
    parameters = list(network.parameters()) + list(head.parameters())
    velocities = [torch.zeros_like(p) for p in parameters]

    def train():
        with torch.autocast(device, torch.bfloat16, enabled=mixed):
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

    def infer():
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=mixed):
            return network(images)[0].float().sum().item()

    once = infer if forward else train
    once()  # the first one makes plans and fills caches
    seconds, cpu = [], []
    for _ in range(steps):
        start, begun = time.perf_counter(), time.process_time()
        once()
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - begun)
    median, cpu_median = (sorted(times)[len(times) // 2] for times in (seconds, cpu))
    result = {"program": "python", "libtorch": torch.__version__, "network": name, "side": side, "batch": batch,
              "threads": threads, "bf16": mixed, "device": device, "checkpoints": checkpoints, "tuned": "tuned" in options,
              "mode": "forward" if forward else "train", "median_s": round(median, 4), "fastest_s": round(min(seconds), 4),
              "cpu_s": round(cpu_median, 4), "images_per_s": round(batch / median, 2), "peak_memory_mib": None}
    if device == "cuda":
        result["peak_memory_mib"] = torch.cuda.max_memory_allocated() >> 20
        result["reserved_mib"] = torch.cuda.max_memory_reserved() >> 20
        result["gpu"] = torch.cuda.get_device_name()
    print(json.dumps(result))


def measure(command, words, seconds=600):
    """The JSON line of one process, with its wall time; {"failed": why} where there is none.

    `command` is a cyto-learn, or a Python whose torch is the peer: [interpreter, __file__].
    """
    python = str(command[-1]).endswith(".py")
    words = [*command, *([] if python else ["throughput"]), *map(str, words)]
    about = {"program": "python" if python else "cyto-learn"}
    start = time.perf_counter()
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=max(5, seconds))
    except subprocess.TimeoutExpired:
        return {**about, "failed": "out of time"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        return {**about, "failed": (done.stderr.strip().splitlines() or ["nothing said"])[-1][:400]}
    return dict(json.loads(lines[-1]), process_s=round(time.perf_counter() - start, 1))


if __name__ == "__main__":
    peer(sys.argv[1], *map(int, sys.argv[2:6]), sys.argv[6:])
