"""A thousand workers and a million tasks, simulated: the real protocol, and no training (`make scale`)."""
