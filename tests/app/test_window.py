"""The window, under real keys and a real mouse: each test looks at what they change."""

from __future__ import annotations

import math
import re
import signal
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import throng
from throng.gallery import Demo

if TYPE_CHECKING:
    from tests.app.conftest import Program, State

Open = Callable[..., "Program"]

BOXES = '''\
"""Boxes: three colours of them, and a crowd that moves."""
import numpy as np
import throng

COUNT = 40


def build(count: int, seed: int) -> throng.Scene:
    random = np.random.default_rng(seed)
    scene = throng.Scene(background=(0.2, 0.3, 0.5))
    for x, color in ((-2, (0.9, 0.2, 0.1)), (0, (0.1, 0.8, 0.2)), (2.5, (0.9, 0.9, 0.1))):
        scene.add(throng.Node(throng.shapes.box(), position=(x, 0.3 * x, 0), color=color))
    scene.add(throng.Crowd(throng.shapes.cone(), positions=random.uniform(-4, 4, (count, 3)) - (0, 0, 5),
                           scales=np.full(count, 0.4), name="cones"))
    return scene


def camera(scene: throng.Scene, seconds: float) -> throng.Camera:
    return throng.Camera((1, 2, 8), (0, 0.5, 0), fov=50)


def update(scene: throng.Scene, seconds: float) -> None:
    scene.time = seconds
    scene.children[0].position = (-2 + 0.1 * seconds, -0.6, 0)
'''

# Shows the boxes, and tells what each frame was drawn with. What a test wants otherwise stands in `before`.
WATCHED = """\
import dataclasses, json, sys, time
import boxes, throng
from throng import window

class Watched(throng.Renderer):
    frames = 0

    def draw(self, scene, camera, framebuffer, **others):
        super().draw(scene, camera, framebuffer, **others)
        self.frames += 1
        print(json.dumps({
            "frames": self.frames, "seconds": scene.time, "mode": self.stats.mode,
            "viewport": framebuffer.viewport[2:], "position": camera.position.tolist(),
            "target": camera.target.tolist(), "height": camera.height,
            "options": dataclasses.asdict(self.options), "frozen": self.frozen,
        }), flush=True)

def update(seconds):
    time.sleep(0.005)  # leaves the processor to others
    boxes.update(scene, seconds)

scene = boxes.build(40, 0)
window.Renderer = Watched
settings = {"size": (320, 240), "title": "boxes", "update": update}
camera = boxes.camera(scene, 0.0)
BEFORE
throng.show(scene, camera, **settings)
print("shown", flush=True)
"""


@pytest.fixture
def boxes(tmp_path: Path) -> Demo:
    """The boxes as a scene file beside the programs that are opened."""
    (tmp_path / "boxes.py").write_text(BOXES)
    return Demo("boxes", tmp_path / "boxes.py")


@pytest.fixture
def watch(opened: Open, boxes: Demo, tmp_path: Path) -> Open:
    """watch("code"): the boxes shown in a window that has drawn a frame."""

    def start(before: str = "") -> Program:
        (tmp_path / "watched.py").write_text(WATCHED.replace("BEFORE", textwrap.dedent(before)))
        program = opened("watched.py")
        program.reaches(lambda state: state["frames"] >= 1, "a frame was drawn")
        assert program.window
        return program

    return start


