"""What is installed, file by file with its hash, and what checks and renews that."""
