import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from wsgiref.util import setup_testing_defaults

import numpy as np
import optuna
import optuna_dashboard
import pytest
from optuna_dashboard._storage_url import get_storage

from benchmark.basics.errors import UsageError
from benchmark.records.run import RunRecords
from reports.export.optuna import address, write_studies

MakeRecords = Callable[..., RunRecords]


@pytest.fixture(scope="module")
def small(make_records: MakeRecords) -> RunRecords:
    """Two strategies, one whose name is markup, of two lanes each; one answer is missing."""
    names = {"ean": 0.8, "<b>bold</b>": 0.5}
    made = make_records(strategies=names, lanes=2, evaluations=5, seeds=1, tabulated=False)
    first = made.lanes[0]
    lost = replace(first, accuracy=np.append(first.accuracy[:-1], np.nan))
    return replace(made, lanes=[lost, *made.lanes[1:]])


@pytest.fixture(scope="module", params=["studies.db", "studies.log"])
def storage(
    request: pytest.FixtureRequest, small: RunRecords, tmp_path_factory: pytest.TempPathFactory
) -> str:
    path = tmp_path_factory.mktemp("studies") / request.param
    assert write_studies(small, path) == 4
    assert [other.name for other in path.parent.iterdir()] == [path.name]
    return address(path)


def opened(storage: str) -> optuna.storages.BaseStorage:
    found: optuna.storages.BaseStorage = get_storage(storage)
    return found


def test_a_study_holds_a_lane(storage: str, small: RunRecords) -> None:
    name = "ean, seed 1, supernet 0"
    study = optuna.load_study(study_name=name, storage=opened(storage))
    lane = small.lanes[1]
    reward = lane.accuracy + 0.02 * (1 - lane.schemes.mean(axis=1))
    assert [trial.value for trial in study.trials] == pytest.approx(reward.tolist())
    assert study.best_trial.number == int(reward.argmax())
    assert study.user_attrs["charged evaluations"] == 5
    assert study.user_attrs["supernet seed"] == 0
    trial = study.trials[2]
    assert [trial.params[f"block_{n:02d}"] for n in range(1, 13)] == lane.schemes[2].tolist()
    assert trial.user_attrs["accuracy"] == pytest.approx(lane.accuracy[2])
    assert trial.user_attrs["charged evaluations"] == 3
    assert trial.duration is not None
    assert trial.duration.total_seconds() == 1


def test_a_missing_answer_is_a_failed_trial(storage: str) -> None:
    study = optuna.load_study(study_name="ean, seed 0, supernet 0", storage=opened(storage))
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 4 + ["FAIL"]


def test_the_dashboard_serves_the_studies(storage: str) -> None:
    application = optuna_dashboard.wsgi(opened(storage))
    said: list[str] = []

    def get(path: str) -> dict[str, object]:
        environment: dict[str, object] = {}
        setup_testing_defaults(environment)
        environment |= {"PATH_INFO": path, "REQUEST_METHOD": "GET"}
        body = b"".join(application(environment, lambda status, *_: said.append(status)))
        return json.loads(body)  # type: ignore[no-any-return]

    studies = get("/api/studies")["study_summaries"]
    assert isinstance(studies, list)
    assert {one["study_name"] for one in studies} == {
        f"{name}, seed {seed}, supernet 0" for name in ("ean", "<b>bold</b>") for seed in (0, 1)
    }
    detail = get(f"/api/studies/{studies[0]['study_id']}")
    assert len(detail["trials"]) == 5  # type: ignore[arg-type]
    assert said == ["200 OK", "200 OK"]


def test_an_existing_file_is_left_alone(small: RunRecords, tmp_path: Path) -> None:
    path = tmp_path / "mine.db"
    path.write_text("precious")
    with pytest.raises(UsageError, match=r"mine\.db exists; choose another file"):
        write_studies(small, path)
    assert path.read_text() == "precious"
