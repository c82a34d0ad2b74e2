#!/usr/bin/env bash
# convert.sh BUILD_DIR SOURCE_DIR -- protects the programs of share/tcet/convert, which the user runs on pickles
# that tcet-host reads none of: on made-up ones, and on packages that read these as the benchmarks' own would,
# each writes a table whose architectures are of the space.
. "$(dirname "$0")/lib.sh"

if ! command -v python3 >/dev/null; then
    echo "no python3: nothing to run"
    finish
    exit
fi
scripts=$build/share/tcet/convert
tss='|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|'
genotype=$("$host" space nb301 --random 2)
macro=$("$host" space transnas_macro --random 2)

mkdir -p fake/nats_bench fake/api fake/nasbench301
cat >fake/nats_bench/__init__.py <<'PYTHON'
import pickle
class Api(list):
    def get_more_info(self, i, dataset, hp, is_random):
        assert is_random is False and not isinstance(hp, int)
        return {"test-accuracy": {"200": 90, "90": 60}[hp] + i + len(dataset) / 100, "train-loss": 0}
def create(path, space, fast_mode, verbose):
    return Api(pickle.load(open(path, "rb"))[space])
PYTHON
cat >fake/api/__init__.py <<'PYTHON'
import pickle
class TransNASBenchAPI:
    def __init__(self, path):
        self.all_arch_dict = pickle.load(open(path, "rb"))
    def get_single_metric(self, arch, task, metric, mode):
        assert mode == "final"
        return {"test_top1": 50, "valid_top1": 40}[metric] + len(task)
PYTHON
cat >fake/nasbench301/__init__.py <<'PYTHON'
import pickle
class Ensemble:
    def __init__(self, path):
        self.base = pickle.load(open(path, "rb"))
    def predict(self, config, representation, with_noise):
        assert representation == "genotype" and not with_noise and len(config.normal) == 8
        return self.base + config.normal[0][1]
def load_ensemble(path):
    return Ensemble(path)
PYTHON
TSS="$tss" MACRO="$macro" python3 - <<'PYTHON'
import os, pickle
tss = os.environ["TSS"]
other = tss.replace("avg_pool_3x3~0", "none~0")
dump = lambda value, name: pickle.dump(value, open(name, "wb"))
dump({"tss": [tss, other], "sss": ["8:8:8:8:8", "64:8:16:8:24"]}, "nats.pickle")
dump({"micro": ["64-41414-0_00_000", "64-41414-3_33_123"], "macro": os.environ["MACRO"].split()}, "transnas.pth")
dump(91.5, "nb_models")
epochs = lambda last: {"eval_acc1es": [10.0, last], "train_acc1es": [10.0, 99.0]}
dump({tss: {"cifar10-valid": epochs(84.25)}, other: {"cifar10-valid": epochs(80)}}, "nb201_cifar10.pickle")
dump({tss: {"cifar100": epochs(61.5)}}, "nb201_cifar100.pickle")
class Evil:
    def __reduce__(self):
        return os.mkdir, ("owned",)
dump({tss: Evil()}, "evil.pickle")
PYTHON
printf '%s\n' "$genotype" >archs.txt

# converts NAME SPACE TABLE ARGS...: the script writes a table, whose architectures are the space's.
converts()
{
    local name=$1 space=$2 table=$3
    shift 3
    check "$name.py has less than 40 lines" test "$(wc -l <"$scripts/$name.py")" -lt 40
    check "$name.py runs" env PYTHONPATH="$work/fake" python3 "$scripts/$name.py" "$@" "$table"
    run tables "./$table"
    check "$table is a table" test "$code" = 0
    grep -v '^#' "$table" | tail -n +2 | cut -f1 >list
    run space "$space" --list list
    check "$table has two architectures of $space" said '^2 architectures, 0 bad$' out
    run tables "./$table"
}
converts nats nats_tss tss.tsv tss nats.pickle
check "accuracies of the official epochs" said '^test_cifar100 +yes +2 +90\.08 +91\.08$' out
converts nats nats_sss sss.tsv sss nats.pickle
check "of the size space too" said '^test_cifar10 +yes +2 +60\.07 +61\.07$' out
converts transnas transnas_micro micro.tsv micro transnas.pth
check "of each task, both sets" said '^valid_class_scene +yes +2 +51 +51$' out
converts transnas transnas_macro macro.tsv macro transnas.pth
check "of the macro space" said '^test_jigsaw +yes +2 +56 +56$' out
converts nb301 nb301 nb301.tsv nb_models archs.txt
check "predictions" said '^val_cifar10 +yes +2 ' out
converts nb201 nats_tss nb201.tsv nb201_cifar10.pickle nb201_cifar100.pickle
check "of the last epoch" said '^val_cifar10 +yes +2 +80 +84\.25$' out
check "of the networks that a file has" said '^val_cifar100 +yes +1 +61\.5 +61\.5$' out
code=0
python3 "$scripts/nb201.py" evil.pickle evil.tsv >out 2>err || code=$?
check "what a pickle names is not run" test "$code" != 0 -a ! -e owned -a ! -e evil.tsv
for name in nats transnas nb301 nb201; do
    code=0
    PYTHONPATH=$work/fake python3 "$scripts/$name.py" >out 2>err || code=$?
    check "$name.py says how it is called" said "^usage: .*$name.py|^ +$name.py" err
done
finish
