"""The API does what its OpenAPI document says, whatever it is asked: found out by schemathesis."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.conformance.record import Result

ROOT = Path(__file__).parents[2]
HERE = "tests.conformance"
SEED = "20"
# That a cursor is one of ours, or west not east of east in metres, cannot be said in a schema.
SOME = re.compile(r"^/[a-z]*$|^/collections/(wards-2022|hubs|potential-green-spaces)(/|$)")
NOT_SAID = [positive_data_acceptance]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_answers_are_as_described(app, mode):
    described = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    tried = 0
    for found in described.get_all_operations():
        operation = found.ok()
        if not SOME.search(operation.path) or operation.method.upper() != "GET":
            continue

        @settings(
            max_examples=4, deadline=None, derandomize=True, database=None,
            suppress_health_check=[*HealthCheck], phases=[Phase.generate],
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case):
            # A compressed body is for HTTP clients to unpack, and this is none.
            case.call_and_validate(excluded_checks=NOT_SAID, headers={"Accept-Encoding": "identity"})

        try:
            check()
        except Unsatisfiable:  # what takes no parameter cannot be asked wrongly
            continue
        tried += 1
    assert tried >= 10


# With one worker: with two, hypothesis parses source in two threads at once, which Python 3.11 cannot.
@pytest.mark.conformance
def test_every_operation_in_breadth(live_server, folder, recorded):
    done = subprocess.run(
        [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()",
         "--config-file", str(Path(__file__).with_suffix(".toml").with_stem("schemathesis")), "run",
         f"{live_server}/api/openapi.json", "--seed", SEED, "--max-examples", "10", "--workers", "1",
         "--phases", "examples,coverage,fuzzing", "--exclude-checks", "positive_data_acceptance",
         "--generation-database", "none", "--continue-on-failure", "--no-color"],
        capture_output=True, text=True, timeout=1800, cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": f"{HERE}.schemathesis_hooks", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    cases = re.search(r"(\d+) generated", done.stdout)
    operations = re.search(r"Tested: (\d+)", done.stdout)
    failed = re.search(r"(\d+) unique failures", done.stdout)
    assert cases, done.stdout[-3000:] + done.stderr[-3000:]
    broken = re.search(r"Runtime Error: (\d+)", done.stdout)
    wrong = int(failed[1]) if failed else 0
    recorded(
        Result(
            "schemathesis",
            schemathesis.__version__,
            f"{operations[1]} operations",
            int(cases[1]) - wrong,
            wrong,
            0,
            f"calls; seed {SEED}"
            + (f"; in {broken[1]} operations the suite itself broke off" if broken else ""),
        )
    )
    assert done.returncode == 0, done.stdout[-8000:]
