"""One thread of computation a process: faster on small networks, and the condition of equal bits."""

import os
from contextlib import suppress

import threadpoolctl
import torch

with suppress(ModuleNotFoundError):  # then there is no compiled code either
    from scipy.linalg import cython_blas  # noqa: F401 (the BLAS of compiled code has to be loaded to be told)

ACCELERATE = "VECLIB_MAXIMUM_THREADS"
"""Apple's BLAS is told by the environment alone, before its first product."""


def one_thread() -> None:
    """Have PyTorch and every BLAS of this process compute with one thread."""
    os.environ[ACCELERATE] = "1"
    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(1)
