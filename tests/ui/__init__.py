"""Screen tests. What the user's shell says about colours and Textual is unset before Textual is imported."""

import os

for _name in [name for name in os.environ if name == "NO_COLOR" or name.startswith("TEXTUAL_")]:
    del os.environ[_name]
