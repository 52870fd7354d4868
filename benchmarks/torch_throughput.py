"""Training steps on CPUs: cyto-learn beside eager Python PyTorch of the same libtorch, in one run.

    python3 benchmarks/torch_throughput.py CYTO_LEARN [--python /usr/bin/python3] [--threads 2] [--rounds 5] [--only small r50]

Forward, SpatialNCE, backward and a LARS step (`torch_peer.py`): the demonstration's small network on 64 patches of 64², and R50 on 8
patches of 256², in float32 and bfloat16. The two programs take turns, each time as a process of its own; of all rounds the median and
the fastest step count. `cpu` is the processor time of all threads in a step, which other work on the machine disturbs least. The peer
is Debian's: `apt-get install python3-torch` (1.13.1, as libtorch-dev). The ratio is the peer's time by ours: above 1 is faster.
"""
import argparse
import json
import os
import pathlib

from torch_peer import measure

CASES = {"small": ("small", 64, 64, 20), "r50": ("r50", 256, 8, 3), "small-vit": ("small-vit", 64, 64, 20)}


def median(values):
    values = sorted(values)
    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cyto_learn")
    parser.add_argument("--python", default="/usr/bin/python3")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=CASES, default=["small", "r50"])
    parser.add_argument("--precisions", nargs="+", choices=["fp32", "bf16"], default=["fp32", "bf16"])
    asked = parser.parse_args()
    peer = [asked.python, pathlib.Path(__file__).with_name("torch_peer.py")]
    table = []
    for name in asked.only:
        for precision in asked.precisions:
            network, side, batch, steps = CASES[name]
            words = [network, side, batch, steps, asked.threads] + (["bf16"] if precision == "bf16" else [])
            results = {"cyto-learn": [], "python": []}
            for _ in range(asked.rounds):
                for command in ([asked.cyto_learn], peer):
                    line = measure(command, words)
                    if "failed" in line:
                        raise SystemExit(f"{line['program']} {words}: {line['failed']}")
                    results[line["program"]].append(line)
                    print(json.dumps(line), flush=True)
            versions = {key: lines[0]["libtorch"] for key, lines in results.items()}
            if versions["cyto-learn"].split(".")[:2] != versions["python"].split(".")[:2]:
                raise SystemExit(f"two versions of libtorch are not compared: {versions}")

            def ratio(key, of):
                return of(r[key] for r in results["python"]) / of(r[key] for r in results["cyto-learn"])

            table.append((f"{network} {side}² × {batch} {precision}", median(r["images_per_s"] for r in results["cyto-learn"]),
                          median(r["images_per_s"] for r in results["python"]), ratio("median_s", median),
                          ratio("fastest_s", min), ratio("cpu_s", median), versions))
    print(f"\n{'':28} {'cyto-learn':>11} {'python':>11} {'median':>7} {'fastest':>8} {'cpu':>6}")
    for name, ours, theirs, middle, fastest, cpu, versions in table:
        print(f"{name:28} {ours:9.1f}/s {theirs:9.1f}/s {middle:7.3f} {fastest:8.3f} {cpu:6.3f}")
    print(f"libtorch {table[0][-1]}, {asked.threads} threads, {asked.rounds} rounds in turns")


if __name__ == "__main__":
    main()
