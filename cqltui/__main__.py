"""`python -m cqltui`."""

import os
import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:  # the current folder comes first, where the user's own pathlib.py may lie
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
        if sys.path[0] != root:
            del sys.path[0]
        else:  # a checkout: if it is not installed, those that we start (`cqltui.child`) find it by this only
            os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), root)))

    from cqltui.cli import main

    sys.exit(main())
