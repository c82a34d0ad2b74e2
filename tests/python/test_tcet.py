"""test_tcet.py BUILD_DIR SOURCE_DIR, or python3 -m pytest tests/python -- protects who uses tcet-host from
Python (sdk/python): that a run's scores, layers, accuracies and agreement are those that the program prints,
that what it refuses is an exception with its words, that Ctrl-C keeps what was computed, and that a network of
one's own gets the scores that PyTorch gives it.  Room: tests; Python's standard library, PyTorch where it is
installed."""
import csv
import json
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import types
import unittest
from unittest import mock

if __name__ == "__main__":
    BUILD, SOURCE = map(os.path.abspath, sys.argv[1:3])
else:  # python3 -m pytest tests/python
    SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    BUILD = os.environ.get("TCET_BUILD", os.path.join(SOURCE, "build", "release"))
SDK = os.path.join(SOURCE, "sdk", "python")
sys.dont_write_bytecode = True
sys.path.insert(0, SDK)
os.environ["TCET_HOST"] = os.path.join(BUILD, "bin", "tcet-host")
os.environ["XDG_CACHE_HOME"] = os.path.join(BUILD, "tests", "e2e-cache")
os.environ.pop("TCET_PLUGIN_PATH", None)
os.makedirs(os.environ["XDG_CACHE_HOME"], exist_ok=True)

import tcet  # noqa: E402

try:
    import pandas as PANDAS
except ImportError:
    PANDAS = None
sys.modules["pandas"] = None  # tables are lists of dicts but where a test says otherwise

COUNT = {"saliency": "ones", "aggregator": "sum"}
SNIP = {"saliency": "snip", "aggregator": "sum"}
RUN = {"run": {"space": "nats_tss", "archs": "first:6", "workers": 1}, "metric": {"count": COUNT}}
TABLE = {"table": "nats_tss", "column": "test_cifar10"}
NOISE = {"plugin": "gaussian", "batch": 2}
SEARCH = {"run": {"space": "nats_tss"},
          "search": {"strategy": "evolution", "score": "column:val_cifar10", "evaluations": 6},
          "strategy evolution": {"population": 3, "sample": 2},
          "benchmark": {"table": "nats_tss", "column": "test_cifar10"}}


def told(*arguments):
    return subprocess.run([tcet.host(), *arguments], check=True, capture_output=True, text=True).stdout


class Case(unittest.TestCase):
    """In a folder of its own, which is the current one."""

    def setUp(self):
        folder = tempfile.mkdtemp(prefix="tcet-python-")
        self.addCleanup(shutil.rmtree, folder)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder)

    def refused(self, code, pattern, call, *arguments, **keys):
        with self.assertRaisesRegex(tcet.Error, pattern) as caught:
            call(*arguments, progress=False, **keys)
        self.assertEqual(caught.exception.code, code)
        return caught.exception


