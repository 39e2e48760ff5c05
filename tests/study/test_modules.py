"""Studies of torch modules: data of many kinds, wrappers, choices, refusals."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import layerwise as lw
from layerwise.data import KeptInputs
from layerwise.errors import InputError
from layerwise.study.subjects import Followed
from layerwise.study.subjects._module import Look, module_case


class Textbook(nn.Module):
    def __init__(self, inputs=64, classes=10) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(inputs, 20), nn.Linear(20, 16)
        self.fc3, self.fc4 = nn.Linear(16, 12), nn.Linear(12, classes)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.fc1(torch.flatten(x, 1)))
        x = self.relu(self.fc3(self.relu(self.fc2(x))))
        return self.fc4(x)


@pytest.fixture(scope="module")
def module(digits):
    torch.manual_seed(0)
    module = Textbook()
    inputs, labels = tensors(digits.train)
    optimiser = torch.optim.Adam(module.parameters(), 1e-2)
    for _ in range(40):
        optimiser.zero_grad()
        nn.functional.cross_entropy(module(inputs), labels).backward()
        optimiser.step()
    return module


def tensors(samples):
    inputs = torch.from_numpy(samples.inputs.astype(np.float32))
    return inputs, torch.from_numpy(samples.targets.astype(np.int64))


@pytest.fixture(scope="module")
def study(module, digits):
    return lw.inspect(module, digits)


def loader(samples, **options):
    return DataLoader(TensorDataset(*tensors(samples)), batch_size=50, **options)


def equal(first, second):
    for ours, theirs in zip(first, second, strict=True):
        assert ours.name == theirs.name
        assert np.array_equal(ours.probe_predictions, theirs.probe_predictions)
        scale = np.abs(theirs.moments.scatter).max()
        error = np.abs(ours.moments.total_scatter - theirs.moments.total_scatter).max()
        assert error < 1e-6 * scale
    assert np.array_equal(first.predictions, second.predictions)


class TestStudy:
    def test_the_layers_are_the_modules_under_their_own_names(self, study):
        assert [layer.name for layer in study] == ["input", "fc1", "fc2", "fc3", "fc4"]
        assert [layer.units for layer in study] == [64, 20, 16, 12, 10]
        assert [layer.name for layer in study.hidden] == ["fc1", "fc2", "fc3"]
        assert study.output == "fc4"

    def test_predictions_are_the_module_s(self, study, module, digits):
        with torch.no_grad():
            logits = module(tensors(digits.test)[0])
        assert np.array_equal(study.predictions, logits.argmax(dim=1).numpy())
        expected = logits.softmax(dim=1).max(dim=1).values.numpy()
        assert study.confidence == pytest.approx(expected, rel=1e-5)

    def test_what_is_not_known_is_absent(self, study):
        assert study.snapshots == ()
        assert study.untrained is None
        assert "training" not in {finding.kind for finding in study.findings}
        assert study.to_pandas()["epoch"].isna().all()

    def test_the_collapse_of_the_last_hidden_layer_knows_the_output_s_weights(
        self, study
    ):
        assert "collapse_duality" in study.layers[-2].measures.values

    def test_the_page_has_no_comparison_with_the_untrained(self, study, tmp_path):
        page = study.report(tmp_path / "page.html").read_text()
        assert "fc3" in page
        assert "untrained" not in page
        assert "Over the epochs" not in page


@pytest.mark.usefixtures("unchecked")
@pytest.mark.slow("long trainings")
def test_a_module_that_was_trained_here_is_looked_into_as_it_is(digits):
    torch.manual_seed(0)
    result = lw.fit(Textbook(), digits, epochs=2, seed=0)
    ours = lw.inspect(result.network, digits)
    equal(ours, lw.inspect(lw.to_torch(result.network), digits))
    assert ours.accuracy.value == result.test.accuracy


def test_one_raw_logit_means_two_classes(digits):
    """As for BCEWithLogitsLoss: its single row of weights is none for each class."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 1))
    inputs = torch.from_numpy(digits.test.inputs.reshape(-1, 64).astype(np.float32))
    labels = torch.from_numpy((digits.test.targets > 4).astype(np.int64))
    study = lw.inspect(module, (inputs, labels))
    with torch.no_grad():
        expected = module(inputs)[:, 0].numpy() > 0
    assert np.array_equal(study.predictions, expected)
    assert "collapse_duality" not in study.layers[-2].measures.values
    with pytest.raises(lw.InputError, match="3 class names for 2 classes"):
        lw.inspect(module, (inputs, labels), class_names=["a", "b", "c"])


