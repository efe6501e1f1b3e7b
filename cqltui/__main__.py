"""`python -m cqltui`."""

import sys

from cqltui.cli import main

if __name__ == "__main__":
    sys.exit(main())