def picture_of(path: Path) -> npt.NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def differing(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    """The share of pixels that differ by more than 2 of 255."""
    assert one.shape == other.shape
    return float((np.abs(one.astype(int) - other).max(axis=2) > 2).mean())


def saved(program: Program) -> Path:
    """The picture that F12 saves."""
    before = len(program.out)
    program.key("F12")

    def name() -> str:
        return next((line for line in program.out[before:] if line.startswith("saved ")), "")

    return program.folder / program.until(name, "a picture was saved").removeprefix("saved ")


def title_of(program: Program) -> str:
    """The title, once it has figures."""

    def title() -> str:
        text = program.title
        return text if "fps" in text else ""

    return program.until(title, "the title had figures")


def arm(state: State) -> npt.NDArray[np.float64]:
    return np.array(state["position"], np.float64) - np.array(state["target"], np.float64)


def azimuth(state: State) -> float:
    x, _, z = arm(state)
    return math.degrees(math.atan2(x, z))


def distance(state: State) -> float:
    return float(np.linalg.norm(arm(state)))


def near(one: Any, other: Any, tolerance: float = 1e-6) -> bool:
    return bool(np.allclose(one, other, atol=tolerance))


# -- the mouse ---------------------------------------------------------------------------------------------


def test_a_drag_turns_the_camera_round_its_target(watch: Open) -> None:
    program = watch()
    before = program.state
    program.drag((160, 120), (220, 120))  # a quarter of the height: 45 degrees
    after = program.reaches(
        lambda state: near(azimuth(state), azimuth(before) - 45.0, 0.01),
        "the camera had turned by 45 degrees",
    )
    assert near(after["target"], before["target"])
    assert near(distance(after), distance(before))
    assert near(after["position"][1], before["position"][1])
    program.drag((160, 120), (160, 140))
    program.reaches(
        lambda state: state["position"][1] > before["position"][1] + 0.5, "a drag down had raised the camera"
    )


@pytest.mark.parametrize("way", ["right button", "middle button", "Shift"])
def test_a_drag_pans_with_another_button_or_shift(watch: Open, way: str) -> None:
    program = watch()
    before = program.state
    if way == "Shift":
        with program.holding("shift"):
            program.drag((160, 120), (220, 120))
            moved = program.reaches(
                lambda state: not near(state["target"], before["target"]), "it had panned"
            )
    else:
        program.drag((160, 120), (220, 120), button=3 if way == "right button" else 2)
    span = 2 * math.tan(math.radians(25)) * distance(before)
    moved = program.reaches(
        lambda state: near(np.linalg.norm(np.subtract(state["target"], before["target"])), span / 4, 1e-3),
        "the target had moved a quarter of the picture's height",
    )
    assert near(arm(moved), arm(before))
    assert moved["target"][0] < before["target"][0], "what was in the middle follows the cursor to the right"


def test_the_wheel_zooms_in_and_out(watch: Open) -> None:
    program = watch()
    before = program.state
    program.move((100, 100))
    program.wheel(3)
    program.reaches(
        lambda state: near(distance(state), distance(before) * 0.88**3, 1e-4), "three notches had come closer"
    )
    program.wheel(-3)
    after = program.reaches(lambda state: near(distance(state), distance(before), 1e-4), "it was back")
    assert near(after["target"], before["target"])


def test_moving_the_mouse_with_no_button_down_changes_nothing(watch: Open) -> None:
    program = watch()
    before = program.state
    program.move((30, 30))
    program.move((200, 200))
    program.wheel(1)  # comes after the moves, so that they have been dealt with when it shows
    after = program.reaches(lambda state: not near(distance(state), distance(before)), "it had zoomed")
    assert near(after["target"], before["target"])
    assert near(arm(after) / distance(after), arm(before) / distance(before))


def test_a_quick_drag_counts_even_where_frames_are_slow(watch: Open) -> None:
    """Press, moves and release all lie between two frames."""
    program = watch("update = lambda seconds: time.sleep(0.4)\nsettings['update'] = update")
    before = program.state
    program.drag((160, 120), (220, 120))
    program.reaches(
        lambda state: near(azimuth(state), azimuth(before) - 45.0, 0.01),
        "the camera had turned by 45 degrees",
    )


# -- the keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "direction"),
    [
        ("w", (0, 0, -1)),
        ("s", (0, 0, 1)),
        ("a", (-1, 0, 0)),
        ("d", (1, 0, 0)),
        ("q", (0, -1, 0)),
        ("e", (0, 1, 0)),
    ],
)
def test_keys_fly(watch: Open, key: str, direction: tuple[int, int, int]) -> None:
    program = watch("camera = throng.Camera((0, 0, 8), (0, 0, 0))")
    before = program.state
    with program.holding(key):
        after = program.reaches(
            lambda state: float(np.dot(np.subtract(state["position"], before["position"]), direction)) > 0.5,
            f"{key} had moved the camera",
        )
    way = np.subtract(after["position"], before["position"])
    assert near(way / np.linalg.norm(way), direction)
    assert near(arm(after), arm(before)), "the target flies along"


