#!/usr/bin/env bash
# report.sh BUILD_DIR SOURCE_DIR -- protects `tcet-host report`: the page and its pictures are well-formed,
# need nothing else, are the same bytes every time and small, show what the folders hold, and what cannot be
# shown is refused in words.
. "$(dirname "$0")/lib.sh"

# What strangers named does not become markup, and all is XML.
well_formed()
{
    ! command -v xmllint >/dev/null || xmllint --noout --nonet "$@"
}
alone() # FILE: it names no other file, script or place but the names of its formats
{
    ! grep -oE '(src|href|xlink:href)=|<script|@import|url\(|https?://[^"]*' "$1" |
        grep -vxE 'http://www\.w3\.org/(2000/svg|1999/xhtml)'
}
smaller() { [ "$(stat -c %s "$1")" -lt "$2" ]; }

# What stands on a page as a browser draws it: texts that leave their picture or lie upon another, dots
# that are strokes of no length and have no round ends, and a page that is wider than its window.
cat >measure.js <<'JS'
const found = [];
for (const svg of document.querySelectorAll('svg')) {
    const all = svg.getBoundingClientRect(), seen = [], id = svg.parentNode.closest('figure').id + ': ';
    for (const text of svg.querySelectorAll('text')) {
        const r = text.getBoundingClientRect(), what = id + text.textContent;
        if (r.left < all.left - 1 || r.right > all.right + 1 || r.top < all.top - 1 || r.bottom > all.bottom + 1)
            found.push('outside ' + what);
        for (const o of seen) {
            const w = Math.min(r.right, o.r.right) - Math.max(r.left, o.r.left);
            const h = Math.min(r.bottom, o.r.bottom) - Math.max(r.top, o.r.top);
            if (w > 1 && h > Math.min(r.height, o.r.height) * .1)
                found.push('upon each other ' + what + ' and ' + o.what);
        }
        seen.push({r, what});
    }
    for (const path of svg.querySelectorAll('path[d*="h0"]')) {
        const look = getComputedStyle(path);
        if (look.strokeLinecap != 'round' || look.stroke == 'none' || parseFloat(look.strokeWidth) < 1)
            found.push('nothing is seen of the dots ' + id + path.getAttribute('class'));
    }
}
if (document.documentElement.scrollWidth > document.documentElement.clientWidth)
    found.push('wider than its window: ' + document.documentElement.scrollWidth);
for (const place of document.querySelectorAll('body > .scroll')) { /* the table of scores, of short names */
    const names = [...place.querySelectorAll('td:first-child')].map(cell => cell.textContent.length);
    if (window.innerWidth >= 1280 && Math.max(...names) < 30 && place.scrollWidth > place.clientWidth)
        found.push('a table is cut: ' + place.scrollWidth + ' of ' + place.clientWidth);
}
const said = ['width ' + window.innerWidth, 'ground ' + getComputedStyle(document.body).backgroundColor,
    found.length + ' found', ...found];
document.body.innerHTML = '<pre></pre>';
document.querySelector('pre').textContent = said.join('\n');
JS
browser()
{
    timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage "$@" 2>chromium.err
}
# Is there one that can draw here?  Not under the sanitizers: it is the same page, whatever built it.
seen=no
if [ "$sanitized" = 0 ] && command -v chromium >/dev/null; then
    browser --dump-dom 'data:text/html,<p>drawn</p>' | grep -q '<p>drawn</p>' && seen=yes
    [ $seen = yes ] || echo "SKIP what a browser draws: chromium cannot start here: $(tail -1 chromium.err)"