@pytest.mark.slow("long trainings")
def test_the_stated_sample_is_known_again_beside_a_transformer(module, digits):
    from sklearn.decomposition import PCA

    many = digits.train
    plain = lw.inspect(module, many)
    looked = lw.inspect(module, many, transformer=PCA(2))
    assert plain.sample_hash == looked.sample_hash


class TestBatches:
    """What is label, name of a sample, or input of a batch."""

    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(9, 6)
            self.head = nn.Linear(6, 3)

        def forward(self, ids):
            return self.head(self.embedding(ids).mean(dim=1))

    def test_what_forward_asks_for_is_no_name(self):
        rng = np.random.default_rng(0)
        tokens, labels = rng.integers(0, 9, (60, 5)), np.arange(60) % 3
        batches = [
            {
                "ids": torch.from_numpy(tokens[at]),
                "labels": torch.from_numpy(labels[at]),
            }
            for at in (slice(0, 30), slice(30, 60))
        ]
        module = self.Tokens()
        study = lw.inspect(module, batches)
        with torch.no_grad():
            expected = module(torch.from_numpy(tokens)).argmax(dim=1).numpy()
        assert np.array_equal(study.predictions, expected)

    def test_places_may_be_counted_from_the_end(self, module, digits):
        inputs, labels = tensors(digits.test)
        names = torch.arange(len(labels))
        batches = [(names, inputs, labels)]
        usual = lw.inspect(module, (inputs, labels))
        found = lw.inspect(module, batches, labels=-1, ids=0)
        assert np.array_equal(found.predictions, usual.predictions)

    def test_a_sample_that_comes_twice_is_refused(self, module, digits):
        inputs, labels = tensors(digits.test)
        names = torch.arange(len(labels))
        passes = []

        class Batches(list):
            def __iter__(self):
                passes.append(1)
                own = names if len(passes) < 3 else torch.cat([names[:1], names[:-1]])
                yield {"x": inputs[own], "labels": labels[own], "id": own}

        with pytest.raises(lw.InputError, match="a sample twice"):
            lw.inspect(module, Batches(), fit_on=tensors(digits.train))


def test_modules_read_stored_inputs_by_blocks(module, digits, tmp_path):
    for part in ("train", "test"):
        samples = getattr(digits, part)
        np.save(tmp_path / f"x_{part}.npy", samples.inputs)
        np.save(tmp_path / f"y_{part}.npy", samples.targets)
    usual = lw.inspect(module, lw.load(tmp_path))
    stored = lw.inspect(module, lw.load(tmp_path, stored=True))
    assert np.array_equal(stored.predictions, usual.predictions)
    assert isinstance(stored.inputs, KeptInputs)


