"""Scores beside their ceiling: what is drawn, what is marked, what is reported."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.factories import (
    LATENT_CHANNELS,
    PROPS,
    tiny_autoencoder,
    tiny_text_encoder,
    tiny_transformer,
)
from unstrung.cli import main
from unstrung.engine import evaluation, judging
from unstrung.engine.checkpoints import save_autoencoder, save_text_encoder, save_transformer
from unstrung.engine.denoising import Denoiser
from unstrung.engine.errors import Cancelled, CheckpointError, InvalidRequest
from unstrung.engine.evaluation import EvaluationReport, EvaluationRequest, evaluate
from unstrung.engine.fidelity import psnr_db, ssim
from unstrung.engine.pipeline import TextToVideo
from unstrung.engine.presets import TINY
from unstrung.engine.shapes import VideoShape
from unstrung.engine.theatre.oracle import (
    QUESTIONS,
    Oracle,
    OracleConfig,
    Reading,
    load_oracle,
    save_oracle,
)
from unstrung.engine.theatre.render import render
from unstrung.engine.theatre.script import FIELDS, Actor, Relation, Script, Setting, Shot
from unstrung.engine.theatre.script import script_is_held_out as is_held_out
from unstrung.engine.theatre.sprites import Sprites

QUICK = EvaluationRequest(
    num=3, num_pairs=2, num_steps=1, seconds=0.8, batch_size=2, cast=PROPS, guidance_scale=1.0
)


def tiny_model() -> TextToVideo:
    denoiser = Denoiser(tiny_transformer().eval(), tiny_text_encoder().eval(), "clean")
    preset = replace(TINY, latent_channels=LATENT_CHANNELS)
    return TextToVideo(preset, denoiser, tiny_autoencoder(decoder_channels=8))


def tiny_oracle(cast: tuple[str, ...] = PROPS) -> Oracle:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Oracle(OracleConfig(cast, (8, 8, 16), 16)).eval()


@pytest.fixture(scope="module")
def report() -> EvaluationReport:
    return evaluate(QUICK, tiny_model(), tiny_oracle())


class ScriptedOracle(Oracle):
    """Answers with a given actor, relation and setting, whatever it sees."""

    def __init__(self, actors: list[str], relation: Relation | None, setting: Setting) -> None:
        super().__init__(OracleConfig(PROPS, (8, 8, 16), 16))
        self.eval()
        self.scores = torch.tensor([[float(len(PROPS) * (name in actors)) for name in PROPS]])
        for rank, name in enumerate(actors):
            self.scores[0, PROPS.index(name)] -= rank
        self.told = {
            "relation": FIELDS["relation"].options.index(relation),
            "setting": list(Setting).index(setting),
        }

    def forward(self, frames: torch.Tensor) -> Reading:  # noqa: ARG002
        fields = []
        for field in QUESTIONS:
            answers = torch.zeros(1, len(field.options))
            answers[0, self.told.get(field.name, 0)] = 1.0
            fields.append(answers)
        return Reading(self.scores, tuple(fields))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"split": "train"}, "split"),
        ({"num": 0}, "num"),
        ({"seed": -1}, "seed"),
        ({"batch_size": 0}, "batch_size"),
        ({"num_pairs": -1}, "num_pairs"),
        ({"language": "de"}, "language"),
        ({"cast": ()}, "cast"),
        ({"cast": ("unicorn rider",)}, "actor"),
        ({"num_steps": 0}, "num_steps"),
        ({"size": "huge"}, "size"),
    ],
)
def test_a_request_outside_the_rules_names_its_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        replace(QUICK, **change)
    assert refused.value.field == field


@pytest.mark.parametrize("split", ["seen", "heldout", "ood"])
def test_every_scene_belongs_to_its_split(split: str) -> None:
    request = replace(QUICK, split=split, num=20, num_pairs=6)
    scripts = [scene.script for scene in evaluation._scenes(request)]
    assert len(scripts) == 32
    assert all(is_held_out(script) == (split != "seen") for script in scripts)
    assert {shot.relation for s in scripts[20:26] for shot in s.shots} == set(Relation)
    assert all(len(script.shots) == 2 for script in scripts[26:])
    assert all(actor.name in PROPS for s in scripts for shot in s.shots for actor in shot.actors)


def test_a_small_cast_without_held_out_pairs_does_not_search_for_ever() -> None:
    request = replace(QUICK, cast=("circle",))
    assert evaluation._related_scripts(request) == []


def test_scenes_captions_and_noise_follow_the_seed() -> None:
    one, again, other = (evaluation._scenes(replace(QUICK, seed=seed)) for seed in (4, 4, 5))
    assert one == again
    assert one != other
    assert len({scene.noise_seed for scene in one + other}) == len(one) + len(other)


def test_a_report_holds_every_category_with_its_ceiling(report: EvaluationReport) -> None:
    singles = ("actor", "actor_open", "setting", "action", "camera", "count")
    assert set(report.scores) == {*singles, "relation", "both_actors", "order"}
    for name, score in report.scores.items():
        assert score.num == (3 if name in singles else 2)
        assert 0 <= score.low <= score.score <= score.high <= 1
        assert score.ceiling is not None
        assert 0 < score.majority <= 1
    assert report.notes == ()


def test_a_report_says_how_well_the_code_gives_renders_back(report: EvaluationReport) -> None:
    assert report.num_coded == 3
    assert report.linear is not None
    assert report.decoder is not None
    assert 12 < report.linear.psnr_db < 40
    assert 0.2 < report.linear.ssim < 1
    # An untrained refiner changes nothing.
    assert report.decoder.psnr_db == pytest.approx(report.linear.psnr_db, abs=1e-3)


def test_a_report_is_one_plain_json_object(report: EvaluationReport) -> None:
    plain = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert plain["split"] == "heldout"
    assert (plain["width"], plain["height"], plain["num_frames"]) == (64, 64, 9)
    assert sum(count["num"] for count in plain["actors"].values()) == 3
    assert (
        sum(found["times"] for found in plain["confusions"])
        + sum(count["hits"] for count in plain["actors"].values())
        == 3
    )


def test_the_same_request_gives_the_same_report(report: EvaluationReport) -> None:
    again = evaluate(replace(QUICK, batch_size=8), tiny_model(), tiny_oracle())
    assert again.scores == report.scores
    assert again.linear == report.linear


def test_without_art_the_ceilings_are_empty_and_a_note_says_why() -> None:
    request = replace(QUICK, num=1, num_pairs=0, cast=("fox",))
    found = evaluate(request, tiny_model(), tiny_oracle(("fox",)))
    assert found.scores["actor"].ceiling is None
    assert found.scores["actor"].share is None
    assert found.linear is None
    assert found.actors["fox"].ceiling_hits is None
    assert "unstrung data fetch" in found.notes[0]


def test_a_cast_that_the_oracle_does_not_know_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="ring"):
        evaluate(QUICK, tiny_model(), tiny_oracle(("circle", "box", "triangle")))


def test_a_still_evaluation_leaves_the_order_out() -> None:
    found = evaluate(replace(QUICK, seconds=0.05, num_pairs=1), tiny_model(), tiny_oracle())
    assert found.shape.frames == 1
    assert "order" not in found.scores
    assert found.scores["actor"].num == 3


def test_progress_may_stop_the_run() -> None:
    def stop(_stage: str, _done: int, _total: int) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        evaluate(QUICK, tiny_model(), tiny_oracle(), stop)


def test_the_sheet_shows_each_clip_with_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    evaluate(replace(QUICK, num_pairs=0, sheet=path), tiny_model(), tiny_oracle())
    colours = {tuple(colour) for colour in np.asarray(Image.open(path)).reshape(-1, 3)}
    assert colours & {evaluation._GREEN, evaluation._RED}


def test_a_mirrored_relation_is_told_by_where_the_actors_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shot = Shot((Actor("circle"), Actor("box")), Setting.SNOW, relation=Relation.LEFT_OF)
    clip = render(Script((shot,)), VideoShape(9, 64, 64), Sprites(None))
    judge = judging.Judge(ScriptedOracle(["circle", "box"], Relation.RIGHT_OF, Setting.SNOW), PROPS)
    for circle_x, box_x, right in ((0.2, 0.8, True), (0.8, 0.2, False)):
        places = {"circle": (0.5, circle_x), "box": (0.5, box_x)}
        monkeypatch.setattr(judging.Judge, "_place", lambda _s, name, _f, at=places: at[name])
        marks = judge.marks(Script((shot,)), clip)
        assert marks.right == {"relation": right, "both_actors": True}


def test_a_member_is_found_where_it_is_drawn() -> None:
    oracle = tiny_oracle()
    features = torch.zeros(9, 16, 8, 8)
    features[:, :, 2, 6] = 1.0
    oracle.stem, oracle.trunk = torch.nn.Identity(), torch.nn.Identity()
    with torch.no_grad():
        oracle.actor_head.weight[0] = 1.0
    y, x = judging.Judge(oracle, PROPS)._place("circle", features[None])
    assert y == pytest.approx(2 / 7, abs=0.02)
    assert x == pytest.approx(6 / 7, abs=0.02)


def test_two_shots_in_the_wrong_order_are_wrong() -> None:
    shots = tuple(Shot((Actor("ring"),), setting) for setting in (Setting.SNOW, Setting.CITY))
    clip = np.zeros((9, 64, 64, 3), np.uint8)
    judge = judging.Judge(ScriptedOracle(["ring"], None, Setting.SNOW), PROPS)
    assert judge.marks(Script((shots[0], shots[0])), clip).right == {"order": True}
    assert judge.marks(Script(shots), clip).right == {"order": False}


@pytest.mark.parametrize(("num_frames", "second"), [(49, 25), (9, 5), (5, 1)])
def test_shots_are_cut_where_the_renderer_cuts_them(num_frames: int, second: int) -> None:
    assert judging._first_frames(2, VideoShape(num_frames, 64, 64)) == [0, second]


def test_the_interval_of_a_share_holds_it_and_narrows_with_the_count() -> None:
    few, many = judging._wilson(9, 10), judging._wilson(900, 1000)
    assert few[0] < many[0] < 0.9 < many[1] < few[1]
    assert judging._wilson(0, 5)[0] == 0.0
    assert judging._wilson(5, 5)[1] == 1.0


def test_equal_clips_are_alike_and_noise_makes_them_less_so() -> None:
    clip = torch.rand(1, 3, 2, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert psnr_db(clip, clip) == pytest.approx(100)
    assert ssim(clip, clip) == pytest.approx(1.0)
    assert psnr_db(clip, clip + 0.2) == pytest.approx(20.0, abs=1e-3)
    assert 0 < ssim((clip * 0.5), clip) < 0.95
    assert ssim(-clip, clip) < 0


def test_similarity_of_flat_pictures_is_the_luminance_term() -> None:
    dark, light = torch.full((1, 3, 1, 16, 16), -0.5), torch.full((1, 3, 1, 16, 16), 0.5)
    expected = (2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4)
    assert ssim(dark, light) == pytest.approx(expected, abs=1e-6)


def test_an_oracle_survives_being_saved(tmp_path: Path) -> None:
    oracle, frames = tiny_oracle(), torch.zeros(1, 1, 3, 128, 128)
    save_oracle(tmp_path / "oracle.safetensors", oracle)
    loaded = load_oracle(tmp_path / "oracle.safetensors")
    assert loaded.config == oracle.config
    with torch.no_grad():
        assert torch.allclose(loaded(frames).actors, oracle(frames).actors, atol=1e-2)


def test_a_file_that_holds_no_oracle_is_refused(tmp_path: Path) -> None:
    save_autoencoder(tmp_path / "oracle.safetensors", tiny_autoencoder())
    with pytest.raises(CheckpointError, match="no oracle"):
        load_oracle(tmp_path / "oracle.safetensors")


def test_the_claimed_cast_stands_beside_the_weights(tmp_path: Path) -> None:
    assert evaluation.chosen_cast("claimed", tmp_path) == "lead"
    assert evaluation.chosen_cast("box, ring", tmp_path) == ("box", "ring")
    (tmp_path / "claims.json").write_text('{"actors": ["fox"]}', "utf-8")
    assert evaluation.chosen_cast("claimed", tmp_path) == ("fox",)
    assert evaluation.chosen_cast("lead", tmp_path) == "lead"
    (tmp_path / "claims.json").write_text("[]", "utf-8")
    with pytest.raises(CheckpointError, match="list of actors"):
        evaluation.chosen_cast("claimed", tmp_path)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, model = tmp_path_factory.mktemp("weights"), tiny_model()
    facts = {"preset": "tiny", "target": "clean", "cast": PROPS}
    save_transformer(folder / "transformer.safetensors", model.denoiser.transformer, facts)
    save_text_encoder(folder / "text_encoder.safetensors", model.denoiser.text_encoder)
    save_autoencoder(folder / "autoencoder.safetensors", model.autoencoder)
    save_oracle(folder / "oracle.safetensors", tiny_oracle())
    return folder


QUICK_OPTIONS = [
    "--num",
    "2",
    "--pairs",
    "1",
    "--steps",
    "1",
    "--guidance",
    "1",
    "--seconds",
    "0.8",
    "--cast",
    ",".join(PROPS),
]


def test_the_command_prints_one_json_object(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.png"
    options = [*QUICK_OPTIONS, "--weights", str(weights), "--sheet", str(sheet), "--json"]
    assert main(["evaluate", *options]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["model"] == "tiny"
    assert printed["scores"]["setting"]["num"] == 2
    assert printed["sheet"] == str(sheet)
    assert sheet.is_file()


def test_the_command_prints_a_table_for_people(
    weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *QUICK_OPTIONS, "--weights", str(weights)]) == 0
    printed = capsys.readouterr().out
    assert "ceiling" in printed
    assert "both actors" in printed
    assert "PSNR" in printed


def test_the_command_refuses_unknown_characters(
    weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--cast", "nobody", "--weights", str(weights)]) == 2
    assert "nobody" in capsys.readouterr().err
