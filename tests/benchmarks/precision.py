"""`python -m tests.benchmarks.precision`: do bf16 products change what a training ends with?

Trains the same seeds in both precisions on the deep campaign's data and compares the final losses: Welch's t-test, the
Kolmogorov-Smirnov test, and the distance of the means in standard deviations of the seeds. `precision = "auto"` may
choose bf16 only while this check passes.
"""

import argparse
import sys
from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace
from scipy import stats

from trainer import data
from trainer.config import DataConfig, Precision, TrainerConfig
from trainer.threads import one_thread
from trainer.train import PackTrainer

SIGNIFICANT = 0.01
LOSSES = ("loss", "td_loss", "cql_loss", "val_loss")


def final_losses(
    precision: Precision, hidden_dims: tuple[int, ...], seeds: int, epochs: int, alpha: float
) -> np.ndarray:
    """The LOSSES of the last epoch, [seeds, losses]."""
    config = TrainerConfig(
        epochs=epochs,
        lr=1e-4,
        alpha=alpha,
        hidden_dims=hidden_dims,
        seed=42,
        precision=precision,
        validate_every=epochs,
    )
    pack = PackTrainer([replace(config, seed=42 + n) for n in range(seeds)], data.load(DataConfig()))
    for epoch in range(1, epochs + 1):
        metrics = pack.run_epoch()
        if epoch % max(1, epochs // 20) == 0:
            print(f"{precision} {list(hidden_dims)}: epoch {epoch:,} of {epochs:,}", file=sys.stderr)
    return np.array([[getattr(member, name) for name in LOSSES] for member in metrics])


def compare(fp32: np.ndarray, bf16: np.ndarray) -> tuple[list[str], bool]:
    """A Markdown row for each of LOSSES, and whether all pass."""
    rows, passed = [], True
    for index, name in enumerate(LOSSES):
        a, b = fp32[:, index], bf16[:, index]
        spread = float(np.hypot(a.std(ddof=1), b.std(ddof=1)) / np.sqrt(2))
        distance = abs(a.mean() - b.mean()) / spread
        welch, smirnov = stats.ttest_ind(a, b, equal_var=False).pvalue, stats.ks_2samp(a, b).pvalue
        good = bool(distance < 1 and min(welch, smirnov) > SIGNIFICANT)
        passed &= good
        means = f"{a.mean():.4f} ± {a.std(ddof=1):.4f} | {b.mean():.4f} ± {b.std(ddof=1):.4f}"
        rows.append(f"| {name} | {means} | {distance:.2f} | {welch:.2f} | {smirnov:.2f} | {'yes' if good else 'NO'} |")
    return rows, passed


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 if the check fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, nargs="+", default=[256, 128, 64], help="units of the hidden layers")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=1000)
    parser.add_argument("--alpha", type=float, default=0.3)
    chosen = parser.parse_args(arguments)
    one_thread()
    hidden = tuple(chosen.hidden)
    fp32, bf16 = (final_losses(p, hidden, chosen.seeds, chosen.epochs, chosen.alpha) for p in ("fp32", "bf16"))
    rows, passed = compare(fp32, bf16)
    size = f"{chosen.seeds} seeds x {chosen.epochs:,} epochs, alpha {chosen.alpha}"
    print(f"{list(hidden)}, {size}, simulated data, seed 42\n")
    print("| last epoch | fp32 | bf16 | means apart, in std | p (Welch) | p (Kolmogorov-Smirnov) | passes |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print("\n".join(rows))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