class Running(Case):
    def test_scores_are_the_exports_and_the_tables(self):
        run = tcet.run({**RUN, "benchmark": TABLE}, output="r", progress=False)
        told("export", "r", "r.csv")
        with open("r.csv", newline="") as file:
            want = list(csv.DictReader(file))
        with open(os.path.join(SOURCE, "spaces", "tables", "nats_tss.tsv")) as file:
            lines = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
        column = lines[0].index("test_cifar10")
        trained = {line[0]: float(line[column]) for line in lines[1:]}
        self.assertEqual(len(run.scores), 6)
        for got, line in zip(run.scores, want):
            self.assertEqual([got["arch"], got["status"], got["params"], got["macs"], got["count"]],
                             [line["arch"], "ok", int(line["params"]), int(line["macs"]),
                              float(line["count"])])
            self.assertAlmostEqual(got["test_cifar10"], trained[got["arch"]], places=9)
        self.assertEqual(json.loads(told("correlate", "r", "--format", "json"))["metrics"][0]["spearman"],
                         run.correlate()[0]["spearman"])
        self.assertEqual(run.correlate()[0]["name"], "count")
        run.report("r.html")
        self.assertTrue(os.path.exists("r.html"))

    def test_without_a_table_there_are_no_accuracies(self):
        run = tcet.run(RUN, progress=False)
        self.assertEqual(list(run.scores[0]), ["arch", "status", "params", "macs", "count"])
        with self.assertRaisesRegex(tcet.Error, "names no .benchmark. table"):
            run.correlate()
        self.assertIn("name", run.correlate(table="nats_tss", column="test_cifar10")[0])

    def test_layers(self):
        run = tcet.run({**RUN, "metric": {"snip": SNIP}, "data": NOISE}, archs="index:1462",
                       progress=False)
        arch = run.scores[0]["arch"]
        layers = run.layers(arch)
        self.assertEqual(layers, run.layers())
        self.assertEqual([layers[0][k] for k in ("arch", "layer", "kind", "shape")],
                         [arch, "stem.0", "conv", [16, 3, 3, 3]])
        self.assertAlmostEqual(sum(layer["snip"] for layer in layers), run.scores[0]["snip"],
                               delta=1e-9 * run.scores[0]["snip"])
        with self.assertRaisesRegex(tcet.Error, "no layers of architecture 'x'"):
            run.layers("x")

    def test_the_views_of_the_store_say_the_same(self):
        run = tcet.run({**RUN, "metric": {"snip": SNIP}, "data": NOISE}, output="r", progress=False)
        db = sqlite3.connect("file:r/scores.db?mode=ro", uri=True)
        self.assertEqual(db.execute("SELECT arch, value FROM scores ORDER BY ordinal").fetchall(),
                         [(row["arch"], row["snip"]) for row in run.scores])
        self.assertEqual(db.execute("SELECT arch, name, value FROM layers ORDER BY ordinal, layer").fetchall(),
                         [(row["arch"], row["layer"], row["snip"]) for row in run.layers()])

    def test_configs(self):
        with open("c.ini", "w") as file:
            file.write("[run]\nspace = nats_tss\narchs = first:6\n[metric count]\nsaliency = ones\n"
                       "aggregator = sum\n")
        want = tcet.run(RUN, progress=False).scores
        self.assertEqual(tcet.run("c.ini", progress=False).scores, want)
        self.assertFalse(os.path.exists("out"))
        flat = {"run": RUN["run"], "metric count": COUNT}
        self.assertEqual(tcet.run(flat, progress=False, archs="first:2").scores, want[:2])
        with open("list.txt", "w") as file:
            file.write("index:3\n")
        listed = tcet.run(flat, progress=False, archs="file:list.txt")  # of the current folder
        self.assertEqual(listed.scores, want[3:4])
        mean = tcet.run(flat, progress=False, **{"metric.count.aggregator": "mean"})
        self.assertLess(mean.scores[0]["count"], want[0]["count"])
        both = tcet.run({"run": {"space": "nats_tss", "archs": "first:1", "proxy": ["params", "flops"]}},
                        progress=False)
        self.assertEqual(both.scores[0]["params"], both.scores[0]["score.params"])

    def test_output_and_resume(self):
        tcet.run(RUN, output="r", archs="first:2", progress=False)
        self.refused(2, "; use resume=True to go on", tcet.run, RUN, output="r")
        self.assertEqual(len(tcet.run(RUN, output="r", resume=True, progress=False).scores), 6)
        self.assertEqual(len(tcet.Run("r").scores), 6)
        named = {**RUN, "run": {**RUN["run"], "output": "named"}}
        self.assertEqual(tcet.run(named, progress=False).folder, os.path.abspath("named"))
        run = tcet.run(RUN, progress=False)
        folder = run.folder
        self.assertTrue(os.path.exists(folder))
        del run
        self.assertFalse(os.path.exists(folder))

    def test_tables_are_pandas_where_it_is(self):
        pandas = types.ModuleType("pandas")
        pandas.DataFrame = type("DataFrame", (), {"__init__": lambda self, rows: setattr(self, "rows", rows)})
        with mock.patch.dict(sys.modules, pandas=pandas):
            run = tcet.run(RUN, progress=False)
            self.assertIsInstance(run.scores, pandas.DataFrame)
            self.assertEqual(len(run.scores.rows), 6)
            self.assertIsInstance(run.layers(), pandas.DataFrame)

    @unittest.skipUnless(PANDAS, "wants pandas")
    def test_with_pandas(self):
        want = tcet.run(RUN, progress=False).scores
        with mock.patch.dict(sys.modules, pandas=PANDAS):
            run = tcet.run(RUN, progress=False)
            self.assertEqual(list(run.scores.columns), list(want[0]))
            self.assertEqual(run.scores["count"].tolist(), [row["count"] for row in want])
            self.assertEqual(len(run.layers()), len(run.layers()["layer"]))

    def test_failed_architectures_are_rows(self):
        os.mkdir("plugins")
        shutil.copy(os.path.join(BUILD, "tests", "fixtures", "bad_layer_fail.so"), "plugins")
        run = tcet.run({**RUN, "metric": {"m": {"saliency": "fail", "aggregator": "sum"}}}, progress=False,
                       archs="first:2", **{"plugins.path": os.path.abspath("plugins"), "run.retries": 0})
        self.assertEqual([row["status"] for row in run.scores], ["failed", "failed"])
        self.assertIn("layer 2 is not to my taste", run.scores[0]["error"])

    def test_numbers_that_are_not_finite(self):
        for text in ("inf", "-inf"):
            self.assertEqual(tcet._results.number(text), float(text))
        self.assertTrue(math.isnan(tcet._results.number("nan")))


