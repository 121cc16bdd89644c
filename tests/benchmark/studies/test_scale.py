from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from benchmark.cli import main
from benchmark.planning.rates import A100
from benchmark.planning.settings import Settings
from benchmark.studies.scale import Experiment, Job, Programme, experiments, programme


def test_jobs_take_gpus_as_they_get_free() -> None:
    schedule = Programme([Job("a", 2.0), Job("b", 2.0), Job("c", 2.0)]).on(2)
    assert (schedule.hours, schedule.work, schedule.busy) == (4.0, 6.0, 0.75)
    assert schedule.bound == "number of GPUs"


def test_a_chain_is_as_long_as_it_is_however_many_gpus_there_are() -> None:
    jobs = [Job("x: first", 3.0), Job("x: then", 4.0, ("x: first",)), Job("y: alone", 2.0)]
    schedule = Programme(jobs).on(64)
    assert (schedule.hours, schedule.chain, schedule.bound) == (7.0, 7.0, "one chain (x)")


def test_the_longest_chain_goes_first() -> None:
    jobs = [Job("a", 2.0), Job("b", 2.0), Job("start", 1.0), Job("end", 5.0, ("start",))]
    assert Programme(jobs).on(2).hours == 6.0


def test_a_search_is_shared_by_the_gpus_that_are_free() -> None:
    assert Programme([Job("s", 6.0, widest=3)]).on(2).hours == 3.0
    assert Programme([Job("s", 6.0, widest=3)]).on(8).hours == 2.0


_HOURS = st.floats(min_value=0.125, max_value=100.0)


@given(st.lists(st.tuples(_HOURS, st.booleans()), min_size=1, max_size=12), st.integers(1, 9))
def test_no_schedule_beats_its_bounds_or_loses_to_grahams(
    drawn: list[tuple[float, bool]], gpus: int
) -> None:
    jobs = [
        Job(str(number), hours, (str(number - 1),) if chained and number else ())
        for number, (hours, chained) in enumerate(drawn)
    ]
    found = Programme(jobs).on(gpus)
    assert found.hours >= max(found.chain, found.work / gpus) * (1 - 1e-9)
    assert found.hours <= (found.work / gpus + found.chain) * (1 + 1e-9)


def test_an_experiment_becomes_its_jobs() -> None:
    settings = Settings(strategies=("random",), budget=9, seeds=2, candidates=1, standalone_seeds=3)
    found = programme(A100, 0.5, {"digits": Experiment(settings)})
    assert list(found.jobs)[:3] == ["digits: supernet", "digits: search", "digits: training 0"]
    assert len(found.jobs) == 2 + (2 + 2) * 3
    assert found.jobs["digits: search"].widest == 3
    twice = programme(A100, 0.25, {"digits": Experiment(settings)})
    assert twice.on(4).hours == pytest.approx(2 * found.on(4).hours)


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
    run = Experiment(settings, ("digits-crowd", "digits-voc"))
    found = programme(A100, 0.5, {"mine": run}).jobs
    sources, crowd, voc = (
        [job for job in found.values() if job.name.startswith(f"mine: {name} ")]
        for name in ("source", "digits-crowd", "digits-voc")
    )
    assert [len(jobs) for jobs in (sources, crowd, voc)] == [networks * 3] * 3
    assert {job.after for job in sources} == {
        tuple(f"mine: training {number}" for number in range(9))
    }
    assert {job.after for job in (*crowd, *voc)} == {tuple(job.name for job in sources)}
    assert sources[0].hours == found["mine: training 0"].hours != crowd[0].hours


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
