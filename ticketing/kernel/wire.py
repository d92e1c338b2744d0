"""A line to the world outside: a connection that is cut when its time is up, whatever the other side does."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CONNECT_SECONDS = 8.0
"""How long the other side may take to answer the call."""


class SendingFailed(Exception):
    """A message did not get out, in words for the page of deliveries.

    `everybody`: the fault lies with the receiver as a whole (gone, hanging, too busy, closed to us), so that
    other messages to it need not be tried now.
    """

    def __init__(self, sentence: str, *, everybody: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.everybody = everybody


@contextmanager
def line(host: str, port: int, seconds: float) -> Iterator[socket.socket]:
    """A TCP connection to `host`, cut from outside after `seconds` and closed after the block.

    A timeout of the socket alone bounds each step; a receiver that sends one byte at a time would hold the
    sender for hours. Raises TimeoutError when the time was up, another OSError when nobody answers.
    """
    with socket.create_connection((host, port), timeout=min(CONNECT_SECONDS, seconds)) as sock:
        sock.settimeout(seconds + 1)
        handle, late = sock.dup(), threading.Event()
        timer = threading.Timer(seconds, _cut, (handle, late))
        timer.daemon = True
        timer.start()
        try:
            yield sock
        except Exception:
            if late.is_set():
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()
            handle.close()


def _cut(handle: socket.socket, late: threading.Event) -> None:
    """Shut the connection down: whoever waits on it, in whatever layer, wakes up."""
    late.set()
    with suppress(OSError):
        handle.shutdown(socket.SHUT_RDWR)
