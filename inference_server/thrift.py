"""What a process of many threads must tell its libraries: once, before the threads are there, and after large work."""

import ctypes
import gc

from threadpoolctl import threadpool_limits

_C = ctypes.CDLL(None)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
_ARENAS = 2
# A decoded frame, the network's input and the picture's bytes come and go some times a second. By default glibc gives
# each back to the system, which clears its pages and maps them in again: 5 % of a frame's whole cost.
_KEPT_BYTES = 16 << 20
_MAPPED_BYTES = 8 << 20


def be_thrifty() -> None:
    """One thread for each product of linear algebra, and two heaps for all threads.

    Workers are threads already: a product that is spread over all cores mostly waits for itself. And glibc gives each
    thread a heap of its own, of which each keeps the largest picture it ever held; other C libraries do not.
    """
    threadpool_limits(1, user_api="blas")
    mallopt = getattr(_C, "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)


def keep_what_is_there() -> None:
    """What a started process has loaded stays to its end: the search for garbage then passes over it.

    Otherwise each full collection walks through every library, for 0.1 s in which no frame goes on.
    """
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """What the heaps keep of pictures that are done with goes back to the system, where the C library is glibc."""
    trim = getattr(_C, "malloc_trim", None)
    if trim is not None:
        trim(0)
