"""Settings are painted as the renderer expects them, the same everywhere, and unlike each other."""

from itertools import combinations

import cv2
import numpy as np
import pytest

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.theatre.scenery import NUM_VARIANTS, Scenery, paint
from unstrung.engine.theatre.script import Setting, TimeOfDay

HEIGHT = 64
DAY, NIGHT = TimeOfDay.DAY, TimeOfDay.NIGHT


def all_layers(scenery: Scenery):
    return (*scenery.layers, *((scenery.foreground,) if scenery.foreground else ()))


def square_view(scenery: Scenery, height: int = HEIGHT, x: float = 0.0) -> np.ndarray:
    """Join the layers as the middle 1:1 view shows them, (height, height, 3) in [0, 255]."""
    view = np.zeros((height, height, 3), np.float32)
    top = round(0.25 * height)
    for layer in all_layers(scenery):
        left = round((1.5 + x * layer.parallax) * height)
        part = layer.image[top : top + height, left : left + height].astype(np.float32)
        view = view * (1 - part[:, :, 3:] / 255) + part[:, :, :3]
    return view


@pytest.mark.parametrize("setting", Setting)
def test_every_setting_has_the_layers_the_renderer_expects(setting):
    scenery = paint(setting, DAY, 0, HEIGHT)
    assert 3 <= len(scenery.layers) <= 4
    assert (scenery.layers[0].image[:, :, 3] == 255).all()
    assert 0.25 <= scenery.ground <= 0.36
    for layer in all_layers(scenery):
        assert layer.image.shape == (HEIGHT * 3 // 2, HEIGHT * 4, 4)
        assert layer.image.dtype == np.uint8
        assert (layer.image[:, :, :3] <= layer.image[:, :, 3:]).all(), "not premultiplied"
        assert not layer.image.flags.writeable
    parallaxes = [layer.parallax for layer in scenery.layers]
    assert min(parallaxes) >= 0
    assert max(parallaxes) <= 1


@pytest.mark.parametrize("setting", Setting)
def test_foregrounds_stay_below_the_feet(setting):
    foreground = paint(setting, DAY, 0, HEIGHT).foreground
    if foreground is not None:
        above = foreground.image[: round((0.38 + 0.75) * HEIGHT), :, 3]
        assert above.max() == 0


def test_only_space_clouds_and_water_have_no_floor():
    floorless = {setting for setting in Setting if not paint(setting, DAY, 0, 32).has_floor}
    assert floorless == {Setting.SPACE, Setting.CLOUDS, Setting.UNDERWATER}


def test_painting_is_deterministic():
    first = paint(Setting.CITY, NIGHT, 1, HEIGHT)
    paint.cache_clear()
    again = paint(Setting.CITY, NIGHT, 1, HEIGHT)
    for one, other in zip(all_layers(first), all_layers(again), strict=True):
        np.testing.assert_array_equal(one.image, other.image)


@pytest.mark.parametrize("time_of_day", TimeOfDay)
def test_no_two_settings_look_alike(time_of_day):
    views = {}
    for setting in Setting:
        view = square_view(paint(setting, time_of_day, 0, HEIGHT))
        views[setting] = cv2.resize(view, (8, 8), interpolation=cv2.INTER_AREA)
    for one, other in combinations(Setting, 2):
        assert np.abs(views[one] - views[other]).mean() > 8, f"{one} looks like {other}"


@pytest.mark.parametrize("setting", Setting)
def test_times_of_day_and_variants_differ(setting):
    views = [square_view(paint(setting, time_of_day, 0, HEIGHT)) for time_of_day in TimeOfDay]
    views += [square_view(paint(setting, DAY, variant, HEIGHT)) for variant in (1, 2)]
    for one, other in combinations(views, 2):
        assert np.abs(one - other).mean() > 0.4


@pytest.mark.parametrize("setting", [Setting.SNOW, Setting.FOREST, Setting.CITY, Setting.CANDY])
def test_layout_does_not_depend_on_the_time_of_day(setting):
    by_day, by_night = (paint(setting, time_of_day, 0, HEIGHT) for time_of_day in (DAY, NIGHT))
    # Near hills and trees; lamps of the nearest layer may glow.
    np.testing.assert_array_equal(
        by_day.layers[1].image[:, :, 3], by_night.layers[1].image[:, :, 3]
    )
    np.testing.assert_array_equal(
        by_day.layers[2].image[:, :, 3], by_night.layers[2].image[:, :, 3]
    )


@pytest.mark.parametrize("setting", Setting)
def test_pictures_do_not_depend_on_the_resolution(setting):
    small = square_view(paint(setting, DAY, 0, 64), 64)
    large = square_view(paint(setting, DAY, 0, 128), 128)
    shrunk = cv2.resize(large, (64, 64), interpolation=cv2.INTER_AREA)
    assert np.abs(small - shrunk).mean() < 4


@pytest.mark.parametrize("setting", Setting)
def test_panorama_has_content_wherever_the_camera_pans(setting):
    scenery = paint(setting, DAY, 0, HEIGHT)
    for x in (-1.1, 0.0, 1.1):
        assert square_view(scenery, x=x).std() > 15


@pytest.mark.parametrize(("variant", "height"), [(NUM_VARIANTS, 64), (-1, 64), (0, 4)])
def test_unknown_variants_and_tiny_heights_are_refused(variant, height):
    with pytest.raises(InvalidRequest):
        paint(Setting.SEA, DAY, variant, height)
