#!/usr/bin/env python3
"""Writes phantom-sections.csv: which sections of each phantom brain there are, where they were cut, which lie face down.

    python3 pipelines/cohorts/phantom_sections.py [--interval-um 500] > pipelines/cohorts/phantom-sections.csv
    python3 pipelines/cohorts/phantom_sections.py --seed 0 1 > pipelines/cohorts/phantom-study-sections.csv

A brain is cut from its back to its front, as far as a section holds at least 60 mm² of tissue (measured on the brains). Numbers count every cut; those of missing sections are left out, so that gaps keep their width.
"""
import argparse

# Seed of the cohort, brain: first and last position along the brain in µm that holds 60 mm² of tissue.
EXTENT_UM = {0: {
    "B01": (-39600, 41400),
    "B02": (-37800, 36900),
    "B03": (-36900, 35100),
    "B04": (-40500, 44100),
    "B05": (-39600, 37800),
    "B06": (-40500, 36900),
    "B07": (-39600, 39600),
    "B08": (-37800, 39600),
}, 1: {
    "B11": (-37799, 36000),
    "B12": (-36900, 34200),
    "B13": (-36899, 35100),
    "B14": (-35999, 36000),
    "B15": (-35999, 36000),
    "B16": (-36000, 36000),
    "B17": (-37799, 36000),
    "B18": (-41399, 36900),
}}
MISSING = 3  # sections a brain that were lost
MIRRORED = 3  # sections a brain that were scanned face down


def rows(interval_um, seed):
    for index, (brain, (back, front)) in enumerate(sorted(EXTENT_UM[seed].items())):
        # Positions are whole multiples of the interval.
        first = -(-back // interval_um)
        count = front // interval_um - first + 1
        # Spread over the brain, elsewhere in each; never the ends, nor two in a row.
        missing = {(index * 5 + 11 + count * k // MISSING) % (count - 6) + 3 for k in range(MISSING)}
        mirrored = {(index * 7 + 4 + count * k // MIRRORED) % (count - 6) + 3 for k in range(MIRRORED)}
        mirrored = {m + 2 if m in missing else m for m in mirrored}
        for number in range(count):
            if number not in missing:
                yield brain, number + 1, (first + number) * interval_um, number in mirrored


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interval-um", type=int, default=500)
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="seeds of the cohorts")
    asked = parser.parse_args()
    print("brain,section,position_um,mirrored")
    for seed in asked.seed:
        for brain, number, position, mirrored in rows(asked.interval_um, seed):
            print(f"{brain},{number:04d},{position},{str(mirrored).lower()}")


main()
