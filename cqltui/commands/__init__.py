"""What the command line can do, a module a command: HELP, add_arguments(parser) and run(arguments) -> exit code.

A command loads only what it needs: a run without a screen never loads Textual, and nothing but a worker that
needs it, a self test and a measurement loads PyTorch.
"""
