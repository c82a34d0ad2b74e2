#!/usr/bin/env bash
# paper.sh BUILD_DIR SOURCE_DIR -- protects `tcet-host paper`: every config of conf/paper says what it
# reproduces and what it needs, and a sample ends with our taus beside the published; and `import`.
. "$(dirname "$0")/lib.sh"

run paper
check "paper lists" test "$code" = 0
check "every config" test "$(grep -c '^[a-z]' out)" = "$(find "$source/conf/paper" -name '*.ini' | wc -l)"
check "each says what it reproduces" \
    test "$(grep -cE '^  (Table|Figure) [0-9A.]+ of T-CET[,:] ' out)" = "$(grep -c '^  needs ' out)"
check "in whole sentences" said '^  Table 2 of .* networks of 120 classes and 16 x 16 inputs, ImageNet16-120 accuracies$' out
check "and what it needs too" said '^  needs    Amoeba.json \(.*\) for a tau; without it, scores of random networks alone$' out
check "none is cut" test "$(grep -cE '^  ((Table|Figure) .*|needs .*)([,:(]| and| x| of)$' out)" = 0
check "which accuracies it compares" said '^  compares validation accuracy \(val_cifar10\); published: test accuracy$' out
check "one that needs nothing" said '^  needs    nothing \(table nats_tss ships\)' out
check "one that needs a file" said '^  needs    nasbench_only108.tfrecord ' out
for config in "$source"/conf/paper/*.ini; do # a table that ships, or what is needed is said
    name=$(basename "$config" .ini)
    run paper "$name"
    check "$name says what it needs" said '^  needs    (nothing \(table [a-z_0-9]+ ships\)|nasb|[^n])' out
done
refuses "no such config" 'no config "table1_ts".*did you mean "table1_tss"' paper table1_ts
refuses "no sample" 'no number of architectures' paper --sample 1

small=(--set data.batch=8 --set data.resolution=8)
run paper table1_tss table3_blox table4_nb301 --sample 6 --output new/p "${small[@]}"
check "a sample runs" test "$code" = 0
check "ours beside the published" said '^  snip_snr +-?[0-9.]+ +0\.36$' out
check "plain taus of pairs too" said '^  snip_snr, tcet_snip .* 0\.94$' out
check "what needs a file is listed by it" said '^  blox-base-0.csv and blox-info.csv: table3_blox$' out
check "a line a config" said '^table1_tss +done +8 +[0-9.]+ +snip_snr, rankave_snip [-0-9.]+ \(0\.79\); snip_snr, tcet_snip .* test$' out
check "with what its accuracies are" said '^table4_nb301 .* validation, predicted; published: validation$' out
check "its folders are runs" test -s new/p/table1_tss/scores.db
run correlate new/p/table1_tss --pairs --format csv
check "the published stand in --pairs" said '^snip_snr,tcet_snip,[-0-9.e]+,0\.94,' out
check "beside the plain tau, named so" said '^x,y,"tau\(x,y\)","published tau\(x,y\)",partial tau,' out
run correlate new/p/table1_tss --matrix
check "and below --matrix" said '^snip_snr +tcet_snip +-?[0-9.]+ +0\.94$' out
run correlate nats_tss_scores --population live --matrix --reference "$source/conf/paper/table1_tss.ini"
check "of a table too, where a config has them" said '^snip_snr +tcet_snip +0\.9301 +0\.94$' out
check "those of other scores are left out" test "$(grep -c rankave out)" = 0
run correlate nats_tss_whole --reference "$source/conf/paper/table2_tss.ini"
check "a paper's figures of scores" said '^tcet_snip +0\.6995 .* 0\.69$' out
refuses "figures without accuracies" '--reference: without accuracies' correlate new/p/table1_tss --table '' \
    --reference "$source/conf/paper/table1_tss.ini"
run paper table1_tss --output new/p
check "results are seen" said '^  results  .*new/p/table1_tss: 6 of 6 architectures$' out
run paper table1_tss --sample 6 --output new/p "${small[@]}"
check "again: nothing is lost" test "$code" = 0
# Where the names of folders are those of the configs, since here `out` is a file.
there() { mkdir -p there && code=0 && (cd there && exec "$host" "$@") >out 2>err </dev/null || code=$?; }
there paper table3_nb_macro
check "none where neither is" said '^  results  none in out/table3_nb_macro or out/paper/table3_nb_macro$' out
there paper table3_nb_macro --sample 3 "${small[@]}"
there paper table3_nb_macro
check "the sample's place is looked at" said '^  results  out/paper/table3_nb_macro: 3 of 3 architectures$' out
check "hours for the whole space, beside the paper's" \
    said '^  hours    tcet_snip_log [0-9.]+ h of one worker for 6561 networks \([0-9]+ ms each\); published: 3\.0 h$' out
there run "$source/conf/paper/table3_nb_macro.ini" --archs first:2 --quiet "${small[@]}"
there paper table3_nb_macro
check "and the config's own, both" test "$(grep -cE '^  results  out/(paper/)?table3_nb_macro: [23] of [23] ' out)" = 2
there run "$source/conf/paper/table2_nb1shot1_1.ini" --archs first:2 --quiet "${small[@]}"
there paper table2_nb1shot1_1
check "hours are of as many networks as the published" \
    said '^  hours    tcet_snip [0-9.]+ h of one worker for 6240 networks .*; published: 2\.2 h$' out
run run "$source/conf/paper/table2_nb1shot1_1.ini" --archs first:2 --output shot "${small[@]}"
check "no table: which file, and what makes one of it" said \
    '^no tau beside .* needs nasbench_only108.tfrecord .*`tcet-host import nasbench101 .* --set benchmark.column=test_cifar10$' out
run run "$source/conf/paper/table3_nb_macro.ini" --archs first:2 --output bare "${small[@]}" --set benchmark.table=
check "where the config does not say, what the space has" said '^no tau .* nas-bench-macro_cifar10.json' out
run run "$source/conf/tcet_snip.ini" --archs first:2 --output plain "${small[@]}" --set benchmark.table=
check "nothing where nothing is published" test "$(grep -c '^no tau' out)" = 0

# A table that is given is there: a made-up one, of the networks that a sample draws.
run run "$source/conf/paper/table3_blox.ini" --archs sample:4 --output blox "${small[@]}" --quiet --export blox.csv
printf 'arch\ttest_cifar100\n' >blox.tsv
python3 -c 'import csv
for i, row in enumerate(csv.DictReader(open("blox.csv"))): print(row["arch"] + "\t" + str(60 + i))' >>blox.tsv
run paper table3_blox --sample 4 --output new/p "${small[@]}" --set "benchmark.table=$PWD/blox.tsv" \
    --set benchmark.column=test_cifar100
check "what has its file is run" said '^table3_blox +done +[0-9]+ .* test$' out

# The paper's figures are of test accuracy; where the table has another, all that prints both says so.
both='^ours: validation accuracy; the published figures: test accuracy$'
for config in table3_sss table4_tb101_jigsaw table_a1_sss; do
    run run "$source/conf/paper/$config.ini" --archs first:4 --output "new/$config" "${small[@]}" --top 0
    check "run says which accuracies, $config" said "$both" out
    run correlate "new/$config"
    check "so does correlate, $config" said "$both" out
    run correlate "new/$config" --format markdown
    check "beside a table for others, $config" said "${both#^}" err
done
run correlate new/p/table4_nb301
check "predictions are called so" \
    said '^ours: validation accuracy, predicted; the published figures: validation accuracy$' out
run correlate new/p/table1_tss
check "and the same where they are" said '^ours and the published figures: test accuracy$' out
run run "$source/conf/paper/table1_tss.ini" --archs first:4 --output bad --set benchmark.published=x
check "of nothing else" said 'published.*test, validation' err
run run "$source/conf/paper/table1_tss.ini" --archs first:4 --output bad --set benchmark.networks=many
check "networks is a number" said 'networks.*many' err
run correlate new/p/table1_tss --values --format markdown
check "bars in names end no cell of Markdown" \
    test "$(sed 's/\\[|]//g' out | awk -F'|' '{ print NF }' | sort -u | wc -l)" = 1

sed 's/^\[reference_pairs tcet_snip\]/[reference_pairs none]/' "$source/conf/paper/table1_tss.ini" >bad.ini
run run bad.ini --archs first:4 --output bad "${small[@]}" --quiet
check "a pair of no score" said 'bad.ini:[0-9]+: .reference_pairs none. names "none"' err

printf '{"00000012": {"mean_acc": 91.0, "std": 0.8, "params": 7, "flops": 8}}' >macro.json
run import nb_macro macro.json macro.tsv
check "import makes a table" test "$code" = 0
check "and says that it is of a part" said '^tcet-host: warning: macro.json: 1 architecture, where NAS-Bench-Macro has 6561: ' err
run tables ./macro.tsv
check "which tables reads" said 'nas-bench|NAS-Bench-Macro' out

# A run as NAS-Bench-Suite-Zero's file, and the file as a table: the same numbers, of the same architectures.
zc_round() # SPACE COLUMN [SETTING...]
{
    local space=$1 column=$2
    shift 2
    printf '[run]\nspace = %s\narchs = table:4\noutput = zc/%s\nproxy = params, flops\n[benchmark]\ntable = %s\ncolumn = %s\n' \
        "$space" "$space" "$space" "$column" >"$space.ini"
    run run "$space.ini" --quiet "$@"
    run correlate "zc/$space" --values --format zc
    mv out "zc_$space.json"
    run import zc "zc_$space.json" "zc_$space.tsv"
    check "$space: its own file is read" test "$code" = 0
    run correlate "zc/$space" --values --format csv
    mv out "zc_$space.csv"
    check "$space: and has the same numbers" python3 - "zc_$space" "$column" <<'PYTHON'
import csv, sys
task = sys.argv[2].replace("val_", "").replace("test_", "")
lines = [line for line in open(sys.argv[1] + ".tsv") if not line.startswith("#")]
back = {row["arch"]: row for row in csv.DictReader(lines, delimiter="\t")}
rows = list(csv.DictReader(open(sys.argv[1] + ".csv")))
assert len(rows) == len(back) == 4, (len(rows), len(back))
for row in rows:
    arch = row["arch"][1:] if row["arch"].startswith("'") else row["arch"]
    for name, value in row.items():
        if name not in ("arch", "(#params)", "(FLOPs)", "(depth)", "#params", "FLOPs", "depth"):
            other = sys.argv[2] if name == sys.argv[2] else "nbsz_%s_%s" % (name, task)
            assert abs(float(value) - float(back[arch][other])) <= 1e-8 * abs(float(value)), (name, value)
PYTHON
    run correlate --table "./zc_$space.tsv" --column "$column" --space "$space"
    check "$space: correlate takes it" said '^nbsz_params_' out
}
taskonomy=(--set data.resolution=32 --set data.fewer_classes=allow)
if command -v python3 >/dev/null; then
    zc_round nats_tss test_cifar10
    zc_round nats_sss val_cifar10
    zc_round nb101 val_cifar10
    zc_round nb301 val_cifar10
    zc_round transnas_micro val_class_scene --set space.task=class_scene "${taskonomy[@]}"
    zc_round transnas_macro val_class_scene --set space.task=class_scene "${taskonomy[@]}"
    zc_round nb_macro test_cifar10
fi

printf "{\"0" >cut.json
refuses "import of a cut file" "cut.json:1: byte " import nb_macro cut.json none.tsv
finish
