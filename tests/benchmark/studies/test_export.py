import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from benchmark.basics.errors import UsageError
from benchmark.networks.connect import SchemeNetwork
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.schemes import bits_scheme
from benchmark.records.ticket import Ticket
from benchmark.standalone.training import train_network
from benchmark.storage.store import Store
from benchmark.studies.chosen_schemes import judge_schemes, train_schemes
from benchmark.studies.export import TOLERANCE, Exported, export_ticket
from benchmark.workers.pool import WorkerPool

SETTINGS = Settings(smoke=True, backbone="resnet8-basic", attention="dia", sharing="share")
SCHEME = "101"
OURS = ("benchmark", "strategies", "tasks", "reports")
RUN = """
import sys
import numpy as np

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {ours}:
            raise ImportError(name)

sys.meta_path.insert(0, Blocker())
images = np.load("images.npy")
if sys.argv[1] == "torch":
    import torch
    run = torch.export.load("net.torch").module()
    scores = [run(torch.from_numpy(part)).detach().numpy() for part in (images, images[:1])]
else:
    import onnxruntime
    session = onnxruntime.InferenceSession("net.onnx", providers=["CPUExecutionProvider"])
    scores = [session.run(None, {"images": part})[0] for part in (images, images[:1])]
np.savez("scores.npz", batch=scores[0], single=scores[1])
print([name for name in {ours} if name in sys.modules])
""".replace("{ours}", repr(OURS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def ticket(folder: Path) -> Ticket:
    with closing(Store(folder / "cache.sqlite")) as cache:
        schemes = [SCHEME, "full"]
        evidence = train_schemes(SETTINGS, schemes, cache=cache, workers=WorkerPool(1))
        return judge_schemes(SETTINGS, evidence, cache=cache)[0]


@pytest.fixture(scope="module", params=["torch", "onnx"])
def made(request: pytest.FixtureRequest, folder: Path, ticket: Ticket) -> Exported:
    return export_ticket(ticket, request.param, folder / f"net.{request.param}", cache=folder)


def masked_scores(images: np.ndarray) -> np.ndarray:
    """What the backbone with all its SAMs, masked by the scheme, answers."""
    plan = Plan(SETTINGS)
    trained = train_network(plan.training, SCHEME, 0, on_epoch=lambda _: None)
    every = plan.training.initial_network("111", 0)
    every.load_state_dict(trained.state_dict(), strict=False)
    with torch.inference_mode():
        scores: np.ndarray = every.network.eval()(
            torch.from_numpy(images), bits_scheme(SCHEME)
        ).numpy()
    return scores


def test_files_run_without_this_project_and_answer_as_the_masked_network_does(
    folder: Path, made: Exported
) -> None:
    assert made.stated == made.accuracy
    assert made.difference is not None
    images = np.random.default_rng(0).normal(size=(5, 4, 8, 8)).astype(np.float32)
    np.save(folder / "images.npy", images)
    (folder / "run.py").write_text(RUN)
    ran = subprocess.run(
        [sys.executable, "-I", "run.py", made.path.suffix[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "[]"), ran.stderr
    expected = masked_scores(images)
    limit = TOLERANCE * np.abs(expected).max()
    with np.load(folder / "scores.npz") as scores:
        assert np.abs(scores["batch"] - expected).max() <= limit
        assert np.abs(scores["single"] - expected[:1]).max() <= limit


def test_files_know_their_ticket_their_input_and_nothing_of_this_machine(
    made: Exported, ticket: Ticket
) -> None:
    assert str(Path(__file__).parents[3]).encode() not in made.path.read_bytes()
    if made.path.suffix == ".onnx":
        facts = {item.key: item.value for item in onnx.load(made.path).metadata_props}
    else:
        facts = dict.fromkeys(("ticket", "input", "normalisation", "test accuracy"), "")
        torch.export.load(made.path, extra_files=facts)
    assert json.loads(facts["ticket"])["checksum"] == ticket.checksum
    assert facts["input"] == "images: float32, batch x 4 x 8 x 8"
    assert facts["normalisation"] == "none: images as the task makes them"
    assert float(facts["test accuracy"]) == pytest.approx(made.accuracy)


def test_unused_modules_are_left_out(ticket: Ticket) -> None:
    network = Plan(SETTINGS).training.initial_network(ticket.scheme, 0)
    assert isinstance(network, SchemeNetwork)
    assert set(network.network.attention) == {"0", "2"}


def test_what_can_not_be_exported_is_named(folder: Path, ticket: Ticket) -> None:
    with pytest.raises(UsageError, match="unknown export target 'onyx'; did you mean 'onnx'"):
        export_ticket(ticket, "onyx", folder / "x", cache=folder)
    other = ticket.model_copy(update={"task": ticket.task | {"fingerprint": "another"}})
    with pytest.raises(UsageError, match="can't export the ticket: data differ"):
        export_ticket(other, "torch", folder / "x", cache=folder)
    assert not (folder / "x").exists()
