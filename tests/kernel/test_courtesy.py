"""Long work gives way to short requests, and only to them."""

import threading
import time

from ticketing.kernel import courtesy

ROWS = 10 * courtesy.ROWS_A_BREATH


def seconds_for_rows():
    began = time.perf_counter()
    assert list(courtesy.giving_way(range(ROWS))) == list(range(ROWS))
    return time.perf_counter() - began


def test_rows_take_a_breath_while_another_request_is_answered_and_none_when_alone():
    breaths = 10 * courtesy.BREATH
    courtesy.came()
    try:
        other = threading.Thread(target=courtesy.came)
        other.start()
        other.join()
        assert seconds_for_rows() >= breaths
        courtesy._answering.discard(other.ident)
        assert min(seconds_for_rows() for _ in range(5)) < breaths
    finally:
        courtesy.went()
