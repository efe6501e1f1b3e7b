"""`python -m trainer.warm`: compile the CPU's kernels and keep them, so that the first training run need not."""

from trainer import data
from trainer.config import DataConfig, Precision
from trainer.speed import training
from trainer.threads import one_thread
from trainer.train import PackTrainer

HIDDEN_DIMS = (80, 64)
"""Wide enough for a product in bf16 (`trainer.mixed`)."""
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")


def main() -> None:
    """Train an epoch in each precision, with validation."""
    one_thread()
    dataset = data.load(DataConfig())
    for precision in PRECISIONS:
        PackTrainer([training(HIDDEN_DIMS, epochs=1, precision=precision)], dataset).run_epoch()


if __name__ == "__main__":
    main()