class TestData:
    def test_a_loader_gives_the_same_study_as_arrays(self, study, module, digits):
        fit_on = loader(digits.train)
        streamed = lw.inspect(module, loader(digits.test), fit_on=fit_on)
        equal(streamed, study)
        inputs, labels = tensors(digits.test)
        pair = lw.inspect(module, (inputs, labels), fit_on=tensors(digits.train))
        equal(pair, study)

    def test_so_does_a_pair_of_tensors_that_follow_a_gradient(
        self, study, module, digits
    ):
        pair, fit_on = tensors(digits.test), tensors(digits.train)
        pair[0].requires_grad_()
        equal(lw.inspect(module, pair, fit_on=fit_on), study)

    def test_a_shuffled_loader_with_ids_gives_it_too(self, study, module, digits):
        def named(samples):
            inputs, labels = tensors(samples)
            entries = [
                {"image": x, "label": y, "id": f"sample {i}"}
                for i, (x, y) in enumerate(zip(inputs, labels, strict=True))
            ]
            torch.manual_seed(1)
            return DataLoader(entries, batch_size=64, shuffle=True)

        found = lw.inspect(
            module, named(digits.test), fit_on=named(digits.train), labels="label"
        )
        assert found.accuracy.successes == study.accuracy.successes
        for ours, theirs in zip(found, study, strict=True):
            assert ours.probe_accuracy == theirs.probe_accuracy

    @pytest.mark.parametrize(
        ("given", "name"),
        [("pair", "row {}"), ("loader", "row {}"), ("ids", "id scan-{}.png"),
         ("list", "sample {}")],
    )  # fmt: skip
    def test_samples_are_called_what_their_source_calls_them(
        self, module, digits, given, name, tmp_path
    ):
        few = digits.test.at(np.arange(200))
        inputs, labels = tensors(few)
        wrong = (labels + 1 + 3 * (torch.arange(200) % 2)) % 10
        labels = torch.where(torch.arange(200) % 9 == 4, wrong, labels)
        ids = [f"scan-{i}.png" for i in range(200)]
        entries = [
            {"x": x, "label": y, "id": i}
            for x, y, i in zip(inputs, labels, ids, strict=True)
        ]
        data = {
            "pair": (inputs, labels),
            "loader": DataLoader(list(zip(inputs, labels, strict=True)), batch_size=64),
            "ids": DataLoader(entries, batch_size=64),
            "list": [(inputs[:90], labels[:90]), (inputs[90:], labels[90:])],
        }[given]
        found = lw.inspect(module, data, fit_on=tensors(digits.train))
        worst = int(found.mistakes[0])
        assert found.suspects
        first = found.suspects[0]
        assert first.name == f"samples {name.format(first.position)}"
        assert first.row == (first.position if name == "row {}" else None)
        page = found.report(tmp_path / "page.html").read_text("utf-8")
        assert name.format(worst) in page

    def test_one_set_is_cross_fitted(self, module, digits):
        found = lw.inspect(module, loader(digits.test))
        assert found.fitted_on == "the other half of the samples (cross-fitted)"
        assert len(found.predictions) == len(digits.test)

    def test_a_shuffled_loader_is_refused(self, module, digits):
        torch.manual_seed(0)
        shuffled = loader(digits.test, shuffle=True)
        with pytest.raises(InputError, match="shuffled loader"):
            lw.inspect(module, shuffled)

    def test_inputs_that_change_are_refused(self, module, digits):
        inputs, labels = tensors(digits.test)

        class Noisy(TensorDataset):
            def __getitem__(self, at):
                x, y = super().__getitem__(at)
                return x + torch.rand(1), y

        noisy = DataLoader(Noisy(inputs, labels), batch_size=50)
        with pytest.raises(InputError, match="other inputs in the second pass"):
            lw.inspect(module, noisy)

    def test_what_can_be_gone_through_once_is_refused(self, module, digits):
        batches = iter(list(loader(digits.test)))
        with pytest.raises(InputError, match="only once"):
            lw.inspect(module, batches)

    @pytest.mark.parametrize(
        ("labels", "said"),
        [
            ([0.5] * 6, "a label is 0.5"),
            ([-1] * 6, "a label is -1"),
            ([11] * 6, r"label 11, and the module has 10 outputs"),
            (np.zeros((6, 2)), "labels of a batch have shape"),
        ],
    )
    def test_labels_that_are_no_classes(self, module, labels, said):
        batch = (torch.randn(6, 64), torch.as_tensor(np.asarray(labels)))
        with pytest.raises(InputError, match=said):
            lw.inspect(module, [batch])

    @pytest.mark.slow("long trainings")
    def test_memory_holds_no_more_of_more_samples(self, module, digits):
        """Of samples that pass by, only stated ones and small numbers stay."""
        inputs, labels = tensors(digits.train)
        few, many = (lw.inspect(module, [(inputs, labels)] * times) for times in (4, 8))
        assert len(many.targets) == 2 * len(few.targets)
        assert len(many.sampled) == len(few.sampled) == 1500
        assert many.inputs.items.shape[0] <= 500


