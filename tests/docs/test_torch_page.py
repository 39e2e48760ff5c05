"""What the page on modules shows can be done, libraries that are not here apart."""

import pytest


@pytest.mark.slow("documents")
def test_the_page_can_be_followed(follow):
    follow("torch.md")


def test_what_cannot_be_run_is_python(repository, read_blocks):
    for name in ("torch.md", "scale.md"):
        blocks = read_blocks(repository / "docs" / name)
        unrun = [block for block in blocks if block.language == "py"]
        assert unrun
        for block in unrun:
            compile(block.text, name, "exec")
