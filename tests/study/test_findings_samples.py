"""Findings on single samples, on studies in which every probe was told what to say."""

from dataclasses import replace

import numpy as np
import pytest

from layerwise.study import Suspect
from layerwise.study.findings._predictions import (
    decided_late,
    decided_wrong,
    suspect_labels,
)


@pytest.fixture
def told(study):
    """Makes a study of class 0 from groups: how many, what probes and network say."""

    def make(*groups):
        counts, said = zip(*groups, strict=True)
        first, second, network = np.repeat(np.array(said), counts, axis=0).T
        hidden1, hidden2, output = study.layers
        return replace(
            study,
            layers=(
                replace(hidden1, probe_predictions=first),
                replace(hidden2, probe_predictions=second),
                output,
            ),
            targets=np.zeros(len(network), np.int32),
            predictions=network,
            confidence=np.ones(len(network), np.float32),
        )

    return make


class TestDecidedLate:
    def test_who_is_late(self, told):
        groups = [
            (900, (0, 0, 0)),  # from hidden1 on
            (60, (1, 0, 0)),  # in hidden2
            (10, (0, 0, 1)),  # not even there, and wrong
            (10, (0, 1, 1)),  # in hidden2, and wrong
            (20, (1, 1, 1)),  # from hidden1 on, and wrong
        ]
        (found,) = decided_late(told(*groups))
        evidence = found.evidence
        assert evidence["decided_from_first"] == 0.92
        assert (evidence["late"], evidence["samples"]) == (80, 1000)
        assert evidence["wrong_of_late"] == 20 / 80
        assert evidence["wrong_of_others"] == 20 / 920
        assert found.text == (
            "92.0 % of predictions are settled by hidden1. Later layers do not change "
            "them. 80 predictions are settled by hidden2 at the earliest: 25.0 % of "
            "these are wrong, 2.2 % of the others."
        )

    def test_nobody_is_late(self, told):
        assert not list(decided_late(told((50, (0, 0, 0)), (5, (1, 1, 1)))))

    def test_one_hidden_layer_has_no_late(self, told):
        study = told((50, (0, 0, 0)), (50, (0, 1, 0)))
        assert len(list(decided_late(study))) == 1
        shallow = replace(study, layers=study.layers[1:])
        assert not list(decided_late(shallow))


class TestDecidedWrong:
    def test_where_mistakes_are_made(self, told):
        groups = [
            (500, (0, 0, 0)),
            (12, (1, 1, 1)),  # wrong from the first on
            (5, (0, 1, 1)),  # right at first
            (2, (1, 0, 1)),  # right on the way
            (6, (2, 1, 1)),  # wrong, but not yet the same
        ]
        (found,) = decided_wrong(told(*groups))
        evidence = found.evidence
        assert evidence["mistakes"] == 25
        assert (evidence["wrong_from_first"], evidence["lost"]) == (12, 7)
        assert found.text == (
            "12 of 25 errors are already made in hidden1 and never corrected. "
            "Check these samples and their labels. 7 others were still right in a "
            "probe of some hidden layer, and lost later."
        )

    def test_of_few_mistakes_nothing_is_said(self, told):
        assert not list(decided_wrong(told((500, (0, 0, 0)), (9, (1, 1, 1)))))
        assert list(decided_wrong(told((500, (0, 0, 0)), (10, (1, 1, 1)))))

    def test_one_hidden_layer_has_no_way(self, told):
        study = told((500, (0, 0, 0)), (50, (1, 1, 1)))
        assert len(list(decided_wrong(study))) == 1
        assert not list(decided_wrong(replace(study, layers=study.layers[1:])))

    def test_mistakes_of_neither_kind(self, told):
        assert not list(decided_wrong(told((50, (2, 1, 1)))))


class TestSuspectLabels:
    SUSPECT = Suspect(
        part="test",
        position=2454,
        label=9,
        suggestion=7,
        score=0.99,
        probability_of_label=0.001,
        probability_of_suggestion=0.985,
        neighbours_agreeing=8,
        neighbours=10,
        since="hidden1",
    )

    def test_the_most_suspect_is_named(self, study):
        other = replace(self.SUSPECT, position=3, score=0.991)
        (found,) = suspect_labels(replace(study, suspects=(self.SUSPECT, other)))
        assert found.text == (
            "2 suspicious labels are contradicted by network and neighbours. Check "
            "test sample 2,454 first: labelled 9, but predicted 7 from hidden1 on with "
            "a probability of 98.5 %; 8 of its 10 nearest neighbours are labelled 7. "
            "Where labels were replaced on purpose, about two of three such suspects "
            "were wrong labels."
        )

    def test_neighbours_of_the_class_of_nearly_all_prove_little(self, study):
        lone = replace(
            self.SUSPECT, neighbours_agreeing=10, probability_of_suggestion=0.99999
        )
        most = np.full_like(study.targets, lone.suggestion)
        (found,) = suspect_labels(replace(study, suspects=(lone,), targets=most))
        assert (
            "with a probability of more than 99.9 %; all its 10 nearest neighbours are "
            "labelled 7. But 100 % of all samples are labelled 7: such neighbours "
            "prove little."
        ) in found.text

    def test_the_known_case_is_of_suspects_of_the_test_set_alone(self, study):
        out_of_fold = replace(self.SUSPECT, part="training")
        (found,) = suspect_labels(replace(study, suspects=(out_of_fold,)))
        assert "on purpose" not in found.text

    def test_the_row_is_that_of_its_file(self, study):
        lone = replace(self.SUSPECT, row=92, origin="row 92", file="people.csv")
        (found,) = suspect_labels(replace(study, suspects=(lone,)))
        assert "Check test row 92 of people.csv (counted from zero) first" in found.text

    def test_says_of_how_many_the_neighbours_are(self, study):
        lone = replace(self.SUSPECT, among=10_000)
        (found,) = suspect_labels(replace(study, suspects=(lone,)))
        said = "8 of its 10 nearest neighbours among 10,000 samples are labelled 7."
        assert said in found.text

    @pytest.mark.parametrize(
        ("since", "said"),
        [
            (None, "but predicted 7 with a probability"),
            ("input", "but predicted 7 from the raw input on with a probability"),
        ],
    )
    def test_the_layer_from_which_on(self, study, since, said):
        lone = replace(self.SUSPECT, since=since)
        (found,) = suspect_labels(replace(study, suspects=(lone,)))
        assert found.text.startswith("1 suspicious label is contradicted by ")
        assert said in found.text

    def test_what_does_not_convince(self, study):
        """A lower score, and a confident network that half of the neighbours doubt."""
        unconvincing = (
            replace(self.SUSPECT, score=0.989),
            replace(self.SUSPECT, neighbours_agreeing=5),
        )
        assert not list(suspect_labels(replace(study, suspects=unconvincing)))
        both = (*unconvincing, replace(self.SUSPECT, neighbours_agreeing=6))
        (found,) = suspect_labels(replace(study, suspects=both))
        assert found.headline.startswith("1 of 3 suspicious labels is contradicted by ")
        assert (found.evidence["suspects"], found.evidence["score"]) == (1, 0.99)

    def test_without_suspects_there_is_no_finding(self, study):
        assert not list(suspect_labels(replace(study, suspects=())))
