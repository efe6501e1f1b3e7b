"""One thread of computation a process: faster on small networks, and the condition of equal bits."""

import threadpoolctl
import torch
from scipy.linalg import cython_blas  # noqa: F401 (the BLAS of compiled code has to be loaded to be told)


def one_thread() -> None:
    """Have PyTorch and every BLAS of this process compute with one thread."""
    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(1)
