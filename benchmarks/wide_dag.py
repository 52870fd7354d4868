#!/usr/bin/env python3
"""A wide DAG of small shell tasks for cyto-pipe, ninja and Snakemake, and the runners' overhead on it.

    python3 benchmarks/wide_dag.py make DIR --leaves 1000     writes the DAG for all three runners
    python3 benchmarks/wide_dag.py rerun DIR                  what reruns after which edit, counted in tasks (cyto-pipe)
    python3 benchmarks/wide_dag.py noop DIR [--runs 7]        wall seconds and peak memory of a run with nothing to do
    python3 benchmarks/wide_dag.py overhead DIR               seconds a task over the bare processes

`leaves` leaf tasks in 10 groups and one final: a leaf copies the first line of its source, a group and the final
concatenate. Peers are found on PATH or named by --ninja and --snakemake; one that is missing is left out.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

HOME = pathlib.Path(__file__).resolve().parent.parent
CYTO_PIPE = os.environ.get("CYTO_PIPE", str(HOME / ".build/release/cyto-pipe"))
GROUPS = 10


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def make(folder, leaves):
    folder.mkdir(parents=True, exist_ok=True)
    per_group = leaves // GROUPS
    for group in range(GROUPS):
        for leaf in range(per_group):
            write(folder / f"src/{group}/{leaf}.txt", f"{group} {leaf}\nsecond line\n")
    write(folder / "stages/types.yaml", "types:\n  text: { summary: lines, format: file, extension: txt }\n")
    write(folder / "stages/leaf.yaml", """stage: leaf
version: 1
summary: The first line of a file.
run: [sh, -c, 'IFS= read -r line < "$1"; printf "%s%s\\n" "$line" "$3" > "$2"', leaf, "${inputs.text}", "${outputs.out}", "${config.suffix}"]
inputs: { text: { type: text } }
outputs: { out: { type: text } }
config: { suffix: { type: text, default: "", help: appended } }
resources: { cores: 1, memory: 16MiB }
""")
    for name in ("group", "final"):
        write(folder / f"stages/{name}.yaml", f"""stage: {name}
version: 1
summary: Concatenates.
run: [sh, -c, 'out=$1; suffix=$2; shift 2; cat "$@" > "$out"; printf "%s" "$suffix" >> "$out"', {name}, "${{outputs.out}}", "${{config.suffix}}", "${{inputs.parts}}"]
inputs: {{ parts: {{ type: text }} }}
outputs: {{ out: {{ type: text }} }}
config: {{ suffix: {{ type: text, default: "", help: appended }} }}
resources: {{ cores: 1, memory: 16MiB }}
""")
    write(folder / "pipeline.yaml", f"""pipeline: wide
summary: {leaves} leaves in {GROUPS} groups and a final
axes:
  group: {{ range: [0, {GROUPS - 1}] }}
  leaf: {{ within: group, range: [0, {per_group - 1}] }}
sources:
  text: {{ file: "src/${{group}}/${{leaf}}.txt", for: [group, leaf], type: text }}
stages:
  leaf: {{ for: [group, leaf], inputs: {{ text: text }} }}
  group: {{ for: [group], inputs: {{ parts: leaf.out }} }}
  final: {{ for: [], inputs: {{ parts: group.out }} }}
targets: {{ default: [final] }}
""")
    ninja = ["rule leaf\n  command = IFS= read -r line < $in; printf '%s\\n' \"$$line\" > $out",
             "rule cat\n  command = cat $in > $out"]
    for group in range(GROUPS):
        outs = [f"nout/{group}/{leaf}.txt" for leaf in range(per_group)]
        for leaf, out in enumerate(outs):
            ninja.append(f"build {out}: leaf src/{group}/{leaf}.txt")
        ninja.append(f"build nout/{group}.txt: cat {' '.join(outs)}")
    ninja.append(f"build nout/final.txt: cat {' '.join(f'nout/{g}.txt' for g in range(GROUPS))}")
    write(folder / "build.ninja", "\n".join(ninja) + "\n")
    write(folder / "Snakefile", f"""rule final:
    input: expand("sout/{{g}}.txt", g=range({GROUPS}))
    output: "sout/final.txt"
    shell: "cat {{input}} > {{output}}"
rule group:
    input: lambda w: expand("sout/" + w.g + "/{{l}}.txt", l=range({per_group}))
    output: "sout/{{g}}.txt"
    wildcard_constraints: g="[0-9]+"
    shell: "cat {{input}} > {{output}}"
rule leaf:
    input: "src/{{g}}/{{l}}.txt"
    output: "sout/{{g}}/{{l}}.txt"
    shell: "IFS= read -r line < {{input}}; printf '%s\\\\n' \\"$line\\" > {{output}}"
