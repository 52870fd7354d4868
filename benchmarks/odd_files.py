#!/usr/bin/env python3
"""Runs `cyto-stage section-preview` on every file of a folder and says what came of it: an image or a clear error.

    python3 benchmarks/odd_files.py ../shared/data/tiff/odd

Each file gets 2 s and 256 MiB of memory (resident). Prints JSON; exits 1 if a file crashed the reader or went past a bound.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HOME = pathlib.Path(__file__).resolve().parent.parent
CYTO_STAGE = os.environ.get("CYTO_STAGE", str(HOME / ".build/release/cyto-stage"))


def main():
    files = sorted(p for p in pathlib.Path(sys.argv[1]).rglob("*") if p.is_file() and "LICENSE" not in p.name)
    images = errors = 0
    wrong, worst_s, worst_mib = [], 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            begin = time.perf_counter()
            child = subprocess.Popen([CYTO_STAGE, "section-preview", str(path), "--side", "400", folder + "/out.png"],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            text = child.stderr.read().decode(errors="replace")
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            seconds, mib = time.perf_counter() - begin, usage.ru_maxrss / 1024
            worst_s, worst_mib = max(worst_s, seconds), max(worst_mib, mib)
            if child.returncode == 0:
                images += 1
            elif child.returncode in (1, 2, 3) and path.name in text:
                errors += 1
            else:
                wrong.append({"file": str(path), "exit": child.returncode, "message": text[-300:]})
            if seconds > 2 or mib > 256:
                wrong.append({"file": str(path), "seconds": round(seconds, 2), "mib": round(mib)})
    print(json.dumps({"files": len(files), "images": images, "clear_errors": errors, "wrong": wrong,
                      "slowest_s": round(worst_s, 3), "largest_mib": round(worst_mib, 1)}))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
