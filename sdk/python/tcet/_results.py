"""What a run, a search or a training left in its folder, as tables.

Room: sdk/python.  Touches the standard library, pandas where it is installed, and files that tcet-host
writes."""
import csv
import functools
import json
import os
import re
import tempfile

from . import _host

NO_NUMBERS = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


def as_table(rows):
    """Rows, dicts, as a pandas.DataFrame where there is pandas."""
    try:
        import pandas
    except ImportError:
        return rows
    return pandas.DataFrame(rows)


def number(v):
    """A number as the program's JSON has it, where one that is not finite is a text."""
    return NO_NUMBERS.get(v, v) if isinstance(v, str) else v


def _cell(text):
    """A CSV field: a number where it is one, None where there is nothing."""
    if text == "":
        return None
    if text[0] == "'" and text[1:2] in ("=", "+", "-", "@", "\t", "\r"):
        return text[1:]  # which a spreadsheet would run
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return [{name: _cell(text) for name, text in row.items()} for row in csv.DictReader(file)]


class Folder:
    """A folder of results."""

    def __init__(self, folder, plugins=()):
        """plugins: folders whose plugins may be opened for it, though it was made elsewhere."""
        self.folder = os.path.abspath(os.fspath(folder))
        self._plugins = [part for p in plugins for part in ("--plugins", p)]

    def __repr__(self):
        return f"tcet.{type(self).__name__}({self.folder!r})"

    def _file(self, name):
        return os.path.join(self.folder, name)

    def report(self, path):
        """Writes a page of figures and tables (HTML)."""
        _host.call("report", self.folder, "-o", os.fspath(path), *self._plugins)


class Run(Folder):
    """A run's folder: made by tcet.run(), or Run(folder) of one that is there."""

    def _rows(self, *options):
        with tempfile.TemporaryDirectory(prefix="tcet-") as folder:
            path = os.path.join(folder, "rows.jsonl")
            _host.call("export", self.folder, path, *options, accept=(0, 3))
            with open(path, encoding="utf-8") as file:
                return [json.loads(line) for line in file]

    def _accuracies(self):
        """{architecture: accuracy} and the accuracy's name; nothing where the run has no [benchmark]."""
        try:
            with open(self._file("config.ini"), encoding="utf-8") as file:
                text = file.read()
        except FileNotFoundError:
            text = ""
        if not re.search(r"^\[benchmark\]", text, re.MULTILINE):
            return {}, None
        joined = json.loads(_host.call("correlate", self.folder, "--values", "--format", "json",
                                       "--population", "all", *self._plugins))
        return {row["arch"]: number(row["accuracy"]) for row in joined["rows"]}, joined["accuracy"]

    @functools.cached_property
    def scores(self):
        """A row an architecture: arch, status (ok, failed, missing), params, macs, the run's metrics and
        scores, the accuracy under its name in the table, and error, why it failed."""
        accuracy, accuracy_name = self._accuracies()
        rows = []
        for one in self._rows():
            row = {name: one.get(name) for name in ("arch", "status", "params", "macs")}
            for name, v in one["scores"].items():
                row[f"score.{name}" if name in row else name] = number(v)
            if accuracy_name is not None:
                name = f"accuracy.{accuracy_name}" if accuracy_name in row else accuracy_name
                row[name] = accuracy.get(one["arch"])
            if "error" in one:
                row["error"] = one["error"]
            rows.append(row)
        return as_table(rows)

    def layers(self, arch=None):
        """A row a layer: arch, layer, kind, shape, and the metrics that have a number a layer; of one
        architecture or of all."""
        rows = []
        for one in self._rows("--layers"):
            if arch is not None and one["arch"] != arch:
                continue
            for layer in one["layers"]:
                row = {"arch": one["arch"], "layer": layer["name"], "kind": layer["kind"],
                       "shape": layer["shape"]}
                for name, v in layer["metrics"].items():
                    row[f"score.{name}" if name in row else name] = number(v)
                rows.append(row)
        if arch is not None and not rows:
            raise _host.Error(f"{self.folder}: there are no layers of architecture {arch!r}")
        return as_table(rows)

    def correlate(self, population=None, table=None, column=None):
        """A row a score: its agreement with the accuracies (name, n, kendall with its interval, spearman,
        pearson ...).  population: "all" or "live"; table, column: other than the run's [benchmark]."""
        options = [part for name, v in (("--population", population), ("--table", table),
                                        ("--column", column)) if v is not None for part in (name, v)]
        told = json.loads(_host.call("correlate", self.folder, "--format", "json", *options,
                                     *self._plugins))
        if "metrics" not in told:
            raise _host.Error(f"{self.folder}: the run names no [benchmark] table, so there are no "
                              "accuracies to correlate with; give table and column")
        return as_table([{name: number(v) for name, v in row.items()} for row in told["metrics"]])


class Search(Folder):
    """A search's folder: made by tcet.search(), or Search(folder) of one that is there."""

    @functools.cached_property
    def asks(self):
        """A row an ask, as search.csv has them (docs/search.md)."""
        return as_table(read_csv(self._file("search.csv")))

    @functools.cached_property
    def top(self):
        """The best architectures, a row each."""
        return as_table(read_csv(self._file("top.csv")))

    @property
    def best(self):
        """The best architecture's row of top.csv, a dict."""
        rows = read_csv(self._file("top.csv"))
        if not rows:
            raise _host.Error(f"{self.folder}: no architecture has a score")
        return rows[0]

    @functools.cached_property
    def curve(self):
        """The incumbent over the evaluations, a row each."""
        return as_table(read_csv(self._file("curve.csv")))

    @functools.cached_property
    def front(self):
        """Of several objectives: what no other architecture dominates."""
        return as_table(read_csv(self._file("front.csv")))


class Training(Folder):
    """A training's folder: made by tcet.train(), or Training(folder) of one that is there."""

    @functools.cached_property
    def log(self):
        """A row an epoch, as train.csv has them (docs/training.md)."""
        return as_table(read_csv(self._file("train.csv")))

    def export(self, path):
        """Writes the network: .pth, .safetensors or .onnx."""
        _host.call("export", self.folder, os.fspath(path), *self._plugins)
