#!/usr/bin/env python3
"""A table of tcet-host's from NATS-Bench's files, read by its own API (pip install nats_bench).

usage: nats.py tss NATS-tss-v1_0-3ffb9-simple tss.tsv
       nats.py sss NATS-sss-v1_0-50262-simple sss.tsv
The files are pickles: take them from github.com/D-X-Y/NATS-Bench alone."""
import sys
from nats_bench import create

if len(sys.argv) != 4 or sys.argv[1] not in ("tss", "sss"):
    sys.exit(__doc__)
space, path, out = sys.argv[1:]
epochs = {"tss": "200", "sss": "90"}[space]
datasets = ("cifar10", "cifar100", "ImageNet16-120")
api = create(path, space, fast_mode=True, verbose=False)
with open(out, "w") as f:
    f.write(f"# NATS-Bench {space}: test accuracy in percent after {epochs} epochs, mean over the seeds.\n"
            f"# Source: {path.split('/')[-1]} (github.com/D-X-Y/NATS-Bench, MIT), by nats.py.\n"
            "# trained = test_*\narch\t" + "\t".join("test_" + d for d in datasets) + "\n")
    for i in range(len(api)):
        row = [api.get_more_info(i, d, hp=epochs, is_random=False)["test-accuracy"] for d in datasets]
        f.write(api[i] + "".join(f"\t{v:.6g}" for v in row) + "\n")
