"""What a policy that was trained is worth: payoffs, intervals, selection, uncertainty, leaks. NumPy, and pure."""
