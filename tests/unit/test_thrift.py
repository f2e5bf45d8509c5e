"""Memory that pictures took is given back; what is loaded for good is not searched for garbage."""

from __future__ import annotations

import gc
import sys

import psutil
import pytest

from inference_server.thrift import give_back, keep_what_is_there

BLOCK_BYTES, BLOCKS = 60_000, 2_500  # each too small for a mapping of its own


@pytest.mark.skipif(sys.platform != "linux", reason="heaps are trimmed by glibc alone")
def test_what_the_heap_keeps_of_pictures_goes_back_to_the_system() -> None:
    process = psutil.Process()
    held = [bytearray(b"x" * BLOCK_BYTES) for _ in range(BLOCKS)]
    kept = held[-1]  # at the end of the heap: what lies before it cannot go by itself
    del held
    before = process.memory_info().rss
    give_back()
    after = process.memory_info().rss
    assert len(kept) == BLOCK_BYTES
    assert before - after > BLOCK_BYTES * BLOCKS // 2


def test_what_a_started_process_has_loaded_is_passed_over_by_the_search_for_garbage() -> None:
    loaded = [[] for _ in range(1000)]
    try:
        keep_what_is_there()
        assert gc.get_freeze_count() > len(loaded)
        searched = {id(one) for one in gc.get_objects()}
        assert searched.isdisjoint(id(one) for one in loaded)
    finally:
        gc.unfreeze()