def test_a_key_tapped_between_two_slow_frames_flies_all_the_same(watch: Open) -> None:
    program = watch("update = lambda seconds: time.sleep(0.4)\nsettings['update'] = update")
    before = program.state
    program.key("w")
    program.reaches(lambda state: not near(state["position"], before["position"]), "it had flown")


def test_flying_ends_with_the_key(watch: Open) -> None:
    program = watch()
    before = program.state
    with program.holding("d"):
        program.reaches(lambda state: not near(state["position"], before["position"]), "it flew")
    program.wheel(1)  # the key is up when this shows
    program.reaches(lambda state: near(distance(state), distance(before) * 0.88, 1e-4), "it had zoomed")
    still = program.state
    later = program.reaches(lambda state: state["frames"] > still["frames"] + 10, "ten more frames")
    assert near(later["position"], still["position"])


def test_space_pauses_and_goes_on(watch: Open) -> None:
    program = watch()
    program.reaches(lambda state: state["seconds"] > 0.1, "time passed")
    program.key("space")

    def stands() -> bool:
        one = program.state
        later = program.reaches(lambda state: state["frames"] > one["frames"] + 5, "five more frames")
        return bool(later["seconds"] == one["seconds"])

    program.until(stands, "time stood still")
    stopped = program.state
    program.key("space")
    program.reaches(lambda state: state["seconds"] > stopped["seconds"] + 0.05, "time passed again")


def test_r_starts_again_and_gives_the_view_back(watch: Open) -> None:
    program = watch()
    before = program.state
    program.wheel(2)
    program.reaches(lambda state: near(distance(state), distance(before) * 0.88**2, 1e-4), "it had zoomed")
    late = program.reaches(lambda state: state["seconds"] > 0.3, "time passed")
    program.key("r")
    after = program.reaches(lambda state: state["seconds"] < late["seconds"], "time had begun again")
    assert near(after["position"], before["position"])


def test_m_switches_the_mode_and_the_picture_stays(watch: Open) -> None:
    program = watch("settings['step'] = 0.0")
    assert program.state["mode"] == "indirect", "llvmpipe can do all of them"
    pictures = {"indirect": picture_of(saved(program))}
    for mode in ("instanced", "naive", "indirect"):
        program.key("m")
        program.reaches(lambda state, mode=mode: state["mode"] == mode, f"the mode was {mode}")  # type: ignore[misc]
        program.until(lambda mode=mode: program.title.endswith(f" - {mode}"), f"the title named {mode}")  # type: ignore[misc]
        pictures[mode] = picture_of(saved(program))
    # Shadow maps have levels of detail and splats, which not every mode has.
    assert differing(pictures["instanced"], pictures["indirect"]) <= 0.01
    assert differing(pictures["naive"], pictures["indirect"]) <= 0.01


@pytest.mark.parametrize(("key", "switch"), [("c", "cull"), ("l", "lod"), ("o", "occlusion"), ("p", "splat")])
def test_keys_switch_options_off_and_on(watch: Open, key: str, switch: str) -> None:
    program = watch()
    usual = program.state["options"]
    assert usual[switch] is True
    program.key(key)
    state = program.reaches(lambda state: not state["options"][switch], f"{switch} was off")
    assert state["options"] == {**usual, switch: False}, "nothing else was switched"
    program.until(lambda: program.title.endswith(f" - indirect, no {switch}"), "the title told")
    program.key(key)
    program.reaches(lambda state: state["options"] == usual, f"{switch} was on")
    program.until(lambda: program.title.endswith(" - indirect"), "the title told")


