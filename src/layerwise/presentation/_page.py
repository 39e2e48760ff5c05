"""One HTML file around a payload: its script, its data, and a page without either."""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from layerwise.presentation.payload import Payload
from layerwise.wording import interval, percent


def page(payload: Payload) -> str:
    """Return the page that shows a payload.

    It holds everything it shows, and its own policy forbids every request and every
    script and style but the one of each that is in it. Names from the data are text:
    in the data they are JSON without ``<``, in what is shown without a script escaped.
    The page is HTML, to be written as UTF-8.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, loader=FunctionLoader(_asset)
    )
    script, style = _asset("bundle.js"), _asset("bundle.css")
    content = payload.content
    return environment.get_template("page.html.jinja").render(
        policy=_policy(script, style),
        script=Markup(script),
        style=Markup(style),
        title=payload.title,
        headlines=[*map(_headline, content["runs"])],
        content=content,
        data=Markup(_data(content)),
        blocks=payload.blocks,
    )


def _headline(run: Any) -> Sequence[str]:
    """Return the accuracy of a run, and the sentence that it begins."""
    found = run.get("accuracy")
    if found is None:
        return "", run.get("warning", "")
    between = interval(found["low"], found["high"])
    words = f"of {found['of']:,} {found['words']} right (95 %: {between})."
    return percent(found["value"]), " ".join(filter(None, (words, run.get("warning"))))


def _data(content: Any) -> str:
    """Return JSON that no browser takes for markup, whatever it holds."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _asset(name: str) -> str:
    return (files("layerwise.presentation") / "assets" / name).read_text("utf-8")


def _policy(script: str, style: str) -> str:
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
