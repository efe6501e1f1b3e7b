"""The end that comes from outside: a signal, or a terminal that is gone. It holds whatever the screen is doing then."""

import os
import select
import signal
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event as Flag
from threading import Thread, current_thread
from types import FrameType, TracebackType

from cqltui.errors import ExitCode

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
SCREEN_S = 3.0
"""So long the main thread may do nothing before the screen is left: it waits for something that never comes."""
LOOK_S = 0.1
"""Between two looks at it."""
BUSY_LOOKS = 250
"""Looks in all. A machine whose cores all train takes many times as long as an idle one to leave a screen."""
PROCESS_S = 25.0
"""Time for what follows the screen; the last user of an embedded server waits up to 20 s for its end."""
_GONE = select.POLLHUP | select.POLLERR
RESTORE = (
    b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?2004l\x1b[?7h\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l\x1b[23;2t"
)
"""No mouse, no bracketed paste, lines wrap, the stock keyboard, no alternate screen, a cursor, no focus reports, its
own title."""


class Ending:
    """While it is open, a signal or the loss of the terminal calls `leave`, from a thread of its own.

    Python runs signal handlers in the main thread only, which may be waiting for a terminal that takes no more output.
    So the interpreter's C handler writes to a pipe, and a thread reads it. The same thread sees the terminal hang up,
    and ends the process the hard way where the screen, or what comes after it, does not end in time.
    """

    def __init__(self, leave: Callable[[], object], screen_s: float = SCREEN_S, process_s: float = PROCESS_S) -> None:
        self._leave, self._screen_s, self._process_s = leave, screen_s, process_s
        self._closed, self._decided = Flag(), Flag()
        self._spent = spent_by(current_thread())
        self._thread = Thread(target=self._run, name="ending", daemon=True)
        self.came = False
        """Whether the end has come."""

    def __enter__(self) -> "Ending":
        """Begin to watch. For the main thread, as signal handlers are."""
        self._attributes = termios.tcgetattr(0)
        self._read, self._write = os.pipe()
        for descriptor in (self._read, self._write):
            os.set_blocking(descriptor, False)
        self._old_wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._old = {number: signal.signal(number, _pass) for number in SIGNALS}
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        """Back to how it was; but once the end has come, no second signal cuts short what the process still does.

        What goes wrong on a terminal that is gone is of no interest.
        """
        self._closed.set()
        os.write(self._write, b"\0")
        self._decided.wait()
        if self.came:
            _let_go()
            return isinstance(error, Exception)
        self._thread.join()
        for number, old in self._old.items():
            signal.signal(number, old)
        signal.set_wakeup_fd(self._old_wakeup)
        os.close(self._read)
        os.close(self._write)
        return False

    def _run(self) -> None:
        self.came = self._comes()
        self._decided.set()
        if not self.came:
            return
        with suppress(RuntimeError):  # its event loop has just been closed
            self._leave()
        if leaves(self._closed, self._spent, round(self._screen_s / LOOK_S)):
            time.sleep(self._process_s)
        self._end_now()

    def _comes(self) -> bool:
        """Wait for the end; False if the screen was left before."""
        poll = select.poll()
        poll.register(self._read, select.POLLIN)
        for descriptor in (0, 2):
            poll.register(descriptor, 0)
        while True:
            for descriptor, happened in poll.poll():
                if descriptor != self._read:
                    if happened & _GONE:
                        return True
                    poll.unregister(descriptor)  # a system that cannot poll terminals
                    continue
                numbers = os.read(self._read, 4096)
                if any(number in numbers for number in SIGNALS):
                    return True
                if self._closed.is_set():
                    return False

    def _end_now(self) -> None:
        """No matter what the other threads wait for. The kernel frees the locks."""
        # A process in the background would be stopped by this.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        with suppress(termios.error):
            termios.tcsetattr(0, termios.TCSANOW, self._attributes)
        with suppress(OSError):
            # Opened anew: waiting is switched off for this opening alone, not for the shell's.
            own = os.open(os.ttyname(2), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
            os.write(own, RESTORE)
        os._exit(ExitCode.INTERRUPTED)


def leaves(
    closed: Flag, spent: Callable[[], float], idle_looks: int, look_s: float = LOOK_S, looks: int = BUSY_LOOKS
) -> bool:
    """Wait until the screen is left; return False if it hangs: the main thread has `spent` nothing of the processor for
    so many looks. Its time is not counted by the clock, since it may be given little of a busy machine."""
    before, idle = spent(), 0
    for _ in range(looks):
        if closed.wait(look_s):
            return True
        now = spent()
        before, idle = now, (0 if now > before else idle + 1)
        if idle >= idle_looks:
            break
    return closed.is_set()


def spent_by(thread: Thread) -> Callable[[], float]:
    """Return what tells the processor's seconds that a thread has taken; always the same where no system tells that."""
    if not hasattr(time, "pthread_getcpuclockid"):  # macOS
        return lambda: 0.0
    clock = time.pthread_getcpuclockid(thread.ident or 0)
    return lambda: time.clock_gettime(clock)


def hung_up(descriptor: int) -> bool:
    """Return whether the terminal is gone: reading gives nothing, at once, and writing fails."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(happened & _GONE for _, happened in poll.poll(0))


def _pass(number: int, frame: FrameType | None) -> None:
    """Do nothing: the pipe has told of the signal."""


def _let_go() -> None:
    """Send what the process still says to a terminal that is gone nowhere, instead of failing."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        if hung_up(descriptor):
            os.dup2(nowhere, descriptor)
    os.close(nowhere)
