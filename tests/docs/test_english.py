"""What users read is in the field's terms: phrases that were weeded out stay out."""

import ast
import re

import pytest

EVERYWHERE = (
    "surety", "mend", "mends", "mended", "mixed up", "least to greatest", "yardstick",
    "learnt by heart", "how sure to be", "read right", "reads right", "for want of",
    "over the epochs", "two components show", "blind and mortal", )  # fmt: skip
"""Phrases for which there is a term, in no source file and no document."""

SAID = (
    *EVERYWHERE, "nobody", "somebody", "whoever", "anybody", "how alike", "by heart",
    "looked at", "to look at", "go on with", "nothing stands out", "would do",
    "surest", "how hard it looks", "parts them", "part the classes", "doubted",
    "apart from the others", "how far to believe", "were the problem easy",
    "is for a person", "difference is known to", "the main job", "by chance it would",
    "classified right", "decided from", "which so many samples", "the one would",
    "too little is learnt", "the same again", "± deviation", "how parameters follow",
    "kept predictions", "from one look", "of the draw or split", "settings hold",
    "a kill may cost", "look most wrong", "by a measured block", "a look inside",
    "page about it", "the same picture", "already in the raw input", "turn and scale",
    "a look at", "to the eye", "all later layers agree", "encode text as numbers",
    "without changing a prediction of", "interrupted, saved", "going on from", "go on",
    "looked into",
)  # fmt: skip
"""Phrases that no message, help text, page or document has."""


COMMENT = re.compile(r"/\*.*?\*/|^\s*//.*$", re.DOTALL | re.MULTILINE)


def found(phrases, text):
    """Return the phrases that are in a text as words, in whatever lines it has."""
    flat = " ".join(text.lower().split())
    return [p for p in phrases if re.search(rf"(?<!\w){re.escape(p)}(?!\w)", flat)]


def strings(path):
    """Yield the strings of a source file that may be shown to users.

    Not docstrings, nor what stands under a constant; but what stands in a command's
    class, which is its help text.
    """
    tree = ast.parse(path.read_text("utf-8"))
    hidden = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    if "cli" in path.parts:
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        bodies = [statement for one in classes for statement in one.body]
        hidden -= {id(one.value) for one in bodies if isinstance(one, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in hidden:
                yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            parts = [
                v.value if isinstance(v, ast.Constant) else "…" for v in node.values
            ]
            yield node.lineno, "".join(map(str, parts))


@pytest.fixture(scope="module")
def sources(repository):
    return sorted((repository / "src").rglob("*.py"))


def test_no_source_has_a_phrase_for_which_there_is_a_term(sources):
    wrong = {path.name: found(EVERYWHERE, path.read_text("utf-8")) for path in sources}
    assert {name: phrases for name, phrases in wrong.items() if phrases} == {}


def test_messages_help_texts_and_pages_are_in_the_field_s_terms(sources):
    assert len(sources) > 100
    wrong = [
        (path.name, line, phrase)
        for path in sources
        for line, text in strings(path)
        for phrase in found(SAID, text)
    ]
    assert wrong == []


def test_templates_are_in_the_field_s_terms(repository):
    assets = repository / "src/layerwise/presentation/assets"
    views = [*assets.glob("*.jinja"), *(repository / "web/src").rglob("*.tsx")]
    assert views
    texts = {path.name: COMMENT.sub("", path.read_text("utf-8")) for path in views}
    wrong = {name: found(SAID, text) for name, text in texts.items()}
    assert {name: phrases for name, phrases in wrong.items() if phrases} == {}


def test_documents_are_in_the_field_s_terms(documents):
    wrong = {path.name: found(SAID, path.read_text("utf-8")) for path in documents}
    assert {name: phrases for name, phrases in wrong.items() if phrases} == {}


def test_a_phrase_is_found_across_lines_and_parts():
    assert found(SAID, "It is doubted by\n  NOBODY.") == ["nobody", "doubted"]
    assert found(SAID, "amended, mender") == []
