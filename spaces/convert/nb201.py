#!/usr/bin/env python3
"""A table of tcet-host's from NASLib's pickles of NAS-Bench-201, nb201_*_full_training.pickle.

usage: nb201.py nb201_cifar10_full_training.pickle [nb201_cifar100_...] nb201.tsv
They are of github.com/automl/NASLib.  Of what a pickle may name, numpy's numbers alone are made."""
import pickle
import sys


class Plain(pickle.Unpickler):
    def find_class(self, module, name):
        if module.split(".")[0] != "numpy" or name not in ("scalar", "dtype", "ndarray", "_reconstruct"):
            raise pickle.UnpicklingError(f"{module}.{name} is no number of numpy's")
        return super().find_class(module, name)


if len(sys.argv) < 3:
    sys.exit(__doc__)
*paths, out = sys.argv[1:]
table, tasks = {}, []
for path in paths:
    with open(path, "rb") as f:
        data = Plain(f).load()  # {"|op~0|+...": {"cifar10-valid": {"eval_acc1es": [an epoch, ...], ...}}}
    for arch, sets in data.items():
        for task, of in sets.items():
            task = task.replace("-valid", "")
            if task not in tasks:
                tasks.append(task)
            table.setdefault(arch, {})[task] = float(of["eval_acc1es"][-1])
with open(out, "w") as f:
    f.write("# NAS-Bench-201: validation accuracy in percent at the last epoch of 200, as NASLib has it.\n"
            f"# Source: {', '.join(p.split('/')[-1] for p in paths)} (github.com/automl/NASLib), by nb201.py.\n"
            "# trained = val_*\narch\t" + "\t".join("val_" + t for t in tasks) + "\n")
    for arch, row in table.items():
        f.write(arch + "".join(f"\t{row[t]:.6g}" if t in row else "\t" for t in tasks) + "\n")
