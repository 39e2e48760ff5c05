"""Batches that come from somewhere: which of them are read, and what is refused."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    TensorDataset,
)

from layerwise.errors import InputError
from layerwise.modules import Reader, StreamSource

SAMPLES = 23


class Noted(Dataset):
    """Samples of which it is noted which ones are read."""

    def __init__(self, samples=SAMPLES, named=False):
        torch.manual_seed(0)
        self.inputs, self.samples = torch.randn(samples, 3), samples
        self.named, self.read = named, []

    def __len__(self):
        return self.samples

    def __getitem__(self, at):
        self.read.append(at)
        entry = {"x": self.inputs[at], "label": at % 2}
        return {**entry, "id": f"sample {at}"} if self.named else entry


class Passing(IterableDataset):
    def __init__(self, noted):
        self.noted = noted

    def __iter__(self):
        return (self.noted[at] for at in range(len(self.noted)))


class Own(DataLoader):
    """A loader that brings its batches in an order of its own."""

    def __iter__(self):
        return reversed(list(super().__iter__()))


def source(loader):
    return StreamSource(Reader(nn.Linear(3, 2)), loader)


def in_order(dataset, **options):
    return DataLoader(dataset, batch_size=5, **options)


class TestInOrder:
    """A loader that goes through its data set in order can be read anywhere."""

    def test_a_slice_of_the_batches_reads_these_alone(self):
        dataset = Noted()
        batches = source(in_order(dataset))
        assert batches.targets.tolist() == [at % 2 for at in range(SAMPLES)]
        assert dataset.read == list(range(SAMPLES))
        dataset.read.clear()
        found = [positions.tolist() for positions, _ in batches.batches(slice(3, None))]
        assert found == [[15, 16, 17, 18, 19], [20, 21, 22]]
        assert dataset.read == list(range(15, SAMPLES))

    def test_of_a_few_samples_their_batches_are_read(self):
        dataset = Noted()
        batches = source(in_order(dataset))
        assert batches.length == 5
        dataset.read.clear()
        found = list(batches.holding(np.array([21, 1])))
        assert [positions.tolist() for positions, _ in found] == [
            [0, 1, 2, 3, 4], [20, 21, 22]
        ]  # fmt: skip
        assert dataset.read == [0, 1, 2, 3, 4, 20, 21, 22]
        for positions, batch in found:
            assert torch.equal(batch.arguments[0][0], dataset.inputs[positions])
        assert list(batches.holding(np.array([], int))) == []

    def test_a_last_batch_that_is_dropped_is_not_read(self):
        dataset = Noted()
        batches = source(in_order(dataset, drop_last=True))
        assert len(batches.targets) == 20
        assert len(list(batches.batches())) == 4
        assert max(dataset.read) == 19

    @pytest.mark.slow("several processes")
    def test_workers_bring_the_same(self):
        dataset = TensorDataset(torch.randn(SAMPLES, 3), torch.arange(SAMPLES) % 2)
        # A process of many threads, as this one may be by now, is better not forked.
        workers = {"num_workers": 2, "multiprocessing_context": "spawn"}
        batches = source(in_order(dataset, **workers))
        found = [positions.tolist() for positions, _ in batches.batches(slice(1, 3))]
        assert found == [[5, 6, 7, 8, 9], [10, 11, 12, 13, 14]]

    def test_each_rank_reads_its_own(self, monkeypatch):
        from layerwise import ranks

        dataset = Noted()
        monkeypatch.setattr(ranks, "own_share", lambda parts: ranks.share(parts, 1, 3))
        assert source(in_order(dataset)).length == 2  # of the five, without the others'
        assert dataset.read == list(range(5, 15))

    @pytest.mark.parametrize(("samples", "left"), [(22, 2), (20, 0)])
    def test_a_set_that_changes_its_size_is_refused(self, samples, left):
        dataset = Noted()
        batches = source(in_order(dataset))
        assert batches.length == 5
        dataset.samples = samples
        with pytest.raises(InputError, match=f"held 3 samples and now hold {left}"):
            list(batches.batches(slice(4, 5)))


class TestInAnyOrder:
    """What else comes is gone through as a whole, in each pass."""

    @pytest.mark.parametrize(
        "loader",
        [
            lambda noted: list(DataLoader(noted, batch_size=5)),
            lambda noted: DataLoader(Passing(noted), batch_size=5),
            lambda noted: in_order(noted, sampler=range(SAMPLES)),
            lambda noted: DataLoader(
                noted, batch_sampler=BatchSampler(range(SAMPLES), 5, drop_last=False)
            ),
        ],
        ids=["list", "iterable", "sampler", "batch sampler"],
    )
    def test_a_slice_is_of_its_numbers(self, loader):
        batches = source(loader(Noted()))
        found = [positions.tolist() for positions, _ in batches.batches(slice(1, 3))]
        assert found == [[5, 6, 7, 8, 9], [10, 11, 12, 13, 14]]

    def test_a_class_of_one_s_own_brings_what_it_says(self):
        dataset = Noted()
        batches = source(Own(dataset, batch_size=5))
        ((positions, batch),) = batches.batches(slice(0, 1))
        assert positions.tolist() == [0, 1, 2]
        assert torch.equal(batch.arguments[0][0], dataset.inputs[20:])

    def test_shuffled_with_ids_a_sample_is_found_in_any_batch(self):
        dataset = Noted(named=True)
        batches = source(in_order(dataset, sampler=RandomSampler(dataset)))
        sixth = batches.targets[6]
        for _ in range(5):
            ((positions, batch),) = batches.holding(np.array([6]))
            assert batch.targets[positions == 6] == sixth

    def test_a_set_that_changes_its_size_is_refused(self):
        batches = list(DataLoader(Noted(), batch_size=5))
        changed = source(batches)
        assert changed.length == 5
        batches.pop()
        with pytest.raises(InputError, match="held 23 samples and now hold 20"):
            list(changed.batches())

    @pytest.mark.parametrize("ids", [["a", "b", "a"], ["a", "b", "b"]])
    def test_an_id_that_two_samples_have_is_named(self, ids):
        batch = {"x": torch.randn(3, 3), "label": torch.tensor([0, 1, 0]), "id": ids}
        with pytest.raises(InputError, match=f"two samples have the id '{ids[-1]}'"):
            source([batch]).length  # noqa: B018

    def test_a_batch_without_samples_is_passed_by(self):
        inputs, labels = torch.randn(4, 3), torch.tensor([0, 1, 0, 1])
        batches = source([(inputs[:0], labels[:0]), (inputs, labels)])
        assert len(batches.first().targets) == 4
        assert [len(positions) for positions, _ in batches.batches()] == [4]
