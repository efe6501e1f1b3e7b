"""Campaigns on real engines: `make cluster` installs what is missing, where it may, and runs these tests."""
