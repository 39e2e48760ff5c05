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
            "Generalisation gap: 99.9 % on training samples, 96.0 % on 270 test "
            "samples. The gap of 3.9 points widens most in hidden2: a linear probe of "
            "hidden2 is right for 99.0 % of 4,000 samples fitted on and for 95.0 % of "
            "those scored. More training samples would help; so may dropout or weight "
            "decay."
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
        assert "is there in the raw input already" in found.text
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
            "Training accuracy 93.0 % is below the default of 99 %. The scored samples "
            "do as well but for chance, so that more samples of the same kind will not "
            "help; a larger network, better features or cleaner labels may. A linear "
            "probe of the raw input has 91.0 % on the 4,000 samples fitted on."
        )
        assert not list(gap(study))

    def test_what_is_required_may_be_reached(self, fitted):
        """98.7 % of 1,000 samples are 97.8 % to 99.2 %."""
        study = fitted(share(987, 1000), share(987, 1000))
        assert not list(short(study))
        stricter = replace(study.keepable, required=0.995)
        (found,) = short(replace(study, keepable=stricter))
        assert found.headline == "Training accuracy 98.7 % is below the required 99.5 %"

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
            "Training raised hidden2's linear-probe accuracy: 70.0 % to 95.0 %. "
            f"That is the accuracy of a linear probe on {len(study.sampled)} samples, "
            "before the first step and after the last; hidden1 80.0 % to 92.0 %. With "
            "shuffled labels it is 10.0 %, which is chance. Most of hidden2's gain was "
            "there after epoch 3 of 9 (94.0 %)."
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
        said = "it is 10.0 %, within sampling noise of hidden2's."
        assert said in found.text
        assert found.headline == (
            "Training hardly changed how well hidden2 separates the classes: "
            "10.0 % to 11.0 %"
        )

    def test_of_few_samples_nothing_is_said(self, taught):
        study = taught({0: (0.8, 0.5), 1: (0.95, 0.95)})
        assert not list(added(replace(study, sampled=study.sampled[:22])))

    def test_an_end_between_two_epochs(self, taught):
        """The best network, to which training went back, has no epoch."""
        course = {0: (0.8, 0.5), 1: (0.9, 0.94), None: (0.95, 0.95)}
        (found,) = added(taught(course))
        assert found.text.endswith("gain was there after epoch 1 (94.0 %).")

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
            "hidden7 separates the classes: 90.0 % to 91.0 %. That is the accuracy of "
            "a linear probe on 270 samples, before the first step and after the last; "
            "hidden1 80.0 % to 85.0 % and hidden3 70.0 % to 95.0 %."
        ) in found.text
        assert list(found.evidence["trained"]) == names

    def test_without_hidden_layers_there_is_nothing_to_add_to(self, study):
        assert not list(added(replace(study, layers=study.layers[-1:])))
