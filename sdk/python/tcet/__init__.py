"""tcet -- tcet-host from Python: runs, searches, trainings, and the scores of a network of your own.

    >>> import tcet
    >>> run = tcet.run("conf/tcet_snip.ini", archs="first:20")
    >>> run.scores, run.layers(arch), run.correlate()

Pure Python of the standard library; tables are pandas.DataFrames where pandas is installed, else lists of
dicts.  docs/python.md walks through it.

Room: sdk/python.  It starts the program tcet-host and reads what that writes; it loads no part of it."""
import os
import re
import shutil
import tempfile
import weakref

from ._host import Error, host
from ._host import call as _call, config_arguments as _config_arguments
from ._results import Folder, Run, Search, Training
from ._saliency import Layer, Saliency, saliency
from ._torch import Score, score

__all__ = ["Error", "Folder", "Layer", "Run", "Saliency", "Score", "Search", "Training", "host", "run", "saliency",
           "score", "search", "train", "version"]


def version():
    """The program's version, "0.1.0"."""
    return _call("version").split("\n")[0].split()[-1]


def _output(arguments, given, temporary):
    """The folder for the results: as given, as the config says, else in the temporary one."""
    if given is not None:
        return os.fspath(given)
    section = None
    for line in _call("show", *arguments, "--config").splitlines():
        head = re.match(r"\[(.*)\]", line)
        section = head.group(1).strip() if head else section
        key = re.match(r"output\s*=\s*(.*\S)", line)
        if section == "run" and key:
            return key.group(1)
    return os.path.join(temporary, "run")


def _do(command, kind, config, overrides, output, options, progress, accept=(0,)):
    temporary = tempfile.mkdtemp(prefix="tcet-")
    try:
        arguments = _config_arguments(config, overrides, temporary)
        folder = _output(arguments, output, temporary)
        _call(command, *arguments, "--output", folder, *options, progress=progress, accept=accept)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    path = overrides.get("plugins.path")
    result = kind(folder, [p for p in str(path).split(":") if p] if path else [])
    weakref.finalize(result, shutil.rmtree, temporary, True)
    return result


def run(config, output=None, resume=False, retry_failed=False, progress=None, **overrides):
    """Scores architectures as a config says: tcet-host run.  The Run.

    config: a path, or a dict of sections, {"run": {...}, "metric": {"m": {...}}, "data": {...}}; its
    relative paths are taken from the current folder.
    overrides: keys of [run] (archs="first:20", seed=2, proxy=["snip", "synflow"]), or with a dot of any
    section (**{"data.batch": 16, "metric.m.aggregator": "mean"}).
    output: the folder for the results; else the config's [run] output, else a temporary folder that is
    removed with the Run.  resume: go on with what is there.
    progress: None, lines go to sys.stderr; a function, it gets each line; False: silence.
    Architectures that fail are rows of run.scores; all else that goes wrong raises Error.  Ctrl-C raises
    KeyboardInterrupt, when what was computed is stored."""
    options = ["--progress", "5"] + ["--resume"] * bool(resume) + ["--retry-failed"] * bool(retry_failed)
    return _do("run", Run, config, overrides, output, options, progress, accept=(0, 3))


def search(config, output=None, resume=False, progress=None, **overrides):
    """Looks for the best architecture: tcet-host search.  The Search; arguments as of run()."""
    options = ["--progress", "5"] + ["--resume"] * bool(resume)
    return _do("search", Search, config, overrides, output, options, progress)


def train(config, arch=None, output=None, resume=False, progress=None, **overrides):
    """Trains a network: tcet-host train.  The Training; arch: an encoding, or a Search or Run, whose best it
    is; the other arguments as of run()."""
    if isinstance(arch, Folder):
        arch = "best:" + arch.folder
    options = ["--resume"] * bool(resume) + (["--arch", arch] if arch is not None else [])
    return _do("train", Training, config, overrides, output, options, progress)
