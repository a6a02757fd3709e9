"""The doctor works on the sickest machine."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from throng.gpu import doctor


def test_a_machine_that_can_draw() -> None:
    report = json.loads(json.dumps(doctor.doctor_report()))
    assert report["problems"] == []
    assert report["opengl"]["version_code"] >= 330
    lacks = ["cull", "lod", "occlusion", "splat"]
    assert report["modes"]["naive"] == {"available": True, "reason": None, "lacks": lacks}
    assert report["modes"]["instanced"]["lacks"] == ["occlusion", "splat"]
    assert report["libraries"]["moderngl"].startswith("5.")
    assert report["python"].startswith("3.")


def test_a_machine_without_drivers(run_python: Callable[..., str]) -> None:
    code = "import json; from throng.gpu import doctor; print(json.dumps(doctor.doctor_report()))"
    report = json.loads(run_python("-c", code, __EGL_VENDOR_LIBRARY_FILENAMES="/nonexistent", DISPLAY=""))
    (problem,) = report["problems"]
    assert problem["problem"] == "EGL is installed, but it has no driver and so no device"
    assert "apt-get install" in problem["fix"]
    assert (report["egl_devices"], report["opengl"], report["modes"]) == ([], None, {})
    assert "no DISPLAY" in report["notes"][0]["problem"]


def test_a_driver_that_hangs() -> None:
    (problem,) = doctor.doctor_report(timeout=0.01)["problems"]
    assert problem["problem"] == "the graphics driver did not answer within 0.01 seconds"


def test_a_driver_that_crashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PROBE", "import os; os.abort()")
    (problem,) = doctor.doctor_report()["problems"]
    assert problem["problem"] == "trying OpenGL ended with code -6: it said nothing"
    assert "LIBGL_ALWAYS_SOFTWARE=1" in problem["fix"]