def test_switches_stay_off_in_the_next_mode(watch: Open) -> None:
    program = watch()
    for key in ("o", "c"):
        program.key(key)
    program.until(lambda: program.title.endswith(" - indirect, no cull, no occlusion"), "both were off")
    program.key("m")
    program.until(lambda: program.title.endswith(" - instanced, no cull, no occlusion"), "both were off")


def test_v_takes_the_next_debug_view(watch: Open) -> None:
    program = watch()
    usual = program.state["options"]
    assert usual["debug"] is None
    for debug in ("lod", "cell", "splat"):
        program.key("v")
        options = {**usual, "debug": debug}
        program.reaches(lambda state, options=options: state["options"] == options, f"it was {debug}")  # type: ignore[misc]
        end = f" - indirect, colours by {debug}"
        program.until(lambda end=end: program.title.endswith(end), "the title told")  # type: ignore[misc]
    program.key("v")
    program.reaches(lambda state: state["options"] == usual, "the colours were the scene's")
    program.until(lambda: program.title.endswith(" - indirect"), "the title told")


def test_f_freezes_and_thaws_what_is_drawn(watch: Open) -> None:
    program = watch()
    assert program.state["frozen"] is False
    program.key("f")
    program.reaches(lambda state: state["frozen"], "it was frozen")
    program.until(lambda: program.title.endswith(" - indirect, frozen"), "the title told")
    before = program.state
    program.drag((160, 120), (220, 120))
    program.reaches(
        lambda state: state["frozen"] and near(azimuth(state), azimuth(before) - 45.0, 0.01),
        "the camera turns all the same",
    )
    program.key("f")
    program.reaches(lambda state: not state["frozen"], "it was thawed")
    program.until(lambda: program.title.endswith(" - indirect"), "the title told")


def test_the_title_tells_time_counts_and_mode(watch: Open) -> None:
    program = watch()
    title = title_of(program)
    form = r"boxes - [\d.]+ ms, \d+ fps - [\d,]+ of 43 instances, [\d,]+ triangles, draws: [124] - indirect"
    assert re.fullmatch(form, title), title


def test_f11_fills_the_screen_and_goes_back(watch: Open) -> None:
    program = watch("settings['step'] = 0.0")
    program.key("F11")
    program.reaches(lambda state: state["viewport"] == [1024, 768], "the window filled the screen")
    picture = picture_of(saved(program))
    program.until(lambda: program.seen().shape == picture.shape, "the window filled the screen")
    program.until(lambda: differing(program.seen(), picture) <= 0.001, "all of it showed the same picture")
    program.key("F11")
    program.reaches(lambda state: state["viewport"] == [320, 240], "the window was as before")
    program.key("space")  # and still listens
    program.until(lambda: program.seen().shape == (240, 320, 3), "the window was as before")


def test_a_resized_window_draws_in_its_new_size(watch: Open) -> None:
    program = watch("settings['step'] = 0.0")
    program.resize(500, 200)
    program.reaches(lambda state: state["viewport"] == [500, 200], "the viewport had followed")
    picture = picture_of(saved(program))
    assert picture.shape == (200, 500, 3)
    program.until(lambda: differing(program.seen(), picture) <= 0.001, "the window showed the same picture")


def test_escape_closes(watch: Open) -> None:
    program = watch()
    program.key("Escape")
    assert program.ends() == 0
    assert program.out[-1] == "shown"
    assert program.err == []


# -- pictures ----------------------------------------------------------------------------------------------


