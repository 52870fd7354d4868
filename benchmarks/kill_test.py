#!/usr/bin/env python3
"""kill -9 of the whole process tree of `cyto-pipe run` at random moments, and two runs at once on one store.

    python3 benchmarks/kill_test.py kill DIR --kills 200 [--seed 1]
    python3 benchmarks/kill_test.py pair DIR

Each task writes its output in pieces with pauses and logs its own start, so the test sees what really ran. After every kill:
each action record that existed then must never run again, and the next run needs no flag. When a store is complete it must
hold the clean run's outputs byte for byte, `cyto-pipe verify` must find nothing, and the test begins anew with an empty store.
"""
import argparse
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

HOME = pathlib.Path(__file__).resolve().parent.parent
CYTO_PIPE = os.environ.get("CYTO_PIPE", str(HOME / ".build/release/cyto-pipe"))
GROUPS, LEAVES = 4, 12

SCRIPT = """#!/bin/sh
# step.sh NAME OUT IN...: logs its start, then writes the inputs' lines with pauses, so that a kill finds half-written files.
name=$1; out=$2; shift 2
echo "$name" >> "$KILL_TEST_LOG"
: > "$out"
for piece in 1 2 3; do
  cat "$@" | head -n 40 | sed "s/^/$piece /" >> "$out"
  sleep 0.01
done
"""


def make(folder):
    (folder / "stages").mkdir(parents=True, exist_ok=True)
    (folder / "src").mkdir(exist_ok=True)
    for group in range(GROUPS):
        for leaf in range(LEAVES):
            (folder / f"src/{group}-{leaf}.txt").write_text("".join(f"{group} {leaf} {i}\n" for i in range(200)))
    script = folder / "stages/step.sh"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    (folder / "stages/types.yaml").write_text("types:\n  text: { summary: lines, format: file, extension: txt }\n")
    for name, item in (("leaf", "${item.group}.${item.leaf}"), ("group", "${item.group}"), ("final", "all")):
        (folder / f"stages/{name}.yaml").write_text(f"""stage: {name}
version: 1
summary: Writes in pieces.
run: [{script}, "{name} {item}", "${{outputs.out}}", "${{inputs.parts}}"]
inputs: {{ parts: {{ type: text }} }}
outputs: {{ out: {{ type: text }} }}
resources: {{ cores: 1, memory: 16MiB }}
""")
    (folder / "pipeline.yaml").write_text(f"""pipeline: kill
summary: slow shell tasks
axes:
  group: {{ range: [0, {GROUPS - 1}] }}
  leaf: {{ within: group, range: [0, {LEAVES - 1}] }}
sources:
  text: {{ file: "src/${{group}}-${{leaf}}.txt", for: [group, leaf], type: text }}
stages:
  leaf: {{ for: [group, leaf], inputs: {{ parts: text }} }}
  group: {{ for: [group], inputs: {{ parts: leaf.out }} }}
  final: {{ for: [], inputs: {{ parts: group.out }} }}
targets: {{ default: [final] }}
""")


def start(folder, store, log):
    return subprocess.Popen([CYTO_PIPE, "run", "pipeline.yaml", "--store", str(store)], cwd=folder,
                            start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env=dict(os.environ, KILL_TEST_LOG=str(log)))


def kill_tree(process):
    """SIGKILL to everything of the session that the run began: the runner first, then workers in groups of their own."""
    os.kill(process.pid, signal.SIGKILL)
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = pathlib.Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()
                if int(fields[3]) == process.pid:
                    os.kill(int(entry), signal.SIGKILL)
            except (OSError, IndexError):
                pass
    process.wait()


def records(store):
    """Label of each recorded action: finished tasks must not run again."""
    found = {}
    for path in (store / "actions").rglob("*.json"):
        try:
            record = json.loads(path.read_text())
        except ValueError:
            sys.exit(f"a record was half-written under its final name: {path}")
        found[label(record)] = path.name
    return found