class Refusing(Case):
    def test_the_programs_words(self):
        with open("bad.ini", "w") as file:
            file.write("[run]\nspace = nats_tsx\narchs = first:1\n")
        error = self.refused(2, 'did you mean "nats_tss"', tcet.run, "bad.ini")
        self.assertEqual((error.file, error.line), ("bad.ini", 2))
        self.assertNotIn("tcet-host: error", error.text)
        error = self.refused(2, r'--set run\.space: there is no space "nats_tsx"', tcet.run,
                             {**RUN, "run": {"space": "nats_tsx"}})
        self.assertIsNone(error.file)
        self.refused(2, "no such file|No such file", tcet.run, "none.ini")
        self.refused(None, "a config is a path or a dict", tcet.run, 3)
        self.refused(None, "a section, a dict", tcet.run, {"run": 3})
        with self.assertRaisesRegex(tcet.Error, "none"):
            tcet.Run("none").scores

    def test_progress_gets_the_lines(self):
        lines = []
        with self.assertRaises(tcet.Error):
            tcet.run({**RUN, "run": {"space": "nats_tsx"}}, output="r", progress=lines.append)
        self.assertTrue(any("nats_tsx" in line for line in lines), lines)

        def stop(line):
            raise ValueError(line)

        with self.assertRaisesRegex(ValueError, "nats_tsx"):
            tcet.run({**RUN, "run": {"space": "nats_tsx"}}, output="r", progress=stop)

    def test_the_program_is_not_found(self):
        with mock.patch.dict(os.environ, TCET_HOST="/nowhere"):
            self.refused(None, "TCET_HOST=/nowhere: there is no such program", tcet.run, RUN)
        shutil.copytree(os.path.join(SDK, "tcet"), os.path.join("far", "tcet"))
        environment = {"PATH": "/nowhere", "PYTHONPATH": "far"}
        done = subprocess.run([sys.executable, "-c", "import tcet; tcet.host()"], env=environment,
                              capture_output=True, text=True)
        self.assertRegex(done.stderr, "tcet.*Error: there is no tcet-host: .*TCET_HOST.*setup.sh")
        environment["PATH"] = os.path.join(BUILD, "bin")
        done = subprocess.run([sys.executable, "-c", "import tcet; print(tcet.host())"], env=environment,
                              capture_output=True, text=True)
        self.assertEqual(done.stdout.strip(), os.path.join(BUILD, "bin", "tcet-host"))


