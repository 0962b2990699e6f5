"""The Hugging Face Space: one screen to make a clip, and what whoever gives access is bound by.

With `UNSTRUNG_API` set it asks that studio, with a key that each person brings and that is kept nowhere;
without, the shipped model runs in the Space. In a Space, people sign in with Hugging Face before they make
anything. There is no credential in here, and no result is copied anywhere.
"""

import os
from typing import Any, Final

import gradio as gr
from makers import Ask, EngineMaker, Maker, NotMade, StudioMaker

EXAMPLES: Final = (
    "a fox crosses a snowy field",
    "due anatre attraversano il mare",
    "un lapin saute dans la forêt",
    "una ballena nada bajo el agua",
    "فيل يقف على المسرح",
    "seekor kucing berputar di pantai",
)
_LETTER: Final = """
## To whoever gives early access

In November 2024 artists who had early access to a text-to-video model wrote that they were not free bug
testers, PR puppets, training data or validation tokens. Three hours later everybody's access was cut. What we
ask of everybody who opens a model, and hold ourselves to:

1. Pay for work. Play is free of duties, and nobody counts it.
2. Ask before a work or a name is used, for each use; no is a full answer.
3. Refuse with reasons, and let somebody else hear the appeal.
4. Let people criticise you inside your own product.
5. Pause with a reason, an end, and nobody's works taken away.
6. Write down what you do to people where outsiders can check it.
"""


def maker_of(environment: dict[str, str]) -> Maker:
    """The studio that is named, or the engine here."""
    url = environment.get("UNSTRUNG_API", "")
    return StudioMaker(url) if url else EngineMaker()


def build(maker: Maker, is_space: bool) -> gr.Blocks:
    """The page.

    Args:
        maker: what makes clips.
        is_space: whether people have to sign in with Hugging Face, which works only there.
    """

    def make(
        prompt: str,
        seconds: float,
        size: str,
        seed: str,
        key: str,
        profile: gr.OAuthProfile | None = None,
        progress: Any = gr.Progress(),  # noqa: B008  # Gradio finds it by this default
    ) -> tuple[str, str]:
        if is_space and profile is None:
            raise gr.Error("Sign in with Hugging Face first; it is the button at the top.")
        if not prompt.strip():
            raise gr.Error("Write what should be seen.")
        if seed.strip() and not seed.strip().isdigit():
            raise gr.Error(f"Seed must be a whole number such as 7, got {seed.strip()!r}.")
        ask = Ask(prompt, seconds, size, int(seed) if seed.strip() else None)
        try:
            made = maker.make(ask, key, lambda done, phase: progress(done, desc=phase))
        except NotMade as refusal:
            raise gr.Error(str(refusal)) from refusal
        return str(made.path), f"{made.told}\n\nSeed: {made.seed}"

    with gr.Blocks(title="Unstrung") as page:
        with gr.Row(equal_height=True):
            gr.Markdown("# Unstrung\nOpen text to video. No strings attached.")
            if is_space:
                gr.LoginButton()
        with gr.Tab("Make"), gr.Row():
            with gr.Column():
                prompt = gr.Textbox(
                    label="What should be seen?",
                    placeholder=EXAMPLES[0],
                    lines=3,
                    max_length=32_000,
                )
                with gr.Row():
                    seconds = gr.Slider(1, 12, 4, step=1, label="Seconds")
                    size = gr.Dropdown(maker.sizes, value=maker.sizes[0], label="Size")
                    seed = gr.Textbox(label="Seed (empty: drawn)", max_length=12)
                key = gr.Textbox(
                    label="Your key (kept nowhere)", type="password", visible=maker.needs_key
                )
                button = gr.Button("Make it", variant="primary")
                gr.Examples([[each] for each in EXAMPLES], [prompt], label="Six languages")
            with gr.Column():
                video = gr.Video(label="Clip", autoplay=True, loop=True)
                told = gr.Markdown()
        with gr.Tab("Open letter"):
            gr.Markdown(_LETTER)
            if isinstance(maker, StudioMaker):
                terms = gr.Markdown(
                    f"What {maker.url} is bound by is read when this tab is opened."
                )
                page.load(lambda: _terms(maker), outputs=terms, api_name=False)
        asked = [prompt, seconds, size, seed, key]
        button.click(make, asked, [video, told], api_name="make", concurrency_limit=1)
        prompt.submit(make, asked, [video, told], api_name=False, concurrency_limit=1)
    return page


def _terms(maker: StudioMaker) -> str:
    try:
        return maker.terms()
    except NotMade as refusal:
        return str(refusal)


def main() -> None:
    """Start the page."""
    page = build(maker_of(dict(os.environ)), "SPACE_ID" in os.environ)
    page.queue(max_size=32).launch(theme=gr.themes.Soft(primary_hue="red", neutral_hue="stone"))


if __name__ == "__main__":
    main()
