"""Claim, train, report: the process that trains. PyTorch only where a device or a precision needs it."""
