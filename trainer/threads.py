"""One thread of computation a process: faster on small networks, and the condition of equal bits."""

import os
import sys
from contextlib import suppress

import threadpoolctl

from trainer.blas import load_blas

with suppress(ModuleNotFoundError):  # then there is no compiled code either
    load_blas()  # which has to be loaded to be told

THREADS = (
    "VECLIB_MAXIMUM_THREADS",  # Apple's BLAS, which is told by the environment alone, before its first product
    "OMP_NUM_THREADS",  # PyTorch's, among others
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)
"""What libraries go by when they are loaded."""


def one_thread() -> None:
    """Have every BLAS of this process compute with one thread, and PyTorch, loaded before or later."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    threadpoolctl.threadpool_limits(1)
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)
