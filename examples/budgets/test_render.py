"""The same with pytest: TEST_RENDER is the test program, TRACKER the command (default: tracker)."""
import os
import subprocess

import pytest

TRACKER = os.environ.get("TRACKER", "tracker")


@pytest.fixture
def check(tmp_path):
    """Runs a program recorded, and holds it against budgets: the exit status, 3 when a check failed."""
    def run(budgets, *argv):
        return subprocess.run([TRACKER, "run", "-q", "-o", tmp_path / "out.bin", "--check", budgets, "--", *argv], check=False).returncode
    return run


def test_memory(check):
    assert check("--max-peak 96K --max-leak 0 --no-alloc-under draw", os.environ["TEST_RENDER"]) == 0


def test_forgetting_is_found(check):
    assert check("--max-leak 0", os.environ["TEST_RENDER"], "forget") == 3
