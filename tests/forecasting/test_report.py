"""The BLAS kernel that a manifest records, against the one that is forced."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lstmcast.forecasting.report import blas, library_versions

PROGRAM = "from lstmcast.forecasting.report import blas; print(blas()['blas_kernel'])"


def test_libraries_include_blas() -> None:
    """Name and version of BLAS are always known, its kernel where it is OpenBLAS."""
    found = library_versions()
    assert {"lstmcast", "numpy", "blas"} <= set(found)
    assert ("openblas" in found["blas"]) == ("blas_kernel" in found)


@pytest.mark.skipif("blas_kernel" not in blas(), reason="needs OpenBLAS")
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="needs the kernels of x86-64")
def test_the_kernel_in_use_is_recorded() -> None:
    """A process in which another kernel is forced records that one."""
    for kernel in ("Nehalem", "Sandybridge"):
        env = {**os.environ, "OPENBLAS_CORETYPE": kernel}
        ran = subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=True)
        assert ran.stdout.strip() == kernel
