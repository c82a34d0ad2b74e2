"""The program as a child process: where it is, what it is told, what it says.

Room: sdk/python.  Touches the standard library, and of tcet-host its command line, exit codes, CSV and
JSON alone."""
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping

STOP_SECONDS = 60  # that an interrupted program has to commit what it knows
SETS_MAX = 250  # of --set, on one command line


class Error(Exception):
    """What the program refused or could not do.

    code: its exit code (1 a fault of the program or machine, 2 bad input, 3 some architectures failed,
    130 interrupted by somebody else), or None where it was not found or could not be told so.
    text: its message.  file, line: the place in a config that it names, or None.
    stderr: everything that it said.  command: its command line."""

    def __init__(self, text, code=None, stderr="", command=()):
        super().__init__(text)
        self.text, self.code, self.stderr, self.command = text, code, stderr, list(command)
        place = re.match(r"(.+?):(\d+): ", text)
        self.file = place.group(1) if place else None
        self.line = int(place.group(2)) if place else None


def host():
    """The program's path: $TCET_HOST, else that of the installation or build tree this package stands in,
    else the one on PATH."""
    named = os.environ.get("TCET_HOST")
    if named:
        if os.access(named, os.X_OK) and os.path.isfile(named):
            return named
        raise Error(f"TCET_HOST={named}: there is no such program")
    for start in (os.path.abspath(__file__), os.path.realpath(__file__)):
        folder = os.path.dirname(start)
        for _ in range(5):
            folder = os.path.dirname(folder)
            for place in ("bin", "build/release/bin"):
                path = os.path.join(folder, place, "tcet-host")
                if os.access(path, os.X_OK) and os.path.isfile(path):
                    return path
    found = shutil.which("tcet-host")
    if found:
        return found
    raise Error("there is no tcet-host: neither does TCET_HOST name one, nor is one installed beside "
                f"{os.path.dirname(os.path.abspath(__file__))}, nor on PATH; build it by ./setup.sh, or "
                "set TCET_HOST to PREFIX/bin/tcet-host")


def _show(line):
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _read_lines(stream, to):
    with stream:
        for line in stream:
            to.put(line.rstrip("\n"))
    to.put(None)


def _read_all(stream, to):
    with stream:
        to.append(stream.read())


def _stop(child):
    """Ends it as Ctrl-C in a terminal would: it commits first.  A second Ctrl-C ends it at once."""
    try:
        child.send_signal(signal.SIGINT)
        child.wait(STOP_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.kill()
        child.wait()


# Options that messages name, and the arguments that are these in Python.
ARGUMENTS = {"--resume": "resume=True", "--retry-failed": "retry_failed=True"}


def _message(lines):
    """The program's complaint among what it said on standard error, with the remedies by their names here."""
    said = [line for line in lines if ": error: " in line]
    text = "\n".join(re.sub(r"^tcet-host: error: ", "", line) for line in said)
    return re.sub(r"\buse (--resume|--retry-failed)\b", lambda found: "use " + ARGUMENTS[found[1]],
                  text or "\n".join(lines[-10:]))


def call(*arguments, progress=False, accept=(0,)):
    """Runs the program; its standard output, as text.  Each line that it says on standard error goes to
    progress(line), in this thread, or to sys.stderr (None), or nowhere (False).  An exit code that is not
    accepted raises Error.  Ctrl-C, and what progress() raises, end the program, and are raised then."""
    command = [host(), *map(str, arguments)]
    tell = _show if progress is None else progress or (lambda line: None)
    out, lines, said = [], [], queue.Queue()
    try:
        # In a session of its own, so that Ctrl-C reaches it once, in a terminal as in a notebook.
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
                                 start_new_session=True)
    except OSError as error:
        raise Error(f"{command[0]}: {error.strerror}", command=command) from error
    readers = [threading.Thread(target=_read_lines, args=(child.stderr, said), daemon=True),
               threading.Thread(target=_read_all, args=(child.stdout, out), daemon=True)]
    try:
        for reader in readers:
            reader.start()
        for line in iter(said.get, None):
            lines.append(line)
            tell(line)
        readers[1].join()
        code = child.wait()
    except BaseException:
        _stop(child)
        raise
    if code not in accept:
        raise Error(_message(lines) or f"tcet-host ended with {code}", code, "\n".join(lines), command)
    return out[0] if out else ""


def value(v):
    """A value as a config has it.  Paths (os.PathLike) are taken from the current folder."""
    if isinstance(v, bool):
        return "yes" if v else "no"
    if isinstance(v, os.PathLike):
        return os.path.abspath(os.fspath(v))
    if isinstance(v, float):
        return repr(v)
    if isinstance(v, (list, tuple)):
        return ", ".join(value(item) for item in v)
    return str(v)


def _spread(pairs):
    """Pairs of keys and values, where what stands for several keys (tcet.saliency) is those."""
    for name, v in pairs:
        if hasattr(v, "options") and hasattr(v, "keys"):
            yield from v.keys(name)
        else:
            yield name, v


def _sections(config):
    """("run.space", value) of {"run": {"space": ...}}, {"metric": {"m": {...}}}, {"metric m": {...}}."""
    for section, keys in config.items():
        if not isinstance(keys, Mapping):
            raise Error(f'"{section}" of a config is a section, a dict of its keys; "{keys}" is none')
        for key, v in keys.items():
            if isinstance(v, Mapping):
                for inner, w in v.items():
                    yield f"{section}.{key}.{inner}", w
            else:
                yield f"{'.'.join(section.split())}.{key}", v


def config_arguments(config, overrides, folder):
    """The arguments that stand for a config, a path or a dict, with overrides: CONFIG --set ...; a dict gets
    an empty file in folder, so that its relative paths are taken from the current folder."""
    pairs = []
    if isinstance(config, Mapping):
        pairs = list(_sections(config))
        config = os.path.join(folder, "dict")
        with open(config, "w", encoding="utf-8"):
            pass
    elif not isinstance(config, (str, os.PathLike)):
        raise Error(f"a config is a path or a dict, not a {type(config).__name__}")
    pairs += [(name if "." in name else "run." + name, v) for name, v in overrides.items()]
    pairs = [(name, v) for name, v in _spread(pairs) if v is not None]
    if len(pairs) > SETS_MAX:
        raise Error(f"{len(pairs)} keys: more than {SETS_MAX} must stand in a file")
    arguments = [os.fspath(config)]
    for name, v in pairs:
        arguments += ["--set", f"{name}={value(v)}"]
    return arguments
