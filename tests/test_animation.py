"""Animations: they can be played back, and a file appears whole or not at all."""

import av
import numpy as np
import PIL.Image
import pytest
import torch

from stylelib.figures import save_animation
from stylelib.images import to_array
from stylelib.support import animation
from stylelib.support.errors import InputError


def picture(height=40, width=60, level=0.5):
    return torch.full((1, 3, height, width), level)


def levels(count, height=48, width=64):
    return [picture(height, width, (index + 1) / (count + 1)) for index in range(count)]


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_gif_has_every_frame_for_its_time(count, tmp_path):
    path = save_animation(levels(count), tmp_path / "run.gif", seconds=1.8, hold=1.0)
    durations = []
    with PIL.Image.open(path) as image:
        assert (image.size, image.n_frames) == ((64, 48), count)
        for index, frame in enumerate(levels(count)):
            image.seek(index)
            durations.append(image.info.get("duration", 0))
            assert np.abs(np.asarray(image.convert("RGB")).astype(int) - to_array(frame)).max() <= 3
        assert count == 1 or image.info["loop"] == 0
    if count > 1:
        assert durations[:-1] == [1800 // count] * (count - 1) and durations[-1] == 1800 // count + 1000


@pytest.mark.parametrize("height, width", [(48, 64), (47, 64), (48, 63), (43, 65)])
def test_an_mp4_can_be_decoded_again(height, width, tmp_path):
    frames = levels(8, height, width)
    path = save_animation(frames, tmp_path / "run.mp4", seconds=2, hold=1)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        assert stream.codec_context.name == "h264" and stream.average_rate == 4
    assert len(decoded) == 8 + 4  # the last frame is held for a second
    for frame, shown in zip([*frames, *[frames[-1]] * 4], decoded, strict=True):
        assert shown.shape == (height - height % 2, width - width % 2, 3)
        assert np.abs(shown.astype(int) - to_array(frame)[: shown.shape[0], : shown.shape[1]]).max() <= 8


@pytest.mark.parametrize("ending", [".gif", ".mp4"])
@pytest.mark.parametrize(
    "frames, options, said",
    [
        ([], {}, "at least one frame"),
        ([picture(), picture(40, 62)], {}, "all have the same size"),
        ([picture()], {"seconds": 0}, "more than 0 seconds"),
        ([picture()], {"seconds": -1}, "more than 0 seconds"),
        ([picture()], {"seconds": float("nan")}, "more than 0 seconds"),
        ([picture()], {"hold": -1}, "more than 0 seconds"),
        ([picture()], {"seconds": "long"}, "more than 0 seconds"),
        ([picture()], {"seconds": float("inf")}, "more than 0 seconds"),
        (None, {}, "a run's frames, run.frames; got None"),
        (["riverside"], {}, "as load_image returns it; got 'riverside'"),
    ],
)
def test_an_animation_that_cannot_be_is_refused(frames, options, said, ending, tmp_path):
    with pytest.raises(InputError, match=said):
        save_animation(frames, tmp_path / f"run{ending}", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_runs_frames_are_an_animation_as_they_are(tmp_path):
    path = save_animation(dict(enumerate(levels(3))), tmp_path / "run.gif")
    with PIL.Image.open(path) as image:
        assert image.n_frames == 3


@pytest.mark.parametrize("path", [None, 3])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(InputError, match=f"Give the path of a file, which ends in .gif or .mp4; got {path}"):
        save_animation(levels(2), path)


def test_an_animation_has_one_of_two_endings(tmp_path):
    with pytest.raises(InputError, match=r"must end in \.gif or \.mp4"):
        save_animation(levels(2), tmp_path / "run.avi")


@pytest.mark.parametrize("ending, writer", [(".gif", "_write_gif"), (".mp4", "_write_mp4")])
def test_an_animation_that_fails_half_way_leaves_the_old_one(ending, writer, tmp_path, monkeypatch):
    path = save_animation(levels(2), tmp_path / f"run{ending}")
    before = path.read_bytes()

    def fail(arrays, file, seconds, hold):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(animation, writer, fail)
    with pytest.raises(InputError, match="No space left on device"):
        save_animation(levels(3), path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
