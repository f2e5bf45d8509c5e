"""The picture of the console in the documents: docs/pictures/console.jpg, of a running server.

Start `python tests/bench/demo.py --stay`, then: python tests/bench/console_picture.py ADDRESS, where ADDRESS is the one
with the one-time token. Only ever of a drawn city.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

from PIL import Image

sys.path[:0] = [str(Path(__file__).parents[1])]

from support.browser import a_browser, watched

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "console.jpg"
WIDTH_PX, HEIGHT_PX, QUALITY = 1760, 990, 84


def main() -> None:
    """Sign in, open the most telling case, write the picture as a JPEG."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="the console's address with its token")
    parser.add_argument("--language", default="zh-CN", help="zh-CN or en")
    parser.add_argument("--filter", default="", help="text in the filter; the first case that is found is opened")
    parser.add_argument("--to", type=Path, default=PICTURE)
    wanted = parser.parse_args()
    size = {"width": WIDTH_PX, "height": HEIGHT_PX}
    with a_browser() as browser, watched(browser, viewport=size, locale=wanted.language) as seen:
        page = seen.ready(wanted.address)
        if wanted.filter:
            page.fill("#filter-text", wanted.filter)
            page.wait_for_timeout(1500)
        page.locator("#list .row").first.click()
        page.wait_for_selector("#case svg.boxes.is-fitted")
        if wanted.filter:
            page.fill("#filter-text", "")
            page.keyboard.press("Escape")  # leaves the filter; elsewhere it would close the case
        page.wait_for_timeout(2500)
        page.locator("#case-heading").focus()
        page.keyboard.press("f")
        page.wait_for_timeout(1000)
        shot = Image.open(io.BytesIO(page.screenshot()))
    wanted.to.parent.mkdir(parents=True, exist_ok=True)
    shot.convert("RGB").save(wanted.to, quality=QUALITY, optimize=True)


if __name__ == "__main__":
    main()
