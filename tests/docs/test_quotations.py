"""What the documents quote is what the source says; what they link to is there."""

import re
from itertools import pairwise

from layerwise.model import own_targets

LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


def lines(text):
    return [line.strip() for line in text.strip().splitlines()]


def stands_in(quoted, source):
    """Whether the lines stand in the source one after another, however indented."""
    wanted, there = lines(quoted), lines(source)
    starts = [i for i, line in enumerate(there) if line == wanted[0]]
    return any(there[i : i + len(wanted)] == wanted for i in starts)


def test_every_quotation_stands_in_its_file(documents, read_blocks, repository):
    quotations = [
        block
        for document in documents
        for block in read_blocks(document)
        if block.file.startswith("src/")
    ]
    assert len(quotations) > 20
    stale = [
        (block.file, block.body)
        for block in quotations
        if not stands_in(block.body, (repository / block.file).read_text("utf-8"))
    ]
    assert stale == []


HEADINGS = {
    "BinaryCrossEntropy": "Binary cross-entropy",
    "CrossEntropy": "Cross-entropy on logits",
    "CrossEntropyOnProbabilities": "Cross-entropy on probabilities",
    "LayerNorm": "Layer normalisation",
    "Linear": "The affine map",
    "Residual": "Composition and skip connections",
    "SquaredError": "Squared error",
}
"""Where the derivations call a layer or a loss by another name than the source."""


def test_every_layer_and_loss_is_derived(repository):
    text = (repository / "docs" / "derivations.md").read_text("utf-8")
    derived = re.findall(r"^## (.*)$|^\*\*(\w+)\*\*", text, re.MULTILINE)
    found = {heading or name for heading, name in derived}
    names = [name for name in own_targets() if not name.startswith("MLP")]
    assert {HEADINGS.get(name, name) for name in names} - found == set()


def prose(document):
    """A document without its fenced blocks."""
    text = document.read_text("utf-8")
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(document):
    """The fragments that GitHub gives a document's headings."""
    headings = re.findall(r"^#+ (.*)$", prose(document), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


def test_every_link_leads_somewhere(documents):
    broken = []
    for document in documents:
        for place, fragment in LINK.findall(prose(document)):
            if place.startswith(("http:", "https:")):
                continue
            target = document.parent / place if place else document
            if not target.exists():
                broken.append((document.name, place))
            elif fragment and fragment not in anchors(target):
                broken.append((document.name, f"{place}#{fragment}"))
    assert broken == []


def test_headings_do_not_skip_a_level(documents):
    for document in documents:
        marks = re.findall(r"^(#+) ", prose(document), re.MULTILINE)
        levels = [len(mark) for mark in marks]
        assert all(after <= before + 1 for before, after in pairwise(levels))
