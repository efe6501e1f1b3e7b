"""What to run: the campaign file as frozen values. Pure, but for reading the file."""
