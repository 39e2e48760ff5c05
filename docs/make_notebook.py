"""Show records in notebooks, look at what is drawn there, and take pictures of it.

``python docs/make_notebook.py FOLDER`` runs a notebook with a data set, a training, a
study and a gradient check, and opens it in nbconvert's HTML, in JupyterLab as a file
that is not trusted, there again after all its cells were run, in light and dark, and
in marimo. Everywhere it counts frames and pictures; a frame without its page, or one
where there should be none, ends it. Screenshots go to ``FOLDER``, and the one of
JupyterLab to ``docs/pictures/``. It needs Chromium and, beside the packages of the
tests, ``pip install jupyterlab marimo ipykernel``.
"""

import json
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
from make_page import CHROMIUM, picture, save
from nbconvert import HTMLExporter
from nbconvert.preprocessors import ExecutePreprocessor
from playwright.sync_api import Browser, Locator, Page, sync_playwright

CELLS = (
    'import layerwise as lw\n\ndata = lw.load("digits")\ndata',
    "result = lw.fit(lw.MLP([32, 32, 32]), data, epochs=10)\nresult",
    "study = lw.inspect(result.network, data, snapshots=result.snapshots)\nstudy",
    "lw.gradcheck(lw.Tanh())",
)
"""Two of them have a frame, three a picture."""

FRAMES, PICTURES = 2, 3

SIZE = {"width": 1280, "height": 900}

SETTINGS = "@jupyterlab/apputils-extension"


def main(folder: Path) -> None:
    """Run the notebook, and open it everywhere."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    ExecutePreprocessor(timeout=600).preprocess(notebook)
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox"]
        )
        look_at_html(browser, notebook, folder)
        look_at_jupyterlab(browser, notebook, folder)
        look_at_marimo(browser, folder)
        browser.close()


def look_at_html(
    browser: Browser, notebook: nbformat.NotebookNode, folder: Path
) -> None:
    """Open what nbconvert makes of the notebook, from a file."""
    path = folder / "notebook.html"
    body, _ = HTMLExporter().from_notebook_node(notebook)
    path.write_text(body, encoding="utf-8")
    for scheme in ("light", "dark"):
        page = browser.new_context(viewport=SIZE, color_scheme=scheme).new_page()
        page.goto(path.resolve().as_uri(), wait_until="domcontentloaded")
        look(page, page.locator("body"), folder / f"nbconvert-{scheme}", FRAMES)


def look_at_jupyterlab(
    browser: Browser, notebook: nbformat.NotebookNode, folder: Path
) -> None:
    """Open the notebook's file in JupyterLab, then run its cells there."""
    for theme in ("light", "dark"):
        root, settings = folder / "jupyterlab", folder / "settings"
        for place in (root, settings / SETTINGS):
            place.mkdir(parents=True, exist_ok=True)
        # A notebook that was changed in another place is not trusted.
        nbformat.write(notebook, root / "notebook.ipynb")
        for name, value in (
            ("themes", {"theme": f"JupyterLab {theme.title()}"}),
            ("notification", {"fetchNews": "false"}),
        ):
            file = settings / SETTINGS / f"{name}.jupyterlab-settings"
            file.write_text(json.dumps(value))
        token = secrets.token_hex()
        command = (
            "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.root_dir={root.resolve()}",
            f"--IdentityProvider.token={token}",
            f"--LabApp.user_settings_dir={settings.resolve()}",
        )  # fmt: skip
        with serving(command, "--port={}", f"/api?token={token}") as address:
            page = browser.new_context(viewport=SIZE, color_scheme=theme).new_page()
            page.goto(f"{address}/lab/tree/notebook.ipynb?token={token}")
            outputs = page.locator(".jp-NotebookPanel")
            outputs.locator(".jp-OutputArea-output").nth(3).wait_for()
            look(page, outputs, folder / f"jupyterlab-untrusted-{theme}", 0)
            page.get_by_role("menuitem", name="Run", exact=True).click()
            page.locator("[data-command='runmenu:run-all']").click()
            outputs.locator("iframe").nth(1).wait_for()
            look(page, outputs, folder / f"jupyterlab-{theme}", FRAMES)
            if theme == "light":
                save("notebook", [picture(page)])


def look_at_marimo(browser: Browser, folder: Path) -> None:
    """Open the notebook as marimo's app."""
    path = folder / "notebook.py"
    app = ["import marimo", "", "app = marimo.App()"]
    for cell in CELLS:
        body = "".join(f"    {line}\n" for line in cell.splitlines())
        app.append(f"\n\n@app.cell\ndef _():\n{body}    return")
    path.write_text("\n".join(app) + "\n")
    token = secrets.token_hex()
    command = (
        "marimo", "run", str(path), "--headless", "--host", "127.0.0.1",
        "--token", "--token-password", token,
    )  # fmt: skip
    with serving(command, "--port={}", "/health") as address:
        page = browser.new_context(viewport=SIZE).new_page()
        page.goto(f"{address}/?access_token={token}")
        page.locator("iframe").nth(1).wait_for()
        look(page, page.locator("body"), folder / "marimo", FRAMES)


@contextmanager
def serving(command: tuple[str, ...], port: str, path: str) -> Iterator[str]:
    """Run a server on a free port of this machine while the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    address = f"http://127.0.0.1:{number}"
    server = subprocess.Popen(
        [sys.executable, "-m", *command, port.format(number)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(240):
            try:
                urlopen(address + path).close()
                break
            except URLError:
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def look(page: Page, outputs: Locator, name: Path, frames: int) -> None:
    """Take a picture of each output, and see that it is there."""
    shown = outputs.locator("iframe").all()
    pictures = outputs.locator("img[alt*=digits]").all()
    assert len(pictures) == PICTURES, f"{name}: {len(pictures)} pictures"
    assert len(shown) == frames, f"{name}: {len(shown)} frames"
    for at, output in enumerate([pictures[0], *(shown or pictures[1:])]):
        output.scroll_into_view_if_needed()
        if output in shown:
            drawn = output.content_frame.locator("html[data-ready]")
            drawn.wait_for(state="attached")
            edges = [box.bounding_box() for box in (pictures[at], output)]
            assert len({edge and edge["y"] for edge in edges}) == 1, f"{name}: beside"
        else:
            assert output.evaluate("image => image.naturalWidth > 0")
        page.wait_for_timeout(1000)
        page.screenshot(path=f"{name}-{at}.png")
    tool = name.name.partition("-")[0]
    sys.stdout.write(f"{name.name} ({tool} {version(tool)}): {frames} frames\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