def label(record):
    """The name under which the task's script logs itself."""
    action = record["record"]["action"]
    values = [c["value"] for c in action["task"]["item"]]
    return action["stage"] + " " + (".".join(values) if values else "all")


def outputs(store):
    """Digest of the output of each task, and proof that the object has it."""
    found = {}
    for path in (store / "actions").rglob("*.json"):
        record = json.loads(path.read_text())
        found[label(record)] = sorted(o["digest"] for o in record["record"]["outputs"])
    return found


def verified(folder, store):
    done = subprocess.run([CYTO_PIPE, "verify", "--store", str(store)], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        sys.exit(f"verify failed:\n{done.stdout}")


def kill(folder, kills, seed):
    chance = random.Random(seed)
    store, log = folder / "store", folder / "log.txt"
    subprocess.run(["rm", "-rf", str(store), str(folder / "clean"), str(log)], check=True)
    begin = time.perf_counter()
    clean = start(folder, folder / "clean", log)
    out, _ = clean.communicate()
    if clean.returncode != 0:
        sys.exit(f"the clean run failed:\n{out.decode()}")
    duration = time.perf_counter() - begin
    expected = outputs(folder / "clean")
    verified(folder, folder / "clean")
    done = completed = repeats = 0
    delays = []
    log.write_text("")
    while done < kills:
        # Moments over the whole life of a run, its start and its end included; a store is finished every few kills.
        delay = chance.uniform(0, 0.5 * duration) if chance.random() < 0.8 else chance.uniform(0, 0.03)
        process = start(folder, store, log)
        time.sleep(delay)
        if process.poll() is None:
            kill_tree(process)
            done += 1
            delays.append(delay)
        else:
            out = process.stdout.read()
            if process.returncode != 0:
                sys.exit(f"a run after {done} kills failed ({process.returncode}):\n{out.decode()}")
        finished = set(records(store)) if store.exists() else set()
        marker = len(log.read_text().splitlines())
        if len(finished) == len(expected):
            if outputs(store) != expected:
                sys.exit("the store differs from the clean run's")
            verified(folder, store)
            completed += 1
            subprocess.run(["rm", "-rf", str(store)], check=True)
            log.write_text("")
            continue
        # The next run, or part of one, must leave the finished ones alone.
        process = start(folder, store, log)
        time.sleep(chance.uniform(0.02, 0.3 * duration))
        if process.poll() is None:
            kill_tree(process)
            done += 1
        again = set(log.read_text().splitlines()[marker:]) & finished
        repeats += len(again)
        if again:
            print(f"repeated though finished: {sorted(again)}")
    final = start(folder, store, log)
    out, _ = final.communicate()
    same = final.returncode == 0 and outputs(store) == expected
    verified(folder, store)
    print(json.dumps({"kills": done, "stores_completed": completed + 1, "repeated_finished_tasks": repeats,
                      "equal_to_clean": same, "clean_run_s": round(duration, 2)}))
    return same and repeats == 0


def pair(folder):
    """Two runs at once on one empty store: both finish, and every task ran once."""
    store, log = folder / "pair", folder / "pair.txt"
    subprocess.run(["rm", "-rf", str(store)], check=True)
    log.write_text("")
    both = [start(folder, store, log) for _ in range(2)]
    texts = [process.communicate()[0].decode() for process in both]
    ran = log.read_text().splitlines()
    right = all(process.returncode == 0 for process in both) and len(ran) == len(set(ran))
    print(json.dumps({"exit_codes": [p.returncode for p in both], "tasks": len(set(ran)), "executions": len(ran),
                      "right": right}))
    if not right:
        print("\n".join(texts))
    return right


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["kill", "pair"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = options.folder.resolve()
    make(folder)
    sys.exit(0 if (kill(folder, options.kills, options.seed) if options.what == "kill" else pair(folder)) else 1)


if __name__ == "__main__":
    main()