fi
# In frames of these widths: a window is never narrower than 500.
drawn() # PAGE WIDTHS light|dark
{
    local ground= scheme=1 width
    [ "$3" != dark ] || ground='rgb(21, 24, 28)' scheme=0
    sed 's,</body>,<script src="measure.js"></script></body>,' "$1" >measured.html
    {
        echo '<!DOCTYPE html><html><body style="margin:0">'
        for width in $2; do
            echo "<iframe src=\"measured.html\" style=\"width:${width}px;height:2000px;border:0\"></iframe>"
        done
        cat <<'HTML'
<script>
window.onload = () => {
    document.body.innerHTML = [...document.querySelectorAll('iframe')]
        .map(frame => frame.contentDocument.body.innerHTML).join('\n');
};
</script></body></html>
HTML
    } >frames.html
    browser --allow-file-access-from-files --blink-settings=preferredColorScheme=$scheme \
        --window-size=2000,2000 --dump-dom "file://$PWD/frames.html" >dom
    for width in $2; do
        grep -A 2 "width $width\$" dom >measured.txt && grep -qF "ground $ground" measured.txt && grep -q "^0 found" measured.txt || {
            echo "$width wide, $3:"
            sed -n "/width $width\$/,/<\/pre>/p" dom | head -40
            return 1
        }
    done
}
drawn_everywhere() # PAGE
{
    drawn "$1" '1280 375' light && drawn "$1" '1280 375' dark
}

# pictures.py FOLDER SVG...: each has its PNG there, twice as large as its viewBox, that is not blank.
# pictures.py --count COLOUR PNG: how many pixels have that colour, as "#rrggbb".
cat >pictures.py <<'PY'
import os, re, struct, sys, zlib

def read(path):
    data = open(path, 'rb').read()
    assert data[:8] == b'\x89PNG\r\n\x1a\n', path + ' is no PNG'
    w, h, depth, kind, _, _, interlaced = struct.unpack('>IIBBBBB', data[16:29])
    assert depth == 8 and kind in (2, 6) and not interlaced, path
    at, packed = 8, b''
    while at < len(data):
        n, name = struct.unpack('>I4s', data[at:at + 8])
        packed += data[at + 8:at + 8 + n] if name == b'IDAT' else b''
        at += 12 + n
    size = 3 if kind == 2 else 4
    raw = zlib.decompress(packed)
    return w, h, size, [raw[y * (w * size + 1):(y + 1) * (w * size + 1)] for y in range(h)]

def count(path, colour):
    want = bytes.fromhex(colour[1:])
    w, h, size, rows = read(path)
    before, found = bytearray(w * size), 0
    for row in rows:
        kind, row = row[0], bytearray(row[1:])
        for i in range(len(row)):
            a = row[i - size] if i >= size else 0
            b, c = before[i], before[i - size] if i >= size else 0
            p = a + b - c
            near = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            row[i] = (row[i] + (0, a, b, (a + b) // 2, near)[kind]) & 255
        found += sum(row[i:i + 3] == want for i in range(0, len(row), size))
        before = row
    return found

if sys.argv[1] == '--count':
    print(count(sys.argv[3], sys.argv[2]))
    sys.exit()
for svg in sys.argv[2:]:
    png = os.path.join(sys.argv[1], os.path.basename(svg)[:-4] + '.png')
    w, h, _, rows = read(png)
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', open(svg).read()).groups()
    assert (w, h) == tuple(2 * int(n) for n in box), '%s: %d x %d of %s' % (png, w, h, box)
    assert len(set(rows)) > 20, png + ' is blank'
PY

# -- A run ---------------------------------------------------------------------------------------
cat >run.ini <<'INI'
[run]
space  = nats_tss
archs  = sample:30
output = run
[data]
plugin = gaussian
batch  = 4
resolution = 8
[metric snip]
saliency   = snip
aggregator = snr
[metric size]
saliency   = ones
aggregator = sum
[metric synflow]
saliency   = synflow
aggregator = sum
[score both]
combiner = product
metrics  = snip, size
[score joint]
combiner = layerdot
metrics  = synflow, snip
[reference]
snip = .6
[reference_hours]
joint = 4.2
[benchmark]
table  = nats_tss
column = cifar10_test
INI
run run run.ini --report first.html --quiet
check "a run with a report" test "$code" = 0
run report run -o page.html --svg pictures
check "its report" test "$code" = 0
check "is what the run wrote at its end" cmp page.html first.html
check "is well-formed" well_formed page.html first.html pictures/*.svg
check "needs nothing else" alone page.html
check "is small" smaller page.html 400000
mkdir again
run report run -o again/page.html --svg again/pictures
check "is the same bytes every time" cmp page.html again/page.html
check "pictures too" diff -r pictures again/pictures
for name in tau heat top-k scatter-snip scatter-both scatter-synflow ranks-both layers-snip layers-joint; do
    check "there is the figure $name" test -s "pictures/$name.svg"
done
check "tau is that of correlate" said "<td class=\"n\">$("$host" correlate run --format csv 2>err |
    awk -F, '$1 == "snip" { printf "%.4f", $2 }')</td>" page.html
check "the published figure is there" said 'published 0\.6' pictures/tau.svg
check "hours for the whole space are the mean time times its networks" awk -F'</td><td[^>]*>' '
    /<td>joint<\/td>/ && NF == 5 { rows++; sub(/<.*/, "", $5); d = $2 * $3 / 3.6e6 - $4
        bad += $3 != 15625 || $5 != "4.2" || d > .02 || d < -.02 } END { exit bad || rows != 1 }' page.html
