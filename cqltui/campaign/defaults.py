"""What campaign files leave unsaid and is known without reading one."""

STALL_S = 120.0
"""After so long without a step a task is called stalled."""
