"""A terminal driver that outlives what a terminal may send, and the terminal itself."""

import asyncio
import os
import re
import select
import signal
from collections.abc import Iterable
from contextlib import suppress
from threading import Condition, Event
from typing import IO

from textual.app import App
from textual.events import Key

from cqltui.ui.ending import hung_up
from cqltui.ui.incoming import ESCAPE, Answer, Incoming
from cqltui.ui.internals import OpenDriver, Reader
from cqltui.ui.messages import Answered

_PUT_ASIDE, _BRING_BACK = "\x1b[22;2t", "\x1b[23;2t"
"""The terminal's title, on a stack that it keeps."""
READ = 16 * 1024
SILENCE_S = 0.1
"""After an ESC: it is the key."""
SILENCES = 5
"""After so many nothing is waited for any more."""
FLUSH_S = 0.004
"""So long a drawing waits at most for the writing thread, which would get its turn only after the idle events of all
widgets. A terminal that takes nothing holds up nobody for longer."""
_HAS_TITLE = re.match(r"(dumb|linux|vt|cons|unknown|$)", os.environ.get("TERM", "")) is None
"""Others may print what a title is set with."""


class Exit(Event):
    """Ends the thread that reads, and wakes it: what is polled can be read while it is set."""

    def __init__(self) -> None:
        super().__init__()
        self.descriptor, self._write = os.pipe()

    def set(self) -> None:
        """Have the thread end."""
        if not self.is_set():
            super().set()
            os.write(self._write, b"\0")

    def clear(self) -> None:
        """Let another thread begin."""
        if self.is_set():
            super().clear()
            os.read(self.descriptor, 64)  # two threads may have set it at once

    def __del__(self) -> None:
        for descriptor in (self.descriptor, self._write):
            os.close(descriptor)


