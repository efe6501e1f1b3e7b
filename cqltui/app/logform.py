"""What a log's lines look like. They quote servers, files and programs, and are read with `tail` on a terminal."""

import logging

from cqltui.state.plain import plain_text


class PlainFormatter(logging.Formatter):
    """Each line of an entry is plain and bounded, whatever it quotes."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the entry, with its traceback if it has one."""
        return plain_text(super().format(record))


def log_plainly(*handlers: logging.Handler) -> None:
    """Send this process's log there, from INFO on."""
    for handler in handlers:
        handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=handlers)
