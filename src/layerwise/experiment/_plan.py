"""What a run was asked to do, and how to ask for it again."""

import math
import shlex
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from layerwise.data import Columns, Dataset, Reading, load, names
from layerwise.errors import InputError
from layerwise.files import as_record
from layerwise.model import MLP, Network
from layerwise.training import Recipe

if TYPE_CHECKING:
    from layerwise.modules import TorchModule


@dataclass(frozen=True, eq=False)
class NamedModule:
    """A torch module to be trained, and its ``target``: what the command line calls it.

    The module is None in a plan that was read: a file names code, and never runs it.
    """

    module: Any
    loss: str
    target: str


@dataclass(frozen=True)
class Plan:
    """What a run was asked to do; kept in its summary, so that it can go on.

    ``data`` is a name or a path, as `layerwise.load` takes it; ``scaling`` is by
    default what suits the data, and for a module ``none``. Kept predictions must reach
    the ``required_accuracy``. So many ``suspects`` of the training and the test set are
    looked for by networks trained out of fold; 0 stands for those of the test set that
    come for nothing. ``checkpoint_every`` is in seconds, what a killed training may
    lose; it has no influence on what the training comes to. A ``module`` is trained
    instead of the ``architecture``.
    """

    data: str = "digits"
    data_dir: str | None = None
    scaling: str | None = None
    reading: Reading = Reading()  # noqa: RUF009 - frozen
    architecture: MLP = MLP()  # noqa: RUF009 - frozen
    recipe: Recipe = Recipe()  # noqa: RUF009 - frozen
    required_accuracy: float = 0.99
    suspects: int = 0
    checkpoint_every: float = 5.0
    keep_checkpoints: int = 2
    module: NamedModule | None = None

    def __post_init__(self) -> None:
        required = self.required_accuracy
        if not 0 < required < 1:
            raise InputError(
                f"required_accuracy must be between 0 and 1, it is {required}"
            )
        if self.suspects < 0:
            raise InputError(f"suspects {self.suspects}: give a number of 0 or more")
        if not 0 <= self.checkpoint_every < math.inf:
            raise InputError(
                f"checkpoint_every {self.checkpoint_every}: give seconds, 0 or more"
            )
        if self.keep_checkpoints < 1:
            raise InputError(
                f"keep_checkpoints {self.keep_checkpoints}: keep at least 1"
            )
        if self.module and self.suspects:
            raise InputError(
                "suspects are found by networks trained out of fold, and these are "
                "layerwise's own: a module's doubtful labels stand on its page"
            )

    @property
    def given_scaling(self) -> str:
        """What is done to a module's inputs: nothing, unless it is asked for."""
        return self.scaling or "none"

    @property
    def trained(self) -> "MLP | TorchModule":
        """What is trained; a module has to be known by more than its name."""
        if self.module is None:
            return self.architecture
        if self.module.module is None:
            raise InputError(
                "this run trains a torch module, and a file cannot bring code: name "
                f"it with --module {self.module.target}"
            )
        from layerwise.modules import TorchModule

        return TorchModule(self.module.module, self.module.loss, self.given_scaling)

    def with_module(self, named: NamedModule | None) -> "Plan":
        """Return the plan with the module that it knows by its name."""
        if named is None:
            return self
        if self.module is None:
            raise InputError(
                f"this run trains layerwise's own network: leave out --module "
                f"{named.target}"
            )
        return replace(self, module=replace(named, loss=self.module.loss))

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON's types; of a module its name alone."""
        own = asdict(replace(self, module=None))
        if self.module is not None:
            own["module"] = {"target": self.module.target, "loss": self.module.loss}
        return own

    @classmethod
    def from_json(cls, given: Any, wrong: str = "not a plan") -> "Plan":
        """Return the plan whose ``to_json`` is ``given``; see `as_record`."""
        if isinstance(given, dict) and isinstance(given.get("module"), dict):
            given = given | {"module": {"module": None} | given["module"]}
        return as_record(given, cls, wrong)

    def command(self) -> str:
        """Return the command line that does this again."""
        words = ["layerwise", "run", self.data]
        usual = Plan()._options()
        for name, value in self._options().items():
            if value != usual[name]:
                words += _option(name, value)
        return shlex.join([*words, *_option("seed", self.recipe.seed)])

    def _options(self) -> dict[str, Any]:
        """Return what the command line has an option for; the seed is always told."""
        records = (self.architecture, self.recipe, self.reading)
        options = {k: v for one in records for k, v in asdict(one).items()}
        options |= self.to_json()
        for name in ("shape", "size"):
            if options[name] is not None:
                options[name] = "x".join(map(str, options[name]))
        if self.module is not None:
            named = options["module"]
            options |= {"loss": named["loss"], "module": named["target"]}
        told = ("data", "reading", "architecture", "recipe", "seed")
        return {name: value for name, value in options.items() if name not in told}


def _option(name: str, value: Any) -> list[str]:
    if value is True:
        return [f"--{name.replace('_', '-')}"]
    if isinstance(value, tuple | list):
        value = ",".join(str(v) for v in value) or "none"
    return [f"--{name.replace('_', '-')}", str(value)]


def load_data(
    plan: Plan, *, stored: bool = False, columns: Columns | None = None
) -> Dataset:
    """Return the plan's data set, with the plan's scaling.

    ``stored`` inputs stay in their files where they can be read by blocks; ``columns``
    are what becomes of a table's, where a network has it already.
    """
    data = load(
        plan.data,
        data_dir=plan.data_dir,
        seed=plan.recipe.seed,
        stored=stored,
        columns=columns,
        **asdict(plan.reading),
    )
    return replace(data, scaling=plan.scaling) if plan.scaling else data


def data_for(network: Network, plan: Plan) -> tuple[Network, Dataset]:
    """Return a network and the plan's data as it takes them: a table by its columns."""
    of_files = network.columns is not None and plan.data not in names()
    if of_files and not plan.reading.class_names:
        reading = replace(plan.reading, class_names=network.class_names)
        plan = replace(plan, reading=reading)
    return network, load_data(plan, stored=True, columns=network.columns)
