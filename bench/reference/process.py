"""How every process of the comparison runs: one thread, and freed memory stays with it. To be
imported first: it may start the program anew.

Room: bench/reference.
"""
import os
import sys

# Otherwise the C library maps and faults in each large tensor again, which costs plain PyTorch
# dear. Bytecode is not written into the repository.
SETTINGS = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
            "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}

if any(os.environ.get(name) != value for name, value in SETTINGS.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **SETTINGS})