class PatientDriver(OpenDriver):
    """Acts on nothing that was neither typed nor pasted (`Incoming`). The stock driver ends the program at input that
    is no UTF-8, and takes for keys what a paste has after an ESC, and what other programs have asked the terminal.

    Stopped and continued by signals alone, it starts its threads once; the stock driver starts them a second time, and
    the program never ends, since the first ones do not. What is typed meanwhile is kept.

    A terminal that is gone it leaves alone. The stock driver's writing thread ends with an error then, and once its
    queue is full, whoever writes waits for ever; its reading thread reads the end of file again and again, and the
    SIGCONT that the kernel sends along with SIGHUP starts everything a second time.

    The size is that of the terminal that is drawn on. The stock driver believes COLUMNS and LINES, which a shell may
    have exported long ago, and else asks standard output, which may be a file.
    """

    exit_event: Exit

    def __init__(
        self, app: App[object], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.assume_size(size or self.terminal_size())
        self._texts, self._out = 0, self.wrap_output(_Output)
        self.exit_event = Exit()
        self._running_loop = asyncio.get_running_loop()
        self._title, self._has_title, self._has_screen = "", False, False
        """What was set last, whether that is the terminal's, and whether the screen has the terminal."""
        self._sets_up = False
        """While it does, the signal may come again: everything is started once."""

    def write(self, data: str) -> None:
        """Have the writing thread write this."""
        self._texts += 1
        super().write(data)

    def flush(self) -> None:
        """Let the writing thread go first, until it has written all there is or the terminal takes no more."""
        self._out.wait(self._texts, FLUSH_S)

    def terminal_size(self) -> tuple[int, int]:
        """Return the size of the terminal that is drawn on."""
        for descriptor in (2, self.fileno):
            with suppress(OSError):
                columns, rows = os.get_terminal_size(descriptor)
                if columns and rows:  # a serial line does not know its size
                    return columns, rows
        return super().terminal_size()

    def run_input_thread(self) -> None:
        """Read input until the program ends, or the terminal does."""
        incoming, parser = Incoming(), Reader()
        poll = select.poll()
        for descriptor in (self.fileno, self.exit_event.descriptor):
            poll.register(descriptor, select.POLLIN)
        silent = 0
        while not self.exit_event.is_set():
            try:
                # Without end, once nothing of what has come can be left: ten looks a second cost more than the clock.
                wait_ms = SILENCE_S * 1_000 if silent < SILENCES else None
                if poll.poll(wait_ms):  # it tells of a terminal that is gone too
                    silent = 0
                    if self.exit_event.is_set() or hung_up(self.fileno):
                        return
                    self._hear(parser, incoming.take(os.read(self.fileno, READ)))
                else:
                    silent += 1
                    if (rest := incoming.silence()) == ESCAPE:
                        self.process_message(Key("escape", ESCAPE))
                    elif rest:
                        self._hear(parser, [rest])
                for event in parser.tick():
                    self.process_message(event)
            except (ValueError, OverflowError):  # a number beyond all characters
                parser = Reader()
            except OSError:
                return  # `Ending` has seen it

    def _hear(self, parser: Reader, pieces: Iterable[str | Answer]) -> None:
        for piece in pieces:
            if isinstance(piece, Answer):
                self.send_message(Answered(piece.text))
            else:
                for event in parser.feed(piece):
                    self.process_message(event)

    def let_go(self) -> None:
        """Read no more if the terminal is gone. For any thread."""
        if hung_up(self.fileno):
            self.exit_event.set()

    def continued(self) -> None:
        """Come back after a stop."""
        if hung_up(self.fileno) or not self.restarts:
            return
        if self.resumes and not self._sets_up:  # Ctrl+Z has taken everything down
            self._resume()
        else:  # not from here: the thread that the signal has interrupted may hold a lock of what would be written to
            with suppress(RuntimeError):  # the loop has ended
                self._running_loop.call_soon_threadsafe(self._set_up_again)

    def _set_up_again(self) -> None:
        """After SIGSTOP, before which nothing could be taken down. Somebody else may have used the terminal."""
        if hung_up(self.fileno):
            return
        if not self._reads:
            if self.resumes:  # continued in the background, where it could not have the terminal
                self._resume()
            return
        at_the_end, self.attrs_before = self.attrs_before, None  # it stays raw: what is typed meanwhile is not echoed
        self._sets_up = True
        self.suspend_application_mode()
        self.resumes = True
        self._resume()
        self.attrs_before = at_the_end

    @property
    def _reads(self) -> bool:
        return self.key_thread is not None and self.key_thread.is_alive()

    def _resume(self) -> None:
        self._sets_up = True
        self.resume_application_mode()
        self._sets_up = False

    def disable_input(self) -> None:
        """Read no more. The stock driver also throws away what has been typed and not read yet."""
        if not self._sets_up:
            super().disable_input()
            return
        signal.signal(signal.SIGWINCH, signal.SIG_DFL)
        self.take_mouse(False)
        self.exit_event.set()
        if self.key_thread is not None:
            self.key_thread.join()
        self.exit_event.clear()

    def entitle(self, title: str) -> None:
        """Set the terminal's title, a plain line, until the program lets go of the terminal."""
        if not _HAS_TITLE or not self._has_screen or (self._has_title and title == self._title):
            return
        self.write(f"{'' if self._has_title else _PUT_ASIDE}\x1b]2;{title}\x07")
        self._title, self._has_title = title, True
        self.flush()

    def start_application_mode(self) -> None:
        """Start; from now on there may be a title."""
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual's has no annotation
        self._has_screen = self._reads  # in the background it has not started

    def stop_application_mode(self) -> None:
        """Stop, and give the terminal its own title back, which a draw that comes late leaves alone."""
        self._has_screen = False
        if self._has_title:
            self._has_title = False
            self.write(f"\x1b]2;\x07{_BRING_BACK}")  # where none is kept: the terminal's usual one
        super().stop_application_mode()

    def capture_mouse(self, capture: bool) -> None:
        """Take the mouse, or leave it to the terminal so that text can be selected and copied."""
        self.take_mouse(capture)
        self.flush()


class _Output:
    """The file as far as the driver uses it. What cannot be written is lost."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.fileno = file.fileno
        self._written = self._flushed = 0
        """Texts."""
        self._news = Condition()

    def write(self, text: str) -> None:
        """Write, or lose it."""
        with suppress(OSError):
            self._file.write(text)
        self._written += 1

    def flush(self) -> None:
        """Flush, or not."""
        with suppress(OSError):
            self._file.flush()
        with self._news:
            self._flushed = self._written
            self._news.notify_all()

    def wait(self, texts: int, timeout_s: float) -> None:
        """Wait until so many texts have been written and flushed, for so long at most."""
        with self._news:
            self._news.wait_for(lambda: self._flushed >= texts, timeout_s)
