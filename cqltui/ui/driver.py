"""A terminal driver that outlives what a terminal may send."""

from textual.drivers.linux_driver import LinuxDriver


class PatientDriver(LinuxDriver):
    """Drops input that is no UTF-8 (a pasted byte, an old-style mouse report); the stock driver ends the program."""

    def run_input_thread(self) -> None:
        """Read input until the program ends."""
        while not self.exit_event.is_set():
            try:
                super().run_input_thread()
            except UnicodeDecodeError:
                continue
            return

    def capture_mouse(self, capture: bool) -> None:
        """Take the mouse, or leave it to the terminal so that text can be selected and copied."""
        if capture:
            self._enable_mouse_support()
        else:
            self._disable_mouse_support()
        self.flush()
