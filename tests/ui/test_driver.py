"""What is drawn leaves at once, as far as the terminal takes it."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import IO, cast

import pytest
from textual.app import App
from textual.drivers._writer_thread import WriterThread

from cqltui.ui import driver as drivers
from cqltui.ui.driver import PatientDriver

LIMIT_S = 60.0


class Tty(io.StringIO):
    """A terminal that takes nothing until it is `open`."""

    def __init__(self) -> None:
        super().__init__()
        self.open = Event()

    def fileno(self) -> int:
        return 2

    def flush(self) -> None:
        self.open.wait(LIMIT_S)


@contextmanager
def writing(tty: Tty, monkeypatch: pytest.MonkeyPatch) -> Iterator[PatientDriver]:
    """A driver whose writing thread has begun."""
    monkeypatch.setattr(sys, "__stderr__", tty)
    driver = PatientDriver(App())
    driver._writer_thread = writer = WriterThread(cast(IO[str], driver._file))
    writer.start()
    yield driver
    tty.open.set()
    driver.close()


async def test_what_was_written_has_left_when_it_is_flushed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers, "FLUSH_S", LIMIT_S)
    tty = Tty()
    with writing(tty, monkeypatch) as driver:
        tty.open.set()
        for number in range(20):
            driver.write(f"{number} ")
        driver.flush()
        assert tty.getvalue().split() == [str(number) for number in range(20)]
        tty.open.clear()
        driver.write("20")
        flushed = Thread(target=driver.flush)
        flushed.start()
        flushed.join(0.05)
        assert flushed.is_alive()  # the one before it has been flushed, this one has not
        tty.open.set()
        flushed.join(LIMIT_S)
        assert not flushed.is_alive()


async def test_a_terminal_that_takes_nothing_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    tty = Tty()
    with writing(tty, monkeypatch) as driver:
        driver.write("lost")
        flushed = Thread(target=driver.flush, daemon=True)
        flushed.start()
        flushed.join(LIMIT_S / 2)
        assert not flushed.is_alive()