def test_the_window_its_screenshot_and_a_headless_picture_are_the_same(watch: Open, boxes: Demo) -> None:
    program = watch("settings['step'] = 0.0")
    scene = boxes.build(40, 0)
    boxes.update(scene, 0.0)
    headless = throng.render(scene, boxes.camera(scene, 0.0), (320, 240)).color[..., :3]
    assert len(np.unique(headless.reshape(-1, 3), axis=0)) > 20, "a picture with something in it"
    path = saved(program)
    assert re.fullmatch(r"throng-\d{8}-\d{6}\.png", path.name)
    assert differing(picture_of(path), headless) <= 0.001
    program.until(lambda: differing(program.seen(), headless) <= 0.001, "the window showed the same")


def test_samples_smooth_the_edges_in_the_window_and_in_its_screenshots(watch: Open, boxes: Demo) -> None:
    program = watch("settings |= {'step': 0.0, 'samples': 4}")
    scene = boxes.build(40, 0)
    boxes.update(scene, 0.0)
    headless = throng.render(scene, boxes.camera(scene, 0.0), (320, 240), samples=4).color[..., :3]
    plain = throng.render(scene, boxes.camera(scene, 0.0), (320, 240)).color[..., :3]
    assert differing(headless, plain) > 0.005, "there are edges to smooth"
    assert differing(picture_of(saved(program)), headless) <= 0.001
    # The driver mixes the samples of a window as they are encoded, a headless renderer in linear light.
    seen = program.seen()
    assert 0.005 < differing(seen, plain) < 0.05
    assert differing(seen, headless) < 0.05


def test_the_view_in_hand_is_what_the_window_shows(watch: Open, boxes: Demo) -> None:
    program = watch("settings['step'] = 0.0")
    before = program.state
    program.drag((160, 120), (190, 150))
    program.reaches(lambda s: near(azimuth(s), azimuth(before) - 22.5, 0.01), "the camera had turned")
    state = program.reaches(lambda s: s["position"][1] > before["position"][1], "the camera had risen")
    state = program.state
    camera = throng.Camera(state["position"], state["target"], fov=50)
    scene = boxes.build(40, 0)
    boxes.update(scene, 0.0)
    headless = throng.render(scene, camera, (320, 240)).color[..., :3]
    program.until(lambda: differing(program.seen(), headless) <= 0.001, "the window showed the same")


def test_screenshots_of_one_second_do_not_overwrite_each_other(watch: Open, tmp_path: Path) -> None:
    program = watch()
    paths = {saved(program) for _ in range(3)}
    assert len(paths) == 3
    assert set(tmp_path.glob("*.png")) == paths


@pytest.mark.parametrize("trouble", ["no folder", "disk full"])
def test_a_screenshot_that_cannot_be_saved_does_not_end_the_show(
    watch: Open, tmp_path: Path, trouble: str
) -> None:
    (tmp_path / "shots").mkdir()
    program = watch(
        """
        from PIL import Image
        def save(self, file):
            open(file, "wb").write(b"half of it")
            raise OSError(28, "No space left on device")
        Image.Image.save = save
        settings["screenshots"] = "shots"
        """
    )
    if trouble == "no folder":
        (tmp_path / "shots").rmdir()
    program.key("F12")
    program.until(lambda: any("could not be saved" in line for line in program.out), "the failure was told")
    frames = program.state["frames"]
    program.reaches(lambda state: state["frames"] > frames, "the show went on")
    assert list((tmp_path / "shots").glob("*")) == []


def test_a_screen_of_more_pixels_than_units_is_drawn_in_pixels(watch: Open) -> None:
    """HiDPI: the cursor moves in units, the picture has pixels."""
    program = watch(
        """
        import glfw
        glfw.get_framebuffer_size = lambda handle: tuple(2 * side for side in glfw.get_window_size(handle))
        """
    )
    before = program.state
    assert before["viewport"] == [640, 480]
    assert picture_of(saved(program)).shape == (480, 640, 3)
    program.drag((160, 120), (220, 120))
    program.reaches(
        lambda state: near(azimuth(state), azimuth(before) - 45.0, 0.01),
        "a quarter of the window's height turned it",
    )


