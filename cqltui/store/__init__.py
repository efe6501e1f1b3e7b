"""How checkpoints, models and data get to those who do not see the run directory."""
