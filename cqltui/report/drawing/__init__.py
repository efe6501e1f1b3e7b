"""Figures as pictures, by matplotlib, which is loaded nowhere else."""