def test_a_window_without_pixels_waits(watch: Open) -> None:
    """As an iconified one on some systems: no frames, no error, and Esc still works."""
    program = watch(
        """
        import glfw
        shown = glfw.get_framebuffer_size
        glfw.get_framebuffer_size = lambda handle: (0, 0) if scene.time > 0.2 else shown(handle)
        """
    )
    program.key("F12")
    program.key("Escape")
    assert program.ends() == 0
    assert program.err == []


# -- how a show ends ---------------------------------------------------------------------------------------


def test_frames_end_the_show_and_step_sets_the_clock(watch: Open) -> None:
    program = watch("settings |= {'frames': 5, 'step': 0.25}")
    assert program.ends() == 0
    assert program.state["frames"] == 5
    assert program.state["seconds"] == 1.0


@pytest.mark.parametrize("place", ["update", "camera"])
def test_an_error_in_update_or_camera_comes_out_and_the_window_is_gone(
    opened: Open, boxes: Demo, place: str
) -> None:
    code = f"""
import boxes, glfw, throng
scene = boxes.build(4, 0)
def fails(seconds):
    if seconds > 0:
        raise KeyError("mine")
    return boxes.camera(scene, seconds)
try:
    throng.show(scene, **{{"camera": boxes.camera(scene, 0), "{place}": fails}}, size=(99, 99), step=0.1)
except KeyError as error:
    print(repr(error))
print(throng.render(scene, boxes.camera(scene, 0), (8, 8)).color.shape)
throng.show(scene, frames=2)
"""
    program = opened("-c", code)
    assert program.ends() == 0, program.text
    assert program.out == ["KeyError('mine')", "(8, 8, 4)"]
    assert program.err == []


def test_a_camera_function_that_returns_something_else_is_an_error(opened: Open, boxes: Demo) -> None:
    code = "import boxes, throng; throng.show(boxes.build(4, 0), camera=lambda seconds: 3, size=(99, 99))"
    program = opened("-c", code)
    assert program.ends() == 1
    assert program.err[-1].endswith("camera: expected a function that returns a Camera, got int 3")


def test_a_closed_window_leaves_nothing_behind(opened: Open, boxes: Demo) -> None:
    """Shows follow each other; a headless renderer works before, while and after a window is open."""
    code = """
import boxes, glfw, numpy as np, throng
scene = boxes.build(4, 0)
camera = boxes.camera(scene, 0)
with throng.Renderer((32, 24)) as renderer:
    first = renderer.render(scene, camera).color
    same = []
    def update(seconds):
        same.append(np.array_equal(renderer.render(scene, camera).color, first))
        same.append(np.array_equal(throng.render(scene, camera, (32, 24)).color, first))
    for _ in range(3):
        throng.show(scene, camera, (64, 48), update=update, frames=3)
    same.append(np.array_equal(renderer.render(scene, camera).color, first))
glfw.ERROR_REPORTING = "ignore"
print(len(same), all(same), glfw.get_timer_value())
"""
    program = opened("-c", code)
    assert program.ends() == 0, program.text
    assert program.out == ["19 True 0"], "glfw is ended as well"
    assert program.err == []


def test_a_program_that_uses_glfw_itself_keeps_it(opened: Open, boxes: Demo) -> None:
    code = """
import boxes, glfw, moderngl, throng
assert glfw.init()
glfw.window_hint(glfw.VISIBLE, False)
mine = glfw.create_window(50, 40, "mine", None, None)
glfw.make_context_current(mine)
own = moderngl.create_context()
reporting = glfw.ERROR_REPORTING
throng.show(boxes.build(4, 0), size=(64, 48), frames=2)
print(glfw.get_window_size(mine), glfw.ERROR_REPORTING == reporting)
glfw.swap_interval(0)  # needs the context that was current before
own.clear(1.0, 0.0, 0.0)
print(own.error)
glfw.swap_buffers(mine)
glfw.destroy_window(mine)
glfw.terminate()
"""
    program = opened("-c", code)
    assert program.ends() == 0, program.text
    assert program.out == ["(50, 40) True", "GL_NO_ERROR"]


