#!/usr/bin/env python3
"""A table of tcet-host's with NAS-Bench-301's predictions, by its own package (pip install nasbench301).

usage: tcet-host space nb301 --random 500 > archs.txt
       nb301.py nb_models/xgb_v1.0 archs.txt nb301.tsv
The models are pickles: take them from github.com/automl/nasbench301 alone."""
import ast
import collections
import sys
import nasbench301

Genotype = collections.namedtuple("Genotype", "normal normal_concat reduce reduce_concat")

if len(sys.argv) != 4:
    sys.exit(__doc__)
models, archs, out = sys.argv[1:]
ensemble = nasbench301.load_ensemble(models)
with open(archs) as lines, open(out, "w") as f:
    f.write("# NAS-Bench-301: validation accuracy in percent as the surrogate predicts it, without noise.\n"
            f"# Source: {models} (github.com/automl/nasbench301, Apache-2.0), by nb301.py.\n"
            "# trained = val_*\narch\tval_cifar10\n")
    for line in map(str.strip, lines):
        call = ast.parse(line, mode="eval").body  # Genotype(normal=[...], ...): literals, nothing is run
        genotype = Genotype(**{k.arg: ast.literal_eval(k.value) for k in call.keywords})
        value = ensemble.predict(config=genotype, representation="genotype", with_noise=False)
        f.write(f"{line}\t{value:.6g}\n")
