"""Weather greys the distance, falls downwards, and leaves clear days alone."""

import numpy as np
import pytest

from unstrung.engine.theatre import weather
from unstrung.engine.theatre.script import Weather


def blue_day(height=64, width=64):
    return np.full((height, width, 3), (40, 90, 200), np.uint8)


def saturation(picture):
    return float(np.ptp(picture.astype(int), axis=-1).mean())


def fallen(kind, seconds, height=128):
    drops = weather.particles(kind, np.random.default_rng(2))
    canvas = np.zeros((height, height, 3), np.uint8)
    weather.draw(canvas, kind, drops, seconds)
    return canvas


def test_clear_days_are_left_alone():
    rng = np.random.default_rng(0)
    canvas = blue_day()
    weather.draw(canvas, Weather.CLEAR, weather.particles(Weather.CLEAR, rng), 1.0)
    assert np.array_equal(canvas, blue_day())
    assert np.array_equal(weather.veil(Weather.CLEAR, blue_day()), blue_day())


@pytest.mark.parametrize("kind", [Weather.RAIN, Weather.SNOWFALL, Weather.FOG])
def test_bad_weather_takes_colour_from_the_distance(kind):
    veiled = weather.veil(kind, blue_day())
    assert veiled.shape == (64, 64, 3)
    assert veiled.dtype == np.uint8
    assert saturation(veiled) < 0.9 * saturation(blue_day())


def test_fog_is_thicker_in_the_distance():
    veiled = weather.veil(Weather.FOG, blue_day())
    assert saturation(veiled[:8]) < saturation(veiled[-8:])


@pytest.mark.parametrize("kind", [Weather.RAIN, Weather.SNOWFALL])
def test_drops_are_seen_everywhere_and_move_down(kind):
    first = fallen(kind, 0.0)[..., 1] > 100
    assert 0.002 < first.mean() < 0.2
    assert all(part.any() for half in np.split(first, 2) for part in np.split(half, 2, axis=1))
    # A twelfth of a second later the same picture fits best a little lower.
    later = fallen(kind, 1 / 12)[..., 1] > 100
    shifts = range(-20, 21)
    fit = [(np.roll(first, shift, axis=0)[24:-24] & later[24:-24]).sum() for shift in shifts]
    assert shifts[int(np.argmax(fit))] > 0


def test_flakes_are_larger_than_a_pixel_at_training_size():
    assert (fallen(Weather.SNOWFALL, 0.0)[..., 0] > 128).sum() > 22 * 9


def test_fog_hangs_before_the_actors_too():
    canvas = blue_day()
    weather.draw(canvas, Weather.FOG, np.zeros((0, 3)), 0.0)
    assert 0.7 * saturation(blue_day()) < saturation(canvas) < saturation(blue_day())