def test_a_show_without_a_camera_sees_everything(opened: Open, boxes: Demo) -> None:
    code = """
import boxes, throng
scene = boxes.build(4, 0)
throng.show(scene, size=(64, 48), frames=1)
throng.show(throng.Scene(), size=(64, 48), frames=1)
print("done")
"""
    program = opened("-c", code)
    assert program.ends() == 0, program.text
    assert program.out == ["done"]


def test_another_thread_is_refused(opened: Open, boxes: Demo) -> None:
    code = """
import threading, boxes, throng
def run():
    try:
        throng.show(boxes.build(4, 0), frames=1)
    except throng.errors.ThreadError as error:
        print(error)
thread = threading.Thread(target=run)
thread.start()
thread.join()
"""
    program = opened("-c", code)
    assert program.ends() == 0, program.text
    assert program.out == ["show: expected the main thread, where windows live, got another one"]


# -- throng run --------------------------------------------------------------------------------------------


def test_throng_run_shows_a_demo_for_so_many_frames(opened: Open) -> None:
    program = opened("-m", "throng", "run", "grass", "--count", "50", "--size", "200x100", "--frames", "3")
    assert program.ends() == 0, program.text
    assert program.out == program.err == []


def test_throng_run_obeys_its_options(opened: Open, boxes: Demo) -> None:
    """A scene file by its path, in the size, number, seed, steps and mode asked for."""
    options = ["--count", "7", "--seed", "5", "--size", "160x120", "--step", "0", "--mode", "instanced"]
    program = opened("-m", "throng", "run", "boxes.py", *options)
    title = title_of(program)
    assert title.startswith("throng: boxes - ")
    assert " of 10 instances, " in title
    assert title.endswith(" - instanced")
    scene = boxes.build(7, 5)
    boxes.update(scene, 0.0)
    headless = throng.render(scene, boxes.camera(scene, 0.0), (160, 120)).color[..., :3]
    program.until(lambda: differing(program.seen(), headless) <= 0.001, "the window showed that very scene")
    assert differing(picture_of(saved(program)), headless) <= 0.001
    program.key("Escape")
    assert program.ends() == 0


def test_an_interrupt_ends_throng_run_with_130(opened: Open, boxes: Demo) -> None:
    code = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in a shell's background ignore it
sys.argv[1:] = ["run", "boxes.py", "--size", "99x99"]
from throng.cli import main
main()
"""
    program = opened("-c", code)
    program.until(lambda: "fps" in program.title, "it ran")
    program.send_signal(signal.SIGINT)
    assert program.ends() == 130
    assert program.err[-1] == "throng: interrupted"


def test_an_error_in_a_scene_file_names_the_line(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BOXES + "    if seconds > 0.1:\n        print(1 / 0)\n")
    program = opened("-m", "throng", "run", "broken.py", "--size", "99x99")
    assert program.ends() == 1
    line = BOXES.count("\n") + 2
    assert program.err == [f"throng: {tmp_path}/broken.py, line {line}: ZeroDivisionError: division by zero"]


def test_without_a_display_the_error_says_what_to_do(opened: Open, boxes: Demo) -> None:
    program = opened("-c", "import os, sys; os.environ.pop('DISPLAY'); sys.argv[1:] = ['run', 'grass']; "
                           "from throng.cli import main; main()")  # fmt: skip
    assert program.ends() == 1
    (line,) = program.err
    assert line.startswith("throng: no window can be opened: ")
    assert line.endswith(
        "run in a desktop session or under xvfb-run, or draw without a window: throng.render, throng render"
    )


def test_a_window_too_large_for_x_is_refused_before_x_ends_the_process(opened: Open, boxes: Demo) -> None:
    program = opened("-m", "throng", "run", "boxes.py", "--size", "99999x50", "--frames", "1")
    assert program.ends() == 2
    assert program.err == ["throng: size: expected at most 16384x16384, got 99999x50"]
