#!/usr/bin/env python3
"""What reruns after one section's image was edited: counted, task by task.

    cyto-pipe run pipelines/full.yaml                       # makes the phantom's sections
    python3 benchmarks/edit_section.py DIR [--brains B01 B02] [--section 0040]

Lays the phantom cohort's scans and template out as files in DIR, as a user's own cohort has them, with a cohort file beside them;
runs the whole pipeline on it, then again (nothing may run), then paints over 30 × 30 pixels of one section and runs once more.
Right is: the section's own tasks, its two alignments (with the section before and the one after), and tasks of its brain; none of
another brain. Prints JSON and exits 1 if anything else ran. Needs nothing but Python; the scans are uncompressed TIFFs.
"""
import argparse
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys

HOME = pathlib.Path(__file__).resolve().parent.parent
CYTO_PIPE = os.environ.get("CYTO_PIPE", str(HOME / ".build/release/cyto-pipe"))


def run(*arguments):
    outcome = subprocess.run([CYTO_PIPE, *map(str, arguments)], capture_output=True, text=True)
    if outcome.returncode != 0:
        sys.exit(f"cyto-pipe {' '.join(map(str, arguments))}\n{outcome.stdout[-2000:]}\n{outcome.stderr[-4000:]}")
    return outcome.stdout


def path_of(what, store):
    return pathlib.Path(json.loads(run("path", what, "--store", store, "--json"))[0]["path"])


def lay_out(folder, store, brains):
    """Copies scans and template; returns the rows of the section table."""
    rows = []
    table = (HOME / "pipelines/cohorts/phantom-sections.csv").read_text().splitlines()
    for line in table[1:]:
        brain, section = line.split(",")[:2]
        if brain not in brains:
            continue
        target = folder / "scans" / brain / f"{section}.tif"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path_of(f"cohort.section[brain={brain},section={section}].section", store), target)
        target.chmod(0o644)
        rows.append(line)
    (folder / "sections.csv").write_text("\n".join([table[0], *rows]) + "\n")
    for port in ("gray", "white"):
        shutil.copy(path_of(f"cohort.template.{port}", store), folder / f"{port}.nii.gz")
    (folder / "template.yaml").write_text(
        "summary: The template's tissue.\n"
        "sources:\n"
        "  gray: { file: gray.nii.gz, type: nifti-volume }\n"
        "  white: { file: white.nii.gz, type: nifti-volume }\n")
    (folder / "cohort.yaml").write_text(
        "summary: Phantom sections as scans of a user's own.\n"
        "import: { template: template.yaml }\n"
        "axes:\n"
        "  brain: {" + ", ".join(f" {brain}: {{ role: seen }}" for brain in brains) + " }\n"
        "  section: { within: brain, table: { file: sections.csv, key: section } }\n"
        "sources:\n"
        "  section: { file: \"scans/${brain}/${section}.tif\", for: [brain, section], type: section-image }\n")
    return [row.split(",")[:2] for row in rows]


# All of the reconstruction and its pictures; what is learned is learned from all brains together.
TARGETS = ["points", "segmentation-preview", "volume-views", "surface-views", "midline-preview"]


def executed(folder):
    """Runs the pipeline; the tasks that ran."""
    before = {(t["task"], t["key"]) for t in tasks(folder)}
    outcome = json.loads(run("run", HOME / "pipelines/full.yaml", *TARGETS, "--import", f"cohort={folder / 'cohort.yaml'}",
                             "--store", folder / "store", "--json"))
    return sorted(t["task"] for t in tasks(folder) if (t["task"], t["key"]) not in before), outcome


def tasks(folder):
    if not (folder / "store").exists():
        return []
    stages = json.loads(run("ls", "--store", folder / "store", "--json"))
    return [t for t in stages if "task" in t]


def paint(scan):
    """Turns 30 × 30 pixels around the middle of the file's pixel data black, in place."""
    data = bytearray(scan.read_bytes())
    middle = len(data) // 2
    for row in range(30):
        start = middle + row * 512
        data[start:start + 30] = bytes(30)
    scan.write_bytes(bytes(data))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--store", type=pathlib.Path, default=HOME / "artifacts", help="of the run on the phantom cohort")
    parser.add_argument("--brains", nargs="+", default=["B01", "B02"])
    parser.add_argument("--section", default=None, help="of the first brain; the middle one if left out")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    sections = lay_out(folder, arguments.store, arguments.brains)
    brain = arguments.brains[0]
    own = [section for name, section in sections if name == brain]
    edited = arguments.section or own[len(own) // 2]
    before = own[own.index(edited) - 1]
    first, _ = executed(folder)
    again, _ = executed(folder)
    paint(folder / "scans" / brain / f"{edited}.tif")
    after, _ = executed(folder)
    item = f"[brain={brain},section="
    right = {f"tissue-segmentation{item}{edited}]", f"section-keypoints{item}{edited}]",
             f"section-alignment{item}{before}]", f"section-alignment{item}{edited}]"}
    wrong = [task for task in after if task not in right and not task.endswith(f"[brain={brain}]")]
    missing = sorted(right - set(after))
    print(json.dumps({
        "edited": f"{brain} {edited}", "tasks_first": len(first), "tasks_again": len(again), "tasks_after_edit": len(after),
        "of_sections": sorted(task for task in after if "section=" in task),
        "of_the_brain": sorted(task for task in after if task.endswith(f"[brain={brain}]")),
        "wrong": wrong, "missing": missing,
        "by_stage": dict(collections.Counter(task.split("[")[0] for task in after))}, indent=2))
    sys.exit(1 if wrong or again or missing else 0)


if __name__ == "__main__":
    main()
