"""Take the pictures of a report for ``docs/page.md`` and the README.

``python docs/make_page.py runs/mnist-1/report.html`` opens the page in Chromium and
writes ``docs/pictures/page-*.webp``; it needs the package playwright, and Chromium.
"""

import io
import shutil
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

VIEWS: dict[str, tuple[str, dict[str, Any]]] = {
    "page-light": ("", {}),
    "page-dark": ("#m=pair:4.9&f=247", {"color_scheme": "dark"}),
    "page-errors": ("#c=error&m=cell:4.9&f=247", {}),
    "page-phone": (
        "#f=247",
        {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
    ),
}
"""Names of pictures: the link, and what the browser is like."""

FRAME, WIDTH, SECONDS = 125, 720, 8.0
"""Of the animation: milliseconds of a frame, pixels across, how long it takes."""


def main(report: str) -> None:
    """Take all pictures of one report."""
    address = Path(report).resolve().as_uri()
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found)
        for name, (link, settings) in VIEWS.items():
            size = {"viewport": {"width": 1280, "height": 800}}
            page = browser.new_context(**size | settings).new_page()
            opened(page, address + link)
            save(name, [picture(page)])
        page = browser.new_context(viewport={"width": 1000, "height": 700}).new_page()
        # The page's own time stands still between two pictures.
        page.clock.install(time=0)
        opened(page, address + "#e=0")
        page.clock.pause_at(60_000)
        page.locator(".play").click()
        frames = []
        for _ in range(round(SECONDS * 1000 / FRAME)):
            page.clock.run_for(FRAME)
            frames.append(picture(page, page.locator("#scatters .views")))
        save("page-learning", [frames[0]] * 4 + frames + [frames[-1]] * 8)
        browser.close()


def opened(page: Page, address: str) -> None:
    """Open a page and wait until it is painted."""
    page.goto(address)
    page.locator("html[data-ready]").wait_for()
    page.wait_for_timeout(500)


def picture(page: Page, part: Any = None) -> Image.Image:
    """Return what a page, or a part of it, looks like."""
    taken = (part or page).screenshot()
    return Image.open(io.BytesIO(taken)).convert("RGB")


def save(name: str, frames: list[Image.Image]) -> None:
    """Write a picture, or an animation of several."""
    path = PICTURES / f"{name}.webp"
    if len(frames) == 1:
        frames[0].save(path, quality=82, method=6)
    else:
        size = (WIDTH, round(WIDTH * frames[0].height / frames[0].width))
        small = [frame.resize(size, Image.Resampling.LANCZOS) for frame in frames]
        small[0].save(
            path, save_all=True, append_images=small[1:], duration=FRAME, loop=0,
            quality=60, method=4,
        )  # fmt: skip
    sys.stdout.write(f"{path.name}: {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1])
