"""A delivering process of its own: ``python -m tests.support.one_sender URL HOST AT DIES_AFTER``.

Empties the outbox at the instant AT; dies without a word right after its DIES_AFTER-th message has gone out.
"""

import os
import sys
import threading
from datetime import datetime
from pathlib import Path

from ticketing.app import create_app
from ticketing.casefile.notices.delivering import Parcel, deliver_due
from ticketing.casefile.notices.outlets import sender
from ticketing.kernel import webhook
from ticketing.settings import Settings


def main(url: str, host: str, at: str, dies_after: str) -> None:
    settings = Settings(
        database_url=url,
        secret_key="x" * 32,
        instance=Path(),
        testing=True,
        webhook_hosts=webhook.hosts(host),
    )
    send, counted, lock = sender(settings), [0], threading.Lock()

    def send_and_perhaps_die(parcel: Parcel) -> None:
        send(parcel)
        with lock:
            counted[0] += 1
            if counted[0] == int(dies_after):
                os._exit(9)

    with create_app(settings).app_context():
        for _ in range(40):
            if deliver_due(send_and_perhaps_die, limit=5, at=datetime.fromisoformat(at)).sent == 0:
                return


if __name__ == "__main__":
    main(*sys.argv[1:])
