"""Charts of metrics by epoch, in characters. Pure: from values, a size and options to lines."""
