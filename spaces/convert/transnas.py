#!/usr/bin/env python3
"""A table of tcet-host's from TransNAS-Bench-101's file, read by its own API (its api folder in PYTHONPATH).

usage: transnas.py micro transnas-bench_v10141024.pth micro.tsv      (or macro)
The file is a pickle: take it from github.com/yawen-d/TransNASBench alone."""
import sys
from api import TransNASBenchAPI

if len(sys.argv) != 4 or sys.argv[1] not in ("micro", "macro"):
    sys.exit(__doc__)
space, path, out = sys.argv[1:]
tasks = ("class_scene", "class_object", "jigsaw")
api = TransNASBenchAPI(path)
columns = [(split, t) for split in ("test", "valid") for t in tasks]
with open(out, "w") as f:
    f.write(f"# TransNAS-Bench-101 {space}: top-1 accuracy in percent at the last epoch.\n"
            f"# Source: {path.split('/')[-1]} (github.com/yawen-d/TransNASBench), by transnas.py.\n"
            "# trained = test_* valid_*\narch\t" + "\t".join(f"{s}_{t}" for s, t in columns) + "\n")
    for arch in api.all_arch_dict[space]:
        row = [api.get_single_metric(arch, t, f"{s}_top1", mode="final") for s, t in columns]
        f.write(arch + "".join(f"\t{v:.6g}" for v in row) + "\n")
