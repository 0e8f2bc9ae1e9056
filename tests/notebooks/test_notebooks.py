"""The notebooks run from top to bottom against a real server, and say what is true."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path, live_server):
    notebook = nbformat.read(path, as_version=4)
    environment = {**os.environ, "MAPSERVICE_URL": live_server, "MPLBACKEND": "agg"}
    NotebookClient(notebook, timeout=120).execute(env=environment)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]


def test_layers_notebook_counts_and_draws(live_server):
    path = next(path for path in NOTEBOOKS if path.stem == "layers")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120).execute(env={**os.environ, "MAPSERVICE_URL": live_server})
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(str(output.get("data", {})) for output in outputs)
    assert "'wards': 17" in text
    assert "Laycock" in text
    assert "image/png" in text
