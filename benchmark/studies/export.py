"""A ticket's network as a file that runs without this project."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.basics.errors import StoreError, UsageError, unknown_name
from benchmark.basics.files import replacing
from benchmark.basics.numerical_state import numerical_state
from benchmark.networks.connect import SchemeNetwork
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.ticket import Ticket
from benchmark.standalone.kept_networks import FOLDER, load_weights, network_path, write_network
from benchmark.standalone.training import train_network
from benchmark.studies.verification import other_premises
from benchmark.training.evaluation import evaluate_task
from benchmark.watching.progress import NoProgress, Progress

TARGETS = {"torch": ".pt2", "onnx": ".onnx"}
"""What can be exported to, and how such files end."""
TOLERANCE = 1e-4
"""Largest difference between outputs of the file and of the network, of the largest output."""
_ROWS = 16
"""Test images that files are compared on."""

Predict = Callable[[Float[Tensor, "n c h w"]], Float[Tensor, "n ..."]]


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        path: of the file.
        seed: of the training.
        accuracy: on the test split, of the trained network.
        stated: the same in the ticket; None where it doesn't have this seed.
        difference: largest between outputs of file and network, on test images; None where
            it wasn't compared, since onnxruntime is not installed.
    """

    path: Path
    seed: int
    accuracy: float
    stated: float | None
    difference: float | None


@numerical_state()
def export_ticket(
    ticket: Ticket,
    target: str,
    path: Path,
    *,
    cache: Path,
    seed: int | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Exported:
    """Train the ticket's network once more, without the SAMs it doesn't use, and write it.

    Training repeats itself: with a seed of the ticket, on its kind of machine, it is the
    very network that the ticket speaks of. Weights are kept beside ``cache``. The file
    takes batches of any size and holds, as metadata, the ticket, how its input is
    normalised, and its test accuracy.

    Args:
        ticket: as read.
        target: ``torch`` (a `torch.export` program) or ``onnx``.
        path: the file, replaced if it is there.
        cache: folder that all experiments share.
        seed: default: the ticket's first.
        progress: shows what is running.
        **settings: where the data are and the device, where they differ from the ticket's.

    Raises:
        UsageError: an unknown target; the ticket's data or settings are not those at
            hand; or a package that writes ONNX is missing.
        FloatingPointError: this seed diverges.
    """
    if target not in TARGETS:
        raise unknown_name("export target", target, TARGETS)
    if target == "onnx":
        _require("onnx", "onnxscript")
    plan = Plan(Settings(**(ticket.settings | settings)), cache=cache)
    if found := other_premises(ticket, plan):
        raise UsageError(f"can't export the ticket: {found.reason}")
    seed = ticket.seeds[0] if seed is None else seed
    network = _trained(
        plan, ticket.scheme, seed, cache, NoProgress() if progress is None else progress
    )
    score = evaluate_task(network, plan.task, plan.task.test()).score
    images = next(plan.task.test().head(_ROWS).batches(_ROWS))[0].clone()
    facts = _facts(ticket, plan, seed, score.accuracy)
    with replacing(path) as draft:
        write = _write_torch if target == "torch" else _write_onnx
        write(network, images, draft, facts)
        difference = _compared(network, images, target, draft)
    return Exported(path, seed, score.accuracy, _stated(ticket, seed), difference)


def _require(*packages: str) -> None:
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"ONNX files need {' and '.join(missing)}: pip install 'ticket-benchmark[onnx]'"
        )


def _trained(plan: Plan, bits: str, seed: int, cache: Path, progress: Progress) -> SchemeNetwork:
    identity = plan.training.identity(plan.task)
    path = network_path(cache / FOLDER, identity, bits, seed)
    if path.exists():
        network = plan.training.initial_network(bits, seed)
        load_weights(network, path)
        return network.eval()
    started = perf_counter()
    with progress.stage("Training the network", plan.training.recipe.epochs, "epochs") as advance:
        network = train_network(plan.training, bits, seed, on_epoch=lambda _: advance(1)).cpu()
    write_network(path, network, seconds=perf_counter() - started)
    return network


def _stated(ticket: Ticket, seed: int) -> float | None:
    scores = {(record.bits, record.seed): record.test_accuracy for record in ticket.trainings}
    return scores.get((ticket.scheme, seed))


def _facts(ticket: Ticket, plan: Plan, seed: int, accuracy: float) -> dict[str, str]:
    """What the file says of itself: texts by name."""
    normalised = plan.task.normalised_by()
    scale = (
        "none: images as the task makes them"
        if normalised is None
        else f"(pixels in [0, 1] - {list(normalised[0])}) / {list(normalised[1])}, by channel"
    )
    return {
        "input": f"images: float32, batch x {' x '.join(map(str, plan.task.image_shape))}",
        "normalisation": scale,
        "output": f"scores: batch x {_output_shape(plan)}",
        "seed": str(seed),
        "test accuracy": f"{accuracy:.6f}",
        "ticket": json.dumps(ticket.values() | {"checksum": ticket.checksum}),
    }


def _output_shape(plan: Plan) -> str:
    if plan.task.head is None:
        return f"{plan.task.classes}, the largest is the class, no softmax"
    return f"{plan.task.classes} x height x width, as the head gives them"


def _write_torch(
    network: nn.Module,
    images: Float[Tensor, "n c h w"],
    path: Path,
    facts: Mapping[str, str],
) -> None:
    program = torch.export.export(network, (images,), dynamic_shapes=_any_batch())
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # names this machine's folders
    with path.open("wb") as file:
        torch.export.save(program, file, extra_files=dict(facts))


def _write_onnx(
    network: nn.Module,
    images: Float[Tensor, "n c h w"],
    path: Path,
    facts: Mapping[str, str],
) -> None:
    program = torch.onnx.export(
        network,
        (images,),
        dynamo=True,
        dynamic_shapes=_any_batch(),
        input_names=["images"],
        output_names=["scores"],
        verbose=False,
    )
    assert program is not None
    for node in program.model.graph:
        node.metadata_props.clear()  # names this machine's folders
    program.model.metadata_props.update(facts)
    program.save(str(path), external_data=False)


def _any_batch() -> dict[str, Any]:
    return {"images": {0: torch.export.Dim("batch")}}


def _compared(
    network: nn.Module, images: Float[Tensor, "n c h w"], target: str, path: Path
) -> float | None:
    """Largest difference of outputs, over a batch and a single image."""
    if target == "onnx" and find_spec("onnxruntime") is None:
        return None
    predict = _torch_file(path) if target == "torch" else _onnx_file(path)
    with torch.no_grad():
        gaps = [
            float((predict(batch) - network(batch)).abs().max()) for batch in (images, images[:1])
        ]
        limit = TOLERANCE * float(network(images).abs().max())
    if max(gaps) > limit:
        raise StoreError(f"the exported file differs by {max(gaps):.2g} from the network")
    return max(gaps)


def _torch_file(path: Path) -> Predict:
    with path.open("rb") as file:
        module: Predict = torch.export.load(file).module()
    return module


def _onnx_file(path: Path) -> Predict:
    import onnxruntime  # noqa: PLC0415 - optional

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def predict(images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n ..."]:
        (scores,) = session.run(None, {"images": images.numpy()})
        return torch.from_numpy(scores)

    return predict
