"""Desired against actual: starts and restarts workers, reaps leases, keeps the run directory true. Without PyTorch."""
