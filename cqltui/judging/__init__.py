"""What became of a campaign: from how its tasks ended to the verdicts on its criteria. Pure."""
