"""What other programs and trackers are told of a run, for `cqltui export`. Pure."""