check "the config is there" said '^plugin = gaussian$' page.html
check "provenance says what computed it" said '<td>backend</td><td>libtorch' page.html
check "a joint score by layer is the product of its metrics" awk -F'[<>]' '
    /<figure id=/ { split($2, at, "\""); id = at[2] }
    id ~ /^layers-/ && /^<tr><td/ { v[id, ++n[id]] = $(NF - 4) }
    END {
        for (i = 1; i <= n["layers-joint"]; i++) {
            want = v["layers-snip", i] * v["layers-synflow", i]
            d = v["layers-joint", i] / want - 1
            bad += d > 1e-6 || d < -1e-6
        }
        exit bad || n["layers-joint"] < 5
    }' page.html
check "30 points stand in a scatter" test "$(grep -c 'circle class="b' pictures/scatter-snip.svg)" = 30
check "the main score comes first" awk '
    /<figure id="scatter-/ && !first { first = $0 } END { exit first !~ /"scatter-(both|joint)"/ }' page.html
run report run -o live.html --population live --arch \
    '|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|'
check "another population, an architecture that was not scored" test "$code" = 0
check "is said" said 'population live' live.html
run report run -o none.html --table '' --column ''
check "without a table" test "$code" = 0
check "the taus between the scores are left" said 'tau between the scores' none.html
run report run --arch 'a<b>' -o odd.html
check "an architecture that is none has no layers" test "$code" = 0

run run run.ini --archs sample:1 --output one --quiet --report one.html
check "one architecture" test "$code" = 0
run report one -o one-again.html
check "its report at the end is that of report" cmp one.html one-again.html
mkdir -p elsewhere && cp run.ini elsewhere
run run elsewhere/run.ini --archs sample:2 --output "$work/elsewhere/two" --quiet --report elsewhere.html
run report elsewhere/two -o elsewhere-again.html
check "in a folder below too" cmp elsewhere.html elsewhere-again.html
check "is well-formed" well_formed one.html
run run run.ini --archs sample:30 --output 'odd <&> "name"' --set data.seed=2 --quiet
run report run 'odd <&> "name"' -o two.html
check "two runs, one with an odd name" test "$code" = 0
check "are well-formed" well_formed two.html
check "have their names" said 'odd &lt;&amp;&gt; &quot;name&quot;/snip' two.html