class TestWrappers:
    def rows(self, module, look=None):
        batch = (torch.linspace(-1, 1, 6 * 64).reshape(6, 64), torch.arange(6) % 2)
        case = module_case(module, [batch], look=look)
        (block,) = case.scored.parts()[0]
        return case.subject.layer_names, block.layers

    def same(self, wrapped, module, tolerance=1e-6):
        names, layers = self.rows(wrapped)
        expected_names, expected = self.rows(module)
        assert names == expected_names
        for ours, theirs in zip(layers, expected, strict=True):
            assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()

    def test_data_parallel(self, module):
        self.same(nn.DataParallel(module), module)

    def test_distributed_data_parallel(self, module, tmp_path):
        from torch import distributed

        store = f"file://{tmp_path / 'store'}"
        distributed.init_process_group("gloo", init_method=store, rank=0, world_size=1)
        try:
            self.same(nn.parallel.DistributedDataParallel(module), module)
        finally:
            distributed.destroy_process_group()

    @pytest.mark.filterwarnings("ignore")
    def test_compiled(self, module):
        self.same(torch.compile(module, backend="eager"), module)

    @pytest.mark.filterwarnings("ignore")
    def test_compiled_inside(self):
        torch.manual_seed(0)
        plain = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 2))
        expected = self.rows(plain)
        plain[0] = torch.compile(plain[0], backend="eager")
        names, layers = self.rows(plain)
        assert names == expected[0]
        for ours, theirs in zip(layers, expected[1], strict=True):
            assert np.array_equal(ours, theirs)

    def test_autocast(self, module):
        with torch.autocast("cpu", torch.bfloat16):
            names, layers = self.rows(module)
        _, expected = self.rows(module)
        assert names[1:] == ("fc1", "fc2", "fc3", "fc4")
        difference = np.abs(layers[1] - expected[1]).max()
        assert 0 < difference < 0.02 * np.abs(expected[1]).max()


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
class TestCuda:
    """The figures of a module on a GPU are those of the module on the CPU."""

    @pytest.fixture
    def on_gpu(self, module):
        return copy.deepcopy(module).to("cuda")

    def test_of_a_data_set(self, study, on_gpu, digits):
        equal(lw.inspect(on_gpu, digits), study)
        assert next(on_gpu.parameters()).is_cuda

    def test_of_a_loader_on_the_host(self, study, on_gpu, digits):
        found = lw.inspect(on_gpu, loader(digits.test), fit_on=loader(digits.train))
        equal(found, study)

    def test_of_tensors_on_the_device(self, study, on_gpu, digits):
        test, train = (
            tuple(one.to("cuda") for one in tensors(part))
            for part in (digits.test, digits.train)
        )
        equal(lw.inspect(on_gpu, test, fit_on=train), study)
        equal(lw.inspect(on_gpu, [test], fit_on=[train]), study)

    def test_in_half_precision(self, on_gpu, digits):
        with torch.autocast("cuda", torch.bfloat16):
            found = lw.inspect(on_gpu, digits)
        exact = lw.inspect(on_gpu, digits)
        same = found.predictions == exact.predictions
        assert same.mean() > 0.98

    @pytest.mark.filterwarnings("ignore")
    def test_compiled(self, study, on_gpu, digits):
        equal(lw.inspect(torch.compile(on_gpu, backend="eager"), digits), study)


