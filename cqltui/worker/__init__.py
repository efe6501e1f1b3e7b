"""Claim, train, report: the process that trains. With `trainer`, the only room that loads PyTorch."""
