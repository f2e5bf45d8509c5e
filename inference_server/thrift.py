"""What a process of many threads must tell its libraries: once, before the threads are there, and after large work."""

import ctypes

from threadpoolctl import threadpool_limits

_C = ctypes.CDLL(None)
_M_ARENA_MAX = -8  # of glibc's malloc.h
_ARENAS = 2


def be_thrifty() -> None:
    """One thread for each product of linear algebra, and two heaps for all threads.

    Workers are threads already: a product that is spread over all cores mostly waits for itself. And glibc gives each
    thread a heap of its own, of which each keeps the largest picture it ever held; other C libraries do not.
    """
    threadpool_limits(1, user_api="blas")
    mallopt = getattr(_C, "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """What the heaps keep of pictures that are done with goes back to the system, where the C library is glibc."""
    trim = getattr(_C, "malloc_trim", None)
    if trim is not None:
        trim(0)
