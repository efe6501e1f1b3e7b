"""Campaigns of CQL training runs: file, queue, workers, screen, results."""

__version__ = "0.1.0"
