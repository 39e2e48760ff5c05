"""Findings on the training: gaps, gains and courses that were written by hand."""

from dataclasses import replace

import pytest

from layerwise.statistics import Share, wilson_interval
from layerwise.study.findings._training import added, gap, short


def share(right, samples):
    return Share(right, samples, *wilson_interval(right, samples))


@pytest.fixture
def fitted(study, with_values):
    """Makes a study with these accuracies, fitted and scored, of network and probes."""

    def make(learnt, scored, *probes):
        layers = [
            replace(
                with_values(layer, probe_accuracy_fitted=known), probe_accuracy=held
            )
            for layer, (known, held) in zip(study, probes, strict=False)
        ]
        layers += [*study][len(layers) :]
        return replace(
            study,
            fitted_accuracy=learnt,
            accuracy=scored,
            input=layers[0],
            layers=tuple(layers[1:]),
        )

    return make


class TestGap:
    def test_where_the_gap_opens(self, fitted):
        probes = [
            (0.86, share(8500, 10_000)),
            (0.95, share(9300, 10_000)),
            (0.99, share(9500, 10_000)),
            (0.991, share(9490, 10_000)),
        ]
        study = fitted(share(3996, 4000), share(9600, 10_000), *probes)
        (found,) = gap(study)
        assert found.text == (
            "Of 4,000 samples fitted on 99.9 % are right, of those scored 96.0 %. The "
            "gap opens most in hidden2, from which a linear probe reads 99.0 % of the "
            "former and 95.0 % of the latter."
        )
        assert found.evidence["opens"] == "hidden2"
        assert not list(short(study))

    def test_a_gap_that_the_input_has(self, fitted):
        probes = [
            (0.99, share(90, 100)),
            (0.99, share(91, 100)),
            (0.99, share(90, 100)),
        ]
        study = fitted(share(4000, 4000), share(900, 1000), *probes)
        (found,) = gap(study)
        assert "lies already in the raw input" in found.text
        assert found.evidence["opens"] == "input"

    def test_two_points_are_no_finding(self, fitted):
        assert not list(gap(fitted(share(9899, 10_000), share(9700, 10_000))))
        assert list(gap(fitted(share(9901, 10_000), share(9700, 10_000))))

    def test_noise_is_no_finding(self, fitted):
        """Of 100 samples, 5 points are 1.96 standard errors of 95 %."""
        assert not list(gap(fitted(share(9900, 10_000), share(95, 100))))
        assert list(gap(fitted(share(9900, 10_000), share(93, 100))))


class TestShort:
    def test_too_little_is_learnt(self, fitted):
        study = fitted(share(3720, 4000), share(9280, 10_000), (0.91, share(9, 10)))
        (found,) = short(study)
        assert found.text == (
            "Not even of the samples fitted on are as many right as required: 93.0 % "
            "of 4,000, where 99.0 % is required and a linear probe of the raw input "
            "has 91.0 %. More samples of the same kind would not help."
        )
        assert not list(gap(study))

    def test_what_is_required_may_be_reached(self, fitted):
        """98.7 % of 1,000 samples are 97.8 % to 99.2 %."""
        study = fitted(share(987, 1000), share(987, 1000))
        assert not list(short(study))
        stricter = replace(study.keepable, required=0.995)
        assert list(short(replace(study, keepable=stricter)))

    def test_where_others_do_worse_it_is_not_too_little(self, fitted):
        assert not list(short(fitted(share(9500, 10_000), share(9400, 10_000))))

    def test_nothing_is_required_without_a_validation_set(self, fitted):
        study = fitted(share(3720, 4000), share(9280, 10_000))
        assert list(short(study))
        assert not list(short(replace(study, keepable=None)))


@pytest.fixture
def taught(study, with_values):
    """Makes a study whose snapshots' probes read so much of each layer, by epoch."""

    def make(course):
        snapshots = tuple(
            replace(
                study.untrained,
                epoch=epoch,
                layers=tuple(
                    with_values(layer, probe_accuracy=value)
                    for layer, value in zip(
                        study.untrained.layers, values, strict=False
                    )
                ),
            )
            for epoch, values in course.items()
        )
        hidden1, hidden2, output = study.layers
        shuffled = with_values(
            replace(hidden2, measures=hidden2.shuffled), probe_accuracy=0.1
        ).measures
        layers = (hidden1, replace(hidden2, shuffled=shuffled), output)
        return replace(study, snapshots=snapshots, layers=layers)

    return make


class TestAdded:
    def test_beside_the_untrained_network_and_chance(self, taught):
        study = taught(
            {0: (0.8, 0.7), 1: (0.85, 0.86), 3: (0.9, 0.94), 9: (0.92, 0.95)}
        )
        (found,) = added(study)
        assert found.text == (
            f"What training has added: of a sample of {len(study.sampled)}, a linear "
            "probe reads from hidden1 92.0 % (80.0 %) and hidden2 95.0 % (70.0 %) "
            "right; in brackets, before the first step. Shuffled labels give 10.0 %, "
            "which is chance. Most of hidden2's gain was there after epoch 3 of 9, "
            "with 94.0 %."
        )
        assert found.evidence["untrained"] == {"hidden1": 0.8, "hidden2": 0.7}
        assert found.evidence["trained"] == {"hidden1": 0.92, "hidden2": 0.95}

    @pytest.mark.parametrize(
        "course",
        [
            # Only the last epoch has nine tenths of the gain.
            {0: (0.8, 0.5), 1: (0.9, 0.9), 2: (0.95, 0.95)},
            # What was gained is noise.
            {0: (0.8, 0.95), 1: (0.9, 0.955), 2: (0.95, 0.955)},
            {0: (0.8, 0.95), 1: (0.9, 0.9), 2: (0.95, 0.9)},
            # There is nothing between the beginning and the end.
            {0: (0.8, 0.5), None: (0.95, 0.95)},
        ],
    )
    def test_no_epoch_is_named(self, taught, course):
        (found,) = added(taught(course))
        assert found.text.endswith("which is chance.")

    def test_what_too_few_samples_do_not_tell_from_chance(self, taught):
        (found,) = added(taught({0: (0.1, 0.1), None: (0.2, 0.11)}))
        assert "10.0 %, from which so many samples cannot tell hidden2." in found.text

    def test_an_end_between_two_epochs(self, taught):
        """The best network, to which training went back, has no epoch."""
        course = {0: (0.8, 0.5), 1: (0.9, 0.94), None: (0.95, 0.95)}
        (found,) = added(taught(course))
        assert found.text.endswith("gain was there after epoch 1, with 94.0 %.")

    def test_of_many_layers_three_are_named(self, taught):
        course = {0: (0.8, 0.7, 0.9), 1: (0.85, 0.95, 0.91)}
        deep = taught(course)
        hidden1, _, output = deep.layers
        names = [f"hidden{i}" for i in range(1, 8)]
        wide = [replace(hidden1, name=name) for name in names]

        def deeper(snapshot):
            first, second, third = snapshot.layers
            return replace(
                snapshot,
                layers=(first, first, second, first, first, first, third, third),
            )

        deep = replace(
            deep, layers=(*wide, output), snapshots=tuple(map(deeper, deep.snapshots))
        )
        (found,) = added(deep)
        assert (
            "from hidden1 85.0 % (80.0 %), hidden3 95.0 % (70.0 %) and hidden7 91.0 % "
            "(90.0 %) right"
        ) in found.text
        assert list(found.evidence["trained"]) == names

    def test_without_hidden_layers_there_is_nothing_to_add_to(self, study):
        assert not list(added(replace(study, layers=study.layers[-1:])))
