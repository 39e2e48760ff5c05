"""The command ``explain``: one training step with every number."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from layerwise import names
from layerwise.cli._options import (
    BETWEEN,
    DONE,
    DataOptions,
    GeneralOptions,
    Group,
    NetworkOptions,
    OneOf,
    Outcome,
    Rate,
    Training,
    TrainingOptions,
)

if TYPE_CHECKING:
    from rich.console import Console

MOONS = DataOptions(data="moons")


@dataclass(frozen=True, kw_only=True)
class ExplainCommand(GeneralOptions):
    """Print one training step with every number, beside its formulas.

    Examples
    --------
        layerwise explain
        layerwise explain moons --hidden 3 --step 1 --batch-size 2
        layerwise explain iris --hidden 4,4 --optimizer adam --step 100
    """

    data: Group[DataOptions, "data"] = MOONS
    hidden: Annotated[str, tyro.conf.arg(metavar="WIDTHS")] = "3"
    """hidden layer widths: 3 or 3,3 or none"""
    step: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """which step; those before it are made first"""
    batch_size: Annotated[int, tyro.conf.arg(metavar="INT")] = 2
    """samples per step"""
    activation: OneOf[str, BETWEEN] = "relu"
    """activation of the hidden layers"""
    init: OneOf[str, names.INITIALISERS] = "he"
    """initial weights"""
    loss: OneOf[str, names.LOSSES] = "cross-entropy"
    """loss function"""
    optimizer: OneOf[str, names.OPTIMISERS] = "sgd"
    """optimisation algorithm"""
    learning_rate: Rate = None
    """learning rate; default: by the optimiser"""

    def __call__(self, console: "Console") -> Outcome:
        from layerwise import experiment
        from layerwise.training import explain_training

        network = NetworkOptions(
            hidden=self.hidden,
            activation=self.activation,
            init=self.init,
            loss=self.loss,
        )
        # A constant rate: the first step of a schedule that warms up is next to none.
        training = TrainingOptions(
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            schedule="constant",
        )
        plan = Training(
            data=self.data, network=network, training=training, seed=self.seed
        ).plan()
        data = experiment.load_data(plan)
        explanation = explain_training(plan.architecture, data, plan.recipe, self.step)
        console.print(str(explanation), soft_wrap=True)
        return DONE, explanation.summary()