# Nothing in these names is a place to break them but for the slash.
deep=$(printf 'b%.0s' {1..40})/$(printf 'c%.0s' {1..40})/run long=$(printf 'folder%03d_' {1..20})
mkdir -p "${deep%/run}" && cp -r run "$deep" && cp -r run "$long"
run report "$deep" "$long" -o long.html
check "runs in folders of long names" test "$code" = 0 -a ${#long} = 200

# More points than are drawn one by one: all are to be seen.
cat >many.ini <<'INI'
[run]
space  = nats_tss
archs  = sample:400
output = many
[metric size]
saliency   = ones
aggregator = sum
[benchmark]
table  = nats_tss
column = cifar10_test
INI
run run many.ini --quiet
run report many -o many.html --svg many
check "a picture of many points" said '<path class="c0 d" d="M' many/ranks-size.svg
if command -v rsvg-convert >/dev/null; then
    rsvg-convert --background-color=white -o dots.png many/ranks-size.svg
    check "has its dots where others see them too" \
        test "$(python3 pictures.py --count '#0072b2' dots.png)" -gt 800
fi

# -- What a paper has of pairs stands beside ours ---------------------------------------------------
run run "$source/conf/paper/table1_tss.ini" --archs sample:8 --output table1 --quiet
run report table1 -o table1.html --tables table1_tables
check "published taus of pairs are on the page" eval \
    'grep -q "published tau(x,y)" table1.html && grep -q ">0.94<" table1.html'
check "and in its tables" grep -qE '\| snip_snr +\| tcet_snip .*\| +0.94 \|' table1_tables/scores.md

# -- Searches and trainings ------------------------------------------------------------------------
run search "$source/conf/search/tss_tabular.ini" --output search --set search.evaluations=200 --quiet
cat >front.ini <<'INI'
[run]
space = nats_tss
[search]
strategy    = nsga2
objectives  = column:val_cifar10, -count:params
evaluations = 60
seeds       = 1..2
hypervolume_from = 0, 2e6
[benchmark]
table  = nats_tss
column = test_cifar10
INI
run search front.ini --output front --quiet
check "a search with two objectives" test "$code" = 0
cat >train.ini <<'INI'
[run]
space   = zennas
classes = 10
[space]
reslink    = 1
max_size   = 0
max_layers = 0
[data]
plugin = cifar10
[train]
arch   = SuperConvK3BNRELU(3,8,2,1)SuperResK3K3(8,16,2,8,1)SuperConvK1BNRELU(16,32,1,1)
epochs = 3
batch  = 16
images = 96
test   = train
lr     = .05
INI
run train train.ini --output train --quiet
check "a training" test "$code" = 0
run report search front train -o more.html --svg more
check "searches and a training" test "$code" = 0
check "are well-formed" well_formed more.html more/*.svg
check "the incumbent's score" test -s more/anytime-column_val_cifar10.svg
check "its accuracy" test -s more/anytime-accuracy-test_cifar10.svg
check "a front and its hypervolume" said 'on the front; hypervolume to ' more/front-front.svg
check "loss by epoch" test -s more/train-loss-train.svg
check "top-1, last and best, of the images measured" said 'train: last .* best .*selected on train' more/train-top1-train.svg

facts() # PAGE COLUMN: that folder's provenance, "name=value" each
{
    sed -n '/<h2>Provenance/,/<\/table>/p' "$1" |
        sed -nE 's,^<tr><td[^>]*>([^<]*)</td>(.*)</tr>$,\1\2,p' |
        awk -F'<td[^>]*>' -v c="$2" '{ sub(/<\/td>/, "", $(c + 1)); print $1 "=" $(c + 1) }'
}
all_facts() # PAGE COLUMN: of each it says something
{
    local name
    facts "$1" "$2" >facts
    for name in space task data seed backend device precision; do
        grep -q "^$name=." facts && ! grep -qE "^$name=(-|not recorded)$" facts || { echo "no $name:"; cat facts; return 1; }
    done
}
check "a run says all of its provenance" all_facts page.html 1
run report search front train run -o mixed.html
check "searches, a training and a run on one page" test "$code" = 0
for column in 1 2 3 4; do
    check "folder $column of it says all of its provenance" all_facts mixed.html $column
done
check "a training says its space and its data" eval 'facts mixed.html 3 | grep -q "^space=zennas" &&
    facts mixed.html 3 | grep -q "^data=cifar10: " && facts mixed.html 3 | grep -q "^backend=libtorch"'
check "and which images it was measured on" eval 'facts mixed.html 3 | grep -q "^measured on=the training images$" &&
    facts mixed.html 4 | grep -q "^measured on=-$"'
check "a search over a column says whose" eval 'facts mixed.html 1 | grep -q "^data=no images: column:val_cifar10 of table nats_tss$"'
check "and its seeds" eval 'facts mixed.html 2 | grep -q "^seed=searches 1..2$"'
cp -r train bare-train && rm bare-train/provenance.txt
run report bare-train -o bare.html
check "what a training did not record is said to be missing" eval \
    'facts bare.html 1 | grep -q "^task=not recorded$" && facts bare.html 1 | grep -q "^space=zennas (by the config)$"'
numbers() # PAGE: each figure has its numbers below
{
    awk '/<figure id=/ { split($2, at, "\""); id = at[2]; n++ } /<summary>numbers</ { has[id] = 1; k++ }
        END { exit !n || n != k }' "$1"
}
for page in page more mixed; do
    check "each picture of $page.html has its numbers below" numbers $page.html
done

# -- A network -------------------------------------------------------------------------------------
count() { grep -c -- "$1" "$2"; }
edges() { awk '/^  n[0-9]+ -> n[0-9]+$/ { bad += substr($1, 2) + 0 >= substr($3, 2) + 0; n++ } END { exit bad || !n }' "$1"; }
for space in nats_tss nb301 zennas; do
    arch=$("$host" space $space --random 1 2>err)
    run space $space --arch "$arch" -o $space.svg
    check "a picture of a network of $space" test "$code" = 0
    check "is well-formed" well_formed $space.svg
    check "needs nothing else" alone $space.svg
    check "shows cells" said '>cell [0-9]+: ' $space.svg
    run space $space --arch "$arch" -o again.svg
    check "is the same bytes every time" cmp $space.svg again.svg
    run space $space --arch "$arch" -o $space.dot
    check "for Graphviz, an operation as in the list" test "$(count '^  n[0-9]* \[label=' $space.dot)" = \
        "$("$host" space $space --arch "$arch" --json | grep -o '"operation":' | wc -l)"
    check "with lines from earlier ones to later ones" edges $space.dot
done
check "what is high has its chains in one box" said '[0-9] x \(.*conv .*\)</text>' nb301.svg
check "totals are as those of boxes" said '>[0-9.]+[kMG]? params, [0-9.]+[kMG] MACs</text>' nb301.svg
check "equal cells are shown once" said '>as cell 0</text>' nats_tss.svg
arch=$("$host" export run scores.csv 2>err; sed -n '2s/,.*//p' scores.csv)
run show --graph "$arch" --run run -o colours.svg
check "with the values of a run" test "$code" = 0
check "is well-formed" well_formed colours.svg
check "says whose" said 'coloured by snip$' out
layers=$("$host" export run layers.jsonl --layers 2>err; head -1 layers.jsonl | grep -o '"shape"' | wc -l)
check "a layer has a colour and a value" test "$(count '>snip [-0-9.e]*</text>' colours.svg)" = "$layers"
check "no cell is left out" test "$(count '>as cell' colours.svg)" = 0
run show run.ini --graph "$arch" --run run --column joint -o colours.dot
check "of a joint score, for Graphviz" test "$code" = 0
check "in colours too" test "$(count 'fillcolor="#[0-9a-f]*"' colours.dot)" = "$layers"
if [ $seen = yes ]; then
    for picture in nats_tss nb301 nb101 nds_resnet zennas colours; do
        [ -s $picture.svg ] || "$host" space $picture --arch "$("$host" space $picture --random 1 2>err)" \
            -o $picture.svg 2>err
        { echo "<html><body><figure id=\"$picture\">" && tail -n +2 $picture.svg &&
            echo '</figure></body></html>'; } >$picture.html
        check "no text lies upon another in $picture.svg" drawn $picture.html 1500 light
    done
fi
guarded=$(sed -n 's/.*"arch":"\([^"]*\)".*"guards":{"zero_sigma":\([0-9]*\).*/\1 \2/p' layers.jsonl | head -1)
run report run -o guarded.html --svg guarded --arch "${guarded% *}"
check "values by layer say which guards the score met" \
    said "[0-9] \\(guards: zero_sigma ${guarded#* }\\) of \\|" guarded/layers-snip.svg
check "and which layers have their 0 from one" test "$(count '<circle class="c1 u"' guarded/layers-snip.svg)" = \
    $((${guarded#* } + 1))
check "in the product too" said '0 by a guard</text>' guarded/layers-joint.svg
{
    printf '[run]\nspace = nats_tss\narchs = index:1462\noutput = many-layers\n[data]\nplugin = gaussian\nbatch = 4\nresolution = 8\n'
    for aggregator in sum mean std l2 log_sum snr log_snr log1p_snr; do
        printf '[metric m_%s]\nsaliency = snip\naggregator = %s\n' $aggregator $aggregator
    done
    printf '[metric last]\nsaliency = plain\naggregator = sum\n[metric lnwot]\nsaliency = nwot\naggregator = logdet\n'
    printf '[score tcet]\ncombiner = layerdot\nmetrics = last, lnwot\n'
} >layers.ini
run run layers.ini --quiet
run report many-layers -o layers.html --svg layers
check "what a score by layerdot is made of is drawn before other metrics" \
    test -s layers/layers-tcet.svg -a -s layers/layers-last.svg -a -s layers/layers-lnwot.svg
refuses "an ending that is none" '-o net.png: a picture goes into a .svg or .dot file' \
    show run.ini --graph "$arch" -o net.png
refuses "a picture without a file" '--graph needs -o FILE' show run.ini --graph "$arch"
refuses "a file without a picture" '-o, --run and --column go with --graph' show run.ini -o net.svg
refuses "an architecture that is none" "'\\|' is expected, not \"a<b>" \
    show run.ini --graph 'a<b>' -o net.svg
refuses "a column that is none" '"size<" is no column with values by layer; those are: snip, ' \
    show --graph "$arch" --run run --column 'size<' -o net.svg
refuses "an architecture that the run has not" 'run: has no scores of the architecture' \
    show --graph '|none~0|+|none~0|none~1|+|none~0|none~1|none~2|' --run run -o net.svg
refuses "no folder of a run" 'nowhere/config.ini: No such file' \
    show --graph "$arch" --run nowhere -o net.svg
refuses "-o without a network" '-o is of --arch' space nats_tss -o net.svg
check "no picture of what was refused" test ! -e net.svg

# -- In a browser ------------------------------------------------------------------------------------
if [ $seen = yes ]; then
    for page in page one two more none many long mixed; do
        check "nothing overflows in $page.html, wide and narrow, light and dark" drawn_everywhere $page.html
    done
    browser --print-to-pdf=print.pdf --no-pdf-header-footer "file://$PWD/page.html"
    figures=$(grep -c '<figure id=' page.html) pages=$(grep -a -c '/Type /Page$' print.pdf)
    check "on paper, $figures pictures stand two beside one another: $pages pages" \
        test "$pages" -gt 1 -a "$pages" -le $((figures / 2 + 2))
fi

# -- Tables elsewhere ------------------------------------------------------------------------------
run report run search train -o tables.html --tables tables
check "tables as files" test "$code" = 0
tables=$(grep -c '<table>' tables.html)
check "each of the page's $tables as Markdown" test "$(ls tables/*.md | wc -l)" = "$tables"
check "and as LaTeX" test "$(ls tables/*.tex | wc -l)" = "$tables"
even() # FILES: all lines of a table of Markdown have as many bars, those of encodings aside
{
    awk 'FNR == 1 { want = 0 } NF { n = gsub(/\\\|/, ""); n = gsub(/\|/, ""); if (!want) want = n; bad += n != want }
        END { exit bad }' "$@"
}
check "whose encodings end no cell" even tables/*.md
check "hours are there" said '^joint & [0-9.]+ & 15625 & [0-9.]+ & 4\.2 ' tables/hours.tex
check "a search's curve is" said '^search \(evolution\) & 1 & 20 & ' tables/anytime-column_val_cifar10.tex
check "layers are" said '^\| 1 +\| stem\.0 +\| conv +\| 16,3,3,3 +\|' tables/layers-snip.md
run report nats_tss_whole -o whole.html --svg whole
check "a shipped table of scores" test "$code" = 0
check "has its page" well_formed whole.html whole/*.svg
check "says what it is" said '<td>data</td><td>table of scores nats_tss_whole</td>' whole.html
check "is small" smaller whole.html 2000000
check "its tau is that of correlate" said "<td class=\"n\">$("$host" correlate nats_tss_whole --format csv 2>err |
    awk -F, '$1 == "snip_snr" { printf "%.4f", $2 }')</td>" whole.html
[ $seen != yes ] || check "nothing overflows there" drawn_everywhere whole.html

# -- LaTeX -----------------------------------------------------------------------------------------
run correlate run --format latex
check "a table for papers" said '^\\begin\{tabular\}\{lr+\}$' out
check "has a line a score" said '^snip & 0?\.?[-0-9.]+ & ' out

# -- Other pictures --------------------------------------------------------------------------------
if command -v rsvg-convert >/dev/null; then
    run report run -o page2.html --png png --pdf all.pdf
    check "PNG and PDF" test "$code" = 0
    check "a PNG a picture of the run" python3 pictures.py png pictures/*.svg
    run report search front train -o page2.html --png png
    check "and of searches and trainings" python3 pictures.py png more/*.svg
    check "a PDF of all" test "$(head -c 5 all.pdf)" = %PDF-
fi
printf '#!/bin/sh\nPATH=/nowhere exec "%s" "$@"\n' "$host" >bare && chmod +x bare
built=$host host=$work/bare
refuses "PNG without its program" '--png needs rsvg-convert.*librsvg2-bin' report search -o bad.html --png png
host=$built

# -- What cannot be --------------------------------------------------------------------------------
mkdir empty
refuses "no folder" 'something is missing' report
refuses "a folder that is not there" 'nowhere: is no folder of a run, a search or a training' report nowhere
refuses "a folder of something else" 'empty: is no folder of a run' report empty
refuses "a place that cannot be written" 'no/such/page\.html' report run -o no/such/page.html
refuses "a report that could not be written, before the run" '--report no/such\.html: cannot write there' \
    run run.ini --output later --report no/such.html
check "nothing was run" test ! -e later
refuses "a population that is none" 'population "some" is not one of: all, live' report run \
    -o bad.html --population some
refuses "a table that is none" 'nothere' report run -o bad.html --table nothere --column x
cp -r train torn && echo 'no,line' >>torn/train.csv
refuses "a torn train.csv" 'torn/train.csv:5: is no line of a training' report torn -o bad.html
cp -r search cut && echo 'garbage' >>cut/search.csv
refuses "a search.csv with a line that is none" 'cut/search.csv' report cut -o bad.html
check "no page of what was refused" test ! -e bad.html
finish
