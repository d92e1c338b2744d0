"""The server: `python wsgi.py` serves (ticketing/edges/serving.py); other servers import `app`."""

import contextlib
import ctypes
import gc
import sys

gc.disable()
# What is imported stays for good: looking for garbage among it took a fifth of the start.

M_ARENA_MAX = -8
with contextlib.suppress(OSError, AttributeError, TypeError):
    ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)
# glibc gives every thread a heap of its own, which keeps what its largest page needed: a tenth of the memory.

from ticketing.app import create_app  # noqa: E402
from ticketing.edges import serving  # noqa: E402

sys.setswitchinterval(0.0005)
# A thread that writes a long workbook lets others go on after 0.5 ms instead of 5: a page of another
# person gives up the processor at each of its queries, and its p95 during an export fell by half.

app = create_app()
gc.freeze()
gc.enable()

if __name__ == "__main__":
    serving.serve(app)
