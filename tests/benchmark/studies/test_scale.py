from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmark.cli import main
from benchmark.planning.rates import A100
from benchmark.planning.settings import Settings
from benchmark.studies.scale import Demand, Experiment, demands, experiments

DIGITS = Settings(strategies=("random",), budget=9, seeds=2, candidates=1, standalone_seeds=3)


def test_gpus_share_all_work_until_one_chain_is_left() -> None:
    few, many = Demand(4, 12.0, 2.0, "mine"), Demand(12, 12.0, 2.0, "mine")
    assert (few.hours[0], few.busy, few.bound) == (3.0, 1.0, "number of GPUs")
    assert (many.hours[0], many.busy, many.bound) == (2.0, 0.5, "one chain (mine)")
    assert few.hours[1] == pytest.approx(3.0 * 0.85 / 0.25)


def test_an_experiment_becomes_its_jobs() -> None:
    run = Experiment(DIGITS)
    assert [(stage.kind, stage.jobs, stage.widest) for stage in run.run] == [
        ("supernets", 1, 1),
        ("searches", 1, 3),
        ("stand-alone", (2 + 2) * 3, 1),
    ]
    supernet, search, training = (stage.hours(A100) for stage in run.run)
    assert run.chain(A100) == pytest.approx(supernet + search / 3 + training)
    (demand,) = demands(A100, [1], {"digits": run})
    assert demand.hours[0] == pytest.approx(supernet + search + 12 * training)


@pytest.mark.parametrize(("attention", "networks"), [("se", 4), ("dia", 3)])
def test_a_scheme_is_carried_with_all_that_it_is_compared_with(
    attention: str, networks: int
) -> None:
    """Original, Full-SA (there is none of DIA), Full-Share and the scheme, on both tasks."""
    settings = Settings(
        strategies=("random",),
        budget=9,
        seeds=1,
        candidates=1,
        attention=attention,
        sharing="share",
    )
    carried = Experiment(settings, ("digits-crowd", "digits-voc"))
    *own, source = carried.run
    crowd, voc = carried.onward
    assert [stage.jobs for stage in (source, crowd, voc)] == [networks * 3] * 3
    assert source.hours(A100) == own[-1].hours(A100) != crowd.hours(A100)
    behind = source.hours(A100) + max(crowd.hours(A100), voc.hours(A100))
    assert carried.chain(A100) == pytest.approx(Experiment(settings).chain(A100) + behind)


def test_the_paper_carries_what_tables_vii_and_viii_show() -> None:
    carried = {name: item.targets for name, item in experiments().items() if item.targets}
    counting = ("shanghaitech-a", "shanghaitech-b")
    assert carried == {
        "resnet50-se": (*counting, "voc2012"),
        "resnet50-sge": counting[:1],
        "resnet50-dia": (*counting, "voc2012"),
    }


def test_numbers_of_gpus_are_read() -> None:
    result = CliRunner().invoke(main, ["scale", "--gpus", "0"])
    assert (result.exit_code, result.output) == (
        2,
        "Error: --gpus: expected a whole number from 1 to 1,000,000,000, received 0\n",
    )


@pytest.mark.long
def test_the_page_shows_what_the_command_prints() -> None:
    page = (Path(__file__).parents[3] / "docs" / "scale.md").read_text(encoding="utf-8")
    tables = CliRunner().invoke(main, ["scale"]).output.split("\n\n")
    assert len(tables) == 2
    assert [table for table in tables if table.strip() not in page] == []