class Interrupting(Case):
    SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import tcet
try:
    tcet.run({"run": {"space": "nats_tss", "archs": "all", "workers": 1}, "metric": {"snip": %r},
              "data": %r}, output="r", progress=False)
except KeyboardInterrupt:
    print("interrupted")
""" % (SNIP, NOISE)

    def test_what_was_computed_is_kept(self):
        child = subprocess.Popen([sys.executable, "-c", self.SCRIPT, SDK], stdout=subprocess.PIPE, text=True)
        try:
            scored = self.wait_for_scores(child)
        finally:
            child.send_signal(signal.SIGINT)  # it alone, as in a notebook
        out, _ = child.communicate(timeout=600)
        self.assertEqual((out.strip(), child.returncode), ("interrupted", 0))
        # The lock is free, so the program has ended.
        lines = []
        run = tcet.run({**RUN, "metric": {"snip": SNIP}, "data": NOISE}, output="r", resume=True,
                       archs=f"first:{min(scored, 5)}", progress=lines.append)
        self.assertEqual({row["status"] for row in run.scores}, {"ok"})

    def wait_for_scores(self, child):
        while child.poll() is None:
            try:
                db = sqlite3.connect("file:r/scores.db?mode=ro", uri=True)
                scored = db.execute("SELECT count(*) FROM scores").fetchone()[0]
                db.close()
            except sqlite3.Error:
                scored = 0
            if scored:
                return scored
            time.sleep(0.1)
        self.fail("the run ended by itself")


class Searching(Case):
    def test_search(self):
        search = tcet.search(SEARCH, output="s", progress=False)
        self.assertEqual([row["ask"] for row in search.asks], [1, 2, 3, 4, 5, 6])
        self.assertEqual(search.best["column:val_cifar10"], max(row["score"] for row in search.asks))
        self.assertEqual(search.best, search.top[0])
        self.assertEqual(search.curve[-1]["evaluations"], 6)
        self.assertIn("test_cifar10", search.asks[0])
        self.refused(2, "use resume=True", tcet.search, SEARCH, output="s")
        longer = tcet.search(SEARCH, output="s", resume=True, progress=False, **{"search.evaluations": 8})
        self.assertEqual(longer.asks[:6], search.asks)
        self.assertEqual(len(longer.asks), 8)
        self.refused(2, "strategy", tcet.search, SEARCH, **{"search.strategy": "none"})

    def test_train(self):
        config = os.path.join(SOURCE, "conf", "train", "quick.ini")
        training = tcet.train(config, output="t", progress=False,
                              **{"train.epochs": 1, "train.images": 32, "train.batch": 16})
        self.assertEqual([row["epoch"] for row in training.log], [1])
        training.export("net.safetensors")
        self.assertTrue(os.path.getsize("net.safetensors"))


class Saliency(Case):
    """Functions in Python, against the same in C."""

    def config(self, saliency, c=SNIP, **more):
        return {"run": {"space": "nats_tss", "archs": "first:2", "retries": 0, **more},
                "metric": {"python": {"saliency": saliency, "aggregator": "sum"}, "c": c}, "data": NOISE}

    def same(self, run):
        for row in run.scores:
            self.assertEqual(row["status"], "ok", row)
            self.assertAlmostEqual(row["python"], row["c"], delta=1e-5 * abs(row["c"]))

    def test_by_two_workers(self):
        try:
            import numpy  # noqa: F401
        except ImportError:
            self.skipTest("wants numpy")
        seen = []

        @tcet.saliency
        def snip(layer):
            seen.append((layer.name, layer.kind, layer.shape, layer.gradient.shape, len(layer.labels)))
            return abs(layer.weight * layer.gradient)

        self.same(tcet.run(self.config(snip, workers=2, archs="first:4"), progress=False))
        self.assertEqual(seen[0][1:], ("conv", (16, 3, 3, 3), (16, 3, 3, 3), NOISE["batch"]))
        rows = {"saliency": "grad", "saliency.rows": "sample", "aggregator": "sum"}
        self.same(tcet.run(self.config(tcet.saliency(lambda layer: layer.gradient, form="rows", rows="sample"),
                                       rows), progress=False))

    def test_without_numpy(self):
        def snip(layer):
            self.assertEqual(layer.shapes["weight"], layer.shape)
            return [abs(w * g) for w, g in zip(layer.weight, layer.gradient)]

        with mock.patch.dict(sys.modules, numpy=None), tcet.saliency(snip) as served:
            self.same(tcet.run(self.config(served, archs="first:1"), progress=False))

    def test_its_errors_are_the_architectures(self):
        def wrong(layer):
            return layer.nothing

        for function, words in ((wrong, r"layer stem\.0: in Python: AttributeError: .*no nothing.*test_tcet.py"),
                                (lambda layer: 1.0, "gave 1 numbers, S has 432: form=.*rows.: a row of .*rows=.sample"),
                                (lambda layer: "text", "TypeError")):
            run = tcet.run(self.config(tcet.saliency(function), archs="first:1"), progress=False)
            self.assertEqual(run.scores[0]["status"], "failed")
            self.assertRegex(run.scores[0]["error"], words)
        with self.assertRaises(TypeError):
            tcet.saliency(wrong, view="weight")
        self.refused(2, 'there is none "wait"', tcet.run, self.config(tcet.saliency(wrong, views="wait")))
        self.refused(2, 'the parameter "socket" must be given .*tcet.saliency', tcet.run, self.config("python"))

    def test_the_other_side_ends(self):
        served = tcet.saliency(lambda layer: 0)
        served.close()
        run = tcet.run(self.config(served, archs="first:1"), progress=False)
        self.assertIn("nobody serves it", run.scores[0]["error"])
        script = ("import os, sys; sys.path.insert(0, sys.argv[1]); import tcet\n"
                  "served = tcet.saliency(lambda layer: os._exit(3)); print(served.socket, flush=True)\n"
                  "sys.stdin.read()")
        child = subprocess.Popen([sys.executable, "-c", script, SDK], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        path = child.stdout.readline().strip()
        config = self.config("python", archs="first:1")
        config["metric"]["python"]["saliency.socket"] = path
        run = tcet.run(config, progress=False)
        self.assertIn("ended before it answered", run.scores[0]["error"])
        child.communicate()
        self.assertEqual(child.returncode, 3)
        shutil.rmtree(os.path.dirname(path))


def has(kind, name):
    return any(line.split()[:1] == [name] for line in told("list", kind).splitlines())


class Scoring(Case):
    """tcet.score of a module, against PyTorch."""

    def setUp(self):
        super().setUp()
        try:
            import torch  # noqa: F401
        except ImportError:
            self.skipTest("wants PyTorch (Debian's python3-torch)")
        if not has("space", "onnx"):
            self.skipTest("this program has no space onnx")

    def network(self):
        from torch import manual_seed, nn
        manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
                             nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))

    def test_noise(self):
        net = self.network().eval()
        score = tcet.score(net, ["snip", "params"], 4, size=(3, 16, 16))
        self.assertEqual(score["params"], sum(p.numel() for p in net.parameters()))
        self.assertEqual([layer["layer"] for layer in score.layers], ["0", "5"])
        self.assertFalse(net.training)
        self.refused(None, "size=", tcet.score, net, "snip", 4)
        self.refused(2, "snop", tcet.score, net, "snop", 4, size=(3, 16, 16))

    def test_images(self):
        if not has("dataset", "npy"):
            self.skipTest("this program has no dataset npy")
        import torch
        net = self.network().train()
        x, y = torch.randn(12, 3, 16, 16), torch.arange(12) % 9
        score = tcet.score(net, {"metric": {"s": SNIP, "g": {"saliency": "grad", "aggregator": "l2"}}}, (x, y))
        torch.nn.functional.cross_entropy(net(x), y).backward()
        weights = [p for p in net.parameters() if p.dim() > 1]
        for name, want in (("s", sum((p * p.grad).abs().sum() for p in weights)),
                           ("g", sum(p.grad.norm() for p in weights))):
            self.assertAlmostEqual(score[name], float(want), delta=1e-5 * float(want))
        self.assertEqual(list(tcet.score(net, "snip", x)), ["snip"])

    def test_running_statistics(self):
        """Those of the module, which an export in training mode would move, by whichever momentum, or function,
        they are kept."""
        import torch

        class Own(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.register_buffer("mean", torch.randn(8))
                self.register_buffer("var", torch.rand(8) + 1)

            def forward(self, x):
                return torch.nn.functional.batch_norm(x, self.mean, self.var, None, None, self.training, 0.3)

        for momentum in (0.1, None):
            net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8, momentum=momentum),
                                      torch.nn.Conv2d(8, 8, 3), Own(), torch.nn.Flatten())
            net(torch.randn(8, 3, 8, 8) * 3 + 1)
            for training in (True, False):
                net.train(training)
                before = {name: value.clone() for name, value in net.state_dict().items()}
                tcet._torch._export(net, torch.randn(2, 3, 8, 8), "net.onnx")
                with open("net.onnx", "rb") as file:
                    content = file.read()
                for name, value in net.state_dict().items():
                    self.assertTrue(torch.equal(value, before[name]), name)
                    if value.ndim:  # not the count of batches
                        self.assertIn(value.numpy().tobytes(), content, (momentum, training, name))
                self.assertEqual((net.training, len(net._forward_hooks)), (training, 0))

    def test_eval_mode_is_the_modules(self):
        if not has("dataset", "npy") or not has("saliency", "nwot"):
            self.skipTest("this program has no dataset npy, or no saliency nwot")
        import torch
        from torch import nn
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3), nn.Flatten(),
                            nn.Linear(1152, 10))
        x, y = torch.randn(16, 3, 16, 16), torch.arange(16) % 10
        for _ in range(5):
            net(x * 3 + 1)
        score = tcet.score(net, {"metric": {"l": {"saliency": "nwot", "aggregator": "logdet"}}}, (x, y))
        bits = (net.eval().double()[:3](x.double()).flatten(1) > 0).double()
        want = float(torch.linalg.slogdet(bits @ bits.T + (1 - bits) @ (1 - bits).T)[1])
        self.assertAlmostEqual(score.layers[1]["l"], want, delta=1e-6 * want)

    def test_signals_and_features(self):
        """Inputs [n, channels, length] and [n, features], of any number of channels, as PyTorch scores them."""
        if not has("dataset", "npy"):
            self.skipTest("this program has no dataset npy")
        import torch
        from torch import nn
        torch.manual_seed(0)
        y = torch.arange(12) % 4
        signals = nn.Sequential(nn.Conv1d(6, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(224, 4))
        features = nn.Sequential(nn.Linear(300, 8), nn.ReLU(), nn.Linear(8, 4))
        for net, x in ((signals, torch.randn(12, 6, 30)), (features, torch.randn(12, 300))):
            score = tcet.score(net, {"metric": {"s": SNIP}}, (x, y))
            torch.nn.functional.cross_entropy(net(x), y).backward()
            want = float(sum((p * p.grad).abs().sum() for p in net.parameters() if p.dim() > 1))
            self.assertAlmostEqual(score["s"], want, delta=1e-5 * want)
            self.assertEqual(list(tcet.score(net, "snip", 4, size=tuple(x.shape[1:]))), ["snip"])
        error = self.refused(2, "^.*batch has labels 1 to 4; .*first_label = 1", tcet.score, features, "snip",
                             (x, y + 1))
        self.assertNotIn(tempfile.gettempdir(), error.text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