""")


def cyto(folder, *arguments):
    done = subprocess.run([CYTO_PIPE, "run", "pipeline.yaml", "--json", *arguments], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"cyto-pipe failed ({done.returncode}):\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def executed(folder, *arguments):
    return cyto(folder, *arguments)["executed"]


def rerun(folder):
    """Counts what really ran after each edit; every line says what was expected."""
    source = folder / "src/3/7.txt"
    original = source.read_text()
    leaves = sum(1 for _ in (folder / "src").glob("*/*.txt"))
    rows = []

    def check(name, expected, *arguments):
        ran = executed(folder, *arguments)
        rows.append({"edit": name, "executed": ran, "expected": expected, "right": ran == expected})

    check("first run", leaves + GROUPS + 1)
    check("nothing", 0)
    os.utime(source)
    check("touch one source", 0)
    source.write_text("edited\nsecond line\n")
    check("edit one source", 3)
    source.write_text("edited\nanother second line\n")
    check("edit it so that the leaf's output stays", 1)
    check("one stage's config: group", GROUPS + 1, "--set", "group.suffix=x")
    check("that config again", 0, "--set", "group.suffix=x")
    check("config back", 0)
    check("one stage's config: final", 1, "--set", "final.suffix=y")
    source.write_text(original)
    check("source back", 0)
    return rows


def measure(command, folder):
    """Wall seconds and peak resident MiB of one run of a command."""
    script = "import resource,subprocess,sys,time;t=time.perf_counter();" \
        "r=subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.PIPE);w=time.perf_counter()-t;" \
        "print(w,resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss/1024,r.returncode,r.stderr[-300:])"
    out = subprocess.run([sys.executable, "-c", script, *command], cwd=folder, text=True, stdout=subprocess.PIPE).stdout
    wall, memory, code, rest = out.split(maxsplit=3)
    if code != "0":
        sys.exit(f"{command}: exit {code}: {rest}")
    return float(wall), float(memory)


def commands(options):
    found = {"cyto-pipe": [CYTO_PIPE, "run", "pipeline.yaml"]}
    if shutil.which(options.ninja):
        found["ninja"] = [options.ninja]
    if shutil.which(options.snakemake):
        found["snakemake"] = [options.snakemake, "--cores", "2", "--quiet", "all"]
    return found


def version(command):
    text = subprocess.run([command[0], "--version"], text=True, stdout=subprocess.PIPE).stdout
    return text.strip().split("\n")[0]


def noop(folder, options):
    rows = []
    for name, command in commands(options).items():
        if name == "snakemake" and options.skip_snakemake:
            continue
        first = measure(command, folder)
        runs = [measure(command, folder) for _ in range(1 if name == "snakemake" else options.runs)]
        rows.append({
            "runner": name, "version": version(command), "first_run_s": round(first[0], 3),
            "noop_median_s": round(statistics.median(r[0] for r in runs), 4),
            "noop_min_s": round(min(r[0] for r in runs), 4), "peak_mib": round(max(r[1] for r in runs), 1)})
    return rows


def overhead(folder, options):
    """Each runner's first run with two jobs, against the same processes started by xargs -P 2."""
    leaves = sorted((folder / "src").glob("*/*.txt"))
    tasks = len(leaves) + GROUPS + 1
    rows = []
    listing = folder / "files.txt"
    listing.write_text("\n".join(str(p) for p in leaves) + "\n")
    bare = []
    for _ in range(options.runs):
        begin = time.perf_counter()
        subprocess.run("xargs -a files.txt -n 1 -P 2 sh -c 'IFS= read -r line < \"$0\"; printf \"%s\\n\" \"$line\" > \"$0.out\"'",
                       shell=True, cwd=folder, check=True)
        bare.append(time.perf_counter() - begin)
    for path in (folder / "src").glob("*/*.out"):
        path.unlink()
    base = statistics.median(bare) / len(leaves) * tasks
    rows.append({"runner": "xargs -P 2", "seconds": round(base, 3), "ms_a_task": round(base / tasks * 1e3, 3)})
    for name, command in commands(options).items():
        if name == "snakemake" and options.skip_snakemake:
            continue
        walls = []
        for _ in range(1 if name == "snakemake" else options.runs):
            for leftover in ("artifacts", "nout", "sout", ".ninja_log", ".ninja_deps", ".snakemake"):
                path = folder / leftover
                subprocess.run(["rm", "-rf", str(path)], check=True)
            os.sync()  # the deletion, not the runner, would pay for the disk otherwise
            walls.append(measure(command + (["-j2"] if name == "ninja" else []), folder)[0])
        wall = statistics.median(walls)
        rows.append({"runner": name, "seconds": round(wall, 3), "ms_a_task": round(wall / tasks * 1e3, 3),
                     "overhead_ms_a_task": round((wall - base) / tasks * 1e3, 3)})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "rerun", "noop", "overhead"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--leaves", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--ninja", default="ninja")
    parser.add_argument("--snakemake", default="snakemake")
    parser.add_argument("--skip-snakemake", action="store_true")
    options = parser.parse_args()
    folder = options.folder.resolve()
    if options.what == "make":
        make(folder, options.leaves)
        return
    rows = {"rerun": lambda: rerun(folder), "noop": lambda: noop(folder, options),
            "overhead": lambda: overhead(folder, options)}[options.what]()
    for row in rows:
        print(json.dumps(row))
    if any(row.get("right") is False for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
