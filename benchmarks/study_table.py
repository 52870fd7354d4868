#!/usr/bin/env python3
"""What a run of pipelines/study.yaml found, as means and standard deviations, and a record of it.

    study_table.py table [--programs .build/release] [--store artifacts]          the table, on stdout
    study_table.py record FILE [--programs …] [--store …]                          every figure with its task, key and digests, as JSON

Over the trainings of each phantom first, then over phantoms: means of the phantoms' means, and the spread of all trainings.
Needs nothing but Python; the figures are those of `cyto-pipe show TASK --json`.
"""
import argparse
import json
import subprocess
import sys

PHANTOMS, SEEDS = (0, 1), (0, 1, 2)
MODELS = ("CytoNet", "SimCLR", "SupCon")
SETS = ("seen", "transfer", "unseen")


class Store:
    def __init__(self, arguments):
        self.command = [arguments.programs + "/cyto-pipe"]
        self.store = ["--store", arguments.store]
        self.known = {}

    def show(self, task):
        """The record of a task; None where it has not run."""
        if task not in self.known:
            done = subprocess.run(self.command + ["show", task, "--json"] + self.store, capture_output=True, text=True)
            self.known[task] = json.loads(done.stdout) if done.returncode == 0 else None
        return self.known[task]

    def figures(self, task):
        record = self.show(task)
        return record["action"]["figures"] if record else {}


def tasks():
    """Every task that the table is from: (row, stage's meaning, phantom, task)."""
    for phantom in PHANTOMS:
        for seed in SEEDS:
            place = f"phantom_seed={phantom}"
            for model in MODELS:
                item = f"[{place},model={model},training_seed={seed}]"
                yield model, "probe", phantom, "full.area-classification" + item
                for labels in (5, 20):
                    yield (model, f"probe, {labels} labels", phantom,
                           f"probe-few[{place},model={model},training_seed={seed},labels={labels}]")
                if model == "SupCon":
                    continue
                for stage in ("area-classification-projection", "area-finetuning", "area-smoothing", "layer-segmentation",
                              "coordinate-prediction", "parcellation", "embedding", "area-similarity", "retrieval"):
                    yield model, stage, phantom, f"full.{stage}{item}"
                if model == "CytoNet":
                    brains = {0: ("B01", "B02", "B03", "B04"), 1: ("B11", "B12", "B13", "B14")}[phantom]
                    for brain in brains:
                        yield (model, "structural-prediction", phantom,
                               f"full.structural-prediction[{place},model={model},training_seed={seed},brain={brain}]")
            item = f"[{place},training_seed={seed}]"
            yield "scratch", "finetuned", phantom, "full.scratch" + item
            yield "scratch", "layer-segmentation", phantom, "full.layer-segmentation-scratch" + item
            for labels in (5, 20):
                yield ("scratch", f"finetuned, {labels} labels", phantom,
                       f"scratch-few[{place},training_seed={seed},labels={labels}]")
                yield ("SupCon-few", f"probe, {labels} labels", phantom,
                       f"probe-supervised-few[{place},few=SupCon-few,training_seed={seed},labels={labels}]")


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def deviation(values):
    """Of a sample (n - 1)."""
    middle = mean(values)
    return (sum((value - middle) ** 2 for value in values) / (len(values) - 1)) ** 0.5


def spread(values):
    """Mean of the phantoms' means ± standard deviation over all trainings, as text."""
    flat = [v for group in values.values() for v in group]
    if not flat:
        return "–"
    middle = mean(mean(group) for group in values.values())
    spread = f" ± {deviation(flat):.3f}" if len(flat) > 1 else ""
    each = " / ".join(f"{mean(group):.3f}" for _, group in sorted(values.items()))
    return f"{middle:.3f}{spread} ({each}; n = {len(flat)})"


def table(store):
    found = {}
    for row, meaning, phantom, task in tasks():
        for name, value in store.figures(task).items():
            found.setdefault((meaning, name), {}).setdefault(row, {}).setdefault(phantom, []).append(value)
    for (meaning, name), rows in sorted(found.items()):
        for row, values in rows.items():
            print(f"{meaning:32} {name:34} {row:11} {spread(values)}")


def record(store, path):
    rows = []
    for _, _, _, task in tasks():
        shown = store.show(task)
        if not shown or any(row["task"] == task for row in rows):
            continue
        rows.append({
            "task": task, "key": shown["action"]["task"]["key"], "figures": shown["action"]["figures"],
            "cpu_s": round(shown["action"]["cpuSeconds"], 1),
            "outputs": [{"port": output["port"], "digest": output["digest"]} for output in shown["outputs"]],
        })
    with open(path, "w") as file:
        json.dump(rows, file, indent=0)
    print(f"{len(rows)} tasks in {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["table", "record"])
    parser.add_argument("file", nargs="?")
    parser.add_argument("--programs", default=".build/release")
    parser.add_argument("--store", default="artifacts")
    arguments = parser.parse_args()
    if arguments.what == "record" and not arguments.file:
        parser.error("record needs a file to write")
    store = Store(arguments)
    if arguments.what == "table":
        table(store)
    else:
        record(store, arguments.file)


if __name__ == "__main__":
    sys.exit(main())