class TestChoices:
    def names(self, module, **look):
        batch = (torch.randn(6, 64), torch.arange(6) % 2)
        return module_case(module, [batch], look=Look(**look)).subject.layer_names[1:]

    def test_by_name_glob_and_type(self, module):
        assert self.names(module, layers="fc2") == ("fc2",)
        assert self.names(module, layers="fc[13]") == ("fc1", "fc3")
        assert self.names(module, layers=nn.Linear) == ("fc1", "fc2", "fc3", "fc4")
        assert self.names(module, layers=["fc4", "fc1"]) == ("fc1", "fc4")
        assert self.names(module, layers=nn.ReLU) == ("relu#1", "relu#2", "relu#3")

    def test_what_chooses_nothing(self, module):
        with pytest.raises(InputError, match="chooses nothing: the module has fc1"):
            self.names(module, layers="conv*")

    def test_a_layer_that_is_not_the_output_leaves_all_hidden(self, module, digits):
        found = lw.inspect(module, digits, layers="fc[12]")
        assert found.output is None
        assert [layer.name for layer in found.hidden] == ["fc1", "fc2"]

    def test_predict_and_its_absence(self, module, digits):
        turned = lw.inspect(module, digits, predict=lambda output: -output)
        usual = lw.inspect(module, digits)
        assert turned.accuracy.value < 0.1 < usual.accuracy.value
        without = lw.inspect(module, digits, predict=None)
        assert without.predictions is None
        assert without.accuracy is None
        assert without.suspects == ()
        kinds = {finding.kind for finding in without.findings}
        assert not kinds & {"accuracy", "calibration", "mixed pair", "keepable"}
        with pytest.raises(InputError, match="nothing was predicted"):
            _ = without.mistakes

    def test_predict_is_asked_once_a_pass(self, module, digits):
        passes, asked = [], []
        module.register_forward_hook(lambda *_: passes.append(1))
        lw.inspect(module, digits, predict=lambda output: asked.append(1) or output)
        assert len(asked) == len(passes) > 1

    def test_how_rows_are_counted(self, module, digits):
        passed = []
        study = lw.inspect(
            module,
            digits,
            precision="fast",
            max_units=8,
            watch=lambda done, total: passed.append((done, total)),
        )
        told = {finding.kind: finding for finding in study.findings}
        assert told["projected"].evidence["width"] == 8
        assert 0 < told["fast"].evidence["measured"] < told["fast"].evidence["bound"]
        assert passed[-1][0] == passed[-1][1] > 0

    def test_outputs_that_say_no_class(self):
        module = nn.Sequential(nn.Conv1d(1, 3, 3))
        batch = (torch.randn(6, 1, 9), torch.arange(6) % 2)
        with pytest.raises(InputError, match=r"output of shape \(6, 3, 7\).*predict="):
            module_case(module, [batch])

    def test_texts_are_shown_where_display_gives_them(self, digits, module, tmp_path):
        inputs, labels = tensors(digits.test)
        texts = [f"text {i} <b>" for i in range(len(labels))]
        batches = [
            {
                "x": inputs[i : i + 50],
                "y": labels[i : i + 50],
                "text": texts[i : i + 50],
            }
            for i in range(0, len(labels), 50)
        ]
        found = lw.inspect(module, batches, display="text")
        first = found.mistakes[0]
        assert found.inputs[found.mistakes[:1]][0] == texts[first]
        page = found.report(tmp_path / "page.html").read_text()
        there = next(place for place in found.mistakes if place in found.shown)
        assert f"text {there} " in page
        assert f"text {there} <b>" not in page

    def test_a_network_of_ours_has_no_such_choices(self, trained, digits):
        with pytest.raises(InputError, match="layers= is for torch modules"):
            lw.inspect(trained, digits, layers="hidden1")

    def test_what_is_no_network(self, digits):
        with pytest.raises(InputError, match="a str cannot be inspected"):
            lw.inspect("net", digits)
        result = lw.fit(lw.MLP([2]), lw.load("iris"), epochs=1, engine="eager")
        line = "a Result cannot be inspected: .*, such as its network"
        with pytest.raises(InputError, match=line):
            lw.inspect(result, digits)


@pytest.fixture(scope="module")
def result(digits):
    torch.manual_seed(0)
    return lw.fit(Textbook(), digits, epochs=3, snapshots=2, seed=0)


