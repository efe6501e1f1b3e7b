"""A session's message bus with a desktop on it that is asked to stay awake, as far as wakepy uses one."""

import socket
import threading
from pathlib import Path

from jeepney import HeaderFields, Message, Parser, new_error, new_method_return

ACCEPT_S = 0.1


class Bus:
    """Listens on a socket, and writes down what is asked: `Inhibit`, `UnInhibit`, and `gone` where a connection that
    has inhibited ends."""

    def __init__(self, folder: Path, *, answers: bool = True) -> None:
        """`answers`: whether the desktop knows how to stay awake."""
        self._answers = answers
        self.seen: list[str] = []
        path = folder / "bus"
        self.address = f"unix:path={path}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._listener.settimeout(ACCEPT_S)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._over.set()
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        threads = []
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            threads.append(threading.Thread(target=self._serve, args=(connection,)))
            threads[-1].start()
        for thread in threads:
            thread.join()

    def _serve(self, connection: socket.socket) -> None:
        holds = False
        connection.settimeout(ACCEPT_S)
        with connection:
            parser, lines, is_known = Parser(), b"", False
            while not self._over.is_set():
                try:
                    data = connection.recv(1 << 16)
                except TimeoutError:
                    continue
                except ConnectionError:
                    data = b""
                if not data:
                    break
                if not is_known:
                    lines += data
                    if lines.startswith(b"\0AUTH EXTERNAL") and lines.count(b"\r\n") == 1:
                        connection.sendall(b"OK 00000000000000000000000000000000\r\n")
                    _, begin, data = lines.partition(b"BEGIN\r\n")  # the first message may come along with it
                    if not (is_known := bool(begin)):
                        continue
                parser.add_data(data)
                while (message := parser.get_next_message()) is not None:
                    answer = self._answer(message)
                    holds |= self.seen[-1:] == ["Inhibit"]
                    answer.header.fields.pop(HeaderFields.destination, None)
                    connection.sendall(answer.serialise(serial=message.header.serial))
        if holds:
            self.seen.append("gone")

    def _answer(self, message: Message) -> Message:
        asked = message.header.fields[HeaderFields.member]
        if asked == "Hello":
            return new_method_return(message, "s", (":1.1",))
        if not self._answers:
            self.seen.append(f"refused {asked}")
            return new_error(message, "org.freedesktop.DBus.Error.ServiceUnknown", "s", ("no such name",))
        self.seen.append(asked)
        return new_method_return(message, "u", (7,)) if asked == "Inhibit" else new_method_return(message)
