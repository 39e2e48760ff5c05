"""Makes the course's sheets and notebooks from its solutions.

``python docs/make_course.py``. What stands in a solution between ``### BEGIN SOLUTION``
and ``### END SOLUTION`` is a gap in the sheet; these are nbgrader's marks too.
"""

import re
from pathlib import Path

import jupytext
from PIL import Image, ImageDraw, ImageFont

COURSE = Path(__file__).parent / "course"
PICTURE = Path(__file__).parent / "pictures" / "explain.png"

SOLUTION = re.compile(
    r"^( *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION\n", re.MULTILINE | re.DOTALL
)
MARK = re.compile(r"^ *### (?:BEGIN|END) SOLUTION\n", re.MULTILINE)
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def sheet_of(solution: str) -> str:
    """Return a solution's text with gaps in it."""
    return SOLUTION.sub(r"\1# Your code here.\n\1raise NotImplementedError\n", solution)


def notebook_of(text: str) -> str:
    """Return a sheet as a notebook, without outputs; the same bytes each time."""
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata = {"kernelspec": KERNEL}
    for number, cell in enumerate(notebook.cells, 1):
        cell.id, cell.metadata = f"cell-{number}", {}
    return jupytext.writes(notebook, fmt="ipynb")


def made() -> dict[Path, str]:
    """Return the files that are made from the solutions, with their texts."""
    texts: dict[Path, str] = {}
    for path in sorted((COURSE / "solutions").glob("*.py")):
        solution = path.read_text("utf-8")
        sheet = sheet_of(solution)
        texts[COURSE / path.name] = sheet
        texts[COURSE / f"{path.stem}.ipynb"] = notebook_of(sheet)
        texts[path.with_suffix(".ipynb")] = notebook_of(solution)
    return texts


def draw_terminal(text: str, picture: Path) -> None:
    """Draw a text as a terminal shows it, in two columns."""
    from matplotlib import get_data_path

    face = Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono.ttf"
    font = ImageFont.truetype(str(face), 15)
    lines = text.splitlines()
    middle = lines.index("BACKWARD")
    columns = lines[:middle], lines[middle:]
    height = 20 * max(map(len, columns)) + 40
    image = Image.new("RGB", (1000, height), "#1b1f24")
    draw = ImageDraw.Draw(image)
    for left, column in zip((24, 520), columns, strict=True):
        for number, line in enumerate(column):
            colour = "#e6edf3" if line.startswith(" ") else "#7cc4ff"
            draw.text((left, 20 + 20 * number), line, colour, font)
    few = image.quantize(16, dither=Image.Dither.NONE)
    few.save(picture, optimize=True)


def main() -> None:
    """Write the sheets, the notebooks and the picture of a step."""
    import layerwise as lw
    from layerwise.training import explain_training

    for path, text in made().items():
        path.write_text(text, "utf-8")
    recipe = lw.Recipe(
        batch_size=2, optimizer="sgd", learning_rate=0.05, schedule="constant"
    )
    step = explain_training(lw.MLP([3]), lw.load("moons"), recipe)
    draw_terminal(f"$ layerwise explain moons --hidden 3 --step 1\n\n{step}", PICTURE)


if __name__ == "__main__":
    main()
