"""Records three steps of training of the small network in PyTorch, in float64; WholeTrainingTests.swift compares.

Run: python training.py > training.json     (recorded with PyTorch 2.13.0+cpu, Python 3.11)
"""
import json

import numpy
import torch
from torch.nn import functional

from networks import SMALL, Head, Residual, fill, numbers, probe

COUNT, SIDE, STEPS, RATE, TEMPERATURE = 12, 32, 3, 0.05, 0.1


def logarithms(z):
    s = (z @ z.T / TEMPERATURE).masked_fill(torch.eye(len(z), dtype=bool), -torch.inf)
    return functional.log_softmax(s, 1)


def spatial(z):
    places = torch.from_numpy(numbers("positions", 3 * COUNT).reshape(COUNT, 3).astype(numpy.float64)) * 20
    omega = torch.exp(-torch.cdist(places, places, compute_mode="donot_use_mm_for_euclid_dist") ** 2 / (2 * 10**2))
    off = ~torch.eye(COUNT, dtype=bool)
    rows = (omega * logarithms(z))[off].reshape(COUNT, -1).sum(1) / omega[off].reshape(COUNT, -1).sum(1)
    return -rows.mean()


def paired_views(z):
    return -logarithms(z)[torch.arange(len(z)), (torch.arange(len(z)) + len(z) // 2) % len(z)].mean()


def same_label(z):
    log = logarithms(z)
    rows = []
    for i in range(COUNT):
        same = [j for j in range(COUNT) if j != i and j % 4 == i % 4]
        rows.append(-sum(log[i, j] for j in same) / len(same))
    return torch.stack(rows).mean()


def train(loss_of, views):
    network = Residual(*SMALL)
    network.projection = Head(256, 16)
    with torch.no_grad():
        fill(network)
    network.double().train()
    parameters = list(network.parameters())
    velocities = [torch.zeros_like(p) for p in parameters]
    result = {"losses": []}
    for step in range(STEPS):
        values = numbers(f"images {step}", views * COUNT * SIDE * SIDE).astype(numpy.float64)
        features = network(torch.from_numpy(values).reshape(-1, 1, SIDE, SIDE))[0]
        loss = loss_of(functional.normalize(network.projection(features), dim=1))
        network.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p, v in zip(parameters, velocities):
                g = p.grad
                if p.dim() > 1:
                    g = (g + 1e-4 * p) * (0.02 * p.norm() / (g.norm() + 1e-4 * p.norm() + 1e-8))
                v.mul_(0.9).add_(g)
                p.sub_(RATE * (g + 0.9 * v))
        result["losses"].append(loss.item())
        if step == 0:
            result["first"] = tensors(network)
    return {**result, "last": tensors(network)}


def tensors(network):
    return {n: probe(t, 4) for n, t in network.state_dict().items() if "num_batches" not in n}


def main():
    print(json.dumps({"torch": torch.__version__, "spatial": train(spatial, 1), "pairedViews": train(paired_views, 2),
                      "sameLabel": train(same_label, 1)}))


if __name__ == "__main__":
    main()
