"""Several runs beside each other, for `cqltui compare`. Pure but for the page."""
