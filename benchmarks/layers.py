"""Time the study of a module of many layers beside its bare forward pass.

    python benchmarks/layers.py
    python benchmarks/layers.py --only bert,densenet,blocks --runs 3 --markdown

BERT-base and DenseNet-121 as published, with random weights: what they answer is of no
meaning here, what a study of them takes is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import tyro
from compare import Contest, environment, interleaved, markdown, medians, seconds, table
from rich.console import Console
from torch import Tensor, nn
from torch.nn import functional

import layerwise as lw

CLASSES = 4


@dataclass(frozen=True)
class Options:
    """Time studies of many layers and print one table for each module."""

    only: str = "bert,densenet,blocks"
    """which modules, separated by commas; blocks: of BERT's, the layers by default"""
    runs: int = 3
    """measured runs of each contender"""
    samples: int = 256
    """sequences or pictures"""
    markdown: bool = False
    """print Markdown, for README.md"""
    quick: bool = False
    """modules of few layers and 64 samples: to see that everything runs"""


class Block(nn.Module):
    """A block of BERT: attention over all tokens, then two linear maps."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.output, self.norm = nn.Linear(width, width), nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.last_norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the tokens as the block has them, shape as given."""
        parts = (self.query(tokens), self.key(tokens), self.value(tokens))
        split = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in parts)
        seen = functional.scaled_dot_product_attention(*split)
        tokens = self.norm(tokens + self.output(seen.transpose(1, 2).flatten(2)))
        inner = self.down(functional.gelu(self.up(tokens)))
        return self.last_norm(tokens + inner)


class Bert(nn.Module):
    """BERT-base (Devlin et al. 2019): 12 blocks of width 768, of random weights."""

    def __init__(self, depth: int = 12, width: int = 768, words: int = 30_522) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(words, width), nn.Embedding(512, width)
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(Block(width, width // 64) for _ in range(depth))
        self.pooler = nn.Linear(width, width)
        self.classifier = nn.Linear(width, CLASSES)

    def forward(self, words: Tensor) -> Tensor:
        """Return a row of logits for each sequence of words."""
        places = torch.arange(words.shape[1], device=words.device)
        tokens = self.norm(self.words(words) + self.places(places))
        for block in self.blocks:
            tokens = block(tokens)
        return self.classifier(torch.tanh(self.pooler(tokens[:, 0])))


class Dense(nn.Module):
    """A layer of DenseNet: what it adds is laid beside all that came before."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(4 * growth)
        self.conv1 = nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the channels given and those added."""
        inner = self.conv1(functional.relu(self.norm1(pictures)))
        added = self.conv2(functional.relu(self.norm2(inner)))
        return torch.cat([pictures, added], 1)


def densenet(counts: tuple[int, ...] = (6, 12, 24, 16), growth: int = 32) -> nn.Module:
    """Return DenseNet-121 (Huang et al. 2017), of random weights."""
    channels = 2 * growth
    layers: list[nn.Module] = [
        nn.Conv2d(3, channels, 7, 2, 3, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    for number, count in enumerate(counts):
        if number:
            layers += [
                nn.BatchNorm2d(channels),
                nn.ReLU(),
                nn.Conv2d(channels, channels // 2, 1, bias=False),
                nn.AvgPool2d(2),
            ]
            channels //= 2
        for _ in range(count):
            layers.append(Dense(channels, growth))
            channels += growth
    layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels, CLASSES))


def studied(
    title: str, module: nn.Module, inputs: Tensor, layers: str | None
) -> Contest:
    """Return the study of a module beside a bare pass over the same samples."""
    module.eval()
    labels = torch.arange(len(inputs)) % CLASSES
    batches = list(zip(inputs.split(32), labels.split(32), strict=True))

    def passed() -> None:
        with torch.inference_mode():
            for rows, _ in batches:
                module(rows)

    contenders = {
        "a forward pass": partial(seconds, passed),
        "lw.inspect": partial(
            seconds, partial(lw.inspect, module, batches, layers=layers)
        ),
    }
    taken = "the layers taken by default" if layers is None else f"all {layers}"
    return Contest(f"{title}: {taken}, {len(inputs)} samples", "s", contenders)


def bert(options: Options, layers: str | None = "weights") -> Contest:
    depth, samples = (1, 64) if options.quick else (12, options.samples)
    words = torch.randint(30_522, (samples, 32))
    return studied("BERT-base", Bert(depth), words, layers)


def pictures(options: Options) -> Contest:
    module = densenet((1, 1)) if options.quick else densenet()
    samples = 64 if options.quick else options.samples
    inputs = torch.randn(samples, 3, 128, 128)
    return studied("DenseNet-121", module, inputs, "weights")


TASKS: dict[str, Callable[[Options], Contest]] = {
    "bert": bert,
    "densenet": pictures,
    "blocks": partial(bert, layers=None),
}


def main() -> None:
    options = tyro.cli(Options)
    show = print if options.markdown else Console().print
    drawn = markdown if options.markdown else table
    show(environment(medians(options.runs)))
    for name in options.only.split(","):
        torch.manual_seed(0)
        contest = TASKS[name](options)
        show(drawn(contest, interleaved(contest, options.runs)))


if __name__ == "__main__":
    main()
