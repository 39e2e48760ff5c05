"""Weak spots: a planted one is found by name and count, chance makes none."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact

import layerwise as lw
from layerwise.study import WeakSpots, load_study, save_study
from layerwise.study._tables import weak_spots
from layerwise.study.findings._inputs import disagrees, weak_spot
from layerwise.study.findings._rules import study_findings

ROWS = 1200


def frame(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    made = pd.DataFrame(
        {
            "age": rng.integers(20, 100, ROWS).astype(float),
            "rooms": rng.integers(1, 6, ROWS),
            "town": rng.choice(["Ulm", "Köln", "Bonn", "Rust"], ROWS),
            "member": rng.choice(["yes", "no"], ROWS),
            "since": pd.date_range("2019-01-01", periods=ROWS).to_numpy()[
                rng.permutation(ROWS)
            ],
            "churn": rng.choice(["goes", "stays"], ROWS),
        }
    )
    made.loc[rng.random(ROWS) < 0.15, "age"] = np.nan
    return made


FRAME = frame()
DATA = lw.Dataset.from_frame(FRAME, "churn", test=FRAME)  # all rows are scored


def found(wrong: np.ndarray, data: lw.Dataset = DATA) -> WeakSpots:
    return weak_spots(
        data.columns,
        np.asarray(data.train.inputs),
        np.asarray(data.test.inputs),
        data.test.targets,
        wrong,
        data.class_names,
    )


Members = Callable[[pd.DataFrame], pd.Series]

PLANTED: dict[str, tuple[str | None, str, Members]] = {
    "category": ("town", 'is "Ulm"', lambda f: f.town == "Ulm"),
    "few numbers": ("rooms", "is 3", lambda f: f.rooms == 3),
    "yes": ("member", "is yes", lambda f: f.member == "yes"),
    "missing": ("age", "is missing", lambda f: f.age.isna()),
    "month": ("since month", "is 2", lambda f: f.since.dt.month == 2),
    "class": (None, "goes", lambda f: f.churn == "goes"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_spot_is_found_by_its_name_and_count(name):
    column, value, of = PLANTED[name]
    own = of(FRAME).to_numpy()
    wrong = np.random.default_rng(0).random(ROWS) < np.where(own, 0.4, 0.08)
    first, *others = found(wrong).spots
    assert (first.column, first.value) == (column, value)
    assert (first.samples, first.wrong) == (own.sum(), (own & wrong).sum())
    assert (first.rest, first.rest_wrong) == ((~own).sum(), (~own & wrong).sum())
    assert np.array_equal(first.mistakes, np.flatnonzero(own & wrong))
    expected = first.wrong - own.sum() * (~own & wrong).sum() / (~own).sum()
    assert first.excess == pytest.approx(expected)
    assert others == []


def test_a_planted_range_is_found():
    age = FRAME.age.to_numpy()
    training = FRAME.age.iloc[DATA.train.rows].dropna()
    edge = np.quantile(training, 0.75, method="higher")
    wrong = np.random.default_rng(1).random(ROWS) < np.where(age >= edge, 0.4, 0.08)
    (first,) = found(wrong).spots
    assert (first.column, first.value) == ("age", f"{edge:g} or more")
    assert first.samples == (age >= edge).sum()


def test_the_most_harmful_stands_first():
    """A larger spot with more errors too many before a worse one that is small."""
    ulm, few = FRAME.town == "Ulm", FRAME.since.dt.month == 2
    risk = np.where(few, 0.6, np.where(ulm, 0.3, 0.05))
    spots = found(np.random.default_rng(0).random(ROWS) < risk).spots
    assert [one.column for one in spots] == ["town", "since month"]
    assert spots[0].excess > spots[1].excess
    assert spots[0].wrong / spots[0].samples < spots[1].wrong / spots[1].samples


def test_columns_that_say_the_same_are_named_once():
    copied = FRAME.assign(city=FRAME.town.str.upper())
    data = lw.Dataset.from_frame(copied, "churn", test=copied)
    own = (FRAME.town == "Ulm").to_numpy()
    wrong = np.random.default_rng(0).random(ROWS) < np.where(own, 0.4, 0.08)
    assert [one.column for one in found(wrong, data).spots] == ["town"]


def test_no_more_than_five_are_named():
    codes = np.arange(ROWS) % 16
    many = FRAME.assign(**{f"c{n}": (codes == n) * 1 for n in range(8)})
    data = lw.Dataset.from_frame(many, "churn", test=many)
    wrong = np.random.default_rng(0).random(ROWS) < np.where(codes < 8, 0.7, 0.02)
    assert len(found(wrong, data).spots) == 5


@pytest.mark.slow("many cases")
def test_chance_makes_a_spot_in_5_percent_of_studies_at_most():
    said = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        said += bool(found(rng.random(ROWS) < 0.15).spots)
    assert said <= 13  # 7.5 are expected at most; more than 13 in 1.5 % of cases


def test_p_is_fishers_corrected_for_all_that_were_looked_at():
    own = (FRAME.town == "Ulm").to_numpy()
    wrong = np.random.default_rng(0).random(ROWS) < np.where(own, 0.4, 0.08)
    weak = found(wrong)
    (spot,) = weak.spots
    table = [
        [spot.wrong, spot.samples - spot.wrong],
        [spot.rest_wrong, spot.rest - spot.rest_wrong],
    ]
    exact = fisher_exact(table, alternative="greater").pvalue
    assert spot.p == pytest.approx(exact * weak.tested, rel=1e-6)
    # 5 of age, 5 rooms, 4 towns, 2 of member, years, 12 months, 7 weekdays, 2 classes
    years = FRAME.since.dt.year.value_counts()
    assert weak.tested == 5 + 5 + 4 + 2 + (years >= 20).sum() + 12 + 7 + 2


def test_of_too_few_samples_nothing_is_said():
    own = np.zeros(ROWS, bool)
    own[np.flatnonzero(FRAME.town == "Ulm")[:19]] = True
    few = FRAME.assign(town=np.where(own, "Oslo", "Rome"))
    data = lw.Dataset.from_frame(few, "churn", test=few)
    assert found(own, data).spots == ()
    small = FRAME.head(39)
    data = lw.Dataset.from_frame(FRAME, "churn", test=small)
    weak = found((small.town == "Ulm").to_numpy(), data)
    assert (weak.spots, weak.tested) == ((), 0)


def test_a_network_no_better_than_a_guess_is_weak_everywhere():
    """Whichever class it answers more often, the other is wrong more often."""
    rng = np.random.default_rng(0)
    said = (rng.random(ROWS) < 0.8).astype(int)
    weak = found(said != DATA.test.targets)
    assert (weak.spots, weak.tested) == ((), 0)


def test_differences_of_less_than_two_points_are_not_named():
    many = pd.concat([FRAME] * 40, ignore_index=True)
    data = lw.Dataset.from_frame(FRAME, "churn", test=many)
    own = (many.town == "Ulm").to_numpy()
    order = np.arange(len(many)) // ROWS
    wrong = np.where(own, order == 0, order == 41)
    # 2.5 % of these, none of the others: said; with a third of these, no longer
    assert [one.column for one in found(wrong, data).spots] == ["town"]
    wrong &= np.random.default_rng(0).random(len(many)) < 0.7
    assert found(wrong, data).spots == ()


@pytest.fixture(scope="module")
def study() -> lw.Study:
    """A network whose labels are flipped for half of one town."""
    rng = np.random.default_rng(0)
    made = FRAME.copy()
    made["churn"] = np.where(made.age.fillna(60) + 5 * made.rooms > 75, "stays", "goes")
    flipped = (made.town == "Ulm") & (rng.random(ROWS) < 0.5)
    made.loc[flipped, "churn"] = np.where(made.churn == "stays", "goes", "stays")[
        flipped
    ]
    data = lw.Dataset.from_frame(made.iloc[:800], "churn", test=made.iloc[800:])
    result = lw.fit(lw.MLP([16]), data, epochs=30, engine="eager", seed=0)
    return lw.inspect(result.network, data)


class TestFinding:
    def test_names_the_spot_with_its_count(self, study):
        (told,) = (one for one in study.findings if one.kind == "weak spot")
        spot = study.weak_spots.spots[0]
        assert (told.evidence["column"], told.evidence["value"]) == ("town", 'is "Ulm"')
        assert told.headline.startswith('Weak spot: "town" is "Ulm": ')
        assert len(told.headline.split()) <= 12
        assert f"{spot.wrong} of {spot.samples} such samples are wrong" in told.detail
        assert f"though {study.weak_spots.tested} values, ranges" in told.detail

    def test_names_a_class_and_the_others(self, study):
        (spot,) = study.weak_spots.spots[:1]
        of_class = replace(spot, column=None, value="goes")
        weak = WeakSpots((of_class, spot), 30)
        (told,) = weak_spot(replace(study, weak_spots=weak))
        assert told.headline.startswith('Weak spot: class "goes": ')
        assert 'Also weak: "town" is "Ulm" (' in told.detail

    def test_there_is_none_without_a_spot(self, study):
        none = WeakSpots((), 30)
        assert not [*weak_spot(replace(study, weak_spots=none))]
        assert not [*weak_spot(replace(study, weak_spots=None))]

    def test_is_not_of_a_network_that_answers_one_class(self, study):
        """Nor what it leans on."""
        constant = replace(study, predictions=np.zeros_like(study.predictions))
        kinds = {"weak spot", "leans on"}
        assert kinds <= {one.kind for one in study_findings(study)}
        assert not kinds & {one.kind for one in study_findings(constant)}

    def test_is_not_of_a_test_set_unlike_training(self, study):
        view = replace(study.validation, predictions=study.validation.targets)
        assert disagrees(replace(study, validation=view))
        told = study_findings(replace(study, validation=view))
        assert "weak spot" not in {one.kind for one in told}

    def test_is_in_the_summary(self, study):
        summary = study.summary()
        (first, *_) = summary["weak_spots"]["spots"]
        assert first["value"] == 'is "Ulm"'
        spot = study.weak_spots.spots[0]
        assert (first["wrong"], first["excess"]) == (spot.wrong, spot.excess)
        assert "mistakes" not in first
        assert summary["importance"]["columns"][0]["drop"] > 0

    def test_is_in_the_file(self, study, tmp_path):
        save_study(study, tmp_path / "s", {})
        again, _ = load_study(tmp_path / "s")
        assert again.importance == study.importance
        assert again.findings == study.findings
        one, other = (
            [
                (spot.column, spot.value, spot.p, spot.mistakes.tolist())
                for spot in read.weak_spots.spots
            ]
            for read in (again, study)
        )
        assert one == other
