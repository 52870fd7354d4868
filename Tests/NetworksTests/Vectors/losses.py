"""Records losses, their gradients, and optimizer steps of PyTorch; LossTests.swift and OptimizerTests.swift compare.

Run: python losses.py > losses.json     (recorded with PyTorch 2.13.0+cpu, Python 3.11; all in float64)
"""
import json
import math

import numpy
import torch
from torch.nn import functional

from networks import Head, fill, numbers


def inputs(n, d):
    return torch.from_numpy(numbers("features", n * d).reshape(n, d).astype(numpy.float64)).requires_grad_()


def finish(features, loss):
    loss.backward()
    return {"loss": loss.item(), "gradient": features.grad.reshape(-1).tolist()}


def spatial_nce(sigma):
    z = inputs(8, 6)
    p = torch.from_numpy(numbers("positions", 24).reshape(8, 3).astype(numpy.float64)) * 20
    omega = torch.exp(-torch.cdist(p, p, compute_mode="donot_use_mm_for_euclid_dist") ** 2 / (2 * sigma**2))
    s = functional.normalize(z, dim=1) @ functional.normalize(z, dim=1).T / 0.07
    off = ~torch.eye(8, dtype=bool)
    log = s - torch.logsumexp(s.masked_fill(~off, -math.inf), 1, keepdim=True)
    rows = -(omega * log)[off].reshape(8, 7).sum(1) / omega[off].reshape(8, 7).sum(1)
    return finish(z, rows.mean())


def nt_xent():
    z = inputs(8, 6)
    s = functional.normalize(z, dim=1) @ functional.normalize(z, dim=1).T / 0.5
    s = s.masked_fill(torch.eye(8, dtype=bool), -math.inf)
    return finish(z, functional.cross_entropy(s, (torch.arange(8) + 4) % 8))


def sup_con():
    z = inputs(8, 6)
    labels = [0, 1, 0, 2, 1, 0, 3, 2]
    s = functional.normalize(z, dim=1) @ functional.normalize(z, dim=1).T / 0.1
    log = functional.log_softmax(s.masked_fill(torch.eye(8, dtype=bool), -math.inf), 1)
    rows = []
    for i in range(8):
        same = [j for j in range(8) if j != i and labels[j] == labels[i]]
        if same:  # sample 6 is alone and left out
            rows.append(-sum(log[i, j] for j in same) / len(same))
    return finish(z, torch.stack(rows).mean())


def cross_entropy():
    z = inputs(8, 6)
    return finish(z, functional.cross_entropy(z, torch.tensor([0, 5, -1, 3, 3, -1, 2, 1]), ignore_index=-1))


def steps(kind):
    head = Head(6, 4)
    with torch.no_grad():
        fill(head)
    head = head.double()
    x = torch.from_numpy(numbers("batch", 60).reshape(10, 6).astype(numpy.float64))
    weights = [p for n, p in head.named_parameters() if n in ("fc1.weight", "fc2.weight")]
    rest = [p for n, p in head.named_parameters() if n not in ("fc1.weight", "fc2.weight")]
    if kind == "adamw":
        optimizer = torch.optim.AdamW([{"params": weights}, {"params": rest, "weight_decay": 0}], lr=1, weight_decay=0.05)
    else:
        optimizer = torch.optim.SGD(head.parameters(), lr=1, momentum=0.9, nesterov=True)
    losses = []
    for rate in [0.1, 0.2, 0.05, 0.1, 0.3]:
        for group in optimizer.param_groups:
            group["lr"] = rate * (0.01 if kind == "adamw" else 1)
        optimizer.zero_grad()
        loss = (head(x) ** 2).mean()
        loss.backward()
        losses.append(loss.item())
        if kind == "lars":
            with torch.no_grad():
                for p in weights:
                    ratio = 0.02 * p.norm() / (p.grad.norm() + 0.01 * p.norm() + 1e-8)
                    p.grad = ratio * (p.grad + 0.01 * p)
        optimizer.step()
    return {"losses": losses, "parameters": {"projection." + n: p.reshape(-1).tolist() for n, p in head.named_parameters()}}


def main():
    torch.manual_seed(0)
    print(json.dumps({
        "torch": torch.__version__, "spatial": {str(s): spatial_nce(s) for s in (4, 10, 40)}, "ntXent": nt_xent(),
        "supCon": sup_con(), "crossEntropy": cross_entropy(), "lars": steps("lars"), "adamw": steps("adamw")}))


if __name__ == "__main__":
    main()
