#!/usr/bin/env python3
"""tss_scores.py -- an export of conf/best/tss_scores.ini as the shipped table nats_tss_scores.

    python3 tss_scores.py scores.csv nats_tss_scores.tsv.gz

All networks up to the first that is not scored, in the official order.  Column `same`: cells of one number are one function of their input: without dead edges, through skip
connections, whatever the order of sums.
"""
import csv
import gzip
import sys

HEAD = """\
# NATS-Bench topology space: scores of {which} cells in the official order, by
# conf/best/tss_scores.ini, each of the live network (docs/best.md): shipped CIFAR-10 images, one mini-batch
# of 64, weights of seed 1, float32; seven digits.
# same: cells of one number are one function of their input.
# space = nats_tss
# table = nats_tss
# column = cifar10_test
# scores = best any tcet_snip tcet_synflow meco_lnwot_entropy meco_snip
# group = same
"""


def function(arch):
    edges = {(int(part[-1]), j): part[:-2] for j, node in enumerate(arch.split("+"), 1) for part in node.strip("|").split("|")}
    value = {0: ("x",), 1: (), 2: (), 3: ()}
    for (i, j), op in sorted(edges.items(), key=lambda e: e[0][1]):
        if op == "none" or not value[i]:
            continue
        value[j] += value[i] if op == "skip_connect" else (f"{op}({'+'.join(sorted(value[i]))})",)
    return "+".join(sorted(value[3]))


def main(source, target):
    rows = list(csv.DictReader(open(source, newline="")))
    failed = [i for i, row in enumerate(rows) if row["status"] != "ok"]
    rows = rows[: failed[0]] if failed else rows
    numbers = {}
    skipped = ("arch", "status", "macs", "score.params")
    columns = [name for name in rows[0] if name not in skipped and not name.endswith("_test")]
    which = "all 15,625" if len(rows) == 15625 else f"the first {len(rows):,} of 15,625"
    with open(target, "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as out:
        out.write((HEAD.format(which=which) + "\t".join(["arch", "same"] + columns) + "\n").encode())
        for row in rows:
            same = numbers.setdefault(function(row["arch"]), len(numbers))
            fields = [row["arch"], str(same)] + [f"{float(row[name]):.7g}" for name in columns]
            out.write(("\t".join(fields) + "\n").encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