@pytest.mark.usefixtures("unchecked")
class TestOnItsWay:
    def test_every_snapshot_is_seen_on_the_stated_sample(self, result, digits):
        module = lw.to_torch(result.network)
        case = module_case(module, digits, snapshots=result.snapshots)
        fitting, sampled = np.array([700, 3, 1200]), np.array([9, 200, 8, 30])
        shown = np.array([1, 8, 200])
        seen = []

        def see(stage):
            seen.append(stage.shown and [*stage.shown])
            return stage

        stages = case.stages(Followed(fitting, sampled, shown), see)
        assert [stage.epoch for stage in stages] == [0, 1, 3]
        for stage, snapshot in zip(stages, result.snapshots, strict=True):
            once = lw.to_torch(snapshot.network)
            for positions, samples, found in (
                (fitting, digits.train, [one.fitting for one in stage.layers]),
                (sampled, digits.test, [one.scored for one in stage.layers]),
            ):
                inputs = tensors(samples.at(positions))[0]
                with torch.no_grad():
                    first = once.fc1(inputs.flatten(1)).relu()
                    last = once(inputs)
                assert found[0] == pytest.approx(first.numpy(), rel=1e-5, abs=1e-5)
                assert found[-1] == pytest.approx(last.numpy(), rel=1e-5, abs=1e-5)
            assert np.array_equal(
                stage.layers[0].fitting_targets, digits.train.targets[fitting]
            )
            assert np.array_equal(stage.layers[0].targets, digits.test.targets[sampled])
        assert seen[-1] is None
        for blocks, snapshot in zip(seen[:-1], result.snapshots, strict=False):
            (block,) = blocks
            expected = snapshot.network.logits(digits.test.inputs[shown])
            assert block.positions.tolist() == [0, 1, 2]
            assert block.outputs == pytest.approx(expected, rel=1e-4, abs=1e-4)
            assert np.array_equal(block.layers[-1], block.outputs)

    def test_batches_bring_the_stated_sample_as_arrays_do(self, result, digits):
        module = lw.to_torch(result.network)
        of_arrays = lw.inspect(
            module, digits.test, fit_on=digits.train, snapshots=result.snapshots
        )
        batches = lw.inspect(
            module,
            loader(digits.test),
            fit_on=loader(digits.train),
            snapshots=result.snapshots,
        )
        assert [one.epoch for one in batches.snapshots] == [0, 1, 3]
        for ours, theirs in zip(batches.snapshots, of_arrays.snapshots, strict=True):
            for own, other in zip(ours.layers, theirs.layers, strict=True):
                mean = own.measures.values["nearest_mean_accuracy"]
                assert mean == other.measures.values["nearest_mean_accuracy"]

    def test_a_network_trained_here_is_compared_with_what_it_was(self, result, digits):
        study = lw.inspect(result.network, digits)
        assert [one.epoch for one in study.snapshots] == [0, None]
        first = lw.inspect(result.network, digits, snapshots=result.snapshots[:1])
        ours, theirs = (one.untrained.layers[0].measures for one in (study, first))
        assert ours.values == theirs.values

    def test_what_a_loop_of_one_s_own_recorded_is_looked_into(self, digits):
        torch.manual_seed(1)
        module = Textbook()
        inputs, labels = tensors(digits.train)
        optimiser = torch.optim.SGD(module.parameters(), 0.01)
        with lw.record(module, digits) as rec:
            for epoch in range(1, 3):
                optimiser.zero_grad()
                nn.functional.cross_entropy(module(inputs), labels).backward()
                optimiser.step()
                rec.snapshot(epoch)
        study = lw.inspect(module, digits, snapshots=rec.snapshots)
        assert [one.epoch for one in study.snapshots] == [0, 1, 2]
        optimiser.step()
        later = lw.inspect(module, digits, snapshots=rec.snapshots)
        assert [one.epoch for one in later.snapshots] == [0, 1, 2, None]

    def test_snapshots_of_another_module_are_refused(self, result, digits):
        other = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        with pytest.raises(InputError, match="epoch 0 has other layers"):
            lw.inspect(other, digits, snapshots=result.snapshots)
        by_hand = lw.fit(lw.MLP([4]), digits, epochs=1, engine="eager")
        with pytest.raises(InputError, match=r"modules too: see lw\.record"):
            lw.inspect(other, digits, snapshots=by_hand.snapshots)


def test_a_display_that_is_no_part_of_a_batch_is_named(module, digits):
    with pytest.raises(InputError, match="a batch has no 'text'"):
        lw.inspect(module, loader(digits.test), display="text")
