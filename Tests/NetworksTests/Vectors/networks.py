"""Records what the networks of Methods 3.3 give in PyTorch; NetworkTests.swift compares ours with it.

Weights and images follow from their names by integers alone (see `numbers`), so only results are recorded.
Run: python networks.py > networks.json     (recorded with PyTorch 2.13.0+cpu, Python 3.11)
"""
import json
import math

import numpy
import torch
from torch import nn
from torch.nn import functional


def numbers(name, count):
    """Uniform in [-1, 1): SplitMix64's k-th output from a state that is the FNV-1a hash of the name."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(state) + numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z = z ^ (z >> numpy.uint64(31))
    return ((z >> numpy.uint64(40)).astype(numpy.float64) / 2**23 - 1).astype(numpy.float32)


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = None
        if stride != 1 or inputs != 4 * width:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class Residual(nn.Module):
    def __init__(self, stem, stem_stride, widths, blocks, strides):
        super().__init__()
        self.conv1 = nn.Conv2d(1, stem, 5, stem_stride, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.conv2 = nn.Conv2d(stem, stem, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(stem)
        inputs = stem
        self.stages = len(widths)
        for stage, (width, count, stride) in enumerate(zip(widths, blocks, strides)):
            layers = []
            for block in range(count):
                layers.append(Bottleneck(inputs, width, stride if block == 0 else 1))
                inputs = 4 * width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.channels = inputs

    def map(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.max_pool2d(functional.relu(self.bn2(self.conv2(x))), 2)
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return x

    def forward(self, x):
        x = self.map(x)
        return x.mean((2, 3)), x


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def parts(self, x):
        n, t, w = x.shape
        return self.qkv(x).reshape(n, t, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)

    def forward(self, x):
        q, k, v = self.parts(x)
        a = (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).softmax(-1)
        return self.proj((a @ v).transpose(1, 2).reshape(x.shape))


class Layer(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Module()
        self.mlp.fc1 = nn.Linear(width, hidden)
        self.mlp.fc2 = nn.Linear(hidden, width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp.fc2(functional.gelu(self.mlp.fc1(self.norm2(x))))


class Hybrid(Residual):
    def __init__(self, residual, width, layers, heads, hidden, side):
        super().__init__(*residual)
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Linear(self.channels, width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, side * side + 1, width))
        self.blocks = nn.Sequential(*[Layer(width, heads, hidden) for _ in range(layers)])
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def tokens(self, x):
        x = self.map(x)
        x = self.patch_embed.proj(x.flatten(2).transpose(1, 2))
        return torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed

    def forward(self, x):
        side = None
        x = self.norm(self.blocks(self.tokens(x)))
        side = int(math.sqrt(x.shape[1] - 1))
        return x[:, 0], x[:, 1:].transpose(1, 2).reshape(len(x), -1, side, side)

    def attention(self, x):
        block = self.blocks[0]
        q, k, _ = block.attn.parts(block.norm1(self.tokens(x)))
        a = (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).softmax(-1)
        return a[:, :, 0, 1:]


class Head(nn.Module):
    def __init__(self, features, outputs):
        super().__init__()
        self.fc1 = nn.Linear(features, features)
        self.bn1 = nn.BatchNorm1d(features)
        self.fc2 = nn.Linear(features, outputs)

    def forward(self, x):
        return self.fc2(functional.relu(self.bn1(self.fc1(x))))


def fill(network):
    """Weights by their names: scaled by the inputs of a product, near 1 for scales and variances."""
    for name, tensor in network.state_dict().items():
        if "num_batches" in name:
            continue
        values = numbers(name, tensor.numel()).reshape(tuple(tensor.shape))
        if name.endswith("running_var"):
            values = 1 + values / 2
        elif tensor.dim() == 1:
            values = values / 10 + (1 if name.endswith(("bn1.weight", "bn2.weight", "bn3.weight", "norm.weight",
                                                        "norm1.weight", "norm2.weight", "downsample.1.weight")) else 0)
        else:
            values = values * numpy.float32(math.sqrt(3 / max(1, math.prod(tensor.shape[1:]))))
        tensor.copy_(torch.from_numpy(numpy.asarray(values, dtype=numpy.float32)))


def probe(tensor, count=24):
    """Values at even steps through the tensor, and its mean magnitude."""
    flat = tensor.detach().double().reshape(-1)
    places = [(k * (flat.numel() - 1)) // (count - 1) for k in range(count)]
    return {"shape": list(tensor.shape), "values": [float(flat[p]) for p in places], "magnitude": float(flat.abs().mean())}


def record(network, samples, side, head=None, gradients=True, training=True):
    """`gradients` off for R50: by batch statistics of 16 values and 53 layers, PyTorch's own float32 gradients are 5-10 % off
    its float64 ones."""
    with torch.no_grad():
        fill(network)
        if head:
            fill(head)
    images = torch.from_numpy(numbers("images", samples * side * side).reshape(samples, 1, side, side))
    network.eval()
    result = {"samples": samples, "side": side}
    with torch.no_grad():
        features, map = network(images)
        result["features"], result["map"] = probe(features), probe(map)
        if hasattr(network, "attention"):
            result["attention"] = probe(network.attention(images))
    if not training:
        return result
    network.train()
    features, map = network(images)
    output = head(features) if head else features
    loss = (output * torch.from_numpy(numbers("mix", output.numel())).reshape(output.shape)).sum()
    loss.backward()
    result["training"] = probe(output)
    result["gradients"] = {n: probe(p.grad, 6) for n, p in network.named_parameters()
                           if gradients and n in ("conv1.weight", "layer1.0.bn3.weight", "layer3.0.downsample.0.weight", "pos_embed",
                                    "blocks.1.attn.qkv.weight", "cls_token", "layer3.0.conv2.weight", "layer2.1.conv2.weight")}
    result["statistics"] = {n: probe(b, 6) for n, b in network.named_buffers()
                            if n in ("bn1.running_mean", "bn2.running_var", "layer3.0.bn3.running_var")}
    return result


def shapes(network):
    return {"parameters": sum(p.numel() for p in network.parameters()),
            "shapes": [[n, list(t.shape)] for n, t in network.state_dict().items() if "num_batches" not in n]}


R50 = (64, 4, [64, 128, 256, 512], [3, 4, 6, 3], [1, 2, 2, 2])
SMALL = (16, 2, [16, 32, 64], [1, 1, 1], [1, 2, 1])


def main():
    torch.set_num_threads(1)
    with torch.device("meta"):
        counts = {"r50": shapes(Residual(*R50)), "hybrid": shapes(Hybrid(R50, 768, 12, 12, 3072, 32)),
                  "small": shapes(Residual(*SMALL)), "head": shapes(Head(2048, 256))}
        for name in counts:  # the lists of the large ones as one checksum of their text, in order of names
            text = ";".join(f"{n}:{'x'.join(map(str, s))}" for n, s in sorted(counts[name]["shapes"]))
            hash = 0xCBF29CE484222325
            for byte in text.encode():
                hash = ((hash ^ byte) * 0x100000001B3) % 2**64
            counts[name]["tensors"] = len(counts[name].pop("shapes"))
            counts[name]["checksum"] = f"{hash:016x}"
    print(json.dumps({
        "torch": torch.__version__,
        "counts": counts,
        "small": record(Residual(*SMALL), 6, 64, Head(256, 64)),
        "smallHybrid": record(Hybrid(SMALL, 48, 3, 4, 96, 8), 4, 64),
        "deeper": record(Residual(8, 4, [8, 16, 24], [2, 3, 1], [1, 2, 1]), 6, 96),
        "r50": record(Residual(*R50), 4, 128, gradients=False),
        "r50Large": record(Residual(*R50), 1, 2048, training=False),
        "hybridLarge": record(Hybrid(R50, 768, 12, 12, 3072, 32), 1, 2048, training=False),
    }, indent=1))


if __name__ == "__main__":
    main()
