"""What this machine can do, and what is wrong with it: the facts behind `throng doctor`."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from throng.gpu import rawgl
from throng.gpu.context import INSTALL_EGL, LACKS, TO_FIX, Capabilities, create_headless

_LIBRARIES = ("throng", "moderngl", "glcontext", "numpy", "glfw", "pyrr", "pillow")
_MARK = "throng-probe:"  # before the result, since drivers print what they like
PROBE = "from throng.gpu import doctor; doctor.main()"


def doctor_report(timeout: float = 60.0) -> dict[str, Any]:
    """What `throng doctor` shows, as plain values for JSON. Never raises.

    OpenGL is tried in a process of its own, so that neither a crash nor a hang of the driver is ours;
    `timeout` in seconds. "problems" is a list of {"problem": ..., "fix": ...}, empty where headless rendering
    works; "notes" has the same form and holds what may well be intended, such as rendering on the CPU.
    "lacks" of a mode lists the switches of Options that it has no use for.
    """
    problems: list[dict[str, str]] = []
    probe = _run_probe(timeout)
    if "failure" in probe:
        problems.append({"problem": probe["failure"], "fix": probe["fix"]})
    notes = []
    opengl = probe.get("opengl")
    if opengl and opengl["is_software"]:
        fix = "install the GPU's driver; in a container, start it with --gpus all and "
        fix += "NVIDIA_DRIVER_CAPABILITIES=all"
        notes.append({"problem": f"OpenGL runs on the CPU ({opengl['renderer']})", "fix": fix})
    display = {name: os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")}
    if sys.platform.startswith("linux") and not any(display.values()):
        fix = "run in a desktop session, or under xvfb-run"
        notes.append(
            {"problem": "windows cannot be opened: there is no DISPLAY or WAYLAND_DISPLAY", "fix": fix}
        )
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "display": display,
        "egl_devices": probe.get("egl_devices", []),
        "opengl": opengl,
        "modes": probe.get("modes", {}),
        "problems": problems,
        "notes": notes,
    }


def probe() -> dict[str, Any]:
    """Devices, capabilities and modes of this process. Raises what creating a context raises."""
    result: dict[str, Any] = {"egl_devices": [asdict(device) for device in rawgl.egl_devices()]}
    try:
        ctx = create_headless()
        capabilities = Capabilities.of(ctx)
    except Exception as error:
        result["failure"], _, fix = str(error).partition(TO_FIX)
        result["fix"] = fix or INSTALL_EGL
        return result
    result["opengl"] = asdict(capabilities)
    result["modes"] = {
        mode: {"available": missing is None, "reason": missing, "lacks": LACKS[mode]}
        for mode, missing in capabilities.modes().items()
    }
    ctx.release()
    return result


def _run_probe(timeout: float) -> dict[str, Any]:
    # A checkout that is on sys.path by hand must be found by the child as well.
    paths = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    reinstall = "update the graphics driver, or render on the CPU with LIBGL_ALWAYS_SOFTWARE=1"
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROBE],
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        return {"failure": f"the graphics driver did not answer within {timeout:g} seconds", "fix": reinstall}
    except OSError as error:
        return {
            "failure": f"no process could be started to try OpenGL in: {error}",
            "fix": "free some memory",
        }
    for line in done.stdout.splitlines():
        if line.startswith(_MARK):
            result: dict[str, Any] = json.loads(line.removeprefix(_MARK))
            return result
    last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    return {"failure": f"trying OpenGL ended with code {done.returncode}: {last}", "fix": reinstall}


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def main() -> None:
    """What the child process runs."""
    print(_MARK + json.dumps(probe()), flush=True)
