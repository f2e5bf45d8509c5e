"""A hundred clients that send the same frame at the same moment."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
from support.posting import a_meta, a_picture, post

CLIENTS = 100


def post_together(url: str, token: str, device: str, frames: int) -> list[Counter[int]]:
    """For each frame how many of the hundred got which status."""
    together = threading.Barrier(CLIENTS)
    metas = [a_meta(device=device, seq=number) for number in range(frames)]

    def send(_: int) -> list[int]:
        statuses = []
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=120.0) as client:
            for number, meta in enumerate(metas):
                together.wait(120.0)
                statuses.append(post(client, meta, a_picture(number, 320, 180)).status_code)
        return statuses

    with ThreadPoolExecutor(CLIENTS) as pool:
        sent = list(pool.map(send, range(CLIENTS)))
    return [Counter(statuses[number] for statuses in sent) for number in range(frames)]
